#include "config.h"

#include "decimal.h"

#include <math.h>

#include "weir/base/json.h"
#include "weir/base/util.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* With an exponent: through a double, which is what its writer had. */
static bool
from_double(struct str s, struct decimal *d)
{
	double v;

	if (!json_double(s, &v))
		return false;
	v = fabs(v);
	if (v >= 0x1p64) {
		d->overflow = true;
		d->whole = UINT64_MAX;
		return true;
	}
	d->whole = (uint64_t)v;
	d->nano = (uint32_t)((v - (double)d->whole) * 1e9);
	return true;
}

/* What the reader takes as a number, and nothing behind it. */
static bool
is_number(struct str s)
{
	struct json j;

	json_init(&j, (char *)s.p, s.n, 1, true);
	return json_next(&j) == JSON_NUMBER && j.text.n == s.n;
}

/* The number that the digits at @p are, and where they end. */
static inline const char *
take_digits(const char *p, const char *end, uint64_t *ret_v)
{
	uint64_t v = 0;
	unsigned digit;

	for (; p < end && (digit = (unsigned)*p - '0') <= 9; p++)
		v = v * 10 + digit;
	*ret_v = v;
	return p;
}

/* A whole number, perhaps with a fraction, of so few digits that nothing overflows. */
static bool
from_plain(struct str s, struct decimal *d)
{
	static const uint32_t unit[] = { 1000000000, 100000000, 10000000, 1000000, 100000,
		10000, 1000, 100, 10, 1 };
	const char *end = s.p + s.n, *point;
	uint64_t whole, fraction = 0;
	size_t places = 0;

	if (s.n == 0 || s.n > 19 || !is_digit(*s.p) ||
		(*s.p == '0' && s.n > 1 && is_digit(s.p[1])))
		return false;
	point = take_digits(s.p, end, &whole);
	if (point < end) {
		places = (size_t)(end - point) - 1;
		if (*point != '.' || places - 1 >= ARRAY_LEN(unit) - 1 ||
			take_digits(point + 1, end, &fraction) != end)
			return false;
	}
	*d = (struct decimal){ .whole = whole,
		.nano = (uint32_t)fraction * unit[places] };
	return true;
}

bool
decimal_from(struct str s, struct decimal *ret_number)
{
	const char *p = s.p, *end = s.p + s.n;
	struct decimal d = { 0 };
	bool negative = s.n > 0 && *p == '-';

	if (from_plain(s, ret_number))
		return true;
	if (!is_number(s))
		return false;
	for (p += negative; p < end && is_digit(*p); p++)
		if (__builtin_mul_overflow(d.whole, 10, &d.whole) ||
			__builtin_add_overflow(d.whole, *p - '0', &d.whole))
			d.overflow = true;
	if (p < end && *p == '.') {
		uint32_t unit = 100000000;

		for (p++; p < end && is_digit(*p); p++, unit /= 10)
			d.nano += (uint32_t)(*p - '0') * unit;
	}
	if (p < end) {
		d = (struct decimal){ 0 };
		if (!from_double(s, &d))
			return false;
	}
	d.negative = negative && (d.whole || d.nano || d.overflow);
	*ret_number = d;
	return true;
}

bool
decimal_scaled(
	const struct decimal *d, uint32_t scale, uint64_t max, uint64_t *ret_number)
{
	uint32_t unit = 1000000000 / scale;
	uint64_t v;

	if (d->negative || d->overflow || __builtin_mul_overflow(d->whole, scale, &v) ||
		__builtin_add_overflow(v, (d->nano + unit / 2) / unit, &v) || v > max)
		return false;
	*ret_number = v;
	return true;
}
