#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/wire/inbox.h"
#include "weir/wire/outbox.h"
#include "wire-kit.h"

#define WALL_US INT64_C(1767621752000000)

/* What the inbox hands out: gauges, whose value is the event's serial number. */
struct seen {
	uint64_t count, twice;
	unsigned char *times; /* by serial number, when it is kept */
	size_t room;
};

static void
see(void *ctx, const struct event *e)
{
	struct seen *seen = ctx;
	size_t serial = e->type == EVENT_GAUGE ? (size_t)e->u.gauge.value : 0;

	seen->count++;
	if (seen->times) {
		cr_assert_lt(serial, seen->room);
		seen->twice += seen->times[serial]++ > 0;
	}
}

/* A frame written by hand. */
struct sender {
	uint8_t id, instance;
	uint32_t start_count;
	int64_t ahead_us; /* its clock minus ours */
};

static struct buf
make_frame(const struct sender *s, enum wire_type type, uint64_t first, uint32_t events,
	const char *payload, int64_t mono_us)
{
	struct wire_header h = {
		.type = (uint8_t)type,
		.encoding = type == WIRE_DATA ? WIRE_JSON : 0,
		.agent = { s->id },
		.instance = { s->instance },
		.start_count = s->start_count,
		.events = events,
		.first_event = first,
		.mono_us = mono_us,
		.wall_us = WALL_US + mono_us + s->ahead_us,
	};
	struct buf frame = BUF_INIT;

	wire_put_frame(&frame, STR("g"), &h, str_of(payload));
	return frame;
}

static enum status
put(struct inbox *in, const struct sender *s, enum wire_type type, uint64_t first,
	uint32_t events, const char *payload, int64_t mono_us)
{
	struct buf frame = make_frame(s, type, first, events, payload, mono_us);
	enum status status = inbox_frame(in, buf_str(&frame), mono_us, WALL_US + mono_us);

	buf_done(&frame);
	return status;
}

#define ONE "{\"gauge\":\"g\",\"service\":\"a\",\"value\":1}"

/* @n events numbered from @first on. */
static enum status
put_data(struct inbox *in, const struct sender *s, uint64_t first, uint32_t n,
	int64_t mono_us)
{
	struct buf payload = BUF_INIT;
	enum status status;

	for (uint32_t i = 0; i < n; i++)
		buf_adds(&payload, ONE "\n");
	status = put(in, s, WIRE_DATA, first, n, buf_cstr(&payload), mono_us);
	buf_done(&payload);
	return status;
}

static enum status
put_beat(struct inbox *in, const struct sender *s, uint64_t next, int64_t mono_us)
{
	return put(in, s, WIRE_BEAT, next, 0, "{\"host\":\"h\"}", mono_us);
}

static const struct snap *
picture(struct inbox *in, int64_t mono_us)
{
	static struct snap snap;

	inbox_snap(in, mono_us, &snap);
	return &snap;
}

static const struct sender one = { .id = 1, .instance = 1, .start_count = 1 };

Test(inbox, gaps_are_lost_and_late_frames_are_not)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	const struct snap *s;

	put_data(in, &one, 100, 10, 0);
	put_data(in, &one, 130, 10, SEC_US);
	s = picture(in, SEC_US);
	cr_expect_eq(s->quality.lost, 0);
	s = picture(in, 3 * SEC_US);
	cr_expect_eq(s->quality.lost, 20);
	put_data(in, &one, 110, 5, 4 * SEC_US);
	put_data(in, &one, 110, 5, 4 * SEC_US);
	s = picture(in, 20 * SEC_US);
	cr_expect_eq(s->quality.lost, 15);
	cr_expect_eq(s->quality.duplicate, 5);
	cr_expect_eq(s->quality.decode_errors, 0);
	cr_assert_eq(s->quality.agents, 1);
	cr_expect_eq(s->quality.agent[0].received, 25);
	cr_expect_eq(s->quality.agent[0].lost, 15);
	cr_expect_eq(seen.count, 25);
	inbox_free(in);
}

Test(inbox, a_beat_declares_a_lost_tail)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);

	put_beat(in, &one, 7, 0);
	put_data(in, &one, 7, 3, 0);
	put_beat(in, &one, 110, SEC_US);
	/* A beat that comes late says nothing new. */
	put_beat(in, &one, 50, SEC_US);
	cr_expect_eq(picture(in, 5 * SEC_US)->quality.lost, 100);
	cr_expect_eq(seen.count, 3);
	inbox_free(in);
}

Test(inbox, what_was_before_the_first_contact_is_not_lost)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);

	put_data(in, &one, UINT64_C(1) << 50, 3, 0);
	cr_expect_eq(picture(in, 20 * SEC_US)->quality.lost, 0);
	cr_expect_eq(seen.count, 3);
	inbox_free(in);
}

Test(inbox, what_an_older_connection_still_hands_on_is_new_once)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);

	put_data(in, &one, 100, 10, 0);
	put_data(in, &one, 40, 20, SEC_US);
	put_data(in, &one, 40, 20, SEC_US);
	cr_expect_eq(seen.count, 30);
	cr_expect_eq(picture(in, 5 * SEC_US)->quality.lost, 0);
	cr_expect_eq(picture(in, 5 * SEC_US)->quality.duplicate, 20);
	put_data(in, &one, 60, 5, 30 * SEC_US);
	cr_expect_eq(seen.count, 30, "so late it is no more told from a repeat");
	cr_expect_eq(picture(in, 40 * SEC_US)->quality.lost, 0);
	inbox_free(in);
}

Test(inbox, a_restart_goes_on_counting_and_its_gap_is_lost)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct sender again = { .id = 1, .instance = 2, .start_count = 2 };
	const struct snap *s;

	put(in, &one, WIRE_HELLO, 0, 0, "{\"shed_queue\":5,\"unpaired\":1}", 0);
	put_data(in, &one, 0, 10, 0);
	put(in, &again, WIRE_HELLO, 15, 0, "{\"shed_queue\":2,\"unpaired\":3}", SEC_US);
	put_data(in, &again, 15, 5, SEC_US);
	/* A frame of the dead instance, read from its old connection. */
	put_data(in, &one, 10, 2, 2 * SEC_US);
	s = picture(in, 30 * SEC_US);
	cr_expect_eq(s->quality.lost, 3);
	cr_expect_eq(s->quality.duplicate, 0);
	cr_expect_eq(s->quality.unpaired, 4);
	cr_assert_eq(s->quality.agents, 1);
	cr_expect_eq(s->quality.agent[0].shed, 7);
	cr_expect_not(s->quality.agent[0].collision);
	cr_expect_eq(seen.count, 17);
	inbox_free(in);
}

Test(inbox, a_hundred_restarts_with_late_beats_are_no_collision)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	const struct snap *s;

	for (uint8_t i = 1; i <= 100; i++) {
		struct sender now = { .id = 1, .instance = i, .start_count = i };
		struct sender before = {
			.id = 1, .instance = i - 1, .start_count = i - 1
		};
		int64_t t = i * 5 * SEC_US;

		put_beat(in, &now, i * 10, t);
		put_data(in, &now, i * 10, 10, t + 1);
		/* Sent before the restart, read long after it. */
		if (i > 1) {
			struct buf late = make_frame(
				&before, WIRE_BEAT, i * 10, 0, "{}", t - SEC_US);

			inbox_frame(in, buf_str(&late), t + 4 * SEC_US,
				WALL_US + t + 4 * SEC_US);
			buf_done(&late);
		}
		put_beat(in, &now, i * 10 + 10, t + 4 * SEC_US + 1);
	}
	s = picture(in, 600 * SEC_US);
	cr_assert_eq(s->quality.agents, 1);
	cr_expect_not(s->quality.agent[0].collision);
	cr_expect_eq(s->quality.lost, 0);
	cr_expect_eq(seen.count, 1000);
	inbox_free(in);
}

Test(inbox, a_copied_identity_is_found_and_both_are_counted)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct sender copy = { .id = 1, .instance = 2, .start_count = 1 };
	const struct snap *s;

	for (uint64_t i = 0; i < 20; i++) {
		put_data(in, &one, i * 10, 10, (int64_t)i * SEC_US);
		put_data(in, &copy, i * 10, 10, (int64_t)i * SEC_US);
	}
	s = picture(in, 20 * SEC_US);
	cr_assert_eq(s->quality.agents, 2);
	cr_expect(s->quality.agent[0].collision);
	cr_expect(s->quality.agent[1].collision);
	cr_expect_eq(s->quality.lost, 0);
	cr_expect_eq(s->quality.duplicate, 0);
	cr_expect_eq(seen.count, 400);
	inbox_free(in);
}

Test(inbox, a_copy_that_started_later_is_found_by_both_beating_on)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct sender copy = {
		.id = 1, .instance = 2, .start_count = 2, .ahead_us = -100 * MSEC_US
	};
	const struct snap *s;

	for (int i = 0; i < 20; i++) {
		put_beat(in, &one, 0, i * SEC_US);
		if (i >= 5)
			put_beat(in, &copy, 0, i * SEC_US + 1000);
	}
	s = picture(in, 20 * SEC_US);
	cr_assert_eq(s->quality.agents, 2);
	cr_expect(s->quality.agent[0].collision);
	cr_expect(s->quality.agent[1].collision);
	inbox_free(in);
}

Test(inbox, a_counter_that_went_back_is_followed)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct sender restored = { .id = 1, .instance = 2, .start_count = 2 };
	const struct snap *s;

	put_data(in, &one, 1000, 10, 0);
	put_beat(in, &restored, 500, SEC_US);
	put_data(in, &restored, 500, 10, SEC_US);
	s = picture(in, 20 * SEC_US);
	cr_expect_eq(seen.count, 20);
	cr_expect_eq(s->quality.duplicate, 0);
	cr_expect_eq(s->quality.lost, 0);
	inbox_free(in);
}

Test(inbox, wrong_numbers_neither_overflow_nor_blow_up)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	const struct snap *s;

	/* More numbers than there are, and more events than the payload can hold. */
	cr_expect_eq(put(in, &one, WIRE_DATA, UINT64_MAX, 1, ONE, 0), STATUS_ERR_RANGE);
	cr_expect_eq(put(in, &one, WIRE_DATA, 0, UINT32_MAX, ONE, 0), STATUS_ERR_RANGE);
	cr_expect_eq(put(in, &one, WIRE_BEAT, 0, 5, "{}", 0), STATUS_ERR_RANGE);
	cr_expect_eq(seen.count, 0);
	/* A jump no loss can explain: counted on from there, not as lost. */
	put_data(in, &one, 0, 1, 0);
	put_data(in, &one, UINT64_C(1) << 63, 1, SEC_US);
	put_beat(in, &one, UINT64_MAX, 2 * SEC_US);
	s = picture(in, 20 * SEC_US);
	cr_expect_eq(s->quality.lost, 0);
	cr_expect_eq(s->quality.decode_errors, 5);
	cr_expect_eq(seen.count, 2);
	/* Many gaps, each as large as is believed. */
	for (uint64_t i = 0; i < 10000; i++)
		put_data(in, &(struct sender){ .id = 2, .start_count = 1 },
			i * ((UINT64_C(1) << 40) + 1), 1, 0);
	s = picture(in, 20 * SEC_US);
	cr_expect_eq(s->quality.lost, 9999 * (UINT64_C(1) << 40));
	inbox_free(in);
}

Test(inbox, a_payload_that_disagrees_with_its_header_is_counted)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);

	/* Three promised, two there. */
	put(in, &one, WIRE_DATA, 0, 3, ONE "\n" ONE, 0);
	cr_expect_eq(picture(in, 0)->quality.decode_errors, 1);
	cr_expect_eq(seen.count, 2);
	/* One promised, three there: two have no number. */
	put(in, &one, WIRE_DATA, 3, 1, ONE "\n" ONE "\n" ONE, 0);
	cr_expect_eq(picture(in, 0)->quality.decode_errors, 3);
	cr_expect_eq(seen.count, 3);
	/* A bad record keeps its number. */
	put(in, &one, WIRE_DATA, 4, 3, ONE "\n{}\n" ONE, 0);
	cr_expect_eq(picture(in, 0)->quality.decode_errors, 4);
	cr_expect_eq(seen.count, 5);
	cr_expect_eq(picture(in, 20 * SEC_US)->quality.lost, 0);
	inbox_free(in);
}

Test(inbox, an_unknown_encoding_is_counted_event_by_event)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct wire_header h = { .type = WIRE_DATA, .encoding = 99, .events = 12 };
	struct buf frame = BUF_INIT;

	wire_put_frame(&frame, STR("g"), &h, STR("not for everybody"));
	cr_expect_eq(inbox_frame(in, buf_str(&frame), 0, WALL_US), STATUS_ERR_UNKNOWN);
	cr_expect_eq(picture(in, 20 * SEC_US)->quality.decode_errors, 12);
	cr_expect_eq(picture(in, 20 * SEC_US)->quality.lost, 0);
	buf_done(&frame);
	inbox_free(in);
}

Test(inbox, bare_json_is_taken_and_said_to_be_unnumbered)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	const struct snap *s;

	cr_expect_eq(inbox_frame(in, STR(ONE), 0, WALL_US), STATUS_OK);
	cr_expect_eq(inbox_frame(in, STR("[" ONE ",{}]"), 0, WALL_US), STATUS_OK);
	cr_expect_neq(inbox_frame(in, STR("{\"src\":"), 0, WALL_US), STATUS_OK);
	cr_expect_neq(inbox_frame(in, STR("hello"), 0, WALL_US), STATUS_OK);
	cr_expect_neq(inbox_frame(in, STR(""), 0, WALL_US), STATUS_OK);
	inbox_set_dropped(in, 17);
	s = picture(in, 0);
	cr_expect_eq(s->quality.bare, 2);
	cr_expect_eq(s->quality.decode_errors, 4);
	cr_expect_eq(s->quality.dropped, 17);
	cr_expect_eq(s->quality.agents, 0);
	inbox_free(in);
}

Test(inbox, silence_makes_stale_and_bye_makes_gone)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	const struct snap *s;

	put_beat(in, &one, 0, 0);
	s = picture(in, 3 * SEC_US - 1);
	cr_expect(s->quality.agent[0].live);
	cr_expect_str_eq(s->quality.agent[0].host, "h");
	s = picture(in, 3 * SEC_US);
	cr_expect_not(s->quality.agent[0].live);
	cr_expect_eq(s->quality.agent[0].age_us, 3 * SEC_US);
	put(in, &one, WIRE_BYE, 5, 0, "{}", 4 * SEC_US);
	s = picture(in, 4 * SEC_US);
	cr_expect_not(s->quality.agent[0].live);
	cr_expect(s->quality.agent[0].bye);
	s = picture(in, 8 * SEC_US);
	cr_expect_eq(s->quality.lost, 5);
	/* After ten minutes the row goes; what it counted stays. */
	s = picture(in, 700 * SEC_US);
	cr_expect_eq(s->quality.agents, 0);
	cr_expect_eq(s->quality.lost, 5);
	inbox_free(in);
}

Test(inbox, skew_is_told_by_the_least_delayed_frame)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);
	struct sender ahead = { .id = 1, .start_count = 1, .ahead_us = 37 * SEC_US };

	for (int i = 0; i < 100; i++) {
		int64_t delay = i % 10 == 7 ? 200 : 500 * MSEC_US + i * MSEC_US;
		struct buf frame = make_frame(&ahead, WIRE_BEAT, 0, 0, "{}", i * SEC_US);

		inbox_frame(in, buf_str(&frame), i * SEC_US + delay,
			WALL_US + i * SEC_US + delay);
		buf_done(&frame);
	}
	cr_expect_eq(
		picture(in, 100 * SEC_US)->quality.agent[0].skew_us, 37 * SEC_US - 200);
	/* The clock is set right: after a minute that is all there is. */
	ahead.ahead_us = 0;
	for (int i = 100; i < 170; i++)
		put_beat(in, &ahead, 0, i * SEC_US);
	cr_expect_eq(picture(in, 170 * SEC_US)->quality.agent[0].skew_us, 0);
	inbox_free(in);
}

Test(inbox, what_senders_say_of_themselves_is_cleaned)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(8, see, &seen);

	put(in, &one, WIRE_HELLO, 0, 0,
		"{\"host\":\"\\u001b[2Jx\\u202e\",\"input\":\"\\u0007otlp\"}", 0);
	cr_expect_str_eq(
		picture(in, 0)->quality.agent[0].host, "\\x1b[2Jx\\xe2\\x80\\xae");
	cr_expect_str_eq(picture(in, 0)->quality.agent[0].input, "\\x07otlp");
	inbox_free(in);
}

Test(inbox, more_agents_than_there_is_room_for_are_used_but_not_tracked)
{
	struct seen seen = { 0 };
	struct inbox *in = inbox_new(10, see, &seen);
	const struct snap *s;

	for (int i = 0; i < 200; i++)
		put_data(in, &(struct sender){ .id = (uint8_t)i, .start_count = 1 }, 0, 5,
			0);
	s = picture(in, 0);
	cr_expect_eq(s->quality.agents, 10);
	cr_expect_eq(s->quality.bare, 190 * 5);
	cr_expect_eq(seen.count, 1000);
	for (uint32_t i = 1; i < s->quality.agents; i++)
		cr_expect_lt(s->quality.agent[i - 1].id[0], s->quality.agent[i].id[0]);
	/* Those that are gone make room. */
	put_data(in, &(struct sender){ .id = 250, .start_count = 1 }, 0, 5, 11 * SEC_US);
	s = picture(in, 11 * SEC_US);
	cr_assert_eq(s->quality.agents, 1);
	cr_expect_eq(s->quality.agent[0].id[0], 250);
	inbox_free(in);
}

/* ------------------------------------------------------------ both ends */

#define LINE 8

/* A way between an outbox and an inbox that drops, doubles and turns frames around. */
struct bad_line {
	struct dice *dice;
	struct buf held[LINE];
	struct inbox *in;
	int64_t mono_us;
	unsigned drop, twice; /* of 100 */
};

static void
deliver(struct bad_line *l, unsigned slot)
{
	struct str frame = buf_str(&l->held[slot]);

	if (frame.n > 0 && dice_roll(l->dice, 100) >= l->drop) {
		inbox_frame(l->in, frame, l->mono_us, WALL_US + l->mono_us);
		if (dice_roll(l->dice, 100) < l->twice)
			inbox_frame(l->in, frame, l->mono_us, WALL_US + l->mono_us);
	}
	buf_clear(&l->held[slot]);
}

static bool
send_badly(void *ctx, struct str frame)
{
	struct bad_line *l = ctx;
	unsigned slot = (unsigned)dice_roll(l->dice, LINE);

	if (dice_roll(l->dice, 50) == 0)
		return false;
	deliver(l, slot);
	buf_add_str(&l->held[slot], frame);
	return true;
}

#define SERIALS 40000

/* Agents that come and go by kill, over a bad line: not one event is unaccounted for. */
static void
chaos(uint64_t seed, const char *path)
{
	struct dice dice = { seed };
	struct seen seen = { .times = xcalloc(SERIALS, 1), .room = SERIALS };
	struct bad_line line = { .dice = &dice, .drop = 10, .twice = 5 };
	struct outbox_options o = { .state_path = path,
		.encoding = WIRE_JSON,
		.send = send_badly,
		.ctx = &line };
	struct event e = { .type = EVENT_GAUGE };
	uint64_t serial = 0;
	const struct snap *s;
	struct outbox *box = NULL;
	struct diag d = { .text = "" };
	struct outbox_time t;

	line.in = inbox_new(4, see, &seen);
	e.u.gauge.service = e.u.gauge.name = STR("x");
	e.u.gauge.unit = STR("");
	box = outbox_new(&o, &d);
	cr_assert_not_null(box, "%s", d.text);
	/* First contact, so that all that follows is accounted for. */
	put_beat(line.in, &one, 0, 0);
	outbox_tick(box, (struct outbox_time){ 0, WALL_US });
	for (unsigned i = 0; i < LINE; i++)
		if (line.held[i].n)
			inbox_frame(line.in, buf_str(&line.held[i]), 0, WALL_US);
	while (serial < SERIALS - 500) {
		uint64_t burst = dice_roll(&dice, 500);

		line.mono_us += (int64_t)dice_roll(&dice, 300) * MSEC_US;
		t = (struct outbox_time){ line.mono_us, WALL_US + line.mono_us };
		for (uint64_t i = 0; i < burst; i++) {
			e.u.gauge.value = (double)serial++;
			outbox_add(box, &e, t);
		}
		outbox_tick(box, t);
		if (dice_roll(&dice, 20) == 0) {
			/* As kill -9 does: what waits in the batch is gone. */
			outbox_free(box);
			box = outbox_new(&o, &d);
			cr_assert_not_null(box, "%s", d.text);
		}
	}
	line.drop = 0;
	outbox_bye(box, t);
	for (unsigned i = 0; i < LINE; i++)
		deliver(&line, i);
	/* The last word may have been refused by the socket; say it again. */
	outbox_free(box);
	box = outbox_new(&o, &d);
	for (int i = 0; i < 40; i++)
		outbox_bye(box, t);
	for (unsigned i = 0; i < LINE; i++)
		deliver(&line, i);
	s = picture(line.in, line.mono_us + 20 * SEC_US);
	cr_expect_eq(seen.twice, 0, "seed %u", (unsigned)seed);
	cr_expect_eq(seen.count + s->quality.lost, serial, "seed %u: %u + %u of %u",
		(unsigned)seed, (unsigned)seen.count, (unsigned)s->quality.lost,
		(unsigned)serial);
	cr_expect_eq(s->quality.decode_errors, 0);
	cr_expect_gt(s->quality.lost, 0);
	cr_expect_gt(s->quality.duplicate, 0);
	outbox_free(box);
	inbox_free(line.in);
	for (unsigned i = 0; i < LINE; i++)
		buf_done(&line.held[i]);
	free(seen.times);
}

Test(inbox, over_a_bad_line_each_event_is_received_or_lost)
{
	char dir[] = "/tmp/weir-t-inbox-XXXXXX", path[64];

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	for (uint64_t seed = 1; seed <= 12; seed++) {
		chaos(seed, path);
		remove(path);
	}
	remove(dir);
}
