#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/anomaly.h"
#include "weir/core/blame.h"

/* ---------------------------------------------------------------- recent */

Test(recent, a_bucket_is_at_most_six_percent_wide_and_holds_its_latency)
{
	for (int64_t us = 1; us < 1000000000; us += 1 + us / 7) {
		double middle = recent_value(recent_bucket(us));

		cr_expect(fabs(middle / (double)us - 1) <= .0625, "%ld: %g", (long)us,
			middle);
	}
	cr_expect_eq(recent_bucket(0), recent_bucket(1));
	cr_expect_eq(recent_bucket(INT64_MAX), RECENT_BUCKETS - 1);
}

Test(recent, requests_in_any_order_are_read_back_by_their_second)
{
	struct recent r = { 0 };
	struct recent_sum sum;
	static const uint32_t order[] = { 103, 101, 105, 100, 104, 102, 105, 103, 101 };

	for (unsigned round = 0; round < 50; round++)
		for (size_t i = 0; i < ARRAY_LEN(order); i++)
			for (unsigned call = 0; call < 2; call++)
				recent_add(&r, order[i],
					recent_key(100 * order[i], call && round % 2), 1);
	recent_sum_init(&sum);
	recent_read(&r, 101, 104, &sum);
	/* Seconds 102, 103 (twice) and 104. */
	cr_expect_eq(sum.calls, 4 * 50 * 2);
	cr_expect_eq(sum.failed, 4 * 25);
	cr_expect_float_eq(recent_sum_mean(&sum), 10300, 200);
	cr_expect_float_eq(recent_sum_quantile(&sum, .5), 10300, 600);
	recent_sum_clear(&sum);
	recent_read(&r, 105, 200, &sum);
	cr_expect_eq(sum.calls, 0);
	recent_done(&r);
}

Test(recent, a_log_of_anything_stays_within_its_bound)
{
	struct recent r = { 0 };
	struct recent_sum sum;
	uint64_t x = 1;

	recent_sum_init(&sum);
	for (uint32_t sec = 1000; sec < 1100; sec++)
		for (unsigned i = 0; i < 3000; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			recent_add(&r, sec - (uint32_t)(x >> 60),
				recent_key((int64_t)(x >> 34), false),
				(uint32_t)(x >> 20) % 3 + 1);
		}
	cr_expect_leq(recent_bytes(&r), RECENT_MAX_CELLS * sizeof(*r.cell));
	recent_read(&r, 1089, 1099, &sum);
	cr_expect(sum.calls > 10000, "%g calls", sum.calls);
	recent_done(&r);
}

/* ---------------------------------------------------------------- baseline */

static void
learn(struct baseline *b, unsigned requests, int64_t us, double spread, uint64_t seed)
{
	struct recent_sum sum;
	struct recent r = { 0 };

	for (unsigned i = 0; i < requests; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		recent_add(&r, 10,
			recent_key((int64_t)((double)us *
					     exp(spread *
						     ((double)(seed >> 40) / 16777216.0 -
							     .5))),
				false),
			1);
	}
	recent_sum_init(&sum);
	recent_read(&r, 9, 10, &sum);
	baseline_learn(b, &sum, 10, 1);
	recent_done(&r);
}

Test(baseline, the_fewer_requests_it_rests_on_the_more_it_forgives)
{
	struct baseline young, old;

	baseline_init(&young);
	baseline_init(&old);
	learn(&young, 20, 5000, 1, 7);
	for (unsigned i = 0; i < 60; i++)
		learn(&old, 20, 5000, 1, i + 1);
	cr_expect(baseline_warm(&young) && baseline_warm(&old));
	cr_expect(young.high[LEVEL_P95] > .1f, "%g", (double)young.high[LEVEL_P95]);
	cr_expect(old.high[LEVEL_P95] < .08f, "%g", (double)old.high[LEVEL_P95]);
	cr_expect_float_eq(old.p50_us, 5000, 400);
	baseline_done(&young);
	baseline_done(&old);
}

Test(baseline, it_follows_a_lasting_change_slowly)
{
	struct baseline b;

	baseline_init(&b);
	for (unsigned i = 0; i < 128; i++)
		learn(&b, 50, 5000, .5, i + 1);
	for (unsigned i = 0; i < 20; i++)
		learn(&b, 50, 50000, .5, i + 1);
	cr_expect(b.p50_us < 7000, "after 20 spans: %g", (double)b.p50_us);
	for (unsigned i = 0; i < 150; i++)
		learn(&b, 50, 50000, .5, i + 1);
	cr_expect(b.p50_us > 40000, "after 170 spans: %g", (double)b.p50_us);
	baseline_done(&b);
}

Test(baseline, it_reads_back_what_it_wrote_and_refuses_what_is_damaged)
{
	struct baseline b, c;
	struct buf bytes = BUF_INIT;
	struct str in;

	baseline_init(&b);
	baseline_init(&c);
	for (unsigned i = 0; i < 30; i++)
		learn(&b, 40, 5000, 2, i + 1);
	baseline_age(&b, 30); /* which settles it */
	baseline_write(&b, &bytes);
	in = buf_str(&bytes);
	cr_assert_eq(baseline_read(&c, &in), STATUS_OK);
	cr_expect_eq(in.n, 0);
	cr_expect_float_eq(c.p50_us, b.p50_us, 1);
	cr_expect_float_eq(c.p99_us, b.p99_us, 1);
	cr_expect_float_eq(c.requests, b.requests, .1f);
	cr_expect_float_eq(c.high[LEVEL_P95], b.high[LEVEL_P95], 1e-4);
	for (size_t cut = 0; cut < bytes.n; cut += 3) {
		in = (struct str){ bytes.p, cut };
		cr_expect_neq(baseline_read(&c, &in), STATUS_OK);
	}
	memset(bytes.p, 0xff, 8);
	in = buf_str(&bytes);
	cr_expect_neq(baseline_read(&c, &in), STATUS_OK, "not a number");
	baseline_done(&b);
	baseline_done(&c);
	buf_done(&bytes);
}

/* ---------------------------------------------------------------- anomaly */

Test(anomaly, the_binomial_test_reads_as_standard_deviations)
{
	/* By the exact tail of the binomial distribution, as normal quantiles. */
	static const struct {
		double k, n, p, z;
	} rows[] = {
		{ 5, 100, .05, 0 },
		{ 12, 100, .05, 2.63 },
		{ 20, 100, .05, 5.12 },
		{ 8, 8, .05, 6.25 },
		{ 300, 1000, .25, 3.58 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_float_eq(anomaly_binomial(rows[i].k, rows[i].n, rows[i].p, 0),
			rows[i].z, .25, "%g of %g against %g: %g", rows[i].k, rows[i].n,
			rows[i].p, anomaly_binomial(rows[i].k, rows[i].n, rows[i].p, 0));
	cr_expect_lt(anomaly_binomial(300, 1000, .25, .01),
		anomaly_binomial(300, 1000, .25, 0) / 3);
}

Test(anomaly, a_moment_does_not_last)
{
	struct recent_spread burst = { 0 }, steady = { 0 };

	for (unsigned s = 0; s < 10; s++) {
		burst.calls[s] = steady.calls[s] = 10;
		steady.odd[s] = 4;
	}
	burst.odd[4] = burst.odd[5] = 10;
	cr_expect_lt(anomaly_lasting(&burst, .05, 0), .1);
	cr_expect_gt(anomaly_lasting(&steady, .05, 0), 4);
}

Test(alarm, it_opens_at_once_or_after_a_window_and_closes_after_a_calm_one)
{
	const struct anomaly_limits *l = &anomaly_limits_default;
	struct alarm a = { 0 };
	uint32_t sec = 100;

	cr_expect_eq(alarm_step(&a, l, sec++, 10, 7, 6, true), ALARM_SAME);
	cr_expect_eq(alarm_step(&a, l, sec++, 10, 7, 6, true), ALARM_OPENED);
	for (unsigned i = 0; i < 31; i++)
		cr_expect_eq(alarm_step(&a, l, sec++, 10, i % 2 ? 1 : 2.5, 6, true),
			ALARM_SAME, "it holds while evidence comes and goes");
	for (unsigned i = 0; i < 9; i++)
		cr_expect_eq(alarm_step(&a, l, sec++, 10, 1, 6, true), ALARM_SAME);
	cr_expect_eq(alarm_step(&a, l, sec++, 10, 1, 6, true), ALARM_CLOSED);

	for (unsigned i = 0; i < 9; i++)
		cr_expect_eq(alarm_step(&a, l, sec++, 10, 5, 6, true), ALARM_SAME);
	cr_expect_eq(alarm_step(&a, l, sec++, 10, 3, 6, true), ALARM_SAME);
	for (unsigned i = 0; i < 9; i++)
		cr_expect_eq(alarm_step(&a, l, sec++, 10, 5, 6, true), ALARM_SAME);
	cr_expect_eq(alarm_step(&a, l, sec++, 10, 5, 6, true), ALARM_OPENED);
}

/* ---------------------------------------------------------------- blame */

#define CALLS .calls = 100, .z = 8, .own = -1, .work = -1
#define SAME(s, d)                                    \
	{                                             \
		.src = s, .dst = d, .claim = 0, CALLS \
	}
#define WORSE(s, d, x)                                                           \
	{                                                                        \
		.src = s, .dst = d, .claim = x, .raw = x, .alarmed = true, CALLS \
	}

static void
expect_blame(const char *what, const struct blame_edge *edge, uint32_t edges,
	uint32_t nodes, uint32_t cause, double share)
{
	struct blame *b = blame_new();
	struct blame_graph g = { edge, edges, nodes, true };
	uint32_t top = 0;

	blame_run(b, &g);
	for (uint32_t v = 1; v < nodes; v++)
		if (blame_node(b, v) > blame_node(b, top))
			top = v;
	cr_expect_eq(top, cause, "%s: %u", what, top);
	cr_expect(blame_reached(b, cause), "%s", what);
	cr_expect_float_eq(blame_node(b, cause) / blame_total(b), share, .01, "%s: %g",
		what, blame_node(b, cause) / blame_total(b));
	blame_free(b);
}

Test(blame, it_goes_down_to_the_hop_that_nothing_behind_it_explains)
{
	enum {
		USER,
		WEB,
		A,
		B,
		DB,
		N
	};
	const struct blame_edge chain[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 10),
		WORSE(A, DB, 9.5), SAME(WEB, B), SAME(B, DB) };
	const struct blame_edge self[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 10),
		SAME(A, DB) };
	const struct blame_edge two[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 6),
		WORSE(WEB, B, 4) };
	const struct blame_edge cycle[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 10),
		WORSE(A, B, 10), WORSE(B, A, 3), WORSE(B, DB, 10) };

	expect_blame("a chain", chain, ARRAY_LEN(chain), N, DB, .95);
	expect_blame("a service by itself", self, ARRAY_LEN(self), N, A, 1);
	expect_blame("two causes", two, ARRAY_LEN(two), N, A, .6);
	expect_blame("a cycle", cycle, ARRAY_LEN(cycle), N, DB, 1);
}

Test(blame, what_the_ends_of_an_edge_say_decides_where_time_was_lost)
{
	enum {
		USER,
		WEB,
		A,
		B,
		C,
		N
	};
	const struct blame_edge link[] = { WORSE(USER, WEB, 10),
		{ .src = WEB, .dst = A, .claim = 10, .alarmed = true, .link = 1, CALLS },
		WORSE(A, B, 0.1) };
	const struct blame_edge pool[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 10),
		{ .src = A, .dst = B, .claim = 5, .alarmed = true, .link = 1, CALLS },
		{ .src = A, .dst = C, .claim = 5, .alarmed = true, .link = 1, CALLS } };
	const struct blame_edge witness[] = { WORSE(USER, WEB, 10), WORSE(WEB, A, 10),
		WORSE(A, B, 5), WORSE(A, C, 5), SAME(WEB, B), SAME(WEB, C) };

	expect_blame("a slow link is its callee's", link, ARRAY_LEN(link), N, A, 1);
	expect_blame("all links of one caller are the caller's", pool, ARRAY_LEN(pool), N,
		A, 1);
	expect_blame("healthy to others", witness, ARRAY_LEN(witness), N, A, 1);
}

Test(blame, nobody_waits_for_a_consumer)
{
	enum {
		USER,
		WEB,
		QUEUE,
		MAILER,
		SMTP,
		N
	};
	const struct blame_edge consumer[] = { SAME(USER, WEB), SAME(WEB, QUEUE),
		{ .src = QUEUE,
			.dst = MAILER,
			.claim = 8,
			.async = true,
			.alarmed = true,
			CALLS },
		SAME(MAILER, SMTP) };
	const struct blame_edge behind[] = { SAME(USER, WEB), SAME(WEB, QUEUE),
		{ .src = QUEUE,
			.dst = MAILER,
			.claim = 8,
			.async = true,
			.alarmed = true,
			CALLS },
		WORSE(MAILER, SMTP, 5) };

	expect_blame("the consumer", consumer, ARRAY_LEN(consumer), N, MAILER, 1);
	expect_blame("what it calls", behind, ARRAY_LEN(behind), N, SMTP, 1);
}

Test(blame, a_quiet_link_between_loud_ones_is_believed)
{
	enum {
		USER,
		WEB,
		A,
		DB,
		N
	};
	/* web -> a looks late by 9, but by so few requests that it claims only 1. */
	const struct blame_edge chain[] = { WORSE(USER, WEB, 10),
		{ .src = WEB, .dst = A, .claim = 1, .raw = 9, CALLS }, WORSE(A, DB, 9) };

	expect_blame("believed", chain, ARRAY_LEN(chain), N, DB, .9);
}

Test(blame, each_user_facing_edge_learns_its_own_share)
{
	enum {
		USER,
		CRON,
		WEB,
		JOB,
		DB,
		N
	};
	const struct blame_edge g[] = { WORSE(USER, WEB, 10), WORSE(WEB, DB, 9),
		WORSE(CRON, JOB, 4), WORSE(JOB, DB, 1) };
	struct blame_graph graph = { g, ARRAY_LEN(g), N, true };
	struct blame *b = blame_new();

	blame_run(b, &graph);
	cr_assert_eq(blame_entries(b), 2);
	cr_expect_eq(blame_entry(b, 0).edge, 0);
	cr_expect_float_eq(blame_share(b, 0, DB), .9, .001);
	cr_expect_float_eq(blame_share(b, 1, DB), .25, .001);
	cr_expect_float_eq(blame_share(b, 1, JOB), .75, .001);
	blame_free(b);
}

Test(blame, a_thousand_random_graphs_are_settled_without_losing_blame)
{
	uint64_t x = 42;

	for (unsigned round = 0; round < 1000; round++) {
		struct blame_edge edge[60];
		uint32_t nodes = 2 + round % 20, edges = 1 + round % 60;
		struct blame_graph g = { edge, edges, nodes, round % 2 };
		struct blame *b = blame_new();
		double sum = 0;

		for (uint32_t i = 0; i < edges; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			edge[i] = (struct blame_edge){ .src = (uint32_t)(x >> 33) % nodes,
				.dst = (uint32_t)(x >> 43) % nodes,
				.claim = (x >> 20 & 3) ? (double)(x >> 50 & 255) : 0,
				.own = x >> 21 & 1 ? -1 : (double)(x >> 22 & 63),
				.work = -1,
				.link = (double)(x >> 24 & 3) / 4,
				.async = (x >> 26 & 7) == 0,
				.fresh = (x >> 29 & 7) == 0,
				.alarmed = x >> 32 & 1,
				.calls = 100,
				.z = 5 };
		}
		blame_run(b, &g);
		for (uint32_t v = 0; v < nodes; v++) {
			cr_expect(blame_node(b, v) >= -1e-9);
			sum += blame_node(b, v);
		}
		cr_expect_float_eq(sum, blame_total(b), 1e-6 * (1 + sum),
			"round %u: %g of %g", round, sum, blame_total(b));
		blame_free(b);
	}
}
