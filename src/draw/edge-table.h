/*
 * edge-table - rows of edges with their numbers in columns.
 *
 * Used by the edge view, under the map, and in the detail of a node. Columns are as
 * wide as the names of the whole snap ask for, so they move only when the topology
 * does, never with a number. Columns that do not fit are left out whole.
 */
#ifndef WEIR_DRAW_EDGE_TABLE_H
#define WEIR_DRAW_EDGE_TABLE_H

#include "weir/draw/view.h"

struct edge_row {
	double weight;   /* the greater the earlier */
	uint32_t index;  /* in snap.edge */
	uint8_t grade;   /* severity, when that comes first; else 0 */
	uint8_t unknown; /* no value to sort by: last, whichever way round */
};

/* All zero is an empty table. The rows are reused from frame to frame. */
struct edge_table {
	struct edge_row *row;
	uint32_t rows, room;
	int top;  /* first row shown */
	int page; /* rows shown at the last paint */
};

/* Which edges are listed. */
enum {
	EDGES_ALL,
	EDGES_INTO, /* of @node */
	EDGES_FROM
};

void edge_table_done(struct edge_table *t);

/* List edges of ctx->snap in the order of ctx->sort; @node is an index. */
void edge_table_fill(
	struct edge_table *t, const struct view_ctx *ctx, int which, uint32_t node);

/* The row of the edge with @key, or -1. */
int edge_table_find(const struct edge_table *t, const struct snap *s, uint32_t key);

/*
 * A heading and as many rows as fit, the one with @selected in view and marked.
 * @title names the first column.
 */
void edge_table_paint(struct edge_table *t, const struct view_ctx *ctx, struct grid *g,
	struct rect area, const char *title, uint32_t selected);

/* Move @key by rows, pages or to an end; false when @action is no movement. */
bool edge_table_move(const struct edge_table *t, const struct snap *s, enum action action,
	uint32_t *key);

const char *sort_word(enum sort_key k);

/* The role, glyph and colour of a severity. */
enum role severity_role(enum severity s);
enum glyph severity_glyph(enum severity s);

/*
 * Seconds spent waiting beyond the usual, per second, errors counting a second
 * each: what an edge costs those who use it.
 */
double edge_impact(const struct snap_edge *e);

#endif
