#include "config.h"

#include "shop-sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

static const struct sim_node healthy[SIM_COUNT] = {
	[SIM_FRONTEND] = { 4, .3,
		{ { SIM_CATALOG, 1, 0, 1 }, { SIM_RECOMMEND, 1, 1, .6 },
			{ SIM_CART, 1, 1, .5 }, { SIM_CHECKOUT, 1, 2, .25 },
			{ SIM_ADS, 1, 1, .5 } },
		5 },
	[SIM_CATALOG] = { 3, .3, { { SIM_MONGO, 2, 0, 1 } }, 1 },
	[SIM_RECOMMEND] = { 6, .3, { { SIM_CATALOG, 1, 0, 1 } }, 1 },
	[SIM_CART] = { 2, .3, { { SIM_REDIS, 1, 0, 1 } }, 1 },
	[SIM_CHECKOUT] = { 6, .3,
		{ { SIM_CART, 1, 0, 1 }, { SIM_PAYMENT, 1, 1, 1 },
			{ SIM_SHIPPING, 1, 1, 1 } },
		3 },
	[SIM_PAYMENT] = { 5, .3, { { SIM_POSTGRES, 2, 0, 1 } }, 1 },
	[SIM_SHIPPING] = { 5, .3, { { 0 } }, 0 },
	[SIM_ADS] = { 8, .4, { { 0 } }, 0 },
	[SIM_MONGO] = { 3, .5, { { 0 } }, 0 },
	[SIM_REDIS] = { .6, .4, { { 0 } }, 0 },
	[SIM_POSTGRES] = { 6, .5, { { 0 } }, 0 },
	[SIM_REPORT] = { 20, .3, { { SIM_WAREHOUSE, 1, 0, 1 } }, 1 },
	[SIM_WAREHOUSE] = { 3000, .25, { { 0 } }, 0 },
	[SIM_MAILER] = { 30, .4, { { SIM_SMTP, 1, 0, 1 } }, 1 },
	[SIM_SMTP] = { 60, .4, { { 0 } }, 0 },
	[SIM_PROFILE] = { 3, .3, { { 0 } }, 0 },
	[SIM_ADS2] = { 2, .3, { { 0 } }, 0 },
	[SIM_FRAUD] = { 400, .3, { { 0 } }, 0 },
};

const char *
sim_name(uint32_t service)
{
	static const char *const names[] = {
#define X(id, word) word,
		SIM_SERVICES(X)
#undef X
	};

	return service < SIM_COUNT ? names[service] : "?";
}

/* xorshift128+ (Vigna, 2014): short, good enough, and the same everywhere. */
static uint64_t
next(struct sim *s)
{
	uint64_t a = s->rng[0], b = s->rng[1];

	s->rng[0] = b;
	a ^= a << 23;
	s->rng[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return s->rng[1] + b;
}

double
sim_uniform(struct sim *s)
{
	return (double)(next(s) >> 11) / 9007199254740992.0;
}

double
sim_normal(struct sim *s)
{
	double r, angle;

	if (s->has_spare) {
		s->has_spare = false;
		return s->spare;
	}
	r = sqrt(-2 * log(1 - sim_uniform(s)));
	angle = 6.283185307179586 * sim_uniform(s);
	s->spare = r * sin(angle);
	s->has_spare = true;
	return r * cos(angle);
}

/* Log-normal seconds with a mean of @ms. */
static double
draw(struct sim *s, double ms, double sigma)
{
	return ms <= 0 ? 0 : ms * exp(sigma * sim_normal(s) - sigma * sigma / 2) / 1e3;
}

void
sim_init(struct sim *s, uint64_t seed)
{
	*s = (struct sim){ .rate = 30,
		.begin = 480,
		.fault_s = 180,
		.consumers = 3,
		.limited = SIM_COUNT,
		.retry_src = SIM_COUNT };
	memcpy(s->node, healthy, sizeof(healthy));
	s->rng[0] = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	s->rng[1] = seed ^ UINT64_C(0xbf58476d1ce4e5b9);
	for (int i = 0; i < 20; i++)
		next(s);
}

void
sim_done(struct sim *s)
{
	free(s->event);
	*s = (struct sim){ 0 };
}

bool
sim_in_fault(const struct sim *s, double t)
{
	return t >= s->begin && t < s->begin + s->fault_s;
}

static void
emit(struct sim *s, unsigned src, unsigned dst, double end, double latency, bool failed,
	bool async)
{
	struct sim_event e = { end, latency, (uint8_t)src, (uint8_t)dst, failed, async };

	if (s->unseen && s->unseen(s, &e))
		return;
	if (s->events == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4096;
		s->event = xreallocarray(s->event, s->cap, sizeof(*s->event));
	}
	s->event[s->events++] = e;
}

static double
wait_for_server(struct sim *s, unsigned node, double t, double work)
{
	unsigned first = 0;
	double start;

	if (node != s->limited)
		return 0;
	for (unsigned i = 1; i < s->servers; i++)
		if (s->free_at[i] < s->free_at[first])
			first = i;
	start = t > s->free_at[first] ? t : s->free_at[first];
	s->free_at[first] = start + work;
	return start - t;
}

static double call(struct sim *s, unsigned src, unsigned dst, double t, bool *failed);

/* What @node needs for one request that comes at @t. */
static double
serve(struct sim *s, unsigned node, double t, bool *failed)
{
	const struct sim_node *n = &s->node[node];
	double times = 1, add = 0, work, at;

	if (s->slow)
		s->slow(s, SIM_COUNT, node, t, &times, &add);
	work = draw(s, n->own_ms, n->sigma) * times + draw(s, add, .15);
	at = t + wait_for_server(s, node, t, work) + work / 2;
	*failed = false;
	for (unsigned group = 0; group < 3; group++) {
		double end = at;

		for (unsigned i = 0; i < n->calls; i++) {
			const struct sim_call *c = &n->call[i];
			unsigned calls = c->calls;
			double now = at;

			if (c->group != group ||
				(c->chance < 1 && sim_uniform(s) >= c->chance))
				continue;
			if (s->more)
				calls += s->more(s, node, c->callee, t);
			if (s->skip && s->skip(s, node, c->callee, t))
				continue;
			for (unsigned k = 0; k < calls; k++) {
				bool bad;

				now += call(s, node, c->callee, now, &bad);
				*failed |= bad;
				if (bad)
					break;
			}
			end = end > now ? end : now;
		}
		at = end;
		if (*failed && node != SIM_FRONTEND)
			break;
	}
	return at - t + work / 2;
}

/* One call with its retries, as the caller sees it. */
static double
call(struct sim *s, unsigned src, unsigned dst, double t, bool *failed)
{
	unsigned tries = src == s->retry_src && dst == s->retry_dst ? 1 + s->retries : 1;
	double total = 0;

	*failed = true;
	for (unsigned i = 0; i < tries && *failed; i++) {
		double times = 1, add = 0, ms = -1, latency, now = t + total;
		bool bad = s->fail && sim_uniform(s) < s->fail(s, src, dst, now, &ms);

		if (s->slow)
			s->slow(s, src, dst, now, &times, &add);
		if (bad && ms >= 0) {
			latency = draw(s, ms, .2);
			*failed = true;
		} else {
			latency = serve(s, dst, now, failed);
			*failed |= bad;
		}
		latency = latency * times + draw(s, add, .15) + .0002;
		total += latency;
		emit(s, src, dst, t + total, latency, *failed, false);
	}
	return total;
}

static int
by_end(const void *a, const void *b)
{
	const struct sim_event *x = a, *y = b;

	return x->end_s < y->end_s ? -1 : x->end_s > y->end_s;
}

/* Messages wait until one of the consumers is free. */
static void
consume(struct sim *s, double sent)
{
	double *free_at = s->consumer_free_at;
	unsigned first = 0;
	double start;
	bool failed;

	for (unsigned i = 1; i < s->consumers; i++)
		if (free_at[i] < free_at[first])
			first = i;
	start = sent > free_at[first] ? sent : free_at[first];
	free_at[first] = start + serve(s, SIM_MAILER, start, &failed);
	emit(s, SIM_KAFKA, SIM_MAILER, free_at[first], free_at[first] - sent, false,
		true);
}

void
sim_run_part(struct sim *s, double from, double to)
{
	double t = from;
	bool failed;

	s->events = 0;
	for (;;) {
		double rate = s->rate * (s->traffic ? s->traffic(s, t) : 1);

		t -= log(1 - sim_uniform(s)) / rate;
		if (t >= to)
			break;
		call(s, SIM_USER, SIM_FRONTEND, t, &failed);
		if (sim_uniform(s) < .25)
			consume(s, t + .05);
		if (sim_uniform(s) < .02)
			call(s, SIM_CRON, SIM_REPORT, t, &failed);
	}
	if (s->events)
		qsort(s->event, s->events, sizeof(*s->event), by_end);
}

void
sim_run(struct sim *s)
{
	sim_run_part(s, 0, s->begin + s->fault_s + s->after_s);
}
