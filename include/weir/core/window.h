/*
 * window - what every series did over the last seconds, and the log behind it.
 *
 * A series is anything with calls and latencies: an edge as one origin sees it, an
 * operation under it, its server side. Its sums over the window are kept up to date,
 * so reading one costs the same whatever the window's width. Each second has a log
 * of what was added in it; when the second leaves the window the log is replayed
 * with the opposite sign. A series may have a parent, which gets all it gets.
 *
 * The log reaches back WINDOW_KEEP_US whatever the width, so that the width can be
 * changed at any time. Its older part is coarser: seconds for WINDOW_FINE_US, tens of
 * seconds for five minutes, then minutes. A window wider than WINDOW_FINE_US
 * therefore loses its old end in steps of 10 s (to five minutes) or 60 s, and is
 * never narrower than asked for; window_from_us() tells where it begins. With an eighth
 * of the budget taken there are seconds only for the last ten, and a window of a minute
 * loses its old end in steps of 10 s as well.
 *
 * Closed seconds are packed, equal latencies of one series into one count, so the
 * log grows with min(events, series x latency buckets in use), and in any case not
 * beyond its byte budget: then the oldest part goes, and window_from_us() says so.
 *
 * Time is the caller's and never goes back.
 */
#ifndef WEIR_CORE_WINDOW_H
#define WEIR_CORE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/core/hist.h"

#define WINDOW_KEEP_US INT64_C(900000000)
#define WINDOW_FINE_US INT64_C(60000000)
#define WINDOW_NO_SERIES UINT32_MAX
#define WINDOW_NO_LATENCY UINT16_MAX

struct window;

/* Some calls that are alike, mostly one. */
struct window_record {
	uint32_t series;
	uint32_t calls;  /* may be 0: then only errors and bytes count */
	uint32_t errors; /* of the calls */
	uint16_t bucket; /* hist_index() of the latency, or WINDOW_NO_LATENCY */
	uint32_t weight; /* each latency stands for so many of the calls; 0 is 1 */
	bool coarse;     /* the latency is the upper bound of a wide bucket */
	int64_t bytes_in, bytes_out; /* sums, or -1 when unknown */
};

/* Many calls of a series at once: what a delta says. Borrowed arrays. */
struct window_group {
	uint32_t series;
	uint32_t bare;   /* calls without a latency */
	uint32_t errors; /* of all calls */
	uint32_t weight; /* as in a record */
	bool coarse;
	int64_t bytes_in, bytes_out; /* sums, or -1 when unknown */
	const uint16_t *bucket;      /* ascending */
	const uint32_t *count;       /* calls in each */
	unsigned n;
};

struct window_sum {
	uint64_t calls, errors;
	uint64_t samples;            /* latencies measured */
	uint64_t coarse;             /* calls whose latency is only bounded */
	int64_t bytes_in, bytes_out; /* -1: nobody told */
};

/* @max_bytes bounds the log, not the sums. */
struct window *window_new(int64_t width_us, size_t max_bytes);
void window_free(struct window *w);

/*
 * A new series with empty sums. @parent is WINDOW_NO_SERIES or a series that has no
 * parent itself and is freed no sooner than this one.
 */
uint32_t window_series_new(struct window *w, uint32_t parent);

/* Hand a series back. The id rests until nothing in the log names it. */
void window_series_free(struct window *w, uint32_t series);

/*
 * Book @r at @at_us. False, and nothing done, when that is before all that is kept.
 * A time after now is now.
 */
bool window_add(struct window *w, int64_t at_us, const struct window_record *r);

/* The same for a group: as good as its calls one by one, and much cheaper. */
bool window_add_group(struct window *w, int64_t at_us, const struct window_group *g);

/*
 * Move the window's end to @now_us and do a bounded piece of the housekeeping. Call
 * it often; what it left is done by window_settle().
 */
void window_advance(struct window *w, int64_t now_us);

/* Finish what is due, so that the sums are those of the window. Before reading them. */
void window_settle(struct window *w);

void window_set_width(struct window *w, int64_t width_us);
int64_t window_width(const struct window *w);

/* Beginning of the time that the sums cover; the end is the last window_advance(). */
int64_t window_from_us(const struct window *w);

/* Before this nothing is kept, and window_add() refuses. */
int64_t window_oldest_us(const struct window *w);

/* Settled sums. Borrowed hist: valid until the window is changed in any way. */
struct window_sum window_sum(const struct window *w, uint32_t series);
const struct hist *window_hist(const struct window *w, uint32_t series);

/*
 * Tell @take the latencies of a series that were booked in the seconds (since the
 * epoch) from @from to before @to, bucket by bucket and in no order. Only for
 * WINDOW_FINE_US; where the log has no seconds any more, what it has is spread over
 * them. Reads all that was booked then, for whatever series.
 */
void window_visit(const struct window *w, uint32_t series, int64_t from, int64_t to,
	void (*take)(void *arg, int64_t tick, unsigned bucket, uint32_t count),
	void *arg);

/*
 * Have the memory of a series on its way, for a reader who goes through thousands: its
 * head well ahead, and its counters when the head is there.
 */
void window_fetch_head(const struct window *w, uint32_t series);
void window_fetch_counts(const struct window *w, uint32_t series);

/* Bytes held: by the log, and in all. */
size_t window_log_bytes(const struct window *w);
size_t window_bytes(const struct window *w);

#endif
