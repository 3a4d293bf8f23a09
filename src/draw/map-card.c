/*
 * Painting the cards of a map: a title, one row per incoming flow, and the rows of
 * what is written instead of drawn.
 *
 * How bad a service is shows in four ways at once: the glyph, the weight of the
 * border (or of the bar of a stack), the role of the title, and the glyph before the
 * p99. So no picture depends on colour.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define NAME_PATH 520 /* two names */

struct brush {
	const struct map_frame *f;
	const struct map_plan *p;
	const struct map_card *card;
	const struct layout_box *box;
	struct grid *g;
	int index; /* of the card */
	int x, y, w, h;
	int left, right; /* columns of the text: [left, right) */
	enum map_style style;
	enum severity worst;
	bool selected;
};

static enum severity
part_severity(const struct map_frame *f, int part)
{
	const struct layout_slice *s = &f->plan->part[part].node;
	enum severity worst = SEV_IDLE;

	for (int i = 0; i < s->count; i++)
		worst = MAX(worst, f->node_severity[f->plan->list[s->first + i]]);
	return worst;
}

static bool
part_has(const struct map_plan *p, int part, int node)
{
	const struct layout_slice *s = &p->part[part].node;

	for (int i = 0; i < s->count; i++)
		if (p->list[s->first + i] == node)
			return true;
	return false;
}

static enum role
border_role(enum severity s)
{
	return s == SEV_OK ? ROLE_BORDER : map_edge_role(s);
}

static enum role
title_role(enum severity s)
{
	static const enum role roles[SEV_COUNT] = { [SEV_IDLE] = ROLE_DIM,
		[SEV_OK] = ROLE_TITLE,
		[SEV_WARN] = ROLE_WARN,
		[SEV_CRIT] = ROLE_CRIT_TITLE };

	return roles[s];
}

static enum role
value_role(enum severity s)
{
	static const enum role roles[SEV_COUNT] = { [SEV_IDLE] = ROLE_DIM,
		[SEV_OK] = ROLE_TEXT,
		[SEV_WARN] = ROLE_WARN,
		[SEV_CRIT] = ROLE_CRIT };

	return roles[s];
}

static unsigned
value_attr(enum severity s)
{
	return s >= SEV_WARN ? ATTR_BOLD : 0;
}

static int
puts_at(struct brush *b, int x, int y, const char *s, enum role role)
{
	return grid_puts(b->g, x, y, s, role, 0);
}

/* ---- titles */

static const char *
kind_tag(enum node_kind k)
{
	static const char *const tags[NODE_KIND_COUNT] = { [NODE_SERVICE] = "",
		[NODE_DB] = "db",
		[NODE_QUEUE] = "queue",
		[NODE_EXTERNAL] = "ext" };

	return tags[k];
}

/* Of several services shown as one, the one in trouble, or -1. */
static int
worst_node(const struct map_frame *f, const struct map_part *part)
{
	int worst = -1;

	for (int i = 0; i < part->node.count; i++) {
		int n = f->plan->list[part->node.first + i];

		if (f->node_severity[n] >= SEV_WARN &&
			(worst < 0 || f->node_severity[n] > f->node_severity[worst]))
			worst = n;
	}
	return worst;
}

/* Once, and short: a grade that got worse draws the eye. */
static bool
flashes(const struct map_frame *f, const struct map_part *part)
{
	for (int i = 0; i < part->node.count && !f->still; i++) {
		const struct map_node *n =
			&f->topo->node[f->plan->list[part->node.first + i]];

		if (n->rose_us && f->snap->now_us - n->rose_us < MAP_FLASH_US)
			return true;
	}
	return false;
}

static bool
is_pinned(const struct brush *b)
{
	for (int i = 0; i < b->p->pins; i++)
		if (b->p->pin[i].key == b->p->box[b->index].key)
			return true;
	return false;
}

/* The name and what belongs to it, from @x; returns the column behind. */
static int
paint_name(struct brush *b, int index, int x, int y, int right)
{
	const struct map_part *part = &b->p->part[index];
	const struct map_node *n = &b->f->topo->node[b->p->list[part->node.first]];
	enum severity s = part_severity(b->f, index);
	bool selected = b->f->select && part_has(b->p, index, b->f->selected_node);
	int hot = part->kind == PART_NODE ? -1 : worst_node(b->f, part);
	struct str name = hot >= 0 ? b->p->names[hot] : part->name;
	char count[16] = "", path[NAME_PATH];
	int room = right - x;

	/* "shop/payment": the one in trouble, and where it is. */
	if (hot >= 0 && part->kind == PART_GROUP) {
		snprintf(path, sizeof(path), "%.*s%.*s", (int)part->name.n, part->name.p,
			(int)name.n, name.p);
		name = str_of(path);
	}
	if (part->kind != PART_NODE &&
		(hot >= 0 || part->kind == PART_TWINS || part->kind == PART_GROUP))
		snprintf(count, sizeof(count), "%d", MIN(part->node.count, 999));
	room -= n->loop ? 2 : count[0] ? 2 + (int)strlen(count) : 0;
	x += grid_fit(b->g, x, y, MAX(room, 1), name,
		selected                                 ? ROLE_SELECT
		: part->kind == PART_REST && s <= SEV_OK ? ROLE_CHIP
							 : title_role(s),
		(s >= SEV_WARN || selected ? ATTR_BOLD : 0) |
			(flashes(b->f, part) ? ATTR_REVERSE : 0));
	if (is_pinned(b) && x < right) {
		grid_glyph(b->g, x, y, GLYPH_DOT, ROLE_KEY, ATTR_BOLD);
		x++;
	}
	if (n->loop || count[0])
		grid_fill(b->g, (struct rect){ x, y, 1, 1 }, ROLE_TEXT, 0);
	if (n->loop && x + 2 <= right) {
		grid_glyph(b->g, x + 1, y, GLYPH_SELF, ROLE_DIM, 0);
		x += 2;
	}
	if (count[0] && x + 2 + (int)strlen(count) <= right) {
		grid_glyph(b->g, x + 1, y, GLYPH_TIMES, ROLE_CHIP, 0);
		x += 2 + puts_at(b, x + 2, y, count, ROLE_CHIP);
	}
	return x;
}

/* `╭ ● name ─── db ╮`, on the border that is there already. */
static void
paint_card_title(struct brush *b, int part, int y)
{
	enum severity s = part_severity(b->f, part);
	int node = b->p->list[b->p->part[part].node.first];
	const char *tag = kind_tag(b->f->topo->node[node].kind);
	int end = b->x + b->w - 1, width = (int)strlen(tag), x;

	grid_fill(b->g, (struct rect){ b->x + 1, y, 3, 1 }, ROLE_TEXT, 0);
	grid_glyph(b->g, b->x + 2, y, map_severity_glyph(s), map_severity_role(s),
		s >= SEV_WARN ? ATTR_BOLD : 0);
	x = paint_name(b, part, b->x + 4, y, end - 1);
	if (x < end)
		grid_fill(b->g, (struct rect){ x, y, 1, 1 }, ROLE_TEXT, 0);
	if (width && x + width + 4 <= end) {
		grid_fill(b->g, (struct rect){ end - width - 2, y, width + 2, 1 },
			ROLE_TEXT, 0);
		puts_at(b, end - width - 1, y, tag, ROLE_DIM);
	}
}

static void
paint_divider(struct brush *b, int y)
{
	enum weight w = map_edge_weight(b->worst);
	uint8_t line = (uint8_t)w;
	struct cell c = { .kind = CELL_LINE,
		.role = (uint8_t)border_role(b->worst),
		.arm = { line, line, 0, line } };

	grid_put(b->g, b->x, y, c);
	c.arm[ARM_UP] = c.arm[ARM_DOWN] = 0;
	c.arm[ARM_LEFT] = line;
	for (int x = b->x + 1; x < b->x + b->w - 1; x++)
		grid_put(b->g, x, y, c);
	c.arm[ARM_UP] = c.arm[ARM_DOWN] = line;
	c.arm[ARM_RIGHT] = 0;
	grid_put(b->g, b->x + b->w - 1, y, c);
}

static void
paint_title(struct brush *b, int part, int y)
{
	enum severity s = part_severity(b->f, part);
	int node = b->p->list[b->p->part[part].node.first], x;
	const char *tag;

	if (b->style == MAP_CARD) {
		if (y > b->y)
			paint_divider(b, y);
		paint_card_title(b, part, y);
		return;
	}
	x = paint_name(b, part, b->left, y, b->x + b->w - (s != SEV_OK ? 2 : 0));
	if (s != SEV_OK) {
		grid_glyph(b->g, x + 1, y, map_severity_glyph(s), map_severity_role(s),
			s >= SEV_WARN ? ATTR_BOLD : 0);
		x += 2;
	}
	tag = kind_tag(b->f->topo->node[node].kind);
	if (x + 1 + (int)strlen(tag) <= b->right)
		grid_right(b->g, b->right, y, tag, ROLE_DIM, 0);
}

/* ---- rows */

/*
 * p99 at the right end, with a glyph when it is bad. Returns the column where its
 * field begins, whatever the number: what stands before it must not follow it.
 */
static int
paint_p99(struct brush *b, int y, const struct map_flow *f, bool dim)
{
	struct map_text t = map_number_text(f);
	enum role role =
		dim && f->severity == SEV_OK ? ROLE_DIM : value_role(f->severity);
	int x = b->right -
		grid_right(b->g, b->right, y, t.s, role, value_attr(f->severity));

	if (f->severity >= SEV_WARN && !dim)
		grid_glyph(b->g, x - 1, y, map_severity_glyph(f->severity), role,
			value_attr(f->severity));
	return b->right - MAP_P99_WIDTH + dim;
}

/* `24/s  ×2    ▲1.7s` from b->left to b->right. */
static void
paint_flow(struct brush *b, int y, const struct map_flow *f)
{
	enum map_label label = b->p->level.label;
	int right = paint_p99(b, y, f, false), x = b->left;

	if (label == MAP_P99)
		return;
	x += puts_at(b, x, y, map_rate_text(f->rate, label == MAP_FULL).s,
		f->severity == SEV_IDLE ? ROLE_DIM : ROLE_TEXT);
	if (f->edges > 1) {
		char s[16];

		snprintf(s, sizeof(s), "%d", MIN(f->edges, 999));
		if (x + 3 + (int)strlen(s) <= right) {
			grid_glyph(b->g, x + 1, y, GLYPH_TIMES, ROLE_DIM, 0);
			puts_at(b, x + 2, y, s, ROLE_DIM);
		}
	}
}

static void
paint_inlet(struct brush *b, int i)
{
	int e = b->p->pic->inlet_edge[b->box->first_inlet + i];
	int y = b->y + b->p->box[b->index].head + i;
	const struct map_flow *f = &b->f->edge_flow[e];

	grid_glyph(b->g, b->x - 1, y, GLYPH_ARROW,
		map_line_role(f->severity, b->f->select && b->f->lit_edge[e]),
		b->f->select && !b->f->lit_edge[e] ? ATTR_DIM : value_attr(f->severity));
	if (b->selected) {
		int flow = b->p->list[b->p->edge_flows[e].first];
		int right = paint_p99(b, y, f, false);

		grid_fit(b->g, b->left, y, MAX(right - 1 - b->left, 1),
			map_shown_name(b->p, b->f->topo->edge[flow].src), ROLE_TEXT, 0);
		return;
	}
	paint_flow(b, y, f);
}

/* A card that no line enters: a shared service, or the way in. */
static void
paint_no_inlet(struct brush *b)
{
	int y = b->y + b->p->box[b->index].head;
	enum map_label label = b->p->level.label;
	const struct layout_slice *hub = &b->card->hub;
	int node = b->p->list[b->p->part[b->card->part.first].node.first];
	int snap = b->f->topo->node[node].snap;
	struct map_flow f = map_flow_unknown();
	const struct snap_node *own;
	char count[16];
	int x = b->left;

	if (hub->count) {
		f = map_flow_sum(b->f->flow, b->p->list + hub->first, hub->count);
		grid_glyph(b->g, x, y, GLYPH_CHIP, ROLE_CHIP, 0);
		snprintf(count, sizeof(count), "%d", MIN(hub->count, 999));
		x += 1 + puts_at(b, x + 1, y, count, ROLE_CHIP);
		grid_glyph(b->g, x, y, GLYPH_TIMES, ROLE_CHIP, 0);
		if (label != MAP_P99)
			puts_at(b, x + 2, y, map_rate_text(f.rate, label == MAP_FULL).s,
				ROLE_TEXT);
		paint_p99(b, y, &f, false);
		return;
	}
	if (snap < 0) {
		puts_at(b, x, y, "-", ROLE_DIM);
		return;
	}
	own = &b->f->snap->node[snap];
	f.rate = own->rate_in;
	if (isnan(f.rate)) {
		f.rate = own->rate_out;
	} else if (own->p99_in_us != SNAP_UNKNOWN) {
		f.calls = (double)own->calls_in;
		f.errors = (double)own->errors_in;
		f.failing = b->f->number == SORT_ERRORS;
		/* Of other percentiles the node has none. */
		if (b->f->number != SORT_P95 && b->f->number != SORT_P50)
			f.shown_us = own->p99_in_us;
		f.severity = SEV_OK;
		paint_p99(b, y, &f, true);
	}
	puts_at(b, x, y, map_rate_text(f.rate, label == MAP_FULL).s, ROLE_TEXT);
}

/* The edge of a written row that goes to the selected service, or -1. */
static int
selected_edge(const struct map_frame *f, const int *edge, int count)
{
	for (int i = 0; f->select && i < count; i++)
		if (f->topo->edge[edge[i]].dst == f->selected_node)
			return i;
	return -1;
}

/* "+9 outside", in fewer letters where there is no room for it. */
static void
write_several(char *to, size_t size, enum map_row_kind kind, int n, int room)
{
	static const char *const words[][2] = { [ROW_OUTSIDE] = { "outside", "out" },
		[ROW_INSIDE] = { "inside", "in" },
		[ROW_MORE] = { "more", "" } };

	for (int i = 0; i < 2; i++) {
		int width = snprintf(to, size, "%s%d %s", kind == ROW_INSIDE ? "" : "+",
			n, words[kind][i]);

		if (width <= room)
			return;
	}
}

/*
 * `↳ name   0.7 32ms`: quiet while calm; in trouble it is a small title of its own.
 * A row of several shows the selected one when that is among them.
 */
static void
paint_written(struct brush *b, const struct map_row *r, int y)
{
	const int *edge = b->p->list + r->edge.first;
	bool inside = r->kind == ROW_INSIDE;
	int found = inside ? -1 : selected_edge(b->f, edge, r->edge.count);
	bool several =
		inside || ((r->kind == ROW_MORE || r->kind == ROW_OUTSIDE) && found < 0);
	struct map_row shown = *r;
	struct map_flow f;
	struct str name;
	char more[32];
	enum role role;
	int right;

	if (found >= 0 && r->kind == ROW_MORE)
		shown.edge = (struct layout_slice){ r->edge.first + found, 1 };
	f = map_flow_sum(b->f->flow, b->p->list + shown.edge.first, shown.edge.count);
	name = map_written_name(b->p, b->f->topo, &shown);
	right = paint_p99(b, y, &f, true);
	if (several) {
		write_several(more, sizeof(more), r->kind, r->edge.count,
			right - 1 - b->left - 2);
		name = str_of(more);
	}
	role = found >= 0               ? ROLE_SELECT
	       : f.severity >= SEV_WARN ? title_role(f.severity)
					: ROLE_DIM;
	/* The rate where the name leaves room for it. */
	if (b->p->level.label == MAP_FULL && r->kind == ROW_FOLD &&
		b->left + 2 + text_width(name) + 1 + 4 <= right - 1) {
		grid_right(
			b->g, right - 1, y, map_rate_text(f.rate, false).s, ROLE_DIM, 0);
		right -= 5;
	}
	if (f.severity >= SEV_WARN)
		grid_glyph(b->g, b->left, y, map_severity_glyph(f.severity),
			map_severity_role(f.severity), ATTR_BOLD);
	else
		grid_glyph(b->g, b->left, y,
			inside                ? GLYPH_SELF
			: r->kind == ROW_FOLD ? GLYPH_FOLD
					      : GLYPH_CHIP,
			ROLE_DIM, 0);
	grid_fit(b->g, b->left + 2, y, MAX(right - 1 - b->left - 2, 1), name, role,
		value_attr(f.severity));
}

/* A call back: to whom. Its p99 where there is room for it, or where it is bad. */
static void
paint_back(struct brush *b, int y, const int *edge, int count, const struct map_flow *f)
{
	enum role role = f->severity >= SEV_WARN ? title_role(f->severity) : ROLE_DIM;
	int right = b->right;
	char more[32];
	struct str name = map_shown_name(b->p, b->f->topo->edge[edge[0]].dst);

	if (count > 1) {
		snprintf(more, sizeof(more), "+%d more", count);
		name = str_of(more);
	}
	if (f->severity >= SEV_WARN)
		right = paint_p99(b, y, f, false) - 1;
	else if (b->left + 2 + text_width(name) + MAP_P99_WIDTH <= b->right)
		paint_p99(b, y, f, true);
	grid_glyph(b->g, b->left, y, GLYPH_BACK, role, value_attr(f->severity));
	grid_fit(b->g, b->left + 2, y, MAX(right - b->left - 2, 1), name, role,
		value_attr(f->severity));
}

static void
paint_row(struct brush *b, const struct map_row *r, int y)
{
	struct map_flow f;

	switch (r->kind) {
	case ROW_TITLE:
		paint_title(b, r->part, y);
		break;
	case ROW_FLOW:
		f = map_flow_sum(b->f->flow, b->p->list + r->edge.first, r->edge.count);
		paint_flow(b, y, &f);
		break;
	case ROW_FOLD:
	case ROW_CHIP:
	case ROW_MORE:
	case ROW_OUTSIDE:
	case ROW_INSIDE:
		paint_written(b, r, y);
		break;
	case ROW_BACK:
		f = map_flow_sum(b->f->flow, b->p->list + r->edge.first, r->edge.count);
		paint_back(b, y, b->p->list + r->edge.first, r->edge.count, &f);
		break;
	}
}

/* ---- the card */

static void
paint_bar(struct brush *b, int y, int part)
{
	static const enum glyph bars[SEV_COUNT] = { [SEV_IDLE] = GLYPH_BAR_THIN,
		[SEV_OK] = GLYPH_BAR_THIN,
		[SEV_WARN] = GLYPH_BAR_HALF,
		[SEV_CRIT] = GLYPH_BAR_FULL };
	enum severity s = part_severity(b->f, part);

	grid_glyph(b->g, b->x, y, bars[s],
		s >= SEV_WARN ? map_severity_role(s) : border_role(s), 0);
}

static void
paint_port(struct brush *b)
{
	const struct layout_slice *s = &b->p->pic->strand[b->index];
	enum severity worst = SEV_IDLE;
	uint8_t border = (uint8_t)map_edge_weight(b->worst);
	struct cell c = { .kind = CELL_LINE,
		.role = (uint8_t)border_role(b->worst),
		.arm = { border, border, 0, 0 } };

	if (s->count == 0)
		return;
	for (int i = 0; i < s->count; i++)
		worst = MAX(worst,
			b->f->edge_flow[b->p->pic->strand_edge[s->first + i]].severity);
	c.arm[ARM_RIGHT] = (uint8_t)map_edge_weight(worst);
	grid_put(b->g, b->x + b->w - 1, b->f->y + b->box->port, c);
}

/* In a line the name stands behind the numbers, and the flow goes on behind it. */
static void
paint_line_title(struct brush *b)
{
	int y = b->f->y + b->box->port;
	enum severity s = part_severity(b->f, b->card->part.first);
	int x = b->right + 1;

	grid_glyph(b->g, x, y, map_severity_glyph(s), map_severity_role(s),
		s >= SEV_WARN ? ATTR_BOLD : 0);
	paint_name(b, b->card->part.first, x + 2, y, b->x + b->w - 1);
}

static void
paint_rows(struct brush *b)
{
	const struct layout_card *card = &b->p->box[b->index];
	int rows = MAX(1, b->box->inlets), y = b->y + card->head + rows;
	int part = b->card->part.first;

	if (b->style == MAP_STACK)
		for (int i = b->y; i < y; i++)
			paint_bar(b, i, part);
	if (b->style == MAP_LINE)
		paint_line_title(b);
	else
		paint_title(b, part, b->y);
	for (int i = 0; i < b->box->inlets; i++)
		paint_inlet(b, i);
	if (b->box->inlets == 0)
		paint_no_inlet(b);
	for (int i = 0; i < b->card->row.count; i++, y++) {
		const struct map_row *r = &b->p->row[b->card->row.first + i];

		part = r->part;
		if (b->style == MAP_STACK)
			paint_bar(b, y, part);
		paint_row(b, r, y);
	}
	for (int i = 0; i < MIN(b->box->backs, LAYOUT_BACK_ROWS); i++, y++) {
		const int *back = b->p->pic->back_edge + b->box->first_back + i;
		int many = i == LAYOUT_BACK_ROWS - 1 ? b->box->backs - i : 1;
		struct map_flow f = map_flow_sum(b->f->edge_flow, back, many);
		const struct layout_slice *s = &b->p->edge_flows[*back];

		if (b->style == MAP_STACK)
			paint_bar(b, y, part);
		paint_back(b, y, b->p->list + s->first, many, &f);
	}
}

static void
paint_card(struct brush *b)
{
	struct rect r = { b->x, b->y, b->w, b->h };
	bool lit = false;

	grid_fill(b->g, r, ROLE_TEXT, 0);
	if (b->style == MAP_CARD) {
		int node = b->p->list[b->p->part[b->card->part.first].node.first];
		bool outside = b->f->topo->node[node].kind == NODE_EXTERNAL &&
			       b->worst <= SEV_OK;

		grid_box(b->g, r, outside ? WEIGHT_DOTTED : map_edge_weight(b->worst),
			border_role(b->worst));
		paint_port(b);
	}
	paint_rows(b);
	for (int i = 0; i < b->card->part.count; i++) {
		const struct layout_slice *s = &b->p->part[b->card->part.first + i].node;

		for (int k = 0; k < s->count; k++)
			lit |= b->f->lit_node[b->p->list[s->first + k]];
	}
	if (b->f->select && !lit)
		grid_add_attr(b->g, r, ATTR_DIM);
}

void
map_paint_cards(const struct map_frame *f, struct grid *g)
{
	static const int pads[] = { [MAP_CARD] = 2, [MAP_STACK] = 1, [MAP_LINE] = 0 };
	const struct map_plan *p = f->plan;
	int pad = pads[p->level.style];

	for (int c = 0; c < p->cards; c++) {
		const struct layout_box *box = &p->pic->box[c];
		struct brush b = { .f = f,
			.p = p,
			.card = &p->card[c],
			.box = box,
			.g = g,
			.index = c,
			.x = f->x + box->x,
			.y = f->y + box->y,
			.w = box->w,
			.h = box->h,
			.style = p->level.style };

		if (b.x + b.w <= f->area.x || b.x - 1 >= f->area.x + f->area.w ||
			b.y + b.h <= f->area.y || b.y >= f->area.y + f->area.h)
			continue;
		b.left = b.x + pad;
		b.right = b.x + b.w - pad;
		if (b.style == MAP_LINE)
			b.right = b.left + map_rate_width(p->level.label) + 1 +
				  MAP_P99_WIDTH;
		for (int i = 0; i < p->card[c].part.count; i++) {
			int part = p->card[c].part.first + i;

			b.worst = MAX(b.worst, part_severity(f, part));
			b.selected |= f->select && part_has(p, part, f->selected_node);
		}
		paint_card(&b);
	}
}
