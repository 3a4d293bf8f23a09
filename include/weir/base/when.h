/*
 * when - points in time as logs and programs write them.
 *
 * Microseconds since 1970; times before it are refused. 60 is a leap second: the
 * first moment of the next minute.
 */
#ifndef WEIR_BASE_WHEN_H
#define WEIR_BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/str.h"

/* RFC 3339, e.g. `2026-01-05T14:02:31.25+01:00` (a space may stand for the T). */
bool when_rfc3339(struct str s, int64_t *ret_us);

/* As Apache, nginx and HAProxy write it: `22/Nov/2026:23:24:40 +0000`, fraction allowed. */
bool when_clf(struct str s, int64_t *ret_us);

/*
 * Add @us to @out as RFC 3339 has it, in UTC and with that many @digits of a second (0 to
 * 6; what is finer is cut off). False, and nothing is added, for what no calendar has.
 */
bool when_put_rfc3339(struct buf *out, int64_t us, unsigned digits);

#endif
