/* A filter, whatever its text, is compiled or refused with a reason, and can be asked. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag d = { .text = "" };
	char *text = xstrndup((const char *)data, size);
	struct snap s = { 0 };
	struct filter *f;

	snap_node_add(&s, "web");
	snap_node_add(&s, "api");
	snap_edge_add(&s, 0, 1)->stat.p99_us = 9;
	snap_op_add(&s, "GET /");
	f = filter_new(text, &d);
	if (!f && !d.text[0])
		abort();
	if (f)
		filter_apply(f, &s, &s);
	filter_free(f);
	snap_done(&s);
	free(text);
	return 0;
}
