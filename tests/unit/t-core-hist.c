#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/hist.h"

/* Bound that hist.h promises, in the units of the tests below. */
#define ERROR_BOUND 0.01

static uint64_t seed;

static double
uniform(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double
normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform());
}

static double
draw_lognormal(void)
{
	return 8000 * exp(1.1 * normal());
}

static double
draw_bimodal(void)
{
	return uniform() < 0.9 ? 1000 + 50 * normal() : 250000 + 9000 * normal();
}

static double
draw_uniform(void)
{
	return 1e6 * uniform();
}

static double
draw_exponential(void)
{
	return -40000 * log(uniform());
}

static double
draw_wide(void)
{
	return exp(uniform() * log(3.6e9));
}

static double
draw_powers(void)
{
	return ldexp(1, (int)(uniform() * 32)) + (uniform() < 0.5 ? -1 : 0);
}

static double
draw_same(void)
{
	return 1234567;
}

static double
draw_step(void)
{
	return uniform() < 0.99 ? 100 : 1e6;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

Test(hist, quantiles_are_within_one_percent_of_the_sorted_samples)
{
	static const struct {
		const char *what;
		double (*draw)(void);
	} rows[] = {
		{ "log-normal", draw_lognormal },
		{ "bimodal", draw_bimodal },
		{ "uniform", draw_uniform },
		{ "exponential", draw_exponential },
		{ "the whole range", draw_wide },
		{ "powers of two and their neighbours", draw_powers },
		{ "one value", draw_same },
		{ "a step at p99", draw_step },
	};
	static const double q[] = { 0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
	static const unsigned sizes[] = { 1, 2, 7, 100, 1000, 30000 };

	seed = 7;
	for (unsigned r = 0; r < ARRAY_LEN(rows); r++)
		for (unsigned z = 0; z < ARRAY_LEN(sizes); z++) {
			unsigned n = sizes[z];
			int64_t *raw = xmalloc(n * sizeof(*raw)), got[ARRAY_LEN(q)];
			struct hist h = { 0 };

			for (unsigned i = 0; i < n; i++) {
				raw[i] = (int64_t)MAX(rows[r].draw(), 0);
				hist_add(&h, hist_index((uint64_t)raw[i]), 1);
			}
			qsort(raw, n, sizeof(*raw), by_value);
			hist_quantiles(&h, q, ARRAY_LEN(q), got);
			for (unsigned k = 0; k < ARRAY_LEN(q); k++) {
				double rank = MAX(ceil(q[k] * n), 1);
				double want = (double)raw[(unsigned)rank - 1];

				cr_expect(
					fabs((double)got[k] - want) <= ERROR_BOUND * want,
					"%s, n=%u, q=%g: %g, not %g", rows[r].what, n,
					q[k], (double)got[k], want);
			}
			hist_done(&h);
			free(raw);
		}
}

Test(hist, buckets_join_without_a_gap_and_hold_their_bounds)
{
	for (unsigned b = 0; b < HIST_OVERFLOW; b++) {
		cr_assert_eq(hist_index((uint64_t)hist_low(b)), b);
		cr_assert_eq(hist_index((uint64_t)hist_high(b)), b);
		cr_assert_eq(hist_index((uint64_t)hist_high(b) + 1), b + 1);
		cr_assert_leq(
			(double)(hist_high(b) - hist_low(b)), (double)hist_low(b) / 64);
	}
	cr_expect_eq(hist_index(UINT64_MAX), HIST_OVERFLOW);
	cr_expect_eq(hist_index(UINT64_C(3600000000)) < HIST_OVERFLOW, 1, "an hour fits");
	cr_expect_eq(hist_value(HIST_OVERFLOW), (int64_t)HIST_LIMIT_US);
	cr_expect_eq(hist_value(127), 127, "exact below 128 us");
}

Test(hist, the_rank_is_not_pushed_up_by_binary_fractions)
{
	struct hist h = { 0 };

	for (unsigned i = 1; i <= 100; i++)
		hist_add(&h, hist_index(i), 1);
	for (unsigned i = 1; i <= 100; i++)
		cr_expect_eq(hist_quantile(&h, i / 100.0), i);
	hist_done(&h);
}

Test(hist, taking_away_what_was_added_gives_back_what_was)
{
	struct hist a = { 0 }, b = { 0 }, both = { 0 };

	seed = 3;
	for (int i = 0; i < 5000; i++) {
		unsigned bucket = hist_index((uint64_t)draw_wide());
		uint32_t count = 1 + (uint32_t)(uniform() * 5);

		hist_add(i & 1 ? &a : &b, bucket, count);
		hist_add(&both, bucket, count);
	}
	hist_merge(&a, &b);
	cr_expect_eq(a.total, both.total);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		cr_assert_eq(hist_count(&a, i), hist_count(&both, i));
		hist_sub(&both, i, hist_count(&both, i));
	}
	cr_expect_eq(both.total, 0);
	cr_expect_eq(hist_max(&both), -1);
	cr_expect_eq(hist_quantile(&both, 0.5), -1);
	cr_expect_gt(hist_bytes(&both), 0);
	hist_trim(&both);
	cr_expect_eq(hist_bytes(&both), 0);
	hist_done(&a);
	hist_done(&b);
	hist_done(&both);
}

Test(hist, counters_get_wider_when_they_must_and_narrow_again_when_trimmed)
{
	static const uint32_t counts[] = { 1, 255, 256, 65535, 65536, UINT32_MAX };
	struct hist h = { 0 };
	size_t narrow;

	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		hist_add(&h, b, 1);
	narrow = hist_bytes(&h);
	for (unsigned i = 0; i < ARRAY_LEN(counts); i++) {
		unsigned bucket = 300 + 7 * i;

		hist_add(&h, bucket, counts[i] - 1);
		for (unsigned b = 0; b < HIST_BUCKETS; b++)
			cr_assert_eq(hist_count(&h, b), b == bucket ? counts[i] : 1);
		cr_expect_eq(h.total, HIST_BUCKETS + (uint64_t)counts[i] - 1);
		hist_sub(&h, bucket, counts[i] - 1);
	}
	cr_expect_eq(hist_bytes(&h), 4 * narrow);
	hist_add(&h, 1000, 200);
	hist_trim(&h);
	cr_expect_eq(
		hist_bytes(&h), 2 * narrow, "two bytes: it is more than half of one");
	cr_expect_eq(hist_count(&h, 1000), 201);
	hist_sub(&h, 1000, 200);
	hist_trim(&h);
	cr_expect_eq(hist_bytes(&h), narrow);
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		cr_assert_eq(hist_count(&h, b), 1);
	hist_done(&h);
}
