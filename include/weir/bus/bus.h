/*
 * bus - byte frames over ZeroMQ. The only layer that knows zmq.
 *
 * The receiving side has a thread that does nothing but receive into a bounded
 * ring: with libzmq 4.3.4 a full receive pipe can abort the process, so RCVHWM is 0
 * on every socket that faces peers and the bound is ours, in bytes, with drops
 * counted. The thread shares only the ring with the rest. No ZMTP heartbeats,
 * single-part frames. Options and their reasons: docs/adr, man/weir-wire.7.
 *
 * Create contexts after any fork().
 */
#ifndef WEIR_BUS_BUS_H
#define WEIR_BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

/* ------------------------------------------------------------ receiving */

struct bus_sub;

struct bus_sub_options {
	const char *const *connect; /* NULL-terminated URLs, or NULL */
	const char *const *listen;  /* NULL-terminated URLs, or NULL */
	const char *const
		*groups;   /* NULL-terminated group prefixes; NULL: all, and bare JSON */
	size_t ring_bytes; /* 0: 64 MiB */
};

/*
 * Open all endpoints. On failure nothing stays open and @d names the URL and what
 * to do. `ipc://` listens take a lock file first: libzmq would steal silently.
 * A non-loopback tcp listen is refused: there is no transport security yet.
 */
struct bus_sub *bus_sub_open(const struct bus_sub_options *o, struct diag *d);
void bus_sub_close(struct bus_sub *s);

/* A descriptor that polls readable while frames wait. */
int bus_sub_fd(const struct bus_sub *s);

/*
 * The oldest waiting frame and when it was received (monotonic µs). Borrowed until
 * the next call. False when none waits.
 */
bool bus_sub_next(struct bus_sub *s, struct str *ret_frame, int64_t *ret_mono_us);

struct bus_stats {
	uint64_t frames, bytes;  /* received */
	uint64_t dropped_frames; /* shed because the ring was full */
	uint64_t refused;        /* over the size limit, handshakes failed */
	uint32_t peers;          /* connected now */
	size_t ring_used, ring_size;
};
void bus_sub_stats(const struct bus_sub *s, struct bus_stats *ret_stats);

/* ------------------------------------------------------------ sending */

struct bus_pub;

struct bus_pub_options {
	const char *to;   /* connect here, or NULL */
	const char *bind; /* bind here, or NULL; one of the two */
	int linger_ms;    /* how long close waits for peers; 2000 when < 0 */
};

struct bus_pub *bus_pub_open(const struct bus_pub_options *o, struct diag *d);
void bus_pub_close(struct bus_pub *p);

/*
 * Send one frame; never blocks. Returns false when it was not taken. (libzmq's PUB
 * drops silently per slow peer; that loss is found by numbers at the receiver.)
 */
bool bus_pub_send(struct bus_pub *p, struct str frame);

/* True once when a new subscriber has come since the last call: time for a BEAT. */
bool bus_pub_new_peer(struct bus_pub *p);

/*
 * $XDG_RUNTIME_DIR/weir/bus or /tmp/weir-$UID/bus as an ipc:// URL; makes the
 * directory with mode 0700 and refuses one that belongs to somebody else.
 */
enum status bus_default_url(char *buf, size_t size, struct diag *d);

#endif
