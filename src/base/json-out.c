#include "config.h"

#include "weir/base/json-out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"

static uint64_t
level_bit(const struct json_out *o)
{
	return UINT64_C(1) << (o->depth - 1);
}

static char *
put_line(char *to, unsigned depth)
{
	*to = '\n';
	memset(to + 1, '\t', depth);
	return to + 1 + depth;
}

static char *
put_key(char *to, const char *key, size_t n)
{
	*to++ = '"';
	memcpy(to, key, n);
	memcpy(to + n, "\":\t", 3);
	return to + n + 3;
}

/* What stands before a value. */
static void
begin(struct json_out *o, const char *key)
{
	size_t n = key ? strlen(key) : 0;
	char *to = buf_reserve(o->out, n + o->depth + 8);

	if (o->depth > 0) {
		bool filled = o->filled & level_bit(o);
		bool array = o->arrays & level_bit(o);

		if (filled)
			*to++ = ',';
		if (filled && array)
			*to++ = ' ';
		if (!array)
			to = put_line(to, o->depth);
		o->filled |= level_bit(o);
	}
	if (key)
		to = put_key(to, key, n);
	o->out->n = (size_t)(to - o->out->p);
}

static void
enter(struct json_out *o, const char *key, char bracket)
{
	begin(o, key);
	if (o->depth == JSON_OUT_DEPTH)
		die("JSON of more than %d levels", JSON_OUT_DEPTH);
	o->depth++;
	o->filled &= ~level_bit(o);
	if (bracket == '[')
		o->arrays |= level_bit(o);
	else
		o->arrays &= ~level_bit(o);
	buf_addc(o->out, bracket);
}

void
json_out_object(struct json_out *o, const char *key)
{
	enter(o, key, '{');
}

void
json_out_array(struct json_out *o, const char *key)
{
	enter(o, key, '[');
}

void
json_out_close(struct json_out *o)
{
	bool array = o->arrays & level_bit(o);

	o->depth--;
	if (!array) {
		put_line(buf_reserve(o->out, o->depth + 1), o->depth);
		o->out->n += o->depth + 1;
	}
	buf_addc(o->out, array ? ']' : '}');
}

void
json_out_text(struct json_out *o, const char *key, const char *text)
{
	static const char letter[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	const char *from = text;

	if (!text) {
		json_out_null(o, key);
		return;
	}
	begin(o, key);
	buf_addc(o->out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		buf_add(o->out, from, (size_t)(text - from));
		from = text + 1;
		if (c < ' ' && !letter[c])
			buf_addf(o->out, "\\u%04x", c);
		else
			buf_add(o->out,
				(const char[]){ '\\', c < ' ' ? letter[c] : (char)c }, 2);
	}
	buf_add(o->out, from, (size_t)(text - from));
	buf_addc(o->out, '"');
}

static void
put_word(struct json_out *o, const char *key, const char *word)
{
	begin(o, key);
	buf_adds(o->out, word);
}

void
json_out_bool(struct json_out *o, const char *key, bool v)
{
	put_word(o, key, v ? "true" : "false");
}

void
json_out_null(struct json_out *o, const char *key)
{
	put_word(o, key, "null");
}

void
json_out_whole(struct json_out *o, const char *key, int64_t v)
{
	char text[20], *p = text + sizeof(text);
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;

	begin(o, key);
	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		*--p = '-';
	buf_add(o->out, p, (size_t)(text + sizeof(text) - p));
}

void
json_out_known(struct json_out *o, const char *key, int64_t v)
{
	if (v < 0)
		json_out_null(o, key);
	else
		json_out_whole(o, key, v);
}

void
json_out_real(struct json_out *o, const char *key, double v, unsigned decimals)
{
	char text[64];
	size_t n;

	if (!isfinite(v) || fabs(v) > 1e15) {
		json_out_null(o, key);
		return;
	}
	n = (size_t)snprintf(text, sizeof(text), "%.*f", (int)decimals, v);
	if (decimals > 0) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	text[n] = '\0';
	put_word(o, key, strcmp(text, "-0") == 0 ? "0" : text);
}
