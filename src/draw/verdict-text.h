/*
 * verdict-text - sentences of the verdict engine on a grid.
 */
#ifndef WEIR_SRC_DRAW_VERDICT_TEXT_H
#define WEIR_SRC_DRAW_VERDICT_TEXT_H

#include "weir/core/sentence.h"
#include "weir/draw/grid.h"

/* Paint what of @s fits in @w columns, whole clauses, most important first. */
void paint_sentence(struct grid *g, int x, int y, int w, const struct sentence *s,
	enum role role, unsigned attr);

#endif
