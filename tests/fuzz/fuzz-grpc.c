/*
 * Bytes as a client of the gRPC door sends them, behind a preface and one call's
 * headers when the first byte asks for that, to a session without a socket.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/input/grpc-call.h"
#include "weir/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const methods[] = { "/a.S/Put" };

static void
serve(void *ctx, const struct grpc_call *c, struct grpc_answer *a)
{
	uint64_t *sum = ctx;

	/* Look at each byte: a message that is not all there is seen. */
	for (size_t i = 0; i < c->n; i++)
		*sum += (unsigned char)c->body[i];
	if (c->n > 0 && c->body[0] == '!') {
		a->code = GRPC_INVALID_ARGUMENT;
		a->why = "bad";
	}
}

/* What a client says first: its settings, and the headers of a call. */
static void
put_opening(struct buf *out)
{
#define HEADER(name, value)                                              \
	{                                                                \
		(uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, \
			sizeof(value) - 1, NGHTTP2_NV_FLAG_NONE          \
	}
	const nghttp2_nv headers[] = { HEADER(":method", "POST"),
		HEADER(":scheme", "http"), HEADER(":path", "/a.S/Put"),
		HEADER(":authority", "x"), HEADER("content-type", "application/grpc"),
		HEADER("grpc-encoding", "gzip") };
	uint8_t frame[9 + 200] = {
		[3] = NGHTTP2_HEADERS, [4] = NGHTTP2_FLAG_END_HEADERS, [8] = 1
	};
	nghttp2_hd_deflater *deflater;
	ssize_t n;

	buf_adds(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	buf_add(out, "\0\0\0\4\0\0\0\0\0", 9);
	nghttp2_hd_deflate_new(&deflater, 4096);
	n = nghttp2_hd_deflate_hd(
		deflater, frame + 9, sizeof(frame) - 9, headers, ARRAY_LEN(headers));
	nghttp2_hd_deflate_del(deflater);
	frame[2] = (uint8_t)n;
	buf_add(out, frame, 9 + (size_t)n);
}

/* One DATA frame of the call. */
static void
put_data(struct buf *out, const uint8_t *p, size_t n, bool last)
{
	const char head[] = { (char)(n >> 16), (char)(n >> 8), (char)n, NGHTTP2_DATA,
		last ? NGHTTP2_FLAG_END_STREAM : 0, 0, 0, 0, 1 };

	buf_add(out, head, sizeof(head));
	buf_add(out, p, n);
}

static void
run(struct grpc *g, struct str bytes, size_t step)
{
	struct grpc_conn c = { .g = g };
	const uint8_t *p;

	if (!grpc_session_open(&c))
		abort();
	for (size_t at = 0; at < bytes.n; at += step) {
		size_t n = MIN(step, bytes.n - at);
		char *piece = xmalloc(n);
		bool ok;

		memcpy(piece, bytes.p + at, n);
		ok = grpc_session_take(&c, (struct str){ piece, n });
		free(piece);
		while (nghttp2_session_mem_send(c.session, &p) > 0)
			;
		if (!ok)
			break;
	}
	g->now_us += 10 * SEC_US;
	grpc_session_tick(&c);
	grpc_session_close(&c);
	buf_done(&c.out);
	if (g->held != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t sum = 0;
	struct grpc g = {
		.o = { .methods = methods,
			.method_count = ARRAY_LEN(methods),
			.serve = serve,
			.ctx = &sum,
			.max_message = 1u << 14,
			.max_unpacked = 1u << 16,
			.max_held = 1u << 20,
			.max_calls = 10,
			.call_us = 30 * SEC_US },
	};
	struct buf bytes = BUF_INIT;
	size_t step, half;

	if (size < 2)
		return 0;
	step = data[0] & 0x7f ? (data[0] & 0x7fu) * 16u : 1;
	if (data[0] & 0x80) {
		half = (size - 1) / 2;
		put_opening(&bytes);
		put_data(&bytes, data + 1, half, false);
		put_data(&bytes, data + 1 + half, size - 1 - half, true);
	} else {
		buf_add(&bytes, data + 1, size - 1);
	}
	grpc_sessions_init(&g);
	run(&g, buf_str(&bytes), step);
	grpc_sessions_done(&g);
	buf_done(&g.unpacked);
	buf_done(&bytes);
	return 0;
}
