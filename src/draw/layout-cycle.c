/*
 * Which edges close a cycle.
 *
 * Depth first from the entries of the system, children in name order; an edge to a
 * node that is still being visited closes a cycle. Of the simple ways this one keeps
 * the direction in which calls really run, and on service graphs it marks very few
 * edges.
 *
 * Where calls run in circles everywhere it goes wrong: it winds one long path through
 * the tangle, and the drawing gets many times more layers than there are tiers. Then
 * a greedy order is tried, after Eades, Lin and Smyth, that takes ends off first and
 * else the node from which most flows out; what runs against the order is feedback.
 */
#include "config.h"

#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

struct csr
csr_build(struct arena *a, int buckets, int count, const int *bucket_of)
{
	struct csr c = { ARENA_NEW(a, int, buckets + 2), ARENA_NEW(a, int, count) };

	/* Counts go two places up, so that filling leaves every start where it belongs. */
	for (int i = 0; i < count; i++)
		c.at[bucket_of[i] + 2]++;
	for (int b = 0; b <= buckets; b++)
		c.at[b + 1] += c.at[b];
	for (int i = 0; i < count; i++)
		c.item[c.at[bucket_of[i] + 1]++] = i;
	return c;
}

#define TANGLED 4 /* more edges back than this and the greedy order is tried, too */

struct search {
	const struct layout_edge *edge;
	struct csr out;
	const int *in_degree;
	uint8_t *state; /* 0 new, 1 being visited, 2 done */
	int *stack, *next;
	bool *back;
};

static void
visit(struct search *s, int root)
{
	int depth = 0;

	s->stack[0] = root;
	s->next[0] = s->out.at[root];
	s->state[root] = 1;
	while (depth >= 0) {
		int v = s->stack[depth], e, w;

		if (s->next[depth] == s->out.at[v + 1]) {
			s->state[v] = 2;
			depth--;
			continue;
		}
		e = s->out.item[s->next[depth]++];
		w = s->edge[e].dst;
		if (s->back[e])
			continue;
		if (s->state[w] == 1) {
			s->back[e] = true;
		} else if (s->state[w] == 0) {
			s->state[w] = 1;
			s->stack[++depth] = w;
			s->next[depth] = s->out.at[w];
		}
	}
}

static void
depth_first(
	struct arena *a, int cards, const struct layout_edge *edge, int edges, bool *back)
{
	int *src = ARENA_NEW(a, int, edges), *in = ARENA_NEW(a, int, cards);
	int *excess = ARENA_NEW(a, int, cards); /* flows out less flows in */
	struct search s = { .edge = edge, .in_degree = in, .back = back };

	for (int e = 0; e < edges; e++) {
		src[e] = edge[e].src;
		if (back[e])
			continue;
		in[edge[e].dst]++;
		excess[edge[e].src]++;
		excess[edge[e].dst]--;
	}
	s.out = csr_build(a, cards, edges, src);
	s.state = ARENA_NEW(a, uint8_t, cards);
	s.stack = ARENA_NEW(a, int, cards);
	s.next = ARENA_NEW(a, int, cards);

	for (int v = 0; v < cards; v++)
		if (in[v] == 0)
			visit(&s, v);
	/* What is left hangs on cycles without an entry: start where most flows out. */
	for (;;) {
		int best = -1;

		for (int v = 0; v < cards; v++)
			if (s.state[v] == 0 && (best < 0 || excess[v] > excess[best]))
				best = v;
		if (best < 0)
			break;
		visit(&s, best);
	}
}

/* Layers that a drawing without the edges @back would have, and how many those are. */
static int
count_layers(struct arena *a, int cards, const struct layout_edge *edge, int edges,
	const bool *back, int *ret_backs)
{
	int *src = ARENA_NEW(a, int, edges), *waiting = ARENA_NEW(a, int, cards);
	int *layer = ARENA_NEW(a, int, cards), *queue = ARENA_NEW(a, int, cards);
	int head = 0, tail = 0, layers = 0;
	struct csr out;

	*ret_backs = 0;
	for (int e = 0; e < edges; e++) {
		src[e] = edge[e].src;
		*ret_backs += back[e];
		waiting[edge[e].dst] += !back[e];
	}
	out = csr_build(a, cards, edges, src);
	for (int v = 0; v < cards; v++)
		if (!waiting[v])
			queue[tail++] = v;
	while (head < tail) {
		int v = queue[head++];

		layers = MAX(layers, layer[v] + 1);
		for (int i = out.at[v]; i < out.at[v + 1]; i++) {
			int e = out.item[i], w = edge[e].dst;

			if (back[e])
				continue;
			layer[w] = MAX(layer[w], layer[v] + 1);
			if (--waiting[w] == 0)
				queue[tail++] = w;
		}
	}
	return layers;
}

struct greedy {
	const struct layout_edge *edge;
	struct csr out, in;
	const bool *fixed; /* edges that are feedback whatever the order */
	int *outs, *ins;   /* of what is left */
	int *place;        /* in the order; -1 while it is not taken */
};

static void
take(struct greedy *g, int v, int place)
{
	g->place[v] = place;
	for (int i = g->out.at[v]; i < g->out.at[v + 1]; i++)
		if (!g->fixed[g->out.item[i]])
			g->ins[g->edge[g->out.item[i]].dst]--;
	for (int i = g->in.at[v]; i < g->in.at[v + 1]; i++)
		if (!g->fixed[g->in.item[i]])
			g->outs[g->edge[g->in.item[i]].src]--;
}

/* The next node to take: an entry for the front, an end for the back, else the best. */
static int
choose(const struct greedy *g, int cards, bool *ret_front)
{
	int best = -1;

	*ret_front = true;
	for (int v = 0; v < cards; v++) {
		if (g->place[v] >= 0)
			continue;
		if (g->ins[v] == 0)
			return v;
		if (best < 0 || g->outs[v] - g->ins[v] > g->outs[best] - g->ins[best])
			best = v;
	}
	for (int v = 0; v < cards; v++)
		if (g->place[v] < 0 && g->outs[v] == 0) {
			*ret_front = false;
			return v;
		}
	return best;
}

static void
greedy_order(struct arena *a, int cards, const struct layout_edge *edge, int edges,
	const bool *fixed, bool *ret_back)
{
	int *src = ARENA_NEW(a, int, edges), *dst = ARENA_NEW(a, int, edges);
	struct greedy g = { .edge = edge, .fixed = fixed };
	int front = 0, end = cards - 1;

	g.outs = ARENA_NEW(a, int, cards);
	g.ins = ARENA_NEW(a, int, cards);
	g.place = ARENA_NEW(a, int, cards);
	memset(g.place, -1, (size_t)cards * sizeof(*g.place));
	for (int e = 0; e < edges; e++) {
		src[e] = edge[e].src;
		dst[e] = edge[e].dst;
		g.outs[src[e]] += !fixed[e];
		g.ins[dst[e]] += !fixed[e];
	}
	g.out = csr_build(a, cards, edges, src);
	g.in = csr_build(a, cards, edges, dst);
	while (front <= end) {
		bool at_front;
		int v = choose(&g, cards, &at_front);

		take(&g, v, at_front ? front : end);
		if (at_front)
			front++;
		else
			end--;
	}
	for (int e = 0; e < edges; e++)
		ret_back[e] = fixed[e] || g.place[src[e]] > g.place[dst[e]];
}

static void
find_back_edges(
	struct arena *a, int cards, const struct layout_edge *edge, int edges, bool *back)
{
	size_t size = (size_t)edges * sizeof(*back);
	bool *fixed = ARENA_NEW(a, bool, edges), *greedy;
	int backs, layers, greedy_backs, greedy_layers;

	if (edges == 0)
		return;
	memcpy(fixed, back, size);
	depth_first(a, cards, edge, edges, back);
	layers = count_layers(a, cards, edge, edges, back, &backs);
	if (backs <= TANGLED)
		return;
	greedy = ARENA_NEW(a, bool, edges);
	greedy_order(a, cards, edge, edges, fixed, greedy);
	greedy_layers = count_layers(a, cards, edge, edges, greedy, &greedy_backs);
	/* Both a tenth: the direction of calls is worth that much. */
	if (10 * (greedy_backs + greedy_layers) < 9 * (backs + layers))
		memcpy(back, greedy, size);
}

void
layout_feedback(int cards, const struct layout_edge *edge, int edges, bool *ret_back)
{
	struct arena a = { 0 };

	find_back_edges(&a, cards, edge, edges, ret_back);
	arena_done(&a);
}

/*
 * In a warm run the layers of known cards decide instead, and layout_layers() marks
 * what runs against them: a new edge is no reason to turn the map around.
 */
void
layout_cycles(struct lay *lay)
{
	const struct layout_graph *g = lay->g;
	bool *back = ARENA_NEW(lay->arena, bool, g->edges);

	lay->n = g->cards;
	lay->m = g->edges;
	lay->src = ARENA_NEW(lay->arena, int, lay->m);
	lay->dst = ARENA_NEW(lay->arena, int, lay->m);
	lay->how = ARENA_NEW(lay->arena, uint8_t, lay->m);
	for (int e = 0; e < lay->m; e++) {
		lay->src[e] = g->edge[e].src;
		lay->dst[e] = g->edge[e].dst;
		back[e] = g->edge[e].back;
	}
	lay->out = csr_build(lay->arena, lay->n, lay->m, lay->src);
	lay->in = csr_build(lay->arena, lay->n, lay->m, lay->dst);
	if (!lay->old)
		find_back_edges(lay->arena, lay->n, g->edge, lay->m, back);
	for (int e = 0; e < lay->m; e++)
		lay->how[e] = g->edge[e].ghost ? (back[e] ? HOW_IGNORED : HOW_GHOST)
			      : back[e]        ? HOW_BACK
					       : HOW_DRAWN;
}
