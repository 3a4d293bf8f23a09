#include "config.h"

#include "weir/input/grpc.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "grpc-call.h"
#include "http-listen.h"
#include "weir/base/util.h"

#define STEP (64u * 1024)
#define READS 8    /* of one connection in one turn of the loop */
#define EVENTS 64  /* connections looked at in one turn */
#define ACCEPTS 64 /* new ones taken in one turn */
#define SWEEP_US (SEC_US / 2)
#define OUT_MAX STEP /* what is written for a client that does not read */

/* ------------------------------------------------------------ connections */

static void
conn_close(struct grpc_conn *c)
{
	struct grpc *g = c->g;

	grpc_session_close(c);
	close(c->fd);
	buf_done(&c->out);
	*(c->prev ? &c->prev->next : &g->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	g->stats.connections--;
	free(c);
}

/* Send what lies in @c->out. False on a broken connection. */
static bool
flush(struct grpc_conn *c)
{
	while (c->out_at < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, c->out.n - c->out_at,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		c->out_at += (size_t)n;
	}
	buf_clear(&c->out);
	c->out_at = 0;
	return true;
}

/* Move what the session has to say to the socket, as far as that takes it. */
static bool
say(struct grpc_conn *c)
{
	const uint8_t *p;
	ssize_t n;

	do {
		if (!flush(c))
			return false;
		if (c->out.n > 0 || c->closing)
			break;
		while (c->out.n < OUT_MAX &&
			(n = nghttp2_session_mem_send(c->session, &p)) != 0) {
			if (n < 0)
				return false;
			buf_add(&c->out, p, (size_t)n);
		}
	} while (c->out.n > 0);
	return true;
}

static void
watch(struct grpc_conn *c)
{
	bool write = c->out_at < c->out.n;
	struct epoll_event e = { .events = EPOLLIN | (write ? EPOLLOUT : 0),
		.data.ptr = c };

	if (write == c->wants_write)
		return;
	c->wants_write = write;
	epoll_ctl(c->g->epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

/* Send, and close what has nothing more to do. */
static void
settle(struct grpc_conn *c)
{
	bool ok = say(c);

	if (!ok || (c->closing && c->out.n == 0) ||
		(!nghttp2_session_want_read(c->session) &&
			!nghttp2_session_want_write(c->session) && c->out.n == 0))
		conn_close(c);
	else
		watch(c);
}

/* Say goodbye to a client; the connection is closed as soon as that is on its way. */
static void
dismiss(struct grpc_conn *c, uint32_t error)
{
	nghttp2_session_terminate_session(c->session, error);
	say(c);
	conn_close(c);
}

static void
take(struct grpc_conn *c)
{
	char bytes[STEP];

	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			conn_close(c);
			return;
		}
		if (!c->closing &&
			!grpc_session_take(c, (struct str){ bytes, (size_t)n })) {
			c->g->stats.evicted++;
			c->closing = true;
			break;
		}
		if ((size_t)n < sizeof(bytes) || c->out.n > 0)
			break;
	}
	settle(c);
}

/* ------------------------------------------------------------ new ones */

/* Is @a a better one to close than @b? Who has never asked anything goes first. */
static bool
goes_before(const struct grpc_conn *a, const struct grpc_conn *b)
{
	if (a->served != b->served)
		return !a->served;
	return a->active_us < b->active_us;
}

/*
 * Close one to make room for @fresh, the longest idle, when there are more than @limit
 * of its address or in all. False when that is @fresh itself, which is closed then.
 */
static bool
make_room(struct grpc *g, struct grpc_conn *fresh, bool same, unsigned limit)
{
	struct grpc_conn *idle = NULL;
	unsigned n = 0;

	for (struct grpc_conn *c = g->conns; c; c = c->next) {
		if (same && !http_same_address(&c->from, &fresh->from))
			continue;
		n++;
		if (c != fresh && !c->calls && (!idle || goes_before(c, idle)))
			idle = c;
	}
	if (n <= limit)
		return true;
	g->stats.evicted++;
	dismiss(idle ? idle : fresh, NGHTTP2_ENHANCE_YOUR_CALM);
	return idle != NULL;
}

static void
conn_open(struct grpc *g, int fd, const struct sockaddr_storage *from)
{
	struct grpc_conn *c = xcalloc(1, sizeof(*c));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->g = g;
	c->fd = fd;
	c->from = *from;
	c->client = quota_client(from, g->loopback);
	c->opened_us = c->active_us = g->now_us;
	c->next = g->conns;
	if (c->next)
		c->next->prev = c;
	g->conns = c;
	g->stats.connections++;
	if (!grpc_session_open(c) || epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
		conn_close(c);
		return;
	}
	if (!g->loopback && !make_room(g, c, true, g->o.max_per_address))
		return;
	/* Silent until the client has spoken: it may be one that expects HTTP/1. */
	make_room(g, c, false, g->o.max_connections);
}

static void
accept_all(struct grpc *g)
{
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof(from);
		int fd = accept(g->listen_fd, (struct sockaddr *)&from, &n);

		if (fd < 0)
			return;
		conn_open(g, fd, &from);
	}
}

/* ------------------------------------------------------------ the server */

static void
sweep(struct grpc *g)
{
	struct grpc_conn *next;

	g->swept_us = g->now_us;
	for (struct grpc_conn *c = g->conns; c; c = next) {
		next = c->next;
		if ((!c->greeted && g->now_us - c->opened_us > g->o.hello_us) ||
			!grpc_session_tick(c)) {
			g->stats.evicted++;
			dismiss(c, NGHTTP2_ENHANCE_YOUR_CALM);
		} else if (!c->calls && g->now_us - c->active_us > g->o.idle_us) {
			dismiss(c, NGHTTP2_NO_ERROR);
		} else if (c->greeted) {
			settle(c);
		}
	}
}

static void
set_limits(struct grpc_options *o)
{
#define LIMIT(field, value) o->field = o->field ? o->field : (value)
	LIMIT(max_message, 4u << 20);
	LIMIT(max_unpacked, 16u << 20);
	LIMIT(max_held, 64u << 20);
	LIMIT(max_connections, 256);
	LIMIT(max_per_address, 32);
	LIMIT(max_calls, 100);
	LIMIT(hello_us, 5 * SEC_US);
	LIMIT(call_us, 30 * SEC_US);
	LIMIT(idle_us, 900 * SEC_US);
#undef LIMIT
}

struct grpc *
grpc_open(const struct grpc_options *o, struct diag *d)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	struct grpc *g = xcalloc(1, sizeof(*g));

	g->o = *o;
	set_limits(&g->o);
	g->listen_fd =
		http_listen(o->address, g->where, sizeof(g->where), &g->loopback, d);
	if (g->listen_fd < 0) {
		free(g);
		return NULL;
	}
	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll_fd < 0 ||
		epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, g->listen_fd, &e) != 0) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot start the gRPC server on %s: %s",
			g->where, strerror(errno));
		if (g->epoll_fd >= 0)
			close(g->epoll_fd);
		close(g->listen_fd);
		free(g);
		return NULL;
	}
	grpc_sessions_init(g);
	return g;
}

void
grpc_close(struct grpc *g)
{
	if (!g)
		return;
	close(g->listen_fd);
	while (g->conns)
		dismiss(g->conns, NGHTTP2_NO_ERROR);
	close(g->epoll_fd);
	grpc_sessions_done(g);
	buf_done(&g->unpacked);
	free(g);
}

int
grpc_fd(const struct grpc *g)
{
	return g->epoll_fd;
}

int64_t
grpc_wait(const struct grpc *g, int64_t now_us)
{
	return g->conns ? MAX(g->swept_us + SWEEP_US - now_us, 0) : 60 * SEC_US;
}

void
grpc_step(struct grpc *g, int64_t now_us)
{
	struct epoll_event events[EVENTS];
	bool fresh = false;
	int n;

	g->now_us = now_us;
	if (now_us - g->swept_us >= SWEEP_US)
		sweep(g);
	n = epoll_wait(g->epoll_fd, events, EVENTS, 0);
	for (int i = 0; i < n; i++) {
		struct grpc_conn *c = events[i].data.ptr;

		if (!c)
			fresh = true;
		else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			take(c);
		else
			settle(c);
	}
	/* Last, because making room closes others. */
	if (fresh)
		accept_all(g);
}

const char *
grpc_where(const struct grpc *g)
{
	return g->where;
}

void
grpc_stats(const struct grpc *g, struct grpc_stats *ret_stats)
{
	*ret_stats = g->stats;
}
