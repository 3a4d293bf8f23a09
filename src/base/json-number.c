/* What number literals are worth. */
#include "config.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json.h"

bool
json_uint64(struct str s, uint64_t *ret_v)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
			__builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*ret_v = v;
	return true;
}

bool
json_int64(struct str s, int64_t *ret_v)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (s.n == 0 || !json_uint64((struct str){ s.p + minus, s.n - minus }, &v) ||
		v > (uint64_t)INT64_MAX + minus)
		return false;
	*ret_v = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool
json_double(struct str s, double *ret_v)
{
	char text[64], *end, *point;
	double v;

	if (s.n == 0 || s.n >= sizeof(text) ||
		!strchr("-0123456789", s.p[0] ? s.p[0] : 'x'))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strpbrk(text, "xXnNiIpP"))
		return false;
	/* strtod() wants the point that the locale has. */
	point = strchr(text, '.');
	if (point)
		*point = *localeconv()->decimal_point;
	v = strtod(text, &end);
	if (end != text + s.n || !isfinite(v))
		return false;
	*ret_v = v;
	return true;
}
