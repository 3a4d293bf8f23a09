/*
 * topology - service graphs for tests: from tests/data/topologies, or random.
 *
 * Names and edges are real; rates and latencies come from a hash of the names, so
 * that they are the same on every machine and in every run.
 */
#ifndef WEIR_TESTS_TOPOLOGY_H
#define WEIR_TESTS_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/snap.h"
#include "weir/draw/layout.h"

struct topology_edge {
	int src, dst, count;
};

struct topology {
	char *name;
	char **node; /* sorted */
	int nodes;
	char **gone; /* names of removed nodes: a snap's text lives as long as its model */
	int gones;
	struct topology_edge *edge; /* sorted, no pair twice, loops included */
	int edges;
};

/* The graphs under tests/data/topologies, without ".json"; NULL at the end. */
extern const char *const topology_names[];

/* NULL when the file cannot be read. @name is a name of the list or a path. */
struct topology *topology_load(const char *name);

/*
 * @nodes nodes and about @edges edges, few of them backwards: in @tiers tiers, or, with
 * 0, between any two.
 */
struct topology *topology_random(int nodes, int edges, int tiers, uint64_t seed);

enum topology_shape {
	SHAPE_TIERS,
	SHAPE_CHAINS,
	SHAPE_HUBS,
	SHAPE_CYCLES,
	SHAPE_ISLANDS,
	SHAPE_TREE,
	SHAPE_LATTICE,
	SHAPE_COUNT
};

/* Wide, combining and long names, loops, and at most four edges a node. */
struct topology *topology_of_shape(enum topology_shape shape, int nodes, uint64_t seed);
struct topology *topology_copy(const struct topology *t);
void topology_free(struct topology *t);

void topology_add_edge(struct topology *t, int src, int dst);
void topology_remove_edge(struct topology *t, int edge);
int topology_add_node(struct topology *t, const char *name); /* its index */
void topology_remove_node(struct topology *t, int node);

/*
 * Fill @s: calls flow from the entries, and one service is slow, @slow or, when it is
 * NULL, one chosen by @seed. The names are borrowed from @t.
 */
void topology_snap(
	const struct topology *t, struct snap *s, const char *slow, uint64_t seed);

/* Sizes of cards with (head, tail) rows and widths by name. Free card and edge. */
struct layout_graph topology_graph(const struct topology *t, int head, int tail);
void topology_graph_done(struct layout_graph *g);

/* A key for a name, the same in every graph. */
uint32_t topology_key(const char *name);

/* A small generator with a state of the caller's. */
uint64_t topology_random_next(uint64_t *state);

#endif
