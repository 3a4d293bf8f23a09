/*
 * json-event - an event out of the members of one object of JSON.
 *
 * Whoever reads the object leaves the members that are known as they stand in the text.
 */
#ifndef WEIR_SRC_WIRE_JSON_EVENT_H
#define WEIR_SRC_WIRE_JSON_EVENT_H

#include "weir/base/buf.h"
#include "weir/base/json.h"
#include "weir/core/flow.h"

#define JSON_VALUES_MAX 200000 /* in a payload */
#define JSON_BUCKETS_MAX 512

/* Known members, shortest name first: the look-up goes by length. */
#define FIELD_LIST(X)           \
	X(N, "n")               \
	X(US, "us")             \
	X(TS, "ts")             \
	X(OP, "op")             \
	X(IN, "in")             \
	X(SRC, "src")           \
	X(DST, "dst")           \
	X(OUT, "out")           \
	X(ERR, "err")           \
	X(SEV, "sev")           \
	X(KIND, "kind")         \
	X(CODE, "code")         \
	X(SPAN, "span")         \
	X(NOTE, "note")         \
	X(UNIT, "unit")         \
	X(WORK, "work")         \
	X(HIST, "hist")         \
	X(TRACE, "trace")       \
	X(GAUGE, "gauge")       \
	X(GROUP, "group")       \
	X(VALUE, "value")       \
	X(CALLS, "calls")       \
	X(SRV_US, "srv_us")     \
	X(PARENT, "parent")     \
	X(ORIGIN, "origin")     \
	X(ERRORS, "errors")     \
	X(SERVICE, "service")   \
	X(SPAN_MS, "span_ms")   \
	X(QUEUE_US, "queue_us") \
	X(SRC_KIND, "src_kind") \
	X(DST_KIND, "dst_kind")

enum field {
#define X(id, name) F_##id,
	FIELD_LIST(X)
#undef X
	F_COUNT
};

/* All-zero is empty; kept from record to record for its memory. */
struct record {
	struct json_value field[F_COUNT + 1]; /* the last is of others */
	uint64_t present;                     /* bit set of enum field */
	struct buf scratch; /* unescaped text: room for all of it must be reserved */
	int64_t now_us;
	bool bad;
	/* A histogram lives here while its event is handed out. */
	int64_t bound_us[JSON_BUCKETS_MAX];
	uint32_t count[JSON_BUCKETS_MAX];
};

void record_done(struct record *r);

/* The enum field of that name, or F_COUNT. */
unsigned json_field(struct str name);

/*
 * Put together the event that the record's members say. False when it is bad. Text is
 * borrowed from what was read and from the scratch.
 */
bool json_event(struct record *r, struct event *e);

#endif
