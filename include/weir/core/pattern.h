/*
 * pattern - what log lines that differ only in their numbers have in common.
 *
 * "order 4711 took 12.5ms from 10.0.0.3:80" and a thousand like it are one line with
 * a count: "order <*> took <*>ms from <*>". Words that hold a digit, or are a long
 * number in hex, are replaced; what is between numbers and dots goes with them.
 */
#ifndef WEIR_CORE_PATTERN_H
#define WEIR_CORE_PATTERN_H

#include "weir/base/buf.h"

#define PATTERN_LOOK 512 /* bytes of a line that are looked at */

/* Append the pattern of @line: its first line only. */
void pattern_of(struct str line, struct buf *out);

#endif
