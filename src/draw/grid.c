/*
 * Every write goes through one place, set_cell(), which keeps the one invariant
 * that is easy to break: a wide cluster is a lead and a follower, both or neither.
 */
#include "config.h"

#include "weir/draw/grid.h"

#include <assert.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

/* A terminal claiming more is lying; the product must also stay far from overflow. */
#define GRID_MAX_SIDE 2000

struct grid {
	int w, h;
	struct rect clip;
	struct cell *cell; /* w * h, row by row */
	size_t cap;
	struct buf scratch; /* for fitting text without allocating each time */
};

static const struct cell blank = { .kind = CELL_BLANK, .role = ROLE_TEXT };

static struct rect
intersect(struct rect a, struct rect b)
{
	int x0 = MAX(a.x, b.x), y0 = MAX(a.y, b.y);
	int64_t x1 = MIN((int64_t)a.x + a.w, (int64_t)b.x + b.w);
	int64_t y1 = MIN((int64_t)a.y + a.h, (int64_t)b.y + b.h);

	return (struct rect){ x0, y0, x1 > x0 ? (int)(x1 - x0) : 0,
		y1 > y0 ? (int)(y1 - y0) : 0 };
}

static bool
within(struct rect r, int x, int y)
{
	return x >= r.x && y >= r.y && x - r.x < r.w && y - r.y < r.h;
}

struct grid *
grid_new(int w, int h)
{
	struct grid *g = xcalloc(1, sizeof(*g));

	grid_resize(g, w, h);
	return g;
}

void
grid_free(struct grid *g)
{
	if (!g)
		return;
	buf_done(&g->scratch);
	free(g->cell);
	free(g);
}

void
grid_resize(struct grid *g, int w, int h)
{
	size_t need;

	g->w = CLAMP(w, 0, GRID_MAX_SIDE);
	g->h = CLAMP(h, 0, GRID_MAX_SIDE);
	need = (size_t)g->w * (size_t)g->h;
	if (need > g->cap) {
		g->cell = xreallocarray(g->cell, need, sizeof(*g->cell));
		g->cap = need;
	}
	g->clip = (struct rect){ 0, 0, g->w, g->h };
	grid_clear(g);
}

void
grid_clear(struct grid *g)
{
	size_t n = (size_t)g->w * (size_t)g->h;

	for (size_t i = 0; i < n; i++)
		g->cell[i] = blank;
}

int
grid_width(const struct grid *g)
{
	return g->w;
}

int
grid_height(const struct grid *g)
{
	return g->h;
}

struct rect
grid_clip(struct grid *g, struct rect r)
{
	struct rect before = g->clip;

	g->clip = intersect(r, (struct rect){ 0, 0, g->w, g->h });
	return before;
}

struct cell
grid_at(const struct grid *g, int x, int y)
{
	if (!within((struct rect){ 0, 0, g->w, g->h }, x, y))
		return blank;
	return g->cell[(size_t)y * (size_t)g->w + (size_t)x];
}

const struct cell *
grid_row(const struct grid *g, int y)
{
	assert(y >= 0 && y < g->h);
	return &g->cell[(size_t)y * (size_t)g->w];
}

static struct cell *
cell_ref(struct grid *g, int x, int y)
{
	return &g->cell[(size_t)y * (size_t)g->w + (size_t)x];
}

/*
 * Turn the cell at (x, y), which is about to be overwritten, into one on its own:
 * the other half of a wide cluster becomes a blank, wherever the clip is.
 */
static void
split(struct grid *g, int x, int y)
{
	struct cell *c = cell_ref(g, x, y);

	if (c->kind == CELL_FOLLOWER && x > 0) {
		c[-1].kind = CELL_BLANK;
		c[-1].base = c[-1].mark = 0;
	} else if (x + 1 < g->w && c[1].kind == CELL_FOLLOWER) {
		c[1].kind = CELL_BLANK;
	}
}

static void
set_cell(struct grid *g, int x, int y, struct cell c)
{
	if (!within(g->clip, x, y))
		return;
	split(g, x, y);
	*cell_ref(g, x, y) = c;
}

static void
set_cluster(struct grid *g, int x, int y, struct cluster cl, struct cell c)
{
	c.kind = CELL_TEXT;
	c.base = cl.base;
	c.mark = cl.mark;
	if (cl.base == ' ' && !cl.mark)
		c.kind = CELL_BLANK, c.base = 0;
	if (cl.width < 2) {
		set_cell(g, x, y, c);
		return;
	}
	if (within(g->clip, x, y) && within(g->clip, x + 1, y)) {
		set_cell(g, x, y, c);
		set_cell(g, x + 1, y,
			(struct cell){ CELL_FOLLOWER, .role = c.role, .attr = c.attr });
		return;
	}
	c.kind = CELL_BLANK;
	c.base = c.mark = 0;
	set_cell(g, x, y, c);
	set_cell(g, x + 1, y, c);
}

int
grid_text(struct grid *g, int x, int y, struct str s, enum role role, unsigned attr)
{
	struct cell c = { .role = (uint8_t)role, .attr = (uint8_t)attr };
	int end = g->clip.x + g->clip.w;
	struct cluster cl;
	int at = x;

	if (y < g->clip.y || y >= g->clip.y + g->clip.h)
		return text_width(s);
	while (at < end && text_next(&s, &cl)) {
		set_cluster(g, at, y, cl, c);
		at += cl.width;
	}
	return at - x + (s.n ? text_width(s) : 0);
}

int
grid_puts(struct grid *g, int x, int y, const char *s, enum role role, unsigned attr)
{
	return grid_text(g, x, y, str_of(s), role, attr);
}

int
grid_fit(struct grid *g, int x, int y, int width, struct str s, enum role role,
	unsigned attr)
{
	buf_clear(&g->scratch);
	text_fit(&g->scratch, s, width);
	return grid_text(g, x, y, buf_str(&g->scratch), role, attr);
}

int
grid_right(struct grid *g, int x_end, int y, const char *s, enum role role, unsigned attr)
{
	struct str text = str_of(s);

	return grid_text(g, x_end - text_width(text), y, text, role, attr);
}

void
grid_glyph(struct grid *g, int x, int y, enum glyph gl, enum role role, unsigned attr)
{
	set_cell(g, x, y,
		(struct cell){ .kind = CELL_GLYPH,
			.role = (uint8_t)role,
			.attr = (uint8_t)attr,
			.base = gl });
}

void
grid_fill(struct grid *g, struct rect r, enum role role, unsigned attr)
{
	struct cell c = { .role = (uint8_t)role, .attr = (uint8_t)attr };

	r = intersect(r, g->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			set_cell(g, x, y, c);
}

void
grid_set_role(struct grid *g, struct rect r, enum role role)
{
	r = intersect(r, g->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			cell_ref(g, x, y)->role = (uint8_t)role;
}

void
grid_add_attr(struct grid *g, struct rect r, unsigned attr)
{
	r = intersect(r, g->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			cell_ref(g, x, y)->attr |= (uint8_t)attr;
}

static bool
is_edge(unsigned role)
{
	return role >= ROLE_EDGE_IDLE && role <= ROLE_EDGE_CRIT;
}

void
grid_arms(struct grid *g, int x, int y, const uint8_t arm[ARM_COUNT], enum role role,
	bool round)
{
	struct cell c = { .kind = CELL_LINE, .role = (uint8_t)role, .round = round };
	struct cell old;

	if (!within(g->clip, x, y))
		return;
	for (int i = 0; i < ARM_COUNT; i++)
		c.arm[i] = arm[i];
	old = *cell_ref(g, x, y);
	if (old.kind == CELL_LINE) {
		for (int i = 0; i < ARM_COUNT; i++)
			c.arm[i] = MAX(c.arm[i], old.arm[i]);
		if (is_edge(role) && is_edge(old.role))
			c.role = MAX(c.role, old.role);
		c.round |= old.round;
		c.attr = old.attr;
	}
	set_cell(g, x, y, c);
}

void
grid_put(struct grid *g, int x, int y, struct cell c)
{
	struct buf *b = &g->scratch;
	struct str s;
	struct cluster cl;

	assert(c.role < ROLE_COUNT);
	if (c.kind == CELL_FOLLOWER)
		c = (struct cell){ .role = c.role, .attr = c.attr };
	if (c.kind != CELL_TEXT) {
		set_cell(g, x, y, c);
		return;
	}
	/* Through the gate again: a hand-made cell is as suspect as any text. */
	buf_clear(b);
	buf_add_utf8(b, c.base);
	if (c.mark)
		buf_add_utf8(b, c.mark);
	s = buf_str(b);
	if (text_next(&s, &cl))
		set_cluster(g, x, y, cl, c);
}

void
grid_hline(struct grid *g, int x, int y, int w, enum weight weight, enum role role)
{
	uint8_t wt = (uint8_t)weight;

	for (int i = 0; i < w; i++)
		grid_arms(g, x + i, y, (uint8_t[ARM_COUNT]){ 0, 0, wt, wt }, role, false);
}

void
grid_vline(struct grid *g, int x, int y, int h, enum weight weight, enum role role)
{
	uint8_t wt = (uint8_t)weight;

	for (int i = 0; i < h; i++)
		grid_arms(g, x, y + i, (uint8_t[ARM_COUNT]){ wt, wt, 0, 0 }, role, false);
}

void
grid_box(struct grid *g, struct rect r, enum weight weight, enum role role)
{
	uint8_t w = (uint8_t)weight;
	int x1 = r.x + r.w - 1, y1 = r.y + r.h - 1;

	if (r.w < 2 || r.h < 2)
		return;
	grid_arms(g, r.x, r.y, (uint8_t[ARM_COUNT]){ 0, w, 0, w }, role, true);
	grid_arms(g, x1, r.y, (uint8_t[ARM_COUNT]){ 0, w, w, 0 }, role, true);
	grid_arms(g, r.x, y1, (uint8_t[ARM_COUNT]){ w, 0, 0, w }, role, true);
	grid_arms(g, x1, y1, (uint8_t[ARM_COUNT]){ w, 0, w, 0 }, role, true);
	grid_hline(g, r.x + 1, r.y, r.w - 2, weight, role);
	grid_hline(g, r.x + 1, y1, r.w - 2, weight, role);
	grid_vline(g, r.x, r.y + 1, r.h - 2, weight, role);
	grid_vline(g, x1, r.y + 1, r.h - 2, weight, role);
}
