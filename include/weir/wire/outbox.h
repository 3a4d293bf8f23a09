/*
 * outbox - an agent's sending side: numbers events, batches, beats.
 *
 * Every event that outbox_add() takes gets the next number, in a counter that is
 * advanced before the frame is handed on and survives kill -9 (a 0600 file mapped
 * into memory); so a gap a receiver sees is a loss, exactly. Frames leave through
 * a callback: the outbox knows no socket and no clock.
 */
#ifndef WEIR_WIRE_OUTBOX_H
#define WEIR_WIRE_OUTBOX_H

#include "weir/wire/wire.h"

struct outbox;

/*
 * Whether flows travel one by one, or added up per edge, operation and second (not in
 * JSON). OUTBOX_AUTO adds up once there were OUTBOX_AGGREGATE_FROM flows in a second,
 * until there are fewer than OUTBOX_AGGREGATE_UNTIL.
 */
enum outbox_aggregate {
	OUTBOX_AUTO,
	OUTBOX_ALWAYS,
	OUTBOX_NEVER
};

#define OUTBOX_AGGREGATE_FROM 20000
#define OUTBOX_AGGREGATE_UNTIL 10000

struct outbox_options {
	const char *group; /* topic without prefix; "default" when NULL */
	/*
	 * Where id and counter are kept; NULL: a new id, not kept. Two agents cannot share
	 * one: the second gets ERR_EXISTS.
	 */
	const char *state_path;
	enum wire_encoding encoding;
	enum outbox_aggregate aggregate;
	int64_t flush_us; /* greatest age of a batch; 100 ms when 0 */
	const char *host; /* for HELLO and BEAT; gethostname() when NULL */
	const char *program, *input;
	/*
	 * Hand on one frame; false when it was dropped here and now (full queue): its
	 * events stay numbered and are declared as shed_queue.
	 */
	bool (*send)(void *ctx, struct str frame);
	void *ctx;
};

/* NULL with @d when the state file cannot be used. */
struct outbox *outbox_new(const struct outbox_options *o, struct diag *d);

/* Does not flush: call outbox_bye() first where that is wanted. */
void outbox_free(struct outbox *o);

/* Both clocks travel in headers; batches are cut by @mono_us. */
struct outbox_time {
	int64_t mono_us, wall_us;
};

void outbox_add(struct outbox *o, const struct event *e, struct outbox_time t);

/*
 * @n events were accepted but had to be dropped before they came here: they get numbers
 * and are declared as shed_queue, so that they count as lost. Sends what waits: do it
 * once a second rather than for each.
 */
void outbox_shed(struct outbox *o, uint64_t n, struct outbox_time t);

/* Send all that waits for more events. */
void outbox_flush(struct outbox *o, struct outbox_time t);

/* Flush what is old enough, BEAT each second (HELLO first). Call often. */
void outbox_tick(struct outbox *o, struct outbox_time t);

/* A new subscriber was seen: HELLO, so that it knows the next number at once. */
void outbox_greet(struct outbox *o, struct outbox_time t);

/* µs until outbox_tick() has something to do. */
int64_t outbox_wait(const struct outbox *o, struct outbox_time t);

/* Flush everything; BYE with the final number. */
void outbox_bye(struct outbox *o, struct outbox_time t);

/*
 * Counters of the input that travel in BEATs. The outbox adds its own (accepted,
 * shed_queue); text fields are ignored.
 */
void outbox_set_counts(struct outbox *o, const struct wire_beat *b);

#endif
