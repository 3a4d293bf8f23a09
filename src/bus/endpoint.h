/*
 * endpoint - URLs checked, sockets bound and connected, with errors a person can use.
 */
#ifndef WEIR_SRC_BUS_ENDPOINT_H
#define WEIR_SRC_BUS_ENDPOINT_H

#include "weir/base/status.h"

#include <stdbool.h>

/* One bound URL. */
struct endpoint {
	int lock_fd;     /* of ipc: held as long as it is bound; else -1 */
	char where[256]; /* where it really is */
};

enum status endpoint_bind(void *socket, const char *url, bool allow_network,
	struct endpoint *ret_endpoint, struct diag *d);
void endpoint_done(struct endpoint *e);
enum status endpoint_connect(void *socket, const char *url, struct diag *d);

#endif
