#include "config.h"

#include "weir/core/window.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "window-log.h"
#include "window-sums.h"

/*
 * The housekeeping is paid for in small pieces. A unit is one entry packed, one latency
 * put into the sums or taken out, or some bytes of the log merged. Recording pays more
 * units than its own records will ever need, so that no work is left for later.
 */
#define ADVANCE_UNITS 2048
#define TICK_UNITS 131072 /* entries that are packed at once when a second is over */
#define ADD_TURN 64       /* records after which window_add() pays for all of them */
#define ADD_UNITS (8 * ADD_TURN)
#define UNIT_BYTES 4

/*
 * The sums hold all of [low, now], and of [done, low) what the expiry has not taken
 * out yet: slots before `done` are out, and of the slot at `done` the runs that
 * the cursor has passed. What came since the last window_settle() may still stand in
 * tails only: much at once is put in better when it is packed, by series, side by side
 * with what expires.
 */
struct window {
	struct log log;
	struct sums sums;
	int64_t width_ticks;
	int64_t now_us, now_tick;
	int64_t low, done;
	int64_t dropped; /* all before this went for want of room */
	size_t max_bytes;
	bool started;
	struct {
		bool on;
		int64_t tick;
		struct run_cursor c;
	} in; /* where putting in runs has come to */
	struct {
		bool on;
		uint32_t run;
		struct run_cursor c;
	} out;           /* the same for taking out the slot at `done` */
	unsigned late;   /* the slot that was looked for last */
	uint32_t unpaid; /* records since the last piece of work */
	bool packs;      /* there may be tails to be packed */
	bool packed;     /* there may be runs to be put in */
	bool merges;     /* there may be slots to be merged */
};

struct window *
window_new(int64_t width_us, size_t max_bytes)
{
	struct window *w = xcalloc(1, sizeof(*w));

	log_init(&w->log, max_bytes / 8);
	sums_init(&w->sums);
	w->width_ticks = MAX(width_us / TICK_US, 1);
	w->max_bytes = max_bytes;
	w->dropped = INT64_MIN / TICK_US;
	return w;
}

void
window_free(struct window *w)
{
	if (!w)
		return;
	log_done(&w->log);
	sums_done(&w->sums);
	free(w);
}

uint32_t
window_series_new(struct window *w, uint32_t parent)
{
	/* An id may come back when nothing in the log names it any more. */
	int64_t rested = w->log.slots ? w->log.slot[0].tick : INT64_MAX;

	return sums_new(&w->sums, parent, rested);
}

void
window_series_free(struct window *w, uint32_t id)
{
	sums_free(&w->sums, id, w->now_tick);
}

static int64_t
keep_from(const struct window *w)
{
	return tick_align(w->now_tick - WINDOW_KEEP_US / TICK_US, COARSE_SPAN);
}

/* The @i-th run of a slot; behind the last one are its groups. */
static struct run
run_of(const struct slot *s, uint32_t i)
{
	return i < s->runs ? s->run[i] : groups_run(&s->groups);
}

/* The first run of @s that is not in the sums, or NULL. */
static struct run *
slot_unsummed(struct slot *s)
{
	for (uint32_t r = 0; r < s->runs; r++)
		if (!s->run[r].summed)
			return &s->run[r];
	return NULL;
}

/* The run that is being put in, which the cursor is in; NULL when all are. */
static struct run *
run_in(struct window *w)
{
	struct log *g = &w->log;

	if (w->in.on)
		return slot_unsummed(&g->slot[log_find(g, w->in.tick)]);
	for (unsigned i = 0; w->packed && i < g->slots; i++) {
		struct run *r = slot_unsummed(&g->slot[i]);

		if (!r)
			continue;
		w->in.on = true;
		w->in.tick = g->slot[i].tick;
		w->in.c = run_open(r);
		return r;
	}
	w->packed = false;
	return NULL;
}

static void
run_is_in(struct window *w, struct run *r)
{
	r->summed = true;
	w->in.on = false;
}

/* Put in what @c has left. */
static void
put_in(struct window *w, struct run_cursor *c)
{
	struct run_cursor none = { 0 };

	sums_turn(&w->sums, c, &none, UINT32_MAX);
}

static bool
is_summed(struct slot *s)
{
	return !slot_unsummed(s) && s->tail.summed == s->tail.n &&
	       groups_are_summed(&s->groups);
}

/* Put all of a slot that is not in the sums there, after all that was packed before. */
static void
sum_slot(struct window *w, struct slot *s)
{
	struct run_cursor rest;
	struct run *r;

	/* Nearly always; and what is begun elsewhere may go on bit by bit. */
	if (is_summed(s))
		return;
	for (; (r = run_in(w)); run_is_in(w, r))
		put_in(w, &w->in.c);
	for (uint32_t k = 0; k < s->tail.parts; k++) {
		const struct part *p = &s->tail.part[k];

		if (p->summed < p->n)
			sums_entries(&w->sums, p->e + p->summed, p->n - p->summed, false);
	}
	tail_set_summed(&s->tail);
	rest = groups_unsummed(&s->groups);
	put_in(w, &rest);
}

/* The same for all slots that begin before @tick. */
static void
sum_slots(struct window *w, int64_t tick)
{
	for (unsigned i = 0; i < w->log.slots && w->log.slot[i].tick < tick; i++)
		sum_slot(w, &w->log.slot[i]);
}

/*
 * Go on packing what is due. What is not in the sums by then is put there from the run,
 * which is cheaper than from entries in the order they came in. Returns what is left of the
 * budget.
 */
static unsigned
pack(struct window *w, unsigned budget)
{
	while (budget && w->packs) {
		struct slot *s = log_packing(&w->log, w->now_tick, w->done, w->low);
		uint32_t n = s ? log_pack_part(&w->log, s) : 0;

		budget -= MIN(budget, n);
		if (!s) {
			w->packs = false;
		} else if (!n) {
			if (s->tail.summed)
				sum_slot(w, s);
			log_pack_finish(&w->log, s);
			w->packed = true;
		}
	}
	return budget;
}

static void
pack_groups(struct window *w, struct slot *s)
{
	if (s->groups.summed)
		sum_slot(w, s);
	log_pack_groups(&w->log, s);
	w->packed = true;
}

static void
add_slot(struct window *w, const struct slot *s)
{
	for (uint32_t r = 0; r <= s->runs; r++) {
		struct run run = run_of(s, r);
		struct run_cursor c = run_open(&run);

		put_in(w, &c);
	}
	for (uint32_t k = 0; k < s->tail.parts; k++)
		sums_entries(&w->sums, s->tail.part[k].e, s->tail.part[k].n, false);
}

/* Go to the next run of the slot that is taken out. False behind the last. */
static bool
run_out(struct window *w, struct slot *s)
{
	struct run run;

	if (!w->out.on) {
		sum_slot(w, s);
		w->out.on = true;
		w->out.run = 0;
	} else if (++w->out.run > s->runs) {
		return false;
	}
	run = run_of(s, w->out.run);
	w->out.c = run_open(&run);
	return true;
}

/* Is there something to be taken out? Then the cursor is there. */
static bool
is_expiring(struct window *w)
{
	while (w->done < w->low) {
		unsigned i = log_find(&w->log, w->done);
		struct slot *s;

		if (i == w->log.slots || w->log.slot[i].tick >= w->low) {
			w->done = w->low;
			break;
		}
		s = &w->log.slot[i];
		if ((w->out.on && !run_ended(&w->out.c)) || run_out(w, s))
			return true;
		for (uint32_t k = 0; k < s->tail.parts; k++)
			sums_entries(
				&w->sums, s->tail.part[k].e, s->tail.part[k].n, true);
		w->out.on = false;
		w->done = s->tick + s->span;
	}
	return false;
}

/*
 * Go on taking out what has expired and putting in what was packed. Returns what is left
 * of the budget.
 */
static unsigned
turn(struct window *w, unsigned budget)
{
	while (budget) {
		bool expiring = is_expiring(w);
		struct run *in = run_in(w);

		if (!expiring && !in)
			break;
		budget -= MIN(budget, sums_turn(&w->sums, &w->in.c, &w->out.c, budget));
		if (in && run_ended(&w->in.c))
			run_is_in(w, in);
	}
	return budget;
}

static void
work(struct window *w, unsigned units)
{
	w->packs = w->packs || log_is_long(&w->log);
	units = turn(w, pack(w, units));
	if (!w->merges || !units)
		return;
	sum_slots(w, w->now_tick - CLOSED_TICKS);
	w->merges = log_merge(&w->log, w->now_tick, w->done, w->low,
			    (size_t)units * UNIT_BYTES) > 0;
}

void
window_settle(struct window *w)
{
	turn(w, UINT32_MAX);
	sum_slots(w, INT64_MAX);
}

/* The first tick of a window of that width that ends now: a slot is in it or is not. */
static int64_t
low_tick(const struct window *w, int64_t width_ticks)
{
	int64_t low = w->now_tick - width_ticks;
	unsigned i = log_find(&w->log, low);

	if (width_ticks > MIDDLE_TICKS)
		low = tick_align(low, COARSE_SPAN);
	else if (width_ticks > FINE_TICKS)
		low = tick_align(low, MIDDLE_SPAN);
	else if (i < w->log.slots)
		low = MIN(low, w->log.slot[i].tick);
	return MAX(low, w->dropped);
}

/* After a long silence there is nothing to be taken out one by one. */
static void
empty_sums(struct window *w)
{
	sum_slots(w, INT64_MAX);
	sums_clear(&w->sums);
	w->out.on = false;
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
tick(struct window *w, int64_t now_tick)
{
	unsigned i;

	w->now_tick = now_tick;
	w->low = MAX(w->low, low_tick(w, w->width_ticks));
	i = log_find(&w->log, w->done);
	if (i < w->log.slots && w->log.slot[w->log.slots - 1].tick < w->low)
		empty_sums(w);
	/* More than a slot behind: the caller comes too rarely to leave it to later. */
	if (i < w->log.slots && w->log.slot[i].tick + w->log.slot[i].span < w->low)
		window_settle(w);
	for (i = w->log.slots; i-- > 0;) {
		struct slot *s = &w->log.slot[i];

		if (log_groups_due(&w->log, s, now_tick, w->done, w->low))
			pack_groups(w, s);
	}
	w->packs = w->merges = true;
	pack(w, TICK_UNITS);
	drop_old(w);
	sums_trim(&w->sums);
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
	/* What is on its way to be one slot is one before the window may begin in it. */
	log_merge(&w->log, w->now_tick, w->done, w->low, SIZE_MAX);
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
	/* Nothing is added to what the expiry is about to take out. */
	if (at < w->low)
		turn(w, UINT32_MAX);
	*ret_at = at;
	return true;
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
window_add_group(struct window *w, int64_t at_us, const struct window_group *g)
{
	struct totals t = group_totals(g);
	struct slot *s;
	int64_t at;

	if (!tick_of(w, at_us, &at))
		return false;
	s = log_slot(&w->log, at);
	if (log_groups_due(&w->log, s, w->now_tick, w->done, w->low))
		pack_groups(w, s);
	log_append_group(&w->log, s, g->series, &t, g->bucket, g->count, g->n);
	/* Of a second that the sums have lost already nothing is put in. */
	if (at < w->low)
		groups_set_summed(&s->groups);
	pay(w, g->n + 1);
	return true;
}

/* What is more than one call, or odd. */
static __attribute__((noinline)) bool
add_as_group(struct window *w, int64_t at_us, const struct window_record *r)
{
	bool timed = r->calls && r->bucket != WINDOW_NO_LATENCY;
	struct window_group g = {
		.series = r->series,
		.bare = timed ? 0 : r->calls,
		.errors = r->errors,
		.weight = r->weight,
		.coarse = r->coarse,
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
		.bucket = &r->bucket,
		.count = &r->calls,
		.n = timed,
	};

	return window_add_group(w, at_us, &g);
}

/*
 * A place for a call where there is no room, or in a second that is over; or NULL. Not
 * inlined, as the usual way has none of its costs.
 */
static __attribute__((noinline)) struct entry *
place_at(struct window *w, int64_t at_us, uint32_t series)
{
	struct entry *e;
	struct slot *s;
	int64_t at;

	if (!tick_of(w, at_us, &at))
		return NULL;
	s = log_slot(&w->log, at);
	e = log_place(&w->log, s, series);
	w->late = (unsigned)(s - w->log.slot);
	/* Of a second that the sums have lost already nothing is put in. */
	if (at < w->low)
		tail_set_summed(&s->tail);
	return e;
}

/* The same in that slot, if the call is of its time and there is room. */
static inline struct entry *
place_in(const struct window *w, unsigned slot, int64_t at_us, uint32_t series)
{
	int64_t at = MIN(at_us, w->now_us);
	struct slot *s;

	if (slot >= w->log.slots)
		return NULL;
	s = &w->log.slot[slot];
	if (at < s->tick * TICK_US || at >= (s->tick + s->span) * TICK_US ||
		s->tick < w->low)
		return NULL;
	return tail_place(&s->tail, series);
}

bool
window_add(struct window *w, int64_t at_us, const struct window_record *r)
{
	struct entry *e;

	if (!entry_fits(r))
		return add_as_group(w, at_us, r);
	/* Nearly all are of the newest second, or of the same as the last that was not. */
	e = place_in(w, w->log.slots - 1, at_us, r->series);
	if (!e)
		e = place_in(w, w->late, at_us, r->series);
	if (!e && !(e = place_at(w, at_us, r->series)))
		return false;
	entry_put(e, r);
	pay(w, 1);
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
	const struct series *s = &w->sums.series[series];

	return (struct window_sum){
		.calls = s->hist.total + sums_total(s, TOTAL_BARE),
		.errors = sums_total(s, TOTAL_ERRORS),
		.samples = s->hist.total - sums_total(s, TOTAL_EXCESS),
		.coarse = sums_total(s, TOTAL_COARSE),
		.bytes_in = told(sums_total(s, TOTAL_IN), sums_total(s, TOTAL_IN_KNOWN)),
		.bytes_out =
			told(sums_total(s, TOTAL_OUT), sums_total(s, TOTAL_OUT_KNOWN)),
	};
}

const struct hist *
window_hist(const struct window *w, uint32_t series)
{
	return &w->sums.series[series].hist;
}

/* Is it booked under @series: as itself, or as one of those that add to it? */
static bool
adds_to(const struct window *w, uint32_t id, uint32_t series)
{
	return id == series || w->sums.series[id].parent == series;
}

/*
 * The latencies of a slot that may be more than a second: then they are told as if they
 * had come evenly.
 */
static void
visit_slot(const struct slot *s, int64_t from, unsigned bucket, uint32_t count,
	void (*take)(void *arg, int64_t tick, unsigned bucket, uint32_t count), void *arg)
{
	uint64_t told = 0;

	for (int64_t i = 0; i < s->span; i++) {
		uint64_t upto = (uint64_t)count * (uint64_t)(i + 1) / (uint64_t)s->span;

		if (s->tick + i >= from && upto > told)
			take(arg, s->tick + i, bucket, (uint32_t)(upto - told));
		told = upto;
	}
}

/* The same for the next ones of a group, if it is @mine. */
static void
visit_part(const struct slot *s, int64_t from, struct run_cursor *c, bool mine,
	void (*take)(void *arg, int64_t tick, unsigned bucket, uint32_t count), void *arg)
{
	uint16_t bucket[RUN_PART];
	uint32_t count[RUN_PART];
	uint8_t full[HIST_PAGE];
	bool at_page = run_at_page(c);
	unsigned first = at_page ? run_page(c, full) * HIST_PAGE : 0;
	unsigned n = at_page ? HIST_PAGE : run_pairs(c, bucket, count);

	for (unsigned k = 0; mine && k < n; k++)
		if (!at_page)
			visit_slot(s, from, bucket[k], count[k], take, arg);
		else if (full[k])
			visit_slot(s, from, first + k, full[k], take, arg);
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
			struct run_cursor c = run_open(&run);

			while (run_peek(&c) != WINDOW_NO_SERIES) {
				bool mine = adds_to(w, run_peek(&c), series);
				struct totals t;

				run_next(&c, &t);
				while (c.left)
					visit_part(s, from, &c, mine, take, arg);
			}
		}
		for (uint32_t k = 0; k < s->tail.parts; k++)
			for (uint32_t n = 0; n < s->tail.part[k].n; n++) {
				const struct entry *e = &s->tail.part[k].e[n];

				if (e->bucket != WINDOW_NO_LATENCY &&
					adds_to(w, e->series, series))
					visit_slot(s, from, e->bucket, 1, take, arg);
			}
	}
}

void
window_fetch_head(const struct window *w, uint32_t series)
{
	const char *p = (const char *)&w->sums.series[series];

	for (size_t i = 0; i < sizeof(struct series); i += SUMS_LINE)
		__builtin_prefetch(p + i);
}

void
window_fetch_counts(const struct window *w, uint32_t series)
{
	hist_fetch(&w->sums.series[series].hist);
}

size_t
window_log_bytes(const struct window *w)
{
	return w->log.bytes;
}

size_t
window_bytes(const struct window *w)
{
	return sizeof(*w) + sums_bytes(&w->sums) + log_memory(&w->log);
}
