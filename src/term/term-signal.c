/*
 * Whatever ends or stops the program, the terminal is given back first.
 *
 * Handlers only write the bytes prepared by term_open() and call tcsetattr(), both
 * async-signal-safe. A fault is raised again with its default action, so that the
 * exit status and the core dump are what they would have been.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "weir/base/util.h"

#include "term-impl.h"

/* The last ones are the program's own business where it has set something. */
static const struct {
	int number;
	bool unless_set;
} deadly[] = {
	{ SIGSEGV, false },
	{ SIGABRT, false },
	{ SIGBUS, false },
	{ SIGFPE, false },
	{ SIGILL, false },
	{ SIGQUIT, true },
	{ SIGTERM, true },
	{ SIGINT, true },
	{ SIGHUP, true },
};

static struct sigaction deadly_before[ARRAY_LEN(deadly)];
static bool deadly_ours[ARRAY_LEN(deadly)];
static struct sigaction stop_before, cont_before, winch_before;
static bool stop_ours, winch_ours;
static volatile sig_atomic_t stopped;

static void
set_default(int number)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	sigemptyset(&sa.sa_mask);
	sigaction(number, &sa, NULL);
}

static void
on_deadly(int number)
{
	sigset_t set;

	term_release();
	set_default(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	/* Only a signal whose default is to do nothing comes here; there is none. */
}

static void on_stop(int number);

static void
catch_stop(void)
{
	struct sigaction sa = { .sa_handler = on_stop };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTSTP, &sa, NULL);
}

/* Stop in earnest, as if there had been no handler; go on behind raise(). */
static void
on_stop(int number)
{
	int saved = errno;
	sigset_t set, before;

	term_release();
	set_default(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, &before);
	raise(number);
	sigprocmask(SIG_SETMASK, &before, NULL);
	catch_stop();
	term_take();
	stopped = 1;
	errno = saved;
}

/* Also after SIGSTOP, which nobody can catch: the shell has changed the modes. */
static void
on_continue(int number)
{
	int saved = errno;

	(void)number;
	term_take();
	stopped = 1;
	errno = saved;
}

/* Nothing to do, but poll() has to return. */
static void
on_winch(int number)
{
	(void)number;
}

void
term_signals_set(void)
{
	static char stack[65536]; /* for a fault that is the overflow of the stack */
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_deadly, .sa_flags = SA_ONSTACK };

	sigaltstack(&alternative, NULL);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
		struct sigaction *before = &deadly_before[i];

		sigaction(deadly[i].number, NULL, before);
		deadly_ours[i] = !deadly[i].unless_set || before->sa_handler == SIG_DFL;
		if (deadly_ours[i])
			sigaction(deadly[i].number, &sa, NULL);
	}
	sigaction(SIGTSTP, NULL, &stop_before);
	stop_ours = stop_before.sa_handler == SIG_DFL;
	if (stop_ours)
		catch_stop();
	sa = (struct sigaction){ .sa_handler = on_continue };
	sigemptyset(&sa.sa_mask);
	sigaction(SIGCONT, &sa, &cont_before);
	sigaction(SIGWINCH, NULL, &winch_before);
	winch_ours = winch_before.sa_handler == SIG_DFL;
	sa.sa_handler = on_winch;
	if (winch_ours)
		sigaction(SIGWINCH, &sa, NULL);
}

void
term_signals_unset(void)
{
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		if (deadly_ours[i])
			sigaction(deadly[i].number, &deadly_before[i], NULL);
	if (stop_ours)
		sigaction(SIGTSTP, &stop_before, NULL);
	if (winch_ours)
		sigaction(SIGWINCH, &winch_before, NULL);
	sigaction(SIGCONT, &cont_before, NULL);
}

bool
term_was_stopped(void)
{
	bool was = stopped;

	stopped = 0;
	return was;
}
