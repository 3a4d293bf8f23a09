/* Walking, skipping and judging a text must agree on whether it is JSON. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json.h"
#include "weir/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status
walk(char *text, size_t n, bool keep)
{
	struct json j;

	json_init(&j, text, n, 100000, keep);
	for (;;) {
		enum json_type t = json_next(&j);
		double d;
		int64_t i;

		if (t == JSON_END || t == JSON_ERROR)
			break;
		if (t == JSON_NUMBER && json_int64(j.text, &i) &&
			!json_double(j.text, &d))
			abort();
	}
	return json_finish(&j);
}

static enum status
skip(char *text, size_t n)
{
	struct json j;

	json_init(&j, text, n, 100000, false);
	json_skip(&j);
	return json_finish(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size);
	enum status skipped, kept, walked;

	memcpy(text, data, size);
	skipped = skip(text, size);
	kept = walk(text, size, true);
	/* Neither may have written to the text. */
	if (memcmp(text, data, size) != 0)
		abort();
	walked = walk(text, size, false);
	if ((skipped == STATUS_OK) != (walked == STATUS_OK) ||
		(kept == STATUS_OK) != (walked == STATUS_OK))
		abort();
	free(text);
	return 0;
}
