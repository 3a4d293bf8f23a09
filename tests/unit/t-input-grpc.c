#include "config.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/grpc.h"

#define MAX_CALLS 200

/* ------------------------------------------------------------ the server */

struct door {
	struct grpc *grpc;
	int port;
	int64_t now_us;
	bool congested, pressed;
	struct quota *quota;
	unsigned served;
	size_t bytes;
	char last[64];
};

static void
serve(void *ctx, const struct grpc_call *c, struct grpc_answer *a)
{
	struct door *d = ctx;

	d->served++;
	d->bytes += c->n;
	snprintf(d->last, sizeof(d->last), "%.*s", (int)MIN(c->n, 60),
		c->n ? c->body : "");
	if (c->n && c->body[0] == '!') {
		a->code = GRPC_INVALID_ARGUMENT;
		a->why = "bad";
	} else if (c->method == 1) {
		buf_adds(&a->body, "answer");
	}
}

static bool
congested(void *ctx)
{
	return ((struct door *)ctx)->congested;
}

static bool
pressed(void *ctx)
{
	return ((struct door *)ctx)->pressed;
}

static void
door_open(struct door *d, unsigned max_connections)
{
	static const char *const methods[] = { "/a.S/Put", "/a.S/Get" };
	struct quota *quota = quota_new(pressed, d);
	const struct grpc_options o = {
		.address = "127.0.0.1:0",
		.methods = methods,
		.method_count = ARRAY_LEN(methods),
		.serve = serve,
		.congested = congested,
		.quota = quota,
		.ctx = d,
		.max_message = 1u << 20,
		.max_unpacked = 2u << 20,
		.max_connections = max_connections,
	};
	struct diag diag = { 0 };

	*d = (struct door){ .now_us = 1000 * SEC_US, .quota = quota };
	d->grpc = grpc_open(&o, &diag);
	cr_assert(d->grpc, "%s", diag.text);
	d->port = (int)strtol(strrchr(grpc_where(d->grpc), ':') + 1, NULL, 10);
}

static void
door_close(struct door *d)
{
	grpc_close(d->grpc);
	quota_free(d->quota);
}

static int
dial(const struct door *d)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)d->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	cr_assert_geq(fd, 0, "%s", strerror(errno));
	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* ------------------------------------------------------------ a client */

struct call {
	struct buf out;
	size_t at;
	struct buf in;
	int http, status; /* -1: not told */
	char why[80], details[200];
	bool closed, no_end;
};

struct client {
	int fd;
	nghttp2_session *session;
	struct call calls[MAX_CALLS];
	unsigned n, closed;
	bool pong, gone;
	size_t step; /* bytes that are sent at once; 0: all */
};

static ssize_t
read_out(nghttp2_session *s, int32_t stream, uint8_t *to, size_t n, uint32_t *flags,
	nghttp2_data_source *source, void *ctx)
{
	struct call *c = source->ptr;

	(void)s;
	(void)stream;
	(void)ctx;
	n = MIN(n, c->out.n - c->at);
	if (n)
		memcpy(to, c->out.p + c->at, n);
	c->at += n;
	if (n == 0 && c->no_end)
		return NGHTTP2_ERR_DEFERRED;
	if (c->at == c->out.n && !c->no_end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
	const uint8_t *value, size_t value_n, uint8_t flags, void *ctx)
{
	struct call *c = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
	struct str key = { (const char *)name, name_n };

	(void)flags;
	(void)ctx;
	(void)value_n;
	if (str_eq(key, STR(":status")))
		c->http = (int)strtol((const char *)value, NULL, 10);
	if (str_eq(key, STR("grpc-status")))
		c->status = (int)strtol((const char *)value, NULL, 10);
	if (str_eq(key, STR("grpc-message")))
		snprintf(c->why, sizeof(c->why), "%s", (const char *)value);
	if (str_eq(key, STR("grpc-status-details-bin")))
		snprintf(c->details, sizeof(c->details), "%s", (const char *)value);
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
	void *ctx)
{
	struct call *c = nghttp2_session_get_stream_user_data(s, stream);

	(void)flags;
	(void)ctx;
	buf_add(&c->in, p, n);
	return 0;
}

static int
on_close(nghttp2_session *s, int32_t stream, uint32_t error, void *ctx)
{
	struct call *c = nghttp2_session_get_stream_user_data(s, stream);
	struct client *client = ctx;

	(void)error;
	c->closed = true;
	client->closed++;
	return 0;
}

static int
on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct client *c = ctx;

	(void)s;
	c->pong |= f->hd.type == NGHTTP2_PING && (f->hd.flags & NGHTTP2_FLAG_ACK);
	c->gone |= f->hd.type == NGHTTP2_GOAWAY;
	return 0;
}

static void
client_open(struct client *c, const struct door *d)
{
	nghttp2_session_callbacks *cb;

	*c = (struct client){ .fd = dial(d) };
	nghttp2_session_callbacks_new(&cb);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_client_new(&c->session, cb, c);
	nghttp2_session_callbacks_del(cb);
	nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void
client_close(struct client *c)
{
	nghttp2_session_del(c->session);
	close(c->fd);
	for (unsigned i = 0; i < c->n; i++) {
		buf_done(&c->calls[i].out);
		buf_done(&c->calls[i].in);
	}
}

static nghttp2_nv
nv(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE };
}

/* Begin a call; @encoding may be NULL. */
static struct call *
begin(struct client *c, const char *path, const char *type, const char *encoding,
	struct str body, bool end)
{
	struct call *call = &c->calls[c->n++];
	nghttp2_data_provider data = { .source.ptr = call, .read_callback = read_out };
	nghttp2_nv headers[] = { nv(":method", "POST"), nv(":scheme", "http"),
		nv(":path", path), nv(":authority", "x"), nv("content-type", type),
		nv("te", "trailers"), nv("grpc-encoding", encoding ? encoding : "") };

	*call = (struct call){ .status = -1, .no_end = !end };
	buf_add(&call->out, body.p, body.n);
	cr_assert_gt(nghttp2_submit_request(c->session, NULL, headers,
			     ARRAY_LEN(headers) - !encoding, &data, call),
		0);
	return call;
}

/* Let both sides go on for a moment. */
static bool
turn(struct door *d, struct client *c)
{
	static char bytes[65536];
	struct buf out = BUF_INIT;
	const uint8_t *p;
	ssize_t n;
	bool ok = true;

	while (out.n < sizeof(bytes) &&
		(n = nghttp2_session_mem_send(c->session, &p)) > 0)
		buf_add(&out, p, (size_t)n);
	for (size_t at = 0; at<out.n; at += n> 0 ? (size_t)n : 0) {
		size_t more = c->step ? MIN(c->step, out.n - at) : out.n - at;

		n = send(c->fd, out.p + at, more, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
		grpc_step(d->grpc, d->now_us);
	}
	buf_done(&out);
	grpc_step(d->grpc, d->now_us);
	errno = EAGAIN;
	while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0)
		ok &= nghttp2_session_mem_recv(
			      c->session, (const uint8_t *)bytes, (size_t)n) == n;
	return ok && n != 0 && errno == EAGAIN;
}

static bool
finish(struct door *d, struct client *c)
{
	for (unsigned i = 0; i < 20000 && c->closed < c->n; i++)
		if (!turn(d, c))
			break;
	return c->closed == c->n;
}

/* Prefix @message as gRPC has it. */
static struct str
framed(struct buf *to, char flag, struct str message, size_t claimed)
{
	const char prefix[] = { flag, (char)(claimed >> 24), (char)(claimed >> 16),
		(char)(claimed >> 8), (char)claimed };

	buf_clear(to);
	buf_add(to, prefix, sizeof(prefix));
	buf_add(to, message.p, message.n);
	return buf_str(to);
}

static struct str
zipped(struct buf *to, size_t n, char fill)
{
	char *plain = xmalloc(n);
	z_stream z = { .next_in = (Bytef *)plain, .avail_in = (uInt)n };

	memset(plain, fill, n);
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	buf_clear(to);
	z.next_out = (Bytef *)buf_reserve(to, n + 100);
	z.avail_out = (uInt)n + 100;
	deflate(&z, Z_FINISH);
	to->n = z.total_out;
	deflateEnd(&z);
	free(plain);
	return buf_str(to);
}

/* ------------------------------------------------------------ tests */

#define GRPC "application/grpc"

Test(grpc, each_call_gets_the_status_that_the_protocol_has_for_it)
{
	struct buf frame = BUF_INIT, zip = BUF_INIT, bomb = BUF_INIT, two = BUF_INIT;
	struct str z = zipped(&zip, 1000, 'z'), b = zipped(&bomb, 3u << 20, 'z');
	const struct {
		const char *what, *path, *type, *encoding;
		char flag;
		struct str body;
		size_t claimed;
		int http, status;
		size_t answer;
	} rows[] = {
		{ "a message", "/a.S/Put", GRPC, NULL, 0, STR("hello"), 5, 200, 0, 5 },
		{ "an empty one", "/a.S/Put", GRPC "+proto", NULL, 0, STR(""), 0, 200, 0,
			5 },
		{ "with an answer", "/a.S/Get", GRPC, NULL, 0, STR("x"), 1, 200, 0, 11 },
		{ "compressed", "/a.S/Put", GRPC, "gzip", 1, z, z.n, 200, 0, 5 },
		{ "plain among compressed", "/a.S/Put", GRPC, "gzip", 0, STR("x"), 1, 200,
			0, 5 },
		{ "what the service refuses", "/a.S/Put", GRPC, NULL, 0, STR("!"), 1, 200,
			GRPC_INVALID_ARGUMENT, 0 },
		{ "unknown method", "/a.S/Del", GRPC, NULL, 0, STR("x"), 1, 200,
			GRPC_UNIMPLEMENTED, 0 },
		{ "unknown compression", "/a.S/Put", GRPC, "snappy", 1, STR("x"), 1, 200,
			GRPC_UNIMPLEMENTED, 0 },
		{ "broken compression", "/a.S/Put", GRPC, "gzip", 1, STR("xxxx"), 4, 200,
			GRPC_INTERNAL, 0 },
		{ "compressed without a word", "/a.S/Put", GRPC, NULL, 1, z, z.n, 200,
			GRPC_INTERNAL, 0 },
		{ "a bomb", "/a.S/Put", GRPC, "gzip", 1, b, b.n, 200,
			GRPC_RESOURCE_EXHAUSTED, 0 },
		{ "a length that is a lie", "/a.S/Put", GRPC, NULL, 0, STR("x"), 1000,
			200, GRPC_INVALID_ARGUMENT, 0 },
		{ "a length beyond all limits", "/a.S/Put", GRPC, NULL, 0, STR("x"),
			0xffffffff, 200, GRPC_RESOURCE_EXHAUSTED, 0 },
		{ "a flag nobody knows", "/a.S/Put", GRPC, NULL, 7, STR("x"), 1, 200,
			GRPC_INTERNAL, 0 },
		{ "two messages", "/a.S/Put", GRPC, NULL, 0, STR("xy"), 1, 200,
			GRPC_UNIMPLEMENTED, 0 },
		{ "another type", "/a.S/Put", "application/json", NULL, 0, STR("x"), 1,
			415, -1, 0 },
		{ "gRPC for browsers", "/a.S/Put", "application/grpc-web", NULL, 0,
			STR("x"), 1, 415, -1, 0 },
	};
	struct grpc_stats stats;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call *call = begin(&c, rows[i].path, rows[i].type,
			rows[i].encoding,
			framed(&frame, rows[i].flag, rows[i].body, rows[i].claimed),
			true);

		cr_assert(finish(&d, &c), "%s", rows[i].what);
		cr_expect_eq(
			call->http, rows[i].http, "%s: %d", rows[i].what, call->http);
		cr_expect_eq(call->status, rows[i].status, "%s: %d %s", rows[i].what,
			call->status, call->why);
		cr_expect_eq(call->in.n, rows[i].answer, "%s", rows[i].what);
	}
	grpc_stats(d.grpc, &stats);
	cr_expect_eq(stats.calls, ARRAY_LEN(rows));
	cr_expect_eq(stats.accepted, 5);
	cr_expect_eq(stats.refused, ARRAY_LEN(rows) - 5);
	cr_expect_eq(stats.connections, 1);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
	buf_done(&zip);
	buf_done(&bomb);
	buf_done(&two);
}

Test(grpc, messages_in_one_byte_pieces_arrive_whole)
{
	struct buf frame = BUF_INIT;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	c.step = 1;
	begin(&c, "/a.S/Get", GRPC, NULL, framed(&frame, 0, STR("byte by byte"), 12),
		true);
	cr_assert(finish(&d, &c));
	cr_expect_str_eq(d.last, "byte by byte");
	cr_expect_eq(c.calls[0].status, 0);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
}

Test(grpc, many_large_calls_at_once_keep_flowing)
{
	size_t n = 900 * 1000;
	char *text = xcalloc(1, n);
	struct buf frame = BUF_INIT;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	framed(&frame, 0, (struct str){ text, n }, n);
	for (unsigned i = 0; i < 20; i++)
		begin(&c, "/a.S/Put", GRPC, NULL, buf_str(&frame), true);
	cr_assert(finish(&d, &c), "%u of %u", c.closed, c.n);
	for (unsigned i = 0; i < 20; i++)
		cr_expect_eq(c.calls[i].status, 0);
	cr_expect_eq(d.bytes, 20 * n);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
	free(text);
}

Test(grpc, more_calls_than_may_be_open_wait_their_turn)
{
	struct buf frame = BUF_INIT;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	framed(&frame, 0, STR("x"), 1);
	for (unsigned i = 0; i < MAX_CALLS; i++)
		begin(&c, "/a.S/Put", GRPC, NULL, buf_str(&frame), true);
	cr_assert(finish(&d, &c));
	cr_expect_eq(d.served, MAX_CALLS);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
}

Test(grpc, a_full_queue_is_unavailable_and_a_ping_is_answered)
{
	struct buf frame = BUF_INIT;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	d.congested = true;
	begin(&c, "/a.S/Put", GRPC, NULL, framed(&frame, 0, STR("x"), 1), true);
	cr_assert(finish(&d, &c));
	cr_expect_eq(c.calls[0].status, GRPC_UNAVAILABLE);
	/* A google.rpc.Status of code 14 with a RetryInfo of 1 s. */
	cr_expect_str_eq(c.calls[0].details, "CA4aMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29n"
					     "bGUucnBjLlJldHJ5SW5mbxIECgIIAQ");
	cr_expect_eq(d.served, 0);
	nghttp2_submit_ping(c.session, NGHTTP2_FLAG_NONE, NULL);
	for (unsigned i = 0; i < 100 && !c.pong; i++)
		turn(&d, &c);
	cr_expect(c.pong);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
}

Test(grpc, who_sends_most_is_told_when_to_come_back_and_others_are_served)
{
	struct buf frame = BUF_INIT, big = BUF_INIT;
	struct client loud, quiet;
	struct grpc_stats stats;
	struct door d;

	buf_addf(&big, "%20000s", "");
	door_open(&d, 0);
	client_open(&loud, &d);
	client_open(&quiet, &d);
	d.pressed = true;
	for (unsigned i = 0; i < 20; i++)
		begin(&loud, "/a.S/Put", GRPC, NULL,
			framed(&frame, 0, buf_str(&big), big.n), true);
	cr_assert(finish(&d, &loud));
	cr_expect_eq(loud.calls[19].status, GRPC_OK);
	big.n = 3000;
	begin(&quiet, "/a.S/Put", GRPC, NULL, framed(&frame, 0, buf_str(&big), big.n),
		true);
	cr_assert(finish(&d, &quiet));
	cr_expect_eq(quiet.calls[0].status, GRPC_OK);
	begin(&loud, "/a.S/Put", GRPC, NULL, framed(&frame, 0, buf_str(&big), big.n),
		true);
	cr_assert(finish(&d, &loud));
	cr_expect_eq(loud.calls[20].status, GRPC_RESOURCE_EXHAUSTED);
	cr_expect(loud.calls[20].details[0], "it is not told that it may come back");
	grpc_stats(d.grpc, &stats);
	cr_expect_eq(stats.over, 1);
	cr_expect_eq(stats.refused, 0);
	client_close(&loud);
	client_close(&quiet);
	door_close(&d);
	buf_done(&frame);
	buf_done(&big);
}

Test(grpc, slow_messages_are_cut_off_and_idle_clients_told_to_go)
{
	struct buf frame = BUF_INIT;
	struct client c;
	struct door d;

	door_open(&d, 0);
	client_open(&c, &d);
	begin(&c, "/a.S/Put", GRPC, NULL, framed(&frame, 0, STR("x"), 100), false);
	for (unsigned i = 0; i < 40 && !c.closed; i++) {
		turn(&d, &c);
		d.now_us += SEC_US;
	}
	cr_expect(c.closed);
	cr_expect_eq(c.calls[0].status, GRPC_DEADLINE_EXCEEDED);
	d.now_us += 1000 * SEC_US;
	for (unsigned i = 0; i < 100 && !c.gone; i++)
		turn(&d, &c);
	cr_expect(c.gone);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
}

Test(grpc, idle_connections_do_not_keep_a_working_client_out)
{
	struct buf frame = BUF_INIT;
	struct grpc_stats stats;
	struct client c;
	struct door d;
	int idle[64];

	door_open(&d, 8);
	client_open(&c, &d);
	framed(&frame, 0, STR("x"), 1);
	for (unsigned i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = dial(&d);
		begin(&c, "/a.S/Put", GRPC, NULL, buf_str(&frame), true);
		cr_assert(finish(&d, &c), "%u", i);
		d.now_us += 1000;
	}
	grpc_stats(d.grpc, &stats);
	cr_expect_leq(stats.connections, 8);
	cr_expect_eq(d.served, ARRAY_LEN(idle));
	/* And who says nothing has its time. */
	d.now_us += 10 * SEC_US;
	grpc_step(d.grpc, d.now_us);
	grpc_stats(d.grpc, &stats);
	cr_expect_eq(stats.connections, 1);
	for (unsigned i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
	client_close(&c);
	door_close(&d);
	buf_done(&frame);
}

Test(grpc, calls_begun_and_given_up_in_a_storm_end_the_connection)
{
	struct client c;
	struct door d;
	bool ended = false;

	door_open(&d, 0);
	client_open(&c, &d);
	for (unsigned i = 0; i < 2000 && !ended; i++) {
		c.n = 0;
		begin(&c, "/a.S/Put", GRPC, NULL, STR(""), false);
		turn(&d, &c);
		nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE,
			(int32_t)(1 + 2 * i), NGHTTP2_CANCEL);
		ended = !turn(&d, &c);
		buf_done(&c.calls[0].out);
		buf_done(&c.calls[0].in);
	}
	cr_expect(ended);
	client_close(&c);
	door_close(&d);
}

Test(grpc, who_speaks_plain_http_is_told_where_to_go)
{
	char bytes[512] = "";
	struct door d;
	size_t n = 0;
	int fd;

	door_open(&d, 0);
	fd = dial(&d);
	cr_assert_gt(send(fd, "POST /v1/traces HTTP/1.1\r\n\r\n", 28, 0), 0);
	for (unsigned i = 0; i < 100 && n == 0; i++) {
		ssize_t got;

		grpc_step(d.grpc, d.now_us);
		got = recv(fd, bytes, sizeof(bytes) - 1, 0);
		n = got > 0 ? (size_t)got : 0;
	}
	cr_expect(strstr(bytes, "HTTP/1.1 400"), "%s", bytes);
	cr_expect(strstr(bytes, "4318"));
	close(fd);
	door_close(&d);
}
