#include "config.h"

#include "weir/wire/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "crc.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"

#define MAGIC "weir-recording 1\n"
#define HEAD 12 /* length and time before the frame */
#define TAIL 4  /* CRC behind it */

/* ------------------------------------------------------------ writing */

struct record_writer {
	int fd;
	uint64_t bytes, max_bytes;
	enum status failed; /* once it has, nothing more is written */
	int error;          /* errno of that */
	struct buf entry;
};

/* One write(); what was written in part is cut off again. */
static enum status
write_whole(struct record_writer *w, struct str bytes)
{
	ssize_t n;

	do
		n = write(w->fd, bytes.p, bytes.n);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)bytes.n) {
		w->bytes += bytes.n;
		return STATUS_OK;
	}
	/* A full disk first takes a part, and says so only the next time. */
	w->error = n < 0 ? errno : ENOSPC;
	if (n > 0 && ftruncate(w->fd, (off_t)w->bytes) == 0)
		(void)lseek(w->fd, (off_t)w->bytes, SEEK_SET);
	w->failed = w->error == ENOSPC || w->error == EDQUOT || w->error == EFBIG
			    ? STATUS_ERR_FULL
			    : STATUS_ERR_SYSTEM;
	return w->failed;
}

struct record_writer *
record_create(const char *path, uint64_t max_bytes, struct diag *d)
{
	struct record_writer *w = xcalloc(1, sizeof(*w));

	w->max_bytes = max_bytes;
	w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0) {
		if (errno == EEXIST)
			diag_set(d, STATUS_ERR_EXISTS,
				"'%s' exists; remove it, or record to another name",
				path);
		else
			diag_set(d, STATUS_ERR_SYSTEM, "cannot create '%s': %s", path,
				strerror(errno));
		free(w);
		return NULL;
	}
	if (write_whole(w, STR(MAGIC)) != STATUS_OK) {
		diag_set(d, w->failed, "cannot write '%s': %s", path, strerror(w->error));
		(void)unlink(path);
		(void)record_close(w, NULL);
		return NULL;
	}
	return w;
}

enum status
record_append(struct record_writer *w, struct str frame, int64_t wall_us)
{
	unsigned char head[HEAD], tail[TAIL];

	if (w->failed != STATUS_OK)
		return w->failed;
	if (frame.n == 0 || frame.n > WIRE_MAX_FRAME)
		return STATUS_ERR_RANGE;
	if (w->max_bytes && w->bytes + HEAD + frame.n + TAIL > w->max_bytes)
		return STATUS_ERR_FULL;
	buf_clear(&w->entry);
	put_le(head, frame.n, 4);
	put_le(head + 4, (uint64_t)wall_us, 8);
	buf_add(&w->entry, head, sizeof(head));
	buf_add_str(&w->entry, frame);
	put_le(tail, crc_add(0, w->entry.p, w->entry.n), 4);
	buf_add(&w->entry, tail, sizeof(tail));
	return write_whole(w, buf_str(&w->entry));
}

uint64_t
record_bytes(const struct record_writer *w)
{
	return w->bytes;
}

enum status
record_close(struct record_writer *w, struct diag *d)
{
	enum status status = w->failed;

	if (status != STATUS_OK)
		diag_set(d, status, "the recording ended early: %s", strerror(w->error));
	/* Some file systems tell of a failed write only here. */
	if (close(w->fd) != 0 && status == STATUS_OK)
		status = diag_set(d, STATUS_ERR_SYSTEM, "cannot close the recording: %s",
			strerror(errno));
	buf_done(&w->entry);
	free(w);
	return status;
}

/* ------------------------------------------------------------ reading */

struct record_reader {
	int fd;
	struct buf in; /* read and not yet taken: from at on */
	size_t at;
	uint64_t offset; /* of in.p[at] in the file */
	enum status ended;
	uint64_t torn;
	bool eof;
	int64_t size; /* of the file, or -1 */
};

/* Read until @n bytes are there from @at on. False at the end of the file. */
static bool
fill(struct record_reader *r, size_t n)
{
	while (r->in.n - r->at < n && !r->eof) {
		ssize_t got;

		if (r->at > 0) {
			memmove(r->in.p, r->in.p + r->at, r->in.n - r->at);
			r->in.n -= r->at;
			r->at = 0;
		}
		got = read(r->fd, buf_reserve(&r->in, MAX(n, (size_t)65536)),
			MAX(n, (size_t)65536));
		if (got > 0)
			r->in.n += (size_t)got;
		else if (got == 0 || errno != EINTR)
			r->eof = true;
	}
	return r->in.n - r->at >= n;
}

static void
take(struct record_reader *r, size_t n)
{
	r->at += n;
	r->offset += n;
}

/* Nothing can be found again behind a fault. */
static enum status
end(struct record_reader *r, enum status status)
{
	uint64_t seen = r->in.n - r->at;

	r->ended = status;
	r->torn = r->size > 0 && (uint64_t)r->size > r->offset
			  ? MAX((uint64_t)r->size - r->offset, seen)
			  : seen;
	return status;
}

struct record_reader *
record_open_fd(int fd, struct str begun, const char *name, struct diag *d)
{
	struct record_reader *r = xcalloc(1, sizeof(*r));
	static const struct str magic = { MAGIC, sizeof(MAGIC) - 1 };
	struct stat st;

	r->fd = fd;
	buf_add_str(&r->in, begun);
	r->size =
		fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
	/* One that was cut within the first line holds nothing, which is no mistake. */
	if (!fill(r, magic.n)) {
		if (memcmp(buf_cstr(&r->in), magic.p, r->in.n) == 0) {
			end(r, STATUS_ERR_TRUNCATED);
			return r;
		}
	} else if (memcmp(r->in.p, magic.p, magic.n) == 0) {
		take(r, magic.n);
		return r;
	}
	diag_set(d, STATUS_ERR_SYNTAX, "'%s' is no recording of weir", name);
	record_reader_free(r);
	return NULL;
}

struct record_reader *
record_open(const char *path, struct diag *d)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
					: open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot open '%s': %s", path,
			strerror(errno));
		return NULL;
	}
	return record_open_fd(fd, (struct str){ 0 }, path, d);
}

enum status
record_next(struct record_reader *r, struct str *ret_frame, int64_t *ret_wall_us)
{
	const unsigned char *p;
	size_t n;

	if (r->ended != STATUS_OK)
		return r->ended;
	if (!fill(r, HEAD))
		return end(r, STATUS_ERR_TRUNCATED);
	n = get_le((const unsigned char *)r->in.p + r->at, 4);
	if (n == 0 || n > WIRE_MAX_FRAME)
		return end(r, STATUS_ERR_SYNTAX);
	if (!fill(r, HEAD + n + TAIL))
		return end(r, STATUS_ERR_TRUNCATED);
	p = (const unsigned char *)r->in.p + r->at;
	if (get_le(p + HEAD + n, 4) != crc_add(0, p, HEAD + n))
		return end(r, STATUS_ERR_CHECKSUM);
	*ret_frame = (struct str){ .p = (const char *)p + HEAD, .n = n };
	*ret_wall_us = (int64_t)get_le(p + 4, 8);
	take(r, HEAD + n + TAIL);
	return STATUS_OK;
}

uint64_t
record_torn(const struct record_reader *r)
{
	return r->torn;
}

uint64_t
record_offset(const struct record_reader *r)
{
	return r->offset;
}

void
record_reader_free(struct record_reader *r)
{
	if (!r)
		return;
	close(r->fd);
	buf_done(&r->in);
	free(r);
}
