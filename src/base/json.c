#include "config.h"

#include "weir/base/json.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "weir/base/text.h"
#include "weir/base/util.h"

/* Eight times the same byte. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte))

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

/* The type of the value that begins with a byte; JSON_ERROR: none does. */
static const uint8_t value_types[256] = {
	['{'] = JSON_OBJECT,
	['['] = JSON_ARRAY,
	['"'] = JSON_STRING,
	['t'] = JSON_TRUE,
	['f'] = JSON_FALSE,
	['n'] = JSON_NULL,
	['-'] = JSON_NUMBER,
	['0'] = JSON_NUMBER,
	['1'] = JSON_NUMBER,
	['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER,
	['4'] = JSON_NUMBER,
	['5'] = JSON_NUMBER,
	['6'] = JSON_NUMBER,
	['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER,
	['9'] = JSON_NUMBER,
};

static inline enum json_type
value_type(const struct json *j)
{
	return (enum json_type)value_types[(unsigned char)*j->at];
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

static enum json_type
peek_slowly(struct json *j)
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
	t = value_type(j);
	return t == JSON_ERROR ? fail(j, STATUS_ERR_SYNTAX) : t;
}

/* Mostly it is a value, and no space before it. */
static inline enum json_type
peek(struct json *j)
{
	if (j->want == WANT_VALUE && !j->status && j->at < j->end &&
		value_type(j) != JSON_ERROR)
		return value_type(j);
	return peek_slowly(j);
}

enum json_type
json_peek(struct json *j)
{
	return peek(j);
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

/* Pass over text without quotes, backslashes, controls and what is negative: from 0x80. */
static inline char *
skip_plain(char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i mark = _mm_or_si128(_mm_cmplt_epi8(v, space),
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
		unsigned marks = (unsigned)_mm_movemask_epi8(mark);

		if (marks)
			return p + __builtin_ctz(marks);
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= ' ')
		p++;
	return p;
}

/* The string from `at` on, of which the text up to @p has nothing special in it. */
static bool
scan_special(struct json *j, char *p)
{
	bool high = false, escaped = false;

	for (; p < j->end && *p != '"'; p = skip_plain(p, j->end)) {
		size_t n = 1;

		if ((unsigned char)*p >= 0x80) {
			high = true;
		} else {
			n = *p == '\\' ? escape_len(p, j->end) : 0;
			escaped = true;
		}
		if (n == 0) {
			j->at = p;
			fail(j, STATUS_ERR_SYNTAX);
			return false;
		}
		p += n;
	}
	if (p >= j->end) {
		fail(j, STATUS_ERR_TRUNCATED);
		return false;
	}
	j->text = (struct str){ .p = j->at + 1, .n = (size_t)(p - j->at - 1) };
	j->escaped = escaped;
	if (high && !text_is_utf8(j->text)) {
		fail(j, STATUS_ERR_SYNTAX);
		return false;
	}
	j->at = p + 1;
	return true;
}

/*
 * Check the string whose opening quote is at `at` and go behind its closing one.
 * What lies between them is j->text.
 */
static inline bool
scan_string(struct json *j)
{
	char *p = skip_plain(j->at + 1, j->end);

	if (p >= j->end || *p != '"')
		return scan_special(j, p);
	j->text = (struct str){ .p = j->at + 1, .n = (size_t)(p - j->at - 1) };
	j->escaped = false;
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

/*
 * The code point of the \u escape at *@p, which is moved behind it (or behind the pair);
 * for half of a pair U+FFFD, and *@halves is set.
 */
static uint32_t
take_u(const char **p, const char *end, bool *halves)
{
	uint32_t hi = (uint32_t)hex4(*p + 2, end), lo = 0;

	*p += 6;
	if (hi < 0xd800 || hi > 0xdfff)
		return hi;
	if (hi <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u')
		lo = (uint32_t)hex4(*p + 2, end);
	if (lo < 0xdc00 || lo > 0xdfff) {
		*halves = true;
		return 0xfffd;
	}
	*p += 6;
	return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
}

size_t
json_unescape(char *to, size_t max, struct str raw, bool *ret_halves)
{
	static const char names[] = "bfnrt\"\\/", bytes[] = "\b\f\n\r\t\"\\/";
	const char *p = raw.p, *end = raw.p + raw.n;
	char *out = to;

	*ret_halves = false;
	while (p < end && (size_t)(out - to) + 4 <= max) {
		if (*p != '\\') {
			*out++ = *p++;
		} else if (p[1] == 'u') {
			uint32_t cp = take_u(&p, end, ret_halves);

			out = put_utf8(out, cp);
		} else {
			*out++ = bytes[strchr(names, p[1]) - names];
			p += 2;
		}
	}
	return (size_t)(out - to);
}

static void
unescape_in_place(struct json *j)
{
	bool halves;

	j->text.n = json_unescape(
		j->begin + (j->text.p - j->begin), SIZE_MAX, j->text, &halves);
}

static inline enum json_type
take_string(struct json *j)
{
	if (!scan_string(j))
		return JSON_ERROR;
	if (j->escaped && !j->keep)
		unescape_in_place(j);
	return JSON_STRING;
}

/* Keys are never written in place: a text must read the same twice with `keep`. */
static enum json_type
take_key(struct json *j)
{
	bool halves;

	if (!scan_string(j))
		return JSON_ERROR;
	if (j->escaped) {
		j->text.n = json_unescape(j->key, sizeof(j->key), j->text, &halves);
		j->text.p = j->key;
	}
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

/* Take one of the two. */
static bool
accept(struct json *j, char a, char b)
{
	if (j->at == j->end || (*j->at != a && *j->at != b))
		return false;
	j->at++;
	return true;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/*
 * How many of the next eight bytes are digits, and those, behind zeros, as one number:
 * pairs, pairs of pairs, and all. No branch depends on how many there are.
 */
static inline unsigned
eight_digits(const char *p, uint64_t *ret_v)
{
	uint64_t w, mark;
	unsigned n;

	memcpy(&w, p, sizeof(w));
	w ^= EACH('0');
	mark = ((w + EACH(0x76)) | w) & EACH(0x80);
	n = mark ? (unsigned)__builtin_ctzll(mark) / 8 : 8;
	w = n ? w << 8 * (8 - n) : 0;
	w = (w * 10 + (w >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	w = (w * 100 + (w >> 16)) & UINT64_C(0x0000ffff0000ffff);
	*ret_v = (w * 10000 + (w >> 32)) & UINT32_MAX;
	return n;
}
#else
static inline unsigned
eight_digits(const char *p, uint64_t *ret_v)
{
	unsigned n = 0;

	for (*ret_v = 0; n < 8 && p[n] >= '0' && p[n] <= '9'; n++)
		*ret_v = *ret_v * 10 + (uint64_t)(p[n] - '0');
	return n;
}
#endif

/* The length of a whole number of up to seven digits, or 0 when it is more than that. */
static inline unsigned
small_number(const char *p, const char *end, uint64_t *ret_v)
{
	unsigned n;

	if (end - p < 8)
		return 0;
	n = eight_digits(p, ret_v);
	return n > 7 || (n > 1 && *p == '0') || (p[n] | 0x20) == 'e' || p[n] == '.' ? 0
										    : n;
}

/* Take digits, as many as come, behind those of *@v. Returns how many. */
static size_t
digits(struct json *j, uint64_t *v)
{
	char *p = j->at;
	uint64_t eight;

	for (; j->end - p >= 8 && eight_digits(p, &eight) == 8; p += 8)
		*v = *v * 100000000 + eight;
	for (; p < j->end && *p >= '0' && *p <= '9'; p++)
		*v = *v * 10 + (uint64_t)(*p - '0');
	eight = (uint64_t)(p - j->at);
	j->at = p;
	return eight;
}

static enum json_type
take_any_number(struct json *j)
{
	char *from = j->at;
	bool plain = !accept(j, '-', '-');
	size_t whole = 1, places = 0;
	uint64_t v = 0;
	bool ok = true;

	if (!accept(j, '0', '0'))
		ok = (whole = digits(j, &v)) > 0;
	if (ok && accept(j, '.', '.'))
		ok = (places = digits(j, &v)) > 0;
	plain = plain && whole + places <= JSON_DIGITS_MAX;
	if (ok && accept(j, 'e', 'E')) {
		plain = false;
		accept(j, '+', '-');
		ok = digits(j, &v) > 0;
	}
	if (!ok)
		return fail(
			j, j->at == j->end ? STATUS_ERR_TRUNCATED : STATUS_ERR_SYNTAX);
	j->digits = plain ? v : JSON_NO_DIGITS;
	j->places = (uint8_t)(plain ? places : 0);
	j->text = (struct str){ .p = from, .n = (size_t)(j->at - from) };
	return JSON_NUMBER;
}

static inline enum json_type
take_number(struct json *j)
{
	unsigned n = small_number(j->at, j->end, &j->digits);

	if (n == 0)
		return take_any_number(j);
	j->places = 0;
	j->text = (struct str){ .p = j->at, .n = n };
	j->at += n;
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

/* Another one of as many as there may be. */
static inline bool
count_value(struct json *j)
{
	if (j->values_left > 0)
		return j->values_left--;
	fail(j, STATUS_ERR_TOO_BIG);
	return false;
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

static inline void
after_value(struct json *j)
{
	j->want = j->depth ? WANT_MORE_OR_CLOSE : WANT_NOTHING;
}

static inline enum json_type
close_container(struct json *j)
{
	j->at++;
	j->depth--;
	after_value(j);
	return JSON_CLOSE;
}

/* Take what json_peek() has told to be of type @t. */
static inline enum json_type
take(struct json *j, enum json_type t)
{
	switch (t) {
	case JSON_ERROR:
	case JSON_END:
		return t;
	case JSON_KEY:
		return take_key(j);
	case JSON_CLOSE:
		return close_container(j);
	default:
		break;
	}
	if (!count_value(j))
		return JSON_ERROR;
	if (t == JSON_OBJECT || t == JSON_ARRAY)
		return open_container(j, t);
	t = t == JSON_STRING   ? take_string(j)
	    : t == JSON_NUMBER ? take_number(j)
			       : take_word(j, t);
	after_value(j);
	return t;
}

enum json_type
json_next(struct json *j)
{
	return take(j, peek(j));
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

/* ------------------------------------------------------------ records */

/* Those of @n bytes that fall to the word at @from. */
static uint64_t
mask_of(size_t n, size_t from)
{
	static const char set[2 * sizeof(uint64_t)] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	size_t here = n > from ? MIN(n - from, sizeof(uint64_t)) : 0;
	uint64_t w;

	memcpy(&w, set + sizeof(w) - here, sizeof(w));
	return w;
}

/* Take a key the long way, and keep it unless it is too long. */
static bool
learn_key(struct json *j, struct json_records *k, const struct json_lead **ret_lead)
{
	struct json_lead *l = &k->lead[JSON_KEYS];
	char *from = j->at;
	int want = j->want;
	size_t n;

	if (json_next(j) != JSON_KEY)
		return false;
	skip_space(j);
	n = (size_t)(j->at - from);
	if (n <= sizeof(l->bytes))
		l = &k->lead[k->count < JSON_KEYS ? k->count++ : k->oldest++ % JSON_KEYS];
	*ret_lead = l;
	l->slot = k->slot_of(j->text);
	if (n > sizeof(l->bytes))
		return true;
	l->want = want;
	l->n = (uint32_t)n;
	memset(l->bytes, 0, sizeof(l->bytes));
	memcpy(l->bytes, from, n);
	for (unsigned i = 0; i < ARRAY_LEN(l->mask); i++)
		l->mask[i] = mask_of(n, i * sizeof(l->mask[i]));
	return true;
}

/* Take @l if that is what comes next, in a place where the grammar wants the same. */
static inline bool
take_lead(struct json *j, const struct json_lead *l)
{
	uint64_t a, b;

	/* Where less is left the long way is short. */
	if (l->want != j->want || j->end - j->at < (ptrdiff_t)sizeof(l->bytes))
		return false;
	memcpy(&a, j->at, sizeof(a));
	memcpy(&b, j->at + sizeof(a), sizeof(b));
	if (((a & l->mask[0]) ^ l->bytes[0]) | ((b & l->mask[1]) ^ l->bytes[1]))
		return false;
	j->at += l->n;
	j->want = WANT_VALUE;
	return true;
}

/* Take the key that comes next, another than was expected; or the end. */
static bool
find_key(struct json *j, struct json_records *k, const struct json_lead **ret_lead)
{
	if (j->at < j->end && *j->at == '}' &&
		(j->want == WANT_MORE_OR_CLOSE || j->want == WANT_KEY_OR_CLOSE)) {
		close_container(j);
		return false;
	}
	for (unsigned i = 0; i < k->count; i++)
		if (take_lead(j, &k->lead[i])) {
			*ret_lead = &k->lead[i];
			return true;
		}
	return learn_key(j, k, ret_lead);
}

/* Take a value of another kind than most are. */
static bool
take_other(struct json *j, struct json_value *v)
{
	enum json_type t = peek(j);
	const char *from = j->at;

	if (t == JSON_OBJECT || t == JSON_ARRAY) {
		json_skip(j);
		j->text = (struct str){ from, (size_t)(j->at - from) };
	} else {
		t = take(j, t);
	}
	*v = (struct json_value){ t, j->escaped, j->places, j->text, j->digits };
	return !j->status;
}

/*
 * Take the value of a member. What is just now written in two parts is slow to be read
 * as one, so nothing goes through *@j here.
 */
static inline bool
take_member(struct json *j, struct json_value *v)
{
	char *from = j->at, *p;

	if (from == j->end || j->values_left == 0)
		return take_other(j, v);
	if (*from == '"') {
		p = skip_plain(++from, j->end);
		if (p >= j->end || *p != '"')
			return take_other(j, v);
		v->type = JSON_STRING;
		v->escaped = false;
		j->at = p + 1;
	} else {
		p = from + small_number(from, j->end, &v->digits);
		v->places = 0;
		if (p == from) {
			if (value_type(j) != JSON_NUMBER)
				return take_other(j, v);
			if (take_any_number(j) != JSON_NUMBER)
				return false;
			v->digits = j->digits;
			v->places = j->places;
			p = j->at;
		}
		v->type = JSON_NUMBER;
		j->at = p;
	}
	v->text.p = from;
	v->text.n = (size_t)(p - from);
	j->values_left--;
	j->want = WANT_MORE_OR_CLOSE;
	return true;
}

bool
json_record(struct json *j, struct json_records *k, struct json_value *value,
	uint64_t *ret_present, bool *ret_twice)
{
	const uint64_t wanted = (UINT64_C(1) << k->slots) - 1;
	const struct json_lead *l = k->lead;
	uint64_t seen = 0, twice = 0, absent = 0;

	if (peek(j) != JSON_OBJECT)
		json_fail(j, STATUS_ERR_SYNTAX);
	if (j->status || !count_value(j) || open_container(j, JSON_OBJECT) != JSON_OBJECT)
		return false;
	/* Programs write the members in the same order each time, or nearly. */
	while (take_lead(j, l) || find_key(j, k, &l)) {
		uint64_t bit = UINT64_C(1) << l->slot;

		if (!take_member(j, &value[l->slot]))
			return false;
		twice |= seen & bit;
		seen |= bit;
		absent = value[l->slot].type == JSON_NULL ? absent | bit : absent;
		l += l != &k->lead[JSON_KEYS];
	}
	*ret_present = seen & ~absent & wanted;
	*ret_twice = twice & wanted;
	return !j->status;
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
