/* Whatever a body holds: it is taken whole or not at all, and gives only sound spans. */
#include "config.h"

#include "otlp-kit.h"
#include "weir/input/zipkin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pair_options po = { .max_halves = 64, .max_seen = 64 };
	struct kit k = { .pair = pair_new(&po, kit_event, NULL) };
	char *body = xmalloc(size);
	struct zipkin_result r;

	memcpy(body, data, size);
	if (zipkin_read(body, size, kit_span, &k, &r) && k.records > 0)
		abort();
	pair_flush(k.pair);
	pair_free(k.pair);
	free(body);
	return 0;
}
