/*
 * shape - how the latencies of one edge lie, coarsely: for a picture, not for
 * reckoning.
 *
 * Bins are equal steps on a logarithmic axis from SHAPE_FROM_US over SHAPE_DECADES; the
 * first also holds what is below, the last what is above. The axis is the same for
 * every edge, so that two can be compared.
 */
#ifndef WEIR_CORE_SHAPE_H
#define WEIR_CORE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#define SHAPE_FROM_US 100
#define SHAPE_DECADES 6
#define SHAPE_BINS 72  /* over the window: 12 to the decade */
#define SHAPE_COARSE 3 /* bins in one row of the picture of seconds */
#define SHAPE_ROWS (SHAPE_BINS / SHAPE_COARSE)
#define SHAPE_SECONDS 60

struct shape {
	/* Asked for by the caller: which edge, by its key. */
	bool wanted;
	uint32_t key;

	/* The answer. Not filled: there is no such edge, or nobody asked in time. */
	bool filled;
	uint32_t filled_key;
	uint64_t count[SHAPE_BINS]; /* in the window */
	/* By second, the oldest first; the last is not over yet. */
	uint32_t second[SHAPE_SECONDS][SHAPE_ROWS];
	unsigned known_seconds; /* of them, at the end; before, nobody looked */

	/* What the seconds were made of, so that only new ones are read. */
	uint32_t series;
	int64_t newest_tick;
};

unsigned shape_bin(int64_t us);

/* Is @s about the edge with that key? */
static inline bool
shape_is_of(const struct shape *s, uint32_t key)
{
	return s->filled && s->filled_key == key;
}

#endif
