#include "config.h"

#include "weir/draw/sgr.h"

#include <string.h>

#include "weir/base/util.h"

static const struct {
	unsigned bit;
	const char *on, *off;
} attrs[] = {
	{ STYLE_BOLD, ";1", ";22" },
	{ STYLE_DIM, ";2", ";22" },
	{ STYLE_UNDERLINE, ";4", ";24" },
	{ STYLE_BLINK, ";5", ";25" },
	{ STYLE_REVERSE, ";7", ";27" },
};

/* @base is 30 for a foreground and 40 for a background. */
static void
add_color(struct buf *out, int base, int color)
{
	if (color == COLOR_DEFAULT)
		return;
	if (color >= 0x1000000)
		buf_addf(out, ";%d;2;%d;%d;%d", base + 8, color >> 16 & 0xff,
			color >> 8 & 0xff, color & 0xff);
	else if (color < 8)
		buf_addf(out, ";%d", base + color);
	else if (color < 16)
		buf_addf(out, ";%d", base + 60 + color - 8);
	else
		buf_addf(out, ";%d;5;%d", base + 8, color);
}

void
sgr_add(struct buf *out, struct style s)
{
	buf_adds(out, "\033[0");
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (s.attr & attrs[i].bit)
			buf_adds(out, attrs[i].on);
	add_color(out, 30, s.fg);
	add_color(out, 40, s.bg);
	buf_addc(out, 'm');
}

/* Codes that lead from @from to @to, each with a ';' before it. */
static void
add_changes(struct buf *out, struct style from, struct style to)
{
	unsigned gone = from.attr & ~to.attr, come = to.attr & ~from.attr;

	/* One code ends both bold and dim: what stays of them comes again. */
	if (gone & (STYLE_BOLD | STYLE_DIM)) {
		gone = (gone | STYLE_BOLD) & ~(unsigned)STYLE_DIM;
		come |= to.attr & (STYLE_BOLD | STYLE_DIM);
	}
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (gone & attrs[i].bit)
			buf_adds(out, attrs[i].off);
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (come & attrs[i].bit)
			buf_adds(out, attrs[i].on);
	if (from.fg != to.fg && to.fg == COLOR_DEFAULT)
		buf_adds(out, ";39");
	else if (from.fg != to.fg)
		add_color(out, 30, to.fg);
	if (from.bg != to.bg && to.bg == COLOR_DEFAULT)
		buf_adds(out, ";49");
	else if (from.bg != to.bg)
		add_color(out, 40, to.bg);
}

void
sgr_change(struct buf *out, struct style from, struct style to)
{
	size_t start = out->n, changes;

	if (style_equal(from, to))
		return;
	buf_addc(out, '\033');
	add_changes(out, from, to);
	out->p[start + 1] = '['; /* in the place of the first ';' */
	buf_addc(out, 'm');
	changes = out->n - start;
	sgr_add(out, to);
	if (out->n - start - changes < changes) {
		memmove(out->p + start, out->p + start + changes,
			out->n - start - changes);
		out->n -= changes;
	} else {
		out->n = start + changes;
	}
	out->p[out->n] = '\0';
}

bool
style_equal(struct style a, struct style b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}
