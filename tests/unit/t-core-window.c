#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/window.h"

#define BIG ((size_t)1 << 40)

static uint64_t seed = 1;

static uint32_t
pick(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % n);
}

/* What was booked, kept whole, to be added up from nothing. */
struct booked {
	int64_t tick;
	struct window_record r;
};

struct book {
	struct booked *all;
	unsigned n;
};

static void
book_add(struct book *b, int64_t tick, const struct window_record *r)
{
	if (!(b->n & (b->n - 1)))
		b->all = xreallocarray(b->all, b->n ? b->n * 2 : 1, sizeof(*b->all));
	b->all[b->n++] = (struct booked){ tick, *r };
}

/* Where a window of @width_s that ends in @now begins, as window.h says. */
static int64_t
want_from(int64_t now, int64_t width_s)
{
	int64_t low = now - width_s, span = width_s > 300 ? 60 : width_s > 60 ? 10 : 1;

	return low / span * span;
}

/* Compare the sums of @series (and, when it is a parent, of its children 1..n-1). */
static void
expect_sums(const struct window *w, const struct book *b, uint32_t series, bool parent,
	int64_t from)
{
	struct window_sum want = { .bytes_in = -1, .bytes_out = -1 },
			  got = window_sum(w, series);
	uint32_t *count = xcalloc(HIST_BUCKETS, sizeof(*count));
	const struct hist *h = window_hist(w, series);

	for (unsigned i = 0; i < b->n; i++) {
		const struct window_record *r = &b->all[i].r;

		if (b->all[i].tick < from || (r->series != series && !parent))
			continue;
		want.calls += r->calls;
		want.errors += r->errors;
		if (r->calls && r->bucket != WINDOW_NO_LATENCY) {
			want.samples += r->weight > 1 && r->weight <= r->calls
						? r->calls / r->weight
						: r->calls;
			count[r->bucket] += r->calls;
		}
		want.coarse += r->coarse ? r->calls : 0;
		if (r->bytes_in >= 0)
			want.bytes_in = MAX(want.bytes_in, 0) + r->bytes_in;
		if (r->bytes_out >= 0)
			want.bytes_out = MAX(want.bytes_out, 0) + r->bytes_out;
	}
	cr_assert_eq(got.calls, want.calls, "series %u: %ju calls, not %ju", series,
		(uintmax_t)got.calls, (uintmax_t)want.calls);
	cr_assert_eq(got.errors, want.errors);
	cr_assert_eq(got.samples, want.samples);
	cr_assert_eq(got.coarse, want.coarse);
	cr_assert_eq(got.bytes_in, want.bytes_in);
	cr_assert_eq(got.bytes_out, want.bytes_out);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		cr_assert_eq(hist_count(h, i), count[i]);
	free(count);
}

/* Book @r, now and then as a group of one. */
static bool
put(struct window *w, int64_t at_us, const struct window_record *r)
{
	struct window_group g = { .series = r->series,
		.errors = r->errors,
		.weight = r->weight,
		.coarse = r->coarse,
		.bytes_in = r->bytes_in,
		.bytes_out = r->bytes_out,
		.bucket = &r->bucket,
		.count = &r->calls,
		.n = 1 };

	if (pick(3) || r->calls == 0)
		return window_add(w, at_us, r);
	if (r->bucket == WINDOW_NO_LATENCY) {
		g.bare = r->calls;
		g.n = 0;
	}
	return window_add_group(w, at_us, &g);
}

static struct window_record
random_record(uint32_t series)
{
	struct window_record r = {
		.series = series,
		.calls = pick(20) ? 1 : 1 + pick(50),
		.bucket = (uint16_t)(pick(10) ? 300 + pick(400) : pick(HIST_BUCKETS)),
		.bytes_in = pick(3) ? (int64_t)pick(5000) : -1,
		.bytes_out = pick(50) ? pick(90000) : (int64_t)pick(9) << 31,
	};

	if (!pick(8))
		r.bucket = WINDOW_NO_LATENCY;
	r.weight = pick(2) ? r.calls : pick(4);
	r.errors = pick(10) ? 0 : 1 + pick(r.calls);
	r.coarse = r.bucket != WINDOW_NO_LATENCY && !pick(30);
	if (!pick(40))
		r.calls = 0;
	return r;
}

/*
 * Where it begins: with @many records there may be tens of seconds where seconds are
 * asked for.
 */
static int64_t
expect_from(const struct window *w, int64_t now, int64_t width_s, bool many)
{
	int64_t want = want_from(now, width_s), from = window_from_us(w) / SEC_US;

	if (!many || width_s <= 10 || width_s > 60) {
		cr_assert_eq(from, want);
	} else {
		cr_assert_leq(from, want);
		cr_assert_gt(from, want - 10);
	}
	return from;
}

static void
add_up_again(size_t budget)
{
	enum {
		SERIES = 9,
		START = 1000000
	};
	static const int64_t widths[] = { 10, 60, 300, 900, 7, 45 };
	int64_t now = START, width = 60;
	struct window *w = window_new(width * SEC_US, budget);
	struct book b = { 0 };
	unsigned coarser = 0;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, i && i < SERIES - 1 ? 0 : WINDOW_NO_SERIES);
	for (int turn = 0; now < START + 2600; turn++) {
		/* Mostly now; some a little late, some very late. */
		int64_t late = pick(10) ? pick(2) : pick(10) ? pick(30) : pick(890);
		struct window_record r = random_record(1 + pick(SERIES - 1));
		int64_t from;

		if (now - late >= START) {
			book_add(&b, now - late, &r);
			cr_assert(put(w, (now - late) * SEC_US + pick(SEC_US), &r));
		}
		if (!pick(60)) {
			now += pick(300) ? 1 : pick(400);
			window_advance(w, now * SEC_US + pick(SEC_US));
		}
		if (!pick(4000)) {
			width = widths[pick(ARRAY_LEN(widths))];
			window_set_width(w, width * SEC_US);
		}
		if (pick(800))
			continue;
		window_settle(w);
		from = expect_from(w, now, width, budget != BIG);
		coarser += from != want_from(now, width);
		for (uint32_t i = 1; i < SERIES; i++)
			expect_sums(w, &b, i, false, from);
		for (unsigned i = 0; i < b.n; i++)
			if (b.all[i].r.series == SERIES - 1)
				b.all[i].tick -= START; /* no child of 0 */
		expect_sums(w, &b, 0, true, from);
		for (unsigned i = 0; i < b.n; i++)
			if (b.all[i].r.series == SERIES - 1)
				b.all[i].tick += START;
	}
	cr_expect(budget == BIG ? coarser == 0 : coarser > 0);
	/* When all is over nothing is left, to the last byte. */
	window_advance(w, (now + 2000) * SEC_US);
	window_settle(w);
	b.n = 0;
	for (uint32_t i = 0; i < SERIES; i++)
		expect_sums(w, &b, i, false, 0);
	cr_expect_eq(window_log_bytes(w), 0);
	free(b.all);
	window_free(w);
}

Test(window, sums_are_those_of_adding_up_again_whatever_comes_late_or_is_switched)
{
	add_up_again(BIG);
}

Test(window, sums_are_those_of_adding_up_again_also_when_there_is_much)
{
	add_up_again(400000);
}

Test(window, a_rising_flood_expires_in_small_steps_to_exactly_nothing)
{
	enum {
		SERIES = 500,
		PER_TICK = 70000
	};
	struct window *w = window_new(10 * SEC_US, BIG);
	struct book none = { 0 };
	int64_t now = 5000;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, WINDOW_NO_SERIES);
	for (; now < 5013; now++) {
		window_advance(w, now * SEC_US);
		for (int i = 0; i < PER_TICK; i++) {
			struct window_record r = random_record(pick(SERIES));

			r.calls = 1;
			put(w, now * SEC_US, &r);
			if (i % 5000 == 0)
				window_advance(w, now * SEC_US + i);
		}
	}
	window_settle(w);
	{
		uint64_t calls = 0;

		for (uint32_t i = 0; i < SERIES; i++)
			calls += window_sum(w, i).calls;
		cr_expect_eq(calls, 11 * PER_TICK, "ten whole seconds and this one");
	}
	for (int64_t end = now + 20; now < end; now++)
		window_advance(w, now * SEC_US);
	window_settle(w);
	for (uint32_t i = 0; i < SERIES; i++)
		expect_sums(w, &none, i, false, 0);
	window_free(w);
}

Test(window, what_comes_late_into_a_second_that_is_being_merged_is_kept)
{
	enum {
		SERIES = 20,
		PER_TICK = 2000,
		TICKS = 160,
		START = 50000
	};
	static const int64_t widths[] = { 60, 300, 10, 900 };
	struct window *w = window_new(300 * SEC_US, BIG);
	struct book b = { 0 };
	int64_t now = START;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, WINDOW_NO_SERIES);
	for (; now < START + TICKS; now++) {
		window_advance(w, now * SEC_US);
		for (int i = 0; i < PER_TICK; i++) {
			int64_t at = now - (pick(20) ? 0 : pick(150));
			struct window_record r = random_record(pick(SERIES));

			at = MAX(at, START);
			put(w, at * SEC_US, &r);
			book_add(&b, at, &r);
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(widths); i++) {
		window_set_width(w, widths[i] * SEC_US);
		window_settle(w);
		expect_sums(w, &b, i, false, window_from_us(w) / SEC_US);
		expect_sums(w, &b, SERIES - 1, false, window_from_us(w) / SEC_US);
	}
	free(b.all);
	window_free(w);
}

/* A group of @n buckets side by side, @apart from each other, each with up to @most calls. */
static void
put_many(struct window *w, int64_t at_us, unsigned n, unsigned apart, uint32_t most,
	uint64_t *sum)
{
	uint16_t bucket[3 * HIST_PAGE];
	uint32_t count[ARRAY_LEN(bucket)];
	struct window_group g = {
		.bucket = bucket, .count = count, .n = n, .bytes_in = -1, .bytes_out = -1
	};

	for (unsigned i = 0; i < n; i++) {
		bucket[i] = (uint16_t)(300 + i * apart);
		count[i] = i ? pick(most + 1) : most;
		sum[bucket[i]] += count[i];
	}
	cr_assert(window_add_group(w, at_us, &g));
}

Test(window, counts_of_any_size_many_or_few_come_back_and_go_again)
{
	static const uint32_t most[] = { 1, 3, 15, 255, 256, 65535, 65536, 1u << 22 };
	static const unsigned apart[] = { 1, 7 };
	enum {
		START = 70000,
		TICKS = 200
	};

	for (unsigned k = 0; k < ARRAY_LEN(most) * ARRAY_LEN(apart); k++) {
		struct window *w = window_new(300 * SEC_US, BIG);
		uint64_t sum[HIST_BUCKETS] = { 0 };
		int64_t now = START;

		window_advance(w, now * SEC_US);
		window_series_new(w, WINDOW_NO_SERIES);
		for (; now < START + TICKS; now++) {
			window_advance(w, now * SEC_US);
			for (unsigned i = 0; i < 3; i++)
				put_many(w, now * SEC_US, 1 + pick(3 * HIST_PAGE),
					apart[k % 2], most[k / 2], sum);
			if (pick(2))
				window_settle(w);
		}
		window_settle(w);
		for (unsigned i = 0; i < HIST_BUCKETS; i++)
			cr_assert_eq(hist_count(window_hist(w, 0), i), sum[i]);
		for (int64_t end = now + 1000; now < end; now += 1 + pick(30))
			window_advance(w, now * SEC_US);
		window_settle(w);
		for (unsigned i = 0; i < HIST_BUCKETS; i++)
			cr_assert_eq(hist_count(window_hist(w, 0), i), 0);
		cr_assert_eq(window_sum(w, 0).calls, 0);
		window_free(w);
	}
}

Test(window, seconds_longer_than_a_tail_are_packed_meanwhile_and_read_at_any_time)
{
	enum {
		SERIES = 8,
		PER_TICK = 600000,
		START = 3000
	};
	struct window *w = window_new(10 * SEC_US, BIG);
	struct book b = { 0 };
	int64_t now = START;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, i & 1 ? i - 1 : WINDOW_NO_SERIES);
	for (; now < START + 4; now++) {
		window_advance(w, now * SEC_US);
		for (int i = 0; i < PER_TICK; i++) {
			struct window_record r = random_record(pick(SERIES / 2) * 2 + 1);
			int64_t at = now - (pick(9) ? 0 : now > START);

			r.calls = r.errors = 1;
			window_add(w, at * SEC_US, &r);
			book_add(&b, at, &r);
			/* Of one second all comes from runs, of others part. */
			if (now % 2 && pick(PER_TICK / 3) == 0) {
				window_settle(w);
				expect_sums(w, &b, 1, false, START);
			}
		}
	}
	window_settle(w);
	for (uint32_t i = 1; i < SERIES; i += 2) {
		expect_sums(w, &b, i, false, START);
		cr_assert_eq(window_sum(w, i).calls, window_sum(w, i - 1).calls);
		cr_assert_eq(window_sum(w, i).errors, window_sum(w, i - 1).errors);
	}
	window_advance(w, (START + 12) * SEC_US);
	window_settle(w);
	expect_sums(w, &b, 3, false, START + 2);
	window_set_width(w, 60 * SEC_US);
	expect_sums(w, &b, 5, false, START);
	window_advance(w, (START + 200) * SEC_US);
	window_settle(w);
	b.n = 0;
	for (uint32_t i = 0; i < SERIES; i++)
		expect_sums(w, &b, i, false, 0);
	free(b.all);
	window_free(w);
}

Test(window, thousands_of_series_are_packed_part_by_part_while_late_ones_come_in)
{
	enum {
		SERIES = 5000,
		PER_TICK = 200000,
		START = 7000
	};
	struct window *w = window_new(3 * SEC_US, BIG);
	struct book b = { 0 };
	int64_t now = START;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, i % 10 ? i - i % 10 : WINDOW_NO_SERIES);
	for (; now < START + 9; now++) {
		unsigned settles = pick(3);

		window_advance(w, now * SEC_US);
		for (int i = 0; i < PER_TICK; i++) {
			struct window_record r = random_record(pick(SERIES));
			int64_t at = now - (i < PER_TICK / 5 ? pick(3) : 0);

			if (r.series % 10 == 0)
				r.series++;
			at = MAX(at, START);
			put(w, at * SEC_US, &r);
			book_add(&b, at, &r);
			if (pick(PER_TICK) < settles)
				window_settle(w);
		}
		if (now % 3)
			continue;
		window_settle(w);
		for (uint32_t i = 0; i < 20; i++)
			expect_sums(w, &b, pick(SERIES / 10) * 10 + 1 + pick(9), false,
				window_from_us(w) / SEC_US);
	}
	window_advance(w, (now + 20) * SEC_US);
	window_settle(w);
	b.n = 0;
	for (uint32_t i = 0; i < SERIES; i++)
		expect_sums(w, &b, i, false, 0);
	free(b.all);
	window_free(w);
}

Test(window, the_log_stays_within_its_budget_and_says_what_it_still_covers)
{
	enum {
		SERIES = 100,
		BUDGET = 1000000
	};
	struct window *w = window_new(900 * SEC_US, BUDGET);
	struct book b = { 0 };
	int64_t now = 100000;

	window_advance(w, now * SEC_US);
	for (uint32_t i = 0; i < SERIES; i++)
		window_series_new(w, WINDOW_NO_SERIES);
	for (; now < 100700; now++) {
		window_advance(w, now * SEC_US);
		for (int i = 0; i < 1500; i++) {
			struct window_record r = random_record(pick(SERIES));

			if (put(w, now * SEC_US, &r))
				book_add(&b, now, &r);
		}
		cr_assert_leq(window_log_bytes(w), BUDGET + 3 * 1500 * 64);
	}
	window_settle(w);
	cr_expect_gt(window_from_us(w), 100000 * SEC_US);
	cr_expect_lt(window_from_us(w), 100690 * SEC_US);
	expect_sums(w, &b, 17, false, window_from_us(w) / SEC_US);
	cr_expect_gt(window_bytes(w), window_log_bytes(w));
	cr_expect_not(window_add(w, 100000 * SEC_US, &b.all[0].r), "dropped for good");
	free(b.all);
	window_free(w);
}

Test(window, an_id_handed_back_rests_until_the_log_has_forgotten_it)
{
	struct window *w = window_new(10 * SEC_US, BIG);
	struct window_record r = {
		.calls = 1, .bucket = 9, .bytes_in = -1, .bytes_out = -1
	};
	uint32_t again;

	window_advance(w, 1000 * SEC_US);
	r.series = window_series_new(w, WINDOW_NO_SERIES);
	window_add(w, 1000 * SEC_US, &r);
	window_series_free(w, r.series);
	cr_expect_neq(window_series_new(w, WINDOW_NO_SERIES), r.series);
	window_advance(w, 1500 * SEC_US);
	cr_expect_neq(window_series_new(w, WINDOW_NO_SERIES), r.series);
	window_advance(w, 2100 * SEC_US);
	again = window_series_new(w, WINDOW_NO_SERIES);
	cr_expect_eq(again, r.series);
	cr_expect_eq(window_sum(w, again).calls, 0);
	window_free(w);
}

Test(window, what_is_ahead_is_booked_now_and_what_is_too_old_is_refused)
{
	struct window *w = window_new(10 * SEC_US, BIG);
	struct window_record r = { .calls = 3,
		.errors = 3,
		.bucket = WINDOW_NO_LATENCY,
		.bytes_in = 7,
		.bytes_out = -1 };
	struct window_sum sum;

	r.series = window_series_new(w, WINDOW_NO_SERIES);
	cr_expect_not(window_add(w, 0, &r), "no time yet");
	window_advance(w, 5000 * SEC_US);
	cr_expect(window_add(w, 5003 * SEC_US, &r));
	cr_expect_not(window_add(w, 3000 * SEC_US, &r));
	cr_expect_not(window_add(w, -7, &r));
	window_advance(w, 4000 * SEC_US);
	window_settle(w);
	sum = window_sum(w, r.series);
	cr_expect_eq(sum.calls, 3);
	cr_expect_eq(sum.errors, 3);
	cr_expect_eq(sum.samples, 0);
	cr_expect_eq(sum.bytes_in, 7);
	cr_expect_eq(sum.bytes_out, -1);
	window_advance(w, 5010 * SEC_US);
	window_settle(w);
	cr_expect_eq(window_sum(w, r.series).calls, 3);
	window_advance(w, 5011 * SEC_US);
	window_settle(w);
	cr_expect_eq(window_sum(w, r.series).calls, 0);
	cr_expect_eq(window_sum(w, r.series).bytes_in, -1);
	window_free(w);
}
