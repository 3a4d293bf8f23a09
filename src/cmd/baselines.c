#include "config.h"

#include "weir/cmd/baselines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/cmd/sink.h"

#define MOST_BYTES ((size_t)512 << 20) /* more than any state that would be taken */

static enum status
read_all(int fd, struct buf *out)
{
	ssize_t n;

	while ((n = read(fd, buf_reserve(out, 1 << 16), 1 << 16)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return STATUS_ERR_SYSTEM;
		out->n += (size_t)n;
		if (out->n > MOST_BYTES)
			return STATUS_ERR_TOO_BIG;
	}
	return STATUS_OK;
}

/* The bytes of @path; nothing when there is no such file and one can be made there. */
static enum status
read_state(const char *path, struct buf *out, struct diag *d)
{
	/* What is no file might never answer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum status s;

	if (fd < 0 && errno == ENOENT) {
		struct buf dir = BUF_INIT;
		const char *slash = strrchr(path, '/');

		if (slash)
			buf_add(&dir, path, (size_t)(slash - path) + 1);
		else
			buf_adds(&dir, ".");
		s = access(buf_cstr(&dir), W_OK | X_OK) == 0 ? STATUS_OK
							     : STATUS_ERR_SYSTEM;
		buf_done(&dir);
		if (s != STATUS_OK)
			diag_set(d, s, "cannot make the state '%s': %s", path,
				strerror(errno));
		return s;
	}
	if (fd < 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read the state '%s': %s",
			path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return diag_set(d, STATUS_ERR_USAGE,
			"the state '%s' is no file; name one with --state", path);
	}
	s = read_all(fd, out);
	if (s != STATUS_OK)
		diag_set(d, s, "cannot read the state '%s': %s", path,
			s == STATUS_ERR_SYSTEM ? strerror(errno) : status_text(s));
	close(fd);
	return s;
}

enum status
baselines_open(struct baselines *b, const char *path, struct verdict *v, int64_t now_us,
	struct diag *d)
{
	struct buf bytes = BUF_INIT;
	struct diag why = { 0 };
	enum status s = read_state(path, &bytes, d);

	*b = (struct baselines){ 0 };
	/* An empty file is one that somebody made for us. */
	if (s == STATUS_OK && bytes.n) {
		s = verdict_load(v, buf_str(&bytes), now_us, &why);
		if (s != STATUS_OK)
			diag_set(d, s,
				"'%s': %s; going on without it and leaving it as it is",
				path, why.text);
	}
	buf_done(&bytes);
	if (s == STATUS_OK) {
		/* A link is written through, not replaced. */
		b->path = realpath(path, NULL);
		if (!b->path)
			b->path = xstrdup(path);
	}
	return s;
}

enum status
baselines_save(
	struct baselines *b, const struct verdict *v, int64_t now_us, struct diag *d)
{
	struct buf bytes = BUF_INIT;
	enum status s;
	bool told;

	if (!b->path)
		return STATUS_OK;
	verdict_save(v, now_us, &bytes);
	s = file_replace(b->path, buf_str(&bytes), 0600);
	told = b->failing;
	b->failing = s != STATUS_OK;
	if (s != STATUS_OK && !told)
		diag_set(d, s, "cannot write the state '%s': %s", b->path,
			strerror(errno));
	buf_done(&bytes);
	return told ? STATUS_OK : s;
}

void
baselines_done(struct baselines *b)
{
	free(b->path);
	*b = (struct baselines){ 0 };
}
