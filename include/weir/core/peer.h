/*
 * peer - what one end of a request calls the other end.
 *
 * Senders have half a dozen ways to say it and seldom use only one. The order in
 * which they are believed can be chosen; what is not chosen comes behind, from the
 * surest word to the vaguest.
 */
#ifndef WEIR_CORE_PEER_H
#define WEIR_CORE_PEER_H

#include "weir/base/status.h"
#include "weir/core/span.h"

#define PEER_MAX 12

/* All zero: the usual order. */
struct peer_order {
	uint8_t n;
	uint8_t by[PEER_MAX]; /* enum span_attr, or PEER_REMOTE */
};

#define PEER_REMOTE ATTR_COUNT /* the span's own word for it (Zipkin's remoteEndpoint) */

/*
 * "server.address,peer.service": attributes by any of their spellings, and "remote".
 * ERR_USAGE with @d names the word that is none.
 */
enum status peer_order_from(
	const char *list, struct peer_order *ret_order, struct diag *d);

/*
 * Append the name of the other end, nothing when @s does not say it. *ret_port is what
 * it is reached behind, or "". Borrowed from the span.
 */
void peer_name(const struct span *s, const struct peer_order *o, struct buf *out,
	struct str *ret_port);

#endif
