/*
 * curses-kit - the same frames through ncurses' own doupdate(), to compare with.
 *
 * On a terminal called xterm-256color; what it writes goes to a file in memory.
 */
#ifndef WEIR_TESTS_CURSES_KIT_H
#define WEIR_TESTS_CURSES_KIT_H

#include <stddef.h>

#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

/* False where ncurses cannot be had. One at a time. */
bool curses_kit_open(int w, int h);
void curses_kit_close(void);

/* Show @g in 256 colours; the bytes that took, and in @ret_us the CPU of doupdate(). */
size_t curses_kit_show(const struct grid *g, const struct theme *t, double *ret_us);

#endif
