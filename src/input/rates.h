/*
 * rates - from counters to what happened between two looks at them.
 *
 * A cumulative counter tells all since its start; the difference of two looks is
 * taken, and one that was reset (its start moved, or it fell) counts from its reset. A
 * counter of deltas is taken as it is. The first look at a cumulative one tells nothing.
 *
 * Bounded: the series that was silent longest makes room.
 */
#ifndef WEIR_SRC_INPUT_RATES_H
#define WEIR_SRC_INPUT_RATES_H

#include <stdbool.h>
#include <stdint.h>

struct rates;

struct rates_look {
	uint64_t series; /* a hash of all that tells it from others */
	int64_t start_us, at_us;
	bool delta;
	double count, sum;
};

struct rates_step {
	double count, sum; /* not negative */
	double seconds;    /* over which */
};

struct rates *rates_new(void);
void rates_free(struct rates *r);

/* False when it tells nothing (yet). */
bool rates_take(
	struct rates *r, const struct rates_look *look, struct rates_step *ret_step);

#endif
