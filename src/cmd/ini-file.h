/*
 * ini-file - a file of `[section]` and `name = value`, checked line by line.
 */
#ifndef WEIR_SRC_CMD_INI_FILE_H
#define WEIR_SRC_CMD_INI_FILE_H

#include "weir/base/status.h"

struct ini_reader {
	/* A setting; the texts are borrowed for the call. */
	void (*setting)(void *ctx, const char *section, const char *name,
		const char *value, int line);
	/* What is neither a setting nor a section; reading goes on behind it. */
	void (*wrong)(void *ctx, int line, const char *what);
	void *ctx;
};

/* ERR_SYSTEM with @d when it cannot be opened, ERR_USAGE when it is a directory. */
enum status ini_file_read(const char *path, const struct ini_reader *r, struct diag *d);

#endif
