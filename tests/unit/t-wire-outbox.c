#include "config.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/wire/outbox.h"
#include "wire-kit.h"

#define WALL_US INT64_C(1767621752000000)

struct sent {
	struct wire_frame frame[2000];
	struct buf bytes[2000];
	unsigned count;
	bool full;
};

static struct sent sent;

static bool
keep(void *ctx, struct str frame)
{
	struct sent *s = ctx;

	if (s->full)
		return false;
	cr_assert_lt(s->count, ARRAY_LEN(s->frame));
	buf_add_str(&s->bytes[s->count], frame);
	cr_assert_eq(wire_get_frame(buf_str(&s->bytes[s->count]), &s->frame[s->count]),
		STATUS_OK);
	s->count++;
	return true;
}

static void
forget(void)
{
	for (unsigned i = 0; i < sent.count; i++)
		buf_done(&sent.bytes[i]);
	sent.count = 0;
}

static char dir[64], path[96];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-t-outbox-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
}

static void
remove_dir(void)
{
	forget();
	unlink(path);
	rmdir(dir);
}

TestSuite(outbox, .init = make_dir, .fini = remove_dir);

static struct outbox *
open_outbox(const char *state_path)
{
	struct outbox_options o = {
		.group = "shop",
		.state_path = state_path,
		.encoding = WIRE_JSON,
		.host = "node7",
		.program = "t",
		.input = "test",
		.send = keep,
		.ctx = &sent,
	};
	struct diag d = { .text = "" };
	struct outbox *box = outbox_new(&o, &d);

	cr_assert_not_null(box, "%s", d.text);
	return box;
}

static struct outbox_time
at_ms(int64_t ms)
{
	return (struct outbox_time){ .mono_us = ms * 1000,
		.wall_us = WALL_US + ms * 1000 };
}

static struct event
a_gauge(double value, const char *unit)
{
	struct event e = { .type = EVENT_GAUGE };

	e.u.gauge.service = STR("a");
	e.u.gauge.name = STR("g");
	e.u.gauge.unit = str_of(unit);
	e.u.gauge.value = value;
	e.u.gauge.at_us = WALL_US;
	return e;
}

static void
add(struct outbox *box, unsigned n, int64_t ms)
{
	struct event e = a_gauge(1, "");

	while (n-- > 0)
		outbox_add(box, &e, at_ms(ms));
}

static const struct wire_header *
header(unsigned i)
{
	return &sent.frame[i].header;
}

static struct wire_beat
beat(unsigned i)
{
	static struct buf scratch;
	struct wire_beat b;

	cr_assert_eq(wire_get_beat(sent.frame[i].payload, &scratch, &b), STATUS_OK);
	return b;
}

Test(outbox, events_wait_a_moment_and_leave_together)
{
	struct outbox *box = open_outbox(NULL);

	cr_expect_eq(outbox_wait(box, at_ms(0)), 0);
	outbox_tick(box, at_ms(0));
	cr_assert_eq(sent.count, 1);
	cr_expect_eq(header(0)->type, WIRE_HELLO);
	cr_expect(str_eq(sent.frame[0].group, STR("shop")));
	cr_expect(str_eq(beat(0).host, STR("node7")));
	cr_expect_eq(outbox_wait(box, at_ms(0)), SEC_US);
	add(box, 3, 20);
	cr_expect_eq(outbox_wait(box, at_ms(30)), 90 * MSEC_US);
	outbox_tick(box, at_ms(119));
	cr_expect_eq(sent.count, 1);
	outbox_tick(box, at_ms(120));
	cr_assert_eq(sent.count, 2);
	cr_expect_eq(header(1)->type, WIRE_DATA);
	cr_expect_eq(header(1)->events, 3);
	cr_expect_eq(header(1)->first_event, 0);
	cr_expect_eq(header(1)->mono_us, 120 * MSEC_US);
	cr_expect_eq(header(1)->wall_us, WALL_US + 120 * MSEC_US);
	outbox_free(box);
}

Test(outbox, a_beat_each_second_says_the_next_number)
{
	struct outbox *box = open_outbox(NULL);

	outbox_tick(box, at_ms(0));
	add(box, 5, 990);
	outbox_tick(box, at_ms(1000));
	/* What waited goes first, else a receiver would take it for lost. */
	cr_assert_eq(sent.count, 3);
	cr_expect_eq(header(1)->type, WIRE_DATA);
	cr_expect_eq(header(2)->type, WIRE_BEAT);
	cr_expect_eq(header(2)->first_event, 5);
	cr_expect_eq(header(2)->events, 0);
	cr_expect_eq(beat(2).accepted, 5);
	outbox_tick(box, at_ms(1999));
	cr_expect_eq(sent.count, 3);
	outbox_tick(box, at_ms(2000));
	cr_expect_eq(sent.count, 4);
	outbox_greet(box, at_ms(2001));
	cr_assert_eq(sent.count, 5);
	cr_expect_eq(header(4)->type, WIRE_HELLO);
	add(box, 1, 2002);
	outbox_bye(box, at_ms(2003));
	cr_assert_eq(sent.count, 7);
	cr_expect_eq(header(6)->type, WIRE_BYE);
	cr_expect_eq(header(6)->first_event, 6);
	outbox_free(box);
}

static void
count_events(void *ctx, const struct event *e)
{
	(void)e;
	(*(uint64_t *)ctx)++;
}

Test(outbox, a_batch_is_split_at_its_size)
{
	struct outbox *box = open_outbox(NULL);
	uint64_t next = 0, seen = 0;

	add(box, 5000, 0);
	outbox_tick(box, at_ms(100));
	cr_expect_gt(sent.count, 5);
	for (unsigned i = 1; i < sent.count; i++) {
		struct wire_counts counts = { 0 };

		cr_expect_leq(sent.frame[i].payload.n, WIRE_SPLIT_FRAME);
		cr_expect_eq(header(i)->first_event, next);
		next += header(i)->events;
		cr_expect_eq(decode_once(WIRE_JSON, sent.frame[i].payload, 0,
				     count_events, &seen, &counts),
			STATUS_OK);
		cr_expect_eq(counts.events, header(i)->events);
		cr_expect_eq(counts.bad, 0);
	}
	cr_expect_eq(next, 5000);
	cr_expect_eq(seen, 5000);
	outbox_free(box);
}

Test(outbox, one_event_larger_than_a_batch_goes_alone)
{
	struct outbox *box = open_outbox(NULL);
	char *huge = xmalloc(2 << 20);
	struct event e;

	memset(huge, 'x', 2 << 20);
	huge[50000] = '\0';
	add(box, 1, 0);
	e = a_gauge(2, huge);
	outbox_add(box, &e, at_ms(0));
	add(box, 1, 0);
	outbox_tick(box, at_ms(100));
	cr_assert_eq(sent.count, 4);
	cr_expect_eq(header(2)->events, 1);
	cr_expect_gt(sent.frame[2].payload.n, 50000);
	/* One that no frame can hold is numbered, dropped and said to be. */
	huge[50000] = 'x';
	huge[(2 << 20) - 1] = '\0';
	e = a_gauge(3, huge);
	outbox_add(box, &e, at_ms(100));
	outbox_bye(box, at_ms(100));
	cr_assert_eq(sent.count, 5);
	cr_expect_eq(header(4)->first_event, 4);
	cr_expect_eq(beat(4).accepted, 4);
	cr_expect_eq(beat(4).shed_queue, 1);
	outbox_free(box);
	free(huge);
}

Test(outbox, what_the_socket_does_not_take_is_declared)
{
	struct outbox *box = open_outbox(NULL);

	outbox_tick(box, at_ms(0));
	sent.full = true;
	add(box, 7, 10);
	outbox_tick(box, at_ms(200));
	sent.full = false;
	outbox_set_counts(box, &(struct wire_beat){ .rejected = 9, .shed_queue = 100 });
	outbox_tick(box, at_ms(1000));
	cr_assert_eq(sent.count, 2);
	cr_expect_eq(header(1)->first_event, 7);
	cr_expect_eq(beat(1).shed_queue, 107);
	cr_expect_eq(beat(1).rejected, 9);
	outbox_free(box);
}

Test(outbox, what_was_shed_before_it_came_has_numbers_and_is_declared)
{
	struct outbox *box = open_outbox(NULL);

	outbox_tick(box, at_ms(0));
	add(box, 3, 10);
	outbox_shed(box, 5, at_ms(20)); /* 3 to 7 */
	add(box, 2, 30);
	outbox_flush(box, at_ms(40));
	outbox_tick(box, at_ms(1000));
	cr_assert_eq(sent.count, 4);
	cr_expect_eq(header(1)->first_event, 0);
	cr_expect_eq(header(1)->events, 3);
	cr_expect_eq(header(2)->first_event, 8);
	cr_expect_eq(header(2)->events, 2);
	cr_expect_eq(header(3)->first_event, 10);
	cr_expect_eq(beat(3).accepted, 10);
	cr_expect_eq(beat(3).shed_queue, 5);
	outbox_free(box);
}

Test(outbox, identity_and_numbers_go_on_after_a_restart)
{
	struct outbox *box = open_outbox(path);
	struct wire_header first, second;
	struct stat st;

	add(box, 10, 0);
	outbox_bye(box, at_ms(0));
	first = *header(0);
	cr_expect_eq(first.first_event, 0);
	cr_expect_eq(first.start_count, 1);
	outbox_free(box);
	forget();
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	box = open_outbox(path);
	outbox_tick(box, at_ms(0));
	second = *header(0);
	cr_expect_eq(second.first_event, 10);
	cr_expect_eq(second.start_count, 2);
	cr_expect_arr_eq(second.agent, first.agent, 16);
	cr_expect_arr_neq(second.instance, first.instance, 8);
	outbox_free(box);
}

Test(outbox, without_a_file_each_start_is_another_agent)
{
	struct outbox *a = open_outbox(NULL), *b = open_outbox(NULL);

	outbox_tick(a, at_ms(0));
	outbox_tick(b, at_ms(0));
	cr_expect_arr_neq(header(0)->agent, header(1)->agent, 16);
	outbox_free(a);
	outbox_free(b);
}

Test(outbox, two_agents_cannot_share_one_identity)
{
	struct outbox *box = open_outbox(path);
	struct outbox_options o = {
		.state_path = path, .encoding = WIRE_JSON, .send = keep
	};
	struct diag d = { .text = "" };

	cr_expect_null(outbox_new(&o, &d));
	cr_expect_not_null(strstr(d.text, "in use"), "%s", d.text);
	outbox_free(box);
	box = open_outbox(path);
	outbox_free(box);
}

Test(outbox, a_file_that_is_none_of_ours_is_left_alone)
{
	static const char thesis[5000] = "chapter one";
	struct outbox_options o = {
		.state_path = path, .encoding = WIRE_JSON, .send = keep
	};
	struct diag d = { .text = "" };
	char back[12];
	FILE *f = fopen(path, "w");

	cr_assert_eq(fwrite(thesis, 1, sizeof(thesis), f), sizeof(thesis));
	fclose(f);
	cr_expect_null(outbox_new(&o, &d));
	cr_expect_not_null(strstr(d.text, "no state file"), "%s", d.text);
	f = fopen(path, "r");
	cr_assert_eq(fread(back, 1, 12, f), 12);
	fclose(f);
	cr_expect_str_eq(back, "chapter one");
	unlink(path);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_expect_null(outbox_new(&o, &d));
}

/* A power failure can leave a file of the right size without its content. */
Test(outbox, an_empty_page_is_a_new_identity)
{
	static const char zeros[4096];
	FILE *f = fopen(path, "w");
	struct outbox *box;

	cr_assert_eq(fwrite(zeros, 1, sizeof(zeros), f), sizeof(zeros));
	fclose(f);
	box = open_outbox(path);
	outbox_tick(box, at_ms(0));
	cr_expect_eq(header(0)->start_count, 1);
	cr_expect_arr_neq(header(0)->agent, zeros, 16);
	outbox_free(box);
}

Test(outbox, numbers_survive_a_kill)
{
	int fds[2];
	char byte;
	pid_t pid;
	struct outbox *box;

	cr_assert_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		box = open_outbox(path);
		/* Accepted, and still waiting in the batch when the end comes. */
		add(box, 1234, 0);
		if (write(fds[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(fds[0], &byte, 1), 1);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	box = open_outbox(path);
	outbox_tick(box, at_ms(0));
	cr_expect_eq(header(0)->first_event, 1234);
	cr_expect_eq(header(0)->start_count, 2);
	outbox_free(box);
}

Test(outbox, wrong_groups_and_encodings_are_refused)
{
	struct outbox_options o = { .encoding = WIRE_JSON, .send = keep, .group = "a b" };
	struct diag d = { .text = "" };

	cr_expect_null(outbox_new(&o, &d));
	o.group = "a23456789012345678901234567890123456789012345678901234567890123456";
	cr_expect_null(outbox_new(&o, &d));
	o.group = NULL;
	o.encoding = (enum wire_encoding)99;
	cr_expect_null(outbox_new(&o, &d));
}
