/*
 * origins - where two views of the same calls disagree, and so one of them is wrong.
 *
 * A trace that was sampled, an agent that lost events or a proxy that is passed by show
 * up here. Small numbers disagree by chance, and a scrape is behind by an interval, so
 * nothing is said of less than ORIGINS_CALLS calls, and what differs by no more than
 * ORIGINS_PERCENT is alike.
 */
#ifndef WEIR_CORE_ORIGINS_H
#define WEIR_CORE_ORIGINS_H

#include "weir/core/snap.h"

#define ORIGINS_CALLS 50
#define ORIGINS_PERCENT 10     /* of calls and of failures */
#define ORIGINS_ERRORS 10      /* failures, below which they are not compared */
#define ORIGINS_P99_PERCENT 25 /* where neither is a bound */

enum origins_differ {
	ORIGINS_DIFFER_CALLS = 1,
	ORIGINS_DIFFER_ERRORS = 2,
	ORIGINS_DIFFER_P99 = 4
};

/* Bits of enum origins_differ. Symmetric. */
unsigned origins_differ(const struct snap_stat *a, const struct snap_stat *b);

#endif
