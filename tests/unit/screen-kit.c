#include "config.h"

#include "screen-kit.h"

#include <stdio.h>

#include "weir/base/util.h"
#include "weir/draw/sgr.h"

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct look {
	uint32_t cp;
	struct style style;
};

static struct look
look_of(const struct grid *g, int x, int y, const struct theme *t, enum depth depth)
{
	struct cell c = grid_at(g, x, y);

	return (struct look){ cell_codepoint(c, CHARSET_UNICODE),
		theme_style(t, depth, (enum role)c.role, c.attr) };
}

/* Of a blank only its ground is seen. */
static bool
alike(struct look a, struct look b)
{
	bool blank = a.cp == ' ' && a.style.bg == b.style.bg &&
		     !((a.style.attr | b.style.attr) & (STYLE_REVERSE | STYLE_UNDERLINE));

	return a.cp == b.cp && (blank || style_equal(a.style, b.style));
}

static size_t
bytes_of(uint32_t cp)
{
	return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

const struct term_caps screen_caps = {
	.feed = true, .reverse_feed = true, .column = true, .row = true, .region = true
};

/* Bytes to tell a style for the first time; 0 when it was told before. */
static size_t
tell(struct style s, struct style *told, size_t *n)
{
	struct buf code = BUF_INIT;
	size_t bytes;

	for (size_t i = 0; i < *n; i++)
		if (style_equal(told[i], s))
			return 0;
	sgr_change(&code, told[*n - 1], s);
	told[(*n)++] = s;
	bytes = code.n;
	buf_done(&code);
	return bytes;
}

struct worth
screen_worth(const struct grid *before, const struct grid *after, const struct theme *t,
	enum depth depth)
{
	struct style told[ROLE_COUNT * ATTR_SETS] = { { COLOR_DEFAULT, COLOR_DEFAULT,
		0 } };
	size_t styles = 1;
	struct worth sum = { 0 };
	int pen_x = -1, pen_y = -1;

	for (int y = 0; y < grid_height(after); y++)
		for (int x = 0; x < grid_width(after); x++) {
			struct look now = look_of(after, x, y, t, depth);
			char way[TERM_WAY_MAX];

			if (alike(now, look_of(before, x, y, t, depth)))
				continue;
			if (x != pen_x || y != pen_y)
				sum.own +=
					term_way(&screen_caps, pen_x, pen_y, x, y, way);
			pen_x = x + 1 < grid_width(after) ? x + 1 : -1;
			pen_y = y;
			if (now.cp != ' ' || now.style.bg != COLOR_DEFAULT)
				sum.own += tell(now.style, told, &styles);
			sum.cells++;
			sum.text += bytes_of(now.cp);
			sum.own += bytes_of(now.cp);
		}
	return sum;
}

static void
put_number(struct grid *g, int x, int y, int width, uint32_t *seed)
{
	static const enum role roles[] = { ROLE_TEXT, ROLE_TEXT, ROLE_TEXT, ROLE_DIM,
		ROLE_WARN, ROLE_CRIT };
	enum role role = roles[next(seed) % ARRAY_LEN(roles)];
	char text[2] = "";

	for (int i = 0; i < width; i++) {
		text[0] = (char)('0' + next(seed) % 10);
		grid_puts(g, x + i, y, text, role, 0);
	}
}

static void
fill_row(struct grid *g, int y, uint32_t *seed)
{
	char name[32];

	grid_fill(g, (struct rect){ 0, y, grid_width(g), 1 }, ROLE_TEXT, 0);
	grid_glyph(g, 0, y, GLYPH_OK, ROLE_OK, 0);
	snprintf(name, sizeof(name), "service-%u", next(seed) % 1000);
	grid_puts(g, 2, y, name, ROLE_TITLE, 0);
	for (int x = 16; x + 6 < grid_width(g); x += 8)
		put_number(g, x, y, 6, seed);
}

void
screen_fill(struct grid *g, uint32_t *seed)
{
	grid_clear(g);
	for (int y = 0; y < grid_height(g); y++)
		fill_row(g, y, seed);
}

void
screen_change(struct grid *g, int width, int percent, uint32_t *seed)
{
	int w = grid_width(g), h = grid_height(g), fields = w * h * percent / 100 / width;

	for (int i = 0; i < fields; i++)
		put_number(g, (int)(next(seed) % (uint32_t)MAX(w - width + 1, 1)),
			(int)(next(seed) % (uint32_t)h), width, seed);
}

void
screen_scroll(struct grid *g, int top, uint32_t *seed)
{
	for (int y = top; y + 1 < grid_height(g); y++)
		for (int x = 0; x < grid_width(g); x++)
			grid_put(g, x, y, grid_at(g, x, y + 1));
	fill_row(g, grid_height(g) - 1, seed);
}

void
screen_copy(struct grid *to, const struct grid *from)
{
	grid_resize(to, grid_width(from), grid_height(from));
	for (int y = 0; y < grid_height(from); y++)
		for (int x = 0; x < grid_width(from); x++)
			grid_put(to, x, y, grid_at(from, x, y));
}
