#include "config.h"

#include <math.h>

#include "model-priv.h"
#include "weir/base/util.h"

/* Rates are told over the last seconds that are whole, and what there is of this one. */
#define RATE_TICKS 5

/* Over less than this a rate would be noise. */
#define COVERED_MIN_US SEC_US

/* The time that the sums are about. */
static int64_t
covered_us(const struct model *m)
{
	return m->now_us - MAX(window_from_us(m->window), m->since_us);
}

static void
fill_stat(const struct model *m, uint32_t series, struct snap_stat *stat)
{
	static const double q[] = { 0.50, 0.95, 0.99 };
	const struct hist *h = window_hist(m->window, series);
	struct window_sum sum = window_sum(m->window, series);
	int64_t us[ARRAY_LEN(q)];

	hist_quantiles(h, q, ARRAY_LEN(q), us);
	*stat = (struct snap_stat){
		.calls = sum.calls,
		.errors = sum.errors,
		.samples = sum.samples,
		.rate = (double)sum.calls * (double)SEC_US /
			(double)MAX(covered_us(m), COVERED_MIN_US),
		.p50_us = us[0],
		.p95_us = us[1],
		.p99_us = us[2],
		.max_us = hist_max(h),
		.bytes_in = sum.bytes_in,
		.bytes_out = sum.bytes_out,
		.bounds_only = sum.coarse > 0,
	};
}

static int64_t
p99_of(const struct model *m, uint32_t series)
{
	if (series == NONE)
		return SNAP_UNKNOWN;
	return hist_quantile(window_hist(m->window, series), 0.99);
}

static uint64_t
fine_samples(const struct window_sum *s)
{
	return s->samples > s->coarse ? s->samples - s->coarse : 0;
}

const struct tally *
model_richest(const struct model *m, const struct edge *e)
{
	const struct tally *best = NULL;
	uint64_t most = 0, fine = 0;

	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		if (e->tally[o] != NONE) {
			const struct tally *t = tally_at(m, e->tally[o]);

			most = MAX(most, window_sum(m->window, t->series).calls);
		}
	for (unsigned o = 0; o < ORIGIN_COUNT; o++) {
		const struct tally *t;
		struct window_sum s;

		if (e->tally[o] == NONE)
			continue;
		t = tally_at(m, e->tally[o]);
		s = window_sum(m->window, t->series);
		if (s.calls < most - most / 10)
			continue;
		if (!best || fine_samples(&s) > fine) {
			best = t;
			fine = fine_samples(&s);
		}
	}
	return best;
}

static void
fill_ops(const struct model *m, const struct tally *t, struct snap *s)
{
	for (uint32_t i = t->op; i != NONE; i = op_at(m, i)->next) {
		const struct op *o = op_at(m, i);
		uint64_t calls = window_sum(m->window, o->series).calls;
		struct snap_op *so;

		if (!calls)
			continue;
		so = snap_op_add(s, names_text(m->names, o->name));
		/* All that an operation gets its edge gets, so the only one is the edge. */
		if (calls == window_sum(m->window, t->series).calls)
			so->stat = s->edge[s->edges - 1].stat;
		else
			fill_stat(m, o->series, &so->stat);
	}
}

static enum node_kind
kind_of(const struct node *n)
{
	static const enum node_kind by_strength[] = { NODE_DB, NODE_QUEUE,
		NODE_EXTERNAL };

	for (unsigned i = 0; i < ARRAY_LEN(by_strength) && !n->service; i++)
		if (n->said & 1u << by_strength[i])
			return by_strength[i];
	return NODE_SERVICE;
}

/* Index of the node in the snap, added when an edge first needs it. */
static uint32_t
show_node(const struct model *m, uint32_t node, struct snap *s)
{
	struct node *n = node_at(m, node);
	struct snap_node *sn;

	if (n->shown != NONE)
		return n->shown;
	n->shown = s->nodes;
	sn = snap_node_add(s, names_text(m->names, n->name));
	sn->key = n->name;
	sn->kind = kind_of(n);
	sn->self_p99_us = p99_of(m, n->self);
	notes_fill(m->notes, n->name, window_from_us(m->window), m->shift_us, s);
	return n->shown;
}

static double
add_rate(double sum, double rate)
{
	return isnan(sum) ? rate : sum + rate;
}

/* Add an edge to the sums of the nodes at its ends. */
static void
add_to_ends(struct snap *s, const struct snap_edge *e)
{
	struct snap_node *src = &s->node[e->src], *dst = &s->node[e->dst];

	src->rate_out = add_rate(src->rate_out, e->stat.rate);
	src->last_us = MAX(src->last_us, e->last_us);
	dst->rate_in = add_rate(dst->rate_in, e->stat.rate);
	dst->last_us = MAX(dst->last_us, e->last_us);
	dst->calls_in += e->stat.calls;
	dst->errors_in += e->stat.errors;
	dst->p99_in_us = MAX(dst->p99_in_us, e->stat.p99_us);
}

/* What each origin says, where there is more than one; @shown is whose numbers stand. */
static void
show_views(const struct model *m, const struct edge *e, const struct tally *shown,
	struct snap *s)
{
	unsigned n = 0;

	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		n += e->tally[o] != NONE;
	for (unsigned o = 0; n > 1 && o < ORIGIN_COUNT; o++) {
		const struct tally *t;
		struct snap_view *v;

		if (e->tally[o] == NONE)
			continue;
		t = tally_at(m, e->tally[o]);
		v = snap_view_add(s, (enum flow_origin)o);
		v->shown = t == shown;
		fill_stat(m, t->series, &v->stat);
	}
}

static void
show_edge(const struct model *m, const struct edge *e, struct snap *s)
{
	const struct tally *t = model_richest(m, e);
	uint32_t src, dst;
	struct snap_edge *se;

	if (!t)
		return;
	src = show_node(m, e->src, s);
	dst = show_node(m, e->dst, s);
	se = snap_edge_add(s, src, dst);
	se->kind = e->kind;
	se->key = e->key;
	se->idle = m->now_us - e->seen_us > m->limits.idle_us;
	se->first_us = e->first_us;
	se->last_us = e->last_us;
	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		se->origins |= (unsigned)(e->tally[o] != NONE) << o;
	fill_stat(m, t->series, &se->stat);
	if (e->rule)
		se->tolerance = *tolerance_limits(e->rule);
	watch_show_edge(m, e, se);
	se->server_p99_us = p99_of(m, t->server);
	se->queue_p99_us = p99_of(m, t->queue);
	show_views(m, e, t, s);
	fill_ops(m, t, s);
	if (e->exemplars)
		exemplars_list(e->exemplars, window_from_us(m->window), s);
}

/* How many edges ahead of the one being shown memory is fetched. */
#define FETCH_HEAD 12
#define FETCH_COUNTS 6

static void
fetch_ahead(const struct model *m, uint32_t i,
	void (*fetch)(const struct window *w, uint32_t series))
{
	const struct edge *e = i < m->edges.count ? edge_at(m, i) : NULL;

	for (unsigned o = 0; e && e->live && o < ORIGIN_COUNT; o++) {
		const struct tally *t;

		if (e->tally[o] == NONE)
			continue;
		t = tally_at(m, e->tally[o]);
		fetch(m->window, t->series);
		if (t->server != NONE)
			fetch(m->window, t->server);
	}
}

static void
show_whole_edge(const struct model *m, const struct edge *e, struct snap *s)
{
	struct edge whole;

	if (kind_whole_edge(m, e, &whole))
		show_edge(m, &whole, s);
}

static double
arrivals_per_s(const struct model *m)
{
	int64_t tick = m->now_us / SEC_US, from = tick - RATE_TICKS;
	int64_t since = MAX(from * SEC_US, m->first_now_us);
	uint64_t n = 0;

	for (unsigned i = 0; i < ARRIVAL_TICKS; i++)
		if (m->arrival_tick[i] >= from && m->arrival_tick[i] <= tick)
			n += m->arrivals[i];
	return (double)n * (double)SEC_US /
	       (double)MAX(m->now_us - since, COVERED_MIN_US);
}

static void
fill_quality(const struct model *m, struct snap_quality *q)
{
	q->received = m->received;
	q->late = m->late;
	q->future = m->future;
	q->overflow = m->overflow;
	q->bad_values = m->bad;
	q->events_per_s = arrivals_per_s(m);
	q->newest_us = m->newest_us;
}

void
model_snap(struct model *m, int64_t now_us, const struct thresholds *t, struct snap *snap)
{
	model_advance(m, now_us);
	window_settle(m->window);
	snap_clear_graph(snap);
	snap->now_us = m->now_us - m->shift_us;
	snap->window_us = window_width(m->window);
	snap->covered_us = MIN(covered_us(m), snap->window_us);
	for (uint32_t i = 0; i < m->nodes.count; i++)
		node_at(m, i)->shown = NONE;
	for (uint32_t i = 0; i < m->edges.count; i++) {
		fetch_ahead(m, i + FETCH_HEAD, window_fetch_head);
		fetch_ahead(m, i + FETCH_COUNTS, window_fetch_counts);
		if (edge_at(m, i)->live)
			show_whole_edge(m, edge_at(m, i), snap);
	}
	snap_sort(snap);
	/* In sorted order, so that rounding does not tell in what order edges came. */
	for (uint32_t i = 0; i < snap->edges; i++)
		add_to_ends(snap, &snap->edge[i]);
	fill_quality(m, &snap->quality);
	model_shape(m, &snap->shape);
	watch_show(m, snap);
	severity_judge(snap, t);
}
