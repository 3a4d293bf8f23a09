#include "config.h"

#include "weir/cmd/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/util.h"

static int pipe_fds[2] = { -1, -1 };
static volatile sig_atomic_t resized, stop;

static void
on_signal(int number)
{
	int saved = errno;

	if (number == SIGWINCH)
		resized = 1;
	else if (!stop)
		stop = number;
	/* A full pipe wakes the loop as well as one byte more would. */
	if (write(pipe_fds[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

void
signals_init(void)
{
	static const int taken[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;

	if (pipe(pipe_fds) != 0)
		die("pipe: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		fcntl(pipe_fds[i], F_SETFD, FD_CLOEXEC);
		fcntl(pipe_fds[i], F_SETFL, O_NONBLOCK);
	}
	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
		/* Who started us with nohup means it; poll() tells of a lost terminal. */
		if (taken[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
			old.sa_handler == SIG_IGN)
			continue;
		sigaction(taken[i], &action, NULL);
	}
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
}

int
signals_fd(void)
{
	return pipe_fds[0];
}

unsigned
signals_take(void)
{
	char bytes[64];
	unsigned bits = 0;

	while (read(pipe_fds[0], bytes, sizeof(bytes)) > 0)
		;
	if (resized) {
		resized = 0;
		bits |= SIGNALS_RESIZE;
	}
	if (stop)
		bits |= SIGNALS_STOP;
	return bits;
}

int
signals_stop(void)
{
	return stop;
}

bool
signals_stopped(void)
{
	return stop != 0;
}
