#include "config.h"

#include "grpc-call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grpc-retry.h"
#include "weir/base/util.h"
#include "weir/input/unpack.h"

#define PREFIX 5             /* bytes before a message: is it packed, and its length */
#define SLOWEST 1024         /* bytes a second of a message, on average */
#define FREE_US (5 * SEC_US) /* before that matters */
#define BODY_STEP (16u * 1024)
#define KEEP_UNPACKED (1u << 20)
#define STREAM_WINDOW (256u * 1024)
#define CONNECTION_WINDOW (1024u * 1024)
#define MAX_HEADERS (16u * 1024)
#define MAX_CUT 500 /* calls a second that a client may begin and give up */

/* A call, from its headers to the end of its stream. */
struct call {
	struct call *prev, *next;
	struct grpc_conn *conn;
	int32_t stream;
	bool post, grpc, answered, ended;
	bool has_method;
	unsigned method;
	bool may_be_packed; /* grpc-encoding is one of ours */
	bool unknown_packing;
	size_t headers_n;
	int64_t since_us;
	struct buf body; /* prefix and message, as they come */
	size_t held;     /* of grpc.held */
	struct buf answer;
	size_t answer_at;
};

static nghttp2_nv
header(const char *name, struct str value)
{
	return (nghttp2_nv){ .name = (uint8_t *)name,
		.namelen = strlen(name),
		.value = (uint8_t *)(value.p ? value.p : ""),
		.valuelen = value.n };
}

/* ------------------------------------------------------------ answers */

static void
count(struct grpc *g, enum grpc_code code, bool is_over)
{
	g->stats.calls++;
	if (code == GRPC_OK)
		g->stats.accepted++;
	else if (code == GRPC_UNAVAILABLE)
		g->stats.busy++;
	else if (is_over)
		g->stats.over++;
	else
		g->stats.refused++;
}

static void
release(struct call *c)
{
	c->conn->g->held -= c->held;
	c->held = 0;
	buf_done(&c->body);
}

/* Send a response that is headers only; what still comes of the request is not read. */
static void
end_with_headers(struct call *c, const nghttp2_nv *nv, size_t n)
{
	c->answered = true;
	release(c);
	nghttp2_submit_response(c->conn->session, c->stream, nv, n, NULL);
}

/* @retry: what tells the client when to come back; "" when it need not. */
static void
refuse_with(struct call *c, enum grpc_code code, const char *why, struct str retry)
{
	char number[4];
	const nghttp2_nv nv[] = {
		header(":status", STR("200")),
		header("content-type", STR("application/grpc")),
		header("grpc-status",
			(struct str){ number, (size_t)snprintf(number, sizeof(number),
						      "%d", (int)code) }),
		header("grpc-message", str_of(why)),
		header("grpc-accept-encoding", STR("identity,gzip,deflate,zstd")),
		header("grpc-status-details-bin", retry),
	};

	if (c->answered)
		return;
	count(c->conn->g, code, retry.n > 0);
	end_with_headers(c, nv, ARRAY_LEN(nv) - (retry.n == 0));
}

static void
refuse(struct call *c, enum grpc_code code, const char *why)
{
	refuse_with(c, code, why, STR(""));
}

/* Spread out, so that those who were turned away do not come back as one. */
static void
refuse_until_later(struct call *c, enum grpc_code code, const char *why)
{
	struct buf retry = BUF_INIT;

	grpc_put_retry(&retry, code, 1 + (int)(c->conn->g->jitter++ * 7 % 5));
	refuse_with(c, code, why, buf_str(&retry));
	buf_done(&retry);
}

/* Who speaks HTTP/2 but not gRPC is told so in HTTP. */
static void
refuse_http(struct call *c, const char *status)
{
	const nghttp2_nv nv[] = { header(":status", str_of(status)) };

	if (c->answered)
		return;
	c->conn->g->stats.calls++;
	c->conn->g->stats.refused++;
	end_with_headers(c, nv, ARRAY_LEN(nv));
}

/* Hands nghttp2 the next piece of an answer, and the trailers behind the last. */
static ssize_t
read_answer(nghttp2_session *s, int32_t stream, uint8_t *to, size_t n, uint32_t *flags,
	nghttp2_data_source *source, void *ctx)
{
	const nghttp2_nv nv[] = { header("grpc-status", STR("0")) };
	struct call *c = source->ptr;

	(void)ctx;
	n = MIN(n, c->answer.n - c->answer_at);
	memcpy(to, c->answer.p + c->answer_at, n);
	c->answer_at += n;
	if (c->answer_at == c->answer.n) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		if (nghttp2_submit_trailer(s, stream, nv, ARRAY_LEN(nv)) != 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return (ssize_t)n;
}

static void
accept_call(struct call *c, const struct buf *body)
{
	const nghttp2_nv nv[] = {
		header(":status", STR("200")),
		header("content-type", STR("application/grpc")),
		header("grpc-accept-encoding", STR("identity,gzip,deflate,zstd")),
	};
	const char prefix[PREFIX] = { 0, (char)(body->n >> 24), (char)(body->n >> 16),
		(char)(body->n >> 8), (char)body->n };
	nghttp2_data_provider data = { .source.ptr = c, .read_callback = read_answer };

	count(c->conn->g, GRPC_OK, false);
	c->answered = true;
	release(c);
	buf_add(&c->answer, prefix, sizeof(prefix));
	buf_add(&c->answer, body->p, body->n);
	nghttp2_submit_response(c->conn->session, c->stream, nv, ARRAY_LEN(nv), &data);
}

/* ------------------------------------------------------------ messages */

static size_t
message_n(const struct call *c)
{
	const unsigned char *p = (const unsigned char *)c->body.p;

	return (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
}

/* Turn away whom there is no room for now. */
static bool
has_room(struct call *c)
{
	struct grpc *g = c->conn->g;

	if (g->o.congested && g->o.congested(g->o.ctx))
		refuse_until_later(c, GRPC_UNAVAILABLE, "queue is full, try again");
	else if (!quota_allows(g->o.quota, c->conn->client, g->now_us))
		refuse_until_later(c, GRPC_RESOURCE_EXHAUSTED,
			"more than your share of a full queue, try again");
	return !c->answered;
}

/* Keep a piece of the body as far as the limits allow. */
static void
take_body(struct call *c, const void *p, size_t n)
{
	struct grpc *g = c->conn->g;
	size_t need = c->body.n + n, more;

	if (c->answered)
		return;
	if (need > g->o.max_message + PREFIX) {
		refuse(c, GRPC_RESOURCE_EXHAUSTED, "message too large");
		return;
	}
	if (need > c->held) {
		more = MAX(need - c->held, BODY_STEP);
		if (g->held + more > g->o.max_held) {
			refuse_until_later(
				c, GRPC_UNAVAILABLE, "too many calls at once, try again");
			return;
		}
		c->held += more;
		g->held += more;
	}
	buf_add(&c->body, p, n);
	/* No need to wait for the rest of what will be refused. */
	if (c->body.n >= PREFIX && message_n(c) > g->o.max_message)
		refuse(c, GRPC_RESOURCE_EXHAUSTED, "message too large");
}

/* The message of @c, unpacked. False when the call has been refused. */
static bool
take_message(struct call *c, struct grpc_call *ret_call)
{
	struct grpc *g = c->conn->g;

	if (c->body.n < PREFIX || c->body.n < PREFIX + message_n(c)) {
		refuse(c, GRPC_INVALID_ARGUMENT, "the message is cut short");
		return false;
	}
	if (c->body.n > PREFIX + message_n(c)) {
		refuse(c, GRPC_UNIMPLEMENTED, "one message a call is understood here");
		return false;
	}
	ret_call->body = c->body.p + PREFIX;
	ret_call->n = message_n(c);
	if (c->body.p[0] == 0)
		return true;
	if (c->body.p[0] != 1 || !c->may_be_packed) {
		refuse(c, c->unknown_packing ? GRPC_UNIMPLEMENTED : GRPC_INTERNAL,
			c->unknown_packing
				? "unsupported grpc-encoding, use gzip, deflate or zstd"
				: "compressed message without grpc-encoding");
		return false;
	}
	switch (unpack((struct str){ ret_call->body, ret_call->n }, g->o.max_unpacked,
		&g->unpacked)) {
	case STATUS_OK:
		ret_call->body = g->unpacked.p;
		ret_call->n = g->unpacked.n;
		return true;
	case STATUS_ERR_TOO_BIG:
		refuse(c, GRPC_RESOURCE_EXHAUSTED,
			"message too large after decompression");
		return false;
	default:
		refuse(c, GRPC_INTERNAL, "message could not be decompressed");
		return false;
	}
}

/* The client has said all; answer it. */
static void
serve(struct call *c)
{
	struct grpc *g = c->conn->g;
	struct grpc_call call = { .method = c->method, .now_us = g->now_us };
	struct grpc_answer a = { .code = GRPC_OK };

	if (c->answered)
		return;
	if (!has_room(c) || !take_message(c, &call))
		return;
	quota_charge(g->o.quota, c->conn->client, call.n, g->now_us);
	g->stats.bytes += call.n;
	g->o.serve(g->o.ctx, &call, &a);
	if (a.code == GRPC_OK)
		accept_call(c, &a.body);
	else
		refuse(c, a.code, a.why);
	buf_done(&a.body);
	if (g->unpacked.cap > KEEP_UNPACKED)
		buf_done(&g->unpacked);
	c->conn->served = true;
}

/* ------------------------------------------------------------ streams */

static struct call *
call_of(nghttp2_session *s, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(s, stream);
}

static int
on_begin_headers(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct grpc_conn *conn = ctx;
	struct call *c;

	if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	c = xcalloc(1, sizeof(*c));
	c->conn = conn;
	c->stream = f->hd.stream_id;
	c->since_us = conn->g->now_us;
	c->next = conn->calls;
	if (c->next)
		c->next->prev = c;
	conn->calls = c;
	nghttp2_session_set_stream_user_data(s, c->stream, c);
	return 0;
}

static void
set_method(struct call *c, struct str path)
{
	const struct grpc_options *o = &c->conn->g->o;

	for (c->method = 0; c->method < o->method_count; c->method++) {
		c->has_method = str_eq(path, str_of(o->methods[c->method]));
		if (c->has_method)
			return;
	}
}

static bool
begins_with(struct str s, struct str with)
{
	return s.n >= with.n && strncasecmp(s.p, with.p, with.n) == 0;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
	const uint8_t *value, size_t value_n, uint8_t flags, void *ctx)
{
	struct str key = { (const char *)name, name_n };
	struct str v = { (const char *)value, value_n };
	struct call *c = call_of(s, f->hd.stream_id);

	(void)flags;
	(void)ctx;
	if (!c || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	c->headers_n += name_n + value_n + 32;
	if (c->headers_n > MAX_HEADERS)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (str_eq(key, STR(":method"))) {
		c->post = str_eq(v, STR("POST"));
	} else if (str_eq(key, STR(":path"))) {
		set_method(c, v);
	} else if (str_eq(key, STR("content-type"))) {
		c->grpc = str_eq(v, STR("application/grpc")) ||
			  begins_with(v, STR("application/grpc+proto")) ||
			  begins_with(v, STR("application/grpc;"));
	} else if (str_eq(key, STR("grpc-encoding"))) {
		c->may_be_packed = str_eq(v, STR("gzip")) || str_eq(v, STR("deflate")) ||
				   str_eq(v, STR("zstd"));
		c->unknown_packing = !c->may_be_packed && !str_eq(v, STR("identity"));
	}
	return 0;
}

/* What the head of a call already decides. */
static void
judge_head(struct call *c)
{
	if (!c->post)
		refuse_http(c, "405");
	else if (!c->grpc)
		refuse_http(c, "415");
	else if (!c->has_method)
		refuse(c, GRPC_UNIMPLEMENTED, "no such service or method here");
	else
		has_room(c);
}

static int
on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct grpc_conn *conn = ctx;
	struct call *c;

	conn->greeted = true;
	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;
	conn->active_us = conn->g->now_us;
	c = call_of(s, f->hd.stream_id);
	if (!c)
		return 0;
	c->ended |= (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST)
		judge_head(c);
	if (c->ended)
		serve(c);
	return 0;
}

/* An answer given before the client has said all: it need not go on. */
static int
on_sent(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct call *c = call_of(s, f->hd.stream_id);

	(void)ctx;
	if (f->hd.type == NGHTTP2_HEADERS && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
		c && !c->ended)
		nghttp2_submit_rst_stream(
			s, NGHTTP2_FLAG_NONE, c->stream, NGHTTP2_NO_ERROR);
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
	void *ctx)
{
	struct call *c = call_of(s, stream);

	(void)flags;
	(void)ctx;
	if (c)
		take_body(c, p, n);
	return 0;
}

static int
on_stream_close(nghttp2_session *s, int32_t stream, uint32_t error, void *ctx)
{
	struct grpc_conn *conn = ctx;
	struct call *c = call_of(s, stream);

	(void)error;
	if (!c)
		return 0;
	if (!c->answered) {
		/* Given up by the client: counted, as that costs us and not it. */
		if (conn->g->now_us - conn->cut_us > SEC_US) {
			conn->cut_us = conn->g->now_us;
			conn->cut = 0;
		}
		conn->cut++;
		conn->g->stats.calls++;
		conn->g->stats.refused++;
	}
	release(c);
	buf_done(&c->answer);
	*(c->prev ? &c->prev->next : &conn->calls) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
	conn->active_us = conn->g->now_us;
	return 0;
}

/* ------------------------------------------------------------ sessions */

void
grpc_sessions_init(struct grpc *g)
{
	if (nghttp2_session_callbacks_new(&g->callbacks) != 0 ||
		nghttp2_option_new(&g->option) != 0)
		die("out of memory");
	nghttp2_session_callbacks_set_on_begin_headers_callback(
		g->callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(g->callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(g->callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(g->callbacks, on_sent);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(g->callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		g->callbacks, on_stream_close);
	nghttp2_option_set_no_closed_streams(g->option, 1);
}

void
grpc_sessions_done(struct grpc *g)
{
	nghttp2_session_callbacks_del(g->callbacks);
	nghttp2_option_del(g->option);
}

bool
grpc_session_open(struct grpc_conn *c)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->g->o.max_calls },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, MAX_HEADERS },
	};

	return nghttp2_session_server_new2(
		       &c->session, c->g->callbacks, c, c->g->option) == 0 &&
	       nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
		       ARRAY_LEN(settings)) == 0 &&
	       nghttp2_session_set_local_window_size(
		       c->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) == 0;
}

void
grpc_session_close(struct grpc_conn *c)
{
	/* No callbacks any more: give back what they would have. */
	while (c->calls) {
		struct call *call = c->calls;

		c->calls = call->next;
		release(call);
		buf_done(&call->answer);
		free(call);
	}
	nghttp2_session_del(c->session);
	c->session = NULL;
}

bool
grpc_session_take(struct grpc_conn *c, struct str bytes)
{
	static const char no_http2[] =
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
		"Connection: close\r\nContent-Length: 69\r\n\r\n"
		"this is OTLP over gRPC; for OTLP over HTTP use the other port (4318)\n";
	ssize_t n =
		nghttp2_session_mem_recv(c->session, (const uint8_t *)bytes.p, bytes.n);

	if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
		c->g->stats.refused++;
		buf_clear(&c->out);
		buf_adds(&c->out, no_http2);
		return false;
	}
	return n >= 0 && c->cut <= MAX_CUT;
}

bool
grpc_session_tick(struct grpc_conn *c)
{
	const struct grpc_options *o = &c->g->o;
	struct call *next;

	for (struct call *call = c->calls; call; call = next) {
		int64_t age_us = c->g->now_us - call->since_us;
		uint64_t least = age_us > FREE_US
					 ? (uint64_t)(age_us - FREE_US) * SLOWEST / SEC_US
					 : 0;

		next = call->next;
		if (call->answered && age_us > 2 * o->call_us)
			return false; /* it does not take its answers */
		if (!call->answered && (age_us > o->call_us || call->body.n < least))
			refuse(call, GRPC_DEADLINE_EXCEEDED,
				"the message came too slowly");
	}
	return true;
}
