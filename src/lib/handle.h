/*
 * handle - what is behind a struct weir: a queue, and the thread that empties it.
 *
 * Callers put under `lock`, which is never held for longer than one event is copied;
 * the sender takes without it, so they never wait for the network. Outbox and socket
 * are the sender's alone from start to end.
 */
#ifndef WEIR_SRC_LIB_HANDLE_H
#define WEIR_SRC_LIB_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <weir/weir.h>

#include "weir/base/str.h"
#include "weir/bus/bus.h"
#include "weir/bus/ring.h"
#include "weir/core/flow.h"
#include "weir/wire/outbox.h"

/* What the sender is doing, that is when it has to be woken. */
enum sender_state {
	SENDER_WORKS,  /* not at all: it looks again by itself */
	SENDER_NAPS,   /* when the queue is half full */
	SENDER_SLEEPS, /* for any event */
};

/* What the callers of the library want of the sender. */
struct orders {
	unsigned flushing; /* threads in weir_flush() */
	bool closing;
	int64_t deadline_us; /* of closing */
	uint64_t dropped, refused;
};

struct weir {
	unsigned generation; /* of processes, see handle_is_ours() */
	struct ring *queue;  /* packed events, with the time they were put */
	char *scratch;       /* where one is packed */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;

	/* Under the lock. */
	enum sender_state state;
	struct orders orders;
	uint64_t put, sent, unheard;
	uint64_t flushed; /* of sent and unheard, no longer in the outbox's batch */
	bool heard;       /* a subscriber has come */
	bool dead;        /* the sender ended for want of memory */

	/* The sender's alone. */
	struct bus_pub *pub;
	struct outbox *out;
	int64_t nap_us;
	struct str next; /* taken from the queue, not yet sent */
	int64_t next_us; /* when it was put */
	bool has_next;
	int64_t tokens, filled_us;
	uint64_t declared; /* of orders.dropped */
	int64_t declared_us;
	bool has_peer; /* a subscriber has come */
	bool late;     /* time was up before all could be sent */
};

/* False in a forked child: no lock may be touched there. */
bool handle_is_ours(const struct weir *w);

/* When a wait for `wake` or `done` that begins now and takes @us has to end. */
struct timespec handle_deadline(int64_t us);

/* Where put.c packed an event, borrowed from @packed. */
void event_unpack(struct str packed, struct event *ret_event);

/* The largest that put.c packs. */
size_t event_packed_max(void);

/* The sender's thread, for as long as the handle lives; @handle is a struct weir. */
void *sender_thread(void *handle);

#endif
