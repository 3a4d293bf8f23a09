/*
 * draw-kit - snaps made by hand and screens compared with files.
 */
#ifndef WEIR_TESTS_DRAW_KIT_H
#define WEIR_TESTS_DRAW_KIT_H

#include "weir/core/snap.h"
#include "weir/draw/grid.h"
#include "weir/draw/ui.h"

/* A shop in trouble: postgres is slow and everything before it suffers. */
void kit_shop(struct snap *s);

/* And a close look at the worst of its edges. */
void kit_closeup(struct snap *s);
/* The same with a verdict and its history. */
void kit_verdict(struct snap *s);
void kit_why(struct snap *s); /* the same, with the numbers behind it */
void kit_why_victim(struct snap *s);

/* The same with what its data base says of itself. */
void kit_remarks(struct snap *s);

/* The same shop with nothing wrong. */
void kit_calm(struct snap *s);

/* Names that try to break the screen. The caller frees the result after the
 * snap. */
struct names *kit_hostile(struct snap *s);

/* Press keys by their script names, separated by blanks. */
unsigned kit_keys(struct ui *ui, const char *keys);

/*
 * Compare @g with tests/golden/ui/@name: the glyphs, the roles, and the glyphs
 * in ASCII. With GENERATE=1 the file is written instead.
 */
void kit_expect_screen(const struct grid *g, const char *name);

#endif
