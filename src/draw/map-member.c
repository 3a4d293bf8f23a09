/*
 * Groups that have a name: services of one namespace or team as one card.
 *
 * With the user's wish all of them are closed but those that were opened. Where there
 * is a budget they come before anything without a name: the largest calm ones are closed
 * until what is left fits.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map-fold.h"
#include "weir/base/util.h"

#define LEAST_MEMBERS 2
#define LEAST_CALM 3 /* to be closed without being asked to */

struct group {
	const char *name;
	int lead; /* the first member by name */
	int members;
	bool hot;
};

struct candidate {
	const char *name;
	int node;
};

static int
compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->node - y->node;
}

/* Nodes that may be in a group, by its name. */
static int
list_candidates(const struct fold *f, struct candidate *to)
{
	int n = 0;

	for (int v = 0; v < f->t->nodes; v++)
		if (f->rep[v] == v && f->t->node[v].group && !f->t->node[v].opened)
			to[n++] = (struct candidate){ f->t->node[v].group, v };
	qsort(to, (size_t)n, sizeof(*to), compare_candidates);
	return n;
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->members != y->members ? y->members - x->members
					: strcmp(x->name, y->name);
}

static int
list_groups(const struct fold *f, struct group *group)
{
	struct candidate *of = ARENA_NEW(&f->p->arena, struct candidate, f->t->nodes);
	int n = list_candidates(f, of), groups = 0;

	for (int i = 0; i < n; i++) {
		if (i == 0 || strcmp(of[i].name, of[i - 1].name) != 0)
			group[groups++] = (struct group){ of[i].name, of[i].node };
		group[groups - 1].members++;
		group[groups - 1].hot |= f->t->node[of[i].node].hot;
	}
	qsort(group, (size_t)groups, sizeof(*group), compare_groups);
	return groups;
}

static void
close_group(struct fold *f, const struct group *g)
{
	for (int v = 0; v < f->t->nodes; v++)
		if (f->rep[v] == v && f->t->node[v].group && !f->t->node[v].opened &&
			strcmp(f->t->node[v].group, g->name) == 0)
			f->rep[v] = g->lead;
	f->kind[g->lead] = PART_GROUP;
}

/* Is it better closed when nobody asked? One that holds most of a system says nothing. */
static bool
is_worth_closing(const struct group *g, int nodes)
{
	return !g->hot && g->members >= LEAST_CALM && g->members * 2 <= nodes;
}

void
map_group_members(struct fold *f)
{
	const struct map_level *l = &f->p->level;
	int n = f->t->nodes, left = n;
	struct group *group = ARENA_NEW(&f->p->arena, struct group, n);
	int groups = list_groups(f, group);

	for (int i = 0; i < groups; i++) {
		if (l->groups == MAP_GROUPS_CALM &&
			(left <= l->budget || !is_worth_closing(&group[i], n)))
			continue;
		if (group[i].members < LEAST_MEMBERS)
			continue;
		close_group(f, &group[i]);
		left -= group[i].members - 1;
	}
}

bool
map_has_groups(const struct map_topo *t)
{
	for (int a = 0; a < t->nodes; a++)
		for (int b = a + 1; t->node[a].group && b < t->nodes; b++)
			if (t->node[b].group &&
				strcmp(t->node[a].group, t->node[b].group) == 0)
				return true;
	return false;
}
