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

struct worth
screen_worth(const struct grid *before, const struct grid *after, const struct theme *t,
	enum depth depth)
{
	struct style pen = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };
	struct buf code = BUF_INIT;
	struct worth sum = { 0 };

	for (int y = 0; y < grid_height(after); y++) {
		bool running = false;

		for (int x = 0; x < grid_width(after); x++) {
			struct look now = look_of(after, x, y, t, depth);
			bool changed = !alike(now, look_of(before, x, y, t, depth));

			buf_clear(&code);
			if (changed && !running)
				buf_addf(&code, "\033[%d;%dH", y + 1, x + 1);
			if (changed)
				sgr_change(&code, pen, now.style);
			running = changed;
			if (!changed)
				continue;
			pen = now.style;
			sum.cells++;
			sum.text += bytes_of(now.cp);
			sum.own += bytes_of(now.cp) + code.n;
		}
	}
	buf_done(&code);
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

void
screen_fill(struct grid *g, uint32_t *seed)
{
	grid_clear(g);
	for (int y = 0; y < grid_height(g); y++) {
		grid_glyph(g, 0, y, GLYPH_OK, ROLE_OK, 0);
		grid_puts(g, 2, y, "service-name", ROLE_TITLE, 0);
		for (int x = 16; x + 6 < grid_width(g); x += 8)
			put_number(g, x, y, 6, seed);
	}
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
screen_copy(struct grid *to, const struct grid *from)
{
	grid_resize(to, grid_width(from), grid_height(from));
	for (int y = 0; y < grid_height(from); y++)
		for (int x = 0; x < grid_width(from); x++)
			grid_put(to, x, y, grid_at(from, x, y));
}
