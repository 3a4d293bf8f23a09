/*
 * tracing - what the inputs of tracing formats share: spans go in, events come out.
 */
#ifndef WEIR_SRC_INPUT_TRACING_H
#define WEIR_SRC_INPUT_TRACING_H

#include "weir/core/pair.h"
#include "weir/core/redact.h"
#include "weir/input/http.h"
#include "weir/input/input.h"
#include "weir/input/otlp.h"
#include "weir/input/quota.h"

struct tracing {
	struct input_env env;
	struct pair *pair;
	struct redact *redact;
	struct quota *quota; /* of the clients of all doors */
	struct rates *rates; /* NULL until the first counter */
	struct members *members;
	struct str group_by; /* borrowed from the words */
	int64_t now_us;      /* monotonic, as of tracing_now() */
	int64_t wall_us;
	uint64_t emitted;    /* notes, gauges, members; the pairing counts its own */
	uint64_t rejected;   /* records refused */
	uint64_t unreadable; /* bodies or files of which nothing could be made */
};

#define TRACING_MAX_REDACT 32

/* The options that all of them have; rows for args_take() and lines for --help. */
struct tracing_words {
	const char *wait, *name_from;
	/* Of those that read OTLP: */
	const char *group_by;
	/*
	 * What is taken out of log lines: "on", "off" or NULL for the default rules, and
	 * expressions, ended by NULL.
	 */
	const char *redact, *redact_also[TRACING_MAX_REDACT + 1];
};

#define TRACING_ARGS(words)                        \
	{ "--wait", &(words)->wait },              \
	{                                          \
		"--name-from", &(words)->name_from \
	}

#define TRACING_HELP                                                           \
	"  --wait DURATION    for the other half of a request (default 10s)\n" \
	"  --name-from LIST   attributes that name the other end, best first\n"

#define OTLP_ARGS(words)                                                        \
	{ "--group-by", &(words)->group_by }, { "--redact", &(words)->redact }, \
	{                                                                       \
		.name = "--redact-also", .value = (words)->redact_also,         \
		.max = TRACING_MAX_REDACT                                       \
	}

#define OTLP_HELP                                                            \
	"  --group-by KEY     attribute of a resource that says what the\n"  \
	"                     service belongs to (default: its namespace)\n" \
	"  --redact off       leave secrets in log lines (default on)\n"     \
	"  --redact-also RE   take what matches out of log lines as well\n"

/* ERR_USAGE with @d on a wrong word. */
enum status tracing_open(struct tracing *t, const struct tracing_words *w,
	const struct input_env *env, struct diag *d);

/* Emit what waits, then free. */
void tracing_close(struct tracing *t, struct input_time now);

/* It is now @now. First thing in each step. */
void tracing_now(struct tracing *t, struct input_time now);

/* Where records of OTLP go. */
struct otlp_sink tracing_sink(struct tracing *t);

/* For the sinks of other formats; @ctx is the struct tracing. */
void tracing_span(void *ctx, const struct span *s);

bool tracing_congested(const struct tracing *t);

/* When the pairing has something to do, at most @wait_us. */
int64_t tracing_wait(const struct tracing *t, int64_t wait_us);

/* Give up what has waited long enough. */
void tracing_tick(struct tracing *t);

/* Add what an HTTP door, which may be NULL, has counted to @n. */
void tracing_add_http(struct input_counts *n, const struct http *h);

/* Add what is counted here to @n. */
void tracing_counts(const struct tracing *t, struct input_counts *n);

#endif
