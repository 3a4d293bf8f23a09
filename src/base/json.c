#include "config.h"

#include "weir/base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

/* What the grammar allows at `at`. */
enum want {
	WANT_VALUE,          /* a value, nothing else */
	WANT_VALUE_OR_CLOSE, /* just behind '[' */
	WANT_KEY_OR_CLOSE,   /* just behind '{' */
	WANT_MORE_OR_CLOSE,  /* behind a value: a comma or the end of the container */
	WANT_KEY,            /* behind a comma in an object */
	WANT_NOTHING         /* behind the one value */
};

void
json_init(struct json *j, char *text, size_t n, uint32_t max_values, bool keep)
{
	*j = (struct json){
		.at = text,
		.begin = text,
		.end = text + n,
		.want = WANT_VALUE,
		.values_left = max_values,
		.keep = keep,
	};
}

void
json_fail(struct json *j, enum status s)
{
	if (!j->status)
		j->status = s;
}

static enum json_type
fail(struct json *j, enum status s)
{
	json_fail(j, s);
	return JSON_ERROR;
}

size_t
json_offset(const struct json *j)
{
	return (size_t)(j->at - j->begin);
}

static bool
in_object(const struct json *j)
{
	return j->depth > 0 && (j->objects >> (j->depth - 1) & 1);
}

static void
skip_space(struct json *j)
{
	while (j->at < j->end &&
		(*j->at == ' ' || *j->at == '\n' || *j->at == '\t' || *j->at == '\r'))
		j->at++;
}

/* The type of the value that begins with @c. */
static enum json_type
value_type(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER : JSON_ERROR;
	}
}

/* Take the comma behind a value, or see that the container closes. */
static bool
pass_comma(struct json *j)
{
	if (*j->at == (in_object(j) ? '}' : ']'))
		return true;
	if (*j->at != ',')
		return false;
	j->at++;
	j->want = in_object(j) ? WANT_KEY : WANT_VALUE;
	skip_space(j);
	return true;
}

enum json_type
json_peek(struct json *j)
{
	enum json_type t;

	if (j->status)
		return JSON_ERROR;
	skip_space(j);
	if (j->want == WANT_NOTHING)
		return j->at == j->end ? JSON_END : fail(j, STATUS_ERR_SYNTAX);
	if (j->at == j->end)
		return fail(j, STATUS_ERR_TRUNCATED);
	if (j->want == WANT_MORE_OR_CLOSE) {
		if (!pass_comma(j))
			return fail(j, STATUS_ERR_SYNTAX);
		if (j->at == j->end)
			return fail(j, STATUS_ERR_TRUNCATED);
		if (j->want == WANT_MORE_OR_CLOSE)
			return JSON_CLOSE;
	}
	if ((j->want == WANT_VALUE_OR_CLOSE && *j->at == ']') ||
		(j->want == WANT_KEY_OR_CLOSE && *j->at == '}'))
		return JSON_CLOSE;
	if (j->want == WANT_KEY || j->want == WANT_KEY_OR_CLOSE)
		return *j->at == '"' ? JSON_KEY : fail(j, STATUS_ERR_SYNTAX);
	t = value_type(*j->at);
	return t == JSON_ERROR ? fail(j, STATUS_ERR_SYNTAX) : t;
}

/* ------------------------------------------------------------ strings */

/* Four hex digits at @p, or -1. */
static int32_t
hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v << 4 | ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* Length of the escape at @p (a backslash), or 0 when it is none. */
static size_t
escape_len(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] == 'u')
		return hex4(p + 2, end) < 0 ? 0 : 6;
	return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
}

/*
 * Check the string whose opening quote is at `at` and go behind its closing one.
 * Returns what lies between them.
 */
static bool
scan_string(struct json *j, struct str *ret_raw, bool *ret_escaped)
{
	char *p = j->at + 1;
	bool high = false, escaped = false;

	for (; p < j->end && *p != '"'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x80) {
			high = true;
		} else if (c < 0x20) {
			j->at = p;
			fail(j, STATUS_ERR_SYNTAX);
			return false;
		} else if (c == '\\') {
			size_t n = escape_len(p, j->end);

			if (n == 0) {
				j->at = p;
				fail(j, STATUS_ERR_SYNTAX);
				return false;
			}
			escaped = true;
			p += n - 1;
		}
	}
	if (p >= j->end) {
		fail(j, STATUS_ERR_TRUNCATED);
		return false;
	}
	*ret_raw = (struct str){ .p = j->at + 1, .n = (size_t)(p - j->at - 1) };
	*ret_escaped = escaped;
	if (high && !text_is_utf8(*ret_raw)) {
		fail(j, STATUS_ERR_SYNTAX);
		return false;
	}
	j->at = p + 1;
	return true;
}

/* Write @cp as UTF-8; returns the place behind it. */
static char *
put_utf8(char *to, uint32_t cp)
{
	if (cp < 0x80) {
		*to++ = (char)cp;
	} else if (cp < 0x800) {
		*to++ = (char)(0xc0 | cp >> 6);
		*to++ = (char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		*to++ = (char)(0xe0 | cp >> 12);
		*to++ = (char)(0x80 | (cp >> 6 & 0x3f));
		*to++ = (char)(0x80 | (cp & 0x3f));
	} else {
		*to++ = (char)(0xf0 | cp >> 18);
		*to++ = (char)(0x80 | (cp >> 12 & 0x3f));
		*to++ = (char)(0x80 | (cp >> 6 & 0x3f));
		*to++ = (char)(0x80 | (cp & 0x3f));
	}
	return to;
}

/* The code point of the \u escape at *@p, which is moved behind it (or behind the pair). */
static uint32_t
take_u(const char **p, const char *end)
{
	uint32_t hi = (uint32_t)hex4(*p + 2, end), lo = 0;

	*p += 6;
	if (hi < 0xd800 || hi > 0xdfff)
		return hi;
	if (hi <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u')
		lo = (uint32_t)hex4(*p + 2, end);
	if (lo < 0xdc00 || lo > 0xdfff)
		return 0xfffd;
	*p += 6;
	return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
}

/*
 * Unescape checked @raw into @to, at most @max bytes of it; returns the length. An
 * escape is never shorter than what it stands for, so @to may be where @raw is.
 */
static size_t
unescape(char *to, size_t max, struct str raw)
{
	static const char names[] = "bfnrt\"\\/", bytes[] = "\b\f\n\r\t\"\\/";
	const char *p = raw.p, *end = raw.p + raw.n;
	char *out = to;

	while (p < end && (size_t)(out - to) + 4 <= max) {
		if (*p != '\\') {
			*out++ = *p++;
		} else if (p[1] == 'u') {
			uint32_t cp = take_u(&p, end);

			out = put_utf8(out, cp);
		} else {
			*out++ = bytes[strchr(names, p[1]) - names];
			p += 2;
		}
	}
	return (size_t)(out - to);
}

static enum json_type
take_string(struct json *j)
{
	struct str raw;
	bool escaped;

	if (!scan_string(j, &raw, &escaped))
		return JSON_ERROR;
	if (escaped && !j->keep)
		raw.n = unescape(j->begin + (raw.p - j->begin), SIZE_MAX, raw);
	j->text = raw;
	return JSON_STRING;
}

/* Keys are never written in place: a text must read the same twice with `keep`. */
static enum json_type
take_key(struct json *j)
{
	struct str raw;
	bool escaped;

	if (!scan_string(j, &raw, &escaped))
		return JSON_ERROR;
	if (escaped) {
		raw.n = unescape(j->key, sizeof(j->key), raw);
		raw.p = j->key;
	}
	j->text = raw;
	skip_space(j);
	if (j->at == j->end)
		return fail(j, STATUS_ERR_TRUNCATED);
	if (*j->at != ':')
		return fail(j, STATUS_ERR_SYNTAX);
	j->at++;
	j->want = WANT_VALUE;
	return JSON_KEY;
}

/* ------------------------------------------------------------ other values */

static bool
digits(struct json *j)
{
	char *from = j->at;

	while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
		j->at++;
	return j->at > from;
}

static bool
accept(struct json *j, const char *set)
{
	if (j->at == j->end || !*j->at || !strchr(set, *j->at))
		return false;
	j->at++;
	return true;
}

static enum json_type
take_number(struct json *j)
{
	char *from = j->at;
	bool ok;

	accept(j, "-");
	ok = accept(j, "0") || digits(j);
	if (ok && accept(j, "."))
		ok = digits(j);
	if (ok && accept(j, "eE")) {
		accept(j, "+-");
		ok = digits(j);
	}
	if (!ok)
		return fail(
			j, j->at == j->end ? STATUS_ERR_TRUNCATED : STATUS_ERR_SYNTAX);
	j->text = (struct str){ .p = from, .n = (size_t)(j->at - from) };
	return JSON_NUMBER;
}

static enum json_type
take_word(struct json *j, enum json_type t)
{
	const char *word = t == JSON_TRUE ? "true" : t == JSON_FALSE ? "false" : "null";
	size_t n = strlen(word);

	if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n) != 0)
		return fail(j, STATUS_ERR_SYNTAX);
	j->at += n;
	return t;
}

static enum json_type
open_container(struct json *j, enum json_type t)
{
	uint64_t bit;

	if (j->depth == JSON_MAX_DEPTH)
		return fail(j, STATUS_ERR_TOO_DEEP);
	bit = UINT64_C(1) << j->depth++;
	j->objects = t == JSON_OBJECT ? j->objects | bit : j->objects & ~bit;
	j->want = t == JSON_OBJECT ? WANT_KEY_OR_CLOSE : WANT_VALUE_OR_CLOSE;
	j->at++;
	return t;
}

static void
after_value(struct json *j)
{
	j->want = j->depth ? WANT_MORE_OR_CLOSE : WANT_NOTHING;
}

enum json_type
json_next(struct json *j)
{
	enum json_type t = json_peek(j);

	switch (t) {
	case JSON_ERROR:
	case JSON_END:
		return t;
	case JSON_KEY:
		return take_key(j);
	case JSON_CLOSE:
		j->at++;
		j->depth--;
		after_value(j);
		return t;
	default:
		break;
	}
	if (j->values_left-- == 0) {
		j->values_left = 0;
		return fail(j, STATUS_ERR_TOO_BIG);
	}
	if (t == JSON_OBJECT || t == JSON_ARRAY)
		return open_container(j, t);
	t = t == JSON_STRING   ? take_string(j)
	    : t == JSON_NUMBER ? take_number(j)
			       : take_word(j, t);
	after_value(j);
	return t;
}

void
json_skip(struct json *j)
{
	unsigned depth = j->depth;
	bool keep = j->keep;
	enum json_type t;

	j->keep = true;
	do
		t = json_next(j);
	while (t > JSON_END && j->depth > depth);
	j->keep = keep;
	if (t == JSON_CLOSE && j->depth < depth)
		json_fail(j, STATUS_ERR_SYNTAX); /* there was no value to skip */
}

bool
json_enter(struct json *j, enum json_type t)
{
	enum json_type got = json_peek(j);

	if (got == JSON_NULL) {
		json_next(j);
		return false;
	}
	if (got != t) {
		fail(j, STATUS_ERR_SYNTAX);
		return false;
	}
	return json_next(j) == t;
}

bool
json_key(struct json *j, struct str *ret_key)
{
	if (json_next(j) != JSON_KEY)
		return false;
	*ret_key = j->text;
	return true;
}

bool
json_item(struct json *j)
{
	enum json_type t = json_peek(j);

	if (t == JSON_CLOSE)
		json_next(j);
	return t > JSON_CLOSE || t == JSON_OBJECT || t == JSON_ARRAY;
}

enum status
json_finish(struct json *j)
{
	enum json_type t = json_peek(j);

	if (t != JSON_END)
		fail(j, STATUS_ERR_SYNTAX);
	return j->status;
}

/* ------------------------------------------------------------ numbers */

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
	char text[64], *end;
	double v;

	if (s.n == 0 || s.n >= sizeof(text) ||
		!strchr("-0123456789", s.p[0] ? s.p[0] : 'x'))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strpbrk(text, "xXnNiIpP"))
		return false;
	v = strtod(text, &end);
	if (end != text + s.n || !isfinite(v))
		return false;
	*ret_v = v;
	return true;
}
