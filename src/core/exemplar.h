/*
 * exemplar - a few requests of an edge worth looking at.
 *
 * The slowest, the newest failed, and some of the newest second that ids, which are
 * random, choose: of those that carry a trace id. What is kept depends on the requests
 * alone, not on the order of their arrival. Most are turned away by one comparison.
 */
#ifndef WEIR_CORE_EXEMPLAR_H
#define WEIR_CORE_EXEMPLAR_H

#include <string.h>

#include "weir/core/snap.h"

#define EXEMPLARS_EACH 4

struct exemplar {
	struct snap_exemplar x;
	int64_t at_us; /* in the model's time */
};

struct exemplar_list {
	uint8_t n, least; /* index of the one to go first */
	struct exemplar kept[EXEMPLARS_EACH];
};

/* Of a list that is full; while it is not, whatever may be in it reaches both. */
struct exemplar_bar {
	int64_t oldest_us; /* at_us of the oldest */
	int64_t least;     /* whoever has less than this is not kept */
};

/*
 * Nearly all are turned away by the bars, which stand in one cache line. That of the
 * newest is the end of the second that the least of them is of; who is no newer than
 * that needs greater ids as well.
 */
struct exemplars {
	_Alignas(64) struct exemplar_bar slow, failed, recent;
	uint64_t recent_ids; /* those of the least begin with this */
	struct exemplar_list slow_list, failed_list, recent_list;
};

struct exemplars *exemplars_new(void); /* ends with free() */

/* The first eight bytes of ids as a number that is in the order of the bytes. */
static inline uint64_t
exemplar_ids(const struct flow_ids *ids)
{
	uint64_t n;

	memcpy(&n, ids->trace, sizeof(n));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	n = __builtin_bswap64(n);
#endif
	return n;
}

static inline bool
exemplar_has_trace(const struct flow_ids *ids)
{
	uint64_t half[2];

	memcpy(half, ids->trace, sizeof(half));
	return half[0] | half[1];
}

static inline bool
exemplar_is_below(const struct exemplar_bar *b, int64_t what, int64_t from_us)
{
	return what < b->least && b->oldest_us >= from_us;
}

/* False when exemplars_add() would certainly not keep it. */
static inline bool
exemplars_want(const struct exemplars *all, const struct flow_ids *ids, int64_t end_us,
	int64_t latency_us, bool failed, int64_t from_us)
{
	return !exemplar_is_below(&all->slow, latency_us, from_us) ||
	       !exemplar_is_below(&all->recent, end_us, from_us) ||
	       exemplar_ids(ids) >= all->recent_ids ||
	       (failed && !exemplar_is_below(&all->failed, end_us, from_us));
}

/* Offer one; those before @from_us make room first. */
void exemplars_add(struct exemplars *all, const struct exemplar *e, int64_t from_us);

/* Append those since @from_us to the newest edge of @snap, each once. */
void exemplars_list(const struct exemplars *all, int64_t from_us, struct snap *snap);

#endif
