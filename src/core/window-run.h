/*
 * window-run - packed logs: what was booked in some seconds, by series.
 *
 * A run holds many calls sorted by series, as groups: what is added up beside the
 * latencies, and those as a list, as they came, or once there are many as pages of
 * counters. That takes about two bytes for a latency, often less. Runs are read by
 * cursors and merged through a fold. Adding and packing lose nothing, so that an event, a
 * delta and a packed run of them replay to the same sums bit for bit.
 */
#ifndef WEIR_CORE_WINDOW_RUN_H
#define WEIR_CORE_WINDOW_RUN_H

#include <string.h>

#include "weir/base/buf.h"
#include "weir/core/hist.h"
#include "weir/core/window.h"
#include "window-page.h"

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

/* What a group says beside its latencies. */
struct totals group_totals(const struct window_group *g);

struct run {
	uint8_t *p;
	size_t n;
	bool summed; /* it is in the sums, or need not be */
};

/* How the latencies of a group are written. */
enum group_form {
	FORM_LIST,   /* buckets, a call each */
	FORM_ARRAYS, /* buckets, then counts of a byte */
	FORM_PAGES   /* see window-page.h */
};

/* Reads a run group by group, and the latencies of each bit by bit. */
struct run_cursor {
	const uint8_t *p, *end;
	uint32_t series; /* of the group that run_next() went to */
	unsigned left;   /* of its latencies or pages */
	enum group_form form;
	const uint8_t *counts; /* of FORM_ARRAYS: that of the next latency */
};

static inline struct run_cursor
run_open(const struct run *r)
{
	return (struct run_cursor){ .p = r->p, .end = r->p + r->n };
}

/* The series of the next group; WINDOW_NO_SERIES behind the last. */
static inline uint32_t
run_peek(const struct run_cursor *c)
{
	uint32_t series = WINDOW_NO_SERIES;

	if (c->p != c->end)
		memcpy(&series, c->p, sizeof(series));
	return series;
}

/* Has it nothing left? */
static inline bool
run_ended(const struct run_cursor *c)
{
	return c->p == c->end && !c->left;
}

/* Go to the next group, which there is. Returns what it says beside its latencies. */
void run_next(struct run_cursor *c, struct totals *ret_totals);

#define RUN_PART HIST_PAGE /* pairs that are read at a time, at most */

/* Are the group's next latencies a full page? If it has any left. */
static inline bool
run_at_page(const struct run_cursor *c)
{
	return c->form == FORM_PAGES && page_is_full(c->p);
}

/* Read that: the counters of its buckets. Returns its number. */
unsigned run_page(struct run_cursor *c, uint8_t *count);

/*
 * Read the next ones that are not: the bucket of each and how many calls were in it.
 * Returns how many that are.
 */
unsigned run_pairs(struct run_cursor *c, uint16_t *bucket, uint32_t *count);

/* Adds up one series. All-zero is empty. */
struct fold {
	struct totals totals;
	uint32_t pages; /* bit set of those touched */
	uint32_t count[HIST_PAGES * HIST_PAGE];
};

void fold_group(struct fold *f, struct run_cursor *c); /* the next one, all of it */

static inline void
fold_pair(struct fold *f, unsigned bucket, uint32_t count)
{
	f->pages |= 1u << bucket / HIST_PAGE;
	f->count[bucket] += count;
}

/*
 * Append a group as it came, in FORM_ARRAYS. False, and nothing done, when a count does
 * not fit a byte.
 */
bool pack_group(struct buf *b, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n);

/* Append a group whose latencies are calls one by one. */
void pack_list(struct buf *b, uint32_t series, const struct totals *t,
	const uint16_t *bucket, unsigned n);

/* Append what @f holds as @series, and empty @f. */
void pack_fold(struct buf *b, uint32_t series, struct fold *f);

/* The groups in @b as a run, which the caller owns and ends with free(run.p). */
struct run pack_done(struct buf *b);
struct run pack_copy(const struct buf *b); /* leaves @b as it is */

#endif
