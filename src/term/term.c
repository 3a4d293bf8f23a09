/*
 * From ncurses this takes terminfo alone: whether the terminal can address its
 * cursor, how many colours it has, and what switches its modes. Drawing is a diff
 * of our own (term-show.c), keys are decoded here as well (term-input.c), because
 * curses hands the bytes of a sequence it does not know on as single keys.
 */
#include "config.h"

#include "weir/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "weir/base/util.h"
#include "weir/draw/keys.h"

#include "term-impl.h"

/* How long the rest of an escape sequence may take before it is the Esc key. */
#define ESC_WAIT_MS 25

/* A terminal that takes nothing for so long is stuck; a frame is not worth more. */
#define WRITE_WAIT_MS 10000

#define MODES_MAX 256
#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"

/* Bytes prepared so that a signal handler has only to write them. */
struct modes {
	char text[MODES_MAX];
	size_t n;
};

static struct {
	volatile sig_atomic_t open;
	volatile sig_atomic_t taken; /* our modes are on */
	bool gone;
	int in, out;
	struct termios theirs, ours;
	struct modes enter, leave;
	enum depth depth;
	struct term_screen screen;
	struct term_input input;
	struct term_special special[16];
	size_t specials;
} term;

/* -------------------------------------------------------------------- terminfo */

/* A string capability, or NULL. */
static const char *
string_cap(const char *name)
{
	char *s = tigetstr(name);

	return s && s != (char *)-1 ? s : NULL;
}

/* Load the description of $TERM, once; false with what terminfo said in @ret_err. */
static bool
load_terminfo(int *ret_err)
{
	static int loaded = -2;

	if (loaded == -2) {
		int err = 0;

		loaded = setupterm(NULL, STDOUT_FILENO, &err) == OK ? 1 : MIN(err, 0);
	}
	*ret_err = loaded;
	return loaded == 1;
}

/* Padding ($<5>) is for terminals of which none is left. */
static void
add_mode(struct modes *m, const char *s)
{
	while (s && *s && m->n < MODES_MAX) {
		if (s[0] == '$' && s[1] == '<') {
			const char *end = strchr(s, '>');

			if (end) {
				s = end + 1;
				continue;
			}
		}
		m->text[m->n++] = *s++;
	}
}

static void
prepare_modes(bool mouse)
{
	struct modes *in = &term.enter, *out = &term.leave;

	in->n = out->n = 0;
	add_mode(in, string_cap("smcup"));
	add_mode(in, string_cap("smkx"));
	add_mode(in, string_cap("civis"));
	add_mode(in, "\033[?7l"); /* the last column must not wrap */
	add_mode(in, mouse ? MOUSE_ON : NULL);

	add_mode(out, mouse ? MOUSE_OFF : NULL);
	add_mode(out, "\033[?2026l\033[0m\033[?7h");
	add_mode(out, string_cap("cnorm"));
	add_mode(out, string_cap("rmkx"));
	add_mode(out, string_cap("rmcup"));
}

static void
prepare_keys(void)
{
	static const struct {
		const char *cap;
		uint32_t key;
	} keys[] = {
		{ "kcuu1", WK_UP },
		{ "kcud1", WK_DOWN },
		{ "kcub1", WK_LEFT },
		{ "kcuf1", WK_RIGHT },
		{ "kpp", WK_PGUP },
		{ "knp", WK_PGDN },
		{ "khome", WK_HOME },
		{ "kend", WK_END },
		{ "kcbt", WK_SHIFT_TAB },
		{ "kdch1", WK_DELETE },
		{ "kf1", WK_F1 },
		{ "kf5", WK_F1 + 4 },
		{ "kf10", WK_F10 },
	};

	term.specials = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct term_special *sp = &term.special[term.specials];
		const char *s = string_cap(keys[i].cap);

		/* One byte is no sequence: some have ^H for left. */
		if (!s || strlen(s) < 2 || strlen(s) >= sizeof(sp->text))
			continue;
		snprintf(sp->text, sizeof(sp->text), "%s", s);
		sp->key = keys[i].key;
		term.specials++;
	}
}

static bool
cap_is(const char *name, const char *text)
{
	const char *s = string_cap(name);

	return s && strcmp(s, text) == 0;
}

/* What else it can do, where it does it as all others that can. */
static void
prepare_caps(void)
{
	term.screen.caps = (struct term_caps){
		.feed = cap_is("cud1", "\n"),
		.reverse_feed = cap_is("ri", "\033M"),
		.column = cap_is("hpa", "\033[%i%p1%dG"),
		.row = cap_is("vpa", "\033[%i%p1%dd"),
		.region = cap_is("csr", "\033[%i%p1%d;%p2%dr"),
	};
}

static bool
has_flag(const char *name)
{
	return tigetflag(name) > 0;
}

enum depth
term_depth(enum choice color)
{
	const char *no_color = getenv("NO_COLOR"), *more = getenv("COLORTERM");
	int err, colors;

	if (color == CHOICE_NEVER || (color == CHOICE_AUTO && no_color && no_color[0]))
		return DEPTH_MONO;
	if (!load_terminfo(&err))
		return color == CHOICE_ALWAYS ? DEPTH_16 : DEPTH_MONO;
	colors = tigetnum("colors");
	if (colors < 8 && color == CHOICE_ALWAYS)
		return DEPTH_16;
	if (colors < 8)
		return DEPTH_MONO;
	if ((more && (strcmp(more, "truecolor") == 0 || strcmp(more, "24bit") == 0)) ||
		has_flag("RGB") || has_flag("Tc") || colors > 256)
		return DEPTH_TRUE;
	return colors >= 256 ? DEPTH_256 : colors >= 16 ? DEPTH_16 : DEPTH_8;
}

bool
term_wants_ascii(void)
{
	const char *codeset = nl_langinfo(CODESET);

	return strcmp(codeset, "UTF-8") != 0 && strcmp(codeset, "utf8") != 0;
}

/* ----------------------------------------------------------------- open, close */

static void
raw_write(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(term.out, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

/* As long as SIGTTOU is blocked a background process may change the modes. */
static void
set_modes(const struct termios *t)
{
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &before);
	tcsetattr(term.in, TCSANOW, t);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
term_release(void)
{
	int saved = errno;

	if (term.taken) {
		term.taken = 0;
		raw_write(term.leave.text, term.leave.n);
		set_modes(&term.theirs);
	}
	errno = saved;
}

void
term_take(void)
{
	int saved = errno;

	/* In the background the terminal is somebody else's. */
	if (term.open && tcgetpgrp(term.in) == getpgrp()) {
		set_modes(&term.ours);
		raw_write(term.enter.text, term.enter.n);
		term.taken = 1;
	}
	errno = saved;
}

static enum status
refuse_term(struct diag *d, const char *what)
{
	const char *name = getenv("TERM");

	return diag_set(d, STATUS_ERR_SYSTEM,
		"%s '%s'; try TERM=xterm-256color, or 'weir snapshot' which needs no "
		"terminal",
		what, name ? name : "");
}

static enum status
check_terminfo(struct diag *d)
{
	const char *name = getenv("TERM"), *cup;
	int err;

	if (!name || !name[0])
		return diag_set(d, STATUS_ERR_SYSTEM,
			"TERM is not set; try TERM=xterm-256color, or 'weir snapshot' "
			"which needs no terminal");
	if (!load_terminfo(&err))
		return refuse_term(d, err < 0 ? "no terminfo database to look up terminal"
					      : "unknown terminal");
	cup = string_cap("cup");
	/* What follows speaks ECMA-48, as everything made since the VT100 does. */
	if (!cup || strncmp(cup, "\033[", 2) != 0 || !string_cap("clear"))
		return refuse_term(d, "cannot move the cursor on terminal");
	return STATUS_OK;
}

static int
open_input(void)
{
	if (isatty(STDIN_FILENO))
		return STDIN_FILENO;
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

enum status
term_open(enum choice color, bool mouse, struct diag *d)
{
	static bool at_exit;
	enum status s;

	if (!isatty(STDOUT_FILENO))
		return diag_set(d, STATUS_ERR_SYSTEM,
			"stdout is not a terminal; 'weir snapshot' prints once and needs "
			"none");
	s = check_terminfo(d);
	if (s != STATUS_OK)
		return s;
	term.out = STDOUT_FILENO;
	term.in = open_input();
	if (term.in < 0 || tcgetattr(term.in, &term.theirs) != 0)
		return diag_set(d, STATUS_ERR_SYSTEM,
			"no terminal to read keys from; 'weir snapshot' needs none");
	term.ours = term.theirs;
	/* Ctrl-C and Ctrl-Z stay signals: they must work when nothing else does. */
	term.ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	term.ours.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | ISTRIP);
	term.ours.c_oflag &= ~(tcflag_t)(ONLCR | OCRNL); /* the cursor moves by them */
	term.ours.c_cc[VMIN] = 0;
	term.ours.c_cc[VTIME] = 0;
	term.depth = term_depth(color);
	term.gone = false;
	term.input.n = 0;
	term.screen.known = false;
	prepare_modes(mouse);
	prepare_keys();
	prepare_caps();
	term.open = 1;
	if (!at_exit)
		atexit(term_close);
	at_exit = true;
	die_set_hook(term_release);
	term_signals_set();
	term_take();
	return STATUS_OK;
}

void
term_close(void)
{
	if (!term.open)
		return;
	term_release();
	term.open = 0;
	term_signals_unset();
	die_set_hook(NULL);
	if (term.in != STDIN_FILENO)
		close(term.in);
	term_screen_done(&term.screen);
}

int
term_fd(void)
{
	return term.open ? term.in : -1;
}

void
term_size(int *ret_w, int *ret_h)
{
	struct winsize ws = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) != 0 || !ws.ws_col || !ws.ws_row) {
		*ret_w = 80;
		*ret_h = 24;
		return;
	}
	*ret_w = ws.ws_col;
	*ret_h = ws.ws_row;
}

/* ---------------------------------------------------------------------- output */

bool
term_write(const char *p, size_t n)
{
	while (n > 0 && !term.gone) {
		ssize_t k = write(term.out, p, n);

		if (k > 0) {
			p += k;
			n -= (size_t)k;
		} else if (k < 0 && errno == EAGAIN) {
			struct pollfd fd = { term.out, POLLOUT, 0 };

			if (poll(&fd, 1, WRITE_WAIT_MS) == 0)
				term.gone = true;
		} else if (k < 0 && errno != EINTR) {
			term.gone = true;
		}
	}
	return !term.gone;
}

void
term_show(const struct grid *g, const struct theme *t, enum charset set)
{
	if (!term.open || !term.taken || term.gone)
		return;
	term_screen_diff(&term.screen, g, t, term.depth, set);
	if (term.screen.out.n)
		term_write(term.screen.out.p, term.screen.out.n);
}

void
term_redraw(void)
{
	term.screen.known = false;
}

void
term_bell(void)
{
	if (term.open && term.taken)
		term_write("\a", 1);
}

/* ------------------------------------------------------------------------ keys */

enum waiting {
	NOTHING,
	SOMETHING,
	HUNG_UP
};

static enum waiting
wait_input(int ms)
{
	struct pollfd fd = { term.in, POLLIN, 0 };

	if (poll(&fd, 1, ms) <= 0)
		return NOTHING;
	if (fd.revents & POLLIN)
		return SOMETHING;
	return fd.revents & (POLLHUP | POLLERR | POLLNVAL) ? HUNG_UP : NOTHING;
}

/* Ready, yet nothing to read: the other end is gone. */
void
term_read(int ms)
{
	struct term_input *in = &term.input;
	ssize_t n;

	switch (wait_input(ms)) {
	case HUNG_UP:
		term.gone = true;
		break;
	case SOMETHING:
		n = read(term.in, in->byte + in->n, INPUT_MAX - in->n);
		if (n > 0)
			in->n += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			term.gone = true;
		break;
	default:
		break;
	}
}

struct term_input *
term_keys_begun(void)
{
	return term.open && term.taken && !term.gone ? &term.input : NULL;
}

bool
term_key(uint32_t *ret_key)
{
	struct term_input *in = &term.input;
	uint32_t key;

	*ret_key = WK_NONE;
	if (!term.open || term.gone)
		return false;
	if (term_was_stopped()) {
		term_redraw();
		*ret_key = WK_CTRL('l');
		return true;
	}
	if (!term.taken) /* in the background: a read would stop us */
		return true;
	key = term_input_take(in, term.special, term.specials, false);
	if (key == WK_NONE) {
		bool begun = in->n > 0;

		term_read(begun ? ESC_WAIT_MS : 0);
		key = term_input_take(in, term.special, term.specials, begun);
		if (key == WK_NONE && in->n > 0 && !begun) {
			term_read(ESC_WAIT_MS);
			key = term_input_take(in, term.special, term.specials, true);
		}
	}
	*ret_key = key;
	return !term.gone || key != WK_NONE;
}

void
term_suspend(void)
{
	raise(SIGTSTP);
}
