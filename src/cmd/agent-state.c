#include "config.h"

#include "agent-state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Make @path and what is above it; false with errno. */
static bool
make_directories(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			*p = '/';
			return false;
		}
		*p = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

enum status
agent_state_path(
	const char *input, const char *where, char *path, size_t size, struct diag *d)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const char *second = strstr(where, " and ");
	size_t n, from, where_n = second ? (size_t)(second - where) : strlen(where);

	if (state && *state == '/')
		snprintf(path, size, "%s/weir", state);
	else if (home && *home == '/')
		snprintf(path, size, "%s/.local/state/weir", home);
	else
		return diag_set(d, STATUS_ERR_SYSTEM, "HOME is not set");
	if (!make_directories(path))
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot make '%s': %s", path,
			strerror(errno));
	n = strlen(path);
	from = n + 1;
	/* Of two addresses the first is enough. */
	if ((size_t)snprintf(path + n, size - n, "/%s-%.*s.state", input, (int)where_n,
		    where) >= size - n)
		return diag_set(d, STATUS_ERR_SYSTEM, "its path would be too long");
	/* What an input listens on may hold anything; a file name not. */
	for (char *p = path + from; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789.:-_[]",
			    *p))
			*p = '_';
	return STATUS_OK;
}
