#include "config.h"

#include "weir/input/unpack.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "weir/base/util.h"

#define RATIO 100
#define RATIO_FREE (1u << 20) /* output below which the ratio does not matter */
#define STEP (64u * 1024)
#define ZSTD_WINDOW_LOG 23 /* 8 MiB, what RFC 8878 asks of every decoder */

static bool
is_too_big(const struct buf *out, struct str in, size_t max)
{
	return out->n > max || (out->n > RATIO_FREE && out->n / RATIO > in.n);
}

/* zlib's windowBits: 32 adds looking for a gzip or zlib header, negative is raw. */
static int
window_of(struct str in)
{
	const unsigned char *p = (const unsigned char *)in.p;

	if (in.n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return 15 + 32;
	if (in.n >= 2 && (p[0] & 0x0f) == 8 && (p[0] << 8 | p[1]) % 31 == 0)
		return 15 + 32;
	return -15;
}

static enum status
inflate_all(z_stream *z, struct str in, size_t max, struct buf *out)
{
	for (;;) {
		int rc;

		z->next_out = (unsigned char *)buf_reserve(out, STEP);
		z->avail_out = STEP;
		rc = inflate(z, Z_NO_FLUSH);
		out->n += STEP - z->avail_out;
		if (is_too_big(out, in, max))
			return STATUS_ERR_TOO_BIG;
		if (rc == Z_STREAM_END && z->avail_in == 0)
			return STATUS_OK;
		if (rc == Z_STREAM_END && inflateReset(z) == Z_OK)
			continue;
		if (rc == Z_BUF_ERROR || (rc == Z_OK && z->avail_in == 0 && z->avail_out))
			return STATUS_ERR_TRUNCATED;
		if (rc != Z_OK)
			return STATUS_ERR_SYNTAX;
	}
}

static enum status
unpack_deflate(struct str in, size_t max, struct buf *out)
{
	z_stream z = { .next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.n };
	enum status s;

	if (inflateInit2(&z, window_of(in)) != Z_OK)
		die("zlib cannot start: %s", z.msg ? z.msg : "no reason given");
	s = inflate_all(&z, in, max, out);
	inflateEnd(&z);
	return s;
}

static enum status
decompress_all(ZSTD_DStream *z, struct str in, size_t max, struct buf *out)
{
	ZSTD_inBuffer from = { .src = in.p, .size = in.n };
	size_t rc;

	do {
		ZSTD_outBuffer to = { .dst = buf_reserve(out, STEP), .size = STEP };

		rc = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(rc))
			return STATUS_ERR_SYNTAX;
		out->n += to.pos;
		if (is_too_big(out, in, max))
			return STATUS_ERR_TOO_BIG;
		if (rc != 0 && from.pos == from.size && to.pos < to.size)
			return STATUS_ERR_TRUNCATED;
	} while (rc != 0 || from.pos < from.size); /* 0: the end of a frame */
	return STATUS_OK;
}

static enum status
unpack_zstd(struct str in, size_t max, struct buf *out)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	enum status s;

	if (!z)
		die("zstd cannot start");
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	s = decompress_all(z, in, max, out);
	ZSTD_freeDStream(z);
	return s;
}

enum status
unpack(struct str in, size_t max, struct buf *out)
{
	buf_clear(out);
	if (in.n == 0)
		return STATUS_ERR_TRUNCATED;
	if (in.n > UINT32_MAX / 2)
		return STATUS_ERR_TOO_BIG;
	if (in.n >= 4 && memcmp(in.p, "\x28\xb5\x2f\xfd", 4) == 0)
		return unpack_zstd(in, max, out);
	return unpack_deflate(in, max, out);
}
