/*
 * grpc-call - one HTTP/2 session and the calls on it; the sockets are grpc.c's.
 */
#ifndef WEIR_SRC_INPUT_GRPC_CALL_H
#define WEIR_SRC_INPUT_GRPC_CALL_H

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include "weir/base/str.h"
#include "weir/input/grpc.h"

struct grpc {
	struct grpc_options o;
	int epoll_fd, listen_fd;
	char where[80];
	bool loopback;
	int64_t now_us, swept_us;
	struct grpc_conn *conns;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	size_t held; /* bytes of messages in memory */
	unsigned jitter;
	struct buf unpacked;
	struct grpc_stats stats;
};

struct grpc_conn {
	struct grpc_conn *prev, *next;
	struct grpc *g;
	int fd;
	struct sockaddr_storage from;
	uint64_t client; /* of the quota */
	nghttp2_session *session;
	struct call *calls; /* open streams */
	struct buf out;     /* bytes that the socket would not take yet */
	size_t out_at;      /* of them sent */
	bool greeted;       /* the client's preface has come */
	bool served;        /* a call was answered */
	bool closing;       /* to be closed when what is in @out is sent */
	bool wants_write;   /* as epoll knows it */
	unsigned cut;       /* calls that the client gave up, this second */
	int64_t cut_us;     /* when that second began */
	int64_t opened_us, active_us;
};

/* The callbacks and options of all sessions; call once, give back with session_done(). */
void grpc_sessions_init(struct grpc *g);
void grpc_sessions_done(struct grpc *g);

/* Begin @c's session. False when it cannot. */
bool grpc_session_open(struct grpc_conn *c);
void grpc_session_close(struct grpc_conn *c);

/*
 * Take what the client sent. False when the connection is beyond use, what is still
 * to be said to it lies in c->out then.
 */
bool grpc_session_take(struct grpc_conn *c, struct str bytes);

/* Give up calls that take too long. False as above. */
bool grpc_session_tick(struct grpc_conn *c);

#endif
