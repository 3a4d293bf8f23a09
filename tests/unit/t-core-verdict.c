#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "verdict-world.h"
#include "weir/base/util.h"

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

Test(verdict, where_columns_are_few_whole_clauses_are_left_out)
{
	static const char *const evidence[] = { "3 log lines \"waiting for a lock\"",
		"pool 12, at most 1 before" };
	static const struct {
		int width;
		const char *said;
	} rows[] = {
		{ 500, "pay -> db UPDATE accounts: p99 76 ms, 61x its baseline (n=40); "
		       "explains 95 % of user -> shop; since 22:15:20; 3 log lines "
		       "\"waiting for a lock\"; pool 12, at most 1 before" },
		{ 120, "pay -> db UPDATE accounts: p99 76 ms, 61x its baseline (n=40); "
		       "explains 95 % of user -> shop; since 22:15:20" },
		{ 80, "pay -> db UPDATE accounts: p99 76 ms, 61x its baseline (n=40); "
		      "since "
		      "22:15:20" },
		{ 57, "pay -> db UPDATE accounts: p99 76 ms, 61x its baseline" },
		{ 38, "pay -> db UPDATE accounts: p99 76 ms" },
		{ 30, "pay -> db: p99 76 ms (n=40)" },
		{ 20, "pay -> db: p99 76 ms" },
		{ 17, "pay …b: p99 76 ms" },
	};
	const struct sentence_style style = {
		.ascii = true, .evidence = evidence, .evidences = ARRAY_LEN(evidence)
	};
	struct sentence s;
	struct world w;

	world_init(&w);
	shop(&w, 120, 1000);
	shop(&w, 20, 60000);
	sentence_write(&s, named(&w), &w.o, &style);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf fits = BUF_INIT;

		sentence_fit(&s, rows[i].width, &fits);
		cr_expect_str_eq(buf_cstr(&fits), rows[i].said, "%d: %s", rows[i].width,
			buf_cstr(&fits));
		buf_done(&fits);
	}
	world_done(&w);
}

Test(verdict, a_sentence_never_grows_beyond_its_room)
{
	char name[4 * SENTENCE_NAME];
	struct sentence s;
	struct world w;
	struct verdict_cause c;
	struct sentence_style style = { 0 };

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	world_init(&w);
	c = (struct verdict_cause){ .kind = ANOMALY_LATENCY,
		.node = id(&w, name),
		.src = id(&w, name),
		.dst = id(&w, name),
		.op = id(&w, name),
		.only_src = id(&w, name),
		.more_dst = id(&w, name),
		.new_dst = id(&w, name),
		.explained = 1,
		.explains = { { id(&w, name), id(&w, name), .5 } } };
	sentence_write(&s, &c, &w.o, &style);
	cr_expect_lt(strlen(s.text), sizeof(s.text));
	cr_expect_eq(strlen(s.text), s.n);
	cr_expect_eq(s.clause[s.clauses - 1].end, s.n);
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

Test(verdict, it_can_be_asked_why_and_why_not)
{
	struct world w;
	struct verdict_why cause, victim;

	world_init(&w);
	shop(&w, 120, 1000);
	cr_assert(verdict_explain(w.v, id(&w, "pay"), id(&w, "db"), KIND_GRPC, &cause));
	cr_expect_eq(cause.channel, ANOMALY_COUNT, "nothing is claimed");
	cr_expect_eq(cause.total, 0);
	shop(&w, 20, 60000);
	cr_assert(verdict_explain(w.v, id(&w, "pay"), id(&w, "db"), KIND_GRPC, &cause));
	cr_assert(
		verdict_explain(w.v, id(&w, "user"), id(&w, "shop"), KIND_GRPC, &victim));
	cr_expect_not(
		verdict_explain(w.v, id(&w, "db"), id(&w, "x"), KIND_GRPC, &victim));
	cr_assert(
		verdict_explain(w.v, id(&w, "user"), id(&w, "shop"), KIND_GRPC, &victim));
	cr_expect_eq(cause.channel, ANOMALY_LATENCY);
	cr_expect_gt(cause.claim, .1);
	cr_expect_gt(cause.stays, .9 * cause.total, "it is the end of the line");
	cr_expect_eq(cause.behinds, 0);
	cr_expect_geq(cause.since_us[ANOMALY_LATENCY], (T0 + 120) * SEC_US);
	cr_expect_eq(cause.since_us[ANOMALY_ERRORS], FLOW_UNKNOWN);
	cr_expect_float_eq(cause.numbers.z_open, cause.limits.z_open, 1e-9);
	cr_expect_lt(victim.stays, .1 * victim.total, "what arrives is handed on");
	cr_assert_eq(victim.behinds, 1);
	cr_expect_eq(victim.behind[0].dst, id(&w, "pay"));
	cr_expect_gt(victim.behind[0].flow, .8 * victim.flow);
	shop(&w, 60, 1000);
	cr_assert(verdict_explain(w.v, id(&w, "pay"), id(&w, "db"), KIND_GRPC, &cause));
	cr_expect_eq(cause.channel, ANOMALY_COUNT, "and when it is over nothing again");
	world_done(&w);
}

Test(verdict, the_timeline_tells_what_opened_what_was_named_and_when_it_was_over)
{
	static const struct sentence_style style = { .ascii = true };
	struct verdict_event e[VERDICT_MAX_EVENTS];
	struct world w;
	struct buf b = BUF_INIT;
	struct sentence is;
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
		sentence_event(&is, &e[i], &w.o, &style);
		buf_addf(&b, "%s\n", is.text);
	}
	cr_expect_str_eq(buf_cstr(&b),
		"pay -> db: latency begins, p99 68 ms, 54x its baseline (n=120)\n"
		"pay -> db UPDATE accounts: is the cause, p99 72 ms, 57x its baseline "
		"(n=40)\n"
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

static struct tolerance
generous(void *ctx, uint32_t src, uint32_t dst)
{
	(void)ctx, (void)src, (void)dst;
	return (struct tolerance){ .p99_us = 100000, .error_ratio = .3 };
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
		give(&w, o);
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
			give(&w, out);
			give(&w, in);
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
			give(&w, o);
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
				give(&w, o);
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
				give(&w, o);
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
