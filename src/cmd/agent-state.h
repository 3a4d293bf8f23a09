/*
 * agent-state - where an agent's identity is kept.
 */
#ifndef WEIR_SRC_CMD_AGENT_STATE_H
#define WEIR_SRC_CMD_AGENT_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/status.h"

/*
 * $XDG_STATE_HOME/weir/INPUT-WHERE.state (~/.local/state without it), with its directory
 * made. ERR_SYSTEM with @d when there can be none.
 */
enum status agent_state_path(
	const char *input, const char *where, char *path, size_t size, struct diag *d);

#endif
