/*
 * Looking up and making nodes, edges, tallies and operations, within the limits, and
 * forgetting them. A name takes room in the name table only when there is room for
 * the thing it names, so that a flood of invented services cannot push out the names
 * of operations.
 */
#include "config.h"

#include <stdlib.h>

#include "model-priv.h"
#include "weir/base/util.h"

/* The whole table is gone through in that many sweeps. */
#define SWEEPS 16

static uint32_t
node_by_name(const struct model *m, uint32_t name)
{
	return name < m->node_of_room ? m->node_of[name] : NONE;
}

static uint32_t
node_make(struct model *m, uint32_t name)
{
	uint32_t i = pool_take(&m->nodes);

	if (name >= m->node_of_room) {
		uint32_t room = MAX(name + 1, m->node_of_room * 2);

		m->node_of = xreallocarray(m->node_of, room, sizeof(*m->node_of));
		while (m->node_of_room < room)
			m->node_of[m->node_of_room++] = NONE;
	}
	m->node_of[name] = i;
	*node_at(m, i) = (struct node){ .live = true, .name = name, .self = NONE };
	return i;
}

static uint32_t
other_node(struct model *m)
{
	uint32_t i = node_by_name(m, NAME_OTHER);

	return i != NONE ? i : node_make(m, NAME_OTHER);
}

uint32_t
table_node(struct model *m, struct str name, bool *folded)
{
	uint32_t id = names_find(m->names, name);
	uint32_t i = id != NAME_OTHER ? node_by_name(m, id) : NONE;

	if (i == NONE && m->nodes.live < m->limits.nodes) {
		id = names_id(m->names, name);
		if (id != NAME_OTHER)
			i = node_make(m, id);
	}
	if (i == NONE) {
		i = other_node(m);
		*folded = true;
	}
	node_at(m, i)->seen_us = m->now_us;
	return i;
}

static uint64_t
edge_key(const struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind)
{
	/* No name of a node is 0, so no key is. */
	return (uint64_t)node_at(m, src)->name << 32 |
	       (uint64_t)node_at(m, dst)->name << 4 | (unsigned)kind;
}

static uint32_t
edge_make(struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind, uint64_t key)
{
	uint32_t i = pool_take(&m->edges);
	struct edge *e = edge_at(m, i);

	*e = (struct edge){
		.live = true,
		.kind = kind,
		.src = src,
		.dst = dst,
		.key = m->next_key++,
		.first_us = INT64_MAX,
		.last_us = INT64_MIN,
		.rule = tolerances_find(m->limits.tolerances,
			names_text(m->names, node_at(m, src)->name),
			names_text(m->names, node_at(m, dst)->name)),
	};
	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		e->tally[o] = NONE;
	node_at(m, src)->edges++;
	node_at(m, dst)->edges++;
	idmap_put(&m->edge_of, key, i);
	return i;
}

uint32_t
table_edge(struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind, bool *folded)
{
	uint64_t key = edge_key(m, src, dst, kind);
	uint32_t i = idmap_find(&m->edge_of, key);

	if (i == IDMAP_NONE && m->edges.live >= m->limits.edges) {
		*folded = true;
		src = dst = other_node(m);
		node_at(m, src)->seen_us = m->now_us;
		key = edge_key(m, src, dst, kind);
		i = idmap_find(&m->edge_of, key);
	}
	if (i == IDMAP_NONE)
		i = edge_make(m, src, dst, kind, key);
	edge_at(m, i)->seen_us = m->now_us;
	return i;
}

uint32_t
table_find_edge(const struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind)
{
	uint32_t i = idmap_find(&m->edge_of, edge_key(m, src, dst, kind));

	return i == IDMAP_NONE ? NONE : i;
}

uint32_t
table_tally(struct model *m, uint32_t edge, enum flow_origin origin)
{
	uint32_t i = edge_at(m, edge)->tally[origin];

	if (i == NONE) {
		i = pool_take(&m->tallies);
		edge_at(m, edge)->tally[origin] = i;
		*tally_at(m, i) = (struct tally){
			.series = window_series_new(m->window, WINDOW_NO_SERIES),
			.server = NONE,
			.queue = NONE,
			.op = NONE,
		};
	}
	tally_at(m, i)->seen_us = m->now_us;
	return i;
}

static uint64_t
op_key(uint32_t tally, uint32_t name)
{
	return ((uint64_t)tally + 1) << 32 | name;
}

static uint32_t
op_make(struct model *m, uint32_t tally, uint32_t name)
{
	struct tally *t = tally_at(m, tally);
	uint32_t i = pool_take(&m->ops);

	*op_at(m, i) = (struct op){
		.name = name,
		.series = window_series_new(m->window, t->series),
		.next = t->op,
	};
	t->op = i;
	t->ops += name != NAME_OTHER;
	idmap_put(&m->op_of, op_key(tally, name), i);
	return i;
}

uint32_t
table_op(struct model *m, uint32_t tally, struct str name, bool *folded)
{
	const struct tally *t = tally_at(m, tally);
	uint32_t id, i = IDMAP_NONE;

	if (name.n == 0)
		return t->series;
	id = names_find(m->names, name);
	if (id != NAME_OTHER)
		i = idmap_find(&m->op_of, op_key(tally, id));
	if (i == IDMAP_NONE && t->ops < m->limits.ops_per_edge &&
		m->ops.live < m->limits.ops) {
		id = names_id(m->names, name);
		if (id != NAME_OTHER)
			i = op_make(m, tally, id);
	}
	if (i == IDMAP_NONE) {
		*folded = true;
		i = idmap_find(&m->op_of, op_key(tally, NAME_OTHER));
		if (i == IDMAP_NONE)
			i = op_make(m, tally, NAME_OTHER);
	}
	op_at(m, i)->seen_us = m->now_us;
	return op_at(m, i)->series;
}

static void
series_free(struct model *m, uint32_t series)
{
	if (series != NONE)
		window_series_free(m->window, series);
}

static bool
is_old(const struct model *m, int64_t seen_us)
{
	return m->now_us - seen_us > m->limits.forget_us;
}

/* Forget the operations that are old, or @all. */
static void
ops_forget(struct model *m, uint32_t tally, bool all)
{
	struct tally *t = tally_at(m, tally);

	for (uint32_t *at = &t->op; *at != NONE;) {
		uint32_t i = *at;
		struct op *o = op_at(m, i);

		if (!all && !is_old(m, o->seen_us)) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		t->ops -= o->name != NAME_OTHER;
		series_free(m, o->series);
		idmap_remove(&m->op_of, op_key(tally, o->name));
		pool_give(&m->ops, i);
	}
}

static void
tally_forget(struct model *m, struct edge *e, unsigned origin)
{
	uint32_t i = e->tally[origin];
	struct tally *t = tally_at(m, i);

	ops_forget(m, i, true);
	series_free(m, t->server);
	series_free(m, t->queue);
	series_free(m, t->series);
	pool_give(&m->tallies, i);
	e->tally[origin] = NONE;
}

static void
edge_sweep(struct model *m, uint32_t i)
{
	struct edge *e = edge_at(m, i);

	for (unsigned o = 0; o < ORIGIN_COUNT; o++) {
		if (e->tally[o] == NONE)
			continue;
		if (is_old(m, tally_at(m, e->tally[o])->seen_us))
			tally_forget(m, e, o);
		else
			ops_forget(m, e->tally[o], false);
	}
	if (!is_old(m, e->seen_us))
		return;
	idmap_remove(&m->edge_of, edge_key(m, e->src, e->dst, e->kind));
	node_at(m, e->src)->edges--;
	node_at(m, e->dst)->edges--;
	free(e->exemplars);
	*e = (struct edge){ 0 };
	pool_give(&m->edges, i);
}

static void
node_sweep(struct model *m, uint32_t i)
{
	struct node *n = node_at(m, i);

	if (n->edges || !is_old(m, n->seen_us))
		return;
	series_free(m, n->self);
	m->node_of[n->name] = NONE;
	*n = (struct node){ 0 };
	pool_give(&m->nodes, i);
}

void
table_sweep(struct model *m)
{
	for (uint32_t n = m->edges.count / SWEEPS + 1; n && m->edges.count; n--) {
		m->sweep_edge = (m->sweep_edge + 1) % m->edges.count;
		if (edge_at(m, m->sweep_edge)->live)
			edge_sweep(m, m->sweep_edge);
	}
	for (uint32_t n = m->nodes.count / SWEEPS + 1; n && m->nodes.count; n--) {
		m->sweep_node = (m->sweep_node + 1) % m->nodes.count;
		if (node_at(m, m->sweep_node)->live)
			node_sweep(m, m->sweep_node);
	}
}

void
table_done(struct model *m)
{
	for (uint32_t i = 0; i < m->edges.count; i++)
		free(edge_at(m, i)->exemplars);
	pool_done(&m->nodes);
	pool_done(&m->edges);
	pool_done(&m->tallies);
	pool_done(&m->ops);
	idmap_done(&m->edge_of);
	idmap_done(&m->op_of);
	free(m->node_of);
	free(m->routes.at);
	free(m->routes.tag);
	buf_done(&m->routes.keys);
}
