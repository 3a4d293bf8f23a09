#include "config.h"

#include "verdict-impl.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/hist.h"

#define ORIGIN_GONE_S 30u /* then another may tell of the edge */
#define SPREAD_S 60       /* seconds a delta is spread over at most */
#define UNIT_KEPT 256     /* requests that a least weight is remembered for */

static struct stream *
stream_get(struct verdict *v, struct edge *e, uint32_t op, uint32_t sec)
{
	struct stream *s;

	if (op == VERDICT_NONE)
		return &e->stream[0];
	for (uint32_t i = 1; i < e->streams; i++)
		if (e->stream[i].op == op)
			return &e->stream[i];
	if (e->streams <= v->o.limits.ops_per_edge && v->streams < v->o.limits.ops) {
		e->stream = xreallocarray(e->stream, e->streams + 1, sizeof(*e->stream));
		s = &e->stream[e->streams++];
		v->streams++;
	} else {
		/* Take the place of an operation that is no longer used. */
		s = NULL;
		for (uint32_t i = 1; i < e->streams; i++)
			if (e->stream[i].newest + v->o.limits.forget_s < sec)
				s = &e->stream[i];
		if (!s)
			return &e->stream[0];
		stream_done(s);
	}
	*s = (struct stream){ .op = op, .newest = sec };
	s->cusum = (struct cusum){ .error_up = e->cusum.error_up,
		.error_down = e->cusum.error_down };
	verdict_recall_op(v, e, s);
	return s;
}

static void
add_aspect(struct edge *e, enum aspect a, uint32_t sec, int64_t us, uint32_t calls)
{
	if (us < 0)
		return;
	if (!e->aspect[a])
		e->aspect[a] = xcalloc(1, sizeof(*e->aspect[a]));
	recent_add(&e->aspect[a]->recent, sec, us, calls, 0);
}

static void
look_closer(struct verdict *v, struct edge *e)
{
	e->hot_until = v->sec + W;
	v->pulse[e->index].look = 0;
}

/* Take notice that a request of @weight came; see edge.unit. */
static void
weigh(struct edge *e, uint32_t weight)
{
	if (!e->unit || weight <= e->unit) {
		e->unit = weight;
		e->unit_next = UINT32_MAX;
		e->unit_age = 0;
		return;
	}
	e->unit_next = MIN(e->unit_next, weight);
	if (++e->unit_age < UNIT_KEPT)
		return;
	e->unit = e->unit_next;
	e->unit_next = UINT32_MAX;
	e->unit_age = 0;
}

static uint32_t
in_units(const struct edge *e, uint32_t calls)
{
	return e->unit <= 1 || !calls ? calls : MAX((calls + e->unit / 2) / e->unit, 1);
}

/* @calls requests, in units, that took @us. */
static void
add_requests(struct verdict *v, struct edge *e, struct stream *s, uint32_t sec,
	int64_t us, uint32_t calls, uint32_t failed)
{
	const struct baseline *base = baseline_warm(&s->base) ? &s->base : &e->base;
	unsigned bucket = us < 0 ? RECENT_NO_LATENCY : recent_bucket(us);
	double limit = (double)e->cusum_limit;

	s->newest = MAX(s->newest, sec);
	recent_add(&s->recent, sec, us, calls, failed);
	if (!baseline_warm(&e->base))
		return;
	if (cusum_step(&e->cusum, base, sec, bucket, calls, failed, limit))
		look_closer(v, e);
	if (e->streams > 1 && base == &s->base &&
		cusum_step(&s->cusum, base, sec, bucket, calls, failed, limit))
		look_closer(v, e);
}

/*
 * The edge that @calls of this were made on in second @sec; NULL when they are not to be
 * counted. Where two origins tell of the same edge they tell of the same calls: only
 * one of them is listened to.
 */
static struct edge *
count_calls(struct verdict *v, const struct verdict_obs *o, uint32_t sec, uint32_t now,
	uint32_t calls)
{
	struct edge *e = edge_get(v, o, sec);
	struct pulse *p;

	if (!e)
		return NULL;
	p = &v->pulse[e->index];
	if (e->origin != o->origin) {
		if (p->newest + ORIGIN_GONE_S >= sec)
			return NULL;
		e->origin = (uint8_t)o->origin;
	}
	if (sec > p->newest + 1)
		e->quiet = MAX(e->quiet, sec - p->newest - 1);
	p->newest = MAX(p->newest, sec);
	e->lateness[MIN(now - sec, MAX_LAG)] += (float)calls;
	pace_add(&e->pace, sec, calls);
	pace_add(&v->node[e->dst].inflow, sec, calls);
	pace_add(&v->all, sec, calls);
	return e;
}

/* The second to count something under; false when it is too late for any window. */
static bool
find_second(struct verdict *v, int64_t end_us, uint32_t now, uint32_t calls,
	uint32_t *ret_sec)
{
	uint32_t sec;

	if (end_us < 0 || !calls)
		return false;
	sec = (uint32_t)MIN(end_us / SEC_US, (int64_t)now);
	if (now - sec >= RING) {
		v->late += calls;
		return false;
	}
	*ret_sec = sec;
	return true;
}

static void
take(struct verdict *v, const struct arrival *a)
{
	const struct verdict_obs *o = &a->o;
	bool delivery = o->kind == KIND_MSG && o->server_us >= 0;
	struct edge *e = count_calls(v, o, a->sec, a->now, o->calls);
	uint32_t calls;

	if (!e)
		return;
	weigh(e, o->calls);
	calls = in_units(e, o->calls);
	add_requests(v, e, stream_get(v, e, o->op, a->sec), a->sec,
		delivery ? o->server_us : o->latency_us, calls, in_units(e, o->failed));
	if (!delivery)
		add_aspect(e, ASPECT_SERVER, a->sec, o->server_us, calls);
	add_aspect(e, ASPECT_WAIT, a->sec, o->queue_us, calls);
	add_aspect(e, ASPECT_SELF, a->sec, o->self_us, calls);
	add_aspect(e, ASPECT_BLOCKED, a->sec, o->blocked_us, calls);
}

/* What taking a request of the edge touches of it. */
static void
fetch_edge(const struct edge *e, uint32_t sec)
{
	__builtin_prefetch(e);
	__builtin_prefetch(&e->lateness);
	__builtin_prefetch(&e->stream);
	__builtin_prefetch(&e->base);
	__builtin_prefetch(&e->cusum);
	__builtin_prefetch(&e->pace.upto);
	__builtin_prefetch(&e->pace.calls[sec % RING]);
}

static void
fetch_streams(const struct edge *e)
{
	for (uint32_t s = 0; s < MIN(e->streams, 4u); s++) {
		__builtin_prefetch(&e->stream[s]);
		__builtin_prefetch(&e->stream[s].cusum);
	}
}

/* Where its next cell goes. */
static void
fetch_cells(const struct edge *e, uint32_t op)
{
	for (uint32_t s = 0; s < e->streams; s++) {
		const struct recent *r = &e->stream[s].recent;

		if (e->stream[s].op != op || !r->used)
			continue;
		__builtin_prefetch(&r->cell[r->used - 1], 1);
		__builtin_prefetch(&r->cell[MIN(r->used, r->cap - 1)], 1);
		break;
	}
}

void
verdict_settle(struct verdict *v)
{
	uint32_t n = v->arrivals;

	for (uint32_t i = 0; i < n; i++)
		edge_fetch_nodes(v, &v->arrival[i].o);
	for (uint32_t i = 0; i < n; i++)
		edge_fetch_slot(v, &v->arrival[i].o);
	for (uint32_t i = 0; i < n; i++)
		v->arrival[i].edge = edge_fetch(v, &v->arrival[i].o);
	for (uint32_t i = 0; i < n; i++)
		if (v->arrival[i].edge != NONE)
			fetch_edge(v->edge[v->arrival[i].edge], v->arrival[i].sec);
	for (uint32_t i = 0; i < n; i++)
		if (v->arrival[i].edge != NONE)
			fetch_streams(v->edge[v->arrival[i].edge]);
	for (uint32_t i = 0; i < n; i++)
		if (v->arrival[i].edge != NONE)
			fetch_cells(v->edge[v->arrival[i].edge], v->arrival[i].o.op);
	for (uint32_t i = 0; i < n; i++)
		take(v, &v->arrival[i]);
	v->arrivals = 0;
}

void
verdict_observe(struct verdict *v, const struct verdict_obs *o, int64_t now_us)
{
	struct arrival *a = &v->arrival[v->arrivals];
	uint32_t now = (uint32_t)MAX(now_us / SEC_US, 0);

	if (!find_second(v, o->end_us, now, o->calls, &a->sec))
		return;
	a->o = *o;
	a->now = now;
	if (++v->arrivals == BATCH)
		verdict_settle(v);
}

void
verdict_observe_flow(struct verdict *v, const struct flow *f, uint32_t src, uint32_t dst,
	uint32_t op, int64_t now_us)
{
	struct verdict_obs o = {
		.src = src,
		.dst = dst,
		.kind = f->kind,
		.origin = f->origin,
		.op = op,
		.end_us = f->end_us < 0 ? now_us : f->end_us,
		.latency_us = flow_latency_us(f),
		.server_us = f->server_us,
		.queue_us = f->queue_us,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = f->weight,
		.failed = f->failed ? f->weight : 0,
	};

	verdict_observe(v, &o, now_us);
}

void
verdict_observe_own(struct verdict *v, const struct verdict_own *o, int64_t now_us)
{
	uint32_t now = (uint32_t)MAX(now_us / SEC_US, 0), sec;
	const struct edge *found;

	verdict_settle(v);
	found = verdict_find(v, o->src, o->dst, o->kind);
	if (!found || found->origin != o->origin || o->end_us < 0)
		return;
	sec = (uint32_t)MIN(o->end_us / SEC_US, (int64_t)now);
	if (now - sec >= RING)
		return;
	add_aspect(v->edge[found->index], ASPECT_SELF, sec, o->self_us, o->calls);
	add_aspect(v->edge[found->index], ASPECT_BLOCKED, sec, o->blocked_us, o->calls);
}

/* ---------------------------------------------------------------- added up before */

/* The share of @total that falls to part @k of @n; the shares add up to it. */
static uint32_t
share(uint64_t total, unsigned k, unsigned n)
{
	uint64_t upto = total / n * (k + 1) + total % n * (k + 1) / n;
	uint64_t before = total / n * k + total % n * k / n;

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
add_buckets(struct edge *e, enum aspect a, const struct buckets *b, uint32_t sec,
	unsigned part, unsigned parts)
{
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t n = share(b->count[i], part, parts);

		if (n)
			add_aspect(e, a, sec, within(b, i), in_units(e, n));
	}
}

/*
 * One of the seconds a delta is spread over. Which of its requests failed is not known,
 * and does not matter: failures and latencies are judged apart.
 */
static void
observe_part(struct verdict *v, const struct delta *d, const struct verdict_obs *o,
	uint32_t now, unsigned part, unsigned parts)
{
	bool delivery = d->kind == KIND_MSG && d->server.n;
	const struct buckets *latency = delivery ? &d->server : &d->latency;
	uint32_t calls = share(d->calls, part, parts), sec;
	uint32_t failed = share(MIN(d->errors, d->calls), part, parts);
	struct stream *s;
	struct edge *e;

	if (!find_second(v, o->end_us - (int64_t)(parts - 1 - part) * SEC_US, now, calls,
		    &sec))
		return;
	e = count_calls(v, o, sec, now, calls);
	if (!e)
		return;
	weigh(e, MAX(d->weight, 1));
	s = stream_get(v, e, o->op, sec);
	for (uint32_t i = 0; i < latency->n; i++) {
		uint32_t n = MIN(share(latency->count[i], part, parts), calls);
		uint32_t bad = MIN(failed, n);

		if (!n)
			continue;
		add_requests(v, e, s, sec, within(latency, i), in_units(e, n),
			in_units(e, bad));
		calls -= n;
		failed -= bad;
	}
	if (calls)
		add_requests(v, e, s, sec, FLOW_UNKNOWN, in_units(e, calls),
			in_units(e, failed));
	if (!delivery)
		add_buckets(e, ASPECT_SERVER, &d->server, sec, part, parts);
	add_buckets(e, ASPECT_WAIT, &d->queue, sec, part, parts);
}

void
verdict_observe_delta(struct verdict *v, const struct delta *d, uint32_t src,
	uint32_t dst, uint32_t op, int64_t now_us)
{
	uint32_t now = (uint32_t)MAX(now_us / SEC_US, 0);
	struct verdict_obs o = {
		.src = src,
		.dst = dst,
		.kind = d->kind,
		.origin = d->origin,
		.op = op,
		.end_us = d->end_us < 0 ? now_us : d->end_us,
		.calls = (uint32_t)MIN(d->calls, UINT32_MAX / 2),
	};
	unsigned parts = (unsigned)CLAMP((d->span_us + SEC_US / 2) / SEC_US, 1, SPREAD_S);

	verdict_settle(v);
	for (unsigned part = 0; part < parts; part++)
		observe_part(v, d, &o, now, part, parts);
}
