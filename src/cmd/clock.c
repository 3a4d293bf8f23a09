#include "config.h"

#include "weir/cmd/clock.h"

#include <time.h>

#include "weir/base/util.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * SEC_US + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int
clock_utc_offset(int64_t wall_us)
{
	time_t sec = (time_t)(wall_us / SEC_US);
	struct tm tm;

	return localtime_r(&sec, &tm) ? (int)tm.tm_gmtoff : 0;
}

void
live_clock_init(struct live_clock *c, int64_t mono_us, int64_t wall_us)
{
	*c = (struct live_clock){ .offset_us = wall_us - mono_us, .checked_us = mono_us };
}

void
live_clock_steer(struct live_clock *c, int64_t mono_us, int64_t wall_us)
{
	int64_t passed = mono_us - c->checked_us;
	int64_t off = wall_us - live_clock_at(c, mono_us);

	if (passed < SEC_US / 4)
		return;
	c->checked_us = mono_us;
	if (off > -SEC_US && off < SEC_US)
		off = CLAMP(off, -passed / 20, passed / 20);
	c->offset_us += off;
}
