/*
 * Saved states of the verdict engine, from anybody: what is taken is sound, and what is
 * not changes nothing. The checksum is mended first, or nothing would get past it.
 */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
name_of(void *ctx, uint32_t id)
{
	static const char *const names[] = { "user", "shop", "db", "GET /", "UPDATE" };

	(void)ctx;
	return names[id % ARRAY_LEN(names)];
}

static void
mend_checksum(unsigned char *p, size_t n)
{
	uint32_t crc = ~UINT32_C(0);

	if (n < 20)
		return;
	for (unsigned i = 0; i < 4; i++)
		p[12 + i] = (unsigned char)((n - 20) >> (8 * i));
	for (size_t i = 20; i < n; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0u - (crc & 1u)));
	}
	crc = ~crc;
	for (unsigned i = 0; i < 4; i++)
		p[16 + i] = (unsigned char)(crc >> (8 * i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict_options o = { .node_name = name_of, .op_name = name_of };
	struct verdict *v = verdict_new(&o);
	unsigned char *copy = xmalloc(size);
	struct diag d;

	if (size)
		memcpy(copy, data, size);
	mend_checksum(copy, size);
	if (verdict_load(v, (struct str){ (const char *)copy, size }, 1000 * SEC_US,
		    &d) == STATUS_OK) {
		struct buf out = BUF_INIT;

		for (int64_t sec = 2000; sec < 2030; sec++) {
			for (uint32_t i = 0; i < 6; i++) {
				struct verdict_obs obs = { .src = i % 2,
					.dst = i % 2 + 1,
					.kind = i < 3 ? KIND_DB : KIND_MSG,
					.op = 3 + i % 2,
					.end_us = sec * SEC_US,
					.latency_us = 1000 * i,
					.server_us = 100,
					.queue_us = 10,
					.self_us = 50,
					.blocked_us = FLOW_UNKNOWN,
					.calls = 3,
					.failed = i == 4 };

				verdict_observe(v, &obs, sec * SEC_US);
			}
			verdict_tick(v, (sec + 1) * SEC_US);
		}
		verdict_save(v, 3000 * SEC_US, &out);
		buf_done(&out);
	}
	free(copy);
	verdict_free(v);
	return 0;
}
