/*
 * grpc - the other door that programs push through: unary gRPC calls over HTTP/2.
 *
 * nghttp2 speaks the protocol (frames, HPACK, flow control, PING, GOAWAY), driven by
 * the agent's poll loop. This module adds sockets, the gRPC framing and the limits of
 * an exposed door: on messages before and after decompression, on the memory of all
 * calls together, on connections and calls at once, and on time. Where there are too
 * many connections the one that has been idle longest makes room.
 *
 * It knows calls with one message each way and nothing of what a message means: that
 * is `serve`. There is no TLS, as on the HTTP door.
 */
#ifndef WEIR_INPUT_GRPC_H
#define WEIR_INPUT_GRPC_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/input/quota.h"

/* Those of gRPC's status codes that are given here. */
enum grpc_code {
	GRPC_OK = 0,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14
};

struct grpc_call {
	unsigned method; /* index into the methods */
	char *body;      /* the message, unpacked; may be written to. NULL when empty */
	size_t n;
	int64_t now_us; /* as given to grpc_step() */
};

struct grpc_answer {
	enum grpc_code code;
	const char *why; /* for other codes than GRPC_OK; static, plain ASCII */
	struct buf body; /* the message of GRPC_OK */
};

struct grpc_options {
	const char *address;        /* as http_options.address */
	const char *const *methods; /* "/package.Service/Method" */
	unsigned method_count;
	/* Answer a call; code is GRPC_OK before. */
	void (*serve)(void *ctx, const struct grpc_call *c, struct grpc_answer *a);
	bool (*congested)(void *ctx); /* then UNAVAILABLE; may be NULL */
	struct quota
		*quota; /* who it does not allow gets RESOURCE_EXHAUSTED; may be NULL */
	void *ctx;
	/* Limits; 0 gives what is in brackets. */
	size_t max_message;       /* as sent (4 MiB) */
	size_t max_unpacked;      /* after decompression (16 MiB) */
	size_t max_held;          /* messages of all calls being sent (64 MiB) */
	unsigned max_connections; /* (256) */
	unsigned max_per_address; /* of one address that is not loopback (32) */
	unsigned max_calls;       /* at once on one connection (100) */
	int64_t hello_us;         /* from connecting to the client's preface (5 s) */
	int64_t call_us;          /* a whole call (30 s) */
	int64_t idle_us;          /* without a call; then GOAWAY (15 min) */
};

struct grpc_stats {
	uint64_t calls, accepted; /* answered; of them with GRPC_OK */
	uint64_t refused;         /* the sender's fault */
	uint64_t busy;            /* UNAVAILABLE */
	uint64_t over;            /* RESOURCE_EXHAUSTED, for a while: over their share */
	uint64_t evicted;     /* connections closed to make room or for misbehaviour */
	uint64_t bytes;       /* of messages, unpacked */
	unsigned connections; /* now */
};

struct grpc;

/* NULL with @d when it cannot listen. */
struct grpc *grpc_open(const struct grpc_options *o, struct diag *d);
void grpc_close(struct grpc *g); /* tells the clients to go away */

/* Polls readable when grpc_step() has something to do. */
int grpc_fd(const struct grpc *g);

/* µs until grpc_step() must be called anyway. */
int64_t grpc_wait(const struct grpc *g, int64_t now_us);

/* Do what can be done without waiting. @now_us: monotonic. */
void grpc_step(struct grpc *g, int64_t now_us);

/* "127.0.0.1:4317", with the port really used. Borrowed. */
const char *grpc_where(const struct grpc *g);

void grpc_stats(const struct grpc *g, struct grpc_stats *ret_stats);

#endif
