/*
 * map-fold - what is simplified before the cards are made. Only map-fold.c,
 * map-group.c, map-member.c and map-cards.c.
 *
 * A vertex is a node, or several nodes shown as one; it goes by the index of its first
 * node. A link is all edges from one vertex to another.
 */
#ifndef WEIR_DRAW_MAP_FOLD_H
#define WEIR_DRAW_MAP_FOLD_H

#include "map.h"

enum place {
	PLACE_DRAWN,
	PLACE_CHIP,   /* written at both ends */
	PLACE_FOLDED, /* the callee is a row of the caller */
	PLACE_INNER   /* between two parts of one card */
};

struct link {
	int src, dst;             /* vertices */
	struct layout_slice edge; /* of map_plan.list */
	bool back, hot;
	uint8_t place;
};

struct fold {
	struct map_plan *p;
	const struct map_topo *t;
	int *rep;          /* the vertex of each node; -1: outside the focus */
	uint8_t *kind;     /* enum map_part_kind, of each vertex */
	int *members;      /* how many nodes are in each vertex */
	bool *hot, *loop;  /* of each vertex: any of its nodes */
	struct link *link; /* sorted by (src, dst) */
	int links;
	int *out_at;            /* links of vertex v: out_at[v] .. out_at[v + 1] - 1 */
	int *callers, *callees; /* drawn forward links */
	int *backs_out;
	int *chips_in, *chips_out;
	int *caller, *callee; /* the link, where there is but one */
	bool *folded;
	int *next, *prev; /* in the rack, -1 */
};

/* map-group: which nodes are one vertex. Fills rep, kind and members. */
void map_group(struct fold *f);

/* map-member: those of one group as one vertex, as far as plan.level wants it. */
void map_group_members(struct fold *f);

/* map-cards: the cards, rows and edges of the plan. */
void map_make_cards(struct fold *f);

static inline bool
is_vertex(const struct fold *f, int v)
{
	return f->rep[v] == v;
}

#endif
