#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "trial-impl.h"
#include "weir/base/util.h"

#define DEEPEST 40
#define REFUSED_S .0008
#define WARM_S 2 /* slow after a restart */

static double call(
	struct trial_world *w, uint32_t edge, double t, unsigned depth, bool *failed);

/* How much of its harm it does at @t. */
double
trial_harm_now(const struct trial_harm *h, double t)
{
	if (t < h->begin || t >= h->end)
		return 0;
	return h->ramp_s > 0 ? MIN(1, (t - h->begin) / h->ramp_s) : 1;
}

static double
exponential(struct trial_world *w, double mean)
{
	return -mean * log(1 - trial_uniform(w));
}

/* ---------------------------------------------------------------- load and noise */

static double
load_now(const struct trial_world *w, double t)
{
	double load = w->burst > 0 ? w->burst : 1;

	if (trial_is(w, TRIAL_IS_WAVE))
		load *= 1 + .6 * sin(t * 6.283185307179586 / w->wave_s);
	if (w->step_times > 0 && t >= w->step_at)
		load *= w->step_times;
	return load;
}

static void
make_noise(struct trial_world *w, double t)
{
	if (t >= w->next_burst) {
		w->next_burst = t + trial_between(w, .5, 8);
		w->burst =
			trial_is(w, TRIAL_IS_BURSTY) ? trial_log_between(w, .25, 3) : 1;
	}
	if (t < w->next_noise)
		return;
	w->next_noise = t + 10;
	for (uint32_t i = 0; i < w->nodes; i++) {
		struct trial_node *n = &w->node[i];

		n->wander = .99 * n->wander + .008 * trial_normal(w);
		if (trial_chance(w, n->pauses_a_minute / 6)) {
			n->pause_s = trial_log_between(w, .02, .8);
			n->pause_until = t + trial_between(w, 0, 10) + n->pause_s;
		}
		if (trial_chance(w, .003)) {
			n->busy_until = t + trial_between(w, 20, 60);
			n->busy_times = trial_between(w, 1.05, 1.25);
		}
		if (n->deploy_times <= 0 && trial_chance(w, .002)) {
			n->deploy_times = 1.1;
			n->deploy_s = t;
		}
	}
}

/* ---------------------------------------------------------------- a request */

static double
own_work(struct trial_world *w, struct trial_node *n, double t)
{
	double x = n->own_s * exp(n->sigma * trial_normal(w) - n->sigma * n->sigma / 2);

	if (n->slow_share > 0 && trial_chance(w, n->slow_share))
		x *= n->slow_times;
	if (n->heavy_share > 0 && trial_chance(w, n->heavy_share))
		x *= MIN(3 * pow(trial_uniform(w), -1 / 1.5), 100);
	x *= exp(n->wander) * (1 + n->load_gain * MAX(load_now(w, t) - 1, -.8));
	if (t < n->busy_until)
		x *= n->busy_times;
	if (n->deploy_times > 0 && t >= n->deploy_s)
		x *= n->deploy_times * (t < n->deploy_s + WARM_S ? 4 : 1);
	if (t < n->pause_until && t > n->pause_until - n->pause_s)
		x += n->pause_until - t;
	return x;
}

static double
harm_work(struct trial_world *w, uint32_t node, uint32_t edge, unsigned op, double t,
	double work, bool *harmed)
{
	for (unsigned i = 0; i < w->harms; i++) {
		const struct trial_harm *h = &w->harm[i];
		double now = trial_harm_now(h, t);

		if (now <= 0)
			continue;
		if (h->kind == TRIAL_OPERATION && edge == h->edge && op == h->op) {
			work += exponential(w, h->add_s * now);
			*harmed = true;
		}
		if ((h->kind == TRIAL_SLOW || h->kind == TRIAL_INSTANCE) &&
			node == h->node &&
			(h->share >= 1 || h->share <= 0 || trial_chance(w, h->share))) {
			work *= 1 + (h->times - 1) * now;
			work += h->add_s * now * trial_between(w, .7, 1.3);
			*harmed = true;
		}
	}
	return work;
}

/* Seconds that the callers' side adds: within the client's span, or before it. */
static double
harm_client(struct trial_world *w, uint32_t edge, double t, bool within, bool *harmed)
{
	double add = 0;

	for (unsigned i = 0; i < w->harms; i++) {
		const struct trial_harm *h = &w->harm[i];
		double now = trial_harm_now(h, t);
		bool link = h->kind == TRIAL_LINK && h->edge == edge;
		bool pool = h->kind == TRIAL_POOL && h->node == w->edge[edge].src;

		if (now <= 0 || (!link && !pool) || (link || h->at_client) != within)
			continue;
		add += trial_between(w, .5, 1.5) * h->add_s * now;
		*harmed = true;
	}
	return add;
}

/* Does the callee fail, and after how long? Negative: after the usual work. */
static bool
harm_fails(struct trial_world *w, uint32_t edge, double t, double *after, bool *harmed)
{
	const struct trial_edge *e = &w->edge[edge];
	bool fails = e->fail > 0 && trial_chance(w, e->fail);

	*after = -1;
	for (unsigned i = 0; i < w->harms; i++) {
		const struct trial_harm *h = &w->harm[i];
		double now = trial_harm_now(h, t);

		if (now <= 0 || h->node != e->dst)
			continue;
		if (h->kind == TRIAL_ERRORS && trial_chance(w, h->fail * now)) {
			*after = h->fail_s;
			fails = *harmed = true;
		}
		if (h->kind == TRIAL_KILL) {
			*after = REFUSED_S;
			fails = *harmed = true;
		}
	}
	return fails;
}

static unsigned
calls_now(const struct trial_world *w, uint32_t edge, double t, bool *harmed)
{
	unsigned calls = w->edge[edge].calls;

	if (t < w->edge[edge].born_s)
		return 0;
	for (unsigned i = 0; i < w->harms; i++) {
		const struct trial_harm *h = &w->harm[i];

		if (h->edge != edge || trial_harm_now(h, t) <= 0)
			continue;
		*harmed |= h->kind == TRIAL_MORE || h->kind == TRIAL_SILENT;
		if (h->kind == TRIAL_MORE)
			calls *= h->more;
		if (h->kind == TRIAL_SILENT)
			calls = 0;
	}
	return calls;
}

/*
 * One group of calls, all at once, those over one edge one after the other. Returns when
 * the last has come back.
 */
static double
call_group(struct trial_world *w, uint32_t node, unsigned group, double at,
	unsigned depth, bool *failed, bool *harmed)
{
	const struct trial_node *n = &w->node[node];
	double end = at;

	for (uint32_t i = n->first_out; i < n->first_out + n->outs; i++) {
		const struct trial_edge *e = &w->edge[i];
		double now = at;
		unsigned calls;
		bool bad = false;

		if (e->group != group || !trial_chance(w, e->chance))
			continue;
		calls = calls_now(w, i, at, harmed);
		*harmed |= calls && e->born_s > 0 && at < w->end;
		for (unsigned k = 0; k < calls && !bad; k++) {
			now += harm_client(w, i, now, false, harmed);
			now += call(w, i, now, depth + 1, &bad);
		}
		*failed |= bad && !e->tolerated;
		end = MAX(end, now);
	}
	return end;
}

static double
serve(struct trial_world *w, uint32_t node, uint32_t edge, unsigned op, double t,
	unsigned depth, bool *failed, bool *harmed)
{
	struct trial_node *n = &w->node[node];
	double work = own_work(w, n, t) * w->edge[edge].op_times[op], at;

	work = harm_work(w, node, edge, op, t, work, harmed);
	at = t + work / 2;
	for (unsigned group = 0; group < 3 && depth < DEEPEST && !*failed; group++)
		at = call_group(w, node, group, at, depth, failed, harmed);
	return at - t + work / 2;
}

/* ---------------------------------------------------------------- what is reported */

static void
report(struct trial_world *w, const struct trial_event *seen, double skew_of_end)
{
	const struct trial_edge *e = &w->edge[seen->edge];
	const struct trial_node *src = &w->node[e->src], *dst = &w->node[e->dst];
	struct trial_event x = *seen;
	bool by_client = src->role == ROLE_USER || src->reports;
	double delay = 0;

	if (!by_client)
		return;
	if (e->kind == KIND_MSG) {
		if (!dst->reports)
			return;
	} else if (trial_is(w, TRIAL_IS_SERVERS) && dst->role != ROLE_STORE) {
		/* A dead server says nothing. */
		if (x.server_s < 0)
			return;
		x.latency_s = -1;
	} else if (trial_is(w, TRIAL_IS_CLIENTS) || !dst->reports) {
		x.server_s = -1;
	}
	delay = src->delay_s + src->batch_s * trial_uniform(w);
	if (x.server_s >= 0)
		delay = MAX(delay, dst->delay_s + dst->batch_s * trial_uniform(w));
	x.arrive_s = x.end_s + delay;
	x.end_s += skew_of_end;
	x.calls = w->weight;
	if (w->events == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 1 << 16;
		w->event = xreallocarray(w->event, w->cap, sizeof(*w->event));
	}
	w->event[w->events++] = x;
}

/* A binary heap of what is still to come. */
static void
push_task(struct trial_world *w, struct trial_task t)
{
	size_t i = w->tasks++;

	if (w->tasks > w->task_cap) {
		w->task_cap = w->task_cap ? w->task_cap * 2 : 256;
		w->task = xreallocarray(w->task, w->task_cap, sizeof(*w->task));
	}
	for (; i && w->task[(i - 1) / 2].at > t.at; i = (i - 1) / 2)
		w->task[i] = w->task[(i - 1) / 2];
	w->task[i] = t;
}

static struct trial_task
pop_task(struct trial_world *w)
{
	struct trial_task first = w->task[0], last = w->task[--w->tasks];
	size_t i = 0, k;

	for (; (k = 2 * i + 1) < w->tasks; i = k) {
		if (k + 1 < w->tasks && w->task[k + 1].at < w->task[k].at)
			k++;
		if (last.at <= w->task[k].at)
			break;
		w->task[i] = w->task[k];
	}
	w->task[i] = last;
	return first;
}

static unsigned
choose_op(struct trial_world *w, const struct trial_edge *e)
{
	double x = trial_uniform(w);
	unsigned op = 0;

	while (op + 1 < e->ops && (x -= e->op_share[op]) >= 0)
		op++;
	return op;
}

/* One call with its retries, as long as the caller waits for it. */
static double
call(struct trial_world *w, uint32_t edge, double t, unsigned depth, bool *failed)
{
	const struct trial_edge *e = &w->edge[edge];
	double total = 0;

	*failed = e->kind != KIND_MSG;
	if (e->kind == KIND_MSG) {
		push_task(w, (struct trial_task){ .at = t + e->net_s,
				     .entry = TRIAL_NONE,
				     .edge = edge,
				     .sent = t });
		return e->net_s;
	}
	for (unsigned i = 0; i <= e->retries && *failed; i++) {
		bool harmed = false, bad;
		double now = t + total, after, server, latency, extra;
		unsigned op = choose_op(w, e);
		struct trial_event x = { .edge = edge, .op = (uint8_t)op, .queue_s = -1 };

		*failed = false;
		bad = harm_fails(w, edge, now, &after, &harmed);
		extra = harm_client(w, edge, now, true, &harmed);
		if (bad && after >= 0) {
			server = latency = after * trial_between(w, .7, 1.3);
			x.server_s = after == REFUSED_S ? -1 : (float)server;
		} else {
			server = serve(w, e->dst, edge, op, now + extra + e->net_s, depth,
				failed, &harmed);
			latency = server + e->net_s;
			x.server_s = (float)server;
		}
		latency += extra;
		*failed |= bad;
		if (e->timeout_s > 0 && latency > e->timeout_s) {
			latency = e->timeout_s;
			*failed = true;
		}
		x.latency_s = (float)latency;
		x.end_s = now + latency;
		x.failed = *failed;
		x.harmed = harmed;
		report(w, &x, w->node[e->src].skew_s);
		total += latency;
	}
	return total;
}

/* A message is taken by the first of the consumers that is free. */
static void
consume(struct trial_world *w, const struct trial_task *t)
{
	const struct trial_edge *e = &w->edge[t->edge];
	struct trial_node *n = &w->node[e->dst];
	unsigned op = choose_op(w, e);
	bool failed = false, harmed = false;
	uint32_t first = 0;
	double start, work;

	for (uint32_t i = 1; i < n->consumers && n->free_at[first] > t->at; i++)
		if (n->free_at[i] < n->free_at[first])
			first = i;
	start = MAX(t->at, n->free_at[first]);
	work = serve(w, e->dst, t->edge, op, start, 0, &failed, &harmed);
	n->free_at[first] = start + work;
	harmed |=
		w->harms && start - t->sent > MAX(.2, 5 * n->mean_s) && start > w->begin;
	report(w,
		&(struct trial_event){ .end_s = start + work,
			.latency_s = -1,
			.server_s = (float)work,
			.queue_s = (float)(start - t->sent),
			.edge = t->edge,
			.op = (uint8_t)op,
			.failed = failed,
			.harmed = harmed },
		n->skew_s);
}

static int
by_arrival(const void *a, const void *b)
{
	const struct trial_event *x = a, *y = b;

	return x->arrive_s < y->arrive_s ? -1 : x->arrive_s > y->arrive_s;
}

static void
arrive(struct trial_world *w, uint32_t user, double t)
{
	bool failed = false, harmed = false;
	double rate = w->entry_rate[user] * load_now(w, t) / w->weight;

	for (unsigned group = 0; group < 3; group++)
		call_group(w, user, group, t, 0, &failed, &harmed);
	push_task(w, (struct trial_task){ .at = t + exponential(w, 1 / MAX(rate, 1e-6)),
			     .entry = user });
}

void
trial_simulate(struct trial_world *w)
{
	for (uint32_t i = 0; i < w->nodes; i++)
		if (w->entry_rate[i] > 0)
			push_task(w, (struct trial_task){
					     .at = exponential(
						     w, w->weight / w->entry_rate[i]),
					     .entry = i });
	while (w->tasks) {
		struct trial_task t = pop_task(w);

		if (t.at >= w->total)
			break;
		make_noise(w, t.at);
		if (t.entry == TRIAL_NONE)
			consume(w, &t);
		else
			arrive(w, t.entry, t.at);
	}
	if (w->events)
		qsort(w->event, w->events, sizeof(*w->event), by_arrival);
}
