/*
 * batch - the layout of compact payloads; man/weir-wire.7, "BATCHES", in C.
 *
 * A table of texts, a table of routes, then a section for each kind of record. A
 * section is a number of rows and then its columns, each with all of its values side
 * by side in the same number of bytes, as what they are above the least of them. So a
 * column is checked once, and a value is a load, a mask and an addition without a branch.
 */
#ifndef WEIR_SRC_WIRE_BATCH_H
#define WEIR_SRC_WIRE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/hist.h"

#define BATCH_LAYOUT 1
#define BATCH_LAYOUT_MORE 2   /* the same, with further sections behind the first */
#define BATCH_TEXTS_MAX 65535 /* the empty one, which is text 0, not counted */
#define BATCH_ROUTES_MAX 65535
#define BATCH_COLUMNS_MAX 14
#define BATCH_BASE_MAX (INT64_C(1) << 62)

/* Beyond the numbers of our own buckets a column of bounds holds microseconds. */
#define BATCH_NO_BOUND HIST_BUCKETS
#define BATCH_BOUND (HIST_BUCKETS + 1)

/* The sections, in their order. */
enum batch_section {
	BATCH_FLOWS,
	BATCH_WORKS,
	BATCH_NOTES,
	BATCH_GAUGES,
	BATCH_DELTAS,
	BATCH_BUCKETS,   /* of the deltas, in their order */
	BATCH_EXEMPLARS, /* likewise */
	BATCH_MEMBERS,
	BATCH_SECTIONS,
	BATCH_MORE = BATCH_MEMBERS /* from here on with number and length: layout 2 */
};

/* Columns: the first is never constant, so that each row takes at least a byte. */
enum {
	FLOW_ROUTE,
	FLOW_END,
	FLOW_CLIENT,
	FLOW_SERVER,
	FLOW_QUEUE,
	FLOW_IN,
	FLOW_OUT,
	FLOW_FAILED,
	FLOW_CODE,
	FLOW_WEIGHT,
	FLOW_COLUMNS
};
enum {
	WORK_SERVICE,
	WORK_OP,
	WORK_END,
	WORK_DURATION,
	WORK_FAILED,
	WORK_COLUMNS
};
enum {
	NOTE_SERVICE,
	NOTE_BODY,
	NOTE_SEVERITY,
	NOTE_AT,
	NOTE_COLUMNS
};
enum {
	GAUGE_SERVICE,
	GAUGE_NAME,
	GAUGE_UNIT,
	GAUGE_AT,
	GAUGE_HIGH,
	GAUGE_LOW,
	GAUGE_COLUMNS
};
enum {
	DELTA_ROUTE,
	DELTA_END,
	DELTA_SPAN,
	DELTA_CALLS,
	DELTA_ERRORS,
	DELTA_IN,
	DELTA_OUT,
	DELTA_WEIGHT,
	DELTA_EVENTS,
	DELTA_LATENCIES,
	DELTA_SERVERS,
	DELTA_QUEUES,
	DELTA_EXEMPLARS,
	DELTA_COLUMNS
};
enum {
	BUCKET_BOUND,
	BUCKET_COUNT,
	BUCKET_COLUMNS
};
enum {
	EXEMPLAR_FAILED,
	EXEMPLAR_END,
	EXEMPLAR_LATENCY,
	EXEMPLAR_COLUMNS
};

enum {
	MEMBER_SERVICE,
	MEMBER_GROUP,
	MEMBER_AT,
	MEMBER_COLUMNS
};

#define BIT(n) (1u << (n))

static const struct batch_shape {
	uint8_t columns;
	bool ids;
	uint16_t optional; /* bit set of the columns that may be unknown */
} batch_shapes[BATCH_SECTIONS] = {
	[BATCH_FLOWS] = { FLOW_COLUMNS, true,
		BIT(FLOW_END) | BIT(FLOW_CLIENT) | BIT(FLOW_SERVER) | BIT(FLOW_QUEUE) |
			BIT(FLOW_IN) | BIT(FLOW_OUT) },
	[BATCH_WORKS] = { WORK_COLUMNS, true, BIT(WORK_END) },
	[BATCH_NOTES] = { NOTE_COLUMNS, true, BIT(NOTE_AT) },
	[BATCH_GAUGES] = { GAUGE_COLUMNS, false, BIT(GAUGE_AT) },
	[BATCH_DELTAS] = { DELTA_COLUMNS, false,
		BIT(DELTA_END) | BIT(DELTA_IN) | BIT(DELTA_OUT) },
	[BATCH_BUCKETS] = { BUCKET_COLUMNS, false, 0 },
	[BATCH_EXEMPLARS] = { EXEMPLAR_COLUMNS, true,
		BIT(EXEMPLAR_END) | BIT(EXEMPLAR_LATENCY) },
	[BATCH_MEMBERS] = { MEMBER_COLUMNS, false, BIT(MEMBER_AT) },
};

/* The ids of a row: each kind is there for all rows of a section or for none. */
#define BATCH_IDS 3
static const uint8_t batch_id_bytes[BATCH_IDS] = { 16, 8, 8 };

#endif
