#include "config.h"

#include "weir/cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "weir/base/text.h"
#include "weir/base/util.h"

enum {
	MAX_WORDS = 64,
	MAX_LINE = 1024,
	STOP_MS = 3000
};

struct child {
	pid_t pid; /* 0 after it was waited for */
	int fd;    /* its stderr; -1 after its end */
	int status;
	char name[40];
	struct buf line; /* the part of a line that has come so far */
};

/* One word of @p with its quotes taken out, up to a blank outside of quotes. */
static const char *
take_word(const char *p, struct buf *word)
{
	char quote = 0;

	for (; *p && (quote || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote ? 0 : *p;
		} else if (*p == '\\' && quote != '\'' && p[1]) {
			buf_addc(word, *++p);
		} else {
			buf_addc(word, *p);
		}
	}
	return quote ? NULL : p;
}

int
child_split(const char *words, char **ret_words, int max)
{
	struct buf word = BUF_INIT;
	int n = 0;

	for (;;) {
		words += strspn(words, " \t\n");
		if (*words == '\0')
			break;
		buf_clear(&word);
		words = take_word(words, &word);
		if (words == NULL || n == max - 1) {
			while (n > 0)
				free(ret_words[--n]);
			buf_done(&word);
			return -1;
		}
		ret_words[n++] = xstrdup(buf_cstr(&word));
	}
	ret_words[n] = NULL;
	buf_done(&word);
	return n;
}

/* The weir-agent beside this program, or just its name, to be looked for on PATH. */
static void
find_agent(char *path, size_t size)
{
	static const char name[] = "weir-agent";
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash && (size_t)(slash + 1 - path) + sizeof(name) <= size) {
			memcpy(slash + 1, name, sizeof(name));
			if (access(path, X_OK) == 0)
				return;
		}
	}
	snprintf(path, size, "%s", name);
}

/* In the new process: becomes the agent or ends. Only async-signal-safe calls. */
static void
become_agent(const char *path, char **argv, int log_fd, int null_fd, pid_t parent)
{
	static const char sorry[] = "cannot be run\n";
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	if (getppid() != parent)
		_exit(1);
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	execvp(path, argv);
	if (write(STDERR_FILENO, sorry, sizeof(sorry) - 1) < 0)
		_exit(126);
	_exit(127);
}

static enum status
spawn(struct child *c, const char *path, char **argv, bool keep_stdin, struct diag *d)
{
	int log[2], null_fd = keep_stdin ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t parent = getpid();
	enum status s = STATUS_OK;

	if (pipe(log) != 0) {
		s = diag_set(d, STATUS_ERR_SYSTEM, "pipe: %s", strerror(errno));
	} else {
		fcntl(log[0], F_SETFD, FD_CLOEXEC);
		fcntl(log[1], F_SETFD, FD_CLOEXEC);
		c->pid = fork();
		if (c->pid == 0)
			become_agent(path, argv, log[1], null_fd, parent);
		close(log[1]);
		c->fd = log[0];
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
		if (c->pid < 0) {
			c->pid = 0;
			s = diag_set(d, STATUS_ERR_SYSTEM, "fork: %s", strerror(errno));
		}
	}
	if (null_fd >= 0)
		close(null_fd);
	return s;
}

struct child *
child_start(const char *words, const char *url, bool keep_stdin, struct diag *d)
{
	char *argv[MAX_WORDS + 4], path[4096];
	int n = child_split(words, argv + 1, MAX_WORDS);
	struct child *c;

	if (n <= 0) {
		diag_set(d, STATUS_ERR_USAGE,
			"--with: '%s' is not an input of weir-agent and its options",
			words);
		return NULL;
	}
	find_agent(path, sizeof(path));
	c = xcalloc(1, sizeof(*c));
	c->fd = -1;
	snprintf(c->name, sizeof(c->name), "weir-agent %s", argv[1]);
	argv[0] = xstrdup("weir-agent");
	argv[n + 1] = xstrdup("--to");
	argv[n + 2] = xstrdup(url);
	argv[n + 3] = NULL;
	if (spawn(c, path, argv, keep_stdin, d) != STATUS_OK) {
		child_stop(c);
		c = NULL;
	}
	for (int i = 0; i < n + 3; i++)
		free(argv[i]);
	return c;
}

static bool
reap(struct child *c, bool block)
{
	int status;
	pid_t pid;

	if (c->pid == 0)
		return true;
	do
		pid = waitpid(c->pid, &status, block ? 0 : WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid != c->pid)
		return false;
	c->pid = 0;
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

void
child_stop(struct child *c)
{
	if (c == NULL)
		return;
	if (c->pid && !reap(c, false)) {
		kill(c->pid, SIGTERM);
		for (int ms = 0; ms < STOP_MS && !reap(c, false); ms += 10)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		if (c->pid) {
			kill(c->pid, SIGKILL);
			reap(c, true);
		}
	}
	if (c->fd >= 0)
		close(c->fd);
	buf_done(&c->line);
	free(c);
}

int
child_fd(const struct child *c)
{
	return c->fd;
}

/* Its text reaches a terminal or the screen: cleaned like any other peer's. */
static void
put_line(struct child *c, struct buf *out)
{
	static const char own[] = "weir-agent: "; /* the name says more */
	struct str line = buf_str(&c->line);

	if (line.n == 0)
		return;
	if (line.n > sizeof(own) - 1 && !memcmp(line.p, own, sizeof(own) - 1)) {
		line.p += sizeof(own) - 1;
		line.n -= sizeof(own) - 1;
	}
	buf_addf(out, "%s: ", c->name);
	text_clean(out, line, MAX_LINE);
	buf_addc(out, '\n');
	buf_clear(&c->line);
}

void
child_read(struct child *c, struct buf *out)
{
	char bytes[4096];
	ssize_t n = 0;

	while (c->fd >= 0 && (n = read(c->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n')
				put_line(c, out);
			else if (c->line.n < MAX_LINE)
				buf_addc(&c->line, bytes[i]);
		}
	}
	if (c->fd < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	put_line(c, out);
	close(c->fd);
	c->fd = -1;
}

bool
child_ended(struct child *c, int *ret_status)
{
	bool ended = c->fd < 0 && reap(c, false);

	*ret_status = c->status;
	return ended;
}
