/*
 * The routed lines as straight pieces in half cells, for a painter that knows neither
 * links nor channels.
 */
#include "config.h"

#include "layout-priv.h"
#include "weir/base/util.h"

struct work {
	struct lay *lay;
	struct layout_piece *piece;
	int pieces;
	int layer;
};

static int
middle(int cell)
{
	return 2 * cell + 1;
}

static void
add(struct work *w, struct layout_piece p)
{
	if (p.from > p.to) {
		int swap = p.from;

		p.from = p.to;
		p.to = swap;
	}
	if (p.from != p.to)
		w->piece[w->pieces++] = p;
}

static int
track_column(const struct work *w, const struct trunk *t)
{
	const struct lay *lay = w->lay;

	return lay->layer_x[w->layer] + lay->layer_w[w->layer] + 1 +
	       t->column * lay->o->pitch;
}

/* Where a line on its own comes from: the right end of its card or lane. */
static int
left_end(const struct work *w)
{
	return 2 * (w->lay->layer_x[w->layer] + w->lay->layer_w[w->layer]);
}

/* Where a link ends: at the arrow, or at the far side of the layer it passes. */
static int
right_end(const struct work *w, int link)
{
	const struct lay *lay = w->lay;
	int next = w->layer + 1;

	if (lay->link_edge[link] >= 0)
		return 2 * (lay->layer_x[next] - 1);
	return 2 * (lay->layer_x[next] + lay->layer_w[next]);
}

static int
link_strand(const struct lay *lay, int link)
{
	return lay->link_edge[link] >= 0 ? lay->els + lay->link_edge[link]
					 : lay->link_to[link];
}

static void
add_trunk(struct work *w, const struct channel *ch, const struct trunk *t)
{
	struct lay *lay = w->lay;
	int net = lay->el_card[t->el], start = left_end(w);
	bool straight = t->column < 0;
	int column = straight ? 0 : track_column(w, t);

	/* A child's share of the line that feeds it is all it carries: its one tap. */
	if (t->parent >= 0)
		start = middle(track_column(w, &ch->trunk[t->parent]));
	if (!straight)
		add(w, (struct layout_piece){ false, t->row, start, middle(column), net,
			       t->parent >= 0
				       ? link_strand(lay, ch->tap[t->first_tap].link)
				       : t->el });
	for (int i = 0; i < t->taps; i++) {
		const struct tap *tap = &ch->tap[t->first_tap + i];
		int strand = link_strand(lay, tap->link);

		if (!straight)
			add(w, (struct layout_piece){ true, column, middle(t->row),
				       middle(tap->row), net, strand });
		if (tap->child < 0)
			add(w, (struct layout_piece){ false, tap->row,
				       straight ? start : middle(column),
				       right_end(w, tap->link), net, strand });
	}
}

void
layout_pieces(struct lay *lay, struct layout_picture *ret_picture)
{
	struct work w = { .lay = lay };
	int most = 0;

	for (int l = 0; l + 1 < lay->layers; l++)
		most += lay->channel[l].trunks + 2 * lay->channel[l].taps;
	w.piece = ARENA_NEW(lay->arena, struct layout_piece, most);
	for (w.layer = 0; w.layer + 1 < lay->layers; w.layer++)
		for (int i = 0; i < lay->channel[w.layer].trunks; i++)
			add_trunk(&w, &lay->channel[w.layer],
				&lay->channel[w.layer].trunk[i]);
	ret_picture->piece = w.piece;
	ret_picture->pieces = w.pieces;
	ret_picture->strand = lay->strand;
	ret_picture->strands = lay->els + lay->m;
	ret_picture->strand_edge = lay->strand_edge;
}
