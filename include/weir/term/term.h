/*
 * term - the terminal: shows grids, reads keys, and is always given back.
 *
 * The only file that knows curses. One terminal per process. From term_open() on,
 * every way out (exit, die(), a fatal signal, abort() inside a library) restores
 * it: cooked mode, main screen, cursor, colours.
 */
#ifndef WEIR_TERM_TERM_H
#define WEIR_TERM_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER
};

/*
 * Take the terminal on stdin/stdout. Refuses (with what to do in @d) when it is
 * not a terminal, has no cursor addressing (TERM=dumb), or is unknown.
 */
enum status term_open(enum color_when color, bool mouse, struct diag *d);
void term_close(void);

/* What the environment can show; usable before term_open(). */
enum depth term_depth(enum color_when color); /* NO_COLOR, COLORTERM, terminfo */
bool term_wants_ascii(void);                  /* locale is not UTF-8 */

/* The size now; asks the kernel, so it is right after SIGWINCH and SIGCONT. */
void term_size(int *ret_w, int *ret_h);

/* Show @g. Only changed cells are sent; nothing when nothing changed. */
void term_show(const struct grid *g, const struct theme *t, bool ascii);

/* The next term_show() sends every cell. */
void term_redraw(void);

/* The next key, or WK_NONE when none waits. Never blocks. False: the terminal is gone. */
bool term_key(uint32_t *ret_key);

/* Stop as Ctrl-Z does: give the terminal back, stop, and take it again on SIGCONT. */
void term_suspend(void);

void term_bell(void);

#endif
