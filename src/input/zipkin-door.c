#include "config.h"

#include "zipkin-door.h"

#include "weir/base/util.h"
#include "weir/input/zipkin.h"

static const struct http_route routes[] = {
	{ "/api/v2/spans", HTTP_JSON },
};

static void
refuse(void *ctx, enum http_type type, unsigned code, const char *why, struct buf *body)
{
	(void)ctx;
	(void)type;
	(void)code;
	buf_addf(body, "{\"error\":\"%s\"}\n", why);
}

static void
serve(void *ctx, const struct http_request *r, struct http_answer *a)
{
	struct tracing *t = ctx;
	struct zipkin_result result;
	enum status s = zipkin_read(r->body, r->n, tracing_span, t, &result);

	t->rejected += result.rejected;
	a->code = 202;
	if (!s)
		return;
	t->unreadable++;
	a->code = s == STATUS_ERR_TOO_BIG ? 413 : 400;
	refuse(ctx, r->type, a->code, status_text(s), &a->body);
}

static bool
congested(void *ctx)
{
	return tracing_congested(ctx);
}

struct http *
zipkin_door_open(struct tracing *t, const char *address, struct diag *d)
{
	const struct http_options o = {
		.address = address,
		.routes = routes,
		.route_count = ARRAY_LEN(routes),
		.serve = serve,
		.refuse = refuse,
		.congested = congested,
		.quota = t->quota,
		.ctx = t,
	};

	return http_open(&o, d);
}
