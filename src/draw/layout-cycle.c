/*
 * Which edges close a cycle.
 *
 * Depth first from the entries of the system, children in name order; an edge to a
 * node that is still being visited closes a cycle. Of the simple ways this one keeps
 * the direction in which calls really run, and on service graphs it marks very few
 * edges. Greedy orderings mark about as few but turn whole paths around.
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
find_back_edges(
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
