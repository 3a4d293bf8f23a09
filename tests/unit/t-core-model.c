#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/hist.h"
#include "weir/core/model.h"

#define T0 (INT64_C(1767225600) * SEC_US)

static const struct thresholds defaults = THRESHOLDS_DEFAULT;

static uint64_t seed = 5;

static uint32_t
pick(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % n);
}

static struct event
flow(const char *src, const char *dst, int64_t end_us, int64_t us)
{
	struct event e = { .type = EVENT_FLOW };

	flow_init(&e.u.flow);
	e.u.flow.src = str_of(src);
	e.u.flow.dst = str_of(dst);
	e.u.flow.end_us = end_us;
	e.u.flow.client_us = us;
	return e;
}

static struct snap
picture(struct model *m, int64_t now_us)
{
	struct snap s = { 0 };

	model_snap(m, now_us, &defaults, &s);
	return s;
}

static const struct snap_node *
node(const struct snap *s, const char *name)
{
	for (uint32_t i = 0; i < s->nodes; i++)
		if (strcmp(s->node[i].name, name) == 0)
			return &s->node[i];
	return NULL;
}

Test(model, a_few_flows_make_the_picture_that_a_person_would_draw)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	model_advance(m, T0);
	for (int i = 0; i < 100; i++) {
		struct event e = flow("web", "api", T0 + i * 100000, 1000 * (i + 1));

		e.u.flow.op = i % 4 ? STR("GET /") : STR("POST /");
		e.u.flow.failed = i % 10 == 0;
		e.u.flow.bytes_out = 50;
		e.u.flow.kind = KIND_HTTP;
		e.u.flow.server_us = 500 * (i + 1);
		model_add(m, &e, T0 + i * 100000);
	}
	s = picture(m, T0 + 10 * SEC_US);
	cr_assert_eq(s.edges, 1);
	cr_assert_eq(s.nodes, 2);
	cr_expect_str_eq(s.node[0].name, "api");
	cr_expect_eq(s.edge[0].stat.calls, 100);
	cr_expect_eq(s.edge[0].stat.errors, 10);
	cr_expect_eq(s.edge[0].stat.samples, 100);
	cr_expect_float_eq(s.edge[0].stat.rate, 10.0, 1e-9);
	cr_expect_float_eq((double)s.edge[0].stat.p50_us, 50000, 500);
	cr_expect_float_eq((double)s.edge[0].stat.p99_us, 99000, 990);
	cr_expect_float_eq((double)s.edge[0].server_p99_us, 49500, 495);
	cr_expect_eq(s.edge[0].queue_p99_us, SNAP_UNKNOWN);
	cr_expect_eq(s.edge[0].stat.bytes_out, 5000);
	cr_expect_eq(s.edge[0].stat.bytes_in, SNAP_UNKNOWN);
	cr_expect_eq(s.edge[0].first_us, T0);
	cr_expect_eq(s.edge[0].last_us, T0 + 9900000);
	cr_expect_eq(s.edge[0].origins, 1u << ORIGIN_DIRECT);
	cr_assert_eq(s.edge[0].ops, 2);
	cr_expect_str_eq(s.op[0].op, "GET /");
	cr_expect_eq(s.op[0].stat.calls, 75);
	cr_expect_eq(s.op[1].stat.calls, 25);
	cr_expect_float_eq(s.node[0].rate_in, 10.0, 1e-9);
	cr_expect(isnan(s.node[0].rate_out));
	cr_expect_eq(s.covered_us, 10 * SEC_US);
	cr_expect_eq(s.quality.received, 100);
	cr_expect_eq(s.quality.newest_us, T0 + 9900000);
	cr_expect_float_eq(s.quality.events_per_s, 10, 2);
	snap_done(&s);
	model_free(m);
}

enum {
	MANY = 4000
};

static void
random_events(struct event *e, struct flow_ids *ids)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	static const char *const ops[] = { "", "GET", "PUT", "SELECT" };

	for (unsigned i = 0; i < MANY; i++) {
		struct flow *f = &e[i].u.flow;

		e[i] = flow(names[pick(6)], names[pick(6)], T0 + pick(40 * SEC_US),
			pick(8) ? (int64_t)pick(2000000) : FLOW_UNKNOWN);
		f->op = str_of(ops[pick(4)]);
		f->kind = (enum flow_kind)pick(3);
		f->origin = pick(9) ? ORIGIN_OTLP : ORIGIN_ZIPKIN;
		f->failed = !pick(9);
		f->weight = 1 + pick(3);
		f->bytes_in = pick(2) ? (int64_t)pick(100) : FLOW_UNKNOWN;
		f->dst_kind = (enum node_kind)pick(NODE_KIND_COUNT);
		if (pick(2))
			f->server_us = pick(90000);
		memset(&ids[i], 0, sizeof(ids[i]));
		ids[i].trace[3] = (uint8_t)(1 + i / 256);
		ids[i].trace[4] = (uint8_t)i;
		f->ids = ids[i];
	}
}

static bool
same_stat(const struct snap_stat *a, const struct snap_stat *b)
{
	return a->calls == b->calls && a->errors == b->errors &&
	       a->samples == b->samples && a->rate == b->rate && a->p50_us == b->p50_us &&
	       a->p95_us == b->p95_us && a->p99_us == b->p99_us &&
	       a->max_us == b->max_us && a->bytes_in == b->bytes_in &&
	       a->bytes_out == b->bytes_out && a->bounds_only == b->bounds_only;
}

static void
expect_same(const struct snap *a, const struct snap *b)
{
	cr_assert_eq(a->nodes, b->nodes);
	cr_assert_eq(a->edges, b->edges);
	cr_expect_str_eq(a->headline.text, b->headline.text);
	for (uint32_t i = 0; i < a->nodes; i++) {
		const struct snap_node *x = &a->node[i], *y = &b->node[i];

		cr_expect_str_eq(x->name, y->name);
		cr_expect_eq(x->kind, y->kind);
		cr_expect_eq(x->severity, y->severity);
		cr_expect(x->rate_in == y->rate_in ||
			  (isnan(x->rate_in) && isnan(y->rate_in)));
		cr_expect_eq(x->calls_in, y->calls_in);
		cr_expect_eq(x->p99_in_us, y->p99_in_us);
		cr_expect_eq(x->last_us, y->last_us);
	}
	for (uint32_t i = 0; i < a->edges; i++) {
		const struct snap_edge *x = &a->edge[i], *y = &b->edge[i];

		cr_assert_eq(x->src, y->src);
		cr_assert_eq(x->dst, y->dst);
		cr_assert_eq(x->kind, y->kind);
		cr_expect(same_stat(&x->stat, &y->stat));
		cr_expect_eq(x->severity, y->severity);
		cr_expect_eq(x->server_p99_us, y->server_p99_us);
		cr_expect_eq(x->first_us, y->first_us);
		cr_expect_eq(x->last_us, y->last_us);
		cr_expect_eq(x->origins, y->origins);
		cr_assert_eq(x->ops, y->ops);
		for (uint32_t k = 0; k < x->ops; k++) {
			const struct snap_op *p = &a->op[x->first_op + k];
			const struct snap_op *q = &b->op[y->first_op + k];

			cr_expect_str_eq(p->op, q->op);
			cr_expect(same_stat(&p->stat, &q->stat));
		}
		cr_assert_eq(x->exemplars, y->exemplars);
		for (uint32_t k = 0; k < x->exemplars; k++) {
			const struct snap_exemplar *p =
				&a->exemplar[x->first_exemplar + k];
			const struct snap_exemplar *q =
				&b->exemplar[y->first_exemplar + k];

			cr_expect_eq(memcmp(&p->ids, &q->ids, sizeof(p->ids)), 0);
			cr_expect_eq(p->latency_us, q->latency_us);
			cr_expect_eq(p->end_us, q->end_us);
			cr_expect_eq(p->failed, q->failed);
		}
	}
}

Test(model, the_picture_does_not_tell_in_what_order_things_arrived)
{
	struct event *e = xcalloc(MANY, sizeof(*e));
	struct flow_ids *ids = xcalloc(MANY, sizeof(*ids));
	struct model *a = model_new(&model_limits_default);
	struct model *b = model_new(&model_limits_default);
	int64_t now = T0 + 41 * SEC_US;
	struct snap sa, sb;

	random_events(e, ids);
	for (unsigned i = 0; i < MANY; i++)
		model_add(a, &e[i], now);
	for (unsigned i = MANY; i-- > 1;) {
		unsigned k = pick(i + 1);
		struct event swap = e[i];

		e[i] = e[k];
		e[k] = swap;
	}
	for (unsigned i = 0; i < MANY; i++)
		model_add(b, &e[i], now);
	sa = picture(a, now + 30 * SEC_US);
	sb = picture(b, now + 30 * SEC_US);
	cr_expect_gt(sa.edges, 90);
	expect_same(&sa, &sb);
	/* And neither does the window that it was looked at with before. */
	model_set_window(a, 10 * SEC_US);
	snap_done(&sa);
	sa = picture(a, now + 31 * SEC_US);
	model_set_window(a, 300 * SEC_US);
	model_set_window(a, 60 * SEC_US);
	snap_done(&sa);
	snap_done(&sb);
	sa = picture(a, now + 32 * SEC_US);
	sb = picture(b, now + 32 * SEC_US);
	expect_same(&sa, &sb);
	snap_done(&sa);
	snap_done(&sb);
	model_free(a);
	model_free(b);
	free(e);
	free(ids);
}

Test(model, a_million_invented_services_cost_little_and_lose_no_call)
{
	struct model_limits limits = model_limits_default;
	struct model *m;
	uint64_t calls = 0, errors = 0;
	struct snap s;

	limits.names = 500;
	limits.nodes = 100;
	limits.edges = 60;
	limits.ops = 300;
	m = model_new(&limits);
	for (uint32_t i = 0; i < 1000000; i++) {
		char src[24], dst[24], op[24];
		struct event e;

		snprintf(src, sizeof(src), "s%u", i);
		snprintf(dst, sizeof(dst), "d%u", pick(200));
		snprintf(op, sizeof(op), "op%u", i);
		e = flow(src, dst, T0 + i * 20, 100 + pick(1000));
		e.u.flow.op = str_of(op);
		e.u.flow.failed = i % 7 == 0;
		model_add(m, &e, T0 + i * 20);
	}
	s = picture(m, T0 + 20 * SEC_US);
	cr_expect_leq(s.nodes, limits.nodes + 1);
	cr_expect_leq(s.edges, limits.edges + 1);
	for (uint32_t i = 0; i < s.edges; i++) {
		uint64_t ops = 0;

		calls += s.edge[i].stat.calls;
		errors += s.edge[i].stat.errors;
		for (uint32_t k = 0; k < s.edge[i].ops; k++)
			ops += s.op[s.edge[i].first_op + k].stat.calls;
		cr_expect_eq(ops, s.edge[i].stat.calls, "(other) keeps the total");
	}
	cr_expect_eq(calls, 1000000);
	cr_expect_eq(errors, 142858);
	cr_expect_eq(s.quality.received, 1000000);
	cr_expect_gt(s.quality.overflow, 990000);
	cr_assert(node(&s, "(other)"));
	cr_expect_lt(model_bytes(m), 16u << 20, "%zu bytes", model_bytes(m));
	snap_done(&s);
	model_free(m);
}

Test(model, impossible_late_and_future_events_are_refused_and_counted)
{
	static const struct {
		const char *what;
		int64_t end_s, client_us, server_us, bytes;
		uint32_t weight;
		enum {
			TAKEN,
			LATE,
			FUTURE,
			BAD
		} want;
	} rows[] = {
		{ "now", 0, 10, -1, -1, 1, TAKEN },
		{ "a little ahead", 5, 10, -1, -1, 1, TAKEN },
		{ "too far ahead", 6, 10, -1, -1, 1, FUTURE },
		{ "a year ahead", 31536000, 10, -1, -1, 1, FUTURE },
		{ "the oldest that may come", -70, 10, -1, -1, 1, TAKEN },
		{ "too old", -71, 10, -1, -1, 1, LATE },
		{ "from 1970", -T0 / SEC_US + 5, 10, -1, -1, 1, LATE },
		{ "before the epoch", -T0 / SEC_US - 5, 10, -1, -1, 1, BAD },
		{ "negative latency", 0, -2, -1, -1, 1, BAD },
		{ "a day is possible", 0, 24 * 3600 * SEC_US, -1, -1, 1, TAKEN },
		{ "more is not", 0, 24 * 3600 * SEC_US + 1, -1, -1, 1, BAD },
		{ "overflowing server", 0, 10, INT64_MAX, -1, 1, BAD },
		{ "negative bytes", 0, 10, -1, -9, 1, BAD },
		{ "absurd bytes", 0, 10, -1, INT64_MAX, 1, BAD },
		{ "no weight", 0, 10, -1, -1, 0, BAD },
		{ "a great weight", 0, 10, -1, -1, 1u << 20, TAKEN },
		{ "an absurd one", 0, 10, -1, -1, UINT32_MAX, BAD },
		{ "weighted bytes beyond reason", 0, 10, -1, INT64_C(1) << 40, 1u << 20,
			BAD },
		{ "no latency at all", 0, -1, -1, -1, 1, TAKEN },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct model *m = model_new(&model_limits_default);
		struct event e =
			flow("a", "b", T0 + rows[i].end_s * SEC_US, rows[i].client_us);
		struct snap s;

		e.u.flow.server_us = rows[i].server_us;
		e.u.flow.bytes_in = rows[i].bytes;
		e.u.flow.weight = rows[i].weight;
		model_add(m, &e, T0);
		s = picture(m, T0);
		cr_expect_eq(
			s.quality.received, rows[i].want == TAKEN, "%s", rows[i].what);
		cr_expect_eq(s.quality.late, rows[i].want == LATE, "%s", rows[i].what);
		cr_expect_eq(
			s.quality.future, rows[i].want == FUTURE, "%s", rows[i].what);
		cr_expect_eq(
			s.quality.bad_values, rows[i].want == BAD, "%s", rows[i].what);
		cr_expect_eq(s.edges, rows[i].want == TAKEN, "%s", rows[i].what);
		snap_done(&s);
		model_free(m);
	}
}

Test(model, a_clock_that_jumps_back_breaks_nothing)
{
	struct model *m = model_new(&model_limits_default);
	int64_t back = 3600 * SEC_US;
	struct snap s;

	for (int i = 0; i < 100; i++) {
		struct event e = flow("a", "b", T0 + i * 100000, 10);

		model_add(m, &e, T0 + i * 100000);
	}
	for (int i = 100; i < 200; i++) {
		struct event e = flow("a", "b", T0 - back + i * 100000, 10);

		model_add(m, &e, T0 - back + i * 100000);
	}
	s = picture(m, T0 - back + 20 * SEC_US);
	cr_expect_eq(s.quality.received, 200);
	cr_expect_eq(s.edge[0].stat.calls, 200);
	cr_expect_leq(s.now_us, T0 - back + 20 * SEC_US);
	cr_expect_float_eq(s.edge[0].stat.rate, 10, 0.2);
	/* Set right again: the time between is not lived through twice. */
	for (int i = 200; i < 300; i++) {
		struct event e = flow("a", "b", T0 + i * 100000, 10);

		model_add(m, &e, T0 + i * 100000);
	}
	snap_done(&s);
	s = picture(m, T0 + 30 * SEC_US);
	cr_expect_eq(s.edge[0].stat.calls, 300);
	cr_expect_eq(s.now_us, T0 + 30 * SEC_US);
	snap_done(&s);
	model_free(m);
}

Test(model, two_views_of_the_same_calls_are_never_added_up)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	for (int i = 0; i < 100; i++) {
		struct event e = flow("a", "b", T0, FLOW_UNKNOWN);

		e.u.flow.origin = ORIGIN_ACCESSLOG;
		model_add(m, &e, T0);
		e.u.flow.origin = ORIGIN_OTLP;
		e.u.flow.client_us = 7000;
		if (i < 95)
			model_add(m, &e, T0);
		e.u.flow.origin = ORIGIN_ZIPKIN;
		e.u.flow.client_us = 90;
		if (i < 40)
			model_add(m, &e, T0);
	}
	s = picture(m, T0);
	cr_assert_eq(s.edges, 1);
	cr_expect_eq(s.edge[0].stat.calls, 95, "as many calls, and latencies too");
	cr_expect_eq(s.edge[0].stat.samples, 95);
	cr_expect_eq(s.edge[0].origins,
		1u << ORIGIN_ACCESSLOG | 1u << ORIGIN_OTLP | 1u << ORIGIN_ZIPKIN);
	cr_expect_eq(s.node[1].calls_in, 95);
	snap_done(&s);
	model_free(m);
}

Test(model, an_edge_that_fell_silent_while_slow_is_still_shown_as_slow)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	for (int64_t t = 0; t < 10; t++) {
		struct event e = flow("a", "b", T0 + t * SEC_US, 3 * SEC_US);

		model_add(m, &e, T0 + t * SEC_US);
	}
	s = picture(m, T0 + 40 * SEC_US);
	cr_expect(s.edge[0].idle);
	cr_expect_eq(s.edge[0].severity, SEV_CRIT);
	snap_done(&s);
	s = picture(m, T0 + 90 * SEC_US);
	cr_expect_eq(s.edge[0].severity, SEV_IDLE, "the window holds nothing any more");
	snap_done(&s);
	model_free(m);
}

Test(model, what_is_silent_is_idle_first_and_then_forgotten)
{
	struct model_limits limits = model_limits_default;
	struct model *m;
	uint32_t key;
	struct snap s;

	limits.forget_us = 100 * SEC_US;
	m = model_new(&limits);
	for (int64_t t = 0; t < 60; t++) {
		struct event e = flow("a", "b", T0 + t * SEC_US, 10);

		e.u.flow.op = STR("GET");
		model_add(m, &e, T0 + t * SEC_US);
		e = flow("a", "c", T0 + t * SEC_US, 10);
		if (t < 20)
			model_add(m, &e, T0 + t * SEC_US);
	}
	s = picture(m, T0 + 60 * SEC_US);
	cr_expect_eq(s.edge[0].severity, SEV_OK);
	cr_expect_eq(s.edge[1].severity, SEV_IDLE, "no call for 40 s");
	cr_expect_eq(s.edge[1].stat.calls, 20, "but they are in the window");
	key = s.edge[1].key;
	for (int64_t t = 60; t < 140; t++)
		model_advance(m, T0 + t * SEC_US);
	snap_done(&s);
	s = picture(m, T0 + 140 * SEC_US);
	cr_expect_eq(s.edges, 1, "a -> c is gone");
	cr_expect_eq(snap_find_edge(&s, key), -1);
	cr_expect(isnan(s.edge[0].stat.rate) || s.edge[0].stat.calls == 0);
	for (int64_t t = 140; t < 300; t++)
		model_advance(m, T0 + t * SEC_US);
	snap_done(&s);
	s = picture(m, T0 + 300 * SEC_US);
	cr_expect_eq(s.edges, 0);
	cr_expect_eq(s.nodes, 0);
	{
		struct event e = flow("a", "c", T0 + 300 * SEC_US, 10);

		model_add(m, &e, T0 + 300 * SEC_US);
	}
	snap_done(&s);
	s = picture(m, T0 + 300 * SEC_US);
	cr_assert_eq(s.edges, 1);
	cr_expect_neq(s.edge[0].key, key);
	cr_expect_eq(s.edge[0].stat.calls, 1);
	snap_done(&s);
	model_free(m);
}

Test(model, edges_that_come_and_go_are_each_counted_alone)
{
	struct model_limits limits = model_limits_default;
	struct model *m;

	limits.forget_us = 20 * SEC_US;
	limits.window_us = 10 * SEC_US;
	m = model_new(&limits);
	for (int64_t t = 0; t < 300; t++) {
		struct snap s;

		/* Every second 30 new pairs, each of which calls for five seconds. */
		for (int64_t born = MAX(t - 4, 0); born <= t; born++)
			for (int i = 0; i < 30; i++) {
				char src[24], dst[24];
				struct event e;

				snprintf(src, sizeof(src), "s%d", (int)(born % 50));
				snprintf(dst, sizeof(dst), "d%d-%d", i, (int)(born % 50));
				e = flow(src, dst, T0 + t * SEC_US, 10 + i);
				e.u.flow.op = i % 2 ? STR("GET") : STR("PUT");
				model_add(m, &e, T0 + t * SEC_US);
			}
		s = picture(m, T0 + t * SEC_US);
		cr_assert_leq(s.edges, 30 * 45);
		cr_assert_geq(s.edges, 30 * MIN(t + 1, 20));
		cr_assert_eq(s.quality.overflow, 0);
		for (uint32_t i = 0; i < s.edges; i++) {
			const struct snap_edge *e = &s.edge[i];

			cr_assert_leq(e->stat.calls, 5);
			cr_assert_eq(
				e->stat.calls, e->ops ? s.op[e->first_op].stat.calls : 0);
		}
		snap_done(&s);
	}
	model_free(m);
}

Test(model, a_node_is_what_the_strongest_word_says_unless_it_acts_as_a_service)
{
	static const struct {
		const char *src, *dst;
		enum flow_kind kind;
		enum node_kind src_kind, dst_kind;
		int64_t server_us;
	} flows[] = {
		{ "api", "pg", KIND_DB, NODE_SERVICE, NODE_SERVICE, -1 },
		{ "api", "redis", KIND_TCP, NODE_SERVICE, NODE_DB, -1 },
		{ "api", "redis", KIND_TCP, NODE_SERVICE, NODE_EXTERNAL, -1 },
		{ "api", "orders", KIND_MSG, NODE_SERVICE, NODE_QUEUE, -1 },
		{ "orders", "ship", KIND_MSG, NODE_QUEUE, NODE_SERVICE, -1 },
		{ "api", "bank", KIND_HTTP, NODE_SERVICE, NODE_EXTERNAL, -1 },
		{ "api", "auth", KIND_HTTP, NODE_SERVICE, NODE_EXTERNAL, -1 },
		{ "auth", "pg", KIND_DB, NODE_SERVICE, NODE_DB, -1 },
		{ "api", "tax", KIND_HTTP, NODE_SERVICE, NODE_EXTERNAL, -1 },
		{ "web", "tax", KIND_HTTP, NODE_EXTERNAL, NODE_SERVICE, 900 },
	};
	static const struct {
		const char *name;
		enum node_kind kind;
	} want[] = {
		{ "api", NODE_SERVICE },
		{ "pg", NODE_DB },
		{ "redis", NODE_DB },
		{ "orders", NODE_QUEUE },
		{ "ship", NODE_SERVICE },
		{ "bank", NODE_EXTERNAL },
		{ "auth", NODE_SERVICE },
		{ "tax", NODE_SERVICE },
		{ "web", NODE_EXTERNAL },
	};
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	for (unsigned i = 0; i < ARRAY_LEN(flows); i++) {
		struct event e = flow(flows[i].src, flows[i].dst, T0, 10);

		e.u.flow.kind = flows[i].kind;
		e.u.flow.src_kind = flows[i].src_kind;
		e.u.flow.dst_kind = flows[i].dst_kind;
		e.u.flow.server_us = flows[i].server_us;
		model_add(m, &e, T0);
	}
	s = picture(m, T0);
	for (unsigned i = 0; i < ARRAY_LEN(want); i++)
		cr_expect_eq(
			node(&s, want[i].name)->kind, want[i].kind, "%s", want[i].name);
	snap_done(&s);
	model_free(m);
}

Test(model, exemplars_are_the_slowest_the_failed_and_the_newest_of_the_window)
{
	struct model *m = model_new(&model_limits_default);
	unsigned slow = 0, failed = 0, newest = 0;
	struct snap s;

	for (int i = 0; i < 1000; i++) {
		struct event e = flow("a", "b", T0 + i * 10000, 100 + i % 50);

		e.u.flow.ids.trace[0] = 1;
		memcpy(&e.u.flow.ids.trace[4], &i, sizeof(i));
		e.u.flow.client_us += i % 400 == 399 ? 900000 : 0;
		e.u.flow.failed = i % 300 == 299;
		model_add(m, &e, T0 + i * 10000);
	}
	s = picture(m, T0 + 10 * SEC_US);
	for (uint32_t i = 0; i < s.edge[0].exemplars; i++) {
		const struct snap_exemplar *x = &s.exemplar[i];

		slow += x->latency_us > 900000;
		failed += x->failed;
		newest += x->end_us == T0 + 9990000;
		cr_expect(!i || x->latency_us <= x[-1].latency_us);
	}
	cr_expect_eq(slow, 2);
	cr_expect_eq(failed, 3);
	cr_expect_eq(newest, 1);
	cr_expect_leq(s.edge[0].exemplars, 12);
	snap_done(&s);
	s = picture(m, T0 + 90 * SEC_US);
	cr_expect_eq(s.edge[0].exemplars, 0, "older than the window");
	snap_done(&s);
	model_free(m);
}

static struct event
delta(int64_t end_us, int64_t span_us, uint64_t calls, const int64_t *bound,
	const uint32_t *count, uint32_t n)
{
	return (struct event){ .type = EVENT_DELTA,
		.u.delta = {
			.src = STR("a"),
			.dst = STR("b"),
			.end_us = end_us,
			.span_us = span_us,
			.calls = calls,
			.errors = calls / 10,
			.bytes_in = 1000,
			.bytes_out = FLOW_UNKNOWN,
			.latency = { bound, count, n },
		} };
}

Test(model, calls_behind_the_last_coarse_bound_are_told_at_that_bound)
{
	static const int64_t bound[] = { 5000, 250000, INT64_MAX };
	static const uint32_t count[] = { 0, 0, 7 };
	struct model *m = model_new(&model_limits_default);
	struct event e = delta(T0, SEC_US, 7, bound, count, 3);
	struct snap s;

	model_add(m, &e, T0);
	s = picture(m, T0);
	cr_expect(s.edge[0].stat.bounds_only);
	cr_expect_float_eq((double)s.edge[0].stat.p99_us, 250000, 2500);
	snap_done(&s);
	model_free(m);
}

Test(model, a_delta_of_fine_buckets_counts_as_the_flows_it_was_made_of)
{
	struct model *a = model_new(&model_limits_default);
	struct model *b = model_new(&model_limits_default);
	int64_t bound[HIST_BUCKETS];
	uint32_t count[HIST_BUCKETS], counts[HIST_BUCKETS] = { 0 };
	uint32_t n = 0;
	struct event e;
	struct snap sa, sb;

	for (int i = 0; i < 1000; i++) {
		int64_t us = 50 + pick(3000000);

		e = flow("a", "b", T0, us);
		e.u.flow.bytes_in = 1;
		e.u.flow.failed = i < 100;
		model_add(a, &e, T0);
		counts[hist_index((uint64_t)us)]++;
	}
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!counts[i])
			continue;
		bound[n] = hist_high(i);
		count[n++] = counts[i];
	}
	e = delta(T0, SEC_US, 1000, bound, count, n);
	model_add(b, &e, T0);
	sa = picture(a, T0);
	sb = picture(b, T0);
	expect_same(&sa, &sb);
	cr_expect_not(sb.edge[0].stat.bounds_only);
	snap_done(&sa);
	snap_done(&sb);
	model_free(a);
	model_free(b);
}

Test(model, a_scrape_with_wide_buckets_is_spread_over_its_time_and_marked)
{
	static const int64_t bound[] = { 5000, 250000, INT64_MAX };
	static const uint32_t count[] = { 140, 7, 3 };
	struct model *m = model_new(&model_limits_default);
	struct event e = delta(T0, 15 * SEC_US, 160, bound, count, 3);
	struct snap s;

	model_add(m, &e, T0);
	s = picture(m, T0);
	cr_expect_eq(s.edge[0].stat.calls, 160);
	cr_expect_eq(s.edge[0].stat.errors, 16);
	cr_expect_eq(s.edge[0].stat.samples, 150, "ten have no latency");
	cr_expect(s.edge[0].stat.bounds_only);
	cr_expect_float_eq((double)s.edge[0].stat.p50_us, 5000, 50);
	cr_expect_float_eq((double)s.edge[0].stat.p99_us, 250000, 2500);
	cr_expect_eq(s.edge[0].stat.bytes_in, 1000);
	cr_expect_eq(s.edge[0].stat.bytes_out, SNAP_UNKNOWN);
	snap_done(&s);
	model_set_window(m, 4 * SEC_US);
	s = picture(m, T0);
	cr_expect_float_eq((double)s.edge[0].stat.calls, 160 * 5 / 15.0, 4);
	snap_done(&s);
	e.u.delta.errors = 161;
	model_add(m, &e, T0);
	e.u.delta.errors = 0;
	e.u.delta.calls = 149;
	model_add(m, &e, T0);
	e.u.delta.calls = UINT64_MAX;
	model_add(m, &e, T0);
	s = picture(m, T0);
	cr_expect_eq(s.quality.bad_values, 3);
	cr_expect_eq(s.quality.received, 1);
	snap_done(&s);
	model_free(m);
}

Test(model, own_work_notes_and_gauges_are_received)
{
	struct model *m = model_new(&model_limits_default);
	struct event f = flow("a", "b", T0, 10);
	struct event work = { .type = EVENT_WORK,
		.u.work = { .service = STR("b"), .end_us = T0, .duration_us = 4000 } };
	struct event note = { .type = EVENT_NOTE,
		.u.note = { .service = STR("b"), .text = STR("hi"), .at_us = T0 } };
	struct event gauge = { .type = EVENT_GAUGE,
		.u.gauge = { .service = STR("b"),
			.name = STR("queue.depth"),
			.value = NAN,
			.at_us = T0 } };
	struct snap s;

	model_add(m, &f, T0);
	model_add(m, &work, T0);
	model_add(m, &note, T0);
	model_add(m, &gauge, T0);
	gauge.u.gauge.value = 3;
	model_add(m, &gauge, T0);
	s = picture(m, T0);
	cr_expect_eq(s.quality.received, 4);
	cr_expect_eq(s.quality.bad_values, 1, "not a number is no value");
	cr_expect_eq(s.node[0].self_p99_us, SNAP_UNKNOWN);
	cr_expect_float_eq((double)s.node[1].self_p99_us, 4000, 40);
	cr_expect_eq(s.node[0].notes + s.node[0].gauges, 0);
	cr_assert_eq(s.node[1].notes, 1);
	cr_expect_str_eq(s.note[s.node[1].first_note].pattern, "hi");
	cr_assert_eq(s.node[1].gauges, 1);
	cr_expect_str_eq(s.gauge[s.node[1].first_gauge].name, "queue.depth");
	cr_expect_eq(s.gauge[s.node[1].first_gauge].value, 3);
	snap_done(&s);
	model_free(m);
}

Test(model, a_service_stays_in_its_group_while_that_is_told)
{
	struct model *m = model_new(&model_limits_default);
	struct event f = flow("a", "b", T0, 10), member = { .type = EVENT_MEMBER };
	struct snap s;

	model_add(m, &member, T0);
	member.u.member = (struct member){ STR("b"), STR("shop"), T0 };
	model_add(m, &member, T0);
	model_add(m, &f, T0);
	member.u.member.group = STR("other");
	model_add(m, &member, T0 + 5 * SEC_US);
	s = picture(m, T0 + 5 * SEC_US);
	cr_expect_eq(s.quality.received, 3);
	cr_expect_eq(s.quality.bad_values, 1, "a member of nothing");
	cr_expect_null(s.node[0].group);
	cr_expect_str_eq(s.node[1].group, "shop");
	snap_done(&s);
	f.u.flow.end_us = T0 + 40 * SEC_US;
	model_add(m, &f, T0 + 40 * SEC_US);
	model_add(m, &member, T0 + 40 * SEC_US);
	s = picture(m, T0 + 40 * SEC_US);
	cr_expect_str_eq(s.node[1].group, "other", "the first was not told for long");
	snap_done(&s);
	model_free(m);
}
