/*
 * export - a format for what weir shows.
 *
 * To add one: write src/export/export-NAME.c ending in `const struct export_ops
 * export_NAME`, a row in src/export/exports.def, a golden file, an entry in
 * man/weir.1. The same snap and grid give the same bytes.
 */
#ifndef WEIR_EXPORT_EXPORT_H
#define WEIR_EXPORT_EXPORT_H

#include <stdio.h>

#include "weir/base/status.h"
#include "weir/core/snap.h"
#include "weir/draw/grid.h"
#include "weir/draw/theme.h"

struct export_in {
	const struct snap *snap;
	const struct grid *grid; /* painted; only when ops->needs_grid */
	const struct theme *theme;
	enum depth depth;
	enum charset charset;
};

struct export_ops {
	const char *id; /* as in --format */
	const char *about;
	bool needs_grid;
	/* Write all of it to @out. ERR_SYSTEM when the stream failed. */
	enum status (*write)(const struct export_in *in, FILE *out);
};

extern const struct export_ops *const exports[];
extern const unsigned export_count;
const struct export_ops *export_find(const char *id);

#endif
