#include "config.h"

#include <stdlib.h>

#include "weir/base/util.h"

#include "edge-table.h"
#include "hot.h"

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

struct rows {
	const struct edge_table *t;
	const struct snap *s;
};

static uint32_t
rank_of_row(const void *ctx, int i)
{
	const struct rows *r = ctx;

	return hot_edge(r->s, &r->s->edge[r->t->row[i].index]);
}

static void
to_hot(struct edge_table *t, struct view_ctx *ctx, int step)
{
	const struct snap *s = ctx->snap;
	struct rows rows = { t, s };
	int at = hot_next((int)t->rows, edge_table_find(t, s, ctx->sel.edge), step,
		rank_of_row, &rows);

	if (at >= 0)
		ctx->sel.edge = s->edge[t->row[at].index].key;
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
