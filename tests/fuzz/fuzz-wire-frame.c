/*
 * The input is a conversation: frames with a length of two bytes each, made whole (CRC
 * and lengths set right) so that the fuzzer gets past the gate, then given to an inbox.
 * Whatever they say: what is taken can be written again byte for byte, and the books
 * balance.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/wire/inbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
see(void *ctx, const struct event *e)
{
	(void)e;
	(*(uint64_t *)ctx)++;
}

static void
try_raw(struct str bytes)
{
	struct wire_frame f;
	struct buf again = BUF_INIT;

	if (wire_get_frame(bytes, &f) != STATUS_OK || f.bare)
		return;
	check(f.group.n <= WIRE_GROUP_MAX);
	check(f.payload.p + f.payload.n == bytes.p + bytes.n);
	wire_put_frame(&again, f.group, &f.header, f.payload);
	check(again.n <= bytes.n);
	buf_done(&again);
}

/* A frame out of arbitrary bytes: the first few choose the header, the rest is payload. */
static void
make_whole(struct buf *out, const uint8_t *p, size_t n)
{
	struct wire_header h = { .type = WIRE_DATA, .encoding = WIRE_JSON };

	if (n < 8) {
		buf_add(out, p, n);
		return;
	}
	h.type = 1 + p[0] % 5;
	h.encoding = p[1] % 4;
	h.agent[0] = p[2] % 8;
	h.instance[0] = p[3] % 4;
	h.start_count = p[4] % 8;
	h.events = h.type == WIRE_DATA || p[5] > 250 ? p[5] : 0;
	h.first_event = (uint64_t)p[6] << (p[7] % 64);
	h.wall_us = (int64_t)((uint64_t)p[7] << (p[6] % 64));
	wire_put_frame(
		out, STR("g"), &h, (struct str){ .p = (const char *)p + 8, .n = n - 8 });
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snap snap;
	uint64_t seen = 0, received = 0;
	struct inbox *in = inbox_new(4, see, &seen);
	int64_t mono_us = 0;

	try_raw((struct str){ .p = (const char *)data, .n = size });
	inbox_frame(in, (struct str){ .p = (const char *)data, .n = size }, 0, 0);
	while (size >= 2) {
		size_t n = MIN((size_t)(data[0] | data[1] << 8), size - 2);
		struct buf frame = BUF_INIT;

		make_whole(&frame, data + 2, n);
		inbox_frame(in, buf_str(&frame), mono_us, mono_us);
		buf_done(&frame);
		mono_us += data[0] * 10 * MSEC_US;
		data += 2 + n;
		size -= 2 + n;
	}
	inbox_snap(in, mono_us + 60 * SEC_US, &snap);
	for (uint32_t i = 0; i < snap.quality.agents; i++)
		received += snap.quality.agent[i].received;
	/* Rows may have been given up, so there can be more seen than rows tell. */
	check(snap.quality.agents <= 4);
	check(seen <= received + snap.quality.bare || mono_us > 10 * SEC_US);
	inbox_free(in);
	return 0;
}
