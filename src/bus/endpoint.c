#include "config.h"

#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"

#define NOFILE_ENOUGH 65536

void
bus_raise_limits(void)
{
	struct rlimit limit;
	rlim_t wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	wanted = MIN(limit.rlim_max, (rlim_t)NOFILE_ENOUGH);
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	/* Refused: then fewer peers can connect, which is no reason to stop. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ------------------------------------------------------------ URLs */

static const char *
after(const char *url, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(url, prefix, n) == 0 ? url + n : NULL;
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(host, "localhost") == 0;
}

static enum status
check_ipc(const char *url, const char *path, struct diag *d)
{
	struct sockaddr_un sun;

	if (path[0] == '@')
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s': abstract sockets have no permissions, so anybody on this "
			"host could "
			"connect; use a path",
			url);
	if (path[0] != '/')
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s': the path must be absolute, as in ipc:///run/weir/bus",
			url);
	if (strlen(path) >= sizeof(sun.sun_path))
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s': the path has %zu bytes, and a socket's may have %zu", url,
			strlen(path), sizeof(sun.sun_path) - 1);
	return STATUS_OK;
}

/* Split "host:port"; @ret_host without the brackets of IPv6. */
static enum status
check_tcp(const char *url, const char *rest, bool bind, char *ret_host, size_t size,
	struct diag *d)
{
	const char *colon = strrchr(rest, ':');
	size_t n = colon ? (size_t)(colon - rest) : 0;
	char *end;
	long port;

	if (n == 0 || n >= size)
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' needs a host and a port, as in tcp://127.0.0.1:5570", url);
	port = strtol(colon + 1, &end, 10);
	if (!(bind && strcmp(colon + 1, "*") == 0) &&
		(*end || end == colon + 1 || port < 1 || port > 65535))
		return diag_set(d, STATUS_ERR_USAGE, "'%s': '%s' is no port (1 to 65535)",
			url, colon + 1);
	if (rest[0] == '[' && rest[n - 1] == ']')
		snprintf(ret_host, size, "%.*s", (int)n - 2, rest + 1);
	else
		snprintf(ret_host, size, "%.*s", (int)n, rest);
	return STATUS_OK;
}

static enum status
check_url(const char *url, bool bind, bool allow_network, struct diag *d)
{
	const char *rest;
	char host[200];
	enum status status;

	rest = after(url, "ipc://");
	if (rest)
		return check_ipc(url, rest, d);
	rest = after(url, "tcp://");
	if (!rest)
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' must begin with tcp:// or ipc://", url);
	status = check_tcp(url, rest, bind, host, sizeof(host), d);
	if (status == STATUS_OK && bind && !allow_network && !is_loopback(host))
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' would take data from the whole network, unencrypted and "
			"from "
			"anybody; listen on 127.0.0.1 and let agents come in over an SSH "
			"tunnel",
			url);
	return status;
}

/* ------------------------------------------------------------ ipc */

/* Does anybody accept connections at @path? */
static bool
is_alive(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool alive;

	if (fd < 0)
		return false;
	memcpy(sun.sun_path, path, strlen(path));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	alive = connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

/*
 * libzmq unlinks whatever is at the path and binds anew: a second weir would take the
 * first one's agents away without a word, and a mistyped path would cost a file. The
 * lock file stays behind at the end; removing it would race with the next one.
 */
static enum status
lock_ipc(const char *url, const char *path, int *ret_fd, struct diag *d)
{
	char lock_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 8], owner[32];
	struct stat st;
	ssize_t n;
	int fd;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return diag_set(d, STATUS_ERR_EXISTS,
			"'%s': there is a file of that name, which is no socket", url);
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return diag_set(d, STATUS_ERR_SYSTEM,
			"'%s': cannot make the lock file: %s", url, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		n = read(fd, owner, sizeof(owner) - 1);
		owner[MAX(n, 0)] = '\0';
		owner[strspn(owner, "0123456789")] = '\0';
		close(fd);
		return diag_set(d, STATUS_ERR_EXISTS,
			"'%s' is in use by process %s; stop it, or listen somewhere else",
			url, owner[0] ? owner : "(unknown)");
	}
	if (is_alive(path)) {
		close(fd);
		return diag_set(d, STATUS_ERR_EXISTS,
			"'%s' is in use by a program that is no weir; stop it, or listen "
			"somewhere else",
			url);
	}
	n = snprintf(owner, sizeof(owner), "%ld\n", (long)getpid());
	/* Only for the message above: without it the owner is unknown. */
	if (ftruncate(fd, 0) != 0 || write(fd, owner, (size_t)n) != n)
		(void)ftruncate(fd, 0);
	*ret_fd = fd;
	return STATUS_OK;
}

/* ------------------------------------------------------------ binding */

static enum status
bind_failed(const char *url, int error, struct diag *d)
{
	switch (error) {
	case EADDRINUSE:
		return diag_set(d, STATUS_ERR_EXISTS,
			"'%s' is in use by another program; stop it (`ss -ltnp` names "
			"it), or "
			"take another port",
			url);
	case EADDRNOTAVAIL:
	case ENODEV:
		return diag_set(
			d, STATUS_ERR_SYSTEM, "'%s': this host has no such address", url);
	case ENOENT:
		return diag_set(
			d, STATUS_ERR_SYSTEM, "'%s': its directory does not exist", url);
	default:
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot listen on '%s': %s", url,
			zmq_strerror(error));
	}
}

enum status
endpoint_bind(void *socket, const char *url, bool allow_network,
	struct endpoint *ret_endpoint, struct diag *d)
{
	static const char localhost[] = "tcp://localhost:";
	struct endpoint e = { .lock_fd = -1 };
	size_t size = sizeof(e.where);
	char numeric[256];
	const char *path, *port;
	enum status status = check_url(url, true, allow_network, d);
	int error, v6 = strchr(url, '[') != NULL;

	if (status != STATUS_OK)
		return status;
	path = after(url, "ipc://");
	if (path) {
		status = lock_ipc(url, path, &e.lock_fd, d);
		if (status != STATUS_OK)
			return status;
	}
	/* libzmq binds to addresses and interfaces, not to names. */
	port = after(url, localhost);
	snprintf(numeric, sizeof(numeric), "%s%s", port ? "tcp://127.0.0.1:" : url,
		port ? port : "");
	zmq_setsockopt(socket, ZMQ_IPV6, &v6, sizeof(v6));
	if (zmq_bind(socket, numeric) != 0) {
		error = zmq_errno();
		endpoint_done(&e);
		return bind_failed(url, error, d);
	}
	if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, e.where, &size) != 0)
		snprintf(e.where, sizeof(e.where), "%s", numeric);
	*ret_endpoint = e;
	return STATUS_OK;
}

void
endpoint_done(struct endpoint *e)
{
	const char *path = after(e->where, "ipc://");

	if (e->lock_fd < 0)
		return;
	/* libzmq leaves it behind. As long as the lock is held, the path is ours. */
	if (path)
		(void)unlink(path);
	close(e->lock_fd);
	e->lock_fd = -1;
}

enum status
endpoint_connect(void *socket, const char *url, struct diag *d)
{
	enum status status = check_url(url, false, false, d);
	int v6 = strchr(url, '[') != NULL;

	if (status != STATUS_OK)
		return status;
	zmq_setsockopt(socket, ZMQ_IPV6, &v6, sizeof(v6));
	if (zmq_connect(socket, url) != 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot connect to '%s': %s", url,
			zmq_strerror(zmq_errno()));
	return STATUS_OK;
}

/* ------------------------------------------------------------ the default */

static enum status
private_directory(const char *path, struct diag *d)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot make directory '%s': %s",
			path, strerror(errno));
	if (lstat(path, &st) != 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "'%s': %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return diag_set(
			d, STATUS_ERR_SYSTEM, "'%s' is no directory; remove it", path);
	if (st.st_uid != geteuid())
		return diag_set(d, STATUS_ERR_SYSTEM,
			"'%s' belongs to somebody else (user %ld); name another place",
			path, (long)st.st_uid);
	if (st.st_mode & 077)
		return diag_set(d, STATUS_ERR_SYSTEM,
			"'%s' is open to others; `chmod 700` it", path);
	return STATUS_OK;
}

enum status
bus_default_url(char *buf, size_t size, struct diag *d)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char dir[200];
	struct stat st;
	enum status status;
	int n;

	/* The base directory specification says to ignore relative paths. */
	if (runtime && runtime[0] == '/' && stat(runtime, &st) == 0 &&
		S_ISDIR(st.st_mode))
		n = snprintf(dir, sizeof(dir), "%s/weir", runtime);
	else
		n = snprintf(dir, sizeof(dir), "/tmp/weir-%ld", (long)geteuid());
	if (n < 0 || (size_t)n >= sizeof(dir))
		return diag_set(d, STATUS_ERR_SYSTEM, "XDG_RUNTIME_DIR is too long");
	status = private_directory(dir, d);
	if (status != STATUS_OK)
		return status;
	n = snprintf(buf, size, "ipc://%s/bus", dir);
	if (n < 0 || (size_t)n >= size)
		return diag_set(d, STATUS_ERR_TOO_BIG, "'%s' is too long", dir);
	return STATUS_OK;
}
