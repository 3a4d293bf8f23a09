/*
 * term-impl - the parts of the terminal: modes and the way back (term.c), signals
 * (term-signal.c), keys from bytes (term-input.c), cells to bytes (term-show.c,
 * term-move.c, term-scroll.c).
 */
#ifndef WEIR_TERM_TERM_IMPL_H
#define WEIR_TERM_TERM_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

/* ----------------------------------------------------------------- term.c */

/* Give the terminal back, take it again. Async-signal-safe and idempotent. */
void term_release(void);
void term_take(void);

/* Write all of it. False, and the terminal counts as gone, when that fails. */
bool term_write(const char *p, size_t n);

/* Take in the keys that wait, or the first that come within @ms. */
void term_read(int ms);

/* The bytes that are not yet keys; NULL while there is no terminal to ask. */
struct term_input *term_keys_begun(void);

/* ---------------------------------------------------------- term-signal.c */

void term_signals_set(void);
void term_signals_unset(void);

/* True once after the program was stopped and went on. */
bool term_was_stopped(void);

/* ----------------------------------------------------------- term-input.c */

#define INPUT_MAX 64

/* Bytes that are not yet a key. All zero is empty. */
struct term_input {
	unsigned char byte[INPUT_MAX];
	size_t n;
};

/* A key this terminal sends in a way of its own, from terminfo. */
struct term_special {
	char text[16];
	uint32_t key;
};

/*
 * Take a key off the front. WK_NONE when there is none, or only the beginning of
 * one; then with @late (nothing more came for a while) it is taken as it is.
 */
uint32_t term_input_take(struct term_input *in, const struct term_special *special,
	size_t specials, bool late);

/*
 * Take the first cursor position report out of what waits, keys before and behind it
 * stay. False when there is none.
 */
bool term_input_position(struct term_input *in, int *ret_column);

/* ------------------------------------------------------------ term-move.c */

/* What this terminal can do beyond placing its cursor and clearing to the right. */
struct term_caps {
	bool feed;         /* a line feed goes straight down */
	bool reverse_feed; /* ESC M goes up */
	bool column, row; /* CSI n G and CSI n d go to one, in the other of where it is */
	bool region;      /* CSI n ; m r limits scrolling to some rows */
};

/* Long enough for two numbers of any terminal. */
#define TERM_WAY_MAX 32

/*
 * The shortest way from (@x, @y) to another place; its bytes. @x -1: in an unknown
 * column; @y -1: from anywhere.
 */
size_t term_way(const struct term_caps *caps, int x, int y, int to_x, int to_y,
	char ret[TERM_WAY_MAX]);

/* ------------------------------------------------------------ term-show.c */

/* Not of enum cell_kind: nothing of ours, blank since it was cleared. */
#define CELL_CLEARED 255

#define ATTR_SETS 64 /* sets of ATTR_ bits */

/* Changed cells side by side that are written in one style. */
struct run {
	uint16_t x, y, n;
	uint16_t style; /* an index of term_screen.style */
	bool clears;    /* from here on the row is cleared */
};

/* What the terminal shows, so that only differences are sent. All zero is nothing. */
struct term_screen {
	struct term_caps caps;
	struct cell *cell;
	size_t cap;
	int w, h;
	const struct theme *theme; /* only compared: what was sent looked as it has it */
	enum depth depth;
	enum charset set;
	bool known; /* false: everything has to be sent */
	struct buf out;

	/* What roles and attributes look like: an index of @style + 1, 0 unknown. */
	uint16_t look[ROLE_COUNT][ATTR_SETS];
	struct style style[ROLE_COUNT * ATTR_SETS];
	size_t styles;

	/* Of the diff that is being made. */
	struct run *run, *sorted;
	size_t runs, run_cap;
	struct buf by_row, by_style;
};

void term_screen_done(struct term_screen *s);

/* Put what turns the screen into @g into s->out; nothing when nothing changed. */
void term_screen_diff(struct term_screen *s, const struct grid *g, const struct theme *t,
	enum depth depth, enum charset set);

/* ---------------------------------------------------------- term-scroll.c */

#define TERM_SCROLL_ROWS 512 /* a screen of more is not scrolled */

/* Move the rows on the screen that stand elsewhere in @g, if there are enough of them. */
void term_scroll(struct term_screen *s, const struct grid *g);

#endif
