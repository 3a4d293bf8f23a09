/*
 * agent-config - weir-agent's configuration file.
 *
 * $XDG_CONFIG_HOME/weir/agent.conf over /etc/weir/agent.conf, or the one file of
 * --config. [agent] has the agent's own options, [INPUT] those of an input, each by its
 * name without the dashes; `file` is what an input reads. What stands on the command line
 * wins, and adds to what may be given several times.
 */
#ifndef WEIR_SRC_CMD_AGENT_CONFIG_H
#define WEIR_SRC_CMD_AGENT_CONFIG_H

#include "weir/base/status.h"

struct agent_setting {
	char *section, *name, *value;
	char *word; /* "--name=value", or the value of `file`: as on a command line */
	char *file; /* where it stands */
	int line;
};

struct agent_config {
	struct agent_setting *v;
	unsigned n;
};

/*
 * Read the files there are, or @path alone, which must be there. ERR_SYNTAX with @d at
 * the first mistake in one. agent_config_done() also after a failure.
 */
enum status agent_config_load(struct agent_config *c, const char *path, struct diag *d);
void agent_config_done(struct agent_config *c);

#endif
