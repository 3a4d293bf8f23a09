/*
 * sink - output that notices when it was not written.
 *
 * Everything is gathered in memory and written at the end, so that a file is
 * either the old one or whole. stdio reports success for a closed or full output
 * until somebody looks; here somebody looks.
 */
#ifndef WEIR_CMD_SINK_H
#define WEIR_CMD_SINK_H

#include <stdio.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

struct sink {
	FILE *f; /* write here */
	char *bytes;
	size_t n;
};

/*
 * Give every standard descriptor that is closed something that fails, so that no
 * socket opened later takes its number. Call first of all.
 */
void sink_guard_descriptors(void);

void sink_open(struct sink *s);

/*
 * Write it to @path, or to standard output for NULL and "-". ERR_SYSTEM with @d
 * when it was not all taken; @d is without text when the reader just went away,
 * which is nobody's fault.
 */
enum status sink_close(struct sink *s, const char *path, struct diag *d);

/* Write nothing. */
void sink_drop(struct sink *s);

/*
 * A new file of @bytes that takes the place of @path when it is whole. ERR_SYSTEM with
 * errno when that failed; the old one is then left.
 */
enum status file_replace(const char *path, struct str bytes, unsigned mode);

#endif
