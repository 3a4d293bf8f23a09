/*
 * layout-priv - what the steps of a layout share. Only layout-*.c and their tests.
 *
 * An element is a card or a lane. A lane is the place of a long net in a layer that
 * it passes: one per net and layer, however many flows share it. Elements 0 to n-1
 * are the cards. A link joins two elements of neighbouring layers.
 */
#ifndef WEIR_DRAW_LAYOUT_PRIV_H
#define WEIR_DRAW_LAYOUT_PRIV_H

#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/draw/layout.h"

/* Items grouped by bucket: those of bucket b are item[at[b]] .. item[at[b + 1] - 1]. */
struct csr {
	int *at, *item;
};

/* Group the items 0 .. @count - 1 by @bucket_of[item], keeping their order. */
struct csr csr_build(struct arena *a, int buckets, int count, const int *bucket_of);

/* What the last runs drew, by 64-bit id; grows as needed, forgets what is long gone. */
struct memory_entry {
	uint64_t id;
	int value[2];
	uint32_t run; /* the last run that had it; 0 marks a free slot */
};

struct memory {
	struct memory_entry *slot; /* open addressing, a power of two */
	uint32_t slots, used;
	uint32_t run; /* number of the current run, from 1; 0: nothing is known */
};

void memory_done(struct memory *m);
void memory_clear(struct memory *m);
void memory_put(struct memory *m, uint64_t id, int v0, int v1);
const struct memory_entry *memory_get(const struct memory *m, uint64_t id); /* or NULL */

/* Drop what was not put for many runs, when that is most of the table. */
void memory_prune(struct memory *m);

uint64_t memory_card_id(uint32_t key);            /* value: layer, y */
uint64_t memory_port_id(uint32_t key);            /* value: port row within the card */
uint64_t memory_lane_id(uint32_t key, int layer); /* value: y */
uint64_t memory_inlet_id(uint32_t dst, uint32_t src); /* value: row within the card */
uint64_t memory_layer_id(int layer);                  /* value: width, channel width */

enum {
	HOW_DRAWN,
	HOW_GHOST,  /* shapes the layers only */
	HOW_BACK,   /* closes a cycle or runs against the layers: written */
	HOW_IGNORED /* a ghost that closes a cycle */
};

/* A vertical line in a channel: one net, or a part of one behind a dogleg. */
struct trunk {
	int el;     /* the element left of the channel that it starts from */
	int row;    /* where it comes in from the left */
	int parent; /* the trunk that feeds it, or -1: the element itself */
	int first_tap, taps;
	int top, bottom; /* rows it spans */
	int column;      /* track, or -1 for a straight line without one */
};

/* Where a trunk is left to the right. */
struct tap {
	int row;
	int link;  /* the link served, or -1 */
	int child; /* the trunk fed, or -1 */
};

struct channel {
	struct trunk *trunk;
	int trunks;
	struct tap *tap;
	int taps;
	int tracks;
	int crossings, doglegs, unresolved;
};

/* An order that is worth drawing. */
struct candidate {
	int64_t crossings, ink;
	int *order;
};

/* Routes of the last run, by layer. */
struct route;
struct routes {
	struct route *route;
	int room;
};

void routes_done(struct routes *r);

struct lay {
	struct arena *arena;
	const struct layout_graph *g;
	const struct layout_options *o;
	const struct memory *old; /* NULL in a cold run */
	struct routes *routes;    /* NULL: none are kept */
	int shift;                /* layers here = layers of @old + shift */

	/* cycles, layers */
	int n, m;
	int *src, *dst;
	uint8_t *how; /* HOW_ of each edge */
	struct csr out, in;
	int *layer;
	int layers;

	/* nets */
	int els;
	int *el_card, *el_layer;
	int links;
	int *link_from, *link_to, *link_edge; /* link_edge is -1 for a link to a lane */
	struct csr right, left;               /* links by from, by to */
	struct layout_slice *strand; /* els of elements, then m of single edges */
	int *strand_edge;

	/* order */
	int *layer_at, *order, *pos;
	int bundled_crossings;
	struct candidate *candidate; /* best first; none in a warm run */
	int candidates, candidate_room;

	/* rows */
	int *y, *h, *port;
	int *link_row; /* row of the inlet within the card, 0 for lanes */
	int *inlet_at; /* links to each card, top row first: a slice of inlet_link */
	int *inlet_link;
	int *back_at, *back_edge;
	bool straighten; /* take the time to move elements for straight links */
	bool *straight;  /* links that shall be straight; NULL in a warm run */
	int height;

	/* channels: one right of each layer but the last */
	struct channel *channel;

	/* columns */
	int *layer_x, *layer_w, *channel_w;
	int width;
};

/* False when the elements alone need more columns or rows than there are. */
bool layout_may_fit(const struct lay *lay);

void layout_cycles(struct lay *lay);
void layout_layers(struct lay *lay);
void layout_nets(struct lay *lay);
void layout_order(struct lay *lay);
void layout_sizes(struct lay *lay);
void layout_rows(struct lay *lay);
void layout_channels(struct lay *lay);
void layout_columns(struct lay *lay);
void layout_pieces(struct lay *lay, struct layout_picture *ret_picture);

/* Choose the links that shall be straight; @packed has each element's row in its layer. */
void layout_straight(struct lay *lay, const int *packed);

/* Move elements that have rows so that more links are straight, all above @limit. */
void layout_straighten(struct lay *lay, int limit);

/* Rows between two elements of a layer; a lane may run along a card. */
static inline int
layout_gap(const struct lay *lay, int el, int next)
{
	return el < lay->n && next < lay->n ? lay->o->gap : 0;
}

/* Make candidate @i the present order. */
void layout_take_candidate(struct lay *lay, int i);

/* Crossings between the layers of the present order. */
int layout_count_crossings(const struct lay *lay);

/*
 * Take over the last run's route of the channel behind @layer when its trunks are the
 * same. Else note them before, and keep the route after it was made.
 */
bool route_recall(struct lay *lay, int layer, struct channel *ch);
void route_note(struct lay *lay, int layer, const struct channel *ch);
void route_keep(struct lay *lay, int layer, const struct channel *ch);

/* The order of a warm run; layout_order() calls it. */
void layout_order_warm(struct lay *lay);

/* Row on the screen where a link leaves and arrives. */
static inline int
link_from_row(const struct lay *lay, int link)
{
	int el = lay->link_from[link];

	return lay->y[el] + lay->port[el];
}

static inline int
link_to_row(const struct lay *lay, int link)
{
	return lay->y[lay->link_to[link]] + lay->link_row[link];
}

#endif
