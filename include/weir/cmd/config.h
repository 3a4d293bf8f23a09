/*
 * config - the configuration file: INI, checked word by word.
 *
 * $XDG_CONFIG_HOME/weir/weir.conf over /etc/weir/weir.conf, or the one file of
 * --config. What may stand in it is the `section` column of options.def.
 */
#ifndef WEIR_CMD_CONFIG_H
#define WEIR_CMD_CONFIG_H

#include "weir/cmd/options.h"

/*
 * Read one file into @o. False when there is none, which is a mistake only if
 * @required.
 */
bool config_read(struct options *o, const char *path, enum layer layer, bool required,
	struct mistakes *m);

/* Read what there is, and the environment. Appends the files read to @ret_files. */
void config_load(struct options *o, struct text_list *ret_files, struct mistakes *m);

#endif
