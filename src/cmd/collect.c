#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/sink.h"
#include "weir/cmd/values.h"
#include "weir/draw/ui.h"
#include "weir/draw/view.h"
#include "weir/export/export.h"

const char *
feed_filter(const struct options *o, bool on_screen)
{
	return on_screen || export_find(o->format)->needs_grid ? NULL : o->filter;
}

struct feed *
open_feed(const struct options *o, bool on_screen, int *ret_exit)
{
	struct feed_options fo = {
		.window_us = o->window_us,
		.thresholds = o->thresholds,
		.filter = o->command == COMMAND_check ? o->filter
						      : feed_filter(o, on_screen),
		.speed = o->speed,
		.state = o->state,
		.tolerances = o->tolerances,
	};
	struct source src;
	struct feed *f;
	struct diag d = { 0 };
	enum status s = source_open(&src, o, on_screen, &d);

	if (s != STATUS_OK) {
		*ret_exit = report_diag(s, &d);
		return NULL;
	}
	f = feed_new(&src, &fo);
	/* On a screen the ui shows what is said. */
	if (!on_screen)
		report_said(f);
	return f;
}

void
close_feed(struct feed *f)
{
	struct diag d = { 0 };

	feed_save(f, &d);
	if (d.text[0])
		report("%s", d.text);
	feed_free(f);
}

/* The instant up to which a recording is to be read. */
static int64_t
played_end(const struct source *src, const struct options *o)
{
	if (o->at.given)
		return o->at.absolute ? o->at.us : src->start_us + o->at.us;
	if (o->duration_us != VALUE_FOREVER)
		return src->start_us + o->duration_us;
	return INT64_MAX;
}

/* Turn by turn with the real clock; one turn takes at most 100 ms. */
static void
one_turn(struct feed *f, int64_t left_us)
{
	struct pollfd fds[SOURCE_MAX_FDS + 1];
	unsigned n = feed_fds(f, fds, SOURCE_MAX_FDS);
	int wait_ms = feed_source(f)->ops->played ? 10 : 100;

	wait_ms = (int)MIN(wait_ms, left_us / MSEC_US + 1);
	if (!feed_step(f, clock_mono_us(), 100 * MSEC_US)) {
		fds[n++] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
		if (poll(fds, n, wait_ms) < 0 && errno != EINTR)
			die("poll failed");
	}
	signals_take();
	report_said(f);
}

bool
collect(struct feed *f, const struct options *o, int64_t duration_us)
{
	const struct source *src = feed_source(f);
	int64_t end_us = clock_mono_us() + duration_us;

	if (src->ops->played && (isnan(o->speed) || isinf(o->speed)))
		return feed_run(f, played_end(src, o), signals_stopped);
	if (duration_us == VALUE_FOREVER)
		end_us = INT64_MAX;
	while (!signals_stopped() && !feed_ended(f, NULL)) {
		int64_t left_us = end_us - clock_mono_us();

		if (left_us <= 0)
			break;
		one_turn(f, left_us);
	}
	return !signals_stopped();
}

/* There is no terminal to ask: safe only when told so. */
static enum charset
picture_charset(const struct options *o)
{
	if (o->ascii || term_wants_ascii())
		return CHARSET_ASCII;
	return o->safe == CHOICE_ALWAYS ? CHARSET_SAFE : CHARSET_UNICODE;
}

static enum status
write_picture(const struct options *o, const struct export_ops *ops,
	const struct snap *snap, const struct grid *g, FILE *out, struct diag *d)
{
	struct export_in in = {
		.snap = snap,
		.grid = g,
		.theme = theme_open(o->theme, d),
		/* A picture that is written somewhere has its colours unless told not to. */
		.depth = term_depth(
			o->color == CHOICE_NEVER ? CHOICE_NEVER : CHOICE_ALWAYS),
		.charset = picture_charset(o),
	};
	enum status s;

	if (in.theme == NULL)
		return STATUS_ERR_USAGE;
	s = ops->write(&in, out);
	theme_free((struct theme *)in.theme);
	return s;
}

/* The grid of a picture. */
static struct grid *
paint(const struct options *o, struct feed *f, const struct snap *snap)
{
	struct ui_options uo = {
		.source = feed_source(f)->where,
		.view = o->view,
		.filter = o->filter,
		.theme = o->theme,
		.ascii = picture_charset(o) != CHARSET_UNICODE,
	};
	struct ui *ui = ui_new(&uo);
	struct grid *g = grid_new(o->size.w, o->size.h);
	struct buf empty = BUF_INIT;

	feed_empty_text(f, &empty);
	ui_set_empty_text(ui, buf_cstr(&empty));
	ui_paint(ui, snap, g);
	ui_free(ui);
	buf_done(&empty);
	return g;
}

int
print_picture(const struct options *o, struct feed *f, const struct snap *snap)
{
	const struct export_ops *ops = export_find(o->format);
	struct grid *g = ops->needs_grid ? paint(o, f, snap) : NULL;
	struct sink sink;
	struct diag d = { 0 };
	enum status s;

	sink_open(&sink);
	s = write_picture(o, ops, snap, g, sink.f, &d);
	if (s != STATUS_OK)
		sink_drop(&sink);
	else
		s = sink_close(&sink, o->output, &d);
	grid_free(g);
	if (s == STATUS_OK)
		return EXIT_DONE;
	/* Whoever read us had enough: as if SIGPIPE had done its work. */
	if (s == STATUS_ERR_SYSTEM && d.text[0] == '\0')
		return EXIT_SIGNAL + 13;
	return report_diag(s, &d);
}
