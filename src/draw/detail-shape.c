#include "config.h"

#include "detail-shape.h"

#include <math.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

#include "edge-table.h"

#define BAR_ROWS 3
#define LEVELS 8      /* of a bar in one row */
#define LABEL 7       /* columns before the picture of seconds */
#define ROWS_TO_ONE 2 /* rows of struct shape in one on the screen */
#define PICTURE_ROWS (SHAPE_ROWS / ROWS_TO_ONE)

static const char *const ticks[SHAPE_DECADES] = { "100\xc2\xb5s", "1ms", "10ms", "100ms",
	"1s", "10s" };

/* ------------------------------------------------------------------------- scales */

static int
axis_x(struct rect axis, int64_t us)
{
	double decades = log10((double)MAX(us, 1) / SHAPE_FROM_US);
	double at = floor(decades / SHAPE_DECADES * axis.w);

	return axis.x + CLAMP((int)at, 0, axis.w - 1);
}

/* The least latency in a bin, for its colour. */
static int64_t
bin_low(unsigned bin)
{
	return (int64_t)(SHAPE_FROM_US *
			 pow(10, (double)bin * SHAPE_DECADES / SHAPE_BINS));
}

static enum role
bin_role(const struct snap *s, unsigned bin)
{
	enum severity sev = severity_of_latency(&s->thresholds, bin_low(bin));

	return sev >= SEV_WARN ? severity_role(sev) : ROLE_SPARK;
}

/* Which of @levels a count has beside the greatest; few are still seen beside many. */
static int
level_of(uint64_t count, uint64_t most, int levels)
{
	double share = most > 1 ? log((double)count) / log((double)most) : 1;

	return count ? 1 + (int)lround(share * (levels - 1)) : 0;
}

/* ------------------------------------------------------------------- the window */

/* The name of a quantile above its place, unless that is taken already. */
static void
put_quantile(struct grid *g, struct rect axis, int64_t us, const char *name)
{
	int n = (int)strlen(name), start = axis_x(axis, us) - n / 2;

	start = CLAMP(start, axis.x, axis.x + axis.w - n);
	if (us < 0)
		return;
	for (int x = start - 1; x <= start + n; x++)
		if (grid_at(g, x, axis.y).kind == CELL_TEXT)
			return;
	grid_puts(g, start, axis.y, name, ROLE_DIM, 0);
}

static void
put_ticks(struct grid *g, struct rect axis, int y)
{
	for (int i = 0; i < SHAPE_DECADES; i++)
		grid_puts(
			g, axis.x + i * axis.w / SHAPE_DECADES, y, ticks[i], ROLE_DIM, 0);
}

/* Without the distribution: light from the median to the p95, half on to the p99. */
static void
put_quantile_bar(struct grid *g, struct rect axis, const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	enum role hot = e->severity >= SEV_WARN ? severity_role(e->severity) : ROLE_SPARK;
	int x50 = axis_x(axis, st->p50_us), x99 = axis_x(axis, st->p99_us);
	int x95 = axis_x(axis, st->p95_us < 0 ? st->p99_us : st->p95_us);

	grid_hline(g, axis.x, axis.y, axis.w, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	for (int x = x50; x <= x99; x++)
		grid_glyph(g, x, axis.y, x <= x95 ? GLYPH_BAR_FULL : GLYPH_BAR_HALF,
			x <= x95 ? ROLE_SPARK : hot, 0);
	grid_glyph(g, x50, axis.y, GLYPH_BAR_FULL, ROLE_TITLE, 0);
	grid_glyph(g, x99, axis.y, GLYPH_BAR_FULL, hot, 0);
}

/* One bar, from the bottom row @y up. */
static void
put_bar(struct grid *g, int x, int y, int level, enum role role)
{
	for (int row = 0; row < BAR_ROWS; row++) {
		int part = CLAMP(level - row * LEVELS, 0, LEVELS);

		if (part)
			grid_glyph(g, x, y - row, (enum glyph)(GLYPH_SPARK1 + part - 1),
				role, 0);
	}
}

static void
put_bars(struct grid *g, struct rect axis, const struct snap *s)
{
	uint64_t column[SHAPE_BINS] = { 0 }, most = 0;
	unsigned first[SHAPE_BINS] = { 0 };

	for (unsigned b = SHAPE_BINS; b-- > 0;) {
		int x = (int)b * axis.w / SHAPE_BINS;

		column[x] += s->shape.count[b];
		first[x] = b;
		most = MAX(most, column[x]);
	}
	grid_hline(g, axis.x, axis.y, axis.w, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	for (int x = 0; x < axis.w; x++)
		put_bar(g, axis.x + x, axis.y,
			level_of(column[x], most, BAR_ROWS * LEVELS),
			bin_role(s, first[x]));
}

int
shape_paint_window(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	const struct snap_stat *st = &e->stat;
	bool whole = shape_is_of(&s->shape, e->key);
	struct rect axis = { area.x, area.y, MIN(area.w, SHAPE_BINS), 1 };
	int rows = whole ? BAR_ROWS : 1;

	if (st->p50_us < 0 || st->p99_us < 0)
		return 0;
	put_quantile(g, axis, st->p99_us, "p99");
	put_quantile(g, axis, st->p50_us, "p50");
	put_quantile(g, axis, st->p95_us, "p95");
	axis.y += rows;
	if (whole)
		put_bars(g, axis, s);
	else
		put_quantile_bar(g, axis, e);
	put_ticks(g, axis, axis.y + 1);
	return rows + 2;
}

/* ------------------------------------------------------------------- its seconds */

static uint64_t
cell_count(const struct shape *sh, unsigned second, int row)
{
	uint64_t sum = 0;

	for (int i = 0; i < ROWS_TO_ONE; i++)
		sum += sh->second[second][row * ROWS_TO_ONE + i];
	return sum;
}

static void
put_second(struct grid *g, int x, int bottom, const struct snap *s, unsigned second,
	uint64_t most)
{
	static const enum glyph shades[] = { GLYPH_SHADE1, GLYPH_SHADE2, GLYPH_SHADE3,
		GLYPH_BAR_FULL };

	for (int row = 0; row < PICTURE_ROWS; row++) {
		int level = level_of(
			cell_count(&s->shape, second, row), most, (int)ARRAY_LEN(shades));
		unsigned top = (unsigned)(row + 1) * ROWS_TO_ONE * SHAPE_COARSE - 1;

		if (level)
			grid_glyph(g, x, bottom - row, shades[level - 1],
				bin_role(s, top), 0);
	}
}

static uint64_t
greatest(const struct shape *sh)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < SHAPE_SECONDS; i++)
		for (int row = 0; row < PICTURE_ROWS; row++)
			most = MAX(most, cell_count(sh, i, row));
	return most;
}

int
shape_paint_seconds(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	int seconds = MIN(area.w - LABEL, SHAPE_SECONDS), bottom = area.y + PICTURE_ROWS;
	int known = MIN((int)s->shape.known_seconds, seconds), x;
	uint64_t most;

	if (!shape_is_of(&s->shape, e->key) || seconds < 10)
		return 0;
	most = greatest(&s->shape);
	grid_puts(g, area.x, area.y, "second by second", ROLE_TITLE, 0);
	for (int i = 0; i < SHAPE_DECADES; i++)
		grid_right(g, area.x + LABEL - 1,
			bottom - i * PICTURE_ROWS / SHAPE_DECADES, ticks[i], ROLE_DIM, 0);
	x = area.x + LABEL;
	/* Where nobody looked there is no ground: that is not the same as no requests. */
	grid_hline(g, x + seconds - known, bottom, known, WEIGHT_DOTTED, ROLE_EDGE_IDLE);
	for (int i = seconds - known; i < seconds; i++)
		put_second(g, x + i, bottom, s, (unsigned)(SHAPE_SECONDS - seconds + i),
			most);
	if (seconds == SHAPE_SECONDS)
		grid_puts(g, x, bottom + 1, "60s ago", ROLE_DIM, 0);
	if (seconds >= 45)
		grid_puts(g, x + seconds - 30, bottom + 1, "30s", ROLE_DIM, 0);
	grid_right(g, x + seconds, bottom + 1, "now", ROLE_DIM, 0);
	return PICTURE_ROWS + 2;
}
