/*
 * term - the terminal: shows grids, reads keys, and is always given back.
 *
 * The only layer that knows curses, of which it uses terminfo. One terminal per
 * process. From term_open() on, every way out (exit, die(), a fatal signal, abort()
 * inside a library) restores it: cooked mode, main screen, cursor, colours.
 *
 * Handlers for SIGTERM, SIGINT, SIGHUP and SIGQUIT that end the program are set only
 * where the default action was in force: who has better ones sets them before
 * term_open(), and calls term_close() or exit() in the end. SIGTSTP and SIGCONT are
 * handled here; poll() returns with EINTR on them and on SIGWINCH.
 */
#ifndef WEIR_TERM_TERM_H
#define WEIR_TERM_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

/* As the user says it: --color always. */
enum choice {
	CHOICE_AUTO,
	CHOICE_ALWAYS,
	CHOICE_NEVER
};

/*
 * Take the terminal on stdout, and for keys the one on stdin or, when that is a
 * pipe, /dev/tty. Refuses (with what to do in @d) when there is none, when it has no
 * cursor addressing (TERM=dumb), or is unknown. With @mouse the wheel moves.
 */
enum status term_open(enum choice color, bool mouse, struct diag *d);
void term_close(void);

/* To poll for keys. */
int term_fd(void);

/* What the environment can show; usable before term_open(). */
enum depth term_depth(enum choice color); /* NO_COLOR, COLORTERM, terminfo */
bool term_wants_ascii(void);              /* locale is not UTF-8 */

/* The size now; asks the kernel, so it is right after SIGWINCH and SIGCONT. */
void term_size(int *ret_w, int *ret_h);

/*
 * What an open terminal with a UTF-8 locale can show: asks it how wide its symbols
 * are, and waits for the answer for at most a tenth of a second. Ask before the first
 * term_show().
 */
enum charset term_charset(void);

/* Show @g. Only changed cells are sent; nothing when nothing changed. */
void term_show(const struct grid *g, const struct theme *t, enum charset set);

/* The next term_show() sends every cell. */
void term_redraw(void);

/*
 * The next key, or WK_NONE when none waits. Blocks only for the 25 ms that tell the
 * Esc key from a sequence. False: the terminal is gone, and polling term_fd() would
 * only burn CPU. After the program was stopped and went on the first key is Ctrl-L.
 */
bool term_key(uint32_t *ret_key);

/* Stop as Ctrl-Z does: give the terminal back, stop, and take it again on SIGCONT. */
void term_suspend(void);

void term_bell(void);

#endif
