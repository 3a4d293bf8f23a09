/*
 * sentence - a cause in one true sentence.
 *
 *   payment → postgres UPDATE accounts: p99 1.8 s, 12× its baseline (n=412); explains
 *   93 % of gateway → checkout; since 14:02:10
 *
 * Says only what struct verdict_cause holds. No full stop, no newline.
 */
#ifndef WEIR_CORE_SENTENCE_H
#define WEIR_CORE_SENTENCE_H

#include "weir/core/verdict.h"

struct sentence_style {
	bool ascii;       /* "->" and "x" */
	int utc_offset_s; /* of the time of day that is told */
	/* What else is known, as log lines: each is appended as it is. Clean text. */
	const char *const *evidence;
	uint32_t evidences;
};

/* Append the sentence on @c. Names are asked of @o, as in verdict_options. */
void sentence_write(struct buf *out, const struct verdict_cause *c,
	const struct verdict_options *o, const struct sentence_style *style);

/* Append what an entry of the timeline says: `payment → postgres: latency opened...`. */
void sentence_event(struct buf *out, const struct verdict_event *e,
	const struct verdict_options *o, const struct sentence_style *style);

#endif
