/*
 * The theme chooser: a list over the view, which shows through in the theme that is
 * marked. Nothing is kept before Enter.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/theme.h"

#include "ui-impl.h"

#define FRAME 2 /* columns or rows of the two sides of the box */
#define GAP 2

/* What a theme says about itself, or what is wrong with it. The caller frees. */
static char *
about(const char *name)
{
	struct diag d = { 0 };
	struct theme *t = theme_open(name, &d);
	const char *text = t ? theme_description(t) : d.text;
	char *copy = xstrndup(text, strlen(text));

	theme_free(t);
	return copy;
}

static void
read_list(struct chooser *c)
{
	c->name = theme_names();
	for (c->n = 0; c->name[c->n]; c->n++)
		;
	c->about = xcalloc((size_t)c->n + 1, sizeof(*c->about));
	for (int i = 0; i < c->n; i++)
		c->about[i] = about(c->name[i]);
}

void
ui_chooser_done(struct chooser *c)
{
	theme_names_free(c->name);
	theme_names_free(c->about);
	*c = (struct chooser){ 0 };
}

void
ui_chooser_open(struct ui *ui)
{
	struct chooser *c = &ui->chooser;

	ui_chooser_done(c); /* afresh: there may be new files */
	read_list(c);
	c->open = true;
	c->at = -1;
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->name[i], ui->theme) == 0)
			c->at = i;
	snprintf(c->before, sizeof(c->before), "%s", ui->theme);
}

static unsigned
use(struct ui *ui, const char *name)
{
	if (strcmp(name, ui->theme) == 0)
		return UI_REDRAW;
	snprintf(ui->theme, sizeof(ui->theme), "%s", name);
	ui->theme_asked = true;
	return UI_REDRAW | UI_THEME;
}

static unsigned
move_to(struct ui *ui, int at)
{
	struct chooser *c = &ui->chooser;

	c->at = CLAMP(at, 0, c->n - 1);
	return use(ui, c->name[c->at]);
}

static void
tell_how_to_keep(struct ui *ui)
{
	char text[160];

	snprintf(text, sizeof(text),
		"theme %s; --theme or 'theme =' in [display] keeps it", ui->theme);
	ui_message(ui, text);
}

unsigned
ui_chooser_action(struct ui *ui, enum action action)
{
	struct chooser *c = &ui->chooser;
	int at = c->at;

	if (list_move(action, c->page, c->n - 1, &at))
		return move_to(ui, at);
	switch (action) {
	case ACTION_THEME: /* pressed again and again it goes round */
		return move_to(ui, (c->at + 1) % c->n);
	case ACTION_ENTER:
		c->open = false;
		if (strcmp(ui->theme, c->before) != 0)
			tell_how_to_keep(ui);
		return UI_REDRAW;
	case ACTION_BACK:
		c->open = false;
		return use(ui, c->before);
	default:
		return 0;
	}
}

/* The box at the lower right: what matters most on a screen is in the other corner. */
static struct rect
box_in(const struct chooser *c, struct rect area, int *ret_name_w)
{
	int names = 0, abouts = 0, w, h;

	for (int i = 0; i < c->n; i++) {
		names = MAX(names, text_width(str_of(c->name[i])));
		abouts = MAX(abouts, text_width(str_of(c->about[i])));
	}
	names = MIN(names, area.w / 2);
	w = MIN(FRAME + 2 + names + GAP + abouts, area.w);
	h = MIN(FRAME + c->n, area.h);
	*ret_name_w = names;
	return (struct rect){ area.x + area.w - w, area.y + area.h - h, w, h };
}

void
ui_chooser_paint(struct ui *ui, struct grid *g, struct rect area)
{
	struct chooser *c = &ui->chooser;
	int names, about_w;
	struct rect box = box_in(c, area, &names);

	c->page = box.h - FRAME;
	c->top = CLAMP(c->top, c->at - c->page + 1, MAX(c->at, 0));
	c->top = CLAMP(c->top, 0, MAX(c->n - c->page, 0));
	grid_fill(g, box, ROLE_TEXT, 0);
	grid_box(g, box, WEIGHT_LIGHT, ROLE_BORDER);
	grid_puts(g, box.x + 2, box.y, " theme ", ROLE_TITLE, 0);
	about_w = box.w - FRAME - 2 - names - GAP;
	for (int i = 0; i < c->page && c->top + i < c->n; i++) {
		int at = c->top + i, x = box.x + 2, y = box.y + 1 + i;
		bool marked = at == c->at;

		if (marked)
			grid_fill(g, (struct rect){ box.x + 1, y, box.w - FRAME, 1 },
				ROLE_SELECT, 0);
		grid_fit(g, x, y, names, str_of(c->name[at]),
			marked ? ROLE_SELECT : ROLE_TITLE, 0);
		ui_paint_cut(g, x + names + GAP, y, about_w, c->about[at],
			marked ? ROLE_SELECT : ROLE_DIM, 0);
	}
	if (c->top > 0)
		grid_glyph(g, box.x + box.w - 1, box.y + 1, GLYPH_UP, ROLE_DIM, 0);
	if (c->top + c->page < c->n)
		grid_glyph(
			g, box.x + box.w - 1, box.y + box.h - 2, GLYPH_DOWN, ROLE_DIM, 0);
}
