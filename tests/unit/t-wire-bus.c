/* The wire over the bus: real sockets, real processes, and their real ends. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/wire/state.h"
#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/wire/inbox.h"
#include "weir/wire/outbox.h"

#define DEADLINE_US (30 * SEC_US)
#define LIVES 8 /* of the publisher; the last one ends in peace */

static char dir[64], url[96], state_path[96];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-t-wire-bus-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "ipc://%s/bus", dir);
	snprintf(state_path, sizeof(state_path), "%s/state", dir);
}

static void
remove_dir(void)
{
	char lock[128];

	snprintf(lock, sizeof(lock), "%s.lock", url + 6);
	unlink(lock);
	unlink(state_path);
	cr_expect_eq(rmdir(dir), 0);
}

TestSuite(wire_bus, .init = make_dir, .fini = remove_dir);

static struct outbox_time
now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct outbox_time){
		.mono_us = mono.tv_sec * SEC_US + mono.tv_nsec / 1000,
		.wall_us = wall.tv_sec * SEC_US + wall.tv_nsec / 1000,
	};
}

/* ------------------------------------------------------------ the publisher */

static bool
send_frame(void *ctx, struct str frame)
{
	return bus_pub_send(ctx, frame);
}

/* Publish @events of them, telling at @progress of each thousand; 0: until killed. */
static void
publish(unsigned events, int progress)
{
	struct bus_pub_options po = { .to = url, .linger_ms = -1 };
	struct outbox_options oo = {
		.state_path = state_path,
		.encoding = WIRE_JSON,
		.send = send_frame,
		.group = "t",
	};
	struct event e = { .type = EVENT_FLOW };
	struct diag d;
	struct bus_pub *pub = bus_pub_open(&po, &d);
	struct outbox *box;

	oo.ctx = pub;
	box = pub ? outbox_new(&oo, &d) : NULL;
	if (!box)
		_exit(1);
	while (!bus_pub_new_peer(pub))
		poll(NULL, 0, 1);
	flow_init(&e.u.flow);
	e.u.flow.src = STR("a");
	e.u.flow.dst = STR("b");
	for (unsigned i = 1; events == 0 || i <= events; i++) {
		outbox_add(box, &e, now());
		outbox_tick(box, now());
		if (i % 1000 == 0 && write(progress, "", 1) != 1)
			_exit(1);
	}
	outbox_bye(box, now());
	outbox_free(box);
	bus_pub_close(pub);
	_exit(0);
}

/*
 * Start publishers one after the other, and kill all but the last in mid-sentence: the
 * first one not before @heard says that something of it came. What is lost before the
 * first frame ever seen nobody can count, for it may have been before our time.
 */
static void
supervise(int heard)
{
	for (int life = 1; life <= LIVES; life++) {
		int fds[2], status;
		char bytes[64];
		pid_t pid;

		if (pipe(fds) != 0)
			_exit(1);
		pid = fork();
		if (pid == 0)
			publish(life == LIVES ? 3000 : 0, fds[1]);
		close(fds[1]);
		for (int told = 0; life < LIVES && told < 3 * life;)
			told += (int)MAX(read(fds[0], bytes, sizeof(bytes)), 0);
		if (life == 1 && read(heard, bytes, 1) != 1)
			_exit(1);
		if (life < LIVES)
			kill(pid, SIGKILL);
		while (read(fds[0], bytes, sizeof(bytes)) > 0)
			;
		close(fds[0]);
		if (waitpid(pid, &status, 0) != pid || (life == LIVES && status != 0))
			_exit(1);
	}
	_exit(0);
}

/* ------------------------------------------------------------ the receiver */

static void
count(void *ctx, const struct event *e)
{
	cr_assert_eq(e->type, EVENT_FLOW);
	(*(uint64_t *)ctx)++;
}

static void
take_all(struct bus_sub *sub, struct inbox *in)
{
	struct str frame;
	int64_t mono_us;

	while (bus_sub_next(sub, &frame, &mono_us))
		cr_assert_eq(inbox_frame(in, frame, mono_us, now().wall_us), STATUS_OK);
}

Test(wire_bus, after_any_number_of_kills_each_event_is_received_or_lost)
{
	const char *const urls[] = { url, NULL };
	const char *const groups[] = { "t", NULL };
	struct bus_sub_options o = { .listen = urls, .groups = groups };
	struct snap snap = { 0 };
	struct diag d = { .text = "" };
	struct state *state;
	struct bus_sub *sub;
	struct inbox *in;
	uint64_t received = 0;
	int64_t deadline_us = now().mono_us + DEADLINE_US;
	int heard[2], status;
	pid_t pid;

	cr_assert_eq(pipe(heard), 0);
	pid = fork(); /* before there are threads */
	if (pid == 0)
		supervise(heard[0]);
	sub = bus_sub_open(&o, &d);
	cr_assert_not_null(sub, "%s", d.text);
	in = inbox_new(4, count, &received);
	do {
		struct pollfd p = { .fd = bus_sub_fd(sub), .events = POLLIN };

		cr_assert_lt(now().mono_us, deadline_us, "no good-bye came");
		poll(&p, 1, 100);
		take_all(sub, in);
		if (received > 0 && heard[1] >= 0) {
			cr_assert_eq(write(heard[1], "", 1), 1);
			close(heard[1]);
			heard[1] = -1;
		}
		inbox_snap(in, now().mono_us, &snap);
	} while (snap.quality.agents != 1 || !snap.quality.agent[0].bye);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	take_all(sub, in);
	inbox_snap(in, now().mono_us + 60 * SEC_US, &snap);
	cr_assert_eq(state_open(state_path, &state, &d), STATUS_OK);
	cr_expect_eq(state_page(state)->start_count, LIVES + 1);
	cr_expect_eq(received + snap.quality.lost, state_page(state)->next_event,
		"%llu received, %llu lost, %llu accepted", (unsigned long long)received,
		(unsigned long long)snap.quality.lost,
		(unsigned long long)state_page(state)->next_event);
	cr_expect_geq(state_page(state)->next_event, 80000);
	cr_expect_gt(received, 0);
	cr_expect_eq(snap.quality.agent[0].received, received);
	cr_expect_eq(snap.quality.duplicate, 0);
	cr_expect_eq(snap.quality.decode_errors, 0);
	cr_expect_not(snap.quality.agent[0].collision);
	state_close(state);
	snap_done(&snap);
	inbox_free(in);
	bus_sub_close(sub);
}
