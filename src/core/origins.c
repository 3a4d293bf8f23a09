#include "config.h"

#include "weir/core/origins.h"

#include "weir/base/util.h"

static bool
differ(uint64_t a, uint64_t b, unsigned percent)
{
	uint64_t low = MIN(a, b), high = MAX(a, b);

	return high - low > high / 100 * percent + high % 100 * percent / 100;
}

unsigned
origins_differ(const struct snap_stat *a, const struct snap_stat *b)
{
	unsigned bits = 0;

	if (MAX(a->calls, b->calls) < ORIGINS_CALLS)
		return 0;
	if (differ(a->calls, b->calls, ORIGINS_PERCENT))
		bits |= ORIGINS_DIFFER_CALLS;
	/* Shares, so that missing calls are told once only. */
	if (a->calls > 0 && b->calls > 0 && MAX(a->errors, b->errors) >= ORIGINS_ERRORS &&
		differ(a->errors * 1000000 / a->calls, b->errors * 1000000 / b->calls,
			ORIGINS_PERCENT))
		bits |= ORIGINS_DIFFER_ERRORS;
	if (!a->bounds_only && !b->bounds_only && a->p99_us >= 0 && b->p99_us >= 0 &&
		MIN(a->samples, b->samples) >= ORIGINS_CALLS &&
		differ((uint64_t)a->p99_us, (uint64_t)b->p99_us, ORIGINS_P99_PERCENT))
		bits |= ORIGINS_DIFFER_P99;
	return bits;
}
