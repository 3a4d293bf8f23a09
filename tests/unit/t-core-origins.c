#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/origins.h"

#define T0 (INT64_C(1795389880) * SEC_US)

static struct event
call(enum flow_origin origin, enum flow_kind kind, int64_t us, bool failed)
{
	struct event e = { .type = EVENT_FLOW };

	flow_init(&e.u.flow);
	e.u.flow.src = STR("a");
	e.u.flow.dst = STR("b");
	e.u.flow.kind = kind;
	e.u.flow.origin = origin;
	e.u.flow.client_us = us;
	e.u.flow.end_us = T0;
	e.u.flow.failed = failed;
	return e;
}

static void
add(struct model *m, enum flow_origin origin, enum flow_kind kind, unsigned calls,
	unsigned errors, int64_t us)
{
	for (unsigned i = 0; i < calls; i++) {
		struct event e = call(origin, kind, us, i < errors);

		model_add(m, &e, T0);
	}
}

static struct snap
picture(struct model *m)
{
	static const struct thresholds none;
	struct snap s = { 0 };

	model_snap(m, T0 + SEC_US, &none, &s);
	return s;
}

static unsigned
differ(const struct snap *s, uint32_t view)
{
	return origins_differ(&s->edge[0].stat, &s->view[view].stat);
}

Test(origins, each_origin_of_an_edge_is_in_the_picture_and_one_of_them_is_shown)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	add(m, ORIGIN_OTLP, KIND_HTTP, 100, 20, 1000);
	s = picture(m);
	cr_expect_eq(s.edge[0].views, 0, "one origin has no other to differ from");
	snap_done(&s);
	add(m, ORIGIN_ACCESSLOG, KIND_HTTP, 80, 4, FLOW_UNKNOWN);
	s = picture(m);
	cr_assert_eq(s.edges, 1);
	cr_assert_eq(s.edge[0].views, 2);
	cr_expect_eq(s.view[0].origin, ORIGIN_OTLP);
	cr_expect(s.view[0].shown);
	cr_expect_eq(s.view[0].stat.calls, 100);
	cr_expect_eq(s.view[1].origin, ORIGIN_ACCESSLOG);
	cr_expect_not(s.view[1].shown);
	cr_expect_eq(s.view[1].stat.calls, 80);
	cr_expect_eq(s.view[1].stat.p99_us, SNAP_UNKNOWN);
	cr_expect_eq(differ(&s, 0), 0);
	cr_expect_eq(differ(&s, 1), ORIGINS_DIFFER_CALLS | ORIGINS_DIFFER_ERRORS);
	snap_done(&s);
	model_free(m);
}

Test(origins, a_copy_of_a_picture_has_its_views)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s, copy = { 0 };

	add(m, ORIGIN_OTLP, KIND_HTTP, 60, 0, 1000);
	add(m, ORIGIN_PROMETHEUS, KIND_HTTP, 60, 0, 1000);
	s = picture(m);
	snap_copy(&copy, &s);
	snap_done(&s);
	model_free(m);
	cr_assert_eq(copy.views, 2);
	cr_expect_eq(copy.view[1].stat.calls, 60);
	snap_done(&copy);
}

Test(origins, small_numbers_and_small_differences_are_alike)
{
	static const struct {
		struct snap_stat a, b;
		unsigned differ;
	} rows[] = {
		{ { .calls = 40 }, { .calls = 10 }, 0 },
		{ { .calls = 100 }, { .calls = 90 }, 0 },
		{ { .calls = 100 }, { .calls = 89 }, ORIGINS_DIFFER_CALLS },
		{ { .calls = 1000, .errors = 9 }, { .calls = 1000 }, 0 },
		{ { .calls = 1000, .errors = 20 }, { .calls = 1000, .errors = 10 },
			ORIGINS_DIFFER_ERRORS },
		/* as many as calls are missing */
		{ { .calls = 1000, .errors = 20 }, { .calls = 500, .errors = 10 },
			ORIGINS_DIFFER_CALLS },
		{ { .calls = 100, .samples = 100, .p99_us = 1000 },
			{ .calls = 100, .samples = 100, .p99_us = 1400 },
			ORIGINS_DIFFER_P99 },
		{ { .calls = 100, .samples = 100, .p99_us = 1000 },
			{ .calls = 100,
				.samples = 100,
				.p99_us = 5000,
				.bounds_only = true },
			0 },
		{ { .calls = UINT64_MAX / 2, .errors = 0 }, { .calls = 0 },
			ORIGINS_DIFFER_CALLS },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(
			origins_differ(&rows[i].a, &rows[i].b), rows[i].differ, "%u", i);
		cr_expect_eq(
			origins_differ(&rows[i].b, &rows[i].a), rows[i].differ, "%u", i);
	}
}

Test(origins, calls_of_no_told_kind_are_shown_by_the_one_edge_of_known_kind)
{
	static const enum flow_kind orders[][2] = { { KIND_UNKNOWN, KIND_HTTP },
		{ KIND_HTTP, KIND_UNKNOWN } };

	for (unsigned i = 0; i < ARRAY_LEN(orders); i++) {
		struct model *m = model_new(&model_limits_default);
		struct snap s;

		for (unsigned k = 0; k < 2; k++)
			add(m,
				orders[i][k] == KIND_HTTP ? ORIGIN_OTLP
							  : ORIGIN_PROMETHEUS,
				orders[i][k], 10, 0, 1000);
		add(m, ORIGIN_PROMETHEUS, KIND_UNKNOWN, 5, 0, 1000);
		add(m, ORIGIN_OTLP, KIND_HTTP, 5, 0, 1000);
		s = picture(m);
		cr_expect_eq(s.edges, 1);
		cr_expect_eq(s.edge[0].kind, KIND_HTTP);
		cr_expect_eq(s.edge[0].stat.calls, 15);
		cr_expect_eq(s.edge[0].views, 2);
		snap_done(&s);
		model_free(m);
	}
}

Test(origins, of_two_known_kinds_neither_is_guessed)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	add(m, ORIGIN_OTLP, KIND_HTTP, 1, 0, 1000);
	add(m, ORIGIN_OTLP, KIND_MSG, 1, 0, 1000);
	add(m, ORIGIN_PROMETHEUS, KIND_UNKNOWN, 1, 0, 1000);
	s = picture(m);
	cr_expect_eq(s.edges, 3);
	snap_done(&s);
	model_free(m);
}

Test(origins, one_origin_that_tells_of_both_means_both)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s;

	add(m, ORIGIN_OTLP, KIND_HTTP, 1, 0, 1000);
	add(m, ORIGIN_OTLP, KIND_UNKNOWN, 1, 0, 1000);
	s = picture(m);
	cr_expect_eq(s.edges, 2);
	snap_done(&s);
	model_free(m);
}
