/*
 * sentence - a cause in one true sentence.
 *
 *   payment → postgres UPDATE accounts: p99 1.8 s, 12× its baseline (n=412); explains
 *   93 % of gateway → checkout; since 14:02:10; 3 log lines "still waiting for ShareLock"
 *
 * Says only what struct verdict_cause holds, and the evidence that it is given. No full
 * stop, no newline. It is made of clauses, so that where columns are few the least
 * important ones are left out and no word is cut.
 */
#ifndef WEIR_CORE_SENTENCE_H
#define WEIR_CORE_SENTENCE_H

#include "weir/core/verdict.h"

#define SENTENCE_BYTES 480
#define SENTENCE_CLAUSES 16
#define SENTENCE_NAME 48 /* columns of a name in it at most */

/* All zero is an empty one. */
struct sentence {
	char text[SENTENCE_BYTES];
	uint32_t n, clauses;
	struct {
		uint16_t end; /* in text; it begins where the one before it ends */
		uint8_t rank; /* 0: never left out; else the greater, the sooner */
	} clause[SENTENCE_CLAUSES];
};

/* Add a clause, punctuation before it included; left out whole when there is no room. */
void sentence_add(struct sentence *s, unsigned rank, struct str clause);

/*
 * Append what of @s fits in @width columns: the most important clauses that do. The first
 * one is shortened in its middle where even what is never left out does not fit.
 */
void sentence_fit(const struct sentence *s, int width, struct buf *out);

struct sentence_style {
	bool ascii;       /* "->" and "x" */
	int utc_offset_s; /* of the time of day that is told */
	/* What else is known, as log lines: each is a clause as it is. Clean text. */
	const char *const *evidence;
	uint32_t evidences;
};

/* Put the sentence on @c into @ret. Names are asked of @o, as in verdict_options. */
void sentence_write(struct sentence *ret, const struct verdict_cause *c,
	const struct verdict_options *o, const struct sentence_style *style);

/* The same of an entry of the timeline: `payment → postgres: latency begins, p99 1.8 s`. */
void sentence_event(struct sentence *ret, const struct verdict_event *e,
	const struct verdict_options *o, const struct sentence_style *style);

#endif
