/*
 * model - all that weir knows: names, nodes, edges, operations, rolling windows.
 *
 * One thread owns it. Time is an argument: model_advance() moves the window,
 * nothing reads a clock. Everything a peer can grow has a limit in struct
 * model_limits; what is over a limit is folded into "(other)" with its numbers
 * intact, and counted.
 *
 * Where two origins see the same calls, an edge shows one of them, never their sum:
 * of those with at least nine tenths of the most calls the one with the most
 * latencies that are not mere bounds. All of them are in snap.view.
 *
 * Calls whose kind nobody told are shown by the edge of known kind between the same two
 * ends, when there is one alone and no origin tells of both.
 *
 * A node is a service when it was seen to act as one: it called others, or measured
 * a call to itself. Otherwise it is what its callers say, and the strongest word
 * counts: db, then queue, then external.
 */
#ifndef WEIR_CORE_MODEL_H
#define WEIR_CORE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "weir/core/flow.h"
#include "weir/core/severity.h"
#include "weir/core/snap.h"
#include "weir/core/tolerance.h"

struct model;

struct model_limits {
	uint32_t names;        /* distinct texts: services and operations */
	uint32_t nodes, edges; /* beyond: the "(other)" node */
	uint32_t ops;          /* in all */
	uint32_t ops_per_edge; /* beyond: the "(other)" operation of that edge */
	int64_t window_us;     /* 10 s, 1 m, 5 m or 15 m */
	int64_t grace_us;  /* how much later than the window an event may still come */
	int64_t future_us; /* how far ahead of now an event may claim to be */
	int64_t idle_us;   /* without traffic for this long: shown idle */
	int64_t forget_us; /* without traffic for this long: removed */
	size_t log_bytes;  /* for the window's log; 0: the default's */
	const struct tolerances *tolerances; /* borrowed, or NULL */
	bool watched; /* by a verdict engine; else thresholds alone judge */
};

extern const struct model_limits model_limits_default;

struct model *model_new(const struct model_limits *limits);
void model_free(struct model *m);

/*
 * Take one event seen at @now_us. Refused events (late, from the future, with
 * impossible values) are counted by reason and change nothing else. An event that
 * claims a time up to future_us ahead is booked at @now_us, and so is one that does
 * not know its time.
 *
 * When the clock is set back by more than future_us, the model keeps its own time
 * going and reads all later times, those of events too, with the difference added.
 */
void model_add(struct model *m, const struct event *e, int64_t now_us);

/*
 * Move the window's end to @now_us; never backwards. Does the housekeeping in small
 * pieces: cheap when called often.
 */
void model_advance(struct model *m, int64_t now_us);

/*
 * Change the window; the numbers are as if it had always been that wide, but for
 * what was refused as late under the former one. window.h says how exactly a wide
 * window ends.
 */
void model_set_window(struct model *m, int64_t window_us);
int64_t model_window(const struct model *m);

/*
 * Picture the model at @now_us (which it is advanced to). Fills everything but
 * the fields of snap.quality that the bus knows (lost, duplicate, decode_errors,
 * unpaired, dropped, bare, agents): those stay as they are in @snap. Severity is
 * judged by @t. When the caller set snap.shape.wanted, snap.shape is filled for the
 * edge with snap.shape.key; cheapest when @snap is the one of the last time.
 */
void model_snap(
	struct model *m, int64_t now_us, const struct thresholds *t, struct snap *snap);

/*
 * The engine that judges this model's edges, or NULL unless model_limits.watched.
 * For keeping what it has learnt (verdict_save, verdict_load) and for telling it that
 * the feed is incomplete.
 */
struct verdict *model_verdict(struct model *m);

/* The time of day that sentences tell is @seconds east of Greenwich. */
void model_set_utc_offset(struct model *m, int seconds);

/* Bytes held, for the bench and the sources view. */
size_t model_bytes(const struct model *m);

#endif
