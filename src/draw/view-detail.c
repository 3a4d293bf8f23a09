#include "config.h"

#include "view-detail.h"

#include <math.h>
#include <stdio.h>

#include "remarks.h"
#include "verdict-text.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/core/origins.h"
#include "weir/draw/fmt.h"

#include "detail-shape.h"

#define MARGIN 2
#define OP_WIDTH_MAX 48
#define ORIGIN_WIDTH 10 /* of the longest word */

/* In an area of so many rows the seconds stand under the distribution, else at the end. */
#define SECONDS_HEIGHT 34

/* Paints line by line; what is scrolled away or below the area is clipped. */
struct sheet {
	struct grid *g;
	struct rect area; /* h: the rows that are seen at once */
	int x, y;
};

void
detail_done(struct detail *d)
{
	edge_table_done(&d->in);
	edge_table_done(&d->out);
	d->pages = 0;
}

bool
detail_is_open(const struct detail *d)
{
	return d->pages > 0;
}

void
detail_open(struct detail *d, struct selection of)
{
	if (d->pages == DETAIL_DEPTH) {
		memmove(d->page, d->page + 1, sizeof(d->page) - sizeof(d->page[0]));
		d->pages--;
	}
	d->page[d->pages++] = (struct detail_page){ .of = of, .cursor = SELECT_NONE };
}

/* ----------------------------------------------------------------- the pieces */

static int
put(struct sheet *sh, int x, const char *text, enum role role)
{
	return x + grid_puts(sh->g, x, sh->y, text, role, 0);
}

/* `label value   `, the value a number of fixed width. */
static int
put_fact(struct sheet *sh, int x, const char *label, const char *value, enum role role)
{
	x = put(sh, x, label, ROLE_DIM) + 1;
	put(sh, x, value, value[0] == '-' && !value[1] ? ROLE_DIM : role);
	return x + MAX(text_width(str_of(value)), FMT_CELLS) + 2;
}

static void
heading(struct sheet *sh, const char *text)
{
	put(sh, sh->area.x, text, ROLE_TITLE);
}

/* A service's name with its severity, cut to @width; returns the columns behind it. */
static int
put_node(struct sheet *sh, int x, const struct snap_node *n, int width)
{
	grid_glyph(sh->g, x, sh->y, severity_glyph(n->severity),
		severity_role(n->severity), 0);
	return x + 2 +
	       grid_fit(sh->g, x + 2, sh->y, width - 2, str_of(n->name),
		       n->severity == SEV_CRIT ? ROLE_CRIT_TITLE : ROLE_TITLE, 0);
}

/* -------------------------------------------------------------------- an edge */

static void
edge_head(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	int room = sh->area.w - 16, x;

	x = put_node(sh, sh->area.x, &s->node[e->src], room / 2) + 1;
	grid_glyph(sh->g, x, sh->y, GLYPH_TO, ROLE_DIM, 0);
	x = put_node(sh, x + 2, &s->node[e->dst], room / 2) + 2;
	if (e->kind != KIND_UNKNOWN)
		x = put(sh, x, flow_kind_word(e->kind), ROLE_DIM) + 2;
	if (e->severity >= SEV_WARN)
		put(sh, x, severity_word(e->severity), severity_role(e->severity));
	sh->y += 2;
}

static enum role
errors_role(const struct snap *s, double failing)
{
	enum severity sev = severity_of_errors(&s->thresholds, failing);

	return sev >= SEV_WARN ? severity_role(sev) : ROLE_TEXT;
}

static enum role
latency_role(const struct snap *s, int64_t us)
{
	enum severity sev = severity_of_latency(&s->thresholds, us);

	return sev >= SEV_WARN ? severity_role(sev) : ROLE_TEXT;
}

static void
edge_traffic(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	double failing = st->calls ? (double)st->errors / (double)st->calls : NAN;
	int x = sh->area.x, right = sh->area.x + sh->area.w;

	x = put_fact(sh, x, "calls", fmt_count(st->calls).s, ROLE_TEXT);
	x = put_fact(sh, x, "rate", fmt_rate(st->rate).s, ROLE_TEXT);
	x = put_fact(sh, x, "errors", fmt_count(st->errors).s, errors_role(s, failing)) -
	    2;
	x = put_fact(sh, x, "=", fmt_percent(failing).s, errors_role(s, failing));
	if (x + 26 > right) {
		x = sh->area.x;
		sh->y++;
	}
	x = put_fact(sh, x, "in", fmt_bytes(st->bytes_in).s, ROLE_TEXT);
	x = put_fact(sh, x, "out", fmt_bytes(st->bytes_out).s, ROLE_TEXT);
	if (x + 26 > right) {
		x = sh->area.x;
		sh->y++;
	}
	x = put_fact(
		sh, x, "seen for", fmt_age(MAX(s->now_us - e->first_us, 0)).s, ROLE_TEXT);
	put_fact(sh, x, "last", fmt_age(MAX(s->now_us - e->last_us, 0)).s, ROLE_TEXT);
	sh->y += 2;
}

static struct rect
rest_of(const struct sheet *sh)
{
	return (struct rect){ sh->area.x, sh->y, sh->area.w, 0 };
}

static void
edge_latency(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	bool bound = st->bounds_only;
	int x = sh->area.x, rows;

	heading(sh, "latency");
	sh->y++;
	x = put_fact(sh, x, "p50", fmt_latency(st->p50_us, bound).s, ROLE_TEXT);
	x = put_fact(sh, x, "p95", fmt_latency(st->p95_us, bound).s, ROLE_TEXT);
	x = put_fact(sh, x, "p99", fmt_latency(st->p99_us, bound).s,
		latency_role(s, st->p99_us));
	x = put_fact(sh, x, "max", fmt_duration(st->max_us).s, ROLE_TEXT);
	put_fact(sh, x, "of", fmt_count(st->samples).s, ROLE_TEXT);
	sh->y++;
	x = put_fact(sh, sh->area.x, "callee's own p99", fmt_duration(e->server_p99_us).s,
		ROLE_TEXT);
	put_fact(sh, x, "waiting in queue p99", fmt_duration(e->queue_p99_us).s,
		latency_role(s, e->queue_p99_us));
	sh->y += 2;
	rows = shape_paint_window(sh->g, rest_of(sh), s, e);
	sh->y += rows ? rows + 1 : 0;
}

static void
edge_seconds(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	int rows = shape_paint_seconds(sh->g, rest_of(sh), s, e);

	sh->y += rows ? rows + 1 : 0;
}

static void
edge_ops(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	static const char *const titles[] = { "rate", "err", "p50", "p95", "p99", "n" };
	int numbers = 6 * (FMT_CELLS + 2), op_w = 9;
	int x;

	if (!e->ops)
		return;
	for (uint32_t i = 0; i < e->ops; i++)
		op_w = MAX(op_w, text_width(str_of(s->op[e->first_op + i].op)));
	op_w = CLAMP(op_w, 1, MAX(1, MIN(OP_WIDTH_MAX, sh->area.w - numbers)));
	heading(sh, "operations");
	x = sh->area.x + MAX(op_w, 10);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		grid_right(sh->g, x += FMT_CELLS + 2, sh->y, titles[i], ROLE_DIM, 0);
	sh->y++;
	for (uint32_t i = 0; i < e->ops; i++, sh->y++) {
		const struct snap_op *o = &s->op[e->first_op + i];
		const struct snap_stat *st = &o->stat;
		double failing = st->calls ? (double)st->errors / (double)st->calls : NAN;
		const struct fmt values[] = { fmt_rate(st->rate), fmt_percent(failing),
			fmt_latency(st->p50_us, st->bounds_only),
			fmt_latency(st->p95_us, st->bounds_only),
			fmt_latency(st->p99_us, st->bounds_only),
			fmt_count(st->samples) };
		const enum role roles[] = { ROLE_TEXT, errors_role(s, failing), ROLE_TEXT,
			ROLE_TEXT, latency_role(s, st->p99_us), ROLE_DIM };

		grid_fit(sh->g, sh->area.x, sh->y, op_w,
			str_of(o->op[0] ? o->op : "(unnamed)"), ROLE_TEXT, 0);
		x = sh->area.x + MAX(op_w, 10);
		for (size_t k = 0; k < ARRAY_LEN(values); k++)
			grid_right(sh->g, x += FMT_CELLS + 2, sh->y, values[k].s,
				values[k].s[0] == '-' ? ROLE_DIM : roles[k], 0);
	}
	sh->y++;
}

static void
edge_exemplars(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	static const struct flow_ids none;

	if (!e->exemplars)
		return;
	heading(sh, "slowest and failing requests");
	sh->y++;
	for (uint32_t i = 0; i < e->exemplars; i++, sh->y++) {
		const struct snap_exemplar *x = &s->exemplar[e->first_exemplar + i];
		char trace[2 * sizeof(x->ids.trace) + 1];
		int col = sh->area.x + FMT_CELLS;

		for (size_t k = 0; k < sizeof(x->ids.trace); k++)
			snprintf(trace + 2 * k, 3, "%02x", x->ids.trace[k]);
		grid_right(
			sh->g, col, sh->y, fmt_duration(x->latency_us).s, ROLE_TEXT, 0);
		put(sh, col + 2, x->failed ? "failed" : "ok",
			x->failed ? ROLE_WARN : ROLE_DIM);
		col += 2 + 8 + FMT_CELLS;
		grid_right(sh->g, col, sh->y, fmt_age(MAX(s->now_us - x->end_us, 0)).s,
			ROLE_TEXT, 0);
		put(sh, col + 1, "ago", ROLE_DIM);
		if (memcmp(x->ids.trace, none.trace, sizeof(none.trace)) != 0)
			put(sh, put(sh, col + 6, "trace ", ROLE_DIM), trace, ROLE_CHIP);
	}
	sh->y++;
}

/* How far the callee's clock is off, where spans tell. */
static bool
edge_skew(struct sheet *sh, int x, const struct snap *s, const struct snap_edge *e)
{
	struct remark_skew skew = remarks_skew(s, e);

	if (skew.s[0] == '-' && !skew.s[1])
		return false;
	x = put(sh, x, "its clock ", ROLE_DIM);
	put(sh, x, skew.s, skew.differs ? ROLE_WARN : ROLE_TEXT);
	return true;
}

/* One line of numbers an origin, in the places of the operations' numbers. */
static void
edge_view(struct sheet *sh, const struct snap_edge *e, const struct snap_view *v)
{
	static const char *const words[] = { "calls", "errors", "p99" };
	const struct snap_stat *st = &v->stat;
	const struct fmt values[] = { fmt_count(st->calls), fmt_count(st->errors),
		fmt_latency(st->p50_us, st->bounds_only),
		fmt_latency(st->p95_us, st->bounds_only),
		fmt_latency(st->p99_us, st->bounds_only), fmt_count(st->samples) };
	unsigned differ = v->shown ? 0 : origins_differ(&e->stat, st);
	int x = sh->area.x + ORIGIN_WIDTH;

	put(sh, sh->area.x, flow_origin_word(v->origin), ROLE_TEXT);
	for (size_t k = 0; k < ARRAY_LEN(values); k++)
		grid_right(sh->g, x += FMT_CELLS + 2, sh->y, values[k].s,
			values[k].s[0] == '-' ? ROLE_DIM : ROLE_TEXT, 0);
	x += 2;
	if (v->shown)
		put(sh, x, "shown", ROLE_DIM);
	else if (differ)
		x = put(sh, x, "disagrees:", ROLE_WARN);
	for (size_t k = 0; k < ARRAY_LEN(words); k++)
		if (differ & 1u << k)
			x = put(sh, x + 1, words[k], ROLE_WARN);
	sh->y++;
}

static void
edge_views(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	static const char *const titles[] = { "calls", "errors", "p50", "p95", "p99",
		"n" };
	int x = sh->area.x + ORIGIN_WIDTH;

	heading(sh, "seen by");
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		grid_right(sh->g, x += FMT_CELLS + 2, sh->y, titles[i], ROLE_DIM, 0);
	sh->y++;
	for (uint32_t i = 0; i < e->views; i++)
		edge_view(sh, e, &s->view[e->first_view + i]);
	sh->y += edge_skew(sh, sh->area.x, s, e);
}

static void
edge_origins(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	int x = put(sh, sh->area.x, "seen by ", ROLE_DIM);
	bool any = false;

	for (int o = 0; o < ORIGIN_COUNT; o++)
		if (e->origins & 1u << o) {
			x = put(sh, x, any ? ", " : "", ROLE_DIM);
			x = put(sh, x, flow_origin_word((enum flow_origin)o), ROLE_TEXT);
			any = true;
		}
	if (!any)
		x = put(sh, x, "-", ROLE_DIM);
	edge_skew(sh, x + 3, s, e);
	sh->y++;
}

static void
paint_edge(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	bool high = sh->area.h >= SECONDS_HEIGHT;

	edge_head(sh, s, e);
	sh->y += paint_edge_verdict(sh->g, rest_of(sh), s, e);
	edge_traffic(sh, s, e);
	edge_latency(sh, s, e);
	if (high)
		edge_seconds(sh, s, e);
	edge_ops(sh, s, e);
	edge_exemplars(sh, s, e);
	sh->y += remarks_of_edge(sh->g, rest_of(sh), s, e);
	if (e->views > 0)
		edge_views(sh, s, e);
	else
		edge_origins(sh, s, e);
	if (!high) {
		sh->y++;
		edge_seconds(sh, s, e);
	}
}

static void
paint_why(struct sheet *sh, const struct snap *s, const struct snap_edge *e)
{
	edge_head(sh, s, e);
	sh->y += paint_edge_verdict(sh->g, rest_of(sh), s, e);
	sh->y += paint_edge_why(sh->g, rest_of(sh), s, e);
}

/* ------------------------------------------------------------------ a service */

static void
node_flows(struct sheet *sh, struct edge_table *t, const struct view_ctx *ctx, int which,
	uint32_t node, const char *title, uint32_t cursor)
{
	struct rect area = { sh->area.x, sh->y, sh->area.w, 0 };

	edge_table_fill(t, ctx, which, node);
	area.h = (int)t->rows + 1;
	t->top = 0;
	edge_table_paint(t, ctx, sh->g, area, title, cursor);
	sh->y += area.h;
	if (!t->rows) {
		put(sh, sh->area.x + 2, "none in this window", ROLE_DIM);
		sh->y++;
	}
	sh->y++;
}

static void
paint_node(struct detail *d, struct sheet *sh, const struct view_ctx *ctx, uint32_t i,
	uint32_t cursor)
{
	const struct snap_node *n = &ctx->snap->node[i];
	double failing = n->calls_in ? (double)n->errors_in / (double)n->calls_in : NAN;
	int x = put_node(sh, sh->area.x, n, sh->area.w - 16) + 2;

	x = put(sh, x, node_kind_word(n->kind), ROLE_DIM) + 2;
	if (n->severity >= SEV_WARN)
		put(sh, x, severity_word(n->severity), severity_role(n->severity));
	sh->y += 2;
	x = put_fact(sh, sh->area.x, "in", fmt_rate(n->rate_in).s, ROLE_TEXT);
	x = put_fact(sh, x, "out", fmt_rate(n->rate_out).s, ROLE_TEXT);
	x = put_fact(
		sh, x, "errors", fmt_percent(failing).s, errors_role(ctx->snap, failing));
	x = put_fact(sh, x, "p99", fmt_duration(n->p99_in_us).s,
		latency_role(ctx->snap, n->p99_in_us));
	if (x + 24 > sh->area.x + sh->area.w) {
		x = sh->area.x;
		sh->y++;
	}
	x = put_fact(sh, x, "own p99", fmt_duration(n->self_p99_us).s, ROLE_TEXT);
	put_fact(sh, x, "last", fmt_age(MAX(ctx->now_us - n->last_us, 0)).s, ROLE_TEXT);
	sh->y += 2;
	node_flows(sh, &d->in, ctx, EDGES_INTO, i, "flows in", cursor);
	node_flows(sh, &d->out, ctx, EDGES_FROM, i, "flows out", cursor);
	sh->y += remarks_logs(sh->g, rest_of(sh), ctx->snap, n);
	sh->y += remarks_gauges(sh->g, rest_of(sh), ctx->snap, n);
}

/* ------------------------------------------------------------------ the whole */

void
detail_paint(struct detail *d, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	struct detail_page *p = &d->page[d->pages - 1];
	struct rect before = grid_clip(g, area);
	struct sheet sh = { g, { area.x + MARGIN, 0, area.w - 2 * MARGIN, area.h }, 0,
		0 };
	int edge = snap_find_edge(ctx->snap, p->of.edge), start;
	int node = snap_find_node(ctx->snap, p->of.node);

	p->scroll = CLAMP(p->scroll, 0, MAX(d->lines - area.h, 0));
	sh.y = start = area.y - p->scroll;
	if (p->of.node != SELECT_NONE && node >= 0)
		paint_node(d, &sh, ctx, (uint32_t)node, p->cursor);
	else if (p->of.node == SELECT_NONE && edge >= 0)
		(p->why ? paint_why : paint_edge)(&sh, ctx->snap, &ctx->snap->edge[edge]);
	else
		put(&sh, sh.area.x, "nothing of it in this window any more", ROLE_DIM);
	d->lines = sh.y - start;
	d->height = area.h;
	if (d->lines - p->scroll > area.h && area.h > 0)
		grid_glyph(g, area.x + area.w - 1, area.y + area.h - 1, GLYPH_DOWN,
			ROLE_DIM, 0);
	if (p->scroll > 0)
		grid_glyph(g, area.x + area.w - 1, area.y, GLYPH_UP, ROLE_DIM, 0);
	grid_clip(g, before);
}

/* Move the mark over the incoming and then the outgoing flows. */
static void
move_cursor(struct detail *d, struct detail_page *p, const struct snap *s, int step)
{
	int in = (int)d->in.rows, all = in + (int)d->out.rows;
	int at = edge_table_find(&d->in, s, p->cursor);
	const struct edge_row *row;

	if (at < 0 && edge_table_find(&d->out, s, p->cursor) >= 0)
		at = in + edge_table_find(&d->out, s, p->cursor);
	if (!all)
		return;
	at = CLAMP(at < 0 && step < 0 ? 0 : at + step, 0, all - 1);
	row = at < in ? &d->in.row[at] : &d->out.row[at - in];
	p->cursor = s->edge[row->index].key;
	/* The flows stand below the facts, one heading and a gap between the two. */
	p->scroll = CLAMP(p->scroll, at + 9 - d->height, at + 2);
	p->scroll = MAX(p->scroll, 0);
}

/* Go on to what is selected here: a flow of a service, an end of a flow. */
static void
follow(struct detail *d, const struct detail_page *p, const struct snap *s,
	enum action action)
{
	int edge = snap_find_edge(s, p->of.node == SELECT_NONE ? p->of.edge : p->cursor);

	if (edge < 0)
		return;
	if (p->of.node != SELECT_NONE)
		detail_open(d, (struct selection){ SELECT_NONE, p->cursor });
	else if (action == ACTION_LEFT)
		detail_open(d, (struct selection){
				       s->node[s->edge[edge].src].key, SELECT_NONE });
	else
		detail_open(d, (struct selection){
				       s->node[s->edge[edge].dst].key, SELECT_NONE });
}

static void
show_why(struct detail_page *p, bool why)
{
	p->why = why;
	p->scroll = 0;
}

bool
detail_action(struct detail *d, struct view_ctx *ctx, enum action action)
{
	struct detail_page *p = &d->page[d->pages - 1];

	if (p->of.node != SELECT_NONE && (action == ACTION_UP || action == ACTION_DOWN)) {
		move_cursor(d, p, ctx->snap, action == ACTION_UP ? -1 : 1);
		return true;
	}
	if (list_move(action, d->height, d->lines - d->height, &p->scroll))
		return true;
	switch (action) {
	case ACTION_BACK:
		if (p->why)
			show_why(p, false);
		else
			d->pages--;
		return true;
	case ACTION_EXPLAIN:
		show_why(p, !p->why && p->of.node == SELECT_NONE);
		return true;
	case ACTION_ENTER:
	case ACTION_DETAIL:
	case ACTION_LEFT:
	case ACTION_RIGHT:
		follow(d, p, ctx->snap, action);
		return true;
	default:
		return false;
	}
}
