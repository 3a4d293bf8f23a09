/*
 * loop - the dashboard: keys, events and frames, in that order, in one thread.
 */
#ifndef WEIR_CMD_LOOP_H
#define WEIR_CMD_LOOP_H

#include "weir/cmd/feed.h"
#include "weir/cmd/options.h"

/* Takes the terminal, runs until the user or a signal ends it; the exit status. */
int loop_run(struct feed *feed, const struct options *o);

/* Without a terminal: only the status line is told. */
int loop_run_blind(struct feed *feed, const struct options *o);

#endif
