#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "verdict-world.h"
#include "weir/base/util.h"
#include "weir/core/hist.h"

/* ---------------------------------------------------------------- how data comes */

Test(verdict, a_request_that_stands_for_ten_is_ten_calls_and_one_witness)
{
	struct world a, b;

	world_init(&a);
	world_init(&b);
	for (unsigned s = 0; s < 140; s++) {
		for (unsigned i = 0; i < 3; i++) {
			struct verdict_obs o =
				request(&a, "user", "shop", NULL, s < 120 ? 3000 : 90000);

			give(&a, o);
			o.calls = 10;
			o.src = id(&b, "user");
			o.dst = id(&b, "shop");
			give(&b, o);
		}
		tick(&a);
		tick(&b);
	}
	expect_cause(&b, "shop", ANOMALY_LATENCY);
	cr_expect_float_eq(10 * named(&a)->numbers.calls, named(&b)->numbers.calls, 1e-9);
	cr_expect_float_eq(10 * named(&a)->numbers.rate, named(&b)->numbers.rate, 1e-9);
	cr_expect_float_eq(
		named(&a)->numbers.z_latency, named(&b)->numbers.z_latency, 1e-9);
	cr_expect_float_eq(10 * named(&a)->score, named(&b)->score, 1e-9);
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
		const uint32_t calm[] = { 3, 10, 6, 1, 0, 0 },
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
			VERDICT_NONE, NULL, (w.sec + 1) * SEC_US);
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

Test(verdict, latencies_added_up_by_their_buckets_are_learnt_as_they_were)
{
	const uint16_t bucket[] = { (uint16_t)hist_index(1000),
		(uint16_t)hist_index(90000) };
	static const uint32_t count[] = { 18, 2 };
	struct verdict_edge one, sum;
	struct world a, b;

	world_init(&a);
	world_init(&b);
	for (unsigned s = 0; s < 140; s++) {
		struct verdict_obs o = request(&a, "user", "shop", NULL, 1000);
		struct delta d = { .kind = KIND_GRPC,
			.end_us = (b.sec + 1) * SEC_US - 1,
			.calls = 20,
			.bytes_in = FLOW_UNKNOWN,
			.bytes_out = FLOW_UNKNOWN,
			.latency = { .bucket = bucket, .count = count, .n = 2 } };

		o.end_us = d.end_us;
		o.latency_us = 1000;
		o.calls = 18;
		give(&a, o);
		o.latency_us = 90000;
		o.calls = 2;
		give(&a, o);
		verdict_observe_delta(b.v, &d, id(&b, "user"), id(&b, "shop"),
			VERDICT_NONE, NULL, (b.sec + 1) * SEC_US);
		tick(&a);
		tick(&b);
	}
	cr_assert(
		verdict_edge_read(a.v, id(&a, "user"), id(&a, "shop"), KIND_GRPC, &one));
	cr_assert(
		verdict_edge_read(b.v, id(&b, "user"), id(&b, "shop"), KIND_GRPC, &sum));
	cr_assert(sum.learnt);
	cr_expect_eq(sum.usual_p50_us, one.usual_p50_us);
	cr_expect_eq(sum.usual_p99_us, one.usual_p99_us, "%lld, not %lld",
		(long long)sum.usual_p99_us, (long long)one.usual_p99_us);
	world_done(&a);
	world_done(&b);
}

/* More operations than are watched, late ones among them. */
static struct verdict_obs
mixed(struct world *w, unsigned i, const char *op)
{
	struct verdict_obs o = request(w, "user", "shop", op, 1000 + 100 * i);

	o.end_us -= i % 7 * SEC_US;
	o.server_us = i % 2 ? o.latency_us / 2 : FLOW_UNKNOWN;
	o.failed = i % 60 == 0;
	return o;
}

Test(verdict, what_is_found_once_a_second_is_what_would_be_found_each_time)
{
	struct verdict_numbers each, once;
	struct verdict_edge one, two;
	struct world a, b;

	world_init(&a);
	world_init(&b);
	for (unsigned s = 0; s < 140; s++) {
		uint32_t known[40] = { 0 };

		for (unsigned i = 0; i < 120; i++) {
			char op[16];
			struct verdict_obs o;

			snprintf(op, sizeof(op), "op %u", i % 40);
			o = mixed(&a, i, op);
			verdict_observe(a.v, &o, (a.sec + 1) * SEC_US - 1);
			o.src = id(&b, "user");
			o.dst = id(&b, "shop");
			o.op = id(&b, op);
			o.known = &known[i % 40];
			verdict_observe(b.v, &o, (b.sec + 1) * SEC_US - 1);
		}
		tick(&a);
		tick(&b);
	}
	cr_assert(verdict_edge_numbers(
		a.v, id(&a, "user"), id(&a, "shop"), KIND_GRPC, &each));
	cr_assert(verdict_edge_numbers(
		b.v, id(&b, "user"), id(&b, "shop"), KIND_GRPC, &once));
	cr_expect(each.calls > 0);
	cr_expect_eq(once.calls, each.calls);
	cr_expect_eq(once.error_ratio, each.error_ratio);
	cr_expect_eq(once.p99_us, each.p99_us);
	verdict_edge_read(a.v, id(&a, "user"), id(&a, "shop"), KIND_GRPC, &one);
	verdict_edge_read(b.v, id(&b, "user"), id(&b, "shop"), KIND_GRPC, &two);
	cr_expect(one.learnt && two.learnt);
	cr_expect_eq(two.usual_p99_us, one.usual_p99_us);
	world_done(&a);
	world_done(&b);
}

Test(verdict, it_does_not_matter_in_which_order_the_requests_of_a_second_come)
{
	struct verdict_numbers n[2];
	struct world w[2];

	for (unsigned k = 0; k < 2; k++) {
		world_init(&w[k]);
		give(&w[k], request(&w[k], "user", "shop", NULL, 1000));
	}
	for (unsigned s = 0; s < 120; s++) {
		struct verdict_obs o[60];

		for (unsigned i = 0; i < ARRAY_LEN(o); i++)
			o[i] = mixed(&w[0], i, i % 3 ? "read" : "write");
		for (unsigned i = 0; i < ARRAY_LEN(o); i++) {
			struct verdict_obs last = o[ARRAY_LEN(o) - 1 - i];

			last.src = id(&w[1], "user");
			last.dst = id(&w[1], "shop");
			last.op = id(&w[1], names_text(w[0].names, last.op));
			verdict_observe(w[0].v, &o[i], (w[0].sec + 1) * SEC_US - 1);
			verdict_observe(w[1].v, &last, (w[1].sec + 1) * SEC_US - 1);
		}
		for (unsigned k = 0; k < 2; k++)
			tick(&w[k]);
	}
	for (unsigned k = 0; k < 2; k++)
		cr_assert(verdict_edge_numbers(
			w[k].v, id(&w[k], "user"), id(&w[k], "shop"), KIND_GRPC, &n[k]));
	cr_expect(n[0].calls > 0);
	cr_expect_eq(n[1].calls, n[0].calls);
	cr_expect_eq(n[1].p99_us, n[0].p99_us);
	cr_expect_eq(n[1].usual_p99_us, n[0].usual_p99_us);
	cr_expect_eq(n[1].z_errors, n[0].z_errors);
	cr_expect_eq(n[1].z_latency, n[0].z_latency);
	for (unsigned k = 0; k < 2; k++)
		world_done(&w[k]);
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
			give(&w, o);
			o.origin = ORIGIN_ACCESSLOG;
			o.latency_us *= 2;
			give(&w, o);
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
			give(&w, o);
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
	cr_expect_str_eq(said(&w, true),
		"pay -> db UPDATE accounts: p95 1.9 s, judged by the limit of 1.0 s, no "
		"baseline yet (n=40); 95 % of user -> shop's time is spent here; since "
		"22:13:13");
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
		give(&w, o);
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
