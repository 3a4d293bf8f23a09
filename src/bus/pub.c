#include "config.h"

#include <stdlib.h>

#include "endpoint.h"
#include "options.h"
#include "weir/base/util.h"
#include "weir/bus/bus.h"

#define LINGER_MS 2000

struct bus_pub {
	void *context, *socket;
	struct endpoint endpoint;
	bool bound, new_peer;
};

struct bus_pub *
bus_pub_open(const struct bus_pub_options *o, struct diag *d)
{
	const struct bus_option options[] = {
		BUS_OPTIONS_COMMON,
		/* Half of it is the burst that a healthy subscriber is sure to get. */
		{ ZMQ_SNDHWM, 1024 },
		/* Subscribers send nothing but subscriptions. */
		{ ZMQ_MAXMSGSIZE, 4096 },
		/* Tell of each subscriber, not only of the first to a topic. */
		{ ZMQ_XPUB_VERBOSE, 1 },
	};
	struct bus_pub *p = xcalloc(1, sizeof(*p));
	enum status status;

	p->endpoint.lock_fd = -1;
	p->context = zmq_ctx_new();
	p->socket = p->context ? zmq_socket(p->context, ZMQ_XPUB) : NULL;
	if (!p->socket) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot make a ZeroMQ socket: %s",
			zmq_strerror(zmq_errno()));
		goto fail;
	}
	bus_set_options(p->socket, options, ARRAY_LEN(options));
	bus_pub_set_linger(p, o->linger_ms);
	if (o->bind) {
		status = endpoint_bind(
			p->socket, o->bind, o->allow_network, &p->endpoint, d);
		p->bound = status == STATUS_OK;
	} else if (o->to) {
		status = endpoint_connect(p->socket, o->to, d);
	} else {
		status = diag_set(d, STATUS_ERR_USAGE, "no address to send to");
	}
	if (status == STATUS_OK)
		return p;
fail:
	bus_pub_close(p);
	return NULL;
}

void
bus_pub_set_linger(struct bus_pub *p, int linger_ms)
{
	const struct bus_option linger = { ZMQ_LINGER,
		linger_ms < 0 ? LINGER_MS : linger_ms };

	bus_set_options(p->socket, &linger, 1);
}

void
bus_pub_close(struct bus_pub *p)
{
	if (!p)
		return;
	if (p->socket)
		zmq_close(p->socket);
	if (p->context)
		while (zmq_ctx_term(p->context) != 0 && zmq_errno() == EINTR)
			;
	endpoint_done(&p->endpoint);
	free(p);
}

const char *
bus_pub_endpoint(const struct bus_pub *p)
{
	return p->bound ? p->endpoint.where : NULL;
}

/* Without a limit on the receiving side, what is not taken would pile up. */
static void
take_subscriptions(struct bus_pub *p)
{
	char first = 0;

	while (zmq_recv(p->socket, &first, 1, ZMQ_DONTWAIT) >= 0)
		p->new_peer |= first == 1;
}

bool
bus_pub_send(struct bus_pub *p, struct str frame)
{
	int rc;

	take_subscriptions(p);
	do
		rc = zmq_send(p->socket, frame.p, frame.n, ZMQ_DONTWAIT);
	while (rc < 0 && zmq_errno() == EINTR);
	return rc >= 0;
}

bool
bus_pub_new_peer(struct bus_pub *p)
{
	bool is_new;

	take_subscriptions(p);
	is_new = p->new_peer;
	p->new_peer = false;
	return is_new;
}
