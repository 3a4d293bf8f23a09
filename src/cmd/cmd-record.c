#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/values.h"
#include "weir/wire/record.h"

struct recording {
	struct source src;
	struct record_writer *out;
	uint64_t frames, max_bytes;
	bool ended;
	struct diag why; /* without text when it ended as it was meant to */
};

static void
say_said(struct source *src)
{
	struct buf said = BUF_INIT;

	if (src->ops->said)
		src->ops->said(src->s, &said);
	if (said.n)
		report("%s", buf_cstr(&said));
	buf_done(&said);
}

/* Would @n more bytes have been over --max-size? Else it was the disk that is full. */
static bool
reached_limit(const struct recording *r, size_t n)
{
	enum {
		ENTRY_MOST = 64
	}; /* what an entry adds to its frame, at most */

	return r->max_bytes && record_bytes(r->out) + n + ENTRY_MOST > r->max_bytes;
}

/* Write all that has arrived. False when nothing is there now. */
static bool
write_arrived(struct recording *r)
{
	struct source_frame frame;
	enum status s;

	/* In portions, so that the end of time and signals are noticed in a flood. */
	for (int n = 0; n < 1000; n++) {
		switch (r->src.ops->next(r->src.s, INT64_MAX, &frame, &r->why)) {
		case SOURCE_FRAME:
			break;
		case SOURCE_END:
		case SOURCE_FAILED:
			r->ended = true;
			return false;
		default:
			return false;
		}
		s = record_append(r->out, frame.bytes, frame.wall_us);
		if (s != STATUS_OK) {
			r->ended = true;
			if (s != STATUS_ERR_FULL || !reached_limit(r, frame.bytes.n))
				diag_set(&r->why, s, "recording stopped: %s",
					strerror(errno));
			return false;
		}
		r->frames++;
	}
	return true;
}

static void
run(struct recording *r, int64_t duration_us)
{
	int64_t end_us =
		duration_us == VALUE_FOREVER ? INT64_MAX : clock_mono_us() + duration_us;
	struct pollfd fds[SOURCE_MAX_FDS + 1];

	while (!r->ended && !signals_stopped() && clock_mono_us() < end_us) {
		int64_t left_ms;
		unsigned n = 0;

		if (write_arrived(r) || r->ended)
			continue;
		if (r->src.ops->fds)
			n = r->src.ops->fds(r->src.s, fds, SOURCE_MAX_FDS);
		fds[n++] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
		left_ms = (end_us - clock_mono_us()) / MSEC_US + 1;
		if (poll(fds, n, (int)CLAMP(left_ms, 0, 250)) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		signals_take();
		say_said(&r->src);
	}
}

int
cmd_record(const struct options *o)
{
	struct recording r = { .max_bytes = o->max_bytes };
	struct diag d = { 0 };
	enum status s = source_open(&r.src, o, false, &d);
	struct source_note note;
	uint64_t bytes;

	if (s != STATUS_OK)
		return report_diag(s, &d);
	r.out = record_create(o->args.v[0], o->max_bytes, &d);
	if (r.out == NULL) {
		source_close(&r.src);
		return report_diag(STATUS_ERR_SYSTEM, &d);
	}
	if (!r.src.ops->played)
		report("recording %s to %s", r.src.where, o->args.v[0]);
	run(&r, o->duration_us);
	bytes = record_bytes(r.out);
	r.src.ops->note(r.src.s, &note);
	source_close(&r.src);
	s = record_close(r.out, &d);
	if (s != STATUS_OK)
		return report_diag(s, &d);
	report("%" PRIu64 " messages, %" PRIu64 " bytes, %" PRIu64
	       " messages lost before they could be written",
		r.frames, bytes, note.dropped);
	if (r.why.text[0])
		return report_diag(STATUS_ERR_SYSTEM, &r.why);
	return signals_stopped() ? EXIT_SIGNAL + signals_stop() : EXIT_DONE;
}
