/*
 * otlp-kit - what the two fuzz targets of OTLP share: every signal, through to events.
 */
#ifndef WEIR_TESTS_FUZZ_OTLP_KIT_H
#define WEIR_TESTS_FUZZ_OTLP_KIT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/input/rates.h"
#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/input/otlp.h"

struct kit {
	struct pair *pair;
	struct rates *rates;
	uint64_t records;
};

static inline void
kit_event(void *ctx, const struct event *e)
{
	(void)ctx;
	if (e->type != EVENT_FLOW)
		return;
	if (e->u.flow.src.n == 0 || e->u.flow.dst.n == 0 || e->u.flow.weight == 0 ||
		flow_latency_us(&e->u.flow) < 0)
		abort();
}

static inline void
kit_span(void *ctx, const struct span *s)
{
	struct kit *k = ctx;

	if (s->duration_us < 0 || s->end_us < 0)
		abort();
	k->records++;
	pair_add(k->pair, s, 0);
}

static inline void
kit_note(void *ctx, const struct note *n)
{
	((struct kit *)ctx)->records++;
	if (n->service.n == 0 || n->text.n == 0 || n->at_us < 0)
		abort();
}

static inline void
kit_gauge(void *ctx, const struct gauge *g)
{
	((struct kit *)ctx)->records++;
	if (g->service.n == 0 || !isfinite(g->value) || g->at_us < 0)
		abort();
}

static inline void
kit_counter(void *ctx, const struct otlp_counter *c)
{
	const struct rates_look look = { c->series, c->start_us, c->at_us, c->delta,
		c->count, c->sum };
	struct kit *k = ctx;
	struct rates_step s;

	k->records++;
	if (c->service.n == 0 || c->name.n == 0)
		abort();
	if (rates_take(k->rates, &look, &s) &&
		!(s.count >= 0 && isfinite(s.count / s.seconds) && isfinite(s.sum)))
		abort();
}

static inline void
kit_run(const uint8_t *data, size_t size, enum otlp_encoding e)
{
	static const struct pair_options po = { .max_halves = 64, .max_seen = 64 };

	for (int signal = OTLP_TRACES; signal <= OTLP_LOGS; signal++) {
		struct kit k = { .pair = pair_new(&po, kit_event, NULL),
			.rates = rates_new() };
		struct otlp_sink sink = { kit_span, kit_note, kit_gauge, &k,
			kit_counter };
		char *body = xmalloc(size);
		struct otlp_result r;

		memcpy(body, data, size);
		if (otlp_read((enum otlp_signal)signal, e, body, size, &sink, &r) &&
			k.records > 0)
			abort(); /* refused, but something was handed on */
		if (r.rejected > 0 && !r.why)
			abort();
		pair_flush(k.pair);
		pair_free(k.pair);
		rates_free(k.rates);
		free(body);
	}
}

#endif
