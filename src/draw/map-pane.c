/*
 * The edges of the pane, where the map is larger than it: a line that goes on outside
 * ends in a mark, and beside it stands who is there.
 */
#include "config.h"

#include <stdio.h>

#include "map.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define NAME_MAX_WIDTH 18
#define NAME_MIN_WIDTH 4

/* Where a row leaves the pane. */
struct leak {
	int x, y;  /* the cell at the edge */
	bool left; /* at the left one */
};

static bool
is_outside(const struct map_frame *f, const struct leak *k, int card)
{
	const struct layout_box *box = &f->plan->pic->box[card];
	int x = f->x + box->x;

	return k->left ? x + box->w <= k->x : x > k->x;
}

static bool
passes(const struct map_frame *f, const struct leak *k, const struct layout_piece *p)
{
	int half = 2 * (k->x - f->x);

	return !p->vertical && p->at + f->y == k->y && p->from < half + 2 && p->to > half;
}

/* A line, and not the border of a card that is cut off. */
static bool
goes_on(const struct map_frame *f, const struct leak *k, struct cell c)
{
	const struct layout_picture *pic = f->plan->pic;
	bool more = k->left ? f->x < k->x : f->x + pic->w > k->x + 1;

	if (!more || c.kind != CELL_LINE || !c.arm[k->left ? ARM_LEFT : ARM_RIGHT])
		return false;
	for (int i = 0; i < pic->pieces; i++)
		if (passes(f, k, &pic->piece[i]))
			return true;
	return false;
}

/* The cards outside that the lines through @k come from or lead to. */
static int
count_outside(const struct map_frame *f, const struct leak *k, int *ret_first)
{
	const struct layout_picture *pic = f->plan->pic;
	int n = 0;

	for (int i = 0; i < pic->pieces; i++) {
		const struct layout_slice *s = &pic->strand[pic->piece[i].strand];

		if (!passes(f, k, &pic->piece[i]))
			continue;
		for (int e = 0; e < s->count; e++) {
			const struct layout_edge *edge =
				&f->plan->edge[pic->strand_edge[s->first + e]];
			int card = k->left ? edge->src : edge->dst;

			if (!is_outside(f, k, card) || (n > 0 && card == *ret_first))
				continue;
			if (n++ == 0)
				*ret_first = card;
		}
	}
	return n;
}

/* Cells beside the edge that a name may take: blank ones, and of lines that cross none. */
static int
free_cells(const struct map_frame *f, const struct grid *g, const struct leak *k)
{
	int step = k->left ? 1 : -1, n = 0;

	for (int x = k->x + step; n < NAME_MAX_WIDTH + 1; x += step, n++) {
		struct cell c = grid_at(g, x, k->y);

		if (x < f->area.x || x >= f->area.x + f->area.w ||
			(c.kind != CELL_LINE && c.kind != CELL_BLANK) || c.arm[ARM_UP] ||
			c.arm[ARM_DOWN])
			break;
	}
	/* One stays a line, so that it is seen where the name belongs to. */
	return n - 1;
}

static void
paint_name(const struct map_frame *f, struct grid *g, const struct leak *k, struct cell c)
{
	int room = free_cells(f, g, k), card, n = count_outside(f, k, &card), width;
	struct str name;
	char more[16] = "";

	if (n == 0)
		return;
	if (n > 1)
		snprintf(more, sizeof(more), " +%d", MIN(n - 1, 999));
	room -= (int)strlen(more);
	name = f->plan->part[f->plan->card[card].part.first].name;
	width = MIN(text_width(name), room);
	if (width < MIN(NAME_MIN_WIDTH, text_width(name)))
		return;
	if (k->left) {
		width = grid_fit(g, k->x + 1, k->y, width, name, c.role, c.attr);
		grid_puts(g, k->x + 1 + width, k->y, more, ROLE_DIM, c.attr);
	} else {
		int x = k->x - (int)strlen(more);

		grid_puts(g, x, k->y, more, ROLE_DIM, c.attr);
		grid_fit(g, x - width, k->y, width, name, c.role, c.attr);
	}
}

void
map_paint_edges_of_pane(const struct map_frame *f, struct grid *g)
{
	const struct rect *r = &f->area;
	int right = r->x + r->w - 1;

	for (int y = r->y; y < r->y + r->h; y++) {
		const struct leak ends[] = { { r->x, y, true }, { right, y, false } };

		for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
			struct cell c = grid_at(g, ends[i].x, y);

			if (!goes_on(f, &ends[i], c))
				continue;
			paint_name(f, g, &ends[i], c);
			grid_glyph(g, ends[i].x, y, i ? GLYPH_MORE : GLYPH_LESS,
				(enum role)c.role, c.attr);
		}
	}
}
