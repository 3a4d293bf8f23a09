#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/core/sampling.h"
#include "weir/core/skew.h"

#define T0 (INT64_C(1790000000) * SEC_US)

/* ------------------------------------------------------------ what came out */

struct out {
	unsigned flows, gauges;
	char src[64], dst[64], gauge[64];
	struct flow flow; /* the last; its text is gone */
	double value;
};

static void
set(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static void
take(void *ctx, const struct event *e)
{
	struct out *o = ctx;

	if (e->type == EVENT_GAUGE) {
		o->gauges++;
		o->value = e->u.gauge.value;
		set(o->gauge, sizeof(o->gauge), e->u.gauge.name);
	} else if (e->type == EVENT_FLOW) {
		o->flows++;
		o->flow = e->u.flow;
		set(o->src, sizeof(o->src), e->u.flow.src);
		set(o->dst, sizeof(o->dst), e->u.flow.dst);
	}
}

static struct span
span(enum span_kind kind, const char *service, uint8_t id, uint8_t parent,
	int64_t start_us, int64_t us)
{
	struct span s = { .kind = kind,
		.service = str_of(service),
		.start_us = start_us,
		.end_us = start_us + us,
		.duration_us = us };

	s.ids.trace[15] = 1;
	s.ids.span[7] = id;
	s.ids.parent[7] = parent;
	return s;
}

/* ------------------------------------------------------------ names */

Test(peer, the_order_of_names_can_be_chosen)
{
	static const struct {
		const char *list, *name;
	} rows[] = {
		{ NULL, "svc" },
		{ "server.address", "host" },
		{ "net.peer.name", "host" }, /* an older spelling of it */
		{ "messaging.system,server.address", "host" },
		{ "db.system", "svc" }, /* not there: as usual */
		{ "remote,peer.service", "far" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span s = span(SPAN_CLIENT, "a", 1, 0, T0, 1000);
		struct pair_options o = { 0 };
		struct out out = { 0 };
		struct pair *p;

		if (rows[i].list)
			cr_assert_eq(
				peer_order_from(rows[i].list, &o.names, NULL), STATUS_OK);
		s.remote = STR("far");
		span_attrs_set(&s.attrs, STR("peer.service"), STR("svc"));
		span_attrs_set(&s.attrs, STR("server.address"), STR("host"));
		p = pair_new(&o, take, &out);
		pair_add(p, &s, T0);
		pair_flush(p);
		cr_expect_str_eq(out.dst, rows[i].name, "%s: %s",
			rows[i].list ? rows[i].list : "", out.dst);
		pair_free(p);
	}
}

Test(peer, a_word_that_names_nothing_is_refused)
{
	struct peer_order o;
	struct diag d = { 0 };

	cr_expect_eq(peer_order_from("remote,http.method", &o, &d), STATUS_ERR_USAGE);
	cr_expect(strstr(d.text, "'http.method'"), "%s", d.text);
	cr_expect_eq(peer_order_from("nonsense", &o, &d), STATUS_ERR_USAGE);
}

/* ------------------------------------------------------------ ids of half the length */

Test(pair, traces_of_64_and_128_bits_are_one)
{
	static const struct pair_options none = { 0 };
	struct span c = span(SPAN_CLIENT, "a", 1, 0, T0, 1000);
	struct span s = span(SPAN_SERVER, "b", 1, 0, T0 + 100, 500);
	struct out out = { 0 };
	struct pair *p = pair_new(&none, take, &out);

	s.shared = true;
	s.ids.trace[0] = 7;
	pair_add(p, &c, T0);
	pair_add(p, &s, T0);
	cr_expect_eq(out.flows, 1);
	cr_expect_eq(out.flow.ids.trace[0], 7, "the longer id is kept");
	pair_free(p);
}

Test(pair, a_shared_id_need_not_be_told)
{
	for (int order = 0; order < 2; order++) {
		static const struct pair_options none = { 0 };
		struct span c = span(SPAN_CLIENT, "a", 2, 1, T0, 1000);
		struct span s = span(SPAN_SERVER, "b", 2, 1, T0 + 100, 500);
		struct out out = { 0 };
		struct pair *p = pair_new(&none, take, &out);

		s.may_share = true;
		pair_add(p, order ? &c : &s, T0);
		pair_add(p, order ? &s : &c, T0);
		pair_flush(p);
		cr_expect_eq(out.flows, 1);
		cr_expect_str_eq(out.dst, "b");
		pair_free(p);
	}
}

/* ------------------------------------------------------------ sampling */

Test(sampling, a_tracestate_tells_how_many_were_not_kept)
{
	static const struct {
		const char *state;
		double probability;
	} rows[] = {
		{ "", 0 },
		{ "ot=th:0", 1 },
		{ "ot=th:8", 0.5 },
		{ "ot=th:c", 0.25 },
		{ "congo=t61rcWkgMzE,ot=rv:0123456789abcd;th:fd70a3d70a3d71, rojo=1",
			0.01 },
		{ "vendor=ot,ot=rv:1;th:e", 0.125 },
		{ "ot=th:", 0 },
		{ "ot=th:xyz", 0 },
		{ "ot=th:0123456789abcdef", 0 },
		{ "notot=th:8", 0 },
		{ "ot=p:8", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double p = sampling_from_tracestate(str_of(rows[i].state));

		cr_expect_float_eq(
			p, rows[i].probability, 1e-9, "%s: %g", rows[i].state, p);
	}
}

Test(sampling, a_factor_that_is_no_whole_number_is_right_in_the_mean)
{
	static const double probability[] = { 0.7, 1.0 / 3, 0.05, 0.0123 };

	for (size_t i = 0; i < ARRAY_LEN(probability); i++) {
		double sum = 0;

		for (uint32_t k = 0; k < 100000; k++) {
			uint8_t trace[16] = { 0 };

			memcpy(trace + 8, &k, sizeof(k));
			sum += sampling_weight(probability[i], trace);
		}
		cr_expect_float_eq(sum * probability[i] / 100000, 1, 0.01);
	}
}

Test(sampling, what_is_no_probability_weighs_one)
{
	static const double values[] = { 0, 1, 2, -1, 0.0 / 1, 1e-300 };
	const uint8_t trace[16] = { 1 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		uint32_t w = sampling_weight(values[i], trace);

		cr_expect(w == 1 || (values[i] == 1e-300 && w == SAMPLING_MAX_WEIGHT));
	}
}

Test(pair, a_request_weighs_what_its_halves_say)
{
	static const struct pair_options none = { 0 };
	struct span c = span(SPAN_CLIENT, "a", 1, 0, T0, 1000);
	struct span s = span(SPAN_SERVER, "b", 2, 1, T0 + 100, 500);
	struct out out = { 0 };
	struct pair *p = pair_new(&none, take, &out);

	c.weight = 10;
	pair_add(p, &s, T0);
	pair_add(p, &c, T0);
	cr_expect_eq(out.flow.weight, 10);
	pair_free(p);
}

/* ------------------------------------------------------------ clocks */

Test(pair, clocks_that_differ_are_told_and_those_that_may_agree_are_not)
{
	static const struct {
		int64_t ahead_us;
		double low, high;
	} rows[] = {
		{ 0, 0, 0 },
		{ 200, 0, 0 }, /* within the request */
		{ 30 * SEC_US, 30e6 - 1000, 30e6 + 1000 },
		{ -3 * SEC_US, -3e6 - 1000, -3e6 + 1000 },
		{ 50 * MSEC_US, 49e3, 51e3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct pair_options none = { 0 };
		struct out out = { 0 };
		struct pair *p = pair_new(&none, take, &out);

		for (uint8_t k = 0; k < 20; k++) {
			int64_t at = T0 + k * 10 * MSEC_US;
			struct span c = span(SPAN_CLIENT, "a", (uint8_t)(2 * k + 1), 0,
				at, 1000 + 300 * k);
			struct span s = span(SPAN_SERVER, "b", (uint8_t)(2 * k + 2),
				(uint8_t)(2 * k + 1),
				at + 100 + 10 * k + rows[i].ahead_us, 500);

			pair_add(p, &c, T0);
			pair_add(p, &s, T0);
		}
		pair_tick(p, T0 + SKEW_PERIOD_US);
		cr_expect_eq(out.gauges, 1);
		cr_expect_str_eq(out.gauge, PAIR_SKEW_GAUGE "{a}");
		cr_expect(out.value >= rows[i].low && out.value <= rows[i].high,
			"%ld: %g", (long)rows[i].ahead_us, out.value);
		pair_free(p);
	}
}

static void
tell(void *ctx, struct str caller, struct str callee, int64_t us)
{
	(void)caller;
	(void)callee;
	(void)us;
	++*(unsigned *)ctx;
}

Test(skew, pairs_of_services_are_bounded_and_forgotten)
{
	const struct skew_times t = { T0, T0 + 1000 };
	struct skew *s = skew_new(64);
	unsigned told = 0;
	char name[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		skew_add(s, str_of(name), STR("b"), &t, &t);
	}
	skew_tick(s, T0, tell, &told);
	cr_expect_eq(told, 0);
	skew_tick(s, T0 + SKEW_PERIOD_US, tell, &told);
	cr_expect_eq(told, 64);
	for (int64_t i = 2; i < 100; i++)
		skew_tick(s, T0 + i * SKEW_PERIOD_US, tell, &told);
	cr_expect_eq(told, 64);
	skew_add(s, STR("new"), STR("b"), &t, &t);
	skew_flush(s, tell, &told);
	cr_expect_eq(told, 65);
	skew_free(s);
}
