#include "config.h"

#include "raster.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

enum {
	UP = 1,
	DOWN = 2,
	LEFT = 4,
	RIGHT = 8
};

struct cell {
	int net[2]; /* net + 1, 0 for none */
	uint8_t arms[2];
	bool card;
};

struct board {
	struct cell *cell;
	int w, h;
	struct raster found;
};

static struct cell *
at(struct board *b, int x, int y)
{
	static struct cell outside;

	if (x < 0 || y < 0 || x >= b->w || y >= b->h) {
		memset(&outside, 0, sizeof(outside));
		b->found.overlaps++;
		return &outside;
	}
	return &b->cell[y * b->w + x];
}

static void
add_arm(struct board *b, int x, int y, int net, unsigned arm)
{
	struct cell *c = at(b, x, y);

	for (int i = 0; i < 2; i++) {
		if (c->net[i] && c->net[i] != net + 1)
			continue;
		c->net[i] = net + 1;
		c->arms[i] |= (uint8_t)arm;
		return;
	}
	b->found.overlaps++;
}

static void
draw_piece(struct board *b, const struct layout_piece *p)
{
	for (int half = p->from; half < p->to; half++) {
		int cell = half / 2;

		if (p->vertical)
			add_arm(b, p->at, cell, p->net, half % 2 ? DOWN : UP);
		else
			add_arm(b, cell, p->at, p->net, half % 2 ? RIGHT : LEFT);
	}
	b->found.bends += p->vertical ? 2 : 0;
}

static void
draw_cards(struct board *b, const struct layout_picture *p, int n)
{
	for (int v = 0; v < n; v++)
		for (int y = p->box[v].y; y < p->box[v].y + p->box[v].h; y++)
			for (int x = p->box[v].x; x < p->box[v].x + p->box[v].w; x++) {
				struct cell *c = at(b, x, y);

				b->found.cards += c->card;
				c->card = true;
			}
}

static void
judge_cell(struct board *b, const struct cell *c)
{
	unsigned x = c->arms[0], y = c->arms[1];

	if (c->card && c->net[0])
		b->found.on_card++;
	if (!c->net[1])
		return;
	if ((x == (LEFT | RIGHT) && y == (UP | DOWN)) ||
		(y == (LEFT | RIGHT) && x == (UP | DOWN)))
		b->found.crossings++;
	else
		b->found.overlaps++;
}

/* Does an arm of @net into the cell at (x, y), coming through @arm, go on there? */
static bool
goes_on(const struct board *b, int x, int y, int net, unsigned arm)
{
	const struct cell *c;

	if (x < 0 || y < 0 || x >= b->w || y >= b->h)
		return false;
	c = &b->cell[y * b->w + x];
	for (int i = 0; i < 2; i++)
		if (c->net[i] == net && (c->arms[i] & arm))
			return true;
	return false;
}

/* Each arm must go on in the next cell, or reach a port on its left, an arrow on its right. */
static void
judge_ends(struct board *b)
{
	for (int y = 0; y < b->h; y++)
		for (int x = 0; x < b->w; x++) {
			const struct cell *c = &b->cell[y * b->w + x];

			for (int i = 0; i < 2; i++) {
				unsigned a = c->arms[i];
				bool card_left = x > 0 && c[-1].card;
				bool arrow = x + 2 < b->w && c[2].card;

				if ((a & UP) && !goes_on(b, x, y - 1, c->net[i], DOWN))
					b->found.dangling++;
				if ((a & DOWN) && !goes_on(b, x, y + 1, c->net[i], UP))
					b->found.dangling++;
				if ((a & LEFT) && !card_left &&
					!goes_on(b, x - 1, y, c->net[i], RIGHT))
					b->found.dangling++;
				if ((a & RIGHT) && !arrow &&
					!goes_on(b, x + 1, y, c->net[i], LEFT))
					b->found.dangling++;
				/* An arm alone is a stub that leads nowhere. */
				if (a == UP || a == DOWN || a == LEFT || a == RIGHT)
					b->found.dangling++;
			}
		}
}

/* The arms of @net in the cell, which is one that there is. */
static unsigned
arms_of(const struct cell *c, int net)
{
	return c->net[0] == net ? c->arms[0] : c->net[1] == net ? c->arms[1] : 0;
}

/* Does the line of @net that ends at @to_x come from @from_x in one row? */
static bool
comes_straight(const struct board *b, int y, int net, int from_x, int to_x)
{
	for (int x = to_x; x >= from_x; x--)
		if (!(arms_of(&b->cell[y * b->w + x], net) & LEFT))
			return false;
	return true;
}

/* The lines that leave the channels, each before a card or a lane of the next layer. */
static void
judge_links(struct board *b, const struct layout_picture *p)
{
	for (int l = 0; l + 1 < p->layers; l++) {
		int from_x = p->layer_x[l] + p->layer_w[l], to_x = p->layer_x[l + 1] - 2;

		for (int y = 0; y < p->h; y++) {
			const struct cell *c = &b->cell[y * b->w + to_x];
			const struct cell *begin = &b->cell[y * b->w + from_x];

			for (int i = 0; i < 2; i++) {
				b->found.trunks += (begin->arms[i] & LEFT) != 0;
				if (!(c->arms[i] & RIGHT))
					continue;
				b->found.links++;
				b->found.straight +=
					comes_straight(b, y, c->net[i], from_x, to_x);
			}
		}
	}
}

struct raster
raster_check(const struct layout_picture *p, const struct layout_graph *g)
{
	struct board b = { .w = p->w + 1, .h = p->h + 1 };
	struct raster found;

	b.cell = xcalloc((size_t)b.w * (size_t)b.h, sizeof(*b.cell));
	draw_cards(&b, p, g->cards);
	for (int i = 0; i < p->pieces; i++)
		draw_piece(&b, &p->piece[i]);
	for (int i = 0; i < b.w * b.h; i++)
		judge_cell(&b, &b.cell[i]);
	judge_ends(&b);
	judge_links(&b, p);
	found = b.found;
	free(b.cell);
	return found;
}
