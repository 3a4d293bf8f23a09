/* No compressed body gets past its limits. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/input/unpack.h"

#define LIMIT (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT;
	enum status s = unpack((struct str){ (const char *)data, size }, LIMIT, &out);

	if (s == STATUS_OK && out.n > LIMIT)
		abort();
	if (out.n > LIMIT + (64u << 10))
		abort();
	buf_done(&out);
	return 0;
}
