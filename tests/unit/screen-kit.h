/*
 * screen-kit - screens that change, and what the changes are worth in bytes.
 */
#ifndef WEIR_TESTS_SCREEN_KIT_H
#define WEIR_TESTS_SCREEN_KIT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

struct worth {
	size_t cells; /* that look different */
	size_t text;  /* their characters, in UTF-8 */
	/*
	 * Sent one run of changed cells after the other, each as if alone: its address,
	 * its style where it is another than the last, its characters.
	 */
	size_t own;
};

/* What leads from the look of @before to that of @after. */
struct worth screen_worth(const struct grid *before, const struct grid *after,
	const struct theme *t, enum depth depth);

/* Fill @g with names and numbers in columns. */
void screen_fill(struct grid *g, uint32_t *seed);

/*
 * Put other numbers into fields of @width cells at random places, until about
 * @percent of the cells have changed.
 */
void screen_change(struct grid *g, int width, int percent, uint32_t *seed);

void screen_copy(struct grid *to, const struct grid *from);

#endif
