/*
 * filter - the expression language of `/`, --filter, --fail-on and saved views.
 *
 * Terms joined by space (and), `|` (or), `!` (not), parentheses: `name` or
 * `/regex/` on either end; `src:X dst:X op:X kind:db`; `p99>500ms err>=1%
 * rate<10/s n>100`; `sev:warn sev:crit`; `errors`. Durations us ms s m h.
 * A plain name matches as a case-insensitive substring. A term on a value that is
 * unknown is false.
 */
#ifndef WEIR_CORE_FILTER_H
#define WEIR_CORE_FILTER_H

#include <stdbool.h>

#include "weir/base/status.h"
#include "weir/core/snap.h"

struct filter;

/* Compile @text. NULL on a mistake, with the place and the nearest right word in @d. */
struct filter *filter_new(const char *text, struct diag *d);
void filter_free(struct filter *f);

/* Does edge @i of @s match? */
bool filter_match(const struct filter *f, const struct snap *s, uint32_t i);

/*
 * Copy into @to what of @from matches: the matching edges, and the nodes at their
 * ends. Headline, quality and window stay. NULL @f matches all.
 */
void filter_apply(const struct filter *f, const struct snap *from, struct snap *to);

#endif
