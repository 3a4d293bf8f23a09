#include "config.h"

#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/util.h"

#define PAGE 4096
static const char magic[8] = "weirid1\n";

struct state {
	int fd;
	struct state_page *page; /* mapped, or own */
	struct state_page own;
};

void
random_bytes(void *to, size_t n)
{
	if (getentropy(to, n) != 0)
		die("no random numbers: %s", strerror(errno));
}

static void
new_identity(struct state_page *p)
{
	memset(p, 0, sizeof(*p));
	random_bytes(p->agent, sizeof(p->agent));
	/* Last, so that a torn start is begun anew. */
	memcpy(p->magic, magic, sizeof(magic));
}

/* Take the file that is open at @fd and ours alone. */
static enum status
map_page(struct state *s, const char *path, struct diag *d)
{
	static const char zeros[PAGE];
	struct stat st;

	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return diag_set(
			d, STATUS_ERR_SYSTEM, "'%s' is no file of this user", path);
	if (st.st_size != 0 && st.st_size < PAGE)
		return diag_set(
			d, STATUS_ERR_SYNTAX, "'%s' is no state file of weir", path);
	/*
	 * Written, not only made longer: a store to a page the disk has no room for would
	 * end the process.
	 */
	if (st.st_size == 0 && write(s->fd, zeros, PAGE) != PAGE)
		return diag_set(d, STATUS_ERR_FULL, "cannot write '%s': %s", path,
			strerror(errno));
	s->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->page == MAP_FAILED) {
		s->page = NULL;
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot map '%s': %s", path,
			strerror(errno));
	}
	/* All zero is a new file, or one whose content a power failure took. */
	if (memcmp(s->page->magic, zeros, sizeof(magic)) == 0)
		new_identity(s->page);
	else if (memcmp(s->page->magic, magic, sizeof(magic)) != 0)
		return diag_set(
			d, STATUS_ERR_SYNTAX, "'%s' is no state file of weir", path);
	return STATUS_OK;
}

static enum status
open_file(struct state *s, const char *path, struct diag *d)
{
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return diag_set(d, STATUS_ERR_SYSTEM,
			"cannot open the state file '%s': %s", path, strerror(errno));
	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
		return diag_set(d, STATUS_ERR_EXISTS,
			"the state file '%s' is in use by another agent; give this one "
			"its own",
			path);
	return map_page(s, path, d);
}

enum status
state_open(const char *path, struct state **ret_state, struct diag *d)
{
	struct state *s = xcalloc(1, sizeof(*s));
	enum status status = STATUS_OK;

	s->fd = -1;
	if (path) {
		status = open_file(s, path, d);
	} else {
		s->page = &s->own;
		new_identity(s->page);
	}
	if (status != STATUS_OK) {
		state_close(s);
		return status;
	}
	if (s->page->start_count < UINT32_MAX)
		s->page->start_count++;
	*ret_state = s;
	return STATUS_OK;
}

void
state_close(struct state *s)
{
	if (!s)
		return;
	if (s->page && s->page != &s->own)
		munmap(s->page, PAGE);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

struct state_page *
state_page(struct state *s)
{
	return s->page;
}
