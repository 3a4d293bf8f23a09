/*
 * The map view: which picture fits the pane, what is selected, and when to lay out.
 *
 * A layout is made afresh only for a new size, a wish of the user, or while a system
 * is being discovered. Any other change of the topology is a warm one: what is known
 * stays where it is. A change of numbers is no reason to lay out at all.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "weir/base/util.h"

#define DISCOVERY_US (INT64_C(5) * 1000000) /* everything may still move so long */
#define BURST_PERCENT 20                    /* so many new nodes: begin afresh */
#define TREE_MIN_WIDTH 50
#define NONE (-1)

enum mode {
	MODE_MAP,
	MODE_TREE,
	MODE_HOT,
	MODE_LINE
};

/* -1 as the level says, else 0 or 1. */
struct overrides {
	int fold, chips;
	int level; /* index, or -1 for what fits */
	bool tree;
};

struct map_view {
	struct map_topo topo;
	struct map_plan plan, trial;
	struct map_tree tree;
	struct arena names_arena;
	struct str *names; /* of the topo, for what is no plan */
	enum mode mode;
	struct overrides user, made_with;
	bool made;
	int made_w, made_h; /* the size it was made for */
	bool made_for_rows; /* by rows(): less height may follow */
	uint64_t filter;    /* hash of the filter of the last frame */
	int64_t first_us, last_us;
	bool relayout;
	int pan_x, pan_y, tree_top;
	int origin_x, origin_y; /* of the drawing in the pane */

	/* of a frame; sized when the plan is made */
	struct map_flow *flow, *edge_flow;
	enum severity *node_severity;
	uint8_t *lit_edge, *lit_node, *marks;
	struct map_ink *ink;
	int flow_room, node_room, ink_room;
};

static void *
map_init(void)
{
	struct map_view *v = xcalloc(1, sizeof(*v));

	v->user = v->made_with = (struct overrides){ -1, -1, -1, false };
	return v;
}

static void
map_done(void *state)
{
	struct map_view *v = state;

	map_topo_done(&v->topo);
	map_plan_done(&v->plan);
	map_plan_done(&v->trial);
	map_tree_done(&v->tree);
	arena_done(&v->names_arena);
	free(v->flow);
	free(v->edge_flow);
	free(v->node_severity);
	free(v->lit_edge);
	free(v->lit_node);
	free(v->marks);
	free(v->ink);
	free(v);
}

/* ---- making a plan */

static void
make_room(struct map_view *v, int cells)
{
	int edges = v->topo.edges + 1, nodes = v->topo.nodes + 1;

	if (edges > v->flow_room) {
		size_t n = (size_t)edges;

		v->flow = xreallocarray(v->flow, n, sizeof(*v->flow));
		v->edge_flow = xreallocarray(v->edge_flow, n, sizeof(*v->edge_flow));
		v->lit_edge = xreallocarray(v->lit_edge, n, 1);
		v->flow_room = edges;
	}
	if (nodes > v->node_room) {
		size_t n = (size_t)nodes;

		v->node_severity =
			xreallocarray(v->node_severity, n, sizeof(*v->node_severity));
		v->lit_node = xreallocarray(v->lit_node, n, 1);
		v->marks = xreallocarray(v->marks, n, 1);
		v->node_room = nodes;
	}
	if (cells > v->ink_room) {
		v->ink = xreallocarray(v->ink, (size_t)cells, sizeof(*v->ink));
		v->ink_room = cells;
	}
}

static struct map_level
effective_level(const struct map_view *v, int index)
{
	struct map_level l = map_levels[index];

	if (v->user.fold >= 0)
		l.fold = l.rack = v->user.fold;
	if (v->user.chips == 0)
		l.chips = 0;
	else if (v->user.chips == 1 && l.chips == 0)
		l.chips = 5;
	return l;
}

static void
swap_plans(struct map_view *v)
{
	struct map_plan plan = v->plan;

	v->plan = v->trial;
	v->trial = plan;
}

/* The first level that fits, made afresh. False when none does. */
static bool
make_cold(struct map_view *v, int w, int h)
{
	for (int i = 0; i < map_level_count; i++) {
		if (v->user.level >= 0 && i != v->user.level)
			continue;
		map_plan_make(&v->trial, &v->topo, effective_level(v, i), w, h, false);
		v->trial.level_index = i;
		if (v->user.level < 0 && !map_plan_fits(&v->trial, w, h))
			continue;
		swap_plans(v);
		return true;
	}
	return false;
}

static void
name_nodes(struct map_view *v)
{
	arena_clear(&v->names_arena);
	v->names = ARENA_NEW(&v->names_arena, struct str, v->topo.nodes);
	map_names(v->names, &v->topo, &v->names_arena);
}

static void
centre(struct map_view *v, int w, int h)
{
	v->origin_x = MAX(0, (w - v->plan.pic->w) / 2);
	v->origin_y = MAX(0, (h - v->plan.pic->h) / 2);
}

/* Keep the drawing where it was, as far as it still fits. */
static void
keep_origin(struct map_view *v, int w, int h)
{
	v->origin_x = CLAMP(v->origin_x, 0, MAX(0, w - v->plan.pic->w));
	v->origin_y = CLAMP(v->origin_y, 0, MAX(0, h - v->plan.pic->h));
}

static void
make(struct map_view *v, const struct snap *s, int w, int h, bool warm)
{
	bool map = false;

	v->made = true;
	v->made_for_rows = false;
	v->made_w = w;
	v->made_h = h;
	v->made_with = v->user;
	if (warm && v->mode == MODE_MAP) {
		map_plan_make(&v->plan, &v->topo, effective_level(v, v->plan.level_index),
			w, h, true);
		if (v->user.level >= 0 || map_plan_fits(&v->plan, w, h)) {
			make_room(v, w * h);
			keep_origin(v, w, h);
			return;
		}
	}
	map_topo_mark_hot(&v->topo, s);
	v->pan_x = v->pan_y = 0;
	if (!v->user.tree && h > 1)
		map = make_cold(v, w, h);
	make_room(v, w * h);
	if (map) {
		v->mode = MODE_MAP;
		centre(v, w, h);
		return;
	}
	name_nodes(v);
	map_tree_make(&v->tree, &v->topo);
	v->mode = h == 1                                                    ? MODE_LINE
		  : w < TREE_MIN_WIDTH && v->tree.rows > h && !v->user.tree ? MODE_HOT
									    : MODE_TREE;
}

static bool
is_burst(const struct map_topo *t, int nodes_before)
{
	return (t->nodes - nodes_before) * 100 > t->nodes * BURST_PERCENT;
}

static uint64_t
filter_hash(const struct view_ctx *ctx)
{
	return ctx->filter ? hash_bytes(ctx->filter, strlen(ctx->filter)) : 0;
}

/* Follow the snap and make a new plan when there is a reason. */
static void
prepare(struct map_view *v, const struct view_ctx *ctx, int w, int h)
{
	const struct snap *s = ctx->snap;
	uint64_t filter = filter_hash(ctx);
	int before = v->topo.nodes;
	/* A new filter or a step back in time is another picture, not a loss. */
	bool same = v->made && filter == v->filter && s->now_us >= v->last_us;
	bool changed = map_topo_sync(&v->topo, s, same);
	bool fits =
		w == v->made_w &&
		(h == v->made_h || (v->made_for_rows && h < v->made_h &&
					   (v->mode != MODE_MAP || h >= v->plan.pic->h)));
	bool cold;

	if (before == 0 || v->first_us == 0)
		v->first_us = s->now_us;
	cold = !same || !fits || v->relayout || is_burst(&v->topo, before) ||
	       memcmp(&v->user, &v->made_with, sizeof(v->user)) != 0 ||
	       (changed && s->now_us - v->first_us < DISCOVERY_US);
	if (!v->made || changed || cold)
		make(v, s, w, h, !cold);
	else if (v->mode == MODE_MAP)
		keep_origin(v, w, h);
	v->filter = filter;
	v->last_us = s->now_us;
	v->relayout = false;
}

/* ---- a frame */

static int
find_node(const struct map_topo *t, uint32_t key)
{
	if (key == SELECT_NONE)
		return NONE;
	for (int i = 0; i < t->nodes; i++)
		if (t->node[i].key == key)
			return i;
	return NONE;
}

static int
find_edge(const struct map_topo *t, const struct snap *s, uint32_t key)
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

/* Mark what flows into @node and what it flows into, however far. */
static void
mark_closure(const struct map_topo *t, int node, uint8_t *marks)
{
	bool changed = true;

	memset(marks, 0, (size_t)t->nodes);
	marks[node] = UPSTREAM | DOWNSTREAM;
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

static void
light(struct map_view *v, const struct map_frame *f)
{
	const struct map_topo *t = &v->topo;
	const struct map_plan *p = &v->plan;

	memset(v->marks, 0, (size_t)t->nodes);
	if (f->selected_edge != NONE) {
		v->marks[t->edge[f->selected_edge].src] = UPSTREAM;
		v->marks[t->edge[f->selected_edge].dst] = DOWNSTREAM;
	} else {
		mark_closure(t, f->selected_node, v->marks);
	}
	memcpy(v->lit_node, v->marks, (size_t)t->nodes);
	if (v->mode != MODE_MAP)
		return;
	for (int i = 0; i < p->edges; i++) {
		v->lit_edge[i] = 0;
		for (int k = 0; k < p->edge_flows[i].count; k++) {
			int e = p->list[p->edge_flows[i].first + k];

			v->lit_edge[i] |=
				f->selected_edge != NONE
					? e == f->selected_edge
					: edge_in_closure(&t->edge[e], v->marks);
		}
	}
}

static struct map_frame
begin_frame(struct map_view *v, const struct view_ctx *ctx, struct rect area)
{
	const struct map_topo *t = &v->topo;
	const struct map_plan *p = &v->plan;
	struct map_frame f = { .topo = t,
		.snap = ctx->snap,
		.plan = p,
		.flow = v->flow,
		.node_severity = v->node_severity,
		.edge_flow = v->edge_flow,
		.lit_edge = v->lit_edge,
		.lit_node = v->lit_node,
		.area = area };

	for (int e = 0; e < t->edges; e++)
		v->flow[e] = map_flow_of_edge(t, ctx->snap, e);
	for (int n = 0; n < t->nodes; n++)
		v->node_severity[n] = map_node_severity(t, ctx->snap, n);
	if (v->mode == MODE_MAP)
		for (int e = 0; e < p->edges; e++)
			v->edge_flow[e] = map_flow_sum(v->flow,
				p->list + p->edge_flows[e].first, p->edge_flows[e].count);
	f.selected_node = find_node(t, ctx->sel.node);
	f.selected_edge = find_edge(t, ctx->snap, ctx->sel.edge);
	f.select = f.selected_node != NONE || f.selected_edge != NONE;
	if (f.select)
		light(v, &f);
	f.x = area.x + v->origin_x + v->pan_x;
	f.y = area.y + v->origin_y + v->pan_y;
	return f;
}

static void
scroll_tree(struct map_view *v, const struct map_frame *f)
{
	int most = MAX(0, v->tree.rows - f->area.h);

	v->tree_top = CLAMP(v->tree_top, 0, most);
	for (int i = 0; f->selected_node != NONE && i < v->tree.rows; i++) {
		if (v->tree.row[i].node != f->selected_node || v->tree.row[i].seen)
			continue;
		if (i < v->tree_top)
			v->tree_top = i;
		else if (i >= v->tree_top + f->area.h)
			v->tree_top = i - f->area.h + 1;
	}
}

static void
map_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	struct map_view *v = state;
	struct rect clip;
	struct map_frame f;

	if (area.w < 1 || area.h < 1)
		return;
	prepare(v, ctx, area.w, area.h);
	if (v->topo.nodes == 0)
		return;
	f = begin_frame(v, ctx, area);
	clip = grid_clip(g, area);
	switch (v->mode) {
	case MODE_MAP:
		map_paint_lines(&f, g, v->ink);
		map_paint_cards(&f, g);
		break;
	case MODE_TREE:
		scroll_tree(v, &f);
		map_paint_tree(&f, &v->tree, v->names, v->tree_top, g);
		break;
	case MODE_HOT:
		map_paint_hot(&f, v->names, g);
		break;
	case MODE_LINE:
		map_paint_one_line(&f, v->names, g);
		break;
	}
	grid_clip(g, clip);
}

/* So the ui can list the worst edges under a map that does not need all rows. */
static int
map_rows(void *state, struct view_ctx *ctx, int w, int h)
{
	struct map_view *v = state;

	if (w < 1 || h < 1)
		return h;
	prepare(v, ctx, w, h);
	v->made_for_rows = true;
	switch (v->mode) {
	case MODE_MAP:
		return MIN(v->plan.pic->h, h);
	case MODE_TREE:
		return MIN(v->tree.rows, h);
	default:
		return h;
	}
}

/* ---- moving the selection */

/* Of the flows into (@in) or out of @node the worst, then the busiest; or NONE. */
static int
main_flow(const struct map_view *v, int node, bool in)
{
	int best = NONE;

	for (int e = 0; e < v->topo.edges; e++) {
		const struct map_edge *x = &v->topo.edge[e];
		const struct map_flow *a = &v->flow[e], *b;

		if (x->back || (in ? x->dst : x->src) != node)
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

/* Is @a before @b in the order of trouble? */
static bool
is_hotter(const struct map_view *v, const struct snap *s, int a, int b)
{
	int64_t pa, pb;

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
static int
first_selection(const struct map_view *v, const struct snap *s)
{
	int hot = next_hot(v, s, NONE, 1);

	return hot != NONE ? hot : v->topo.nodes ? 0 : NONE;
}

static int
moved(const struct map_view *v, const struct snap *s, int node, enum action a)
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

static enum view_result
move_selection(struct map_view *v, struct view_ctx *ctx, enum action a)
{
	int node = find_node(&v->topo, ctx->sel.node), to;

	if (v->topo.nodes == 0)
		return VIEW_HANDLED;
	to = node == NONE ? first_selection(v, ctx->snap) : moved(v, ctx->snap, node, a);
	if (to != NONE) {
		ctx->sel.node = v->topo.node[to].key;
		ctx->sel.edge = SELECT_NONE;
	}
	return VIEW_HANDLED;
}

/* ---- what the user can change */

static void
change_level(struct map_view *v, int step)
{
	int level = v->user.level >= 0    ? v->user.level
		    : v->mode == MODE_MAP ? v->plan.level_index
					  : map_level_count;

	v->user.level = CLAMP(level + step, 0, map_level_count - 1);
	v->user.tree = false;
}

static void
pan(struct map_view *v, int dx, int dy)
{
	if (v->mode == MODE_MAP) {
		v->pan_x = CLAMP(v->pan_x + dx, -v->plan.pic->w, v->made_w);
		v->pan_y = CLAMP(v->pan_y + dy, -v->plan.pic->h, v->made_h);
	} else {
		v->tree_top -= dy;
	}
}

static enum view_result
map_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct map_view *v = state;

	/* Before the first picture there is nothing to act on. */
	if (!v->made)
		return VIEW_IGNORED;
	switch (action) {
	case ACTION_UP:
	case ACTION_DOWN:
	case ACTION_LEFT:
	case ACTION_RIGHT:
	case ACTION_NEXT_HOT:
	case ACTION_PREV_HOT:
		return move_selection(v, ctx, action);
	case ACTION_ENTER:
	case ACTION_DETAIL:
		if (ctx->sel.node == SELECT_NONE && ctx->sel.edge == SELECT_NONE)
			move_selection(v, ctx, ACTION_NEXT_HOT);
		return VIEW_OPEN_DETAIL;
	case ACTION_BACK:
		if (ctx->sel.node == SELECT_NONE && ctx->sel.edge == SELECT_NONE)
			return VIEW_IGNORED;
		ctx->sel = (struct selection){ SELECT_NONE, SELECT_NONE };
		return VIEW_HANDLED;
	case ACTION_TREE:
		v->user.tree = !v->user.tree;
		return VIEW_HANDLED;
	case ACTION_FOLD:
		v->user.fold = v->mode == MODE_MAP && v->plan.level.fold ? 0 : 1;
		return VIEW_HANDLED;
	case ACTION_CHIPS:
		v->user.chips = v->mode == MODE_MAP && v->plan.level.chips ? 0 : 1;
		return VIEW_HANDLED;
	case ACTION_LEVEL_UP:
		change_level(v, -1);
		return VIEW_HANDLED;
	case ACTION_LEVEL_DOWN:
		change_level(v, 1);
		return VIEW_HANDLED;
	case ACTION_LEVEL_AUTO:
		v->user = (struct overrides){ -1, -1, -1, false };
		return VIEW_HANDLED;
	case ACTION_PAN_LEFT:
		pan(v, 8, 0);
		return VIEW_HANDLED;
	case ACTION_PAN_RIGHT:
		pan(v, -8, 0);
		return VIEW_HANDLED;
	case ACTION_PAN_UP:
		pan(v, 0, 4);
		return VIEW_HANDLED;
	case ACTION_PAN_DOWN:
		pan(v, 0, -4);
		return VIEW_HANDLED;
	case ACTION_CENTRE:
		v->pan_x = v->pan_y = 0;
		return VIEW_HANDLED;
	case ACTION_RELAYOUT:
		v->relayout = true;
		return VIEW_HANDLED;
	default:
		return VIEW_IGNORED;
	}
}

extern const struct view_ops view_map;

const struct view_ops view_map = {
	.id = "map",
	.title = "MAP",
	.about = "services as cards, flows as lines; trouble stands out",
	.init = map_init,
	.done = map_done,
	.paint = map_paint,
	.action = map_action,
	.rows = map_rows,
};
