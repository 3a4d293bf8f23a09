/*
 * Which layer each card is in.
 *
 * Cold: the longest path, then cards move one at a time inside the room that their
 * callers and callees leave, to where the bundled nets are shortest. Network simplex
 * finds no fewer layers on service graphs and is many times the code.
 *
 * Warm: known cards stay. A new one goes behind its callers, else before its callees;
 * if that is left of everything, everything gets a new layer on its left. An edge
 * that then runs against the layers is written as feedback.
 */
#include "config.h"

#include <limits.h>

#include "layout-priv.h"
#include "weir/base/util.h"

#define PASSES 12

static bool
shapes(const struct lay *lay, int e)
{
	return lay->how[e] == HOW_DRAWN || lay->how[e] == HOW_GHOST;
}

/*
 * The least number of layers that @e runs over. A flow that is written at both ends
 * needs no room between them: where layers are short it only keeps the callee from
 * standing left of the caller.
 */
static int
length(const struct lay *lay, int e)
{
	return lay->how[e] == HOW_DRAWN || !lay->o->max_layers;
}

/* Cards so that callers come before callees. */
static int *
topological_order(const struct lay *lay)
{
	int *order = ARENA_NEW(lay->arena, int, lay->n);
	int *waiting = ARENA_NEW(lay->arena, int, lay->n);
	int head = 0, tail = 0;

	for (int e = 0; e < lay->m; e++)
		waiting[lay->dst[e]] += shapes(lay, e);
	for (int v = 0; v < lay->n; v++)
		if (waiting[v] == 0)
			order[tail++] = v;
	while (head < tail) {
		int v = order[head++];

		for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++) {
			int e = lay->out.item[i];

			if (shapes(lay, e) && --waiting[lay->dst[e]] == 0)
				order[tail++] = lay->dst[e];
		}
	}
	return order;
}

/* Layers that drawn flows need behind each card. */
static int *
tails(const struct lay *lay, const int *topo)
{
	int *tail = ARENA_NEW(lay->arena, int, lay->n);

	for (int i = lay->n - 1; i >= 0; i--) {
		int v = topo[i];

		for (int k = lay->out.at[v]; k < lay->out.at[v + 1]; k++) {
			int e = lay->out.item[k];

			if (lay->how[e] == HOW_DRAWN)
				tail[v] = MAX(tail[v], tail[lay->dst[e]] + 1);
		}
	}
	return tail;
}

/* A ghost takes a layer, too, as long as what lies behind it still finds room. */
static void
longest_paths(struct lay *lay, const int *topo)
{
	const int *tail = tails(lay, topo);
	int most = lay->o->max_layers ? lay->o->max_layers : lay->n;

	for (int i = 0; i < lay->n; i++) {
		int v = topo[i];

		for (int k = lay->out.at[v]; k < lay->out.at[v + 1]; k++) {
			int e = lay->out.item[k], w = lay->dst[e], at = lay->layer[v] + 1;

			if (!shapes(lay, e))
				continue;
			if (lay->how[e] == HOW_GHOST)
				at = MAX(lay->layer[v], MIN(at, most - 1 - tail[w]));
			lay->layer[w] = MAX(lay->layer[w], at);
		}
	}
}

/* Farthest callee layer of @p without @skip, or -1. */
static int
reach(const struct lay *lay, int p, int skip)
{
	int far = -1;

	for (int i = lay->out.at[p]; i < lay->out.at[p + 1]; i++) {
		int e = lay->out.item[i];

		if (shapes(lay, e) && length(lay, e) && lay->dst[e] != skip)
			far = MAX(far, lay->layer[lay->dst[e]]);
	}
	return far;
}

/* Room of @v between its callers and callees; false when it has none to move in. */
static bool
room(const struct lay *lay, int v, int *ret_low, int *ret_high)
{
	int low = 0, high = INT_MAX;

	for (int i = lay->in.at[v]; i < lay->in.at[v + 1]; i++) {
		int e = lay->in.item[i];

		if (shapes(lay, e))
			low = MAX(low, lay->layer[lay->src[e]] + length(lay, e));
	}
	for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++) {
		int e = lay->out.item[i];

		if (shapes(lay, e))
			high = MIN(high, lay->layer[lay->dst[e]] - length(lay, e));
	}
	if (high == INT_MAX)
		high = MAX(low, lay->layer[v]);
	*ret_low = low;
	*ret_high = high;
	return high > low;
}

/* A card that was spread over the layers there are is not pulled back again. */
static bool
only_ghosts(const struct lay *lay, int v)
{
	for (int i = lay->in.at[v]; i < lay->in.at[v + 1]; i++)
		if (lay->how[lay->in.item[i]] == HOW_DRAWN)
			return false;
	return true;
}

/*
 * Move @v to where its callers' nets and its own are shortest, in tenths of layers:
 * a net costs its reach once, however many flows share it; each incoming flow a
 * little for its length.
 */
static bool
improve(struct lay *lay, int v, int *cost)
{
	int low, high, best, far;

	if (!room(lay, v, &low, &high) || (lay->o->max_layers && only_ghosts(lay, v)))
		return false;
	for (int l = low; l <= high; l++)
		cost[l - low] = 0;
	for (int i = lay->in.at[v]; i < lay->in.at[v + 1]; i++) {
		int e = lay->in.item[i], p = lay->src[e];

		if (!shapes(lay, e))
			continue;
		far = reach(lay, p, v);
		for (int l = low; l <= high; l++)
			cost[l - low] += 10 * (MAX(far, l) - lay->layer[p]) +
					 3 * (l - lay->layer[p]);
	}
	far = reach(lay, v, -1);
	best = lay->layer[v];
	for (int l = low; l <= high; l++) {
		cost[l - low] += far < 0 ? 0 : 10 * (far - l);
		if (cost[l - low] < cost[best - low] ||
			(cost[l - low] == cost[best - low] && l < best))
			best = l;
	}
	if (best == lay->layer[v])
		return false;
	lay->layer[v] = best;
	return true;
}

/* Number the layers that are used from 0 without gaps. */
static void
close_ranks(struct lay *lay)
{
	int *rank = ARENA_NEW(lay->arena, int, lay->n + 1);
	int next = 0;

	for (int v = 0; v < lay->n; v++)
		rank[lay->layer[v]] = 1;
	for (int l = 0; l < lay->n; l++)
		rank[l] = rank[l] ? next++ : 0;
	for (int v = 0; v < lay->n; v++)
		lay->layer[v] = rank[lay->layer[v]];
}

static void
assign_cold(struct lay *lay)
{
	const int *topo = topological_order(lay);
	int *cost = ARENA_NEW(lay->arena, int, lay->n + 1);
	bool moved = true;

	longest_paths(lay, topo);
	for (int pass = 0; moved && pass < PASSES; pass++) {
		moved = false;
		for (int i = 0; i < lay->n; i++)
			moved |= improve(lay, topo[pass % 2 ? i : lay->n - 1 - i], cost);
	}
	close_ranks(lay);
}

/* Layer of a new card by the neighbours that have one; INT_MIN when none has. */
static int
layer_by_neighbours(const struct lay *lay, int v, const bool *known)
{
	int layer = INT_MIN;

	for (int i = lay->in.at[v]; i < lay->in.at[v + 1]; i++) {
		int p = lay->src[lay->in.item[i]];

		if (known[p] && shapes(lay, lay->in.item[i]))
			layer = MAX(layer, lay->layer[p] + length(lay, lay->in.item[i]));
	}
	if (layer != INT_MIN)
		return layer;
	for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++) {
		int c = lay->dst[lay->out.item[i]];

		if (known[c] && shapes(lay, lay->out.item[i])) {
			int before = lay->layer[c] - length(lay, lay->out.item[i]);

			layer = layer == INT_MIN ? before : MIN(layer, before);
		}
	}
	return layer;
}

static void
place_new(struct lay *lay, bool *known)
{
	bool found = true;

	while (found) {
		found = false;
		for (int v = 0; v < lay->n; v++) {
			int layer;

			if (known[v])
				continue;
			layer = layer_by_neighbours(lay, v, known);
			if (layer == INT_MIN)
				continue;
			lay->layer[v] = layer;
			known[v] = found = true;
		}
	}
}

static void
assign_warm(struct lay *lay)
{
	bool *known = ARENA_NEW(lay->arena, bool, lay->n);
	int least = 0;

	for (int v = 0; v < lay->n; v++) {
		const struct memory_entry *e =
			memory_get(lay->old, memory_card_id(lay->g->card[v].key));

		known[v] = e;
		lay->layer[v] = e ? e->value[0] : 0;
	}
	place_new(lay, known);
	/* An island of new cards: as if each began at the left; edges settle the rest. */
	for (int v = 0; v < lay->n; v++) {
		if (known[v])
			continue;
		known[v] = true;
		place_new(lay, known);
	}
	for (int v = 0; v < lay->n; v++)
		least = MIN(least, lay->layer[v]);
	for (int v = 0; v < lay->n; v++)
		lay->layer[v] -= least;
	lay->shift = -least;
	for (int e = 0; e < lay->m; e++)
		if (lay->how[e] == HOW_DRAWN || lay->how[e] == HOW_BACK)
			lay->how[e] = lay->layer[lay->src[e]] < lay->layer[lay->dst[e]]
					      ? HOW_DRAWN
					      : HOW_BACK;
}

void
layout_layers(struct lay *lay)
{
	lay->layer = ARENA_NEW(lay->arena, int, lay->n);
	if (lay->old)
		assign_warm(lay);
	else
		assign_cold(lay);
	lay->layers = 0;
	for (int v = 0; v < lay->n; v++)
		lay->layers = MAX(lay->layers, lay->layer[v] + 1);
}
