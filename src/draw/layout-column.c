/*
 * Columns: every layer is as wide as its widest card, every channel as its tracks.
 *
 * In a warm run neither gets narrower, so that a change in one place does not push
 * all that is right of it to and fro.
 */
#include "config.h"

#include "layout-priv.h"
#include "weir/base/util.h"

/* A stub beside the port, the tracks, and the arrow. */
static int
channel_width(const struct lay *lay, int tracks)
{
	return 1 + tracks * lay->o->pitch + (lay->o->pitch > 1) + 1;
}

/* Widths in a warm run: never less than they were. */
static void
keep_widths(struct lay *lay)
{
	for (int l = 0; l < lay->layers; l++) {
		const struct memory_entry *old =
			memory_get(lay->old, memory_layer_id(l - lay->shift));

		if (!old)
			continue;
		lay->layer_w[l] = MAX(lay->layer_w[l], old->value[0]);
		if (l + 1 < lay->layers)
			lay->channel_w[l] = MAX(lay->channel_w[l], old->value[1]);
	}
}

static int
total_width(const struct lay *lay)
{
	int x = 0;

	for (int l = 0; l < lay->layers; l++)
		x += lay->layer_w[l] + lay->channel_w[l];
	return x;
}

static void
least_widths(struct lay *lay)
{
	for (int l = 0; l < lay->layers; l++) {
		lay->layer_w[l] = 0;
		lay->channel_w[l] = 0;
		if (l + 1 < lay->layers)
			lay->channel_w[l] = channel_width(lay, lay->channel[l].tracks);
	}
	for (int v = 0; v < lay->n; v++)
		lay->layer_w[lay->layer[v]] =
			MAX(lay->layer_w[lay->layer[v]], lay->g->card[v].width);
}

/* Give spare columns to the layers that wish for them, a column each in turn. */
static void
spread(struct lay *lay, int spare)
{
	int *wish = ARENA_NEW(lay->arena, int, lay->layers);
	bool given = true;

	for (int v = 0; v < lay->n; v++)
		wish[lay->layer[v]] = MAX(wish[lay->layer[v]], lay->g->card[v].wish);
	while (given && spare > 0) {
		given = false;
		for (int l = 0; l < lay->layers && spare > 0; l++) {
			if (lay->layer_w[l] >= wish[l])
				continue;
			lay->layer_w[l]++;
			spare--;
			given = true;
		}
	}
}

bool
layout_may_fit(const struct lay *lay)
{
	int *width = ARENA_NEW(lay->arena, int, lay->layers + 1);
	int *height = ARENA_NEW(lay->arena, int, lay->layers + 1);
	int columns = (lay->layers - 1) * channel_width(lay, 0), rows = 0;

	for (int el = 0; el < lay->els; el++) {
		const struct layout_card *card = &lay->g->card[lay->el_card[el]];
		int l = lay->el_layer[el];

		if (el >= lay->n) {
			height[l]++;
			continue;
		}
		width[l] = MAX(width[l], card->width);
		height[l] += card->head + card->tail +
			     MAX(lay->left.at[el + 1] - lay->left.at[el], 1);
	}
	for (int l = 0; l < lay->layers; l++) {
		columns += width[l];
		rows = MAX(rows, height[l]);
	}
	return columns <= lay->o->max_width && rows <= lay->o->max_height;
}

void
layout_columns(struct lay *lay)
{
	int x = 0;

	lay->layer_x = ARENA_NEW(lay->arena, int, lay->layers + 1);
	lay->layer_w = ARENA_NEW(lay->arena, int, lay->layers + 1);
	lay->channel_w = ARENA_NEW(lay->arena, int, lay->layers + 1);
	least_widths(lay);
	if (lay->old) {
		keep_widths(lay);
		if (lay->o->max_width && total_width(lay) > lay->o->max_width)
			least_widths(lay);
	}
	spread(lay, lay->o->max_width - total_width(lay));
	for (int l = 0; l < lay->layers; l++) {
		lay->layer_x[l] = x;
		x += lay->layer_w[l] + lay->channel_w[l];
	}
	lay->width = x;
}
