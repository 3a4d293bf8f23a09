/*
 * screen-kit - screens that change, and what the changes are worth in bytes.
 */
#ifndef WEIR_TESTS_SCREEN_KIT_H
#define WEIR_TESTS_SCREEN_KIT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

#include "../../src/term/term-impl.h"

/* What xterm-256color can do, as terminfo has it. */
extern const struct term_caps screen_caps;

struct worth {
	size_t cells; /* that look different */
	size_t text;  /* their characters, in UTF-8 */
	/*
	 * The least they could be shown with: each look told once, the shortest way of
	 * the cursor from each run of them to the next below or right, their characters.
	 */
	size_t own;
};

/* What leads from the look of @before to that of @after. */
struct worth screen_worth(const struct grid *before, const struct grid *after,
	const struct theme *t, enum depth depth);

/* Move the rows from @top on up by one, a new one comes in below. */
void screen_scroll(struct grid *g, int top, uint32_t *seed);

/* Fill @g with names and numbers in columns. */
void screen_fill(struct grid *g, uint32_t *seed);

/*
 * Put other numbers into fields of @width cells at random places, until about
 * @percent of the cells have changed.
 */
void screen_change(struct grid *g, int width, int percent, uint32_t *seed);

void screen_copy(struct grid *to, const struct grid *from);

#endif
