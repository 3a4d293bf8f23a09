/* Whatever a document holds: only sound spans come of it, and memory stays bounded. */
#include "config.h"

#include "otlp-kit.h"
#include "weir/input/jaeger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pair_options po = { .max_halves = 64, .max_seen = 64 };
	struct kit k = { .pair = pair_new(&po, kit_event, NULL) };
	struct buf names = BUF_INIT;
	char *body = xmalloc(size);
	struct jaeger_result r = { 0 };

	memcpy(body, data, size);
	jaeger_read(body, size, kit_span, &k, &r);
	if (k.records != r.accepted)
		abort();
	memcpy(body, data, size);
	jaeger_read_services(body, size, &names);
	if (names.n > 0 && names.p[names.n - 1] != '\0')
		abort();
	pair_flush(k.pair);
	pair_free(k.pair);
	buf_done(&names);
	free(body);
	return 0;
}
