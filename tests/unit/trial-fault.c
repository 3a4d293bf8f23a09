#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "trial-impl.h"
#include "weir/base/util.h"

#define BUSY 5.0 /* calls a second: three quarters of the faults are where so many are */
#define RARE .3  /* and none where fewer are */

static double
edge_rate(const struct trial_world *w, uint32_t i)
{
	const struct trial_edge *e = &w->edge[i];

	return w->node[e->src].rate * e->chance * e->calls / w->weight;
}

static bool
is_server(const struct trial_world *w, uint32_t n)
{
	return w->node[n].role == ROLE_SERVICE || w->node[n].role == ROLE_STORE;
}

/* Services that call others and wait for the answers. */
static bool
is_caller(const struct trial_world *w, uint32_t n)
{
	bool waits = false;

	for (uint32_t i = w->node[n].first_out;
		i < w->node[n].first_out + w->node[n].outs; i++)
		waits |= w->edge[i].kind != KIND_MSG;
	return w->node[n].role == ROLE_SERVICE && waits;
}

static bool
is_consumer(const struct trial_world *w, uint32_t n)
{
	return w->node[n].role == ROLE_CONSUMER;
}

static uint32_t
choose_node(struct trial_world *w, bool (*fits)(const struct trial_world *w, uint32_t n))
{
	double least = trial_chance(w, .75) ? BUSY : RARE;
	uint32_t seen = 0, chosen = TRIAL_NONE;

	for (unsigned i = 0; i < 2 && !seen; i++, least = RARE)
		for (uint32_t n = 0; n < w->nodes; n++)
			if (fits(w, n) && w->node[n].rate / w->weight >= least &&
				trial_pick(w, ++seen) == 0)
				chosen = n;
	return chosen;
}

/* Calls that somebody waits for, of at least @ops operations. */
static uint32_t
choose_edge(struct trial_world *w, unsigned ops)
{
	double least = trial_chance(w, .75) ? BUSY : RARE;
	uint32_t seen = 0, chosen = TRIAL_NONE;

	for (unsigned i = 0; i < 2 && !seen; i++, least = RARE)
		for (uint32_t e = 0; e < w->edges; e++)
			if (w->edge[e].kind != KIND_MSG && w->edge[e].ops >= ops &&
				w->node[w->edge[e].src].role != ROLE_USER &&
				edge_rate(w, e) >= least && trial_pick(w, ++seen) == 0)
				chosen = e;
	return chosen;
}

static struct trial_harm *
add_harm(struct trial_world *w, enum trial_fault kind, uint32_t node, uint32_t edge)
{
	struct trial_harm *h = &w->harm[w->harms++];

	*h = (struct trial_harm){ .kind = kind,
		.begin = w->begin,
		.end = w->end,
		.node = node,
		.edge = edge,
		.times = trial_log_between(w, 1.5, 50),
		.fail = trial_log_between(w, .01, 1),
		.fail_s = trial_chance(w, .5) ? .0005 : -1 };
	if (w->fault != TRIAL_COLD && w->end - w->begin > 100 && trial_chance(w, .2)) {
		h->ramp_s = trial_between(w, 20, (w->end - w->begin) / 2);
		w->conditions |= 1u << TRIAL_IS_CREEPING;
	}
	return h;
}

static bool
at_node(struct trial_world *w, enum trial_fault kind,
	bool (*fits)(const struct trial_world *w, uint32_t n))
{
	uint32_t n = choose_node(w, fits);
	struct trial_harm *h;

	if (n == TRIAL_NONE)
		return false;
	h = add_harm(w, kind, n, TRIAL_NONE);
	h->share = kind == TRIAL_INSTANCE ? 1.0 / (2 + trial_pick(w, 15)) : 1;
	if (kind == TRIAL_INSTANCE)
		h->times = trial_log_between(w, 5, 100);
	if (kind == TRIAL_KILL)
		h->ramp_s = 0;
	w->truth.node[w->harms - 1] = n;
	return true;
}

static bool
at_edge(struct trial_world *w, enum trial_fault kind, unsigned ops)
{
	uint32_t i = choose_edge(w, ops);
	const struct trial_edge *e = &w->edge[i];
	struct trial_harm *h;
	double usual;

	if (i == TRIAL_NONE)
		return false;
	h = add_harm(w, kind, TRIAL_NONE, i);
	usual = w->node[e->dst].mean_s;
	h->add_s = MAX((h->times - 1) * usual, .001);
	h->op = trial_pick(w, e->ops);
	h->more = 2 + trial_pick(w, 10);
	w->truth.edge = w->truth.hop = i;
	return true;
}

static bool
slow_operation(struct trial_world *w)
{
	if (!at_edge(w, TRIAL_OPERATION, 2))
		return false;
	w->truth.node[0] = w->edge[w->truth.edge].dst;
	w->truth.op = w->harm[0].op;
	return true;
}

static bool
slow_pool(struct trial_world *w)
{
	uint32_t n = choose_node(w, is_caller), waits = 0, only = TRIAL_NONE;
	struct trial_harm *h;

	if (n == TRIAL_NONE)
		return false;
	h = add_harm(w, TRIAL_POOL, n, TRIAL_NONE);
	h->add_s = MAX(.02, (h->times - 1) * w->node[n].mean_s / 2);
	h->at_client = trial_chance(w, .5);
	w->truth.node[0] = n;
	for (uint32_t i = w->node[n].first_out;
		i < w->node[n].first_out + w->node[n].outs; i++)
		if (w->edge[i].kind != KIND_MSG) {
			only = i;
			waits++;
		}
	/* Who calls one other alone is told from a slow link by nothing. */
	if (waits == 1 && h->at_client)
		w->truth.node[1] = w->edge[only].dst;
	return true;
}

/* Either end may be named, but the hop must be the one. */
static bool
slow_link(struct trial_world *w)
{
	if (!at_edge(w, TRIAL_LINK, 1))
		return false;
	/* Where callers tell nothing, it is at the caller that the time is missing. */
	w->truth.node_right = trial_is(w, TRIAL_IS_SERVERS) &&
			      w->node[w->edge[w->truth.edge].dst].role != ROLE_STORE;
	if (w->truth.node_right) {
		w->truth.node[0] = w->edge[w->truth.edge].src;
		w->truth.hop = TRIAL_NONE;
	}
	return true;
}

static bool
stop_calling(struct trial_world *w)
{
	if (!at_edge(w, TRIAL_SILENT, 1))
		return false;
	w->harm[0].ramp_s = 0;
	w->truth.node[0] = w->edge[w->truth.edge].src;
	return true;
}

static bool
call_more(struct trial_world *w)
{
	if (!at_edge(w, TRIAL_MORE, 1))
		return false;
	w->harm[0].ramp_s = 0;
	w->truth.node[0] = w->edge[w->truth.edge].src;
	w->truth.edge = w->truth.hop = TRIAL_NONE;
	return true;
}

static bool
slow_consumer(struct trial_world *w)
{
	if (!at_node(w, TRIAL_SLOW, is_consumer))
		return false;
	w->harm[0].add_s = 2 * w->node[w->truth.node[0]].consumers /
			   MAX(w->node[w->truth.node[0]].rate, .01);
	return true;
}

/* Something a consumer waits for. */
static bool
slow_behind_queue(struct trial_world *w)
{
	uint32_t seen = 0, chosen = TRIAL_NONE;

	for (uint32_t i = 0; i < w->edges; i++)
		if (is_consumer(w, w->edge[i].src) && w->edge[i].kind != KIND_MSG &&
			edge_rate(w, i) >= RARE && trial_pick(w, ++seen) == 0)
			chosen = i;
	if (chosen == TRIAL_NONE)
		return false;
	w->truth.node[0] = w->edge[chosen].dst;
	add_harm(w, TRIAL_SLOW, w->truth.node[0], TRIAL_NONE)->add_s =
		2 * w->node[w->edge[chosen].src].consumers /
		MAX(edge_rate(w, chosen) * w->weight, .01);
	return true;
}

static int
by_caller(const void *a, const void *b)
{
	const struct trial_edge *x = a, *y = b;

	return x->src < y->src ? -1 : x->src > y->src;
}

/* A service begins to call another that was not there before. */
static bool
call_new(struct trial_world *w)
{
	uint32_t n = choose_node(w, is_caller);
	struct trial_node *x = &w->node[w->nodes];
	struct trial_harm *h;

	if (n == TRIAL_NONE)
		return false;
	*x = w->node[n];
	x->role = ROLE_STORE;
	x->outs = 0;
	x->own_s = MIN(.002, w->node[n].mean_s / 20);
	x->slow_share = x->heavy_share = 0;
	w->edge[w->edges++] = (struct trial_edge){ .src = n,
		.dst = w->nodes++,
		.kind = KIND_HTTP,
		.group = 1,
		.chance = 1,
		.calls = 1,
		.ops = 1,
		.op_share = { 1 },
		.op_times = { 1 },
		.net_s = .00005,
		.born_s = w->begin };
	/* Neighbours again. */
	qsort(w->edge, w->edges, sizeof(*w->edge), by_caller);
	for (uint32_t i = w->edges; i-- > 0;)
		w->node[w->edge[i].src].first_out = i;
	w->node[n].outs++;
	h = add_harm(w, TRIAL_SLOW, w->nodes - 1, TRIAL_NONE);
	h->ramp_s = 0;
	h->add_s = MAX(.02, w->node[n].mean_s * trial_log_between(w, 2, 10));
	w->truth.node[0] = n;
	return true;
}

static bool
two_faults(struct trial_world *w)
{
	if (!at_node(w, TRIAL_SLOW, is_server))
		return false;
	for (unsigned i = 0; i < 20; i++) {
		uint32_t n = choose_node(w, is_server);

		if (n == w->truth.node[0])
			continue;
		add_harm(w, trial_chance(w, .5) ? TRIAL_SLOW : TRIAL_ERRORS, n,
			TRIAL_NONE);
		w->harm[1].share = 1;
		w->truth.node[1] = n;
		return true;
	}
	return false;
}

static bool
slow_from_the_start(struct trial_world *w)
{
	if (!at_node(w, TRIAL_SLOW, is_server))
		return false;
	w->harm[0].times = 1;
	w->harm[0].add_s = trial_between(w, 1.5, 5);
	return true;
}

static bool
put_fault(struct trial_world *w)
{
	switch (w->fault) {
	case TRIAL_SLOW:
	case TRIAL_INSTANCE:
	case TRIAL_ERRORS:
	case TRIAL_KILL:
		return at_node(w, w->fault, is_server);
	case TRIAL_RETRIES:
		if (!at_node(w, TRIAL_ERRORS, is_server))
			return false;
		for (uint32_t i = 0; i < w->edges; i++)
			if (w->edge[i].dst == w->truth.node[0])
				w->edge[i].retries = 3;
		return true;
	case TRIAL_OPERATION:
		return slow_operation(w);
	case TRIAL_POOL:
		return slow_pool(w);
	case TRIAL_LINK:
		return slow_link(w);
	case TRIAL_SILENT:
		return stop_calling(w);
	case TRIAL_CONSUMER:
		return slow_consumer(w);
	case TRIAL_BEHIND:
		return slow_behind_queue(w);
	case TRIAL_MORE:
		return call_more(w);
	case TRIAL_NEW:
		return call_new(w);
	case TRIAL_TWO:
		return two_faults(w);
	case TRIAL_COLD:
		return slow_from_the_start(w);
	case TRIAL_QUIET:
	case TRIAL_FAULT_COUNT:
		break;
	}
	return false;
}

void
trial_put_fault(struct trial_world *w)
{
	w->truth = (struct trial_truth){ .node = { TRIAL_NONE, TRIAL_NONE },
		.edge = TRIAL_NONE,
		.hop = TRIAL_NONE,
		.op = TRIAL_OPS,
		.node_right = true };
	if (!put_fault(w)) {
		w->fault = TRIAL_QUIET;
		w->harms = 0;
		w->end = w->begin = MAX(w->begin, 300);
		w->total = w->begin;
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (w->truth.node[i] != TRIAL_NONE && w->node[w->truth.node[i]].on_cycle)
			w->conditions |= 1u << TRIAL_IS_CYCLE;
}
