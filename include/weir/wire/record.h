/*
 * record - frames in a file, append-only, readable up to the last whole one.
 *
 * A file begins with a magic line; each entry is a length, the receive time, the
 * frame's own bytes and a CRC32 over all of it, in one write(). A torn or flipped
 * tail is found and cut, never guessed at. Layout: man/weir-wire.7, "Recordings".
 */
#ifndef WEIR_WIRE_RECORD_H
#define WEIR_WIRE_RECORD_H

#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

struct record_writer;
struct record_reader;

/* Create @path (0600, O_EXCL, O_NOFOLLOW). @max_bytes 0: no limit. */
struct record_writer *record_create(const char *path, uint64_t max_bytes, struct diag *d);

/*
 * Append one frame received at @wall_us. ERR_FULL at max_bytes or a full disk (the
 * file is cut back to the last whole entry first), ERR_SYSTEM otherwise.
 */
enum status record_append(struct record_writer *w, struct str frame, int64_t wall_us);
uint64_t record_bytes(const struct record_writer *w);
enum status record_close(
	struct record_writer *w, struct diag *d); /* frees, also on failure */

/* Open for reading; "-" is stdin. */
struct record_reader *record_open(const char *path, struct diag *d);

/*
 * The same for @fd, of which the bytes @begun have been read already to see what it
 * is. Takes @fd over; @name is for messages.
 */
struct record_reader *record_open_fd(
	int fd, struct str begun, const char *name, struct diag *d);

/*
 * The next frame; borrowed until the next call. STATUS_OK, or ERR_TRUNCATED at the
 * end (clean or torn: record_torn() tells), ERR_CHECKSUM / ERR_SYNTAX at damage:
 * reading ends there.
 */
enum status record_next(
	struct record_reader *r, struct str *ret_frame, int64_t *ret_wall_us);
uint64_t record_torn(
	const struct record_reader *r); /* bytes after the last whole entry */
uint64_t record_offset(const struct record_reader *r);
void record_reader_free(struct record_reader *r);

#endif
