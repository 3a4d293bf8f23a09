/*
 * The map as text: for panes without room for cards.
 *
 * The tree has one row per flow; a service that is shown already is only named. Rows
 * are in name order, so that no number moves one. The hot path and the one line are
 * about what is worst just now and follow it.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define MAX_DEPTH 60
#define MAX_NAME 40
#define MIN_TREE 50
#define RATE_CELLS 7
#define P99_CELLS 8
#define BAR_CELLS 12
#define BAR_MIN_WIDTH 76
#define HOT_CYCLE_US (INT64_C(5) * 1000000)
#define HOT_HOPS 32

/* Bits of map_tree.state. */
enum {
	SHOWN = 1,
	CALLED = 2
};

void
map_tree_done(struct map_tree *t)
{
	free(t->row);
	free(t->stack);
	free(t->next);
	free(t->state);
	*t = (struct map_tree){ 0 };
}

static void
make_room(struct map_tree *tree, const struct map_topo *t)
{
	int rows = t->edges + t->nodes + 1;

	if (rows > tree->room) {
		tree->row = xreallocarray(tree->row, (size_t)rows, sizeof(*tree->row));
		tree->room = rows;
	}
	if (t->nodes + 1 > tree->node_room) {
		tree->node_room = t->nodes + 1;
		tree->stack = xreallocarray(
			tree->stack, (size_t)tree->node_room, sizeof(*tree->stack));
		tree->next = xreallocarray(
			tree->next, (size_t)tree->node_room, sizeof(*tree->next));
		tree->state = xreallocarray(
			tree->state, (size_t)tree->node_room, sizeof(*tree->state));
	}
	tree->rows = 0;
	for (int v = 0; v < t->nodes; v++)
		tree->state[v] = 0;
}

/* First edge of @v, or of what comes behind it: edges are sorted by caller. */
static int
first_edge(const struct map_topo *t, int v)
{
	int low = 0, high = t->edges;

	while (low < high) {
		int mid = (low + high) / 2;

		if (t->edge[mid].src < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
add_row(struct map_tree *tree, const struct map_topo *t, int node, int edge, int depth,
	uint64_t open)
{
	bool last = edge >= 0 &&
		    (edge + 1 == t->edges || t->edge[edge + 1].src != t->edge[edge].src);

	tree->row[tree->rows++] = (struct map_tree_row){ .node = node,
		.edge = edge,
		.depth = depth,
		.open = open,
		.last = last,
		.seen = tree->state[node] & SHOWN };
}

static void
add_tree(struct map_tree *tree, const struct map_topo *t, int root)
{
	uint64_t open = 0;
	int depth = 0;

	add_row(tree, t, root, -1, 0, 0);
	tree->state[root] |= SHOWN;
	tree->stack[0] = root;
	tree->next[0] = first_edge(t, root);
	while (depth >= 0) {
		int v = tree->stack[depth], e = tree->next[depth], w;
		uint64_t bit = UINT64_C(1) << MIN(depth, MAX_DEPTH);

		if (e == t->edges || t->edge[e].src != v) {
			depth--;
			continue;
		}
		tree->next[depth]++;
		w = t->edge[e].dst;
		add_row(tree, t, w, e, depth + 1, open);
		open = tree->row[tree->rows - 1].last ? open & ~bit : open | bit;
		if (tree->state[w] & SHOWN)
			continue;
		tree->state[w] |= SHOWN;
		tree->stack[++depth] = w;
		tree->next[depth] = first_edge(t, w);
		open &= ~(UINT64_C(1) << MIN(depth, MAX_DEPTH));
	}
}

void
map_tree_make(struct map_tree *tree, const struct map_topo *t, const struct str *names)
{
	make_room(tree, t);
	for (int e = 0; e < t->edges; e++)
		if (!t->edge[e].back)
			tree->state[t->edge[e].dst] |= CALLED;
	for (int v = 0; v < t->nodes; v++)
		if (!tree->state[v])
			add_tree(tree, t, v);
	/* What is left hangs on cycles that nothing leads into. */
	for (int v = 0; v < t->nodes; v++)
		if (!(tree->state[v] & SHOWN))
			add_tree(tree, t, v);
	tree->width = 0;
	for (int i = 0; i < tree->rows; i++)
		tree->width = MAX(tree->width,
			2 * tree->row[i].depth + 5 +
				MIN(text_width(names[tree->row[i].node]), MAX_NAME));
}

/* ---- painting */

struct brush {
	const struct map_frame *f;
	const struct str *names;
	struct grid *g;
	struct rect area;
	int numbers; /* column where they begin */
	int bars;    /* columns for bars, or 0 */
	double log_max;
};

static double
log_ms(int64_t us)
{
	return us > 0 ? log1p((double)us / 1000) : 0;
}

/* The lines of the tree from the left border to the name; returns the column behind. */
static int
paint_branch(struct brush *b, const struct map_tree_row *r, int x, int y, enum severity s)
{
	enum weight w = map_edge_weight(s);
	uint8_t h = (uint8_t)w;
	struct cell c = { .kind = CELL_LINE, .role = ROLE_EDGE_OK, .round = true };

	for (int d = 0; d + 1 < MIN(r->depth, MAX_DEPTH); d++, x += 2) {
		if (!(r->open >> d & 1))
			continue;
		c.arm[ARM_UP] = c.arm[ARM_DOWN] = WEIGHT_LIGHT;
		grid_put(b->g, x, y, c);
	}
	if (r->depth == 0)
		return x;
	c.role = (uint8_t)map_edge_role(s);
	c.arm[ARM_UP] = (uint8_t)MAX(h, WEIGHT_LIGHT);
	c.arm[ARM_DOWN] = r->last ? 0 : c.arm[ARM_UP];
	c.arm[ARM_RIGHT] = h;
	if (s != SEV_CRIT && h == WEIGHT_DOTTED)
		c.arm[ARM_RIGHT] = WEIGHT_LIGHT;
	grid_put(b->g, x, y, c);
	c.arm[ARM_UP] = c.arm[ARM_DOWN] = 0;
	c.arm[ARM_LEFT] = c.arm[ARM_RIGHT];
	grid_put(b->g, x + 1, y, c);
	return x + 2;
}

static void
paint_bar(struct brush *b, int x, int y, const struct map_flow *f)
{
	int cells = b->log_max > 0 ? (int)(log_ms(f->p99_us) / b->log_max * (b->bars - 2))
				   : 0;

	for (int i = 0; i < cells; i++)
		grid_glyph(b->g, x + i, y, GLYPH_SPARK7,
			f->severity >= SEV_WARN ? map_edge_role(f->severity) : ROLE_SPARK,
			0);
}

static enum role
name_role(enum severity s, bool seen)
{
	if (seen || s == SEV_IDLE)
		return ROLE_DIM;
	return s == SEV_OK ? ROLE_TITLE : s == SEV_WARN ? ROLE_WARN : ROLE_CRIT_TITLE;
}

static void
paint_numbers(struct brush *b, const struct map_flow *f, int y, int x)
{
	enum role role = f->severity >= SEV_WARN ? map_severity_role(f->severity)
			 : f->severity == SEV_OK ? ROLE_TEXT
						 : ROLE_DIM;
	struct map_text p99 = map_number_text(f);

	grid_right(b->g, x + RATE_CELLS, y, map_rate_text(f->rate, true).s, ROLE_TEXT, 0);
	if (f->p99_us == SNAP_UNKNOWN && f->severity == SEV_IDLE)
		return;
	x += RATE_CELLS + P99_CELLS;
	grid_right(b->g, x, y, p99.s, role, f->severity >= SEV_WARN ? ATTR_BOLD : 0);
	if (f->severity >= SEV_WARN)
		grid_glyph(b->g, x - text_width(str_of(p99.s)) - 1, y,
			map_severity_glyph(f->severity), role, ATTR_BOLD);
	if (b->bars)
		paint_bar(b, x + 1, y, f);
}

static struct map_flow
entry_flow(const struct map_frame *f, int node)
{
	int snap = f->topo->node[node].snap;
	struct map_flow flow = map_flow_unknown();

	if (snap >= 0)
		flow.rate = f->snap->node[snap].rate_out;
	return flow;
}

static void
paint_tree_row(struct brush *b, const struct map_tree_row *r, int y)
{
	const struct map_frame *f = b->f;
	struct map_flow flow = r->edge >= 0 ? f->flow[r->edge] : entry_flow(f, r->node);
	enum severity node = f->node_severity[r->node];
	int x = paint_branch(b, r, b->area.x + 1, y, r->edge >= 0 ? flow.severity : node);
	bool selected = f->select && f->selected_node == r->node;
	bool back = r->edge >= 0 && f->topo->edge[r->edge].back;

	grid_glyph(b->g, x, y, map_severity_glyph(node), map_severity_role(node),
		node >= SEV_WARN ? ATTR_BOLD : 0);
	x += 2;
	x += grid_fit(b->g, x, y, MAX(b->numbers - x - 3, 1), b->names[r->node],
		selected ? ROLE_SELECT : name_role(node, r->seen),
		node >= SEV_WARN && !r->seen ? ATTR_BOLD : 0);
	if (r->seen)
		grid_glyph(b->g, x + 1, y, back ? GLYPH_BACK : GLYPH_SEEN, ROLE_DIM, 0);
	else if (f->topo->node[r->node].loop)
		grid_glyph(b->g, x + 1, y, GLYPH_SELF, ROLE_DIM, 0);
	paint_numbers(b, &flow, y, b->numbers);
}

static int
numbers_column(const struct brush *b, int tree_width)
{
	return b->area.x +
	       MIN(tree_width, b->area.w - RATE_CELLS - P99_CELLS - b->bars - 1);
}

static double
longest(const struct map_frame *f)
{
	int64_t most = 0;

	for (int e = 0; e < f->topo->edges; e++)
		most = MAX(most, f->flow[e].p99_us);
	return log_ms(most);
}

void
map_paint_tree(const struct map_frame *f, const struct map_tree *tree,
	const struct str *names, int top, struct grid *g)
{
	struct brush b = { .f = f, .names = names, .g = g, .area = f->area };
	int shown = MIN(tree->rows - top, f->area.h);
	char more[40];

	b.bars = f->area.w >= BAR_MIN_WIDTH ? BAR_CELLS : 0;
	b.log_max = longest(f);
	/* Numbers stand beside the names, not at the far side of a wide pane. */
	b.numbers = numbers_column(&b, MAX(tree->width, MIN_TREE));
	for (int i = 0; i < shown; i++)
		paint_tree_row(&b, &tree->row[top + i], f->area.y + i);
	if (top + shown < tree->rows && shown > 0) {
		snprintf(more, sizeof(more), " +%d more ", tree->rows - top - shown);
		grid_right(g, f->area.x + f->area.w, f->area.y + shown - 1, more,
			ROLE_KEY, 0);
	}
}

/* ---- the worst path */

/* Number @skip of the causes: nodes that are crit, worst first; -1 when none. */
static int
cause(const struct map_frame *f, int skip)
{
	for (int v = 0; v < f->topo->nodes; v++)
		if (f->node_severity[v] == SEV_CRIT && skip-- == 0)
			return v;
	return -1;
}

static int
worst_victim(const struct map_frame *f)
{
	int best = -1;

	for (int e = 0; e < f->topo->edges; e++)
		if (f->flow[e].severity >= SEV_WARN &&
			(best < 0 || f->flow[e].p99_us > f->flow[best].p99_us))
			best = e;
	return best < 0 ? -1 : f->topo->edge[best].dst;
}

static int
count_severity(const struct map_frame *f, enum severity s)
{
	int n = 0;

	for (int v = 0; v < f->topo->nodes; v++)
		n += f->node_severity[v] == s;
	return n;
}

/* Does more of the trouble come in over @a than over @b? */
static bool
is_likelier(const struct map_flow *a, const struct map_flow *b)
{
	if ((a->severity >= SEV_WARN) != (b->severity >= SEV_WARN))
		return a->severity >= SEV_WARN;
	return a->rate > b->rate;
}

/*
 * The way from the entry to what is worst: up over the busiest bad flow each time, and
 * over the busiest where none is bad.
 * Fills @edge with the edges, the last one first, and returns how many.
 */
static int
hot_path(const struct map_frame *f, int *ret_node, int edge[HOT_HOPS])
{
	int causes = count_severity(f, SEV_CRIT), n = 0, v;

	v = causes ? cause(f, (int)(f->snap->now_us / HOT_CYCLE_US % causes))
		   : worst_victim(f);
	*ret_node = v;
	while (v >= 0 && n < HOT_HOPS) {
		int best = -1;

		for (int e = 0; e < f->topo->edges; e++) {
			if (f->topo->edge[e].dst != v || f->topo->edge[e].back)
				continue;
			if (best < 0 || is_likelier(&f->flow[e], &f->flow[best]))
				best = e;
		}
		if (best < 0)
			break;
		edge[n++] = best;
		v = f->topo->edge[best].src;
	}
	return n;
}

static void
paint_calm(struct brush *b, int y)
{
	const struct map_frame *f = b->f;
	int x = b->area.x + 1, right = b->area.x + b->area.w, calm = 0;
	char s[32];

	for (int v = 0; v < f->topo->nodes; v++)
		calm += f->node_severity[v] <= SEV_OK;
	snprintf(s, sizeof(s), "%d ok:", calm);
	x += grid_puts(b->g, x, y, s, ROLE_DIM, 0);
	for (int v = 0; v < f->topo->nodes; v++) {
		int snap = f->topo->node[v].snap;
		struct map_flow flow = map_flow_unknown();
		struct map_text t;
		int w = MIN(text_width(b->names[v]), 10);

		if (f->node_severity[v] != SEV_OK || snap < 0 ||
			f->snap->node[snap].p99_in_us == SNAP_UNKNOWN)
			continue;
		flow.shown_us = f->snap->node[snap].p99_in_us;
		t = map_number_text(&flow);
		if (x + 2 + w + text_width(str_of(t.s)) > right)
			break;
		x += 1 + grid_fit(b->g, x + 1, y, w, b->names[v], ROLE_DIM, 0);
		x += 1 + grid_puts(b->g, x + 1, y, t.s, ROLE_DIM, 0);
	}
}

void
map_paint_hot(const struct map_frame *f, const struct str *names, struct grid *g)
{
	struct brush b = { .f = f, .names = names, .g = g, .area = f->area };
	int edge[HOT_HOPS], node, hops = hot_path(f, &node, edge);
	int rows = f->area.h - (f->area.h > 2), first, y = f->area.y;

	if (node < 0 || rows < 1)
		return;
	b.numbers = numbers_column(&b, b.area.w);
	/* The end of the path is what matters: drop hops at its beginning. */
	first = MAX(0, hops + 1 - rows);
	for (int i = first; i <= hops; i++, y++) {
		int e = i == 0 ? -1 : edge[hops - i];
		struct map_tree_row r = {
			.node = e >= 0 ? f->topo->edge[e].dst
				: hops ? f->topo->edge[edge[hops - 1]].src
				       : node,
			.edge = e,
			.depth = i - first,
			.last = true
		};

		paint_tree_row(&b, &r, y);
	}
	if (f->area.h > 2)
		paint_calm(&b, f->area.y + f->area.h - 1);
}

void
map_paint_one_line(const struct map_frame *f, const struct str *names, struct grid *g)
{
	int edge[HOT_HOPS], node, hops = hot_path(f, &node, edge), x = f->area.x, right;
	int crit = count_severity(f, SEV_CRIT), warn = count_severity(f, SEV_WARN);
	char s[48];

	snprintf(s, sizeof(s), " %d svc \xe2\x97\x86%d \xe2\x96\xb2%d", f->topo->nodes,
		crit, warn);
	right = f->area.x + f->area.w - text_width(str_of(s));
	if (right - x >= 14)
		grid_puts(g, right, f->area.y, s, ROLE_DIM, 0);
	else
		right = f->area.x + f->area.w;
	if (node < 0) {
		x += 1 + grid_puts(g, x, f->area.y, "\xe2\x97\x8f", ROLE_OK, 0);
		grid_puts(g, x, f->area.y, "ok", ROLE_TEXT, 0);
		return;
	}
	for (int i = 0; i <= hops; i++) {
		int v = i ? f->topo->edge[edge[i - 1]].src : node;
		enum severity sev = f->node_severity[v];

		if (x + 6 > right)
			break;
		if (i)
			x += grid_puts(g, x, f->area.y, " < ", ROLE_DIM, 0);
		else {
			grid_glyph(g, x, f->area.y, map_severity_glyph(sev),
				map_severity_role(sev), ATTR_BOLD);
			x += 2;
		}
		x += grid_fit(g, x, f->area.y, MIN(right - x, 16), names[v],
			name_role(sev, false), 0);
		if (i == 0 && hops) {
			struct map_text t = map_number_text(&f->flow[edge[0]]);

			if (x + 1 + text_width(str_of(t.s)) <= right)
				x += 1 + grid_puts(g, x + 1, f->area.y, t.s,
						 map_severity_role(sev), ATTR_BOLD);
		}
	}
}
