/*
 * help - the text of --help and of `weir help TOPIC`, from the tables.
 */
#ifndef WEIR_CMD_HELP_H
#define WEIR_CMD_HELP_H

#include <stdio.h>

#include "weir/cmd/options.h"

/* What can be given to @command; for weir itself every option there is. */
void help_command(FILE *out, enum command command);

/* A subcommand or a topic. ERR_UNKNOWN with the nearest one in @d. */
enum status help_topic(FILE *out, const char *topic, struct diag *d);

#endif
