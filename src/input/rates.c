#include "config.h"

#include "rates.h"

#include <math.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define ROWS 8192u /* a power of two */
#define PROBES 16u

struct row {
	uint64_t series;
	int64_t start_us, at_us; /* at_us 0: free */
	double count, sum;
};

struct rates {
	struct row row[ROWS];
};

struct rates *
rates_new(void)
{
	return xcalloc(1, sizeof(struct rates));
}

void
rates_free(struct rates *r)
{
	free(r);
}

/* The row of @series, or the one it may have. */
static struct row *
find(struct rates *r, uint64_t series)
{
	struct row *oldest = NULL;

	for (uint32_t i = 0; i < PROBES; i++) {
		struct row *row = &r->row[(series + i) & (ROWS - 1)];

		if (row->at_us != 0 && row->series == series)
			return row;
		if (!oldest || row->at_us < oldest->at_us)
			oldest = row;
	}
	return oldest;
}

static bool
is_step(const struct rates_step *s)
{
	return isfinite(s->count) && isfinite(s->sum) && s->count >= 0 &&
	       s->seconds > 0 && s->seconds < 1e9;
}

bool
rates_take(struct rates *r, const struct rates_look *look, struct rates_step *ret_step)
{
	struct rates_step s = { look->count, look->sum,
		(double)(look->at_us - look->start_us) / (double)SEC_US };
	struct row *row, old;

	if (look->at_us <= 0 || !isfinite(look->count) || look->count < 0)
		return false;
	if (look->delta) {
		if (look->start_us <= 0 || !is_step(&s))
			return false;
		*ret_step = s;
		return true;
	}
	row = find(r, look->series);
	old = *row;
	if (old.at_us != 0 && old.series == look->series && look->at_us <= old.at_us)
		return false; /* the same look again, or one that is late */
	*row = (struct row){ look->series, look->start_us, look->at_us, look->count,
		look->sum };
	if (old.at_us == 0 || old.series != look->series)
		return false;
	if (look->start_us != old.start_us && look->start_us > old.at_us - SEC_US) {
		/* Begun anew: all there is has happened since. */
	} else if (look->count >= old.count) {
		s.count -= old.count;
		s.sum -= old.sum;
		s.seconds = (double)(look->at_us - old.at_us) / (double)SEC_US;
	} else {
		s.seconds = (double)(look->at_us - old.at_us) / (double)SEC_US;
	}
	if (!is_step(&s))
		return false;
	*ret_step = s;
	return true;
}
