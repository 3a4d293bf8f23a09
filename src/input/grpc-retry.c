#include "config.h"

#include "grpc-retry.h"

#include <string.h>

/* Without the padding, as gRPC wants it. */
static void
put_base64(struct buf *out, struct str s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned held = 0, bits = 0;

	for (size_t i = 0; i < s.n; i++) {
		held = held << 8 | (unsigned char)s.p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			buf_addc(out, digits[held >> (bits - 6) & 63]);
	}
	if (bits > 0)
		buf_addc(out, digits[held << (6 - bits) & 63]);
}

/* A field of protobuf whose value is bytes; all are shorter than 128. */
static void
put_bytes(struct buf *out, unsigned field, struct str value)
{
	buf_addc(out, (char)(field << 3 | 2));
	buf_addc(out, (char)value.n);
	buf_add_str(out, value);
}

static void
put_number(struct buf *out, unsigned field, int value)
{
	buf_addc(out, (char)(field << 3));
	buf_addc(out, (char)value);
}

void
grpc_put_retry(struct buf *out, int code, int seconds)
{
	struct buf delay = BUF_INIT, info = BUF_INIT, any = BUF_INIT, status = BUF_INIT;

	put_number(&delay, 1, seconds);
	put_bytes(&info, 1, buf_str(&delay));
	put_bytes(&any, 1, STR("type.googleapis.com/google.rpc.RetryInfo"));
	put_bytes(&any, 2, buf_str(&info));
	put_number(&status, 1, code);
	put_bytes(&status, 3, buf_str(&any));
	put_base64(out, buf_str(&status));
	buf_done(&delay);
	buf_done(&info);
	buf_done(&any);
	buf_done(&status);
}
