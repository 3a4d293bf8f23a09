/*
 * agent-check - weir-agent --check: what an input yields, on standard output.
 */
#ifndef WEIR_SRC_CMD_AGENT_CHECK_H
#define WEIR_SRC_CMD_AGENT_CHECK_H

#include "weir/core/flow.h"

struct agent_check;

struct agent_check *agent_check_new(void);

/* Print @e as a line of JSON, as man/weir-wire.7 has it. */
void agent_check_add(struct agent_check *c, const struct event *e);

/* False when standard output is gone. */
bool agent_check_flush(struct agent_check *c);

/* Print to standard error how often who called whom, then free. */
void agent_check_end(struct agent_check *c);

#endif
