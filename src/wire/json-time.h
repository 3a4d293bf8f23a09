/*
 * json-time - points in time in JSON: a number of any usual unit, or RFC 3339.
 */
#ifndef WEIR_SRC_WIRE_JSON_TIME_H
#define WEIR_SRC_WIRE_JSON_TIME_H

#include "json-scan.h"

/* False when @v is no time; @scratch as for json_text(). */
bool json_time(const struct json_value *v, struct buf *scratch, int64_t *ret_us);

#endif
