/*
 * view - a way of looking at the flow.
 *
 * To add one: write src/draw/view-NAME.c ending in `const struct view_ops
 * view_NAME`, add a row to src/draw/views.def, a golden case, and an entry in
 * man/weir.1. Nothing else knows how many views there are.
 *
 * A view sees snaps only and paints roles only. It keeps its own state (scroll,
 * layout) in the pointer its `init` returns; what all views share (selection,
 * sort, ASCII) is in struct view_ctx. Painting does not allocate per frame once
 * sizes have settled.
 */
#ifndef WEIR_DRAW_VIEW_H
#define WEIR_DRAW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/snap.h"
#include "weir/draw/grid.h"
#include "weir/draw/keys.h"

#define SELECT_NONE UINT32_MAX

/*
 * What is selected, by stable key, so that a refresh never moves it. Either a
 * node or an edge, or nothing; views show whichever they can.
 */
struct selection {
	uint32_t node; /* snap_node.key or SELECT_NONE */
	uint32_t edge; /* snap_edge.key or SELECT_NONE */
};

enum sort_key {
	SORT_IMPACT, /* severity, then rate × excess; the default */
	SORT_P99,
	SORT_P95,
	SORT_P50,
	SORT_ERRORS,
	SORT_RATE,
	SORT_SAMPLES,
	SORT_NAME,
	SORT_COUNT
};

struct view_ctx {
	/* What to show; filtered already. Actions see what was painted last. */
	const struct snap *snap;
	struct selection sel; /* views read and may change it */
	enum sort_key sort;
	bool sort_reverse;
	int64_t now_us;     /* the picture's time; for ageing, not for animation */
	const char *filter; /* the active filter's text, or "" */
	bool frozen;
	bool ascii; /* what the reader will choose: only for decisions about space */
};

/* What a view asks of the ui after a key. */
enum view_result {
	VIEW_IGNORED, /* not mine: the ui may use it */
	VIEW_HANDLED,
	VIEW_OPEN_DETAIL /* show the detail of ctx->sel */
};

struct view_ops {
	const char *id;    /* as in --view */
	const char *title; /* in the header */
	const char *about; /* one line for the help screen */
	void *(*init)(void);
	void (*done)(void *state);
	void (*paint)(
		void *state, struct view_ctx *ctx, struct grid *g, struct rect area);
	enum view_result (*action)(void *state, struct view_ctx *ctx, enum action action);
	/*
	 * Rows it would use of @w columns and @h rows, so that the worst edges can
	 * be listed under it. NULL: the whole area is its own.
	 */
	int (*rows)(void *state, struct view_ctx *ctx, int w, int h);
	bool without_flows; /* has something to show while there is no edge */
};

/* The table of views.def, in the order they are cycled. */
extern const struct view_ops *const views[];
extern const unsigned view_count;

/* NULL when there is no such view. */
const struct view_ops *view_find(const char *id);

/*
 * The keys that move through a list or a text: sets *@at to where @action leads
 * from there, within 0 to @last, and a page being @page rows. Returns false, with
 * nothing changed, when @action does not move up or down.
 */
bool list_move(enum action action, int page, int last, int *at);

#endif
