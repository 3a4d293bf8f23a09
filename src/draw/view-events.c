#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/draw/fmt.h"
#include "weir/draw/view.h"

#include "verdict-text.h"

/*
 * What is wrong now, ranked, and below it what began and ended, newest first. Both are
 * the verdict engine's own sentences.
 */
struct events {
	int top, page;
};

static void *
events_init(void)
{
	return xcalloc(1, sizeof(struct events));
}

/* The role of an entry: what begins is trouble, what ends is calm. */
static enum role
role_of(const struct snap_event *e)
{
	switch (e->change) {
	case VERDICT_NAMED:
		return ROLE_CRIT;
	case VERDICT_OPENED:
	case VERDICT_FEED_LOST:
		return ROLE_WARN;
	case VERDICT_CLEARED:
		return ROLE_OK;
	default:
		return ROLE_DIM;
	}
}

static enum glyph
glyph_of(const struct snap_event *e)
{
	switch (role_of(e)) {
	case ROLE_CRIT:
		return GLYPH_CRIT;
	case ROLE_WARN:
		return GLYPH_WARN;
	case ROLE_OK:
		return GLYPH_OK;
	default:
		return GLYPH_IDLE;
	}
}

static int
paint_causes(const struct snap *s, struct grid *g, struct rect area)
{
	int y = area.y, rows = MIN((int)s->causes, MAX(area.h / 2 - 1, 1));

	grid_puts(g, area.x + 2, y++, "causes", ROLE_TITLE, 0);
	if (rows == 0)
		grid_puts(g, area.x + 2, y++, "none", ROLE_DIM, 0);
	for (int i = 0; i < rows; i++, y++) {
		grid_glyph(g, area.x, y, GLYPH_CRIT, ROLE_CRIT, 0);
		paint_sentence(g, area.x + 2, y, area.w - 2, &s->cause[i].sentence,
			ROLE_TEXT, i == 0 ? ATTR_BOLD : 0);
	}
	return y + 1;
}

static void
paint_event(const struct snap_event *e, struct grid *g, struct rect line)
{
	time_t sec = (time_t)(e->at_us / SEC_US);
	struct tm tm;
	char clock[16];
	int x = line.x + 2;

	grid_glyph(g, line.x, line.y, glyph_of(e), role_of(e), 0);
	if (localtime_r(&sec, &tm)) {
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		grid_puts(g, x, line.y, clock, ROLE_DIM, 0);
	}
	x += 10;
	grid_fit(g, x, line.y, line.x + line.w - x, str_of(e->text),
		role_of(e) == ROLE_DIM ? ROLE_DIM : ROLE_TEXT, 0);
}

static void
events_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	const struct snap *s = ctx->snap;
	struct events *v = state;
	int y = paint_causes(s, g, area), end = area.y + area.h;

	if (y >= end)
		return;
	grid_puts(g, area.x + 2, y++, "events", ROLE_TITLE, 0);
	if (s->events == 0)
		grid_puts(g, area.x + 2, y,
			s->watch.learnt ? "none" : "none: still learning what is usual",
			ROLE_DIM, 0);
	v->page = MAX(end - y, 0);
	v->top = CLAMP(v->top, 0, MAX((int)s->events - v->page, 0));
	for (int i = v->top; i < (int)s->events && y < end; i++, y++)
		paint_event(&s->event[i], g, (struct rect){ area.x, y, area.w, 1 });
}

static enum view_result
events_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct events *v = state;

	(void)ctx;
	/* How far down there is something is known when it is painted. */
	return list_move(action, v->page, SNAP_EVENTS, &v->top) ? VIEW_HANDLED
								: VIEW_IGNORED;
}

const struct view_ops view_events = {
	.id = "events",
	.title = "EVENTS",
	.about = "what is wrong now, and what began and ended",
	.init = events_init,
	.done = free,
	.paint = events_paint,
	.action = events_action,
};
