#include "config.h"

#include <unistd.h>

#include "weir/base/util.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/loop.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/values.h"

/*
 * When a picture that goes to no terminal pretends to be taken, so that it depends on
 * the seed alone: 2026-01-05T14:02:00Z.
 */
#define PICTURE_DAY_US INT64_C(1767621720000000)

static struct feed *
open_demo(const struct options *o, int64_t now_us, const char *filter, int *ret_exit)
{
	struct feed_options fo = {
		.window_us = o->window_us,
		.thresholds = o->thresholds,
		.tolerances = o->tolerances,
		.filter = filter,
		.speed = 1,
	};
	struct source src;
	struct diag d = { 0 };
	enum status s = source_open_demo(&src, o, now_us, &d);

	if (s != STATUS_OK) {
		*ret_exit = report_diag(s, &d);
		return NULL;
	}
	return feed_new(&src, &fo);
}

static int
print_demo(const struct options *o)
{
	int64_t ahead_us = o->duration_us == VALUE_FOREVER ? 30 * SEC_US : o->duration_us;
	int status = EXIT_DONE;
	struct feed *f = open_demo(o, PICTURE_DAY_US, feed_filter(o, false), &status);
	struct snap snap = { 0 };

	if (f == NULL)
		return status;
	if (feed_run(f, PICTURE_DAY_US + ahead_us, signals_stopped)) {
		feed_snap(f, &snap);
		status = print_picture(o, f, &snap);
		report_completeness(&snap, feed_source(f)->where);
	} else {
		status = EXIT_SIGNAL + signals_stop();
	}
	snap_done(&snap);
	feed_free(f);
	return status;
}

int
cmd_demo(const struct options *o)
{
	int64_t now_us = clock_wall_us();
	int status = EXIT_DONE;
	struct feed *f;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || o->output)
		return print_demo(o);
	f = open_demo(o, now_us, NULL, &status);
	if (f == NULL)
		return status;
	status = feed_run(f, now_us, signals_stopped) ? loop_run(f, o)
						      : EXIT_SIGNAL + signals_stop();
	feed_free(f);
	return status;
}
