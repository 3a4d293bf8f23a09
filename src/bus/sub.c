/*
 * The receiving side. One thread, the drain, does nothing but move frames from the
 * socket to the ring and count what the socket's monitor tells; it owns both sockets
 * from its start to its end, as libzmq wants it. All it shares is the ring, counters
 * and a wake-up pipe.
 *
 * It polls once and then receives until nothing is left: a poll for each message
 * would cost most of the rate.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "options.h"
#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/bus/ring.h"

#define TOPIC_PREFIX "weir1."
#define GROUP_MAX 64
#define RING_BYTES ((size_t)32 << 20)
#define BATCH 4096
#define REST_MS 5 /* while the ring is full */
#define BACKLOG_BYTES ((size_t)8 << 20)
#define MONITOR_URL "inproc://monitor"

struct bus_sub {
	void *context, *socket, *monitor;
	struct endpoint *endpoints;
	unsigned endpoint_count;
	struct ring *ring;
	pthread_t drain;
	bool draining, in_parts; /* the second is the drain's */
	int stop[2];             /* closing stop[1] ends the drain */
	int wake[2];             /* readable while frames wait */
	atomic_bool woken;
	_Atomic uint64_t frames, bytes, dropped, refused, disconnects;
	/* Handshakes succeeded and failed: peers are those that did and did not yet end. */
	_Atomic uint64_t greeted, failed;
};

/* ------------------------------------------------------------ the drain */

static void
count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static int64_t
mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC_US + ts.tv_nsec / 1000;
}

/*
 * The fence pairs with the one in settle(): either the other thread sees what was put,
 * or this one sees that it must be woken.
 */
static void
wake(struct bus_sub *s)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_exchange(&s->woken, true))
		while (write(s->wake[1], "", 1) < 0 && errno == EINTR)
			;
}

/*
 * What libzmq held while this thread got no core is free again, but malloc() would keep
 * it for ever.
 */
static void
give_back(size_t taken)
{
#ifdef HAVE_MALLOC_TRIM
	if (taken > BACKLOG_BYTES)
		malloc_trim(0);
#else
	(void)taken;
#endif
}

/*
 * Receive until nothing is left. A message of several parts is none of ours. Says
 * whether the ring was full.
 */
static bool
take_frames(struct bus_sub *s)
{
	size_t taken = 0;
	bool put = false, full = false;
	int64_t now_us = mono_us();
	zmq_msg_t msg;

	zmq_msg_init(&msg);
	for (unsigned i = 0; i < BATCH; i++) {
		struct str frame;

		if (zmq_msg_recv(&msg, s->socket, ZMQ_DONTWAIT) < 0) {
			/* The message before this one is still in there. */
			if (zmq_errno() == EINTR)
				continue;
			break;
		}
		if (s->in_parts || zmq_msg_more(&msg)) {
			s->in_parts = zmq_msg_more(&msg);
			count(&s->refused, !s->in_parts);
			continue;
		}
		if (i % 256 == 255)
			now_us = mono_us();
		frame = (struct str){ zmq_msg_data(&msg), zmq_msg_size(&msg) };
		count(&s->frames, 1);
		count(&s->bytes, frame.n);
		taken += frame.n;
		if (ring_put(s->ring, frame, now_us)) {
			put = true;
		} else {
			count(&s->dropped, 1);
			full = true;
		}
	}
	zmq_msg_close(&msg);
	if (put)
		wake(s);
	give_back(taken);
	return full;
}

/* An event comes in two parts: a number and a value, then the address. */
static void
take_monitor(struct bus_sub *s)
{
	zmq_msg_t msg;

	zmq_msg_init(&msg);
	while (zmq_msg_recv(&msg, s->monitor, ZMQ_DONTWAIT) >= 0) {
		uint16_t event = 0;

		if (!zmq_msg_more(&msg))
			continue;
		memcpy(&event, zmq_msg_data(&msg),
			MIN(sizeof(event), zmq_msg_size(&msg)));
		if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
			count(&s->greeted, 1);
		else if (event == ZMQ_EVENT_DISCONNECTED)
			count(&s->disconnects, 1);
		else
			count(&s->failed, 1);
	}
	zmq_msg_close(&msg);
}

/*
 * What comes while the ring is full is mostly dropped: to be woken for each message of
 * that would only take the core from the thread that makes room.
 */
static void
rest(const struct bus_sub *s)
{
	struct pollfd stop = { .fd = s->stop[0], .events = POLLIN };

	poll(&stop, 1, REST_MS);
}

static void *
drain(void *arg)
{
	struct bus_sub *s = arg;
	zmq_pollitem_t items[] = {
		{ .socket = s->socket, .events = ZMQ_POLLIN },
		{ .socket = s->monitor, .events = ZMQ_POLLIN },
		{ .fd = s->stop[0], .events = ZMQ_POLLIN },
	};

	for (;;) {
		if (zmq_poll(items, ARRAY_LEN(items), -1) < 0) {
			if (zmq_errno() == EINTR)
				continue;
			break;
		}
		if (items[2].revents)
			break;
		if (items[1].revents)
			take_monitor(s);
		if (items[0].revents && take_frames(s))
			rest(s);
	}
	return NULL;
}

/* ------------------------------------------------------------ opening */

static enum status
open_pipe(int fds[2], struct diag *d)
{
	if (pipe(fds) != 0) {
		fds[0] = fds[1] = -1;
		return diag_set(
			d, STATUS_ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
	}
	for (int i = 0; i < 2; i++) {
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
	}
	return STATUS_OK;
}

static enum status
open_socket(struct bus_sub *s, struct diag *d)
{
	static const struct bus_option options[] = {
		BUS_OPTIONS_COMMON,
		{ ZMQ_MAXMSGSIZE, 1 << 20 },
		{ ZMQ_LINGER, 0 },
	};
	static const struct bus_option monitor_options[] = {
		/* The I/O thread writes to it and must never have to wait. */
		{ ZMQ_RCVHWM, 0 },
		{ ZMQ_LINGER, 0 },
	};

	s->context = zmq_ctx_new();
	s->socket = s->context ? zmq_socket(s->context, ZMQ_SUB) : NULL;
	s->monitor = s->socket ? zmq_socket(s->context, ZMQ_PAIR) : NULL;
	if (!s->monitor)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot make a ZeroMQ socket: %s",
			zmq_strerror(zmq_errno()));
	bus_set_options(s->socket, options, ARRAY_LEN(options));
	bus_set_options(s->monitor, monitor_options, ARRAY_LEN(monitor_options));
	if (zmq_socket_monitor(s->socket, MONITOR_URL,
		    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
			    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
			    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
			    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0 ||
		zmq_connect(s->monitor, MONITOR_URL) != 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot watch the socket: %s",
			zmq_strerror(zmq_errno()));
	return STATUS_OK;
}

static enum status
subscribe(struct bus_sub *s, const char *const *groups, struct diag *d)
{
	static const char *const all[] = { TOPIC_PREFIX, "{", "[" };
	char topic[sizeof(TOPIC_PREFIX) + GROUP_MAX];

	for (unsigned i = 0; !groups && i < ARRAY_LEN(all); i++)
		zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, all[i], strlen(all[i]));
	for (; groups && *groups; groups++) {
		/* libzmq 4.3.4 loses subscriptions of 246 to 255 bytes without a word. */
		if (strlen(*groups) > GROUP_MAX)
			return diag_set(d, STATUS_ERR_USAGE,
				"group '%s' has more than %d bytes", *groups, GROUP_MAX);
		snprintf(topic, sizeof(topic), TOPIC_PREFIX "%s", *groups);
		zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
	}
	return STATUS_OK;
}

static enum status
open_endpoints(struct bus_sub *s, const struct bus_sub_options *o, struct diag *d)
{
	enum status status = STATUS_OK;
	unsigned n = 0;

	while (o->listen && o->listen[n])
		n++;
	s->endpoints = xcalloc(n, sizeof(*s->endpoints));
	for (unsigned i = 0; i < n && status == STATUS_OK; i++) {
		status = endpoint_bind(
			s->socket, o->listen[i], o->allow_network, &s->endpoints[i], d);
		s->endpoint_count += status == STATUS_OK;
	}
	for (unsigned i = 0; status == STATUS_OK && o->connect && o->connect[i]; i++)
		status = endpoint_connect(s->socket, o->connect[i], d);
	return status;
}

/* Signals are for the thread that asked to be woken by them. */
static enum status
start_drain(struct bus_sub *s, struct diag *d)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&s->drain, NULL, drain, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot start a thread: %s",
			strerror(error));
	s->draining = true;
	return STATUS_OK;
}

struct bus_sub *
bus_sub_open(const struct bus_sub_options *o, struct diag *d)
{
	struct bus_sub *s = xcalloc(1, sizeof(*s));

	s->stop[0] = s->stop[1] = s->wake[0] = s->wake[1] = -1;
	s->ring = ring_new(o->ring_bytes ? o->ring_bytes : RING_BYTES);
	bus_raise_limits();
	if (open_pipe(s->stop, d) != STATUS_OK || open_pipe(s->wake, d) != STATUS_OK ||
		open_socket(s, d) != STATUS_OK ||
		subscribe(s, o->groups, d) != STATUS_OK ||
		open_endpoints(s, o, d) != STATUS_OK || start_drain(s, d) != STATUS_OK) {
		bus_sub_close(s);
		return NULL;
	}
	return s;
}

static void
close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void
bus_sub_close(struct bus_sub *s)
{
	if (!s)
		return;
	if (s->draining) {
		close(s->stop[1]);
		s->stop[1] = -1;
		pthread_join(s->drain, NULL);
	}
	/* Or libzmq would go on telling what nobody receives, and loses that memory. */
	if (s->socket)
		zmq_socket_monitor(s->socket, NULL, 0);
	if (s->monitor)
		zmq_close(s->monitor);
	if (s->socket)
		zmq_close(s->socket);
	if (s->context)
		while (zmq_ctx_term(s->context) != 0 && zmq_errno() == EINTR)
			;
	/* The lock goes last: until here the path is ours. */
	for (unsigned i = 0; i < s->endpoint_count; i++)
		endpoint_done(&s->endpoints[i]);
	free(s->endpoints);
	close_pipe(s->stop);
	close_pipe(s->wake);
	ring_free(s->ring);
	free(s);
}

/* ------------------------------------------------------------ use */

const char *
bus_sub_endpoint(const struct bus_sub *s, unsigned i)
{
	return i < s->endpoint_count ? s->endpoints[i].where : NULL;
}

int
bus_sub_fd(const struct bus_sub *s)
{
	return s->wake[0];
}

/*
 * The ring is empty: make the descriptor not readable. What comes in between is seen
 * either here, or by the drain, which then finds woken false and writes.
 */
static void
settle(struct bus_sub *s)
{
	char byte[16];

	while (read(s->wake[0], byte, sizeof(byte)) > 0)
		;
	atomic_store(&s->woken, false);
	atomic_thread_fence(memory_order_seq_cst);
	if (!ring_is_empty(s->ring))
		wake(s);
}

bool
bus_sub_next(struct bus_sub *s, struct str *ret_frame, int64_t *ret_mono_us)
{
	if (ring_get(s->ring, ret_frame, ret_mono_us))
		return true;
	settle(s);
	return ring_get(s->ring, ret_frame, ret_mono_us);
}

static uint64_t
read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
bus_sub_stats(const struct bus_sub *s, struct bus_stats *ret_stats)
{
	uint64_t greeted = read_counter(&s->greeted), failed = read_counter(&s->failed);
	uint64_t ended = read_counter(&s->disconnects);

	*ret_stats = (struct bus_stats){
		.frames = read_counter(&s->frames),
		.bytes = read_counter(&s->bytes),
		.dropped_frames = read_counter(&s->dropped),
		.refused = read_counter(&s->refused) + failed,
		.disconnects = ended,
		/* A failed handshake ends in a disconnection too. */
		.peers = greeted + failed > ended ? (uint32_t)(greeted + failed - ended)
						  : 0,
		.ring_used = ring_used(s->ring),
		.ring_size = ring_size(s->ring),
	};
}
