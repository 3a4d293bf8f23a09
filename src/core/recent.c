#include "config.h"

#include "weir/core/recent.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define CALLS_MAX ((1u << 14) - 1)
#define SWEEP_S 128u /* then at the latest, while 8 bits still tell seconds apart */

static inline uint32_t
calls_of(uint32_t cell)
{
	return cell & CALLS_MAX;
}

static inline uint32_t
key_of(uint32_t cell)
{
	return cell >> 14 & 1023u;
}

static inline uint32_t
second_of(uint32_t cell)
{
	return cell >> 24;
}

/* Seconds before the newest. */
static inline uint32_t
age_of(const struct recent *r, uint32_t cell)
{
	return (r->newest - second_of(cell)) & 255u;
}

void
recent_done(struct recent *r)
{
	free(r->cell);
	*r = (struct recent){ 0 };
}

/*
 * Merge the cells that say the same, and forget what no read will ask for. The table of
 * (second, key) is large but only the touched part is used, and cleared again, so the
 * cost is a few nanoseconds a cell whatever their order.
 */
static void
compact(struct recent *r)
{
	static _Thread_local uint16_t at[RECENT_KEEP_S][1024];
	uint32_t kept = 0, youngest = RECENT_KEEP_S;

	r->disorder = 0;
	for (uint32_t i = 0; i < r->used; i++) {
		uint32_t cell = r->cell[i], age = age_of(r, cell);
		uint16_t *slot = &at[second_of(cell) % RECENT_KEEP_S][key_of(cell)];

		if (age >= RECENT_KEEP_S)
			continue;
		if (*slot && calls_of(r->cell[*slot - 1]) + calls_of(cell) <= CALLS_MAX) {
			r->cell[*slot - 1] += calls_of(cell);
			continue;
		}
		youngest = MIN(youngest, age);
		r->disorder = MAX(r->disorder, age - youngest);
		r->cell[kept++] = cell;
		*slot = (uint16_t)kept;
	}
	r->used = kept;
	r->swept = r->newest;
	for (uint32_t i = 0; i < kept; i++)
		at[second_of(r->cell[i]) % RECENT_KEEP_S][key_of(r->cell[i])] = 0;
}

/* Make room in a full log: shed the older half of its seconds. */
static void
shed(struct recent *r)
{
	uint32_t oldest = 0, kept = 0;

	for (uint32_t i = 0; i < r->used; i++)
		oldest = MAX(oldest, age_of(r, r->cell[i]));
	for (uint32_t i = 0; i < r->used; i++)
		if (age_of(r, r->cell[i]) < (oldest + 1) / 2)
			r->cell[kept++] = r->cell[i];
	r->used = kept;
}

static void
make_room(struct recent *r)
{
	if (r->used) {
		compact(r);
		if (r->used <= r->cap / 2)
			return;
	}
	if (r->cap >= RECENT_MAX_CELLS) {
		if (r->used > r->cap - r->cap / 4)
			shed(r);
		return;
	}
	r->cap = r->cap ? r->cap * 2 : 16;
	r->cell = xreallocarray(r->cell, r->cap, sizeof(*r->cell));
}

static void
advance(struct recent *r, uint32_t sec)
{
	if (sec - r->newest >= RECENT_KEEP_S) {
		r->used = r->disorder = 0;
		r->swept = sec;
	}
	r->newest = sec;
	if (sec - r->swept >= SWEEP_S)
		compact(r);
}

void
recent_add(struct recent *r, uint32_t sec, unsigned key, uint32_t calls)
{
	uint32_t cell = sec << 24 | key << 14;

	if (sec > r->newest)
		advance(r, sec);
	if (r->newest - sec >= RECENT_KEEP_S)
		return;
	r->disorder = MAX(r->disorder, r->newest - sec);
	if (r->used && (r->cell[r->used - 1] & ~CALLS_MAX) == cell) {
		uint32_t *last = &r->cell[r->used - 1];
		uint32_t fits = MIN(calls, CALLS_MAX - calls_of(*last));

		*last += fits;
		calls -= fits;
	}
	for (uint32_t n; calls; calls -= n) {
		if (r->used == r->cap)
			make_room(r);
		/* A second full of one giant batch after another: no older one to shed. */
		if (r->used == r->cap)
			return;
		n = MIN(calls, CALLS_MAX);
		r->cell[r->used++] = cell | n;
	}
}

void
recent_sum_init(struct recent_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	sum->lo = RECENT_BUCKETS;
}

void
recent_sum_clear(struct recent_sum *sum)
{
	if (sum->lo < sum->hi)
		memset(sum->count + sum->lo, 0,
			(sum->hi - sum->lo) * sizeof(sum->count[0]));
	sum->calls = sum->failed = sum->timed = 0;
	sum->lo = RECENT_BUCKETS;
	sum->hi = 0;
}

/*
 * The seconds (@after, @upto] as ages [from, to), and the first cell that may be of them.
 * Cells come nearly in order of time, and most reads are of the newest seconds only: a
 * minute of cells is many cache lines.
 */
struct span {
	uint32_t from, to, first;
};

static struct span
find_span(const struct recent *r, uint32_t after, uint32_t upto)
{
	struct span s = { .from = r->newest > upto ? r->newest - upto : 0,
		.to = r->newest > after ? MIN(r->newest - after, RECENT_KEEP_S) : 0,
		.first = r->used };

	while (s.first && age_of(r, r->cell[s.first - 1]) < s.to + r->disorder)
		s.first--;
	return s;
}

static inline bool
is_within(const struct recent *r, const struct span *s, uint32_t cell)
{
	uint32_t age = age_of(r, cell);

	return age >= s->from && age < s->to;
}

void
recent_read(const struct recent *r, uint32_t after, uint32_t upto, struct recent_sum *sum)
{
	struct span s = find_span(r, after, upto);
	uint32_t lo = sum->lo, hi = sum->hi;
	uint64_t all = 0, failed = 0, untimed = 0;

	for (uint32_t i = s.first; i < r->used; i++) {
		uint32_t cell = r->cell[i], calls = calls_of(cell);
		uint32_t bucket = key_of(cell) & ~RECENT_FAILED;

		if (!is_within(r, &s, cell))
			continue;
		all += calls;
		failed += key_of(cell) & RECENT_FAILED ? calls : 0;
		if (bucket == RECENT_NO_LATENCY) {
			untimed += calls;
			continue;
		}
		sum->count[bucket] += calls;
		lo = MIN(lo, bucket);
		hi = MAX(hi, bucket + 1);
	}
	sum->calls += (double)all;
	sum->failed += (double)failed;
	sum->timed += (double)(all - untimed);
	sum->lo = lo;
	sum->hi = hi;
}

void
recent_spread_slow(const struct recent *r, uint32_t after, uint32_t upto, unsigned bucket,
	struct recent_spread *spread)
{
	struct span s = find_span(r, after, upto);

	for (uint32_t i = s.first; i < r->used; i++) {
		uint32_t cell = r->cell[i], second = second_of(cell) % RECENT_KEEP_S;
		uint32_t b = key_of(cell) & ~RECENT_FAILED;

		if (!is_within(r, &s, cell) || b == RECENT_NO_LATENCY)
			continue;
		spread->calls[second] += calls_of(cell);
		spread->odd[second] += b > bucket ? calls_of(cell) : 0;
	}
}

void
recent_spread_failed(const struct recent *r, uint32_t after, uint32_t upto,
	struct recent_spread *spread)
{
	struct span s = find_span(r, after, upto);

	for (uint32_t i = s.first; i < r->used; i++) {
		uint32_t cell = r->cell[i], second = second_of(cell) % RECENT_KEEP_S;

		if (!is_within(r, &s, cell))
			continue;
		spread->calls[second] += calls_of(cell);
		spread->odd[second] += key_of(cell) & RECENT_FAILED ? calls_of(cell) : 0;
	}
}

void
recent_sum_add(struct recent_sum *to, const struct recent_sum *from)
{
	const uint32_t *add = from->count;
	uint32_t *count = to->count, lo = from->lo, hi = from->hi;

	to->calls += from->calls;
	to->failed += from->failed;
	to->timed += from->timed;
	if (lo >= hi)
		return;
	for (uint32_t b = lo; b < hi; b++)
		count[b] += add[b];
	to->lo = MIN(to->lo, lo);
	to->hi = MAX(to->hi, hi);
}

double
recent_sum_above(const struct recent_sum *sum, unsigned bucket)
{
	uint64_t n = 0;

	for (uint32_t b = MAX(bucket + 1, sum->lo); b < sum->hi; b++)
		n += sum->count[b];
	return (double)n;
}

double
recent_sum_mean(const struct recent_sum *sum)
{
	double total = 0;

	for (uint32_t b = sum->lo; b < sum->hi; b++)
		if (sum->count[b])
			total += sum->count[b] * recent_value(b);
	return sum->timed > 0 ? total / sum->timed : 0;
}

double
recent_sum_quantile(const struct recent_sum *sum, double q)
{
	uint64_t want = (uint64_t)(q * sum->timed + (1 - 1e-9)), n = 0;

	want = MAX(want, 1);
	for (uint32_t b = sum->lo; b < sum->hi; b++) {
		n += sum->count[b];
		if (n >= want)
			return recent_value(b);
	}
	return 0;
}

size_t
recent_bytes(const struct recent *r)
{
	return r->cap * sizeof(*r->cell);
}
