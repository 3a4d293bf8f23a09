/*
 * severity - how bad an edge is.
 *
 * Four grades, each shown by glyph, line weight and colour: idle, ok, warn (▲, a
 * victim: slow because something behind it is) and crit (◆, a cause). The absolute
 * thresholds here judge before anything has been learnt.
 */
#ifndef WEIR_CORE_SEVERITY_H
#define WEIR_CORE_SEVERITY_H

#include <stdint.h>

struct snap;

/* Ordered: the worse the greater. */
enum severity {
	SEV_IDLE,
	SEV_OK,
	SEV_WARN,
	SEV_CRIT,
	SEV_COUNT
};

const char *severity_word(enum severity s); /* "idle" "ok" "warn" "crit" */

struct thresholds {
	int64_t warn_p99_us, crit_p99_us;
	double warn_errors, crit_errors; /* ratio 0..1 */
	uint32_t min_samples;            /* fewer latencies than this judge nothing */
};

#define THRESHOLDS_DEFAULT                                                          \
	{                                                                           \
		.warn_p99_us = 500000, .crit_p99_us = 1000000, .warn_errors = 0.05, \
		.crit_errors = 0.20, .min_samples = 5                               \
	}

/* What a latency, or a share of errors, is by itself. Unknown (negative, NAN) is ok. */
enum severity severity_of_latency(const struct thresholds *t, int64_t us);
enum severity severity_of_errors(const struct thresholds *t, double ratio);

/*
 * Grade every edge and node of @snap, count the grades, write the headline, and note
 * the thresholds there.
 *
 * An edge without calls is idle. One over a threshold (p99, share of errors, or time
 * in the queue) is warn or crit, unless an edge behind it explains it, which is
 * itself over one and holds most of its latency or of its errors: then it is a
 * victim, warn at most, and the edge that explains it is at least as bad as it would
 * have been. What runs asynchronously explains no latency of those before it. Shares
 * of errors need two errors for warn and three for crit.
 *
 * A node has the worst grade of its incoming edges; one without any is ok, or idle
 * when all its edges are.
 */
void severity_judge(struct snap *snap, const struct thresholds *t);

#endif
