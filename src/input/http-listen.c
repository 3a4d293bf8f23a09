#include "config.h"

#include "http-listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/util.h"

#define BACKLOG 511

/* Split @address into host and port, both cleaned of brackets. False when it is neither. */
static bool
split(const char *address, char *host, size_t host_size, const char **ret_port)
{
	const char *colon = strrchr(address, ':'), *from = address, *to = colon;

	snprintf(host, host_size, "127.0.0.1");
	*ret_port = colon ? colon + 1 : address;
	if (**ret_port == '\0' || strspn(*ret_port, "0123456789") != strlen(*ret_port) ||
		strlen(*ret_port) > 5)
		return false;
	if (!colon || colon == address)
		return true;
	if (*from == '[' && to[-1] == ']') {
		from++;
		to--;
	}
	if ((size_t)(to - from) >= host_size)
		return false;
	if (!strncmp(from, "localhost", (size_t)(to - from)) && to - from == 9)
		return true;
	snprintf(host, host_size, "%.*s", (int)(to - from), from);
	return true;
}

static bool
is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 ==
		       127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

/* Write "HOST:PORT" of what @fd is bound to. */
static void
describe(int fd, char *where, size_t size)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	char host[INET6_ADDRSTRLEN] = "?";

	getsockname(fd, (struct sockaddr *)&ss, &n);
	if (ss.ss_family == AF_INET) {
		struct sockaddr_in *a = (struct sockaddr_in *)&ss;

		inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
		snprintf(where, size, "%s:%u", host, ntohs(a->sin_port));
	} else {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&ss;

		inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
		snprintf(where, size, "[%s]:%u", host, ntohs(a->sin6_port));
	}
}

static int
listen_on(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM, 0), on = 1, saved;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
http_listen(
	const char *address, char *where, size_t size, bool *ret_loopback, struct diag *d)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM },
			*ai;
	char host[INET6_ADDRSTRLEN];
	const char *port;
	int fd;

	if (!split(address, host, sizeof(host), &port) ||
		getaddrinfo(host, port, &hints, &ai) != 0) {
		diag_set(d, STATUS_ERR_USAGE,
			"'%s' is no address to listen on (127.0.0.1:4318, [::1]:4318, "
			":4318)",
			address);
		return -1;
	}
	fd = listen_on(ai);
	if (fd < 0 && errno == EADDRINUSE)
		diag_set(d, STATUS_ERR_SYSTEM,
			"%s:%s is in use (a Collector or another weir-agent?); "
			"stop it or give another address",
			host, port);
	else if (fd < 0)
		diag_set(d, STATUS_ERR_SYSTEM, "cannot listen on %s:%s: %s", host, port,
			strerror(errno));
	else
		describe(fd, where, size);
	*ret_loopback = is_loopback(ai->ai_addr);
	freeaddrinfo(ai);
	return fd;
}

bool
http_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}
