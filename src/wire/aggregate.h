/*
 * aggregate - flows added up per edge, operation and second, to be sent as deltas.
 *
 * Booking the deltas is booking the flows: latencies are counted in the buckets of
 * hist.h, apart for those that callers, callees and queues saw. Of each delta three
 * flows are kept with their ids: the slowest, the newest that failed, and one by
 * chance. All-zero is empty and valid.
 */
#ifndef WEIR_SRC_WIRE_AGGREGATE_H
#define WEIR_SRC_WIRE_AGGREGATE_H

#include "dict.h"
#include "weir/wire/wire.h"

#define AGGREGATE_FLOWS_MAX 100000 /* in one period */

struct aggregate {
	struct dict texts, keys;
	struct sums *sums; /* by key */
	uint32_t room;
	uint64_t *item; /* key, kind of latency and bucket, of each latency */
	uint64_t *scratch;
	uint32_t items, items_room;
	uint32_t flows;
	uint64_t chance;
};

void aggregate_done(struct aggregate *a);

/* False when @f cannot be added up and must travel alone, or there is no more room. */
bool aggregate_add(struct aggregate *a, const struct flow *f);

/* Hand out what there is as deltas, of which each tells its events, and be empty. */
void aggregate_finish(struct aggregate *a, wire_event_fn fn, void *ctx);

#endif
