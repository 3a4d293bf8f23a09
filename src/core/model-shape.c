/*
 * The latencies of the one edge that somebody looks at closely. The window's sums give
 * the distribution; for its seconds the log is read, and as that costs what all edges
 * together did in them, only the seconds that may have changed are.
 */
#include "config.h"

#include <string.h>

#include "model-priv.h"
#include "weir/base/util.h"

/* Events come later than they happened: so many closed seconds are read again. */
#define OPEN_TICKS 5

struct reader {
	struct shape *shape;
	uint8_t bin[HIST_BUCKETS]; /* of each bucket */
};

static void
fill_bins(uint8_t bin[HIST_BUCKETS])
{
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		bin[b] = (uint8_t)shape_bin(hist_value(b));
}

static const struct tally *
tally_of(const struct model *m, uint32_t key)
{
	for (uint32_t i = 0; i < m->edges.count; i++) {
		const struct edge *e = edge_at(m, i);

		if (e->live && e->key == key)
			return model_richest(m, e);
	}
	return NULL;
}

static void
take(void *arg, int64_t tick, unsigned bucket, uint32_t count)
{
	struct reader *r = arg;
	int64_t at = tick - r->shape->newest_tick + SHAPE_SECONDS - 1;

	if (at >= 0 && at < SHAPE_SECONDS)
		r->shape->second[at][r->bin[bucket] / SHAPE_COARSE] += count;
}

/* Move the seconds to the left until @newest is the last; returns the first to read. */
static int64_t
make_room(struct shape *s, int64_t newest, bool same)
{
	int64_t steps = newest - s->newest_tick, from = newest - SHAPE_SECONDS + 1;

	if (!same || steps < 0 || steps >= SHAPE_SECONDS) {
		s->newest_tick = newest;
		return from;
	}
	memmove(s->second, s->second[steps],
		sizeof(s->second[0]) * (size_t)(SHAPE_SECONDS - steps));
	from = MAX(from, steps ? s->newest_tick - OPEN_TICKS : newest);
	s->newest_tick = newest;
	return from;
}

static void
fill_seconds(const struct model *m, struct reader *r, bool same)
{
	struct shape *s = r->shape;
	int64_t newest = m->now_us / SEC_US, from = make_room(s, newest, same);

	memset(s->second[from - newest + SHAPE_SECONDS - 1], 0,
		sizeof(s->second[0]) * (size_t)(newest - from + 1));
	window_visit(m->window, s->series, from, newest + 1, take, r);
	s->known_seconds =
		(unsigned)CLAMP(newest - m->since_us / SEC_US + 1, 0, SHAPE_SECONDS);
}

void
model_shape(const struct model *m, struct shape *s)
{
	const struct tally *t = s->wanted ? tally_of(m, s->key) : NULL;
	struct reader r = { .shape = s };
	const struct hist *h;
	bool same;

	if (!t) {
		s->filled = false;
		return;
	}
	same = shape_is_of(s, s->key) && s->series == t->series;
	s->filled = true;
	s->filled_key = s->key;
	s->series = t->series;
	fill_bins(r.bin);
	memset(s->count, 0, sizeof(s->count));
	h = window_hist(m->window, t->series);
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		s->count[r.bin[b]] += hist_count(h, b);
	fill_seconds(m, &r, same);
}
