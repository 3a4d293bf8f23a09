/* libweir as a program has it: the archive alone, over real sockets. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/wire/inbox.h"

#define DEADLINE_US (60 * SEC_US)
#define THREADS 8
#define EVENTS 20000 /* of each thread */

#if defined(__SANITIZE_ADDRESS__)
#define ENDS_WITHOUT_MEMORY 1 /* by the sanitizer's own hand */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ENDS_WITHOUT_MEMORY 1
#endif
#endif
#ifndef ENDS_WITHOUT_MEMORY
#define ENDS_WITHOUT_MEMORY 0
#endif

static char dir[64], url[96];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-t-libweir-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "ipc://%s/bus", dir);
}

static void
remove_dir(void)
{
	char lock[128];

	snprintf(lock, sizeof(lock), "%s.lock", url + 6);
	unlink(lock);
	cr_expect_eq(rmdir(dir), 0);
}

TestSuite(libweir, .init = make_dir, .fini = remove_dir);

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SEC_US + ts.tv_nsec / 1000;
}

static struct weir *
publisher(size_t queue_bytes)
{
	struct weir_options o = WEIR_OPTIONS_INIT;
	struct weir_error error = { WEIR_OK, "" };
	struct weir *w;

	o.to = url;
	o.program = "t-libweir";
	o.queue_bytes = queue_bytes;
	w = weir_open(&o, &error);
	cr_assert_not_null(w, "%s", error.text);
	return w;
}

static struct weir_flow
a_flow(void)
{
	struct weir_flow f = WEIR_FLOW_INIT;

	f.src = "checkout";
	f.dst = "payment";
	f.us = 1830;
	return f;
}

/* ------------------------------------------------------------ the receiver */

struct listener {
	struct bus_sub *sub;
	struct inbox *in;
	struct snap snap;
	uint64_t flows, notes, gauges, members;
	char text[400]; /* of the last event, in words */
};

static const char *
words(struct buf *b, const struct event *e)
{
	const struct flow *f = &e->u.flow;

	if (e->type == EVENT_FLOW) {
		buf_addf(b, "%.*s>%.*s %.*s %.*s %s %s %s %d", (int)f->src.n, f->src.p,
			(int)f->dst.n, f->dst.p, (int)f->op.n, f->op.p, (int)f->code.n,
			f->code.p, flow_kind_word(f->kind), node_kind_word(f->src_kind),
			node_kind_word(f->dst_kind), f->failed);
		buf_addf(b, " %lld %lld %lld %lld %lld %lld %u %02x%02x%02x",
			(long long)f->end_us, (long long)f->client_us,
			(long long)f->server_us, (long long)f->queue_us,
			(long long)f->bytes_in, (long long)f->bytes_out, f->weight,
			f->ids.trace[15], f->ids.span[7], f->ids.parent[7]);
	} else if (e->type == EVENT_NOTE) {
		buf_addf(b, "%.*s: %.*s (%d) %lld", (int)e->u.note.service.n,
			e->u.note.service.p, (int)e->u.note.text.n, e->u.note.text.p,
			e->u.note.severity, (long long)e->u.note.at_us);
	} else if (e->type == EVENT_GAUGE) {
		buf_addf(b, "%.*s: %.*s %.2f %.*s %lld", (int)e->u.gauge.service.n,
			e->u.gauge.service.p, (int)e->u.gauge.name.n, e->u.gauge.name.p,
			e->u.gauge.value, (int)e->u.gauge.unit.n, e->u.gauge.unit.p,
			(long long)e->u.gauge.at_us);
	} else if (e->type == EVENT_MEMBER) {
		buf_addf(b, "%.*s in %.*s", (int)e->u.member.service.n,
			e->u.member.service.p, (int)e->u.member.group.n,
			e->u.member.group.p);
	}
	return buf_cstr(b);
}

static void
hear(void *ctx, const struct event *e)
{
	struct listener *l = ctx;
	struct buf b = BUF_INIT;

	if (e->type == EVENT_DELTA)
		l->flows += e->u.delta.calls;
	l->flows += e->type == EVENT_FLOW;
	l->notes += e->type == EVENT_NOTE;
	l->gauges += e->type == EVENT_GAUGE;
	l->members += e->type == EVENT_MEMBER;
	snprintf(l->text, sizeof(l->text), "%s", words(&b, e));
	buf_done(&b);
}

static void
listen_up(struct listener *l)
{
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls };
	struct diag d = { .text = "" };

	*l = (struct listener){ .sub = bus_sub_open(&o, &d) };
	cr_assert_not_null(l->sub, "%s", d.text);
	l->in = inbox_new(4, hear, l);
}

static void
take_all(struct listener *l)
{
	struct str frame;
	int64_t mono_us;

	while (bus_sub_next(l->sub, &frame, &mono_us))
		cr_assert_eq(
			inbox_frame(l->in, frame, mono_us, read_clock(CLOCK_REALTIME)),
			STATUS_OK);
	inbox_snap(l->in, read_clock(CLOCK_MONOTONIC), &l->snap);
}

/* Until the publisher has said good-bye; then what is missing is lost. */
static void
hear_out(struct listener *l)
{
	int64_t until_us = read_clock(CLOCK_MONOTONIC) + DEADLINE_US;

	for (;;) {
		struct pollfd p = { .fd = bus_sub_fd(l->sub), .events = POLLIN };

		take_all(l);
		if (l->snap.quality.agents == 1 && l->snap.quality.agent[0].bye)
			break;
		cr_assert_lt(read_clock(CLOCK_MONOTONIC), until_us, "no good-bye came");
		poll(&p, 1, 100);
	}
	inbox_snap(l->in, read_clock(CLOCK_MONOTONIC) + 60 * SEC_US, &l->snap);
}

static void
hang_up(struct listener *l)
{
	snap_done(&l->snap);
	inbox_free(l->in);
	bus_sub_close(l->sub);
}

/* ------------------------------------------------------------ many threads */

struct crowd {
	struct weir *w;
	atomic_uint_fast64_t put, full;
	struct weir_stats stats;
	enum weir_status closed;
};

static void *
put_many(void *ctx)
{
	struct crowd *c = ctx;
	struct weir_flow f = a_flow();

	for (unsigned i = 0; i < EVENTS; i++) {
		switch (weir_put_flow(c->w, &f)) {
		case WEIR_OK:
			c->put++;
			break;
		case WEIR_ERR_FULL:
			c->full++;
			break;
		default:
			abort();
		}
		if (i % 1000 == 0)
			weir_flush(c->w, 50);
	}
	return NULL;
}

static void *
lead(void *ctx)
{
	struct crowd *c = ctx;
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, put_many, c) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	c->stats.size = sizeof(c->stats);
	weir_get_stats(c->w, &c->stats);
	c->closed = weir_close(c->w, 30000);
	return NULL;
}

Test(libweir, of_many_threads_each_event_is_received_or_counted_as_lost)
{
	struct crowd c = { .w = publisher(100000) };
	const struct snap_agent *agent;
	struct listener l;
	struct weir_flow f = a_flow();
	pthread_t leader;

	listen_up(&l);
	cr_expect_eq(weir_put_flow(c.w, &f), WEIR_OK);
	cr_expect_eq(weir_flush(c.w, 30000), WEIR_OK, "nobody has subscribed");
	c.put = 1;
	cr_assert_eq(pthread_create(&leader, NULL, lead, &c), 0);
	hear_out(&l);
	pthread_join(leader, NULL);
	agent = &l.snap.quality.agent[0];
	cr_expect_eq(c.closed, WEIR_OK);
	cr_expect_eq(c.put + c.full, 1 + THREADS * EVENTS);
	cr_expect_eq(c.stats.put, c.put);
	cr_expect_eq(c.stats.dropped, c.full);
	cr_expect_eq(c.stats.put, c.stats.sent + c.stats.unheard + c.stats.waiting);
	cr_expect_eq(c.stats.unheard, 0);
	cr_expect_eq(c.stats.refused, 0);
	cr_expect_gt(c.full, 0, "the queue was never full");
	cr_expect_eq(l.flows + agent->lost, 1 + THREADS * EVENTS,
		"%llu received, %llu lost", (unsigned long long)l.flows,
		(unsigned long long)agent->lost);
	cr_expect_eq(agent->shed, c.full);
	cr_expect_leq(l.flows, c.put);
	cr_expect_eq(agent->duplicate, 0);
	cr_expect_eq(l.snap.quality.decode_errors, 0);
	hang_up(&l);
}

/* ------------------------------------------------------------ what travels */

Test(libweir, an_event_arrives_as_it_was_put)
{
	struct weir *w = publisher(0);
	struct weir_flow f = WEIR_FLOW_INIT;
	struct weir_note n = WEIR_NOTE_INIT;
	struct weir_gauge g = WEIR_GAUGE_INIT;
	struct weir_member m = WEIR_MEMBER_INIT;
	struct listener l;

	listen_up(&l);
	f.src = "web";
	f.dst = "orders";
	f.op = "publish";
	f.code = "E42";
	f.kind = WEIR_KIND_MSG;
	f.src_kind = WEIR_NODE_EXTERNAL;
	f.dst_kind = WEIR_NODE_QUEUE;
	f.failed = 1;
	f.end_us = 1767621752000000;
	f.us = 0;
	f.server_us = 2;
	f.bytes_in = 3;
	f.bytes_out = 4;
	f.weight = 5;
	f.ids.trace[15] = 6;
	f.ids.span[7] = 7;
	f.ids.parent[7] = 8;
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_flush(w, 30000), WEIR_OK);
	while (l.flows == 0)
		take_all(&l);
	cr_expect_str_eq(l.text, "web>orders publish E42 msg external queue 1 "
				 "1767621752000000 0 2 -1 3 4 5 060708");

	n.service = "payment";
	n.text = "pool exhausted";
	n.severity = WEIR_FATAL;
	n.at_us = 1767621752000001;
	cr_expect_eq(weir_put_note(w, &n), WEIR_OK);
	cr_expect_eq(weir_flush(w, 30000), WEIR_OK);
	while (l.notes == 0)
		take_all(&l);
	cr_expect_str_eq(l.text, "payment: pool exhausted (5) 1767621752000001");

	cr_expect_eq(weir_put_member(w, &m), WEIR_ERR_USAGE);
	m.service = "payment";
	m.group = "money";
	cr_expect_eq(weir_put_member(w, &m), WEIR_OK);
	cr_expect_eq(weir_flush(w, 30000), WEIR_OK);
	while (l.members == 0)
		take_all(&l);
	cr_expect_str_eq(l.text, "payment in money");

	g.service = "payment";
	g.name = "pool.waiting";
	g.unit = "{conn}";
	g.value = 12.5;
	g.at_us = 1767621752000002;
	cr_expect_eq(weir_put_gauge(w, &g), WEIR_OK);
	cr_expect_eq(weir_close(w, 30000), WEIR_OK);
	hear_out(&l);
	cr_expect_str_eq(l.text, "payment: pool.waiting 12.50 {conn} 1767621752000002");
	cr_expect_eq(l.snap.quality.agent[0].lost, 0);
	hang_up(&l);
}

Test(libweir, who_says_three_things_and_ends_is_heard_by_who_listens_later)
{
	struct weir *w = publisher(0);
	struct weir_flow f = a_flow();
	struct listener l;

	for (int i = 0; i < 3; i++)
		cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	listen_up(&l);
	cr_expect_eq(weir_close(w, 30000), WEIR_OK);
	hear_out(&l);
	cr_expect_eq(l.flows, 3);
	cr_expect_eq(l.snap.quality.agent[0].lost, 0);
	hang_up(&l);
}

/* ------------------------------------------------------------ nobody listens */

Test(libweir, without_a_listener_neither_flush_nor_close_hangs)
{
	int64_t began_us = read_clock(CLOCK_MONOTONIC);
	struct weir_stats s = WEIR_STATS_INIT;
	struct weir *w = publisher(0);
	struct weir_flow f = a_flow();

	cr_expect_eq(weir_flush(w, 1000), WEIR_OK, "nothing to flush");
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_flush(w, 100), WEIR_ERR_TIMEOUT);
	cr_expect_eq(weir_get_stats(w, &s), WEIR_OK);
	cr_expect_eq(s.put, 1);
	cr_expect_eq(s.waiting, 1);
	cr_expect_eq(s.heard, 0);
	cr_expect_eq(weir_close(w, 100), WEIR_ERR_TIMEOUT);
	w = publisher(0);
	cr_expect_eq(weir_close(w, 60000), WEIR_OK, "nothing was said");
	w = publisher(0);
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_close(w, -1), WEIR_ERR_TIMEOUT);
	cr_expect_lt(read_clock(CLOCK_MONOTONIC) - began_us, 20 * SEC_US);
}

Test(libweir, without_a_listener_there_is_room_for_new_events)
{
	int64_t until_us = read_clock(CLOCK_MONOTONIC) + DEADLINE_US;
	struct weir_stats s = WEIR_STATS_INIT;
	struct weir *w = publisher(100000);
	struct weir_flow f = a_flow();

	while (s.put < 2000) {
		cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
		cr_assert_lt(read_clock(CLOCK_MONOTONIC), until_us);
		cr_assert_eq(weir_get_stats(w, &s), WEIR_OK);
		if (s.waiting > 300) /* of some 400 that there is room for */
			poll(NULL, 0, 1);
	}
	cr_expect_gt(s.unheard, 0);
	cr_expect_eq(s.sent, 0);
	weir_close(w, 0);
}

/* ------------------------------------------------------------ mistakes */

Test(libweir, a_wrong_argument_is_answered_and_counted)
{
	struct weir *w = publisher(0);
	struct weir_stats s = WEIR_STATS_INIT;
	struct weir_flow f = a_flow(), bad[6];
	struct weir_note n = WEIR_NOTE_INIT;
	struct weir_gauge g = WEIR_GAUGE_INIT;
	static char long_text[WEIR_TEXT_MAX + 2];

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = f;
	bad[0].src = NULL;
	bad[1].dst = "";
	bad[2].us = INT64_MAX;
	bad[3].weight = 0;
	bad[4].size = 0;
	bad[5].size = sizeof(f) - 1;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(weir_put_flow(w, &bad[i]), WEIR_ERR_USAGE, "row %u", i);
	cr_expect_eq(weir_put_flow(w, NULL), WEIR_ERR_USAGE);
	cr_expect_eq(weir_put_note(w, &n), WEIR_ERR_USAGE);
	g.service = g.name = "x";
	g.value = NAN;
	cr_expect_eq(weir_put_gauge(w, &g), WEIR_ERR_USAGE);
	memset(long_text, 'x', sizeof(long_text) - 1);
	n.service = "x";
	n.text = long_text;
	cr_expect_eq(weir_put_note(w, &n), WEIR_ERR_TOO_BIG);
	n.text = long_text + 2;
	cr_expect_eq(weir_put_note(w, &n), WEIR_OK);
	f.kind = (enum weir_kind)77; /* as of a later header */
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_get_stats(w, &s), WEIR_OK);
	cr_expect_eq(s.refused, ARRAY_LEN(bad) + 4);
	cr_expect_eq(s.put, 2);
	cr_expect_eq(s.dropped, 0);
	cr_expect_eq(weir_get_stats(w, NULL), WEIR_ERR_USAGE);
	weir_close(w, 0);

	cr_expect_eq(weir_put_flow(NULL, &f), WEIR_ERR_USAGE);
	cr_expect_eq(weir_put_note(NULL, &n), WEIR_ERR_USAGE);
	cr_expect_eq(weir_put_gauge(NULL, &g), WEIR_ERR_USAGE);
	cr_expect_eq(weir_flush(NULL, 0), WEIR_ERR_USAGE);
	cr_expect_eq(weir_get_stats(NULL, &s), WEIR_ERR_USAGE);
	cr_expect_eq(weir_close(NULL, 0), WEIR_OK);
}

Test(libweir, open_says_what_is_wrong)
{
	static const struct weir_options init = WEIR_OPTIONS_INIT;
	struct weir_options o[7];
	static const struct {
		enum weir_status status;
		const char *text; /* a part of it */
	} expected[ARRAY_LEN(o)] = {
		{ WEIR_ERR_USAGE, "WEIR_OPTIONS_INIT" },
		{ WEIR_ERR_USAGE, "exclude" },
		{ WEIR_ERR_USAGE, "'udp://x' must begin with" },
		{ WEIR_ERR_USAGE, "whole network" },
		{ WEIR_ERR_USAGE, "group" },
		{ WEIR_ERR_SYSTEM, "cannot open the state file" },
		{ WEIR_ERR_MEMORY, "memory" },
	};
	struct weir_error error;

	for (unsigned i = 0; i < ARRAY_LEN(o); i++) {
		o[i] = init;
		o[i].to = url;
	}
	o[0].size = 0;
	o[1].bind = url;
	o[2].to = "udp://x";
	o[3].to = NULL;
	o[3].bind = "tcp://0.0.0.0:5570";
	o[4].group = "a b";
	o[5].state_path = "/nonexistent/state";
	o[6].queue_bytes = SIZE_MAX / 4;
	for (unsigned i = 0; i < ARRAY_LEN(o) - ENDS_WITHOUT_MEMORY; i++) {
		memset(&error, 0, sizeof(error));
		cr_expect_null(weir_open(&o[i], &error));
		cr_expect_null(weir_open(&o[i], NULL));
		cr_expect_eq(
			error.status, expected[i].status, "row %u: %s", i, error.text);
		cr_expect_not_null(strcasestr(error.text, expected[i].text), "row %u: %s",
			i, error.text);
	}
	cr_expect_str_eq(weir_status_text(WEIR_ERR_FULL), "the queue is full");
	cr_expect_str_eq(weir_status_text((enum weir_status)99), "unknown error");
	cr_expect_str_eq(weir_version(), PACKAGE_VERSION);
}

/* ------------------------------------------------------------ fork */

/* In the child: the inherited handle says no, and one of its own works. */
static int
child(struct weir *inherited)
{
	struct weir_stats s = WEIR_STATS_INIT;
	struct weir_flow f = a_flow();
	struct weir *own;

	if (weir_put_flow(inherited, &f) != WEIR_ERR_FORKED ||
		weir_flush(inherited, 1000) != WEIR_ERR_FORKED ||
		weir_get_stats(inherited, &s) != WEIR_ERR_FORKED ||
		weir_close(inherited, 1000) != WEIR_ERR_FORKED)
		return 1;
	own = publisher(0);
	if (weir_put_flow(own, &f) != WEIR_OK || weir_close(own, 30000) != WEIR_OK)
		return 2;
	return 0;
}

Test(libweir, after_a_fork_parent_and_child_each_have_their_own)
{
	struct weir *w = publisher(0);
	struct weir_flow f = a_flow();
	struct listener l;
	uint64_t lost = 0;
	int status;
	pid_t pid;

	listen_up(&l);
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_flush(w, 30000), WEIR_OK);
	pid = fork();
	if (pid == 0)
		_exit(child(w));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(weir_put_flow(w, &f), WEIR_OK);
	cr_expect_eq(weir_close(w, 30000), WEIR_OK);
	for (unsigned byes = 0; byes < 2;) {
		take_all(&l);
		byes = 0;
		for (uint32_t i = 0; i < l.snap.quality.agents; i++)
			byes += l.snap.quality.agent[i].bye;
	}
	for (uint32_t i = 0; i < l.snap.quality.agents; i++)
		lost += l.snap.quality.agent[i].lost;
	cr_expect_eq(l.snap.quality.agents, 2);
	cr_expect_eq(l.flows, 3);
	cr_expect_eq(lost, 0);
	hang_up(&l);
}
