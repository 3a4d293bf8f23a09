/*
 * Calls made, missing and too many.
 *
 * The calls of an edge follow the calls into its caller. What is learnt is their ratio;
 * only what the caller's own traffic does not explain is an anomaly. Edges of callers
 * that nobody calls are held against their own past, and raise events but no verdict.
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>

#include "weir/base/util.h"

#define LEARNT_WINDOWS 6 /* before that nothing is expected */
#define SPREAD_FLOOR .1  /* of what is expected */
#define SILENT_MIN_S 5u  /* a shorter quiet is none */
#define MIN_EXPECTED 5.0 /* calls, below which nothing can be missed */
#define NEW_LEVEL_S 600u /* held back so long: the new normal */
#define CLUMP_PRIOR 20.0 /* calls, during which they are taken to come one by one */
#define CLUMP_KEPT .98f

struct expected {
	bool known;
	double calls, spread;
};

static struct expected
expect(const struct verdict *v, const struct edge *e, uint32_t after, uint32_t upto)
{
	const struct node *src = &v->node[e->src];
	struct expected x = { 0 };
	double inflow;

	if (src->first_in != NONE && e->ratio.seen >= LEARNT_WINDOWS) {
		inflow = pace_sum(&src->inflow, after, upto);
		x.known = true;
		x.calls = (double)e->ratio.mean * inflow;
		x.spread = sqrt((double)e->ratio.var) * inflow;
	} else if (src->first_in == NONE && e->own_rate.seen >= LEARNT_WINDOWS) {
		double share = (double)(upto - after) / W;

		x.known = true;
		x.calls = (double)e->own_rate.mean * share;
		x.spread = sqrt((double)e->own_rate.var) * share;
	}
	x.spread = MAX(x.spread, SPREAD_FLOOR * x.calls);
	return x;
}

/*
 * How many calls come together, as a rule: a request that makes three calls, or stands for
 * ten. That many are one chance to hear of the edge. (The index of dispersion, which is 1
 * of calls that come at random one by one.)
 */
static double
clump(const struct edge *e)
{
	double unit = MAX(e->unit, 1);

	return MAX(unit, (CLUMP_PRIOR * unit + (double)e->strayed) /
				 (CLUMP_PRIOR + (double)e->expected));
}

static void
learn_clump(struct edge *e, double calls, double expected)
{
	double stray = fabs(calls - expected);

	stray = MIN(stray, 5 * sqrt(expected * clump(e)) + MAX(e->unit, 1));
	e->strayed = e->strayed * CLUMP_KEPT + (float)(stray * stray);
	e->expected = e->expected * CLUMP_KEPT + (float)expected;
}

static void
change(struct verdict *v, struct edge *e, enum anomaly a, enum alarm_change c)
{
	if (c == ALARM_SAME)
		return;
	if (c == ALARM_OPENED)
		e->onset = a == ANOMALY_SILENT ? edge_newest(v, e) + 1 : v->sec - W;
	verdict_log(v, c == ALARM_OPENED ? VERDICT_OPENED : VERDICT_CLOSED, e, a, NULL);
}

/* A quiet shorter than this has been seen before. */
static uint32_t
shortest_silence(const struct edge *e)
{
	return MAX(SILENT_MIN_S, e->quiet_most + e->quiet_most / 2 + 2);
}

/* Silent: so many calls were due since the last one that it is no chance. */
static void
watch_silence(struct verdict *v, struct edge *e, uint32_t upto)
{
	struct alarm *a = &e->alarm[ANOMALY_SILENT];
	uint32_t newest = edge_newest(v, e);
	uint32_t quiet = upto > newest ? upto - newest : 0;
	struct expected x;

	e->missed = 0;
	if (!quiet) {
		if (a->on) {
			*a = (struct alarm){ 0 };
			change(v, e, ANOMALY_SILENT, ALARM_CLOSED);
		}
		return;
	}
	x = expect(v, e, upto - MIN(quiet, RING - MAX_LAG), upto);
	if (!x.known)
		return;
	e->missed = (float)(x.calls / clump(e));
	if (a->on || (double)e->missed < v->o.anomaly.silent_calls ||
		quiet < shortest_silence(e))
		return;
	*a = (struct alarm){ .on = true, .since = v->sec };
	change(v, e, ANOMALY_SILENT, ALARM_OPENED);
}

/* After what silence to look at the edge: not before it could be an alarm. */
static uint32_t
silence_worth_a_look(const struct verdict *v, const struct edge *e)
{
	double rate = (double)e->score.volume_usual / W;

	if (rate <= 0)
		return NONE / 2;
	return v->sec - edge_counted(v, e) +
	       MAX(shortest_silence(e),
		       (uint32_t)MIN(v->o.anomaly.silent_calls * clump(e) / rate, 1e6));
}

void
edge_volume(struct verdict *v, struct edge *e)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	uint32_t upto = edge_counted(v, e);
	struct score *s = &e->score;
	struct expected x;
	double calls, z, scale = l->z_open / l->volume_z;
	bool hole = v->incomplete || (v->whole_since && upto < v->whole_since + W + 2);

	s->volume_usual = s->z_volume = 0;
	if (!e->own_rate.seen && !e->ratio.seen)
		return;
	if (hole) {
		e->missed = 0;
		e->quiet = 0;
		return;
	}
	v->pulse[e->index].quiet = NONE / 2;
	x = expect(v, e, upto - W, upto);
	if (!x.known)
		return;
	watch_silence(v, e, upto);
	calls = pace_sum(&e->pace, upto - W, upto);
	z = (calls - x.calls) / sqrt(MAX(x.calls, 1.0) * clump(e) + x.spread * x.spread);
	s->volume_usual = (float)x.calls;
	s->z_volume = (float)z;
	v->pulse[e->index].quiet = silence_worth_a_look(v, e);
	if (fabs(z) >= l->volume_z || e->missed > 0)
		e->hot_until = MAX(e->hot_until, v->sec + 2);
	if (!e->alarm[ANOMALY_SURGE].on && !e->alarm[ANOMALY_DROP].on &&
		fabs(z) < l->volume_z) {
		e->alarm[ANOMALY_SURGE].high = e->alarm[ANOMALY_DROP].high = 0;
		return;
	}
	change(v, e, ANOMALY_SURGE,
		alarm_step(&e->alarm[ANOMALY_SURGE], l, v->sec, W, z * scale, l->z_fast,
			calls >= l->surge * x.calls && calls >= MIN_EXPECTED &&
				x.calls >= 1));
	change(v, e, ANOMALY_DROP,
		alarm_step(&e->alarm[ANOMALY_DROP], l, v->sec, W, -z * scale, l->z_fast,
			calls <= l->drop * x.calls && x.calls >= MIN_EXPECTED));
}

void
edge_learn_volume(struct verdict *v, struct edge *e)
{
	uint32_t upto = edge_counted(v, e);
	double calls, inflow;
	struct expected x;
	bool bad;

	/* One window each time, however often the edge is looked at. */
	if (v->incomplete || upto < e->volume_learnt + W || e->first + W > upto ||
		(v->whole_since && upto < v->whole_since + W + 2))
		return;
	calls = pace_sum(&e->pace, upto - W, upto);
	inflow = pace_sum(&v->node[e->src].inflow, upto - W, upto);
	bad = e->alarm[ANOMALY_SILENT].on || e->alarm[ANOMALY_SURGE].on ||
	      e->alarm[ANOMALY_DROP].on ||
	      (double)e->missed > v->o.anomaly.silent_calls / 2;
	bad |= e->own_rate.seen >= 24 &&
	       fabs((double)e->score.z_volume) >= v->o.anomaly.volume_z / 2;
	if (bad) {
		e->volume_held_s += e->volume_learnt ? upto - e->volume_learnt : W;
		e->volume_learnt = upto;
		e->quiet = 0;
		if (e->volume_held_s <= NEW_LEVEL_S)
			return;
		e->own_rate = e->ratio = (struct level){ 0 };
		e->quiet_most = 0;
		e->missed = 0;
		e->alarm[ANOMALY_SILENT] = e->alarm[ANOMALY_SURGE] =
			e->alarm[ANOMALY_DROP] = (struct alarm){ 0 };
		verdict_log(v, VERDICT_NEW_NORMAL, e, 0, NULL);
	}
	e->volume_learnt = upto;
	e->volume_held_s = 0;
	e->quiet_most = MAX(e->quiet_most - e->quiet_most / 256, e->quiet);
	e->quiet = 0;
	x = expect(v, e, upto - W, upto);
	if (x.known)
		learn_clump(e, calls, x.calls);
	level_learn(&e->own_rate, calls);
	if (inflow > 0)
		level_learn(&e->ratio, calls / inflow);
}
