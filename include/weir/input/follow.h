/*
 * follow - lines of a file that grows, is rotated, truncated, and comes back.
 *
 * What `tail -F` does, with the losses counted. Rename rotation loses nothing: the
 * old file is read on for a while after a new one has taken the name. After
 * copytruncate (the size falls below what was read) what the copy PATH.1 has more is
 * read, then reading starts again at the top; and it is counted, because lines
 * written between copy and truncation are gone for everybody. A line without its newline waits for the rest. A line over
 * FOLLOW_MAX_LINE bytes is cut and counted.
 *
 * Time is an argument; the caller polls. No line is handed out twice.
 */
#ifndef WEIR_INPUT_FOLLOW_H
#define WEIR_INPUT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

#define FOLLOW_MAX_LINE (64u * 1024)

/* How long a renamed file is read on after its name was taken by another. */
#define FOLLOW_LINGER_US INT64_C(5000000)

struct follow;

struct follow_counts {
	uint64_t lines, bytes;
	uint64_t cut;       /* lines longer than FOLLOW_MAX_LINE */
	uint64_t rotated;   /* another file took the name */
	uint64_t truncated; /* the file shrank: lines may be lost */
};

/*
 * @path need not exist yet when @keep: it is waited for. With @from_start what is in
 * it already is read, else only what comes. Without @keep the end of the file is the
 * end. "-" is stdin (never kept). NULL with @d when a file that must exist cannot be
 * opened or is a directory.
 */
struct follow *follow_open(const char *path, bool from_start, bool keep, struct diag *d);
void follow_close(struct follow *f);

/* Without newline and carriage return. Borrowed until it returns. */
typedef void (*follow_line_fn)(void *ctx, struct str line);

/*
 * Hand out at most @max_bytes of what has come. STATUS_OK when there may be more at once;
 * ERR_FULL when all is read for now (look again in FOLLOW_POLL_US or when
 * the descriptor of a pipe is ready); ERR_TRUNCATED at the end of a file that is not
 * kept (its last line is handed out even without a newline); ERR_SYSTEM when reading failed.
 */
enum status follow_step(struct follow *f, int64_t mono_us, size_t max_bytes,
	follow_line_fn fn, void *ctx);

#define FOLLOW_POLL_US INT64_C(100000)

/* The descriptor when it is a pipe or terminal that poll() can wait for, else -1. */
int follow_fd(const struct follow *f);

void follow_counts(const struct follow *f, struct follow_counts *ret_counts);
const char *follow_path(const struct follow *f);

#endif
