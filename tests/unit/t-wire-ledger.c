#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../src/wire/ledger.h"
#include "weir/base/util.h"
#include "wire-kit.h"

static uint64_t
in_gaps(const struct ledger *l)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < l->gaps; i++) {
		cr_assert_lt(l->gap[i].range.from, l->gap[i].range.to);
		if (i > 0)
			cr_assert_gt(l->gap[i].range.from, l->gap[i - 1].range.to - 1);
		n += l->gap[i].range.to - l->gap[i].range.from;
	}
	if (l->gaps)
		cr_assert_leq(l->gap[l->gaps - 1].range.to, l->next);
	return n;
}

Test(ledger, a_late_frame_turns_lost_into_received)
{
	struct ledger l = { 0 };
	struct fresh f;

	ledger_begin(&l, 100);
	ledger_take(&l, 100, 10, 0, &f);
	ledger_take(&l, 130, 10, SEC_US, &f);
	cr_expect_eq(f.count, 10);
	cr_expect_eq(ledger_lost(&l, 2 * SEC_US), 0);
	cr_expect_eq(ledger_lost(&l, 3 * SEC_US), 20);
	ledger_take(&l, 115, 5, 4 * SEC_US, &f);
	cr_expect_eq(f.count, 5);
	cr_expect_eq(l.gaps, 2);
	cr_expect_eq(ledger_lost(&l, 4 * SEC_US), 15);
	ledger_take(&l, 115, 5, 4 * SEC_US, &f);
	cr_expect_eq(f.count, 0);
	cr_expect_eq(l.duplicate, 5);
	cr_expect_eq(l.received, 25);
}

Test(ledger, after_ten_seconds_a_gap_is_lost_for_good)
{
	struct ledger l = { 0 };
	struct fresh f;

	ledger_begin(&l, 0);
	ledger_next(&l, 50, 0);
	ledger_age(&l, LEDGER_GAP_US);
	cr_expect_eq(l.gaps, 1);
	ledger_age(&l, LEDGER_GAP_US + 1);
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.settled, 50);
	ledger_take(&l, 0, 50, LEDGER_GAP_US + 2, &f);
	cr_expect_eq(f.count, 0);
	cr_expect_eq(l.duplicate, 50);
	cr_expect_eq(ledger_lost(&l, LEDGER_GAP_US + 2), 50);
}

Test(ledger, a_frame_over_several_gaps_brings_only_what_is_new)
{
	struct ledger l = { 0 };
	struct fresh f;

	ledger_begin(&l, 0);
	for (uint64_t i = 0; i < 10; i++)
		ledger_take(&l, 10 * i + 5, 5, 0, &f);
	ledger_take(&l, 3, 60, 0, &f);
	cr_expect_eq(f.ranges, 7);
	cr_expect_eq(f.count, 2 + 5 * 5 + 3);
	cr_expect_eq(f.range[0].from, 3);
	cr_expect_eq(f.range[0].to, 5);
	cr_expect_eq(f.range[6].from, 60);
	cr_expect_eq(f.range[6].to, 63);
	cr_expect_eq(l.duplicate, 30);
}

Test(ledger, numbers_near_the_end_of_64_bits_do_not_overflow)
{
	struct ledger l = { 0 };
	struct fresh f;

	ledger_begin(&l, 0);
	ledger_take(&l, UINT64_MAX - 10, 10, 0, &f);
	cr_expect_eq(f.count, 10);
	cr_expect_eq(l.next, UINT64_MAX);
	ledger_begin(&l, 0);
	ledger_next(&l, UINT64_MAX, 0);
	cr_expect_eq(ledger_lost(&l, 5 * SEC_US), UINT64_MAX);
}

#define NUMBERS 3000u

/* Which numbers were handed out, to compare with what the ledger says. */
struct truth {
	unsigned char handed[NUMBERS];
	uint64_t count;
};

static void
take_and_check(
	struct ledger *l, struct truth *truth, uint64_t first, uint64_t n, int64_t now_us)
{
	struct fresh f;
	uint64_t received = l->received, duplicate = l->duplicate, count = 0;

	ledger_take(l, first, n, now_us, &f);
	for (unsigned i = 0; i < f.ranges; i++) {
		cr_assert_lt(f.range[i].from, f.range[i].to);
		cr_assert_geq(f.range[i].from, first);
		cr_assert_leq(f.range[i].to, first + n);
		if (i > 0)
			cr_assert_geq(f.range[i].from, f.range[i - 1].to);
		for (uint64_t k = f.range[i].from; k < f.range[i].to; k++) {
			cr_assert_not(truth->handed[k], "number %u twice", (unsigned)k);
			truth->handed[k] = 1;
			count++;
		}
	}
	truth->count += count;
	cr_assert_eq(count, f.count);
	cr_assert_eq(l->received, received + count);
	cr_assert_eq(l->duplicate, duplicate + n - count);
}

/*
 * Frames in any order, some never, some twice, some overlapping as no honest sender
 * would: at any time each number is received, in a gap or lost, and received once.
 */
Test(ledger, whatever_comes_the_sum_is_exact)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct dice d = { seed };
		struct ledger l = { 0 };
		struct truth truth = { .count = 0 };
		uint64_t first = dice_roll(&d, 50), at = first,
			 max_jump = 1 + dice_roll(&d, 90);
		int64_t now_us = 0;

		ledger_begin(&l, first);
		while (at < NUMBERS - 200) {
			uint64_t n = 1 + dice_roll(&d, 40), from = at;

			switch (dice_roll(&d, 8)) {
			case 0: /* back: late, twice or both */
				from = first + dice_roll(&d, at - first + 1);
				break;
			case 1: /* lost on the way, or late */
			case 2:
				from = at + dice_roll(&d, max_jump);
				break;
			case 3:
				ledger_next(&l, at + dice_roll(&d, 20), now_us);
				break;
			case 4:
				now_us += (int64_t)dice_roll(&d, 4000000);
				ledger_age(&l, now_us);
				break;
			}
			take_and_check(&l, &truth, from, n, now_us);
			at = l.next;
			cr_assert_leq(l.gaps, LEDGER_GAPS);
			cr_assert_eq(l.received, truth.count);
			cr_assert_eq(l.received + l.settled + in_gaps(&l), l.next - first,
				"seed %u", (unsigned)seed);
		}
	}
}
