#include "config.h"

#include "weir/draw/sgr.h"

#include "weir/base/util.h"

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
	static const struct {
		unsigned bit;
		const char *code;
	} attrs[] = {
		{ STYLE_BOLD, ";1" },
		{ STYLE_DIM, ";2" },
		{ STYLE_UNDERLINE, ";4" },
		{ STYLE_BLINK, ";5" },
		{ STYLE_REVERSE, ";7" },
	};

	buf_adds(out, "\033[0");
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (s.attr & attrs[i].bit)
			buf_adds(out, attrs[i].code);
	add_color(out, 30, s.fg);
	add_color(out, 40, s.bg);
	buf_addc(out, 'm');
}

bool
style_equal(struct style a, struct style b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}
