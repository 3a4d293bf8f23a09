/*
 * Which picture fits the pane, and when to lay out.
 *
 * A layout is made afresh only for a new size, a wish of the user, or while a system
 * is being discovered. Any other change of the topology is a warm one: what is known
 * stays where it is. A change of numbers is no reason to lay out at all.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map-view.h"
#include "weir/base/util.h"

#define DISCOVERY_US (INT64_C(5) * 1000000) /* everything may still move so long */
#define REGROUP_US (INT64_C(30) * 1000000)  /* between two choices of what is kept */
#define BURST_PERCENT 20                    /* so many new nodes: begin afresh */
#define DRIFT 8 /* crossings more, beyond a half, that are worth a word */
#define LEAST_BUDGET 6
#define TREE_SERVICES 60 /* in a larger system a tree is no help */
#define BUDGET_WIDTH 60
#define BUDGET_HEIGHT 12
#define CELLS_PER_SERVICE 350
#define TREE_MIN_WIDTH 50

void
map_view_init(struct map_view *v)
{
	v->user = (struct map_wishes){
		.fold = -1,
		.chips = -1,
		.group = GROUP_AUTO,
		.level = -1,
		.tree = 0,
		.focus = SELECT_NONE,
		.hops = 2,
	};
	v->made_with = v->user;
}

static void
make_room(struct map_view *v, int cells)
{
	size_t edges = (size_t)v->topo.edges + 1, nodes = (size_t)v->topo.nodes + 1;

	if ((int)edges > v->edge_room) {
		v->flow = xreallocarray(v->flow, edges, sizeof(*v->flow));
		v->edge_flow = xreallocarray(v->edge_flow, edges, sizeof(*v->edge_flow));
		v->lit_edge = xreallocarray(v->lit_edge, edges, 1);
		v->edge_room = (int)edges;
	}
	if ((int)nodes > v->node_room) {
		v->node_severity =
			xreallocarray(v->node_severity, nodes, sizeof(*v->node_severity));
		v->lit_node = xreallocarray(v->lit_node, nodes, 1);
		v->outside = xreallocarray(v->outside, nodes, 1);
		v->node_room = (int)nodes;
	}
	if (cells > v->ink_room) {
		v->ink = xreallocarray(v->ink, (size_t)cells, sizeof(*v->ink));
		v->ink_room = cells;
	}
}

/* ---- levels */

/* How many services a pane has room for. */
static int
pane_budget(int w, int h)
{
	return MAX(LEAST_BUDGET, w * h / CELLS_PER_SERVICE);
}

struct map_level
map_effective_level(const struct map_view *v, int index, int w, int h)
{
	struct map_level l = map_levels[index];

	if (l.budget) {
		l.budget = MAX(1, l.budget * pane_budget(w, h) / 100);
		l.tiers = MAX(1, w / l.tiers);
	}
	l.groups = l.budget ? MAP_GROUPS_CALM : MAP_GROUPS_OPEN;
	if (v->user.group != GROUP_AUTO) {
		l.twins = v->user.group == GROUP_TWINS;
		l.groups = v->user.group == GROUP_MEMBERS ? MAP_GROUPS_CLOSED
							  : MAP_GROUPS_OPEN;
	}
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

/* What the user wants of every plan. */
static void
begin_plan(struct map_view *v, struct map_plan *p, int level)
{
	p->outside = v->user.focus == SELECT_NONE ? NULL : v->outside;
	p->pin = v->pin;
	p->pins = v->pins;
	p->level_index = level;
}

/* A system of some size is better shown as a tree than as a handful of cards. */
static bool
shows_enough(const struct map_view *v, const struct map_plan *p)
{
	int shown = 0;

	if (!p->level.budget || v->topo.nodes > TREE_SERVICES)
		return true;
	for (int i = 0; i < p->parts; i++)
		shown += p->part[i].kind == PART_NODE;
	return shown >= LEAST_BUDGET;
}

/* The first of some levels that fits, made afresh. False when none does. */
static bool
try_levels(struct map_view *v, int first, int end, bool hide_hot, int w, int h)
{
	for (int i = first; i < end; i++) {
		struct map_level l = map_effective_level(v, i, w, h);

		l.hide_hot = hide_hot;
		begin_plan(v, &v->trial, i);
		if (!map_plan_try(&v->trial, &v->topo, l, w, h) ||
			!shows_enough(v, &v->trial))
			continue;
		swap_plans(v);
		return true;
	}
	return false;
}

static int
first_level(enum map_style style, bool budget)
{
	for (int i = 0; i < map_level_count; i++)
		if (map_levels[i].style == style && !map_levels[i].budget == !budget)
			return i;
	return map_level_count;
}

static bool
anything_hot(const struct map_topo *t)
{
	for (int v = 0; v < t->nodes; v++)
		if (t->node[v].hot)
			return true;
	for (int e = 0; e < t->edges; e++)
		if (t->edge[e].hot)
			return true;
	return false;
}

/* At that level whether it fits or not: it can be panned. */
static void
make_anyhow(struct map_view *v, int level, int w, int h)
{
	begin_plan(v, &v->plan, level);
	map_plan_make(
		&v->plan, &v->topo, map_effective_level(v, level, w, h), w, h, false);
}

/*
 * First with all that is in trouble drawn; then with it folded like the rest, where it
 * stands out as a row; then only with what matters. In a very small pane a tree says
 * more than a few cards of many.
 */
static bool
make_cold(struct map_view *v, int w, int h)
{
	int stack = first_level(MAP_STACK, false), budget = first_level(MAP_STACK, true);

	if (v->user.level >= 0) {
		make_anyhow(v, v->user.level, w, h);
		return true;
	}
	if (try_levels(v, 0, budget, false, w, h) ||
		(anything_hot(&v->topo) && try_levels(v, stack, budget, true, w, h)) ||
		(w >= BUDGET_WIDTH && h >= BUDGET_HEIGHT &&
			try_levels(v, budget, map_level_count, false, w, h)))
		return true;
	if (v->user.opened)
		make_anyhow(v, map_level_count - 1, w, h);
	return v->user.opened > 0;
}

/* ---- where the drawing stands in the pane */

/* The card to keep in view: the selected, else the one in trouble, else the first. */
static int
anchor_card(const struct map_view *v, const struct view_ctx *ctx)
{
	int node = map_find_node(&v->topo, ctx->sel.node), best = NONE;

	if (node != NONE && v->plan.card_of_node[node] >= 0)
		return v->plan.card_of_node[node];
	for (int n = 0; n < v->topo.nodes; n++) {
		enum severity s = map_node_severity(&v->topo, ctx->snap, n);

		if (v->plan.card_of_node[n] < 0 || s < SEV_WARN)
			continue;
		if (best == NONE || s > map_node_severity(&v->topo, ctx->snap, best))
			best = n;
	}
	return best == NONE ? 0 : v->plan.card_of_node[best];
}

/* Centred; and when it is too large, with the card to keep in view in the middle. */
static void
place_afresh(struct map_view *v, const struct view_ctx *ctx, int w, int h)
{
	const struct layout_picture *pic = v->plan.pic;
	const struct layout_box *box;

	v->x = (w - pic->w) / 2;
	v->y = (h - pic->h) / 2;
	if (!v->plan.cards)
		return;
	box = &pic->box[anchor_card(v, ctx)];
	if (pic->w > w)
		v->x = CLAMP(w / 2 - box->x - box->w / 2, w - pic->w, 0);
	if (pic->h > h)
		v->y = CLAMP(h / 2 - box->y - box->h / 2, h - pic->h, 0);
}

/* Keep the drawing where it is, as far as it still fits there. */
static void
keep_place(struct map_view *v, int w, int h)
{
	const struct layout_picture *pic = v->plan.pic;

	if (pic->w <= w)
		v->x = CLAMP(v->x, 0, w - pic->w);
	if (pic->h <= h)
		v->y = CLAMP(v->y, 0, h - pic->h);
}

static void
note_places(struct map_view *v)
{
	v->noted = 0;
	if (v->plan.cards > v->note_room) {
		v->note = xreallocarray(v->note, (size_t)v->plan.cards, sizeof(*v->note));
		v->delta =
			xreallocarray(v->delta, (size_t)v->plan.cards, sizeof(*v->delta));
		v->note_room = v->plan.cards;
	}
	for (int i = 0; i < v->plan.cards; i++)
		v->note[v->noted++] = (struct map_place){ v->plan.box[i].key,
			v->plan.pic->box[i].x, v->plan.pic->box[i].y };
}

static int
compare_int(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * After a warm run all cards may have moved together, say behind a new layer on their
 * left: move the drawing the other way, so that most of them stay on their cells.
 */
static void
follow_places(struct map_view *v)
{
	const struct layout_picture *pic = v->plan.pic;

	for (int axis = 0; axis < 2; axis++) {
		int n = 0;

		for (int i = 0; i < v->noted; i++)
			for (int k = 0; k < v->plan.cards; k++)
				if (v->plan.box[k].key == v->note[i].key) {
					v->delta[n++] =
						axis ? v->note[i].y - pic->box[k].y
						     : v->note[i].x - pic->box[k].x;
					break;
				}
		if (n == 0)
			return;
		qsort(v->delta, (size_t)n, sizeof(*v->delta), compare_int);
		*(axis ? &v->y : &v->x) += v->delta[n / 2];
	}
}

/* ---- making */

static void
name_nodes(struct map_view *v)
{
	arena_clear(&v->names_arena);
	v->names = ARENA_NEW(&v->names_arena, struct str, v->topo.nodes);
	map_names(v->names, &v->topo, &v->names_arena);
}

/* Mark all but what is within so many hops of the focus, both ways. */
static void
mark_outside(struct map_view *v)
{
	const struct map_topo *t = &v->topo;
	int focus = map_find_node(t, v->user.focus);

	if (focus == NONE) {
		v->user.focus = SELECT_NONE;
		v->steps = 0;
		return;
	}
	memset(v->outside, 1, (size_t)t->nodes);
	v->outside[focus] = 0;
	/* Two marks in turn: what was reached in this hop must not lead on in it. */
	for (int hop = 0; hop < v->user.hops; hop++) {
		for (int e = 0; e < t->edges; e++) {
			uint8_t *a = &v->outside[t->edge[e].src];
			uint8_t *b = &v->outside[t->edge[e].dst];

			if (*a == 0 && *b == 1)
				*b = 2;
			else if (*b == 0 && *a == 1)
				*a = 2;
		}
		for (int n = 0; n < t->nodes; n++)
			if (v->outside[n] == 2)
				v->outside[n] = 0;
	}
}

static void
make_text(struct map_view *v, int w, int h)
{
	name_nodes(v);
	map_tree_make(&v->tree, &v->topo, v->names);
	v->mode = h == 1                                                    ? MODE_LINE
		  : w < TREE_MIN_WIDTH && v->tree.rows > h && !v->user.tree ? MODE_HOT
									    : MODE_TREE;
}

/* Would a fresh layout be so much better that the user should be told? */
static void
measure_drift(struct map_view *v, int w, int h)
{
	begin_plan(v, &v->trial, v->plan.level_index);
	map_plan_make(&v->trial, &v->topo, v->plan.level, w, h, false);
	v->drifted = v->plan.pic->crossings * 2 > v->trial.pic->crossings * 3 + DRIFT;
}

static void
make(struct map_view *v, const struct view_ctx *ctx, int w, int h, bool warm)
{
	make_room(v, w * h);
	if (v->user.focus != SELECT_NONE)
		mark_outside(v);
	if (warm && v->mode == MODE_MAP) {
		note_places(v);
		begin_plan(v, &v->plan, v->plan.level_index);
		map_plan_make(&v->plan, &v->topo, v->plan.level, w, h, true);
		if (v->user.level >= 0 || map_plan_fits(&v->plan, w, h)) {
			follow_places(v);
			measure_drift(v, w, h);
			return;
		}
	}
	map_topo_mark_hot(&v->topo, ctx->snap);
	v->drifted = false;
	if (!v->user.tree && h > 1 && make_cold(v, w, h)) {
		v->mode = MODE_MAP;
		v->placed = false;
	} else {
		make_text(v, w, h);
	}
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

static bool
same_wishes(const struct map_wishes *a, const struct map_wishes *b)
{
	return a->fold == b->fold && a->chips == b->chips && a->group == b->group &&
	       a->level == b->level && a->tree == b->tree && a->focus == b->focus &&
	       a->hops == b->hops && a->opened == b->opened;
}

/* Was a card of that kind made to save room, rather than at the user's wish? */
static bool
is_unasked(const struct map_view *v, enum map_part_kind kind)
{
	return kind == PART_REST ||
	       (kind == PART_GROUP && v->plan.level.groups == MAP_GROUPS_CALM);
}

/*
 * Trouble inside a card of many, that was calm when the card was made: take it out,
 * now and then. What is written in a row or a chip shows its trouble where it is.
 */
static bool
must_regroup(struct map_view *v, const struct snap *s)
{
	bool found = false;

	if (v->mode != MODE_MAP || !v->plan.level.budget ||
		s->now_us - v->made_us < REGROUP_US)
		return false;
	for (int n = 0; n < v->topo.nodes; n++) {
		int part = v->plan.part_of_node[n];

		if (part < 0 || !is_unasked(v, v->plan.part[part].kind) ||
			v->topo.node[n].hot ||
			map_node_severity(&v->topo, s, n) < SEV_WARN)
			continue;
		v->topo.node[n].hot = (uint8_t)map_node_severity(&v->topo, s, n);
		found = true;
	}
	return found;
}

void
map_prepare(struct map_view *v, const struct view_ctx *ctx, int w, int h)
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
	       !same_wishes(&v->user, &v->made_with) ||
	       (changed && s->now_us - v->first_us < DISCOVERY_US);
	if (!changed && !cold)
		changed = must_regroup(v, s);
	if (!v->made || changed || cold) {
		v->made = true;
		v->made_for_rows = false;
		v->made_w = w;
		v->made_h = h;
		v->made_us = s->now_us;
		make(v, ctx, w, h, !cold);
		v->made_with = v->user;
	} else if (v->mode == MODE_MAP) {
		keep_place(v, w, h);
	}
	v->overflows = v->mode == MODE_MAP && (v->plan.pic->w > w || v->plan.pic->h > h);
	v->filter = filter;
	v->last_us = s->now_us;
	v->relayout = false;
}

void
map_place(struct map_view *v, const struct view_ctx *ctx, int w, int h)
{
	if (v->mode != MODE_MAP)
		return;
	if (v->placed)
		keep_place(v, w, h);
	else
		place_afresh(v, ctx, w, h);
	v->placed = true;
}

bool
map_hides_something(const struct map_view *v)
{
	const struct map_level *l = &v->plan.level;

	return v->mode != MODE_MAP || v->overflows || l->style != MAP_CARD || l->chips ||
	       l->twins || l->groups || l->budget;
}

enum map_grouping
map_grouping(const struct map_view *v)
{
	const struct map_level *l = &v->plan.level;

	if (v->user.group != GROUP_AUTO)
		return v->user.group;
	return v->mode == MODE_MAP && l->twins ? GROUP_TWINS : GROUP_NONE;
}
