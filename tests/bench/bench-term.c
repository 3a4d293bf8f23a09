/*
 * What a frame costs on its way to the terminal, 200x50 in true colour: CPU, and bytes
 * as a multiple of what the changed cells are worth (screen-kit.h says what that is)
 * and of their bare characters. Beside it the same in 256 colours, and what ncurses'
 * own doupdate() made of that.
 * The last lines are the demo's own screens at two frames a second, from the model to
 * the bytes. Ends with 1 when a limit is missed.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/sim.h"
#include "weir/draw/ui.h"

#include "../../src/term/term-impl.h"
#include "../unit/screen-kit.h"
#include "curses-kit.h"

#define WIDTH 200
#define HEIGHT 50
#define FRAMES 200
#define MOST 1.3 /* bytes of a frame by those of the changed cells */
#define START (INT64_C(1767225600) * SEC_US)

static bool missed;

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Frames shown one after the other, and what they cost in all. */
struct show {
	struct theme *theme;
	struct term_screen screen, screen_256;
	struct grid *before, *now;
	struct worth worth;
	size_t bytes, bytes_256, bytes_curses;
	double us, us_curses;
	bool curses;
	int frames;
};

static void
show_open(struct show *s)
{
	*s = (struct show){ .theme = theme_open("default", NULL),
		.screen = { .caps = screen_caps },
		.screen_256 = { .caps = screen_caps },
		.before = grid_new(WIDTH, HEIGHT),
		.now = grid_new(WIDTH, HEIGHT),
		.curses = curses_kit_open(WIDTH, HEIGHT) };
	if (!s->theme)
		die("no theme");
}

static void
show_close(struct show *s)
{
	curses_kit_close();
	theme_free(s->theme);
	term_screen_done(&s->screen);
	term_screen_done(&s->screen_256);
	grid_free(s->before);
	grid_free(s->now);
}

static void
show_frame(struct show *s, bool counts)
{
	struct worth w = screen_worth(s->before, s->now, s->theme, DEPTH_TRUE);
	double start = cpu_us(), us, us_curses = 0;
	size_t curses = 0;

	term_screen_diff(&s->screen, s->now, s->theme, DEPTH_TRUE, CHARSET_UNICODE);
	us = cpu_us() - start;
	term_screen_diff(&s->screen_256, s->now, s->theme, DEPTH_256, CHARSET_UNICODE);
	if (s->curses)
		curses = curses_kit_show(s->now, s->theme, &us_curses);
	if (counts) {
		s->us += us;
		s->us_curses += us_curses;
		s->bytes += s->screen.out.n;
		s->bytes_256 += s->screen_256.out.n;
		s->bytes_curses += curses;
		s->worth.cells += w.cells;
		s->worth.text += w.text;
		s->worth.own += w.own;
		s->frames++;
	}
	screen_copy(s->before, s->now);
}

static void
show_report(const struct show *s, const char *what)
{
	double n = s->frames, own = (double)MAX(s->worth.own, 1);
	double text = (double)MAX(s->worth.text, 1), ratio = (double)s->bytes / own;
	bool bad = s->worth.cells ? ratio > MOST : s->bytes > 0;

	printf("  %-28s %5.1f %% cells %6.0f B %5.2f of own %5.2f of text %5.0f us |",
		what, 100.0 * (double)s->worth.cells / n / (WIDTH * HEIGHT),
		(double)s->bytes / n, s->worth.cells ? ratio : 0.0,
		(double)s->bytes / text, s->us / n);
	printf(" 256: %6.0f B", (double)s->bytes_256 / n);
	if (s->curses)
		printf(", ncurses %6.0f B %5.0f us", (double)s->bytes_curses / n,
			s->us_curses / n);
	printf("%s\n", bad ? "  TOO MUCH" : "");
	missed |= bad;
}

/* @width 0: nothing changes. */
static void
changing_fields(int width, int percent, const char *what)
{
	struct show s;
	uint32_t seed = 5;

	show_open(&s);
	screen_fill(s.now, &seed);
	show_frame(&s, false);
	for (int i = 0; i < FRAMES; i++) {
		if (width)
			screen_change(s.now, width, percent, &seed);
		show_frame(&s, true);
	}
	show_report(&s, what);
	show_close(&s);
}

/* A table whose rows move up by one. */
static void
scrolling(void)
{
	struct show s;
	uint32_t seed = 5;

	show_open(&s);
	screen_fill(s.now, &seed);
	show_frame(&s, false);
	for (int i = 0; i < FRAMES; i++) {
		screen_scroll(s.now, 2, &seed);
		show_frame(&s, true);
	}
	show_report(&s, "a table scrolls");
	show_close(&s);
}

/* The first frame, of which everything is sent. */
static void
first_frame(void)
{
	struct show s;
	uint32_t seed = 5;

	show_open(&s);
	s.curses = false; /* it would know the screen */
	screen_fill(s.now, &seed);
	for (int i = 0; i < FRAMES; i++) {
		s.screen.known = s.screen_256.known = false;
		grid_clear(s.before);
		show_frame(&s, true);
	}
	show_report(&s, "all of it, the first time");
	show_close(&s);
}

/* -------------------------------------------------------------------------- demo */

struct feed {
	struct model *model;
	int64_t now_us;
};

static void
take(void *arg, const char *agent, const struct event *e)
{
	struct feed *f = arg;

	(void)agent;
	model_add(f->model, e, f->now_us);
}

static void
demo(const char *view)
{
	static const struct thresholds thresholds = THRESHOLDS_DEFAULT;
	struct ui_options o = { .source = "demo", .view = view };
	struct feed f = { model_new(&model_limits_default), 0 };
	struct sim *sim = sim_new(sim_scenarios[0], 1, START - 60 * SEC_US, START);
	struct ui *ui = ui_new(&o);
	struct snap snap = { 0 };
	struct show s;
	double snap_us = 0, paint_us = 0;
	char what[64];

	show_open(&s);
	for (int i = 0; i < FRAMES; i++) {
		int64_t now_us = START + i * SEC_US / 2;
		double start;

		f.now_us = now_us;
		sim_run(sim, now_us, take, &f);
		start = cpu_us();
		model_snap(f.model, now_us, &thresholds, &snap);
		snap_us += cpu_us() - start;
		start = cpu_us();
		ui_paint(ui, &snap, s.now);
		paint_us += cpu_us() - start;
		show_frame(&s, i > 0);
	}
	snprintf(what, sizeof(what), "demo, %s", view);
	show_report(&s, what);
	printf("  %-34s snap %.0f us, paint %.0f us a frame\n", "", snap_us / FRAMES,
		paint_us / FRAMES);
	show_close(&s);
	ui_free(ui);
	snap_done(&snap);
	sim_free(sim);
	model_free(f.model);
}

int
main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	changing_fields(0, 0, "nothing changed");
	changing_fields(6, 10, "numbers of 6 cells");
	changing_fields(1, 10, "single cells, scattered");
	changing_fields(1, 5, "the same, half as many");
	changing_fields(WIDTH, 10, "whole rows");
	scrolling();
	first_frame();
	demo("map");
	demo("edges");
	return missed;
}
