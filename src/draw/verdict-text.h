/*
 * verdict-text - what the verdict engine says, on a grid.
 */
#ifndef WEIR_SRC_DRAW_VERDICT_TEXT_H
#define WEIR_SRC_DRAW_VERDICT_TEXT_H

#include "weir/core/snap.h"
#include "weir/draw/grid.h"

/* Paint what of @s fits in @w columns, whole clauses, most important first. */
void paint_sentence(struct grid *g, int x, int y, int w, const struct sentence *s,
	enum role role, unsigned attr);

/* All of it, from the top of @area, in as many lines as it takes; returns their number. */
int paint_whole_sentence(struct grid *g, struct rect area, const struct sentence *s,
	enum role role, unsigned attr);

/* The cause that is seen on this edge, or NULL. */
const struct snap_cause *cause_on_edge(const struct snap *s, const struct snap_edge *e);

/*
 * What is said of an edge: that it is a cause, with all that is known, or what it suffers
 * from. Returns the rows from the top of @area, 0 when there is nothing to say.
 */
int paint_edge_verdict(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_edge *e);

/*
 * The numbers behind that: what is usual, what is seen, the limits, the blame. Headed;
 * returns the rows it took.
 */
int paint_edge_why(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_edge *e);

#endif
