/*
 * diff - what is different between two pictures, edge by edge.
 *
 * A latency is compared at the highest percentile that both have samples enough for;
 * what may be chance is no difference. An edge without calls counts as not there.
 */
#ifndef WEIR_CMD_DIFF_H
#define WEIR_CMD_DIFF_H

#include "weir/core/filter.h"
#include "weir/core/snap.h"

/* In the order in which they are told: X(id, word) */
#define DIFF_CHANGE_LIST(X)     \
	X(FAILING, "failing")   \
	X(SLOWER, "slower")     \
	X(VANISHED, "vanished") \
	X(NEW, "new")           \
	X(FASTER, "faster")     \
	X(RECOVERED, "recovered")

enum diff_change {
#define X(id, word) DIFF_##id,
	DIFF_CHANGE_LIST(X)
#undef X
	DIFF_CHANGE_COUNT
};

const char *diff_change_word(enum diff_change c);

struct diff_row {
	enum diff_change change;
	const struct snap_edge *a, *b; /* NULL where it was not there */
	const char *src, *dst;
	enum flow_kind kind;
	const char *percentile; /* of SLOWER and FASTER: "p99", "p95", "p50" */
	int64_t a_us, b_us;
	double amount; /* how much of it: the greater the more */
};

struct diff {
	struct diff_row *row; /* by change, then the greatest first */
	uint32_t rows;
	uint32_t edges; /* that there were in either */
	uint32_t row_room;
};

/*
 * Compare @a with @b, both sorted as snap_sort() does; of the edges that match @f in
 * either (NULL: all). Fewer than @min_samples latencies are not compared. @ret_diff
 * borrows from both; diff_done() frees it.
 */
void diff_snaps(const struct snap *a, const struct snap *b, const struct filter *f,
	uint32_t min_samples, struct diff *ret_diff);
void diff_done(struct diff *d);

#endif
