/*
 * window-log - the slots of a window's log: appending, packing, coarsening, dropping.
 *
 * A slot is one second, later ten or sixty. It has a tail of entries as they came
 * and runs that were packed from earlier tails. Ticks are seconds since the epoch.
 */
#ifndef WEIR_CORE_WINDOW_LOG_H
#define WEIR_CORE_WINDOW_LOG_H

#include "window-groups.h"
#include "window-tail.h"

#define TICK_US INT64_C(1000000)
#define FINE_TICKS (WINDOW_FINE_US / TICK_US)
#define MIDDLE_TICKS 300
#define MIDDLE_SPAN 10
#define COARSE_SPAN 60
#define SHORT_TICKS 10 /* the shortest window is at most so wide */
#define CLOSED_TICKS 2 /* a second this old gets only late comers */

struct slot {
	int64_t tick; /* the first one in it; a multiple of span */
	int64_t span;
	struct tail tail;
	struct run *run;
	uint32_t runs;
	struct groups groups;
};

/* The making of one slot out of all that lie in [tick, tick + span). */
struct merge {
	int64_t tick, span; /* span 0: none is under way */
	struct run_cursor *c;
	unsigned n;
	uint32_t series; /* the next one; WINDOW_NO_SERIES behind the last */
	struct buf out;
};

struct log {
	struct slot *slot; /* ascending, disjoint */
	unsigned slots, room;
	size_t bytes;
	size_t many; /* above so many, seconds are made tens as soon as they can be */
	struct merge merge;
	struct fold *fold;          /* empty between uses */
	struct tail spare;          /* one that was packed, for the next second */
	struct groups spare_groups; /* the same */
	struct packer packer;
	struct {
		bool on;
		int64_t tick;  /* of the slot whose tail is being packed */
		uint32_t part; /* the next one */
	} packing;
};

void log_init(struct log *g, size_t many);
void log_done(struct log *g);

/* The slot that holds @tick, made if need be. Valid until the next one is made. */
struct slot *log_slot(struct log *g, int64_t tick);

/* A new entry of the tail, to be written. */
struct entry *log_place(struct log *g, struct slot *s, uint32_t series);

/*
 * The slot whose tail is being packed, or one that is due for that: it is long enough,
 * and the second over or the tail as long as it may get. NULL when there is none. Slots in
 * [@busy_from, @busy_to) are being read by the caller and are left alone, here and below.
 */
struct slot *log_packing(
	struct log *g, int64_t now_tick, int64_t busy_from, int64_t busy_to);

/* Pack a part of that slot's tail. Returns how many entries; 0 when all are packed. */
uint32_t log_pack_part(struct log *g, struct slot *s);

/*
 * Put the run in the place of the packed entries, all or nothing of which is in the sums.
 */
void log_pack_finish(struct log *g, struct slot *s);

/* Is the newest tail as long as it may get? */
bool log_is_long(const struct log *g);

/* Append a group of calls. */
void log_append_group(struct log *g, struct slot *s, uint32_t series,
	const struct totals *t, const uint16_t *bucket, const uint32_t *count,
	unsigned n);

/* Bring the groups, all or nothing of which is in the sums, in order: a run like them. */
void log_pack_groups(struct log *g, struct slot *s);

/* Index of the first slot that ends after @tick; g->slots when there is none. */
unsigned log_find(const struct log *g, int64_t tick);

/* Bytes held: those that count against the log's budget, and what it works with. */
size_t log_memory(const struct log *g);

/* Forget the oldest slot. */
void log_drop_first(struct log *g);

/* Are the groups many enough to be brought in order, as with tails? */
bool log_groups_due(const struct log *g, const struct slot *s, int64_t now_tick,
	int64_t busy_from, int64_t busy_to);

/*
 * Go on with the merge that is under way or due, for about @budget bytes of packed
 * log. Returns how many were read; 0 when there is nothing to do. The
 * closed seconds must be in the sums.
 */
size_t log_merge(struct log *g, int64_t now_tick, int64_t busy_from, int64_t busy_to,
	size_t budget);

/* The multiple of @span at or below @tick. */
static inline int64_t
tick_align(int64_t tick, int64_t span)
{
	int64_t r = tick % span;

	return tick - (r < 0 ? r + span : r);
}

#endif
