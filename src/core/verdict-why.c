/*
 * Why is an edge, or why is it not, the cause: what it claimed when the first cause was
 * named, what of the blame came over it, and where that went on to.
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/* Keep what the pass that has just run found, until the next verdict is told. */
void
why_keep(struct verdict *v, enum anomaly channel)
{
	struct told *t = &v->told;

	if (v->edges > t->edge_room) {
		t->edge_room = v->o.limits.edges;
		t->edge = xreallocarray(t->edge, t->edge_room, sizeof(*t->edge));
	}
	if (v->nodes > t->node_room) {
		t->node_room = v->o.limits.nodes;
		t->stays = xreallocarray(t->stays, t->node_room, sizeof(*t->stays));
	}
	t->edges = v->edges;
	t->nodes = v->nodes;
	t->channel = channel;
	t->total = blame_total(v->blame);
	for (uint32_t i = 0; i < v->edges; i++)
		t->edge[i] = (struct told_edge){ (float)v->blame_edge[i].claim,
			(float)blame_flow(v->blame, i) };
	for (uint32_t n = 0; n < v->nodes; n++)
		t->stays[n] = (float)blame_node(v->blame, n);
}

void
why_forget(struct verdict *v)
{
	v->told.edges = v->told.nodes = 0;
	v->told.total = 0;
}

void
why_done(struct verdict *v)
{
	free(v->told.edge);
	free(v->told.stays);
}

static struct told_edge
told_of(const struct verdict *v, const struct edge *e)
{
	return e->index < v->told.edges ? v->told.edge[e->index]
					: (struct told_edge){ 0, 0 };
}

/* How far from usual an edge is in what is claimed. */
static double
z_of(const struct verdict *v, const struct edge *e)
{
	const struct score *s = &e->score;

	switch (v->told.channel) {
	case ANOMALY_ERRORS:
		return (double)s->z_errors;
	case ANOMALY_SILENT:
		return (double)-s->z_volume;
	default:
		return (double)MAX(s->z, s->z_wait);
	}
}

static bool
weighs_more(const struct verdict_behind *a, const struct verdict_behind *b)
{
	return a->claim != b->claim ? a->claim > b->claim : a->z > b->z;
}

/* The callee's own calls, the greatest claim first. */
static void
look_behind(const struct verdict *v, uint32_t node, struct verdict_why *ret)
{
	for (uint32_t i = v->node[node].first_out; i != NONE; i = v->edge[i]->out_next) {
		const struct edge *e = v->edge[i];
		struct told_edge told = told_of(v, e);
		struct verdict_behind b = { v->node[e->src].id, v->node[e->dst].id,
			(double)told.claim, (double)told.flow, z_of(v, e) };
		uint32_t at = ret->behinds;

		if (v->pulse[i].newest + RING <= v->sec)
			continue;
		ret->behind_all++;
		while (at && weighs_more(&b, &ret->behind[at - 1])) {
			if (at < VERDICT_MAX_BEHIND)
				ret->behind[at] = ret->behind[at - 1];
			at--;
		}
		if (at < VERDICT_MAX_BEHIND)
			ret->behind[at] = b;
		ret->behinds = MIN(ret->behinds + 1, VERDICT_MAX_BEHIND);
	}
}

bool
verdict_explain(const struct verdict *v, uint32_t src, uint32_t dst, enum flow_kind kind,
	struct verdict_why *ret)
{
	const struct edge *e = verdict_find(v, src, dst, kind);
	struct told_edge told;

	*ret = (struct verdict_why){ .limits = v->o.anomaly };
	if (!e)
		return false;
	edge_numbers(v, e, NONE, &ret->numbers);
	ret->tolerance = e->tolerance;
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		ret->since_us[a] = e->alarm[a].on ? (int64_t)e->alarm[a].since * SEC_US
						  : FLOW_UNKNOWN;
	ret->own_excess_us = e->score.self_us >= 0 && e->scored == v->sec
				     ? (double)e->score.self_us
				     : NAN;
	ret->async = edge_is_async(e);
	ret->channel = v->told.edges ? v->told.channel : ANOMALY_COUNT;
	told = told_of(v, e);
	ret->claim = (double)told.claim;
	ret->flow = (double)told.flow;
	ret->total = v->told.total;
	ret->stays = e->dst < v->told.nodes ? (double)v->told.stays[e->dst] : 0;
	look_behind(v, e->dst, ret);
	return true;
}
