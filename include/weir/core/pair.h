/*
 * pair - two halves of a request, each told by another process, become one flow.
 *
 * A CLIENT or PRODUCER span and the SERVER or CONSUMER span below it belong together,
 * whichever comes first and however the clocks differ. A client's call to a data base
 * is whole by itself. A half whose other half does not come within the wait becomes an
 * edge to a virtual node if it names one (`user` for a server's root span), else it is
 * counted as unpaired. INTERNAL spans become EVENT_WORK at once.
 *
 * Choices where the known engines differ:
 * - the same span twice (a retried batch) counts once, as long as it is remembered;
 * - every consumer of a message is a delivery, through its parent or its links; a
 *   producer therefore waits longer, as a backlog delays its consumers;
 * - a second server below one client (a retry inside a proxy) makes no second request;
 * - a data base's both latencies are its client's: nobody else measures it;
 * - a client half that names nobody is work of its service, no edge.
 *
 * Of trace ids the right half is compared, as Zipkin's senders may know no more of
 * one; with the 64 bits of the span's id that is plenty.
 *
 * In the flow, ids.span is the callee's span where known, else the caller's, and
 * ids.parent is the span around the call; so following parents leads to the root.
 *
 * Bounded: halves held, spans remembered, text of each. Time is an argument and the
 * wait is counted from arrival.
 */
#ifndef WEIR_CORE_PAIR_H
#define WEIR_CORE_PAIR_H

#include "weir/core/peer.h"

/*
 * How far the callee's clock is ahead of the caller's is told from time to time as a
 * gauge of the callee with this name and the caller's in braces, at no certain time.
 */
#define PAIR_SKEW_GAUGE "clock.skew"

struct pair;

struct pair_options {
	uint32_t max_halves;     /* 0: 65536 */
	uint32_t max_seen;       /* spans remembered against duplicates; 0: 131072 */
	int64_t wait_us;         /* 0: 10 s */
	int64_t msg_wait_us;     /* of producers; 0: 120 s */
	struct peer_order names; /* how the other end of a lone half is named */
	uint64_t seed; /* random where peers are not trusted: keeps the tables flat */
};

typedef void (*pair_emit_fn)(void *ctx, const struct event *e);

struct pair_counts {
	uint64_t spans;     /* taken */
	uint64_t flows;     /* emitted, works not included */
	uint64_t works;     /* emitted */
	uint64_t ignored;   /* spans of no service */
	uint64_t duplicate; /* seen before */
	uint64_t unpaired;  /* halves given up without an edge */
	uint64_t overflow;  /* of all halves, those given up early to make room */
	uint32_t waiting;   /* halves held now */
};

struct pair *pair_new(const struct pair_options *o, pair_emit_fn emit, void *ctx);
void pair_free(struct pair *p); /* emits nothing */

/* Take one span; may emit. */
void pair_add(struct pair *p, const struct span *s, int64_t now_us);

/* Give up what has waited long enough. */
void pair_tick(struct pair *p, int64_t now_us);

/* Give up everything now: nothing more will come. */
void pair_flush(struct pair *p);

/* µs until pair_tick() has something to do, or -1: nothing waits. */
int64_t pair_wait(const struct pair *p, int64_t now_us);

void pair_counts(const struct pair *p, struct pair_counts *ret_counts);

#endif
