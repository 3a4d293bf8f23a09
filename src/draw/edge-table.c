#include "config.h"

#include "edge-table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

#define GAP 2
#define MARK_WIDTH 2 /* severity glyph and a blank */
#define ARROW_WIDTH 3
#define MIN_NAMES 18
#define MAX_NAME 40 /* of one end */
#define KIND_WIDTH 4
#define MIN_OP 12
#define WIDE_OP 44 /* what the operation keeps when there is room to spare */
#define SPARE 99   /* the rank of columns for such room */

enum number {
	NUMBER_RATE,
	NUMBER_ERRORS,
	NUMBER_P50,
	NUMBER_P95,
	NUMBER_P99,
	NUMBER_SAMPLES,
	NUMBER_MAX, /* from here on only with room to spare */
	NUMBER_CALLEE,
	NUMBER_QUEUE,
	NUMBER_IN,
	NUMBER_OUT,
	NUMBER_COUNT
};

/* In the order they stand; the higher @rank the sooner one is left out. */
static const struct number_column {
	const char *title;
	int width, rank;
	enum sort_key sort;
} number_columns[NUMBER_COUNT] = {
	[NUMBER_RATE] = { "rate", 6, 1, SORT_RATE },
	[NUMBER_ERRORS] = { "err", 5, 2, SORT_ERRORS },
	[NUMBER_P50] = { "p50", 6, 3, SORT_P50 },
	[NUMBER_P95] = { "p95", 6, 5, SORT_P95 },
	[NUMBER_P99] = { "p99", 6, 0, SORT_P99 },
	[NUMBER_SAMPLES] = { "n", 5, 4, SORT_SAMPLES },
	[NUMBER_MAX] = { "max", 6, SPARE, SORT_COUNT },
	[NUMBER_CALLEE] = { "callee", 6, SPARE, SORT_COUNT }, /* its own p99 */
	[NUMBER_QUEUE] = { "queue", 6, SPARE, SORT_COUNT },
	[NUMBER_IN] = { "in", 6, SPARE, SORT_COUNT },
	[NUMBER_OUT] = { "out", 6, SPARE, SORT_COUNT },
};

struct columns {
	int src_w, dst_w;
	int x_number[NUMBER_COUNT]; /* right end, or 0 when left out */
	int x_kind, x_op, op_w;     /* 0 when left out */
};

struct pen {
	struct grid *g;
	int y;
	bool selected;
};

const char *
sort_word(enum sort_key k)
{
	static const char *const words[SORT_COUNT] = {
		[SORT_IMPACT] = "worst first",
		[SORT_P99] = "by p99",
		[SORT_P95] = "by p95",
		[SORT_P50] = "by p50",
		[SORT_ERRORS] = "by errors",
		[SORT_RATE] = "by rate",
		[SORT_SAMPLES] = "by samples",
		[SORT_NAME] = "by name",
	};

	return words[k];
}

enum role
severity_role(enum severity s)
{
	static const enum role roles[SEV_COUNT] = { [SEV_IDLE] = ROLE_IDLE,
		[SEV_OK] = ROLE_OK,
		[SEV_WARN] = ROLE_WARN,
		[SEV_CRIT] = ROLE_CRIT };

	return roles[s];
}

enum glyph
severity_glyph(enum severity s)
{
	static const enum glyph glyphs[SEV_COUNT] = { [SEV_IDLE] = GLYPH_IDLE,
		[SEV_OK] = GLYPH_OK,
		[SEV_WARN] = GLYPH_WARN,
		[SEV_CRIT] = GLYPH_CRIT };

	return glyphs[s];
}

/* ---------------------------------------------------------------------- order */

static double
error_ratio(const struct snap_stat *st)
{
	return st->calls ? (double)st->errors / (double)st->calls : NAN;
}

double
edge_impact(const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	double failing = st->errors ? error_ratio(st) : 0, beyond = 0;

	if (st->p99_us >= 0)
		beyond = (double)(st->p99_us - MAX(st->p50_us, 0)) / (double)SEC_US;
	return st->rate * (beyond + failing);
}

static double
known(int64_t v)
{
	return v < 0 ? NAN : (double)v;
}

static double
weight_of(const struct snap_edge *e, enum sort_key sort)
{
	switch (sort) {
	case SORT_P99:
		return known(e->stat.p99_us);
	case SORT_P95:
		return known(e->stat.p95_us);
	case SORT_P50:
		return known(e->stat.p50_us);
	case SORT_ERRORS:
		return error_ratio(&e->stat);
	case SORT_RATE:
		return e->stat.rate;
	case SORT_SAMPLES:
		return (double)e->stat.samples;
	case SORT_NAME:
		return 0;
	default:
		return edge_impact(e);
	}
}

/* Equal rows stay in the order of the snap, which is by name. */
static int
compare(const void *pa, const void *pb)
{
	const struct edge_row *a = pa, *b = pb;

	if (a->grade != b->grade)
		return a->grade < b->grade ? 1 : -1;
	if (a->unknown != b->unknown)
		return a->unknown ? 1 : -1;
	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->index < b->index ? -1 : 1;
}

static void
reverse(struct edge_row *row, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		struct edge_row swap = row[i];

		row[i] = row[n - 1 - i];
		row[n - 1 - i] = swap;
	}
}

void
edge_table_done(struct edge_table *t)
{
	free(t->row);
	*t = (struct edge_table){ 0 };
}

void
edge_table_fill(
	struct edge_table *t, const struct view_ctx *ctx, int which, uint32_t node)
{
	const struct snap *s = ctx->snap;
	uint32_t known_rows = 0;

	if (s->edges > t->room) {
		t->room = s->edges + s->edges / 2;
		t->row = xreallocarray(t->row, t->room, sizeof(*t->row));
	}
	t->rows = 0;
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];
		double weight = weight_of(e, ctx->sort);

		if ((which == EDGES_INTO && e->dst != node) ||
			(which == EDGES_FROM && e->src != node))
			continue;
		t->row[t->rows++] = (struct edge_row){
			.weight = isnan(weight) ? 0 : weight,
			.index = i,
			.grade = ctx->sort == SORT_IMPACT ? (uint8_t)e->severity : 0,
			.unknown = isnan(weight),
		};
		known_rows += !isnan(weight);
	}
	if (t->rows)
		qsort(t->row, t->rows, sizeof(*t->row), compare);
	if (ctx->sort_reverse && t->rows)
		reverse(t->row, ctx->sort == SORT_IMPACT ? t->rows : known_rows);
}

int
edge_table_find(const struct edge_table *t, const struct snap *s, uint32_t key)
{
	if (key == SELECT_NONE)
		return -1;
	for (uint32_t i = 0; i < t->rows; i++)
		if (s->edge[t->row[i].index].key == key)
			return (int)i;
	return -1;
}

bool
edge_table_move(const struct edge_table *t, const struct snap *s, enum action action,
	uint32_t *key)
{
	int at = edge_table_find(t, s, *key), to = MAX(at, 0);

	if (!list_move(action, t->page, (int)t->rows - 1, &to))
		return false;
	if (at < 0 && (action == ACTION_UP || action == ACTION_DOWN))
		to = t->top;
	if (t->rows)
		*key = s->edge[t->row[MIN(to, (int)t->rows - 1)].index].key;
	return true;
}

/* -------------------------------------------------------------------- columns */

/* Widest name at either end, over the whole snap. */
static void
measure_names(const struct snap *s, int *ret_src, int *ret_dst)
{
	int src = 3, dst = 3;

	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		src = MAX(src, text_width(str_of(s->node[e->src].name)));
		dst = MAX(dst, text_width(str_of(s->node[e->dst].name)));
	}
	*ret_src = MIN(src, MAX_NAME);
	*ret_dst = MIN(dst, MAX_NAME);
}

static struct columns
columns_for(const struct snap *s, struct rect area)
{
	struct columns c = { 0 };
	int src, dst, names, x, left = area.w - MARK_WIDTH - MIN_NAMES;
	bool shown[NUMBER_COUNT] = { 0 };

	measure_names(s, &src, &dst);
	for (int rank = 0; rank < NUMBER_COUNT; rank++)
		for (int i = 0; i < NUMBER_COUNT; i++) {
			int w = number_columns[i].width + GAP;

			/* Names come before the numbers of lesser rank. */
			if (number_columns[i].rank != rank || left < w ||
				(rank > 2 && left < w + src + dst + ARROW_WIDTH -
							     MIN_NAMES - 6))
				continue;
			shown[i] = true;
			left -= w;
		}
	names = MIN(left + MIN_NAMES, src + dst + ARROW_WIDTH);
	left += MIN_NAMES - names;
	for (int i = NUMBER_MAX; i < NUMBER_COUNT; i++) {
		int w = number_columns[i].width + GAP;

		shown[i] = left - KIND_WIDTH - GAP - WIDE_OP - GAP >= w;
		left -= shown[i] ? w : 0;
	}
	c.src_w = MIN(src, MAX(names - ARROW_WIDTH - dst, (names - ARROW_WIDTH) / 2));
	c.dst_w = MIN(dst, names - ARROW_WIDTH - c.src_w);
	x = area.x + MARK_WIDTH + c.src_w + ARROW_WIDTH + c.dst_w;
	if (left >= KIND_WIDTH + GAP) {
		c.x_kind = x + GAP;
		x += KIND_WIDTH + GAP;
		left -= KIND_WIDTH + GAP;
	}
	for (int i = 0; i < NUMBER_COUNT; i++)
		if (shown[i])
			c.x_number[i] = x += number_columns[i].width + GAP;
	if (left >= MIN_OP + GAP) {
		c.x_op = x + GAP;
		c.op_w = area.x + area.w - c.x_op;
	}
	return c;
}

static void
paint_heading(const struct edge_table *t, const struct view_ctx *ctx, struct grid *g,
	struct rect area, const struct columns *c, const char *title)
{
	char text[64];
	int x = area.x + MARK_WIDTH;
	int names = c->src_w + ARROW_WIDTH + c->dst_w, room;

	x += grid_fit(g, x, area.y, names, str_of(title), ROLE_TITLE, 0);
	room = area.x + MARK_WIDTH + names - x;
	snprintf(text, sizeof(text), " %s%s", sort_word(ctx->sort),
		ctx->sort_reverse ? " reversed" : "");
	if ((int)strlen(text) <= room) {
		x += grid_puts(g, x, area.y, text, ROLE_DIM, 0);
		room -= (int)strlen(text);
	}
	snprintf(text, sizeof(text), ", %d-%d of %u", t->top + 1,
		MIN(t->top + t->page, (int)t->rows), t->rows);
	if ((int)t->rows > t->page && (int)strlen(text) <= room)
		grid_puts(g, x, area.y, text, ROLE_DIM, 0);
	if (c->x_kind)
		grid_puts(g, c->x_kind, area.y, "kind", ROLE_DIM, 0);
	for (int i = 0; i < NUMBER_COUNT; i++)
		if (c->x_number[i])
			grid_right(g, c->x_number[i], area.y, number_columns[i].title,
				number_columns[i].sort == ctx->sort ? ROLE_TITLE
								    : ROLE_DIM,
				0);
	if (c->x_op)
		grid_puts(g, c->x_op, area.y, "slowest operation", ROLE_DIM, 0);
}

/* ----------------------------------------------------------------------- rows */

static void
paint_number(const struct pen *p, const struct columns *c, enum number i,
	const char *text, enum role role)
{
	unsigned attr = p->selected ? ATTR_ON_SELECT : 0;

	if (!c->x_number[i])
		return;
	if (p->selected && role != ROLE_WARN && role != ROLE_CRIT)
		role = ROLE_SELECT;
	else if (text[0] == '-' && !text[1])
		role = ROLE_DIM;
	grid_right(p->g, c->x_number[i], p->y, text, role, attr);
}

/*
 * Which of an edge's numbers carries its colour: the errors when they are many, the
 * p99 when it is not the errors alone. Everything else stays grey.
 */
static void
paint_numbers(const struct pen *p, const struct columns *c, const struct snap *s,
	const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	bool bad = e->severity >= SEV_WARN, bound = st->bounds_only;
	double failing = error_ratio(st);
	bool many = severity_of_errors(&s->thresholds, failing) >= SEV_WARN;
	bool slow = !many || severity_of_latency(&s->thresholds, st->p99_us) >= SEV_WARN;
	enum role hot = severity_role(e->severity);
	enum role calm = e->severity == SEV_IDLE ? ROLE_IDLE : ROLE_TEXT;
	enum role quiet = e->severity == SEV_IDLE ? ROLE_IDLE : ROLE_DIM;

	paint_number(p, c, NUMBER_RATE, fmt_rate(st->rate).s, calm);
	paint_number(p, c, NUMBER_ERRORS, fmt_percent(failing).s,
		bad && many  ? hot
		: st->errors ? calm
			     : quiet);
	paint_number(p, c, NUMBER_P50, fmt_latency(st->p50_us, bound).s, calm);
	paint_number(p, c, NUMBER_P95, fmt_latency(st->p95_us, bound).s, calm);
	paint_number(p, c, NUMBER_P99, fmt_latency(st->p99_us, bound).s,
		bad && slow ? hot : calm);
	paint_number(p, c, NUMBER_SAMPLES, fmt_count(st->samples).s, quiet);
	paint_number(p, c, NUMBER_MAX, fmt_duration(st->max_us).s, quiet);
	paint_number(p, c, NUMBER_CALLEE, fmt_duration(e->server_p99_us).s, quiet);
	paint_number(p, c, NUMBER_QUEUE, fmt_duration(e->queue_p99_us).s, quiet);
	paint_number(p, c, NUMBER_IN, fmt_bytes(st->bytes_in).s, quiet);
	paint_number(p, c, NUMBER_OUT, fmt_bytes(st->bytes_out).s, quiet);
}

/* The operation with the greatest p99, and how many others there are. */
static void
paint_op(const struct pen *p, const struct columns *c, const struct snap *s,
	const struct snap_edge *e)
{
	const struct snap_op *worst = NULL;
	enum role role = p->selected               ? ROLE_SELECT
			 : e->severity == SEV_IDLE ? ROLE_IDLE
						   : ROLE_DIM;
	unsigned attr = p->selected ? ATTR_ON_SELECT : 0;
	char more[16] = "";

	if (!c->x_op || !e->ops)
		return;
	for (uint32_t i = e->first_op; i < e->first_op + e->ops; i++)
		if (!worst || s->op[i].stat.p99_us > worst->stat.p99_us)
			worst = &s->op[i];
	if (e->ops > 1)
		snprintf(more, sizeof(more), " +%u", e->ops - 1);
	grid_puts(p->g,
		c->x_op + grid_fit(p->g, c->x_op, p->y, c->op_w - (int)strlen(more),
				  str_of(worst->op), role, attr),
		p->y, more, p->selected ? ROLE_SELECT : ROLE_IDLE, attr);
}

static void
paint_row(const struct pen *p, const struct columns *c, const struct snap *s,
	const struct snap_edge *e, struct rect line)
{
	unsigned attr = p->selected ? ATTR_ON_SELECT : 0;
	bool bad = e->severity >= SEV_WARN;
	enum role name = p->selected               ? ROLE_SELECT
			 : e->severity == SEV_IDLE ? ROLE_IDLE
			 : bad                     ? ROLE_TITLE
						   : ROLE_TEXT;
	int x = line.x + MARK_WIDTH;

	if (p->selected)
		grid_fill(p->g, line, ROLE_SELECT, 0);
	grid_glyph(p->g, line.x, p->y, severity_glyph(e->severity),
		severity_role(e->severity), attr);
	grid_fit(p->g, x, p->y, c->src_w, str_of(s->node[e->src].name), name, attr);
	x += c->src_w + 1;
	grid_glyph(p->g, x, p->y, GLYPH_TO, p->selected ? ROLE_SELECT : ROLE_DIM, attr);
	grid_fit(p->g, x + 2, p->y, c->dst_w, str_of(s->node[e->dst].name), name, attr);
	if (c->x_kind)
		grid_fit(p->g, c->x_kind, p->y, KIND_WIDTH,
			str_of(e->kind == KIND_UNKNOWN ? "-" : flow_kind_word(e->kind)),
			p->selected               ? ROLE_SELECT
			: e->severity == SEV_IDLE ? ROLE_IDLE
						  : ROLE_DIM,
			attr);
	paint_numbers(p, c, s, e);
	paint_op(p, c, s, e);
}

void
edge_table_paint(struct edge_table *t, const struct view_ctx *ctx, struct grid *g,
	struct rect area, const char *title, uint32_t selected)
{
	struct columns c = columns_for(ctx->snap, area);
	int at = edge_table_find(t, ctx->snap, selected);

	t->page = MAX(area.h - 1, 0);
	if (at >= 0)
		t->top = CLAMP(t->top, at - t->page + 1, at);
	t->top = CLAMP(t->top, 0, MAX((int)t->rows - t->page, 0));
	paint_heading(t, ctx, g, area, &c, title);
	for (int i = 0; i < t->page && t->top + i < (int)t->rows; i++) {
		struct rect line = { area.x, area.y + 1 + i, area.w, 1 };
		struct pen p = { g, line.y, t->top + i == at };

		paint_row(&p, &c, ctx->snap, &ctx->snap->edge[t->row[t->top + i].index],
			line);
	}
}
