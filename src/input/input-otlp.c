#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/input/args.h"
#include "weir/input/http.h"
#include "weir/input/input.h"
#include "weir/input/otlp.h"

#define DEFAULT_ADDRESS "127.0.0.1:4318"

/* Indices are enum otlp_signal. */
static const struct http_route routes[] = {
	[OTLP_TRACES] = { "/v1/traces", HTTP_JSON | HTTP_PROTOBUF },
	[OTLP_METRICS] = { "/v1/metrics", HTTP_JSON | HTTP_PROTOBUF },
	[OTLP_LOGS] = { "/v1/logs", HTTP_JSON | HTTP_PROTOBUF },
};

struct input {
	struct input_env env;
	struct http *http;
	struct pair *pair;
	int64_t now_us;   /* monotonic, as of the last step */
	uint64_t emitted; /* notes and gauges; the pairing counts its own */
	uint64_t rejected, unreadable;
};

static void
emit(void *ctx, const struct event *e)
{
	struct input *in = ctx;

	in->env.emit(in->env.ctx, e);
}

static void
take_span(void *ctx, const struct span *s)
{
	struct input *in = ctx;

	pair_add(in->pair, s, in->now_us);
}

static void
take_note(void *ctx, const struct note *n)
{
	struct input *in = ctx;
	struct event e = { .type = EVENT_NOTE, .u.note = *n };

	in->emitted++;
	emit(in, &e);
}

static void
take_gauge(void *ctx, const struct gauge *g)
{
	struct input *in = ctx;
	struct event e = { .type = EVENT_GAUGE, .u.gauge = *g };

	in->emitted++;
	emit(in, &e);
}

/* ------------------------------------------------------------ requests */

static enum otlp_encoding
encoding_of(enum http_type t)
{
	return t == HTTP_PROTOBUF ? OTLP_PROTOBUF : OTLP_JSON;
}

/* The code of google.rpc.Status that goes with an HTTP status. */
static int
rpc_code(unsigned http)
{
	switch (http) {
	case 404:
	case 405:
		return 12; /* UNIMPLEMENTED */
	case 413:
	case 429:
		return 8; /* RESOURCE_EXHAUSTED */
	case 503:
		return 14; /* UNAVAILABLE */
	default:
		return 3; /* INVALID_ARGUMENT */
	}
}

static void
refuse(void *ctx, enum http_type type, unsigned code, const char *why, struct buf *body)
{
	(void)ctx;
	otlp_put_status(body, encoding_of(type), rpc_code(code), why);
}

static void
serve(void *ctx, const struct http_request *r, struct http_answer *a)
{
	struct input *in = ctx;
	const struct otlp_sink sink = { take_span, take_note, take_gauge, in };
	enum otlp_signal signal = (enum otlp_signal)r->route;
	enum otlp_encoding e = encoding_of(r->type);
	struct otlp_result result = { 0 };
	enum status s = otlp_read(signal, e, r->body, r->n, &sink, &result);

	in->rejected += result.rejected;
	if (!s) {
		otlp_put_response(&a->body, signal, e, &result);
		return;
	}
	in->unreadable++;
	a->code = s == STATUS_ERR_TOO_BIG ? 413 : 400;
	otlp_put_status(&a->body, e, rpc_code(a->code), status_text(s));
}

static bool
congested(void *ctx)
{
	struct input *in = ctx;

	return in->env.congested && in->env.congested(in->env.ctx);
}

/* ------------------------------------------------------------ the input */

static struct input *
otlp_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	const char *address = DEFAULT_ADDRESS, *wait = NULL;
	const struct args_option table[] = {
		{ "--http", &address },
		{ "--wait", &wait },
		{ NULL, NULL },
	};
	struct pair_options po = { 0 };
	struct http_options ho = {
		.routes = routes,
		.route_count = ARRAY_LEN(routes),
		.serve = serve,
		.refuse = refuse,
		.congested = congested,
		.ctx = in,
	};
	int words = args_take(argc, argv, table, d);

	in->env = *env;
	if (words > 0)
		diag_set(d, STATUS_ERR_USAGE, "otlp reads no files ('%s')", argv[1]);
	if (words != 0 || (wait && args_duration("--wait", wait, &po.wait_us, d)))
		goto fail;
	if (getrandom(&po.seed, sizeof(po.seed), GRND_NONBLOCK) != sizeof(po.seed))
		po.seed = (uint64_t)(uintptr_t)in;
	ho.address = address;
	in->http = http_open(&ho, d);
	if (!in->http)
		goto fail;
	in->pair = pair_new(&po, emit, in);
	return in;
fail:
	free(in);
	return NULL;
}

static unsigned
otlp_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	int64_t wait_us = http_wait(in->http, in->now_us);
	int64_t due_us = pair_wait(in->pair, in->now_us);

	*ret_wait_us = due_us >= 0 ? MIN(wait_us, due_us) : wait_us;
	if (max == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = http_fd(in->http), .events = POLLIN };
	return 1;
}

static enum status
otlp_step(struct input *in, struct input_time t, struct diag *d)
{
	(void)d;
	in->now_us = t.mono_us;
	http_step(in->http, t.mono_us);
	pair_tick(in->pair, t.mono_us);
	return STATUS_OK;
}

static void
otlp_counts(const struct input *in, struct input_counts *ret_counts)
{
	struct pair_counts p;
	struct http_stats h;

	pair_counts(in->pair, &p);
	http_stats(in->http, &h);
	*ret_counts = (struct input_counts){
		.requests = h.requests,
		.bytes = h.bytes,
		.spans = p.spans,
		.flows = p.flows + p.works + in->emitted,
		.rejected = in->rejected + h.refused + h.busy,
		.parse_errors = in->unreadable,
		.unpaired = p.unpaired,
		.duplicate = p.duplicate,
		.waiting = p.waiting,
		.overflow = p.overflow,
	};
}

static const char *
otlp_where(const struct input *in)
{
	return http_where(in->http);
}

static void
otlp_close(struct input *in, struct input_time t)
{
	pair_tick(in->pair, t.mono_us);
	pair_flush(in->pair);
	http_close(in->http);
	pair_free(in->pair);
	free(in);
}

const struct input_ops input_otlp = {
	.id = "otlp",
	.about = "spans, logs and gauges from OpenTelemetry SDKs and Collectors",
	.options = "  --http ADDR:PORT   listen here (default " DEFAULT_ADDRESS ")\n"
		   "  --wait DURATION    for the other half of a request (default 10s)\n",
	.open = otlp_open,
	.fds = otlp_fds,
	.step = otlp_step,
	.counts = otlp_counts,
	.where = otlp_where,
	.close = otlp_close,
};
