/*
 * grid - off-screen cells, the only thing a view can paint on.
 *
 * A cell holds either text (one cluster), a glyph of glyphs.def, or a set of line
 * arms; and a role, never a colour. Line arms are merged per cell as they are
 * drawn and the box character is looked up when the grid is read, in the charset of
 * the reader: so the terminal, ANSI, text and tests are readers of one grid.
 *
 * Everything is clipped to the grid and to the clip rectangle; painting outside
 * is no error. Text passes text_next(), so nothing unsafe can enter. A wide
 * cluster takes a lead cell and a follower; it never straddles an edge of the clip
 * (a space is painted instead) and overwriting half of one blanks the other half.
 */
#ifndef WEIR_DRAW_GRID_H
#define WEIR_DRAW_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/str.h"

enum role {
#define ROLE(id, key, letter) ROLE_##id,
#include "weir/draw/roles.def"
#undef ROLE
	ROLE_COUNT
};

enum glyph {
#define GLYPH(id, cp, ascii) GLYPH_##id,
#include "weir/draw/glyphs.def"
#undef GLYPH
	GLYPH_COUNT
};

/*
 * What a reader can show. The safe ones are for terminals that make symbols two cells
 * wide: only what is sure to be one (ASCII) or two (Chinese, for one) stays.
 */
enum charset {
	CHARSET_UNICODE,
	CHARSET_ASCII,
	CHARSET_SAFE,
	CHARSET_SAFE_LINES /* as SAFE, but lines are known to be narrow */
};

/* Weight of one arm of a line. DOTTED is light with gaps (idle, removed). */
enum weight {
	WEIGHT_NONE,
	WEIGHT_DOTTED,
	WEIGHT_LIGHT,
	WEIGHT_HEAVY
};

enum {
	ARM_UP,
	ARM_DOWN,
	ARM_LEFT,
	ARM_RIGHT,
	ARM_COUNT
};

/* Attributes that go over a role. */
enum {
	ATTR_BOLD = 1,
	ATTR_REVERSE = 2,
	ATTR_DIM = 4,
	ATTR_BLINK = 8,
	/* On the ground of another role: a severity on the header or on a selected row. */
	ATTR_ON_BAR = 16,
	ATTR_ON_SELECT = 32
};

enum cell_kind {
	CELL_BLANK,
	CELL_TEXT,
	CELL_GLYPH,
	CELL_LINE,
	CELL_FOLLOWER
};

struct cell {
	uint8_t kind;           /* enum cell_kind */
	uint8_t role;           /* enum role */
	uint8_t attr;           /* ATTR_ bits */
	uint8_t round;          /* a CELL_LINE corner of light arms is drawn as an arc */
	uint8_t arm[ARM_COUNT]; /* enum weight, for CELL_LINE */
	uint32_t base;          /* code point, or enum glyph for CELL_GLYPH */
	uint32_t mark;          /* combining mark or 0 */
};

struct rect {
	int x, y, w, h;
};

struct grid;

struct grid *grid_new(int w, int h);
void grid_free(struct grid *g);
void grid_resize(struct grid *g, int w, int h); /* blanks it */
void grid_clear(struct grid *g);
int grid_width(const struct grid *g);
int grid_height(const struct grid *g);

/* Limit painting to @r (clipped to the grid); returns the clip before, to restore. */
struct rect grid_clip(struct grid *g, struct rect r);

/* The cell at (x, y), or a blank one outside. */
struct cell grid_at(const struct grid *g, int x, int y);

/* The cells of a row that there is. Borrowed: valid until the grid is resized. */
const struct cell *grid_row(const struct grid *g, int y);

/* Paint @s from (x, y); returns its columns, those that were clipped included. */
int grid_text(struct grid *g, int x, int y, struct str s, enum role role, unsigned attr);
int grid_puts(struct grid *g, int x, int y, const char *s, enum role role, unsigned attr);

/* As grid_text(), cut by text_fit() to @width; pads nothing. */
int grid_fit(struct grid *g, int x, int y, int width, struct str s, enum role role,
	unsigned attr);

/* Right-aligned so that it ends before column @x_end. */
int grid_right(
	struct grid *g, int x_end, int y, const char *s, enum role role, unsigned attr);

void grid_glyph(
	struct grid *g, int x, int y, enum glyph gl, enum role role, unsigned attr);

/* Blank the rectangle with @role (which matters for bars). */
void grid_fill(struct grid *g, struct rect r, enum role role, unsigned attr);

/* Change the role or add attributes of what is painted already. */
void grid_set_role(struct grid *g, struct rect r, enum role role);
void grid_add_attr(struct grid *g, struct rect r, unsigned attr);

/*
 * Merge arms into the cell. On a line cell each arm keeps the heavier weight and
 * the cell the greater role among EDGE_IDLE..EDGE_CRIT; on any other kind the
 * line replaces what was there.
 */
void grid_arms(struct grid *g, int x, int y, const uint8_t arm[ARM_COUNT], enum role role,
	bool round);

/* Replace the whole cell (how a map paints bridges). */
void grid_put(struct grid *g, int x, int y, struct cell c);

/* Straight lines of @w / @h cells, ends included, drawn with grid_arms(). */
void grid_hline(struct grid *g, int x, int y, int w, enum weight weight, enum role role);
void grid_vline(struct grid *g, int x, int y, int h, enum weight weight, enum role role);

/* A frame around @r, round corners when light. */
void grid_box(struct grid *g, struct rect r, enum weight weight, enum role role);

/*
 * The code point a reader shows for @c: a space for blanks, 0 for followers. What is
 * not in the charset and has no stand-in is '?'; in ASCII a follower too, so that
 * columns stay.
 */
uint32_t cell_codepoint(struct cell c, enum charset set);

/* The combining mark to put behind it, or 0. */
uint32_t cell_mark(struct cell c, enum charset set);

/*
 * The planes as text, one line a row. Glyphs: trailing blanks are cut. Roles: one
 * letter of roles.def a cell, upper bits of attr are not shown, trailing cells of
 * ROLE_TEXT blanks are cut.
 */
void grid_glyph_plane(const struct grid *g, enum charset set, struct buf *out);
void grid_role_plane(const struct grid *g, struct buf *out);

#endif
