/*
 * flow - what arrives: the records every input produces and the model takes.
 *
 * A flow is one finished request between two services. A span is a piece of work
 * inside one service (it feeds self time), a note a log line or event, a gauge a
 * measured value, a delta many flows of one edge added up at the source, a member a
 * word about who belongs together.
 *
 * All text is borrowed (str) and raw: it has passed no cleaning and may hold any
 * byte. Nobody keeps it; the model interns it. Unknown numbers are FLOW_UNKNOWN,
 * never 0.
 *
 * All times are microseconds since the Unix epoch, all durations microseconds.
 */
#ifndef WEIR_CORE_FLOW_H
#define WEIR_CORE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

#define FLOW_UNKNOWN INT64_C(-1)

/* What kind of conversation; part of an edge's identity. Words as in cli.md's JSON. */
#define FLOW_KIND_LIST(X)     \
	X(UNKNOWN, "unknown") \
	X(HTTP, "http")       \
	X(GRPC, "grpc")       \
	X(RPC, "rpc")         \
	X(DB, "db")           \
	X(MSG, "msg")         \
	X(TCP, "tcp")

enum flow_kind {
#define X(id, word) KIND_##id,
	FLOW_KIND_LIST(X)
#undef X
	KIND_COUNT
};

/* Who saw it. Two origins may see the same call; their tallies are never added up. */
#define FLOW_ORIGIN_LIST(X)       \
	X(DIRECT, "direct")       \
	X(OTLP, "otlp")           \
	X(ZIPKIN, "zipkin")       \
	X(JAEGER, "jaeger")       \
	X(ACCESSLOG, "accesslog") \
	X(PROMETHEUS, "prometheus")

enum flow_origin {
#define X(id, word) ORIGIN_##id,
	FLOW_ORIGIN_LIST(X)
#undef X
	ORIGIN_COUNT
};

/* What stands at an end of an edge. */
#define NODE_KIND_LIST(X)     \
	X(SERVICE, "service") \
	X(DB, "db")           \
	X(QUEUE, "queue")     \
	X(EXTERNAL, "external")

enum node_kind {
#define X(id, word) NODE_##id,
	NODE_KIND_LIST(X)
#undef X
	NODE_KIND_COUNT
};

/* Severities of logs, after OpenTelemetry's SeverityNumber ranges. */
#define NOTE_SEVERITY_LIST(X) \
	X(TRACE, "trace")     \
	X(DEBUG, "debug")     \
	X(INFO, "info")       \
	X(WARN, "warn")       \
	X(ERROR, "error")     \
	X(FATAL, "fatal")

enum note_severity {
#define X(id, word) NOTE_##id,
	NOTE_SEVERITY_LIST(X)
#undef X
	NOTE_SEVERITY_COUNT
};

struct flow_ids {
	uint8_t trace[16]; /* all zero: unknown. 64-bit ids are right-aligned */
	uint8_t span[8];
	uint8_t parent[8];
};

/*
 * Where a receiver of flows remembers what it found under their names, one for all flows
 * that have the same ones, of one message or of many. Whoever makes it sets the stamp to
 * 0; what was found is the receiver's business, of whom there is only one.
 *
 * Where more of them follow in an array, of flows that are likely to come next, the names
 * in them are told beforehand, so that the receiver may have what is under them at hand.
 */
struct flow_memo {
	uint64_t stamp; /* 0: nothing */
	void *found;
	struct str src, dst, op;
	enum flow_kind kind;
	enum flow_origin origin;
	enum node_kind src_kind, dst_kind;
	uint32_t following; /* so many stand behind it */
};

struct flow {
	struct flow_memo *memo; /* or NULL */
	struct str src, dst;    /* never empty */
	struct str op;          /* "" when unknown */
	struct str code; /* status or error type in the protocol's words, "" unknown */
	enum flow_kind kind;
	enum flow_origin origin;
	enum node_kind src_kind, dst_kind;
	bool failed;
	int64_t end_us;    /* when it was over */
	int64_t client_us; /* latency the caller saw, or FLOW_UNKNOWN */
	int64_t server_us; /* latency the callee saw, or FLOW_UNKNOWN */
	int64_t queue_us;  /* time between producer and consumer, or FLOW_UNKNOWN */
	int64_t bytes_in;  /* request body, or FLOW_UNKNOWN */
	int64_t bytes_out; /* response body, or FLOW_UNKNOWN */
	uint32_t weight;   /* requests this one stands for (sampling); at least 1 */
	struct flow_ids ids;
};

/* The latency an edge is judged by: the caller's where known, else the callee's. */
static inline int64_t
flow_latency_us(const struct flow *f)
{
	return f->client_us >= 0 ? f->client_us : f->server_us;
}

struct note {
	struct str service, text;
	enum note_severity severity;
	int64_t at_us;
	struct flow_ids ids;
};

struct gauge {
	struct str service, name, unit;
	double value; /* finite */
	int64_t at_us;
};

/* That @service belongs to @group: a namespace, a team. True until another is told. */
struct member {
	struct str service, group;
	int64_t at_us; /* when it was told */
};

/* An internal span: work of @service that is no call to another one. */
struct work {
	struct str service, op;
	int64_t end_us, duration_us;
	bool failed;
	struct flow_ids ids;
};

/*
 * Latencies as counts: bound_us[i], ascending, is the inclusive upper bound of count[i];
 * the last bound may be INT64_MAX. Where it is NULL bucket[i], ascending, is the bucket of
 * hist.h. Borrowed arrays.
 *
 * Where every bound in use is hist_high() of a bucket, counts are as good as the
 * latencies themselves. Other bounds are coarse: what lies below one is counted at it,
 * and what lies above the last finite one at that one.
 */
struct buckets {
	const int64_t *bound_us;
	const uint32_t *count;
	uint32_t n;
	const uint16_t *bucket;
};

/* The inclusive upper bound of count[i], however it is told. */
int64_t buckets_bound(const struct buckets *b, uint32_t i);

/* One request of a delta, picked out. */
struct delta_exemplar {
	struct flow_ids ids;
	int64_t end_us, latency_us; /* the latter may be FLOW_UNKNOWN */
	bool failed;
};

/*
 * Requests of one edge over a short span of time, added up at the source. Those in
 * `calls` that no bucket holds have no known latency. Deltas that weir made of flows
 * itself hold flows of one whole second of the clock at most, and booking them is
 * booking the flows.
 */
struct delta {
	struct flow_memo *memo; /* as in a flow */
	struct str src, dst, op;
	enum flow_kind kind;
	enum flow_origin origin;
	enum node_kind src_kind, dst_kind;
	int64_t end_us, span_us;
	uint64_t calls, errors;
	int64_t bytes_in, bytes_out;           /* sums, or FLOW_UNKNOWN */
	struct buckets latency;                /* flow_latency_us() */
	struct buckets server, queue;          /* those of the flows that know them */
	uint32_t weight;                       /* as in a flow, in all of them; 0 is 1 */
	uint32_t events;                       /* flows it was made of; 0 is 1: itself */
	const struct delta_exemplar *exemplar; /* borrowed */
	uint32_t exemplars;
};

enum event_type {
	EVENT_FLOW,
	EVENT_WORK,
	EVENT_NOTE,
	EVENT_GAUGE,
	EVENT_DELTA,
	EVENT_MEMBER
};

#define EVENT_TYPES (EVENT_MEMBER + 1)

struct event {
	enum event_type type;
	union {
		struct flow flow;
		struct work work;
		struct note note;
		struct gauge gauge;
		struct delta delta;
		struct member member;
	} u;
};

/* False when it holds values that cannot be; the model refuses such flows. */
bool flow_is_sane(const struct flow *f);
bool flow_duration_is_sane(int64_t us);

/* A flow with every unknown field unknown and weight 1. */
void flow_init(struct flow *f);

/* Words of the enums, and back; the from-functions return false on other words. */
const char *flow_kind_word(enum flow_kind k);
const char *flow_origin_word(enum flow_origin o);
const char *node_kind_word(enum node_kind k);
const char *note_severity_word(enum note_severity s);
bool flow_kind_from(struct str word, enum flow_kind *ret_kind);
bool flow_origin_from(struct str word, enum flow_origin *ret_origin);
bool node_kind_from(struct str word, enum node_kind *ret_kind);

#endif
