/*
 * rename - what an input calls a service, where its source knows only an address.
 *
 * A table of the user's `--alias FROM=TO`. FROM is matched whole first, then without
 * the port behind it, so one row names all ports of a host.
 */
#ifndef WEIR_INPUT_RENAME_H
#define WEIR_INPUT_RENAME_H

#include "weir/base/status.h"
#include "weir/base/str.h"

struct rename_row {
	char *from, *to;
};

/* All zero: empty. */
struct rename {
	struct rename_row *row;
	unsigned rows;
};

/* Take "FROM=TO". ERR_USAGE with @d. */
enum status rename_add(struct rename *r, const char *text, struct diag *d);
void rename_done(struct rename *r);

/* The name for @name: TO of its row, or itself. Borrowed: valid as long as both. */
struct str rename_apply(const struct rename *r, struct str name);

/* Of `reviews.default.svc.cluster.local:9080` the service `reviews`; else @host itself. */
struct str rename_kube(struct str host);

/* @host without a port: `[::1]:80` and `a:80`, but not `::1`. */
struct str rename_host(struct str host);

#endif
