/* Lines of a log in the format that the first byte names: every flow is sound. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/input/accesslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
emit(void *ctx, const struct event *e)
{
	const struct flow *f = &e->u.flow;

	(void)ctx;
	if (e->type != EVENT_FLOW || f->src.n == 0 || f->dst.n == 0 || f->weight == 0 ||
		f->end_us < 0 || f->client_us < FLOW_UNKNOWN ||
		f->server_us < FLOW_UNKNOWN || f->queue_us < FLOW_UNKNOWN ||
		f->bytes_in < FLOW_UNKNOWN || f->bytes_out < FLOW_UNKNOWN)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fields[] = { "latency=a.b:ms", "time=t", "upstream=u",
		"status=s", NULL };
	struct accesslog_options o = { 0 };
	struct accesslog *a;
	const char *p, *end;
	unsigned formats = 0;

	if (size < 1)
		return 0;
	while (accesslog_format_names[formats])
		formats++;
	o.format = accesslog_format_names[data[0] % formats];
	if (strcmp(o.format, "custom") == 0)
		o.fields = fields;
	a = accesslog_new(&o, NULL);
	if (!a)
		abort();
	/* Each line in memory of its own, so that a read beyond it is seen. */
	for (p = (const char *)data + 1, end = (const char *)data + size; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		char *line = xmalloc(n);

		memcpy(line, p, n);
		accesslog_line(a, (struct str){ line, n }, SEC_US, emit, NULL);
		free(line);
		p += n + 1;
	}
	accesslog_free(a);
	return 0;
}
