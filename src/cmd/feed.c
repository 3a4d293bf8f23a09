#include "config.h"

#include "weir/cmd/feed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/cmd/baselines.h"
#include "weir/cmd/clock.h"
#include "weir/core/filter.h"
#include "weir/wire/inbox.h"

enum {
	MAX_AGENTS = 4096
};

struct feed {
	struct source src;
	struct inbox *inbox;
	struct model *model;
	struct thresholds thresholds;
	struct filter *filter;
	struct snap whole; /* before the filter */
	uint64_t frames;

	int64_t now_us; /* the model's instant, and the frame's while one is taken */
	double speed;
	int64_t anchor_mono_us, anchor_us; /* where a played source's clock was started */
	bool anchored;

	bool ended;
	struct diag why;
	struct baselines baselines;
	struct buf said;   /* of our own, not yet handed out */
	struct snap heard; /* only of the agents */
	int64_t told_s;    /* the last second that the verdict was told how the feed is */
	uint64_t missing;  /* events lost and frames dropped when last looked at */
};

static void
say(struct feed *f, const struct diag *d)
{
	if (d->text[0])
		buf_addf(&f->said, "%s\n", d->text);
}

static void
take_event(void *ctx, const struct event *e)
{
	struct feed *f = ctx;

	model_add(f->model, e, f->now_us);
}

struct feed *
feed_new(struct source *src, const struct feed_options *o)
{
	struct feed *f = xcalloc(1, sizeof(*f));
	struct model_limits limits = model_limits_default;

	limits.window_us = o->window_us;
	limits.watched = true;
	limits.tolerances = o->tolerances;
	f->src = *src;
	*src = (struct source){ 0 };
	f->inbox = inbox_new(MAX_AGENTS, take_event, f);
	f->model = model_new(&limits);
	model_set_utc_offset(f->model, clock_utc_offset(f->src.start_us));
	f->thresholds = o->thresholds;
	f->speed = isnan(o->speed) ? 1 : o->speed;
	/* Its text has been checked where it was given. */
	f->filter = o->filter ? filter_new(o->filter, NULL) : NULL;
	f->now_us = f->src.start_us;
	if (o->state) {
		struct diag d = { 0 };

		baselines_open(
			&f->baselines, o->state, model_verdict(f->model), f->now_us, &d);
		say(f, &d);
	}
	return f;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	source_close(&f->src);
	inbox_free(f->inbox);
	snap_done(&f->whole);
	snap_done(&f->heard);
	model_free(f->model);
	filter_free(f->filter);
	baselines_done(&f->baselines);
	buf_done(&f->said);
	free(f);
}

const struct source *
feed_source(const struct feed *f)
{
	return &f->src;
}

/* So long after its end an agent's services are not expected any more. */
#define ENDED_US (60 * SEC_US)

/* What an agent cannot tell, or what was lost, is no silence of the services. */
static void
tell_verdict(struct feed *f, const struct snap_quality *q)
{
	uint64_t missing = q->lost + q->dropped;
	bool complete = missing == f->missing;

	f->missing = missing;
	for (uint32_t i = 0; i < q->agents; i++) {
		const struct snap_agent *a = &q->agent[i];

		complete &= a->live || (a->bye && a->age_us > ENDED_US);
	}
	verdict_feed(model_verdict(f->model), complete);
}

static void
take_frame(struct feed *f, const struct source_frame *frame)
{
	f->now_us = frame->wall_us;
	f->frames++;
	/* What it refuses it counts; nothing a peer sends is a reason to stop. */
	inbox_frame(f->inbox, frame->bytes, frame->mono_us, frame->wall_us);
	/* Not only when somebody looks: what is missing is no silence then either. */
	if (f->now_us / SEC_US != f->told_s) {
		f->told_s = f->now_us / SEC_US;
		inbox_snap(f->inbox, frame->mono_us, &f->heard);
		tell_verdict(f, &f->heard.quality);
	}
}

static int64_t
played_until(struct feed *f, int64_t mono_us)
{
	if (!f->anchored) {
		f->anchored = true;
		f->anchor_mono_us = mono_us;
		f->anchor_us = f->now_us;
	}
	if (isinf(f->speed))
		return INT64_MAX;
	return f->anchor_us + (int64_t)((double)(mono_us - f->anchor_mono_us) * f->speed);
}

/* Take frames up to @until_us until the steady clock says @stop_us. */
static enum source_state
take_frames(struct feed *f, int64_t until_us, int64_t stop_us)
{
	struct source_frame frame;
	enum source_state state;

	/* Asking the clock for each frame would cost more than many a frame does. */
	for (unsigned n = 1;; n++) {
		state = f->src.ops->next(f->src.s, until_us, &frame, &f->why);
		if (state != SOURCE_FRAME)
			break;
		take_frame(f, &frame);
		if (n % 16 == 0 && clock_mono_us() >= stop_us)
			break;
	}
	if (state == SOURCE_END || state == SOURCE_FAILED)
		f->ended = true;
	return state;
}

static void
move_to(struct feed *f, int64_t until_us)
{
	struct source_note note;

	f->src.ops->note(f->src.s, &note);
	if (f->src.ops->played)
		f->now_us = MAX(f->now_us, MIN(until_us, note.played_us));
	else
		f->now_us = note.played_us;
}

enum status
feed_save(struct feed *f, struct diag *d)
{
	return baselines_save(&f->baselines, model_verdict(f->model), f->now_us, d);
}

/* Once a minute: what is lost if weir is killed. */
static void
save_now_and_then(struct feed *f, int64_t mono_us)
{
	struct diag d = { 0 };

	if (mono_us < f->baselines.next_us)
		return;
	if (f->baselines.next_us)
		feed_save(f, &d);
	say(f, &d);
	f->baselines.next_us = mono_us + BASELINES_EVERY_US;
}

bool
feed_step(struct feed *f, int64_t mono_us, int64_t budget_us)
{
	uint64_t before = f->frames;
	int64_t until_us = f->src.ops->played ? played_until(f, mono_us) : INT64_MAX;
	bool was_ended = f->ended;
	enum source_state state = SOURCE_END;

	if (!f->ended)
		state = take_frames(f, until_us, mono_us + budget_us);
	/* While frames are left the clock may not run ahead of them. */
	if (state != SOURCE_FRAME && state != SOURCE_BUSY && !isinf(f->speed))
		move_to(f, until_us);
	save_now_and_then(f, mono_us);
	return f->frames != before || f->ended != was_ended;
}

bool
feed_run(struct feed *f, int64_t until_us, bool (*stop)(void))
{
	struct pollfd fds[SOURCE_MAX_FDS];
	enum source_state state;

	while (!f->ended) {
		state = take_frames(f, until_us, clock_mono_us() + 50 * MSEC_US);
		if (stop && stop())
			return false;
		if (state == SOURCE_NONE)
			break;
		if (state == SOURCE_BUSY &&
			poll(fds, feed_fds(f, fds, SOURCE_MAX_FDS), 100) < 0 &&
			errno != EINTR)
			break;
	}
	if (until_us != INT64_MAX)
		f->now_us = MAX(f->now_us, until_us);
	f->anchored = false;
	return true;
}

unsigned
feed_fds(struct feed *f, struct pollfd *fds, unsigned max)
{
	return f->src.ops->fds ? f->src.ops->fds(f->src.s, fds, max) : 0;
}

int64_t
feed_now(const struct feed *f)
{
	return f->now_us;
}

bool
feed_ended(const struct feed *f, struct diag *ret_d)
{
	if (ret_d)
		*ret_d = f->why;
	return f->ended;
}

void
feed_said(struct feed *f, struct buf *out)
{
	buf_add_str(out, buf_str(&f->said));
	buf_clear(&f->said);
	if (f->src.ops->said)
		f->src.ops->said(f->src.s, out);
}

void
feed_snap(struct feed *f, struct snap *snap)
{
	struct snap *whole = f->filter ? &f->whole : snap;
	struct source_note note;

	f->src.ops->note(f->src.s, &note);
	if (!f->src.ops->played)
		f->now_us = note.played_us;
	inbox_set_dropped(f->inbox, note.dropped);
	model_snap(f->model, f->now_us, &f->thresholds, whole);
	inbox_snap(f->inbox, f->src.ops->played ? f->now_us : clock_mono_us(), whole);
	tell_verdict(f, &whole->quality);
	if (f->filter)
		filter_apply(f->filter, whole, snap);
}

void
feed_set_window(struct feed *f, int64_t window_us)
{
	model_set_window(f->model, window_us);
}

int64_t
feed_window(const struct feed *f)
{
	return model_window(f->model);
}

void
feed_empty_text(struct feed *f, struct buf *out)
{
	struct source_note note;

	f->src.ops->note(f->src.s, &note);
	buf_add(out, f->src.empty_text.p, f->src.empty_text.n);
	if (f->src.ops->played)
		return;
	buf_addf(out, "connected: %u", note.peers);
	if (note.refused)
		buf_addf(out, ", refused: %llu", (unsigned long long)note.refused);
	buf_addf(out, "; messages: %llu\n", (unsigned long long)f->frames);
}
