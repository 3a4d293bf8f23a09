#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/names.h"
#include "weir/base/util.h"
#include "weir/core/blame.h"
#include "weir/core/sentence.h"

#define T0 INT64_C(1700000000)

/* ---------------------------------------------------------------- a small world */

/* Names, an engine and a clock; requests are drawn by a fixed generator. */
struct world {
	struct names *names;
	struct verdict_options o;
	struct verdict *v;
	int64_t sec;
	uint64_t rng;
	int64_t delay_us;
};

static const char *
text_of(void *ctx, uint32_t id)
{
	return names_text(((struct world *)ctx)->names, id);
}

static void
world_init(struct world *w)
{
	*w = (struct world){ .names = names_new(1000, 1 << 20),
		.o = { .node_name = text_of, .op_name = text_of },
		.sec = T0,
		.rng = 88172645463325252u };
	w->o.ctx = w;
	w->v = verdict_new(&w->o);
}

static void
world_done(struct world *w)
{
	verdict_free(w->v);
	names_free(w->names);
}

static uint32_t
id(struct world *w, const char *name)
{
	return names_id(w->names, str_of(name));
}

static double
draw(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (double)(w->rng >> 11) / 9007199254740992.0;
}

/* One request that ends somewhere in this second, its latency spread by half. */
static struct verdict_obs
request(struct world *w, const char *src, const char *dst, const char *op, double us)
{
	return (struct verdict_obs){ .src = id(w, src),
		.dst = id(w, dst),
		.kind = KIND_GRPC,
		.op = op ? id(w, op) : VERDICT_NONE,
		.end_us = w->sec * SEC_US + (int64_t)(draw(w) * 999999),
		.latency_us =
			us < 0 ? FLOW_UNKNOWN : (int64_t)(us * (.75 + .5 * draw(w))),
		.server_us = FLOW_UNKNOWN,
		.queue_us = FLOW_UNKNOWN,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = 1 };
}

static void
send(struct world *w, struct verdict_obs o)
{
	verdict_observe(w->v, &o, o.end_us + w->delay_us);
}

static void
calls(struct world *w, const char *src, const char *dst, const char *op, double us,
	unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		send(w, request(w, src, dst, op, us));
}

static void
tick(struct world *w)
{
	w->sec++;
	verdict_tick(w->v, w->sec * SEC_US + w->delay_us);
}

static const struct verdict_cause *
named(struct world *w)
{
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(w->v, &n);

	return n ? c : NULL;
}

static const char *
said(struct world *w, bool ascii)
{
	static char text[500];
	struct sentence_style style = { .ascii = ascii };
	struct buf b = BUF_INIT;
	const struct verdict_cause *c = named(w);

	if (c)
		sentence_write(&b, c, &w->o, &style);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void
expect_cause(struct world *w, const char *node, enum anomaly kind)
{
	const struct verdict_cause *c = named(w);

	cr_assert(c, "nothing is named, %s was expected", node);
	cr_expect_str_eq(names_text(w->names, c->node), node, "%s", said(w, true));
	cr_expect_eq(c->kind, kind, "%s", said(w, true));
}

static void
expect_calm(struct world *w)
{
	cr_expect_null(named(w), "%s", said(w, true));
}

static bool
had_event(struct world *w, enum verdict_change kind, enum anomaly a)
{
	struct verdict_event e[VERDICT_MAX_EVENTS];
	uint32_t n = verdict_events(w->v, 0, e, ARRAY_LEN(e));

	for (uint32_t i = 0; i < n; i++)
		if (e[i].kind == kind && e[i].anomaly == a)
			return true;
	return false;
}

/* user -> shop -> pay -> db, with three statements; the update takes @update_us. */
static void
shop_second(struct world *w, double update_us)
{
	for (unsigned i = 0; i < 4; i++) {
		calls(w, "pay", "db", "BEGIN", 400, 1);
		calls(w, "pay", "db", "UPDATE accounts", update_us, 1);
		calls(w, "pay", "db", "COMMIT", 900, 1);
		calls(w, "shop", "pay", NULL, 3000 + update_us, 1);
		calls(w, "user", "shop", "POST /buy", 6000 + update_us, 1);
		calls(w, "user", "shop", "GET /", 2000, 2);
	}
	tick(w);
}

static void
shop(struct world *w, unsigned seconds, double update_us)
{
	for (unsigned i = 0; i < seconds; i++)
		shop_second(w, update_us);
}

/* ---------------------------------------------------------------- the sentence */

Test(verdict, a_blocked_statement_is_named_though_its_neighbours_are_fast)
{
	struct world w;

	world_init(&w);
	shop(&w, 120, 1000);
	expect_calm(&w);
	shop(&w, 10, 60000);
	expect_cause(&w, "db", ANOMALY_LATENCY);
	cr_expect_str_eq(names_text(w.names, named(&w)->op), "UPDATE accounts");
	cr_expect(named(&w)->explained >= 1);
	cr_expect_float_eq(named(&w)->explains[0].share, .97, .05);
	cr_expect(abs((int)(named(&w)->since_us / SEC_US - (T0 + 120))) <= 2,
		"since is %d s off", (int)(named(&w)->since_us / SEC_US - (T0 + 120)));
	world_done(&w);
}

Test(verdict, the_sentence_holds_hop_operation_size_share_and_time)
{
	struct world w;

	world_init(&w);
	shop(&w, 120, 1000);
	shop(&w, 20, 60000);
	cr_expect_str_eq(said(&w, true),
		"pay -> db UPDATE accounts: p99 76 ms, 61x its baseline (n=40); explains "
		"95 % of user -> shop; since 22:15:20");
	cr_expect_str_eq(said(&w, false),
		"pay → db UPDATE accounts: p99 76 ms, 61× its baseline (n=40); explains "
		"95 % of user → shop; since 22:15:20");
	world_done(&w);
}

Test(verdict, the_numbers_behind_it_are_given)
{
	struct world w;
	const struct verdict_numbers *n;

	world_init(&w);
	shop(&w, 120, 1000);
	shop(&w, 20, 60000);
	cr_assert(named(&w));
	n = &named(&w)->numbers;
	cr_expect_float_eq(n->calls, 40, .1);
	cr_expect_eq(n->window_us, 10 * SEC_US);
	cr_expect(n->p50_us > 45000 && n->p50_us < 75000);
	cr_expect(n->usual_p50_us > 900 && n->usual_p50_us < 1100);
	cr_expect(n->usual_requests > 300);
	cr_expect(n->z_latency > n->z_open && n->z_open > n->z_close);
	cr_expect_float_eq(n->error_ratio, 0, 1e-9);
	world_done(&w);
}

Test(verdict, it_clears_within_a_minute_of_the_end_and_can_be_named_again)
{
	struct world w;
	unsigned after = 0;

	world_init(&w);
	shop(&w, 120, 1000);
	shop(&w, 30, 60000);
	expect_cause(&w, "db", ANOMALY_LATENCY);
	for (; named(&w) && after < 60; after++)
		shop_second(&w, 1000);
	cr_expect(after > 5 && after <= 30, "cleared after %u s", after);
	shop(&w, 60, 1000);
	expect_calm(&w);
	cr_expect(had_event(&w, VERDICT_CLOSED, ANOMALY_LATENCY));
	shop(&w, 10, 60000);
	expect_cause(&w, "db", ANOMALY_LATENCY);
	world_done(&w);
}

Test(verdict, the_timeline_tells_what_opened_what_was_named_and_when_it_was_over)
{
	static const struct sentence_style style = { .ascii = true };
	struct verdict_event e[VERDICT_MAX_EVENTS];
	struct world w;
	struct buf b = BUF_INIT;
	uint32_t n;

	world_init(&w);
	shop(&w, 120, 1000);
	shop(&w, 20, 60000);
	shop(&w, 60, 1000);
	n = verdict_events(w.v, 0, e, ARRAY_LEN(e));
	for (uint32_t i = 0; i < n; i++) {
		cr_expect_eq(e[i].number, i + 1);
		if (i && e[i].kind != VERDICT_NAMED && e[i].kind != VERDICT_CLEARED)
			continue;
		sentence_event(&b, &e[i], &w.o, &style);
		buf_addc(&b, '\n');
	}
	cr_expect_str_eq(buf_cstr(&b),
		"pay -> db: latency begins, p99 68 ms, 54x its baseline\n"
		"pay -> db UPDATE accounts: is the cause, p99 72 ms, 57x its baseline\n"
		"all as usual again\n");
	buf_done(&b);
	world_done(&w);
}

/* ---------------------------------------------------------------- what is no anomaly */

Test(verdict, more_calls_of_a_slow_operation_are_no_slowness)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 300; s++) {
		unsigned slow = s < 150 ? 1 : 8;

		calls(&w, "user", "shop", "GET /", 2000, 10 - slow);
		calls(&w, "user", "shop", "POST /report", 80000, slow);
		tick(&w);
		expect_calm(&w);
	}
	cr_expect_not(had_event(&w, VERDICT_OPENED, ANOMALY_LATENCY));
	world_done(&w);
}

Test(verdict, a_moment_in_which_everything_waits_is_no_anomaly)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 200; s++) {
		calls(&w, "user", "shop", NULL, s == 150 ? 200000 : 2000, 20);
		tick(&w);
		expect_calm(&w);
	}
	world_done(&w);
}

static struct verdict_tolerance
generous(void *ctx, uint32_t src, uint32_t dst)
{
	(void)ctx, (void)src, (void)dst;
	return (struct verdict_tolerance){ .p99_us = 100000, .error_ratio = .3 };
}

Test(verdict, what_is_tolerated_is_not_told)
{
	struct world w;

	world_init(&w);
	verdict_free(w.v);
	w.o.tolerance = generous;
	w.v = verdict_new(&w.o);
	for (unsigned s = 0; s < 200; s++) {
		struct verdict_obs o = request(&w, "user", "shop", NULL, 2000);

		o.failed = s > 120 && s % 5 == 0;
		send(&w, o);
		calls(&w, "user", "shop", NULL, s > 120 ? 60000 : 2000, 9);
		tick(&w);
		expect_calm(&w);
	}
	calls(&w, "user", "shop", NULL, 400000, 90);
	for (unsigned s = 0; s < 8; s++) {
		calls(&w, "user", "shop", NULL, 400000, 10);
		tick(&w);
	}
	expect_cause(&w, "shop", ANOMALY_LATENCY);
	world_done(&w);
}

/* ---------------------------------------------------------------- kinds of trouble */

Test(verdict, failures_are_named_at_the_hop_that_fails_first)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 100; s++) {
		for (unsigned i = 0; i < 6; i++) {
			struct verdict_obs in = request(&w, "user", "shop", NULL, 5000);
			struct verdict_obs out = request(&w, "shop", "stock", NULL, 2000);

			in.failed = out.failed = s >= 80 && i % 2;
			if (out.failed)
				out.latency_us = 300;
			send(&w, out);
			send(&w, in);
		}
		tick(&w);
		if (s < 80)
			expect_calm(&w);
	}
	expect_cause(&w, "stock", ANOMALY_ERRORS);
	cr_expect_str_eq(said(&w, true),
		"shop -> stock: 50 % errors, baseline 0 % (n=60); explains 100 % of "
		"user -> shop; since 22:14:40");
	world_done(&w);
}

Test(verdict, a_queue_that_grows_is_told_with_what_its_consumer_takes)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 120; s++) {
		for (unsigned i = 0; i < 3; i++) {
			struct verdict_obs o = request(&w, "shop", "mailer", NULL, 1000);

			o.kind = KIND_MSG;
			o.server_us = (int64_t)((s < 100 ? 30000 : 900000) *
						(.75 + .5 * draw(&w)));
			o.queue_us = s < 100 ? (int64_t)(2000 * (.75 + .5 * draw(&w)))
					     : (int64_t)(s - 99) * 800000;
			send(&w, o);
		}
		calls(&w, "user", "shop", NULL, 4000, 5);
		tick(&w);
	}
	expect_cause(&w, "mailer", ANOMALY_QUEUE);
	cr_expect(strstr(said(&w, true), "shop -> mailer: messages wait "), "%s",
		said(&w, true));
	cr_expect(strstr(said(&w, true), "mailer takes 9"), "%s", said(&w, true));
	world_done(&w);
}

Test(verdict, an_edge_that_stops_is_missed_and_a_new_one_is_told)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 240; s++) {
		calls(&w, "user", "shop", NULL, 4000, 5);
		if (s < 200)
			calls(&w, "shop", "audit", NULL, 700, 5);
		if (s > 150)
			calls(&w, "shop", "fraud", NULL, 900, 5);
		tick(&w);
		if (s < 200)
			expect_calm(&w);
	}
	expect_cause(&w, "shop", ANOMALY_SILENT);
	cr_expect_str_eq(said(&w, true), "shop stopped calling audit: 0 calls in 10 s, "
					 "50 expected; since 22:16:40");
	cr_expect(had_event(&w, VERDICT_OPENED, ANOMALY_SILENT));
	cr_expect(had_event(&w, VERDICT_OPENED, ANOMALY_NEW));
	cr_expect(had_event(&w, VERDICT_CLOSED, ANOMALY_NEW));
	world_done(&w);
}

Test(verdict, nothing_is_missed_while_the_feed_is_known_to_be_incomplete)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 260; s++) {
		if (s == 150)
			verdict_feed(w.v, false);
		if (s == 200)
			verdict_feed(w.v, true);
		calls(&w, "user", "shop", NULL, 4000, 5);
		if (s < 150 || s >= 200)
			calls(&w, "shop", "audit", NULL, 700, 5);
		tick(&w);
		expect_calm(&w);
	}
	cr_expect_not(had_event(&w, VERDICT_OPENED, ANOMALY_SILENT));
	world_done(&w);
}

Test(verdict, time_lost_between_the_ends_is_told_from_time_lost_behind_them)
{
	static const struct {
		double server_us, db_us;
		const char *cause;
	} cases[] = {
		{ 3000, 1000, "pay" },  /* on the way to it */
		{ 83000, 1000, "pay" }, /* in it */
		{ 83000, 81000, "db" }, /* behind it */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;

		world_init(&w);
		for (unsigned s = 0; s < 140; s++) {
			bool bad = s >= 120;

			for (unsigned k = 0; k < 5; k++) {
				struct verdict_obs o = request(
					&w, "shop", "pay", NULL, bad ? 84000 : 4000);

				o.server_us =
					(int64_t)((bad ? cases[i].server_us : 3000) *
						  (.75 + .5 * draw(&w)));
				send(&w, o);
				calls(&w, "user", "shop", NULL, bad ? 88000 : 8000, 1);
				calls(&w, "pay", "db", NULL, bad ? cases[i].db_us : 1000,
					1);
			}
			tick(&w);
		}
		expect_cause(&w, cases[i].cause, ANOMALY_LATENCY);
		world_done(&w);
	}
}

Test(verdict, own_time_where_it_is_known_decides_between_a_service_and_its_callee)
{
	static const struct {
		double self_us;
		const char *cause;
	} cases[] = { { 62000, "pay" }, { 2000, "db" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;

		world_init(&w);
		for (unsigned s = 0; s < 140; s++) {
			bool bad = s >= 120;

			for (unsigned k = 0; k < 5; k++) {
				struct verdict_obs o = request(
					&w, "shop", "pay", NULL, bad ? 64000 : 4000);

				o.self_us = (int64_t)((bad ? cases[i].self_us : 2000) *
						      (.75 + .5 * draw(&w)));
				send(&w, o);
				calls(&w, "user", "shop", NULL, bad ? 68000 : 8000, 1);
				/* In the first case the callee is as slow, but in parallel. */
				calls(&w, "pay", "db", NULL, bad ? 60000 : 1000, 1);
			}
			tick(&w);
		}
		cr_assert(named(&w));
		if (i == 1)
			expect_cause(&w, "db", ANOMALY_LATENCY);
		world_done(&w);
	}
}

/* ---------------------------------------------------------------- how data comes */

Test(verdict, one_observation_of_weight_ten_counts_like_ten)
{
	struct world a, b;

	world_init(&a);
	world_init(&b);
	for (unsigned s = 0; s < 140; s++) {
		for (unsigned i = 0; i < 3; i++) {
			struct verdict_obs o =
				request(&a, "user", "shop", NULL, s < 120 ? 3000 : 90000);

			for (unsigned k = 0; k < 10; k++)
				send(&a, o);
			o.calls = 10;
			o.src = id(&b, "user");
			o.dst = id(&b, "shop");
			send(&b, o);
		}
		tick(&a);
		tick(&b);
	}
	expect_cause(&b, "shop", ANOMALY_LATENCY);
	cr_expect_float_eq(named(&a)->numbers.calls, named(&b)->numbers.calls, 1e-9);
	cr_expect_float_eq(
		named(&a)->numbers.z_latency, named(&b)->numbers.z_latency, .5);
	world_done(&a);
	world_done(&b);
}

Test(verdict, requests_added_up_at_their_source_are_judged_alike)
{
	static const int64_t bound[] = { 1000, 2000, 4000, 8000, 100000, INT64_MAX };
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 160; s++) {
		bool bad = s >= 140;
		const uint64_t calm[] = { 3, 10, 6, 1, 0, 0 },
			       slow[] = { 0, 0, 2, 3, 14, 1 };
		struct delta d = { .kind = KIND_GRPC,
			.end_us = (w.sec + 1) * SEC_US - 1,
			.span_us = SEC_US,
			.calls = 20,
			.errors = bad ? 9 : 0,
			.bytes_in = FLOW_UNKNOWN,
			.bytes_out = FLOW_UNKNOWN,
			.latency = { bound, bad ? slow : calm, ARRAY_LEN(bound) } };

		verdict_observe_delta(w.v, &d, id(&w, "user"), id(&w, "shop"),
			VERDICT_NONE, (w.sec + 1) * SEC_US);
		tick(&w);
		if (!bad)
			expect_calm(&w);
	}
	expect_cause(&w, "shop", ANOMALY_ERRORS);
	cr_expect(named(&w)->also_slow);
	cr_expect_float_eq(named(&w)->numbers.calls, 200, 1e-9);
	cr_expect_float_eq(named(&w)->numbers.error_ratio, .45, 1e-6);
	cr_expect_eq(named(&w)->numbers.window_us, 10 * SEC_US);
	world_done(&w);
}

Test(verdict, two_views_of_the_same_calls_are_not_added_up)
{
	struct world w;
	struct verdict_numbers n;

	world_init(&w);
	for (unsigned s = 0; s < 60; s++) {
		for (unsigned i = 0; i < 10; i++) {
			struct verdict_obs o = request(&w, "user", "shop", NULL, 2000);

			o.origin = ORIGIN_OTLP;
			send(&w, o);
			o.origin = ORIGIN_ACCESSLOG;
			o.latency_us *= 2;
			send(&w, o);
		}
		tick(&w);
	}
	cr_assert(
		verdict_edge_numbers(w.v, id(&w, "user"), id(&w, "shop"), KIND_GRPC, &n));
	cr_expect_float_eq(n.calls, 100, 1e-9, "%g", n.calls);
	world_done(&w);
}

Test(verdict, late_data_is_waited_for_and_raises_nothing)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 300; s++) {
		calls(&w, "user", "shop", NULL, 4000, 5);
		/* What shop calls is only heard of nine seconds later. */
		w.delay_us = 9 * SEC_US;
		w.sec -= 9;
		calls(&w, "shop", "bank", NULL, s < 200 ? 2000 : 100000, 5);
		w.sec += 9;
		w.delay_us = 0;
		tick(&w);
		if (s < 200)
			expect_calm(&w);
	}
	expect_cause(&w, "bank", ANOMALY_LATENCY);
	cr_expect_not(had_event(&w, VERDICT_OPENED, ANOMALY_SILENT));
	world_done(&w);
}

Test(verdict, a_caller_is_not_named_before_the_late_data_of_its_callee_is_in)
{
	struct world w;

	world_init(&w);
	for (unsigned s = 0; s < 240; s++) {
		calls(&w, "user", "shop", NULL, s < 200 ? 4000 : 104000, 5);
		w.delay_us = 9 * SEC_US;
		w.sec -= 9;
		calls(&w, "shop", "bank", NULL, s < 209 ? 2000 : 102000, 5);
		w.sec += 9;
		w.delay_us = 0;
		tick(&w);
		if (named(&w))
			expect_cause(&w, "bank", ANOMALY_LATENCY);
	}
	expect_cause(&w, "bank", ANOMALY_LATENCY);
	world_done(&w);
}

Test(verdict, the_same_input_gives_the_same_verdict)
{
	struct buf said_twice[2] = { BUF_INIT, BUF_INIT };

	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		world_init(&w);
		for (unsigned s = 0; s < 200; s++) {
			shop_second(&w, s < 150 ? 1000 : 30000);
			buf_adds(&said_twice[i], said(&w, true));
		}
		verdict_save(w.v, w.sec * SEC_US, &said_twice[i]);
		world_done(&w);
	}
	cr_expect(str_eq(buf_str(&said_twice[0]), buf_str(&said_twice[1])));
	buf_done(&said_twice[0]);
	buf_done(&said_twice[1]);
}

Test(verdict, edges_over_the_limit_are_counted_and_memory_stays_bounded)
{
	struct world w;
	struct verdict_status s;

	world_init(&w);
	verdict_free(w.v);
	w.o.limits = (struct verdict_limits){
		.nodes = 50, .edges = 20, .ops = 60, .ops_per_edge = 3
	};
	w.v = verdict_new(&w.o);
	for (unsigned t = 0; t < 120; t++) {
		for (unsigned i = 0; i < 2000; i++) {
			struct verdict_obs o =
				request(&w, "user", "shop", NULL, 1000 + 1e6 * draw(&w));

			o.dst = 100 + i % 40;
			o.op = 1000 + i % 7;
			send(&w, o);
		}
		tick(&w);
	}
	verdict_status(w.v, &s);
	cr_expect_eq(s.edges, 20);
	cr_expect_eq(s.unwatched, 120 * 1000);
	cr_expect_lt(s.bytes, 20 * 4 * 36000, "%zu bytes", s.bytes);
	world_done(&w);
}

/* ---------------------------------------------------------------- opened amid trouble */

Test(verdict, without_a_baseline_absolute_limits_judge_and_it_says_so)
{
	struct world w;

	world_init(&w);
	shop(&w, 12, 1500000);
	expect_cause(&w, "db", ANOMALY_COLD);
	cr_expect(strstr(said(&w, true), "no baseline yet"), "%s", said(&w, true));
	world_done(&w);
}

Test(verdict, a_saved_state_tells_what_was_normal_before_the_incident)
{
	struct world before, after;
	struct verdict_status s;
	struct buf state = BUF_INIT;
	struct diag d;

	world_init(&before);
	shop(&before, 200, 1000);
	verdict_save(before.v, before.sec * SEC_US, &state);
	world_done(&before);

	world_init(&after);
	/* Other numbers for the same names. */
	id(&after, "somebody else");
	after.sec = T0 + 7200;
	cr_assert_eq(verdict_load(after.v, buf_str(&state), after.sec * SEC_US, &d),
		STATUS_OK, "%s", d.text);
	shop(&after, 12, 60000);
	expect_cause(&after, "db", ANOMALY_LATENCY);
	cr_expect_str_eq(names_text(after.names, named(&after)->op), "UPDATE accounts");
	verdict_status(after.v, &s);
	cr_expect_eq(s.restored, 3);
	world_done(&after);
	buf_done(&state);
}

Test(verdict, what_was_saved_and_not_met_again_is_saved_again)
{
	struct world a, b, c;
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct verdict_status s;

	world_init(&a);
	shop(&a, 60, 1000);
	verdict_save(a.v, a.sec * SEC_US, &one);
	world_init(&b);
	cr_assert_eq(verdict_load(b.v, buf_str(&one), a.sec * SEC_US, NULL), STATUS_OK);
	verdict_save(b.v, a.sec * SEC_US + SEC_US, &two);
	world_init(&c);
	cr_assert_eq(verdict_load(c.v, buf_str(&two), a.sec * SEC_US, NULL), STATUS_OK);
	c.sec = a.sec;
	shop(&c, 1, 1000);
	verdict_status(c.v, &s);
	cr_expect_eq(s.restored, 3);
	world_done(&a);
	world_done(&b);
	world_done(&c);
	buf_done(&one);
	buf_done(&two);
}

Test(verdict, a_damaged_state_is_refused_whole)
{
	struct world w;
	struct buf state = BUF_INIT, bad = BUF_INIT;
	struct verdict_status s;
	struct diag d;

	world_init(&w);
	shop(&w, 60, 1000);
	verdict_save(w.v, w.sec * SEC_US, &state);
	world_done(&w);

	world_init(&w);
	for (size_t cut = 0; cut < state.n; cut += 1 + state.n / 97)
		cr_expect_neq(verdict_load(w.v, (struct str){ state.p, cut },
				      w.sec * SEC_US, &d),
			STATUS_OK, "cut at %zu", cut);
	for (size_t at = 0; at < state.n; at += 1 + state.n / 193) {
		buf_clear(&bad);
		buf_add_str(&bad, buf_str(&state));
		bad.p[at] = (char)(bad.p[at] ^ 0x41);
		cr_expect_neq(verdict_load(w.v, buf_str(&bad), w.sec * SEC_US, &d),
			STATUS_OK, "byte %zu", at);
	}
	shop(&w, 1, 1000);
	verdict_status(w.v, &s);
	cr_expect_eq(s.restored, 0);
	world_done(&w);
	buf_done(&state);
	buf_done(&bad);
}

/* ---------------------------------------------------------------- a real incident */

/*
 * Recorded from a shop of eight services: half a minute of health, then a row lock held
 * in pulses of 1.5 s, on which the UPDATE of payment waits.
 */
Test(verdict, a_recorded_row_lock_is_named_within_ten_seconds_of_being_seen)
{
	struct world w;
	char path[512], line[256], name[200];
	unsigned n, src, dst, op, failed;
	long at_ms, us;
	int64_t visible = 0, first = 0;
	uint32_t ids[256] = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/verdict/row-lock.flows",
		getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	f = fopen(path, "r");
	cr_assert(f, "no %s", path);
	world_init(&w);
	while (fgets(line, sizeof(line), f)) {
		struct verdict_obs o;

		if (sscanf(line, "name %u %199[^\n]", &n, name) == 2 &&
			n < ARRAY_LEN(ids))
			ids[n] = id(&w, name);
		if (sscanf(line, "%ld %u %u %u %ld %u", &at_ms, &src, &dst, &op, &us,
			    &failed) != 6)
			continue;
		while (w.sec < T0 + at_ms / 1000) {
			tick(&w);
			if (named(&w) && !first)
				first = w.sec;
			if (named(&w))
				expect_cause(&w, "postgres", ANOMALY_LATENCY);
		}
		o = request(&w, "", "", NULL, 0);
		o.src = ids[src];
		o.dst = ids[dst];
		o.op = ids[op];
		o.latency_us = us;
		o.failed = failed;
		o.end_us = T0 * SEC_US + at_ms * 1000;
		send(&w, o);
		if (!visible && us > 200000 && o.dst == id(&w, "postgres"))
			visible = o.end_us / SEC_US;
	}
	fclose(f);
	cr_expect(visible && first && first - visible <= 10, "named after %d s",
		(int)(first - visible));
	cr_assert(named(&w));
	cr_expect_str_eq(names_text(w.names, named(&w)->op), "UPDATE accounts");
	cr_expect_str_eq(names_text(w.names, named(&w)->src), "payment");
	world_done(&w);
}
