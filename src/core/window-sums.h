/*
 * window-sums - what each series did within the window, kept up to date: entries,
 * groups and whole runs are put in and later taken out again.
 *
 * With thousands of series nearly all of the time is waiting for memory. What nearly
 * every call touches of a series therefore stands in one cache line beside its counter,
 * and everything here reads ahead and has the memory on its way before it is needed.
 */
#ifndef WEIR_CORE_WINDOW_SUMS_H
#define WEIR_CORE_WINDOW_SUMS_H

#include <stddef.h>

#include "window-tail.h"

#define SUMS_LINE 64

struct series {
	_Alignas(SUMS_LINE) uint64_t often[TOTALS - TOTAL_ERRORS];
	uint32_t parent;
	uint32_t next_free; /* in the queue of resting ids */
	struct hist hist;
	uint64_t seldom[TOTAL_ERRORS];
	int64_t freed_tick;
};
_Static_assert(offsetof(struct series, hist.pages) == SUMS_LINE, "a line of its own");

struct sums {
	struct series *series;
	uint32_t count, room;
	uint32_t free_first, free_last; /* oldest first */
	uint32_t trim;                  /* see sums_trim() */
};

void sums_init(struct sums *s);
void sums_done(struct sums *s);

/* A series with nothing in it. Ids handed back before @rested_tick may be used again. */
uint32_t sums_new(struct sums *s, uint32_t parent, int64_t rested_tick);
void sums_free(struct sums *s, uint32_t id, int64_t tick);

/* Put @n entries in, or take them out. */
void sums_entries(struct sums *s, const struct entry *e, uint32_t n, bool take);

/*
 * Put the groups of one run in and take those of another out, side by side, as a series
 * that is in both is then fetched once. Goes on for @budget or some more latencies and
 * groups. Returns how many there were; less than that when both are at their end.
 */
unsigned sums_turn(
	struct sums *s, struct run_cursor *in, struct run_cursor *out, unsigned budget);

/* Take everything out. */
void sums_clear(struct sums *s);

/* Give memory of some series back that they do not need any more. */
void sums_trim(struct sums *s);

static inline uint64_t
sums_total(const struct series *s, enum total t)
{
	return t < TOTAL_ERRORS ? s->seldom[t] : s->often[t - TOTAL_ERRORS];
}

/* Bytes held. */
size_t sums_bytes(const struct sums *s);

#endif
