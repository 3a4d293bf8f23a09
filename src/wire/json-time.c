/*
 * Points in time as people and programs write them in JSON: RFC 3339, or a number
 * since 1970 whose unit is told by its size (seconds until the year 5138, then
 * milliseconds, microseconds, nanoseconds, each a thousand times more).
 */
#include "config.h"

#include "json-time.h"

#include "decimal.h"
#include "weir/base/util.h"
#include "weir/base/when.h"

#define TS_MAX_S UINT64_C(100000000000)

static bool
time_from_number(struct str s, int64_t *ret_us)
{
	struct decimal d;
	uint64_t us, max = TS_MAX_S;

	if (!decimal_from(s, &d))
		return false;
	if (d.whole < max) {
		if (!decimal_scaled(&d, 1000000, INT64_MAX, &us))
			return false;
	} else if (d.whole < max * 1000) {
		if (!decimal_scaled(&d, 1000, INT64_MAX, &us))
			return false;
	} else if (d.whole < max * 1000000) {
		if (!decimal_scaled(&d, 1, INT64_MAX, &us))
			return false;
	} else if (d.negative || d.overflow) {
		return false;
	} else {
		us = d.whole / 1000;
	}
	*ret_us = (int64_t)us;
	return true;
}

/* Later ones could not be written as microseconds and read back as such. */
static bool
keep_early(int64_t us, int64_t *ret_us)
{
	if (us >= (int64_t)TS_MAX_S * SEC_US)
		return false;
	*ret_us = us;
	return true;
}

/* Seconds with some decimals, or microseconds: then the digits are the time, or nearly. */
static bool
from_digits(const struct json_value *v, int64_t *ret_us)
{
	static const uint32_t power[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	uint64_t scale = 1;

	if (v->places < ARRAY_LEN(power) && v->digits < TS_MAX_S * power[v->places])
		scale = power[ARRAY_LEN(power) - 1 - v->places];
	else if (v->places > 0 || v->digits < TS_MAX_S * 1000 ||
		 v->digits >= TS_MAX_S * 1000000)
		return false;
	*ret_us = (int64_t)(v->digits * scale);
	return true;
}

bool
json_time_number(const struct json_value *v, int64_t *ret_us)
{
	int64_t us;

	return (from_digits(v, &us) || time_from_number(v->text, &us)) &&
	       keep_early(us, ret_us);
}

bool
json_time_text(struct str s, int64_t *ret_us)
{
	int64_t us;

	return (time_from_number(s, &us) || when_rfc3339(s, &us)) &&
	       keep_early(us, ret_us);
}
