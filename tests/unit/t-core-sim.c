#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/sim.h"

#define T0 (INT64_C(1767225600) * SEC_US)

static const struct thresholds defaults = THRESHOLDS_DEFAULT;

struct taken {
	struct event *e;
	uint32_t n, room;
	uint64_t hash;
	int64_t last_us;
	bool ordered, agents_known;
};

static int64_t
end_of(const struct event *e)
{
	return e->type == EVENT_FLOW ? e->u.flow.end_us : e->u.work.end_us;
}

static void
take(void *arg, const char *agent, const struct event *e)
{
	struct taken *t = arg;
	char text[160];
	unsigned a = 0;

	while (sim_agents[a] && strcmp(sim_agents[a], agent) != 0)
		a++;
	t->agents_known &= sim_agents[a] != NULL;
	t->ordered &= end_of(e) >= t->last_us;
	t->last_us = end_of(e);
	if (e->type == EVENT_FLOW)
		snprintf(text, sizeof(text), "%s %s %s %jd %jd %jd %d", agent,
			e->u.flow.src.p, e->u.flow.op.p, (intmax_t)e->u.flow.end_us,
			(intmax_t)e->u.flow.client_us, (intmax_t)e->u.flow.server_us,
			e->u.flow.ids.span[3]);
	else
		snprintf(text, sizeof(text), "%s %jd", agent, (intmax_t)end_of(e));
	t->hash = t->hash * 31 + hash_bytes(text, strlen(text));
	if (t->n == t->room) {
		t->room = t->room ? t->room * 2 : 1024;
		t->e = xreallocarray(t->e, t->room, sizeof(*t->e));
	}
	t->e[t->n++] = *e;
}

static struct taken
run(const char *scenario, uint64_t seed, int64_t seconds, int64_t step_us)
{
	struct taken t = { .ordered = true, .agents_known = true };
	struct sim *s = sim_new(scenario, seed, T0, T0);

	for (int64_t at = 0; at < seconds * SEC_US; at += step_us)
		sim_run(s, T0 + MIN(at + step_us, seconds * SEC_US), take, &t);
	sim_free(s);
	return t;
}

Test(sim, the_same_seed_gives_the_same_events_however_time_is_cut)
{
	struct taken a = run("db-lock", 1, 20, 20 * SEC_US);
	struct taken b = run("db-lock", 1, 20, 33333);
	struct taken c = run("db-lock", 2, 20, 20 * SEC_US);

	cr_expect_gt(a.n, 20 * 500);
	cr_expect_eq(a.n, b.n);
	cr_expect_eq(a.hash, b.hash);
	cr_expect_neq(a.hash, c.hash);
	cr_expect(a.ordered);
	cr_expect(b.ordered);
	cr_expect(a.agents_known);
	cr_expect_null(sim_new("no-such", 1, T0, T0));
	free(a.e);
	free(b.e);
	free(c.e);
}

static int
by_parent(const void *pa, const void *pb)
{
	const struct event *a = *(struct event *const *)pa;
	const struct event *b = *(struct event *const *)pb;

	return memcmp(a->u.flow.ids.parent, b->u.flow.ids.parent, 8);
}

Test(sim, a_caller_is_busy_for_at_least_as_long_as_the_calls_it_makes)
{
	static const uint8_t none[8];
	struct taken t = run("db-lock", 3, 30, SEC_US);
	struct event **child = xcalloc(t.n, sizeof(*child));
	uint32_t flows = 0, parents = 0;

	for (uint32_t i = 0; i < t.n; i++)
		if (t.e[i].type == EVENT_FLOW)
			child[flows++] = &t.e[i];
	qsort(child, flows, sizeof(*child), by_parent);
	for (uint32_t i = 0; i < t.n; i++) {
		const struct flow *f = &t.e[i].u.flow;
		int64_t sum = 0, busy;
		struct event key, *pkey = &key, **first;

		if (t.e[i].type != EVENT_FLOW || f->kind == KIND_MSG)
			continue;
		busy = f->server_us >= 0 ? f->server_us : f->client_us;
		memcpy(key.u.flow.ids.parent, f->ids.span, 8);
		first = bsearch(&pkey, child, flows, sizeof(*child), by_parent);
		if (!first)
			continue;
		while (first > child && by_parent(first - 1, &pkey) == 0)
			first--;
		for (; first < child + flows && by_parent(first, &pkey) == 0; first++) {
			const struct flow *c = &(*first)->u.flow;

			cr_assert_eq(memcmp(c->ids.trace, f->ids.trace, 16), 0);
			cr_assert(str_eq(c->src, f->dst), "children start where it went");
			cr_assert_leq(c->end_us, f->end_us);
			sum += c->client_us;
		}
		parents++;
		cr_assert_leq(sum, busy, "%s %s", f->dst.p, f->op.p);
		cr_assert_leq(f->server_us, f->client_us >= 0 ? f->client_us : INT64_MAX);
		cr_assert_eq(
			memcmp(f->ids.parent, none, 8) == 0, str_eq(f->src, STR("user")));
	}
	cr_expect_gt(parents, 3000);
	free(child);
	free(t.e);
}

static struct snap
after(const char *scenario, int64_t seconds)
{
	struct taken t = run(scenario, 4, seconds, SEC_US);
	struct model_limits limits = model_limits_default;
	struct model *m;
	struct snap s = { 0 }, kept = { 0 };

	limits.window_us = 10 * SEC_US;
	m = model_new(&limits);
	for (uint32_t i = 0; i < t.n; i++)
		model_add(m, &t.e[i], end_of(&t.e[i]));
	model_snap(m, T0 + seconds * SEC_US, &defaults, &s);
	cr_expect_eq(s.quality.received, t.n);
	/* The names go with the model; the test needs none but the headline. */
	kept.headline = s.headline;
	memcpy(kept.sev_count, s.sev_count, sizeof(kept.sev_count));
	kept.nodes = s.nodes;
	kept.edges = s.edges;
	snap_done(&s);
	model_free(m);
	free(t.e);
	return kept;
}

Test(sim, every_scenario_is_healthy_first_and_then_tells_its_cause)
{
	static const struct {
		const char *scenario;
		int64_t seconds;
		const char *headline; /* begins with */
	} rows[] = {
		{ "healthy", 40, "" },
		{ "db-lock", 11, "" },
		{ "db-lock", 30,
			"payment \xe2\x86\x92 payment-db UPDATE accounts: p99 " },
		{ "db-lock", 100, "" },
		{ "db-lock", 150,
			"payment \xe2\x86\x92 payment-db UPDATE accounts: p99 " },
		{ "errors", 11, "" },
		{ "errors", 30, "checkout \xe2\x86\x92 inventory POST /reserve: " },
		{ "slow-service", 30, "gateway \xe2\x86\x92 catalog" },
		{ "backlog", 50, "orders \xe2\x86\x92 shipping: in the queue p99 " },
		{ "kill", 30,
			"checkout \xe2\x86\x92 inventory POST /reserve: 100 % errors" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct snap s = after(rows[i].scenario, rows[i].seconds);

		cr_expect_eq(strncmp(s.headline.text, rows[i].headline,
				     strlen(rows[i].headline)),
			0, "%s after %jd s: '%s'", rows[i].scenario,
			(intmax_t)rows[i].seconds, s.headline.text);
		cr_expect_eq(s.headline.n == 0, rows[i].headline[0] == 0,
			"%s after %jd s: '%s'", rows[i].scenario,
			(intmax_t)rows[i].seconds, s.headline.text);
		cr_expect_eq(s.nodes, 16);
		cr_expect_eq(s.sev_count[SEV_CRIT], rows[i].headline[0] != 0);
		if (rows[i].seconds == 30 && strcmp(rows[i].scenario, "db-lock") == 0)
			cr_expect_eq(s.sev_count[SEV_WARN], 3,
				"payment, checkout and gateway suffer, nobody else");
	}
}
