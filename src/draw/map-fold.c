/*
 * What is written instead of drawn.
 *
 * Three simplifications, each exact and reversible, each O(nodes + edges):
 * - chips: calm flows into a service with many callers are written at both ends
 *   instead of drawn. They keep shaping the layers, else every hub would stand left.
 * - leaves: a service with one caller and no callee becomes a row of its caller.
 * - racks: a caller whose only callee has no other caller is stacked upon it.
 * What was in trouble when the map was laid out afresh is never hidden by the first
 * two; what gets into trouble later shows it where it is written, and nothing moves.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map-fold.h"
#include "weir/base/util.h"

#define RACK_ROWS 24

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Edges between vertices, several between the same two as one. */
static void
list_links(struct fold *f)
{
	const struct map_topo *t = f->t;
	struct map_plan *p = f->p;
	uint64_t *key = ARENA_NEW(&p->arena, uint64_t, t->edges);
	int n = 0;

	for (int e = 0; e < t->edges; e++) {
		int a = f->rep[t->edge[e].src], b = f->rep[t->edge[e].dst];

		if (a >= 0 && b >= 0 && a != b)
			key[n++] = (uint64_t)a << 42 | (uint64_t)b << 21 | (uint64_t)e;
	}
	qsort(key, (size_t)n, sizeof(*key), compare_u64);
	for (int i = 0; i < n; i++) {
		int e = (int)(key[i] & 0x1fffff);
		struct link *l;

		if (i == 0 || key[i] >> 21 != key[i - 1] >> 21)
			f->link[f->links++] = (struct link){ .src = (int)(key[i] >> 42),
				.dst = (int)(key[i] >> 21 & 0x1fffff),
				.edge = { p->list_used, 0 },
				.back = true };
		l = &f->link[f->links - 1];
		l->back &= t->edge[e].back;
		l->hot |= t->edge[e].hot;
		p->list[p->list_used++] = e;
		l->edge.count++;
	}
	for (int i = 0; i < f->links; i++)
		f->out_at[f->link[i].src + 1]++;
	for (int v = 0; v < t->nodes; v++)
		f->out_at[v + 1] += f->out_at[v];
}

/*
 * Taking services together can close cycles that the services do not have. What goes
 * back between two vertices is written, as between two services.
 */
static void
mark_returns(struct fold *f)
{
	struct arena *a = &f->p->arena;
	struct layout_edge *edge = ARENA_NEW(a, struct layout_edge, f->links);
	bool *back = ARENA_NEW(a, bool, f->links);

	for (int i = 0; i < f->links; i++) {
		edge[i] = (struct layout_edge){ .src = f->link[i].src,
			.dst = f->link[i].dst };
		back[i] = f->link[i].back;
	}
	layout_feedback(f->t->nodes, edge, f->links, back);
	for (int i = 0; i < f->links; i++)
		f->link[i].back = back[i];
}

/* Count again what is still drawn. */
static void
count_drawn(struct fold *f)
{
	size_t n = (size_t)f->t->nodes * sizeof(int);

	memset(f->callers, 0, n);
	memset(f->callees, 0, n);
	memset(f->backs_out, 0, n);
	memset(f->chips_in, 0, n);
	memset(f->chips_out, 0, n);
	for (int i = 0; i < f->links; i++) {
		const struct link *l = &f->link[i];

		if (l->back) {
			f->backs_out[l->src]++;
		} else if (l->place == PLACE_CHIP) {
			f->chips_in[l->dst]++;
			f->chips_out[l->src]++;
		} else if (l->place == PLACE_DRAWN) {
			f->callers[l->dst]++;
			f->caller[l->dst] = i;
			f->callees[l->src]++;
			f->callee[l->src] = i;
		}
	}
}

static bool
may_be_chip(const struct fold *f, const struct link *l)
{
	return !l->back && (!l->hot || f->p->level.hide_hot);
}

static void
choose_chips(struct fold *f, int least)
{
	int *calm = f->chips_in;

	if (!least)
		return;
	memset(calm, 0, (size_t)f->t->nodes * sizeof(*calm));
	for (int i = 0; i < f->links; i++)
		calm[f->link[i].dst] += may_be_chip(f, &f->link[i]);
	for (int i = 0; i < f->links; i++) {
		struct link *l = &f->link[i];

		if (may_be_chip(f, l) && calm[l->dst] >= least)
			l->place = PLACE_CHIP;
	}
}

/* A caller without callers keeps its leaves: the way in is worth drawing. */
static void
choose_leaves(struct fold *f)
{
	for (int v = 0; v < f->t->nodes; v++) {
		int u;

		if (!is_vertex(f, v) || f->members[v] > 1 || f->callers[v] != 1 ||
			f->callees[v] || f->backs_out[v] || f->chips_in[v] ||
			f->chips_out[v] || f->loop[v] ||
			(f->hot[v] && !f->p->level.hide_hot))
			continue;
		u = f->link[f->caller[v]].src;
		if (f->callers[u] == 0 && f->chips_in[u] == 0)
			continue;
		f->folded[v] = true;
	}
	for (int v = 0; v < f->t->nodes; v++)
		if (f->folded[v])
			f->link[f->caller[v]].place = PLACE_FOLDED;
}

static bool
may_stack(const struct fold *f, int u, int v)
{
	return f->callees[u] == 1 && f->callers[v] == 1 && !f->backs_out[u] &&
	       !f->chips_out[u] && !f->chips_in[v] && !f->loop[u] && !f->loop[v];
}

static int
written_rows(const struct fold *f, int v)
{
	int rows = 0;

	for (int i = f->out_at[v]; i < f->out_at[v + 1]; i++)
		rows += f->link[i].place == PLACE_FOLDED ||
			f->link[i].place == PLACE_CHIP;
	return MIN(rows, MAP_WRITTEN_ROWS);
}

/* Chains begin at nodes that nothing is stacked upon; they are cut at the height. */
static void
cut_racks(struct fold *f, int max_rows)
{
	for (int u = 0; u < f->t->nodes; u++) {
		int rows = 2 + written_rows(f, u);

		if (f->prev[u] >= 0)
			continue;
		for (int v = u; f->next[v] >= 0;) {
			int w = f->next[v];

			rows += 2 + written_rows(f, w);
			if (rows > max_rows) {
				f->next[v] = f->prev[w] = -1;
				rows = 2 + written_rows(f, w);
			} else {
				f->link[f->callee[v]].place = PLACE_INNER;
			}
			v = w;
		}
	}
}

static void
choose_racks(struct fold *f, int max_rows)
{
	for (int u = 0; u < f->t->nodes; u++) {
		int v;

		if (!is_vertex(f, u) || f->callees[u] != 1 || f->folded[u])
			continue;
		v = f->link[f->callee[u]].dst;
		if (!may_stack(f, u, v))
			continue;
		f->next[u] = v;
		f->prev[v] = u;
	}
	cut_racks(f, max_rows);
}

static void
make_room(struct fold *f)
{
	struct arena *a = &f->p->arena;
	int n = f->t->nodes, m = f->t->edges;

	f->rep = ARENA_NEW(a, int, n);
	f->kind = ARENA_NEW(a, uint8_t, n);
	f->members = ARENA_NEW(a, int, n);
	f->hot = ARENA_NEW(a, bool, n);
	f->loop = ARENA_NEW(a, bool, n);
	f->link = ARENA_NEW(a, struct link, m);
	f->out_at = ARENA_NEW(a, int, n + 1);
	f->callers = ARENA_NEW(a, int, n);
	f->callees = ARENA_NEW(a, int, n);
	f->backs_out = ARENA_NEW(a, int, n);
	f->chips_in = ARENA_NEW(a, int, n);
	f->chips_out = ARENA_NEW(a, int, n);
	f->caller = ARENA_NEW(a, int, n);
	f->callee = ARENA_NEW(a, int, n);
	f->folded = ARENA_NEW(a, bool, n);
	f->next = ARENA_NEW(a, int, n);
	f->prev = ARENA_NEW(a, int, n);
	memset(f->next, -1, (size_t)n * sizeof(*f->next));
	memset(f->prev, -1, (size_t)n * sizeof(*f->prev));
	f->p->list_used = 0;
	f->p->list = ARENA_NEW(a, int, 2 * n + 6 * m);
}

void
map_fold(struct map_plan *p, const struct map_topo *t, int max_rows)
{
	struct fold f = { .p = p, .t = t };

	make_room(&f);
	map_group(&f);
	list_links(&f);
	if (p->level.groups || p->level.budget)
		mark_returns(&f);
	choose_chips(&f, p->level.chips);
	count_drawn(&f);
	if (p->level.fold) {
		choose_leaves(&f);
		count_drawn(&f);
	}
	if (p->level.rack)
		choose_racks(&f, MIN(max_rows, RACK_ROWS));
	map_make_cards(&f);
}
