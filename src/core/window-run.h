/*
 * window-run - packed logs: what was booked in some seconds, by series.
 *
 * An entry is one record as it came in. A run holds many of them sorted by series,
 * added up by latency bucket and written as varints: two to three bytes for a
 * latency where an entry takes twenty. Runs are read by cursors and merged through
 * a fold. Adding and packing lose nothing, so that an event, a delta and a packed run
 * of them replay to the same sums bit for bit.
 */
#ifndef WEIR_CORE_WINDOW_RUN_H
#define WEIR_CORE_WINDOW_RUN_H

#include "weir/base/buf.h"
#include "weir/core/hist.h"
#include "weir/core/window.h"

/* What is added up per series beside the histogram. */
enum total {
	TOTAL_BARE,   /* calls without a latency */
	TOTAL_EXCESS, /* calls in the histogram that no latency was measured of */
	TOTAL_COARSE,
	TOTAL_ERRORS, /* from here on what most records touch */
	TOTAL_IN,
	TOTAL_OUT,
	TOTAL_IN_KNOWN, /* records that told */
	TOTAL_OUT_KNOWN,
	TOTALS
};

struct totals {
	uint64_t v[TOTALS];
};

enum entry_flag {
	ENTRY_FAILED = 1,  /* count are errors */
	ENTRY_CALLS = 2,   /* count are calls */
	ENTRY_SAMPLED = 4, /* one latency for all of count */
	ENTRY_COARSE = 8,
	ENTRY_IN = 16,
	ENTRY_OUT = 32,
	ENTRY_HIGH = 64,   /* in and out are the upper halves of larger numbers */
	ENTRY_EXCESS = 128 /* count are calls in the histogram that were not measured */
};

struct entry {
	uint32_t series;
	uint32_t count;
	uint32_t in, out;
	uint16_t bucket;
	uint16_t flags;
};

/* What of a record fits into one entry. */
struct entry entry_of(const struct window_record *r);

/* What a group says beside its latencies. */
struct totals group_totals(const struct window_group *g);

static inline struct totals
entry_totals(const struct entry *e)
{
	uint64_t calls = e->flags & ENTRY_CALLS ? e->count : 0;
	bool bare = e->bucket == WINDOW_NO_LATENCY;
	unsigned shift = e->flags & ENTRY_HIGH ? 32 : 0;
	bool low = !shift;

	return (struct totals){ .v = {
					[TOTAL_BARE] = bare ? calls : 0,
					[TOTAL_ERRORS] =
						e->flags & ENTRY_FAILED ? e->count : 0,
					[TOTAL_EXCESS] =
						e->flags & ENTRY_EXCESS    ? e->count
						: e->flags & ENTRY_SAMPLED ? e->count - 1u
									   : 0,
					[TOTAL_COARSE] =
						e->flags & ENTRY_COARSE ? calls : 0,
					[TOTAL_IN] = e->flags & ENTRY_IN
							     ? (uint64_t)e->in << shift
							     : 0,
					[TOTAL_OUT] = e->flags & ENTRY_OUT
							      ? (uint64_t)e->out << shift
							      : 0,
					[TOTAL_IN_KNOWN] = low && e->flags & ENTRY_IN,
					[TOTAL_OUT_KNOWN] = low && e->flags & ENTRY_OUT,
				} };
}

/* Most entries are calls of one known latency each and perhaps their bytes. */
static inline bool
entry_is_plain(const struct entry *e)
{
	const unsigned odd = ENTRY_SAMPLED | ENTRY_COARSE | ENTRY_HIGH | ENTRY_EXCESS;

	return (e->flags & (odd | ENTRY_CALLS)) == ENTRY_CALLS &&
	       e->bucket != WINDOW_NO_LATENCY;
}

/* Add what a plain entry says beside its latency; with @sign -1 take it away. */
static inline void
totals_plain(struct totals *t, const struct entry *e, uint64_t sign)
{
	t->v[TOTAL_ERRORS] += sign * (e->flags & ENTRY_FAILED ? e->count : 0);
	t->v[TOTAL_IN] += sign * e->in;
	t->v[TOTAL_OUT] += sign * e->out;
	t->v[TOTAL_IN_KNOWN] += sign * !!(e->flags & ENTRY_IN);
	t->v[TOTAL_OUT_KNOWN] += sign * !!(e->flags & ENTRY_OUT);
}

struct run {
	uint8_t *p;
	size_t n;
};

/* Reads a run group by group, and each group's latencies pair by pair. */
struct run_cursor {
	const uint8_t *p, *end;
	uint32_t series;
	struct totals totals;
	unsigned pairs; /* still to be read by run_pair() before the next run_next() */
	unsigned bucket;
};

void run_open(struct run_cursor *c, const struct run *r);

/* Go to the next series. False at the end. */
bool run_next(struct run_cursor *c);

/* The next latency bucket of the series and its count. */
void run_pair(struct run_cursor *c, unsigned *ret_bucket, uint32_t *ret_count);

/* Adds up one series. All-zero is empty. */
struct fold {
	struct totals totals;
	unsigned pairs;            /* buckets touched */
	uint32_t pages;            /* bit set of the pages that they are in */
	uint64_t mark[HIST_PAGES]; /* bit sets of the buckets themselves */
	uint32_t count[HIST_PAGES * HIST_PAGE];
};

void fold_entry(struct fold *f, const struct entry *e);
void fold_group(struct fold *f, struct run_cursor *c); /* reads its pairs */

/* Writes a run. Series must come in ascending order. All-zero is empty. */
struct packer {
	struct buf out;
	uint32_t series;
};

/*
 * Append a group as it is. Series may come in any order here: what is written so can be
 * read by a cursor, but must be brought in order (run_sort) before it is merged.
 */
void pack_group(struct packer *p, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n);

/* The same groups in order, those of one series added up. */
struct run run_sort(const struct packer *p, struct fold *fold);

/* Append what @f holds as @series, and empty @f. */
void pack_fold(struct packer *p, uint32_t series, struct fold *f);

/* The run, which the caller owns and ends with free(run.p). */
struct run pack_done(struct packer *p);

/*
 * Order for reading @e sorted by series, as indices into it. @scratch has room for
 * 2 * @n. Returns the half that holds the result.
 */
const uint64_t *entries_sort(const struct entry *e, uint32_t n, uint64_t *scratch);

#endif
