/*
 * The order of a warm run: known elements keep theirs, by the rows they had, and new
 * ones go into the slot nearest to the rows of their neighbours. Nothing is swept: a
 * crossing more is better than a map that jumps.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "layout-priv.h"
#include "weir/base/util.h"

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
	for (int i = 0; i < news; i++) {
		int el = fresh[i], at = known;
		int below = known ? row[order[known - 1]] + 1 : 0;
		int want = wanted_row(lay, el, row, below);

		while (at > 0 && row[order[at - 1]] > want)
			at--;
		insert_at(order, known++, at, el);
		row[el] = want;
	}
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
