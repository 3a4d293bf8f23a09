/*
 * baselines - what has been learnt of normal, in a file between runs (--state).
 *
 * Read before the first event, written once a minute and at the end. A file that cannot
 * be used (another program's, damaged, of a newer weir) is never written over: weir says
 * so once and goes on without.
 *
 * There is no default place: edges are recognised by their names, and two systems (a
 * staging and a production one) often have the same. Who has one system names a file in
 * the configuration.
 */
#ifndef WEIR_CMD_BASELINES_H
#define WEIR_CMD_BASELINES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/core/verdict.h"

#define BASELINES_EVERY_US (60 * INT64_C(1000000))

/* All zero keeps nothing. */
struct baselines {
	char *path;      /* NULL: nothing is kept */
	int64_t next_us; /* when to write next, by the caller's clock */
	bool failing;    /* the last write failed, which has been said */
};

/*
 * Hand what @path holds to @v, which has seen nothing yet; @now_us is the time that the
 * events will speak of. Without a file it begins with nothing. When the file cannot be
 * used or written, @d says why, and nothing will be kept.
 */
enum status baselines_open(struct baselines *b, const char *path, struct verdict *v,
	int64_t now_us, struct diag *d);

/* Write now. STATUS_OK when there is nothing to keep; a fault is told in @d only once. */
enum status baselines_save(
	struct baselines *b, const struct verdict *v, int64_t now_us, struct diag *d);

void baselines_done(struct baselines *b);

#endif
