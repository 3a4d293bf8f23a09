#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/input/args.h"
#include "weir/input/grpc.h"
#include "weir/input/http.h"
#include "weir/input/otlp.h"
#include "zipkin-door.h"

#define DEFAULT_HTTP "127.0.0.1:4318"
#define DEFAULT_GRPC "127.0.0.1:4317"

/* Indices of both are enum otlp_signal. */
static const struct http_route routes[] = {
	[OTLP_TRACES] = { "/v1/traces", HTTP_JSON | HTTP_PROTOBUF },
	[OTLP_METRICS] = { "/v1/metrics", HTTP_JSON | HTTP_PROTOBUF },
	[OTLP_LOGS] = { "/v1/logs", HTTP_JSON | HTTP_PROTOBUF },
};
#define SERVICE "/opentelemetry.proto.collector."
static const char *const methods[] = {
	[OTLP_TRACES] = SERVICE "trace.v1.TraceService/Export",
	[OTLP_METRICS] = SERVICE "metrics.v1.MetricsService/Export",
	[OTLP_LOGS] = SERVICE "logs.v1.LogsService/Export",
};

struct input {
	struct tracing tracing;
	struct http *http; /* any may be NULL */
	struct grpc *grpc;
	struct http *zipkin;
	struct buf where;
};

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
		return GRPC_UNIMPLEMENTED;
	case 413:
	case 429:
		return GRPC_RESOURCE_EXHAUSTED;
	case 503:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_INVALID_ARGUMENT;
	}
}

static void
refuse(void *ctx, enum http_type type, unsigned code, const char *why, struct buf *body)
{
	(void)ctx;
	otlp_put_status(body, encoding_of(type), rpc_code(code), why);
}

/* Read one body and put the answer to one that was taken in @answer. */
static enum status
take(struct input *in, enum otlp_signal signal, enum otlp_encoding e, char *body,
	size_t n, struct buf *answer)
{
	const struct otlp_sink sink = tracing_sink(&in->tracing);
	struct otlp_result result = { 0 };
	enum status s = otlp_read(signal, e, body, n, &sink, &result);

	in->tracing.rejected += result.rejected;
	if (s)
		in->tracing.unreadable++;
	else
		otlp_put_response(answer, signal, e, &result);
	return s;
}

static void
serve_http(void *ctx, const struct http_request *r, struct http_answer *a)
{
	enum otlp_encoding e = encoding_of(r->type);
	enum status s = take(ctx, (enum otlp_signal)r->route, e, r->body, r->n, &a->body);

	if (!s)
		return;
	a->code = s == STATUS_ERR_TOO_BIG ? 413 : 400;
	otlp_put_status(&a->body, e, rpc_code(a->code), status_text(s));
}

static void
serve_grpc(void *ctx, const struct grpc_call *c, struct grpc_answer *a)
{
	enum status s = take(
		ctx, (enum otlp_signal)c->method, OTLP_PROTOBUF, c->body, c->n, &a->body);

	if (!s)
		return;
	a->code =
		s == STATUS_ERR_TOO_BIG ? GRPC_RESOURCE_EXHAUSTED : GRPC_INVALID_ARGUMENT;
	a->why = status_text(s);
}

static bool
congested(void *ctx)
{
	return tracing_congested(&((struct input *)ctx)->tracing);
}

/* ------------------------------------------------------------ the input */

/* Open the doors asked for: both of OTLP's, or the one that was named alone. */
static bool
open_doors(struct input *in, const char *http, const char *grpc, const char *zipkin,
	struct diag *d)
{
	const struct http_options ho = {
		.address = http || grpc ? http : DEFAULT_HTTP,
		.routes = routes,
		.route_count = ARRAY_LEN(routes),
		.serve = serve_http,
		.refuse = refuse,
		.congested = congested,
		.quota = in->tracing.quota,
		.ctx = in,
	};
	const struct grpc_options go = {
		.address = http || grpc ? grpc : DEFAULT_GRPC,
		.methods = methods,
		.method_count = ARRAY_LEN(methods),
		.serve = serve_grpc,
		.congested = congested,
		.quota = in->tracing.quota,
		.ctx = in,
	};

	if (ho.address) {
		in->http = http_open(&ho, d);
		if (!in->http)
			return false;
		buf_adds(&in->where, http_where(in->http));
	}
	if (go.address) {
		in->grpc = grpc_open(&go, d);
		if (!in->grpc)
			return false;
		buf_addf(&in->where, "%sgRPC %s", in->where.n > 0 ? " and " : "",
			grpc_where(in->grpc));
	}
	if (zipkin) {
		in->zipkin = zipkin_door_open(&in->tracing, zipkin, d);
		if (!in->zipkin)
			return false;
		buf_addf(&in->where, " and Zipkin %s", http_where(in->zipkin));
	}
	return true;
}

static void
close_doors(struct input *in)
{
	http_close(in->http);
	http_close(in->zipkin);
	grpc_close(in->grpc);
	buf_done(&in->where);
}

static struct input *
otlp_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	const char *http = NULL, *grpc = NULL, *zipkin = NULL;
	struct tracing_words words = { 0 };
	const struct args_option table[] = {
		{ "--http", &http },
		{ "--grpc", &grpc },
		{ "--zipkin", &zipkin },
		TRACING_ARGS(&words),
		OTLP_ARGS(&words),
		{ NULL, NULL },
	};
	int files = args_take(argc, argv, table, d);

	if (files > 0)
		diag_set(d, STATUS_ERR_USAGE, "otlp reads no files ('%s')", argv[1]);
	if (files == 0 && tracing_open(&in->tracing, &words, env, d) == STATUS_OK) {
		if (open_doors(in, http, grpc, zipkin, d))
			return in;
		close_doors(in);
		tracing_close(&in->tracing, (struct input_time){ 0 });
	}
	free(in);
	return NULL;
}

static unsigned
otlp_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	int64_t now_us = in->tracing.now_us, wait_us = 60 * SEC_US;
	unsigned n = 0;

	if (in->http && n < max) {
		wait_us = http_wait(in->http, now_us);
		fds[n++] = (struct pollfd){ .fd = http_fd(in->http), .events = POLLIN };
	}
	if (in->grpc && n < max) {
		wait_us = MIN(wait_us, grpc_wait(in->grpc, now_us));
		fds[n++] = (struct pollfd){ .fd = grpc_fd(in->grpc), .events = POLLIN };
	}
	if (in->zipkin && n < max) {
		wait_us = MIN(wait_us, http_wait(in->zipkin, now_us));
		fds[n++] = (struct pollfd){ .fd = http_fd(in->zipkin), .events = POLLIN };
	}
	*ret_wait_us = tracing_wait(&in->tracing, wait_us);
	return n;
}

static enum status
otlp_step(struct input *in, struct input_time t, struct diag *d)
{
	(void)d;
	tracing_now(&in->tracing, t);
	if (in->http)
		http_step(in->http, t.mono_us);
	if (in->grpc)
		grpc_step(in->grpc, t.mono_us);
	if (in->zipkin)
		http_step(in->zipkin, t.mono_us);
	tracing_tick(&in->tracing);
	return STATUS_OK;
}

static void
otlp_counts(const struct input *in, struct input_counts *ret_counts)
{
	struct grpc_stats g = { 0 };

	if (in->grpc)
		grpc_stats(in->grpc, &g);
	*ret_counts = (struct input_counts){
		.requests = g.calls,
		.bytes = g.bytes,
		.rejected = g.refused,
		.busy = g.busy + g.over,
		.over = g.over,
		.evicted = g.evicted,
		.clients = g.connections,
	};
	tracing_add_http(ret_counts, in->http);
	tracing_add_http(ret_counts, in->zipkin);
	tracing_counts(&in->tracing, ret_counts);
}

static const char *
otlp_where(const struct input *in)
{
	return buf_cstr(&in->where);
}

static void
otlp_close(struct input *in, struct input_time t)
{
	close_doors(in);
	tracing_close(&in->tracing, t);
	free(in);
}

const struct input_ops input_otlp = {
	.id = "otlp",
	.about = "spans, logs and gauges from OpenTelemetry SDKs and Collectors",
	.options =
		"  --http ADDR:PORT   listen here (default " DEFAULT_HTTP ")\n"
		"  --grpc ADDR:PORT   and here for gRPC (default " DEFAULT_GRPC ");\n"
		"                     given one alone only it is opened\n"
		"  --zipkin ADDR:PORT take spans as Zipkin's JSON as well\n" TRACING_HELP
			OTLP_HELP,
	.open = otlp_open,
	.fds = otlp_fds,
	.step = otlp_step,
	.counts = otlp_counts,
	.where = otlp_where,
	.close = otlp_close,
};
