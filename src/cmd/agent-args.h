/*
 * agent-args - weir-agent's command line.
 */
#ifndef WEIR_SRC_CMD_AGENT_ARGS_H
#define WEIR_SRC_CMD_AGENT_ARGS_H

#include <stdbool.h>

#include "agent-config.h"
#include "weir/base/status.h"
#include "weir/input/input.h"
#include "weir/wire/outbox.h"

struct agent_args {
	const struct input_ops *input; /* NULL: help or version was asked for */
	int input_argc;
	char **input_argv; /* what is the input's own; borrows argv and config */
	const char *to, *bind, *group, *state;
	const char *config_file; /* --config */
	struct agent_config config;
	enum wire_encoding encoding;
	enum outbox_aggregate aggregate;
	int64_t flush_us; /* 0: the default */
	bool help, version, stats, check, allow_network;
};

/* ERR_USAGE with @d on mistakes. agent_args_done() also after a failure. */
enum status agent_args_parse(struct agent_args *a, int argc, char **argv, struct diag *d);
void agent_args_done(struct agent_args *a);

/* To stdout. */
void agent_args_help(void);

#endif
