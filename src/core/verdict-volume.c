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

#define LEARNT_WINDOWS 6      /* before that nothing is expected */
#define SPREAD_FLOOR .1       /* of what is expected */
#define SILENT_MIN_S 5u       /* a shorter quiet is none */
#define MIN_EXPECTED 5.0      /* calls, below which nothing can be missed */
#define NEW_LEVEL_WINDOWS 60u /* held back so long: the new normal */

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

static void
change(struct verdict *v, struct edge *e, enum anomaly a, enum alarm_change c)
{
	if (c == ALARM_SAME)
		return;
	if (c == ALARM_OPENED)
		e->onset = a == ANOMALY_SILENT ? e->newest + 1 : v->sec - W;
	verdict_log(v, c == ALARM_OPENED ? VERDICT_OPENED : VERDICT_CLOSED, e, a, NULL);
}

/* Silent: so many calls were due since the last one that it is no chance. */
static void
watch_silence(struct verdict *v, struct edge *e, uint32_t upto)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	struct alarm *a = &e->alarm[ANOMALY_SILENT];
	uint32_t quiet = upto > e->newest ? upto - e->newest : 0;
	struct expected x;

	if (!quiet) {
		if (a->on) {
			*a = (struct alarm){ 0 };
			change(v, e, ANOMALY_SILENT, ALARM_CLOSED);
		} else if (e->quiet > e->quiet_most) {
			e->quiet_most = e->quiet;
		}
		e->quiet = 0;
		e->missed = 0;
		return;
	}
	e->quiet = quiet;
	x = expect(v, e, upto - 1, upto);
	if (x.known)
		e->missed += (float)x.calls;
	if (a->on || !x.known || (double)e->missed < l->silent_calls ||
		quiet < MAX(SILENT_MIN_S, e->quiet_most + e->quiet_most / 2 + 2))
		return;
	*a = (struct alarm){ .on = true, .since = v->sec };
	change(v, e, ANOMALY_SILENT, ALARM_OPENED);
}

void
edge_volume(struct verdict *v, struct edge *e)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	uint32_t upto = v->sec - v->lag;
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
	x = expect(v, e, upto - W, upto);
	if (!x.known)
		return;
	watch_silence(v, e, upto);
	calls = pace_sum(&e->pace, upto - W, upto);
	z = (calls - x.calls) / sqrt(MAX(x.calls, 1.0) + x.spread * x.spread);
	s->volume_usual = (float)x.calls;
	s->z_volume = (float)z;
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
	uint32_t upto = v->sec - v->lag;
	double calls, inflow;
	bool bad;

	/* One window each time, however often the edge is looked at. */
	if (v->incomplete || upto < e->volume_learnt + W ||
		(v->whole_since && upto < v->whole_since + W + 2))
		return;
	if (e->first + W > upto)
		return;
	e->volume_learnt = upto;
	calls = pace_sum(&e->pace, upto - W, upto);
	inflow = pace_sum(&v->node[e->src].inflow, upto - W, upto);
	bad = e->alarm[ANOMALY_SILENT].on || e->alarm[ANOMALY_SURGE].on ||
	      e->alarm[ANOMALY_DROP].on ||
	      (double)e->missed > v->o.anomaly.silent_calls / 2;
	bad |= e->own_rate.seen >= 24 &&
	       fabs((double)e->score.z_volume) >= v->o.anomaly.volume_z / 2;
	if (bad && ++e->volume_held <= NEW_LEVEL_WINDOWS)
		return;
	if (bad) {
		e->own_rate = e->ratio = (struct level){ 0 };
		e->quiet_most = e->quiet = 0;
		e->missed = 0;
		e->alarm[ANOMALY_SILENT] = e->alarm[ANOMALY_SURGE] =
			e->alarm[ANOMALY_DROP] = (struct alarm){ 0 };
		verdict_log(v, VERDICT_NEW_NORMAL, e, 0, NULL);
	}
	e->volume_held = 0;
	level_learn(&e->own_rate, calls);
	if (inflow > 0)
		level_learn(&e->ratio, calls / inflow);
}
