/* Graphs of many shapes, none of them of a real system. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"
#include "weir/base/util.h"

static int
below(uint64_t *seed, int n)
{
	return (int)(topology_random_next(seed) % (uint64_t)MAX(n, 1));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
join(struct topology *t, int src, int dst)
{
	t->edge[t->edges++] = (struct topology_edge){ src, dst, 1 };
}

/* Where the edges of node @i go in a graph of some shape; some repeat, some are loops. */
static void
add_edges(struct topology *t, enum topology_shape shape, int i, uint64_t *seed)
{
	int n = t->nodes, islands = MAX(n / 7, 1);

	switch (shape) {
	case SHAPE_CHAINS:
		if (i % 9 < 8 && i + 1 < n)
			join(t, i, i + 1);
		break;
	case SHAPE_HUBS:
		join(t, i, below(seed, MAX(n / 12, 1)));
		if (i % 5 == 0)
			join(t, below(seed, MAX(n / 12, 1)), i);
		break;
	case SHAPE_CYCLES:
		join(t, i, (i + 1) % n);
		join(t, i, below(seed, n));
		break;
	case SHAPE_ISLANDS:
		if (i + islands < n)
			join(t, i, i + islands);
		if (i + 2 * islands < n && below(seed, 2))
			join(t, i, i + 2 * islands);
		break;
	case SHAPE_TREE:
		if (i > 0)
			join(t, (i - 1) / (2 + i % 3), i);
		break;
	case SHAPE_LATTICE:
		for (int k = 1; k < 4; k++)
			if (i / 4 * 4 + 3 + k < n)
				join(t, i, i / 4 * 4 + 3 + k);
		break;
	default: /* tiers, with flows that skip some */
		for (int k = below(seed, 4); k > 0 && i + 1 < n; k--) {
			int to = i + 1 + below(seed, 2 + n / 4);

			join(t, i, MIN(to, n - 1));
		}
		break;
	}
}

struct topology *
topology_of_shape(enum topology_shape shape, int nodes, uint64_t seed)
{
	static const char *const names[] = { "a", "checkout", "\xe6\x94\xaf\xe4\xbb\x98",
		"recommendation-service-v2-canary", "e\xcc\x81",
		"\xf0\x9f\x9a\x80-launch" };
	struct topology *t = xcalloc(1, sizeof(*t));
	char name[64];

	t->name = xstrdup("shape");
	t->node = xcalloc((size_t)nodes + 8, sizeof(*t->node));
	t->edge = xcalloc((size_t)nodes * 4 + 8, sizeof(*t->edge));
	for (t->nodes = 0; t->nodes < nodes; t->nodes++) {
		snprintf(name, sizeof(name), "%s-%03d",
			names[below(&seed, ARRAY_LEN(names))], t->nodes);
		t->node[t->nodes] = xstrdup(name);
	}
	qsort(t->node, (size_t)nodes, sizeof(*t->node), compare_names);
	for (int i = 0; i < nodes; i++)
		add_edges(t, shape, i, &seed);
	if (t->edges > 0) {
		struct topology_edge last = t->edge[--t->edges];

		topology_add_edge(t, last.src, last.dst); /* sorts them all */
	}
	return t;
}
