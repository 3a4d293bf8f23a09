/*
 * Points in time as people and programs write them in JSON: RFC 3339, or a number
 * since 1970 whose unit is told by its size (seconds until the year 5138, then
 * milliseconds, microseconds, nanoseconds, each a thousand times more).
 */
#include "config.h"

#include <time.h>

#include "json-time.h"

#define TS_MAX_S UINT64_C(100000000000)

static bool
take_digits(struct str *s, unsigned n, int *ret_number)
{
	int v = 0;

	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*ret_number = v;
	return true;
}

static bool
take_one_of(struct str *s, const char *set)
{
	if (s->n == 0 || s->p[0] == '\0' || !strchr(set, s->p[0]))
		return false;
	s->p++;
	s->n--;
	return true;
}

/* ".123456789", or nothing; finer digits are cut off. */
static bool
take_fraction(struct str *s, int64_t *ret_us)
{
	int64_t unit = 100000, us = 0;
	int digit;

	*ret_us = 0;
	if (!take_one_of(s, "."))
		return true;
	if (!take_digits(s, 1, &digit))
		return false;
	do {
		us += digit * unit;
		unit /= 10;
	} while (take_digits(s, 1, &digit));
	*ret_us = us;
	return true;
}

/* "Z" or "+hh:mm", as seconds east of Greenwich. */
static bool
take_zone(struct str *s, int *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (take_one_of(s, "Zz"))
		return true;
	sign = s->n > 0 && s->p[0] == '-' ? -1 : 1;
	if (!take_one_of(s, "+-") || !take_digits(s, 2, &hours) || !take_one_of(s, ":") ||
		!take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
time_from_text(struct str s, int64_t *ret_us)
{
	int year, month, day, hour, minute, second, zone;
	int64_t fraction_us, seconds;
	struct tm date;

	if (!take_digits(&s, 4, &year) || !take_one_of(&s, "-") ||
		!take_digits(&s, 2, &month) || !take_one_of(&s, "-") ||
		!take_digits(&s, 2, &day) || !take_one_of(&s, "Tt ") ||
		!take_digits(&s, 2, &hour) || !take_one_of(&s, ":") ||
		!take_digits(&s, 2, &minute) || !take_one_of(&s, ":") ||
		!take_digits(&s, 2, &second) || !take_fraction(&s, &fraction_us) ||
		!take_zone(&s, &zone) || s.n > 0)
		return false;
	/* 60 is a leap second: the first moment of the next minute. */
	if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60)
		return false;
	date = (struct tm){ .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	seconds = (int64_t)timegm(&date) + hour * 3600 + minute * 60 + second - zone;
	/* timegm() takes 30 February for 1 or 2 March. */
	if (date.tm_mday != day || seconds < 0)
		return false;
	*ret_us = seconds * 1000000 + fraction_us;
	return true;
}

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
	struct str text;

	if (v->type == JSON_NUMBER)
		return time_from_number(v->text, ret_us);
	return v->type == JSON_STRING && json_text(v, scratch, &text) &&
	       (time_from_number(text, ret_us) || time_from_text(text, ret_us));
}
