#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "src/input/rates.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/otlp.h"

#define T0 (INT64_C(1790000000) * SEC_US)

Test(rates, a_step_is_what_happened_between_two_looks)
{
	static const struct {
		const char *what;
		struct rates_look look;
		bool tells;
		struct rates_step step;
	} rows[] = {
		{ "first sight", { 1, T0, T0 + 10 * SEC_US, false, 100, 50 }, false,
			{ 0, 0, 0 } },
		{ "a look later", { 1, T0, T0 + 20 * SEC_US, false, 130, 56 }, true,
			{ 30, 6, 10 } },
		{ "the same again", { 1, T0, T0 + 20 * SEC_US, false, 130, 56 }, false,
			{ 0, 0, 0 } },
		{ "nothing happened", { 1, T0, T0 + 30 * SEC_US, false, 130, 56 }, true,
			{ 0, 0, 10 } },
		{ "begun anew", { 1, T0 + 35 * SEC_US, T0 + 40 * SEC_US, false, 5, 1 },
			true, { 5, 1, 5 } },
		{ "fell without a word",
			{ 1, T0 + 35 * SEC_US, T0 + 50 * SEC_US, false, 2, 0.5 }, true,
			{ 2, 0.5, 10 } },
		{ "another series", { 2, T0, T0 + 50 * SEC_US, false, 9, 9 }, false,
			{ 0, 0, 0 } },
		{ "of deltas", { 3, T0, T0 + 5 * SEC_US, true, 7, 3 }, true,
			{ 7, 3, 5 } },
		{ "of deltas without a start", { 3, 0, T0 + 5 * SEC_US, true, 7, 3 },
			false, { 0, 0, 0 } },
		{ "no number", { 1, T0, T0 + 60 * SEC_US, false, NAN, 3 }, false,
			{ 0, 0, 0 } },
		{ "less than none", { 1, T0, T0 + 60 * SEC_US, false, -1, 3 }, false,
			{ 0, 0, 0 } },
	};
	struct rates *r = rates_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rates_step s = { 0 };
		bool tells = rates_take(r, &rows[i].look, &s);

		cr_expect_eq(tells, rows[i].tells, "%s", rows[i].what);
		if (!tells)
			continue;
		cr_expect_float_eq(s.count, rows[i].step.count, 1e-9, "%s: %g",
			rows[i].what, s.count);
		cr_expect_float_eq(
			s.sum, rows[i].step.sum, 1e-9, "%s: %g", rows[i].what, s.sum);
		cr_expect_float_eq(s.seconds, rows[i].step.seconds, 1e-9, "%s: %g",
			rows[i].what, s.seconds);
	}
	rates_free(r);
}

Test(rates, a_flood_of_series_makes_the_oldest_give_way)
{
	struct rates *r = rates_new();
	struct rates_step s;

	for (uint64_t i = 1; i < 200000; i++)
		rates_take(r,
			&(struct rates_look){ i * 0x9e3779b97f4a7c15u, T0,
				T0 + (int64_t)i, false, 1, 1 },
			&s);
	cr_expect(rates_take(r,
		&(struct rates_look){
			199999 * 0x9e3779b97f4a7c15u, T0, T0 + 10 * SEC_US, false, 3, 1 },
		&s));
	cr_expect_eq(s.count, 2);
	rates_free(r);
}

/* ------------------------------------------------------------ as OTLP has them */

struct taken {
	unsigned gauges, counters;
	struct otlp_counter last;
	char name[128];
};

static void
no_span(void *ctx, const struct span *s)
{
	(void)ctx;
	(void)s;
}

static void
no_note(void *ctx, const struct note *n)
{
	(void)ctx;
	(void)n;
}

static void
take_gauge(void *ctx, const struct gauge *g)
{
	(void)g;
	((struct taken *)ctx)->gauges++;
}

static void
take_counter(void *ctx, const struct otlp_counter *c)
{
	struct taken *t = ctx;

	t->counters++;
	t->last = *c;
	snprintf(t->name, sizeof(t->name), "%.*s", (int)c->name.n, c->name.p);
}

#define METRIC(body)                                                               \
	"{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service." \
	"name\","                                                                  \
	"\"value\":{\"stringValue\":\"a\"}}]},\"scopeMetrics\":[{\"metrics\":[{"   \
	"\"name\":\"m\",\"unit\":\"s\"," body "}]}]}]}"
#define POINT(more)                                                 \
	"\"dataPoints\":[{\"startTimeUnixNano\":\"1000000000\","    \
	"\"timeUnixNano\":\"2000000000\",\"attributes\":[{\"key\":" \
	"\"k\",\"value\":{\"stringValue\":\"v\"}}]," more "}]"

Test(otlp, histograms_and_sums_of_time_are_counters)
{
	static const struct {
		const char *body;
		unsigned gauges, counters;
		bool delta, histogram;
		double count, sum;
	} rows[] = {
		{ METRIC("\"histogram\":{\"aggregationTemporality\":2," POINT(
			  "\"count\":\"7\",\"sum\":3.5") "}"),
			0, 1, false, true, 7, 3.5 },
		{ METRIC("\"histogram\":{" POINT(
			  "\"count\":7,\"sum\":3.5") ",\"aggregationTemporality\":1}"),
			0, 1, true, true, 7, 3.5 },
		{ METRIC("\"exponentialHistogram\":{\"aggregationTemporality\":"
			 "\"AGGREGATION_TEMPORALITY_DELTA\"," POINT(
				 "\"count\":7,\"sum\":3.5") "}"),
			0, 1, true, true, 7, 3.5 },
		{ METRIC("\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":"
			 "2," POINT("\"asDouble\":12.5") "}"),
			0, 1, false, false, 12.5, 0 },
		{ METRIC("\"sum\":{\"aggregationTemporality\":2," POINT(
			  "\"asInt\":\"12\"") "}"),
			1, 0, false, false, 0, 0 },
		{ METRIC("\"gauge\":{" POINT("\"asInt\":\"12\"") "}"), 1, 0, false, false,
			0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct taken t = { 0 };
		const struct otlp_sink sink = { no_span, no_note, take_gauge, &t,
			take_counter };
		struct buf body = BUF_INIT;
		struct otlp_result r;

		buf_adds(&body, rows[i].body);
		cr_assert_eq(
			otlp_read(OTLP_METRICS, OTLP_JSON, body.p, body.n, &sink, &r),
			STATUS_OK, "%s", rows[i].body);
		cr_expect_eq(t.gauges, rows[i].gauges, "%s", rows[i].body);
		cr_expect_eq(t.counters, rows[i].counters, "%s", rows[i].body);
		if (t.counters > 0) {
			cr_expect_str_eq(t.name, "m{v}");
			cr_expect_eq(t.last.delta, rows[i].delta, "%s", rows[i].body);
			cr_expect_eq(t.last.histogram, rows[i].histogram);
			cr_expect_eq(t.last.count, rows[i].count);
			cr_expect_eq(t.last.sum, rows[i].sum);
			cr_expect_eq(t.last.start_us, 1000000);
		}
		buf_done(&body);
	}
}
