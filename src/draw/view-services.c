#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

#include "edge-table.h"

#include "hot.h"

#define MARK_WIDTH 2
#define GAP 2
#define MAX_NAME 40
#define CALL_WIDTH 40 /* from so much on what is left shows the slowest call */

struct service_row {
	double weight;
	uint32_t index;
	uint8_t grade;
};

struct services {
	struct service_row *row;
	uint32_t rows, room;
	int top, page;
};

enum column {
	COL_KIND,
	COL_IN,
	COL_OUT,
	COL_ERRORS,
	COL_P99,
	COL_SELF,
	COL_AGE,
	COL_COUNT
};

/* A column is shown when the area has @min_width. Texts are left, numbers right. */
static const struct {
	const char *title;
	int width, min_width;
	enum sort_key sort;
} columns[COL_COUNT] = {
	[COL_KIND] = { "kind", 8, 72, SORT_COUNT },
	[COL_IN] = { "in", 6, 0, SORT_RATE },
	[COL_OUT] = { "out", 6, 64, SORT_COUNT },
	[COL_ERRORS] = { "err", 5, 0, SORT_ERRORS },
	[COL_P99] = { "p99", 6, 0, SORT_P99 },
	[COL_SELF] = { "own", 6, 72, SORT_COUNT },
	[COL_AGE] = { "age", 5, 56, SORT_COUNT },
};

static void *
services_init(void)
{
	return xcalloc(1, sizeof(struct services));
}

static void
services_done(void *state)
{
	struct services *v = state;

	free(v->row);
	free(v);
}

static double
error_ratio(const struct snap_node *n)
{
	return n->calls_in ? (double)n->errors_in / (double)n->calls_in : NAN;
}

/* Unknown is less than anything known. */
static double
weight_of(const struct snap_node *n, enum sort_key sort)
{
	double w;

	switch (sort) {
	case SORT_NAME:
		return 0;
	case SORT_RATE:
	case SORT_SAMPLES:
		w = n->rate_in;
		break;
	case SORT_ERRORS:
		w = error_ratio(n);
		break;
	default:
		w = (double)n->p99_in_us;
	}
	return isnan(w) ? -1 : w;
}

static int
compare(const void *pa, const void *pb)
{
	const struct service_row *a = pa, *b = pb;

	if (a->grade != b->grade)
		return a->grade < b->grade ? 1 : -1;
	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->index < b->index ? -1 : 1;
}

static void
fill(struct services *v, const struct view_ctx *ctx)
{
	const struct snap *s = ctx->snap;

	if (s->nodes > v->room) {
		v->room = s->nodes + s->nodes / 2;
		v->row = xreallocarray(v->row, v->room, sizeof(*v->row));
	}
	v->rows = s->nodes;
	for (uint32_t i = 0; i < s->nodes; i++)
		v->row[i] = (struct service_row){
			.weight = weight_of(&s->node[i], ctx->sort) *
				  (ctx->sort_reverse ? -1 : 1),
			.index = i,
			.grade = ctx->sort != SORT_IMPACT ? 0
				 : ctx->sort_reverse
					 ? (uint8_t)(SEV_COUNT - s->node[i].severity)
					 : (uint8_t)s->node[i].severity,
		};
	if (v->rows)
		qsort(v->row, v->rows, sizeof(*v->row), compare);
}

static int
row_of(const struct services *v, const struct snap *s, uint32_t key)
{
	for (uint32_t i = 0; key != SELECT_NONE && i < v->rows; i++)
		if (s->node[v->row[i].index].key == key)
			return (int)i;
	return -1;
}

static int
name_width(const struct snap *s, int room)
{
	int w = 8;

	for (uint32_t i = 0; i < s->nodes; i++)
		w = MAX(w, text_width(str_of(s->node[i].name)));
	return CLAMP(w, 1, MAX(1, MIN(room, MAX_NAME)));
}

/* Of those that the service makes, the call with the greatest p99; NULL: none known. */
static const struct snap_edge *
slowest_call(const struct snap *s, uint32_t node)
{
	const struct snap_edge *worst = NULL;

	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		if (e->src == node && e->stat.p99_us >= 0 &&
			(!worst || e->stat.p99_us > worst->stat.p99_us))
			worst = e;
	}
	return worst;
}

static void
paint_call(const struct snap *s, uint32_t node, struct grid *g, int x, int y, int w,
	bool selected)
{
	const struct snap_edge *e = slowest_call(s, node);
	unsigned attr = selected ? ATTR_ON_SELECT : 0;
	enum role role = selected ? ROLE_SELECT : ROLE_DIM;

	if (!e)
		return;
	grid_right(g, x + FMT_CELLS, y,
		fmt_latency(e->stat.p99_us, e->stat.bounds_only).s,
		e->severity >= SEV_WARN ? severity_role(e->severity) : role, attr);
	grid_glyph(g, x + FMT_CELLS + 1, y, GLYPH_TO, role, attr);
	grid_fit(g, x + FMT_CELLS + 3, y, w - FMT_CELLS - 3, str_of(s->node[e->dst].name),
		role, attr);
}

static struct fmt
value_of(const struct snap_node *n, enum column c, int64_t now_us)
{
	switch (c) {
	case COL_IN:
		return fmt_rate(n->rate_in);
	case COL_OUT:
		return fmt_rate(n->rate_out);
	case COL_ERRORS:
		return fmt_percent(error_ratio(n));
	case COL_P99:
		return fmt_duration(n->p99_in_us);
	case COL_SELF:
		return fmt_duration(n->self_p99_us);
	default:
		return fmt_age(MAX(now_us - n->last_us, 0));
	}
}

static enum role
value_role(const struct thresholds *t, const struct snap_node *n, enum column c,
	const struct fmt *f)
{
	bool bad = n->severity >= SEV_WARN;
	bool many = severity_of_errors(t, error_ratio(n)) >= SEV_WARN;
	bool slow = severity_of_latency(t, n->p99_in_us) >= SEV_WARN;

	if (f->s[0] == '-' || c == COL_AGE)
		return ROLE_DIM;
	if (bad && ((c == COL_ERRORS && many) || (c == COL_P99 && (!many || slow))))
		return severity_role(n->severity);
	if (n->severity == SEV_IDLE)
		return ROLE_IDLE;
	return c == COL_ERRORS && !n->errors_in ? ROLE_DIM : ROLE_TEXT;
}

static void
paint_row(const struct snap *s, const struct snap_node *n, struct grid *g,
	struct rect line, int names, bool selected)
{
	unsigned attr = selected ? ATTR_ON_SELECT : 0;
	enum role plain = n->severity >= SEV_WARN   ? ROLE_TITLE
			  : n->severity == SEV_IDLE ? ROLE_IDLE
						    : ROLE_TEXT;
	int x = line.x + MARK_WIDTH + names;

	if (selected)
		grid_fill(g, line, ROLE_SELECT, 0);
	grid_glyph(g, line.x, line.y, severity_glyph(n->severity),
		severity_role(n->severity), attr);
	grid_fit(g, line.x + MARK_WIDTH, line.y, names, str_of(n->name),
		selected ? ROLE_SELECT : plain, attr);
	for (int c = 0; c < COL_COUNT; c++) {
		struct fmt f;
		enum role role;

		if (columns[c].min_width > line.w)
			continue;
		x += GAP;
		if (c == COL_KIND) {
			grid_fit(g, x, line.y, columns[c].width,
				str_of(node_kind_word(n->kind)),
				selected ? ROLE_SELECT : ROLE_DIM, attr);
			x += columns[c].width;
			continue;
		}
		x += columns[c].width;
		f = value_of(n, (enum column)c, s->now_us);
		role = value_role(&s->thresholds, n, (enum column)c, &f);
		if (selected && role != ROLE_WARN && role != ROLE_CRIT)
			role = ROLE_SELECT;
		grid_right(g, x, line.y, f.s, role, attr);
	}
	x += GAP;
	if (line.x + line.w - x >= CALL_WIDTH)
		paint_call(s, (uint32_t)(n - s->node), g, x, line.y, line.x + line.w - x,
			selected);
}

static void
paint_heading(const struct view_ctx *ctx, struct grid *g, struct rect area, int names)
{
	int x = area.x + MARK_WIDTH;
	int used = grid_puts(g, x, area.y, "services ", ROLE_TITLE, 0);

	if (used + (int)strlen(sort_word(ctx->sort)) <= names)
		grid_puts(g, x + used, area.y, sort_word(ctx->sort), ROLE_DIM, 0);
	x += names;
	for (int c = 0; c < COL_COUNT; c++) {
		enum role role = columns[c].sort == ctx->sort ? ROLE_TITLE : ROLE_DIM;

		if (columns[c].min_width > area.w)
			continue;
		x += GAP + columns[c].width;
		if (c == COL_KIND)
			grid_puts(g, x - columns[c].width, area.y, columns[c].title, role,
				0);
		else
			grid_right(g, x, area.y, columns[c].title, role, 0);
	}
	x += GAP;
	if (area.x + area.w - x >= CALL_WIDTH)
		grid_puts(g, x + 1, area.y, "slowest call", ROLE_DIM, 0);
}

static void
services_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	struct services *v = state;
	int names, at, room = area.w - MARK_WIDTH;

	fill(v, ctx);
	for (int c = 0; c < COL_COUNT; c++)
		room -= columns[c].min_width <= area.w ? GAP + columns[c].width : 0;
	names = name_width(ctx->snap, room);
	at = row_of(v, ctx->snap, ctx->sel.node);
	v->page = MAX(area.h - 1, 0);
	if (at >= 0)
		v->top = CLAMP(v->top, at - v->page + 1, at);
	v->top = CLAMP(v->top, 0, MAX((int)v->rows - v->page, 0));
	paint_heading(ctx, g, area, names);
	for (int i = 0; i < v->page && v->top + i < (int)v->rows; i++)
		paint_row(ctx->snap, &ctx->snap->node[v->row[v->top + i].index], g,
			(struct rect){ area.x, area.y + 1 + i, area.w, 1 }, names,
			v->top + i == at);
}

struct rows {
	const struct services *v;
	const struct snap *s;
};

static uint32_t
rank_of_row(const void *ctx, int i)
{
	const struct rows *r = ctx;

	return hot_node(r->s, &r->s->node[r->v->row[i].index]);
}

/* The next service in trouble. */
static int
hot_row(const struct services *v, const struct snap *s, int at, int step)
{
	struct rows rows = { v, s };

	return hot_next((int)v->rows, at, step, rank_of_row, &rows);
}

static enum view_result
services_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct services *v = state;
	const struct snap *s = ctx->snap;
	int at = row_of(v, s, ctx->sel.node), to = MAX(at, 0);

	switch (action) {
	case ACTION_NEXT_HOT:
		to = hot_row(v, s, at, 1);
		break;
	case ACTION_PREV_HOT:
		to = hot_row(v, s, at, -1);
		break;
	case ACTION_ENTER:
	case ACTION_DETAIL:
		break;
	default:
		if (!list_move(action, v->page, (int)v->rows - 1, &to))
			return VIEW_IGNORED;
		if (at < 0 && (action == ACTION_UP || action == ACTION_DOWN))
			to = v->top;
	}
	if (!v->rows || to < 0)
		return VIEW_HANDLED;
	ctx->sel.node = s->node[v->row[CLAMP(to, 0, (int)v->rows - 1)].index].key;
	ctx->sel.edge = SELECT_NONE;
	return action == ACTION_ENTER || action == ACTION_DETAIL ? VIEW_OPEN_DETAIL
								 : VIEW_HANDLED;
}

const struct view_ops view_services = {
	.id = "services",
	.title = "SERVICES",
	.about = "every service with what goes in and out",
	.init = services_init,
	.done = services_done,
	.paint = services_paint,
	.action = services_action,
};
