/*
 * The order of the tracks of a channel.
 *
 * Costs of all pairs are kept in a matrix, and after a dogleg only those of the
 * trunks it touched are computed again. The order is found by insertion and sifting:
 * each track in turn goes to its cheapest place among the others.
 */
#include "config.h"

#include <string.h>

#include "layout-track.h"
#include "weir/base/util.h"

#define SIFTS 4
#define SIFTS_AGAIN 2
#define SPARE 16 /* trunks that doglegs may add before the matrix has to grow */

enum {
	COST_OVERLAP = 1000,
	COST_CHILD_FIRST = 5000
};

static bool
is_straight(const struct trunk *t)
{
	return t->top == t->bottom;
}

/*
 * What it costs to have @a left of @b: the cells where they cross. No two trunks have
 * a tap on one row, since a row of a layer belongs to one card or lane.
 */
static int
pair_cost(const struct tracks *w, int a, int b)
{
	const struct trunk *ta = &w->ch->trunk[a], *tb = &w->ch->trunk[b];
	const uint16_t *above = w->above + (size_t)a * (size_t)w->rows;
	int cost;

	if (ta->parent == b)
		return COST_CHILD_FIRST;
	if (ta->bottom < tb->top || tb->bottom < ta->top)
		return 0;
	cost = above[tb->bottom + 1] - above[tb->top];
	if (w->tapper[tb->row] == a + 1)
		return cost - 1 + (tb->parent == a ? 0 : COST_OVERLAP);
	return cost + (ta->top <= tb->row && tb->row <= ta->bottom);
}

/* How many taps trunk @i has above each row of its span, and which rows are its. */
static void
index_taps(struct tracks *w, int i)
{
	const struct trunk *t = &w->ch->trunk[i];
	uint16_t *above = w->above + (size_t)i * (size_t)w->rows, sum = 0;

	memset(above, 0, (size_t)w->rows * sizeof(*above));
	for (int k = 0; k < t->taps; k++) {
		int row = w->ch->tap[t->first_tap + k].row;

		above[row + 1]++;
		w->tapper[row] = i + 1;
	}
	for (int r = t->top; r < w->rows; r++)
		above[r] = sum = (uint16_t)(sum + above[r]);
}

static void
set_cost(struct tracks *w, int a, int b)
{
	int left = pair_cost(w, a, b), right = pair_cost(w, b, a);

	w->cost[a * w->room + b] = left;
	w->cost[b * w->room + a] = right;
	w->gain[a * w->room + b] = right - left;
	w->gain[b * w->room + a] = left - right;
}

static void
grow(struct tracks *w)
{
	size_t room = (size_t)w->ch->trunks + SPARE;

	w->room = (int)room;
	w->cost = arena_scratch(w->arena, room * room * sizeof(*w->cost));
	w->gain = arena_scratch(w->arena, room * room * sizeof(*w->gain));
	w->above = arena_scratch(w->arena, room * (size_t)w->rows * sizeof(*w->above));
	w->dirty = ARENA_NEW(w->arena, bool, room);
	memset(w->dirty, 1, room);
}

static void
update_costs(struct tracks *w)
{
	if (w->ch->trunks > w->room)
		grow(w);
	for (int i = w->known; i < w->ch->trunks; i++)
		w->dirty[i] = true;
	for (int i = 0; i < w->ch->trunks; i++)
		if (w->dirty[i])
			index_taps(w, i);
	for (int i = 0; i < w->ch->trunks; i++) {
		if (is_straight(&w->ch->trunk[i]))
			continue;
		for (int k = 0; k < i; k++)
			if ((w->dirty[i] || w->dirty[k]) &&
				!is_straight(&w->ch->trunk[k]))
				set_cost(w, i, k);
	}
}

/*
 * The cheapest place for trunk @i among the first @n of seq, the first of equals.
 * Costs are relative to the leftmost place.
 */
static int
best_place(struct tracks *w, int i, int n)
{
	const int *gain = w->gain + (size_t)i * (size_t)w->room;
	int sum = 0, best = 0, place = 0;

	w->costs[0] = 0;
	for (int k = 0; k < n; k++) {
		sum += gain[w->seq[k]];
		w->costs[k + 1] = sum;
		if (sum < best) {
			best = sum;
			place = k + 1;
		}
	}
	return place;
}

static void
insert(int *seq, int n, int place, int i)
{
	memmove(seq + place + 1, seq + place, (size_t)(n - place) * sizeof(*seq));
	seq[place] = i;
}

static void
take_out(int *seq, int n, int at)
{
	memmove(seq + at, seq + at + 1, (size_t)(n - at - 1) * sizeof(*seq));
}

/* One round of moving each track to its best place; true when one moved. */
static bool
sift(struct tracks *w)
{
	bool moved = false;

	for (int i = 0; i < w->ch->trunks; i++) {
		int at = 0, place;

		if (is_straight(&w->ch->trunk[i]))
			continue;
		while (w->seq[at] != i)
			at++;
		take_out(w->seq, w->count, at);
		place = best_place(w, i, w->count - 1);
		if (w->costs[place] >= w->costs[at])
			place = at;
		moved |= place != at;
		insert(w->seq, w->count - 1, place, i);
	}
	return moved;
}

void
tracks_init(
	struct tracks *w, struct arena *a, struct channel *ch, int rows, int room_trunks)
{
	*w = (struct tracks){ .arena = a, .ch = ch, .rows = rows + 2 };
	w->tapper = ARENA_NEW(a, int, w->rows);
	w->seq = ARENA_NEW(a, int, room_trunks);
	w->costs = ARENA_NEW(a, int, room_trunks + 1);
}

void
tracks_order(struct tracks *w)
{
	int rounds = w->count ? SIFTS_AGAIN : SIFTS;

	update_costs(w);
	for (int i = w->known; i < w->ch->trunks; i++)
		if (!is_straight(&w->ch->trunk[i])) {
			insert(w->seq, w->count, best_place(w, i, w->count), i);
			w->count++;
		}
	w->known = w->ch->trunks;
	for (int r = 0; r < rounds; r++)
		if (!sift(w))
			break;
	if (w->room)
		memset(w->dirty, 0, (size_t)w->room);
}

void
tracks_touch(struct tracks *w, int trunk)
{
	w->dirty[trunk] = true;
}

int
tracks_overlapped(const struct tracks *w, int x)
{
	int b = w->seq[x], a = w->tapper[w->ch->trunk[b].row] - 1;

	if (a < 0 || a == b || w->ch->trunk[b].parent == a)
		return -1;
	for (int y = 0; y < x; y++)
		if (w->seq[y] == a)
			return a;
	return -1;
}

/* The leftmost column behind all earlier tracks that overlap. */
void
tracks_columns(struct tracks *w)
{
	struct channel *ch = w->ch;

	for (int x = 0; x < w->count; x++) {
		int a = w->seq[x];
		struct trunk *t = &ch->trunk[a];

		t->column = 0;
		for (int y = 0; y < x; y++) {
			int b = w->seq[y];
			const struct trunk *u = &ch->trunk[b];

			if (u->bottom < t->top || t->bottom < u->top)
				continue;
			t->column = MAX(t->column, u->column + 1);
			ch->crossings += w->cost[b * w->room + a];
		}
		ch->tracks = MAX(ch->tracks, t->column + 1);
	}
	/* Straight lines cross every trunk that spans their row. */
	for (int i = 0; i < ch->trunks; i++)
		for (int x = 0; is_straight(&ch->trunk[i]) && x < w->count; x++) {
			const struct trunk *u = &ch->trunk[w->seq[x]];

			ch->crossings +=
				u->top < ch->trunk[i].row && ch->trunk[i].row < u->bottom;
		}
}
