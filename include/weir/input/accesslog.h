/*
 * accesslog - one line of a proxy's access log becomes flows.
 *
 * A line tells of up to two edges: somebody → this proxy (the front, `user`, as the
 * proxy measured it) and this proxy → upstream, once per attempt: a retry that failed
 * before another server answered is a failed flow of its own. Formats are tables of
 * where in the line's JSON object each field stands; `custom` is such a table given by
 * the user. Of Apache's `combined` and `common` lines, which know no latency, the words
 * behind the standard ones are fields too, named by number. Client addresses, headers and queries never leave this module.
 *
 * Lines that are no requests (start-up messages, port probes) are passed over; lines that
 * cannot be read are an error for the caller to count.
 *
 * To add a format: a row in accesslog-formats.c, samples in tests/data/accesslog.
 */
#ifndef WEIR_INPUT_ACCESSLOG_H
#define WEIR_INPUT_ACCESSLOG_H

#include "weir/base/status.h"
#include "weir/core/flow.h"

struct accesslog;

struct accesslog_options {
	const char
		*format; /* nginx, haproxy, caddy, traefik, envoy, istio, combined, … */
	const char *service; /* what this proxy is called; NULL: the format's name */
	/* "key=path[:unit]": overrides of the format's fields. NULL-terminated, or NULL. */
	const char *const *fields;
	/* "from=to": other names for upstreams. NULL-terminated, or NULL. */
	const char *const *aliases;
};

/* NULL with @d on mistakes, with the nearest right word. */
struct accesslog *accesslog_new(const struct accesslog_options *o, struct diag *d);
void accesslog_free(struct accesslog *a);

/* Known formats, NULL-terminated. */
extern const char *const accesslog_format_names[];

enum accesslog_result {
	ACCESSLOG_FLOWS, /* one or two edges were told of */
	ACCESSLOG_OTHER, /* a whole line, but no request */
	ACCESSLOG_BAD    /* not readable */
};

/*
 * Read @line; hand its flows to @emit (text borrowed until it returns). @now_us stands
 * in for a missing time.
 */
enum accesslog_result accesslog_line(struct accesslog *a, struct str line, int64_t now_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx);

#endif
