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
	int trunks;    /* lines into a channel on its left side */
	int links;     /* lines out of a channel on its right side */
	int straight;  /* of those that came in on the left in the same row, unbroken */
};

struct raster raster_check(const struct layout_picture *p, const struct layout_graph *g);

#endif
