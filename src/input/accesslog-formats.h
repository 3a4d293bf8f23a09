/*
 * accesslog-formats - where each proxy puts what in its JSON log lines.
 */
#ifndef WEIR_SRC_INPUT_ACCESSLOG_FORMATS_H
#define WEIR_SRC_INPUT_ACCESSLOG_FORMATS_H

#include <stdbool.h>
#include <stdint.h>

/* Field keys, as in `--field KEY=PATH`. */
#define LOG_FIELD_LIST(X)                                                         \
	X(TIME, "time")     /* of the end, or of the start: see ends */           \
	X(MILLIS, "millis") /* milliseconds to add to a time in whole seconds */  \
	X(LATENCY, "latency")                                                     \
	X(UPSTREAM_LATENCY, "upstream_latency")                                   \
	X(CONNECT, "connect") /* added to the upstream latency */                 \
	X(QUEUE, "queue")                                                         \
	X(STATUS, "status")                                                       \
	X(UPSTREAM_STATUS, "upstream_status")                                     \
	X(GRPC_STATUS, "grpc_status")                                             \
	X(METHOD, "method")                                                       \
	X(PATH, "path")                                                           \
	X(UPSTREAM, "upstream")                                                   \
	X(UPSTREAM_ADDRESS, "upstream_address") /* where UPSTREAM says nothing */ \
	X(HOST, "host")                                                           \
	X(BYTES_IN, "bytes_in")                                                   \
	X(BYTES_OUT, "bytes_out")                                                 \
	X(TRACE, "trace") /* a W3C traceparent, or 32 hex digits */               \
	X(FLAGS, "flags")                                                         \
	X(RETRIES, "retries") /* failed attempts before this one */               \
	X(LOGGER, "logger")                                                       \
	X(SERVICE, "service") /* names this proxy line by line */

enum log_field {
#define X(id, key) LOG_##id,
	LOG_FIELD_LIST(X)
#undef X
	LOG_FIELDS
};

struct log_place {
	const char *path; /* member, or members joined by '.'; NULL: not in this format */
	double unit_us;   /* µs per unit, of durations */
};

/* What only one proxy does. */
enum log_dialect {
	DIALECT_PLAIN,
	DIALECT_NGINX,
	DIALECT_HAPROXY,
	DIALECT_CADDY,
	DIALECT_ENVOY
};

struct log_format {
	const char *id;
	enum log_dialect dialect;
	bool time_is_start;
	bool no_front; /* a sidecar: somebody → proxy is told by the other side */
	struct log_place place[LOG_FIELDS];
	/*
	 * Names of the words of a line that is no object: those that follow a time in
	 * brackets and a request in quotes, ended by NULL. NULL: it is always an object.
	 */
	const char *const *words;
	bool only_words; /* it is never one */
};

extern const struct log_format log_formats[];
extern const unsigned log_format_count;
extern const char *const log_field_keys[];

#endif
