/* Whatever a body holds: it is taken whole or not at all, and gives only sound records. */
#include "config.h"

#include <stdint.h>

#include "otlp-kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kit_run(data, size, OTLP_PROTOBUF);
	return 0;
}
