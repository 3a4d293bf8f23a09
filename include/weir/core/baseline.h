/*
 * baseline - what is normal for one edge or operation, learnt from its own past.
 *
 * A slowly forgetting histogram of single requests (half of it is from the last
 * BASELINE_MEMORY * ln 2 learnt spans of 10 s, a quarter of an hour), the failure ratio,
 * and how much more than chance both vary from one span to the next (over-dispersion:
 * an intra-class correlation rho, so that n requests of one span tell as much as
 * n / (1 + (n-1) rho) independent ones). Requests rather than window summaries, so that
 * twenty requests are already a baseline, with the uncertainty of twenty requests.
 *
 * What to learn is the caller's decision (anomaly.h): spans that look anomalous are
 * held back. A baseline never reads a clock.
 */
#ifndef WEIR_CORE_BASELINE_H
#define WEIR_CORE_BASELINE_H

#include <stdbool.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/recent.h"

#define BASELINE_MEMORY 128 /* learnt spans after which 1/e is left of a request */

/* The shares of requests whose growth is watched: above the median, p95, p99. */
enum baseline_level {
	LEVEL_P50,
	LEVEL_P95,
	LEVEL_P99,
	LEVEL_COUNT
};

/* What one window had, to learn from it how windows vary. */
struct baseline_look {
	float calls, failed, timed, above[LEVEL_COUNT];
};

/* How much counts vary from span to span beyond chance: an estimate of rho. */
struct dispersion {
	float excess, scale;
};

struct baseline {
	float *count; /* of bucket first + i, times unit */
	float unit;   /* grows instead of all counts being made smaller */
	uint16_t first, len;
	uint16_t above[LEVEL_COUNT]; /* the level's bucket: slower than this is above */
	uint16_t far;                /* three times p95: slower is out of proportion */
	float requests;              /* decayed */
	float spans;                 /* learnt, in units of 10 s; decayed */
	float share[LEVEL_COUNT];    /* of requests that are above, in truth */
	/*
	 * The share that is still normal: with the uncertainty (95 %) of having learnt
	 * it from so few; and the over-dispersion of the counts above.
	 */
	float high[LEVEL_COUNT], rho[LEVEL_COUNT];
	float far_share; /* never 0 */
	float unsettled; /* requests that are not yet in the levels */
	float mean_us;   /* without the tail beyond twice p99 */
	float p50_us, p95_us, p99_us;
	float calls, failed; /* decayed; failures of all requests */
	struct dispersion level[LEVEL_COUNT], errors;
	struct baseline_look look, next_look; /* of the last window learnt, of this one */
};

void baseline_init(struct baseline *b);
void baseline_done(struct baseline *b);
void baseline_copy(struct baseline *to, const struct baseline *from);

/* Learn @sum, which covers @span_s seconds, at @weight (1: fully). */
void baseline_learn(
	struct baseline *b, const struct recent_sum *sum, double span_s, double weight);

/*
 * Show it a window, that it may learn how windows vary: windows are shorter than spans
 * may be. @above are its requests above this baseline's levels. Learnt with the next
 * baseline_learn() but one, when it was normal.
 */
void baseline_look(struct baseline *b, const struct recent_sum *sum,
	const double above[LEVEL_COUNT]);

/* Requests of @sum above each level, and far beyond. */
void baseline_count(const struct baseline *b, const struct recent_sum *sum,
	double above[LEVEL_COUNT], double *far);

/* Enough to judge latencies by: some requests over some time. */
static inline bool
baseline_warm(const struct baseline *b)
{
	return b->requests >= 12 && b->spans >= .9f;
}

/*
 * The failure ratio learnt, and the highest that is still normal. @prior is the ratio
 * of all edges together, which a young baseline leans on.
 */
double baseline_errors(const struct baseline *b, double prior);
double baseline_errors_high(const struct baseline *b, double prior);
double baseline_errors_rho(const struct baseline *b);

/* Forget down to at most @spans of learning, so that it adapts as a younger one. */
void baseline_age(struct baseline *b, double spans);

/* Append to @out; read back from the front of @in. A damaged one reads as not OK. */
void baseline_write(const struct baseline *b, struct buf *out);
enum status baseline_read(struct baseline *b, struct str *in);

size_t baseline_bytes(const struct baseline *b);

#endif
