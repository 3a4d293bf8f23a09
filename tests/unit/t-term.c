#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "weir/base/util.h"
#include "weir/draw/keys.h"
#include "weir/term/term.h"

#include "../../src/term/term-impl.h"

/* ------------------------------------------------------------------------ keys */

Test(keys_of_bytes, sequences_become_keys_and_unknown_ones_vanish_whole)
{
	static const struct {
		const char *bytes;
		uint32_t keys[4];
	} rows[] = {
		{ "aZ", { 'a', 'Z' } },
		{ "\r\n\t", { WK_ENTER, WK_ENTER, WK_TAB } },
		{ "\177\b", { WK_BACKSPACE, WK_BACKSPACE } },
		{ "\033", { WK_ESC } },
		{ "\033q", { WK_ESC, 'q' } },
		{ "\033\033[A", { WK_ESC, WK_UP } },
		{ "\033[A\033OB", { WK_UP, WK_DOWN } },
		{ "\033[5~\033[6~\033[Z", { WK_PGUP, WK_PGDN, WK_SHIFT_TAB } },
		{ "\033[1~\033[4~\033[H\033OF", { WK_HOME, WK_END, WK_HOME, WK_END } },
		{ "\033OP\033[15~\033[21~", { WK_F1, WK_F1 + 4, WK_F10 } },
		{ "\033[[A", { WK_F1 } },
		{ "\033[1;5Cx", { WK_RIGHT, 'x' } },
		{ "\033[200~pq\033[201~", { 'p', 'q' } },
		{ "\033[?62;22cx\033[Iy", { 'x', 'y' } },
		{ "\033[<64;10;5Mx\033[<65;1;1M", { WK_UP, 'x', WK_DOWN } },
		{ "\033[<0;10;5M\033[<0;10;5mx", { 'x' } },
		{ "\033[M !!x", { 'x' } },
		{ "\xc3\xa9\xe6\x94\xaf", { 0xe9, 0x652f } },
		{ "\xff\x80\xc3(x", { '(', 'x' } },
		{ "\xe2\x80\xaex", { 'x' } },
		{ "\001\014", { 1, 12 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct term_input in = { .n = strlen(rows[i].bytes) };

		memcpy(in.byte, rows[i].bytes, in.n);
		for (int k = 0; k < 4; k++) {
			uint32_t key = term_input_take(&in, NULL, 0, true);

			cr_expect_eq(
				key, rows[i].keys[k], "row %zu key %d is %x", i, k, key);
		}
		cr_expect_eq(in.n, 0);
	}
}

Test(keys_of_bytes, the_beginning_of_a_sequence_waits_for_its_end)
{
	const char *whole = "\033[1;2A\xe6\x94\xaf";
	static const struct term_special odd[] = { { "\033\001x", WK_LEFT } };
	struct term_input in = { 0 };
	uint32_t keys[2];
	int n = 0;

	for (const char *p = whole; *p; p++) {
		uint32_t key;

		in.byte[in.n++] = (unsigned char)*p;
		key = term_input_take(&in, NULL, 0, false);
		if (key != WK_NONE && n < 2)
			keys[n++] = key;
	}
	cr_assert_eq(n, 2);
	cr_expect_eq(keys[0], WK_UP);
	cr_expect_eq(keys[1], 0x652f);

	memcpy(in.byte, "\033\001", in.n = 2);
	cr_expect_eq(term_input_take(&in, odd, 1, false), (uint32_t)WK_NONE);
	in.byte[in.n++] = 'x';
	cr_expect_eq(term_input_take(&in, odd, 1, false), WK_LEFT);
}

Test(keys_of_bytes, any_bytes_are_survived)
{
	uint32_t seed = 7;

	for (int round = 0; round < 20000; round++) {
		static const char likely[] = "\033[O;<M~A1\xe2\x80";
		struct term_input in = { 0 };

		seed = seed * 1664525 + 1013904223;
		in.n = (seed >> 20) % (INPUT_MAX + 1);
		for (size_t i = 0; i < in.n; i++) {
			seed = seed * 1664525 + 1013904223;
			in.byte[i] = seed & 0x10000
					     ? (unsigned char)likely[(seed >> 20) %
								     (sizeof(likely) - 1)]
					     : (unsigned char)(seed >> 24);
		}
		for (int k = 0; k < INPUT_MAX && in.n; k++)
			term_input_take(&in, NULL, 0, k % 2);
		while (in.n)
			term_input_take(&in, NULL, 0, true);
	}
}

/* ------------------------------------------------------------- in a terminal */

/* A program in a terminal of its own, and all that it wrote. */
struct session {
	pid_t pid;
	int master;
	struct termios before;
	char text[1 << 16];
	size_t n;
};

static void
dispose(int number, void (*how)(int))
{
	struct sigaction sa = { .sa_handler = how };

	sigaction(number, &sa, NULL);
}

/* Shows its last key and the size, and reports the key's code; ends with q. */
static int
program(void)
{
	struct theme *t = theme_open("default", NULL);
	struct grid *g = grid_new(0, 0);
	struct diag d = { 0 };
	uint32_t key = WK_NONE;
	int status = 0, frame = 0;

	if (term_open(CHOICE_AUTO, false, &d) != STATUS_OK) {
		dprintf(STDOUT_FILENO, "refused: %s\n", d.text);
		return 3;
	}
	while (key != 'q') {
		struct pollfd fd = { term_fd(), POLLIN, 0 };
		char text[64];
		int w, h;

		term_size(&w, &h);
		if (w != grid_width(g) || h != grid_height(g))
			grid_resize(g, w, h);
		grid_clear(g);
		snprintf(text, sizeof(text), "[key %x size %dx%d]", key, w, h);
		/* On another row each time, so that the whole text is new. */
		grid_puts(g, 0, frame++ % MAX(h, 1), text, ROLE_TEXT, 0);
		term_show(g, t, false);
		if (key == 'a')
			abort();
		if (key == 's')
			raise(SIGSEGV);
		if (key == 'd')
			die("on purpose");
		poll(&fd, 1, 5000);
		do {
			uint32_t more;

			if (!term_key(&more)) {
				status = 4;
				goto out;
			}
			if (more == WK_NONE)
				break;
			key = more;
		} while (key != 'q');
	}
out:
	term_close();
	grid_free(g);
	theme_free(t);
	return status;
}

static void
start_with(struct session *s, const char *term_name, int (*run)(void))
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };

	int slave;

	*s = (struct session){ 0 };
	cr_assert_eq(openpty(&s->master, &slave, NULL, NULL, &ws), 0);
	cr_assert_eq(tcgetattr(slave, &s->before), 0);
	s->pid = fork();
	cr_assert_geq(s->pid, 0);
	if (s->pid == 0) {
		struct rlimit no_core = { 0, 0 };

		close(s->master);
		login_tty(slave);
		setrlimit(RLIMIT_CORE, &no_core);
		if (term_name)
			setenv("TERM", term_name, 1);
		else
			unsetenv("TERM");
		unsetenv("COLORTERM");
		_exit(run());
	}
	close(slave);
}

static void
start(struct session *s, const char *term_name)
{
	start_with(s, term_name, program);
}

/* Read until @text came (true), or the program went quiet or away. */
static bool
wait_for(struct session *s, const char *text)
{
	for (int idle = 0; idle < 100;) {
		struct pollfd fd = { s->master, POLLIN, 0 };
		ssize_t k = 0;

		s->text[s->n] = '\0';
		if (text && strstr(s->text, text))
			return true;
		if (poll(&fd, 1, 50) > 0)
			k = read(s->master, s->text + s->n, sizeof(s->text) - 1 - s->n);
		if (k < 0)
			return false;
		s->n += (size_t)k;
		idle = k ? 0 : idle + 1;
	}
	return false;
}

static void
press(struct session *s, const char *keys)
{
	cr_assert_eq(write(s->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* Wait for the end; everything must be as it was. Returns the wait status. */
static int
finish(struct session *s)
{
	static const char *const closing[] = { "\033[0m", "\033[?7h", "\033[?1049l",
		"\033[?25h" };
	struct termios after;
	int status = 0;

	wait_for(s, NULL);
	cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
	for (size_t i = 0; i < ARRAY_LEN(closing); i++)
		cr_expect(strstr(s->text, closing[i]), "no %s", closing[i] + 1);
	cr_assert_eq(tcgetattr(s->master, &after), 0);
	cr_expect_eq(after.c_lflag, s->before.c_lflag);
	cr_expect_eq(after.c_iflag, s->before.c_iflag);
	cr_expect_eq(after.c_oflag, s->before.c_oflag);
	cr_expect_eq(memcmp(after.c_cc, s->before.c_cc, sizeof(after.c_cc)), 0);
	close(s->master);
	return status;
}

Test(terminal, keys_arrive_and_q_gives_it_back)
{
	struct session s;

	start(&s, "xterm-256color");
	cr_expect(wait_for(&s, "size 80x24]"));
	cr_expect(strstr(s.text, "\033[?1049h"));
	press(&s, "x");
	cr_expect(wait_for(&s, "[key 78 "));
	press(&s, "\033[A");
	cr_expect(wait_for(&s, "[key 110000 "));
	press(&s, "\033");
	cr_expect(wait_for(&s, "[key 1b "));
	press(&s, "q");
	cr_expect_eq(finish(&s), 0);
}

Test(terminal, a_resize_wakes_the_program_and_is_seen)
{
	struct winsize ws = { .ws_row = 30, .ws_col = 100 };
	struct session s;

	start(&s, "xterm-256color");
	cr_expect(wait_for(&s, "size 80x24]"));
	ioctl(s.master, TIOCSWINSZ, &ws);
	cr_expect(wait_for(&s, "size 100x30]"));
	press(&s, "q");
	cr_expect_eq(finish(&s), 0);
}

Test(terminal, every_deadly_signal_gives_it_back_and_still_kills)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV,
		SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct session s;
		int status;

		start(&s, "xterm-256color");
		cr_expect(wait_for(&s, "size 80x24]"));
		kill(s.pid, signals[i]);
		status = finish(&s);
		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == signals[i],
			"signal %d", signals[i]);
	}
}

Test(terminal, a_fault_of_our_own_gives_it_back)
{
	static const char *const keys[] = { "a", "s", "d", "\003" };
	static const int want[] = { SIGABRT, SIGSEGV, SIGABRT, SIGINT };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct session s;
		int status;

		start(&s, "xterm-256color");
		cr_expect(wait_for(&s, "size 80x24]"));
		press(&s, keys[i]);
		status = finish(&s);
		cr_expect(
			WIFSIGNALED(status) && WTERMSIG(status) == want[i], "key %zu", i);
		if (keys[i][0] == 'd')
			cr_expect(strstr(strstr(s.text, "\033[?1049l"), "on purpose"),
				"the reason is told on the main screen");
	}
}

/* The part of a shell that matters: a process group of its own, stopped and resumed. */
static void
shell(int rounds)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		dispose(SIGTTOU, SIG_IGN);
		tcsetpgrp(STDIN_FILENO, getpid());
		dispose(SIGTTOU, SIG_DFL);
		_exit(program());
	}
	setpgid(pid, pid);
	dispose(SIGTTOU, SIG_IGN);
	for (int i = 0; i < rounds; i++) {
		waitpid(pid, &status, WUNTRACED);
		if (!WIFSTOPPED(status))
			_exit(9);
		tcsetpgrp(STDIN_FILENO, getpgrp());
		dprintf(STDOUT_FILENO, "<stopped %d>", i);
		tcsetpgrp(STDIN_FILENO, pid);
		kill(pid, SIGCONT);
	}
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 8);
}

Test(terminal, stopped_it_is_given_back_and_taken_again_on_going_on)
{
	const struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	struct session s = { 0 };
	struct termios after;
	int status;

	s.pid = forkpty(&s.master, NULL, NULL, &ws);
	if (s.pid == 0) {
		setenv("TERM", "xterm-256color", 1);
		shell(3);
	}
	for (int i = 0; i < 3; i++) {
		char text[32];

		cr_expect(wait_for(&s, "size 80x24]"), "round %d", i);
		s.n = 0;
		press(&s, "\032"); /* Ctrl-Z */
		snprintf(text, sizeof(text), "<stopped %d>", i);
		cr_expect(wait_for(&s, text));
		cr_expect(strstr(s.text, "\033[?1049l"));
		cr_expect(wait_for(&s, "\033[?1049h"), "taken again");
	}
	cr_expect(wait_for(&s, "[key c size 80x24]"), "drawn again");
	press(&s, "q");
	wait_for(&s, NULL);
	waitpid(s.pid, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(tcgetattr(s.master, &after), 0);
	cr_expect(after.c_lflag & ICANON);
	close(s.master);
}

Test(terminal, when_it_is_gone_the_program_leaves_at_once_without_burning_cpu)
{
	struct session s;
	struct rusage used;
	int status, left = 100;
	pid_t pid;

	dispose(SIGHUP, SIG_IGN); /* inherited: nohup, or a broken parent */
	start(&s, "xterm-256color");
	cr_expect(wait_for(&s, "size 80x24]"));
	close(s.master);
	while ((pid = wait4(s.pid, &status, WNOHANG, &used)) == 0 && left-- > 0)
		usleep(10000);
	if (pid == 0)
		kill(s.pid, SIGKILL);
	cr_assert_eq(pid, s.pid, "still there after a second");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	cr_expect_eq(used.ru_utime.tv_sec + used.ru_stime.tv_sec, 0);
	cr_expect_leq(used.ru_utime.tv_usec + used.ru_stime.tv_usec, 200000);
}

Test(terminal, what_cannot_be_drawn_on_is_refused_with_advice)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{ "dumb", "cannot move the cursor on terminal 'dumb'" },
		{ "no-such-terminal", "unknown terminal 'no-such-terminal'" },
		{ NULL, "TERM is not set" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s;
		int status;

		start(&s, rows[i].name);
		cr_expect(wait_for(&s, rows[i].says), "%s", s.text);
		cr_expect(wait_for(&s, "weir snapshot"));
		cr_expect_null(strchr(s.text, '\033'));
		waitpid(s.pid, &status, 0);
		cr_expect_eq(WEXITSTATUS(status), 3);
		close(s.master);
	}
}

/* -------------------------------------------------------------------- its width */

/* Says what the terminal can show, and then the keys that came, until q. */
static int
asking(void)
{
	struct diag d = { 0 };
	uint32_t key = WK_NONE;

	if (term_open(CHOICE_AUTO, false, &d) != STATUS_OK)
		return 3;
	dprintf(STDOUT_FILENO, "[charset %d]", (int)term_charset());
	while (key != 'q' && term_key(&key))
		if (key != WK_NONE)
			dprintf(STDOUT_FILENO, "[key %x]", key);
	term_close();
	return 0;
}

Test(terminal, it_is_asked_how_wide_its_symbols_are)
{
	static const struct {
		const char *what, *answer;
		enum charset set;
	} rows[] = {
		{ "narrow", "\033[2;5R\033[2;3R", CHARSET_UNICODE },
		{ "wide", "\033[2;9R\033[2;5R", CHARSET_SAFE },
		{ "wide symbols, narrow lines", "\033[2;9R\033[2;3R",
			CHARSET_SAFE_LINES },
		{ "bytes for characters", "\033[2;13R\033[2;7R", CHARSET_SAFE },
		{ "with keys between", "ab\033[2;9Rc\033[A\033[2;5Rd", CHARSET_SAFE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s;
		char want[32];

		start_with(&s, "xterm-256color", asking);
		cr_expect(wait_for(&s, "\033[6n"), "it asks");
		press(&s, rows[i].answer);
		snprintf(want, sizeof(want), "[charset %d]", (int)rows[i].set);
		cr_expect(wait_for(&s, want), "%s", rows[i].what);
		press(&s, "q");
		cr_expect_eq(finish(&s), 0);
		if (strchr(rows[i].answer, 'a'))
			cr_expect(strstr(s.text, "[key 61][key 62][key 63][key 110000]"
						 "[key 64][key 71]"),
				"no key is lost");
		else
			cr_expect(strstr(s.text, "][key 71]"), "no answer is a key");
	}
}

Test(terminal, one_that_does_not_answer_is_not_waited_for)
{
	struct session s;

	start_with(&s, "xterm-256color", asking);
	cr_expect(wait_for(&s, "[charset 0]"), "the locale's word counts");
	press(&s, "\033[2;5R\033[2;3Rq");
	cr_expect_eq(finish(&s), 0);
	cr_expect(strstr(s.text, "[charset 0][key 71]"), "an answer too late is no key");
}

/* ------------------------------------------------------------------ environment */

static int
depth_in(const char *term_name, const char *colorterm, const char *no_color,
	enum choice when)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("TERM", term_name, 1);
		setenv("COLORTERM", colorterm, 1);
		setenv("NO_COLOR", no_color, 1);
		_exit((int)term_depth(when));
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

Test(environment, colours_are_what_the_terminal_has_unless_told_otherwise)
{
	cr_expect_eq(depth_in("xterm-256color", "", "", CHOICE_AUTO), DEPTH_256);
	cr_expect_eq(
		depth_in("xterm-256color", "truecolor", "", CHOICE_AUTO), DEPTH_TRUE);
	cr_expect_eq(depth_in("xterm-direct", "", "", CHOICE_AUTO), DEPTH_TRUE);
	cr_expect_eq(depth_in("xterm", "", "", CHOICE_AUTO), DEPTH_8);
	cr_expect_eq(depth_in("xterm-16color", "", "", CHOICE_AUTO), DEPTH_16);
	cr_expect_eq(depth_in("vt100", "", "", CHOICE_AUTO), DEPTH_MONO);
	cr_expect_eq(depth_in("vt100", "", "", CHOICE_ALWAYS), DEPTH_16);
	cr_expect_eq(
		depth_in("xterm-256color", "truecolor", "1", CHOICE_AUTO), DEPTH_MONO);
	cr_expect_eq(depth_in("xterm-256color", "", "1", CHOICE_ALWAYS), DEPTH_256);
	cr_expect_eq(
		depth_in("xterm-256color", "truecolor", "", CHOICE_NEVER), DEPTH_MONO);
}
