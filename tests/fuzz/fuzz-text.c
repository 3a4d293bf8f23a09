/* Whatever the bytes: what leaves the gate is clean, bounded, and stays as it is. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = { 4, 32, 255 };
	struct str in = { .p = (const char *)data, .n = size };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct buf clean = { 0 };
		struct buf fitted = { 0 };
		struct str out;

		text_clean(&clean, in, limits[i]);
		out = buf_str(&clean);
		check(out.n <= limits[i]);
		check(text_is_clean(out));
		check(text_is_utf8(out));
		text_fit(&fitted, out, (int)(size % 40));
		check(text_width(buf_str(&fitted)) <= (int)(size % 40));
		buf_done(&clean);
		buf_done(&fitted);
	}
	return 0;
}
