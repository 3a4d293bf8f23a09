/*
 * raster - draws a layout cell by cell, on its own, to see what it got wrong.
 */
#ifndef WEIR_TESTS_RASTER_H
#define WEIR_TESTS_RASTER_H

#include "weir/draw/layout.h"

struct raster {
	int overlaps;  /* cells that two nets share and that are not a crossing */
	int crossings; /* cells where two nets cross at right angles */
	int on_card;   /* cells of lines that lie on a card */
	int cards;     /* pairs of cards that overlap */
	int dangling;  /* ends of lines that meet neither a line, a port nor an inlet */
	int bends;     /* ends of vertical pieces */
	int straight;  /* links of two cards that run on one row without a bend */
};

struct raster raster_check(const struct layout_picture *p, const struct layout_graph *g);

#endif
