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
	/* NULL-terminated group prefixes of at most 64 bytes; NULL: all, and bare JSON. */
	const char *const *groups;
	size_t ring_bytes;  /* 0: 32 MiB */
	bool allow_network; /* listen on other than loopback, in the clear */
};

/*
 * Open all endpoints. On failure nothing stays open and @d names the URL and what
 * to do. `ipc://` listens take a lock file first: libzmq would steal silently.
 * A non-loopback tcp listen is refused without allow_network: there is no transport
 * security yet.
 *
 * A connecting side that met a protocol error is never reconnected by libzmq.
 * NEEDSWORK: disconnect and connect again after 5 s of silence (BEATs come each
 * second); that takes a socket per endpoint, to know which one is silent.
 */
struct bus_sub *bus_sub_open(const struct bus_sub_options *o, struct diag *d);
void bus_sub_close(struct bus_sub *s);

/*
 * Where the @i-th listen URL really listens (a `*` for the port is a free one by now),
 * or NULL. Borrowed: valid until close.
 */
const char *bus_sub_endpoint(const struct bus_sub *s, unsigned i);

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
	uint64_t refused;        /* handshakes failed, messages of several parts */
	/*
	 * Connections that ended. One that sent too much at once is among them: libzmq
	 * cuts it and does not say why.
	 */
	uint64_t disconnects;
	uint32_t peers; /* connected now */
	size_t ring_used, ring_size;
};
void bus_sub_stats(const struct bus_sub *s, struct bus_stats *ret_stats);

/* ------------------------------------------------------------ sending */

struct bus_pub;

struct bus_pub_options {
	const char *to;     /* connect here, or NULL */
	const char *bind;   /* bind here, or NULL; one of the two */
	int linger_ms;      /* how long close waits for peers; 2000 when < 0 */
	bool allow_network; /* bind to other than loopback, in the clear */
};

struct bus_pub *bus_pub_open(const struct bus_pub_options *o, struct diag *d);
void bus_pub_close(struct bus_pub *p);

/* As linger_ms of the options, from now on. */
void bus_pub_set_linger(struct bus_pub *p, int linger_ms);

/* Where `bind` really is, or NULL. Borrowed: valid until close. */
const char *bus_pub_endpoint(const struct bus_pub *p);

/*
 * Send one frame; never blocks. Returns false when it was not taken. (libzmq's PUB
 * drops silently per slow peer; that loss is found by numbers at the receiver.)
 */
bool bus_pub_send(struct bus_pub *p, struct str frame);

/* True once when a new subscriber has come since the last call: time for a BEAT. */
bool bus_pub_new_peer(struct bus_pub *p);

/*
 * As many descriptors as the system lets us have: libzmq spins when it runs out. For
 * programs; a library must not change its host's limits.
 */
void bus_raise_limits(void);

/*
 * $XDG_RUNTIME_DIR/weir/bus or /tmp/weir-$UID/bus as an ipc:// URL; makes the
 * directory with mode 0700 and refuses one that belongs to somebody else.
 */
enum status bus_default_url(char *buf, size_t size, struct diag *d);

#endif
