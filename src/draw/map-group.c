/*
 * Several services as one.
 *
 * Groups that have a name come first: see map-member.c. Twins have the same callers and the same callees, so that one card for all of them
 * is exact and can close no cycle. When there is a budget, what is left over of each
 * tier becomes one card: edges run from tier to tier, so these cannot either. Where
 * there are more tiers than columns, neighbouring ones are taken together; a cycle
 * that this closes is written like any other. Whom the budget keeps is decided by
 * trouble and by connections, not by numbers that change from second to second.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map-fold.h"
#include "weir/base/util.h"

#define LEAST_TWINS 3
#define LEAST_REST 2

struct lists {
	int *out_at, *out, *in_at, *in; /* sorted neighbours; -1 - v for a back edge */
};

static void
focus(struct fold *f)
{
	for (int v = 0; v < f->t->nodes; v++)
		f->rep[v] = f->p->outside && f->p->outside[v] ? -1 : v;
}

static void
list_neighbours(const struct fold *f, struct lists *l)
{
	const struct map_topo *t = f->t;
	struct arena *a = &f->p->arena;
	int n = t->nodes, *fill = ARENA_NEW(a, int, n);

	l->out_at = ARENA_NEW(a, int, n + 1);
	l->in_at = ARENA_NEW(a, int, n + 1);
	l->out = ARENA_NEW(a, int, t->edges);
	l->in = ARENA_NEW(a, int, t->edges);
	for (int e = 0; e < t->edges; e++) {
		l->out_at[t->edge[e].src + 1]++;
		l->in_at[t->edge[e].dst + 1]++;
	}
	for (int v = 0; v < n; v++) {
		l->out_at[v + 1] += l->out_at[v];
		l->in_at[v + 1] += l->in_at[v];
	}
	/* Edges are sorted by (src, dst), so both lists come out sorted. */
	for (int e = 0; e < t->edges; e++) {
		const struct map_edge *x = &t->edge[e];

		l->out[e] = x->back ? -1 - x->dst : x->dst;
		l->in[l->in_at[x->dst] + fill[x->dst]++] = x->back ? -1 - x->src : x->src;
	}
}

static bool
same_list(const int *item, int a, int a_end, int b, int b_end)
{
	return a_end - a == b_end - b &&
	       memcmp(item + a, item + b, (size_t)(a_end - a) * sizeof(*item)) == 0;
}

static bool
are_twins(const struct lists *l, int a, int b)
{
	return same_list(l->out, l->out_at[a], l->out_at[a + 1], l->out_at[b],
		       l->out_at[b + 1]) &&
	       same_list(
		       l->in, l->in_at[a], l->in_at[a + 1], l->in_at[b], l->in_at[b + 1]);
}

static bool
may_be_twin(const struct fold *f, const struct lists *l, int v)
{
	bool alone = l->out_at[v] == l->out_at[v + 1] && l->in_at[v] == l->in_at[v + 1];

	return f->rep[v] == v && f->kind[v] == PART_NODE && !f->t->node[v].opened &&
	       !f->t->node[v].hot && !f->t->node[v].loop && !alone;
}

static uint64_t
list_hash(const struct lists *l, int v)
{
	size_t out = (size_t)(l->out_at[v + 1] - l->out_at[v]);
	size_t in = (size_t)(l->in_at[v + 1] - l->in_at[v]);

	return hash_bytes(l->out + l->out_at[v], out * sizeof(*l->out)) * 31 +
	       hash_bytes(l->in + l->in_at[v], in * sizeof(*l->in));
}

/* Twins find each other through a table of hashes; the first by name leads. */
static void
group_twins(struct fold *f, const struct lists *l)
{
	struct arena *a = &f->p->arena;
	int n = f->t->nodes, *count = ARENA_NEW(a, int, n), *lead = ARENA_NEW(a, int, n);
	size_t slots = 16, at;
	int *table;

	while (slots < 2 * (size_t)n)
		slots *= 2;
	table = ARENA_NEW(a, int, slots);
	for (int v = 0; v < n; v++) {
		lead[v] = -1;
		if (!may_be_twin(f, l, v))
			continue;
		at = list_hash(l, v) & (slots - 1);
		while (table[at] && !are_twins(l, table[at] - 1, v))
			at = (at + 1) & (slots - 1);
		if (!table[at])
			table[at] = v + 1;
		lead[v] = table[at] - 1;
		count[lead[v]]++;
	}
	for (int v = 0; v < n; v++) {
		if (lead[v] < 0 || count[lead[v]] < LEAST_TWINS)
			continue;
		f->rep[v] = lead[v];
		f->kind[lead[v]] = PART_TWINS;
	}
}

/* Length of the longest forward path to each node. */
static int *
find_tiers(const struct fold *f, int *ret_tiers)
{
	const struct map_topo *t = f->t;
	int n = t->nodes, *tier = ARENA_NEW(&f->p->arena, int, n);
	bool changed = true;

	*ret_tiers = 1;
	/* Forward edges close no cycle, so that this ends after as many rounds as tiers. */
	for (int round = 0; changed && round <= n; round++) {
		changed = false;
		for (int e = 0; e < t->edges; e++) {
			const struct map_edge *x = &t->edge[e];

			if (x->back || tier[x->dst] > tier[x->src])
				continue;
			tier[x->dst] = tier[x->src] + 1;
			*ret_tiers = MAX(*ret_tiers, tier[x->dst] + 1);
			changed = true;
		}
	}
	return tier;
}

struct rank {
	int hot; /* 3 a cause, 2 a victim, 1 next to them */
	int degree;
	int node;
};

static int
compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->hot != y->hot)
		return y->hot - x->hot;
	if (x->degree != y->degree)
		return y->degree - x->degree;
	return x->node - y->node;
}

/* Is it beyond the budget? What the user opened stays open, what is in trouble, too. */
static bool
goes_to_rest(const struct fold *f, const struct rank *r, int budget, int *kept)
{
	if (f->rep[r->node] != r->node || f->t->node[r->node].opened)
		return false;
	return (*kept)++ >= budget && r->hot != SEV_CRIT;
}

static void
keep_budget(struct fold *f, int budget, int most_tiers)
{
	const struct map_topo *t = f->t;
	struct arena *a = &f->p->arena;
	int n = t->nodes, tiers, *tier = find_tiers(f, &tiers);
	int pair = (tiers + most_tiers - 1) / most_tiers;
	struct rank *rank = ARENA_NEW(a, struct rank, n);
	int *rest = ARENA_NEW(a, int, tiers + 1), *lead = ARENA_NEW(a, int, tiers + 1);

	for (int v = 0; v < n; v++)
		rank[v] = (struct rank){ f->kind[v] == PART_GROUP ? 1 : t->node[v].hot, 0,
			v };
	for (int e = 0; e < t->edges; e++) {
		const struct map_edge *x = &t->edge[e];

		rank[x->src].degree++;
		rank[x->dst].degree++;
		if (x->hot || t->node[x->src].hot || t->node[x->dst].hot) {
			rank[x->src].hot = MAX(rank[x->src].hot, 1);
			rank[x->dst].hot = MAX(rank[x->dst].hot, 1);
		}
	}
	qsort(rank, (size_t)n, sizeof(*rank), compare_ranks);
	memset(lead, -1, (size_t)(tiers + 1) * sizeof(*lead));
	for (int i = 0, kept = 0; i < n; i++) {
		int v = rank[i].node, at = tier[v] / pair;

		if (!goes_to_rest(f, &rank[i], budget, &kept))
			continue;
		rest[at]++;
		if (lead[at] < 0 || v < lead[at])
			lead[at] = v;
	}
	for (int i = 0, kept = 0; i < n; i++) {
		int v = rank[i].node, at = tier[v] / pair;

		if (!goes_to_rest(f, &rank[i], budget, &kept) || rest[at] < LEAST_REST)
			continue;
		/* Twins come along as a whole, below. */
		f->rep[v] = lead[at];
		f->kind[lead[at]] = PART_REST;
	}
	for (int v = 0; v < n; v++)
		if (f->rep[v] >= 0)
			f->rep[v] = f->rep[f->rep[v]];
}

void
map_group(struct fold *f)
{
	struct lists l;

	focus(f);
	if (f->p->level.groups && !f->p->outside)
		map_group_members(f);
	if (f->p->level.twins && !f->p->outside) {
		list_neighbours(f, &l);
		group_twins(f, &l);
	}
	if (f->p->level.budget)
		keep_budget(f, f->p->level.budget, MAX(1, f->p->level.tiers));
	for (int v = 0; v < f->t->nodes; v++) {
		int r = f->rep[v];

		if (r < 0)
			continue;
		f->members[r]++;
		f->hot[r] |= f->t->node[v].hot;
		f->loop[r] |= f->t->node[v].loop;
	}
}
