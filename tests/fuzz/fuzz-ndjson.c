/* Lines from a script through the whole ndjson input: every event is sound. */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/input/input.h"

extern const struct input_ops input_ndjson;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
emit(void *ctx, const struct event *e)
{
	(void)ctx;
	switch (e->type) {
	case EVENT_FLOW:
		if (e->u.flow.src.n == 0 || e->u.flow.dst.n == 0 || e->u.flow.weight == 0)
			abort();
		break;
	case EVENT_GAUGE:
		if (!isfinite(e->u.gauge.value))
			abort();
		break;
	case EVENT_MEMBER:
		if (e->u.member.service.n == 0 || e->u.member.group.n == 0)
			abort();
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "ndjson", path[] = "/tmp/fuzz-ndjson-XXXXXX";
	char *argv[] = { name, path, NULL };
	struct input_env env = { .emit = emit };
	struct input_time t = { 1, SEC_US };
	struct diag d = { 0 };
	int fd = mkstemp(path);
	struct input *in;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	close(fd);
	in = input_ndjson.open(2, argv, &env, &d);
	unlink(path);
	if (!in)
		abort();
	while (!input_ndjson.step(in, t, &d))
		;
	input_ndjson.close(in, t);
	return 0;
}
