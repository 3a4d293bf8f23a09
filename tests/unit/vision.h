/*
 * vision - how far apart two colours look, and to whom.
 */
#ifndef WEIR_TESTS_VISION_H
#define WEIR_TESTS_VISION_H

#include "weir/draw/theme.h"

#include "../../src/draw/theme-impl.h"

enum vision {
	VISION_NORMAL,
	VISION_PROTAN,
	VISION_DEUTAN,
	VISION_TRITAN,
	VISION_COUNT
};

extern const char *const vision_words[VISION_COUNT];

/*
 * How the colour (a palette index or COLOR_RGB) is seen. The three dichromacies are
 * those of Machado, Oliveira and Fernandes, "A Physiologically-based Model for
 * Simulation of Color Vision Deficiency" (IEEE TVCG 15(6), 2009), severity 1.0.
 */
struct lab vision_see(enum vision v, int color);

/* CIEDE2000, all weights 1. Some 2 is just seen, 10 at a glance. */
double vision_distance(struct lab p, struct lab q);

/* The contrast of WCAG 2: 1 to 21. */
double vision_contrast(int fg, int bg);

#endif
