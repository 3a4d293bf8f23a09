/*
 * http - the door that other programs push through: a small, bounded HTTP/1.1 server.
 *
 * libmicrohttpd speaks the protocol, without threads, driven by the agent's poll loop.
 * This module adds what an exposed door needs: limits on bodies before and after
 * decompression, on the memory of all requests together, on connections in all and of
 * one address, and on time; where there are too many connections the one that has been
 * idle longest makes room, so that idle ones never keep a working client out.
 *
 * It knows POST with a body and nothing of what a body means: that is `serve`.
 */
#ifndef WEIR_INPUT_HTTP_H
#define WEIR_INPUT_HTTP_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/input/quota.h"

/* Media types, as bits. */
enum http_type {
	HTTP_OTHER = 0,
	HTTP_JSON = 1,
	HTTP_PROTOBUF = 2
};

struct http_request {
	unsigned route;      /* index into the routes */
	enum http_type type; /* one that the route takes */
	char *body;          /* unpacked; may be written to. NULL when empty */
	size_t n;
	int64_t now_us; /* as given to http_step() */
};

struct http_answer {
	unsigned code;
	struct buf body;   /* sent with the type of the request */
	int retry_after_s; /* 0: none */
};

struct http_route {
	const char *path;
	unsigned types; /* bits of enum http_type */
};

struct http_options {
	const char
		*address; /* "HOST:PORT", ":PORT" (loopback), "[::1]:PORT"; port 0: any */
	const struct http_route *routes;
	unsigned route_count;
	/* Answer a request; code and retry_after_s are 200 and 0 before. */
	void (*serve)(void *ctx, const struct http_request *r, struct http_answer *a);
	/* The body of an answer that is given here: @why in the format's own words. */
	void (*refuse)(void *ctx, enum http_type type, unsigned code, const char *why,
		struct buf *body);
	bool (*congested)(void *ctx); /* then 503 before anything is read; may be NULL */
	struct quota *quota;          /* who it does not allow gets 429; may be NULL */
	void *ctx;
	/* Limits; 0 gives what is in brackets. */
	size_t max_body;     /* as sent (4 MiB) */
	size_t max_unpacked; /* after decompression (16 MiB) */
	size_t max_held;     /* bodies of all requests that are being sent (64 MiB) */
	unsigned max_connections; /* (256) */
	unsigned max_per_address; /* of one address that is not loopback (32) */
	int64_t header_us;        /* from connecting to the end of the headers (5 s) */
	int64_t request_us;       /* whole request (30 s) */
	int64_t idle_us;          /* between requests (60 s) */
};

struct http_stats {
	uint64_t requests, accepted; /* answered; of them with 2xx */
	uint64_t refused;            /* with 4xx */
	uint64_t busy;               /* with 503 */
	uint64_t over;               /* with 429: over their share */
	uint64_t evicted;            /* connections closed to make room or for slowness */
	uint64_t bytes;              /* of bodies, unpacked */
	unsigned connections;        /* now */
};

struct http;

/* NULL with @d when it cannot listen; says who else to look for. */
struct http *http_open(const struct http_options *o, struct diag *d);
void http_close(struct http *h);

/* Polls readable when http_step() has something to do. */
int http_fd(const struct http *h);

/* µs until http_step() must be called anyway. */
int64_t http_wait(const struct http *h, int64_t now_us);

/* Do what can be done without waiting. @now_us: monotonic. */
void http_step(struct http *h, int64_t now_us);

/* "127.0.0.1:4318", with the port really used. Borrowed. */
const char *http_where(const struct http *h);
bool http_is_loopback(const struct http *h);

void http_stats(const struct http *h, struct http_stats *ret_stats);

#endif
