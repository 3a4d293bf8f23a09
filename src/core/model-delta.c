/*
 * Deltas: requests that were added up before they came here. One whose bounds are
 * buckets of hist.h is booked as the same flows would be. One that covers several
 * seconds, as a scrape does, is spread over them evenly, so that a narrow window does
 * not show fifteen seconds of calls now and none for the next fourteen.
 */
#include "config.h"

#include "model-priv.h"
#include "weir/base/util.h"

#define DELTA_CALLS_MAX (UINT64_C(1) << 28)
#define DELTA_SPAN_MAX_US (3600 * SEC_US)
#define DELTA_BYTES_MAX (INT64_C(1) << 50)
#define SPREAD_TICKS_MAX 300

static bool
bounds_ascend(const struct buckets *b)
{
	int64_t before = -1;

	for (uint32_t i = 0; i < b->n; before = b->bound_us[i++])
		if (b->bound_us[i] <= before)
			return false;
	return true;
}

/* How many of the calls the buckets hold. */
static uint64_t
sum_of(const struct buckets *b)
{
	uint64_t sum = 0;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < b->n; i++)
		sum += b->count[i];
	return sum;
}

static bool
is_sane(const struct buckets *b, uint64_t calls)
{
	unsigned last = 0;

	if (sum_of(b) > calls)
		return false;
	if (b->bound_us)
		return bounds_ascend(b);
#pragma GCC unroll 4
	for (uint32_t i = 0; i < b->n; i++)
		last |= b->bucket[i];
	/* Nearly all are short of that together; else each one is looked at. */
	for (uint32_t i = 0; i < b->n && last >= HIST_BUCKETS; i++)
		if (b->bucket[i] >= HIST_BUCKETS)
			return false;
	return b->n <= HIST_BUCKETS;
}

bool
delta_is_sane(const struct delta *d)
{
	if (!d->src.n || !d->dst.n || d->kind >= KIND_COUNT ||
		d->origin >= ORIGIN_COUNT || d->src_kind >= NODE_KIND_COUNT ||
		d->dst_kind >= NODE_KIND_COUNT || d->calls > DELTA_CALLS_MAX ||
		d->errors > d->calls || d->span_us < 0 ||
		d->span_us > DELTA_SPAN_MAX_US || d->bytes_in < FLOW_UNKNOWN ||
		d->bytes_out < FLOW_UNKNOWN || d->bytes_in > DELTA_BYTES_MAX ||
		d->bytes_out > DELTA_BYTES_MAX)
		return false;
	return is_sane(&d->latency, d->calls) && is_sane(&d->server, d->calls) &&
	       is_sane(&d->queue, d->calls);
}

/* Is it the upper bound of one of our own buckets, or endless? */
static bool
is_ours(int64_t bound)
{
	if (bound >= (int64_t)HIST_LIMIT_US)
		return bound == INT64_MAX || bound == (int64_t)HIST_LIMIT_US;
	return hist_index((uint64_t)bound) != hist_index((uint64_t)bound + 1);
}

static bool
is_coarse(const struct buckets *b)
{
	/* Those of empty buckets too: all requests may be behind the last one. */
	for (uint32_t i = 0; b->bound_us && i < b->n; i++)
		if (!is_ours(b->bound_us[i]))
			return true;
	return false;
}

/* Where bucket @i of @b goes; nowhere when nothing at all is known of its latency. */
static uint16_t
bucket_for(const struct buckets *b, uint32_t i, bool coarse)
{
	int64_t bound;

	if (!b->bound_us)
		return b->bucket[i];
	bound = b->bound_us[i];
	if (bound == INT64_MAX && coarse) {
		if (i == 0)
			return WINDOW_NO_LATENCY;
		bound = b->bound_us[i - 1];
	}
	return (uint16_t)hist_index((uint64_t)bound);
}

/* The share of @total that falls to part @k of @n; the shares add up to @total. */
static uint64_t
share(uint64_t total, unsigned k, unsigned n)
{
	uint64_t r;

	/* Nearly always; and a division takes longer than all the rest. */
	if (n == 1)
		return total;
	r = total % n;
	return total / n + (r * (k + 1) / n - r * k / n);
}

static int64_t
share_bytes(int64_t total, unsigned k, unsigned n)
{
	return total < 0 ? -1 : (int64_t)share((uint64_t)total, k, n);
}

/* One of the seconds that a delta is spread over. */
struct part {
	int64_t at_us;
	unsigned k, n;
	uint32_t weight;
};

/* What the buckets of @b make of @g: into which of ours, and how many. */
static void
fill_group(struct window_group *g, const struct buckets *b, const struct part *p,
	uint16_t *bucket, uint32_t *count)
{
	bool coarse = is_coarse(b);
	unsigned n = 0;

	g->coarse = coarse;
	g->weight = p->weight;
	/* Nearly always nothing is left to be found out: all of them, now. */
	if (p->n == 1 && !b->bound_us) {
		g->bucket = b->bucket;
		g->count = b->count;
		g->n = b->n;
		return;
	}
	g->bucket = bucket;
	g->count = count;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t calls = (uint32_t)share(b->count[i], p->k, p->n);
		uint16_t to = bucket_for(b, i, coarse);

		if (calls == 0)
			continue;
		if (to == WINDOW_NO_LATENCY) {
			g->bare += calls;
		} else if (n && bucket[n - 1] == to) {
			/* Bounds that are nearer to each other than our buckets. */
			count[n - 1] += calls;
		} else {
			bucket[n] = to;
			count[n++] = calls;
		}
	}
	g->n = n;
}

/* Book to a series that is made when first needed. */
static void
book_lazily(
	struct model *m, const struct buckets *b, uint32_t *series, const struct part *p)
{
	uint16_t bucket[HIST_BUCKETS];
	uint32_t count[HIST_BUCKETS];
	struct window_group g = { .bytes_in = -1, .bytes_out = -1 };

	if (b->n == 0)
		return;
	if (*series == NONE)
		*series = window_series_new(m->window, WINDOW_NO_SERIES);
	g.series = *series;
	fill_group(&g, b, p, bucket, count);
	window_add_group(m->window, p->at_us, &g);
}

static void
book_part(struct model *m, const struct delta *d, const struct route *found,
	const struct part *p)
{
	struct tally *t = tally_at(m, found->tally);
	uint16_t bucket[HIST_BUCKETS];
	uint32_t count[HIST_BUCKETS];
	struct window_group g = {
		.series = found->series,
		.errors = (uint32_t)share(d->errors, p->k, p->n),
		.bytes_in = share_bytes(d->bytes_in, p->k, p->n),
		.bytes_out = share_bytes(d->bytes_out, p->k, p->n),
	};

	g.bare = (uint32_t)share(d->calls - sum_of(&d->latency), p->k, p->n);
	fill_group(&g, &d->latency, p, bucket, count);
	window_add_group(m->window, p->at_us, &g);
	book_lazily(m, &d->server, &t->server, p);
	book_lazily(m, &d->queue, &t->queue, p);
}

void
delta_book(
	struct model *m, const struct delta *d, const struct route *found, int64_t at_us)
{
	struct part p = {
		.n = (unsigned)CLAMP(
			(d->span_us + SEC_US / 2) / SEC_US, 1, SPREAD_TICKS_MAX),
	};
	int64_t oldest = window_oldest_us(m->window);

	p.weight = p.n == 1 ? d->weight : 1;
	for (; p.k < p.n; p.k++) {
		p.at_us = MAX(at_us - (int64_t)(p.n - 1 - p.k) * SEC_US, oldest);
		book_part(m, d, found, &p);
	}
	m->since_us = MIN(m->since_us,
		at_us - (d->events ? d->span_us : (int64_t)(p.n - 1) * SEC_US));
}
