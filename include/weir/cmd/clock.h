/*
 * clock - the only place that asks what time it is.
 *
 * The steady clock paces everything. The wall clock is what event times are
 * compared with; live_clock gives one that follows the machine's but does not
 * twitch with it: a correction of less than a second is taken in over some seconds,
 * so that rates do not jerk. A greater one, forward or back, is followed at once:
 * events will carry the new time too, and the model knows what to do about it.
 */
#ifndef WEIR_CMD_CLOCK_H
#define WEIR_CMD_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);

/* Seconds that local time is ahead of UTC at @wall_us. */
int clock_utc_offset(int64_t wall_us);

struct live_clock {
	int64_t offset_us;  /* wall minus mono */
	int64_t checked_us; /* mono time of the last correction */
};

/* Time is an argument here too, so that the steering can be tested. */
void live_clock_init(struct live_clock *c, int64_t mono_us, int64_t wall_us);
void live_clock_steer(struct live_clock *c, int64_t mono_us, int64_t wall_us);

static inline int64_t
live_clock_at(const struct live_clock *c, int64_t mono_us)
{
	return mono_us + c->offset_us;
}

#endif
