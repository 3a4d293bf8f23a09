/*
 * The sender: takes events from the queue, has them numbered and packed by the outbox,
 * and hands the frames to the socket.
 *
 * A publisher that connects is heard by nobody until the other side's subscription has
 * come, and whatever it sends before is gone without a trace; a program that says three
 * things and ends would never be heard. So events wait for the first subscriber: for
 * two seconds, or as long as somebody is flushing or closing, and never so many that
 * there is no room for new ones.
 */
#include "config.h"

#include "guard.h"
#include "handle.h"
#include "weir/base/util.h"
#include "weir/cmd/clock.h"

#define HOLD_US (2 * SEC_US)
#define EVENTS_AT_ONCE 4096 /* then the counters are brought up to date */
#define SOON_US (5 * MSEC_US)
#define LOOK_FOR_PEERS_US (50 * MSEC_US)

/* As weir-agent: a publisher never hears that it is too fast for who listens. */
#define RATE_PER_S 1000000
#define BURST RATE_PER_S

/* The oldest event becomes w->next. False when there is none. */
static bool
look_at_next(struct weir *w)
{
	if (!w->has_next)
		w->has_next = ring_get(w->queue, &w->next, &w->next_us);
	return w->has_next;
}

/* Shall the next event still wait for the first subscriber? */
static bool
holds(const struct weir *w, const struct orders *o, int64_t mono_us, size_t floor)
{
	bool hurry = o->closing || o->flushing > 0;

	return !w->has_peer && ring_used(w->queue) <= floor &&
	       (hurry || mono_us - w->next_us < HOLD_US);
}

/* Number and pack what may be sent now. Returns how many events that were. */
static unsigned
hand_on(struct weir *w, const struct orders *o, struct outbox_time t)
{
	size_t size = ring_size(w->queue);
	/* Well below half, so that not each further event wakes us again. */
	size_t floor = ring_used(w->queue) > size / 2 ? size / 4 : size / 2;
	bool is_last = o->closing && t.mono_us >= o->deadline_us;
	struct event e;
	unsigned n = 0;

	while (n < EVENTS_AT_ONCE && look_at_next(w)) {
		if (w->tokens <= 0 || holds(w, o, t.mono_us, floor)) {
			if (!is_last)
				break;
			w->late = true;
		}
		event_unpack(w->next, &e);
		outbox_add(w->out, &e, t);
		w->has_next = false;
		w->tokens--;
		n++;
	}
	return n;
}

static void
refill(struct weir *w, int64_t mono_us)
{
	int64_t passed_us = MIN(mono_us - w->filled_us, SEC_US);
	int64_t more = passed_us * RATE_PER_S / SEC_US;

	if (more > 0) {
		w->tokens = MIN(w->tokens + more, BURST);
		w->filled_us = mono_us;
	}
}

static void
declare_drops(struct weir *w, const struct orders *o, struct outbox_time t)
{
	if (o->dropped == w->declared ||
		(!o->closing && t.mono_us - w->declared_us < SEC_US))
		return;
	outbox_shed(w->out, o->dropped - w->declared, t);
	w->declared = o->dropped;
	w->declared_us = t.mono_us;
}

/* One round without the lock. Returns how many events were handed on. */
static unsigned
work(struct weir *w, const struct orders *o)
{
	struct outbox_time t = { clock_mono_us(), clock_wall_us() };
	struct wire_beat counts = { .rejected = o->refused };
	unsigned n;

	if (bus_pub_new_peer(w->pub)) {
		w->has_peer = true;
		outbox_greet(w->out, t);
	}
	refill(w, t.mono_us);
	outbox_set_counts(w->out, &counts);
	declare_drops(w, o, t);
	n = hand_on(w, o, t);
	if (o->flushing > 0)
		outbox_flush(w->out, t);
	outbox_tick(w->out, t);
	return n;
}

static void
timed_wait(struct weir *w, int64_t us)
{
	struct timespec until = handle_deadline(us);

	pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

/* Under the lock, which is given up meanwhile: until there is something to do. */
static void
rest(struct weir *w)
{
	int64_t wait_us =
		outbox_wait(w->out, (struct outbox_time){ .mono_us = clock_mono_us() });
	bool hurry = w->orders.closing || w->orders.flushing > 0;
	bool waits = w->has_next; /* for a subscriber, or for its turn */
	bool called = !waits && look_at_next(w);

	if (!called) {
		if (hurry || (waits && w->has_peer))
			wait_us = MIN(wait_us, SOON_US);
		else if (waits)
			wait_us = MIN(wait_us, LOOK_FOR_PEERS_US);
		/* What waits for its turn is brought on by time, not by more of it. */
		w->state = !waits        ? SENDER_SLEEPS
			   : w->has_peer ? SENDER_WORKS
					 : SENDER_NAPS;
		if (wait_us > 0)
			timed_wait(w, wait_us);
		called = !waits && w->state == SENDER_WORKS;
	}
	/* The first event has come; others will, and one round is enough for them all. */
	if (called && !w->orders.closing && w->orders.flushing == 0) {
		w->state = SENDER_NAPS;
		timed_wait(w, w->nap_us);
	}
	w->state = SENDER_WORKS;
}

/* Under the lock: tell the callers what work() did on @o. */
static void
account(struct weir *w, const struct orders *o, unsigned handed_on)
{
	w->heard = w->has_peer;
	if (w->heard)
		w->sent += handed_on;
	else
		w->unheard += handed_on;
	if (o->flushing > 0) {
		w->flushed = w->sent + w->unheard;
		pthread_cond_broadcast(&w->done);
	}
}

static void
run(void *handle)
{
	struct weir *w = handle;
	struct orders o = { 0 };
	bool is_over = false;
	unsigned n;

	while (!is_over) {
		n = work(w, &o);
		pthread_mutex_lock(&w->lock);
		account(w, &o, n);
		/* Nothing is put any more once work() has been told of the close. */
		is_over = o.closing && !look_at_next(w);
		if (!is_over && n < EVENTS_AT_ONCE)
			rest(w);
		o = w->orders;
		pthread_mutex_unlock(&w->lock);
	}
	outbox_bye(w->out, (struct outbox_time){ clock_mono_us(), clock_wall_us() });
}

void *
sender_thread(void *handle)
{
	struct weir *w = handle;

	if (guard_run(run, w))
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->dead = true;
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}
