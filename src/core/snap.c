#include "config.h"

#include "weir/core/snap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/pair.h"

static const struct snap_stat unknown_stat = {
	.rate = NAN,
	.p50_us = SNAP_UNKNOWN,
	.p95_us = SNAP_UNKNOWN,
	.p99_us = SNAP_UNKNOWN,
	.max_us = SNAP_UNKNOWN,
	.bytes_in = SNAP_UNKNOWN,
	.bytes_out = SNAP_UNKNOWN,
};

/* @p with room for at least @n entries; @room is what it has. */
static void *
reserve(void *p, uint32_t *room, uint32_t n, size_t size)
{
	if (n <= *room)
		return p;
	*room = MAX(n, *room ? *room * 2 : 16);
	return xreallocarray(p, *room, size);
}

void
snap_done(struct snap *s)
{
	free(s->node);
	free(s->edge);
	free(s->op);
	free(s->exemplar);
	free(s->view);
	free(s->own_agent);
	free(s->event);
	free(s->note);
	free(s->gauge);
	*s = (struct snap){ 0 };
}

void
snap_clear_graph(struct snap *s)
{
	s->nodes = 0;
	s->edges = 0;
	s->ops = 0;
	s->exemplars = 0;
	s->notes = 0;
	s->gauges = 0;
	s->views = 0;
}

void
snap_clear(struct snap *s)
{
	struct snap old = *s;

	*s = (struct snap){
		.node = old.node,
		.node_room = old.node_room,
		.edge = old.edge,
		.edge_room = old.edge_room,
		.op = old.op,
		.op_room = old.op_room,
		.exemplar = old.exemplar,
		.exemplar_room = old.exemplar_room,
		.note = old.note,
		.note_room = old.note_room,
		.gauge = old.gauge,
		.gauge_room = old.gauge_room,
		.view = old.view,
		.view_room = old.view_room,
		.own_agent = old.own_agent,
		.agent_room = old.agent_room,
		.event = old.event,
		.event_room = old.event_room,
	};
}

static void *
copy_array(void *to, uint32_t *room, const void *from, uint32_t n, size_t size)
{
	to = reserve(to, room, n, size);
	if (n)
		memcpy(to, from, n * size);
	return to;
}

void
snap_copy(struct snap *to, const struct snap *from)
{
	struct snap old = *to;

	if (to == from)
		return;
	*to = *from;
	to->node_room = old.node_room;
	to->node = copy_array(
		old.node, &to->node_room, from->node, from->nodes, sizeof(*to->node));
	to->edge_room = old.edge_room;
	to->edge = copy_array(
		old.edge, &to->edge_room, from->edge, from->edges, sizeof(*to->edge));
	to->op_room = old.op_room;
	to->op = copy_array(old.op, &to->op_room, from->op, from->ops, sizeof(*to->op));
	to->exemplar_room = old.exemplar_room;
	to->exemplar = copy_array(old.exemplar, &to->exemplar_room, from->exemplar,
		from->exemplars, sizeof(*to->exemplar));
	to->note_room = old.note_room;
	to->note = copy_array(
		old.note, &to->note_room, from->note, from->notes, sizeof(*to->note));
	to->gauge_room = old.gauge_room;
	to->gauge = copy_array(old.gauge, &to->gauge_room, from->gauge, from->gauges,
		sizeof(*to->gauge));
	to->view_room = old.view_room;
	to->view = copy_array(
		old.view, &to->view_room, from->view, from->views, sizeof(*to->view));
	to->agent_room = old.agent_room;
	to->own_agent = copy_array(old.own_agent, &to->agent_room, from->quality.agent,
		from->quality.agents, sizeof(*to->own_agent));
	to->quality.agent = to->own_agent;
	to->event_room = old.event_room;
	to->event = copy_array(old.event, &to->event_room, from->event, from->events,
		sizeof(*to->event));
}

const char *
snap_change_word(enum verdict_change c)
{
	static const char *const words[] = { "opened", "closed", "named", "cleared",
		"new-normal", "feed-lost", "feed-back" };

	return (unsigned)c < ARRAY_LEN(words) ? words[c] : words[0];
}

struct snap_event *
snap_events(struct snap *s, uint32_t n)
{
	s->event = reserve(s->event, &s->event_room, n, sizeof(*s->event));
	s->events = n;
	return s->event;
}

struct snap_node *
snap_node_add(struct snap *s, const char *name)
{
	struct snap_node *n;

	s->node = reserve(s->node, &s->node_room, s->nodes + 1, sizeof(*s->node));
	n = &s->node[s->nodes++];
	*n = (struct snap_node){
		.name = name,
		.rate_in = NAN,
		.rate_out = NAN,
		.p99_in_us = SNAP_UNKNOWN,
		.self_p99_us = SNAP_UNKNOWN,
		.last_us = SNAP_UNKNOWN,
		.first_note = s->notes,
		.first_gauge = s->gauges,
	};
	return n;
}

struct snap_edge *
snap_edge_add(struct snap *s, uint32_t src, uint32_t dst)
{
	struct snap_edge *e;

	s->edge = reserve(s->edge, &s->edge_room, s->edges + 1, sizeof(*s->edge));
	e = &s->edge[s->edges++];
	*e = (struct snap_edge){
		.src = src,
		.dst = dst,
		.stat = unknown_stat,
		.server_p99_us = SNAP_UNKNOWN,
		.queue_p99_us = SNAP_UNKNOWN,
		.since_us = SNAP_UNKNOWN,
		.usual = { false, SNAP_UNKNOWN, SNAP_UNKNOWN, SNAP_UNKNOWN, NAN, NAN },
		.first_us = SNAP_UNKNOWN,
		.last_us = SNAP_UNKNOWN,
		.first_op = s->ops,
		.first_exemplar = s->exemplars,
		.first_view = s->views,
	};
	return e;
}

struct snap_op *
snap_op_add(struct snap *s, const char *op)
{
	struct snap_op *o;

	s->op = reserve(s->op, &s->op_room, s->ops + 1, sizeof(*s->op));
	o = &s->op[s->ops++];
	*o = (struct snap_op){ .op = op, .stat = unknown_stat };
	s->edge[s->edges - 1].ops++;
	return o;
}

struct snap_exemplar *
snap_exemplar_add(struct snap *s)
{
	struct snap_exemplar *x;

	s->exemplar = reserve(
		s->exemplar, &s->exemplar_room, s->exemplars + 1, sizeof(*s->exemplar));
	x = &s->exemplar[s->exemplars++];
	*x = (struct snap_exemplar){ .latency_us = SNAP_UNKNOWN, .end_us = SNAP_UNKNOWN };
	s->edge[s->edges - 1].exemplars++;
	return x;
}

struct snap_note *
snap_note_add(struct snap *s, const char *pattern)
{
	struct snap_note *n;

	s->note = reserve(s->note, &s->note_room, s->notes + 1, sizeof(*s->note));
	n = &s->note[s->notes++];
	*n = (struct snap_note){ .pattern = pattern, .last_us = SNAP_UNKNOWN };
	s->node[s->nodes - 1].notes++;
	return n;
}

struct snap_gauge *
snap_gauge_add(struct snap *s, const char *name)
{
	struct snap_gauge *g;

	s->gauge = reserve(s->gauge, &s->gauge_room, s->gauges + 1, sizeof(*s->gauge));
	g = &s->gauge[s->gauges++];
	*g = (struct snap_gauge){ .name = name,
		.unit = "",
		.value = NAN,
		.low = NAN,
		.high = NAN,
		.at_us = SNAP_UNKNOWN };
	s->node[s->nodes - 1].gauges++;
	return g;
}

struct snap_view *
snap_view_add(struct snap *s, enum flow_origin origin)
{
	struct snap_view *v;

	s->view = reserve(s->view, &s->view_room, s->views + 1, sizeof(*s->view));
	v = &s->view[s->views++];
	*v = (struct snap_view){ .origin = origin, .stat = unknown_stat };
	s->edge[s->edges - 1].views++;
	return v;
}

struct snap_agent *
snap_agent_add(struct snap *s)
{
	struct snap_quality *q = &s->quality;
	struct snap_agent *a;

	if (q->agent != s->own_agent)
		s->own_agent = copy_array(
			s->own_agent, &s->agent_room, q->agent, q->agents, sizeof(*a));
	s->own_agent = reserve(s->own_agent, &s->agent_room, q->agents + 1, sizeof(*a));
	q->agent = s->own_agent;
	a = &s->own_agent[q->agents++];
	*a = (struct snap_agent){ .host = "", .input = "", .skew_us = SNAP_UNKNOWN };
	return a;
}

/* <0, 0, >0 for any two ordered values, without the overflow of a difference. */
#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int
by_name(const void *pa, const void *pb)
{
	const struct snap_node *a = pa, *b = pb;
	int d = strcmp(a->name, b->name);

	return d ? d : ORDER(a->key, b->key);
}

/* Nodes are sorted by then, so indices compare as names do. */
static int
by_ends(const void *pa, const void *pb)
{
	const struct snap_edge *a = pa, *b = pb;

	if (a->src != b->src)
		return ORDER(a->src, b->src);
	if (a->dst != b->dst)
		return ORDER(a->dst, b->dst);
	if (a->kind != b->kind)
		return ORDER(a->kind, b->kind);
	return ORDER(a->key, b->key);
}

/* The time that calls as slow as the p99 would take: what is worth looking at first. */
static double
tail_time(const struct snap_stat *stat)
{
	return stat->p99_us > 0 ? (double)stat->calls * (double)stat->p99_us : 0;
}

static int
by_tail_time(const void *pa, const void *pb)
{
	const struct snap_op *a = pa, *b = pb;
	double ta = tail_time(&a->stat), tb = tail_time(&b->stat);

	if (ta < tb || ta > tb)
		return ORDER(tb, ta);
	if (a->stat.calls != b->stat.calls)
		return ORDER(b->stat.calls, a->stat.calls);
	return strcmp(a->op, b->op);
}

static int
by_latency(const void *pa, const void *pb)
{
	const struct snap_exemplar *a = pa, *b = pb;

	if (a->latency_us != b->latency_us)
		return ORDER(b->latency_us, a->latency_us);
	if (a->end_us != b->end_us)
		return ORDER(b->end_us, a->end_us);
	return memcmp(&a->ids, &b->ids, sizeof(a->ids));
}

/* Sorted in place: for a few, and there are thousands of few, qsort() is a long way. */
#define FEW 16
#define ITEM_MAX 128

static void
sort_few(char *p, size_t n, size_t size, int (*order)(const void *, const void *))
{
	char item[ITEM_MAX];

	for (size_t i = 1; i < n; i++) {
		size_t to = i;

		while (to > 0 && order(p + (to - 1) * size, p + i * size) > 0)
			to--;
		if (to == i)
			continue;
		memcpy(item, p + i * size, size);
		memmove(p + (to + 1) * size, p + to * size, (i - to) * size);
		memcpy(p + to * size, item, size);
	}
}

static void
sort(void *p, uint32_t n, size_t size, int (*order)(const void *, const void *))
{
	if (n > 1 && n <= FEW && size <= ITEM_MAX)
		sort_few(p, n, size, order);
	else if (n > 1)
		qsort(p, n, size, order);
}

/* Sort the nodes; return where each old index went. The caller frees it. */
static uint32_t *
sort_nodes(struct snap *s)
{
	uint32_t *keys = xmalloc(s->nodes * sizeof(*keys));
	uint32_t *moved = xmalloc(s->nodes * sizeof(*moved));

	/* The key field carries the old index through the sort. */
	for (uint32_t i = 0; i < s->nodes; i++) {
		keys[i] = s->node[i].key;
		s->node[i].key = i;
	}
	sort(s->node, s->nodes, sizeof(*s->node), by_name);
	for (uint32_t i = 0; i < s->nodes; i++) {
		moved[s->node[i].key] = i;
		s->node[i].key = keys[s->node[i].key];
	}
	free(keys);
	return moved;
}

static int
by_weight(const void *pa, const void *pb)
{
	const struct snap_note *a = pa, *b = pb;

	if (a->severity != b->severity)
		return ORDER(b->severity, a->severity);
	if (a->count != b->count)
		return ORDER(b->count, a->count);
	return strcmp(a->pattern, b->pattern);
}

static int
by_gauge_name(const void *pa, const void *pb)
{
	const struct snap_gauge *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

/* What belongs to each node, within its slice. */
static void
sort_remarks(struct snap *s)
{
	for (uint32_t i = 0; i < s->nodes; i++) {
		struct snap_node *n = &s->node[i];

		sort(s->note ? s->note + n->first_note : NULL, n->notes, sizeof(*s->note),
			by_weight);
		sort(s->gauge ? s->gauge + n->first_gauge : NULL, n->gauges,
			sizeof(*s->gauge), by_gauge_name);
	}
}

void
snap_sort(struct snap *s)
{
	uint32_t *moved = sort_nodes(s);

	for (uint32_t i = 0; i < s->edges; i++) {
		struct snap_edge *e = &s->edge[i];

		e->src = moved[e->src];
		e->dst = moved[e->dst];
		sort(s->op ? s->op + e->first_op : NULL, e->ops, sizeof(*s->op),
			by_tail_time);
		sort(s->exemplar ? s->exemplar + e->first_exemplar : NULL, e->exemplars,
			sizeof(*s->exemplar), by_latency);
	}
	free(moved);
	sort_remarks(s);
	sort(s->edge, s->edges, sizeof(*s->edge), by_ends);
}

int
snap_find_node(const struct snap *s, uint32_t key)
{
	for (uint32_t i = 0; i < s->nodes; i++)
		if (s->node[i].key == key)
			return (int)i;
	return -1;
}

int
snap_find_edge(const struct snap *s, uint32_t key)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (s->edge[i].key == key)
			return (int)i;
	return -1;
}

bool
snap_edge_skew(const struct snap *s, const struct snap_edge *e, int64_t *ret_us)
{
	static const char begin[] = PAIR_SKEW_GAUGE "{";
	const struct snap_node *src = &s->node[e->src], *dst = &s->node[e->dst];
	size_t n = strlen(src->name);

	for (uint32_t i = 0; i < dst->gauges; i++) {
		const struct snap_gauge *g = &s->gauge[dst->first_gauge + i];
		const char *name = g->name;

		if (strncmp(name, begin, sizeof(begin) - 1) != 0)
			continue;
		name += sizeof(begin) - 1;
		if (strncmp(name, src->name, n) != 0 || strcmp(name + n, "}") != 0 ||
			!(fabs(g->value) < 9e15))
			continue;
		*ret_us = (int64_t)g->value;
		return true;
	}
	return false;
}
