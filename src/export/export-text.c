#include "config.h"

#include "weir/export/export.h"

static enum status
write_text(const struct export_in *in, FILE *out)
{
	struct buf b = BUF_INIT;

	grid_glyph_plane(in->grid, in->charset, &b);
	if (b.n)
		fwrite(b.p, 1, b.n, out);
	buf_done(&b);
	return ferror(out) ? STATUS_ERR_SYSTEM : STATUS_OK;
}

const struct export_ops export_text = {
	.id = "text",
	.about = "the screen as plain text",
	.needs_grid = true,
	.write = write_text,
};
