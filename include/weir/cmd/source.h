/*
 * source - where frames come from: sockets, a recording, the demo.
 *
 * Two kinds. A live source hands out what has arrived, stamped with the machine's
 * clocks. A played source (recording, demo) has a time of its own that the caller
 * moves on: it hands out the frames up to a given instant of that time and
 * nothing of it depends on when it is asked, so the same input gives the same
 * picture. Whoever reads frames need not care which it is (feed.h).
 *
 * To add one: a file with its ops, and a line in source_open().
 */
#ifndef WEIR_CMD_SOURCE_H
#define WEIR_CMD_SOURCE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/base/str.h"
#include "weir/cmd/options.h"
#include "weir/core/snap.h"

struct source_frame {
	struct str bytes;         /* borrowed until the next call */
	int64_t mono_us, wall_us; /* when it was received, by both clocks */
};

enum source_state {
	SOURCE_FRAME, /* here is one */
	SOURCE_NONE,  /* nothing more up to the instant asked for */
	SOURCE_BUSY,  /* there will be more up to that instant: poll the descriptors */
	SOURCE_END,   /* nothing will ever come again */
	SOURCE_FAILED /* the same, and the diag says what went wrong */
};

struct source_note {
	uint64_t dropped;  /* frames shed by our own ring */
	uint64_t refused;  /* connections or frames that were turned away */
	uint32_t peers;    /* connected now */
	int64_t played_us; /* the newest instant a played source can tell about */
};

struct source_ops {
	bool played;
	/*
	 * The next frame received up to @until_us of a played source's own time; live
	 * sources ignore it.
	 */
	enum source_state (*next)(void *s, int64_t until_us,
		struct source_frame *ret_frame, struct diag *d);
	/* Descriptors to wait for; may be NULL for none. */
	unsigned (*fds)(void *s, struct pollfd *fds, unsigned max);
	/* What others said since the last call (children, faults), whole lines. May be NULL. */
	void (*said)(void *s, struct buf *out);
	void (*note)(void *s, struct source_note *ret_note);
	void (*close)(void *s);
};

struct source {
	const struct source_ops *ops;
	void *s;
	int64_t start_us;      /* the first instant of a played source */
	char where[200];       /* for the header: "demo", "shop.rec", an endpoint */
	struct buf empty_text; /* what to try while nothing has come */
};

#define SOURCE_MAX_FDS 16

/*
 * Open what @o asks for. @on_screen: nobody else may use the terminal. ERR_USAGE
 * when the user must change something, else ERR_SYSTEM.
 */
enum status source_open(
	struct source *src, const struct options *o, bool on_screen, struct diag *d);
void source_close(struct source *src);

/* The parts of source_open(). */
enum status source_open_live(
	struct source *src, const struct options *o, bool on_screen, struct diag *d);
enum status source_open_replay(struct source *src, const char *path, struct diag *d);

/*
 * The demo as it comes on at @now_us of its own time: DEMO_PAST_US of healthy traffic
 * are behind it, trouble is a few seconds ahead.
 */
#define DEMO_PAST_US (75 * INT64_C(1000000))
enum status source_open_demo(
	struct source *src, const struct options *o, int64_t now_us, struct diag *d);

#endif
