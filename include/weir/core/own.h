/*
 * own - what of a request its callee did by itself, and how long its calls held it up.
 *
 * The calls of a trace come in any order, and those made within a request often after it:
 * SDKs send every few seconds, and an agent keeps a half until the other one has come. So
 * each request that was served waits for the calls that name it as their parent, directly
 * or through internal spans, a bit longer than calls were late in the last half minute
 * (16 s until that is known). Then its own time is told: what it took less the time in
 * which some call was open. And of each call how long it blocked: where calls overlap, the
 * one that ended last is the one that was waited for.
 *
 * Calls of one request are timed by one clock, their caller's; the request's own length by
 * another. So only lengths are compared across the two.
 *
 * A sample: of many traces a share is followed, each of them whole. Bounded; when there is
 * no room, fewer are. Time is an argument.
 */
#ifndef WEIR_CORE_OWN_H
#define WEIR_CORE_OWN_H

#include "weir/core/flow.h"

struct own;

/* Whose time it is; the caller's numbers, handed back as they are. */
struct own_edge {
	uint32_t src, dst;
	enum flow_kind kind;
	enum flow_origin origin;
};

struct own_time {
	struct own_edge edge;
	int64_t end_us;
	int64_t self_us, blocked_us; /* one of them, the other FLOW_UNKNOWN */
	uint32_t weight;
};

typedef void (*own_emit_fn)(void *ctx, const struct own_time *t);

struct own *own_new(own_emit_fn emit, void *ctx);
void own_free(struct own *o);

/* A call, which ended at @end_us in the caller's time; @f without ids is no matter. */
void own_flow(struct own *o, const struct flow *f, int64_t end_us,
	const struct own_edge *edge, int64_t now_us);

/* An internal span: calls made in it are made in the one around it. */
void own_work(struct own *o, const struct flow_ids *ids, int64_t now_us);

/* Tell of what has waited long enough. */
void own_tick(struct own *o, int64_t now_us);

size_t own_bytes(const struct own *o);

#endif
