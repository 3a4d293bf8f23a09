/*
 * child - a weir-agent that weir started itself (--with) and that ends with it.
 *
 * What the agent says on stderr comes through a pipe, because under the dashboard
 * nobody else may write on the terminal.
 */
#ifndef WEIR_CMD_CHILD_H
#define WEIR_CMD_CHILD_H

#include <stdbool.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"

struct child;

/*
 * Split @words as a shell would ('…', "…", \, blanks; nothing is expanded) and append
 * to a NULL-terminated list, at most @max with the NULL. -1 when a quote is open or
 * they are too many.
 */
int child_split(const char *words, char **ret_words, int max);

/*
 * Start `weir-agent WORDS --to @url`: the one beside this program, else the one on
 * PATH. @keep_stdin: it may read our standard input, else it reads nothing.
 */
struct child *child_start(
	const char *words, const char *url, bool keep_stdin, struct diag *d);

/* Ends it, politely at first; waits. NULL is fine. */
void child_stop(struct child *c);

/* The descriptor to poll for what it says, or -1 after it has ended. */
int child_fd(const struct child *c);

/*
 * Read what it said; whole lines are appended to @out with its name before each.
 * Never blocks.
 */
void child_read(struct child *c, struct buf *out);

/* Has it ended and said its last word, and how: 0 well, else badly. */
bool child_ended(struct child *c, int *ret_status);

#endif
