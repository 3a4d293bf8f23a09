/*
 * json-scan - a strict walk over JSON text, member by member, without a tree.
 *
 * It accepts exactly what RFC 8259 does, with limits: nesting of JSON_MAX_DEPTH,
 * values in all, valid UTF-8, no NUL in strings. Values are borrowed slices of the
 * text. cJSON turns into numbers and text what is more than a copy of its literal
 * (escapes, exponents) and builds the trees of nested values; it only ever sees text
 * that has passed here, so where it is lax does not matter.
 */
#ifndef WEIR_SRC_WIRE_JSON_SCAN_H
#define WEIR_SRC_WIRE_JSON_SCAN_H

#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"

#define JSON_MAX_DEPTH 64
#define JSON_MAX_VALUES 200000

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_value {
	enum json_type type;
	bool escaped;    /* a string with backslashes: json_text() undoes them */
	struct str text; /* the literal; of a string, what is between the quotes */
};

struct json_scan {
	const char *p, *end;
	uint32_t values; /* still allowed */
	unsigned depth;  /* of objects and arrays entered by the caller */
	enum status status;
};

void json_scan_init(struct json_scan *s, struct str text);

/* Take white space; is there more text? */
bool json_more(struct json_scan *s);

/* Take @c, after white space, when it is next. */
bool json_take(struct json_scan *s, char c);

/* Take one whole value. False, with s->status set, when there is none. */
bool json_value(struct json_scan *s, struct json_value *ret_value);

/* Walk an object: open, then members until false. At its end s->status is still OK. */
bool json_object(struct json_scan *s);
bool json_member(struct json_scan *s, bool first, struct json_value *ret_key,
	struct json_value *v);

/*
 * The text of a string value, without escapes: the slice itself, or a copy in
 * @scratch, where room for it must have been reserved (so that earlier slices stay).
 * False when an escape is half of a surrogate pair.
 */
bool json_text(const struct json_value *v, struct buf *scratch, struct str *ret_text);

/* The value of a number literal. False when it is not finite or absurdly long. */
bool json_finite(struct str s, double *ret_number);

/* A decimal number exactly, down to 1e-9; more digits are cut off. */
struct decimal {
	bool negative;  /* and not zero */
	uint64_t whole; /* saturated: then overflow is set */
	uint32_t nano;
	bool overflow;
};

/* From a number literal in JSON's grammar. False when @s is none. */
bool json_decimal(struct str s, struct decimal *ret_number);

/* @d times @scale (a power of ten up to 1e9), rounded; false when over @max or negative. */
bool decimal_scaled(
	const struct decimal *d, uint32_t scale, uint64_t max, uint64_t *ret_number);

#endif
