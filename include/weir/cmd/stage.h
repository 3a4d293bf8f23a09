/*
 * stage - a feed, the ui over it, and the picture and grid between them.
 *
 * What the dashboard and key scripts have in common: they differ only in where
 * keys come from and where the grid goes.
 */
#ifndef WEIR_CMD_STAGE_H
#define WEIR_CMD_STAGE_H

#include "weir/cmd/feed.h"
#include "weir/cmd/options.h"
#include "weir/draw/ui.h"

struct stage {
	struct feed *feed; /* borrowed */
	struct ui *ui;
	struct grid *grid;
	struct snap snap;      /* what is shown; stays as it is while frozen */
	struct buf said;       /* the last lines that agents and others said */
	struct buf empty_text; /* scratch */
	bool held;             /* it was frozen since the picture was taken */
	bool told_end;         /* that nothing will come again */
};

void stage_init(struct stage *st, struct feed *feed, const struct options *o, int w,
	int h, bool ascii);
void stage_done(struct stage *st);

/* Let the ui have @key and do what it asks for of the feed; returns its UI_ bits. */
unsigned stage_key(struct stage *st, uint32_t key);

/* Is it another picture, not only another view of it, that the ui wants? */
bool stage_outdated(const struct stage *st);

/* Take a new picture, unless frozen. */
void stage_look(struct stage *st);

/* Paint the picture that there is. */
void stage_paint(struct stage *st);

/* Show what others said and how the source ended. True when there was something. */
bool stage_listen(struct stage *st);

#endif
