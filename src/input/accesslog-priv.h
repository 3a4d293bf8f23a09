/*
 * accesslog-priv - one line of a log, once it is taken apart.
 *
 * Whatever a line looked like it ends up as members of an object, from which the
 * format's table says which field is where.
 */
#ifndef WEIR_SRC_INPUT_ACCESSLOG_PRIV_H
#define WEIR_SRC_INPUT_ACCESSLOG_PRIV_H

#include <cjson/cJSON.h>

#include "accesslog-formats.h"
#include "weir/base/buf.h"
#include "weir/core/flow.h"
#include "weir/input/rename.h"

struct accesslog {
	const struct log_format *format;
	char *service;
	struct log_place place[LOG_FIELDS]; /* paths owned */
	struct rename alias;
	struct buf op; /* scratch for one line */
};

/* One line being read. */
struct log_line {
	const struct accesslog *a;
	const cJSON *value[LOG_FIELDS];
	struct flow flow; /* what front and upstream have in common */
	int64_t latency_us;
};

/* The line as an object, which the caller deletes; NULL when it cannot be read. */
cJSON *log_parse(const struct log_format *format, struct str line);

/* The member at a path such as `request.headers.Traceparent`; of an array its first. */
const cJSON *log_walk(const cJSON *object, const char *path);

/* Text of a field; "" also for null, "-" and what is no text. */
struct str log_text(const struct log_line *l, enum log_field f);

/* A number, also one in a string. False when there is none. */
bool log_number(const struct log_line *l, enum log_field f, double *ret_number);

/* A duration in us, or FLOW_UNKNOWN (also for HAProxy's -1: not reached). */
int64_t log_duration(const struct log_line *l, enum log_field f);

/* The same of text that stands in a list: seconds. */
int64_t log_seconds(struct str text);

int64_t log_size(const struct log_line *l, enum log_field f);

/* When the request was over. */
int64_t log_end(const struct log_line *l, int64_t now_us);

/* W3C Trace Context `00-TRACE-SPAN-FLAGS`, or a bare 32-digit id. */
void log_trace(const struct log_line *l, struct flow_ids *ids);

#endif
