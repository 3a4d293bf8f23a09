/*
 * agent-check - weir-agent --check: what an input yields, without sending it anywhere.
 *
 * Events go to standard output as lines of JSON, unless a person is reading there; what
 * they add up to goes to standard error at the end.
 */
#ifndef WEIR_SRC_CMD_AGENT_CHECK_H
#define WEIR_SRC_CMD_AGENT_CHECK_H

#include "weir/input/input.h"

struct agent_check;

struct agent_check *agent_check_new(void);

/* Add @e up, and print it as man/weir-wire.7 has it. */
void agent_check_add(struct agent_check *c, const struct event *e);

/* False when standard output is gone. */
bool agent_check_flush(struct agent_check *c);

/*
 * Print the sums: how often who called whom, with failures and latencies, what services
 * said of themselves, and what the input, which counted @n, did not take. Then free.
 */
void agent_check_end(struct agent_check *c, const struct input_counts *n);

#endif
