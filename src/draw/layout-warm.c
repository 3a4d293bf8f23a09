/*
 * The order of a warm run: known elements keep theirs, by the rows they had, and a new
 * one goes where it moves the others least and is near to the rows of its neighbours:
 * into a gap, or to the end. Nothing is swept: a crossing more is better than a map
 * that jumps.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "layout-priv.h"
#include "weir/base/util.h"

/* What it costs to move another element by a row, in rows away from the neighbours. */
#define DISPLACEMENT 3

static const struct memory_entry *
remembered(const struct lay *lay, int el)
{
	uint32_t key = lay->g->card[lay->el_card[el]].key;

	if (el < lay->n)
		return memory_get(lay->old, memory_card_id(key));
	return memory_get(lay->old, memory_lane_id(key, lay->el_layer[el] - lay->shift));
}

static int
old_row(const struct lay *lay, int el)
{
	const struct memory_entry *e = remembered(lay, el);

	if (!e)
		return INT_MIN;
	return el < lay->n ? e->value[1] : e->value[0];
}

/* Mean old row of the neighbours of @el that had one; @none when there is none. */
static int
wanted_row(const struct lay *lay, int el, const int *row, int none)
{
	int64_t sum = 0;
	int count = 0;

	for (int k = lay->left.at[el]; k < lay->left.at[el + 1]; k++) {
		int r = row[lay->link_from[lay->left.item[k]]];

		if (r != INT_MIN) {
			sum += r;
			count++;
		}
	}
	for (int k = lay->right.at[el]; k < lay->right.at[el + 1]; k++) {
		int r = row[lay->link_to[lay->right.item[k]]];

		if (r != INT_MIN) {
			sum += r;
			count++;
		}
	}
	return count ? (int)(sum / count) : none;
}

static void
insert_at(int *order, int count, int at, int el)
{
	for (int i = count; i > at; i--)
		order[i] = order[i - 1];
	order[at] = el;
}

/* Rows that @el takes, before layout_sizes() has said so. */
static int
height(const struct lay *lay, int el)
{
	const struct layout_card *card;

	if (el >= lay->n)
		return 1;
	card = &lay->g->card[el];
	return card->head + MAX(1, lay->left.at[el + 1] - lay->left.at[el]) + card->tail +
	       lay->o->gap;
}

/* Rows that the elements behind place @at move when @el is put there on row @y. */
static int
displaced(const struct lay *lay, const int *order, int count, int at, const int *row,
	int el, int y)
{
	int end = y + height(lay, el), sum = 0;

	for (int i = at; i < count && row[order[i]] < end; i++) {
		sum += end - row[order[i]];
		end += height(lay, order[i]);
	}
	return sum;
}

/* The best place for @el among the @count of @order, and its row there. */
static int
find_place(const struct lay *lay, const int *order, int count, const int *row, int el,
	int want, int *ret_row)
{
	int best = INT_MAX, place = count;

	for (int at = 0; at <= count; at++) {
		int least = at ? row[order[at - 1]] + height(lay, order[at - 1]) : 0;
		int most = at < count ? row[order[at]] - height(lay, el) : INT_MAX;
		int y = MAX(least, MIN(want, most)), cost;

		cost = abs(y - want) +
		       DISPLACEMENT * displaced(lay, order, count, at, row, el, y);
		if (cost < best) {
			best = cost;
			place = at;
			*ret_row = y;
		}
	}
	return place;
}

/* Put the new @el at its place; those behind it make room. */
static void
add_new(const struct lay *lay, int *order, int count, int *row, int el)
{
	int below = count ? row[order[count - 1]] + height(lay, order[count - 1]) : 0;
	int y = below, end;
	int at = find_place(
		lay, order, count, row, el, wanted_row(lay, el, row, below), &y);

	insert_at(order, count, at, el);
	row[el] = y;
	end = y + height(lay, el);
	for (int i = at + 1; i <= count && row[order[i]] < end; i++) {
		row[order[i]] = end;
		end += height(lay, order[i]);
	}
}

static void
order_layer(struct lay *lay, int l, int *row, int *fresh)
{
	int *order = lay->order + lay->layer_at[l];
	int n = lay->layer_at[l + 1] - lay->layer_at[l], known = 0, news = 0;

	for (int i = 0; i < n; i++) {
		int el = order[i], at = known;

		if (row[el] == INT_MIN) {
			fresh[news++] = el;
			continue;
		}
		while (at > 0 && row[order[at - 1]] > row[el])
			at--;
		insert_at(order, known++, at, el);
	}
	for (int i = 0; i < news; i++)
		add_new(lay, order, known++, row, fresh[i]);
}

void
layout_order_warm(struct lay *lay)
{
	int *row = ARENA_NEW(lay->arena, int, lay->els);
	int *fresh = ARENA_NEW(lay->arena, int, lay->els);

	for (int el = 0; el < lay->els; el++)
		row[el] = old_row(lay, el);
	for (int l = 0; l < lay->layers; l++)
		order_layer(lay, l, row, fresh);
	for (int l = 0; l < lay->layers; l++)
		for (int i = lay->layer_at[l]; i < lay->layer_at[l + 1]; i++)
			lay->pos[lay->order[i]] = i - lay->layer_at[l];
	lay->bundled_crossings = layout_count_crossings(lay);
}
