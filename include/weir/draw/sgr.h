/*
 * sgr - a style as the escape sequence that sets it (ECMA-48 "select graphic
 * rendition"), for the terminal and for pictures in ANSI text.
 *
 * Colours are written as all terminals of today read them: 30-37 and 90-97, then
 * 38;5;N, then 38;2;R;G;B. The sequence of sgr_add() begins with a reset, so that no
 * state before it matters.
 */
#ifndef WEIR_DRAW_SGR_H
#define WEIR_DRAW_SGR_H

#include <stdbool.h>

#include "weir/base/buf.h"
#include "weir/draw/theme.h"

void sgr_add(struct buf *out, struct style s);

/* As sgr_add(), for who knows that @from is in force: only what differs, if shorter. */
void sgr_change(struct buf *out, struct style from, struct style to);

bool style_equal(struct style a, struct style b);

#endif
