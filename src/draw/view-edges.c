#include "config.h"

#include <stdlib.h>

#include "weir/base/util.h"

#include "edge-table.h"

static void *
edges_init(void)
{
	return xcalloc(1, sizeof(struct edge_table));
}

static void
edges_done(void *state)
{
	edge_table_done(state);
	free(state);
}

static void
edges_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	edge_table_fill(state, ctx, EDGES_ALL, 0);
	edge_table_paint(state, ctx, g, area, "edges", ctx->sel.edge);
}

/* The next edge in trouble below the selection, from the top again behind the last. */
static void
to_hot(struct edge_table *t, struct view_ctx *ctx, int step)
{
	const struct snap *s = ctx->snap;
	int n = (int)t->rows, at = edge_table_find(t, s, ctx->sel.edge);

	if (at < 0 && step < 0)
		at = 0;
	for (int i = 1; i <= n; i++) {
		const struct snap_edge *e =
			&s->edge[t->row[((at + i * step) % n + n) % n].index];

		if (e->severity >= SEV_WARN) {
			ctx->sel.edge = e->key;
			return;
		}
	}
}

static enum view_result
edges_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct edge_table *t = state;

	switch (action) {
	case ACTION_NEXT_HOT:
	case ACTION_PREV_HOT:
		to_hot(t, ctx, action == ACTION_NEXT_HOT ? 1 : -1);
		break;
	case ACTION_ENTER:
	case ACTION_DETAIL:
		if (edge_table_find(t, ctx->snap, ctx->sel.edge) < 0)
			edge_table_move(t, ctx->snap, ACTION_DOWN, &ctx->sel.edge);
		ctx->sel.node = SELECT_NONE;
		return ctx->sel.edge == SELECT_NONE ? VIEW_HANDLED : VIEW_OPEN_DETAIL;
	default:
		if (!edge_table_move(t, ctx->snap, action, &ctx->sel.edge))
			return VIEW_IGNORED;
	}
	ctx->sel.node = SELECT_NONE;
	return VIEW_HANDLED;
}

const struct view_ops view_edges = {
	.id = "edges",
	.title = "EDGES",
	.about = "every flow with its numbers, the worst first",
	.init = edges_init,
	.done = edges_done,
	.paint = edges_paint,
	.action = edges_action,
};
