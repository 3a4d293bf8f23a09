#include "config.h"

#include "weir/core/shape.h"

#include <math.h>

#include "weir/base/util.h"

unsigned
shape_bin(int64_t us)
{
	double decades = log10((double)MAX(us, 1) / SHAPE_FROM_US);

	return (unsigned)CLAMP(
		(int)floor(decades * SHAPE_BINS / SHAPE_DECADES), 0, SHAPE_BINS - 1);
}
