/*
 * The dashboard without its screen: data in, the status line out, once a second.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <poll.h>

#include "weir/base/util.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/herald.h"
#include "weir/cmd/loop.h"
#include "weir/cmd/signals.h"

enum {
	TICK_US = 1000000
};

/* Take what comes in a second. False when nothing will come again. */
static bool
pass_second(struct feed *f, bool as_fast_as_it_can)
{
	int64_t end_us = clock_mono_us() + TICK_US, now_us;
	struct pollfd fds[SOURCE_MAX_FDS + 1];

	if (as_fast_as_it_can) {
		feed_run(f, feed_now(f) + TICK_US, signals_stopped);
		return !feed_ended(f, NULL);
	}
	while (!signals_stopped() && (now_us = clock_mono_us()) < end_us) {
		unsigned n = feed_fds(f, fds, SOURCE_MAX_FDS);

		if (feed_step(f, now_us, 100 * MSEC_US))
			continue;
		fds[n++] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
		if (poll(fds, n, (int)((end_us - now_us) / MSEC_US + 1)) < 0 &&
			errno != EINTR)
			die("poll failed");
		signals_take();
	}
	report_said(f);
	return !feed_ended(f, NULL);
}

int
loop_run_blind(struct feed *feed, const struct options *o)
{
	bool fast = feed_source(feed)->ops->played && isinf(o->speed);
	struct snap snap = { 0 };
	struct herald herald;
	struct diag d = { 0 };
	int status = EXIT_DONE;
	bool more = true;

	herald_init(&herald, o, o->ascii || term_wants_ascii());
	while (more && !signals_stopped()) {
		enum status s;

		more = pass_second(feed, fast);
		feed_snap(feed, &snap);
		/* A played time has its own pace: each of its seconds may be told of. */
		s = herald_tell(&herald, &snap, fast ? snap.now_us : clock_mono_us(), &d);
		if (s == STATUS_OK)
			continue;
		/* Who reads a pipe may go; a file may become writable again. */
		status = EXIT_SIGNAL + 13;
		if (d.text[0])
			status = report_diag(s, &d);
		d.text[0] = '\0';
		if (herald_is_pipe(&herald))
			more = false;
		else
			status = EXIT_DONE;
	}
	if (feed_ended(feed, &d) && d.text[0] && status == EXIT_DONE)
		status = report_diag(STATUS_ERR_SYSTEM, &d);
	herald_done(&herald);
	snap_done(&snap);
	return signals_stopped() ? EXIT_SIGNAL + signals_stop() : status;
}
