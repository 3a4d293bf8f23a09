/*
 * The life of a handle: open, flush, close, fork; and what the library says of itself.
 */
#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guard.h"
#include "handle.h"
#include "weir/base/util.h"
#include "weir/cmd/clock.h"

#define QUEUE_BYTES (4u << 20)
#define NAP_MS 20

/* ------------------------------------------------------------ fork */

/*
 * Counts the forks above this process. A handle remembers it: asking the kernel for the
 * process id at each event would cost more than the event.
 */
static atomic_uint generation;

static void
next_generation(void)
{
	atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
	/* Without memory for it: forked children are not told from their parents. */
	(void)pthread_atfork(NULL, NULL, next_generation);
}

bool
handle_is_ours(const struct weir *w)
{
	return w->generation == atomic_load_explicit(&generation, memory_order_relaxed);
}

/* ------------------------------------------------------------ words */

const char *
weir_status_text(enum weir_status status)
{
	static const char *const texts[] = {
		[WEIR_OK] = "no error",
		[WEIR_ERR_USAGE] = "wrong use",
		[WEIR_ERR_FULL] = "the queue is full",
		[WEIR_ERR_TOO_BIG] = "too big",
		[WEIR_ERR_TIMEOUT] = "time is up",
		[WEIR_ERR_FORKED] = "the handle belongs to the parent process",
		[WEIR_ERR_MEMORY] = "out of memory",
		[WEIR_ERR_EXISTS] = "already in use",
		[WEIR_ERR_SYSTEM] = "the system refused",
	};

	return (unsigned)status < ARRAY_LEN(texts) ? texts[status] : "unknown error";
}

const char *
weir_version(void)
{
	return PACKAGE_VERSION;
}

static struct weir *
failed(struct weir_error *ret_error, enum weir_status status, const char *text)
{
	if (ret_error) {
		ret_error->status = status;
		snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	}
	return NULL;
}

/* ------------------------------------------------------------ open */

static bool
send_frame(void *ctx, struct str frame)
{
	struct weir *w = ctx;

	return bus_pub_send(w->pub, frame);
}

/* Everything that allocates, for guard_run(). */
struct opening {
	const struct weir_options *o;
	struct weir *w; /* what there is of it, also after a failure */
	enum status status;
	struct diag d;
};

static void
open_bus(struct opening *a)
{
	struct bus_pub_options po = {
		.to = a->o->to,
		.bind = a->o->bind,
		.allow_network = a->o->allow_network != 0,
	};
	char url[512];

	if (!po.to && !po.bind) {
		a->status = bus_default_url(url, sizeof(url), &a->d);
		if (a->status != STATUS_OK)
			return;
		po.to = url;
	}
	a->w->pub = bus_pub_open(&po, &a->d);
	if (!a->w->pub)
		a->status = a->d.status;
}

static void
open_outbox(struct opening *a)
{
	struct outbox_options oo = {
		.group = a->o->group,
		.state_path = a->o->state_path,
		.encoding = WIRE_BATCH,
		.flush_us = a->o->flush_ms * MSEC_US,
		.program = a->o->program ? a->o->program : "libweir",
		.input = "libweir",
		.send = send_frame,
		.ctx = a->w,
	};

	a->w->out = outbox_new(&oo, &a->d);
	if (!a->w->out)
		a->status = a->d.status;
}

static void
open_parts(void *ctx)
{
	struct opening *a = ctx;
	struct weir *w = xcalloc(1, sizeof(*w));
	int flush_ms = a->o->flush_ms ? a->o->flush_ms : 4 * NAP_MS;

	a->w = w;
	w->generation = atomic_load_explicit(&generation, memory_order_relaxed);
	w->nap_us = MIN(NAP_MS, flush_ms / 4) * MSEC_US;
	w->scratch = xmalloc(event_packed_max());
	w->queue = ring_new(a->o->queue_bytes
				    ? MAX(a->o->queue_bytes, 4 * event_packed_max())
				    : QUEUE_BYTES);
	open_bus(a);
	if (a->status == STATUS_OK)
		open_outbox(a);
}

/* Small objects without resources of their own: in practice these cannot fail. */
static bool
init_locks(struct weir *w)
{
	pthread_condattr_t attr;
	bool ok = pthread_condattr_init(&attr) == 0;

#if HAVE_PTHREAD_CONDATTR_SETCLOCK
	ok = ok && pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0;
#endif
	ok = ok && pthread_cond_init(&w->wake, &attr) == 0 &&
	     pthread_cond_init(&w->done, &attr) == 0 &&
	     pthread_mutex_init(&w->lock, NULL) == 0;
	pthread_condattr_destroy(&attr);
	return ok;
}

struct timespec
handle_deadline(int64_t us)
{
#if HAVE_PTHREAD_CONDATTR_SETCLOCK
	int64_t until_us = clock_mono_us() + us;
#else
	/* A clock that is set makes waits shorter or longer, and nothing worse. */
	int64_t until_us = clock_wall_us() + us;
#endif

	return (struct timespec){ .tv_sec = until_us / SEC_US,
		.tv_nsec = until_us % SEC_US * 1000 };
}

/* The host's signals are for the host's threads. */
static bool
start_sender(struct weir *w)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->started = pthread_create(&w->thread, NULL, sender_thread, w) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w->started;
}

static void
free_parts(struct weir *w)
{
	if (!w)
		return;
	bus_pub_close(w->pub);
	outbox_free(w->out);
	ring_free(w->queue);
	free(w->scratch);
	free(w);
}

static enum weir_status
own_status(enum status s)
{
	switch (s) {
	case STATUS_ERR_USAGE:
		return WEIR_ERR_USAGE;
	case STATUS_ERR_EXISTS:
		return WEIR_ERR_EXISTS;
	default:
		return WEIR_ERR_SYSTEM;
	}
}

struct weir *
weir_open(const struct weir_options *options, struct weir_error *ret_error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct weir_options o = WEIR_OPTIONS_INIT;
	struct opening a = { .o = &o };
	bool got_memory;

	if (options && options->size < sizeof(o))
		return failed(ret_error, WEIR_ERR_USAGE,
			"the options were not begun with WEIR_OPTIONS_INIT");
	if (options)
		memcpy(&o, options, sizeof(o));
	if ((o.to && o.bind) || o.flush_ms < 0)
		return failed(ret_error, WEIR_ERR_USAGE,
			o.flush_ms < 0 ? "a negative time to flush"
				       : "'to' and 'bind' exclude each other");
	pthread_once(&once, watch_forks);
	got_memory = guard_run(open_parts, &a);
	if (!got_memory) {
		failed(ret_error, WEIR_ERR_MEMORY, "out of memory");
	} else if (a.status != STATUS_OK) {
		failed(ret_error, own_status(a.status), a.d.text);
	} else if (!init_locks(a.w) || !start_sender(a.w)) {
		failed(ret_error, WEIR_ERR_SYSTEM, "cannot start a thread");
	} else {
		return a.w;
	}
	free_parts(a.w);
	return NULL;
}

/* ------------------------------------------------------------ flush and close */

enum weir_status
weir_flush(struct weir *w, int timeout_ms)
{
	struct timespec until = handle_deadline(MAX(timeout_ms, 0) * MSEC_US);
	enum weir_status status = WEIR_OK;
	uint64_t target;
	int waited = 0;

	if (!w)
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	pthread_mutex_lock(&w->lock);
	target = w->put;
	w->orders.flushing++;
	pthread_cond_signal(&w->wake);
	while (w->flushed < target && !w->dead && waited == 0)
		waited = pthread_cond_timedwait(&w->done, &w->lock, &until);
	w->orders.flushing--;
	if (w->dead)
		status = WEIR_ERR_MEMORY;
	else if (w->flushed < target || (target > 0 && !w->heard))
		status = WEIR_ERR_TIMEOUT;
	pthread_mutex_unlock(&w->lock);
	return status;
}

static enum weir_status
stop_sender(struct weir *w, int64_t until_us)
{
	pthread_mutex_lock(&w->lock);
	w->orders.closing = true;
	w->orders.deadline_us = until_us;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	if (w->dead)
		return WEIR_ERR_MEMORY;
	return w->late || (w->put > 0 && !w->has_peer) ? WEIR_ERR_TIMEOUT : WEIR_OK;
}

enum weir_status
weir_close(struct weir *w, int timeout_ms)
{
	int64_t until_us = clock_mono_us() + MAX(timeout_ms, 0) * MSEC_US, left_us;
	enum weir_status status;

	if (!w)
		return WEIR_OK;
	/*
	 * The sender was not copied along, and whatever it was changing may be half
	 * changed; libzmq's threads are gone likewise. What a child inherited stays.
	 */
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	status = stop_sender(w, until_us);
	/* Without a peer there is nothing to linger for. */
	left_us = MAX(until_us - clock_mono_us(), 0);
	bus_pub_set_linger(w->pub, (int)(left_us / MSEC_US));
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free_parts(w);
	return status;
}

/* ------------------------------------------------------------ counters */

enum weir_status
weir_get_stats(struct weir *w, struct weir_stats *ret_stats)
{
	struct weir_stats s = WEIR_STATS_INIT;

	if (!w || !ret_stats || ret_stats->size < sizeof(s))
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	pthread_mutex_lock(&w->lock);
	s.put = w->put;
	s.sent = w->sent;
	s.unheard = w->unheard;
	s.waiting = w->put - w->sent - w->unheard;
	s.dropped = w->orders.dropped;
	s.refused = w->orders.refused;
	s.heard = w->heard;
	pthread_mutex_unlock(&w->lock);
	s.size = ret_stats->size;
	memcpy(ret_stats, &s, sizeof(s));
	return WEIR_OK;
}
