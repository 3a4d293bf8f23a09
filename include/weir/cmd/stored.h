/*
 * stored - a picture read back from what `weir snapshot --format json` wrote.
 *
 * Nodes and edges with their numbers; operations, exemplars and quality are not kept.
 */
#ifndef WEIR_CMD_STORED_H
#define WEIR_CMD_STORED_H

#include "weir/base/names.h"
#include "weir/base/status.h"
#include "weir/base/str.h"
#include "weir/core/snap.h"

/*
 * ERR_UNKNOWN without @d when @text is no snapshot at all, so that it may be something
 * else; ERR_SYNTAX, ERR_VERSION with @d when it is a broken one. Names are kept in @names.
 */
enum status stored_read(
	struct str text, struct names *names, struct snap *ret_snap, struct diag *d);

#endif
