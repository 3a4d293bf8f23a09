/*
 * Points in time as people and programs write them in JSON: RFC 3339, or a number
 * since 1970 whose unit is told by its size (seconds until the year 5138, then
 * milliseconds, microseconds, nanoseconds, each a thousand times more).
 */
#include "config.h"

#include "json-time.h"

#include "weir/base/util.h"
#include "weir/base/when.h"

#define TS_MAX_S UINT64_C(100000000000)

static bool
time_from_number(struct str s, int64_t *ret_us)
{
	struct decimal d;
	uint64_t us, max = TS_MAX_S;

	if (!json_decimal(s, &d))
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

bool
json_time(const struct json_value *v, struct buf *scratch, int64_t *ret_us)
{
	struct str text = v->text;
	int64_t us;

	if (v->type == JSON_STRING) {
		if (!json_text(v, scratch, &text) ||
			!(time_from_number(text, &us) || when_rfc3339(text, &us)))
			return false;
	} else if (v->type != JSON_NUMBER || !time_from_number(text, &us)) {
		return false;
	}
	/* Later ones could not be written as microseconds and read back as such. */
	if (us >= (int64_t)TS_MAX_S * SEC_US)
		return false;
	*ret_us = us;
	return true;
}
