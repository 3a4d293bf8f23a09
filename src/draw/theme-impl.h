/*
 * theme-impl - what the halves of the theme module share: the parser fills specs,
 * theme.c makes a style of each for every depth.
 */
#ifndef WEIR_DRAW_THEME_IMPL_H
#define WEIR_DRAW_THEME_IMPL_H

#include "weir/draw/theme.h"

/* A colour is COLOR_DEFAULT, a palette index 0-255, or COLOR_RGB | 0xrrggbb. */
#define COLOR_RGB 0x1000000

/* One line of a theme file. */
struct theme_spec {
	bool set;
	int fg, bg;
	unsigned attr;
};

/* The first column is the line without a depth, the others are by depth. */
enum {
	SPEC_ANY,
	SPEC_DEPTH, /* + enum depth */
	SPEC_COUNT = SPEC_DEPTH + DEPTH_COUNT
};

struct theme {
	char name[64], description[128];
	int ground;
	struct theme_spec spec[ROLE_COUNT][SPEC_COUNT];
	struct style style[DEPTH_COUNT][ROLE_COUNT];
};

/* Fill t->name and t->spec. STATUS_OK, or a reason in @d. */
enum status theme_parse_into(
	struct theme *t, struct str text, const char *file, struct diag *d);

/* What a palette index or COLOR_RGB colour looks like, as xterm has it. */
int theme_rgb(int color);

/* A colour in CIELAB, where equal distances look about equally different. */
struct lab {
	double l, a, b;
};

/* From linear red, green and blue of 0..1, white point D65. */
struct lab theme_lab(const double rgb[3]);

/* Of a byte of sRGB, its share of light. */
double theme_linear(int byte);

/* The palette colour nearest to @color (CIELAB) among the first 8, 16 or 256. */
int theme_nearest(int color, unsigned palette);

/* The themes compiled in, by tools/embed.sh; ends with a NULL name. */
struct theme_builtin {
	const char *name, *text;
};

extern const struct theme_builtin theme_builtins[];

#endif
