/*
 * How lines run between two layers.
 *
 * A net comes in on one row from the left and leaves to the right on one or more. On
 * the same row it is a straight line; else it is a vertical trunk with a branch to
 * each row. Trunks that overlap need columns, tracks, of their own, and the order of
 * the tracks decides what crosses: a branch to the right crosses the trunks further
 * right, the line from the left those further left. Good orders are found by
 * insertion and sifting, O(trunks squared) a round.
 *
 * One thing must not happen: two horizontal lines on one row. That is so when A has a
 * branch on the row where B comes in and A is left of B. Two nets that swap rows want
 * both orders at once; then A's branch takes a dogleg: it goes to a row that nobody
 * uses, and a trunk of its own from there. A free row constrains nothing, so this
 * always ends.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "layout-priv.h"
#include "weir/base/util.h"

#define ATTEMPTS 40
#define SIFTS 4

enum {
	COST_OVERLAP = 1000,
	COST_CHILD_FIRST = 5000
};

struct work {
	struct lay *lay;
	struct channel *ch;
	int room_trunks, room_taps;
	int *track; /* trunks that need one */
	int tracks; /* how many they are */
	int *cost;  /* cost[i * tracks + k]: track i left of track k */
	int *seq;   /* indices of track, left to right */
	int *delta;
	bool *used; /* rows that some line takes */
	int rows;
};

static void
find_span(struct channel *ch, struct trunk *t)
{
	t->top = t->bottom = t->row;
	for (int i = 0; i < t->taps; i++) {
		int row = ch->tap[t->first_tap + i].row;

		t->top = MIN(t->top, row);
		t->bottom = MAX(t->bottom, row);
	}
}

static bool
taps_row(const struct channel *ch, const struct trunk *t, int row)
{
	for (int i = 0; i < t->taps; i++)
		if (ch->tap[t->first_tap + i].row == row)
			return true;
	return false;
}

/* What it costs to have @a left of @b: the cells where they cross. */
static int
pair_cost(const struct channel *ch, int a, int b)
{
	const struct trunk *ta = &ch->trunk[a], *tb = &ch->trunk[b];
	int cost = 0;

	if (ta->parent == b)
		return COST_CHILD_FIRST;
	if (ta->bottom < tb->top || tb->bottom < ta->top)
		return 0;
	for (int i = 0; i < ta->taps; i++) {
		int row = ch->tap[ta->first_tap + i].row;

		if (row == tb->row)
			cost += tb->parent == a ? 0 : COST_OVERLAP;
		else if (row >= tb->top && row <= tb->bottom && !taps_row(ch, tb, row))
			cost++;
	}
	if (ta->top <= tb->row && tb->row <= ta->bottom && !taps_row(ch, ta, tb->row))
		cost++;
	return cost;
}

static void
list_trunks(struct work *w, int layer)
{
	struct lay *lay = w->lay;
	struct channel *ch = w->ch;

	for (int i = lay->layer_at[layer]; i < lay->layer_at[layer + 1]; i++) {
		int el = lay->order[i], first = lay->right.at[el];
		struct trunk *t = &ch->trunk[ch->trunks];

		if (lay->right.at[el + 1] == first)
			continue;
		*t = (struct trunk){ .el = el,
			.row = lay->y[el] + lay->port[el],
			.parent = -1,
			.first_tap = ch->taps,
			.column = -1 };
		for (int k = first; k < lay->right.at[el + 1]; k++) {
			int link = lay->right.item[k];

			ch->tap[ch->taps++] =
				(struct tap){ link_to_row(lay, link), link, -1 };
			t->taps++;
		}
		find_span(ch, t);
		ch->trunks++;
	}
}

static void
compute_costs(struct work *w)
{
	struct channel *ch = w->ch;

	w->tracks = 0;
	for (int i = 0; i < ch->trunks; i++)
		if (ch->trunk[i].top != ch->trunk[i].bottom)
			w->track[w->tracks++] = i;
	for (int i = 0; i < w->tracks; i++)
		for (int k = 0; k < w->tracks; k++)
			w->cost[i * w->tracks + k] =
				i == k ? 0 : pair_cost(ch, w->track[i], w->track[k]);
}

static int
cost(const struct work *w, int left, int right)
{
	return w->cost[left * w->tracks + right];
}

/* The cheapest place for track @i among the first @n of seq; the first of equals. */
static int
best_place(struct work *w, int i, int n, int *ret_cost)
{
	int sum = 0, best, place = 0;

	for (int k = 0; k < n; k++)
		sum += cost(w, i, w->seq[k]);
	best = sum;
	w->delta[0] = sum;
	for (int k = 0; k < n; k++) {
		sum += cost(w, w->seq[k], i) - cost(w, i, w->seq[k]);
		w->delta[k + 1] = sum;
		if (sum < best) {
			best = sum;
			place = k + 1;
		}
	}
	*ret_cost = best;
	return place;
}

static void
insert(int *seq, int n, int place, int i)
{
	for (int k = n; k > place; k--)
		seq[k] = seq[k - 1];
	seq[place] = i;
}

static void
order_tracks(struct work *w)
{
	bool moved = true;
	int best;

	for (int i = 0; i < w->tracks; i++)
		insert(w->seq, i, best_place(w, i, i, &best), i);
	for (int round = 0; moved && round < SIFTS; round++) {
		moved = false;
		for (int i = 0; i < w->tracks; i++) {
			int at = 0, place;

			while (w->seq[at] != i)
				at++;
			for (int k = at; k + 1 < w->tracks; k++)
				w->seq[k] = w->seq[k + 1];
			place = best_place(w, i, w->tracks - 1, &best);
			if (best >= w->delta[at])
				place = at;
			else
				moved = true;
			insert(w->seq, w->tracks - 1, place, i);
		}
	}
}

/* The nearest row that no line of this channel takes, between @a and @b if possible. */
static int
free_row(const struct work *w, int a, int b)
{
	int low = MIN(a, b), high = MAX(a, b), best = -1, best_cost = INT_MAX;

	for (int row = 0; row < w->rows; row++) {
		int outside = row < low ? low - row : row > high ? row - high : 0;
		int c = outside * 1000 + abs(row - b);

		if (!w->used[row] && c < best_cost) {
			best_cost = c;
			best = row;
		}
	}
	return best;
}

/* Send the tap of @a that lies on row @row over a free row. False when out of room. */
static bool
add_dogleg(struct work *w, int a, int row)
{
	struct channel *ch = w->ch;
	struct trunk *t;
	int f;

	if (ch->trunks == w->room_trunks || ch->taps == w->room_taps)
		return false;
	f = free_row(w, ch->trunk[a].row, row);
	if (f < 0)
		return false;
	for (int i = 0; i < ch->trunk[a].taps; i++) {
		struct tap *tap = &ch->tap[ch->trunk[a].first_tap + i];

		if (tap->row != row)
			continue;
		t = &ch->trunk[ch->trunks];
		*t = (struct trunk){ .el = ch->trunk[a].el,
			.row = f,
			.parent = a,
			.first_tap = ch->taps,
			.taps = 1,
			.column = -1 };
		ch->tap[ch->taps++] = *tap;
		*tap = (struct tap){ f, tap->link, ch->trunks };
		find_span(ch, t);
		find_span(ch, &ch->trunk[a]);
		ch->trunks++;
		ch->doglegs++;
		w->used[f] = true;
		w->lay->height = MAX(w->lay->height, f + 1);
		return true;
	}
	return false;
}

/* Give a dogleg to every branch that overlaps; true when there was one. */
static bool
mend_overlaps(struct work *w)
{
	bool found = false;

	for (int x = 0; x < w->tracks; x++) {
		for (int y = x + 1; y < w->tracks; y++) {
			int a = w->track[w->seq[x]], b = w->track[w->seq[y]];

			if (cost(w, w->seq[x], w->seq[y]) < COST_OVERLAP)
				continue;
			w->ch->unresolved++;
			if (w->ch->trunk[a].parent != b &&
				add_dogleg(w, a, w->ch->trunk[b].row))
				found = true;
		}
	}
	return found;
}

/* The leftmost column behind all earlier tracks that overlap. */
static void
assign_columns(struct work *w)
{
	struct channel *ch = w->ch;

	for (int x = 0; x < w->tracks; x++) {
		struct trunk *t = &ch->trunk[w->track[w->seq[x]]];

		t->column = 0;
		for (int y = 0; y < x; y++) {
			const struct trunk *u = &ch->trunk[w->track[w->seq[y]]];

			if ((u->top <= t->bottom && t->top <= u->bottom) ||
				&ch->trunk[MAX(t->parent, 0)] == u)
				t->column = MAX(t->column, u->column + 1);
			if (u->top <= t->bottom && t->top <= u->bottom)
				ch->crossings += cost(w, w->seq[y], w->seq[x]);
		}
		ch->tracks = MAX(ch->tracks, t->column + 1);
	}
	/* Straight lines cross every trunk that spans their row. */
	for (int i = 0; i < ch->trunks; i++) {
		if (ch->trunk[i].top != ch->trunk[i].bottom)
			continue;
		for (int x = 0; x < w->tracks; x++) {
			const struct trunk *u = &ch->trunk[w->track[x]];

			ch->crossings +=
				u->top < ch->trunk[i].row && ch->trunk[i].row < u->bottom;
		}
	}
}

static void
mark_used_rows(struct work *w)
{
	for (int i = 0; i < w->ch->trunks; i++)
		w->used[w->ch->trunk[i].row] = true;
	for (int i = 0; i < w->ch->taps; i++)
		w->used[w->ch->tap[i].row] = true;
}

static void
route(struct work *w, int layer)
{
	struct arena *a = w->lay->arena;
	struct lay *lay = w->lay;
	int nets = lay->layer_at[layer + 1] - lay->layer_at[layer], links = 0;
	int size;

	for (int i = lay->layer_at[layer]; i < lay->layer_at[layer + 1]; i++)
		links += lay->right.at[lay->order[i] + 1] - lay->right.at[lay->order[i]];
	w->room_trunks = nets + links;
	w->room_taps = 2 * links;
	w->rows = lay->height + links + 2;
	w->ch->trunk = ARENA_NEW(a, struct trunk, w->room_trunks);
	w->ch->tap = ARENA_NEW(a, struct tap, w->room_taps);
	w->used = ARENA_NEW(a, bool, w->rows);
	list_trunks(w, layer);
	mark_used_rows(w);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		size = w->ch->trunks;
		w->track = ARENA_NEW(a, int, size);
		w->seq = ARENA_NEW(a, int, size);
		w->delta = ARENA_NEW(a, int, size + 1);
		w->cost = ARENA_NEW(a, int, size *size);
		compute_costs(w);
		order_tracks(w);
		w->ch->unresolved = 0;
		if (!mend_overlaps(w))
			break;
	}
	assign_columns(w);
}

void
layout_channels(struct lay *lay)
{
	lay->channel = ARENA_NEW(lay->arena, struct channel, MAX(lay->layers, 1));
	for (int l = 0; l + 1 < lay->layers; l++) {
		struct work w = { .lay = lay, .ch = &lay->channel[l] };

		route(&w, l);
	}
}
