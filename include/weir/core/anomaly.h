/*
 * anomaly - when is a number no longer normal, and when has it become so again.
 *
 * One statistic for everything that is counted: the signed root of the binomial
 * deviance of k of n against a normal share p, continuity corrected and deflated for
 * over-dispersion. It is read as standard deviations. Latencies are counted too: the
 * requests above the usual p50, p95 and p99, and far beyond it. So a tail of 3 % shows
 * although the median stands still, and one outlier shows nothing.
 *
 * An alarm has hysteresis in level and in time: it opens at once when the evidence is
 * overwhelming, after one more window when it is merely strong, and closes when the
 * evidence has been gone for a window. Time is an argument, in whole seconds.
 */
#ifndef WEIR_CORE_ANOMALY_H
#define WEIR_CORE_ANOMALY_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/baseline.h"

/* In the order of telling. Words as in the JSON snapshot. */
#define ANOMALY_LIST(X)       \
	X(ERRORS, "errors")   \
	X(LATENCY, "latency") \
	X(QUEUE, "queue")     \
	X(SILENT, "silent")   \
	X(DROP, "drop")       \
	X(COLD, "cold")       \
	X(RETRY, "retry")     \
	X(SURGE, "surge")     \
	X(NEW, "new")

enum anomaly {
#define X(id, word) ANOMALY_##id,
	ANOMALY_LIST(X)
#undef X
	ANOMALY_COUNT
};

const char *anomaly_word(enum anomaly a);

/*
 * All limits of the engine, in one place. Where a number is a convention, its source is
 * in weir-verdict(7).
 */
struct anomaly_limits {
	double z_open;        /* opens when it lasts a window */
	double z_fast;        /* opens when it lasts two seconds */
	double z_fast_errors; /* the same for failures, which noise is less of */
	double z_close;       /* below: closes when it lasts a window */
	double z_learn;       /* from here on a span is not learnt */
	double z_claim;       /* from here on an edge takes part in the blame */
	/* By how much that must have grown of which the evidence is, */
	double p50_growth, p95_growth, p99_growth;
	int64_t excess_us;            /* and the mean by so much */
	int64_t wait_us;              /* and a message's wait, for which nobody waits */
	double errors_ratio;          /* and the failure ratio this much */
	uint32_t min_errors;          /* fewer failures are weak evidence */
	double volume_z, surge, drop; /* calls against what the caller's calls explain */
	double silent_calls; /* missing calls in a row that chance does not explain */
	int64_t cold_p95_us; /* without a baseline: slow in itself */
	double cold_errors;  /* without a baseline: failing in itself */
};

extern const struct anomaly_limits anomaly_limits_default;

/* Standard deviations by which @k of @n is more than share @p; 0 when it is not. */
double anomaly_binomial(double k, double n, double p, double rho);

/* 0 at or below z_claim, 1 at or above z_open. */
double anomaly_gate(const struct anomaly_limits *l, double z);

/* What is compared: requests above each level, and what would be normal. */
struct latency_counts {
	double n;
	double above[LEVEL_COUNT], share[LEVEL_COUNT], rho[LEVEL_COUNT];
	double far, far_share;
};

/* Requests of @sum above the levels of @b, and their normal shares. Adds up. */
void latency_count(
	struct latency_counts *c, const struct recent_sum *sum, const struct baseline *b);

/* The counts of several series together. */
void latency_add(struct latency_counts *to, const struct latency_counts *from);

/* The tests of all levels; the last is of what is far beyond them. */
void latency_z(const struct latency_counts *c, double z[LEVEL_COUNT + 1]);

/*
 * The strongest, without asking for a minimum of requests: two outliers raise no alarm, but
 * they need not be learnt at once either.
 */
double latency_doubt(const struct latency_counts *c);

/* Failures of @n requests; few of them are weak evidence. */
double errors_z(double failed, double n, double share_high, double rho);

/*
 * The same without the two worst seconds: what is left when a pause of a moment, which
 * delays many requests at once, is not counted.
 */
double anomaly_lasting(const struct recent_spread *s, double share, double rho);

struct alarm {
	bool on;
	uint32_t since;      /* second it opened */
	uint32_t high, fast; /* evidence without a break since; 0: none now */
	uint32_t low;        /* on: no evidence since; 0: evidence now */
	float z;
};

enum alarm_change {
	ALARM_SAME,
	ALARM_OPENED,
	ALARM_CLOSED
};

/*
 * Show the alarm its evidence of second @sec: @z, and whether it is @big enough to
 * matter; from @z_fast on it is overwhelming. @window_s is how long strong evidence has to last, and calm.
 */
enum alarm_change alarm_step(struct alarm *a, const struct anomaly_limits *l,
	uint32_t sec, uint32_t window_s, double z, double z_fast, bool big);

/*
 * A cumulative sum (Page, 1954) over requests, which tells cheaply when it is
 * worth looking closer, and since when: it was last 0 where the change began.
 */
struct cusum {
	float sum[LEVEL_COUNT + 1];     /* the levels, then failures */
	uint32_t from[LEVEL_COUNT + 1]; /* second it began to rise from 0 */
	float error_up, error_down; /* log likelihood ratios of a failure and a success */
	uint32_t since;             /* when that which last asked for a look began */
};

void cusum_tune(struct cusum *c, double error_share);
void cusum_reset(struct cusum *c);

/*
 * Take the requests of second @sec, in whatever order they were; true when a closer look
 * is due.
 */
bool cusum_step(
	struct cusum *c, uint32_t sec, const struct baseline_look *seen, double limit);

#endif
