#include "config.h"

#include "weir/draw/ui.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

#include "ui-impl.h"

#define WORST_MIN 3 /* heading and two rows, or it is not worth the place */
#define WORST_MAX 11
#define MESSAGE_MAX 400
#define MESSAGE_US (30 * SEC_US)
#define EMPTY_MAX 4000

static const struct snap no_snap;

struct ui *
ui_new(const struct ui_options *o)
{
	struct ui *ui = xcalloc(1, sizeof(*ui));

	assert(view_count <= VIEWS_MAX);
	buf_clear(&ui->scratch);
	text_clean(&ui->scratch, str_of(o->source), sizeof(ui->source) - 1);
	snprintf(ui->source, sizeof(ui->source), "%s", buf_cstr(&ui->scratch));
	ui->ctx = (struct view_ctx){
		.snap = &no_snap,
		.sel = { SELECT_NONE, SELECT_NONE },
		.filter = ui->filter_text,
		.ascii = o->ascii,
	};
	ui->all = &no_snap;
	for (unsigned i = 0; o->view && i < view_count; i++)
		if (strcmp(views[i]->id, o->view) == 0)
			ui->view = i;
	snprintf(ui->theme, sizeof(ui->theme), "%s", o->theme ? o->theme : "default");
	if (o->filter)
		ui_set_filter(ui, o->filter);
	return ui;
}

void
ui_free(struct ui *ui)
{
	if (!ui)
		return;
	for (unsigned i = 0; i < view_count; i++)
		if (ui->state[i])
			views[i]->done(ui->state[i]);
	filter_free(ui->filter);
	snap_done(&ui->shown);
	detail_done(&ui->detail);
	edge_table_done(&ui->worst);
	ui_chooser_done(&ui->chooser);
	buf_done(&ui->message);
	buf_done(&ui->empty);
	buf_done(&ui->scratch);
	free(ui);
}

bool
ui_frozen(const struct ui *ui)
{
	return ui->frozen;
}

void
ui_set_live_time(struct ui *ui, int64_t now_us)
{
	ui->live_us = now_us;
}

bool
ui_closeup(const struct ui *ui, uint32_t *ret_edge)
{
	const struct detail *d = &ui->detail;

	*ret_edge = SELECT_NONE;
	if (detail_is_open(d) && d->page[d->pages - 1].of.node == SELECT_NONE)
		*ret_edge = d->page[d->pages - 1].of.edge;
	return *ret_edge != SELECT_NONE;
}

int64_t
ui_window(const struct ui *ui)
{
	return ui->window_us;
}

const char *
ui_theme(const struct ui *ui)
{
	return ui->theme_asked ? ui->theme : NULL;
}

void
ui_message(struct ui *ui, const char *text)
{
	ui->message_us = 0;
	buf_clear(&ui->message);
	text_clean(&ui->message, str_of(text), MESSAGE_MAX);
}

void
ui_set_empty_text(struct ui *ui, const char *text)
{
	buf_clear(&ui->empty);
	/* Line by line: a line break is the only control that means something here. */
	while (*text && ui->empty.n < EMPTY_MAX) {
		size_t n = strcspn(text, "\n");

		text_clean(&ui->empty, (struct str){ text, n }, MESSAGE_MAX);
		buf_addc(&ui->empty, '\n');
		text += n + (text[n] == '\n');
	}
}

/* ------------------------------------------------------------------------ keys */

static void *
view_state(struct ui *ui)
{
	if (!ui->state[ui->view])
		ui->state[ui->view] = views[ui->view]->init();
	return ui->state[ui->view];
}

static void
next_window(struct ui *ui)
{
	static const int64_t windows[] = { 10 * SEC_US, 60 * SEC_US, 300 * SEC_US,
		900 * SEC_US };
	int64_t now = ui->window_us ? ui->window_us : ui->ctx.snap->window_us;
	size_t i = 0;

	while (i < ARRAY_LEN(windows) && windows[i] <= now)
		i++;
	ui->window_us = windows[i % ARRAY_LEN(windows)];
}

static void
toggle_trouble(struct ui *ui)
{
	ui->trouble_only = !ui->trouble_only;
	if (!ui_set_filter(ui, ui->filter_text)) {
		ui->trouble_only = !ui->trouble_only;
		ui_message(ui, ui->filter_diag.text);
	}
}

/* Esc undoes the newest thing there is to undo. */
static unsigned
go_back(struct ui *ui)
{
	if (ui->help)
		ui->help = false;
	else if (detail_is_open(&ui->detail))
		detail_action(&ui->detail, &ui->ctx, ACTION_BACK);
	else if (views[ui->view]->action(view_state(ui), &ui->ctx, ACTION_BACK) !=
		 VIEW_IGNORED)
		return UI_REDRAW;
	else if (ui->filter) {
		ui->trouble_only = false;
		ui_set_filter(ui, "");
	} else {
		ui->ctx.sel = (struct selection){ SELECT_NONE, SELECT_NONE };
	}
	return UI_REDRAW;
}

static unsigned
show_view(struct ui *ui, unsigned view)
{
	if (view >= view_count)
		return 0;
	ui->view = view;
	ui->help = false;
	ui->detail.pages = 0;
	return UI_REDRAW;
}

static unsigned
help_action(struct ui *ui, enum action action)
{
	if (!list_move(action, ui->help_page, INT_MAX / 2, &ui->help_top))
		ui->help = false;
	return UI_REDRAW;
}

static unsigned
view_action(struct ui *ui, enum action action)
{
	enum view_result r;

	if (ui->help)
		return help_action(ui, action);
	if (detail_is_open(&ui->detail))
		return detail_action(&ui->detail, &ui->ctx, action) ? UI_REDRAW : 0;
	/* Wherever an edge is selected, it can be asked why. */
	r = views[ui->view]->action(view_state(ui), &ui->ctx,
		action == ACTION_EXPLAIN ? ACTION_DETAIL : action);
	if (r == VIEW_OPEN_DETAIL)
		detail_open(&ui->detail, ui->ctx.sel);
	if (r == VIEW_OPEN_DETAIL && action == ACTION_EXPLAIN)
		detail_action(&ui->detail, &ui->ctx, action);
	return r == VIEW_IGNORED ? 0 : UI_REDRAW;
}

/* A view may have a use of its own for a number; else it is that of a view. */
static unsigned
digit_action(struct ui *ui, enum action action)
{
	if (!ui->help && !detail_is_open(&ui->detail) &&
		views[ui->view]->action(view_state(ui), &ui->ctx, action) != VIEW_IGNORED)
		return UI_REDRAW;
	return show_view(ui, (unsigned)(action - ACTION_VIEW_1));
}

/* What is possible whatever lies over the view. */
static bool
is_for_all(enum action action)
{
	return action == ACTION_QUIT || action == ACTION_FREEZE ||
	       action == ACTION_REDRAW || action == ACTION_SUSPEND;
}

static unsigned
general_action(struct ui *ui, enum action action)
{
	if (ui->chooser.open && !is_for_all(action))
		return ui_chooser_action(ui, action);
	switch (action) {
	case ACTION_QUIT:
		return UI_QUIT;
	case ACTION_HELP:
		ui->help = !ui->help;
		ui->help_top = 0;
		return UI_REDRAW;
	case ACTION_FREEZE:
		ui->frozen = !ui->frozen;
		return UI_REDRAW;
	case ACTION_REDRAW:
		return UI_REDRAW | UI_REPAINT_ALL;
	case ACTION_SUSPEND:
		return UI_SUSPEND | UI_REDRAW;
	case ACTION_WINDOW:
		next_window(ui);
		return UI_REDRAW | UI_WINDOW;
	case ACTION_THEME:
		ui_chooser_open(ui);
		return UI_REDRAW;
	case ACTION_FILTER:
		ui_prompt_open(ui);
		return UI_REDRAW;
	case ACTION_ERRORS_ONLY:
		toggle_trouble(ui);
		return UI_REDRAW;
	case ACTION_BACK:
		return go_back(ui);
	case ACTION_NEXT_VIEW:
		return show_view(ui, (ui->view + 1) % view_count);
	case ACTION_PREV_VIEW:
		return show_view(ui, (ui->view + view_count - 1) % view_count);
	case ACTION_SORT:
		ui->ctx.sort = (ui->ctx.sort + 1) % SORT_COUNT;
		return UI_REDRAW;
	case ACTION_SORT_REVERSE:
		ui->ctx.sort_reverse = !ui->ctx.sort_reverse;
		return UI_REDRAW;
	default:
		if (action >= ACTION_VIEW_1 && action <= ACTION_VIEW_9)
			return digit_action(ui, action);
		return view_action(ui, action);
	}
}

unsigned
ui_key(struct ui *ui, uint32_t key)
{
	enum action action;
	unsigned redraw = ui->message.n ? UI_REDRAW : 0;

	if (key == WK_NONE)
		return 0;
	buf_clear(&ui->message);
	if (ui->prompt.open)
		return ui_prompt_key(ui, key) | redraw;
	action = key_action(key);
	return action == ACTION_NONE ? redraw : general_action(ui, action) | redraw;
}

/* --------------------------------------------------------------------- painting */

static void
paint_too_small(struct grid *g)
{
	int w = grid_width(g), h = grid_height(g), y = h / 2;
	char text[64];

	snprintf(text, sizeof(text), "%dx%d is too small", w, h);
	if ((int)strlen(text) > w)
		snprintf(text, sizeof(text), "too small");
	grid_fit(
		g, MAX((w - (int)strlen(text)) / 2, 0), y, w, str_of(text), ROLE_TEXT, 0);
	snprintf(text, sizeof(text), "weir needs %dx%d", UI_MIN_WIDTH, UI_MIN_HEIGHT);
	if (y + 1 < h && (int)strlen(text) <= w)
		grid_puts(g, (w - (int)strlen(text)) / 2, y + 1, text, ROLE_DIM, 0);
}

/* Lines of @text in the upper middle of @area, left edges together. */
static void
paint_lines(struct grid *g, struct rect area, const char *text)
{
	int lines = 0, widest = 0, x, y;

	for (const char *p = text; *p; lines++) {
		size_t n = strcspn(p, "\n");

		widest = MAX(widest, text_width((struct str){ p, n }));
		p += n + (p[n] == '\n');
	}
	widest = MIN(widest, area.w - 4);
	x = area.x + (area.w - widest) / 2;
	y = area.y + MAX((area.h - lines) / 3, 0);
	for (bool first = true; *text && y < area.y + area.h; first = false, y++) {
		size_t n = strcspn(text, "\n");

		grid_fit(g, x, y, widest, (struct str){ text, n },
			first ? ROLE_TITLE : ROLE_TEXT, 0);
		text += n + (text[n] == '\n');
	}
}

static void
paint_empty(struct ui *ui, struct grid *g, struct rect area)
{
	if (ui->filter && ui->edges_before) {
		char text[FILTER_MAX + 128];

		snprintf(text, sizeof(text),
			"nothing matches the filter\n\n%s%s%s\n\nEsc clears it",
			ui->filter_text,
			ui->filter_text[0] && ui->trouble_only ? " and " : "",
			ui->trouble_only ? "only what fails or is slow" : "");
		paint_lines(g, area, text);
		return;
	}
	paint_lines(g, area,
		ui->empty.n ? buf_cstr(&ui->empty)
			    : "no data yet\n\nweir waits for flow events");
}

/* Rows for the worst edges under a view that leaves @h some; 0 when too few. */
static int
worst_rows(struct ui *ui, struct rect area)
{
	const struct view_ops *v = views[ui->view];
	int left;

	if (!v->rows || !ui->ctx.snap->edges)
		return 0;
	left = area.h - v->rows(view_state(ui), &ui->ctx, area.w, area.h) - 1;
	left = MIN(left, MIN(WORST_MAX, (int)ui->ctx.snap->edges + 1));
	return left >= WORST_MIN ? left : 0;
}

static void
paint_view(struct ui *ui, struct grid *g, struct rect area)
{
	int worst = worst_rows(ui, area);
	struct rect top = { area.x, area.y, area.w, area.h - worst };
	struct rect before = grid_clip(g, top);

	views[ui->view]->paint(view_state(ui), &ui->ctx, g, top);
	grid_clip(g, before);
	if (worst) {
		struct rect r = { area.x + 1, area.y + area.h - worst, area.w - 2,
			worst };

		edge_table_fill(&ui->worst, &ui->ctx, EDGES_ALL, 0);
		edge_table_paint(&ui->worst, &ui->ctx, g, r, "edges", ui->ctx.sel.edge);
	}
}

/* It has been there long enough to be read, and the keys are wanted back. */
static void
age_message(struct ui *ui, int64_t now_us)
{
	if (!ui->message.n)
		return;
	if (!ui->message_us)
		ui->message_us = now_us;
	else if (now_us - ui->message_us >= MESSAGE_US)
		buf_clear(&ui->message);
}

/* What is shown: the caller's snap, or what the filter lets through of it. */
static const struct snap *
filtered(struct ui *ui, const struct snap *s)
{
	ui->all = s;
	ui->edges_before = s->edges;
	if (!ui->filter)
		return s;
	filter_apply(ui->filter, s, &ui->shown);
	return &ui->shown;
}

void
ui_paint(struct ui *ui, const struct snap *snap, struct grid *g)
{
	int w = grid_width(g), h = grid_height(g), top = ui_header_rows(g);
	int rows = h - top - (h >= AIRY_HEIGHT ? 3 : 2);
	struct rect area = { 0, top, w, rows }, inner = { 1, top, w - 2, rows };

	grid_clear(g);
	if (w < UI_MIN_WIDTH || h < UI_MIN_HEIGHT) {
		paint_too_small(g);
		return;
	}
	ui->ctx.snap = filtered(ui, snap);
	ui->ctx.now_us = snap->now_us;
	age_message(ui, snap->now_us);
	ui->ctx.frozen = ui->frozen;
	ui_paint_header(ui, snap, g);
	ui->help_page = area.h;
	if (ui->help)
		ui->help_top = MIN(ui->help_top, help_paint(g, area, ui->help_top));
	else if (detail_is_open(&ui->detail))
		detail_paint(&ui->detail, &ui->ctx, g, area);
	else if (!ui->ctx.snap->edges && !views[ui->view]->without_flows)
		paint_empty(ui, g, area);
	else
		paint_view(ui, g, views[ui->view]->rows ? area : inner);
	if (ui->chooser.open)
		ui_chooser_paint(ui, g, area);
	ui_paint_quality(&snap->quality, snap->now_us, g, h - 2);
	if (ui->prompt.open)
		ui_paint_prompt(ui, g, h - 1);
	else
		ui_paint_hints(ui, snap, g, h - 1);
}
