/*
 * layout - where the cards of a directed graph go and how lines run between them.
 *
 * Left to right in layers, everything in whole character cells. A card is a title
 * and one row per incoming flow; a flow leaves at the port on the right side and
 * enters its own row on the left side of the callee, so that its numbers can stand
 * at the end of its own arrow. All flows of one caller share one trunk; no two
 * trunks share a cell except where one crosses the other at right angles.
 *
 * The layout knows names, sizes and connections, never a metric: numbers and
 * colours are painted on it, and nothing moves when they change. It remembers what
 * it drew, and a warm run keeps it: known cards stay in their layer, keep their
 * order, and leave their row only when they would overlap.
 *
 * The steps are in layout-*.c, in this order: cycles, layers, nets, order, rows,
 * channels, columns, pieces. One arena per layout; a run allocates nothing once
 * sizes have settled.
 */
#ifndef WEIR_DRAW_LAYOUT_H
#define WEIR_DRAW_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* Feedback edges have rows in the caller's card, at most so many. */
#define LAYOUT_BACK_ROWS 2

struct layout_card {
	uint32_t key; /* the same card has the same key from run to run */
	int width;    /* columns it needs, border included */
	int wish;     /* columns it would use if there were some to spare */
	int head;     /* rows above the first inlet row */
	int tail;     /* rows below the last inlet row, feedback rows not counted */
	int port; /* flows leave so many rows below the last inlet row; 0: mid-inlets */
	int pin;  /* row that the user wants it on, + 1; 0: any */
};

struct layout_edge {
	int src, dst; /* indices of cards, not equal */
	bool ghost;   /* shapes the layers but is not drawn */
	bool back;    /* is known to close a cycle: written, not drawn */
};

/* Cards in the order of their names; edges by (src, dst), no pair twice. */
struct layout_graph {
	const struct layout_card *card;
	int cards;
	const struct layout_edge *edge;
	int edges;
};

struct layout_options {
	int gap;        /* blank rows between cards */
	int pitch;      /* columns per track of a channel: 1 or 2 */
	int max_width;  /* columns available, to spread into; 0 when it does not matter */
	int max_height; /* rows likewise */
	int max_layers; /* ghost edges take no room where there would be more; 0: always */
	bool must_fit;  /* give up as soon as it cannot be within these */
	bool quick;     /* for its size only: lines may cross more and bend more */
	bool warm;      /* keep what the last run drew */
};

struct layout_box {
	int x, y, w, h;
	int layer;
	int port;                /* row where flows leave */
	int first_inlet, inlets; /* slice of inlet_edge; row y + head + i each */
	int first_back, backs;   /* slice of back_edge */
};

/*
 * A straight piece of one net, in half cells: cell c has its left or upper border
 * at 2c, its middle at 2c + 1. It covers [from, to] on the row or column @at.
 */
struct layout_piece {
	bool vertical;
	int at, from, to;
	int net;    /* the card whose flows these are */
	int strand; /* which of its flows: an index of layout_picture.strand */
};

struct layout_slice {
	int first, count;
};

struct layout_picture {
	const struct layout_box *box; /* one per card */
	const int *inlet_edge;        /* edges, by card, top row first */
	const int *back_edge;         /* edges written in their caller's card */
	const struct layout_piece *piece;
	int pieces;
	const struct layout_slice *strand; /* of strand_edge */
	int strands;
	const int *strand_edge;
	int w, h;
	int layers;
	const int *layer_x, *layer_w;
	int crossings, doglegs;
	int unresolved; /* overlaps left; a fault of ours when not 0 */
};

struct layout;

struct layout *layout_new(void);
void layout_free(struct layout *l);

/*
 * Lay out @g. NULL, and what was drawn is still remembered, when it must fit and
 * cannot. Borrowed: valid until the next layout_run() or layout_free().
 */
const struct layout_picture *layout_run(
	struct layout *l, const struct layout_graph *g, const struct layout_options *o);

/* Forget what was drawn: the next run is cold even when it asks for a warm one. */
void layout_forget(struct layout *l);

/*
 * Mark the edges that close cycles: depth first from the entries, in name order.
 * @ret_back has one flag per edge; flags already set stay set.
 */
void layout_feedback(
	int cards, const struct layout_edge *edge, int edges, bool *ret_back);

#endif
