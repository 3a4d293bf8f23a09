/*
 * detail-shape - pictures of how the latencies of an edge lie.
 *
 * All of them on one logarithmic axis from SHAPE_FROM_US, the same for every edge, so
 * that two can be compared by eye. What is over a threshold has its colour. Each
 * returns the rows it took, 0 when there is nothing to show.
 */
#ifndef WEIR_DRAW_DETAIL_SHAPE_H
#define WEIR_DRAW_DETAIL_SHAPE_H

#include "weir/core/snap.h"
#include "weir/draw/grid.h"

/* How many requests took how long; without a close look at @e, its quantiles alone. */
int shape_paint_window(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_edge *e);

/* The same for each of the last seconds, side by side. */
int shape_paint_seconds(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_edge *e);

#endif
