/*
 * Any graph is laid out, cold and warm, in any pane: nothing is left unresolved and
 * nothing lies outside the picture. Two bytes of options, then three bytes an edge.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/draw/layout.h"

#define CARDS 48
#define EDGES 160

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
compare_edges(const void *a, const void *b)
{
	const struct layout_edge *x = a, *y = b;

	return x->src != y->src ? x->src - y->src : x->dst - y->dst;
}

/* Sorted, no pair twice, none to itself. */
static int
read_edges(const uint8_t *data, size_t size, struct layout_edge *edge)
{
	int n = 0, kept = 0;

	for (size_t i = 0; i + 3 <= size && n < EDGES; i += 3)
		if (data[i] % CARDS != data[i + 1] % CARDS)
			edge[n++] = (struct layout_edge){ .src = data[i] % CARDS,
				.dst = data[i + 1] % CARDS,
				.ghost = data[i + 2] % 8 == 0,
				.back = data[i + 2] % 16 == 1 };
	qsort(edge, (size_t)n, sizeof(*edge), compare_edges);
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_edges(&edge[i], &edge[i - 1]) != 0)
			edge[kept++] = edge[i];
	return kept;
}

static void
check(const struct layout_picture *p, int cards)
{
	if (!p)
		return;
	if (p->unresolved)
		abort();
	for (int v = 0; v < cards; v++)
		if (p->box[v].x < 0 || p->box[v].x + p->box[v].w > p->w ||
			p->box[v].y < 0 || p->box[v].y + p->box[v].h > p->h)
			abort();
	for (int i = 0; i < p->pieces; i++) {
		const struct layout_piece *piece = &p->piece[i];
		int end = 2 * (piece->vertical ? p->h : p->w);

		if (piece->from < 0 || piece->to > end || piece->at < 0 ||
			piece->at >= (piece->vertical ? p->w : p->h))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layout_card card[CARDS] = { 0 };
	struct layout_edge edge[EDGES];
	struct layout_graph g = { card, CARDS, edge, 0 };
	struct layout_options o;
	struct layout *l;

	if (size < 2)
		return 0;
	for (int v = 0; v < CARDS; v++)
		card[v] = (struct layout_card){ .key = 1 + (uint32_t)v * 2654435761u,
			.width = 8 + v % 19,
			.head = data[0] & 1,
			.tail = data[0] >> 1 & 1,
			.port = v % 5 == 0 ? data[0] >> 1 & 1 : 0, /* within the tail */
			.pin = v % 11 == 0 ? data[1] % 16 : 0 };
	g.edges = read_edges(data + 2, size - 2, edge);
	o = (struct layout_options){ .gap = data[0] >> 2 & 1,
		.pitch = 1 + (data[0] >> 3 & 1),
		.max_width = data[1],
		.max_height = data[1] / 2,
		.max_layers = data[0] >> 4 & 3,
		.quick = data[0] >> 6 & 1,
		.must_fit = data[0] >> 7 };
	l = layout_new();
	check(layout_run(l, &g, &o), g.cards);
	o.warm = true;
	o.must_fit = false;
	g.edges = MAX(g.edges - 1, 0);
	check(layout_run(l, &g, &o), g.cards);
	layout_free(l);
	return 0;
}
