/*
 * map-view - the state of the map view. Only view-map.c, map-make.c and map-select.c.
 */
#ifndef WEIR_DRAW_MAP_VIEW_H
#define WEIR_DRAW_MAP_VIEW_H

#include "map.h"

#define NONE (-1)
#define STEPS 8 /* of Enter upon Enter */
#define MAX_HOPS 9
#define MAX_PINS 16

enum map_mode {
	MODE_MAP,
	MODE_TREE,
	MODE_HOT,
	MODE_LINE
};

/* What `g` leads through. */
enum map_grouping {
	GROUP_AUTO = -1,
	GROUP_NONE,
	GROUP_MEMBERS, /* of a namespace or team */
	GROUP_TWINS
};

/* What the user asked for; -1 leaves it to the level. */
struct map_wishes {
	int fold, chips;
	enum map_grouping group;
	int level; /* index, or -1 for what fits */
	int tree;
	uint32_t focus; /* key of a node, or SELECT_NONE */
	int hops;
	int opened; /* the newest of map_node.opened */
};

/* Where Esc leads back to. */
struct map_step {
	uint32_t focus;
	int opened;
};

/* Where a card was in the drawing. */
struct map_place {
	uint32_t key;
	int x, y;
};

struct map_view {
	struct map_topo topo;
	struct map_plan plan, trial;
	struct map_tree tree;
	struct arena names_arena;
	struct str *names; /* of the topo, for what is no plan */
	enum map_mode mode;
	struct map_wishes user, made_with;
	bool made;
	int made_w, made_h; /* the size it was made for */
	bool made_for_rows; /* by rows(): less height may follow */
	uint64_t filter;    /* hash of the filter of the last frame */
	int64_t first_us, last_us, made_us;
	bool relayout;
	int tree_top;
	int x, y;               /* of the drawing in the pane; moved by panning */
	bool placed;            /* x and y are about this drawing */
	bool overflows;         /* the drawing is larger than the pane */
	struct map_place *note; /* of the drawing before */
	int *delta;
	int noted, note_room;
	struct map_step step[STEPS];
	int steps;
	struct map_pin pin[MAX_PINS];
	int pins;
	bool drifted; /* a fresh layout would cross much less */

	/* of a frame; sized when the plan is made */
	struct map_flow *flow, *edge_flow;
	enum severity *node_severity;
	uint8_t *lit_edge, *lit_node, *outside;
	struct map_ink *ink;
	int edge_room, node_room, ink_room;
};

/* ---- map-make: which picture, and when to lay out */

void map_view_init(struct map_view *v);

/* Follow the snap; lay out when there is a reason. */
void map_prepare(struct map_view *v, const struct view_ctx *ctx, int w, int h);

/* Find the drawing its place in the pane that it is painted in. */
void map_place(struct map_view *v, const struct view_ctx *ctx, int w, int h);

/* Level @index with the user's wishes and the budget of a pane. */
struct map_level map_effective_level(const struct map_view *v, int index, int w, int h);

/* What the grouping comes to that is shown now, be it the user's or the level's. */
enum map_grouping map_grouping(const struct map_view *v);

/* Is anything of the topology not drawn as a card or a line of its own? */
bool map_hides_something(const struct map_view *v);

/* ---- map-select: the selection, and what belongs to it */

int map_find_node(const struct map_topo *t, uint32_t key);
int map_find_edge(const struct map_topo *t, const struct snap *s, uint32_t key);

/* Mark what is lit while something is selected. */
void map_light(struct map_view *v, const struct map_frame *f);

/* Where ACTION_UP .. ACTION_RIGHT, NEXT_HOT and PREV_HOT lead from @node, or NONE. */
int map_move(const struct map_view *v, const struct snap *s, int node, enum action a);

/* Where to begin when nothing is selected: what is worst, else the first way in. */
int map_first_selection(const struct map_view *v, const struct snap *s);

#endif
