/*
 * The selection on the map: where the arrows lead, and what belongs to it.
 *
 * Left and right follow the flow that matters most, not the pixels; up and down go
 * from title to title and row to row in a column.
 */
#include "config.h"

#include <string.h>

#include "hot.h"
#include "map-view.h"
#include "weir/base/util.h"

int
map_find_node(const struct map_topo *t, uint32_t key)
{
	if (key == SELECT_NONE)
		return NONE;
	for (int i = 0; i < t->nodes; i++)
		if (t->node[i].key == key)
			return i;
	return NONE;
}

int
map_find_edge(const struct map_topo *t, const struct snap *s, uint32_t key)
{
	if (key == SELECT_NONE)
		return NONE;
	for (int e = 0; e < t->edges; e++)
		for (uint32_t i = 0; i < t->edge[e].count; i++)
			if (s->edge[t->edge[e].first + i].key == key)
				return e;
	return NONE;
}

enum {
	UPSTREAM = 1,
	DOWNSTREAM = 2
};

/* Is @other in the same card of several as @node, or the same? */
static bool
is_with(const struct map_view *v, int node, int other)
{
	int part = v->mode == MODE_MAP ? v->plan.part_of_node[node] : NONE;

	return other == node || (part >= 0 && v->plan.part_of_node[other] == part);
}

/* Mark what flows into @node and its like, and what they flow into, however far. */
static void
mark_closure(const struct map_view *v, int node, uint8_t *marks)
{
	const struct map_topo *t = &v->topo;
	bool changed = true;

	for (int n = 0; n < t->nodes; n++)
		marks[n] = is_with(v, node, n) ? UPSTREAM | DOWNSTREAM : 0;
	while (changed) {
		changed = false;
		for (int i = 0; i < t->edges; i++) {
			const struct map_edge *e = &t->edge[i];

			if (e->back)
				continue;
			if ((marks[e->dst] & UPSTREAM) && !(marks[e->src] & UPSTREAM)) {
				marks[e->src] |= UPSTREAM;
				changed = true;
			}
			if ((marks[e->src] & DOWNSTREAM) &&
				!(marks[e->dst] & DOWNSTREAM)) {
				marks[e->dst] |= DOWNSTREAM;
				changed = true;
			}
		}
	}
}

static bool
edge_in_closure(const struct map_edge *e, const uint8_t *marks)
{
	return !e->back &&
	       ((marks[e->dst] & UPSTREAM && marks[e->src] & UPSTREAM) ||
		       (marks[e->src] & DOWNSTREAM && marks[e->dst] & DOWNSTREAM));
}

void
map_light(struct map_view *v, const struct map_frame *f)
{
	const struct map_topo *t = &v->topo;
	const struct map_plan *p = &v->plan;

	memset(v->lit_node, 0, (size_t)t->nodes);
	if (f->selected_edge != NONE) {
		v->lit_node[t->edge[f->selected_edge].src] = UPSTREAM;
		v->lit_node[t->edge[f->selected_edge].dst] = DOWNSTREAM;
	} else {
		mark_closure(v, f->selected_node, v->lit_node);
	}
	if (v->mode != MODE_MAP)
		return;
	for (int i = 0; i < p->edges; i++) {
		v->lit_edge[i] = 0;
		for (int k = 0; k < p->edge_flows[i].count; k++) {
			int e = p->list[p->edge_flows[i].first + k];

			v->lit_edge[i] |=
				f->selected_edge != NONE
					? e == f->selected_edge
					: edge_in_closure(&t->edge[e], v->lit_node);
		}
	}
}

/* Of the flows into (@in) or out of @node and its like the worst, then the busiest; or NONE. */
static int
main_flow(const struct map_view *v, int node, bool in)
{
	int best = NONE;

	for (int e = 0; e < v->topo.edges; e++) {
		const struct map_edge *x = &v->topo.edge[e];
		const struct map_flow *a = &v->flow[e], *b;

		int own = in ? x->dst : x->src, other = in ? x->src : x->dst;

		if (x->back || !is_with(v, node, own) || is_with(v, node, other))
			continue;
		b = best == NONE ? NULL : &v->flow[best];
		if (!b || a->severity > b->severity ||
			(a->severity == b->severity && a->rate > b->rate))
			best = e;
	}
	return best;
}

/* Row of @node on the map or in the tree, for moving up and down; column by layer. */
static bool
place_of(const struct map_view *v, int node, int *ret_column, int *ret_row)
{
	const struct map_plan *p = &v->plan;
	int c;

	if (v->mode != MODE_MAP) {
		for (int i = 0; i < v->tree.rows; i++)
			if (v->tree.row[i].node == node && !v->tree.row[i].seen) {
				*ret_column = 0;
				*ret_row = i;
				return true;
			}
		return false;
	}
	c = p->card_of_node[node];
	if (c < 0)
		return false;
	*ret_column = p->pic->box[c].layer;
	*ret_row = p->pic->box[c].y;
	if (p->part_of_node[node] == p->card[c].part.first)
		return true;
	for (int i = 0; i < p->card[c].row.count; i++) {
		const struct map_row *r = &p->row[p->card[c].row.first + i];
		bool title = r->kind == ROW_TITLE && r->part == p->part_of_node[node];
		bool fold = r->kind == ROW_FOLD && p->part_of_node[node] < 0 &&
			    v->topo.edge[p->list[r->edge.first]].dst == node;

		if (title || fold) {
			*ret_row += p->box[c].head + MAX(1, p->pic->box[c].inlets) + i;
			return true;
		}
	}
	return p->part_of_node[node] >= 0;
}

static int
neighbour_in_column(const struct map_view *v, int node, int step)
{
	int column, row, best = NONE, best_row = 0;

	if (!place_of(v, node, &column, &row))
		return NONE;
	for (int n = 0; n < v->topo.nodes; n++) {
		int c, r;

		if (n == node || !place_of(v, n, &c, &r) || c != column ||
			(r - row) * step <= 0)
			continue;
		if (best == NONE || (r - best_row) * step < 0) {
			best = n;
			best_row = r;
		}
	}
	return best;
}

/* Causes come first, as they are ranked. */
static uint32_t
cause_rank(const struct map_view *v, const struct snap *s, int node)
{
	int i = v->topo.node[node].snap;

	return i < 0 ? HOT_NOT : hot_node(s, &s->node[i]);
}

/* Is @a before @b in the order of trouble? */
static bool
is_hotter(const struct map_view *v, const struct snap *s, int a, int b)
{
	int64_t pa, pb;

	if (cause_rank(v, s, a) != cause_rank(v, s, b))
		return cause_rank(v, s, a) < cause_rank(v, s, b);
	if (v->node_severity[a] != v->node_severity[b])
		return v->node_severity[a] > v->node_severity[b];
	pa = v->topo.node[a].snap < 0 ? 0 : s->node[v->topo.node[a].snap].p99_in_us;
	pb = v->topo.node[b].snap < 0 ? 0 : s->node[v->topo.node[b].snap].p99_in_us;
	return pa != pb ? pa > pb : a < b;
}

/* The next node in trouble after @node, worst first, around the end. */
static int
next_hot(const struct map_view *v, const struct snap *s, int node, int step)
{
	int best = NONE, first = NONE;

	for (int n = 0; n < v->topo.nodes; n++) {
		bool behind;

		if (v->node_severity[n] < SEV_WARN || n == node)
			continue;
		if (first == NONE ||
			is_hotter(v, s, step > 0 ? n : first, step > 0 ? first : n))
			first = n;
		if (node == NONE || v->node_severity[node] < SEV_WARN)
			continue;
		behind = step > 0 ? is_hotter(v, s, node, n) : is_hotter(v, s, n, node);
		if (behind && (best == NONE || is_hotter(v, s, step > 0 ? n : best,
						       step > 0 ? best : n)))
			best = n;
	}
	return best == NONE ? first : best;
}

/* Where to begin when nothing is selected: what is worst, else the first way in. */
int
map_first_selection(const struct map_view *v, const struct snap *s)
{
	int hot = next_hot(v, s, NONE, 1);

	return hot != NONE ? hot : v->topo.nodes ? 0 : NONE;
}

int
map_move(const struct map_view *v, const struct snap *s, int node, enum action a)
{
	int e;

	switch (a) {
	case ACTION_UP:
		return neighbour_in_column(v, node, -1);
	case ACTION_DOWN:
		return neighbour_in_column(v, node, 1);
	case ACTION_LEFT:
		e = main_flow(v, node, true);
		return e == NONE ? NONE : v->topo.edge[e].src;
	case ACTION_RIGHT:
		e = main_flow(v, node, false);
		return e == NONE ? NONE : v->topo.edge[e].dst;
	case ACTION_NEXT_HOT:
		return next_hot(v, s, node, 1);
	case ACTION_PREV_HOT:
		return next_hot(v, s, node, -1);
	default:
		return NONE;
	}
}
