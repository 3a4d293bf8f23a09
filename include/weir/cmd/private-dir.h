/*
 * private-dir - a directory of our own for sockets, short enough for their paths,
 * removed with what is in it.
 */
#ifndef WEIR_CMD_PRIVATE_DIR_H
#define WEIR_CMD_PRIVATE_DIR_H

#include "weir/base/status.h"

struct private_dir {
	char path[64]; /* "" when there is none */
};

/* In $XDG_RUNTIME_DIR when its path is short, else in /tmp; mode 0700. */
enum status private_dir_make(struct private_dir *p, struct diag *d);
void private_dir_done(struct private_dir *p);

#endif
