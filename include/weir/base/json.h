/*
 * json - a strict reader of RFC 8259 text: pulled, no tree, no allocation.
 *
 * The whole text lies in memory and is walked once. Strings are unescaped where
 * they stand, so the text must be writable (see json_init) and what is handed out
 * is valid as long as it. Numbers stay text: 64-bit integers are exact.
 *
 * Nothing is guessed: trailing commas, comments, leading zeros, raw controls, bytes
 * that are no UTF-8 and anything behind the one value are errors. A lone surrogate
 * escape becomes U+FFFD (SDKs cut strings in the middle of a pair), and a NUL escape a
 * NUL byte. A repeated key is reported each time it stands there; what that means is
 * the reader's business.
 *
 * After the first error every call reports it and reads nothing more.
 */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

#define JSON_MAX_DEPTH 64
#define JSON_KEY_MAX 128 /* escaped keys are compared up to here */

enum json_type {
	JSON_ERROR, /* json_status() says which */
	JSON_END,   /* behind the one value */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_CLOSE, /* of the container one is in */
	JSON_KEY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

/*
 * In the caller's storage; a plain copy of it is a bookmark to read on from again,
 * provided that what lies between was only skipped.
 */
struct json {
	char *at, *begin, *end;
	uint64_t objects; /* one bit a level: is it an object */
	unsigned depth;
	int want;             /* private: what may stand at `at` */
	uint32_t values_left; /* ERR_TOO_BIG when used up */
	bool keep;            /* leave strings as they stand, escapes and all */
	enum status status;
	struct str text; /* of the last KEY, STRING or NUMBER */
	char key[JSON_KEY_MAX];
};

/*
 * Read @n bytes at @text, at most @max_values of it. With @keep the text is not
 * written to and strings come out as they stand between the quotes: for a first look
 * that judges a text before anything is made of it.
 */
void json_init(struct json *j, char *text, size_t n, uint32_t max_values, bool keep);

/* What comes next, without taking it. */
enum json_type json_peek(struct json *j);

/* Take it. j->text holds the content of a KEY, STRING or NUMBER. */
enum json_type json_next(struct json *j);

/* Take the next value, whatever it is, and check it. Writes nothing. */
void json_skip(struct json *j);

/*
 * json_enter(): true when the next value is a container of type @t, which is then
 * entered. A null is taken and counts as absent; anything else is ERR_SYNTAX.
 * Then json_key() (objects) or json_item() (arrays) is true while there is more; after
 * each the value must be taken. Both leave the container when they return false.
 */
bool json_enter(struct json *j, enum json_type t);
bool json_key(struct json *j, struct str *ret_key);
bool json_item(struct json *j);

/* ERR_SYNTAX unless everything was read and nothing is behind it. */
enum status json_finish(struct json *j);

static inline enum status
json_status(const struct json *j)
{
	return j->status;
}

/* Fail with @s: a value had the wrong form for its reader. */
void json_fail(struct json *j, enum status s);

/* Bytes before the place reading has come to (of an error, if there was one). */
size_t json_offset(const struct json *j);

/* The whole of @s as an integer: decimal, no fraction; false when it is none or too big. */
bool json_int64(struct str s, int64_t *ret_v);
bool json_uint64(struct str s, uint64_t *ret_v);

/* The whole of @s as a finite number. */
bool json_double(struct str s, double *ret_v);

#endif
