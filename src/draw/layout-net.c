/*
 * Nets and lanes: all drawn flows of one card are one net. Where it goes farther than
 * the next layer it has one lane in each layer it passes, shared by all its flows,
 * so the drawing grows with the number of cards and not with that of the edges.
 */
#include "config.h"

#include "layout-priv.h"
#include "weir/base/util.h"

/* Drawn edges of each net, farthest first: what a lane carries is then a prefix. */
static void
sort_by_reach(struct lay *lay, int *first, int *count)
{
	int at = 0;

	lay->strand_edge = ARENA_NEW(lay->arena, int, 2 * lay->m);
	for (int v = 0; v < lay->n; v++) {
		first[v] = at;
		for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++) {
			int e = lay->out.item[i], k = at;

			if (lay->how[e] != HOW_DRAWN)
				continue;
			while (k > first[v] &&
				lay->layer[lay->dst[lay->strand_edge[k - 1]]] <
					lay->layer[lay->dst[e]]) {
				lay->strand_edge[k] = lay->strand_edge[k - 1];
				k--;
			}
			lay->strand_edge[k] = e;
			at++;
		}
		count[v] = at - first[v];
	}
	/* Then each edge on its own. */
	for (int e = 0; e < lay->m; e++)
		lay->strand_edge[lay->m + e] = e;
}

static void
add_link(struct lay *lay, int from, int to, int edge)
{
	lay->link_from[lay->links] = from;
	lay->link_to[lay->links] = to;
	lay->link_edge[lay->links] = edge;
	lay->links++;
}

/* One card's net: walk right, layer by layer, dropping the flows that have arrived. */
static void
add_net(struct lay *lay, int v, int first, int count)
{
	int el = v;

	lay->strand[v] = (struct layout_slice){ first, count };
	for (int l = lay->layer[v] + 1; count > 0; l++) {
		int left = count;

		while (left > 0 &&
			lay->layer[lay->dst[lay->strand_edge[first + left - 1]]] == l)
			left--;
		for (int i = left; i < count; i++) {
			int e = lay->strand_edge[first + i];

			add_link(lay, el, lay->dst[e], e);
		}
		if (left > 0) {
			int lane = lay->els++;

			lay->el_card[lane] = v;
			lay->el_layer[lane] = l;
			lay->strand[lane] = (struct layout_slice){ first, left };
			add_link(lay, el, lane, -1);
			el = lane;
		}
		count = left;
	}
}

/* How many lanes there will be, to size the arrays. */
static int
count_lanes(const struct lay *lay)
{
	int lanes = 0;

	for (int v = 0; v < lay->n; v++) {
		int far = lay->layer[v] + 1;

		for (int i = lay->out.at[v]; i < lay->out.at[v + 1]; i++)
			if (lay->how[lay->out.item[i]] == HOW_DRAWN)
				far = MAX(far, lay->layer[lay->dst[lay->out.item[i]]]);
		lanes += far - lay->layer[v] - 1;
	}
	return lanes;
}

void
layout_nets(struct lay *lay)
{
	struct arena *a = lay->arena;
	int most = lay->n + count_lanes(lay), most_links = lay->m + most - lay->n;
	int *first = ARENA_NEW(a, int, lay->n), *count = ARENA_NEW(a, int, lay->n);
	struct layout_slice *singles;

	lay->els = lay->n;
	lay->el_card = ARENA_NEW(a, int, most);
	lay->el_layer = ARENA_NEW(a, int, most);
	lay->link_from = ARENA_NEW(a, int, most_links);
	lay->link_to = ARENA_NEW(a, int, most_links);
	lay->link_edge = ARENA_NEW(a, int, most_links);
	lay->strand = ARENA_NEW(a, struct layout_slice, most + lay->m);
	lay->links = 0;
	for (int v = 0; v < lay->n; v++) {
		lay->el_card[v] = v;
		lay->el_layer[v] = lay->layer[v];
	}
	sort_by_reach(lay, first, count);
	for (int v = 0; v < lay->n; v++)
		add_net(lay, v, first[v], count[v]);
	singles = lay->strand + lay->els;
	for (int e = 0; e < lay->m; e++)
		singles[e] = (struct layout_slice){ lay->m + e, 1 };
	lay->right = csr_build(a, lay->els, lay->links, lay->link_from);
	lay->left = csr_build(a, lay->els, lay->links, lay->link_to);
}
