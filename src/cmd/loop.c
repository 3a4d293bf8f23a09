/*
 * The dashboard's only thread. Each turn:
 *
 *   wait     for keys, signals and data; no longer than until the next frame is due
 *            when something has changed, else until the next tick
 *   keys     all that wait
 *   frame    at once when a key asked for it, else when something changed and the
 *            last one is FRAME_US ago
 *   events   for at most EVENTS_US
 *
 * A key so waits for EVENTS_US and a frame at most, whatever comes in; what could not
 * be taken in time stays in the ring of the bus, which counts what it sheds.
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
#include "weir/term/term.h"

enum {
	FRAME_US = 100000, /* ten frames a second at most */
	TICK_US = 1000000, /* ages and windows move even when nothing arrives */
	EVENTS_US = 10000,
	/*
	 * Data is looked for this often, not at once: a wake-up for each message costs
	 * more than the message, and no eye sees the difference.
	 */
	GATHER_US = 20000,
};

struct loop {
	struct stage st;
	struct theme *theme;
	enum charset charset;
	bool dirty;
	bool more;              /* data was left when its time was up */
	int64_t next_frame_us;  /* not before */
	int64_t next_tick_us;   /* draw at least then */
	int64_t next_gather_us; /* take data then */
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
	l->dirty = true;
	l->next_frame_us = 0;
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
		l->dirty = true;
	/* A key is answered at once. */
	if (asked & UI_REDRAW)
		l->next_frame_us = 0;
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
	if (now_us < l->next_gather_us && !l->more)
		return;
	l->more = feed_step(l->st.feed, now_us, EVENTS_US);
	/* Where nothing came, whatever comes next wakes us at once. */
	l->next_gather_us = l->more ? now_us + GATHER_US : now_us;
	/* A frozen picture does not change; its age in the header ticks on. */
	if (l->more && !ui_frozen(l->st.ui))
		l->dirty = true;
	if (stage_listen(&l->st))
		l->dirty = true;
}

static void
draw(struct loop *l, int64_t now_us)
{
	if (now_us >= l->next_tick_us)
		l->dirty = true;
	if (!l->dirty || now_us < l->next_frame_us)
		return;
	stage_paint(&l->st);
	term_show(l->st.grid, l->theme, l->charset);
	l->dirty = false;
	/* From when it was done: a slow terminal gets fewer frames, not all our time. */
	now_us = clock_mono_us();
	l->next_frame_us = now_us + FRAME_US;
	l->next_tick_us = now_us + TICK_US;
	l->next_tell_us = now_us; /* what is shown is told at once */
}

/* Tell those who do not look at the screen. */
static void
tell(struct loop *l, int64_t now_us)
{
	const struct snap *s = &l->st.snap;
	struct diag d = { 0 };

	if (now_us < l->next_tell_us || (!l->bell && !l->herald.path))
		return;
	l->next_tell_us = now_us + TICK_US;
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
	int64_t until_us = l->dirty ? l->next_frame_us : l->next_tick_us;
	bool played = feed_source(l->st.feed)->ops->played;

	if (now_us < l->next_gather_us)
		until_us = MIN(until_us, l->next_gather_us);
	else if (!feed_ended(l->st.feed, NULL))
		n += feed_fds(l->st.feed, fds + 2, SOURCE_MAX_FDS);
	if (played && !feed_ended(l->st.feed, NULL))
		until_us = MIN(until_us, now_us + GATHER_US);
	if (l->more)
		until_us = now_us;
	if (poll(fds, n, (int)CLAMP((until_us - now_us + 999) / 1000, 0, 1000)) < 0 &&
		errno != EINTR)
		die("poll: %s", strerror(errno));
	/* Reading a lost terminal says nothing for ever; poll tells. */
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		l->exit = EXIT_WORLD;
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
	l.dirty = true;
	/* The first picture has what is there already. */
	take_events(&l, clock_mono_us());
	while (l.exit < 0) {
		take_signals(&l);
		take_keys(&l);
		if (l.exit >= 0)
			break;
		draw(&l, clock_mono_us());
		tell(&l, clock_mono_us());
		take_events(&l, clock_mono_us());
		wait_for(&l, clock_mono_us());
	}
	term_close();
	herald_done(&l.herald);
	snap_done(&l.unseen);
	stage_done(&l.st);
	theme_free(l.theme);
	return l.exit;
}
