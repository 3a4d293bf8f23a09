#include "config.h"

#include "weir/draw/layout.h"

#include <stdlib.h>

#include "layout-priv.h"
#include "weir/base/util.h"

#define FINALISTS 3 /* orders that are drawn with care */

struct layout {
	struct arena arena;
	struct memory memory;
	struct routes routes;
	struct layout_picture picture;
};

struct layout *
layout_new(void)
{
	return xcalloc(1, sizeof(struct layout));
}

void
layout_free(struct layout *l)
{
	if (!l)
		return;
	arena_done(&l->arena);
	memory_done(&l->memory);
	routes_done(&l->routes);
	free(l);
}

void
layout_forget(struct layout *l)
{
	memory_clear(&l->memory);
}

/*
 * Rows of elements that are gone stay remembered. When layers were added on the left
 * the numbers of all others change, and theirs would be wrong: forget them.
 */
static void
remember(struct memory *m, const struct lay *lay)
{
	const struct layout_card *card = lay->g->card;

	if (!lay->old || lay->shift)
		memory_clear(m);
	m->run++;
	for (int v = 0; v < lay->n; v++) {
		memory_put(m, memory_card_id(card[v].key), lay->layer[v], lay->y[v]);
		memory_put(m, memory_port_id(card[v].key), lay->port[v], 0);
	}
	for (int el = lay->n; el < lay->els; el++)
		memory_put(m,
			memory_lane_id(card[lay->el_card[el]].key, lay->el_layer[el]),
			lay->y[el], 0);
	for (int k = 0; k < lay->links; k++)
		if (lay->link_edge[k] >= 0)
			memory_put(m,
				memory_inlet_id(card[lay->link_to[k]].key,
					card[lay->el_card[lay->link_from[k]]].key),
				lay->link_row[k], 0);
	for (int l = 0; l < lay->layers; l++)
		memory_put(m, memory_layer_id(l), lay->layer_w[l], lay->channel_w[l]);
	memory_prune(m);
}

static void
describe(const struct lay *lay, struct layout_picture *p)
{
	struct layout_box *box = ARENA_NEW(lay->arena, struct layout_box, lay->n);
	int *inlet = ARENA_NEW(lay->arena, int, lay->m);

	for (int v = 0; v < lay->n; v++) {
		box[v] = (struct layout_box){
			.x = lay->layer_x[lay->layer[v]],
			.y = lay->y[v],
			.w = lay->layer_w[lay->layer[v]],
			.h = lay->h[v],
			.layer = lay->layer[v],
			.port = lay->y[v] + lay->port[v],
			.first_inlet = lay->inlet_at[v],
			.inlets = lay->inlet_at[v + 1] - lay->inlet_at[v],
			.first_back = lay->back_at[v],
			.backs = lay->back_at[v + 1] - lay->back_at[v],
		};
		for (int i = lay->inlet_at[v]; i < lay->inlet_at[v + 1]; i++)
			inlet[i] = lay->link_edge[lay->inlet_link[i]];
	}
	p->box = box;
	p->inlet_edge = inlet;
	p->back_edge = lay->back_edge;
	p->w = lay->width;
	p->h = lay->height;
	p->layers = lay->layers;
	p->layer_x = lay->layer_x;
	p->layer_w = lay->layer_w;
	p->crossings = p->doglegs = p->unresolved = 0;
	for (int l = 0; l + 1 < lay->layers; l++) {
		p->crossings += lay->channel[l].crossings;
		p->doglegs += lay->channel[l].doglegs;
		p->unresolved += lay->channel[l].unresolved;
	}
}

/* Rows and lines of the present order. */
static void
draw(struct lay *lay)
{
	layout_sizes(lay);
	layout_rows(lay);
	layout_channels(lay);
}

/* What is ugly in a drawing: most of all crossings, then doglegs, then long lines. */
static int64_t
ugliness(const struct lay *lay)
{
	int64_t sum = 0, bad = 0;

	for (int l = 0; l + 1 < lay->layers; l++) {
		const struct channel *ch = &lay->channel[l];

		bad += 4 * ch->crossings + 3 * ch->doglegs + 1000 * ch->unresolved;
		for (int i = 0; i < ch->trunks; i++)
			sum += ch->trunk[i].bottom - ch->trunk[i].top;
	}
	return bad * 100000 + sum;
}

static int64_t
draw_candidate(struct lay *lay, int i)
{
	layout_take_candidate(lay, i);
	draw(lay);
	return ugliness(lay);
}

/*
 * The best of all candidates as they are, and the best of these few when their lines
 * are straightened, which takes as long as drawing them.
 */
static void
draw_best(struct lay *lay)
{
	int best[FINALISTS] = { 0 }, n = 0, winner = 0;
	int64_t least[FINALISTS], u;

	for (int i = 0; lay->candidates > 1 && i < lay->candidates; i++) {
		int at = n;

		u = draw_candidate(lay, i);
		while (at > 0 && least[at - 1] > u)
			at--;
		if (at == FINALISTS)
			continue;
		n = MIN(n + 1, FINALISTS);
		for (int k = n - 1; k > at; k--) {
			least[k] = least[k - 1];
			best[k] = best[k - 1];
		}
		least[at] = u;
		best[at] = i;
	}
	lay->straighten = !lay->o->quick;
	for (int i = 0; i < MAX(n, 1); i++) {
		u = draw_candidate(lay, best[i]);
		if (i > 0 && u >= least[winner])
			continue;
		winner = i;
		least[i] = u;
	}
	if (winner < n - 1)
		draw_candidate(lay, best[winner]);
}

const struct layout_picture *
layout_run(struct layout *l, const struct layout_graph *g, const struct layout_options *o)
{
	struct lay lay = { .arena = &l->arena, .g = g, .o = o, .routes = &l->routes };

	if (o->warm && l->memory.run > 0)
		lay.old = &l->memory;
	arena_clear(&l->arena);
	layout_cycles(&lay);
	layout_layers(&lay);
	layout_nets(&lay);
	if (o->must_fit && !layout_may_fit(&lay))
		return NULL;
	layout_order(&lay);
	if (lay.candidates)
		draw_best(&lay);
	else
		draw(&lay);
	layout_columns(&lay);
	layout_pieces(&lay, &l->picture);
	describe(&lay, &l->picture);
	remember(&l->memory, &lay);
	return &l->picture;
}
