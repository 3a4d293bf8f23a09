#include "config.h"

#include "weir/input/unpack.h"

#include <zlib.h>

#include "weir/base/util.h"

#define RATIO 100
#define RATIO_FREE (1u << 20) /* output below which the ratio does not matter */
#define STEP (64u * 1024)

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
run(z_stream *z, struct str in, size_t max, struct buf *out)
{
	for (;;) {
		int rc;

		z->next_out = (unsigned char *)buf_reserve(out, STEP);
		z->avail_out = STEP;
		rc = inflate(z, Z_NO_FLUSH);
		out->n += STEP - z->avail_out;
		if (out->n > max || (out->n > RATIO_FREE && out->n / RATIO > in.n))
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

enum status
unpack(struct str in, size_t max, struct buf *out)
{
	z_stream z = { .next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.n };
	enum status s;

	buf_clear(out);
	if (in.n == 0)
		return STATUS_ERR_TRUNCATED;
	if (in.n > UINT32_MAX / 2)
		return STATUS_ERR_TOO_BIG;
	if (inflateInit2(&z, window_of(in)) != Z_OK)
		die("zlib cannot start: %s", z.msg ? z.msg : "no reason given");
	s = run(&z, in, max, out);
	inflateEnd(&z);
	return s;
}
