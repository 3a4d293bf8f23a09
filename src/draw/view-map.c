/*
 * The map view: a frame, and what keys do. map-make.c decides what the picture is,
 * map-select.c where the selection goes.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map-view.h"
#include "weir/base/util.h"

#define PAN_COLUMNS 8
#define PAN_ROWS 4

static void *
map_init(void)
{
	struct map_view *v = xcalloc(1, sizeof(*v));

	map_view_init(v);
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
	free(v->note);
	free(v->delta);
	free(v->flow);
	free(v->edge_flow);
	free(v->node_severity);
	free(v->lit_edge);
	free(v->lit_node);
	free(v->outside);
	free(v->ink);
	free(v);
}

/* ---- a frame */

/* Did it get worse in front of the user's eyes? */
static void
note_grade(struct map_node *n, enum severity s, int64_t now_us)
{
	if (n->grade && s >= SEV_WARN && (int)s + 1 > n->grade)
		n->rose_us = now_us;
	n->grade = (uint8_t)(s + 1);
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
		.number = ctx->sort,
		.still = ctx->frozen,
		.area = area };

	for (int e = 0; e < t->edges; e++)
		v->flow[e] = map_flow_of_edge(t, ctx->snap, e, ctx->sort);
	for (int n = 0; n < t->nodes; n++) {
		v->node_severity[n] = map_node_severity(t, ctx->snap, n);
		note_grade(&v->topo.node[n], v->node_severity[n], ctx->snap->now_us);
	}
	if (v->mode == MODE_MAP)
		for (int e = 0; e < p->edges; e++)
			v->edge_flow[e] = map_flow_sum(v->flow,
				p->list + p->edge_flows[e].first, p->edge_flows[e].count);
	f.selected_node = map_find_node(t, ctx->sel.node);
	f.selected_edge = map_find_edge(t, ctx->snap, ctx->sel.edge);
	f.select = f.selected_node != NONE || f.selected_edge != NONE;
	if (f.select)
		map_light(v, &f);
	f.x = area.x + v->x;
	f.y = area.y + v->y;
	return f;
}

static void
scroll_tree(struct map_view *v, const struct map_frame *f)
{
	v->tree_top = CLAMP(v->tree_top, 0, MAX(0, v->tree.rows - f->area.h));
	for (int i = 0; f->selected_node != NONE && i < v->tree.rows; i++) {
		if (v->tree.row[i].node != f->selected_node || v->tree.row[i].seen)
			continue;
		if (i < v->tree_top)
			v->tree_top = i;
		else if (i >= v->tree_top + f->area.h)
			v->tree_top = i - f->area.h + 1;
	}
}

/* How much of the drawing is outside the pane, on the last row. */
static void
paint_pan_hint(const struct map_view *v, const struct map_frame *f, struct grid *g)
{
	const struct layout_picture *pic = v->plan.pic;
	const struct {
		int cells;
		const char *word;
	} sides[] = {
		{ -v->x, "left" },
		{ v->x + pic->w - f->area.w, "right" },
		{ -v->y, "up" },
		{ v->y + pic->h - f->area.h, "down" },
	};
	char s[80] = " pan:";

	for (size_t i = 0; i < ARRAY_LEN(sides); i++)
		if (sides[i].cells > 0)
			snprintf(s + strlen(s), sizeof(s) - strlen(s), " %d %s",
				sides[i].cells, sides[i].word);
	snprintf(s + strlen(s), sizeof(s) - strlen(s), " ");
	grid_right(g, f->area.x + f->area.w, f->area.y + f->area.h - 1, s, ROLE_KEY, 0);
}

static void add_words(char *to, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One more of the remarks, set apart from those before. */
static void
add_words(char *to, size_t size, const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list ap;

	n += (size_t)snprintf(to + n, size - n, "%s", n > 1 ? "  " : "");
	va_start(ap, fmt);
	if (n < size)
		vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
}

/* In what the picture is not what it would be by itself: the user wanted it so. */
static void
paint_wishes(const struct map_view *v, const struct map_frame *f, struct grid *g)
{
	int focus = map_find_node(&v->topo, v->user.focus);
	char s[200] = " ";

	if (focus != NONE)
		add_words(s, sizeof(s), "%.100s, %d hop%s (1-9)",
			v->topo.node[focus].name, v->user.hops,
			v->user.hops == 1 ? "" : "s");
	if (v->user.group == GROUP_MEMBERS || v->user.group == GROUP_TWINS)
		add_words(s, sizeof(s), "%s",
			v->user.group == GROUP_MEMBERS ? "groups" : "twins");
	if (v->user.opened)
		add_words(s, sizeof(s), "%d opened", v->user.opened);
	if (f->number == SORT_ERRORS || f->number == SORT_P95 || f->number == SORT_P50)
		add_words(s, sizeof(s), "%s",
			f->number == SORT_ERRORS ? "errors"
			: f->number == SORT_P95  ? "p95"
						 : "p50");
	if (v->user.level >= 0)
		add_words(s, sizeof(s), "%s", v->plan.level.about);
	if (!s[1])
		return;
	add_words(s, sizeof(s), "%s", "");
	grid_puts(g, f->area.x, f->area.y + f->area.h - 1, s, ROLE_KEY, 0);
}

static void
paint_map(struct map_view *v, const struct map_frame *f, struct grid *g)
{
	map_paint_lines(f, g, v->ink);
	map_paint_cards(f, g);
	map_paint_feedback(f, g);
	map_paint_edges_of_pane(f, g);
	if (v->overflows)
		paint_pan_hint(v, f, g);
	else if (v->drifted)
		grid_right(g, f->area.x + f->area.w, f->area.y + f->area.h - 1,
			" r lays out afresh ", ROLE_KEY, 0);
	paint_wishes(v, f, g);
}

static bool
is_calm(const struct map_view *v)
{
	for (int n = 0; n < v->topo.nodes; n++)
		if (v->node_severity[n] >= SEV_WARN)
			return false;
	return true;
}

static void
map_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	struct map_view *v = state;
	struct rect clip;
	struct map_frame f;

	if (area.w < 1 || area.h < 1)
		return;
	map_prepare(v, ctx, area.w, area.h);
	if (v->topo.nodes == 0)
		return;
	map_place(v, ctx, area.w, area.h);
	f = begin_frame(v, ctx, area);
	clip = grid_clip(g, area);
	switch (v->mode) {
	case MODE_MAP:
		paint_map(v, &f, g);
		break;
	case MODE_HOT:
		/* Where all is well there is no path to show: what there is, instead. */
		if (!is_calm(v)) {
			map_paint_hot(&f, v->names, g);
			break;
		}
		/* fall through */
	case MODE_TREE:
		scroll_tree(v, &f);
		map_paint_tree(&f, &v->tree, v->names, v->tree_top, g);
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
	map_prepare(v, ctx, w, h);
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

/* ---- what the user can change */

/* Bring the selection into the pane. */
static void
follow_selection(struct map_view *v, int node)
{
	const struct layout_box *box;

	if (v->mode != MODE_MAP || !v->overflows || v->plan.card_of_node[node] < 0)
		return;
	box = &v->plan.pic->box[v->plan.card_of_node[node]];
	v->x = MAX(MIN(v->x, v->made_w - box->x - box->w - 1), 1 - box->x);
	v->y = MAX(MIN(v->y, v->made_h - box->y - box->h - 1), -box->y);
}

static enum view_result
move_selection(struct map_view *v, struct view_ctx *ctx, enum action a)
{
	int node = map_find_node(&v->topo, ctx->sel.node), to;

	if (v->topo.nodes == 0)
		return VIEW_HANDLED;
	to = node == NONE ? map_first_selection(v, ctx->snap)
			  : map_move(v, ctx->snap, node, a);
	if (to == NONE)
		return VIEW_HANDLED;
	ctx->sel.node = v->topo.node[to].key;
	ctx->sel.edge = SELECT_NONE;
	follow_selection(v, to);
	return VIEW_HANDLED;
}

/* Remember where Esc is to lead back to. */
static void
note_step(struct map_view *v)
{
	if (v->steps < STEPS)
		v->step[v->steps++] = (struct map_step){ v->user.focus, v->user.opened };
}

/* Take all services out of the card of several in which @node is; false for others. */
static bool
open_card(struct map_view *v, int node)
{
	int part = v->mode == MODE_MAP ? v->plan.part_of_node[node] : NONE;
	const struct map_part *p;

	if (part == NONE || v->user.opened == UINT8_MAX)
		return false;
	p = &v->plan.part[part];
	if (p->kind == PART_NODE)
		return false;
	note_step(v);
	v->user.opened++;
	for (int i = 0; i < p->node.count; i++)
		v->topo.node[v->plan.list[p->node.first + i]].opened =
			(uint8_t)v->user.opened;
	return true;
}

static void
close_cards(struct map_view *v, int opened)
{
	v->user.opened = opened;
	for (int n = 0; n < v->topo.nodes; n++)
		if (v->topo.node[n].opened > opened)
			v->topo.node[n].opened = 0;
}

/*
 * Closer: a card of several is opened where it is; where the map hides something, the surroundings of the selected service
 * alone; then, and where all is in sight already, its details.
 */
static enum view_result
look_closer(struct map_view *v, struct view_ctx *ctx)
{
	uint32_t node = ctx->sel.node;
	int at = map_find_node(&v->topo, node);

	if (ctx->sel.edge == SELECT_NONE && node == SELECT_NONE)
		return move_selection(v, ctx, ACTION_NEXT_HOT);
	if (at != NONE && open_card(v, at))
		return VIEW_HANDLED;
	if (node == SELECT_NONE || node == v->user.focus || !map_hides_something(v))
		return VIEW_OPEN_DETAIL;
	note_step(v);
	v->user.focus = node;
	v->user.tree = 0;
	return VIEW_HANDLED;
}

static enum view_result
step_back(struct map_view *v, struct view_ctx *ctx)
{
	struct map_step to = { SELECT_NONE, 0 };

	if (v->user.focus != SELECT_NONE || v->user.opened) {
		if (v->steps > 0)
			to = v->step[--v->steps];
		v->user.focus = to.focus;
		close_cards(v, to.opened);
		return VIEW_HANDLED;
	}
	if (ctx->sel.node == SELECT_NONE && ctx->sel.edge == SELECT_NONE)
		return VIEW_IGNORED;
	ctx->sel = (struct selection){ SELECT_NONE, SELECT_NONE };
	return VIEW_HANDLED;
}

/* In a focus the surroundings grow and shrink; else the level of detail changes. */
static void
change_level(struct map_view *v, int step)
{
	int level = v->user.level >= 0    ? v->user.level
		    : v->mode == MODE_MAP ? v->plan.level_index
					  : map_level_count;

	if (v->user.focus != SELECT_NONE) {
		v->user.hops = CLAMP(v->user.hops - step, 1, MAX_HOPS);
		return;
	}
	v->user.level = CLAMP(level + step, 0, map_level_count - 1);
	v->user.tree = 0;
}

/* Some of the drawing always stays in the pane. */
static void
pan(struct map_view *v, int dx, int dy)
{
	if (v->mode != MODE_MAP) {
		v->tree_top -= dy;
		return;
	}
	if (!v->overflows)
		return;
	v->x = CLAMP(v->x + dx, PAN_COLUMNS - v->plan.pic->w, v->made_w - PAN_COLUMNS);
	v->y = CLAMP(v->y + dy, PAN_ROWS - v->plan.pic->h, v->made_h - PAN_ROWS);
}

static void
centre(struct map_view *v, const struct view_ctx *ctx)
{
	int node = map_find_node(&v->topo, ctx->sel.node);
	const struct layout_box *box;

	if (v->mode != MODE_MAP || !v->plan.cards)
		return;
	v->x = (v->made_w - v->plan.pic->w) / 2;
	v->y = (v->made_h - v->plan.pic->h) / 2;
	if (!v->overflows || node == NONE || v->plan.card_of_node[node] < 0)
		return;
	box = &v->plan.pic->box[v->plan.card_of_node[node]];
	v->x = v->made_w / 2 - box->x - box->w / 2;
	v->y = v->made_h / 2 - box->y - box->h / 2;
}

/* Keep the selected card on its row from now on, or let it go again. */
static void
toggle_pin(struct map_view *v, const struct view_ctx *ctx)
{
	int node = map_find_node(&v->topo, ctx->sel.node), c;
	uint32_t key;

	if (v->mode != MODE_MAP || node == NONE || v->plan.card_of_node[node] < 0)
		return;
	c = v->plan.card_of_node[node];
	key = v->plan.box[c].key;
	for (int i = 0; i < v->pins; i++)
		if (v->pin[i].key == key) {
			v->pin[i] = v->pin[--v->pins];
			return;
		}
	if (v->pins < MAX_PINS)
		v->pin[v->pins++] = (struct map_pin){ key, v->plan.pic->box[c].y };
}

static enum map_grouping
next_grouping(const struct map_view *v)
{
	switch (map_grouping(v)) {
	case GROUP_NONE:
		return map_has_groups(&v->topo) ? GROUP_MEMBERS : GROUP_TWINS;
	case GROUP_MEMBERS:
		return GROUP_TWINS;
	default:
		return GROUP_NONE;
	}
}

static void
change_wishes(struct map_view *v, enum action action)
{
	bool map = v->mode == MODE_MAP;

	switch (action) {
	case ACTION_TREE:
		v->user.tree = v->mode != MODE_TREE;
		break;
	case ACTION_FOLD:
		v->user.fold = !(map && v->plan.level.fold);
		break;
	case ACTION_CHIPS:
		v->user.chips = !(map && v->plan.level.chips);
		break;
	case ACTION_GROUP:
		v->user.group = next_grouping(v);
		v->steps = 0;
		close_cards(v, 0);
		break;
	case ACTION_LEVEL_AUTO:
		map_view_init(v);
		v->made_with.level = 0;
		v->steps = 0;
		close_cards(v, 0);
		break;
	default:
		break;
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
		return look_closer(v, ctx);
	case ACTION_DETAIL:
		if (ctx->sel.node == SELECT_NONE && ctx->sel.edge == SELECT_NONE)
			move_selection(v, ctx, ACTION_NEXT_HOT);
		return VIEW_OPEN_DETAIL;
	case ACTION_BACK:
		return step_back(v, ctx);
	case ACTION_TREE:
	case ACTION_FOLD:
	case ACTION_CHIPS:
	case ACTION_GROUP:
	case ACTION_LEVEL_AUTO:
		change_wishes(v, action);
		return VIEW_HANDLED;
	case ACTION_LEVEL_UP:
		change_level(v, -1);
		return VIEW_HANDLED;
	case ACTION_LEVEL_DOWN:
		change_level(v, 1);
		return VIEW_HANDLED;
	case ACTION_VIEW_1:
	case ACTION_VIEW_2:
	case ACTION_VIEW_3:
	case ACTION_VIEW_4:
	case ACTION_VIEW_5:
	case ACTION_VIEW_6:
	case ACTION_VIEW_7:
	case ACTION_VIEW_8:
	case ACTION_VIEW_9:
		if (v->user.focus == SELECT_NONE)
			return VIEW_IGNORED;
		v->user.hops = (int)(action - ACTION_VIEW_1) + 1;
		return VIEW_HANDLED;
	case ACTION_PAN_LEFT:
		pan(v, PAN_COLUMNS, 0);
		return VIEW_HANDLED;
	case ACTION_PAN_RIGHT:
		pan(v, -PAN_COLUMNS, 0);
		return VIEW_HANDLED;
	case ACTION_PAN_UP:
		pan(v, 0, PAN_ROWS);
		return VIEW_HANDLED;
	case ACTION_PAN_DOWN:
		pan(v, 0, -PAN_ROWS);
		return VIEW_HANDLED;
	case ACTION_CENTRE:
		centre(v, ctx);
		return VIEW_HANDLED;
	case ACTION_PIN:
		toggle_pin(v, ctx);
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
