/*
 * map - the parts of the topology map. Only view-map.c, map-*.c and their tests.
 *
 * A frame goes through these hands: `map_topo` follows the snap from frame to frame
 * and says whether nodes or edges came or went; only then, or on a new size, a
 * `map_plan` is made: which cards there are, what is written in them, and the layout.
 * Every frame `map_flows` adds up the numbers, and the painters draw the plan with
 * them. So numbers never move a card.
 */
#ifndef WEIR_DRAW_MAP_H
#define WEIR_DRAW_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/str.h"
#include "weir/core/snap.h"
#include "weir/draw/grid.h"
#include "weir/draw/layout.h"
#include "weir/draw/view.h"

/* ---- map-topo: nodes and edges, with what is gone but lingers */

#define MAP_LINGER_US (INT64_C(60) * 1000000) /* something gone is still shown so long */
#define MAP_FLASH_US INT64_C(900000) /* a title is reversed when its service gets worse */
#define MAP_QUIET_US (INT64_C(10) * 1000000) /* without traffic: drawn as idle */

struct map_node {
	const char *name;
	const char *group; /* or NULL */
	uint32_t key;
	enum node_kind kind;
	int snap;        /* index into snap.node, or -1 while it lingers */
	int64_t gone_us; /* since when */
	bool loop;       /* calls itself */
	uint8_t opened;  /* was taken out of a card of several; counts from 1 */
	uint8_t grade;   /* in the frame before, + 1; 0 before the first */
	int64_t rose_us; /* when the grade last got worse in view, or 0 */
	uint8_t hot;     /* grade when the map was laid out afresh, 0 while it was calm */
};

struct map_edge {
	int src, dst;
	uint32_t first,
		count; /* slice of snap.edge: one per kind; none while it lingers */
	int64_t gone_us;
	bool back;  /* closes a cycle */
	bool fresh; /* new in the last sync */
	bool hot;
};

struct map_topo {
	struct map_node *node, *next_node;
	int nodes, node_room, next_node_room;
	struct map_edge *edge, *next_edge;
	int edges, edge_room, next_edge_room;
	int *of_snap; /* index of snap node -> index here */
	int *of_old;  /* index before the last sync -> index here, -1 when dropped */
	int of_snap_room, of_old_room;
};

void map_topo_done(struct map_topo *t);

/*
 * Follow @s. With @linger what is missing stays for MAP_LINGER_US. Returns true when
 * nodes or edges came or went.
 */
bool map_topo_sync(struct map_topo *t, const struct snap *s, bool linger);

/* Take the present grades as what folding must not hide. */
void map_topo_mark_hot(struct map_topo *t, const struct snap *s);

/* ---- map-plan: cards and their layout */

enum map_style {
	MAP_CARD,
	MAP_STACK,
	MAP_LINE
};

enum map_label {
	MAP_FULL,
	MAP_SHORT,
	MAP_P99
};

enum map_groups {
	MAP_GROUPS_OPEN,
	MAP_GROUPS_CALM, /* closed where there is no room for their services */
	MAP_GROUPS_CLOSED
};

struct map_level {
	const char *name, *about;
	enum map_style style;
	enum map_label label;
	bool fold, rack;
	int chips;
	bool twins;
	enum map_groups groups;
	bool hide_hot;  /* fold and chip what is in trouble, too */
	int max_layers; /* where shared services may stand under their callers; or 0 */
	int pitch, gap;
	int name_cap, fold_cap, min_width;
	int budget; /* services to keep, or 0 for all */
	int tiers;  /* with a budget: cards for the rest; in the table columns for each */
};

extern const struct map_level map_levels[];
extern const int map_level_count;

#define MAP_WRITTEN_ROWS 3 /* rows of folded leaves and chips of one service */

enum map_row_kind {
	ROW_TITLE,   /* of a further part of the card */
	ROW_FLOW,    /* the flow from the part above into this part */
	ROW_FOLD,    /* a flow into a leaf that is written here instead of drawn */
	ROW_CHIP,    /* a flow into a shared service */
	ROW_MORE,    /* several folds or chips */
	ROW_OUTSIDE, /* flows to what is outside the focus */
	ROW_INSIDE,  /* flows between the services of this part */
	ROW_BACK     /* a flow back to a part of this same card */
};

struct map_row {
	enum map_row_kind kind;
	int part;                 /* index into map_plan.part */
	struct layout_slice edge; /* of map_plan.list: edges of the topo */
};

enum map_part_kind {
	PART_NODE,
	PART_TWINS, /* services with the same callers and callees */
	PART_GROUP, /* services of one namespace or team */
	PART_REST   /* what the budget does not keep of a tier */
};

/* What has a title: one service, or several that are shown as one. */
struct map_part {
	struct layout_slice node; /* of map_plan.list: nodes of the topo */
	struct str name;          /* as shown, uncut */
	int card;
	enum map_part_kind kind;
};

struct map_card {
	struct layout_slice part;
	struct layout_slice row; /* below the inlets */
	struct layout_slice hub; /* of map_plan.list: edges written at their callers */
};

/* A card that the user wants to stay on its row. */
struct map_pin {
	uint32_t key;
	int row;
};

struct map_plan {
	struct arena arena;
	struct layout *layout;
	struct map_level level; /* of map_levels, with what the user changed */
	int level_index;
	struct map_part *part;
	int parts;
	struct map_card *card;
	struct layout_card *box;
	int cards;
	struct map_row *row;
	int rows;
	struct layout_edge *edge;        /* between cards */
	struct layout_slice *edge_flows; /* of list: edges of the topo */
	int edges;
	int *list;
	int list_used;
	int *part_of_node;      /* the part a node is titled in, or -1 when it is a row */
	int *card_of_node;      /* -1 outside the focus */
	const uint8_t *outside; /* per node of the topo, or NULL without a focus */
	const struct map_pin *pin;
	int pins;
	struct str *names; /* of the topo's nodes, affixes trimmed */
	const struct layout_picture *pic;
};

void map_plan_done(struct map_plan *p);

/*
 * Make the cards of @t at @level and lay them out for @w x @h cells. With @warm what
 * the same plan drew before is kept in place.
 */
void map_plan_make(struct map_plan *p, const struct map_topo *t, struct map_level level,
	int w, int h, bool warm);

/* As map_plan_make() afresh. False, without a picture even, when it cannot fit. */
bool map_plan_try(struct map_plan *p, const struct map_topo *t, struct map_level level,
	int w, int h);

/* Does it fit into @w x @h and is it still readable? */
bool map_plan_fits(const struct map_plan *p, int w, int h);

/* ---- map-tree: one row per flow, for panes without room for cards */

struct map_tree_row {
	int node;
	int edge; /* of the topo; -1 for a way in */
	int depth;
	uint64_t open; /* bit d: a line goes on below at depth d */
	bool last;     /* of its siblings */
	bool seen;     /* expanded elsewhere */
};

struct map_tree {
	struct map_tree_row *row;
	int rows, room;
	int width; /* of the longest row without its numbers */
	int *stack, *next;
	uint8_t *state;
	int node_room;
};

void map_tree_done(struct map_tree *t);

/* All flows of @t, depth first from the ways in, by name. */
void map_tree_make(
	struct map_tree *tree, const struct map_topo *t, const struct str *names);

/* ---- map-fold, map-group, map-cards: from a topology to cards, at plan.level */

void map_fold(struct map_plan *p, const struct map_topo *t, int max_rows);

/* ---- map-name: names without what they all share; one per node */

void map_names(struct str *names, const struct map_topo *t, struct arena *scratch);

/* Are there two services of one group? */
bool map_has_groups(const struct map_topo *t);

/* The name of @node in @p: that of the card of several in which it is, if any. */
struct str map_shown_name(const struct map_plan *p, int node);

/* Does @c end a word of a name? */
bool map_is_separator(char c);

/*
 * The name in a row of @p, without what it shares with its caller's: "redis" for the
 * "cart-redis" of "cart".
 */
struct str map_written_name(
	const struct map_plan *p, const struct map_topo *t, const struct map_row *r);

/* ---- map-flow: the numbers of a frame */

struct map_flow {
	double rate;      /* NAN: unknown */
	int64_t p99_us;   /* the worst, or SNAP_UNKNOWN */
	int64_t shown_us; /* the same of the percentile that is shown */
	bool bound;       /* that is no more than a bound */
	bool failing;     /* the share of errors is shown instead: it is what is wrong */
	double calls, errors;
	enum severity severity;
	int edges; /* how many are added up */
};

/* A flow of which nothing is known. */
struct map_flow map_flow_unknown(void);

/* @number: which is shown, p99 unless it is another percentile or the errors. */
struct map_flow map_flow_of_edge(
	const struct map_topo *t, const struct snap *s, int edge, enum sort_key number);

/* Edges @list[0] .. @list[n - 1] as one: rates added, the worst latency and grade. */
struct map_flow map_flow_sum(const struct map_flow *flow, const int *list, int n);

enum severity map_node_severity(const struct map_topo *t, const struct snap *s, int node);

/* Text in fixed fields, so that no number ever changes a width. */
struct map_text {
	char s[24];
};

struct map_text map_rate_text(double rate, bool unit); /* at most 6 or 4 cells */

/* The latency shown, or the share of errors. */
struct map_text map_number_text(const struct map_flow *f);

int map_rate_width(enum map_label label);
#define MAP_P99_WIDTH 6 /* glyph and five cells */

/* ---- map-paint, map-card: a plan and its numbers on a grid */

/* What a painter needs to know about a frame. Arrays are of the view, sized by plan. */
struct map_frame {
	const struct map_topo *topo;
	const struct snap *snap;
	const struct map_plan *plan;
	const struct map_flow *flow;        /* per edge of the topo */
	const enum severity *node_severity; /* per node of the topo */
	const struct map_flow *edge_flow;   /* per edge between cards */
	const uint8_t *lit_edge;            /* per edge between cards */
	const uint8_t *lit_node;            /* per node of the topo */
	bool still;                         /* frozen: nothing may move */
	enum sort_key number;             /* shown on the cards; see map_flow_of_edge() */
	bool select;                      /* something is selected: the rest is dim */
	int selected_node, selected_edge; /* of the topo, or -1 */
	int x, y;                         /* of the layout's origin on the grid */
	struct rect area;
};

/* Per cell of the area, while lines are painted. */
struct map_ink {
	int32_t net[2];            /* net + 1 */
	uint8_t arm[2][ARM_COUNT]; /* severity + 1 */
	uint8_t lit[2];
};

/* The tree from row @top. */
void map_paint_tree(const struct map_frame *f, const struct map_tree *tree,
	const struct str *names, int top, struct grid *g);

/* The worst path alone, from the way in to the cause, for very small panes. */
void map_paint_hot(const struct map_frame *f, const struct str *names, struct grid *g);

/* All in one line: the cause, who waits for it, how many services. */
void map_paint_one_line(
	const struct map_frame *f, const struct str *names, struct grid *g);

void map_paint_lines(const struct map_frame *f, struct grid *g, struct map_ink *ink);
void map_paint_cards(const struct map_frame *f, struct grid *g);

/* The calls back from and to the selected service, dotted, over blank cells. */
void map_paint_feedback(const struct map_frame *f, struct grid *g);

/* map-pane: marks and names where lines leave the area, over what is painted. */
void map_paint_edges_of_pane(const struct map_frame *f, struct grid *g);

enum role map_edge_role(enum severity s);
enum role map_line_role(enum severity s, bool lit);
enum weight map_edge_weight(enum severity s);
enum glyph map_severity_glyph(enum severity s);
enum role map_severity_role(enum severity s);

#endif
