/*
 * json-out - JSON text written piece by piece, indented for people to read too.
 *
 * Members come in the order in which they are put. @key is the member's in an object,
 * written as it is, and NULL in an array or for the whole. Nothing is checked: text must
 * be UTF-8, and each container be closed. The form is that of cJSON_Print().
 */
#ifndef WEIR_BASE_JSON_OUT_H
#define WEIR_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"

#define JSON_OUT_DEPTH 64

/* All zero but @out. */
struct json_out {
	struct buf *out;
	unsigned depth;
	uint64_t arrays; /* a bit a level: is it an array */
	uint64_t filled; /* a bit a level: is something in it */
};

void json_out_object(struct json_out *o, const char *key);
void json_out_array(struct json_out *o, const char *key);
void json_out_close(struct json_out *o); /* the innermost of those */

void json_out_text(
	struct json_out *o, const char *key, const char *text); /* NULL: null */
void json_out_whole(struct json_out *o, const char *key, int64_t v);
void json_out_known(struct json_out *o, const char *key, int64_t v); /* below 0: null */
void json_out_bool(struct json_out *o, const char *key, bool v);
void json_out_null(struct json_out *o, const char *key);

/* At most @decimals (0 to 6), without trailing zeros; null when it is no number. */
void json_out_real(struct json_out *o, const char *key, double v, unsigned decimals);

#endif
