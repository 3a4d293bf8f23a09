/*
 * signals - what the system tells us, as bits for the main loop.
 *
 * Handlers only set a bit and write to a pipe that poll() watches, so a signal is
 * seen at once and handled between two turns of the loop. SIGPIPE is ignored:
 * writes report it. The fatal ones, and those
 * that stop and continue, are term's, which gives the terminal back.
 */
#ifndef WEIR_CMD_SIGNALS_H
#define WEIR_CMD_SIGNALS_H

#include <stdbool.h>

enum {
	SIGNALS_STOP = 1, /* signals_stop() tells which */
	SIGNALS_RESIZE = 2
};

void signals_init(void);
int signals_fd(void);

/* The bits since the last call; empties the pipe. */
unsigned signals_take(void);

/* The signal that asked us to end (SIGINT, SIGTERM, SIGHUP), or 0. Sticky. */
int signals_stop(void);
bool signals_stopped(void);

#endif
