/*
 * options - libzmq's socket options in tables.
 */
#ifndef WEIR_SRC_BUS_OPTIONS_H
#define WEIR_SRC_BUS_OPTIONS_H

#include <stdint.h>
#include <zmq.h>

#include "weir/base/status.h"
#include "weir/base/util.h"

struct bus_option {
	int option;
	int64_t value;
};

/* Both sides. A peer that vanished without a word is noticed within 15 s. */
/* clang-format off */
#define BUS_OPTIONS_COMMON                                                        \
	{ ZMQ_RCVHWM, 0 }, /* a full receive pipe can abort libzmq 4.3.4 */       \
	{ ZMQ_TCP_MAXRT, 15000 },                                                 \
	{ ZMQ_TCP_KEEPALIVE, 1 }, { ZMQ_TCP_KEEPALIVE_IDLE, 15 },                 \
	{ ZMQ_TCP_KEEPALIVE_INTVL, 5 }, { ZMQ_TCP_KEEPALIVE_CNT, 3 },             \
	{ ZMQ_HANDSHAKE_IVL, 5000 }, { ZMQ_CONNECT_TIMEOUT, 1000 },               \
	{ ZMQ_RECONNECT_IVL, 100 }, { ZMQ_RECONNECT_IVL_MAX, 5000 },              \
	{ ZMQ_BACKLOG, 1024 }
/* clang-format on */

/* ZMQ_MAXMSGSIZE is the one option of ours that takes 64 bits. */
static inline void
bus_set_options(void *socket, const struct bus_option *options, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int value = (int)options[i].value;
		int rc;

		if (options[i].option == ZMQ_MAXMSGSIZE)
			rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &options[i].value,
				sizeof(options[i].value));
		else
			rc = zmq_setsockopt(
				socket, options[i].option, &value, sizeof(value));
		if (rc != 0)
			die("libzmq refused option %d: %s", options[i].option,
				zmq_strerror(zmq_errno()));
	}
}

#endif
