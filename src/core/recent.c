#include "config.h"

#include "weir/core/recent.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define CALLS_MAX ((1u << 22) - 1)
#define KEY(bits) ((bits)&1023u) /* bucket and failed */

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
	uint32_t kept = 0, newest = 0;

	r->disorder = 0;
	for (uint32_t i = 0; i < r->used; i++) {
		struct recent_cell c = r->cell[i];
		uint16_t *slot = &at[c.sec % RECENT_KEEP_S][KEY(c.bits)];

		if (r->newest - c.sec >= RECENT_KEEP_S)
			continue;
		if (*slot) {
			struct recent_cell *same = &r->cell[*slot - 1];
			uint64_t n = (uint64_t)(same->bits >> 10) + (c.bits >> 10);

			if (n <= CALLS_MAX) {
				same->bits = (uint32_t)n << 10 | KEY(c.bits);
				continue;
			}
		}
		newest = MAX(newest, c.sec);
		r->disorder = MAX(r->disorder, newest - c.sec);
		r->cell[kept++] = c;
		*slot = (uint16_t)kept;
	}
	r->used = kept;
	for (uint32_t i = 0; i < kept; i++)
		at[r->cell[i].sec % RECENT_KEEP_S][KEY(r->cell[i].bits)] = 0;
}

/* Make room in a full log: shed the older half of its seconds. */
static void
shed(struct recent *r)
{
	uint32_t oldest = UINT32_MAX, kept = 0, limit;

	for (uint32_t i = 0; i < r->used; i++)
		oldest = MIN(oldest, r->cell[i].sec);
	limit = oldest + (r->newest - oldest) / 2;
	for (uint32_t i = 0; i < r->used; i++)
		if (r->cell[i].sec > limit)
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

void
recent_add(struct recent *r, uint32_t sec, unsigned key, uint32_t calls)
{
	struct recent_cell *last = r->used ? &r->cell[r->used - 1] : NULL;

	if (!calls)
		return;
	if (last && last->sec == sec && KEY(last->bits) == key &&
		(uint64_t)(last->bits >> 10) + calls <= CALLS_MAX) {
		last->bits += calls << 10;
		return;
	}
	if (r->used && r->newest >= RECENT_KEEP_S && sec <= r->newest - RECENT_KEEP_S)
		return;
	r->newest = MAX(r->newest, sec);
	r->disorder = MAX(r->disorder, r->newest - sec);
	if (r->used == r->cap)
		make_room(r);
	/* A second full of one giant batch after another: nothing older is left to shed. */
	if (r->used == r->cap)
		return;
	r->cell[r->used++] =
		(struct recent_cell){ sec, MIN(calls, CALLS_MAX) << 10 | key };
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
 * The first cell that may lie in (@after, ...). Cells come nearly in order of time, and
 * most reads are of the newest seconds only: a minute of cells is many cache lines.
 */
static uint32_t
first_after(const struct recent *r, uint32_t after)
{
	uint32_t i = r->used;

	while (i && r->cell[i - 1].sec + r->disorder > after)
		i--;
	return i;
}

void
recent_read(const struct recent *r, uint32_t after, uint32_t upto, struct recent_sum *sum)
{
	uint32_t lo = sum->lo, hi = sum->hi;
	uint64_t all = 0, failed = 0, untimed = 0;

	for (uint32_t i = first_after(r, after); i < r->used; i++) {
		struct recent_cell c = r->cell[i];
		uint32_t bucket = c.bits & 511u, calls = c.bits >> 10;

		if (c.sec - after - 1 >= upto - after)
			continue;
		all += calls;
		failed += c.bits & RECENT_FAILED ? calls : 0;
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
	for (uint32_t i = first_after(r, after); i < r->used; i++) {
		struct recent_cell c = r->cell[i];
		uint32_t b = c.bits & 511u, calls = c.bits >> 10;

		if (c.sec <= after || c.sec > upto || b == RECENT_NO_LATENCY)
			continue;
		spread->calls[c.sec % RECENT_KEEP_S] += calls;
		if (b > bucket)
			spread->odd[c.sec % RECENT_KEEP_S] += calls;
	}
}

void
recent_spread_failed(const struct recent *r, uint32_t after, uint32_t upto,
	struct recent_spread *spread)
{
	for (uint32_t i = first_after(r, after); i < r->used; i++) {
		struct recent_cell c = r->cell[i];
		uint32_t calls = c.bits >> 10;

		if (c.sec <= after || c.sec > upto)
			continue;
		spread->calls[c.sec % RECENT_KEEP_S] += calls;
		if (c.bits & RECENT_FAILED)
			spread->odd[c.sec % RECENT_KEEP_S] += calls;
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
