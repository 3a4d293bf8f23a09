/*
 * Reading a grid: which code point a cell is, and the planes as text.
 *
 * A line cell is four arms, each none, light or heavy: 81 combinations, and
 * U+2500 to U+257F has a character for every one of them, so crossing and joining
 * lines of mixed weight need no rules, only this table.
 */
#include "config.h"

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/grid.h"

/* By ((up * 3 + down) * 3 + left) * 3 + right; one row for each up and down. */
/* clang-format off */
static const uint16_t box[81] = {
	0x0020, 0x2576, 0x257a, 0x2574, 0x2500, 0x257c, 0x2578, 0x257e, 0x2501, /*  ╶╺╴─╼╸╾━ */
	0x2577, 0x250c, 0x250d, 0x2510, 0x252c, 0x252e, 0x2511, 0x252d, 0x252f, /* ╷┌┍┐┬┮┑┭┯ */
	0x257b, 0x250e, 0x250f, 0x2512, 0x2530, 0x2532, 0x2513, 0x2531, 0x2533, /* ╻┎┏┒┰┲┓┱┳ */
	0x2575, 0x2514, 0x2515, 0x2518, 0x2534, 0x2536, 0x2519, 0x2535, 0x2537, /* ╵└┕┘┴┶┙┵┷ */
	0x2502, 0x251c, 0x251d, 0x2524, 0x253c, 0x253e, 0x2525, 0x253d, 0x253f, /* │├┝┤┼┾┥┽┿ */
	0x257d, 0x251f, 0x2522, 0x2527, 0x2541, 0x2546, 0x252a, 0x2545, 0x2548, /* ╽┟┢┧╁╆┪╅╈ */
	0x2579, 0x2516, 0x2517, 0x251a, 0x2538, 0x253a, 0x251b, 0x2539, 0x253b, /* ╹┖┗┚┸┺┛┹┻ */
	0x257f, 0x251e, 0x2521, 0x2526, 0x2540, 0x2544, 0x2529, 0x2543, 0x2547, /* ╿┞┡┦╀╄┩╃╇ */
	0x2503, 0x2520, 0x2523, 0x2528, 0x2542, 0x254a, 0x252b, 0x2549, 0x254b, /* ┃┠┣┨╂╊┫╉╋ */
};
/* clang-format on */

static const struct {
	uint32_t cp;
	char ascii;
} glyphs[GLYPH_COUNT] = {
#define GLYPH(id, cp, ascii) { cp, ascii },
#include "weir/draw/glyphs.def"
#undef GLYPH
};

static const char role_letter[ROLE_COUNT] = {
#define ROLE(id, key, letter) letter,
#include "weir/draw/roles.def"
#undef ROLE
};

/* Dots cannot join anything: only a straight stretch of them has a character. */
static uint32_t
dotted(const struct cell *c, bool ascii)
{
	const uint8_t *a = c->arm;
	unsigned vertical = a[ARM_UP] | a[ARM_DOWN];
	unsigned horizontal = a[ARM_LEFT] | a[ARM_RIGHT];

	if (!vertical && horizontal == WEIGHT_DOTTED)
		return ascii ? '.' : 0x2504; /* ┄ */
	if (!horizontal && vertical == WEIGHT_DOTTED)
		return ascii ? ':' : 0x2506; /* ┆ */
	return 0;
}

static uint32_t
line_ascii(const uint8_t a[ARM_COUNT])
{
	bool vertical = a[ARM_UP] || a[ARM_DOWN];
	bool horizontal = a[ARM_LEFT] || a[ARM_RIGHT];

	if (vertical && horizontal)
		return '+';
	if (vertical)
		return MAX(a[ARM_UP], a[ARM_DOWN]) == WEIGHT_HEAVY ? '#' : '|';
	if (horizontal)
		return MAX(a[ARM_LEFT], a[ARM_RIGHT]) == WEIGHT_HEAVY ? '=' : '-';
	return ' ';
}

/* One light arm up or down and one left or right: the corners that have arcs. */
static uint32_t
arc(unsigned index)
{
	switch (index) {
	case 9 + 1:
		return 0x256d; /* ╭ */
	case 9 + 3:
		return 0x256e; /* ╮ */
	case 27 + 1:
		return 0x2570; /* ╰ */
	case 27 + 3:
		return 0x256f; /* ╯ */
	default:
		return box[index];
	}
}

static uint32_t
line_codepoint(const struct cell *c, bool ascii)
{
	static const unsigned step[] = { [WEIGHT_NONE] = 0,
		[WEIGHT_DOTTED] = 1,
		[WEIGHT_LIGHT] = 1,
		[WEIGHT_HEAVY] = 2 };
	uint32_t cp = dotted(c, ascii);
	unsigned index = 0;

	if (cp)
		return cp;
	if (ascii)
		return line_ascii(c->arm);
	for (int i = 0; i < ARM_COUNT; i++)
		index = index * 3 + step[MIN(c->arm[i], WEIGHT_HEAVY)];
	return c->round ? arc(index) : box[index];
}

/*
 * Our own texts hold a few symbols of glyphs.def, and a letter is still that letter
 * without its accent; the rest has no stand-in.
 */
static uint32_t
stand_in(uint32_t cp)
{
	uint32_t bare;

	if (cp < 0x80)
		return cp;
	for (int i = 0; i < GLYPH_COUNT; i++)
		if (glyphs[i].cp == cp)
			return (unsigned char)glyphs[i].ascii;
	bare = text_bare_letter(cp);
	return bare ? bare : '?';
}

static uint32_t
text_codepoint(uint32_t cp, enum charset set)
{
	if (set == CHARSET_UNICODE || (set != CHARSET_ASCII && text_cells(cp) == 2))
		return cp;
	return stand_in(cp);
}

uint32_t
cell_codepoint(struct cell c, enum charset set)
{
	switch (c.kind) {
	case CELL_TEXT:
		return text_codepoint(c.base, set);
	case CELL_GLYPH:
		if (c.base >= GLYPH_COUNT)
			return '?';
		return set == CHARSET_UNICODE ? glyphs[c.base].cp
					      : (uint32_t)glyphs[c.base].ascii;
	case CELL_LINE:
		return line_codepoint(&c, set == CHARSET_ASCII || set == CHARSET_SAFE);
	case CELL_FOLLOWER:
		return set == CHARSET_ASCII ? '?' : 0;
	default:
		return ' ';
	}
}

uint32_t
cell_mark(struct cell c, enum charset set)
{
	return set == CHARSET_UNICODE ? c.mark : 0;
}

void
grid_glyph_plane(const struct grid *g, enum charset set, struct buf *out)
{
	for (int y = 0; y < grid_height(g); y++) {
		size_t end = out->n; /* behind the last cell that is not blank */

		for (int x = 0; x < grid_width(g); x++) {
			struct cell c = grid_at(g, x, y);
			uint32_t cp = cell_codepoint(c, set);
			uint32_t mark = cell_mark(c, set);

			if (cp)
				buf_add_utf8(out, cp);
			if (mark)
				buf_add_utf8(out, mark);
			if (cp != ' ')
				end = out->n;
		}
		out->n = end;
		buf_addc(out, '\n');
	}
}

void
grid_role_plane(const struct grid *g, struct buf *out)
{
	for (int y = 0; y < grid_height(g); y++) {
		size_t end = out->n;

		for (int x = 0; x < grid_width(g); x++) {
			struct cell c = grid_at(g, x, y);
			bool blank = cell_codepoint(c, CHARSET_UNICODE) == ' ';

			buf_addc(out, role_letter[c.role]);
			if (!blank || c.role != ROLE_TEXT)
				end = out->n;
		}
		out->n = end;
		buf_addc(out, '\n');
	}
}
