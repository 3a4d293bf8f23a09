/*
 * promdelta - counters of many processes become what each edge did between two scrapes.
 *
 * The samples themselves are asked for, not rates: each difference of two neighbouring
 * samples of a series is what happened between these two scrapes, exactly. A value that
 * falls is a process that began again at 0. Differences are taken series by series and
 * only then added up, so that one restart among ten pods hides nothing.
 *
 * A series that is seen for the first time gives nothing, as what it holds may be years
 * old; unless its target was scraped before without it, for then all of it is new: so
 * the first failure of a day is seen.
 *
 * A round is all answers of one poll. It counts only when promdelta_end() is called; a
 * round that is begun again forgets what was told in it.
 */
#ifndef WEIR_SRC_INPUT_PROMDELTA_H
#define WEIR_SRC_INPUT_PROMDELTA_H

#include "prom-queries.h"
#include "weir/input/rename.h"

struct promdelta;

#define PROMDELTA_FORGET_US INT64_C(300000000) /* a series that is not seen */

struct promdelta_counts {
	uint64_t samples;  /* that were new */
	uint64_t deltas;   /* emitted */
	uint64_t first;    /* series seen for the first time, that gave nothing */
	uint64_t resets;   /* counters that began again */
	uint64_t nameless; /* series without both ends */
	uint64_t overflow; /* series there was no room for */
	uint32_t series;   /* known now */
};

/* @query must outlive it. @max_series 0: 500000. */
struct promdelta *promdelta_new(const struct prom_query *const *query, unsigned queries,
	const struct rename *alias, uint32_t max_series);
void promdelta_free(struct promdelta *p);

void promdelta_begin(struct promdelta *p);

/* A series of the answer to query @q. Its text must be valid until promdelta_end(). */
void promdelta_series(struct promdelta *p, unsigned q, const struct prom_series *s);

/*
 * The round is complete, but for what the server itself says is missing (@partial:
 * then nothing that shows up next time is taken for new). Emits the deltas with
 * @shift_us added to their times, and forgets what was not seen for long before
 * @at_us, the time of the round.
 */
void promdelta_end(struct promdelta *p, int64_t at_us, bool partial, int64_t shift_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx);

void promdelta_counts(const struct promdelta *p, struct promdelta_counts *ret_counts);

#endif
