/*
 * skew - by how much the clocks of two services differ, from the requests between them.
 *
 * A callee cannot begin before its caller nor end after it. Each request therefore
 * leaves an interval in which the difference of the two clocks must lie, and those of
 * many requests together a narrow one. While 0 lies in it the clocks may well agree,
 * and the difference is told as 0; so is one below SKEW_LEAST_US, because processes
 * do not close their spans at exactly the right moment.
 *
 * Differences are told anew every SKEW_PERIOD_US. Bounded: pairs of services beyond the
 * limit are not looked at.
 */
#ifndef WEIR_CORE_SKEW_H
#define WEIR_CORE_SKEW_H

#include <stdint.h>

#include "weir/base/str.h"

#define SKEW_PERIOD_US INT64_C(10000000)
#define SKEW_LEAST_US INT64_C(2000)

struct skew;

struct skew_times {
	int64_t start_us, end_us;
};

struct skew *skew_new(uint32_t max_pairs);
void skew_free(struct skew *s);

/* One request: when it began and ended by the caller's clock and by the callee's. */
void skew_add(struct skew *s, struct str caller, struct str callee,
	const struct skew_times *by_caller, const struct skew_times *by_callee);

/* @us: the callee's clock minus the caller's. Text is borrowed until it returns. */
typedef void (*skew_fn)(void *ctx, struct str caller, struct str callee, int64_t us);

/* Tell, if it is time to, what the requests since the last time showed. */
void skew_tick(struct skew *s, int64_t now_us, skew_fn fn, void *ctx);

/* The same at once, because nothing more will come. */
void skew_flush(struct skew *s, skew_fn fn, void *ctx);

#endif
