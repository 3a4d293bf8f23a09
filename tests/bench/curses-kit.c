#include "config.h"

#include "curses-kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>

#include "weir/base/util.h"

static struct {
	SCREEN *screen;
	FILE *in, *out;
} kit;

bool
curses_kit_open(int w, int h)
{
	int fd = memfd_create("curses", MFD_CLOEXEC);
	char number[16];

	if (fd < 0)
		return false;
	snprintf(number, sizeof(number), "%d", w);
	setenv("COLUMNS", number, 1);
	snprintf(number, sizeof(number), "%d", h);
	setenv("LINES", number, 1);
	kit.in = fopen("/dev/null", "r");
	kit.out = fdopen(fd, "w");
	if (kit.in && kit.out)
		kit.screen = newterm("xterm-256color", kit.out, kit.in);
	if (!kit.screen || LINES != h || COLS != w) {
		curses_kit_close();
		return false;
	}
	start_color();
	use_default_colors();
	return true;
}

void
curses_kit_close(void)
{
	if (kit.screen) {
		endwin();
		delscreen(kit.screen);
	}
	if (kit.in)
		fclose(kit.in);
	if (kit.out)
		fclose(kit.out);
	kit.screen = NULL;
	kit.in = kit.out = NULL;
}

static attr_t
attr_of(unsigned attr)
{
	return (attr & STYLE_BOLD ? A_BOLD : 0) | (attr & STYLE_DIM ? A_DIM : 0) |
	       (attr & STYLE_REVERSE ? A_REVERSE : 0) |
	       (attr & STYLE_UNDERLINE ? A_UNDERLINE : 0) |
	       (attr & STYLE_BLINK ? A_BLINK : 0);
}

static void
put_cell(const struct grid *g, int x, int y, const struct theme *t)
{
	struct cell c = grid_at(g, x, y);
	struct style s = theme_style(t, DEPTH_256, (enum role)c.role, c.attr);
	wchar_t text[3] = { (wchar_t)cell_codepoint(c, CHARSET_UNICODE),
		(wchar_t)cell_mark(c, CHARSET_UNICODE), 0 };
	cchar_t cell;

	if (!text[0])
		return;
	setcchar(&cell, text, attr_of(s.attr), (short)alloc_pair(s.fg, s.bg), NULL);
	mvadd_wch(y, x, &cell);
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

size_t
curses_kit_show(const struct grid *g, const struct theme *t, double *ret_us)
{
	off_t before, after;
	double start;

	for (int y = 0; y < grid_height(g); y++)
		for (int x = 0; x < grid_width(g); x++)
			put_cell(g, x, y, t);
	wnoutrefresh(stdscr);
	fflush(kit.out);
	before = lseek(fileno(kit.out), 0, SEEK_CUR);
	start = cpu_us();
	doupdate();
	fflush(kit.out);
	*ret_us = cpu_us() - start;
	after = lseek(fileno(kit.out), 0, SEEK_CUR);
	return (size_t)(after - before);
}
