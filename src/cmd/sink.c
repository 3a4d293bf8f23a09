#include "config.h"

#include "weir/cmd/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"

void
sink_guard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		/* Open the wrong way round: using it fails, as using a closed one does. */
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
	}
}

void
sink_open(struct sink *s)
{
	*s = (struct sink){ 0 };
	s->f = open_memstream(&s->bytes, &s->n);
	if (s->f == NULL)
		die("open_memstream: %s", strerror(errno));
}

static enum status
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return STATUS_ERR_SYSTEM;
		p += done;
		n -= (size_t)done;
	}
	return STATUS_OK;
}

enum status
file_replace(const char *path, struct str bytes, unsigned mode)
{
	struct buf temporary = BUF_INIT;
	enum status status = STATUS_ERR_SYSTEM;
	int fd, saved;

	buf_addf(&temporary, "%s.XXXXXX", path);
	fd = mkstemp(temporary.p);
	if (fd >= 0) {
		status = write_all(fd, bytes.p, bytes.n);
		saved = errno;
		if (fchmod(fd, mode) != 0 || close(fd) != 0)
			status = STATUS_ERR_SYSTEM;
		else if (status != STATUS_OK)
			errno = saved;
		if (status == STATUS_OK && rename(temporary.p, path) != 0)
			status = STATUS_ERR_SYSTEM;
		saved = errno;
		if (status != STATUS_OK)
			unlink(temporary.p);
		errno = saved;
	}
	buf_done(&temporary);
	return status;
}

static enum status
write_path(const struct sink *s, const char *path)
{
	struct stat st;
	enum status status;
	mode_t mask;
	int fd;

	if (lstat(path, &st) != 0 || S_ISREG(st.st_mode)) {
		mask = umask(0);
		umask(mask);
		return file_replace(path, (struct str){ s->bytes, s->n }, 0666 & ~mask);
	}
	/* A device, a pipe or a link is written through, not replaced. */
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return STATUS_ERR_SYSTEM;
	status = write_all(fd, s->bytes, s->n);
	if (close(fd) != 0)
		status = STATUS_ERR_SYSTEM;
	return status;
}

enum status
sink_close(struct sink *s, const char *path, struct diag *d)
{
	bool to_stdout = path == NULL || strcmp(path, "-") == 0;
	enum status status;

	if (fclose(s->f) != 0)
		die("out of memory");
	status = to_stdout ? write_all(STDOUT_FILENO, s->bytes, s->n)
			   : write_path(s, path);
	if (status != STATUS_OK) {
		*d = (struct diag){ 0 };
		if (errno != EPIPE)
			diag_set(d, status, "cannot write %s: %s",
				to_stdout ? "to standard output" : path, strerror(errno));
	}
	free(s->bytes);
	*s = (struct sink){ 0 };
	return status;
}

void
sink_drop(struct sink *s)
{
	fclose(s->f);
	free(s->bytes);
	*s = (struct sink){ 0 };
}
