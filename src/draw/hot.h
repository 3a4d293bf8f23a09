/*
 * hot - from one thing in trouble to the next: causes first, as they are ranked, then
 * what else is hot, in the order in which it is shown; round and round.
 */
#ifndef WEIR_SRC_DRAW_HOT_H
#define WEIR_SRC_DRAW_HOT_H

#include "weir/core/snap.h"

#define HOT_NOT UINT32_MAX

/* The lower, the sooner; HOT_NOT where all is well. */
uint32_t hot_edge(const struct snap *s, const struct snap_edge *e);
uint32_t hot_node(const struct snap *s, const struct snap_node *n);

/*
 * Of @n things, whose rank @rank tells by number, the one after @at (-1: none) in
 * direction @step; @at when nothing is hot.
 */
int hot_next(int n, int at, int step, uint32_t (*rank)(const void *ctx, int i),
	const void *ctx);

#endif
