/*
 * Choices, and what speaks for them:
 *
 * - An asynchronous edge starts an incident of its own at its consumer, with a tenth of
 *   the weight while nobody outside waits for it; its producer is not slower by it.
 * - A callee that exists only since the trouble began takes at most 30 % of what is left
 *   at its caller: a new dependency is usually the caller's change.
 * - Where the callee's own time is known, it is the rest. Where it is known not to have
 *   moved, at most a quarter of an unexplained rest stays.
 * - Time lost on the link (the caller saw it, the callee did not) goes to the end that
 *   its other edges point at.
 * - Witnesses: if nearly all calls of a node are slow while others see the same callees
 *   at their normal speed, the node itself is slow in calling.
 * - A failure that is a caller's patience running out is lateness: where the callee waits
 *   for something late itself, what it cannot explain by failures is not held against it.
 * - Cycles: edges that close one, seen from the heaviest root, are left out.
 */
#include "config.h"

#include "weir/core/blame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define BACKGROUND 0.1
#define FRESH_SHARE 0.3
#define OWN_REST 0.25
#define WITNESS_CALLS 8
#define WITNESS_SHARE 0.75
#define WITNESS_Z 2.5
#define BELIEVE_DEPTH 8
#define NOTHING 1e-12

struct node {
	double claim_in; /* of edges somebody waits on */
	double claim_async, work;
	double borne_out; /* by the claims of its callees */
	double root;      /* what starts here */
	double inflow;    /* what arrives: the root, and over edges */
	double by_edge;   /* of that, over edges */
	double stayed;
	uint32_t in_at, in_n, out_at, out_n;
	/* Edges with enough calls to be a witness, and what they say. */
	uint32_t in_seen, in_hurt, in_link, out_seen, out_link;
	uint8_t mark;
	bool foreground, reached;
};

struct start {
	uint32_t node;
	double root;
};

struct blame {
	struct blame_graph g;
	struct node *node;
	double *flow;       /* by edge */
	double *claim;      /* by edge: what is believed of it */
	uint32_t *in, *out; /* edge ids, grouped by node */
	uint32_t *order;    /* nodes, callers before callees */
	bool *back;         /* by edge: closes a cycle */
	uint32_t *stack;
	struct start *start;
	uint32_t node_cap, edge_cap, ordered;
	double total;
	struct blame_entry entry[BLAME_MAX_ENTRIES];
	uint32_t entries;
	double *share; /* entry * nodes + node */
	uint32_t share_cap;
};

struct blame *
blame_new(void)
{
	return xcalloc(1, sizeof(struct blame));
}

void
blame_free(struct blame *b)
{
	if (!b)
		return;
	free(b->node);
	free(b->flow);
	free(b->claim);
	free(b->in);
	free(b->out);
	free(b->order);
	free(b->back);
	free(b->stack);
	free(b->start);
	free(b->share);
	free(b);
}

static void
fit(struct blame *b)
{
	if (b->g.nodes > b->node_cap) {
		b->node_cap = b->g.nodes + b->g.nodes / 2;
		b->node = xreallocarray(b->node, b->node_cap, sizeof(*b->node));
		b->order = xreallocarray(b->order, b->node_cap, sizeof(*b->order));
		b->stack = xreallocarray(b->stack, b->node_cap, 2 * sizeof(*b->stack));
		b->start = xreallocarray(b->start, b->node_cap, sizeof(*b->start));
	}
	if (b->g.edges > b->edge_cap) {
		b->edge_cap = b->g.edges + b->g.edges / 2;
		b->flow = xreallocarray(b->flow, b->edge_cap, sizeof(*b->flow));
		b->claim = xreallocarray(b->claim, b->edge_cap, sizeof(*b->claim));
		b->in = xreallocarray(b->in, b->edge_cap, sizeof(*b->in));
		b->out = xreallocarray(b->out, b->edge_cap, sizeof(*b->out));
		b->back = xreallocarray(b->back, b->edge_cap, sizeof(*b->back));
	}
}

/* Group the edges by their ends (a counting sort: order within a node is kept). */
static void
index_edges(struct blame *b)
{
	uint32_t in = 0, out = 0;

	for (uint32_t i = 0; i < b->g.edges; i++) {
		b->node[b->g.edge[i].src].out_n++;
		b->node[b->g.edge[i].dst].in_n++;
	}
	for (uint32_t v = 0; v < b->g.nodes; v++) {
		struct node *n = &b->node[v];

		n->in_at = in;
		n->out_at = out;
		in += n->in_n;
		out += n->out_n;
		n->in_n = n->out_n = 0;
	}
	for (uint32_t i = 0; i < b->g.edges; i++) {
		struct node *src = &b->node[b->g.edge[i].src];
		struct node *dst = &b->node[b->g.edge[i].dst];

		b->out[src->out_at + src->out_n++] = i;
		b->in[dst->in_at + dst->in_n++] = i;
	}
}

#define EACH_OUT(b, v, e)                                          \
	for (uint32_t e##_i = 0, e = 0;                            \
		e##_i < (b)->node[v].out_n &&                      \
		(e = (b)->out[(b)->node[v].out_at + e##_i], true); \
		e##_i++)
#define EACH_IN(b, v, e)                                                                 \
	for (uint32_t e##_i = 0, e = 0; e##_i < (b)->node[v].in_n &&                     \
					(e = (b)->in[(b)->node[v].in_at + e##_i], true); \
		e##_i++)

/* Does the edge carry blame down (rather than start an incident at its consumer)? */
static bool
carries(const struct blame *b, uint32_t e)
{
	const struct blame_edge *edge = &b->g.edge[e];

	return b->claim[e] > 0 && !(b->g.latency && edge->async);
}

/* Nodes that somebody outside waits for: behind an entry over calls that block. */
static void
find_foreground(struct blame *b)
{
	uint32_t depth = 0;

	for (uint32_t v = 0; v < b->g.nodes; v++)
		if (!b->node[v].in_n && b->node[v].out_n) {
			b->node[v].foreground = true;
			b->stack[depth++] = v;
		}
	while (depth) {
		uint32_t v = b->stack[--depth];

		EACH_OUT(b, v, e)
		{
			struct node *dst = &b->node[b->g.edge[e].dst];

			if (b->g.edge[e].async || dst->foreground)
				continue;
			dst->foreground = true;
			b->stack[depth++] = b->g.edge[e].dst;
		}
	}
}

/*
 * An edge that looks late by @raw, but by too few requests to be believed, is believed
 * as far as its callee's own callees bear it out. Otherwise one edge of little traffic
 * amid a chain would stop the blame at its caller.
 */
static void
believe(struct blame *b)
{
	bool changed = true;

	for (uint32_t e = 0; e < b->g.edges; e++)
		b->claim[e] = b->g.edge[e].claim;
	for (unsigned i = 0; i < BELIEVE_DEPTH && changed; i++) {
		changed = false;
		for (uint32_t v = 0; v < b->g.nodes; v++)
			b->node[v].borne_out = 0;
		for (uint32_t e = 0; e < b->g.edges; e++)
			if (carries(b, e))
				b->node[b->g.edge[e].src].borne_out += b->claim[e];
		for (uint32_t e = 0; e < b->g.edges; e++) {
			const struct blame_edge *edge = &b->g.edge[e];
			double most = MIN(edge->raw, b->node[edge->dst].borne_out);

			if (most <= b->claim[e] * (1 + 1e-9) || edge->async)
				continue;
			b->claim[e] = most;
			changed = true;
		}
	}
}

static void
find_roots(struct blame *b)
{
	uint32_t worst = UINT32_MAX;

	for (uint32_t e = 0; e < b->g.edges; e++) {
		const struct blame_edge *edge = &b->g.edge[e];
		double claim = b->claim[e];

		if (claim <= 0)
			continue;
		if (carries(b, e))
			b->node[edge->dst].claim_in += claim;
		else
			b->node[edge->dst].claim_async += claim;
		if (!carries(b, e))
			b->node[edge->dst].work += MAX(0.0, edge->work);
		if (worst == UINT32_MAX || claim > b->claim[worst])
			worst = e;
	}
	b->total = 0;
	for (uint32_t v = 0; v < b->g.nodes; v++) {
		struct node *n = &b->node[v];

		if (n->claim_in <= 0)
			EACH_OUT(b, v, e)
		if (carries(b, e))
			n->root += b->claim[e] * (n->foreground ? 1.0 : BACKGROUND);
		n->root += n->claim_async * BACKGROUND;
		b->total += n->root;
	}
	/* Everything sits on a cycle: begin where it hurts most. */
	if (b->total <= 0 && worst != UINT32_MAX) {
		b->node[b->g.edge[worst].dst].root = b->claim[worst];
		b->total = b->claim[worst];
	}
}

/* Depth first below @root; what is left by it comes before what it called. */
static void
visit(struct blame *b, uint32_t root, uint32_t *post)
{
	uint32_t depth = 0;
	uint32_t *next = b->stack + b->node_cap; /* beside each node: its next edge */

	b->node[root].mark = 1;
	b->stack[0] = root;
	next[0] = 0;
	depth = 1;
	while (depth) {
		uint32_t v = b->stack[depth - 1], e, dst;
		struct node *n = &b->node[v];

		if (next[depth - 1] == n->out_n) {
			n->mark = 2;
			b->order[--*post] = v;
			depth--;
			continue;
		}
		e = b->out[n->out_at + next[depth - 1]++];
		if (!carries(b, e))
			continue;
		dst = b->g.edge[e].dst;
		if (b->node[dst].mark == 1) {
			b->back[e] = true;
		} else if (!b->node[dst].mark) {
			b->node[dst].mark = 1;
			b->stack[depth] = dst;
			next[depth++] = 0;
		}
	}
}

static int
heavier(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	if (x->root != y->root)
		return x->root < y->root ? 1 : -1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* Callers before callees, back edges marked; heavier roots decide what is a back edge. */
static void
find_order(struct blame *b)
{
	uint32_t post = b->g.nodes, starts = 0;

	for (uint32_t v = 0; v < b->g.nodes; v++)
		if (b->node[v].root > 0)
			b->start[starts++] = (struct start){ v, b->node[v].root };
	if (starts)
		qsort(b->start, starts, sizeof(*b->start), heavier);
	for (uint32_t i = 0; i < starts; i++)
		if (!b->node[b->start[i].node].mark)
			visit(b, b->start[i].node, &post);
	/* What closes a cycle brings no blame, so it asks for no explanation either. */
	for (uint32_t e = 0; e < b->g.edges; e++)
		if (b->back[e])
			b->node[b->g.edge[e].dst].claim_in -= b->claim[e];
	b->ordered = b->g.nodes - post;
	memmove(b->order, b->order + post, b->ordered * sizeof(*b->order));
}

/* Whom could one ask about either end of an edge? Counted once, for hubs have many. */
static void
find_witnesses(struct blame *b)
{
	for (uint32_t e = 0; e < b->g.edges; e++) {
		const struct blame_edge *edge = &b->g.edge[e];
		struct node *src = &b->node[edge->src], *dst = &b->node[edge->dst];

		if (edge->calls < WITNESS_CALLS && !carries(b, e))
			continue;
		src->out_seen++;
		dst->in_seen++;
		dst->in_hurt += b->claim[e] > 0;
		src->out_link += carries(b, e) && edge->link > .5;
		dst->in_link += carries(b, e) && edge->link > .5;
	}
}

/* A link's trouble is the caller's if most of its other links are in trouble as well. */
static uint32_t
link_owner(const struct blame *b, uint32_t link)
{
	const struct blame_edge *l = &b->g.edge[link];
	const struct node *src = &b->node[l->src], *dst = &b->node[l->dst];
	bool me = l->link > .5;
	double out = (double)(src->out_link - me) / MAX(src->out_seen - 1.0, 1.0);
	double in = (double)(dst->in_link - me) / MAX(dst->in_seen - 1.0, 1.0);

	return out > .5 && out > in && src->in_n ? l->src : l->dst;
}

/* What the callees of @v do not explain of what it is late by. */
static double
unexplained(const struct blame *b, uint32_t v, double callees)
{
	double in = b->node[v].claim_in, rest = MAX(0.0, in - callees), own = 0;
	bool known = false;

	if (!b->g.latency)
		return rest;
	EACH_IN(b, v, e)
	{
		if (b->g.edge[e].own < 0)
			continue;
		known = true;
		own += b->g.edge[e].own;
	}
	/* Nobody waits for a consumer, so there is no claim to take the rest of. */
	if (in <= 0)
		return known ? own : MAX(0.0, b->node[v].work - callees);
	if (!known)
		return rest;
	if (callees <= 0)
		return MIN(MAX(rest, own), in);
	return own > 0 ? own : MIN(rest, OWN_REST * in);
}

static void
pass_on(struct blame *b, uint32_t e, double f)
{
	struct node *dst = &b->node[b->g.edge[e].dst];

	b->flow[e] += f;
	dst->inflow += f;
	dst->by_edge += f;
}

static void
settle(struct blame *b, uint32_t v)
{
	struct node *n = &b->node[v];
	double f = n->inflow, known = 0, fresh = 0, to_fresh, rest, all;
	double late = 0, by_edge = 0;

	if (b->g.latency)
		EACH_IN(b, v, e)
		{
			double lost = b->flow[e] * b->g.edge[e].link;

			if (lost <= 0)
				continue;
			b->node[link_owner(b, e)].stayed += lost;
			f -= lost;
		}
	if (f <= NOTHING)
		return;
	EACH_IN(b, v, e)
	{
		by_edge += b->flow[e];
		late += b->flow[e] * b->g.edge[e].late;
	}
	EACH_OUT(b, v, e)
	{
		if (!carries(b, e) || b->back[e])
			continue;
		if (b->g.latency && b->g.edge[e].fresh)
			fresh += b->claim[e];
		else
			known += b->claim[e];
	}
	rest = unexplained(b, v, known);
	all = known + rest;
	if (all <= 0) {
		n->stayed += f;
		return;
	}
	rest = f * rest / all;
	to_fresh = fresh > 0 ? rest * FRESH_SHARE *
				       MIN(1.0, fresh / MAX(n->claim_in - known, NOTHING))
			     : 0;
	EACH_OUT(b, v, e)
	{
		double claim = b->claim[e];

		if (!carries(b, e) || b->back[e])
			continue;
		if (b->g.latency && b->g.edge[e].fresh)
			pass_on(b, e, to_fresh * claim / fresh);
		else
			pass_on(b, e, f * claim / all);
	}
	n->stayed += (rest - to_fresh) * (by_edge > 0 ? 1 - late / by_edge : 1);
}

/* Take back from callees that others find healthy what all of @u's calls suffer. */
static void
hear_witnesses(struct blame *b, uint32_t u)
{
	uint32_t calls = 0, hot = 0, healthy = 0, hurt = 0;

	EACH_OUT(b, u, e)
	{
		const struct blame_edge *edge = &b->g.edge[e];

		if (edge->calls < WITNESS_CALLS || edge->async)
			continue;
		calls++;
		if (b->claim[e] <= 0 || edge->z < WITNESS_Z)
			continue;
		hot++;
		hurt += b->node[edge->dst].in_hurt - 1;
		healthy += b->node[edge->dst].in_seen - b->node[edge->dst].in_hurt;
	}
	if (hot < 2 || hot < WITNESS_SHARE * calls || !healthy || hurt)
		return;
	EACH_OUT(b, u, e)
	{
		struct node *dst = &b->node[b->g.edge[e].dst];
		double back;

		if (b->claim[e] <= 0 || b->g.edge[e].z < WITNESS_Z || dst->by_edge <= 0)
			continue;
		back = dst->stayed * b->flow[e] / dst->by_edge;
		dst->stayed -= back;
		b->node[u].stayed += back;
	}
}

/*
 * Let the roots' blame run down, or that of @entry alone.
 */
static void
run_down(struct blame *b, const struct blame_entry *entry)
{
	for (uint32_t e = 0; e < b->g.edges; e++)
		b->flow[e] = 0;
	for (uint32_t i = 0; i < b->ordered; i++) {
		struct node *n = &b->node[b->order[i]];

		n->inflow = entry ? 0 : n->root;
		n->by_edge = n->stayed = 0;
	}
	if (entry)
		pass_on(b, entry->edge, entry->claim);
	for (uint32_t i = 0; i < b->ordered; i++)
		settle(b, b->order[i]);
	if (b->g.latency)
		for (uint32_t i = 0; i < b->ordered; i++)
			if (b->node[b->order[i]].in_n)
				hear_witnesses(b, b->order[i]);
}

static void
find_entries(struct blame *b)
{
	b->entries = 0;
	for (uint32_t e = 0; e < b->g.edges; e++) {
		uint32_t at = b->entries;
		double claim = b->claim[e];

		if (!carries(b, e) || b->node[b->g.edge[e].src].root <= 0)
			continue;
		while (at && b->entry[at - 1].claim < claim)
			at--;
		if (at == BLAME_MAX_ENTRIES)
			continue;
		b->entries = MIN(b->entries + 1, BLAME_MAX_ENTRIES);
		memmove(b->entry + at + 1, b->entry + at,
			(b->entries - at - 1) * sizeof(*b->entry));
		b->entry[at] = (struct blame_entry){ e, claim };
	}
}

/* Each entry's blame alone; the pass is linear in what comes in. */
static void
find_shares(struct blame *b)
{
	uint32_t need = b->entries * b->g.nodes;

	if (need > b->share_cap) {
		b->share_cap = need;
		b->share = xreallocarray(b->share, need, sizeof(*b->share));
	}
	for (uint32_t i = 0; i < b->entries; i++) {
		struct blame_entry entry = b->entry[i];

		run_down(b, &entry);
		for (uint32_t v = 0; v < b->g.nodes; v++)
			b->share[i * b->g.nodes + v] =
				b->node[v].mark
					? MIN(1.0, b->node[v].stayed / entry.claim)
					: 0;
	}
}

/* Mark what may be named: the blamed nodes below an alarm, and callers of one. */
static void
find_reached(struct blame *b)
{
	uint32_t depth = 0;

	for (uint32_t e = 0; e < b->g.edges; e++) {
		const struct blame_edge *edge = &b->g.edge[e];

		if (!edge->alarmed)
			continue;
		if (!b->node[edge->dst].reached)
			b->stack[depth++] = edge->dst;
		b->node[edge->dst].reached = true;
	}
	while (depth) {
		uint32_t v = b->stack[--depth];

		EACH_OUT(b, v, e)
		{
			uint32_t dst = b->g.edge[e].dst;

			if (b->flow[e] <= 0 || b->node[dst].reached)
				continue;
			b->node[dst].reached = true;
			b->stack[depth++] = dst;
		}
	}
	for (uint32_t e = 0; e < b->g.edges; e++)
		if (b->g.edge[e].alarmed && b->claim[e] > 0)
			b->node[b->g.edge[e].src].reached = true;
}

void
blame_run(struct blame *b, const struct blame_graph *g)
{
	b->g = *g;
	fit(b);
	memset(b->node, 0, g->nodes * sizeof(*b->node));
	for (uint32_t e = 0; e < g->edges; e++) {
		b->back[e] = false;
		b->flow[e] = 0;
	}
	index_edges(b);
	find_foreground(b);
	believe(b);
	find_roots(b);
	find_witnesses(b);
	find_order(b);
	find_entries(b);
	find_shares(b);

	run_down(b, NULL);
	find_reached(b);
}

double
blame_total(const struct blame *b)
{
	return b->total;
}

double
blame_node(const struct blame *b, uint32_t node)
{
	return b->node[node].mark ? b->node[node].stayed : 0;
}

double
blame_flow(const struct blame *b, uint32_t edge)
{
	return b->flow[edge];
}

double
blame_claim(const struct blame *b, uint32_t edge)
{
	return b->claim[edge];
}

bool
blame_reached(const struct blame *b, uint32_t node)
{
	return b->node[node].reached;
}

uint32_t
blame_entries(const struct blame *b)
{
	return b->entries;
}

struct blame_entry
blame_entry(const struct blame *b, uint32_t entry)
{
	return b->entry[entry];
}

double
blame_share(const struct blame *b, uint32_t entry, uint32_t node)
{
	return b->share[entry * b->g.nodes + node];
}
