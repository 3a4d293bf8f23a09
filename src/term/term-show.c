/*
 * Cells to bytes: a diff against what was sent before.
 *
 * Changed cells side by side in one style are a run. Runs can be sent row by row, or
 * style by style over the whole screen: with colours of twenty bytes and numbers that
 * change here and there it takes less to pass over the screen once a colour than to
 * change the colour for every number. Which one is shorter is found by making both.
 * Between runs the cursor goes the shortest way (term-move.c), or writes once more
 * what stands between. Repeating a character (REP) was tried: it saves nothing here, and
 * tmux repeats nothing that is not ASCII.
 *
 * ncurses would diff too, always row by row; bench-term measures it beside this.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/draw/sgr.h"

#include "term-impl.h"

/* No gap longer than this is cheaper sent than jumped over. */
#define SHORT_GAP 8

/* From so many on, blanks at the end of a row are cheaper cleared than written. */
#define CLEAR_LEAST 4

/* From this size on a frame could be seen half drawn: ask the terminal to wait. */
#define SYNC_BYTES 200
#define SYNC_BEGIN "\033[?2026h"
#define SYNC_END "\033[?2026l"

/* Indices of term_screen.style: without colours; and for blanks, of which none is seen. */
#define STYLE_PLAIN 0
#define STYLE_ANY UINT16_MAX

/* What a cell looks like. */
struct look {
	uint32_t cp, mark; /* cp 0: the second half of a wide one */
	uint16_t style;
};

/* Where the cursor is and what it would write with, while a diff is written. */
struct pen {
	struct term_screen *screen;
	const struct grid *grid;
	struct buf *out;
	int x, y;       /* -1: unknown */
	uint16_t style; /* STYLE_ANY: unknown */
};

void
term_screen_done(struct term_screen *s)
{
	free(s->cell);
	free(s->run);
	free(s->sorted);
	buf_done(&s->out);
	buf_done(&s->by_row);
	buf_done(&s->by_style);
	*s = (struct term_screen){ 0 };
}

/* -------------------------------------------------------------------------- looks */

/* Blanks written in it show neither ground nor underline. */
static bool
carries_blanks(const struct term_screen *s, uint16_t style)
{
	return style != STYLE_ANY && s->style[style].bg == COLOR_DEFAULT &&
	       !(s->style[style].attr & (STYLE_REVERSE | STYLE_UNDERLINE));
}

static uint16_t
style_index(struct term_screen *s, struct style style)
{
	for (size_t i = 0; i < s->styles; i++)
		if (style_equal(s->style[i], style))
			return (uint16_t)i;
	s->style[s->styles] = style;
	return (uint16_t)s->styles++;
}

static uint16_t
style_of(struct term_screen *s, const struct cell *c)
{
	uint16_t *known = &s->look[c->role][c->attr % ATTR_SETS];

	if (!*known)
		*known = 1 + style_index(s, theme_style(s->theme, s->depth,
						    (enum role)c->role, c->attr));
	return *known - 1;
}

static struct look
look_of(struct term_screen *s, const struct cell *c)
{
	struct look l = { .cp = ' ', .style = STYLE_ANY };

	if (c->kind == CELL_CLEARED)
		return l;
	l.cp = cell_codepoint(*c, s->set);
	l.mark = cell_mark(*c, s->set);
	l.style = style_of(s, c);
	if (l.cp == ' ' && !l.mark && carries_blanks(s, l.style))
		l.style = STYLE_ANY;
	return l;
}

static bool
shows_nothing(const struct look *l)
{
	return l->style == STYLE_ANY;
}

static bool
same_look(const struct look *a, const struct look *b)
{
	return a->cp == b->cp && a->mark == b->mark && a->style == b->style;
}

/* How far a terminal moves behind anything but plain characters is its own opinion. */
static bool
is_plain(const struct look *l)
{
	return l->cp && l->cp < 0x2e80 && !l->mark;
}

static size_t
look_bytes(const struct look *l)
{
	return l->cp < 0x80 ? 1 : l->cp < 0x800 ? 2 : 3;
}

/* --------------------------------------------------------------------------- runs */

static struct run *
run_add(struct term_screen *s, int x, int y, uint16_t style)
{
	struct run *r;

	if (s->runs == s->run_cap) {
		s->run_cap = MAX(2 * s->run_cap, 256);
		s->run = xreallocarray(s->run, s->run_cap, sizeof(*s->run));
		s->sorted = xreallocarray(s->sorted, s->run_cap, sizeof(*s->sorted));
	}
	r = &s->run[s->runs++];
	*r = (struct run){ .x = (uint16_t)x, .y = (uint16_t)y, .style = style };
	return r;
}

/* Take a cell of that style into the run; false when it cannot. */
static bool
run_takes(const struct term_screen *s, struct run *r, uint16_t style)
{
	if (r->style == STYLE_ANY && carries_blanks(s, style))
		r->style = style;
	if (style != r->style && !(style == STYLE_ANY && carries_blanks(s, r->style)))
		return false;
	r->n++;
	return true;
}

/* The column from which on the row is blank. */
static int
blank_tail(struct term_screen *s, const struct cell *line)
{
	int x = s->w;

	while (x > 0) {
		struct look l = look_of(s, &line[x - 1]);

		if (!shows_nothing(&l))
			break;
		x--;
	}
	return x;
}

/* The cells of a row that change: as runs, and as known from here on. */
static void
diff_row(struct term_screen *s, int y, const struct grid *g)
{
	const struct cell *line = grid_row(g, y);
	struct cell *row = &s->cell[(size_t)y * (size_t)s->w];
	struct run *open = NULL;
	size_t first_of_tail = SIZE_MAX;
	int tail = -1, in_tail = 0;

	for (int x = 0; x < s->w; x++) {
		struct look now, was;

		if (memcmp(&line[x], &row[x], sizeof(*line)) == 0) {
			open = NULL;
			continue;
		}
		now = look_of(s, &line[x]);
		was = look_of(s, &row[x]);
		row[x] = line[x];
		if (same_look(&now, &was)) {
			open = NULL;
			continue;
		}
		if (tail < 0)
			tail = blank_tail(s, line);
		if (x >= tail && in_tail++ == 0) {
			first_of_tail = s->runs;
			open = run_add(s, x, y, STYLE_ANY);
			open->n = 1;
		} else if (!now.cp && open) {
			open->n++;
		} else if (now.cp && !(open && run_takes(s, open, now.style))) {
			open = run_add(s, x, y, now.style);
			open->n = 1;
		}
	}
	if (in_tail >= CLEAR_LEAST) {
		s->runs = first_of_tail + 1;
		s->run[first_of_tail].clears = true;
	}
}

/*
 * The runs by style into s->sorted, and by rows within. Blanks go with the style of
 * the most runs that carries them.
 */
static void
sort_runs(struct term_screen *s)
{
	size_t first[ROLE_COUNT * ATTR_SETS + 1] = { 0 };
	uint16_t carrier = STYLE_PLAIN;

	for (size_t i = 0; i < s->runs; i++)
		if (s->run[i].style != STYLE_ANY)
			first[s->run[i].style + 1]++;
	for (uint16_t k = 0; k < s->styles; k++)
		if (carries_blanks(s, k) && first[k + 1] > first[carrier + 1])
			carrier = k;
	for (size_t i = 0; i < s->runs; i++)
		if (s->run[i].style == STYLE_ANY)
			first[carrier + 1]++;
	for (size_t k = 0; k < s->styles; k++)
		first[k + 1] += first[k];
	for (size_t i = 0; i < s->runs; i++) {
		uint16_t style = s->run[i].style;

		s->sorted[first[style == STYLE_ANY ? carrier : style]++] = s->run[i];
	}
}

/* -------------------------------------------------------------------------- bytes */

static void
set_style(struct pen *p, uint16_t style)
{
	const struct style *all = p->screen->style;

	if (p->style == STYLE_ANY)
		sgr_add(p->out, all[style]);
	else if (p->style != style)
		sgr_change(p->out, all[p->style], all[style]);
	p->style = style;
}

static struct look
look_at(const struct pen *p, int x, int y)
{
	return look_of(p->screen, &grid_row(p->grid, y)[x]);
}

static void
put(struct pen *p, const struct look *l)
{
	buf_add_utf8(p->out, l->cp);
	if (l->mark)
		buf_add_utf8(p->out, l->mark);
	p->x++;
	/* Behind the last column terminals differ, and where one stands they do too. */
	if (p->x >= p->screen->w)
		p->x = -1;
	if (!is_plain(l))
		p->y = -1;
}

static void
move_to(struct pen *p, int x, int y)
{
	char way[TERM_WAY_MAX];

	buf_add(p->out, way, term_way(&p->screen->caps, p->x, p->y, x, y, way));
	p->x = x;
	p->y = y;
}

/* Write the cells from the pen on, up to the column @end, all of one style. */
static void
put_cells(struct pen *p, int x, int y, int end)
{
	for (; x < end; x++) {
		struct look l = look_at(p, x, y);

		if (!l.cp)
			continue;
		if (p->y < 0 || p->x != x)
			move_to(p, x, y);
		put(p, &l);
	}
}

/* The bytes of what stands between the pen and @x, or SIZE_MAX if not in that style. */
static size_t
gap_bytes(const struct pen *p, int x, uint16_t style)
{
	size_t bytes = 0;

	for (int i = p->x; i < x; i++) {
		struct look l = look_at(p, i, p->y);
		bool fits = l.style == style ||
			    (shows_nothing(&l) && carries_blanks(p->screen, style));

		if (!fits || !is_plain(&l))
			return SIZE_MAX;
		bytes += look_bytes(&l);
	}
	return bytes;
}

/* Bring the pen to a place, and to a style, in the fewest bytes. */
static void
reach(struct pen *p, int x, int y, uint16_t style)
{
	char way[TERM_WAY_MAX];
	size_t n;

	if (p->x == x && p->y == y) {
		set_style(p, style);
		return;
	}
	n = term_way(&p->screen->caps, p->x, p->y, x, y, way);
	if (p->y == y && p->x >= 0 && p->x < x && x - p->x <= SHORT_GAP) {
		if (gap_bytes(p, x, p->style) <= n)
			put_cells(p, p->x, y, x);
		set_style(p, style);
		if (p->x != x && gap_bytes(p, x, style) <= n)
			put_cells(p, p->x, y, x);
	}
	if (p->x != x || p->y != y)
		move_to(p, x, y);
	set_style(p, style);
}

static void
write_run(struct pen *p, const struct run *r)
{
	uint16_t style = r->style;

	if (style == STYLE_ANY)
		style = carries_blanks(p->screen, p->style) ? p->style : STYLE_PLAIN;
	reach(p, r->x, r->y, style);
	if (r->clears)
		buf_adds(p->out, "\033[K");
	else
		put_cells(p, r->x, r->y, r->x + r->n);
}

static void
write_runs(struct term_screen *s, const struct grid *g, const struct run *run,
	struct buf *out)
{
	struct pen p = {
		.screen = s, .grid = g, .out = out, .x = -1, .y = -1, .style = STYLE_ANY
	};

	for (size_t i = 0; i < s->runs; i++)
		write_run(&p, &run[i]);
}

/* ------------------------------------------------------------------------- frames */

/* From here on the screen is blank, whatever was on it. */
static void
begin_afresh(struct term_screen *s)
{
	static const struct style plain = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };
	size_t n = (size_t)s->w * (size_t)s->h;

	if (n > s->cap) {
		s->cell = xreallocarray(s->cell, n, sizeof(*s->cell));
		s->cap = n;
	}
	memset(s->cell, 0, n * sizeof(*s->cell));
	for (size_t i = 0; i < n; i++)
		s->cell[i].kind = CELL_CLEARED;
	memset(s->look, 0, sizeof(s->look));
	s->styles = 0;
	style_index(s, plain); /* STYLE_PLAIN */
	buf_adds(&s->out, "\033[0m\033[2J");
	s->known = true;
}

static void
make_diff(struct term_screen *s, const struct grid *g)
{
	s->runs = 0;
	for (int y = 0; y < s->h; y++)
		diff_row(s, y, g);
	if (!s->runs)
		return;
	buf_clear(&s->by_row);
	write_runs(s, g, s->run, &s->by_row);
	sort_runs(s);
	buf_clear(&s->by_style);
	write_runs(s, g, s->sorted, &s->by_style);
	buf_add_str(&s->out,
		buf_str(s->by_style.n < s->by_row.n ? &s->by_style : &s->by_row));
}

void
term_screen_diff(struct term_screen *s, const struct grid *g, const struct theme *t,
	enum depth depth, enum charset set)
{
	int w = grid_width(g), h = grid_height(g);

	if (w != s->w || h != s->h || t != s->theme || depth != s->depth || set != s->set)
		s->known = false;
	s->w = w;
	s->h = h;
	s->theme = t;
	s->depth = depth;
	s->set = set;
	buf_clear(&s->out);
	buf_adds(&s->out, SYNC_BEGIN);
	if (s->known)
		term_scroll(s, g);
	else
		begin_afresh(s);
	make_diff(s, g);
	if (s->out.n == strlen(SYNC_BEGIN))
		buf_clear(&s->out);
	else if (s->out.n > SYNC_BYTES)
		buf_adds(&s->out, SYNC_END);
	else { /* too little to be seen half done */
		s->out.n -= strlen(SYNC_BEGIN);
		memmove(s->out.p, s->out.p + strlen(SYNC_BEGIN), s->out.n + 1);
	}
}
