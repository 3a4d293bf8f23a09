#include "config.h"

#include "weir/core/window.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "window-log.h"

/*
 * The housekeeping is paid for in small pieces. A unit is one latency taken out of the
 * sums, or some bytes of the log merged. Recording pays more units than its own
 * records will ever need, so that no work is left for later.
 */
#define ADVANCE_UNITS 2048
#define ADD_TURN 64 /* records after which window_add() pays for all of them */
#define ADD_UNITS (8 * ADD_TURN)
#define UNIT_BYTES 4

/* Series whose empty histogram pages are given back: all of them once in this time. */
#define TRIM_TICKS 64

/* Records are put into the sums in blocks, so that the memory they need is on its way. */
#define BLOCK 32

/*
 * Recording waits for memory, so what nearly every record touches stands in one cache
 * line: the later totals, the parent, the histogram's total and its first page.
 */
#define LINE 64
struct series {
	_Alignas(LINE) int64_t freed_tick;
	uint32_t next_free; /* in the queue of resting ids */
	char fill[28];
	struct totals totals; /* the last five of them in the second line */
	uint32_t parent;
	struct hist hist;
};
_Static_assert(
	offsetof(struct series, totals.v[TOTAL_ERRORS]) == LINE, "a line of its own");

/*
 * The sums hold all of [low, now], and of [done, low) what the expiry has not taken
 * out yet: slots before `done` are out, and of the slot at `done` the runs and
 * entries that the cursor has passed.
 */
struct window {
	struct log log;
	struct series *series;
	uint32_t count, room;
	uint32_t free_first, free_last; /* oldest first */
	int64_t width_ticks;
	int64_t now_us, now_tick;
	int64_t low, done;
	int64_t dropped; /* all before this went for want of room */
	size_t max_bytes;
	bool started;
	struct {
		bool on;
		uint32_t run, entry;
		struct run_cursor c;
	} at;
	uint32_t trim;
	uint32_t unpaid; /* records since the last piece of work */
	bool merges;     /* something may be due */
	uint32_t blocked;
	struct entry block[BLOCK]; /* in the log already, not yet in the sums */
};

struct window *
window_new(int64_t width_us, size_t max_bytes)
{
	struct window *w = xcalloc(1, sizeof(*w));

	log_init(&w->log);
	w->width_ticks = MAX(width_us / TICK_US, 1);
	w->max_bytes = max_bytes;
	w->free_first = WINDOW_NO_SERIES;
	w->free_last = WINDOW_NO_SERIES;
	w->dropped = INT64_MIN / TICK_US;
	return w;
}

void
window_free(struct window *w)
{
	if (!w)
		return;
	log_done(&w->log);
	for (uint32_t i = 0; i < w->count; i++)
		hist_done(&w->series[i].hist);
	free(w->series);
	free(w);
}

static int64_t
keep_from(const struct window *w)
{
	return tick_align(w->now_tick - WINDOW_KEEP_US / TICK_US, COARSE_SPAN);
}

/* Does nothing in the log name that resting series any more? */
static bool
rested(const struct window *w, uint32_t id)
{
	return w->log.slots == 0 || w->log.slot[0].tick > w->series[id].freed_tick;
}

static struct series *
grow_series(struct series *old, uint32_t count, uint32_t room)
{
	void *p = NULL;

	if (posix_memalign(&p, LINE, (size_t)room * sizeof(*old)) != 0)
		die("out of memory");
	if (count)
		memcpy(p, old, count * sizeof(*old));
	free(old);
	return p;
}

uint32_t
window_series_new(struct window *w, uint32_t parent)
{
	uint32_t id = w->free_first;

	assert(parent == WINDOW_NO_SERIES ||
		w->series[parent].parent == WINDOW_NO_SERIES);
	if (id != WINDOW_NO_SERIES && rested(w, id)) {
		w->free_first = w->series[id].next_free;
		if (w->free_first == WINDOW_NO_SERIES)
			w->free_last = WINDOW_NO_SERIES;
		hist_done(&w->series[id].hist);
	} else {
		if (w->count == w->room) {
			w->room = w->room ? w->room * 2 : 64;
			w->series = grow_series(w->series, w->count, w->room);
		}
		id = w->count++;
	}
	w->series[id] = (struct series){ .parent = parent };
	return id;
}

void
window_series_free(struct window *w, uint32_t id)
{
	struct series *s = &w->series[id];

	s->freed_tick = w->now_tick;
	s->next_free = WINDOW_NO_SERIES;
	if (w->free_last == WINDOW_NO_SERIES)
		w->free_first = id;
	else
		w->series[w->free_last].next_free = id;
	w->free_last = id;
}

static inline void
series_totals(struct series *s, const struct totals *t, bool take)
{
	for (unsigned i = 0; i < TOTALS; i++)
		s->totals.v[i] += take ? -t->v[i] : t->v[i];
}

static inline void
series_pair(struct series *s, unsigned bucket, uint32_t count, bool take)
{
	if (take)
		hist_sub(&s->hist, bucket, count);
	else
		hist_add(&s->hist, bucket, count);
}

/* Put one entry into the sums, or take it out. */
static inline void
apply_entry(struct window *w, const struct entry *e, bool take)
{
	struct totals t;

	if (entry_is_plain(e)) {
		uint32_t id = e->series;

		do {
			struct series *s = &w->series[id];

			totals_plain(&s->totals, e, take ? UINT64_MAX : 1);
			series_pair(s, e->bucket, e->count, take);
			id = s->parent;
		} while (id != WINDOW_NO_SERIES);
		return;
	}
	t = entry_totals(e);
	for (uint32_t id = e->series; id != WINDOW_NO_SERIES; id = w->series[id].parent) {
		series_totals(&w->series[id], &t, take);
		if (e->bucket != WINDOW_NO_LATENCY)
			series_pair(&w->series[id], e->bucket, e->count, take);
	}
}

static inline void
prefetch_count(const struct series *s, unsigned bucket)
{
	const uint32_t *page = s->hist.page[bucket / HIST_PAGE];

	if (page)
		__builtin_prefetch(&page[bucket % HIST_PAGE], 1);
}

/*
 * Put the block into the sums. The heads of the series were fetched when the entries
 * came; here the counters are, and only then all is touched.
 */
static void
flush(struct window *w)
{
	for (uint32_t i = 0; i < w->blocked; i++) {
		const struct entry *e = &w->block[i];
		uint32_t id = e->series;

		if (e->bucket == WINDOW_NO_LATENCY)
			continue;
		for (; id != WINDOW_NO_SERIES; id = w->series[id].parent) {
			prefetch_count(&w->series[id], e->bucket);
		}
	}
	for (uint32_t i = 0; i < w->blocked; i++)
		apply_entry(w, &w->block[i], false);
	w->blocked = 0;
}

static void
prefetch_head(const struct series *s, const struct entry *e)
{
	__builtin_prefetch(&s->hist.total, 1);
	if (e->bucket != WINDOW_NO_LATENCY)
		__builtin_prefetch(&s->hist.page[e->bucket / HIST_PAGE]);
}

/*
 * Some groups of a run, read ahead: their series and counters are fetched while others
 * are still on their way, as in flush().
 */
struct ahead {
	unsigned n;
	uint32_t series[BLOCK];
	struct totals totals[BLOCK];
	unsigned pairs_to[BLOCK]; /* index behind its last pair */
	uint16_t bucket[2 * BLOCK];
	uint32_t count[2 * BLOCK];
};

static void
apply_ahead(struct window *w, const struct ahead *a, bool take)
{
	unsigned k = 0;

	for (unsigned i = 0, p = 0; i < a->n; i++)
		for (; p < a->pairs_to[i]; p++)
			prefetch_count(&w->series[a->series[i]], a->bucket[p]);
	for (unsigned i = 0; i < a->n; i++) {
		uint32_t id = a->series[i];
		unsigned from = k;

		do {
			struct series *s = &w->series[id];

			series_totals(s, &a->totals[i], take);
			for (k = from; k < a->pairs_to[i]; k++)
				series_pair(s, a->bucket[k], a->count[k], take);
			id = s->parent;
		} while (id != WINDOW_NO_SERIES);
	}
}

/* Put a group that is too long to be read ahead into the sums, or take it out. */
static void
apply_group(struct window *w, struct run_cursor *c, bool take)
{
	struct series *s = &w->series[c->series];
	struct series *up = s->parent == WINDOW_NO_SERIES ? NULL : &w->series[s->parent];

	series_totals(s, &c->totals, take);
	if (up)
		series_totals(up, &c->totals, take);
	while (c->pairs) {
		unsigned bucket;
		uint32_t count;

		run_pair(c, &bucket, &count);
		series_pair(s, bucket, count, take);
		if (up)
			series_pair(up, bucket, count, take);
	}
}

/*
 * Put the next groups of a run into the sums, or take them out. Returns how many
 * latencies and groups they had; 0 at the end of the run.
 */
static unsigned
apply_run(struct window *w, struct run_cursor *c, bool take)
{
	struct ahead a;
	unsigned k = 0;

	for (a.n = 0; a.n < BLOCK && k < BLOCK && run_next(c); a.n++) {
		if (c->pairs > BLOCK) {
			unsigned pairs = c->pairs;

			apply_ahead(w, &a, take);
			apply_group(w, c, take);
			return a.n + k + pairs + 1;
		}
		__builtin_prefetch(&w->series[c->series].hist.total, 1);
		__builtin_prefetch(&w->series[c->series].totals, 1);
		a.series[a.n] = c->series;
		a.totals[a.n] = c->totals;
		while (c->pairs) {
			unsigned bucket;

			run_pair(c, &bucket, &a.count[k]);
			if (!(k & 7))
				__builtin_prefetch(
					&w->series[c->series]
						 .hist.page[bucket / HIST_PAGE]);
			a.bucket[k++] = (uint16_t)bucket;
		}
		a.pairs_to[a.n] = k;
	}
	apply_ahead(w, &a, take);
	return a.n + k;
}

/* The groups as a run; an empty one has no bytes. */
static struct run
groups_of(const struct slot *s)
{
	static uint8_t none;

	return (struct run){ s->groups.out.n ? (uint8_t *)s->groups.out.p : &none,
		s->groups.out.n };
}

/* The @i-th run of a slot; behind the last one are its groups. */
static struct run
run_of(const struct slot *s, uint32_t i)
{
	return i < s->runs ? s->run[i] : groups_of(s);
}

static void
add_slot(struct window *w, const struct slot *s)
{
	for (uint32_t r = 0; r <= s->runs; r++) {
		struct run run = run_of(s, r);
		struct run_cursor c;

		run_open(&c, &run);
		while (apply_run(w, &c, false))
			;
	}
	for (uint32_t i = 0; i < s->n; i++)
		apply_entry(w, &s->tail[i], false);
}

/* Take the slot at `done` out of the sums. False when the budget ended first. */
static bool
take_slot(struct window *w, const struct slot *s, unsigned *budget)
{
	struct run run = run_of(s, 0);
	unsigned done;

	if (!w->at.on) {
		w->at.on = true;
		w->at.run = 0;
		w->at.entry = 0;
		run_open(&w->at.c, &run);
	}
	while (w->at.run <= s->runs) {
		if (!*budget)
			return false;
		done = apply_run(w, &w->at.c, true);
		*budget -= MIN(*budget, done);
		if (done == 0 && ++w->at.run <= s->runs) {
			run = run_of(s, w->at.run);
			run_open(&w->at.c, &run);
		}
	}
	for (; w->at.entry < s->n; w->at.entry++) {
		if (!*budget)
			return false;
		apply_entry(w, &s->tail[w->at.entry], true);
		--*budget;
	}
	w->at.on = false;
	return true;
}

/* Returns what is left of the budget. */
static unsigned
expire(struct window *w, unsigned budget)
{
	while (w->done < w->low) {
		unsigned i = log_find(&w->log, w->done);
		const struct slot *s;

		if (i == w->log.slots || w->log.slot[i].tick >= w->low) {
			w->done = w->low;
			break;
		}
		s = &w->log.slot[i];
		if (!take_slot(w, s, &budget))
			return 0;
		w->done = s->tick + s->span;
	}
	return budget;
}

static void
work(struct window *w, unsigned units)
{
	units = expire(w, units);
	if (w->merges && units)
		w->merges = log_merge(&w->log, w->now_tick, w->done, w->low,
				    (size_t)units * UNIT_BYTES) > 0;
}

void
window_settle(struct window *w)
{
	flush(w);
	expire(w, UINT32_MAX);
}

/* The first tick of a window of that width that ends now. */
static int64_t
low_tick(const struct window *w, int64_t width_ticks)
{
	int64_t low = w->now_tick - width_ticks;

	if (width_ticks > MIDDLE_TICKS)
		low = tick_align(low, COARSE_SPAN);
	else if (width_ticks > FINE_TICKS)
		low = tick_align(low, MIDDLE_SPAN);
	return MAX(low, w->dropped);
}

/* After a long silence there is nothing to be taken out one by one. */
static void
empty_sums(struct window *w)
{
	for (uint32_t i = 0; i < w->count; i++) {
		hist_done(&w->series[i].hist);
		w->series[i].totals = (struct totals){ 0 };
	}
	w->at.on = false;
	w->done = w->low;
}

static void
drop_old(struct window *w)
{
	struct log *g = &w->log;

	while (g->slots > 1 && g->bytes > w->max_bytes) {
		int64_t end = g->slot[0].tick + g->slot[0].span;

		w->dropped = MAX(w->dropped, end);
		w->low = MAX(w->low, end);
		window_settle(w);
		log_drop_first(g);
	}
	while (g->slots && g->slot[0].tick + g->slot[0].span <= keep_from(w) &&
		g->slot[0].tick + g->slot[0].span <= w->done)
		log_drop_first(g);
}

static void
trim_some(struct window *w)
{
	uint32_t n = MIN(w->count, w->count / TRIM_TICKS + 1);

	for (; n; n--) {
		w->trim = w->trim + 1 < w->count ? w->trim + 1 : 0;
		hist_trim(&w->series[w->trim].hist);
	}
}

static void
tick(struct window *w, int64_t now_tick)
{
	unsigned i;

	flush(w);
	w->now_tick = now_tick;
	w->low = MAX(w->low, low_tick(w, w->width_ticks));
	i = log_find(&w->log, w->done);
	if (i < w->log.slots && w->log.slot[w->log.slots - 1].tick < w->low)
		empty_sums(w);
	/* More than a slot behind: the caller comes too rarely to leave it to later. */
	if (i < w->log.slots && w->log.slot[i].tick + w->log.slot[i].span < w->low)
		window_settle(w);
	log_pack(&w->log, now_tick, w->done, w->low);
	w->merges = true;
	drop_old(w);
	trim_some(w);
}

void
window_advance(struct window *w, int64_t now_us)
{
	int64_t now_tick = tick_align(now_us, TICK_US) / TICK_US;

	if (!w->started) {
		w->started = true;
		w->now_tick = now_tick;
		w->low = low_tick(w, w->width_ticks);
		w->done = w->low;
	}
	w->now_us = MAX(w->now_us, now_us);
	if (now_tick > w->now_tick)
		tick(w, now_tick);
	work(w, ADVANCE_UNITS);
}

void
window_set_width(struct window *w, int64_t width_us)
{
	int64_t low, ticks = MAX(width_us / TICK_US, 1);

	if (ticks == w->width_ticks)
		return;
	w->width_ticks = ticks;
	if (!w->started)
		return;
	window_settle(w);
	low = low_tick(w, ticks);
	for (unsigned i = log_find(&w->log, low); i < w->log.slots; i++)
		if (w->log.slot[i].tick < w->low)
			add_slot(w, &w->log.slot[i]);
	w->done = MIN(w->low, low);
	w->low = low;
	window_settle(w);
}

int64_t
window_width(const struct window *w)
{
	return w->width_ticks * TICK_US;
}

int64_t
window_from_us(const struct window *w)
{
	return w->low * TICK_US;
}

int64_t
window_oldest_us(const struct window *w)
{
	return MAX(keep_from(w), w->dropped) * TICK_US;
}

static void
book(struct window *w, int64_t at, const struct entry *e)
{
	log_append(&w->log, at, e);
	if (at < w->low)
		return;
	prefetch_head(&w->series[e->series], e);
	w->block[w->blocked++] = *e;
	if (w->blocked == BLOCK)
		flush(w);
}

/* What does not fit into one entry: great numbers, errors or samples of part of the calls. */
static void
book_rest(struct window *w, int64_t at, const struct window_record *r)
{
	struct entry e = { .series = r->series, .bucket = WINDOW_NO_LATENCY };

	if (r->errors && r->errors != r->calls) {
		e.count = r->errors;
		e.flags = ENTRY_FAILED;
		book(w, at, &e);
	}
	if (r->weight > 1 && r->weight < r->calls && r->bucket != WINDOW_NO_LATENCY) {
		e.count = r->calls - r->calls / r->weight;
		e.flags = ENTRY_EXCESS;
		book(w, at, &e);
	}
	if (r->bytes_in <= UINT32_MAX && r->bytes_out <= UINT32_MAX)
		return;
	e.count = 0;
	e.flags = ENTRY_HIGH;
	if (r->bytes_in >= 0) {
		e.flags |= ENTRY_IN;
		e.in = (uint32_t)((uint64_t)r->bytes_in >> 32);
	}
	if (r->bytes_out >= 0) {
		e.flags |= ENTRY_OUT;
		e.out = (uint32_t)((uint64_t)r->bytes_out >> 32);
	}
	book(w, at, &e);
}

/* The tick to book at; false when that is before all that is kept. */
static bool
tick_of(struct window *w, int64_t at_us, int64_t *ret_at)
{
	int64_t at = w->now_tick;

	if (at_us < w->now_tick * TICK_US || !w->started) {
		at = tick_align(at_us, TICK_US) / TICK_US;
		if (!w->started || at * TICK_US < window_oldest_us(w))
			return false;
	}
	/* What the expiry is about to take out must all have been put in. */
	if (at < w->low)
		window_settle(w);
	*ret_at = at;
	return true;
}

static void
apply_pairs(struct window *w, const struct window_group *g, const struct totals *t)
{
	for (uint32_t id = g->series; id != WINDOW_NO_SERIES; id = w->series[id].parent)
		for (unsigned i = 0; i < g->n; i++)
			prefetch_count(&w->series[id], g->bucket[i]);
	for (uint32_t id = g->series; id != WINDOW_NO_SERIES; id = w->series[id].parent) {
		series_totals(&w->series[id], t, false);
		for (unsigned i = 0; i < g->n; i++)
			series_pair(&w->series[id], g->bucket[i], g->count[i], false);
	}
}

/* Pay for housekeeping, see ADD_UNITS. */
static void
pay(struct window *w, unsigned records)
{
	w->unpaid += records;
	if (w->unpaid < ADD_TURN)
		return;
	work(w, ADD_UNITS / ADD_TURN * w->unpaid);
	w->unpaid = 0;
}

bool
window_add(struct window *w, int64_t at_us, const struct window_record *r)
{
	struct entry e = entry_of(r);
	int64_t at;

	if (!tick_of(w, at_us, &at))
		return false;
	book(w, at, &e);
	book_rest(w, at, r);
	pay(w, 1);
	return true;
}

bool
window_add_group(struct window *w, int64_t at_us, const struct window_group *g)
{
	struct totals t = group_totals(g);
	int64_t at;

	if (!tick_of(w, at_us, &at))
		return false;
	log_append_group(&w->log, at, g->series, &t, g->bucket, g->count, g->n);
	if (at >= w->low)
		apply_pairs(w, g, &t);
	pay(w, g->n + 1);
	return true;
}

/* A sum of bytes, or -1 when nobody told; what does not fit is as much as fits. */
static int64_t
told(uint64_t bytes, uint64_t known)
{
	return !known ? -1 : (int64_t)MIN(bytes, (uint64_t)INT64_MAX);
}

struct window_sum
window_sum(const struct window *w, uint32_t series)
{
	const struct series *s = &w->series[series];
	const uint64_t *t = s->totals.v;

	return (struct window_sum){
		.calls = s->hist.total + t[TOTAL_BARE],
		.errors = t[TOTAL_ERRORS],
		.samples = s->hist.total - t[TOTAL_EXCESS],
		.coarse = t[TOTAL_COARSE],
		.bytes_in = told(t[TOTAL_IN], t[TOTAL_IN_KNOWN]),
		.bytes_out = told(t[TOTAL_OUT], t[TOTAL_OUT_KNOWN]),
	};
}

const struct hist *
window_hist(const struct window *w, uint32_t series)
{
	return &w->series[series].hist;
}

/* Is it booked under @series: as itself, or as one of those that add to it? */
static bool
adds_to(const struct window *w, uint32_t id, uint32_t series)
{
	return id == series || w->series[id].parent == series;
}

void
window_visit(const struct window *w, uint32_t series, int64_t from, int64_t to,
	void (*take)(void *arg, int64_t tick, unsigned bucket, uint32_t count), void *arg)
{
	unsigned i = log_find(&w->log, from);

	for (; i < w->log.slots && w->log.slot[i].tick < to; i++) {
		const struct slot *s = &w->log.slot[i];

		for (uint32_t r = 0; r <= s->runs; r++) {
			struct run run = run_of(s, r);
			struct run_cursor c;

			run_open(&c, &run);
			while (run_next(&c)) {
				bool mine = adds_to(w, c.series, series);

				while (c.pairs) {
					unsigned bucket;
					uint32_t count;

					run_pair(&c, &bucket, &count);
					if (mine)
						take(arg, s->tick, bucket, count);
				}
			}
		}
		for (uint32_t k = 0; k < s->n; k++) {
			const struct entry *e = &s->tail[k];

			if (e->bucket != WINDOW_NO_LATENCY &&
				adds_to(w, e->series, series))
				take(arg, s->tick, e->bucket, e->count);
		}
	}
}

void
window_fetch_head(const struct window *w, uint32_t series)
{
	const char *p = (const char *)&w->series[series];

	for (size_t i = 0; i < sizeof(*w->series); i += LINE)
		__builtin_prefetch(p + i);
}

void
window_fetch_counts(const struct window *w, uint32_t series)
{
	hist_fetch(&w->series[series].hist);
}

size_t
window_log_bytes(const struct window *w)
{
	return w->log.bytes;
}

size_t
window_bytes(const struct window *w)
{
	size_t n = sizeof(*w) + sizeof(*w->log.fold) + w->log.bytes +
		   w->room * sizeof(*w->series) +
		   2 * (size_t)w->log.scratch_room * sizeof(*w->log.scratch) +
		   w->log.spare_room * sizeof(*w->log.spare) + w->log.merge.out.out.cap +
		   w->log.room * sizeof(*w->log.slot);

	for (uint32_t i = 0; i < w->count; i++)
		n += hist_bytes(&w->series[i].hist);
	return n;
}
