/*
 * snap - an immutable picture of the model at one instant.
 *
 * All that views and exports see. Nodes are sorted by name, edges by (src name,
 * dst name, kind), so the same model gives the same snap in any arrival order.
 * Pausing the screen is keeping the old snap.
 *
 * Text is borrowed from the model's name table and valid as long as the model.
 * Unknown numbers are SNAP_UNKNOWN (or NAN for doubles), never 0.
 */
#ifndef WEIR_CORE_SNAP_H
#define WEIR_CORE_SNAP_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/flow.h"
#include "weir/core/sentence.h"
#include "weir/core/severity.h"
#include "weir/core/shape.h"
#include "weir/core/verdict.h"

#define SNAP_UNKNOWN INT64_C(-1)

/* What happened in the window. Percentiles are of flow_latency_us(). */
struct snap_stat {
	uint64_t calls;   /* requests, sampling weight included */
	uint64_t errors;  /* of those, the failed ones */
	uint64_t samples; /* latencies behind the percentiles */
	double rate;      /* calls per second over the covered part of the window */
	int64_t p50_us, p95_us, p99_us, max_us; /* SNAP_UNKNOWN without samples */
	int64_t bytes_in, bytes_out;            /* sums, or SNAP_UNKNOWN */
	bool bounds_only; /* the percentiles are upper bounds of a source's coarse buckets */
};

struct snap_op {
	const char *op; /* "(other)" collects what did not fit */
	struct snap_stat stat;
};

/* An edge as one origin sees it. */
struct snap_view {
	enum flow_origin origin;
	bool shown; /* its numbers are those of the edge */
	struct snap_stat stat;
};

struct snap_exemplar {
	struct flow_ids ids;
	int64_t latency_us, end_us;
	bool failed;
};

/* What is usual on an edge, as far as it is learnt; see weir-verdict(7). */
struct snap_usual {
	bool learnt; /* else all are unknown, and thresholds judge the edge */
	int64_t p50_us, p95_us, p99_us;
	double rate, error_ratio;
};

struct snap_edge {
	uint32_t src, dst; /* indices into snap.nodes */
	enum flow_kind kind;
	enum severity severity;
	bool idle; /* no traffic for longer than the model's limit */
	struct snap_stat stat;
	int64_t server_p99_us;     /* as the callee saw it, or SNAP_UNKNOWN */
	int64_t queue_p99_us;      /* producer to consumer, or SNAP_UNKNOWN */
	int64_t first_us, last_us; /* event times of the first and the newest call */
	uint32_t origins;          /* bit set of enum flow_origin */
	uint32_t first_op, ops;    /* slice of snap.ops, greatest calls × p99 first */
	uint32_t first_exemplar, exemplars; /* slice of snap.exemplars, slowest first */
	/* Slice of snap.view, in the order of the origins; of more than one, or empty. */
	uint32_t first_view, views;
	enum verdict_part part; /* in what is wrong now */
	uint32_t alarms;        /* bit set of enum anomaly, open now */
	int64_t since_us;       /* of the oldest of them, or SNAP_UNKNOWN */
	struct snap_usual usual;
	struct tolerance tolerance; /* its own limits; 0 where there is none */
	/* Stable while the edge lives, and not reused while a snap shows it. */
	uint32_t key;
};

/* Log lines of one service that differ only in their numbers. */
struct snap_note {
	const char *pattern; /* see pattern.h; "(other)" where there was no room */
	enum note_severity severity;
	uint64_t count;    /* in the window, to 10 s at its old end */
	int64_t last_us;   /* of the newest */
	uint8_t trace[16]; /* of the newest that told one, or zero */
};

/* A measured value of one service. */
struct snap_gauge {
	const char *name, *unit;
	double value;     /* the newest */
	double low, high; /* of those remembered in the window */
	int64_t at_us;
};

struct snap_node {
	const char *name;
	const char *group; /* the namespace or team it belongs to, or NULL: unknown */
	uint32_t key;      /* name id: stable for the life of the model */
	enum node_kind kind;
	enum severity severity;
	double rate_in, rate_out; /* calls per second; NAN when there is no such edge */
	uint64_t errors_in, calls_in;
	int64_t p99_in_us;   /* worst incoming edge's p99, or SNAP_UNKNOWN */
	int64_t self_p99_us; /* own time where spans tell it, or SNAP_UNKNOWN */
	int64_t last_us;
	uint32_t first_note, notes;   /* slice of snap.notes, the worst first */
	uint32_t first_gauge, gauges; /* slice of snap.gauges, by name */
};

struct snap_agent {
	uint8_t id[16];
	const char *host, *input; /* "" unknown */
	bool live;                /* heard within the stale limit */
	bool bye;                 /* said good-bye */
	bool collision;           /* two senders claim this id */
	int64_t age_us;           /* since anything was heard */
	int64_t skew_us;          /* its clock minus ours, or SNAP_UNKNOWN */
	uint64_t received, lost, duplicate, shed, unpaired, rejected;
	uint64_t waiting; /* halves of requests that it holds now */
	uint64_t busy;    /* requests that it turned away for now, to come back */
};

/* Everything that is not in the numbers, since the start. */
struct snap_quality {
	uint64_t received;      /* events taken into the model */
	uint64_t lost;          /* declared lost by number */
	uint64_t late, future;  /* refused for their time */
	uint64_t duplicate;     /* delivered twice, counted once */
	uint64_t decode_errors; /* messages or records that could not be read */
	uint64_t unpaired;      /* spans whose other half never came (agents tell) */
	uint64_t overflow;      /* folded into "(other)" for want of room */
	uint64_t dropped;       /* frames shed by the receiving ring */
	uint64_t bare;          /* events without a sequence: loss of these is unknown */
	uint64_t bad_values;    /* impossible latencies and such, refused */
	double events_per_s;    /* newly received, over the last seconds */
	int64_t newest_us;      /* newest event time, or SNAP_UNKNOWN */
	const struct snap_agent *agent; /* sorted by id */
	uint32_t agents;
};

#define SNAP_EVIDENCES 2u
#define SNAP_EVIDENCE_BYTES 160u

/* A cause that the verdict engine names. Names are the model's; NULL is none. */
struct snap_cause {
	enum anomaly kind;
	const char *node;      /* the cause itself */
	const char *src, *dst; /* the hop it is seen on */
	enum flow_kind edge_kind;
	const char *op;
	uint32_t edge; /* snap_edge.key of the hop, or UINT32_MAX when it is not shown */
	int64_t since_us;
	double score; /* seconds lost a second; see struct verdict_cause */
	struct {
		const char *src, *dst;
		double share;
	} explains[VERDICT_MAX_EXPLAINS];
	uint32_t explained;
	struct verdict_numbers numbers;
	/* What its services said and measured since, as in the sentence. */
	char evidence[SNAP_EVIDENCES][SNAP_EVIDENCE_BYTES];
	uint32_t evidences;
	struct sentence sentence;
};

/* Why the edge that is looked at closely is, or is not, a cause. */
struct snap_why {
	bool filled;
	uint32_t key; /* of the edge */
	struct verdict_why why;
	struct {
		const char *src, *dst;
	} behind[VERDICT_MAX_BEHIND]; /* the names of why.behind */
};

/* An entry of the timeline. */
struct snap_event {
	uint64_t number; /* counts from 1 */
	int64_t at_us;
	enum verdict_change change;
	enum anomaly anomaly;  /* of an edge's anomaly opening or closing */
	const char *src, *dst; /* of the edge, or NULL */
	enum flow_kind edge_kind;
	struct sentence said;
};

/* opened, closed, named, cleared, new-normal, feed-lost, feed-back */
const char *snap_change_word(enum verdict_change c);

#define SNAP_EVENTS 128 /* the newest are kept */

struct snap {
	int64_t now_us;    /* the instant of the picture */
	int64_t window_us; /* width of the window every number is about */
	int64_t covered_us; /* how much of it has been observed; less than window_us at first */
	struct snap_node *node;
	uint32_t nodes;
	struct snap_edge *edge;
	uint32_t edges;
	struct snap_op *op;
	uint32_t ops;
	struct snap_exemplar *exemplar;
	uint32_t exemplars;
	struct snap_note *note;
	uint32_t notes;
	struct snap_gauge *gauge;
	uint32_t gauges;
	struct snap_view *view;
	uint32_t views;
	struct snap_quality quality;
	struct thresholds thresholds; /* by which it was judged */
	/*
	 * A close look at one edge. The caller sets shape.wanted and shape.key before
	 * model_snap(), which answers in the same place.
	 */
	struct shape shape;
	struct snap_why why; /* of the same edge, when that is asked for */
	struct snap_cause cause[VERDICT_MAX_CAUSES]; /* ranked; the first is named */
	uint32_t causes;
	struct snap_event *event; /* newest first */
	uint32_t events;
	struct verdict_status watch; /* how far the engine has learnt; zero without one */
	struct sentence headline;    /* the verdict; empty when all is well */
	uint32_t sev_count[SEV_COUNT]; /* nodes of each grade */

	/* Room in the arrays; only snap.c looks at these. */
	uint32_t node_room, edge_room, op_room, exemplar_room, agent_room, event_room;
	uint32_t view_room, note_room, gauge_room;
	struct snap_agent *own_agent; /* where snap_agent_add() keeps them */
};

/*
 * A snap owns its arrays and reuses them. An all-zero snap is empty and valid.
 * Tests may fill one by hand with snap_node_add() and snap_edge_add().
 * quality.agent may also be pointed at an array of the caller's; snap_copy() copies
 * the agents either way.
 */
void snap_done(struct snap *s);
void snap_clear(struct snap *s);

/* Empty the nodes, edges, operations and exemplars, and keep all else. */
void snap_clear_graph(struct snap *s);

/* Replace @to by a copy of @from (the text stays borrowed from the same model). */
void snap_copy(struct snap *to, const struct snap *from);

/* Append; return the new entry, zeroed with unknown values. Valid until the next add. */
struct snap_node *snap_node_add(struct snap *s, const char *name);
struct snap_edge *snap_edge_add(struct snap *s, uint32_t src, uint32_t dst);
struct snap_op *snap_op_add(struct snap *s, const char *op); /* of the newest edge */
struct snap_exemplar *snap_exemplar_add(struct snap *s);     /* of the newest edge */
struct snap_view *snap_view_add(struct snap *s, enum flow_origin origin); /* likewise */
struct snap_agent *snap_agent_add(struct snap *s);
struct snap_note *snap_note_add(
	struct snap *s, const char *pattern); /* of the newest node */
struct snap_gauge *snap_gauge_add(
	struct snap *s, const char *name); /* of the newest node */

/* Room for @n events in snap.event, which the caller fills; sets snap.events. */
struct snap_event *snap_events(struct snap *s, uint32_t n);

/*
 * Sort nodes and edges as promised above, operations and exemplars within their
 * edge, and remap indices. Call after filling.
 */
void snap_sort(struct snap *s);

/* Index of the node or edge with that key, or -1. */
int snap_find_node(const struct snap *s, uint32_t key);
int snap_find_edge(const struct snap *s, uint32_t key);

/* By how much the callee's clock is ahead of the caller's; false when nobody measured it. */
bool snap_edge_skew(const struct snap *s, const struct snap_edge *e, int64_t *ret_us);

#endif
