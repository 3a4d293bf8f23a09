/*
 * http-listen - the listening socket behind http.h.
 */
#ifndef WEIR_SRC_INPUT_HTTP_LISTEN_H
#define WEIR_SRC_INPUT_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "weir/base/status.h"

/*
 * Listen on @address ("HOST:PORT", ":PORT" and "PORT" for loopback, "[V6]:PORT", numeric
 * hosts and localhost only). Returns the descriptor or -1 with @d; writes the address
 * really used to @where.
 */
int http_listen(const char *address, char *where, size_t size, bool *ret_loopback,
	struct diag *d);

/* Do both come from one host? Their ports do not matter. */
bool http_same_address(
	const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
