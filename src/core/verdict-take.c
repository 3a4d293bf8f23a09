/*
 * Take what has come: all requests of an edge and second together, so that what is kept
 * of the edge is touched once for all of them, and in whatever order they came.
 */
#include "config.h"

#include "verdict-impl.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define UNIT_KEPT 256 /* requests that a least weight is remembered for */
#define STEP 8u       /* entries; see verdict_settle() */

/* So many bytes at the beginning are touched. */
#define EDGE_HOT offsetof(struct edge, base.share)
#define STREAM_HOT offsetof(struct stream, base.share)

static uint32_t
calls_of(uint64_t entry)
{
	return entry & CALLS_MAX;
}

static unsigned
key_of(uint64_t entry)
{
	return entry >> KEY_SHIFT & ((1u << (SUMMED_SHIFT - KEY_SHIFT)) - 1);
}

static unsigned
stream_of(uint64_t entry)
{
	return entry >> STREAM_SHIFT & ((1u << STREAM_BITS) - 1);
}

static struct edge *
edge_of(const struct verdict *v, uint64_t entry)
{
	return v->edge[(entry >> EDGE_SHIFT) - 1];
}

/* NULL: an aspect that was not seen before. */
static struct stream *
stream_in(const struct edge *e, uint64_t entry)
{
	unsigned i = stream_of(entry);

	/* An operation may have gone since. */
	return i < FIRST_ASPECT ? &e->stream[MIN(i, e->streams - 1)]
				: e->aspect[i - FIRST_ASPECT];
}

void
edge_weigh(struct edge *e, uint32_t weight, uint32_t requests)
{
	if (!e->unit || weight <= e->unit) {
		e->unit = weight;
		e->unit_next = UINT32_MAX;
		e->unit_age = 0;
		return;
	}
	e->unit_next = MIN(e->unit_next, weight);
	e->unit_age += requests;
	if (e->unit_age < UNIT_KEPT)
		return;
	e->unit = e->unit_next;
	e->unit_next = UINT32_MAX;
	e->unit_age = 0;
}

/* Take notice of the weights that requests came with; see edge.unit. */
static void
weigh(struct edge *e, const uint64_t *entry, uint32_t n)
{
	uint32_t least = UINT32_MAX, requests = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (stream_of(entry[i]) >= FIRST_ASPECT || entry[i] >> SUMMED_SHIFT & 1)
			continue;
		least = MIN(least, calls_of(entry[i]));
		requests++;
	}
	if (requests)
		edge_weigh(e, least, requests);
}

static uint32_t
in_units(const struct edge *e, uint64_t calls)
{
	if (e->unit > 1)
		calls = MAX((calls + e->unit / 2) / e->unit, 1);
	return (uint32_t)MIN(calls, UINT32_MAX);
}

/*
 * Take those at @entry that are of one stream, with what they are by the levels of @base
 * added to @seen. Returns how many there were.
 */
static uint32_t
take_stream(const struct edge *e, struct recent *r, const struct baseline *base,
	uint32_t sec, const uint64_t *entry, uint32_t n, struct baseline_look *seen)
{
	uint32_t i = 0;

	while (i < n && stream_of(entry[i]) == stream_of(entry[0])) {
		uint64_t same = entry[i] >> KEY_SHIFT, calls = 0;
		unsigned key = key_of(entry[i]), bucket = key & ~RECENT_FAILED;
		float units;

		for (; i < n && entry[i] >> KEY_SHIFT == same; i++)
			calls += calls_of(entry[i]);
		calls = in_units(e, calls);
		units = (float)calls;
		recent_add(r, sec, key, (uint32_t)calls);
		seen->calls += units;
		seen->failed += key & RECENT_FAILED ? units : 0;
		if (!base || bucket == RECENT_NO_LATENCY)
			continue;
		seen->timed += units;
		for (unsigned l = 0; l < LEVEL_COUNT; l++)
			seen->above[l] += bucket > base->above[l] ? units : 0;
	}
	return i;
}

static uint32_t
take_aspect(struct edge *e, unsigned a, uint32_t sec, const uint64_t *entry, uint32_t n)
{
	struct baseline_look none = { 0 };

	if (!e->aspect[a])
		e->aspect[a] = xcalloc(1, sizeof(*e->aspect[a]));
	return take_stream(e, &e->aspect[a]->recent, NULL, sec, entry, n, &none);
}

static void
look_closer(struct verdict *v, struct edge *e)
{
	e->hot_until = v->sec + W;
	v->pulse[e->index].look = 0;
}

static void
add_look(struct baseline_look *to, const struct baseline_look *from)
{
	to->calls += from->calls;
	to->failed += from->failed;
	to->timed += from->timed;
	for (unsigned l = 0; l < LEVEL_COUNT; l++)
		to->above[l] += from->above[l];
}

/* One operation's, added to @all. */
static uint32_t
take_op(struct verdict *v, struct edge *e, uint32_t sec, const uint64_t *entry,
	uint32_t n, struct baseline_look *all)
{
	struct stream *s = stream_in(e, *entry);
	bool own = baseline_warm(&s->base);
	struct baseline_look seen = { 0 };

	n = take_stream(e, &s->recent, own ? &s->base : &e->base, sec, entry, n, &seen);
	s->newest = MAX(s->newest, sec);
	add_look(all, &seen);
	if (own && e->streams > 1 && baseline_warm(&e->base) &&
		cusum_step(&s->cusum, sec, &seen, (double)e->cusum_limit))
		look_closer(v, e);
	return n;
}

static void
count_calls(struct verdict *v, struct edge *e, uint32_t sec, uint64_t calls)
{
	struct pulse *p = &v->pulse[e->index];
	uint32_t n = (uint32_t)MIN(calls, UINT32_MAX);

	if (sec > p->newest + 1)
		e->quiet = MAX(e->quiet, sec - p->newest - 1);
	p->newest = MAX(p->newest, sec);
	e->lateness[MIN(v->now - sec, MAX_LAG)] += (float)calls;
	pace_add(&e->pace, sec, n);
	pace_add(&v->node[e->dst].inflow, sec, n);
	pace_add(&v->all, sec, n);
}

/* Take those at @entry that are of one edge and second. Returns how many there were. */
static uint32_t
take_second(struct verdict *v, const uint64_t *entry, uint32_t n)
{
	uint64_t same = entry[0] >> SECOND_SHIFT, calls = 0;
	uint32_t sec = v->now - (RING - 1) + (same & (RING - 1));
	struct edge *e = edge_of(v, entry[0]);
	struct baseline_look all = { 0 };
	uint32_t of_it = 0, i = 0;

	for (; of_it < n && entry[of_it] >> SECOND_SHIFT == same; of_it++)
		if (stream_of(entry[of_it]) < FIRST_ASPECT)
			calls += calls_of(entry[of_it]);
	weigh(e, entry, of_it);
	while (i < of_it && stream_of(entry[i]) < FIRST_ASPECT)
		i += take_op(v, e, sec, entry + i, of_it - i, &all);
	while (i < of_it)
		i += take_aspect(
			e, stream_of(entry[i]) - FIRST_ASPECT, sec, entry + i, of_it - i);
	if (calls)
		count_calls(v, e, sec, calls);
	if (calls && baseline_warm(&e->base) &&
		cusum_step(&e->cusum, sec, &all, (double)e->cusum_limit))
		look_closer(v, e);
	return of_it;
}

/* Is there one, and of another edge or, by @shift, stream than the one before? */
static inline bool
is_first(const uint64_t *entry, uint32_t i, uint32_t n, unsigned shift)
{
	return i < n && (!i || (entry[i] ^ entry[i - 1]) >> shift);
}

static inline void
fetch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i += 64)
		__builtin_prefetch((const char *)p + i, 1);
}

/*
 * Taking is waiting for memory, so that of some entries on is asked for, step by step:
 * the edge, then its stream, then where the next cell goes.
 */
void
verdict_settle(struct verdict *v)
{
	const uint64_t *entry = v->entry;
	uint32_t n = v->entries, ahead = 0;

	v->entries = 0;
	sort_u64(v->entry, v->entry + ENTRIES, n, KEY_SHIFT);
	for (uint32_t i = 0; i < n;) {
		for (; ahead < i + 3 * STEP; ahead++) {
			uint32_t s = ahead - STEP, c = s - STEP;
			const struct stream *stream = NULL;

			if (is_first(entry, ahead, n, SECOND_SHIFT)) {
				const struct edge *e = edge_of(v, entry[ahead]);

				fetch(e, EDGE_HOT);
				fetch(&e->pace.upto, 1);
				fetch(&e->pace.calls[v->now % RING], 1);
			}
			if (is_first(entry, s, n, STREAM_SHIFT))
				stream = stream_in(edge_of(v, entry[s]), entry[s]);
			if (stream)
				fetch(stream, STREAM_HOT);
			stream = NULL;
			if (is_first(entry, c, n, STREAM_SHIFT))
				stream = stream_in(edge_of(v, entry[c]), entry[c]);
			if (stream && stream->recent.used)
				fetch(&stream->recent.cell[stream->recent.used - 1], 1);
		}
		i += take_second(v, entry + i, n - i);
	}
}
