#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"
#include "weir/draw/grid.h"

enum plane {
	GLYPHS,
	ASCII,
	ROLES
};

static void
expect_plane_at(int line, const struct grid *g, enum plane plane, const char *want)
{
	struct buf b = BUF_INIT;

	if (plane == ROLES)
		grid_role_plane(g, &b);
	else
		grid_glyph_plane(g, plane == ASCII, &b);
	cr_expect_str_eq(buf_cstr(&b), want, "line %d, got:\n%swanted:\n%s", line,
		buf_cstr(&b), want);
	buf_done(&b);
}

#define expect_plane(g, plane, want) expect_plane_at(__LINE__, g, plane, want)

Test(grid, crossing_lines_join_and_the_worse_role_wins)
{
	struct grid *g = grid_new(5, 3);

	grid_vline(g, 2, 0, 3, WEIGHT_HEAVY, ROLE_EDGE_CRIT);
	grid_hline(g, 0, 1, 5, WEIGHT_LIGHT, ROLE_EDGE_OK);
	expect_plane(g, GLYPHS,
		"  ┃\n"
		"──╂──\n"
		"  ┃\n");
	expect_plane(g, ASCII,
		"  #\n"
		"--+--\n"
		"  #\n");
	expect_plane(g, ROLES,
		"..4\n"
		"22422\n"
		"..4\n");
	grid_free(g);
}

Test(grid, a_frame_is_round_when_light_and_square_when_heavy)
{
	struct grid *g = grid_new(10, 4);

	grid_box(g, (struct rect){ 0, 0, 4, 3 }, WEIGHT_LIGHT, ROLE_BORDER);
	grid_box(g, (struct rect){ 5, 1, 5, 3 }, WEIGHT_HEAVY, ROLE_CRIT);
	grid_box(g, (struct rect){ 0, 3, 1, 1 }, WEIGHT_HEAVY, ROLE_CRIT);
	expect_plane(g, GLYPHS,
		"╭──╮\n"
		"│  │ ┏━━━┓\n"
		"╰──╯ ┃   ┃\n"
		"     ┗━━━┛\n");
	expect_plane(g, ASCII,
		"+--+\n"
		"|  | +===+\n"
		"+--+ #   #\n"
		"     +===+\n");
	grid_free(g);
}

Test(grid, dots_stay_dots_only_where_nothing_joins_them)
{
	struct grid *g = grid_new(6, 3);

	grid_hline(g, 0, 1, 6, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	grid_vline(g, 4, 0, 3, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	grid_hline(g, 0, 1, 2, WEIGHT_LIGHT, ROLE_EDGE_OK);
	expect_plane(g, GLYPHS,
		"    ┆\n"
		"──┄┄┼┄\n"
		"    ┆\n");
	expect_plane(g, ASCII,
		"    :\n"
		"--..+.\n"
		"    :\n");
	expect_plane(g, ROLES,
		"....1\n"
		"221111\n"
		"....1\n");
	grid_free(g);
}

/* What the name of a box character says about its arms, spot checks of all kinds. */
Test(grid, each_of_the_81_arm_combinations_has_a_character_of_its_own)
{
	static const uint8_t weight[] = { WEIGHT_NONE, WEIGHT_LIGHT, WEIGHT_HEAVY };
	static const struct {
		uint8_t up, down, left, right;
		uint32_t cp;
	} spots[] = {
		{ 0, 0, 1, 1, 0x2500 },
		{ 2, 2, 0, 0, 0x2503 },
		{ 0, 1, 0, 1, 0x250c },
		{ 2, 0, 2, 0, 0x251b },
		{ 1, 2, 0, 2, 0x2522 },
		{ 1, 1, 1, 2, 0x253e },
		{ 0, 0, 1, 2, 0x257c },
		{ 2, 1, 2, 1, 0x2543 },
		{ 2, 2, 2, 2, 0x254b },
		{ 1, 0, 0, 0, 0x2575 },
	};
	uint32_t seen[81];

	for (unsigned i = 0; i < 81; i++) {
		struct cell c = { .kind = CELL_LINE,
			.arm = { weight[i / 27], weight[i / 9 % 3], weight[i / 3 % 3],
				weight[i % 3] } };
		uint32_t ascii = cell_codepoint(c, true);

		seen[i] = cell_codepoint(c, false);
		cr_expect(i == 0 ? seen[i] == ' ' : seen[i] >= 0x2500 && seen[i] < 0x2580,
			"combination %u", i);
		cr_expect(ascii >= ' ' && ascii < 0x7f);
		for (unsigned j = 0; j < i; j++)
			cr_expect_neq(seen[i], seen[j], "%u and %u are alike", i, j);
	}
	for (size_t i = 0; i < ARRAY_LEN(spots); i++)
		cr_expect_eq(
			seen[((spots[i].up * 3 + spots[i].down) * 3 + spots[i].left) * 3 +
				spots[i].right],
			spots[i].cp, "U+%04X", spots[i].cp);
}

Test(grid, a_safe_reader_gets_only_what_is_as_wide_everywhere)
{
	struct grid *g = grid_new(24, 1);
	static const char *const want[] = {
		[CHARSET_UNICODE] = ("\xe2\x97\x8f\xe2\x94\x81\xe2\x94\x84 "
				     "\xe6\x94\xaf\xe4\xbb\x98 caf\xc3\xa9 e\xcc\x81 "
				     "\xd0\xb6 \xe2\x86\x92\n"),
		[CHARSET_ASCII] = "o=. ???? cafe e ? >\n",
		[CHARSET_SAFE] = "o=. \xe6\x94\xaf\xe4\xbb\x98 cafe e ? >\n",
		[CHARSET_SAFE_LINES] = ("o\xe2\x94\x81\xe2\x94\x84 "
					"\xe6\x94\xaf\xe4\xbb\x98 cafe e ? >\n"),
	};

	grid_glyph(g, 0, 0, GLYPH_OK, ROLE_OK, 0);
	grid_hline(g, 1, 0, 1, WEIGHT_HEAVY, ROLE_EDGE_CRIT);
	grid_hline(g, 2, 0, 1, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	grid_puts(g, 4, 0,
		"\xe6\x94\xaf\xe4\xbb\x98 caf\xc3\xa9 e\xcc\x81 \xd0\xb6 "
		"\xe2\x86\x92",
		ROLE_TEXT, 0);
	for (size_t set = 0; set < ARRAY_LEN(want); set++) {
		struct buf b = BUF_INIT;

		grid_glyph_plane(g, (enum charset)set, &b);
		cr_expect_str_eq(buf_cstr(&b), want[set]);
		buf_done(&b);
	}
	grid_free(g);
}

Test(grid, light_corners_become_arcs_only_when_asked)
{
	struct grid *g = grid_new(8, 1);
	static const uint8_t corner[][ARM_COUNT] = {
		{ 0, WEIGHT_LIGHT, 0, WEIGHT_LIGHT },
		{ 0, WEIGHT_LIGHT, WEIGHT_DOTTED, 0 },
		{ WEIGHT_LIGHT, 0, 0, WEIGHT_LIGHT },
		{ WEIGHT_LIGHT, 0, WEIGHT_LIGHT, 0 },
	};

	for (int i = 0; i < 4; i++) {
		grid_arms(g, i, 0, corner[i], ROLE_EDGE_OK, true);
		grid_arms(g, i + 4, 0, corner[i], ROLE_EDGE_OK, false);
	}
	expect_plane(g, GLYPHS, "╭╮╰╯┌┐└┘\n");
	grid_free(g);
}

Test(grid, nothing_is_painted_outside_the_clip)
{
	struct grid *g = grid_new(8, 3);
	struct rect before = grid_clip(g, (struct rect){ 2, 1, 3, 1 });

	cr_expect_eq(grid_puts(g, 0, 1, "abcdefgh", ROLE_TITLE, 0), 8);
	cr_expect_eq(grid_puts(g, 0, 0, "abcdefgh", ROLE_TITLE, 0), 8);
	grid_fill(g, (struct rect){ -5, -5, 100, 6 }, ROLE_BAR, 0);
	grid_hline(g, -10, 2, 100, WEIGHT_LIGHT, ROLE_EDGE_OK);
	grid_glyph(g, 7, 1, GLYPH_CRIT, ROLE_CRIT, 0);
	grid_set_role(g, (struct rect){ 4, 0, 9, 9 }, ROLE_MATCH);
	grid_clip(g, before);
	expect_plane(g, GLYPHS,
		"\n"
		"  cde\n"
		"\n");
	expect_plane(g, ROLES,
		"\n"
		"..ttm\n"
		"\n");
	grid_puts(g, INT32_MAX - 2, 1, "over the edge", ROLE_TEXT, 0);
	grid_puts(g, -3, INT32_MIN, "over the edge", ROLE_TEXT, 0);
	grid_fill(g, (struct rect){ 7, 2, INT32_MAX, INT32_MAX }, ROLE_BAR, 0);
	grid_free(g);
}

Test(grid, a_wide_cluster_is_whole_or_blank)
{
	struct grid *g = grid_new(8, 4);

	grid_puts(g, 0, 0, "支付ab", ROLE_TEXT, 0);
	grid_puts(g, 0, 1, "支付ab", ROLE_TEXT, 0);
	grid_puts(g, 1, 1, "x", ROLE_TEXT, 0); /* right half of the first */
	grid_puts(g, 2, 1, "y", ROLE_TEXT, 0); /* left half of the second */
	grid_puts(g, 7, 2, "支", ROLE_TEXT, 0);
	grid_puts(g, -1, 3, "支付", ROLE_TEXT, 0);
	expect_plane(g, GLYPHS,
		"支付ab\n"
		" xy ab\n"
		"\n"
		" 付\n");
	expect_plane(g, ASCII,
		"????ab\n"
		" xy ab\n"
		"\n"
		" ??\n");
	grid_free(g);
}

Test(grid, a_combining_mark_shares_its_cell)
{
	struct grid *g = grid_new(6, 1);

	cr_expect_eq(grid_puts(g, 0, 0, "cafe\xcc\x81!", ROLE_TEXT, 0), 5);
	expect_plane(g, GLYPHS, "cafe\xcc\x81!\n");
	expect_plane(g, ASCII, "cafe!\n");
	grid_free(g);
}

Test(grid, unsafe_text_comes_out_harmless)
{
	struct grid *g = grid_new(12, 2);

	grid_puts(g, 0, 0, "\033[2J\r\b\n\t\xe2\x80\xae\xff", ROLE_TEXT, 0);
	grid_put(g, 0, 1, (struct cell){ .kind = CELL_TEXT, .base = 0x1b });
	grid_put(g, 1, 1, (struct cell){ .kind = CELL_TEXT, .base = 0x202e });
	grid_put(g, 2, 1, (struct cell){ .kind = CELL_TEXT, .base = 0xd800 });
	grid_put(g, 3, 1, (struct cell){ .kind = CELL_FOLLOWER });
	grid_put(g, 4, 1, (struct cell){ .kind = CELL_TEXT, .base = 0x652f });
	grid_put(g, 5, 1, (struct cell){ .kind = CELL_TEXT, .base = 'e', .mark = 0x301 });
	expect_plane(g, GLYPHS,
		"?[2J??????\n"
		"???  e\xcc\x81\n");
	grid_free(g);
}

Test(grid, fitting_and_right_alignment_count_cells)
{
	struct grid *g = grid_new(12, 2);

	cr_expect_eq(grid_fit(g, 0, 0, 9, STR("recommendation"), ROLE_TEXT, 0), 9);
	grid_right(g, 12, 1, "支ms", ROLE_TEXT, 0);
	expect_plane(g, GLYPHS,
		"recomm…on\n"
		"        支ms\n");
	expect_plane(g, ASCII,
		"recomm~on\n"
		"        ??ms\n");
	grid_free(g);
}

Test(grid, resizing_blanks_and_any_size_is_survived)
{
	static const int sizes[][2] = { { 0, 0 }, { 1, 1 }, { 300, 2 }, { -4, 7 },
		{ 5, 5 }, { 100000, 1 } };
	struct grid *g = grid_new(3, 3);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		grid_puts(g, 0, 0, "支付", ROLE_TEXT, 0);
		grid_resize(g, sizes[i][0], sizes[i][1]);
		grid_box(g, (struct rect){ 0, 0, 9, 9 }, WEIGHT_LIGHT, ROLE_BORDER);
		cr_expect_eq(grid_at(g, -1, 0).kind, CELL_BLANK);
		cr_expect_eq(grid_at(g, grid_width(g), 0).kind, CELL_BLANK);
	}
	grid_free(g);
}

Test(fmt, numbers_are_short_and_rounding_never_widens_them)
{
	static const struct {
		double rate;
		const char *want;
	} rates[] = {
		{ NAN, "-" },
		{ INFINITY, "-" },
		{ 0, "0/s" },
		{ 0.001, "<0.1/s" },
		{ 0.05, "0.1/s" },
		{ 9.94, "9.9/s" },
		{ 9.96, "10/s" },
		{ 412.4, "412/s" },
		{ 999.6, "1.0k/s" },
		{ 1234, "1.2k/s" },
		{ 999499, "999k/s" },
		{ 999501, "1.0M/s" },
		{ 1e300, ">999T" },
	};
	static const struct {
		int64_t us;
		const char *want;
	} durations[] = {
		{ -1, "-" },
		{ 0, "0\xc2\xb5s" },
		{ 950, "950\xc2\xb5s" },
		{ 1000, "1.0ms" },
		{ 9950, "10ms" },
		{ 38400, "38ms" },
		{ 999499, "999ms" },
		{ 999500, "1.0s" },
		{ 1600000, "1.6s" },
		{ 42000000, "42s" },
		{ 119500000, "2m" },
		{ 3600000000, "1.0h" },
		{ 90000000000, "25h" },
		{ 259200000000, "3d" },
		{ INT64_MAX, ">999T" },
	};
	static const struct {
		double ratio;
		const char *want;
	} ratios[] = {
		{ NAN, "-" },
		{ 0, "0%" },
		{ 0.0001, "<0.1%" },
		{ 0.031, "3.1%" },
		{ 0.0996, "10%" },
		{ 0.9949, "99%" },
		{ 0.9999, ">99%" },
		{ 1, "100%" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		cr_expect_str_eq(fmt_rate(rates[i].rate).s, rates[i].want);
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		cr_expect_str_eq(fmt_duration(durations[i].us).s, durations[i].want);
	for (size_t i = 0; i < ARRAY_LEN(ratios); i++)
		cr_expect_str_eq(fmt_percent(ratios[i].ratio).s, ratios[i].want);
	cr_expect_str_eq(fmt_count(9999).s, "9999");
	cr_expect_str_eq(fmt_count(10000).s, "10k");
	cr_expect_str_eq(fmt_count(1234567).s, "1.2M");
	cr_expect_str_eq(fmt_bytes(-1).s, "-");
	cr_expect_str_eq(fmt_bytes(999).s, "999B");
	cr_expect_str_eq(fmt_bytes(1234).s, "1.2kB");
	cr_expect_str_eq(fmt_age(400000).s, "<1s");
	cr_expect_str_eq(fmt_age(12900000).s, "12s");
	cr_expect_str_eq(fmt_age(3100000).s, "3s");
	cr_expect_str_eq(fmt_upper(500000).s, "\xe2\x89\xa4"
					      "500ms");
}

Test(fmt, no_value_is_wider_than_promised)
{
	for (double v = 1e-9; v < 1e19; v *= 1.0137) {
		const struct fmt all[] = { fmt_rate(v), fmt_percent(v),
			fmt_count((uint64_t)v), fmt_bytes((int64_t)MIN(v, 9e18)),
			fmt_upper((int64_t)MIN(v, 9e18)),
			fmt_age((int64_t)MIN(v, 9e18)) };

		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			cr_expect_leq(text_width(str_of(all[i].s)), FMT_CELLS, "%s of %g",
				all[i].s, v);
	}
}
