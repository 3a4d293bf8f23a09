/*
 * Rows that only moved up or down are moved by the terminal: a region of rows is set,
 * and lines are fed at its end.
 *
 * Which rows moved is judged by cells that would be right, so that a table scrolls
 * although its numbers change meanwhile. O(STEPS * cells), and only when a good part
 * of the screen changes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#include "term-impl.h"

/* Rows that are looked for are at most so far away. */
#define STEPS 8

/* One cell in so many must change for a look at all. */
#define WORTH_A_LOOK 8

/* So many cells must be right that were not: setting the region has a price. */
#define WORTH_CELLS 40

/* What moves: new row @top to @end is what stands @by rows below (or above) now. */
struct shift {
	int top, end, by;
	int gain; /* cells that are right by it */
};

/* Cells of the new row @y that already stand in the row @from. */
static int
row_matches(const struct term_screen *s, const struct grid *g, int y, int from)
{
	const struct cell *is = &s->cell[(size_t)from * (size_t)s->w];
	const struct cell *want = grid_row(g, y);
	int n = 0;

	/* Most rows of most frames. */
	if (memcmp(want, is, (size_t)s->w * sizeof(*is)) == 0)
		return s->w;
	for (int x = 0; x < s->w; x++)
		n += memcmp(&want[x], &is[x], sizeof(*is)) == 0;
	return n;
}

/* The rows that gain most when they are taken from @by rows below. */
static struct shift
best_by(const struct term_screen *s, const struct grid *g, const int *in_place, int by)
{
	struct shift best = { .by = by }, now = { .by = by };

	for (int y = MAX(-by, 0); y < MIN(s->h, s->h - by); y++) {
		if (now.gain <= 0)
			now = (struct shift){ .top = y, .by = by };
		now.gain += row_matches(s, g, y, y + by) - in_place[y];
		now.end = y + 1;
		if (now.gain > best.gain)
			best = now;
	}
	/* Rows that are lost at the side where new ones come in. */
	for (int i = 0; i < abs(by) && best.gain > 0; i++)
		best.gain -= in_place[by > 0 ? best.end + i : best.top - 1 - i];
	return best;
}

static void
forget_rows(struct term_screen *s, int y, int rows)
{
	size_t n = (size_t)s->w * (size_t)rows;
	struct cell *cell = &s->cell[(size_t)y * (size_t)s->w];

	memset(cell, 0, n * sizeof(*cell));
	for (size_t i = 0; i < n; i++)
		cell[i].kind = CELL_CLEARED;
}

static void
apply(struct term_screen *s, const struct shift *shift)
{
	int by = abs(shift->by), w = s->w;
	int first = MIN(shift->top, shift->top + shift->by);
	int rows = shift->end - shift->top;
	int at = shift->by > 0 ? first + rows + by : first + 1; /* counted from 1 */

	/* What comes in has the colour in force; without a region the cursor is home. */
	buf_addf(&s->out, "\033[0m\033[%d;%dr\033[%dH", first + 1, first + rows + by, at);
	for (int i = 0; i < by; i++)
		buf_adds(&s->out, shift->by > 0 ? "\n" : "\033M");
	buf_adds(&s->out, "\033[r");
	memmove(&s->cell[(size_t)shift->top * (size_t)w],
		&s->cell[(size_t)(shift->top + shift->by) * (size_t)w],
		(size_t)rows * (size_t)w * sizeof(*s->cell));
	forget_rows(s, shift->by > 0 ? shift->end : first, by);
}

void
term_scroll(struct term_screen *s, const struct grid *g)
{
	int in_place[TERM_SCROLL_ROWS], right = 0;
	struct shift best = { .gain = 0 };

	if (!s->caps.region || !s->caps.feed || !s->caps.reverse_feed ||
		s->h > TERM_SCROLL_ROWS)
		return;
	for (int y = 0; y < s->h; y++)
		right += in_place[y] = row_matches(s, g, y, y);
	if (s->w * s->h - right < s->w * s->h / WORTH_A_LOOK)
		return;
	for (int by = -STEPS; by <= STEPS; by++) {
		struct shift now = by ? best_by(s, g, in_place, by) : best;

		if (now.gain > best.gain)
			best = now;
	}
	if (best.gain >= WORTH_CELLS)
		apply(s, &best);
}
