#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/names.h"
#include "weir/base/status.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/base/when.h"

static void
expect_clean(struct str in, const char *want)
{
	struct buf b = BUF_INIT;

	text_clean(&b, in, 255);
	cr_expect_str_eq(buf_cstr(&b), want);
	cr_expect(text_is_clean(buf_str(&b)), "'%s' is not clean after cleaning", want);
	buf_done(&b);
}

Test(text, nothing_a_terminal_would_act_on_survives_cleaning)
{
	expect_clean(STR("checkout"), "checkout");
	expect_clean(STR("a\033[31mb"), "a\\x1b[31mb");
	expect_clean(STR("nul\0tab\t"), "nul\\x00tab\\x09");
	expect_clean(STR("c1 \xc2\x9b"), "c1 \\xc2\\x9b");
	expect_clean(STR("bidi \xe2\x80\xae"), "bidi \\xe2\\x80\\xae");
	expect_clean(STR("zwj \xe2\x80\x8d"), "zwj \\xe2\\x80\\x8d");
	expect_clean(STR("bad \xff\xc0\xaf"), "bad \\xff\\xc0\\xaf");
	expect_clean(STR("surrogate \xed\xa0\x80"), "surrogate \\xed\\xa0\\x80");
	expect_clean(STR("\xe6\x94\xaf\xe4\xbb\x98"), "\xe6\x94\xaf\xe4\xbb\x98");
	expect_clean(STR("e\xcc\x81"), "e\xcc\x81");
	expect_clean(STR("zalgo e\xcc\x81\xcc\x81"), "zalgo e\xcc\x81\\xcc\\x81");
}

Test(text, a_long_name_is_cut_on_a_cluster_boundary)
{
	char *big = xmalloc(10000000);
	struct buf b = BUF_INIT;

	memset(big, 'x', 10000000);
	text_clean(&b, (struct str){ big, 10000000 }, 255);
	cr_expect_leq(b.n, 255);
	cr_expect_str_eq(b.p + b.n - 3, "\xe2\x80\xa6");
	buf_clear(&b);
	text_clean(&b, STR("\xe6\x94\xaf\xe4\xbb\x98\xe6\x94\xaf"), 7);
	cr_expect_str_eq(buf_cstr(&b), "\xe6\x94\xaf\xe2\x80\xa6");
	buf_done(&b);
	free(big);
}

Test(text, width_counts_cells_not_bytes)
{
	cr_expect_eq(text_width(STR("abc")), 3);
	cr_expect_eq(text_width(STR("\xe6\x94\xaf\xe4\xbb\x98")), 4);
	cr_expect_eq(text_width(STR("e\xcc\x81")), 1);
	cr_expect_eq(text_width(STR("\xf0\x9f\x9a\x80")), 2);
}

Test(text, fitting_keeps_head_and_tail)
{
	static const struct {
		const char *in;
		int width;
		const char *want;
	} rows[] = {
		{ "cart", 10, "cart" },
		{ "fraud-detection", 11,
			"fraud-d\xe2\x80\xa6"
			"ion" },
		{ "abc", 1, "\xe2\x80\xa6" },
		{ "abc", 0, "" },
		{ "\xe6\x94\xaf\xe4\xbb\x98\xe6\x94\xaf", 4, "\xe6\x94\xaf\xe2\x80\xa6" },
	};
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		text_fit(&b, str_of(rows[i].in), rows[i].width);
		cr_expect_str_eq(buf_cstr(&b), rows[i].want);
		cr_expect_leq(text_width(buf_str(&b)), MAX(rows[i].width, 0));
	}
	buf_done(&b);
}

Test(names, the_same_bytes_give_the_same_id)
{
	struct names *t = names_new(100, 10000);
	uint32_t a = names_id(t, STR("cart")), b = names_id(t, STR("payment"));

	cr_expect_neq(a, b);
	cr_expect_eq(names_id(t, STR("cart")), a);
	cr_expect_eq(names_find(t, STR("payment")), b);
	cr_expect_eq(names_find(t, STR("nobody")), NAME_OTHER);
	cr_expect_eq(names_id(t, STR("")), NAME_NONE);
	cr_expect_str_eq(names_text(t, a), "cart");
	names_free(t);
}

Test(names, a_flood_of_names_costs_nothing_and_is_counted)
{
	struct names *t = names_new(1000, 1 << 20);
	char name[32];

	for (int i = 0; i < 1000000; i++) {
		int n = snprintf(name, sizeof(name), "svc-%d", i);

		names_id(t, (struct str){ name, (size_t)n });
	}
	cr_expect_eq(names_count(t), 1000);
	cr_expect_eq(names_overflow(t), 1000000 - 998);
	cr_expect_str_eq(names_text(t, NAME_OTHER), "(other)");
	names_free(t);
}

Test(names, names_are_clean_and_distinct_names_stay_distinct)
{
	struct names *t = names_new(100, 10000);
	uint32_t a = names_id(t, STR("x\033")), b = names_id(t, STR("x\x01"));

	cr_expect_neq(a, b);
	cr_expect_str_eq(names_text(t, a), "x\\x1b");
	cr_expect_eq(names_id(t, STR("x\033")), a);
	names_free(t);
}

Test(status, a_mistyped_word_finds_the_right_one)
{
	static const char *const words[] = { "edge.crit", "edge.warn", "title", NULL };

	cr_expect_str_eq(nearest_name("edge.cirt", words), "edge.crit");
	cr_expect_null(nearest_name("zzzzzzzz", words));
}

Test(when, a_time_is_written_as_it_can_be_read_again)
{
	struct buf b = BUF_INIT;

	cr_expect(when_put_rfc3339(&b, INT64_C(1767618151250009), 6));
	cr_expect_str_eq(buf_cstr(&b), "2026-01-05T13:02:31.250009Z");
	buf_clear(&b);
	cr_expect(when_put_rfc3339(&b, INT64_C(1767618151259999), 3));
	cr_expect_str_eq(buf_cstr(&b), "2026-01-05T13:02:31.259Z");
	buf_clear(&b);
	cr_expect(when_put_rfc3339(&b, 0, 0));
	cr_expect_str_eq(buf_cstr(&b), "1970-01-01T00:00:00Z");
	cr_expect_not(when_put_rfc3339(&b, -1, 0));
	cr_expect_not(when_put_rfc3339(&b, INT64_MAX, 0) && b.n > 60);
	buf_done(&b);
}

Test(when, times_of_logs_and_programs_are_read_to_the_microsecond)
{
	static const struct {
		bool (*read)(struct str s, int64_t *ret_us);
		const char *text;
		int64_t us; /* -1: refused */
	} rows[] = {
		{ when_rfc3339, "1970-01-01T00:00:00Z", 0 },
		{ when_rfc3339, "2026-01-05T14:02:31.25+01:00",
			INT64_C(1767618151250000) },
		{ when_rfc3339, "2026-01-05 13:02:31.250000999Z",
			INT64_C(1767618151250000) },
		{ when_rfc3339, "2026-01-05T14:02:31+0100", -1 },
		{ when_rfc3339, "2026-02-30T00:00:00Z", -1 },
		{ when_rfc3339, "1969-12-31T23:59:59Z", -1 },
		{ when_rfc3339, "2026-01-05T14:02:31", -1 },
		{ when_clf, "22/Nov/2026:23:24:40 +0000", INT64_C(1795389880000000) },
		{ when_clf, "23/Nov/2026:00:24:40.071 +0100", INT64_C(1795389880071000) },
		{ when_clf, "22/Foo/2026:23:24:40 +0000", -1 },
		{ when_clf, "22/Nov/2026:23:24:40", -1 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t us = -1;

		cr_expect_eq(rows[i].read(str_of(rows[i].text), &us), rows[i].us >= 0,
			"%s", rows[i].text);
		cr_expect_eq(
			us, rows[i].us, "%s gives %lld", rows[i].text, (long long)us);
	}
}

Test(util, sorts_by_the_upper_bits_and_leaves_the_rest_as_it_came)
{
	enum {
		N = 3000
	};
	static uint64_t v[N], scratch[N];
	uint64_t x = 1;

	for (unsigned bit = 0; bit <= 48; bit += 16) {
		/* The lower digits tell the order they came in, the upper ones are few. */
		for (uint64_t i = 0; i < N; i++) {
			x = x * UINT64_C(6364136223846793005) +
			    UINT64_C(1442695040888963407);
			v[i] = bit ? x >> 56 << 56 | (x >> 40 & 3) << bit | (N - i) : x;
		}
		sort_u64(v, scratch, N, bit);
		for (unsigned i = 1; i < N; i++) {
			cr_assert_leq(v[i - 1] >> bit, v[i] >> bit);
			if (bit && v[i - 1] >> bit == v[i] >> bit)
				cr_assert_gt(v[i - 1], v[i]);
		}
	}
	sort_u64(v, scratch, 0, 0);
}
