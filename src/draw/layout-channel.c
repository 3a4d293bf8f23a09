/*
 * How lines run between two layers.
 *
 * A net comes in on one row from the left and leaves to the right on one or more. On
 * the same row it is a straight line; else it is a vertical trunk with a branch to
 * each row. Trunks that overlap need columns, tracks, of their own, and the order of
 * the tracks decides what crosses: a branch to the right crosses the trunks further
 * right, the line from the left those further left.
 *
 * One thing must not happen: two horizontal lines on one row. That is so when A has a
 * branch on the row where B comes in and A is left of B. Two nets that swap rows want
 * both orders at once; then A's branch takes a dogleg: it goes to a row that nobody
 * uses, and a trunk of its own from there. A free row constrains nothing, so this
 * always ends.
 *
 * In a warm run most channels are as they were, and their routes are taken over.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "layout-track.h"
#include "weir/base/util.h"

#define ATTEMPTS 40

struct work {
	struct lay *lay;
	struct channel *ch;
	struct tracks tracks;
	int room_trunks, room_taps;
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
		tracks_touch(&w->tracks, a);
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

	w->ch->unresolved = 0;
	for (int x = 0; x < w->tracks.count; x++) {
		int a = tracks_overlapped(&w->tracks, x);

		if (a < 0)
			continue;
		w->ch->unresolved++;
		found |= add_dogleg(w, a, w->ch->trunk[w->tracks.seq[x]].row);
	}
	return found;
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
make_room(struct work *w, int layer)
{
	struct lay *lay = w->lay;
	int nets = lay->layer_at[layer + 1] - lay->layer_at[layer], links = 0;

	for (int i = lay->layer_at[layer]; i < lay->layer_at[layer + 1]; i++)
		links += lay->right.at[lay->order[i] + 1] - lay->right.at[lay->order[i]];
	w->room_trunks = nets + links;
	w->room_taps = 2 * links;
	w->rows = lay->height + links + 2;
	w->ch->trunk = ARENA_NEW(lay->arena, struct trunk, w->room_trunks);
	w->ch->tap = ARENA_NEW(lay->arena, struct tap, w->room_taps);
	w->used = ARENA_NEW(lay->arena, bool, w->rows);
}

static void
route(struct work *w)
{
	mark_used_rows(w);
	tracks_init(&w->tracks, w->lay->arena, w->ch, w->rows, w->room_trunks);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		tracks_order(&w->tracks);
		if (!mend_overlaps(w))
			break;
	}
	tracks_columns(&w->tracks);
}

void
layout_channels(struct lay *lay)
{
	lay->channel = ARENA_NEW(lay->arena, struct channel, MAX(lay->layers, 1));
	for (int l = 0; l + 1 < lay->layers; l++) {
		struct work w = { .lay = lay, .ch = &lay->channel[l] };

		make_room(&w, l);
		list_trunks(&w, l);
		if (route_recall(lay, l, w.ch))
			continue;
		route_note(lay, l, w.ch);
		route(&w);
		route_keep(lay, l, w.ch);
	}
}
