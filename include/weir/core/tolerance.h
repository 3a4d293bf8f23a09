/*
 * tolerance - what an operator puts up with on an edge.
 *
 * Rules for `a->b`, where either side may be `*` or hold it (`cart-*`). Of those that fit
 * an edge the one that says most about the names counts, of equals the last. A rule has
 * limits for p99 and for the share of failures, and may say which codes are failures
 * here: in HTTP's and gRPC's words, `404`, `4xx`, `NOT_FOUND`.
 *
 * Codes are judged request by request; of what was added up before it came here (deltas)
 * they are not known, and failures are those its source told.
 */
#ifndef WEIR_CORE_TOLERANCE_H
#define WEIR_CORE_TOLERANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/flow.h"

#define TOLERANCE_CODES 16 /* of a rule, each way */
#define TOLERANCES_MAX 1000

struct tolerance_rule;
struct tolerances;

/* A limit that nobody set is 0. */
struct tolerance {
	int64_t p99_us;
	double error_ratio;
};

struct tolerances *tolerances_new(void);
void tolerances_free(struct tolerances *t);

/*
 * The rule for exactly @edge, made if there is none yet. NULL with @d when that is no
 * `a->b`, or when there are too many.
 */
struct tolerance_rule *tolerances_rule(
	struct tolerances *t, const char *edge, struct diag *d);

void tolerance_set_limits(struct tolerance_rule *r, const struct tolerance *limits);
const struct tolerance *tolerance_limits(const struct tolerance_rule *r);

/*
 * @codes, separated by blanks or commas, are failures (@failed) or none; those that were
 * before no longer. @d says which is no code.
 */
enum status tolerance_set_codes(
	struct tolerance_rule *r, const char *codes, bool failed, struct diag *d);

/* To list them: what rule @i says, as it would be written. */
uint32_t tolerances_count(const struct tolerances *t);
void tolerances_show(const struct tolerances *t, uint32_t i, struct buf *out);

/* The rule for an edge, or NULL; @t may be NULL. */
const struct tolerance_rule *tolerances_find(
	const struct tolerances *t, const char *src, const char *dst);

/* Is @f a failure by @r, which may be NULL? */
bool tolerance_fails(const struct tolerance_rule *r, const struct flow *f);

#endif
