/* A close look at one edge. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>

#include "weir/base/util.h"
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

static void
add(struct model *m, const char *dst, const char *op, int64_t end_us, int64_t us)
{
	struct event e = { .type = EVENT_FLOW };

	flow_init(&e.u.flow);
	e.u.flow.src = STR("web");
	e.u.flow.dst = str_of(dst);
	e.u.flow.op = str_of(op);
	e.u.flow.end_us = end_us;
	e.u.flow.client_us = us;
	model_add(m, &e, end_us);
}

/* The key of the edge from web to @dst. */
static uint32_t
key_of(const struct snap *s, const char *dst)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (strcmp(s->node[s->edge[i].dst].name, dst) == 0)
			return s->edge[i].key;
	cr_assert_fail("no %s", dst);
	return 0;
}

static uint64_t
sum_of_second(const struct shape *s, unsigned at)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < SHAPE_ROWS; r++)
		sum += s->second[at][r];
	return sum;
}

Test(shape, bins_are_equal_steps_on_a_logarithmic_axis)
{
	static const struct {
		int64_t us;
		unsigned bin;
	} rows[] = { { -1, 0 }, { 0, 0 }, { 99, 0 }, { 100, 0 }, { 120, 0 }, { 122, 1 },
		{ 1000, 12 }, { 999, 11 }, { 1000000, 48 }, { 99000000, 71 },
		{ 100000000, 71 }, { INT64_MAX, 71 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(shape_bin(rows[i].us), rows[i].bin, "%jd is %u",
			(intmax_t)rows[i].us, shape_bin(rows[i].us));
}

Test(shape, nobody_asks_and_nothing_is_told)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s = { 0 };

	model_advance(m, T0);
	add(m, "api", "", T0, 1000);
	model_snap(m, T0 + SEC_US, &defaults, &s);
	cr_expect_not(s.shape.filled);
	s.shape.wanted = true;
	s.shape.key = 12345;
	model_snap(m, T0 + SEC_US, &defaults, &s);
	cr_expect_not(s.shape.filled, "there is no such edge");
	snap_done(&s);
	model_free(m);
}

Test(shape, every_latency_of_the_edge_is_in_it_and_of_no_other)
{
	struct model *m = model_new(&model_limits_default);
	struct snap s = { 0 };
	uint64_t sum = 0;

	model_advance(m, T0);
	for (int i = 0; i < 3000; i++) {
		int64_t at = T0 + i * 10000;

		add(m, "api", i % 3 ? "GET" : "", at, i % 7 ? 2000 : 700000);
		add(m, "db", "SELECT", at, 50);
	}
	model_snap(m, T0 + 30 * SEC_US, &defaults, &s);
	s.shape.wanted = true;
	s.shape.key = key_of(&s, "api");
	model_snap(m, T0 + 30 * SEC_US, &defaults, &s);
	cr_assert(shape_is_of(&s.shape, key_of(&s, "api")));
	for (unsigned b = 0; b < SHAPE_BINS; b++)
		sum += s.shape.count[b];
	cr_expect_eq(sum, 3000);
	cr_expect_eq(s.shape.count[shape_bin(2000)], 2571);
	cr_expect_eq(s.shape.count[shape_bin(700000)], 429);
	cr_expect_eq(s.shape.known_seconds, 31, "30 that are over, and the one begun");
	for (unsigned i = 0; i < SHAPE_SECONDS; i++)
		cr_expect_eq(sum_of_second(&s.shape, i),
			i >= SHAPE_SECONDS - 31 && i < SHAPE_SECONDS - 1 ? 100u : 0u,
			"second %u: %ju", i, (uintmax_t)sum_of_second(&s.shape, i));
	cr_expect_eq(s.shape.second[40][shape_bin(2000) / SHAPE_COARSE] +
			     s.shape.second[40][shape_bin(700000) / SHAPE_COARSE],
		100);
	snap_done(&s);
	model_free(m);
}

Test(shape, going_on_from_the_last_time_is_as_good_as_reading_all_again)
{
	struct model *m = model_new(&model_limits_default);
	struct snap kept = { 0 };
	int64_t now = T0;

	model_advance(m, T0);
	add(m, "api", "", now, 1000);
	model_snap(m, now, &defaults, &kept);
	kept.shape.wanted = true;
	kept.shape.key = key_of(&kept, "api");
	for (int turn = 0; turn < 300; turn++) {
		struct snap fresh = { 0 };
		int64_t second = now / SEC_US;

		now += pick(2 * SEC_US);
		for (uint32_t i = pick(50); i > 0; i--)
			add(m, pick(4) ? "api" : "db", pick(2) ? "GET" : "",
				now - pick(4) * SEC_US, 50 << pick(16));
		model_snap(m, now, &defaults, &kept);
		fresh.shape.wanted = true;
		fresh.shape.key = kept.shape.key;
		model_snap(m, now, &defaults, &fresh);
		cr_assert(shape_is_of(&kept.shape, fresh.shape.key));
		/* What came late is seen when the next second begins. */
		if (now / SEC_US > second)
			cr_assert_eq(memcmp(kept.shape.second, fresh.shape.second,
					     sizeof(fresh.shape.second)),
				0, "turn %d", turn);
		cr_assert_eq(memcmp(kept.shape.count, fresh.shape.count,
				     sizeof(fresh.shape.count)),
			0);
		snap_done(&fresh);
	}
	snap_done(&kept);
	model_free(m);
}
