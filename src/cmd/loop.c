/*
 * The dashboard's only thread. Each turn:
 *
 *   keys     all that wait
 *   a step   what turn_next() says: answer a key, take a picture, or take events
 *   wait     for keys, signals and data; not at all while there is something to do
 *
 * What could not be taken in time stays in the ring of the bus, which counts what it
 * sheds.
 */
#include "config.h"

#include "weir/cmd/loop.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/herald.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/stage.h"
#include "weir/cmd/turn.h"
#include "weir/term/term.h"

enum {
	PLAYED_US = 20000, /* a source that is played is looked at this often */
};

struct loop {
	struct stage st;
	struct theme *theme;
	enum charset charset;
	struct turn turn;
	struct herald herald;
	struct snap unseen; /* what is told of while the screen is frozen */
	bool bell;
	int64_t next_tell_us;
	int exit; /* -1 while running */
};

static void
change_theme(struct loop *l, const char *name)
{
	struct diag d = { 0 };
	struct theme *t = theme_open(name, &d);

	if (t == NULL) {
		ui_message(l->st.ui, d.text);
		return;
	}
	theme_free(l->theme);
	l->theme = t;
	term_redraw();
}

static void
fit_size(struct loop *l)
{
	int w, h;

	term_size(&w, &h);
	if (w != grid_width(l->st.grid) || h != grid_height(l->st.grid))
		grid_resize(l->st.grid, w, h);
	l->turn.asked = true;
}

static void
obey(struct loop *l, unsigned asked)
{
	if (asked & UI_QUIT)
		l->exit = EXIT_DONE;
	if (asked & UI_THEME)
		change_theme(l, ui_theme(l->st.ui));
	if (asked & UI_SUSPEND) {
		term_suspend();
		asked |= UI_REPAINT_ALL;
	}
	/* Also what term asks for after a stop, in which the size may have changed. */
	if (asked & UI_REPAINT_ALL) {
		term_redraw();
		fit_size(l);
	}
	if (asked)
		l->turn.asked = true;
	if (stage_outdated(&l->st))
		l->turn.outdated = true;
}

static void
take_keys(struct loop *l)
{
	uint32_t key;

	while (l->exit < 0) {
		if (!term_key(&key)) {
			/* The terminal is gone: nothing to restore, nobody to tell. */
			l->exit = EXIT_WORLD;
			return;
		}
		if (key == WK_NONE)
			return;
		obey(l, stage_key(&l->st, key));
	}
}

static void
take_signals(struct loop *l)
{
	unsigned bits = signals_take();

	if (bits & SIGNALS_STOP)
		l->exit = EXIT_SIGNAL + signals_stop();
	if (bits & SIGNALS_RESIZE)
		fit_size(l);
}

static void
take_events(struct loop *l, int64_t now_us)
{
	l->turn.more = feed_step(l->st.feed, now_us, TURN_EVENTS_US);
	/* A frozen picture does not change; its age in the header ticks on. */
	if (l->turn.more && !ui_frozen(l->st.ui))
		l->turn.changed = true;
	if (stage_listen(&l->st))
		l->turn.changed = true;
}

static void
show(struct loop *l)
{
	stage_paint(&l->st);
	term_show(l->st.grid, l->theme, l->charset);
	turn_shown(&l->turn);
}

static void
look(struct loop *l)
{
	int64_t now_us;

	stage_look(&l->st);
	show(l);
	/* From when it was done: a slow terminal gets fewer frames, not all our time. */
	now_us = clock_mono_us();
	turn_looked(&l->turn, now_us);
	l->next_tell_us = now_us; /* what is shown is told at once */
}

static void
take_step(struct loop *l, int64_t now_us)
{
	switch (turn_next(&l->turn, now_us)) {
	case TURN_WAIT:
		break;
	case TURN_EVENTS:
		take_events(l, now_us);
		break;
	case TURN_SHOW:
		show(l);
		break;
	case TURN_LOOK:
		look(l);
		break;
	}
}

/* Tell those who do not look at the screen. */
static void
tell(struct loop *l, int64_t now_us)
{
	const struct snap *s = &l->st.snap;
	struct diag d = { 0 };

	if (now_us < l->next_tell_us || (!l->bell && !l->herald.path))
		return;
	l->next_tell_us = now_us + TURN_TICK_US;
	if (ui_frozen(l->st.ui)) {
		feed_snap(l->st.feed, &l->unseen);
		s = &l->unseen;
	}
	if (l->bell && herald_rings(&l->herald, s))
		term_bell();
	herald_tell(&l->herald, s, now_us, &d);
	if (d.text[0])
		ui_message(l->st.ui, d.text);
}

/* Wait until there is something to do. */
static void
wait_for(struct loop *l, int64_t now_us)
{
	struct pollfd fds[SOURCE_MAX_FDS + 2] = {
		{ .fd = term_fd(), .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
	};
	unsigned n = 2;
	int64_t until_us = turn_until_us(&l->turn, now_us);

	if (!feed_ended(l->st.feed, NULL)) {
		n += feed_fds(l->st.feed, fds + 2, SOURCE_MAX_FDS);
		if (feed_source(l->st.feed)->ops->played)
			until_us = MIN(until_us, now_us + PLAYED_US);
	}
	if (poll(fds, n, (int)CLAMP((until_us - now_us + 999) / 1000, 0, 1000)) < 0 &&
		errno != EINTR)
		die("poll: %s", strerror(errno));
	/* Reading a lost terminal says nothing for ever; poll tells. */
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		l->exit = EXIT_WORLD;
	/* What woke us may have been events. */
	l->turn.more = true;
}

static enum charset
terminal_charset(const struct options *o)
{
	if (o->ascii || term_wants_ascii())
		return CHARSET_ASCII;
	switch (o->safe) {
	case CHOICE_ALWAYS:
		return CHARSET_SAFE;
	case CHOICE_NEVER:
		return CHARSET_UNICODE;
	default:
		return term_charset();
	}
}

int
loop_run(struct feed *feed, const struct options *o)
{
	struct loop l = { .exit = -1 };
	struct diag d = { 0 };
	enum status s;
	int w, h;

	l.theme = theme_open(o->theme, &d);
	if (l.theme == NULL)
		return report_diag(STATUS_ERR_USAGE, &d);
	s = term_open(o->color, o->mouse, &d);
	if (s != STATUS_OK) {
		theme_free(l.theme);
		report_diag(s, &d);
		return EXIT_WORLD;
	}
	l.charset = terminal_charset(o);
	term_size(&w, &h);
	stage_init(&l.st, feed, o, w, h, l.charset != CHARSET_UNICODE);
	herald_init(&l.herald, o, l.charset == CHARSET_ASCII);
	l.bell = o->bell;
	/* The first picture has what is there already. */
	take_events(&l, clock_mono_us());
	while (l.exit < 0) {
		take_signals(&l);
		take_keys(&l);
		if (l.exit >= 0)
			break;
		take_step(&l, clock_mono_us());
		tell(&l, clock_mono_us());
		wait_for(&l, clock_mono_us());
	}
	term_close();
	herald_done(&l.herald);
	snap_done(&l.unseen);
	stage_done(&l.st);
	theme_free(l.theme);
	return l.exit;
}
