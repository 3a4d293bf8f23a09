/* A theme file, whatever its bytes, is read whole or refused with a reason. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "weir/draw/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag d = { .text = "" };
	struct str text = { .p = (const char *)data, .n = size };
	struct theme *t = theme_parse(text, "fuzz.theme", &d);

	if (!t && !d.text[0])
		abort();
	for (int depth = 0; t && depth < DEPTH_COUNT; depth++)
		for (int role = 0; role < ROLE_COUNT; role++)
			theme_style(t, (enum depth)depth, (enum role)role, 0);
	theme_free(t);
	return 0;
}
