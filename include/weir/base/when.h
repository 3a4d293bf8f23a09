/*
 * when - points in time as logs and programs write them.
 *
 * Microseconds since 1970; times before it are refused. 60 is a leap second: the
 * first moment of the next minute.
 */
#ifndef WEIR_BASE_WHEN_H
#define WEIR_BASE_WHEN_H

#include <stdint.h>

#include "weir/base/str.h"

/* RFC 3339, e.g. `2026-01-05T14:02:31.25+01:00` (a space may stand for the T). */
bool when_rfc3339(struct str s, int64_t *ret_us);

/* As Apache, nginx and HAProxy write it: `22/Nov/2026:23:24:40 +0000`, fraction allowed. */
bool when_clf(struct str s, int64_t *ret_us);

#endif
