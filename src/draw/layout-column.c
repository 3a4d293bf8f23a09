/*
 * Columns: every layer is as wide as its widest card, every channel as its tracks.
 *
 * In a warm run neither gets narrower, so that a change in one place does not push
 * all that is right of it to and fro.
 */
#include "config.h"

#include "layout-priv.h"
#include "weir/base/util.h"

static int
channel_width(const struct lay *lay, int l)
{
	/* A stub beside the port, the tracks, and the arrow. */
	return 1 + lay->channel[l].tracks * lay->o->pitch + (lay->o->pitch > 1) + 1;
}

void
layout_columns(struct lay *lay)
{
	int x = 0;

	lay->layer_x = ARENA_NEW(lay->arena, int, lay->layers + 1);
	lay->layer_w = ARENA_NEW(lay->arena, int, lay->layers + 1);
	lay->channel_w = ARENA_NEW(lay->arena, int, lay->layers + 1);
	for (int v = 0; v < lay->n; v++)
		lay->layer_w[lay->layer[v]] =
			MAX(lay->layer_w[lay->layer[v]], lay->g->card[v].width);
	for (int l = 0; l < lay->layers; l++) {
		const struct memory_entry *old =
			memory_get(lay->old, memory_layer_id(l - lay->shift));

		if (l + 1 < lay->layers)
			lay->channel_w[l] = channel_width(lay, l);
		if (old) {
			lay->layer_w[l] = MAX(lay->layer_w[l], old->value[0]);
			if (l + 1 < lay->layers)
				lay->channel_w[l] = MAX(lay->channel_w[l], old->value[1]);
		}
		lay->layer_x[l] = x;
		x += lay->layer_w[l] + lay->channel_w[l];
	}
	lay->width = x;
}
