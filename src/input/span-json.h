/*
 * span-json - what the JSON forms of OTLP's, Zipkin's and Jaeger's spans have in common.
 */
#ifndef WEIR_SRC_INPUT_SPAN_JSON_H
#define WEIR_SRC_INPUT_SPAN_JSON_H

#include "weir/base/json.h"
#include "weir/core/span.h"

#define SPAN_JSON_MAX_VALUES 4000000u

/* A plain value as text; "" for null. Anything else fails the reader. */
struct str span_json_text(struct json *j);

/*
 * Hex digits into @size bytes, right-aligned, as leading zeros may be missing. False
 * when they are none, too many, or all zero.
 */
bool span_json_id(struct json *j, uint8_t *id, size_t size);

/* As an id of 8 bytes, but none at all is well: the span is a root. */
bool span_json_parent(struct json *j, uint8_t id[8]);

/* A time in µs, which may have a fraction; -1 when it is no time. */
int64_t span_json_us(struct json *j);

/* What tags tell beside the attributes. */
struct span_tags {
	bool error, status_error; /* two ways to say it */
	bool otel;                /* an OpenTelemetry SDK wrote it */
	bool has_kind, probabilistic;
	bool debug; /* kept whatever the sampler said: it stands for itself */
	enum span_kind kind;
	double param; /* of the sampler */
};

/* Take one tag into both. */
void span_tags_take(
	struct span_tags *t, struct span_attrs *a, struct str key, struct str value);

/* What the tags say of @s. */
void span_tags_apply(const struct span_tags *t, struct span *s);

#endif
