/*
 * json-time - points in time in JSON: a number of any usual unit, or RFC 3339.
 */
#ifndef WEIR_SRC_WIRE_JSON_TIME_H
#define WEIR_SRC_WIRE_JSON_TIME_H

#include "weir/base/json.h"

/* From a number, or from a text. False when it is no time. */
bool json_time_number(const struct json_value *v, int64_t *ret_us);
bool json_time_text(struct str s, int64_t *ret_us);

#endif
