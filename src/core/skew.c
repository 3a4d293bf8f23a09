#include "config.h"

#include "weir/core/skew.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define MAX_TEXT 255
#define FORGET_PERIODS 60 /* without a request: the pair is forgotten */

struct entry {
	struct entry *next;
	uint64_t hash;
	int64_t least_us, most_us; /* the difference lies between */
	uint32_t samples, silent;  /* of this period; periods without any */
	uint16_t caller_n, callee_n;
	char text[];
};

struct skew {
	uint32_t max, count, mask;
	int64_t told_us;
	bool started;
	struct entry *buckets[];
};

struct skew *
skew_new(uint32_t max_pairs)
{
	uint32_t n = 64;
	struct skew *s;

	while (n < max_pairs)
		n *= 2;
	s = xcalloc(1, sizeof(*s) + n * sizeof(s->buckets[0]));
	s->max = max_pairs;
	s->mask = n - 1;
	return s;
}

void
skew_free(struct skew *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i <= s->mask; i++)
		while (s->buckets[i]) {
			struct entry *e = s->buckets[i];

			s->buckets[i] = e->next;
			free(e);
		}
	free(s);
}

static struct str
caller_of(const struct entry *e)
{
	return (struct str){ e->text, e->caller_n };
}

static struct str
callee_of(const struct entry *e)
{
	return (struct str){ e->text + e->caller_n, e->callee_n };
}

/* The entry of that pair, made when there is room; NULL when there is none. */
static struct entry *
find(struct skew *s, struct str caller, struct str callee)
{
	uint64_t hash =
		hash_bytes(caller.p, caller.n) * 31 + hash_bytes(callee.p, callee.n);
	struct entry **at = &s->buckets[hash & s->mask], *e;

	for (; *at; at = &(*at)->next)
		if ((*at)->hash == hash && str_eq(caller_of(*at), caller) &&
			str_eq(callee_of(*at), callee))
			return *at;
	if (s->count >= s->max)
		return NULL;
	s->count++;
	e = *at = xmalloc(sizeof(*e) + caller.n + callee.n);
	*e = (struct entry){ .hash = hash,
		.caller_n = (uint16_t)caller.n,
		.callee_n = (uint16_t)callee.n };
	memcpy(e->text, caller.p, caller.n);
	memcpy(e->text + caller.n, callee.p, callee.n);
	return e;
}

void
skew_add(struct skew *s, struct str caller, struct str callee,
	const struct skew_times *by_caller, const struct skew_times *by_callee)
{
	int64_t a = by_callee->end_us - by_caller->end_us;
	int64_t b = by_callee->start_us - by_caller->start_us;
	struct entry *e;

	if (caller.n == 0 || caller.n > MAX_TEXT || callee.n == 0 ||
		callee.n > MAX_TEXT || by_caller->start_us <= 0 ||
		by_callee->start_us <= 0)
		return;
	e = find(s, caller, callee);
	if (!e)
		return;
	/* A callee that took longer than its caller leaves an empty interval. */
	if (e->samples++ == 0) {
		e->least_us = MIN(a, b);
		e->most_us = MAX(a, b);
	} else {
		e->least_us = MAX(e->least_us, MIN(a, b));
		e->most_us = MIN(e->most_us, MAX(a, b));
	}
	e->silent = 0;
}

static int64_t
difference(const struct entry *e)
{
	/* Contradictory bounds, from jitter or a clock that is being set: between them. */
	int64_t least_us = MIN(e->least_us, e->most_us);
	int64_t most_us = MAX(e->least_us, e->most_us);
	int64_t us = least_us + (most_us - least_us) / 2;

	if ((least_us <= 0 && most_us >= 0) || llabs(us) < SKEW_LEAST_US)
		return 0;
	return us;
}

void
skew_flush(struct skew *s, skew_fn fn, void *ctx)
{
	for (uint32_t i = 0; i <= s->mask; i++) {
		struct entry **at = &s->buckets[i];

		while (*at) {
			struct entry *e = *at;

			if (e->samples > 0)
				fn(ctx, caller_of(e), callee_of(e), difference(e));
			e->samples = 0;
			if (++e->silent <= FORGET_PERIODS) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			free(e);
			s->count--;
		}
	}
}

void
skew_tick(struct skew *s, int64_t now_us, skew_fn fn, void *ctx)
{
	if (!s->started || now_us < s->told_us) {
		s->started = true;
		s->told_us = now_us;
	}
	if (now_us - s->told_us < SKEW_PERIOD_US)
		return;
	s->told_us = now_us;
	skew_flush(s, fn, ctx);
}
