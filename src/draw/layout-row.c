/*
 * Which row each element is on, in whole rows.
 *
 * Each link wishes that its two ends were on one row. For one layer, with the order
 * and the least distances kept and the neighbouring layers standing still, the rows
 * with the least sum of weighted distances from what is wished are an L1 isotonic
 * regression: pool neighbours that would overlap into a block, and put a block on the
 * weighted median of all its wishes. A median, unlike a mean, is one of the wishes, so
 * that many lines come out exactly straight. Sweeping over the layers settles in a few
 * rounds; O(rounds * wishes * log).
 *
 * Lanes weigh more than cards, since a bend in a long line shows most. In a warm run
 * the old row is the heaviest wish of all: a card moves only when it would overlap.
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

#define ROUNDS 10
#define ONE_SIDED 6 /* rounds that look at one neighbouring layer only */
#define UNBOUNDED 4 /* rounds that may go beyond the height */
#define LARGE 500   /* elements; more get fewer rounds */
#define LARGE_ROUNDS 6
#define ROUNDS_WARM 2
#define STRAIGHT 16 /* as heavy as so many is a link that shall be straight */

enum {
	WEIGHT_STAY = 1, /* of an element that nothing else pulls */
	WEIGHT_CARD_CARD = 100,
	WEIGHT_LANE_CARD = 300,
	WEIGHT_LANE_LANE = 600,
	WEIGHT_OLD_LANE = 1500,
	WEIGHT_OLD_CARD = 6000,
	WEIGHT_PINNED = 1000000
};

struct wish {
	int at, weight;
};

struct block {
	int first, count; /* elements */
	int wish, wishes; /* a slice of wishes, sorted */
	int total;        /* weight */
	int mid;          /* index of the median among the wishes */
	int before;       /* weight of the wishes before it */
};

struct work {
	struct lay *lay;
	struct wish *wish;
	struct block *block;
	int *offset;
	int *old; /* old rows, INT_MIN where there is none */
	int tallest;
};

static bool
is_lane(const struct lay *lay, int el)
{
	return el >= lay->n;
}

static int
link_weight(const struct lay *lay, int link)
{
	int lanes = is_lane(lay, lay->link_from[link]) + is_lane(lay, lay->link_to[link]);
	int weight = lanes == 2 ? WEIGHT_LANE_LANE
		     : lanes    ? WEIGHT_LANE_CARD
				: WEIGHT_CARD_CARD;

	return lay->straight && lay->straight[link] ? STRAIGHT * weight : weight;
}

static void
add_wish(struct wish *w, int *count, int at, int weight)
{
	int i = (*count)++;

	for (; i > 0 && w[i - 1].at > at; i--)
		w[i] = w[i - 1];
	w[i] = (struct wish){ at, weight };
}

/* Wishes of @el for its own row, less @offset, sorted. */
static int
collect_wishes(
	struct work *w, struct wish *wish, int el, int offset, bool left, bool right)
{
	struct lay *lay = w->lay;
	int count = 0;

	for (int k = lay->left.at[el]; left && k < lay->left.at[el + 1]; k++) {
		int link = lay->left.item[k];

		add_wish(wish, &count,
			link_from_row(lay, link) - lay->link_row[link] - offset,
			link_weight(lay, link));
	}
	for (int k = lay->right.at[el]; right && k < lay->right.at[el + 1]; k++) {
		int link = lay->right.item[k];

		add_wish(wish, &count, link_to_row(lay, link) - lay->port[el] - offset,
			link_weight(lay, link));
	}
	if (w->old && w->old[el] != INT_MIN)
		add_wish(wish, &count, w->old[el] - offset,
			is_lane(lay, el) ? WEIGHT_OLD_LANE : WEIGHT_OLD_CARD);
	if (!is_lane(lay, el) && lay->g->card[el].pin)
		add_wish(wish, &count, lay->g->card[el].pin - 1 - offset, WEIGHT_PINNED);
	if (count == 0)
		add_wish(wish, &count, lay->y[el] - offset, WEIGHT_STAY);
	return count;
}

/* Move the median to where half of the weight lies before it. */
static void
settle(const struct wish *wish, struct block *b)
{
	while (2 * b->before >= b->total && b->mid > 0)
		b->before -= wish[--b->mid].weight;
	while (2 * (b->before + wish[b->mid].weight) < b->total)
		b->before += wish[b->mid++].weight;
}

static int
median(const struct work *w, const struct block *b)
{
	return w->wish[b->wish + b->mid].at;
}

/*
 * Pool block @b, whose wishes lie just behind, into @a. Mostly @b is one element with
 * few wishes, and moving the others up is fast.
 */
static void
pool(struct work *w, struct block *a, const struct block *b)
{
	struct wish *x = w->wish + a->wish;
	int low = 0;

	for (int k = 0; k < b->wishes; k++) {
		struct wish y = x[a->wishes];
		int high = a->wishes;

		while (low < high) {
			int half = (low + high) / 2;

			if (x[half].at <= y.at)
				low = half + 1;
			else
				high = half;
		}
		memmove(x + low + 1, x + low, (size_t)(a->wishes - low) * sizeof(*x));
		x[low] = y;
		if (low <= a->mid) {
			a->mid++;
			a->before += y.weight;
		}
		a->wishes++;
	}
	a->count += b->count;
	a->total += b->total;
	settle(x, a);
}

static void
place_layer(struct work *w, int l, bool left, bool right, int max_height)
{
	struct lay *lay = w->lay;
	int first = lay->layer_at[l], n = lay->layer_at[l + 1] - first;
	int need = 0, wishes = 0, blocks = 0, room;

	for (int i = 0; i < n; i++) {
		int el = lay->order[first + i];
		struct block *b = &w->block[blocks];

		if (i > 0)
			need += layout_gap(lay, lay->order[first + i - 1], el);
		w->offset[i] = need;
		need += lay->h[el];
		*b = (struct block){ .first = i, .count = 1, .wish = wishes };
		b->wishes = collect_wishes(
			w, w->wish + wishes, el, w->offset[i], left, right);
		for (int k = 0; k < b->wishes; k++)
			b->total += w->wish[wishes + k].weight;
		wishes += b->wishes;
		settle(w->wish + b->wish, b);
		blocks++;
		while (blocks > 1 && median(w, &w->block[blocks - 2]) >
					     median(w, &w->block[blocks - 1])) {
			pool(w, &w->block[blocks - 2], &w->block[blocks - 1]);
			blocks--;
		}
	}
	room = max_height - need;
	for (int b = 0; b < blocks; b++) {
		int at = median(w, &w->block[b]);

		/* Clamping a solution of the isotonic problem leaves it one. */
		if (max_height)
			at = CLAMP(at, 0, MAX(room, 0));
		for (int i = w->block[b].first; i < w->block[b].first + w->block[b].count;
			i++)
			lay->y[lay->order[first + i]] = at + w->offset[i];
	}
}

/* Each layer packed from the top: where a cold run starts, and the least height. */
static void
pack(struct work *w)
{
	struct lay *lay = w->lay;

	for (int l = 0; l < lay->layers; l++) {
		int y = 0;

		for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
			int el = lay->order[i];

			if (i > lay->layer_at[l])
				y += layout_gap(lay, lay->order[i - 1], el);
			lay->y[el] = y;
			y += lay->h[el];
		}
		w->tallest = MAX(w->tallest, y);
	}
}

static void
recall_old_rows(struct work *w)
{
	struct lay *lay = w->lay;

	w->old = ARENA_NEW(lay->arena, int, lay->els);
	for (int el = 0; el < lay->els; el++) {
		uint32_t key = lay->g->card[lay->el_card[el]].key;
		const struct memory_entry *e =
			is_lane(lay, el)
				? memory_get(lay->old,
					  memory_lane_id(
						  key, lay->el_layer[el] - lay->shift))
				: memory_get(lay->old, memory_card_id(key));

		w->old[el] = !e ? INT_MIN : e->value[is_lane(lay, el) ? 0 : 1];
		if (e)
			lay->y[el] = w->old[el];
	}
}

static void
sweep_cold(struct work *w)
{
	struct lay *lay = w->lay;
	int rounds = lay->els > LARGE ? LARGE_ROUNDS : ROUNDS;
	int one_sided = rounds - (ROUNDS - ONE_SIDED);

	for (int r = 0; r < rounds; r++) {
		bool both = r >= one_sided, rightwards = r % 2 == 0;
		int limit = r >= rounds - (ROUNDS - UNBOUNDED)
				    ? MAX(w->tallest, lay->o->max_height)
				    : 0;

		for (int i = 0; i < lay->layers; i++)
			place_layer(w, rightwards ? i : lay->layers - 1 - i,
				both || rightwards, both || !rightwards, limit);
	}
}

/* Is there an element without a row, or one that is not clear of the one above? */
static bool
needs_work(const struct work *w, int l, int limit)
{
	const struct lay *lay = w->lay;
	int below = 0;

	for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++) {
		int el = lay->order[i];
		int gap =
			i > lay->layer_at[l] ? layout_gap(lay, lay->order[i - 1], el) : 0;

		if (w->old[el] == INT_MIN || lay->y[el] < below + gap)
			return true;
		below = lay->y[el] + lay->h[el];
	}
	return below > limit;
}

/* Only layers where something is new or would overlap; all others stay as they are. */
static void
sweep_warm(struct work *w)
{
	struct lay *lay = w->lay;
	int limit = MAX(w->tallest, lay->o->max_height);
	bool *work = ARENA_NEW(lay->arena, bool, lay->layers);

	/* What was drawn lower down may stay there, although there is room above now. */
	for (int el = 0; el < lay->els; el++)
		if (w->old[el] != INT_MIN)
			limit = MAX(limit, lay->y[el] + lay->h[el]);
	for (int l = 0; l < lay->layers; l++)
		work[l] = needs_work(w, l, limit);
	for (int r = 0; r < ROUNDS_WARM; r++)
		for (int l = 0; l < lay->layers; l++)
			if (work[l])
				place_layer(w, l, true, true, limit);
}

static void
find_height(struct lay *lay, bool move_to_top)
{
	int top = INT_MAX;

	for (int el = 0; el < lay->els; el++)
		top = MIN(top, lay->y[el]);
	lay->height = 0;
	for (int el = 0; el < lay->els; el++) {
		if (move_to_top)
			lay->y[el] -= top;
		lay->height = MAX(lay->height, lay->y[el] + lay->h[el]);
	}
}

void
layout_rows(struct lay *lay)
{
	struct arena *a = lay->arena;
	struct work w = { .lay = lay };
	int most = 2 * lay->links + 3 * lay->els;

	lay->y = ARENA_NEW(a, int, lay->els);
	w.wish = ARENA_NEW(a, struct wish, most);
	w.block = ARENA_NEW(a, struct block, lay->els);
	w.offset = ARENA_NEW(a, int, lay->els);
	pack(&w);
	if (lay->old) {
		recall_old_rows(&w);
		sweep_warm(&w);
	} else {
		layout_straight(lay, lay->y);
		sweep_cold(&w);
		if (lay->straighten)
			layout_straighten(lay, MAX(w.tallest, lay->o->max_height));
	}
	find_height(lay, !lay->old);
}
