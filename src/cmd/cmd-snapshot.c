#include "config.h"

#include "weir/base/util.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/values.h"

int
cmd_snapshot(const struct options *o)
{
	int64_t duration_us =
		o->duration_us == VALUE_FOREVER ? 10 * SEC_US : o->duration_us;
	int status = EXIT_DONE;
	struct feed *f = open_feed(o, false, &status);
	struct snap snap = { 0 };
	struct diag d;

	if (f == NULL)
		return status;
	if (collect(f, o, duration_us)) {
		feed_snap(f, &snap);
		status = print_picture(o, f, &snap);
		report_completeness(&snap, feed_source(f)->where);
		/* A recording that is damaged in the middle is shown and said. */
		if (feed_ended(f, &d) && d.text[0] && status == EXIT_DONE)
			status = report_diag(STATUS_ERR_SYSTEM, &d);
	} else {
		status = EXIT_SIGNAL + signals_stop();
	}
	snap_done(&snap);
	close_feed(f);
	return status;
}
