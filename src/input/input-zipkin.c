#include "config.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/input/args.h"
#include "zipkin-door.h"

#define DEFAULT_HTTP "127.0.0.1:9411"

struct input {
	struct tracing tracing;
	struct http *http;
};

static struct input *
zipkin_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	const char *address = DEFAULT_HTTP;
	struct tracing_words words = { 0 };
	const struct args_option table[] = {
		{ "--http", &address },
		TRACING_ARGS(&words),
		{ NULL, NULL },
	};
	int files = args_take(argc, argv, table, d);

	if (files > 0)
		diag_set(d, STATUS_ERR_USAGE, "zipkin reads no files ('%s')", argv[1]);
	if (files == 0 && tracing_open(&in->tracing, &words, env, d) == STATUS_OK) {
		in->http = zipkin_door_open(&in->tracing, address, d);
		if (in->http)
			return in;
		tracing_close(&in->tracing, (struct input_time){ 0 });
	}
	free(in);
	return NULL;
}

static unsigned
zipkin_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	*ret_wait_us =
		tracing_wait(&in->tracing, http_wait(in->http, in->tracing.now_us));
	if (max == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = http_fd(in->http), .events = POLLIN };
	return 1;
}

static enum status
zipkin_step(struct input *in, struct input_time t, struct diag *d)
{
	(void)d;
	tracing_now(&in->tracing, t);
	http_step(in->http, t.mono_us);
	tracing_tick(&in->tracing);
	return STATUS_OK;
}

static void
zipkin_counts(const struct input *in, struct input_counts *ret_counts)
{
	*ret_counts = (struct input_counts){ 0 };
	tracing_add_http(ret_counts, in->http);
	tracing_counts(&in->tracing, ret_counts);
}

static const char *
zipkin_where(const struct input *in)
{
	return http_where(in->http);
}

static void
zipkin_close(struct input *in, struct input_time t)
{
	http_close(in->http);
	tracing_close(&in->tracing, t);
	free(in);
}

const struct input_ops input_zipkin = {
	.id = "zipkin",
	.about = "spans as Zipkin v2 JSON, from Zipkin's libraries and others",
	.options = "  --http ADDR:PORT   listen here (default " DEFAULT_HTTP
		   ")\n" TRACING_HELP,
	.open = zipkin_open,
	.fds = zipkin_fds,
	.step = zipkin_step,
	.counts = zipkin_counts,
	.where = zipkin_where,
	.close = zipkin_close,
};
