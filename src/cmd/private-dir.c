#include "config.h"

#include "weir/cmd/private-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/util.h"

enum status
private_dir_make(struct private_dir *p, struct diag *d)
{
	const char *places[] = { getenv("XDG_RUNTIME_DIR"), "/tmp" };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		if (places[i] == NULL || places[i][0] != '/' || strlen(places[i]) > 40)
			continue;
		snprintf(p->path, sizeof(p->path), "%s/weir-XXXXXX", places[i]);
		if (mkdtemp(p->path))
			return STATUS_OK;
	}
	p->path[0] = '\0';
	return diag_set(d, STATUS_ERR_SYSTEM,
		"cannot make a directory for a socket in /tmp: %s", strerror(errno));
}

void
private_dir_done(struct private_dir *p)
{
	DIR *dir = p->path[0] ? opendir(p->path) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
	if (p->path[0])
		rmdir(p->path);
	p->path[0] = '\0';
}
