/*
 * remarks - what services say of themselves, for the detail views: log lines, values.
 */
#ifndef WEIR_SRC_DRAW_REMARKS_H
#define WEIR_SRC_DRAW_REMARKS_H

#include "weir/core/snap.h"
#include "weir/draw/grid.h"

/* Each paints from the top of @area, headed, and returns the rows it took; 0: nothing. */
int remarks_logs(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_node *n);
int remarks_gauges(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_node *n);

/* Of the two ends of an edge what is a warning or worse. */
int remarks_of_edge(struct grid *g, struct rect area, const struct snap *s,
	const struct snap_edge *e);

/* Clocks that differ: "+30s", or "-" when nobody measured it. */
struct remark_skew {
	char s[24];
	bool differs;
};
struct remark_skew remarks_skew(const struct snap *s, const struct snap_edge *e);

#endif
