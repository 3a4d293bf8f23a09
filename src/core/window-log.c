/*
 * Each second is a slot. Its tail is packed into a run when it is long or the second
 * is over, and the slots of ten seconds, later of a minute, are merged into one when
 * no window can end between them any more. Both are done in small pieces; the tail and
 * the slots stay as they are until the run is complete, so that everybody may go on
 * reading them.
 */
#include "config.h"

#include "window-log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define TAIL_MAX 524288       /* entries before a tail is packed at once */
#define GROUPS_MAX (8u << 20) /* bytes of groups before they are packed at once */
#define GROUPS_COUNT 65536    /* as many groups: both take some ms */
#define TAIL_LATE 4096        /* entries, of a slot that has runs: late comers */
#define GROUPS_LATE 65536     /* bytes, the same */
#define RUNS_MAX 32           /* more in one slot are merged */

static const struct level {
	int64_t span;
	int64_t age; /* ticks after its end that a slot may be made this coarse */
} levels[] = {
	{ MIDDLE_SPAN, FINE_TICKS + 1 },
	{ COARSE_SPAN, MIDDLE_TICKS + MIDDLE_SPAN },
};

void
log_init(struct log *g, size_t many)
{
	*g = (struct log){ .fold = xcalloc(1, sizeof(struct fold)), .many = many };
}

static void
slot_done(struct log *g, struct slot *s)
{
	for (uint32_t i = 0; i < s->runs; i++) {
		g->bytes -= s->run[i].n;
		free(s->run[i].p);
	}
	g->bytes -= tail_bytes(&s->tail);
	g->bytes -= groups_bytes(&s->groups);
	groups_done(&s->groups);
	free(s->run);
	tail_done(&s->tail);
}

static void
merge_stop(struct merge *m)
{
	free(m->c);
	buf_done(&m->out);
	*m = (struct merge){ 0 };
}

void
log_done(struct log *g)
{
	merge_stop(&g->merge);
	for (unsigned i = 0; i < g->slots; i++)
		slot_done(g, &g->slot[i]);
	free(g->slot);
	free(g->fold);
	packer_done(&g->packer);
	tail_done(&g->spare);
	groups_done(&g->spare_groups);
}

unsigned
log_find(const struct log *g, int64_t tick)
{
	unsigned lo = 0, hi = g->slots;

	/* Nearly all that comes is for the newest second. */
	if (hi && g->slot[hi - 1].tick <= tick)
		return g->slot[hi - 1].tick + g->slot[hi - 1].span > tick ? hi - 1 : hi;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (g->slot[mid].tick + g->slot[mid].span > tick)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

size_t
log_memory(const struct log *g)
{
	return g->bytes + sizeof(*g->fold) + packer_bytes(&g->packer) +
	       tail_bytes(&g->spare) + groups_bytes(&g->spare_groups) + g->merge.out.cap +
	       g->room * sizeof(*g->slot);
}

static bool
overlap(int64_t a, int64_t a_end, int64_t b, int64_t b_end)
{
	return a < b_end && b < a_end;
}

static struct slot *
slot_insert(struct log *g, unsigned at, int64_t tick, int64_t span)
{
	struct slot *s;

	if (g->slots == g->room) {
		g->room = g->room ? g->room * 2 : 32;
		g->slot = xreallocarray(g->slot, g->room, sizeof(*g->slot));
	}
	s = &g->slot[at];
	memmove(s + 1, s, (g->slots - at) * sizeof(*s));
	*s = (struct slot){ .tick = tick, .span = span };
	g->slots++;
	return s;
}

static bool
merging(const struct log *g, int64_t tick)
{
	return tick >= g->merge.tick && tick < g->merge.tick + g->merge.span;
}

static void
add_run(struct log *g, struct slot *s, struct run r, bool summed)
{
	r.summed = summed;
	s->run = xreallocarray(s->run, s->runs + 1u, sizeof(*s->run));
	s->run[s->runs++] = r;
	g->bytes += r.n;
}

struct entry *
log_place(struct log *g, struct slot *s, uint32_t series)
{
	struct entry *e = tail_place(&s->tail, series);

	if (e)
		return e;
	g->bytes -= tail_bytes(&s->tail);
	e = tail_make_place(&s->tail, series);
	g->bytes += tail_bytes(&s->tail);
	return e;
}

/* Leave the tail of a slot as it is, if it was being packed. */
static void
packing_stop(struct log *g, struct slot *s)
{
	if (!g->packing.on || g->packing.tick != s->tick)
		return;
	for (uint32_t k = 0; k < s->tail.parts; k++)
		s->tail.part[k].packed = 0;
	buf_clear(&g->packer.out);
	g->packing.on = false;
}

static void
packing_start(struct log *g, const struct slot *s)
{
	g->packing.on = true;
	g->packing.tick = s->tick;
	g->packing.part = 0;
}

uint32_t
log_pack_part(struct log *g, struct slot *s)
{
	uint32_t n = 0;

	while (!n && g->packing.part < s->tail.parts)
		n = tail_pack(&s->tail, g->packing.part++, &g->packer, g->fold);
	return n;
}

void
log_pack_finish(struct log *g, struct slot *s)
{
	struct tail late = { 0 };
	bool summed = s->tail.summed > 0;

	assert(!summed || s->tail.summed == s->tail.n);
	add_run(g, s, pack_copy(&g->packer.out), summed);
	buf_clear(&g->packer.out);
	g->packing.on = false;
	g->bytes -= tail_bytes(&s->tail);
	for (uint32_t k = 0; k < s->tail.parts; k++)
		for (uint32_t i = s->tail.part[k].packed; i < s->tail.part[k].n; i++) {
			const struct entry *e = &s->tail.part[k].e[i];

			*tail_make_place(&late, e->series) = *e;
		}
	if (summed)
		tail_set_summed(&late);
	/* The next second is like this one, and takes over its memory. */
	tail_clear(&s->tail);
	if (tail_bytes(&s->tail) > tail_bytes(&g->spare)) {
		struct tail less = g->spare;

		g->spare = s->tail;
		s->tail = less;
	}
	tail_done(&s->tail);
	s->tail = late;
	g->bytes += tail_bytes(&late);
}

void
log_pack_groups(struct log *g, struct slot *s)
{
	bool summed = s->groups.summed > 0;

	if (!s->groups.n)
		return;
	g->bytes -= groups_bytes(&s->groups);
	add_run(g, s, groups_pack(&s->groups, g->fold), summed);
	if (groups_bytes(&s->groups) > groups_bytes(&g->spare_groups)) {
		struct groups less = g->spare_groups;

		g->spare_groups = s->groups;
		s->groups = less;
	}
	groups_done(&s->groups);
}

struct slot *
log_slot(struct log *g, int64_t tick)
{
	unsigned i = log_find(g, tick);
	struct slot *s;

	if (i < g->slots && g->slot[i].tick <= tick)
		return &g->slot[i];
	s = slot_insert(g, i, tick, 1);
	if (s == &g->slot[g->slots - 1]) {
		s->tail = g->spare;
		g->spare = (struct tail){ 0 };
		g->bytes += tail_bytes(&s->tail);
	}
	return s;
}

/* Where many groups come in a second, the memory of those before is taken over. */
static void
groups_take_spare(struct log *g, struct slot *s)
{
	struct groups old = s->groups;
	size_t summed = old.summed;

	s->groups = g->spare_groups;
	groups_move(&s->groups, &old);
	s->groups.summed = summed;
	groups_done(&old);
	g->spare_groups = (struct groups){ 0 };
}

void
log_append_group(struct log *g, struct slot *s, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n)
{
	struct groups *to = &s->groups;

	g->bytes -= groups_bytes(to);
	if (to->bytes.n >= GROUPS_LATE &&
		groups_bytes(to) < groups_bytes(&g->spare_groups))
		groups_take_spare(g, s);
	groups_add(to, g->fold, series, t, bucket, count, n);
	g->bytes += groups_bytes(to);
}

void
log_drop_first(struct log *g)
{
	if (!g->slots)
		return;
	if (merging(g, g->slot[0].tick))
		merge_stop(&g->merge);
	packing_stop(g, &g->slot[0]);
	slot_done(g, &g->slot[0]);
	memmove(g->slot, g->slot + 1, --g->slots * sizeof(*g->slot));
}

/* Pack all of the tail, which is short, at once. */
static void
pack_late(struct log *g, struct slot *s)
{
	if (!s->tail.n)
		return;
	if (g->packing.on)
		packing_stop(g, &g->slot[log_find(g, g->packing.tick)]);
	packing_start(g, s);
	while (log_pack_part(g, s))
		;
	log_pack_finish(g, s);
}

static void
merge_start(struct log *g, unsigned from, unsigned to, int64_t tick, int64_t span)
{
	struct merge *m = &g->merge;
	unsigned runs = 0;

	*m = (struct merge){ .tick = tick, .span = span, .series = WINDOW_NO_SERIES };
	for (unsigned i = from; i < to; i++) {
		pack_late(g, &g->slot[i]);
		runs += g->slot[i].runs;
	}
	m->c = xcalloc(runs, sizeof(*m->c));
	for (unsigned i = from; i < to; i++)
		for (uint32_t r = 0; r < g->slot[i].runs; r++) {
			m->c[m->n] = run_open(&g->slot[i].run[r]);
			m->series = MIN(m->series, run_peek(&m->c[m->n]));
			m->n++;
		}
}

/* Put the merged slot in the place of its sources; what came late meanwhile is kept. */
static void
merge_finish(struct log *g)
{
	struct merge *m = &g->merge;
	struct slot made = { .tick = m->tick, .span = m->span };
	unsigned from = log_find(g, m->tick), to = from;

	for (; to < g->slots && merging(g, g->slot[to].tick); to++) {
		struct slot *s = &g->slot[to];

		assert(s->tail.summed == s->tail.n && groups_are_summed(&s->groups));
		for (uint32_t k = 0; k < s->tail.parts; k++)
			for (uint32_t e = 0; e < s->tail.part[k].n; e++) {
				const struct entry *one = &s->tail.part[k].e[e];

				*tail_make_place(&made.tail, one->series) = *one;
			}
		groups_move(&made.groups, &s->groups);
		slot_done(g, s);
	}
	if (m->out.n)
		add_run(g, &made, pack_done(&m->out), true);
	assert(to > from);
	tail_set_summed(&made.tail);
	groups_set_summed(&made.groups);
	g->bytes += tail_bytes(&made.tail) + groups_bytes(&made.groups);
	g->slot[from] = made;
	memmove(g->slot + from + 1, g->slot + to, (g->slots - to) * sizeof(*g->slot));
	g->slots -= to - from - 1;
	merge_stop(m);
}

/* Merge the next series. Returns the bytes read. */
static size_t
merge_series(struct merge *m, struct fold *fold)
{
	uint32_t next = WINDOW_NO_SERIES;
	size_t read = 0;

	for (unsigned i = 0; i < m->n; i++) {
		struct run_cursor *c = &m->c[i];
		const uint8_t *was = c->p;

		if (run_peek(c) == m->series)
			fold_group(fold, c);
		read += (size_t)(c->p - was);
		next = MIN(next, run_peek(c));
	}
	pack_fold(&m->out, m->series, fold);
	m->series = next;
	return read;
}

/* Begin the merge that the slots from @i on are due for, if any. */
static bool
merge_due(struct log *g, unsigned i, const struct level *lv, int64_t now_tick,
	int64_t busy_from, int64_t busy_to)
{
	struct slot *s = &g->slot[i];
	int64_t tick = tick_align(s->tick, lv->span), end = tick + lv->span;
	int64_t age =
		g->bytes > g->many && lv->span == MIDDLE_SPAN ? SHORT_TICKS + 1 : lv->age;
	unsigned to = i;

	if (s->span >= lv->span || end > now_tick - age ||
		overlap(tick, end, busy_from, busy_to))
		return false;
	/* Of what the window begins in, only a part is in the sums. */
	if (tick < busy_to && busy_to < end)
		return false;
	while (to < g->slots && g->slot[to].tick < end)
		to++;
	if (to - i == 1 && s->runs <= 1) {
		s->tick = tick;
		s->span = lv->span;
		return false;
	}
	merge_start(g, i, to, tick, lv->span);
	return true;
}

static void
merge_find(struct log *g, int64_t now_tick, int64_t busy_from, int64_t busy_to)
{
	for (unsigned i = 0; i < g->slots; i++) {
		struct slot *s = &g->slot[i];

		for (unsigned k = ARRAY_LEN(levels); k-- > 0;)
			if (merge_due(g, i, &levels[k], now_tick, busy_from, busy_to))
				return;
		if (s->runs > RUNS_MAX && s->tick + s->span <= now_tick - CLOSED_TICKS &&
			!overlap(s->tick, s->tick + s->span, busy_from, busy_to)) {
			merge_start(g, i, i + 1, s->tick, s->span);
			return;
		}
	}
}

static bool
pack_due(const struct log *g, const struct slot *s, int64_t now_tick, int64_t busy_from,
	int64_t busy_to)
{
	int64_t age = now_tick - (s->tick + s->span);
	uint32_t worth = age < 0                         ? TAIL_MAX
			 : s->runs || age < CLOSED_TICKS ? TAIL_LATE
							 : 1;

	return s->tail.n >= worth && !merging(g, s->tick) &&
	       !overlap(s->tick, s->tick + s->span, busy_from, busy_to);
}

struct slot *
log_packing(struct log *g, int64_t now_tick, int64_t busy_from, int64_t busy_to)
{
	if (g->packing.on) {
		struct slot *s = &g->slot[log_find(g, g->packing.tick)];

		if (pack_due(g, s, now_tick, busy_from, busy_to))
			return s;
		packing_stop(g, s);
	}
	for (unsigned i = g->slots; i-- > 0;)
		if (pack_due(g, &g->slot[i], now_tick, busy_from, busy_to)) {
			packing_start(g, &g->slot[i]);
			return &g->slot[i];
		}
	return NULL;
}

bool
log_is_long(const struct log *g)
{
	return g->slots && g->slot[g->slots - 1].tail.n >= TAIL_MAX;
}

bool
log_groups_due(const struct log *g, const struct slot *s, int64_t now_tick,
	int64_t busy_from, int64_t busy_to)
{
	bool over = s->tick + s->span <= now_tick - CLOSED_TICKS;
	size_t most = !over ? GROUPS_MAX : s->runs ? GROUPS_LATE : 0;

	return (s->groups.bytes.n > most || s->groups.n > GROUPS_COUNT) &&
	       !merging(g, s->tick) &&
	       !overlap(s->tick, s->tick + s->span, busy_from, busy_to);
}

size_t
log_merge(struct log *g, int64_t now_tick, int64_t busy_from, int64_t busy_to,
	size_t budget)
{
	struct merge *m = &g->merge;
	size_t read = 0;

	if (!m->span)
		merge_find(g, now_tick, busy_from, busy_to);
	if (!m->span || overlap(m->tick, m->tick + m->span, busy_from, busy_to))
		return 0;
	while (m->series != WINDOW_NO_SERIES && read < budget)
		read += merge_series(m, g->fold);
	if (m->series == WINDOW_NO_SERIES)
		merge_finish(g);
	return read + 1;
}
