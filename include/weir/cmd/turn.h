/*
 * turn - what the dashboard does next: one thing, then the keyboard again.
 *
 * Each step is short or the only long one before keys are looked at, so what a key waits
 * for is one step and the showing of the answer. That is done from the picture that
 * there is, unless the key asks for what is not in it: taking another one costs ten
 * times as much.
 */
#ifndef WEIR_CMD_TURN_H
#define WEIR_CMD_TURN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TURN_FRAME_US = 100000, /* ten pictures a second at most */
	TURN_TICK_US = 1000000, /* ages and windows move even when nothing arrives */
	TURN_EVENTS_US = 2000,  /* events are taken for so long */
};

enum turn_step {
	TURN_WAIT,   /* until turn_until_us() or until there is something */
	TURN_EVENTS, /* take some */
	TURN_SHOW,   /* the picture that there is */
	TURN_LOOK,   /* take a new picture and show it */
};

struct turn {
	bool changed;         /* something did that is not in the picture */
	bool asked;           /* a key waits for its answer */
	bool outdated;        /* and that is not in the picture */
	bool more;            /* events may have been left */
	int64_t next_look_us; /* not before, for what has changed */
	int64_t next_tick_us; /* then in any case */
};

enum turn_step turn_next(const struct turn *t, int64_t now_us);

/* Until when there is nothing to do if neither keys nor events come. */
int64_t turn_until_us(const struct turn *t, int64_t now_us);

void turn_shown(struct turn *t);
void turn_looked(struct turn *t, int64_t now_us); /* and shown */

#endif
