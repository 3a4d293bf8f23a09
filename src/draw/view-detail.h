/*
 * view-detail - one edge or one service, close up.
 *
 * Opened over any view. It is a stack: from a service to one of its flows, from a
 * flow to the service at either end, and back with Esc.
 */
#ifndef WEIR_DRAW_VIEW_DETAIL_H
#define WEIR_DRAW_VIEW_DETAIL_H

#include "edge-table.h"

#define DETAIL_DEPTH 16

struct detail_page {
	struct selection of;
	uint32_t cursor; /* edge marked among the flows of a node */
	int scroll;
	bool why; /* of an edge: the numbers behind its verdict */
};

/* All zero is closed. */
struct detail {
	struct detail_page page[DETAIL_DEPTH];
	int pages;
	int lines, height; /* content and room at the last paint */
	struct edge_table in, out;
};

void detail_done(struct detail *d);
bool detail_is_open(const struct detail *d);
void detail_open(struct detail *d, struct selection of);
void detail_paint(
	struct detail *d, struct view_ctx *ctx, struct grid *g, struct rect area);

/* False when the action is none of its own. ACTION_BACK closes one page. */
bool detail_action(struct detail *d, struct view_ctx *ctx, enum action action);

#endif
