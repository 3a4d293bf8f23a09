/* Answers of a query API, one a line, a round each: the deltas of all presets are sound. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/input/promdelta.h"
#include "weir/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUERIES 24
#define ROUNDS 8

struct round {
	struct promdelta *p;
	unsigned q;
};

static void
emit(void *ctx, const struct event *e)
{
	const struct delta *d = &e->u.delta;
	uint64_t sum = 0;

	(void)ctx;
	if (e->type != EVENT_DELTA || d->src.n == 0 || d->dst.n == 0 ||
		d->errors > d->calls || d->span_us <= 0 || d->span_us > 3600 * SEC_US)
		abort();
	for (uint32_t i = 0; i < d->latency.n; i++) {
		if (d->latency.bound_us[i] < 0 ||
			(i > 0 && d->latency.bound_us[i] <= d->latency.bound_us[i - 1]))
			abort();
		sum += d->latency.count[i];
	}
	if (sum > d->calls)
		abort();
}

static void
take(void *ctx, const struct prom_series *s)
{
	struct round *r = ctx;

	for (r->q = 0; r->q < MIN(prom_query_count, QUERIES); r->q++)
		promdelta_series(r->p, r->q, s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rename none;
	const struct prom_query *query[QUERIES];
	const char *at = (const char *)data, *end = at + size;
	struct round r;

	for (unsigned i = 0; i < MIN(prom_query_count, QUERIES); i++)
		query[i] = &prom_queries[i];
	r.p = promdelta_new(query, MIN(prom_query_count, QUERIES), &none, 100);
	for (unsigned n = 0; n < ROUNDS && at < end; n++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((nl ? nl : end) - at);
		char *body = xmalloc(len);
		struct prom_reply reply;

		memcpy(body, at, len);
		promdelta_begin(r.p);
		if (promreply_read(body, len, take, &r, &reply) == STATUS_OK)
			promdelta_end(
				r.p, 1795389900 * SEC_US, reply.partial, 0, emit, NULL);
		free(body);
		at += len + 1;
	}
	promdelta_free(r.p);
	return 0;
}
