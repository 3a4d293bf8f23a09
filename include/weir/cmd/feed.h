/*
 * feed - a source, what is received from it, and the model it ends up in.
 *
 * The one thing that the dashboard, snapshot, check and scripts run on: step it,
 * then take pictures. For a played source (recording, demo) the model's time is the
 * source's own; feed_step() moves it with the steady clock times the speed, and
 * feed_run() moves it as fast as the data can be read.
 */
#ifndef WEIR_CMD_FEED_H
#define WEIR_CMD_FEED_H

#include "weir/cmd/source.h"
#include "weir/core/model.h"

struct feed;

struct feed_options {
	int64_t window_us;
	struct thresholds thresholds;
	const struct tolerances *tolerances; /* borrowed, or NULL */
	const char *filter;                  /* NULL: everything */
	const char *state; /* file of what has been learnt, or NULL; see baselines.h */
	double speed;      /* of a played source in feed_step() */
};

/* Takes @src over. */
struct feed *feed_new(struct source *src, const struct feed_options *o);
void feed_free(struct feed *f);

const struct source *feed_source(const struct feed *f);

/*
 * Take what is there, for at most @budget_us; more may be left. Says whether
 * anything happened at all.
 */
bool feed_step(struct feed *f, int64_t mono_us, int64_t budget_us);

/*
 * Played sources only: go on to the instant @until_us, or to the end; INT64_MAX is
 * the end. Returns false when @stop told to stop (it is asked now and then).
 */
bool feed_run(struct feed *f, int64_t until_us, bool (*stop)(void));

unsigned feed_fds(struct feed *f, struct pollfd *fds, unsigned max);

/* The instant of the model: what pictures taken now are of. */
int64_t feed_now(const struct feed *f);

/* Nothing will come again. *ret_d says why when it was a fault, else has no text. */
bool feed_ended(const struct feed *f, struct diag *ret_d);

/* Write what has been learnt to the file named for it, now: at the end. */
enum status feed_save(struct feed *f, struct diag *d);

/* What children and others said since the last call, whole lines. */
void feed_said(struct feed *f, struct buf *out);

/* The picture, and with a filter the part of it that matches. */
void feed_snap(struct feed *f, struct snap *snap);

void feed_set_window(struct feed *f, int64_t window_us);
int64_t feed_window(const struct feed *f);

/* What the empty screen says. */
void feed_empty_text(struct feed *f, struct buf *out);

#endif
