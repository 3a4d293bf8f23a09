/*
 * verdict - which hop is the cause, since when, by what numbers.
 *
 * Watches every edge and its operations against their own learnt past, opens and closes
 * anomalies with hysteresis, lets the blame flow down to the hop that nothing behind it
 * explains, and says so in one sentence. The method is weir-verdict(7).
 *
 * Independent of the model: nodes and operations are numbers the caller chose, with a
 * callback for their names (asked when a sentence is written and when an edge is first
 * seen, for what was saved of it). Feed every request to verdict_observe(), call
 * verdict_tick() at least once a second, read with verdict_causes() and
 * verdict_edge_read(). Deterministic; time is an argument; one thread.
 *
 * What is observed is only written down, 65536 entries in a MiB at most, and taken edge by
 * edge when they are full and at each tick: until then nothing that is read shows it.
 *
 * Bounded by struct verdict_limits. An edge costs about 1 KiB with one quiet operation and
 * up to 16 KiB more for each busy one (recent.h); what is over a limit is not watched and
 * counted.
 */
#ifndef WEIR_CORE_VERDICT_H
#define WEIR_CORE_VERDICT_H

#include <stddef.h>

#include "weir/core/anomaly.h"
#include "weir/core/flow.h"
#include "weir/core/tolerance.h"

#define VERDICT_NONE UINT32_MAX
#define VERDICT_WINDOW_S 10u /* the sliding window, evaluated every second */
#define VERDICT_MAX_CAUSES 8
#define VERDICT_MAX_EXPLAINS 3
#define VERDICT_MAX_EVENTS 256

struct verdict;

struct verdict_limits {
	uint32_t nodes, edges;
	uint32_t ops;          /* in all */
	uint32_t ops_per_edge; /* watched on their own; the rest together */
	uint32_t forget_s;     /* an edge unseen for so long may make room for another */
};

struct verdict_options {
	struct verdict_limits limits;
	struct anomaly_limits anomaly;
	/* Borrowed names of the caller's ids; never NULL, never a NULL result. */
	const char *(*node_name)(void *ctx, uint32_t node);
	const char *(*op_name)(void *ctx, uint32_t op);
	/* NULL: no edge has a tolerance of its own. Asked when an edge is first seen. */
	struct tolerance (*tolerance)(void *ctx, uint32_t src, uint32_t dst);
	void *ctx;
};

extern const struct verdict_limits verdict_limits_default;

/* Owned by the caller. @o is copied; its zero limits mean the defaults. */
struct verdict *verdict_new(const struct verdict_options *o);
void verdict_free(struct verdict *v);

/* One request, or several alike. Times in us, FLOW_UNKNOWN where unknown. */
struct verdict_obs {
	uint32_t src, dst; /* nodes */
	enum flow_kind kind;
	enum flow_origin origin;
	uint32_t op; /* VERDICT_NONE: unknown */
	/*
	 * NULL, or what was left there for the same ends, kind, origin and operation since
	 * the last verdict_tick(), at first 0: then nothing has to be looked up.
	 */
	uint32_t *known;
	int64_t end_us;
	int64_t latency_us; /* that the edge is judged by: the caller's, else the callee's */
	int64_t server_us;  /* that the callee saw; of KIND_MSG the consumer's work */
	int64_t queue_us;   /* between producer and consumer */
	int64_t self_us;    /* of the callee, its own calls not counted */
	int64_t blocked_us; /* for which the caller waited: its critical path */
	uint32_t calls;     /* at least 1: sampling weight, or requests of a bucket */
	uint32_t failed;    /* of these */
};

/*
 * Take what was seen at @now_us. Requests may arrive late and out of order: each edge's
 * usual lateness is learnt and its window ends that much earlier (at most 15 s).
 */
void verdict_observe(struct verdict *v, const struct verdict_obs *o, int64_t now_us);

/*
 * The same of flows added up at their source. Text in them is not read: the ends and the
 * operation are the caller's numbers for it, @known as above.
 */
void verdict_observe_delta(struct verdict *v, const struct delta *d, uint32_t src,
	uint32_t dst, uint32_t op, uint32_t *known, int64_t now_us);

/*
 * What becomes known of requests later, of those between two ends: what the callee spent
 * by itself (@self_us), or for how long the caller waited (@blocked_us); FLOW_UNKNOWN.
 * Counts as no request. Nothing when the edge is not watched, or by another origin.
 */
struct verdict_own {
	uint32_t src, dst;
	enum flow_kind kind;
	enum flow_origin origin;
	int64_t end_us, self_us, blocked_us;
	uint32_t calls;
};

void verdict_observe_own(struct verdict *v, const struct verdict_own *o, int64_t now_us);

/* Evaluate every second up to @now_us. After a jump of more than a minute starts anew. */
void verdict_tick(struct verdict *v, int64_t now_us);

/*
 * The feed is known to be incomplete (an agent fell silent, messages were lost), or is
 * whole again. While it is not, missing calls are no anomaly.
 */
void verdict_feed(struct verdict *v, bool complete);

/* ---------------------------------------------------------------- what it says */

/* The numbers behind a verdict. Unknown latencies are FLOW_UNKNOWN, ratios NAN. */
struct verdict_numbers {
	double calls;      /* requests judged */
	int64_t window_us; /* over how long */
	int64_t mean_us, p50_us, p95_us, p99_us;
	int64_t usual_mean_us, usual_p50_us, usual_p95_us, usual_p99_us;
	double usual_requests; /* that the baseline rests on */
	double error_ratio, usual_error_ratio;
	double rate, usual_rate; /* calls a second, and as the caller's calls explain */
	int64_t wait_us, usual_wait_us; /* mean, between producer and consumer */
	double z_latency, z_errors, z_wait, z_volume; /* standard deviations */
	double z_open, z_close;                       /* that they were held against */
	/* Absolute limits, which judge an edge that has no baseline. */
	int64_t limit_us;         /* of p95 */
	double limit_error_ratio; /* of failures */
};

struct verdict_explains {
	uint32_t src, dst; /* a user-facing edge */
	double share;      /* of its excess that this cause is */
};

struct verdict_cause {
	enum anomaly kind; /* ERRORS LATENCY QUEUE SILENT COLD */
	uint32_t node;     /* the cause */
	uint32_t src, dst; /* the hop it is seen on; of SILENT the missing one */
	enum flow_kind edge_kind;
	uint32_t op;       /* VERDICT_NONE: no single one */
	uint32_t only_src; /* the one caller of several that suffers, or VERDICT_NONE */
	uint32_t more_dst; /* a callee called more often than usual, or VERDICT_NONE */
	double more;       /* that many times as often */
	uint32_t new_dst;  /* a callee that is new, or VERDICT_NONE */
	bool also_slow;    /* ERRORS: and slow as well */
	bool failing_fast; /* ERRORS: answers sooner than usual */
	bool async;
	int64_t since_us;
	double score; /* seconds lost a second; failures count as one second each */
	struct verdict_explains explains[VERDICT_MAX_EXPLAINS];
	uint32_t explained;
	struct verdict_numbers numbers;
};

/* Ranked; the first is the one that is named. Borrowed: until the next tick. */
const struct verdict_cause *verdict_causes(const struct verdict *v, uint32_t *ret_n);

enum verdict_part {
	PART_CALM,
	PART_VICTIM, /* worse than usual; the cause is elsewhere */
	PART_CAUSE
};

struct verdict_edge {
	enum verdict_part part;
	uint32_t alarms;  /* bit set of enum anomaly */
	int64_t since_us; /* of the oldest; FLOW_UNKNOWN: none */
	bool learnt;      /* has a baseline; else the following are FLOW_UNKNOWN, NAN */
	int64_t usual_p50_us, usual_p95_us, usual_p99_us;
	double usual_rate, usual_error_ratio;
};

/* Cheap; false when the edge is not watched. */
bool verdict_edge_read(const struct verdict *v, uint32_t src, uint32_t dst,
	enum flow_kind kind, struct verdict_edge *ret_edge);

/* All numbers of an edge, for the one that is looked at. */
bool verdict_edge_numbers(const struct verdict *v, uint32_t src, uint32_t dst,
	enum flow_kind kind, struct verdict_numbers *ret_numbers);

#define VERDICT_MAX_BEHIND 8

/*
 * The numbers behind the verdict, as they were when the first cause was last named.
 * Claims and blame are seconds, failed requests or missing calls a second.
 */
struct verdict_why {
	struct verdict_numbers numbers;
	struct anomaly_limits limits;
	struct tolerance tolerance;
	int64_t since_us[ANOMALY_COUNT]; /* of what is open; else FLOW_UNKNOWN */
	double own_excess_us; /* that the callee spent by itself, a request; NAN unknown */
	bool async;           /* nobody waits for the answer */
	enum anomaly channel; /* that is claimed; ANOMALY_COUNT: nothing is */
	double claim;         /* of this edge */
	double flow;          /* blame that came over it */
	double stays;         /* with the callee, over whatever edge it came */
	double total;         /* blame in all */
	struct verdict_behind {
		uint32_t src, dst;
		double claim, flow, z;
	} behind[VERDICT_MAX_BEHIND]; /* the callee's own calls, greatest claim first */
	uint32_t behinds, behind_all; /* told here, and there are */
};

bool verdict_explain(const struct verdict *v, uint32_t src, uint32_t dst,
	enum flow_kind kind, struct verdict_why *ret_why);

enum verdict_feed_state {
	FEED_NOTHING,  /* nothing seen yet */
	FEED_LEARNING, /* no edge has a baseline yet */
	FEED_GAP,      /* it stopped: nothing is judged */
	FEED_WATCHING
};

struct verdict_status {
	enum verdict_feed_state feed;
	uint32_t edges, learnt; /* watched, and with a baseline */
	uint32_t restored;      /* of those, from a saved state */
	uint64_t unwatched;     /* requests of edges over the limit */
	uint64_t late;          /* requests too late for any window */
	size_t bytes;
};

void verdict_status(const struct verdict *v, struct verdict_status *ret_status);

/* ---------------------------------------------------------------- timeline */

enum verdict_change {
	VERDICT_OPENED, /* an anomaly of an edge */
	VERDICT_CLOSED,
	VERDICT_NAMED,      /* a cause became the verdict */
	VERDICT_CLEARED,    /* nothing is wrong any more */
	VERDICT_NEW_NORMAL, /* it lasted so long that it is what is usual now */
	VERDICT_FEED_LOST,
	VERDICT_FEED_BACK
};

struct verdict_event {
	uint64_t number; /* counts from 1 */
	int64_t at_us;
	enum verdict_change kind;
	enum anomaly anomaly; /* of OPENED and CLOSED */
	uint32_t src, dst;    /* VERDICT_NONE: of no edge */
	enum flow_kind edge_kind;
	uint32_t op; /* of NAMED: its operation, or VERDICT_NONE */
	struct verdict_numbers numbers;
};

/* Events after number @after, oldest first; returns how many were written to @ret. */
uint32_t verdict_events(
	const struct verdict *v, uint64_t after, struct verdict_event *ret, uint32_t max);

/* ---------------------------------------------------------------- keeping */

/*
 * Append all baselines, with a version, a length and a checksum. verdict_load() takes
 * them back into an engine that has seen nothing yet; on any fault it changes nothing
 * and says why. Edges are recognised by their names.
 */
void verdict_save(const struct verdict *v, int64_t now_us, struct buf *out);
enum status verdict_load(
	struct verdict *v, struct str bytes, int64_t now_us, struct diag *d);

#endif
