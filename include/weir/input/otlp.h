/*
 * otlp - OpenTelemetry bodies to spans, notes and gauges.
 *
 * The three export requests in both encodings. A body is taken whole or not at all:
 * it is read to its end before the first record of it is handed on. Records that are
 * wrong in themselves (an id of the wrong length, no end time) are passed over and
 * counted, as the protocol asks.
 *
 * Of metrics gauges and up-down sums are values; sums of time (of a CPU) and histograms
 * (durations) are counters, from which rates and means can be made. The values of their
 * attributes stand behind the name.
 */
#ifndef WEIR_INPUT_OTLP_H
#define WEIR_INPUT_OTLP_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/span.h"

enum otlp_signal {
	OTLP_TRACES,
	OTLP_METRICS,
	OTLP_LOGS
};

enum otlp_encoding {
	OTLP_PROTOBUF,
	OTLP_JSON
};

/* What has been counted so far, or since the last time. */
struct otlp_counter {
	struct str service, name, unit;
	uint64_t series; /* tells it from others of that name */
	int64_t start_us, at_us;
	bool delta;     /* since the last time */
	bool histogram; /* @sum is of @count values; else only @count is there */
	double count, sum;
};

/* Where records go. What they point to is borrowed until the function returns. */
struct otlp_sink {
	void (*span)(void *ctx, const struct span *s);
	void (*note)(void *ctx, const struct note *n);
	void (*gauge)(void *ctx, const struct gauge *g);
	void *ctx;
	void (*counter)(void *ctx, const struct otlp_counter *c); /* may be NULL */
	struct str group_by; /* see struct span_attrs */
};

struct otlp_result {
	uint64_t accepted, rejected; /* records; of metrics: data points */
	const char *why;             /* of the last rejection; static, NULL when none */
};

/*
 * Read @n bytes at @body, which is written to. ERR_SYNTAX, ERR_TRUNCATED,
 * ERR_TOO_DEEP: not readable; ERR_TOO_BIG: more records than memory is set aside for.
 * Nothing was handed on then.
 */
enum status otlp_read(enum otlp_signal signal, enum otlp_encoding e, char *body, size_t n,
	const struct otlp_sink *sink, struct otlp_result *ret_result);

/* Append the answer to a body that was taken. */
void otlp_put_response(struct buf *out, enum otlp_signal signal, enum otlp_encoding e,
	const struct otlp_result *r);

/* Append a google.rpc.Status, the answer to one that was not. @why is plain ASCII. */
void otlp_put_status(struct buf *out, enum otlp_encoding e, int code, const char *why);

#endif
