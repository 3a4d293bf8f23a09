/*
 * The filter prompt. The filter follows what is typed. As long as that is no expression,
 * or one that nothing matches (which most are in the middle of being typed: "p99" is a
 * name before it is a number), its last terms count as not there yet, and the fault is
 * written beside it. Enter puts in force what is there.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

#include "ui-impl.h"

#define TROUBLE "errors|sev:warn|sev:crit"

bool
ui_set_filter(struct ui *ui, const char *text)
{
	char both[FILTER_MAX + sizeof(TROUBLE) + 8];
	struct filter *f = NULL;
	struct diag d = { 0 };

	/* On its own first, so that a fault is at the place the user sees. */
	if (text[0]) {
		f = filter_new(text, &d);
		if (!f) {
			ui->filter_diag = d;
			return false;
		}
	}
	if (ui->trouble_only) {
		filter_free(f);
		snprintf(both, sizeof(both), text[0] ? "(%s) (" TROUBLE ")" : TROUBLE,
			text);
		f = filter_new(both, &d);
		if (!f) {
			ui->filter_diag = d;
			return false;
		}
	}
	filter_free(ui->filter);
	ui->filter = f;
	ui->filter_diag = (struct diag){ 0 };
	if (text != ui->filter_text)
		snprintf(ui->filter_text, sizeof(ui->filter_text), "%s", text);
	return true;
}

static bool
matches_any(const struct filter *f, const struct snap *s)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (filter_match(f, s, i))
			return true;
	return false;
}

/* Is it an expression, and does it leave anything to be seen? */
static bool
shows_something(const struct ui *ui, const char *text, struct diag *d)
{
	struct filter *f = text[0] ? filter_new(text, d) : NULL;
	bool good = !text[0] || (f && (!ui->all->edges || matches_any(f, ui->all)));

	filter_free(f);
	return good;
}

/* Use what is typed, without so much of its end as is not finished. */
static void
try_filter(struct ui *ui)
{
	char text[FILTER_MAX + 1];
	size_t n = ui->prompt.n;
	struct diag fault = { 0 };

	memcpy(text, ui->prompt.text, n + 1);
	ui->no_match = !shows_something(ui, text, &fault) && !fault.text[0];
	while (!shows_something(ui, text, NULL)) {
		while (n > 0 && text[n - 1] != ' ')
			n--;
		while (n > 0 && text[n - 1] == ' ')
			n--;
		text[n] = '\0';
	}
	ui_set_filter(ui, text);
	ui->filter_diag = fault;
}

void
ui_prompt_open(struct ui *ui)
{
	struct prompt *p = &ui->prompt;

	p->open = true;
	p->n = strlen(ui->filter_text);
	memcpy(p->text, ui->filter_text, p->n + 1);
	ui->filter_diag = (struct diag){ 0 };
	ui->no_match = false;
}

static void
erase_last(struct prompt *p)
{
	while (p->n > 0 && ((unsigned char)p->text[p->n - 1] & 0xc0) == 0x80)
		p->n--;
	if (p->n > 0)
		p->n--;
}

static void
append(struct ui *ui, uint32_t key)
{
	struct prompt *p = &ui->prompt;

	buf_clear(&ui->scratch);
	buf_add_utf8(&ui->scratch, key);
	if (p->n + ui->scratch.n > FILTER_MAX || !text_is_clean(buf_str(&ui->scratch)))
		return;
	memcpy(p->text + p->n, ui->scratch.p, ui->scratch.n);
	p->n += ui->scratch.n;
}

unsigned
ui_prompt_key(struct ui *ui, uint32_t key)
{
	struct prompt *p = &ui->prompt;

	switch (key) {
	case WK_ENTER:
		if (ui->filter_diag.text[0])
			return UI_REDRAW; /* not before it is right */
		p->open = false;
		ui->no_match = false;
		ui_set_filter(ui, p->text);
		return UI_REDRAW;
	case WK_ESC:
	case WK_CTRL('c'):
		p->open = false;
		p->n = 0;
		break;
	case WK_CTRL('u'):
		p->n = 0;
		break;
	case WK_CTRL('w'):
		while (p->n > 0 && p->text[p->n - 1] == ' ')
			p->n--;
		while (p->n > 0 && p->text[p->n - 1] != ' ')
			p->n--;
		break;
	case WK_BACKSPACE:
	case WK_DELETE:
	case WK_CTRL('h'):
		if (p->n == 0)
			p->open = false;
		erase_last(p);
		break;
	default:
		if (key < ' ' || key >= 0x110000 || (key >= 0xd800 && key < 0xe000))
			return 0;
		append(ui, key);
	}
	p->text[p->n] = '\0';
	try_filter(ui);
	return UI_REDRAW;
}

void
ui_paint_prompt(struct ui *ui, struct grid *g, int y)
{
	const struct prompt *p = &ui->prompt;
	int w = grid_width(g), x = 1, room;
	struct str text = { p->text, p->n };

	grid_puts(g, x, y, "/", ROLE_KEY, 0);
	x++;
	/* The end is what is being typed: the beginning gives way. */
	room = ui->filter_diag.text[0] || ui->no_match ? MAX(w / 2 - 3, 8) : w - 4;
	while (text_width(text) > room) {
		struct cluster c;

		text_next(&text, &c);
	}
	x += grid_text(g, x, y, text, ROLE_PROMPT, 0);
	grid_puts(g, x, y, " ", ROLE_PROMPT, ATTR_REVERSE);
	x += 3;
	if (ui->filter_diag.text[0])
		grid_fit(g, x, y, w - x - 1, str_of(ui->filter_diag.text), ROLE_ALERT, 0);
	else if (ui->no_match)
		grid_fit(g, x, y, w - x - 1, STR("nothing matches yet"), ROLE_ALERT, 0);
	else if (!p->n)
		grid_fit(g, x, y, w - x - 1,
			STR("name  /regex/  src:X dst:X  p99>500ms  err>1%  sev:crit  "
			    "errors"),
			ROLE_DIM, 0);
}
