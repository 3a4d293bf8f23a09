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
	int top, bottom;   /* of the region that scrolls */
	bool feeds_return; /* a line feed also goes to the first column */
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

/* Move the rows of the region up, or down, by one. */
static void
fake_scroll(struct fake *f, bool up)
{
	for (int i = f->top; i < f->bottom; i++) {
		int to = up ? i : f->bottom - (i - f->top);
		int from = up ? to + 1 : to - 1;

		memcpy(f->cell[to], f->cell[from], sizeof(f->cell[to]));
		memcpy(f->style[to], f->style[from], sizeof(f->style[to]));
	}
	f->y = up ? f->bottom : f->top;
	fake_blank(f, 0, f->y);
}

static void
fake_write(struct fake *f, uint32_t cp, int width)
{
	cr_assert(f->y >= 0 && f->y < H && f->x >= 0 && f->x + width <= W,
		"writes at %d,%d", f->x, f->y);
	f->cell[f->y][f->x] = cp;
	f->style[f->y][f->x] = f->pen;
	if (width == 2)
		f->cell[f->y][f->x + 1] = 0;
	f->x += width;
	/* Terminals disagree on where the cursor is now. */
	if (f->x >= W)
		f->x = 1000;
}

static void
fake_control(struct fake *f, char c)
{
	if (c == '\r') {
		f->x = 0;
	} else if (c == '\b') {
		cr_assert(f->x > 0 && f->x < W, "steps back from %d", f->x);
		f->x--;
	} else if (c == '\n') {
		f->x = f->feeds_return ? 0 : f->x;
		if (f->y == f->bottom)
			fake_scroll(f, true);
		else
			f->y++;
	} else {
		cr_assert_fail("control %d", c);
	}
}

static void
fake_escape(struct fake *f, const char **p)
{
	int n[16] = { 0 }, i = 0;

	if ((*p)[1] == 'M') {
		*p += 2;
		if (f->y == f->top)
			fake_scroll(f, false);
		else
			f->y--;
		return;
	}

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
	case 'A':
		f->y -= MAX(n[0], 1);
		break;
	case 'B':
		f->y += MAX(n[0], 1);
		break;
	case 'C':
		f->x += MAX(n[0], 1);
		break;
	case 'D':
		cr_assert_lt(f->x, W);
		f->x -= MAX(n[0], 1);
		break;
	case 'G':
		f->x = MAX(n[0], 1) - 1;
		break;
	case 'd':
		f->y = MAX(n[0], 1) - 1;
		break;
	case 'r':
		f->top = MAX(n[0], 1) - 1;
		f->bottom = n[1] ? n[1] - 1 : H - 1;
		f->x = f->y = 0;
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
		if ((unsigned char)*p < ' ') {
			fake_control(f, *p++);
			continue;
		}
		text_next(&rest, &c);
		fake_write(f, c.base, c.width);
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

/* Now and then everything moves by some rows, as a table does that is scrolled. */
static void
shift(struct grid *g, int by)
{
	struct grid *old = grid_new(W, H);

	screen_copy(old, g);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			grid_put(g, x, y, grid_at(old, x, y + by));
	grid_free(old);
}

static void
expect_any_changes_shown(const struct term_caps *caps, enum depth depth)
{
	struct theme *t = theme_open("default", NULL);
	struct term_screen s = { .caps = *caps };
	struct grid *g = grid_new(W, H);
	struct fake f = { .bottom = H - 1, .feeds_return = !caps->feed };
	uint32_t seed = 3;

	for (int round = 0; round < 2000; round++) {
		scribble(g, &seed);
		if (round % 7 == 0)
			shift(g, (int)(seed >> 16) % 5 - 2);
		s.known = s.known && round % 100 != 0;
		term_screen_diff(&s, g, t, depth, CHARSET_UNICODE);
		fake_take(&f, &s.out);
		expect_shown(&f, g, t, depth);
	}
	term_screen_done(&s);
	grid_free(g);
	theme_free(t);
}

Test(diff, after_any_changes_the_terminal_shows_the_grid)
{
	static const enum depth depths[] = { DEPTH_MONO, DEPTH_16, DEPTH_256,
		DEPTH_TRUE };
	static const struct term_caps none;

	for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
		expect_any_changes_shown(&none, depths[i]);
		expect_any_changes_shown(&screen_caps, depths[i]);
	}
}

Test(diff, the_cursor_goes_the_shortest_way)
{
	static const struct {
		int x, y, to_x, to_y;
		const char *with, *without; /* what more than cup can do */
	} rows[] = {
		{ -1, -1, 0, 0, "\033[H", "\033[H" },
		{ -1, -1, 9, 0, "\033[;10H", "\033[;10H" },
		{ -1, -1, 0, 9, "\033[10H", "\033[10H" },
		{ -1, 4, 5, 4, "\033[6G", "\r\033[5C" },
		{ 5, 4, 6, 4, "\033[C", "\033[C" },
		{ 5, 4, 3, 4, "\b\b", "\b\b" },
		{ 50, 4, 0, 4, "\r", "\r" },
		{ 50, 4, 3, 4, "\033[4G", "\033[47D" },
		{ 50, 4, 46, 5, "\n\b\b\b\b", "\033[B\b\b\b\b" },
		{ 50, 4, 0, 5, "\n\r", "\033[B\r" },
		{ 50, 4, 50, 3, "\033M", "\033[A" },
		{ 50, 44, 50, 3, "\033[4d", "\033[41A" },
		{ 150, 44, 3, 13, "\033[14;4H", "\033[14;4H" },
	};
	static const struct term_caps none;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char way[TERM_WAY_MAX + 1];

		way[term_way(&screen_caps, rows[i].x, rows[i].y, rows[i].to_x,
			rows[i].to_y, way)] = '\0';
		cr_expect_str_eq(way, rows[i].with, "row %zu: %s", i, way + 1);
		way[term_way(&none, rows[i].x, rows[i].y, rows[i].to_x, rows[i].to_y,
			way)] = '\0';
		cr_expect_str_eq(way, rows[i].without, "row %zu: %s", i, way + 1);
	}
}

Test(diff, one_colour_after_the_other_when_that_is_shorter)
{
	struct theme *t = theme_open("default", NULL);
	struct term_screen s = { .caps = screen_caps };
	struct grid *g = grid_new(W, H);

	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	for (int y = 0; y < 2; y++) {
		grid_puts(g, 3, y, "1", ROLE_OK, 0);
		grid_puts(g, 8, y, "2", ROLE_WARN, 0);
	}
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[;4H\033[0;38;5;73m1\n\b1"
					   "\033[;9H\033[38;5;214m2\n\b2");
	term_screen_done(&s);
	grid_free(g);
	theme_free(t);
}

Test(diff, rows_that_moved_are_moved_by_the_terminal)
{
	struct theme *t = theme_open("default", NULL);
	struct term_screen s = { .caps = screen_caps };
	struct grid *g = grid_new(200, 50);
	uint32_t seed = 5;

	screen_fill(g, &seed);
	term_screen_diff(&s, g, t, DEPTH_TRUE, CHARSET_UNICODE);
	screen_scroll(g, 2, &seed);
	term_screen_diff(&s, g, t, DEPTH_TRUE, CHARSET_UNICODE);
	cr_expect(strstr(buf_cstr(&s.out), "\033[0m\033[3;50r\033[50H\n\033[r"));
	cr_expect_lt(s.out.n, 600);
	term_screen_done(&s);
	grid_free(g);
	theme_free(t);
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
	cr_expect_str_eq(buf_cstr(&s.out), "\033[;10H\033[0;38;5;249m41");
	grid_puts(g, 9, 0, "52 s", ROLE_TEXT, 0);
	grid_puts(g, 2, 1, "x", ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[;10H\033[0;38;5;249m52 \033[2;3Hx",
		"the short way to the next row");
	grid_fill(g, (struct rect){ 0, 0, W, 1 }, ROLE_TEXT, 0);
	term_screen_diff(&s, g, t, DEPTH_256, CHARSET_UNICODE);
	cr_expect_str_eq(buf_cstr(&s.out), "\033[H\033[0m\033[K");
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
		struct term_screen s = { .caps = screen_caps };
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
		cr_expect_leq((double)bytes, 1.3 * (double)own,
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
