#include "config.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/http.h"
#include "weir/input/input.h"

extern const struct input_ops input_otlp;

/* The whole OTLP input behind a real socket; time is ours. */
struct door {
	struct input *in;
	int port;
	int64_t now_us;
	unsigned flows, others;
	bool congested, pressed;
};

static void
emit(void *ctx, const struct event *e)
{
	struct door *d = ctx;

	d->flows += e->type == EVENT_FLOW;
	d->others += e->type != EVENT_FLOW;
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
door_open(struct door *d)
{
	char name[] = "otlp", option[] = "--http", address[] = "127.0.0.1:0";
	char *argv[] = { name, option, address, NULL };
	struct input_env env = { emit, d, congested, pressed };
	struct diag diag = { 0 };

	*d = (struct door){ .now_us = 1000 * SEC_US };
	d->in = input_otlp.open(3, argv, &env, &diag);
	cr_assert(d->in, "%s", diag.text);
	d->port = (int)strtol(strrchr(input_otlp.where(d->in), ':') + 1, NULL, 10);
}

static void
door_close(struct door *d)
{
	input_otlp.close(d->in, (struct input_time){ d->now_us, 0 });
}

static void
turn(struct door *d)
{
	struct diag diag;

	cr_assert_eq(input_otlp.step(d->in, (struct input_time){ d->now_us, 0 }, &diag),
		STATUS_OK);
}

static int
dial(const struct door *d)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)d->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(fd, 0, "%s", strerror(errno));
	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Has @answer its whole body? */
static bool
is_whole(const struct buf *answer)
{
	const char *end = answer->n ? strstr(answer->p, "\r\n\r\n") : NULL;
	const char *length = end ? strcasestr(answer->p, "content-length:") : NULL;

	if (!end || (length && length > end))
		return false;
	return length && answer->n >= (size_t)(end + 4 - answer->p) +
					      strtoull(length + 15, NULL, 10);
}

/* Send @request on @fd while the door turns; true when the answer is whole. */
static bool
talk(struct door *d, int fd, struct str request, struct buf *answer)
{
	char bytes[4096];
	size_t sent = 0;

	buf_clear(answer);
	for (unsigned i = 0; i < 20000; i++) {
		ssize_t n = 0;

		if (sent < request.n)
			n = send(fd, request.p + sent, request.n - sent, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		turn(d);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n > 0)
			buf_add(answer, bytes, (size_t)n);
		if (is_whole(answer))
			return true;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
	}
	return false;
}

static int
code_of(const struct buf *answer)
{
	return answer->n > 12 ? (int)strtol(answer->p + 9, NULL, 10) : 0;
}

/* One request on a connection of its own; returns the status, 0 when there was none. */
static int
ask(struct door *d, struct str request, struct buf *answer)
{
	int fd = dial(d);

	talk(d, fd, request, answer);
	close(fd);
	return code_of(answer);
}

static void
put_post(struct buf *out, const char *path, const char *headers, struct str body)
{
	buf_addf(out, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
		path, headers, body.n);
	buf_add_str(out, body);
}

static int
post(struct door *d, const char *path, const char *headers, struct str body,
	struct buf *answer)
{
	struct buf b = BUF_INIT;
	int code;

	put_post(&b, path, headers, body);
	code = ask(d, buf_str(&b), answer);
	buf_done(&b);
	return code;
}

#define JSON "Content-Type: application/json\r\n"
#define PROTO "Content-Type: application/x-protobuf\r\n"
#define SPAN                                                           \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":" \
	"\"service.name\",\"value\":{\"stringValue\":\"gw\"}}]},"      \
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":"                    \
	"\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"             \
	"\"a1a2a3a4a5a6a7a8\",\"kind\":2,\"startTimeUnixNano\":\"1\"," \
	"\"endTimeUnixNano\":\"1795388090960000000\"}]}]}]}"

static const struct {
	const char *what, *path, *headers;
	struct str body;
	int code;
	const char *contains;
} rows[] = {
	{ "json", "/v1/traces", JSON, STR("{}"), 200, "\r\n\r\n{}" },
	{ "json with parameters", "/v1/traces",
		"Content-Type: Application/JSON; charset=utf-8\r\n", STR("{}"), 200,
		"{}" },
	{ "protobuf, empty", "/v1/traces", PROTO, STR(""), 200,
		"application/x-protobuf" },
	{ "metrics", "/v1/metrics", JSON, STR("{}"), 200, "{}" },
	{ "logs", "/v1/logs", JSON, STR("{}"), 200, "{}" },
	{ "identity", "/v1/logs", JSON "Content-Encoding: identity\r\n", STR("{}"), 200,
		"{}" },
	{ "a span", "/v1/traces", JSON, STR(SPAN), 200, "{}" },
	{ "no such path", "/v1/nothing", JSON, STR("{}"), 404, "\"message\":" },
	{ "path of zipkin", "/api/v2/spans", JSON, STR("[]"), 404, "\"message\":" },
	{ "no type", "/v1/traces", "", STR("{}"), 415, "Accept-Encoding" },
	{ "wrong type", "/v1/traces", "Content-Type: text/plain\r\n", STR("{}"), 415,
		"" },
	{ "snappy", "/v1/traces", JSON "Content-Encoding: snappy\r\n", STR("xx"), 415,
		"" },
	{ "no json", "/v1/traces", JSON, STR("nope"), 400, "\"code\":3" },
	{ "no json, empty", "/v1/traces", JSON, STR(""), 400, "\"code\":3" },
	{ "no protobuf", "/v1/traces", PROTO, STR("\x0a\xff"), 400,
		"application/x-protobuf" },
	{ "not gzip", "/v1/traces", JSON "Content-Encoding: gzip\r\n", STR("{}"), 400,
		"" },
	{ "length and chunks", "/v1/traces", JSON "Transfer-Encoding: chunked\r\n",
		STR("0\r\n\r\n"), 400, "" },
	{ "two lengths", "/v1/traces", JSON "Content-Length: 1\r\n", STR("{}"), 400,
		"several lengths" },
	{ "ids of no length", "/v1/traces", JSON,
		STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}"), 200,
		"\"rejectedSpans\":\"1\"" },
};

Test(http, each_request_gets_the_answer_that_the_protocol_has_for_it)
{
	struct buf answer = BUF_INIT;
	struct input_counts n;
	struct door d;
	int code;

	door_open(&d);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		code = post(&d, rows[i].path, rows[i].headers, rows[i].body, &answer);

		cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].what, code);
		cr_expect(strstr(buf_cstr(&answer), rows[i].contains), "%s: %s",
			rows[i].what, buf_cstr(&answer));
	}
	cr_expect_eq(
		ask(&d, STR("GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n"), &answer), 405);
	cr_expect(strstr(buf_cstr(&answer), "Allow: POST"));
	/* A TLS greeting is no HTTP: closed, with or without a word. */
	code = ask(&d, STR("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), &answer);
	cr_expect(code == 0 || code == 400, "%d", code);
	cr_expect_eq(d.flows, 1);
	input_otlp.counts(d.in, &n);
	cr_expect_eq(n.parse_errors, 3);
	cr_expect_eq(n.spans, 1);
	door_close(&d);
	buf_done(&answer);
}

Test(http, chunked_bodies_in_one_byte_pieces_arrive_whole)
{
	struct buf b = BUF_INIT, answer = BUF_INIT;
	struct door d;

	door_open(&d);
	buf_adds(&b, "POST /v1/traces HTTP/1.1\r\nHost: x\r\n" JSON
		     "Transfer-Encoding: chunked\r\n\r\n");
	for (const char *p = SPAN; *p; p++)
		buf_addf(&b, "1\r\n%c\r\n", *p);
	buf_adds(&b, "0\r\n\r\n");
	cr_expect_eq(ask(&d, buf_str(&b), &answer), 200);
	cr_expect_eq(d.flows, 1);
	door_close(&d);
	buf_done(&b);
	buf_done(&answer);
}

static void
pack(struct buf *out, struct str in, int window)
{
	z_stream z = { .next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.n };

	cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, window, 9, 0), Z_OK);
	buf_clear(out);
	z.next_out = (Bytef *)buf_reserve(out, in.n + 1024);
	z.avail_out = (uInt)(in.n + 1024);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n = z.total_out;
	deflateEnd(&z);
}

/* As the Collector's `compression: zstd` sends it. */
static void
pack_zstd(struct buf *out, struct str in)
{
	size_t room = ZSTD_compressBound(in.n);

	buf_clear(out);
	out->n = ZSTD_compress(buf_reserve(out, room), room, in.p, in.n, 3);
	cr_assert(!ZSTD_isError(out->n));
}

Test(http, zstd_is_understood_in_one_frame_or_two_and_not_in_half_of_one)
{
	struct buf b = BUF_INIT, half = BUF_INIT, answer = BUF_INIT;
	struct str span = STR(SPAN);
	struct door d;

	door_open(&d);
	pack_zstd(&b, span);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: zstd\r\n",
			     buf_str(&b), &answer),
		200);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: zstd\r\n",
			     (struct str){ b.p, b.n - 5 }, &answer),
		400);
	b.p[6] ^= 0x55;
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: zstd\r\n",
			     buf_str(&b), &answer),
		400);
	pack_zstd(&b, (struct str){ span.p, span.n / 2 });
	pack_zstd(&half, (struct str){ span.p + span.n / 2, span.n - span.n / 2 });
	buf_add(&b, half.p, half.n);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: zstd\r\n",
			     buf_str(&b), &answer),
		200);
	cr_expect_eq(d.flows, 1, "the same span twice is one request");
	door_close(&d);
	buf_done(&b);
	buf_done(&half);
	buf_done(&answer);
}

Test(http, gzip_and_both_kinds_of_deflate_are_understood)
{
	struct buf b = BUF_INIT, answer = BUF_INIT;
	struct door d;

	door_open(&d);
	pack(&b, STR(SPAN), 15 + 16);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: gzip\r\n",
			     buf_str(&b), &answer),
		200);
	pack(&b, STR(SPAN), 15);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: deflate\r\n",
			     buf_str(&b), &answer),
		200);
	pack(&b, STR(SPAN), -15);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: deflate\r\n",
			     buf_str(&b), &answer),
		200);
	cr_expect_eq(d.flows, 1, "the same span three times is one request");
	door_close(&d);
	buf_done(&b);
	buf_done(&answer);
}

Test(http, bodies_too_large_before_or_after_decompression_are_refused)
{
	struct buf zeros = BUF_INIT, b = BUF_INIT, answer = BUF_INIT;
	struct door d;

	door_open(&d);
	memset(buf_reserve(&zeros, 40u << 20), '0', 40u << 20);
	zeros.n = 40u << 20;
	pack(&b, buf_str(&zeros), 15 + 16);
	cr_expect_lt(b.n, 100000);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: gzip\r\n",
			     buf_str(&b), &answer),
		413);
	pack_zstd(&b, buf_str(&zeros));
	cr_expect_lt(b.n, 100000);
	cr_expect_eq(post(&d, "/v1/traces", JSON "Content-Encoding: zstd\r\n",
			     buf_str(&b), &answer),
		413);
	zeros.n = (4u << 20) + 1;
	cr_expect_eq(post(&d, "/v1/traces", JSON, buf_str(&zeros), &answer), 413);
	/* Who asks first is told before sending. */
	cr_expect_eq(
		ask(&d,
			STR("POST /v1/traces HTTP/1.1\r\nHost: x\r\n" JSON
			    "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"),
			&answer),
		413);
	buf_clear(&b);
	buf_adds(&b, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nX: ");
	buf_add(&b, zeros.p, 40000);
	buf_adds(&b, "\r\n\r\n");
	cr_expect_geq(ask(&d, buf_str(&b), &answer), 400, "%s", buf_cstr(&answer));
	cr_expect_eq(d.flows, 0);
	door_close(&d);
	buf_done(&zeros);
	buf_done(&b);
	buf_done(&answer);
}

Test(http, a_full_queue_says_when_to_come_back)
{
	struct buf answer = BUF_INIT;
	struct input_counts n;
	struct door d;

	door_open(&d);
	d.congested = true;
	cr_expect_eq(post(&d, "/v1/traces", JSON, STR(SPAN), &answer), 503);
	cr_expect(strstr(buf_cstr(&answer), "Retry-After: "));
	cr_expect_eq(d.flows, 0, "took half of it");
	d.congested = false;
	cr_expect_eq(post(&d, "/v1/traces", JSON, STR(SPAN), &answer), 200);
	input_otlp.counts(d.in, &n);
	cr_expect_eq(n.busy, 1);
	cr_expect_eq(n.rejected, 0, "it may come back");
	door_close(&d);
	buf_done(&answer);
}

/* @n requests of @bytes on @fd; the code of the last answer. */
static int
push(struct door *d, int fd, unsigned n, size_t bytes, struct buf *answer)
{
	struct buf b = BUF_INIT, body = BUF_INIT;

	buf_addf(&body, "{%*s}", (int)bytes, "");
	put_post(&b, "/v1/traces", JSON, buf_str(&body));
	while (n-- > 0)
		cr_assert(talk(d, fd, buf_str(&b), answer));
	buf_done(&b);
	buf_done(&body);
	return code_of(answer);
}

Test(http, who_sends_most_waits_first_when_there_is_little_room)
{
	struct buf answer = BUF_INIT;
	struct input_counts n;
	int loud, quiet;
	struct door d;

	door_open(&d);
	loud = dial(&d);
	d.pressed = true;
	cr_expect_eq(push(&d, loud, 50, 20000, &answer), 200, "alone it has all");
	quiet = dial(&d);
	cr_expect_eq(push(&d, quiet, 1, 5000, &answer), 200);
	cr_expect_eq(push(&d, loud, 1, 20000, &answer), 429);
	cr_expect(strstr(buf_cstr(&answer), "Retry-After: "));
	cr_expect_eq(push(&d, quiet, 10, 5000, &answer), 200);
	input_otlp.counts(d.in, &n);
	cr_expect_eq(n.over, 1);
	cr_expect_eq(n.busy, 1);
	cr_expect_eq(n.clients, 2);
	d.pressed = false;
	cr_expect_eq(push(&d, loud, 1, 20000, &answer), 200, "there is room for all");
	d.pressed = true;
	d.now_us += 20 * SEC_US;
	cr_expect_eq(push(&d, loud, 1, 20000, &answer), 200, "long ago is forgotten");
	close(loud);
	close(quiet);
	door_close(&d);
	buf_done(&answer);
}

static bool
always(void *ctx)
{
	(void)ctx;
	return true;
}

Test(quota, a_share_is_what_all_sent_divided_by_how_many_they_are)
{
	static const struct {
		const char *what;
		size_t sent[3];
		bool allowed[3];
	} cases[] = {
		{ "nobody", { 0, 0, 0 }, { true, true, true } },
		{ "one alone", { 900000, 0, 0 }, { true, true, true } },
		{ "equals", { 50000, 52000, 49000 }, { true, true, true } },
		{ "one that is loud", { 900000, 50000, 0 }, { false, true, true } },
		{ "two that are", { 900000, 800000, 2000 }, { false, false, true } },
		{ "one who said hardly anything", { 900000, 100, 0 },
			{ true, true, true } },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct quota *q = quota_new(always, NULL);

		for (unsigned c = 0; c < 3; c++)
			quota_charge(q, c + 1, cases[i].sent[c], SEC_US);
		for (unsigned c = 0; c < 3; c++)
			cr_expect_eq(quota_allows(q, c + 1, SEC_US), cases[i].allowed[c],
				"%s: %u", cases[i].what, c + 1);
		quota_free(q);
	}
	cr_expect(quota_allows(NULL, 1, SEC_US), "without a quota");
}

Test(quota, more_clients_than_accounts_are_no_way_around_it)
{
	struct quota *q = quota_new(always, NULL);

	quota_charge(q, 1, 10000000, SEC_US);
	for (uint64_t i = 2; i < 5000; i++)
		quota_charge(q, i, 2000, SEC_US);
	cr_expect_not(quota_allows(q, 1, SEC_US));
	cr_expect(quota_allows(q, 4000, SEC_US));
	quota_free(q);
}

Test(quota, a_client_is_an_address_and_on_this_machine_a_connection)
{
	struct sockaddr_storage a = { 0 }, b = { 0 };
	struct sockaddr_in *a4 = (struct sockaddr_in *)&a, *b4 = (struct sockaddr_in *)&b;

	*a4 = (struct sockaddr_in){ AF_INET, htons(1000), { htonl(0x0a000001) }, { 0 } };
	*b4 = (struct sockaddr_in){ AF_INET, htons(1001), { htonl(0x0a000001) }, { 0 } };
	cr_expect_eq(quota_client(&a, false), quota_client(&b, false));
	cr_expect_neq(quota_client(&a, true), quota_client(&b, true));
	b4->sin_addr.s_addr = htonl(0x0a000002);
	cr_expect_neq(quota_client(&a, false), quota_client(&b, false));
}

/* A caller without its other half, which would come within ten seconds. */
#define CALLER                                                          \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":"  \
	"\"service.name\",\"value\":{\"stringValue\":\"gw\"}}]},"       \
	"\"scopeSpans\":[{\"spans\":[{\"traceId\":"                     \
	"\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"              \
	"\"a1a2a3a4a5a6a7a8\",\"kind\":3,\"startTimeUnixNano\":\"1\","  \
	"\"endTimeUnixNano\":\"1795388090960000000\",\"attributes\":[{" \
	"\"key\":\"server.address\",\"value\":{\"stringValue\":\"db\"}}]}]}]}]}"

Test(input, a_wall_clock_that_jumps_changes_no_wait)
{
	static const int64_t walls[] = { 0, INT64_C(1795388090960000),
		INT64_C(1795388090960000) + 3600 * SEC_US, 5 * SEC_US, INT64_MAX / 2 };
	struct buf answer = BUF_INIT;
	struct diag diag;
	struct door d;
	int fd;

	door_open(&d);
	fd = dial(&d);
	cr_expect_eq(post(&d, "/v1/traces", JSON, STR(CALLER), &answer), 200);
	for (unsigned i = 0; i < ARRAY_LEN(walls); i++) {
		d.now_us += SEC_US / 2;
		input_otlp.step(d.in, (struct input_time){ d.now_us, walls[i] }, &diag);
		cr_expect_eq(d.flows, 0, "given up after a jump");
	}
	d.now_us += 11 * SEC_US;
	input_otlp.step(d.in, (struct input_time){ d.now_us, 0 }, &diag);
	cr_expect_eq(d.flows, 1, "its wait is over by the clock that does not jump");
	close(fd);
	door_close(&d);
	buf_done(&answer);
}

Test(http, many_requests_share_one_connection)
{
	struct buf b = BUF_INIT, answer = BUF_INIT;
	struct door d;
	int fd;

	door_open(&d);
	fd = dial(&d);
	put_post(&b, "/v1/traces", JSON, STR("{}"));
	for (unsigned i = 0; i < 50; i++) {
		cr_assert(talk(&d, fd, buf_str(&b), &answer));
		cr_expect_eq(code_of(&answer), 200);
	}
	close(fd);
	door_close(&d);
	buf_done(&b);
	buf_done(&answer);
}

/* True when the door has closed the connection; what it said is in @answer. */
static bool
is_closed(int fd, struct buf *answer)
{
	char bytes[512];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		buf_add(answer, bytes, (size_t)n);
	return n == 0 || errno != EAGAIN;
}

Test(http, slow_headers_and_slow_bodies_are_cut_off)
{
	struct buf answer = BUF_INIT;
	struct door d;
	int headers, body, silent;

	door_open(&d);
	headers = dial(&d);
	body = dial(&d);
	silent = dial(&d);
	send(body,
		"POST /v1/logs HTTP/1.1\r\nHost: x\r\n" JSON
		"Content-Length: 90000\r\n\r\n",
		strlen("POST /v1/logs HTTP/1.1\r\nHost: x\r\n" JSON
		       "Content-Length: 90000\r\n\r\n"),
		0);
	for (unsigned i = 0; i < 4; i++) {
		send(headers, "P", 1, MSG_NOSIGNAL);
		send(body, "{", 1, MSG_NOSIGNAL);
		d.now_us += SEC_US;
		turn(&d);
		turn(&d);
	}
	cr_expect_not(is_closed(headers, &answer));
	cr_expect_not(is_closed(body, &answer));
	cr_expect_not(is_closed(silent, &answer));
	d.now_us += 4 * SEC_US;
	for (unsigned i = 0; i < 5; i++)
		turn(&d);
	cr_expect(is_closed(silent, &answer));
	buf_clear(&answer);
	cr_expect(is_closed(headers, &answer));
	cr_expect_eq(code_of(&answer), 408, "%s", buf_cstr(&answer));
	cr_expect(is_closed(body, &answer), "a body of one byte a second");
	close(headers);
	close(body);
	close(silent);
	door_close(&d);
	buf_done(&answer);
}

Test(http, a_thousand_idle_connections_do_not_keep_a_working_client_out, .timeout = 60)
{
	struct rlimit files = { 4096, 4096 };
	struct buf b = BUF_INIT, answer = BUF_INIT;
	int idle[1000], fd;
	unsigned open = 0;
	struct door d;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2100)
		cr_skip("not enough descriptors here");
	door_open(&d);
	put_post(&b, "/v1/traces", JSON, STR("{}"));
	fd = dial(&d);
	cr_assert(talk(&d, fd, buf_str(&b), &answer));
	for (; open < ARRAY_LEN(idle); open++) {
		idle[open] = dial(&d);
		if (open % 2)
			send(idle[open], "POST /v1/tr", 11, MSG_NOSIGNAL);
		d.now_us += 10 * MSEC_US;
		turn(&d);
		if (open % 20 == 0) {
			cr_assert(talk(&d, fd, buf_str(&b), &answer), "after %u", open);
			cr_assert_eq(code_of(&answer), 200);
		}
	}
	cr_expect_eq(post(&d, "/v1/traces", JSON, STR("{}"), &answer), 200,
		"a new client was kept out");
	while (open > 0)
		close(idle[--open]);
	close(fd);
	door_close(&d);
	buf_done(&b);
	buf_done(&answer);
}

Test(http, an_address_that_cannot_be_listened_on_is_explained)
{
	static const struct {
		const char *address, *says;
	} bad[] = {
		{ "nowhere", "is no address" },
		{ "127.0.0.1:", "is no address" },
		{ "127.0.0.1:99999999", "is no address" },
		{ "example.com:4318", "is no address" },
		{ "192.0.2.1:4318", "cannot listen on 192.0.2.1:4318" },
	};
	struct http_options o = { 0 };
	struct diag diag = { 0 };
	char taken[64];
	struct door d;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		o.address = bad[i].address;
		cr_expect_null(http_open(&o, &diag));
		cr_expect(strstr(diag.text, bad[i].says), "%s", diag.text);
	}
	door_open(&d);
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", d.port);
	o.address = taken;
	cr_expect_null(http_open(&o, &diag));
	cr_expect(strstr(diag.text, "in use"), "%s", diag.text);
	door_close(&d);
}

Test(input, mistakes_on_the_command_line_are_named)
{
	char name[] = "otlp", typo[] = "--htp", file[] = "x.json", wait[] = "--wait=soon";
	char *argv[] = { name, typo, NULL };
	struct input_env env = { 0 };
	struct diag diag = { 0 };

	cr_expect_null(input_otlp.open(2, argv, &env, &diag));
	cr_expect(strstr(diag.text, "did you mean '--http'?"), "%s", diag.text);
	argv[1] = file;
	cr_expect_null(input_otlp.open(2, argv, &env, &diag));
	cr_expect(strstr(diag.text, "x.json"), "%s", diag.text);
	argv[1] = wait;
	cr_expect_null(input_otlp.open(2, argv, &env, &diag));
	cr_expect(strstr(diag.text, "'soon' is no duration"), "%s", diag.text);
	cr_expect_eq(input_find("otlp"), &input_otlp);
	cr_expect_null(input_find("otlpp"));
}
