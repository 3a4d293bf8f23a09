/* Whatever a log line holds: patterns and redaction end, and never grow without bound. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/pattern.h"
#include "weir/core/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redact *r = redact_new(true);
	struct buf out = BUF_INIT;
	char *text = xmalloc(size);
	struct str clean;

	memcpy(text, data, size);
	redact_add(r, "a+b*", NULL);
	clean = redact_text(r, (struct str){ text, size });
	if (clean.n > 16 * size + 64)
		abort();
	pattern_of(clean, &out);
	if (out.n > 3 * PATTERN_LOOK + 8)
		abort();
	buf_done(&out);
	redact_free(r);
	free(text);
	return 0;
}
