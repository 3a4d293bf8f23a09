/*
 * filter - the expression language of `/`, --filter, --fail-on and saved views.
 *
 * Terms joined by space (and), `|` (or), `!` (not), parentheses: `name` or
 * `/regex/` on either end, `a->b` for both; `src:X dst:X op:X group:X kind:db`;
 * `p99>500ms err>=1% rate<10/s n>100`; `sev:warn sev:crit sev>=warn`; `errors`,
 * `verdict` (a cause is named there), `anomaly` (not as usual), each also with a kind,
 * `verdict:latency`, `anomaly:silent`.
 * Numbers to compare: p50 p95 p99 max server queue (durations, the latter two are
 * p99s), err (share), rate, n (calls), in, out (bytes, summed up over the window). Durations
 * us ms s m h; k, M and G after a plain number.
 *
 * A plain name matches as a case-insensitive substring, a regex is a POSIX extended
 * one. Quotes ("...") take all special meaning from what is in them. `op:` is true
 * when one operation of the edge matches. `kind:` takes the kinds of conversations
 * and those of nodes (db queue external service, at either end). A term on a value
 * that is unknown is false.
 */
#ifndef WEIR_CORE_FILTER_H
#define WEIR_CORE_FILTER_H

#include <stdbool.h>

#include "weir/base/status.h"
#include "weir/core/snap.h"

struct filter;

/*
 * Compile @text; the empty text matches all. NULL on a mistake, with the place and the
 * nearest right word in @d (which may be NULL).
 */
struct filter *filter_new(const char *text, struct diag *d);
void filter_free(struct filter *f);

/* Does edge @i of @s match? */
bool filter_match(const struct filter *f, const struct snap *s, uint32_t i);

/*
 * Copy into @to what of @from matches: the matching edges, and the nodes at their
 * ends. Headline, quality and window stay; sev_count is of the nodes that are left.
 * NULL @f matches all. @to may be @from.
 */
void filter_apply(const struct filter *f, const struct snap *from, struct snap *to);

#endif
