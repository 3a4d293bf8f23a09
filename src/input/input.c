#include "config.h"

#include "weir/input/input.h"

#include <string.h>

#include "weir/base/util.h"

#define INPUT(id) extern const struct input_ops input_##id;
#include "inputs.def"
#undef INPUT

const struct input_ops *const inputs[] = {
#define INPUT(id) &input_##id,
#include "inputs.def"
#undef INPUT
};

const unsigned input_count = ARRAY_LEN(inputs);

const struct input_ops *
input_find(const char *id)
{
	for (unsigned i = 0; i < input_count; i++)
		if (!strcmp(inputs[i]->id, id))
			return inputs[i];
	return NULL;
}
