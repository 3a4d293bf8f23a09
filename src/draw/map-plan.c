/*
 * From a topology to placed cards: fold, measure the texts, lay out.
 *
 * Widths come from names and from the fixed fields of numbers, never from a number.
 */
#include "config.h"

#include <string.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define SQUEEZES 3 /* attempts with fewer layers */
#define WIDEST 64
#define MAX_CROSSINGS 40 /* more than this and a map does not help */

const struct map_level map_levels[] = {
#define LEVEL(id, text, shape, numbers, folds, racks, chip, twin, p, g, cap, fcap, \
	least, share, per_tier)                                                    \
	{ .name = id,                                                              \
		.about = text,                                                     \
		.style = MAP_##shape,                                              \
		.label = MAP_##numbers,                                            \
		.fold = folds,                                                     \
		.rack = racks,                                                     \
		.chips = chip,                                                     \
		.twins = twin,                                                     \
		.pitch = p,                                                        \
		.gap = g,                                                          \
		.name_cap = cap,                                                   \
		.fold_cap = fcap,                                                  \
		.min_width = least,                                                \
		.budget = share,                                                   \
		.tiers = per_tier },
#include "map-levels.def"
#undef LEVEL
};

const int map_level_count = ARRAY_LEN(map_levels);

/* Columns of a card around its text. */
static int
frame_width(enum map_style style)
{
	return style == MAP_CARD ? 4 : style == MAP_STACK ? 2 : 1;
}

/* A flow: rate, a space, glyph and p99. */
static int
flow_width(enum map_label label)
{
	int rate = map_rate_width(label);

	return rate + (rate > 0) + MAP_P99_WIDTH;
}

/* "»12× " and the flow. */
static int
hub_width(enum map_label label)
{
	return 5 + flow_width(label);
}

static int
title_width(const struct map_plan *p, const struct map_topo *t,
	const struct map_part *part, int cap)
{
	bool loop = t->node[p->list[part->node.first]].loop;

	/* Glyph and space; in a stack the space and glyph behind the name. */
	return 2 + MIN(text_width(part->name), cap) + (loop ? 2 : 0) +
	       (part->kind == PART_TWINS || part->kind == PART_GROUP ? 4 : 0);
}

/*
 * A row of what is written instead of drawn. Its rate is the first thing to go, so
 * only the wish counts it.
 */
static int
fold_width(const struct map_plan *p, const struct map_topo *t, const struct map_row *r,
	int cap, bool rate)
{
	int w = 2 + MIN(text_width(map_written_name(p, t, r)), cap);

	if (r->kind == ROW_BACK)
		return w;
	return w + 1 + MAP_P99_WIDTH - 1 + (rate && r->kind == ROW_FOLD ? 5 : 0);
}

/* "34 inside": words that are short enough to be counted whole. */
#define INSIDE_WIDTH 9

/* Columns of card @c with names cut to @cap, or all that it could use. */
static int
card_width(const struct map_plan *p, const struct map_topo *t, int c, int cap, bool all)
{
	const struct map_level *l = &p->level;
	const struct map_card *card = &p->card[c];
	int w = flow_width(l->label);

	if (card->hub.count)
		w = MAX(w, hub_width(l->label));
	for (int i = 0; i < card->part.count; i++) {
		int title = title_width(p, t, &p->part[card->part.first + i], cap);

		/* Without a title row the name stands behind the numbers. */
		w = MAX(w,
			l->style == MAP_LINE ? flow_width(l->label) + 2 + title : title);
	}
	for (int i = 0; i < card->row.count; i++) {
		const struct map_row *r = &p->row[card->row.first + i];

		if (r->kind == ROW_FOLD || r->kind == ROW_CHIP || r->kind == ROW_BACK)
			w = MAX(w, fold_width(p, t, r, all ? WIDEST : l->fold_cap,
					   all && l->label == MAP_FULL));
		else if (r->kind == ROW_INSIDE)
			w = MAX(w, 2 + MIN(INSIDE_WIDTH, l->fold_cap) + MAP_P99_WIDTH);
	}
	return MAX(w + frame_width(l->style), l->min_width);
}

/* Rows that feedback edges take are named in the caller's card: room for the names. */
static void
widen_for_backs(struct map_plan *p, const struct map_topo *t)
{
	for (int i = 0; i < p->edges; i++) {
		struct layout_card *box = &p->box[p->edge[i].src];
		int e = p->list[p->edge_flows[i].first], name, around;

		if (!p->edge[i].back)
			continue;
		name = text_width(map_shown_name(p, t->edge[e].dst));
		around = 2 + frame_width(p->level.style);
		box->width = MAX(box->width, around + MIN(name, p->level.name_cap));
		box->wish = MAX(box->wish, around + MIN(name, WIDEST));
	}
}

static void
measure(struct map_plan *p, const struct map_topo *t)
{
	const struct map_level *l = &p->level;

	for (int c = 0; c < p->cards; c++) {
		struct layout_card *box = &p->box[c];

		box->head = l->style == MAP_LINE ? 0 : 1;
		box->tail = p->card[c].row.count + (l->style == MAP_CARD);
		box->width = card_width(p, t, c, l->name_cap, false);
		box->wish = card_width(p, t, c, WIDEST, true);
		for (int i = 0; i < p->pins; i++)
			if (p->pin[i].key == box->key)
				box->pin = p->pin[i].row + 1;
	}
	widen_for_backs(p, t);
}

void
map_plan_done(struct map_plan *p)
{
	layout_free(p->layout);
	arena_done(&p->arena);
	*p = (struct map_plan){ 0 };
}

/* The cards and their sizes, all but the layout. */
static void
prepare(struct map_plan *p, const struct map_topo *t, struct map_level level, int h)
{
	if (!p->layout)
		p->layout = layout_new();
	arena_clear(&p->arena);
	p->level = level;
	p->names = ARENA_NEW(&p->arena, struct str, t->nodes);
	map_names(p->names, t, &p->arena);
	map_fold(p, t, h);
	measure(p, t);
}

static struct layout_options
options(const struct map_plan *p, int w, int h)
{
	return (struct layout_options){ .gap = p->level.gap,
		.pitch = p->level.pitch,
		.max_width = w,
		.max_height = h,
		.max_layers = p->level.max_layers };
}

/* False, and nothing laid out, when it has to fit and cannot. */
static bool
lay_out(struct map_plan *p, const struct layout_options *o)
{
	struct layout_graph g = { p->box, p->cards, p->edge, p->edges };

	p->pic = layout_run(p->layout, &g, o);
	return p->pic;
}

void
map_plan_make(struct map_plan *p, const struct map_topo *t, struct map_level level, int w,
	int h, bool warm)
{
	struct layout_options o;

	prepare(p, t, level, h);
	o = options(p, w, h);
	o.warm = warm;
	lay_out(p, &o);
}

/* Cells that the cards take at least, with nothing between them. */
static int64_t
least_area(const struct map_plan *p)
{
	int64_t area = 0;

	for (int c = 0; c < p->cards; c++)
		area += (int64_t)p->box[c].width * (p->box[c].head + 1 + p->box[c].tail);
	return area;
}

/* A drawing made quickly is so bad that no other of the same would fit. */
static bool
is_hopeless(const struct map_plan *p, int w, int h)
{
	return p->pic->w > w + w / 8 || p->pic->h > h ||
	       2 * p->pic->crossings > 3 * MAX_CROSSINGS || p->pic->unresolved;
}

/* A quick drawing tells what it is no use to draw well. */
static bool
draw_if_fits(struct map_plan *p, bool must_fit, int w, int h)
{
	struct layout_options o = options(p, w, h);

	o.quick = true;
	o.must_fit = must_fit;
	if (!lay_out(p, &o) || is_hopeless(p, w, h))
		return false;
	o.quick = false;
	lay_out(p, &o);
	return map_plan_fits(p, w, h);
}

bool
map_plan_try(struct map_plan *p, const struct map_topo *t, struct map_level level, int w,
	int h)
{
	prepare(p, t, level, h);
	p->pic = NULL;
	if (least_area(p) > (int64_t)w * h)
		return false;
	if (draw_if_fits(p, !level.chips, w, h))
		return true;
	/* Chips are written, and can do with fewer columns if there are rows for that. */
	for (int i = 0; i < SQUEEZES && level.chips && p->pic->w > w && p->pic->h <= h;
		i++) {
		int layers = p->pic->layers, most = layers * w / p->pic->w;

		p->level.max_layers = CLAMP(most, 1, layers - 1);
		if (draw_if_fits(p, false, w, h))
			return true;
		if (p->pic->layers == layers)
			break;
	}
	return false;
}

bool
map_plan_fits(const struct map_plan *p, int w, int h)
{
	return p->pic->w <= w && p->pic->h <= h && p->pic->crossings <= MAX_CROSSINGS &&
	       p->pic->unresolved == 0;
}
