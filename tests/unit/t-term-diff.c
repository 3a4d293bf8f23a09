/* Cells to bytes: right, and few. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/sgr.h"

#include "../../src/term/term-impl.h"
#include "screen-kit.h"

#define W 24
#define H 6

/* A terminal that understands just what is sent; wide ones as text_width() has it. */
struct fake {
	uint32_t cell[H][W];
	struct style style[H][W], pen;
	int x, y;
	size_t bytes;
};

static int
fake_color(const int *code, int n, int *i)
{
	int base = code[*i] / 10 * 10;

	if (code[*i] % 10 == 9)
		return COLOR_DEFAULT;
	if (code[*i] % 10 != 8)
		return base >= 90 ? code[*i] - base + 8 : code[*i] - base;
	cr_assert_lt(*i + 2, n);
	if (code[*i + 1] == 5) {
		*i += 2;
		return code[*i];
	}
	cr_assert_lt(*i + 4, n);
	*i += 4;
	return 0x1000000 | code[*i - 2] << 16 | code[*i - 1] << 8 | code[*i];
}

static void
fake_sgr(struct fake *f, const int *code, int n)
{
	for (int i = 0; i < n; i++) {
		static const unsigned on[] = { 0, STYLE_BOLD, STYLE_DIM, 0,
			STYLE_UNDERLINE, STYLE_BLINK, 0, STYLE_REVERSE };
		int c = code[i];

		if (c == 0)
			f->pen = (struct style){ COLOR_DEFAULT, COLOR_DEFAULT, 0 };
		else if (c < 8)
			f->pen.attr |= on[c];
		else if (c == 22)
			f->pen.attr &= ~(unsigned)(STYLE_BOLD | STYLE_DIM);
		else if (c > 22 && c < 28)
			f->pen.attr &= ~on[c - 20];
		else if (c / 10 == 3 || c / 10 == 9)
			f->pen.fg = fake_color(code, n, &i);
		else if (c / 10 == 4 || c / 10 == 10)
			f->pen.bg = fake_color(code, n, &i);
		else
			cr_assert_fail("SGR %d", c);
	}
}

static void
fake_blank(struct fake *f, int x, int y)
{
	for (; x < W; x++) {
		f->cell[y][x] = ' ';
		f->style[y][x] = (struct style){ COLOR_DEFAULT, f->pen.bg, 0 };
	}
}

static void
fake_escape(struct fake *f, const char **p)
{
	int n[16] = { 0 }, i = 0;

	for (*p += 2; **p && strchr("0123456789;?", **p); (*p)++) {
		if (**p == ';')
			i = MIN(i + 1, 15);
		else if (**p != '?')
			n[i] = MIN(n[i] * 10 + (**p - '0'), 9999);
	}
	switch (**p) {
	case 'H':
		f->y = MAX(n[0], 1) - 1;
		f->x = MAX(n[1], 1) - 1;
		break;
	case 'C':
		f->x += MAX(n[0], 1);
		break;
	case 'K':
		fake_blank(f, f->x, f->y);
		break;
	case 'J':
		for (int y = 0; y < H; y++)
			fake_blank(f, 0, y);
		break;
	case 'm':
		fake_sgr(f, n, i + 1);
		break;
	default: /* to begin and end a frame */
		cr_assert(**p == 'h' || **p == 'l', "%c", **p);
	}
	(*p)++;
}

static void
fake_take(struct fake *f, const struct buf *out)
{
	const char *p = buf_cstr(out), *end = p + out->n;

	f->bytes = out->n;
	while (p < end) {
		struct str rest = { p, (size_t)(end - p) };
		struct cluster c;

		if (*p == '\033') {
			fake_escape(f, &p);
			continue;
		}
		if (*p == '\r' || *p == '\n') {
			f->x = *p == '\r' ? 0 : f->x;
			f->y += *p++ == '\n';
			continue;
		}
		text_next(&rest, &c);
		cr_assert(f->y >= 0 && f->y < H && f->x >= 0 && f->x + c.width <= W,
			"writes at %d,%d", f->x, f->y);
		f->cell[f->y][f->x] = c.base;
		f->style[f->y][f->x] = f->pen;
		if (c.width == 2)
			f->cell[f->y][f->x + 1] = 0;
		f->x += c.width;
		p = rest.p;
	}
}

static void
expect_shown(const struct fake *f, const struct grid *g, const struct theme *t,
	enum depth depth)
{
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			struct cell c = grid_at(g, x, y);
			uint32_t cp = cell_codepoint(c, CHARSET_UNICODE);
			struct style want =
				theme_style(t, depth, (enum role)c.role, c.attr);
			struct style got = f->style[y][x];

			cr_assert_eq(f->cell[y][x], cp, "at %d,%d", x, y);
			if (cp && cp != ' ')
				cr_assert(style_equal(got, want), "style at %d,%d", x, y);
			/* Of a blank only its ground is seen, or its underline. */
			if (cp == ' ') {
				cr_assert_eq(got.bg, want.bg, "ground at %d,%d", x, y);
				cr_assert_eq((got.attr ^ want.attr) &
						     (STYLE_REVERSE | STYLE_UNDERLINE),
					0);
			}
		}
}

static void
scribble(struct grid *g, uint32_t *seed)
{
	static const char *const texts[] = { "a", "\xe6\x94\xaf\xe4\xbb\x98", "checkout",
		"e\xcc\x81", "    ", "\xf0\x9f\x9a\x80",
		"                              " };

	for (int i = 0; i < 4; i++) {
		int x, y;

		*seed = *seed * 1664525 + 1013904223;
		x = (int)(*seed >> 8) % (W + 4) - 2;
		y = (int)(*seed >> 16 & 0xff) % H;
		if (*seed & 0x80000000)
			grid_puts(g, x, y, texts[(*seed >> 25) % ARRAY_LEN(texts)],
				(enum role)((*seed >> 28) % ROLE_COUNT),
				*seed >> 12 & 63);
		else
			grid_hline(g, x, y, 5, WEIGHT_HEAVY, ROLE_EDGE_CRIT);
	}
}

Test(diff, after_any_changes_the_terminal_shows_the_grid)
{
	static const enum depth depths[] = { DEPTH_MONO, DEPTH_16, DEPTH_256,
		DEPTH_TRUE };

	for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
		struct theme *t = theme_open("default", NULL);
		struct term_screen s = { 0 };
		struct grid *g = grid_new(W, H);
		struct fake f = { 0 };
		uint32_t seed = 3;

		for (int round = 0; round < 2000; round++) {
			scribble(g, &seed);
			s.known = s.known && round % 100 != 0;
			term_screen_diff(&s, g, t, depths[i], CHARSET_UNICODE);
			fake_take(&f, &s.out);
			expect_shown(&f, g, t, depths[i]);
		}
		term_screen_done(&s);
		grid_free(g);
		theme_free(t);
	}
}

Test(diff, nothing_is_sent_when_nothing_changed_and_little_when_little_did)
{
	struct theme *t = theme_open("default", NULL);
	struct term_screen s = { 0 };
	struct grid *g = grid_new(W, H);
	size_t first;

	grid_puts(g, 0, 0, "checkout 38ms", ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	first = s.out.n;
	cr_expect_geq(first, strlen("checkout 38ms"));
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_eq(s.out.n, 0);
	grid_set_role(g, (struct rect){ 0, 3, W, 3 }, ROLE_CRIT);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_eq(s.out.n, 0, "blanks have no colour");
	grid_puts(g, 9, 0, "41ms", ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[1;10H\033[0;38;5;249m41");
	grid_puts(g, 9, 0, "52 s", ROLE_TEXT, 0);
	grid_puts(g, 2, 1, "x", ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[1;10H\033[0;38;5;249m52 \r\n\033[2Cx",
		"the short way to the next row");
	grid_fill(g, (struct rect){ 0, 0, W, 1 }, ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[1H\033[0m\033[K");
	s.known = false;
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect(strstr(buf_cstr(&s.out), "\033[2J"));
	term_screen_done(&s);
	grid_free(g);
	theme_free(t);
}

Test(diff, a_frame_has_hardly_more_bytes_than_the_changed_cells_are_worth)
{
	static const int widths[] = { 1, 3, 6, 20, 200 };
	struct theme *t = theme_open("default", NULL);

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		struct grid *before = grid_new(200, 50), *g = grid_new(200, 50);
		struct term_screen s = { 0 };
		size_t bytes = 0, own = 0;
		uint32_t seed = 5;

		screen_fill(g, &seed);
		term_screen_diff(&s, g, t, DEPTH_TRUE, CHARSET_UNICODE);
		for (int frame = 0; frame < 10; frame++) {
			screen_copy(before, g);
			screen_change(g, widths[i], 10, &seed);
			term_screen_diff(&s, g, t, DEPTH_TRUE, CHARSET_UNICODE);
			bytes += s.out.n;
			own += screen_worth(before, g, t, DEPTH_TRUE).own;
		}
		cr_expect_leq((double)bytes, 1.1 * (double)own,
			"in fields of %d: %zu for %zu", widths[i], bytes, own);
		grid_free(before);
		grid_free(g);
		term_screen_done(&s);
	}
	theme_free(t);
}

Test(diff, a_change_of_style_is_told_in_the_fewest_codes)
{
	static const struct {
		struct style from, to;
		const char *text;
	} rows[] = {
		{ { 1, -1, 0 }, { 2, -1, 0 }, "\033[32m" },
		{ { 1, -1, 0 }, { 1, -1, STYLE_BOLD }, "\033[1m" },
		{ { 1, 4, STYLE_BOLD }, { -1, -1, 0 }, "\033[0m" },
		{ { 0x1010203, 4, STYLE_BOLD | STYLE_UNDERLINE },
			{ 0x1010203, 4, STYLE_UNDERLINE }, "\033[22m" },
		{ { 200, 100, STYLE_BOLD | STYLE_DIM }, { 200, 100, STYLE_DIM },
			"\033[22;2m" },
		{ { 200, 100, STYLE_REVERSE }, { 200, -1, 0 }, "\033[27;49m" },
		{ { 7, 7, 7 }, { 7, 7, 7 }, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		sgr_change(&b, rows[i].from, rows[i].to);
		cr_expect_str_eq(buf_cstr(&b), rows[i].text, "row %zu: %s", i,
			buf_cstr(&b) + (b.n > 0));
		buf_done(&b);
	}
}
