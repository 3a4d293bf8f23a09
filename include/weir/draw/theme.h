/*
 * theme - role to colour, per terminal depth.
 *
 * A theme file has lines `role = fg [on bg] [bold|dim|reverse|underline …]`,
 * comment lines that start with `#`, and optional lines about itself: `name = …`,
 * `description = …`, and `ground = COLOUR`, the background it is made for.
 * A colour is #rrggbb, 0-255, one of the 16 ANSI names, or `default`. The fallback
 * for fewer colours is computed (nearest in CIELAB; attributes by role where there
 * are none) unless written with a depth: `crit@16 = red bold`, `crit@mono =
 * reverse`. Unknown roles and colours are errors with file, line and the nearest
 * valid word; a theme must name every role.
 */
#ifndef WEIR_DRAW_THEME_H
#define WEIR_DRAW_THEME_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"
#include "weir/draw/grid.h"

enum depth {
	DEPTH_MONO,
	DEPTH_8,
	DEPTH_16,
	DEPTH_256,
	DEPTH_TRUE,
	DEPTH_COUNT
};

#define COLOR_DEFAULT (-1)

enum {
	STYLE_BOLD = 1,
	STYLE_DIM = 2,
	STYLE_REVERSE = 4,
	STYLE_UNDERLINE = 8,
	STYLE_BLINK = 16
};

struct style {
	/* COLOR_DEFAULT, a palette index, or at DEPTH_TRUE perhaps 0x1000000 | 0xrrggbb. */
	int fg, bg;
	unsigned attr;
};

struct theme;

/* Parse the text of a theme file; @file is for messages only. NULL with @d on mistakes. */
struct theme *theme_parse(struct str text, const char *file, struct diag *d);

/*
 * A theme by name, from $XDG_CONFIG_HOME/weir/themes, the installed themes, then
 * those compiled in; or by path when @name has a '/'.
 */
struct theme *theme_open(const char *name, struct diag *d);
void theme_free(struct theme *t);

const char *theme_name(const struct theme *t);
const char *theme_description(const struct theme *t); /* "" when it has none */

/*
 * The background it is made for, or COLOR_DEFAULT when it does not say. Never
 * painted: the terminal's background is the user's.
 */
int theme_ground(const struct theme *t);

/* The names theme_open() knows, sorted, ending with NULL; for theme_names_free(). */
char **theme_names(void);
void theme_names_free(char **names);

/* The style of a cell with @role and ATTR_ bits @attr. */
struct style theme_style(
	const struct theme *t, enum depth depth, enum role role, unsigned attr);

#endif
