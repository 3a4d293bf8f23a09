/*
 * The nodes and edges of the map, followed from snap to snap.
 *
 * Both sides are sorted by name, so one merge finds what came and went. Something that
 * is missing stays, marked gone, until its time is over: the map does not lose a part
 * because of one quiet window. Which edges close cycles is decided once: a new edge
 * can become one, a known edge never changes sides.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "weir/base/util.h"

static void *
reserve(void *p, int *room, int n, size_t size)
{
	if (n <= *room)
		return p;
	*room = MAX(n, 2 * *room);
	return xreallocarray(p, (size_t)*room, size);
}

#define RESERVE(p, room, n) ((p) = reserve((p), &(room), (n), sizeof(*(p))))

void
map_topo_done(struct map_topo *t)
{
	free(t->node);
	free(t->next_node);
	free(t->edge);
	free(t->next_edge);
	free(t->of_snap);
	free(t->of_old);
	*t = (struct map_topo){ 0 };
}

/* Is something that was missed at @gone_us (0: just now) still to be shown? */
static bool
lingers(int64_t *gone_us, int64_t now_us)
{
	if (*gone_us == 0)
		*gone_us = now_us;
	return now_us >= *gone_us && now_us - *gone_us < MAP_LINGER_US;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Merge nodes into next_node; fills both index maps. True when the set changed. */
static bool
merge_nodes(struct map_topo *t, const struct snap *s, bool linger, int *ret_count)
{
	int i = 0, k = 0, n = 0;
	bool changed = false;

	while (i < t->nodes || k < (int)s->nodes) {
		int order = i == t->nodes        ? 1
			    : k == (int)s->nodes ? -1
			    : t->node[i].key == s->node[k].key
				    ? 0
				    : strcmp(t->node[i].name, s->node[k].name);
		struct map_node *to = &t->next_node[n];

		/* One name under another key is another model: the old node goes. */
		if (order < 0 || (order == 0 && t->node[i].key != s->node[k].key)) {
			*to = t->node[i];
			to->snap = -1;
			if (linger && lingers(&to->gone_us, s->now_us)) {
				t->of_old[i] = n++;
			} else {
				t->of_old[i] = -1;
				changed = true;
			}
			i++;
			continue;
		}
		if (order > 0)
			*to = (struct map_node){ .key = s->node[k].key };
		else
			*to = t->node[i];
		changed |= order > 0 || !same_text(to->group, s->node[k].group);
		to->name = s->node[k].name;
		to->group = s->node[k].group;
		to->kind = s->node[k].kind;
		to->snap = k;
		to->gone_us = 0;
		if (order == 0)
			t->of_old[i++] = n;
		t->of_snap[k++] = n++;
	}
	*ret_count = n;
	return changed;
}

static int
compare_pair(int a_src, int a_dst, int b_src, int b_dst)
{
	return a_src != b_src ? a_src - b_src : a_dst - b_dst;
}

/* The next edge of the snap that is no loop, with all its kinds; false at the end. */
static bool
next_pair(
	const struct map_topo *t, const struct snap *s, uint32_t *at, struct map_edge *e)
{
	while (*at < s->edges) {
		const struct snap_edge *first = &s->edge[*at];
		uint32_t i = *at;

		while (i < s->edges && s->edge[i].src == first->src &&
			s->edge[i].dst == first->dst)
			i++;
		*e = (struct map_edge){ .src = t->of_snap[first->src],
			.dst = t->of_snap[first->dst],
			.first = *at,
			.count = i - *at };
		*at = i;
		if (e->src != e->dst)
			return true;
		t->next_node[e->src].loop = true;
	}
	return false;
}

/* The next old edge whose ends are both still there, with its new indices. */
static bool
next_old(struct map_topo *t, int *at, struct map_edge *e, bool *ret_changed)
{
	while (*at < t->edges) {
		*e = t->edge[(*at)++];
		e->src = t->of_old[e->src];
		e->dst = t->of_old[e->dst];
		e->fresh = false;
		if (e->src >= 0 && e->dst >= 0)
			return true;
		*ret_changed = true;
	}
	return false;
}

static bool
merge_edges(struct map_topo *t, const struct snap *s, bool linger, int *ret_count)
{
	struct map_edge old, new;
	bool changed = false;
	uint32_t k = 0;
	int i = 0, n = 0;
	bool has_old = next_old(t, &i, &old, &changed),
	     has_new = next_pair(t, s, &k, &new);

	while (has_old || has_new) {
		int order = !has_old   ? 1
			    : !has_new ? -1
				       : compare_pair(old.src, old.dst, new.src, new.dst);

		if (order < 0) {
			old.count = 0;
			if (linger && lingers(&old.gone_us, s->now_us))
				t->next_edge[n++] = old;
			else
				changed = true;
			has_old = next_old(t, &i, &old, &changed);
			continue;
		}
		if (order == 0) {
			new.back = old.back;
			new.hot = old.hot;
			has_old = next_old(t, &i, &old, &changed);
		} else {
			new.fresh = true;
			changed = true;
		}
		t->next_edge[n++] = new;
		has_new = next_pair(t, s, &k, &new);
	}
	*ret_count = n;
	return changed;
}

/* Is @to reachable from @from over forward edges that are not fresh? */
static bool
reachable(const struct map_topo *t, int from, int to, uint8_t *seen, int *stack)
{
	int top = 0;

	memset(seen, 0, (size_t)t->nodes);
	stack[top++] = from;
	seen[from] = 1;
	while (top > 0) {
		int v = stack[--top];

		if (v == to)
			return true;
		for (int e = 0; e < t->edges; e++) {
			const struct map_edge *x = &t->edge[e];

			if (x->src != v || x->back || x->fresh || seen[x->dst])
				continue;
			seen[x->dst] = 1;
			stack[top++] = x->dst;
		}
	}
	return false;
}

static void
mark_all_back(struct map_topo *t)
{
	struct layout_edge *edge = xcalloc((size_t)t->edges, sizeof(*edge));
	bool *back = xcalloc((size_t)t->edges, sizeof(*back));

	for (int e = 0; e < t->edges; e++) {
		edge[e].src = t->edge[e].src;
		edge[e].dst = t->edge[e].dst;
	}
	layout_feedback(t->nodes, edge, t->edges, back);
	for (int e = 0; e < t->edges; e++)
		t->edge[e].back = back[e];
	free(edge);
	free(back);
}

static void
mark_back(struct map_topo *t)
{
	int fresh = 0;
	uint8_t *seen;
	int *stack;

	for (int e = 0; e < t->edges; e++)
		fresh += t->edge[e].fresh;
	/* While a system is being discovered nothing is settled yet. */
	if (fresh * 5 > t->edges) {
		mark_all_back(t);
		return;
	}
	if (fresh == 0)
		return;
	seen = xcalloc((size_t)t->nodes, sizeof(*seen));
	stack = xcalloc((size_t)t->nodes, sizeof(*stack));
	for (int e = 0; e < t->edges; e++) {
		struct map_edge *x = &t->edge[e];

		if (!x->fresh)
			continue;
		x->back = reachable(t, x->dst, x->src, seen, stack);
		x->fresh = false;
	}
	free(seen);
	free(stack);
}

/* What was merged becomes what is; the old arrays are kept for the next time. */
static void
take_merged(struct map_topo *t, int nodes, int edges)
{
	struct map_topo old = *t;

	t->node = old.next_node;
	t->node_room = old.next_node_room;
	t->nodes = nodes;
	t->edge = old.next_edge;
	t->edge_room = old.next_edge_room;
	t->edges = edges;
	t->next_node = old.node;
	t->next_node_room = old.node_room;
	t->next_edge = old.edge;
	t->next_edge_room = old.edge_room;
}

bool
map_topo_sync(struct map_topo *t, const struct snap *s, bool linger)
{
	int nodes, edges;
	bool changed;

	RESERVE(t->next_node, t->next_node_room, t->nodes + (int)s->nodes + 1);
	RESERVE(t->next_edge, t->next_edge_room, t->edges + (int)s->edges + 1);
	RESERVE(t->of_snap, t->of_snap_room, (int)s->nodes + 1);
	RESERVE(t->of_old, t->of_old_room, t->nodes + 1);
	changed = merge_nodes(t, s, linger, &nodes);
	changed |= merge_edges(t, s, linger, &edges);
	take_merged(t, nodes, edges);
	if (changed)
		mark_back(t);
	return changed;
}

void
map_topo_mark_hot(struct map_topo *t, const struct snap *s)
{
	for (int v = 0; v < t->nodes; v++) {
		enum severity grade = map_node_severity(t, s, v);

		t->node[v].hot = grade >= SEV_WARN ? (uint8_t)grade : 0;
	}
	for (int e = 0; e < t->edges; e++)
		t->edge[e].hot =
			map_flow_of_edge(t, s, e, SORT_IMPACT).severity >= SEV_WARN;
}
