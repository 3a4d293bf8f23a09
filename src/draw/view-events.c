#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/draw/fmt.h"
#include "weir/draw/view.h"

#include "hot.h"
#include "verdict-text.h"

/*
 * What is wrong now, ranked, and below it what began and ended, newest first. Both are
 * the verdict engine's own sentences.
 */
struct events {
	int top, page;
	uint64_t cursor; /* number of the event that is marked; 0: none */
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
paint_event(const struct snap_event *e, struct grid *g, struct rect line, bool marked)
{
	enum role role = marked                   ? ROLE_SELECT
			 : role_of(e) == ROLE_DIM ? ROLE_DIM
						  : ROLE_TEXT;
	time_t sec = (time_t)(e->at_us / SEC_US);
	struct tm tm;
	char clock[16];
	int x = line.x + 2;

	if (marked)
		grid_fill(g, line, ROLE_SELECT, 0);
	grid_glyph(
		g, line.x, line.y, glyph_of(e), role_of(e), marked ? ATTR_ON_SELECT : 0);
	if (localtime_r(&sec, &tm)) {
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		grid_puts(g, x, line.y, clock, marked ? ROLE_SELECT : ROLE_DIM, 0);
	}
	x += 10;
	paint_sentence(g, x, line.y, line.x + line.w - x, &e->said, role, 0);
}

/* Where the marked event stands now, -1 when none is; what is forgotten is the oldest. */
static int
cursor_row(const struct events *v, const struct snap *s)
{
	if (!v->cursor || !s->events)
		return -1;
	for (int i = 0; i < (int)s->events; i++)
		if (s->event[i].number <= v->cursor)
			return i;
	return (int)s->events - 1;
}

static void
events_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	const struct snap *s = ctx->snap;
	struct events *v = state;
	int y = paint_causes(s, g, area), end = area.y + area.h, at = cursor_row(v, s);

	if (y >= end)
		return;
	grid_puts(g, area.x + 2, y++, "events", ROLE_TITLE, 0);
	if (s->events == 0)
		grid_puts(g, area.x + 2, y,
			s->watch.learnt ? "none" : "none: still learning what is usual",
			ROLE_DIM, 0);
	v->page = MAX(end - y, 0);
	/* The mark stays on its event while others come above it. */
	if (at >= 0)
		v->top = CLAMP(v->top, at - v->page + 1, at);
	v->top = CLAMP(v->top, 0, MAX((int)s->events - v->page, 0));
	for (int i = v->top; i < (int)s->events && y < end; i++, y++)
		paint_event(
			&s->event[i], g, (struct rect){ area.x, y, area.w, 1 }, i == at);
}

/* The edge that an event is about, if it is still there. */
static uint32_t
edge_of(const struct snap *s, const struct snap_event *e)
{
	for (uint32_t i = 0; e->src && i < s->edges; i++)
		if (s->edge[i].kind == e->edge_kind &&
			strcmp(s->node[s->edge[i].src].name, e->src) == 0 &&
			strcmp(s->node[s->edge[i].dst].name, e->dst) == 0)
			return s->edge[i].key;
	return SELECT_NONE;
}

static bool
tells_of_trouble(const struct snap_event *e)
{
	return e->change == VERDICT_NAMED || e->change == VERDICT_FEED_LOST;
}

static uint32_t
rank_of_event(const void *ctx, int i)
{
	const struct snap *s = ctx;

	return tells_of_trouble(&s->event[i]) ? 0 : HOT_NOT;
}

static enum view_result
events_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct events *v = state;
	const struct snap *s = ctx->snap;
	int at = cursor_row(v, s), to = MAX(at, 0);

	if (!s->events)
		return VIEW_IGNORED;
	switch (action) {
	case ACTION_BACK:
		if (!v->cursor)
			return VIEW_IGNORED;
		v->cursor = 0;
		return VIEW_HANDLED;
	case ACTION_NEXT_HOT:
	case ACTION_PREV_HOT:
		to = hot_next((int)s->events, at, action == ACTION_NEXT_HOT ? 1 : -1,
			rank_of_event, s);
		break;
	case ACTION_ENTER:
	case ACTION_DETAIL:
		ctx->sel = (struct selection){ SELECT_NONE, edge_of(s, &s->event[to]) };
		v->cursor = s->event[to].number;
		return ctx->sel.edge == SELECT_NONE ? VIEW_HANDLED : VIEW_OPEN_DETAIL;
	default:
		if (!list_move(action, v->page, (int)s->events - 1, &to))
			return VIEW_IGNORED;
		/* The first move marks the newest. */
		if (at < 0 && (action == ACTION_UP || action == ACTION_DOWN))
			to = 0;
	}
	if (to >= 0)
		v->cursor = s->event[to].number;
	return VIEW_HANDLED;
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
