/*
 * One file is current. When stat() shows that another inode has taken the path,
 * the current file becomes the old one: it stays open and is read on for
 * FOLLOW_LINGER_US, because a writer that reopens late (nginx on USR1) still
 * writes to it. Only one old file is kept; a second rotation within the linger
 * closes it after it has been read to its end. A copy made by copytruncate is such an
 * old file too.
 */
#include "config.h"

#include "weir/input/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"

#define READ_BYTES 65536
#define LAST 64
#define LAST_ENOUGH 16 /* fewer bytes could be alike by chance */

/* One open file and the line that has begun in it. */
struct source {
	int fd; /* -1: none */
	dev_t dev;
	ino_t ino;
	off_t offset;
	struct buf part; /* a line without its end yet */
	bool skipping;   /* inside the rest of a line that was cut */
	char last[LAST]; /* the bytes before offset, to know a copy of this file by */
	size_t last_n;
};

struct follow {
	char *path;
	bool keep, from_start, is_stream;
	struct source now, old;
	int64_t old_until_us;
	struct follow_counts counts;
};

/* What take() found. */
enum taken {
	TAKEN_SOME,
	TAKEN_NONE,
	TAKEN_END,
	TAKEN_FAILED
};

static void
source_close(struct source *s)
{
	if (s->fd > STDIN_FILENO)
		close(s->fd);
	s->fd = -1;
	buf_done(&s->part);
}

static enum status
source_open(struct follow *f, struct source *s, bool from_start, struct diag *d)
{
	struct stat st;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot open '%s': %s", f->path,
			strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		close(fd);
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is not a file", f->path);
	}
	*s = (struct source){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	f->is_stream = !S_ISREG(st.st_mode);
	if (!f->is_stream && !from_start)
		s->offset = st.st_size;
	return STATUS_OK;
}

struct follow *
follow_open(const char *path, bool from_start, bool keep, struct diag *d)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	f->keep = keep;
	f->from_start = from_start;
	f->now.fd = f->old.fd = -1;
	if (strcmp(path, "-") == 0) {
		f->now.fd = STDIN_FILENO;
		f->is_stream = true;
		f->keep = false;
		return f;
	}
	if (source_open(f, &f->now, from_start, d) == STATUS_OK)
		return f;
	if (keep && access(path, F_OK) != 0) {
		f->from_start = true; /* what appears later is new from its first byte */
		return f;
	}
	follow_close(f);
	return NULL;
}

void
follow_close(struct follow *f)
{
	if (!f)
		return;
	source_close(&f->now);
	source_close(&f->old);
	free(f->path);
	free(f);
}

static void
hand_out(struct follow *f, struct str line, follow_line_fn fn, void *ctx)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	f->counts.lines++;
	fn(ctx, line);
}

/* Hand out what a line may hold of it, and pass over the rest up to its newline. */
static void
cut(struct follow *f, struct source *s, const char *p, follow_line_fn fn, void *ctx)
{
	buf_add(&s->part, p, FOLLOW_MAX_LINE - s->part.n);
	hand_out(f, buf_str(&s->part), fn, ctx);
	buf_clear(&s->part);
	s->skipping = true;
	f->counts.cut++;
}

/* Split @n new bytes into lines; what has no newline yet stays in s->part. */
static void
split(struct follow *f, struct source *s, const char *p, size_t n, follow_line_fn fn,
	void *ctx)
{
	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;
		size_t used = nl ? len + 1 : len;

		if (!s->skipping && s->part.n + len > FOLLOW_MAX_LINE)
			cut(f, s, p, fn, ctx);
		if (!s->skipping) {
			if (nl && s->part.n == 0) {
				hand_out(f, (struct str){ p, len }, fn, ctx);
			} else {
				buf_add(&s->part, p, len);
				if (nl) {
					hand_out(f, buf_str(&s->part), fn, ctx);
					buf_clear(&s->part);
				}
			}
		}
		if (nl)
			s->skipping = false;
		p += used;
		n -= used;
	}
}

static void
remember_last(struct source *s, const char *p, size_t n)
{
	size_t fresh = MIN(n, LAST), kept = MIN(s->last_n, LAST - fresh);

	memmove(s->last, s->last + s->last_n - kept, kept);
	memcpy(s->last + kept, p + n - fresh, fresh);
	s->last_n = kept + fresh;
}

static enum taken
take(struct follow *f, struct source *s, size_t max, follow_line_fn fn, void *ctx)
{
	char bytes[READ_BYTES];
	size_t want = MIN(max, sizeof(bytes));
	ssize_t n;

	if (s->fd < 0)
		return TAKEN_NONE;
	do {
		n = f->is_stream ? read(s->fd, bytes, want)
				 : pread(s->fd, bytes, want, s->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? TAKEN_NONE
							       : TAKEN_FAILED;
	if (n == 0)
		return f->is_stream || !f->keep ? TAKEN_END : TAKEN_NONE;
	s->offset += n;
	remember_last(s, bytes, (size_t)n);
	f->counts.bytes += (uint64_t)n;
	split(f, s, bytes, (size_t)n, fn, ctx);
	return TAKEN_SOME;
}

/* Hand out the last line of a source that will never get its newline. */
static void
finish(struct follow *f, struct source *s, follow_line_fn fn, void *ctx)
{
	if (s->part.n > 0 && !s->skipping)
		hand_out(f, buf_str(&s->part), fn, ctx);
	buf_clear(&s->part);
	s->skipping = false;
}

static void
close_old(struct follow *f, follow_line_fn fn, void *ctx)
{
	while (take(f, &f->old, READ_BYTES, fn, ctx) == TAKEN_SOME)
		;
	finish(f, &f->old, fn, ctx);
	source_close(&f->old);
}

/*
 * After copytruncate the copy, PATH.1, holds what was written since we last looked. It
 * is our file's when it has the same bytes just before the place we had come to.
 */
static bool
open_copy(const struct follow *f, struct source *ret_copy)
{
	struct source copy = f->now;
	struct buf path = BUF_INIT;
	char there[LAST];
	struct stat st;
	off_t from = copy.offset - (off_t)copy.last_n;

	if (copy.last_n < LAST_ENOUGH)
		return false;
	buf_addf(&path, "%s.1", f->path);
	copy.fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	buf_done(&path);
	if (copy.fd < 0)
		return false;
	if (fstat(copy.fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size <= copy.offset ||
		pread(copy.fd, there, copy.last_n, from) != (ssize_t)copy.last_n ||
		memcmp(there, copy.last, copy.last_n) != 0) {
		close(copy.fd);
		return false;
	}
	*ret_copy = copy;
	return true;
}

/* The file has been emptied under us. */
static void
start_again(struct follow *f, int64_t mono_us, follow_line_fn fn, void *ctx)
{
	struct source copy;

	f->counts.truncated++;
	if (open_copy(f, &copy)) {
		close_old(f, fn, ctx);
		f->old = copy; /* and with it the line that has begun */
		f->old_until_us = mono_us + FOLLOW_LINGER_US;
		f->now.part = (struct buf)BUF_INIT;
	} else {
		finish(f, &f->now, fn, ctx);
	}
	f->now.offset = 0;
	f->now.last_n = 0;
	f->now.skipping = false;
}

/* Has the file been emptied under us, or has another taken its name? */
static void
look(struct follow *f, int64_t mono_us, follow_line_fn fn, void *ctx)
{
	struct stat st;
	struct source next;
	bool had = f->now.fd >= 0;

	if (had && fstat(f->now.fd, &st) == 0 && st.st_size < f->now.offset)
		start_again(f, mono_us, fn, ctx);
	if (stat(f->path, &st) < 0)
		return;
	if (had && st.st_ino == f->now.ino && st.st_dev == f->now.dev)
		return;
	if (source_open(f, &next, had || f->from_start, NULL) != STATUS_OK)
		return;
	if (had) {
		close_old(f, fn, ctx);
		f->old = f->now;
		f->old_until_us = mono_us + FOLLOW_LINGER_US;
		f->counts.rotated++;
	}
	f->now = next;
}

enum status
follow_step(
	struct follow *f, int64_t mono_us, size_t max_bytes, follow_line_fn fn, void *ctx)
{
	enum taken got;

	if (f->old.fd >= 0) {
		if (take(f, &f->old, max_bytes, fn, ctx) == TAKEN_SOME)
			return STATUS_OK;
		if (mono_us >= f->old_until_us)
			close_old(f, fn, ctx);
	}
	got = take(f, &f->now, max_bytes, fn, ctx);
	if (got == TAKEN_NONE && f->keep) {
		look(f, mono_us, fn, ctx);
		got = take(f, &f->now, max_bytes, fn, ctx);
	}
	switch (got) {
	case TAKEN_SOME:
		return STATUS_OK;
	case TAKEN_END:
		finish(f, &f->now, fn, ctx);
		return STATUS_ERR_TRUNCATED;
	case TAKEN_FAILED:
		return STATUS_ERR_SYSTEM;
	case TAKEN_NONE:
		break;
	}
	return STATUS_ERR_FULL;
}

int
follow_fd(const struct follow *f)
{
	return f->is_stream ? f->now.fd : -1;
}

void
follow_counts(const struct follow *f, struct follow_counts *ret_counts)
{
	*ret_counts = f->counts;
}

const char *
follow_path(const struct follow *f)
{
	return f->path;
}
