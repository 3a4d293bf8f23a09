#include "config.h"

#include <criterion/criterion.h>

#include "weir/base/util.h"
#include "weir/cmd/turn.h"

#define T0 INT64_C(5000000)

/* A picture was taken and shown at T0. */
static struct turn
turn_after_look(void)
{
	struct turn t = { .changed = true };

	turn_looked(&t, T0);
	return t;
}

Test(turn, the_first_thing_is_a_picture)
{
	struct turn t = { .more = true };

	cr_expect_eq(turn_next(&t, T0), TURN_LOOK);
}

Test(turn, a_key_is_answered_before_further_events_are_taken)
{
	struct turn t = turn_after_look();

	t.more = t.changed = t.asked = true;
	cr_expect_eq(turn_next(&t, T0 + 1), TURN_SHOW);
	turn_shown(&t);
	cr_expect_eq(turn_next(&t, T0 + 1), TURN_EVENTS);
}

Test(turn, what_a_key_asks_for_and_is_not_in_the_picture_is_looked_for_at_once)
{
	struct turn t = turn_after_look();

	t.more = t.asked = t.outdated = true;
	cr_expect_eq(turn_next(&t, T0 + 1), TURN_LOOK);
	turn_looked(&t, T0 + 2);
	cr_expect_eq(turn_next(&t, T0 + 2), TURN_EVENTS);
}

Test(turn, a_key_long_after_the_last_picture_gets_a_new_one)
{
	struct turn t = turn_after_look();

	t.asked = true;
	cr_expect_eq(turn_next(&t, T0 + TURN_FRAME_US - 1), TURN_SHOW);
	cr_expect_eq(turn_next(&t, T0 + TURN_FRAME_US), TURN_LOOK);
}

Test(turn, what_changed_is_shown_when_the_last_picture_is_old_enough)
{
	struct turn t = turn_after_look();

	t.changed = true;
	cr_expect_eq(turn_next(&t, T0 + TURN_FRAME_US - 1), TURN_WAIT);
	cr_expect_eq(turn_until_us(&t, T0 + 1), T0 + TURN_FRAME_US);
	cr_expect_eq(turn_next(&t, T0 + TURN_FRAME_US), TURN_LOOK);
	/* The answer to a key is no picture of what has changed. */
	t.asked = true;
	turn_shown(&t);
	cr_expect_eq(turn_next(&t, T0 + TURN_FRAME_US), TURN_LOOK);
}

Test(turn, when_nothing_happens_there_is_a_picture_a_second)
{
	struct turn t = turn_after_look();

	cr_expect_eq(turn_next(&t, T0 + TURN_TICK_US - 1), TURN_WAIT);
	cr_expect_eq(turn_until_us(&t, T0 + 1), T0 + TURN_TICK_US);
	cr_expect_eq(turn_next(&t, T0 + TURN_TICK_US), TURN_LOOK);
}

Test(turn, with_something_to_do_nobody_waits)
{
	struct turn t = turn_after_look();

	t.more = true;
	cr_expect_eq(turn_until_us(&t, T0 + 1), T0 + 1);
}

/*
 * Ten seconds in which events never end, with a key each 37 ms: what each step takes is
 * what it does at most with a thousand edges.
 */
Test(turn, in_a_flood_a_key_waits_for_one_step_and_its_answer_at_most)
{
	static const int64_t takes_us[] = { [TURN_WAIT] = 0,
		[TURN_EVENTS] = 12000,
		[TURN_SHOW] = 1500,
		[TURN_LOOK] = 12000 };
	int64_t now = T0, key = T0 + 37000, slowest = 0,
		spent[ARRAY_LEN(takes_us)] = { 0 };
	struct turn t = { .more = true };

	while (now < T0 + 10000000) {
		enum turn_step step;
		bool pressed = now >= key;

		t.asked = pressed;
		t.changed = true;
		step = turn_next(&t, now);
		now += takes_us[step];
		spent[step] += takes_us[step];
		if (step == TURN_LOOK)
			turn_looked(&t, now);
		else if (step == TURN_SHOW)
			turn_shown(&t);
		if (!pressed)
			continue;
		cr_expect_not(t.asked);
		slowest = MAX(slowest, now - key);
		key += 37000;
	}
	cr_expect_leq(slowest, 24000, "%lld", (long long)slowest);
	cr_expect_eq(spent[TURN_WAIT], 0);
	cr_expect_leq(spent[TURN_LOOK], 12000 * 100);
	cr_expect_geq(spent[TURN_EVENTS], 8000000, "%lld", (long long)spent[TURN_EVENTS]);
}
