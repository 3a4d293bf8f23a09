#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"
#include "trial-impl.h"
#include "weir/base/util.h"

#define MOST_CALLS 60.0 /* of one request, with all it causes */
#define PASSES 60       /* for rates and times to get through the graph */
#define LARGE 60
#define LONGEST_S 8.0 /* a request, as a rule */

double
trial_uniform(struct trial_world *w)
{
	return ((double)topology_random_next(&w->rng) + .5) / 2147483648.0;
}

double
trial_between(struct trial_world *w, double lo, double hi)
{
	return lo + (hi - lo) * trial_uniform(w);
}

double
trial_log_between(struct trial_world *w, double lo, double hi)
{
	return lo * exp(log(hi / lo) * trial_uniform(w));
}

bool
trial_chance(struct trial_world *w, double p)
{
	return trial_uniform(w) < p;
}

uint32_t
trial_pick(struct trial_world *w, uint32_t n)
{
	return (uint32_t)(trial_uniform(w) * n);
}

double
trial_normal(struct trial_world *w)
{
	double r, angle;

	if (w->has_spare) {
		w->has_spare = false;
		return w->spare;
	}
	r = sqrt(-2 * log(1 - trial_uniform(w)));
	angle = 6.283185307179586 * trial_uniform(w);
	w->spare = r * sin(angle);
	w->has_spare = true;
	return r * cos(angle);
}

/* ---------------------------------------------------------------- the graph */

static struct topology *
choose_topology(struct trial_world *w)
{
	uint32_t known = 0;
	double nodes;

	while (topology_names[known])
		known++;
	if (trial_chance(w, .5))
		return topology_load(topology_names[trial_pick(w, known)]);
	nodes = trial_log_between(w, 5, 200);
	return topology_random((int)nodes, (int)(nodes * trial_between(w, 1, 2.5)),
		3 + (int)trial_pick(w, 5), topology_random_next(&w->rng));
}

static int
by_caller(const void *a, const void *b)
{
	const struct trial_edge *x = a, *y = b;

	if (x->src != y->src)
		return x->src < y->src ? -1 : 1;
	return x->dst < y->dst ? -1 : x->dst > y->dst;
}

static void
index_edges(struct trial_world *w)
{
	qsort(w->edge, w->edges, sizeof(*w->edge), by_caller);
	for (uint32_t i = w->edges; i-- > 0;) {
		w->node[w->edge[i].src].first_out = i;
		w->node[w->edge[i].src].outs++;
	}
}

static uint32_t
calls_into(const struct trial_world *w, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->edges; i++)
		n += w->edge[i].dst == node;
	return n;
}

/* Users call what nobody calls; where everything is called, the first service. */
static void
add_users(struct trial_world *w)
{
	uint32_t services = w->nodes, user = w->nodes++;
	bool own_users = trial_chance(w, .5), any = false;

	w->node[user].role = ROLE_USER;
	for (uint32_t n = 0; n < services; n++) {
		bool calls = false;

		if (calls_into(w, n))
			continue;
		for (uint32_t i = 0; i < w->edges; i++)
			calls |= w->edge[i].src == n;
		if (!calls)
			continue;
		any = true;
		if (own_users)
			w->node[n].role = ROLE_USER;
		else
			w->edge[w->edges++] =
				(struct trial_edge){ .src = user, .dst = n };
	}
	if (!any)
		w->edge[w->edges++] = (struct trial_edge){ .src = user, .dst = 0 };
}

static void
take_topology(struct trial_world *w)
{
	struct topology *t = choose_topology(w);
	uint32_t n = (uint32_t)t->nodes;

	/* Room for users and for what a fault adds. */
	w->node = xcalloc(n + 4, sizeof(*w->node));
	w->edge = xcalloc((size_t)t->edges + n + 4, sizeof(*w->edge));
	w->nodes = n;
	for (uint32_t i = 0; i < n; i++)
		w->node[i].role = ROLE_SERVICE;
	for (int i = 0; i < t->edges; i++)
		if (t->edge[i].src != t->edge[i].dst)
			w->edge[w->edges++] =
				(struct trial_edge){ .src = (uint32_t)t->edge[i].src,
					.dst = (uint32_t)t->edge[i].dst };
	if (n > LARGE)
		w->conditions |= 1u << TRIAL_IS_LARGE;
	topology_free(t);
	add_users(w);
	index_edges(w);
}

/* Marks what lies on a cycle, by depth-first search; a back edge is called rarely. */
static void
find_cycles(struct trial_world *w, uint32_t node, uint8_t *mark)
{
	struct trial_node *n = &w->node[node];

	mark[node] = 1;
	for (uint32_t i = n->first_out; i < n->first_out + n->outs; i++) {
		struct trial_edge *e = &w->edge[i];

		if (mark[e->dst] == 1) {
			e->chance = .15;
			n->on_cycle = w->node[e->dst].on_cycle = true;
		} else if (!mark[e->dst]) {
			find_cycles(w, e->dst, mark);
		}
	}
	mark[node] = 2;
}

/* ---------------------------------------------------------------- what they do */

static void
make_node(struct trial_world *w, uint32_t i)
{
	struct trial_node *n = &w->node[i];

	if (n->role != ROLE_USER && !n->outs && trial_chance(w, .8))
		n->role = ROLE_STORE;
	else if (n->role == ROLE_SERVICE && trial_chance(w, .1))
		n->role = ROLE_CONSUMER;
	/* With nothing learnt, what is always slow could not be told from a fault. */
	n->own_s = w->fault != TRIAL_COLD && trial_chance(w, .06)
			   ? trial_log_between(w, .1, 5)
			   : trial_log_between(w, .0002, .05);
	n->sigma = trial_between(w, .2, .9);
	if (trial_chance(w, .2)) {
		n->slow_share = trial_between(w, .02, .4);
		n->slow_times = trial_log_between(w, 3, 20);
	}
	if (trial_chance(w, .25))
		n->heavy_share = trial_between(w, .002, .01);
	n->load_gain = trial_between(w, 0, .25);
	n->pauses_a_minute = trial_chance(w, .3) ? trial_between(w, .1, 2) : 0;
	n->delay_s = trial_between(w, .05, .8);
	n->batch_s = trial_chance(w, .3) ? trial_between(w, 1, 5) : .5;
	n->reports = n->role != ROLE_STORE;
}

static enum flow_kind
kind_of_edge(struct trial_world *w, const struct trial_edge *e)
{
	static const enum flow_kind kinds[] = { KIND_HTTP, KIND_GRPC, KIND_UNKNOWN };

	if (w->node[e->dst].role == ROLE_CONSUMER)
		return KIND_MSG;
	if (w->node[e->dst].role == ROLE_STORE && trial_chance(w, .75))
		return KIND_DB;
	return kinds[trial_pick(w, ARRAY_LEN(kinds))];
}

static void
make_edge(struct trial_world *w, struct trial_edge *e)
{
	double left = 1;

	e->kind = kind_of_edge(w, e);
	e->group = trial_pick(w, 3);
	if (e->chance <= 0)
		e->chance = trial_chance(w, .4) ? 1 : trial_log_between(w, .05, 1);
	e->calls = trial_chance(w, .8) ? 1 : 2 + trial_pick(w, 3);
	e->net_s = trial_log_between(w, .0001, .001);
	e->fail = trial_chance(w, .3) ? trial_log_between(w, .0005, .03) : 0;
	e->tolerated = trial_chance(w, .3);
	e->retries = trial_chance(w, .2) ? 1 + trial_pick(w, 3) : 0;
	e->ops = 1 + trial_pick(w, TRIAL_OPS);
	for (unsigned k = 0; k < e->ops; k++) {
		e->op_share[k] = k + 1 < e->ops ? left * trial_between(w, .2, .7) : left;
		e->op_times[k] = e->ops > 1 ? trial_log_between(w, .3, 3) : 1;
		left -= e->op_share[k];
	}
	if (e->kind == KIND_MSG) {
		e->calls = 1;
		e->retries = 0;
		e->fail = 0;
	}
}

/* Calls a second, of one request at each user. */
static double
spread_rates(struct trial_world *w)
{
	double *next = xcalloc(w->nodes, sizeof(*next)), all = 0;

	for (uint32_t i = 0; i < w->nodes; i++)
		w->node[i].rate = 0;
	for (unsigned pass = 0; pass < PASSES; pass++) {
		for (uint32_t i = 0; i < w->nodes; i++)
			next[i] = w->entry_rate[i];
		for (uint32_t i = 0; i < w->edges; i++)
			next[w->edge[i].dst] += w->node[w->edge[i].src].rate *
						w->edge[i].chance * w->edge[i].calls;
		for (uint32_t i = 0; i < w->nodes; i++)
			w->node[i].rate = next[i];
	}
	for (uint32_t i = 0; i < w->edges; i++)
		all += w->node[w->edge[i].src].rate * w->edge[i].chance *
		       w->edge[i].calls;
	free(next);
	return all;
}

/* How long a request takes, with what it waits for; returns the longest. */
static double
spread_times(struct trial_world *w)
{
	double longest = 0;

	for (unsigned pass = 0; pass < PASSES; pass++)
		for (uint32_t i = 0; i < w->nodes; i++) {
			struct trial_node *n = &w->node[i];
			double sum = n->role == ROLE_USER ? 0 : n->own_s;

			sum *= 1 + n->slow_share * (n->slow_times - 1);
			for (uint32_t k = n->first_out; k < n->first_out + n->outs; k++) {
				const struct trial_edge *e = &w->edge[k];

				if (e->kind != KIND_MSG)
					sum += e->chance * e->calls *
					       (e->net_s + w->node[e->dst].mean_s);
			}
			n->mean_s = MIN(sum, 1e3);
		}
	for (uint32_t i = 0; i < w->nodes; i++)
		longest = MAX(longest, w->node[i].mean_s);
	return longest;
}

static void
make_traffic(struct trial_world *w, double budget)
{
	uint32_t users = 0;
	double all;

	w->entry_rate = xcalloc(w->nodes + 4, sizeof(*w->entry_rate));
	for (uint32_t i = 0; i < w->nodes; i++)
		if (w->node[i].role == ROLE_USER && w->node[i].outs) {
			w->entry_rate[i] = trial_log_between(w, .3, 3);
			users++;
		}
	for (unsigned i = 0; i < 50; i++) {
		double entries = 0;

		all = spread_rates(w);
		for (uint32_t n = 0; n < w->nodes; n++)
			entries += w->entry_rate[n];
		if (all <= MOST_CALLS * entries)
			break;
		for (uint32_t k = 0; k < w->edges; k++)
			w->edge[k].chance *= .85;
	}
	all = spread_rates(w);
	for (uint32_t i = 0; i < w->nodes; i++)
		w->entry_rate[i] *= MIN(budget / w->total / MAX(all, 1e-9), 500.0);
	spread_rates(w);
	for (unsigned i = 0; i < 10 && spread_times(w) > LONGEST_S; i++)
		for (uint32_t k = 0; k < w->nodes; k++)
			w->node[k].own_s = MIN(w->node[k].own_s, 2.5 / (1 << i));
}

static void
make_consumers(struct trial_world *w)
{
	for (uint32_t i = 0; i < w->nodes; i++) {
		struct trial_node *n = &w->node[i];

		if (n->role != ROLE_CONSUMER)
			continue;
		n->consumers = 2 + (uint32_t)MIN(5 * n->rate * n->mean_s, 1e5);
		n->free_at = xcalloc(n->consumers, sizeof(*n->free_at));
	}
	for (uint32_t i = 0; i < w->edges; i++) {
		struct trial_edge *e = &w->edge[i];

		if (e->kind != KIND_MSG && trial_chance(w, .4))
			e->timeout_s = MAX(
				w->node[e->dst].mean_s * trial_between(w, 10, 40), .2);
	}
}

static void
choose_reporting(struct trial_world *w)
{
	double x = trial_uniform(w);

	if (x < .3)
		w->conditions |= 1u << TRIAL_IS_BOTH;
	else if (x < .55)
		w->conditions |= 1u << TRIAL_IS_CLIENTS;
	else if (x < .65)
		w->conditions |= 1u << TRIAL_IS_SERVERS;
	x = trial_uniform(w);
	if (x < .12)
		w->conditions |= 1u << TRIAL_IS_LATE;
	else if (x < .24)
		w->conditions |= 1u << TRIAL_IS_SAMPLED;
	else if (x < .34)
		w->conditions |= 1u << TRIAL_IS_SKEWED;
	else if (x < .46)
		w->conditions |= 1u << TRIAL_IS_ADDED_UP;
	w->weight = trial_is(w, TRIAL_IS_SAMPLED) ? 2 + trial_pick(w, 19) : 1;
	for (uint32_t i = 0; i < w->nodes; i++) {
		struct trial_node *n = &w->node[i];

		if (trial_is(w, TRIAL_IS_LATE) && trial_chance(w, .4))
			n->delay_s = trial_between(w, 5, 10);
		if (trial_is(w, TRIAL_IS_ADDED_UP))
			n->delay_s = n->batch_s = .1;
		if (trial_is(w, TRIAL_IS_SKEWED))
			n->skew_s = trial_between(w, -2, 2);
		/* Where not all say the same, some services do not report at all. */
		if (!(w->conditions & 7u) && n->role != ROLE_USER)
			n->reports = n->reports && trial_chance(w, .7);
	}
}

static void
choose_course(struct trial_world *w)
{
	double x = trial_uniform(w);

	w->begin = trial_between(w, 200, 600);
	if (x < .12) {
		w->end = w->begin + trial_between(w, 8, 20);
		w->conditions |= 1u << TRIAL_IS_SHORT;
	} else if (x < .16) {
		w->end = w->begin + 1200;
		w->conditions |= 1u << TRIAL_IS_LONG;
	} else {
		w->end = w->begin + trial_between(w, 40, 240);
	}
	x = trial_uniform(w);
	if (x < .12)
		w->conditions |= 1u << TRIAL_IS_BURSTY;
	else if (x < .3)
		w->conditions |= 1u << TRIAL_IS_WAVE;
	w->wave_s = trial_between(w, 300, 1800);
	w->step_at = w->step_times = 0;
	if (w->fault == TRIAL_COLD) {
		w->begin = 0;
		w->end = 45;
		w->conditions &= ~(1u << TRIAL_IS_SHORT | 1u << TRIAL_IS_LONG);
	} else if (w->fault == TRIAL_QUIET) {
		w->begin = w->end = 1500;
		w->step_at = trial_between(w, 300, 1200);
		w->step_times = trial_chance(w, .5) ? trial_log_between(w, .2, 3) : 1;
	} else if (trial_chance(w, .12)) {
		w->conditions |= 1u << TRIAL_IS_SURGE;
		w->step_at = w->begin;
		w->step_times = 2;
	}
	w->total = w->end + (w->fault == TRIAL_QUIET ? 0 : 100);
}

void
trial_world_make(struct trial_world *w, uint64_t seed, enum trial_fault fault)
{
	uint8_t *mark;

	*w = (struct trial_world){ .rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
	for (unsigned i = 0; i < 20; i++)
		topology_random_next(&w->rng);
	w->fault = fault < TRIAL_FAULT_COUNT
			   ? fault
			   : (enum trial_fault)trial_pick(w, TRIAL_FAULT_COUNT);
	choose_course(w);
	take_topology(w);
	mark = xcalloc(w->nodes, 1);
	for (uint32_t i = 0; i < w->nodes; i++)
		if (!mark[i])
			find_cycles(w, i, mark);
	free(mark);
	for (uint32_t i = 0; i < w->nodes; i++)
		make_node(w, i);
	for (uint32_t i = 0; i < w->edges; i++)
		make_edge(w, &w->edge[i]);
	make_traffic(w, trial_log_between(w, 2e4, 4e5));
	make_consumers(w);
	choose_reporting(w);
	trial_put_fault(w);
}

void
trial_world_done(struct trial_world *w)
{
	for (uint32_t i = 0; i < w->nodes; i++)
		free(w->node[i].free_at);
	free(w->node);
	free(w->edge);
	free(w->entry_rate);
	free(w->event);
	free(w->task);
}
