#include "config.h"

#include "verdict-text.h"

void
paint_sentence(struct grid *g, int x, int y, int w, const struct sentence *s,
	enum role role, unsigned attr)
{
	struct buf text = BUF_INIT;

	sentence_fit(s, w, &text);
	grid_fit(g, x, y, w, buf_str(&text), role, attr);
	buf_done(&text);
}
