#include "config.h"

#include "weir/cmd/turn.h"

enum turn_step
turn_next(const struct turn *t, int64_t now_us)
{
	bool may_look = now_us >= t->next_look_us;

	if (t->outdated || now_us >= t->next_tick_us)
		return TURN_LOOK;
	if (may_look && (t->changed || t->asked))
		return TURN_LOOK;
	if (t->asked)
		return TURN_SHOW;
	return t->more ? TURN_EVENTS : TURN_WAIT;
}

int64_t
turn_until_us(const struct turn *t, int64_t now_us)
{
	if (turn_next(t, now_us) != TURN_WAIT)
		return now_us;
	return t->changed ? t->next_look_us : t->next_tick_us;
}

void
turn_shown(struct turn *t)
{
	t->asked = false;
}

void
turn_looked(struct turn *t, int64_t now_us)
{
	t->changed = t->asked = t->outdated = false;
	t->next_look_us = now_us + TURN_FRAME_US;
	t->next_tick_us = now_us + TURN_TICK_US;
}
