/*
 * herald - tells the verdict outside the screen: one line for tmux, i3, polybar, and when
 * to ring.
 *
 * The line is written when the verdict changes. In a file, which a status bar reads when
 * it likes, it is kept up to date as well: its numbers every few seconds, and its time
 * once a minute, so that an old file is a dead weir. On a pipe each line is a change.
 */
#ifndef WEIR_CMD_HERALD_H
#define WEIR_CMD_HERALD_H

#include "weir/base/buf.h"
#include "weir/cmd/options.h"
#include "weir/core/snap.h"

#define HERALD_CAUSES 8

/* All zero tells nothing. */
struct herald {
	const char *path; /* borrowed; "-": standard output; NULL: nowhere */
	unsigned style;   /* index of herald_styles */
	bool ascii;
	uint64_t told; /* which verdict was told last, hashed; 0: none yet */
	struct buf line, last;
	int64_t written_us; /* by the caller's clock */
	bool failing;
	struct {
		uint64_t cause; /* hashed */
		int64_t seen_us;
	} rung[HERALD_CAUSES];
};

/* plain, ansi, tmux, polybar, pango; ends with NULL. */
extern const char *const herald_styles[];

void herald_init(struct herald *h, const struct options *o, bool ascii);

/* Removes the file: no weir, no verdict. */
void herald_done(struct herald *h);

/* Does somebody read each line as it comes? */
bool herald_is_pipe(const struct herald *h);

/* Append the line on @s, without an end of line. */
void herald_line(const struct herald *h, const struct snap *s, struct buf *out);

/*
 * Tell what @s says, if there is something to tell at @mono_us. ERR_SYSTEM when that
 * failed: without text in @d when whoever read it went away, and only the first time
 * otherwise.
 */
enum status herald_tell(
	struct herald *h, const struct snap *s, int64_t mono_us, struct diag *d);

/* Is a cause named that was not in the last ten minutes? Says so once. */
bool herald_rings(struct herald *h, const struct snap *s);

#endif
