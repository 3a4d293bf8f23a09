#include "config.h"

#include "json-scan.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

void
json_scan_init(struct json_scan *s, struct str text)
{
	const char *start = text.n ? text.p : ""; /* NULL has no end */

	*s = (struct json_scan){
		.p = start,
		.end = start + text.n,
		.values = JSON_MAX_VALUES,
	};
}

static bool
fail(struct json_scan *s, enum status status)
{
	s->status = status;
	return false;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
json_more(struct json_scan *s)
{
	while (s->p < s->end &&
		(*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
	return s->p < s->end;
}

bool
json_take(struct json_scan *s, char c)
{
	if (!json_more(s) || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* s->p is behind a backslash. */
static bool
take_escape(struct json_scan *s)
{
	unsigned code = 0;

	if (s->p == s->end)
		return fail(s, STATUS_ERR_TRUNCATED);
	if (*s->p != 'u')
		return strchr("\"\\/bfnrt", *s->p) && *s->p != '\0'
			       ? (s->p++, true)
			       : fail(s, STATUS_ERR_SYNTAX);
	if (s->end - s->p < 5)
		return fail(s, STATUS_ERR_TRUNCATED);
	for (int i = 1; i <= 4; i++) {
		char c = s->p[i];

		if (is_digit(c))
			code = code << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return fail(s, STATUS_ERR_SYNTAX);
	}
	/* C strings end there: two names could not be told apart any more. */
	if (code == 0)
		return fail(s, STATUS_ERR_SYNTAX);
	s->p += 5;
	return true;
}

/* s->p is behind the opening quote. */
static bool
take_string(struct json_scan *s, struct json_value *v)
{
	const char *start = s->p;
	unsigned char all = 0;

	v->type = JSON_STRING;
	v->escaped = false;
	for (;;) {
		unsigned char c;

		if (s->p == s->end)
			return fail(s, STATUS_ERR_TRUNCATED);
		c = (unsigned char)*s->p;
		if (c == '"')
			break;
		if (c < 0x20)
			return fail(s, STATUS_ERR_SYNTAX);
		all |= c;
		s->p++;
		if (c == '\\') {
			v->escaped = true;
			if (!take_escape(s))
				return false;
		}
	}
	v->text = (struct str){ .p = start, .n = (size_t)(s->p - start) };
	s->p++;
	if (all >= 0x80 && !text_is_utf8(v->text))
		return fail(s, STATUS_ERR_SYNTAX);
	return true;
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* The end of the number at @p, or NULL. */
static const char *
number_end(const char *p, const char *end)
{
	const char *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return NULL;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

static bool
take_word(
	struct json_scan *s, struct json_value *v, enum json_type type, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return fail(s, STATUS_ERR_SYNTAX);
	v->type = type;
	s->p += n;
	return true;
}

/* Take a string, number or word; s->p is at its first byte. */
static bool
take_scalar(struct json_scan *s, struct json_value *v)
{
	const char *start = s->p, *end;
	bool ok;

	switch (*s->p) {
	case '"':
		s->p++;
		return take_string(s, v);
	case 'n':
		ok = take_word(s, v, JSON_NULL, "null");
		break;
	case 't':
		ok = take_word(s, v, JSON_TRUE, "true");
		break;
	case 'f':
		ok = take_word(s, v, JSON_FALSE, "false");
		break;
	default:
		end = number_end(s->p, s->end);
		ok = end != NULL;
		if (!ok)
			return fail(s, STATUS_ERR_SYNTAX);
		v->type = JSON_NUMBER;
		s->p = end;
	}
	v->text = (struct str){ .p = start, .n = (size_t)(s->p - start) };
	return ok;
}

static bool
take_key(struct json_scan *s, struct json_value *key)
{
	if (!json_take(s, '"'))
		return fail(s, STATUS_ERR_SYNTAX);
	if (!take_string(s, key))
		return false;
	return json_take(s, ':') || fail(s, STATUS_ERR_SYNTAX);
}

/*
 * Take the object or array at s->p. The levels are kept as bits (1: object), so the
 * depth of the text is not the depth of the stack.
 */
static bool
take_nested(struct json_scan *s, struct json_value *v)
{
	const char *start = s->p;
	struct json_value inner;
	uint64_t objects = 0;
	unsigned depth = 0;

	v->type = *s->p == '{' ? JSON_OBJECT : JSON_ARRAY;
	do {
		bool object = *s->p == '{';

		if (object || *s->p == '[') {
			if (s->depth + depth >= JSON_MAX_DEPTH)
				return fail(s, STATUS_ERR_TOO_DEEP);
			objects = objects << 1 | object;
			depth++;
			s->p++;
			if (!json_take(s, object ? '}' : ']')) {
				if (object && !take_key(s, &inner))
					return false;
				goto next;
			}
			objects >>= 1;
			depth--;
		} else if (!take_scalar(s, &inner)) {
			return false;
		}
		/* A value is complete: close what it ends, or go on to the next one. */
		while (depth > 0 && json_take(s, objects & 1 ? '}' : ']')) {
			objects >>= 1;
			depth--;
		}
		if (depth == 0)
			break;
		if (!json_take(s, ','))
			return fail(s, STATUS_ERR_SYNTAX);
		if ((objects & 1) && !take_key(s, &inner))
			return false;
	next:
		if (!json_more(s))
			return fail(s, STATUS_ERR_TRUNCATED);
		if (s->values == 0)
			return fail(s, STATUS_ERR_TOO_BIG);
		s->values--;
	} while (true);
	v->text = (struct str){ .p = start, .n = (size_t)(s->p - start) };
	return true;
}

bool
json_value(struct json_scan *s, struct json_value *ret_value)
{
	if (!json_more(s))
		return fail(s, STATUS_ERR_TRUNCATED);
	if (s->values == 0)
		return fail(s, STATUS_ERR_TOO_BIG);
	s->values--;
	ret_value->escaped = false;
	if (*s->p == '{' || *s->p == '[')
		return take_nested(s, ret_value);
	return take_scalar(s, ret_value);
}

bool
json_object(struct json_scan *s)
{
	if (!json_take(s, '{'))
		return fail(s, STATUS_ERR_SYNTAX);
	if (s->values == 0)
		return fail(s, STATUS_ERR_TOO_BIG);
	s->values--;
	s->depth++;
	return true;
}

bool
json_member(
	struct json_scan *s, bool first, struct json_value *ret_key, struct json_value *v)
{
	if (json_take(s, '}')) {
		s->depth--;
		return false;
	}
	if (!first && !json_take(s, ','))
		return fail(s, STATUS_ERR_SYNTAX);
	return take_key(s, ret_key) && json_value(s, v);
}

bool
json_text(const struct json_value *v, struct buf *scratch, struct str *ret_text)
{
	cJSON *tree;
	const char *text;

	if (!v->escaped) {
		*ret_text = v->text;
		return true;
	}
	/* The quotes on both sides are part of what was scanned. */
	tree = cJSON_ParseWithLength(v->text.p - 1, v->text.n + 2);
	text = cJSON_GetStringValue(tree);
	if (text) {
		size_t at = scratch->n;

		buf_adds(scratch, text);
		*ret_text = (struct str){ .p = scratch->p + at, .n = scratch->n - at };
	}
	cJSON_Delete(tree);
	return text != NULL;
}

bool
json_finite(struct str s, double *ret_number)
{
	cJSON *tree;
	bool ok;

	/* cJSON looks at no more than 63 bytes of a number, and says nothing. */
	if (s.n > 63)
		return false;
	tree = cJSON_ParseWithLength(s.p, s.n);
	ok = cJSON_IsNumber(tree) && isfinite(tree->valuedouble);
	if (ok)
		*ret_number = tree->valuedouble;
	cJSON_Delete(tree);
	return ok;
}

/* With an exponent: through a double, which is what its writer had. */
static bool
from_double(struct str s, struct decimal *d)
{
	double v;

	if (!json_finite(s, &v))
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

bool
json_decimal(struct str s, struct decimal *ret_number)
{
	const char *p = s.p, *end = s.p + s.n;
	struct decimal d = { 0 };
	bool negative = s.n > 0 && *p == '-';

	if (s.n == 0 || number_end(p, end) != end)
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
