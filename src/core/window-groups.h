/*
 * window-groups - what came as groups in a second so far, in the order it came in.
 *
 * A group stands as it came, in two arrays, until its second is over or there are many:
 * then those of each series are added up, series by series.
 */
#ifndef WEIR_CORE_WINDOW_GROUPS_H
#define WEIR_CORE_WINDOW_GROUPS_H

#include "window-run.h"

/* All-zero is empty. */
struct groups {
	struct buf bytes; /* a run whose series are in no order */
	uint64_t *key;    /* of each group the series, and where it begins */
	uint32_t n, room;
	size_t summed; /* so many bytes are in the sums or need not be */
};

/* Append a group. @fold is empty. */
void groups_add(struct groups *g, struct fold *fold, uint32_t series,
	const struct totals *t, const uint16_t *bucket, const uint32_t *count,
	unsigned n);

/* Append those of @from. */
void groups_move(struct groups *to, const struct groups *from);

/*
 * A run like them, which the caller owns, with one group for each series. They are
 * forgotten.
 */
struct run groups_pack(struct groups *g, struct fold *fold);

void groups_done(struct groups *g);

/* What is not in the sums yet, to be put there now. */
struct run_cursor groups_unsummed(struct groups *g);

/* The groups as a run that is borrowed; an empty one has no bytes. */
struct run groups_run(const struct groups *g);

/* Bytes held. */
static inline size_t
groups_bytes(const struct groups *g)
{
	return g->bytes.cap + g->room * sizeof(*g->key);
}

static inline bool
groups_are_summed(const struct groups *g)
{
	return g->summed == g->bytes.n;
}

static inline void
groups_set_summed(struct groups *g)
{
	g->summed = g->bytes.n;
}

#endif
