#include "config.h"

#include "window-sums.h"

#include <assert.h>
#include <stdlib.h>

#include "weir/base/util.h"

void
sums_init(struct sums *s)
{
	*s = (struct sums){
		.free_first = WINDOW_NO_SERIES,
		.free_last = WINDOW_NO_SERIES,
	};
}

void
sums_done(struct sums *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		hist_done(&s->series[i].hist);
	free(s->series);
}

static void
grow(struct sums *s)
{
	void *p;

	s->room = s->room ? s->room * 2 : 64;
	p = xmalloc_aligned(SUMS_LINE, s->room * sizeof(*s->series));
	if (s->count)
		memcpy(p, s->series, s->count * sizeof(*s->series));
	free(s->series);
	s->series = p;
}

uint32_t
sums_new(struct sums *s, uint32_t parent, int64_t rested_tick)
{
	uint32_t id = s->free_first;

	assert(parent == WINDOW_NO_SERIES ||
		s->series[parent].parent == WINDOW_NO_SERIES);
	if (id != WINDOW_NO_SERIES && s->series[id].freed_tick < rested_tick) {
		s->free_first = s->series[id].next_free;
		if (s->free_first == WINDOW_NO_SERIES)
			s->free_last = WINDOW_NO_SERIES;
		hist_done(&s->series[id].hist);
	} else {
		if (s->count == s->room)
			grow(s);
		id = s->count++;
	}
	s->series[id] = (struct series){ .parent = parent };
	return id;
}

void
sums_free(struct sums *s, uint32_t id, int64_t tick)
{
	s->series[id].freed_tick = tick;
	s->series[id].next_free = WINDOW_NO_SERIES;
	if (s->free_last == WINDOW_NO_SERIES)
		s->free_first = id;
	else
		s->series[s->free_last].next_free = id;
	s->free_last = id;
}

/* Have the head of a series on its way. */
static inline void
fetch(const struct series *s)
{
	__builtin_prefetch(s, 1);
	__builtin_prefetch(&s->hist.at);
}

/* What is behind the head of a series: a counter, and the head of its parent. */
static inline void
fetch_next(const struct series *all, uint32_t id, unsigned bucket)
{
	if (bucket != WINDOW_NO_LATENCY)
		hist_fetch_counter(&all[id].hist, bucket);
	if (all[id].parent != WINDOW_NO_SERIES)
		fetch(&all[all[id].parent]);
}

/* Put an entry in (@sign 1) or take it out (-1). */
static inline void
apply_entry(struct series *s, const struct entry *e, uint64_t sign)
{
	s->often[TOTAL_ERRORS - TOTAL_ERRORS] += sign * (e->flags & ENTRY_FAILED);
	s->often[TOTAL_IN - TOTAL_ERRORS] += sign * e->in;
	s->often[TOTAL_OUT - TOTAL_ERRORS] += sign * e->out;
	s->often[TOTAL_IN_KNOWN - TOTAL_ERRORS] += sign * !!(e->flags & ENTRY_IN);
	s->often[TOTAL_OUT_KNOWN - TOTAL_ERRORS] += sign * !!(e->flags & ENTRY_OUT);
	if (e->bucket == WINDOW_NO_LATENCY) {
		s->seldom[TOTAL_BARE] += sign;
		return;
	}
	hist_move(&s->hist, e->bucket, (uint32_t)sign);
	s->hist.total += sign;
}

/* An entry is prepared in three steps, which others are between. */
#define STEP 8

void
sums_entries(struct sums *sums, const struct entry *e, uint32_t n, bool take)
{
	struct series *all = sums->series;
	uint64_t sign = take ? UINT64_MAX : 1;

	for (uint64_t i = 0; i < (uint64_t)n + 3 * STEP; i++) {
		if (i < n)
			fetch(&all[e[i].series]);
		if (i >= STEP && i < (uint64_t)n + STEP)
			fetch_next(all, e[i - STEP].series, e[i - STEP].bucket);
		if (i >= 2 * STEP && i < (uint64_t)n + 2 * STEP) {
			const struct entry *at = &e[i - 2 * STEP];

			if (all[at->series].parent != WINDOW_NO_SERIES)
				fetch_next(all, all[at->series].parent, at->bucket);
		}
		if (i >= 3 * STEP) {
			const struct entry *at = &e[i - 3 * STEP];
			uint32_t up = all[at->series].parent;

			apply_entry(&all[at->series], at, sign);
			if (up != WINDOW_NO_SERIES)
				apply_entry(&all[up], at, sign);
		}
	}
}

/* @minus: take out. */
static inline void
apply_totals(struct series *s, const struct totals *t, bool minus)
{
	uint64_t seldom = 0, flip = minus ? UINT64_MAX : 0;

	for (unsigned i = TOTAL_ERRORS; i < TOTALS; i++)
		s->often[i - TOTAL_ERRORS] += (t->v[i] ^ flip) - flip;
	for (unsigned i = 0; i < TOTAL_ERRORS; i++)
		seldom |= t->v[i];
	for (unsigned i = 0; seldom && i < TOTAL_ERRORS; i++)
		s->seldom[i] += (t->v[i] ^ flip) - flip;
}

static inline void
apply_pairs(struct series *s, const uint16_t *bucket, const uint32_t *count, unsigned n,
	bool minus)
{
	uint32_t flip = minus ? UINT32_MAX : 0;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		hist_move(&s->hist, bucket[i], (count[i] ^ flip) - flip);
		total += count[i];
	}
	s->hist.total += minus ? -total : total;
}

static inline void
fetch_pairs(const struct series *s, const uint16_t *bucket, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		hist_fetch_counter(&s->hist, bucket[i]);
}

/* Some latencies of two runs, read ahead, and the groups or parts of groups they are of. */
#define AHEAD 64
#define PIECES 32
#define NO_PAGE UINT32_MAX

struct ahead {
	struct piece {
		uint32_t series;
		uint32_t page; /* which one is full; or NO_PAGE */
		unsigned to;   /* index behind its last latency that is not in there */
		bool minus;
		struct totals totals;
	} piece[PIECES];
	unsigned pieces, n;
	uint16_t bucket[AHEAD + RUN_PART];
	uint32_t count[AHEAD + RUN_PART];
	uint8_t full[PIECES][HIST_PAGE];
};

/* Where the next piece comes from: a group that was begun, or the lower series. */
static inline struct run_cursor *
turn_next(struct run_cursor *in, struct run_cursor *out)
{
	return out->left || (!in->left && run_peek(out) < run_peek(in)) ? out : in;
}

static void
read_ahead(const struct sums *sums, struct run_cursor *in, struct run_cursor *out,
	struct ahead *a)
{
	a->pieces = a->n = 0;
	while (a->pieces < PIECES && a->n < AHEAD) {
		struct run_cursor *c = turn_next(in, out);
		struct piece *p = &a->piece[a->pieces];

		if (c->left)
			p->totals = (struct totals){ 0 };
		else if (run_peek(c) != WINDOW_NO_SERIES)
			run_next(c, &p->totals);
		else
			break;
		fetch(&sums->series[c->series]);
		p->series = c->series;
		p->minus = c == out;
		p->page = NO_PAGE;
		if (c->left && run_at_page(c))
			p->page = run_page(c, a->full[a->pieces]);
		else
			a->n += run_pairs(c, &a->bucket[a->n], &a->count[a->n]);
		p->to = a->n;
		a->pieces++;
	}
}

/* The heads are there: have the counters come, and what the parents need. */
static void
fetch_ahead(const struct sums *sums, const struct ahead *a)
{
	for (unsigned i = 0, k = 0; i < a->pieces; k = a->piece[i++].to) {
		const struct series *s = &sums->series[a->piece[i].series];

		if (a->piece[i].page != NO_PAGE)
			hist_fetch_page(&s->hist, a->piece[i].page);
		fetch_pairs(s, &a->bucket[k], a->piece[i].to - k);
		if (s->parent != WINDOW_NO_SERIES)
			fetch(&sums->series[s->parent]);
	}
}

static void
apply_ahead(const struct sums *sums, const struct ahead *a)
{
	for (unsigned i = 0, k = 0; i < a->pieces; k = a->piece[i++].to) {
		const struct piece *p = &a->piece[i];
		uint32_t id = p->series;

		do {
			struct series *s = &sums->series[id];

			apply_totals(s, &p->totals, p->minus);
			if (p->page != NO_PAGE)
				hist_turn_page(&s->hist, p->page, a->full[i], p->minus);
			apply_pairs(s, &a->bucket[k], &a->count[k], p->to - k, p->minus);
			id = s->parent;
		} while (id != WINDOW_NO_SERIES);
	}
}

unsigned
sums_turn(
	struct sums *sums, struct run_cursor *in, struct run_cursor *out, unsigned budget)
{
	struct ahead ring[3];
	unsigned done = 0, left = 0;

	/* While one part is read, the one before it is fetched and the next is applied. */
	for (unsigned i = 0;; i++) {
		struct ahead *a = &ring[i % 3];

		if (done < budget)
			read_ahead(sums, in, out, a);
		else
			a->pieces = a->n = 0;
		done += a->pieces + a->n;
		left = a->pieces ? 2 : left;
		if (i >= 1)
			fetch_ahead(sums, &ring[(i - 1) % 3]);
		if (i >= 2)
			apply_ahead(sums, &ring[(i - 2) % 3]);
		if (!a->pieces && left-- == 0)
			return done;
	}
}

void
sums_clear(struct sums *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct series *one = &s->series[i];

		hist_done(&one->hist);
		memset(one->often, 0, sizeof(one->often));
		memset(one->seldom, 0, sizeof(one->seldom));
	}
}

/* All of some thousand are gone through in a minute, and no second waits for more. */
#define TRIM 256

void
sums_trim(struct sums *s)
{
	uint32_t n = MIN(s->count, TRIM);

	for (; n; n--) {
		s->trim = s->trim + 1 < s->count ? s->trim + 1 : 0;
		hist_trim(&s->series[s->trim].hist);
	}
}

size_t
sums_bytes(const struct sums *s)
{
	size_t n = s->room * sizeof(*s->series);

	for (uint32_t i = 0; i < s->count; i++)
		n += hist_bytes(&s->series[i].hist);
	return n;
}
