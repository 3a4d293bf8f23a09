/*
 * weir - publish flows, notes and gauges from any program, to be seen in weir(1).
 *
 * A weir_put_...() copies an event into a bounded queue and returns: it does no
 * input or output, allocates nothing and waits for nothing but other threads that are
 * copying theirs. One background thread numbers the events, packs and sends them. What
 * finds the queue full is dropped, counted, and declared to the dashboard as lost.
 *
 * Any number of threads may use one handle. The library prints nothing, changes no
 * signal's handling, and does not end the program: where it cannot go on it says so
 * with a status. (libzmq, underneath, does end it when there is no memory left.)
 *
 * fork(): the child has no sender. There every call on an inherited handle returns
 * WEIR_ERR_FORKED, and the child opens its own. fork() followed by exec() is harmless.
 *
 * Texts are UTF-8 and are copied; NULL means unknown. Bytes that are no UTF-8 arrive as
 * visible escapes. Times are microseconds since 1970, durations microseconds; what is
 * not known is WEIR_UNKNOWN, never 0. Structs begin with their size and grow only at
 * their ends, so a program built with this header runs with later libraries.
 *
 * libweir(3) has an example.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

#define WEIR_API_VERSION 1 /* grows with each addition to this header */
#define WEIR_UNKNOWN (-1)
#define WEIR_TEXT_MAX 16384 /* bytes of all texts of one event */

enum weir_status {
	WEIR_OK = 0,
	WEIR_ERR_USAGE = 1,   /* an argument cannot be right: nothing was done */
	WEIR_ERR_FULL = 2,    /* the queue is full: the event was dropped, and counted */
	WEIR_ERR_TOO_BIG = 3, /* texts of more than WEIR_TEXT_MAX bytes */
	WEIR_ERR_TIMEOUT =
		4,           /* nobody has subscribed, or not all could be sent in time */
	WEIR_ERR_FORKED = 5, /* the handle belongs to the parent process */
	WEIR_ERR_MEMORY = 6, /* no memory; in put: the sender has ended for want of it */
	WEIR_ERR_EXISTS = 7, /* the address or the state file is in use */
	WEIR_ERR_SYSTEM = 8  /* the system refused */
};

/* A short phrase, lower case, static; also for numbers that are none of these. */
WEIR_API const char *weir_status_text(enum weir_status status);

/* "0.1.0": of the library that is running, not of the header. */
WEIR_API const char *weir_version(void);

/* ------------------------------------------------------------ open and close */

struct weir;

struct weir_options {
	size_t size; /* WEIR_OPTIONS_INIT sets it */
	/*
	 * Where to: connect to a weir that listens, or bind so that dashboards connect.
	 * ipc:///path or tcp://host:port; one of the two. Both NULL: the address at which
	 * a weir of the same user listens.
	 */
	const char *to, *bind;
	const char *group;   /* NULL: "default"; what `weir --group` chooses by */
	const char *program; /* who sends, for the view of sources; NULL: "libweir" */
	/*
	 * A file for the publisher's identity and count of events, so that losses around a
	 * restart are known too; one per publisher. NULL: a new identity at each start.
	 */
	const char *state_path;
	size_t queue_bytes; /* of events that wait; 0: 4 MiB. An event takes some 400 */
	/*
	 * How long an event may wait for others; 0: 100. Where there are many thousands a
	 * second, flows of one edge are added up, for at most a second.
	 */
	int flush_ms;
	int allow_network; /* bind to other than loopback, where anybody can read along */
};
#define WEIR_OPTIONS_INIT                                           \
	{                                                           \
		sizeof(struct weir_options), 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/* What went wrong, in words: lower-case start, no full stop. */
struct weir_error {
	enum weir_status status;
	char text[320];
};

/*
 * Start publishing. @options NULL: all defaults. Whoever listens may come later: events
 * wait for the first subscriber 2 seconds, or until they fill half the queue; then they
 * are sent to nobody (`unheard`). NULL with @ret_error (which may be NULL) on failure.
 */
WEIR_API struct weir *weir_open(
	const struct weir_options *options, struct weir_error *ret_error);

/*
 * Wait until all that was put before is handed to the transport, at most @timeout_ms;
 * while nobody has subscribed yet that is what is waited for. WEIR_ERR_TIMEOUT: it still
 * waits. There is no acknowledgement: what is lost later the dashboard finds and shows.
 */
WEIR_API enum weir_status weir_flush(struct weir *w, int timeout_ms);

/*
 * Send what waits, say good-bye and free @w, in at most about @timeout_ms, 0 being
 * allowed. WEIR_ERR_TIMEOUT when events were put and nobody has ever subscribed, or when
 * time ran out before all were handed on; @w is freed all the same. NULL is allowed.
 * No other thread may use @w any more.
 */
WEIR_API enum weir_status weir_close(struct weir *w, int timeout_ms);

/* ------------------------------------------------------------ events */

enum weir_kind {
	WEIR_KIND_UNKNOWN = 0,
	WEIR_KIND_HTTP = 1,
	WEIR_KIND_GRPC = 2,
	WEIR_KIND_RPC = 3,
	WEIR_KIND_DB = 4,
	WEIR_KIND_MSG = 5,
	WEIR_KIND_TCP = 6
};

/* What stands at an end of a flow. */
enum weir_node {
	WEIR_NODE_SERVICE = 0,
	WEIR_NODE_DB = 1,
	WEIR_NODE_QUEUE = 2,
	WEIR_NODE_EXTERNAL = 3
};

enum weir_severity {
	WEIR_TRACE = 0,
	WEIR_DEBUG = 1,
	WEIR_INFO = 2,
	WEIR_WARN = 3,
	WEIR_ERROR = 4,
	WEIR_FATAL = 5
};

/* Ids as OpenTelemetry has them; all zero: unknown. */
struct weir_ids {
	unsigned char trace[16], span[8], parent[8];
};

/* One finished request. */
struct weir_flow {
	size_t size;           /* WEIR_FLOW_INIT sets it and all that is unknown */
	const char *src, *dst; /* who called whom: neither NULL nor "" */
	const char *op;        /* what was called */
	const char *code;      /* status or error in the protocol's words */
	enum weir_kind kind;
	enum weir_node src_kind, dst_kind;
	int failed;
	int64_t end_us;    /* when it was over; unknown: now */
	int64_t us;        /* how long the caller waited; at most 366 days */
	int64_t server_us; /* how long the callee worked */
	int64_t queue_us;  /* between producer and consumer of a message */
	int64_t bytes_in;  /* request body */
	int64_t bytes_out; /* response body */
	uint32_t weight;   /* requests this one stands for (sampling); at least 1 */
	struct weir_ids ids;
};
/* clang-format off */
#define WEIR_FLOW_INIT { sizeof(struct weir_flow), 0, 0, 0, 0, WEIR_KIND_UNKNOWN, \
	WEIR_NODE_SERVICE, WEIR_NODE_SERVICE, 0, WEIR_UNKNOWN, WEIR_UNKNOWN, WEIR_UNKNOWN, \
	WEIR_UNKNOWN, WEIR_UNKNOWN, WEIR_UNKNOWN, 1, { { 0 }, { 0 }, { 0 } } }
/* clang-format on */

/* A line of a log, or an event. */
struct weir_note {
	size_t size;
	const char *service; /* neither NULL nor "" */
	const char *text;    /* not NULL */
	enum weir_severity severity;
	int64_t at_us; /* unknown: now */
	struct weir_ids ids;
};
/* clang-format off */
#define WEIR_NOTE_INIT { sizeof(struct weir_note), 0, 0, WEIR_INFO, WEIR_UNKNOWN, \
	{ { 0 }, { 0 }, { 0 } } }
/* clang-format on */

/* A measured value. */
struct weir_gauge {
	size_t size;
	const char *service, *name; /* neither NULL nor "" */
	const char *unit;
	double value;  /* finite */
	int64_t at_us; /* unknown: now */
};
#define WEIR_GAUGE_INIT                                               \
	{                                                             \
		sizeof(struct weir_gauge), 0, 0, 0, 0.0, WEIR_UNKNOWN \
	}

/*
 * That a service belongs to a group: a namespace, a team. Say it now and then, as a
 * dashboard knows only what it has heard since it began to listen.
 */
struct weir_member {
	size_t size;
	const char *service, *group; /* neither NULL nor "" */
	int64_t at_us;               /* unknown: now */
};
#define WEIR_MEMBER_INIT                                       \
	{                                                      \
		sizeof(struct weir_member), 0, 0, WEIR_UNKNOWN \
	}

/*
 * Publish one event. Anything but WEIR_OK means that it was not taken; it is counted
 * in weir_stats. Safe in any thread, not in a signal handler.
 */
WEIR_API enum weir_status weir_put_flow(struct weir *w, const struct weir_flow *f);
WEIR_API enum weir_status weir_put_note(struct weir *w, const struct weir_note *n);
WEIR_API enum weir_status weir_put_gauge(struct weir *w, const struct weir_gauge *g);
WEIR_API enum weir_status weir_put_member(struct weir *w, const struct weir_member *m);

/* ------------------------------------------------------------ counters */

struct weir_stats {
	size_t size;      /* WEIR_STATS_INIT sets it */
	uint64_t put;     /* taken by weir_put_...(): sent + unheard + waiting */
	uint64_t sent;    /* of these, handed to the transport for a subscriber */
	uint64_t unheard; /* of these, sent while nobody had ever subscribed */
	uint64_t waiting; /* of these, still in the queue */
	uint64_t dropped; /* not taken: no room (the dashboard shows them as lost) */
	uint64_t refused; /* not taken: wrong in themselves */
	int heard;        /* a subscriber has come */
};
#define WEIR_STATS_INIT                                        \
	{                                                      \
		sizeof(struct weir_stats), 0, 0, 0, 0, 0, 0, 0 \
	}

/* One consistent picture. */
WEIR_API enum weir_status weir_get_stats(struct weir *w, struct weir_stats *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
