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
#define JSON_DIGITS_MAX 18
#define JSON_NO_DIGITS UINT64_MAX

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
	bool escaped;         /* the last KEY or STRING had escapes */
	enum status status;
	struct str text; /* of the last KEY, STRING or NUMBER */
	/*
	 * A NUMBER of at most JSON_DIGITS_MAX digits, without sign and exponent: all its
	 * digits, of which so many stand behind the point. Else JSON_NO_DIGITS.
	 */
	uint64_t digits;
	uint8_t places;
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

/* A value as it stands in the text. */
struct json_value {
	enum json_type type;
	bool escaped;    /* of a STRING */
	uint8_t places;  /* of a NUMBER, as in struct json */
	struct str text; /* of a container all of it */
	uint64_t digits; /* of a NUMBER */
};

/*
 * Objects that are much alike, each key of which has a slot. What a comma, a key and a
 * colon were once read from, up to 16 bytes, is known again where it comes again, in a
 * place where the grammar allows the same.
 */
#define JSON_KEYS 32 /* known again; any more are read the long way */
struct json_records {
	unsigned (*slot_of)(
		struct str key); /* below `slots`, or that when nobody wants it */
	unsigned slots;          /* at most 63 */
	/* Zero at first, and private. */
	struct json_lead {
		uint64_t bytes[2], mask[2];
		uint32_t n;
		int want;
		unsigned slot;
	} lead[JSON_KEYS + 1];
	unsigned count, oldest;
};

/*
 * Take an object, and leave the value of each key in its slot of @value, which has one
 * more for those that nobody wants. *ret_present has a bit for each slot that was
 * filled, where null counts as absent; *ret_twice is true when a key came twice.
 */
bool json_record(struct json *j, struct json_records *k, struct json_value *value,
	uint64_t *ret_present, bool *ret_twice);

/*
 * Write what stands for checked @raw, escapes undone, to @to: at most @max bytes.
 * Returns the length, which is never more than that of @raw; @to may be @raw. *ret_halves
 * tells whether there was half of a surrogate pair in it.
 */
size_t json_unescape(char *to, size_t max, struct str raw, bool *ret_halves);

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
