#include "config.h"

#include "weir/cmd/stage.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

enum {
	SAID_MOST = 600
};

void
stage_init(struct stage *st, struct feed *feed, const struct options *o, int w, int h,
	bool ascii)
{
	struct ui_options uo = {
		.source = feed_source(feed)->where,
		.view = o->view,
		.filter = o->filter,
		.theme = o->theme,
		.ascii = ascii,
	};

	*st = (struct stage){ .feed = feed };
	st->ui = ui_new(&uo);
	st->grid = grid_new(w, h);
}

void
stage_done(struct stage *st)
{
	ui_free(st->ui);
	grid_free(st->grid);
	snap_done(&st->snap);
	buf_done(&st->said);
	buf_done(&st->empty_text);
}

unsigned
stage_key(struct stage *st, uint32_t key)
{
	unsigned asked = ui_key(st->ui, key);

	if (asked & UI_WINDOW)
		feed_set_window(st->feed, ui_window(st->ui));
	st->held |= ui_frozen(st->ui);
	return asked;
}

bool
stage_outdated(const struct stage *st)
{
	const struct snap *s = &st->snap;
	uint32_t edge;

	if (ui_frozen(st->ui))
		return false;
	if (st->held || s->window_us != feed_window(st->feed))
		return true;
	return ui_closeup(st->ui, &edge) && !(s->shape.wanted && s->shape.key == edge);
}

void
stage_look(struct stage *st)
{
	if (ui_frozen(st->ui))
		return;
	st->held = false;
	st->snap.shape.wanted = ui_closeup(st->ui, &st->snap.shape.key);
	feed_snap(st->feed, &st->snap);
}

void
stage_paint(struct stage *st)
{
	if (st->snap.nodes == 0) {
		buf_clear(&st->empty_text);
		feed_empty_text(st->feed, &st->empty_text);
		buf_add_str(&st->empty_text, buf_str(&st->said));
		ui_set_empty_text(st->ui, buf_cstr(&st->empty_text));
	}
	ui_set_live_time(st->ui, feed_now(st->feed));
	ui_paint(st->ui, &st->snap, st->grid);
}

/* Keep the end of what was said, in whole lines, and show the last of them. */
static void
keep_said(struct stage *st, size_t before)
{
	char *last;
	const char *cut;
	size_t n;

	if (st->said.n == before)
		return;
	n = st->said.n - 1;
	while (n > 0 && st->said.p[n - 1] != '\n')
		n--;
	last = xstrndup(st->said.p + n, st->said.n - n - 1);
	ui_message(st->ui, last);
	free(last);
	while (st->said.n > SAID_MOST && (cut = strchr(st->said.p, '\n')) != NULL) {
		n = (size_t)(cut + 1 - st->said.p);
		st->said.n -= n;
		memmove(st->said.p, cut + 1, st->said.n + 1);
	}
}

bool
stage_listen(struct stage *st)
{
	size_t before = st->said.n;
	struct diag why;

	feed_said(st->feed, &st->said);
	if (st->said.n != before) {
		keep_said(st, before);
		return true;
	}
	if (st->told_end || !feed_ended(st->feed, &why))
		return false;
	st->told_end = true;
	ui_message(st->ui, why.text[0] ? why.text : "the end: nothing more will come");
	return true;
}
