#include "config.h"

#include "verdict-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define JUMP_S 60u       /* a pause longer than this is no pause of the world */
#define GAP_SHARE 0.05   /* of the usual calls of all edges: less, and the feed stopped */
#define GAP_FORGET_S 60u /* after which a verdict from before a gap is no longer held */
#define YOUNG_SPANS 6.0f
#define OLD_SPANS 24.0f
#define PERIOD_YOUNG 5u
#define PERIOD_OLD 40u
#define SETTLED_S 70u  /* edges first seen later than this are new */
#define SAMPLE_LAG .95 /* of an edge's requests must be in before it is judged */

const struct verdict_limits verdict_limits_default = {
	.nodes = 20000,
	.edges = 20000,
	.ops = 100000,
	.ops_per_edge = 16,
	.forget_s = 6 * 3600,
};

struct verdict *
verdict_new(const struct verdict_options *o)
{
	struct verdict *v = xcalloc(1, sizeof(*v));
	struct verdict_limits *l = &v->o.limits;
	const struct verdict_limits *d = &verdict_limits_default;

	v->o = *o;
	l->nodes = l->nodes ? l->nodes : d->nodes;
	l->edges = l->edges ? l->edges : d->edges;
	l->ops = l->ops ? l->ops : d->ops;
	l->ops_per_edge = l->ops_per_edge ? l->ops_per_edge : d->ops_per_edge;
	l->forget_s = MAX(l->forget_s ? l->forget_s : d->forget_s, RING);
	l->edges = MIN(l->edges, EDGES_MAX);
	l->ops_per_edge = MIN(l->ops_per_edge, FIRST_ASPECT - 1);
	if (v->o.anomaly.z_open <= 0)
		v->o.anomaly = anomaly_limits_default;
	v->slots = 1024;
	while (v->slots < l->edges || v->slots < l->nodes)
		v->slots *= 2;
	v->edge = xcalloc(l->edges, sizeof(*v->edge));
	v->pulse = xcalloc(l->edges, sizeof(*v->pulse));
	v->due = xcalloc(l->edges, sizeof(*v->due));
	v->active = xcalloc(l->edges, sizeof(*v->active));
	v->seen = xcalloc(l->edges, sizeof(*v->seen));
	v->parted = xcalloc(l->edges, sizeof(*v->parted));
	v->edge_slot = xmalloc(v->slots * sizeof(*v->edge_slot));
	v->node_slot = xmalloc(v->slots * sizeof(*v->node_slot));
	memset(v->edge_slot, 0xff, v->slots * sizeof(*v->edge_slot));
	memset(v->node_slot, 0xff, v->slots * sizeof(*v->node_slot));
	v->entry = xmalloc(2 * ENTRIES * sizeof(*v->entry));
	v->named = v->rival = NONE;
	v->blame = blame_new();
	recent_sum_init(&v->sum);
	recent_sum_init(&v->sum_one);
	return v;
}

void
stream_done(struct stream *s)
{
	recent_done(&s->recent);
	baseline_done(&s->base);
}

static void
edge_free(struct edge *e)
{
	for (uint32_t i = 0; i < e->streams; i++)
		stream_done(&e->stream[i]);
	for (unsigned a = 0; a < ASPECT_COUNT; a++)
		if (e->aspect[a]) {
			stream_done(e->aspect[a]);
			free(e->aspect[a]);
		}
	baseline_done(&e->base);
	free(e->stream);
	free(e->pending);
	free(e);
}

void
verdict_free(struct verdict *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; i < v->edges; i++)
		edge_free(v->edge[i]);
	verdict_forget_kept(v);
	blame_free(v->blame);
	why_done(v);
	free(v->entry);
	free(v->edge);
	free(v->pulse);
	free(v->due);
	free(v->active);
	free(v->seen);
	free(v->parted);
	free(v->node);
	free(v->edge_slot);
	free(v->node_slot);
	free(v->blame_edge);
	free(v);
}

/* ---------------------------------------------------------------- calls a second */

void
pace_add(struct pace *p, uint32_t sec, uint32_t calls)
{
	if (sec > p->upto) {
		uint32_t first = sec - p->upto < RING ? p->upto + 1 : sec - RING + 1;

		for (uint32_t s = first; s <= sec; s++)
			p->calls[s % RING] = 0;
		p->upto = sec;
	}
	if (p->upto - sec < RING)
		p->calls[sec % RING] += calls;
}

uint32_t
pace_sum(const struct pace *p, uint32_t after, uint32_t upto)
{
	uint32_t n = 0;

	upto = MIN(upto, p->upto);
	if (p->upto >= RING)
		after = MAX(after, p->upto - RING);
	for (uint32_t s = after + 1; s <= upto; s++)
		n += p->calls[s % RING];
	return n;
}

/* ---------------------------------------------------------------- nodes and edges */

static uint32_t
mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t x = (uint64_t)a << 32 | b;

	x = (x ^ (uint64_t)c << 17) * UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(x >> 32);
}

static uint32_t
node_find(const struct verdict *v, uint32_t id)
{
	uint32_t i = v->node_slot[mix(id, 0, 0) & (v->slots - 1)];

	while (i != NONE && v->node[i].id != id)
		i = v->node[i].hash_next;
	return i;
}

static uint32_t
node_get(struct verdict *v, uint32_t id)
{
	uint32_t i = node_find(v, id);
	uint32_t *slot = &v->node_slot[mix(id, 0, 0) & (v->slots - 1)];

	if (i != NONE || v->nodes >= v->o.limits.nodes)
		return i;
	if (v->nodes == v->node_cap) {
		v->node_cap = v->node_cap ? v->node_cap * 2 : 64;
		v->node = xreallocarray(v->node, v->node_cap, sizeof(*v->node));
	}
	i = v->nodes++;
	v->node[i] = (struct node){
		.id = id, .hash_next = *slot, .first_out = NONE, .first_in = NONE
	};
	*slot = i;
	return i;
}

static uint32_t *
edge_slot(const struct verdict *v, uint32_t from, uint32_t to, unsigned kind)
{
	return &v->edge_slot[mix(from, to, kind) & (v->slots - 1)];
}

const struct edge *
verdict_find(const struct verdict *v, uint32_t src, uint32_t dst, enum flow_kind kind)
{
	uint32_t i = *edge_slot(v, src, dst, kind);

	for (; i != NONE; i = v->edge[i]->hash_next) {
		const struct edge *e = v->edge[i];

		if (e->from == src && e->to == dst && e->kind == kind)
			return e;
	}
	return NULL;
}

static void
unlink_from(const struct verdict *v, uint32_t *head, size_t next, uint32_t i)
{
	while (*head != i)
		head = (uint32_t *)(void *)((char *)v->edge[*head] + next);
	*head = *(uint32_t *)(void *)((char *)v->edge[i] + next);
}

static void
link_edge(struct verdict *v, uint32_t i)
{
	struct edge *e = v->edge[i];
	uint32_t *slot = edge_slot(v, e->from, e->to, e->kind);

	e->hash_next = *slot;
	*slot = i;
	e->out_next = v->node[e->src].first_out;
	v->node[e->src].first_out = i;
	e->in_next = v->node[e->dst].first_in;
	v->node[e->dst].first_in = i;
}

/* A place for one more edge: a free one, or that of an edge long unseen. */
static uint32_t
edge_place(struct verdict *v, uint32_t sec)
{
	uint32_t oldest = NONE;
	struct edge *e;

	if (v->edges < v->o.limits.edges)
		return v->edges++;
	/* At the limit this is asked for again and again: look rarely. */
	if (v->refused++ % 64)
		return NONE;
	for (uint32_t i = 0; i < v->edges; i++)
		if (v->pulse[i].newest + v->o.limits.forget_s < sec &&
			v->edge[i]->asked + v->o.limits.forget_s < sec &&
			(oldest == NONE || v->pulse[i].newest < v->pulse[oldest].newest))
			oldest = i;
	if (oldest == NONE)
		return NONE;
	e = v->edge[oldest];
	unlink_from(v, edge_slot(v, e->from, e->to, e->kind),
		offsetof(struct edge, hash_next), oldest);
	unlink_from(
		v, &v->node[e->src].first_out, offsetof(struct edge, out_next), oldest);
	unlink_from(v, &v->node[e->dst].first_in, offsetof(struct edge, in_next), oldest);
	v->streams -= e->streams;
	for (unsigned c = 0; c < ARRAY_LEN(v->blaming); c++)
		v->blaming[c] -= e->blaming >> c & 1u;
	edge_free(e);
	return oldest;
}

struct edge *
edge_get(struct verdict *v, const struct verdict_obs *o, uint32_t sec)
{
	const struct edge *found = verdict_find(v, o->src, o->dst, o->kind);
	uint32_t src, dst, i;
	struct edge *e;

	if (found)
		return v->edge[found->index];
	src = node_get(v, o->src);
	dst = node_get(v, o->dst);
	if (src == NONE || dst == NONE || (i = edge_place(v, sec)) == NONE)
		return NULL;
	e = v->edge[i] = xcalloc(1, sizeof(*e));
	v->pulse[i] = (struct pulse){ .newest = sec, .quiet = NONE / 2 };
	v->seen[i] = 0;
	v->based = MIN(v->based, i);
	e->index = i;
	e->from = o->src;
	e->to = o->dst;
	e->src = src;
	e->dst = dst;
	e->kind = (uint8_t)o->kind;
	e->origin = (uint8_t)o->origin;
	e->async_told = o->kind == KIND_MSG;
	e->first = e->asked = sec;
	e->learnt = sec ? sec - 1 : 0;
	e->streams = 1;
	e->stream = xcalloc(1, sizeof(*e->stream));
	e->stream[0].op = NONE;
	v->streams++;
	link_edge(v, i);
	if (v->o.tolerance)
		e->tolerance = v->o.tolerance(v->o.ctx, o->src, o->dst);
	cusum_tune(&e->cusum, v->o.anomaly.cold_errors);
	verdict_recall(v, e);
	return e;
}

bool
edge_is_async(const struct edge *e)
{
	return e->async_told || (e->async_seen >= 6 && e->async_hit >= e->async_seen / 2);
}

bool
edge_is_new(const struct verdict *v, const struct edge *e)
{
	return !e->restored && e->first > v->began + SETTLED_S &&
	       !baseline_warm(&e->base);
}

uint32_t
edge_newest(const struct verdict *v, const struct edge *e)
{
	return v->pulse[e->index].newest;
}

uint32_t
edge_upto(const struct verdict *v, const struct edge *e)
{
	return v->sec - e->lag;
}

/*
 * Up to when its calls, and those into its caller that they follow, must be in. */
uint32_t
edge_counted(const struct verdict *v, const struct edge *e)
{
	return v->sec - MAX(e->lag, v->node[e->src].lag);
}

double
errors_prior(const struct verdict *v)
{
	return v->calls > 0 ? CLAMP((double)(v->failed / v->calls), .001, .02) : .001;
}

void
verdict_feed(struct verdict *v, bool complete)
{
	if (v->incomplete && complete)
		v->whole_since = v->sec;
	v->incomplete = !complete;
}

/* ---------------------------------------------------------------- every second */

void
verdict_log(struct verdict *v, enum verdict_change kind, const struct edge *e,
	enum anomaly a, const struct verdict_cause *c)
{
	struct verdict_event *to = &v->event[v->events % VERDICT_MAX_EVENTS];

	*to = (struct verdict_event){
		.number = ++v->events,
		.at_us = ((int64_t)v->sec + 1) * SEC_US,
		.kind = kind,
		.anomaly = a,
		.src = e ? v->node[e->src].id : VERDICT_NONE,
		.dst = e ? v->node[e->dst].id : VERDICT_NONE,
		.edge_kind = e ? (enum flow_kind)e->kind : KIND_UNKNOWN,
	};
	to->op = c ? c->op : VERDICT_NONE;
	if (c)
		to->numbers = c->numbers;
	else if (e)
		edge_numbers(v, e, NONE, &to->numbers);
}

/* How much later than it ended a request of this edge is usually heard of. */
static void
learn_lag(struct edge *e)
{
	float all = 0, n = 0;
	uint8_t lag = 0;

	for (unsigned i = 0; i <= MAX_LAG; i++)
		all += e->lateness[i];
	while (lag < MAX_LAG && (n += e->lateness[lag]) < SAMPLE_LAG * all)
		lag++;
	e->lag = lag;
	for (unsigned i = 0; i <= MAX_LAG; i++)
		e->lateness[i] *= .9f;
}

/* Has the whole feed stopped? Then no edge is silent, weir is deaf. */
static void
watch_feed(struct verdict *v)
{
	uint32_t upto = v->sec - v->lag;
	uint32_t calls = pace_sum(&v->all, upto - W, upto);
	bool gap = v->all_rate.seen >= 6 &&
		   (float)calls < (float)GAP_SHARE * v->all_rate.mean;

	if (gap && !v->gap) {
		v->gap_since = v->sec;
		verdict_log(v, VERDICT_FEED_LOST, NULL, 0, NULL);
	} else if (v->gap && !gap) {
		v->whole_since = v->sec;
		verdict_log(v, VERDICT_FEED_BACK, NULL, 0, NULL);
	}
	v->gap = gap;
	if (!gap && v->sec % W == 0)
		level_learn(&v->all_rate, calls);
}

/* How often it learns; in between it is looked at only when something asks for it. */
static uint32_t
period(const struct edge *e)
{
	if (e->base.spans < YOUNG_SPANS)
		return PERIOD_YOUNG;
	return e->base.spans < OLD_SPANS ? W : PERIOD_OLD;
}

static double
edge_z(const struct edge *e)
{
	const struct score *s = &e->score;

	return (double)MAX(s->z, MAX(s->z_errors, s->z_wait));
}

static bool
in_trouble(const struct edge *e)
{
	return edge_alarmed(e, ANOMALY_LATENCY) || edge_alarmed(e, ANOMALY_ERRORS) ||
	       edge_alarmed(e, ANOMALY_QUEUE) || edge_alarmed(e, ANOMALY_COLD);
}

static void
count_blaming(struct verdict *v, struct edge *e)
{
	unsigned now = edge_blaming(v, e), changed = now ^ e->blaming;

	for (unsigned c = 0; changed; c++, changed >>= 1)
		if (changed & 1u)
			v->blaming[c] += now >> c & 1u ? 1u : (uint32_t)-1;
	e->blaming = (uint8_t)now;
}

static void
watch_edge(struct verdict *v, struct edge *e)
{
	struct pulse *p = &v->pulse[e->index];
	bool alive = p->newest + RING > v->sec, cold = alive && !baseline_warm(&e->base);
	bool any = false;

	e->due = (v->sec + e->index) % period(e) == 0;
	if (e->due)
		learn_lag(e);
	if (e->due && alive) {
		struct node *dst = &v->node[e->dst];

		v->lag_next = MAX(v->lag_next, e->lag);
		dst->lag_next = MAX(dst->lag_next, e->lag);
		dst->lag = MAX(dst->lag, e->lag);
	}
	edge_volume(v, e);
	if ((e->due && alive) || v->sec <= e->hot_until || in_trouble(e) || cold)
		edge_score(v, e);
	edge_alarms(v, e);
	v->unrest_next |= in_trouble(e) || edge_alarmed(e, ANOMALY_SILENT) ||
			  (e->scored == v->sec && edge_z(e) >= v->o.anomaly.z_open);
	if (e->due && alive)
		edge_learn(v, e);
	if (e->due)
		edge_learn_volume(v, e);
	e->due = false;
	count_blaming(v, e);
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		any |= e->alarm[a].on;
	p->look = any || cold || v->sec < e->hot_until
			  ? 0
			  : v->sec + period(e) - (v->sec + e->index) % period(e);
}

/* Is there something about it that may be blamed? */
static bool
is_active(const struct verdict *v, const struct edge *e)
{
	return edge_blaming(v, e) ||
	       (e->scored == v->sec && edge_z(e) >= v->o.anomaly.z_claim);
}

/*
 * Looking at an edge is waiting for memory, mostly: ask for that of the next ones while
 * this one is looked at.
 */
static void
fetch_ahead(const struct verdict *v, uint32_t due, uint32_t i)
{
	const struct edge *e;

	if (i + 2 < due) {
		e = v->edge[v->due[i + 2]];
		for (size_t at = 0; at < sizeof(*e); at += 64)
			__builtin_prefetch((const char *)e + at);
	}
	if (i + 1 >= due)
		return;
	e = v->edge[v->due[i + 1]];
	for (size_t at = 0; at < e->base.len * sizeof(float); at += 64)
		__builtin_prefetch((const char *)e->base.count + at);
	for (uint32_t s = 0; s < MIN(e->streams, 4u); s++)
		for (size_t at = 0; at < sizeof(*e->stream); at += 64)
			__builtin_prefetch((const char *)&e->stream[s] + at);
}

static void
second(struct verdict *v)
{
	uint32_t due = 0;

	watch_feed(v);
	if (v->gap) {
		/* Held for a while: the incident goes on, only we do not see it. */
		if (v->sec - v->gap_since >= GAP_FORGET_S)
			v->causes = 0;
		return;
	}
	if (v->sec % PERIOD_OLD == 0) {
		v->lag = v->lag_next;
		v->lag_next = 0;
		for (uint32_t i = 0; i < v->nodes; i++) {
			v->node[i].lag = v->node[i].lag_next;
			v->node[i].lag_next = 0;
		}
	}
	v->unrest_next = false;
	v->actives = 0;
	for (uint32_t i = 0; i < v->edges; i++) {
		const struct pulse *p = &v->pulse[i];

		if (v->sec >= p->look || v->sec - p->newest == p->quiet + 1)
			v->due[due++] = i;
	}
	for (uint32_t i = 0; i < due; i++) {
		fetch_ahead(v, due, i);
		watch_edge(v, v->edge[v->due[i]]);
		if (is_active(v, v->edge[v->due[i]]))
			claims_activate(v, v->due[i]);
		else if (v->marked)
			claims_witness(v, v->due[i]);
	}
	v->unrest = v->unrest_next;
	verdict_diagnose(v);
}

void
verdict_tick(struct verdict *v, int64_t now_us)
{
	uint32_t upto;

	verdict_settle(v);
	if (now_us < (int64_t)RING * 2 * SEC_US)
		return;
	upto = (uint32_t)(now_us / SEC_US) - 1;
	if (!v->began)
		v->began = v->sec = upto;
	if (upto > v->sec + JUMP_S) {
		v->sec = upto - 1;
		v->whole_since = upto;
		for (uint32_t i = 0; i < v->edges; i++)
			v->edge[i]->learnt = upto;
	}
	while (v->sec < upto) {
		v->sec++;
		second(v);
	}
}

/* ---------------------------------------------------------------- reading */

const struct verdict_cause *
verdict_causes(const struct verdict *v, uint32_t *ret_n)
{
	*ret_n = v->causes;
	return v->cause;
}

bool
verdict_edge_read(const struct verdict *v, uint32_t src, uint32_t dst,
	enum flow_kind kind, struct verdict_edge *ret_edge)
{
	const struct edge *e = verdict_find(v, src, dst, kind);
	uint32_t since = NONE;
	struct verdict_edge r = { .since_us = FLOW_UNKNOWN,
		.usual_p50_us = FLOW_UNKNOWN,
		.usual_p95_us = FLOW_UNKNOWN,
		.usual_p99_us = FLOW_UNKNOWN,
		.usual_rate = NAN,
		.usual_error_ratio = NAN };

	if (!e)
		return false;
	r.part = e->part;
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		if (e->alarm[a].on) {
			r.alarms |= 1u << a;
			since = MIN(since, e->alarm[a].since);
		}
	if (since != NONE && e->onset && e->onset < since && since - e->onset < RING)
		since = e->onset;
	if (since != NONE)
		r.since_us = (int64_t)since * SEC_US;
	if (e->score.volume_usual > 0)
		r.usual_rate = (double)e->score.volume_usual / W;
	r.learnt = baseline_warm(&e->base);
	if (r.learnt) {
		r.usual_p50_us = (int64_t)e->base.p50_us;
		r.usual_p95_us = (int64_t)e->base.p95_us;
		r.usual_p99_us = (int64_t)e->base.p99_us;
		r.usual_error_ratio = (double)(e->base.failed / e->base.calls);
	}
	*ret_edge = r;
	return true;
}

bool
verdict_edge_numbers(const struct verdict *v, uint32_t src, uint32_t dst,
	enum flow_kind kind, struct verdict_numbers *ret_numbers)
{
	const struct edge *e = verdict_find(v, src, dst, kind);

	if (e)
		edge_numbers(v, e, NONE, ret_numbers);
	return e != NULL;
}

uint32_t
verdict_events(
	const struct verdict *v, uint64_t after, struct verdict_event *ret, uint32_t max)
{
	uint64_t oldest =
		v->events > VERDICT_MAX_EVENTS ? v->events - VERDICT_MAX_EVENTS : 0;
	uint32_t n = 0;

	for (uint64_t i = MAX(after, oldest); i < v->events && n < max; i++)
		ret[n++] = v->event[i % VERDICT_MAX_EVENTS];
	return n;
}

static size_t
stream_bytes(const struct stream *s)
{
	return sizeof(*s) + recent_bytes(&s->recent) + baseline_bytes(&s->base);
}

void
verdict_status(const struct verdict *v, struct verdict_status *ret_status)
{
	struct verdict_status s = { .edges = v->edges,
		.unwatched = v->unwatched,
		.late = v->late,
		.bytes = sizeof(*v) + 2 * ENTRIES * sizeof(*v->entry) +
			 v->node_cap * sizeof(*v->node) +
			 v->slots * 2 * sizeof(uint32_t) };

	for (uint32_t i = 0; i < v->edges; i++) {
		const struct edge *e = v->edge[i];

		s.learnt += baseline_warm(&e->base);
		s.restored += e->restored;
		s.bytes += sizeof(*e) + baseline_bytes(&e->base) +
			   (e->pending ? sizeof(*e->pending) : 0);
		for (uint32_t j = 0; j < e->streams; j++)
			s.bytes += stream_bytes(&e->stream[j]);
		for (unsigned a = 0; a < ASPECT_COUNT; a++)
			s.bytes += e->aspect[a] ? stream_bytes(e->aspect[a]) : 0;
	}
	s.feed = !v->edges  ? FEED_NOTHING
		 : v->gap   ? FEED_GAP
		 : s.learnt ? FEED_WATCHING
			    : FEED_LEARNING;
	*ret_status = s;
}
