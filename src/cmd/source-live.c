/*
 * Live frames: subscribed, listened for, or from agents of our own (--with), which
 * get a private address so that they disturb nobody else's.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/cmd/child.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/private-dir.h"
#include "weir/cmd/source.h"

enum {
	MAX_CHILDREN = 8,
	LAST_FRAMES_US = 500000
};

struct live {
	struct bus_sub *sub;
	struct live_clock clock;
	struct child *child[MAX_CHILDREN];
	bool child_told[MAX_CHILDREN]; /* that it ended */
	unsigned children;
	bool only_children;     /* nothing else can bring data */
	int64_t quiet_since_us; /* since when all children are gone and nothing came */
	struct private_dir dir;
	struct buf said;
};

/* Have all the agents ended that anything could come from, and their last frames come? */
static enum source_state
at_rest(struct live *l, struct diag *d)
{
	int64_t now_us = clock_mono_us();
	int status, worst = 0;

	if (!l->only_children)
		return SOURCE_NONE;
	for (unsigned i = 0; i < l->children; i++) {
		if (!child_ended(l->child[i], &status))
			return SOURCE_NONE;
		worst = MAX(worst, status);
	}
	if (l->quiet_since_us == 0)
		l->quiet_since_us = now_us;
	if (now_us - l->quiet_since_us < LAST_FRAMES_US)
		return SOURCE_NONE;
	if (worst == 0)
		return SOURCE_END;
	diag_set(d, STATUS_ERR_SYSTEM, "weir-agent ended with status %d", worst);
	return SOURCE_FAILED;
}

static enum source_state
live_next(void *s, int64_t until_us, struct source_frame *ret_frame, struct diag *d)
{
	struct live *l = s;

	(void)until_us;
	if (!bus_sub_next(l->sub, &ret_frame->bytes, &ret_frame->mono_us)) {
		live_clock_steer(&l->clock, clock_mono_us(), clock_wall_us());
		return at_rest(l, d);
	}
	l->quiet_since_us = 0;
	ret_frame->wall_us = live_clock_at(&l->clock, ret_frame->mono_us);
	return SOURCE_FRAME;
}

static unsigned
live_fds(void *s, struct pollfd *fds, unsigned max)
{
	struct live *l = s;
	unsigned n = 0;

	if (n < max)
		fds[n++] = (struct pollfd){ .fd = bus_sub_fd(l->sub), .events = POLLIN };
	for (unsigned i = 0; i < l->children && n < max; i++) {
		if (child_fd(l->child[i]) >= 0)
			fds[n++] = (struct pollfd){ .fd = child_fd(l->child[i]),
				.events = POLLIN };
	}
	return n;
}

static void
live_said(void *s, struct buf *out)
{
	struct live *l = s;
	int status;

	for (unsigned i = 0; i < l->children; i++) {
		child_read(l->child[i], out);
		if (l->child_told[i] || !child_ended(l->child[i], &status))
			continue;
		l->child_told[i] = true;
		if (status != 0)
			buf_addf(out, "weir-agent ended with status %d\n", status);
	}
}

static void
live_note(void *s, struct source_note *ret_note)
{
	struct live *l = s;
	struct bus_stats stats = { 0 };

	bus_sub_stats(l->sub, &stats);
	*ret_note = (struct source_note){
		.dropped = stats.dropped_frames,
		.refused = stats.refused,
		.peers = stats.peers,
		.played_us = live_clock_at(&l->clock, clock_mono_us()),
	};
}

static void
live_close(void *s)
{
	struct live *l = s;

	for (unsigned i = 0; i < l->children; i++)
		child_stop(l->child[i]);
	if (l->sub)
		bus_sub_close(l->sub);
	private_dir_done(&l->dir);
	buf_done(&l->said);
	free(l);
}

static const struct source_ops live_ops = {
	.next = live_next,
	.fds = live_fds,
	.said = live_said,
	.note = live_note,
	.close = live_close,
};

static enum status
start_children(struct live *l, const struct options *o, bool on_screen,
	struct text_list *listen, struct diag *d)
{
	char url[160];

	if (o->with.n == 0)
		return STATUS_OK;
	if (o->with.n > MAX_CHILDREN)
		return diag_set(d, STATUS_ERR_USAGE, "at most %d agents with --with",
			MAX_CHILDREN);
	if (private_dir_make(&l->dir, d) != STATUS_OK)
		return STATUS_ERR_SYSTEM;
	snprintf(url, sizeof(url), "ipc://%s/bus", l->dir.path);
	text_list_add(listen, url);
	for (unsigned i = 0; i < o->with.n; i++) {
		/* Two readers of one standard input would tear each other's lines. */
		bool keep_stdin = !on_screen && o->with.n == 1;
		struct child *c = child_start(o->with.v[i], url, keep_stdin, d);

		if (c == NULL)
			return STATUS_ERR_SYSTEM;
		l->child[l->children++] = c;
	}
	l->only_children = o->connect.n == 0 && o->listen.n == 0;
	return STATUS_OK;
}

static void
describe(struct source *src, const struct options *o, const struct text_list *listen)
{
	struct buf where = BUF_INIT;

	for (unsigned i = 0; i < o->with.n; i++)
		buf_addf(&where, "%s%s", where.n ? " " : "", o->with.v[i]);
	for (unsigned i = 0; i < o->connect.n; i++)
		buf_addf(&where, "%s%s", where.n ? " " : "", o->connect.v[i]);
	if (o->with.n == 0) {
		for (unsigned i = 0; i < listen->n; i++)
			buf_addf(&where, "%s%s", where.n ? " " : "", listen->v[i]);
	}
	snprintf(src->where, sizeof(src->where), "%s", buf_cstr(&where));

	for (unsigned i = 0; i < o->connect.n; i++)
		buf_addf(&src->empty_text, "subscribed to %s\n", o->connect.v[i]);
	for (unsigned i = 0; i < o->with.n; i++)
		buf_addf(&src->empty_text, "started weir-agent %s\n", o->with.v[i]);
	for (unsigned i = 0; o->with.n == 0 && i < listen->n; i++)
		buf_addf(&src->empty_text, "listening on %s\n", listen->v[i]);
	if (o->with.n == 0 && listen->n)
		buf_addf(&src->empty_text,
			"try: weir-agent otlp --to %s\nor see: weir demo\n",
			listen->v[0]);
	buf_done(&where);
}

enum status
source_open_live(
	struct source *src, const struct options *o, bool on_screen, struct diag *d)
{
	struct text_list listen = { 0 };
	struct live *l = xcalloc(1, sizeof(*l));
	struct bus_sub_options bus = { 0 };
	enum status s = STATUS_OK;
	char url[160];

	src->ops = &live_ops;
	src->s = l;
	for (unsigned i = 0; i < o->listen.n; i++)
		text_list_add(&listen, o->listen.v[i]);
	if (o->connect.n + o->listen.n + o->with.n == 0) {
		s = bus_default_url(url, sizeof(url), d);
		if (s == STATUS_OK)
			text_list_add(&listen, url);
	}
	/* Before the sockets: what is forked must not share their threads' locks. */
	if (s == STATUS_OK)
		s = start_children(l, o, on_screen, &listen, d);
	if (s == STATUS_OK) {
		bus.connect = (const char *const *)o->connect.v;
		bus.listen = (const char *const *)listen.v;
		bus.groups = (const char *const *)o->group.v;
		l->sub = bus_sub_open(&bus, d);
		s = l->sub ? STATUS_OK : STATUS_ERR_SYSTEM;
	}
	live_clock_init(&l->clock, clock_mono_us(), clock_wall_us());
	describe(src, o, &listen);
	text_list_done(&listen);
	return s;
}
