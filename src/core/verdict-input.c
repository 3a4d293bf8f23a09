/*
 * Write down what comes: where it goes is found once a second, the rest is a few shifts.
 * It is taken when it is needed, or when no more can be written down (verdict-take.c).
 */
#include "config.h"

#include "verdict-impl.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/hist.h"

#define ORIGIN_GONE_S 30u /* then another may tell of the edge */
#define SPREAD_S 60       /* seconds a delta is spread over at most */

/* The stream of operation @op, made if there is room; else the first. */
static uint32_t
stream_find(struct verdict *v, struct edge *e, uint32_t op, uint32_t sec)
{
	uint32_t at = 0;
	struct stream *s;

	if (op == VERDICT_NONE)
		return 0;
	for (uint32_t i = 1; i < e->streams; i++)
		if (e->stream[i].op == op)
			return i;
	if (e->streams <= v->o.limits.ops_per_edge && v->streams < v->o.limits.ops) {
		e->stream = xreallocarray(e->stream, e->streams + 1, sizeof(*e->stream));
		at = e->streams++;
		v->streams++;
	} else {
		/* Take the place of an operation that is no longer used. */
		for (uint32_t i = 1; i < e->streams; i++)
			if (e->stream[i].newest + v->o.limits.forget_s < sec)
				at = i;
		if (!at)
			return 0;
		stream_done(&e->stream[at]);
	}
	s = &e->stream[at];
	*s = (struct stream){ .op = op };
	s->cusum = (struct cusum){ .error_up = e->cusum.error_up,
		.error_down = e->cusum.error_down };
	verdict_recall_op(v, e, s);
	return at;
}

/*
 * Where it goes. Where two origins tell of the same edge they tell of the same calls:
 * only one of them is listened to.
 */
static uint32_t
place_find(struct verdict *v, const struct verdict_obs *o, uint32_t sec)
{
	struct edge *e = edge_get(v, o, sec);
	struct stream *s;
	uint32_t stream;

	if (!e)
		return PLACE_NOWHERE;
	if (e->origin != o->origin) {
		if (e->asked + ORIGIN_GONE_S >= sec)
			return PLACE_ELSEWHERE;
		e->origin = (uint8_t)o->origin;
	}
	stream = stream_find(v, e, o->op, sec);
	s = &e->stream[stream];
	/* It stays where it is as long as somebody may know of it. */
	e->asked = MAX(e->asked, sec);
	s->newest = MAX(s->newest, sec);
	return (e->index + 1) << STREAM_BITS | stream;
}

/* The second to count something under; false when it is too late for any window. */
static bool
find_second(struct verdict *v, int64_t end_us, int64_t now_us, uint32_t *ret_sec)
{
	uint32_t now = (uint32_t)MAX(now_us / SEC_US, 0);

	if (end_us < 0)
		return false;
	if (now != v->now) {
		verdict_settle(v);
		v->now = now;
	}
	*ret_sec = (uint32_t)MIN(end_us / SEC_US, (int64_t)now);
	return now - *ret_sec < RING;
}

static uint64_t
entry_at(const struct verdict *v, uint32_t place, uint32_t sec)
{
	return (uint64_t)(place >> STREAM_BITS) << EDGE_SHIFT |
	       (uint64_t)(RING - 1 - (v->now - sec)) << SECOND_SHIFT |
	       (uint64_t)(place & ((1u << STREAM_BITS) - 1)) << STREAM_SHIFT;
}

/* How an entry of that begins; 0 when it is not to be counted. */
static uint64_t
find(struct verdict *v, const struct verdict_obs *o, int64_t end_us, int64_t now_us)
{
	uint32_t place = o->known ? *o->known : PLACE_UNKNOWN, sec;

	if (!o->calls)
		return 0;
	if (!find_second(v, end_us, now_us, &sec)) {
		v->late += end_us >= 0 ? o->calls : 0;
		return 0;
	}
	if (place == PLACE_UNKNOWN) {
		place = place_find(v, o, sec);
		if (o->known)
			*o->known = place;
	}
	v->unwatched += place == PLACE_NOWHERE ? o->calls : 0;
	return place < PLACE_FIRST ? 0 : entry_at(v, place, sec);
}

static void
put(struct verdict *v, uint64_t entry, unsigned key, uint32_t calls)
{
	for (uint32_t n; calls; calls -= n) {
		n = MIN(calls, CALLS_MAX);
		if (v->entries == ENTRIES)
			verdict_settle(v);
		v->entry[v->entries++] = entry | (uint64_t)key << KEY_SHIFT | n;
	}
}

static void
put_requests(
	struct verdict *v, uint64_t entry, int64_t us, uint32_t calls, uint32_t failed)
{
	put(v, entry, recent_key(us, false), calls - failed);
	put(v, entry, recent_key(us, true), failed);
}

static void
put_aspect(struct verdict *v, uint64_t entry, enum aspect a, int64_t us, uint32_t calls)
{
	uint64_t all = (uint64_t)((1u << STREAM_BITS) - 1) << STREAM_SHIFT;
	uint64_t stream = (uint64_t)(FIRST_ASPECT + a) << STREAM_SHIFT;

	if (us >= 0)
		put(v, (entry & ~all) | stream, recent_key(us, false), calls);
}

/* What stands for several requests that are not alike tells its weight itself. */
static uint64_t
sum_up(struct verdict *v, uint64_t entry, uint32_t weight)
{
	edge_weigh(v->edge[(entry >> EDGE_SHIFT) - 1], weight, 1);
	return entry | UINT64_C(1) << SUMMED_SHIFT;
}

void
verdict_observe(struct verdict *v, const struct verdict_obs *o, int64_t now_us)
{
	bool delivery = o->kind == KIND_MSG && o->server_us >= 0;
	uint32_t failed = MIN(o->failed, o->calls);
	uint64_t entry = find(v, o, o->end_us, now_us);

	if (!entry)
		return;
	if (failed && failed < o->calls)
		entry = sum_up(v, entry, o->calls);
	put_requests(v, entry, delivery ? o->server_us : o->latency_us, o->calls, failed);
	if (!delivery)
		put_aspect(v, entry, ASPECT_SERVER, o->server_us, o->calls);
	put_aspect(v, entry, ASPECT_WAIT, o->queue_us, o->calls);
	put_aspect(v, entry, ASPECT_SELF, o->self_us, o->calls);
	put_aspect(v, entry, ASPECT_BLOCKED, o->blocked_us, o->calls);
}

void
verdict_observe_own(struct verdict *v, const struct verdict_own *o, int64_t now_us)
{
	const struct edge *e = verdict_find(v, o->src, o->dst, o->kind);
	uint64_t entry;
	uint32_t sec;

	if (!e || e->origin != o->origin || !find_second(v, o->end_us, now_us, &sec))
		return;
	entry = entry_at(v, (e->index + 1) << STREAM_BITS, sec);
	put_aspect(v, entry, ASPECT_SELF, o->self_us, o->calls);
	put_aspect(v, entry, ASPECT_BLOCKED, o->blocked_us, o->calls);
}

/* ---------------------------------------------------------------- added up before */

/* The share of @total that falls to part @k of @n; the shares add up to it. */
static uint32_t
share(uint64_t total, unsigned k, unsigned n)
{
	uint64_t upto, before;

	/* Nearly always; and a division takes longer than all the rest. */
	if (n == 1)
		return (uint32_t)MIN(total, UINT32_MAX / 2);
	upto = total / n * (k + 1) + total % n * (k + 1) / n;
	before = total / n * k + total % n * k / n;
	return (uint32_t)MIN(upto - before, UINT32_MAX / 2);
}

/* A latency within the bucket, where it has two ends. */
static int64_t
within(const struct buckets *b, uint32_t i)
{
	int64_t low, high;

	if (!b->bound_us)
		return hist_value(b->bucket[i]);
	low = i ? b->bound_us[i - 1] : 0;
	high = b->bound_us[i];
	return high == INT64_MAX ? (i ? low : FLOW_UNKNOWN) : low + (high - low) / 2;
}

static void
put_buckets(struct verdict *v, uint64_t entry, enum aspect a, const struct buckets *b,
	unsigned part, unsigned parts)
{
	for (uint32_t i = 0; i < b->n; i++)
		put_aspect(v, entry, a, within(b, i), share(b->count[i], part, parts));
}

/*
 * One of the seconds a delta is spread over. Which of its requests failed is not known,
 * and does not matter: failures and latencies are judged apart.
 */
static void
observe_part(struct verdict *v, const struct delta *d, struct verdict_obs *o,
	int64_t now_us, unsigned part, unsigned parts)
{
	bool delivery = d->kind == KIND_MSG && d->server.n;
	const struct buckets *latency = delivery ? &d->server : &d->latency;
	uint32_t failed = share(MIN(d->errors, d->calls), part, parts), calls;
	uint64_t entry;

	o->calls = calls = share(d->calls, part, parts);
	entry = find(v, o, o->end_us - (int64_t)(parts - 1 - part) * SEC_US, now_us);
	if (!entry)
		return;
	entry = sum_up(v, entry, MAX(d->weight, 1));
	for (uint32_t i = 0; i < latency->n; i++) {
		uint32_t n = MIN(share(latency->count[i], part, parts), calls);
		uint32_t bad = MIN(failed, n);

		put_requests(v, entry, within(latency, i), n, bad);
		calls -= n;
		failed -= bad;
	}
	put_requests(v, entry, FLOW_UNKNOWN, calls, MIN(failed, calls));
	if (!delivery)
		put_buckets(v, entry, ASPECT_SERVER, &d->server, part, parts);
	put_buckets(v, entry, ASPECT_WAIT, &d->queue, part, parts);
}

void
verdict_observe_delta(struct verdict *v, const struct delta *d, uint32_t src,
	uint32_t dst, uint32_t op, uint32_t *known, int64_t now_us)
{
	struct verdict_obs o = {
		.src = src,
		.dst = dst,
		.kind = d->kind,
		.origin = d->origin,
		.op = op,
		.known = known,
		.end_us = d->end_us < 0 ? now_us : d->end_us,
	};
	unsigned parts = (unsigned)CLAMP((d->span_us + SEC_US / 2) / SEC_US, 1, SPREAD_S);

	for (unsigned part = 0; part < parts; part++)
		observe_part(v, d, &o, now_us, part, parts);
}
