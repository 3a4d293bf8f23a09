#include "config.h"

#include "weir/draw/sgr.h"
#include "weir/export/export.h"

static const struct style plain = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };

static struct style
style_of(const struct export_in *in, struct cell c)
{
	return theme_style(in->theme, in->depth, (enum role)c.role, c.attr);
}

/* A blank that shows nothing: no background, neither own nor by reversal. */
static bool
shows_nothing(struct style s, uint32_t cp)
{
	return cp == ' ' && s.bg == COLOR_DEFAULT &&
	       !(s.attr & (STYLE_REVERSE | STYLE_UNDERLINE));
}

static void
add_row(const struct export_in *in, int y, struct buf *out)
{
	struct style now = plain;
	int end = grid_width(in->grid);

	while (end > 0) {
		struct cell c = grid_at(in->grid, end - 1, y);

		if (!shows_nothing(style_of(in, c), cell_codepoint(c, in->charset)))
			break;
		end--;
	}
	for (int x = 0; x < end; x++) {
		struct cell c = grid_at(in->grid, x, y);
		uint32_t cp = cell_codepoint(c, in->charset);
		struct style s = style_of(in, c);

		if (!cp)
			continue;
		/* An unstyled blank looks the same under any foreground. */
		if (!style_equal(s, now) &&
			!(shows_nothing(s, cp) && shows_nothing(now, ' '))) {
			sgr_add(out, s);
			now = s;
		}
		buf_add_utf8(out, cp);
		if (cell_mark(c, in->charset))
			buf_add_utf8(out, cell_mark(c, in->charset));
	}
	if (!style_equal(now, plain))
		sgr_add(out, plain);
	buf_addc(out, '\n');
}

static enum status
write_ansi(const struct export_in *in, FILE *out)
{
	struct buf b = BUF_INIT;

	for (int y = 0; y < grid_height(in->grid); y++)
		add_row(in, y, &b);
	if (b.n)
		fwrite(b.p, 1, b.n, out);
	buf_done(&b);
	return ferror(out) ? STATUS_ERR_SYSTEM : STATUS_OK;
}

const struct export_ops export_ansi = {
	.id = "ansi",
	.about = "the screen with colours, for cat and less -R",
	.needs_grid = true,
	.write = write_ansi,
};
