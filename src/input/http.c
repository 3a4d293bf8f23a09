#include "config.h"

#include "weir/input/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http-listen.h"
#include "weir/base/util.h"
#include "weir/input/unpack.h"

#define MEMORY_PER_CONNECTION (24u * 1024) /* request line, headers, one read */
#define RESERVE 512                        /* connections on their way out */
#define SLOWEST 1024                       /* bytes a second of a body, on average */
#define SWEEP_US (SEC_US / 2)
#define MAX_SPARED 16 /* connections found at work when looking for an idle one */
#define BODY_STEP (16u * 1024)
#define KEEP_UNPACKED (1u << 20) /* memory kept from one request to the next */

/* A connection, from accept to close. */
struct conn {
	struct conn *prev, *next;
	int fd;
	struct sockaddr_storage from;
	uint64_t client; /* of the quota */
	bool doomed;     /* shut down; libmicrohttpd has yet to notice */
	bool served;     /* has had an answer */
	bool busy;       /* between the end of a request's headers and its answer */
	int64_t opened_us, active_us, request_us;
	uint64_t body_bytes; /* of the request being read */
};

/* A request, from the end of its headers to its answer. */
struct req {
	unsigned code; /* of a refusal already decided, else 0 */
	const char *why;
	struct http_request r;
	enum http_type
		asked; /* the request's type, also where the route has no use for it */
	bool packed;
	bool last; /* what follows on the connection is no request */
	struct buf body;
	size_t held; /* of http.held */
};

struct http {
	struct http_options o;
	struct MHD_Daemon *daemon;
	struct conn *conns;
	char where[80];
	bool loopback;
	int epoll_fd;
	int64_t now_us, swept_us;
	size_t held; /* bytes of bodies in memory */
	unsigned jitter;
	struct buf unpacked;
	struct http_stats stats;
};

/* ------------------------------------------------------------ connections */

/* Close @c from this side; libmicrohttpd sees the end of the stream and cleans up. */
static void
doom(struct http *h, struct conn *c, bool say_why)
{
	static const char late[] = "HTTP/1.1 408 Request Timeout\r\n"
				   "Content-Length: 0\r\nConnection: close\r\n\r\n";

	if (c->doomed)
		return;
	c->doomed = true;
	h->stats.evicted++;
	if (say_why &&
		send(c->fd, late, sizeof(late) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		say_why = false; /* nobody reads it: nothing is lost */
	shutdown(c->fd, say_why ? SHUT_RD : SHUT_RDWR);
}

/* Has @c sent something that libmicrohttpd has yet to read? */
static bool
has_unread(const struct conn *c)
{
	int n = 0;

	return ioctl(c->fd, FIONREAD, &n) == 0 && n > 0;
}

/* Is @a a better one to close than @b? Who has never asked anything goes first. */
static bool
goes_before(const struct conn *a, const struct conn *b)
{
	if (a->served != b->served)
		return !a->served;
	return a->active_us < b->active_us;
}

/*
 * The idle connection to close for @fresh, which goes itself only if all others work;
 * NULL when there are no more than @limit, of its address alone or of any.
 */
static struct conn *
find_idle(const struct http *h, struct conn *fresh, bool same, unsigned limit)
{
	struct conn *idle = fresh;
	unsigned n = 0;

	for (struct conn *c = h->conns; c; c = c->next) {
		if (c->doomed || (same && !http_same_address(&c->from, &fresh->from)))
			continue;
		n++;
		if (!c->busy && c != fresh && (idle == fresh || goes_before(c, idle)))
			idle = c;
	}
	return n > limit ? idle : NULL;
}

/*
 * Make room for @fresh. In a storm of new connections the request of a working client
 * may lie unread for a moment: that is not idle.
 */
static void
make_room(struct http *h, struct conn *fresh, bool same, unsigned limit)
{
	struct conn *idle = find_idle(h, fresh, same, limit);

	for (unsigned i = 0; i < MAX_SPARED && idle && has_unread(idle); i++) {
		idle->active_us = h->now_us + 1; /* younger than those of this turn */
		idle = find_idle(h, fresh, same, limit);
	}
	if (idle)
		doom(h, idle, false);
}

static void
conn_open(struct http *h, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *fd, *from;
	struct conn *c = xcalloc(1, sizeof(*c));

	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->fd = fd->connect_fd;
	if (from && from->client_addr->sa_family == AF_INET)
		memcpy(&c->from, from->client_addr, sizeof(struct sockaddr_in));
	else if (from && from->client_addr->sa_family == AF_INET6)
		memcpy(&c->from, from->client_addr, sizeof(struct sockaddr_in6));
	c->client = quota_client(&c->from, h->loopback);
	c->opened_us = c->active_us = h->now_us;
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	h->stats.connections++;
	*context = c;
	if (!h->loopback)
		make_room(h, c, true, h->o.max_per_address);
	make_room(h, c, false, h->o.max_connections);
}

static void
conn_close(struct http *h, struct conn *c)
{
	*(c->prev ? &c->prev->next : &h->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	h->stats.connections--;
	free(c);
}

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(ctx, mhd, context);
	else if (*context)
		conn_close(ctx, *context);
}

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* Close what has had its time. */
static void
sweep(struct http *h)
{
	h->swept_us = h->now_us;
	for (struct conn *c = h->conns; c; c = c->next) {
		int64_t age_us = h->now_us - c->request_us;

		if (c->busy) {
			uint64_t least = age_us > h->o.header_us
						 ? (uint64_t)(age_us - h->o.header_us) *
							   SLOWEST / SEC_US
						 : 0;

			if (age_us > h->o.request_us || c->body_bytes < least)
				doom(h, c, true);
		} else if (c->served && h->now_us - c->active_us > h->o.idle_us) {
			doom(h, c, false);
		} else if (!c->served && h->now_us - c->opened_us > h->o.header_us) {
			doom(h, c, true);
		}
	}
}

/* ------------------------------------------------------------ requests */

static const char *
header(struct MHD_Connection *mhd, const char *name)
{
	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static enum MHD_Result
count_length(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	unsigned *n = ctx;

	(void)kind;
	(void)value;
	*n += !strcasecmp(name, "Content-Length");
	return MHD_YES;
}

/*
 * Is it unclear where the body ends (RFC 9112 section 6.3)? A proxy in front may have
 * understood it in another way, and then the next request is not what it seems.
 */
static bool
has_unclear_length(struct MHD_Connection *mhd)
{
	unsigned lengths = 0;

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_length, &lengths);
	return lengths > 1 || (lengths && header(mhd, "Transfer-Encoding"));
}

/* The media type of a Content-Type value, whatever its parameters. */
static enum http_type
type_of(const char *value)
{
	static const struct {
		const char *name;
		enum http_type type;
	} types[] = {
		{ "application/json", HTTP_JSON },
		{ "application/x-protobuf", HTTP_PROTOBUF },
		{ "application/protobuf", HTTP_PROTOBUF },
	};
	size_t n;

	if (!value)
		return HTTP_OTHER;
	value += strspn(value, " \t");
	n = strcspn(value, "; \t");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (n == strlen(types[i].name) && !strncasecmp(value, types[i].name, n))
			return types[i].type;
	return HTTP_OTHER;
}

static void
refuse(struct req *q, unsigned code, const char *why)
{
	if (q->code)
		return;
	q->code = code;
	q->why = why;
	buf_done(&q->body);
}

/* Turn away whom there is no room for now. */
static void
refuse_for_now(struct http *h, struct MHD_Connection *mhd, struct req *q)
{
	if (h->o.congested && h->o.congested(h->o.ctx))
		refuse(q, 503, "queue is full, try again");
	else if (!quota_allows(h->o.quota, conn_of(mhd)->client, h->now_us))
		refuse(q, 429, "more than your share of a full queue, try again");
}

/* What the head of a request already decides. */
static void
judge_head(struct http *h, struct MHD_Connection *mhd, struct req *q, const char *method,
	const char *path)
{
	const char *encoding = header(mhd, "Content-Encoding");
	const char *length = header(mhd, "Content-Length");
	unsigned i = 0;

	q->asked = type_of(header(mhd, "Content-Type"));
	while (i < h->o.route_count && strcmp(h->o.routes[i].path, path) != 0)
		i++;
	q->r.route = i;
	q->r.type = q->asked;
	if (i == h->o.route_count)
		refuse(q, 404, "no such path here");
	else if (strcmp(method, "POST") != 0)
		refuse(q, 405, "only POST is understood here");
	else if (!(q->asked & h->o.routes[i].types))
		refuse(q, 415, "unsupported Content-Type");
	else if ((q->last = has_unclear_length(mhd)))
		refuse(q, 400, "several lengths of one body");
	else if (length && strtoull(length, NULL, 10) > h->o.max_body)
		refuse(q, 413, "body too large");
	else
		refuse_for_now(h, mhd, q);
	if (!encoding || !strcasecmp(encoding, "identity"))
		return;
	q->packed = !strcasecmp(encoding, "gzip") || !strcasecmp(encoding, "x-gzip") ||
		    !strcasecmp(encoding, "deflate") || !strcasecmp(encoding, "zstd");
	if (!q->packed)
		refuse(q, 415, "unsupported Content-Encoding, use gzip, deflate or zstd");
}

/* Keep a piece of the body, as far as limits allow; of refused ones nothing is kept. */
static void
take_body(struct http *h, struct req *q, const char *p, size_t n)
{
	size_t need = q->body.n + n;

	if (q->code)
		return;
	if (need > h->o.max_body) {
		refuse(q, 413, "body too large");
	} else if (need > q->held && h->held + (need - q->held) > h->o.max_held) {
		refuse(q, 503, "too many requests at once, try again");
	} else {
		if (need > q->held) {
			size_t more = MAX(need - q->held, BODY_STEP);

			q->held += more;
			h->held += more;
		}
		buf_add(&q->body, p, n);
	}
	if (q->code) {
		h->held -= q->held;
		q->held = 0;
	}
}

static void
unpack_body(struct http *h, struct req *q)
{
	q->r.body = q->body.p;
	q->r.n = q->body.n;
	if (!q->packed || q->body.n == 0)
		return;
	switch (unpack(buf_str(&q->body), h->o.max_unpacked, &h->unpacked)) {
	case STATUS_OK:
		q->r.body = h->unpacked.p;
		q->r.n = h->unpacked.n;
		return;
	case STATUS_ERR_TOO_BIG:
		refuse(q, 413, "body too large after decompression");
		return;
	case STATUS_ERR_TRUNCATED:
		refuse(q, 400, "compressed body is cut short");
		return;
	default:
		refuse(q, 400, "body is not in its Content-Encoding");
		return;
	}
}

static void
count(struct http *h, unsigned code)
{
	h->stats.requests++;
	if (code < 300)
		h->stats.accepted++;
	else if (code == 429)
		h->stats.over++;
	else if (code == 503)
		h->stats.busy++;
	else
		h->stats.refused++;
}

static enum MHD_Result
send_answer(
	struct http *h, struct MHD_Connection *mhd, struct req *q, struct http_answer *a)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		a->body.n, a->body.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok;
	char text[16];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		q->asked == HTTP_PROTOBUF ? "application/x-protobuf"
					  : "application/json");
	if (a->code == 405)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "POST");
	if (a->code == 415)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ACCEPT_ENCODING,
			"gzip, deflate, zstd, identity");
	if (q->last)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (a->retry_after_s > 0) {
		snprintf(text, sizeof(text), "%d", a->retry_after_s);
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, text);
	}
	ok = MHD_queue_response(mhd, a->code, r);
	MHD_destroy_response(r);
	count(h, a->code);
	return ok;
}

static enum MHD_Result
answer(struct http *h, struct MHD_Connection *mhd, struct req *q)
{
	struct http_answer a = { .code = 200 };
	enum MHD_Result ok;

	if (!q->code)
		unpack_body(h, q);
	if (!q->code)
		refuse_for_now(h, mhd, q);
	if (!q->code) {
		q->r.now_us = h->now_us;
		quota_charge(h->o.quota, conn_of(mhd)->client, q->r.n, h->now_us);
		h->stats.bytes += q->r.n;
		h->o.serve(h->o.ctx, &q->r, &a);
	} else {
		a.code = q->code;
		h->o.refuse(h->o.ctx, q->asked, q->code, q->why, &a.body);
	}
	/* Spread out, so that those who were turned away do not come back as one. */
	if ((a.code == 503 || a.code == 429) && a.retry_after_s == 0)
		a.retry_after_s = 1 + (int)(h->jitter++ * 7 % 5);
	ok = send_answer(h, mhd, q, &a);
	buf_done(&a.body);
	if (h->unpacked.cap > KEEP_UNPACKED)
		buf_done(&h->unpacked);
	return ok;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *mhd, const char *path, const char *method,
	const char *version, const char *data, size_t *data_n, void **state)
{
	struct conn *c = conn_of(mhd);
	struct http *h = ctx;
	struct req *q = *state;

	(void)version;
	c->active_us = h->now_us;
	if (!q) {
		*state = q = xcalloc(1, sizeof(*q));
		c->busy = true;
		c->request_us = h->now_us;
		c->body_bytes = 0;
		judge_head(h, mhd, q, method, path);
		/*
		 * A refused body is read and thrown away, because a client that is cut
		 * off while it sends does not see the answer; but one that asks first
		 * is told at once.
		 */
		if (q->code && header(mhd, "Expect"))
			return answer(h, mhd, q);
		return MHD_YES;
	}
	if (*data_n > 0) {
		c->body_bytes += *data_n;
		take_body(h, q, data, *data_n);
		*data_n = 0;
		return MHD_YES;
	}
	return answer(h, mhd, q);
}

static void
on_completed(void *ctx, struct MHD_Connection *mhd, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct conn *c = conn_of(mhd);
	struct http *h = ctx;
	struct req *q = *state;

	(void)why;
	if (!q)
		return;
	h->held -= q->held;
	buf_done(&q->body);
	free(q);
	*state = NULL;
	if (c) {
		c->busy = false;
		c->served = true;
		c->active_us = h->now_us;
	}
}

/* ------------------------------------------------------------ the server */

static void
set_limits(struct http_options *o)
{
#define LIMIT(field, value) o->field = o->field ? o->field : (value)
	LIMIT(max_body, 4u << 20);
	LIMIT(max_unpacked, 16u << 20);
	LIMIT(max_held, 64u << 20);
	LIMIT(max_connections, 256);
	LIMIT(max_per_address, 32);
	LIMIT(header_us, 5 * SEC_US);
	LIMIT(request_us, 30 * SEC_US);
	LIMIT(idle_us, 60 * SEC_US);
#undef LIMIT
}

struct http *
http_open(const struct http_options *o, struct diag *d)
{
	struct http *h = xcalloc(1, sizeof(*h));
	int fd;

	h->o = *o;
	set_limits(&h->o);
	fd = http_listen(o->address, h->where, sizeof(h->where), &h->loopback, d);
	if (fd < 0) {
		free(h);
		return NULL;
	}
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, h,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
		MHD_OPTION_CONNECTION_LIMIT, h->o.max_connections + RESERVE,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(h->o.idle_us / SEC_US) + 2,
		MHD_OPTION_END);
	if (!h->daemon) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot start the HTTP server on %s: %s",
			h->where, strerror(errno));
		close(fd);
		free(h);
		return NULL;
	}
	h->epoll_fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return h;
}

void
http_close(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	buf_done(&h->unpacked);
	free(h);
}

int
http_fd(const struct http *h)
{
	return h->epoll_fd;
}

int64_t
http_wait(const struct http *h, int64_t now_us)
{
	int64_t wait_us = h->conns ? h->swept_us + SWEEP_US - now_us : 60 * SEC_US;
	unsigned long long ms;

	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		wait_us = MIN(wait_us, (int64_t)MIN(ms, 60000ull) * MSEC_US);
	return MAX(wait_us, 0);
}

void
http_step(struct http *h, int64_t now_us)
{
	h->now_us = now_us;
	if (now_us - h->swept_us >= SWEEP_US)
		sweep(h);
	MHD_run(h->daemon);
}

const char *
http_where(const struct http *h)
{
	return h->where;
}

bool
http_is_loopback(const struct http *h)
{
	return h->loopback;
}

void
http_stats(const struct http *h, struct http_stats *ret_stats)
{
	*ret_stats = h->stats;
}
