/*
 * How tall each card is, and which of its rows each flow takes.
 *
 * Inlets follow the order of the elements to the left, so that lines into one card
 * never cross. In a warm run the known ones keep their order, and a new one is added
 * at the bottom.
 */
#include "config.h"

#include <limits.h>

#include "layout-priv.h"
#include "weir/base/util.h"

static int
old_inlet(const struct lay *lay, int link)
{
	const struct layout_card *card = lay->g->card;
	const struct memory_entry *e = memory_get(
		lay->old, memory_inlet_id(card[lay->link_to[link]].key,
				  card[lay->el_card[lay->link_from[link]]].key));

	return e ? e->value[0] : INT_MAX;
}

/* Links into each card, by the order of the layer to the left. */
static void
list_inlets(struct lay *lay)
{
	int *fill;

	lay->inlet_at = ARENA_NEW(lay->arena, int, lay->n + 1);
	lay->inlet_link = ARENA_NEW(lay->arena, int, lay->m);
	fill = ARENA_NEW(lay->arena, int, lay->n);
	for (int v = 0; v < lay->n; v++)
		lay->inlet_at[v + 1] =
			lay->inlet_at[v] + lay->left.at[v + 1] - lay->left.at[v];
	for (int i = 0; i < lay->els; i++) {
		int el = lay->order[i];

		for (int k = lay->right.at[el]; k < lay->right.at[el + 1]; k++) {
			int link = lay->right.item[k], v = lay->link_to[link];

			if (lay->link_edge[link] >= 0)
				lay->inlet_link[lay->inlet_at[v] + fill[v]++] = link;
		}
	}
}

static void
restore_inlets(struct lay *lay, int v)
{
	int *link = lay->inlet_link + lay->inlet_at[v];
	int n = lay->inlet_at[v + 1] - lay->inlet_at[v];

	for (int i = 1; i < n; i++) {
		int moving = link[i], row = old_inlet(lay, moving), k = i;

		for (; k > 0 && old_inlet(lay, link[k - 1]) > row; k--)
			link[k] = link[k - 1];
		link[k] = moving;
	}
}

static void
size_card(struct lay *lay, int v)
{
	const struct layout_card *card = &lay->g->card[v];
	int inlets = lay->inlet_at[v + 1] - lay->inlet_at[v], rows = MAX(1, inlets);
	int backs = lay->back_at[v + 1] - lay->back_at[v];
	const struct memory_entry *old;

	for (int i = 0; i < inlets; i++)
		lay->link_row[lay->inlet_link[lay->inlet_at[v] + i]] = card->head + i;
	lay->h[v] = card->head + rows + card->tail + MIN(backs, LAYOUT_BACK_ROWS);
	if (card->port > 0) {
		lay->port[v] = card->head + rows - 1 + card->port;
		return;
	}
	lay->port[v] = card->head + (rows - 1) / 2;
	old = memory_get(lay->old, memory_port_id(card->key));
	if (old)
		lay->port[v] = CLAMP(old->value[0], card->head, card->head + rows - 1);
}

static void
list_backs(struct lay *lay)
{
	lay->back_at = ARENA_NEW(lay->arena, int, lay->n + 1);
	lay->back_edge = ARENA_NEW(lay->arena, int, lay->m);
	for (int v = 0; v < lay->n; v++) {
		int at = lay->back_at[v];

		for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++)
			if (lay->how[lay->out.item[i]] == HOW_BACK)
				lay->back_edge[at++] = lay->out.item[i];
		lay->back_at[v + 1] = at;
	}
}

void
layout_sizes(struct lay *lay)
{
	lay->h = ARENA_NEW(lay->arena, int, lay->els);
	lay->port = ARENA_NEW(lay->arena, int, lay->els);
	lay->link_row = ARENA_NEW(lay->arena, int, lay->links);
	list_backs(lay);
	list_inlets(lay);
	for (int v = 0; v < lay->n; v++) {
		if (lay->old)
			restore_inlets(lay, v);
		size_card(lay, v);
	}
	for (int el = lay->n; el < lay->els; el++)
		lay->h[el] = 1;
}
