#include "config.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/draw/fmt.h"
#include "weir/draw/view.h"

#define GAP 2
#define HOST_MIN 12
#define HOST_MAX 32
#define ID_DIGITS 8 /* enough to tell agents apart by eye */

struct sources {
	int top, page;
};

static void *
sources_init(void)
{
	return xcalloc(1, sizeof(struct sources));
}

/* One number about an agent; red when it is one that should be 0. */
struct column {
	const char *title;
	int width, min_width;
	bool trouble;
	struct fmt (*value)(const struct snap_agent *a);
};

static struct fmt
age(const struct snap_agent *a)
{
	return fmt_age(a->age_us);
}

static struct fmt
skew(const struct snap_agent *a)
{
	struct fmt size, f;

	if (a->skew_us == SNAP_UNKNOWN)
		return (struct fmt){ "-" };
	size = fmt_duration(llabs(a->skew_us));
	snprintf(f.s, sizeof(f.s), "%c%.14s", a->skew_us < 0 ? '-' : '+', size.s);
	return f;
}

#define COUNT_OF(field)                                     \
	static struct fmt field(const struct snap_agent *a) \
	{                                                   \
		return fmt_count(a->field);                 \
	}

COUNT_OF(received)
COUNT_OF(lost)
COUNT_OF(shed)
COUNT_OF(duplicate)
COUNT_OF(unpaired)
COUNT_OF(waiting)
COUNT_OF(rejected)
COUNT_OF(busy)

static const struct column columns[] = {
	{ "heard", 5, 0, false, age },
	{ "events", 6, 0, false, received },
	{ "lost", 5, 0, true, lost },
	{ "shed", 5, 60, true, shed },
	{ "twice", 5, 78, true, duplicate },
	{ "unpaired", 8, 88, true, unpaired },
	{ "waiting", 7, 100, false, waiting },
	{ "refused", 7, 66, true, rejected },
	{ "put off", 7, 109, false, busy },
	{ "clock", 6, 54, false, skew },
};

static bool
is_none(struct fmt f)
{
	return f.s[0] == '0' && !f.s[1];
}

static const char *
state_word(const struct snap_agent *a)
{
	return a->collision ? "same id twice"
	       : a->bye     ? "stopped"
	       : a->live    ? ""
			    : "silent";
}

/* "otlp vm": of what it makes its events, and where. */
static void
put_name(const struct snap_agent *a, struct grid *g, int x, int y, int w, enum role role)
{
	char name[160];

	snprintf(name, sizeof(name), "%s%s%s", a->input,
		a->input[0] && a->host[0] ? " " : "", a->host);
	grid_fit(g, x, y, w, name[0] ? str_of(name) : STR("-"), role, 0);
}

static void
paint_agent(const struct snap_agent *a, struct grid *g, struct rect line, int host_w)
{
	bool bad = a->collision || (!a->live && !a->bye);
	enum role role = bad ? ROLE_ALERT : a->live ? ROLE_TEXT : ROLE_IDLE;
	char id[2 * ID_DIGITS + 1];
	int x = line.x + 2;

	for (int i = 0; i < ID_DIGITS / 2; i++)
		snprintf(id + 2 * i, 3, "%02x", a->id[i]);
	grid_glyph(g, line.x, line.y,
		bad       ? GLYPH_WARN
		: a->live ? GLYPH_OK
			  : GLYPH_IDLE,
		bad       ? ROLE_ALERT
		: a->live ? ROLE_OK
			  : ROLE_IDLE,
		0);
	put_name(a, g, x, line.y, host_w, role);
	x += host_w + GAP;
	grid_puts(g, x, line.y, id, ROLE_DIM, 0);
	x += ID_DIGITS;
	for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
		struct fmt f;

		if (columns[c].min_width > line.w)
			continue;
		f = columns[c].value(a);
		x += GAP + columns[c].width;
		grid_right(g, x, line.y, f.s,
			!columns[c].trouble ? role
			: is_none(f)        ? ROLE_DIM
					    : ROLE_ALERT,
			0);
	}
	grid_puts(g, x + GAP, line.y, state_word(a), bad ? ROLE_ALERT : ROLE_DIM, 0);
}

static int
host_width(int w)
{
	int left = w - 2 - GAP - ID_DIGITS;

	for (size_t c = 0; c < ARRAY_LEN(columns); c++)
		left -= columns[c].min_width <= w ? GAP + columns[c].width : 0;
	return CLAMP(left - 15, HOST_MIN, HOST_MAX); /* 15 for the state in words */
}

static void
paint_heading(struct grid *g, struct rect area, int host_w)
{
	int x = area.x + 2;

	grid_puts(g, x, area.y, "agents", ROLE_TITLE, 0);
	x += host_w + GAP;
	grid_puts(g, x, area.y, "id", ROLE_DIM, 0);
	x += ID_DIGITS;
	for (size_t c = 0; c < ARRAY_LEN(columns); c++)
		if (columns[c].min_width <= area.w) {
			x += GAP + columns[c].width;
			grid_right(g, x, area.y, columns[c].title, ROLE_DIM, 0);
		}
}

/* What is not in the numbers, and why, over all sources. */
static void
paint_refusals(const struct snap_quality *q, struct grid *g, struct rect area)
{
	const struct {
		const char *what;
		uint64_t n;
	} rows[] = {
		{ "could not be read", q->decode_errors },
		{ "too late for the window", q->late },
		{ "from the future: a wrong clock", q->future },
		{ "impossible values", q->bad_values },
		{ "dropped here: more than could be taken in", q->dropped },
		{ "folded into (other): too many names", q->overflow },
		{ "bare JSON: no numbers, loss unknown", q->bare },
	};
	int y = area.y;

	grid_puts(g, area.x + 2, y++, "refused and unknown", ROLE_TITLE, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows) && y < area.y + area.h; i++, y++) {
		bool none = rows[i].n == 0;

		grid_right(g, area.x + 7, y, fmt_count(rows[i].n).s,
			none ? ROLE_DIM : ROLE_ALERT, 0);
		grid_puts(g, area.x + 9, y, rows[i].what, none ? ROLE_DIM : ROLE_TEXT, 0);
	}
}

static void
sources_paint(void *state, struct view_ctx *ctx, struct grid *g, struct rect area)
{
	const struct snap_quality *q = &ctx->snap->quality;
	struct sources *v = state;
	int refusals = area.h >= 14 ? 9 : 0, host_w = host_width(area.w);

	v->page = MAX(area.h - 1 - refusals, 0);
	v->top = CLAMP(v->top, 0, MAX((int)q->agents - v->page, 0));
	paint_heading(g, area, host_w);
	for (int i = 0; i < v->page && v->top + i < (int)q->agents; i++)
		paint_agent(&q->agent[v->top + i], g,
			(struct rect){ area.x, area.y + 1 + i, area.w, 1 }, host_w);
	if (refusals)
		paint_refusals(q, g,
			(struct rect){ area.x, area.y + 2 + MIN(v->page, (int)q->agents),
				area.w, refusals - 1 });
}

static enum view_result
sources_action(void *state, struct view_ctx *ctx, enum action action)
{
	struct sources *v = state;

	(void)ctx;
	/* How far down there is something is known when it is painted. */
	return list_move(action, v->page, INT_MAX / 2, &v->top) ? VIEW_HANDLED
								: VIEW_IGNORED;
}

const struct view_ops view_sources = {
	.id = "sources",
	.title = "SOURCES",
	.about = "agents: what came, what was lost or refused, clocks",
	.init = sources_init,
	.done = free,
	.paint = sources_paint,
	.action = sources_action,
	.without_flows = true,
};
