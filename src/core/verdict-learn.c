/*
 * What of what is seen becomes normal?
 *
 * Every half minute (more often while an edge is young) the requests since the last time are
 * learnt, each once: the windows that are judged overlap, the spans that are learnt do
 * not. A span that looked unusual is held back. If the trouble is over within a minute
 * and raised no alarm, it was normal variability and is learnt then; with an alarm, a
 * quarter of it is, so that noise which alarms falsely soon stops to. What has been held
 * back for very long is what this edge is like now, and is taken as the new normal.
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define YOUNG_SPANS 24.0f
#define PENDING_S 60u /* a disturbance this short may be learnt when it is over */
#define ALARM_WEIGHT .25
#define RELEARN_MIN_S 600u  /* held back so long: ten minutes at the least, half an */
#define RELEARN_MAX_S 1800u /* hour at the most, between them four times the age */
#define COLD_S 60u          /* seconds that an edge slow in itself is held back */
#define COLD_FAILURES .01   /* more than this is not taken for normal at first sight */
#define CALLS_KEPT .999f
#define SETTLED_SPANS 6.0f
#define QUARANTINE_YOUNG_S 5u
#define QUARANTINE_S 10u
#define CUSUM_LIMIT 6.0 /* one false look in some hundred requests, more when busy */

void
level_learn(struct level *l, double x)
{
	double d = x - (double)l->mean, sd = sqrt((double)l->var), a;

	if (l->seen > 8 && sd > 0)
		d = CLAMP(d, -3 * sd, 3 * sd);
	a = MAX(1 / ((double)l->seen + 1), 1.0 / 64);
	l->mean += (float)(a * d);
	l->var = (float)((1 - a) * ((double)l->var + a * d * d));
	l->seen = MIN(l->seen + 1, 1e4f);
}

void
edge_tune(struct verdict *v, struct edge *e)
{
	double busy = MAX(1.0, (double)e->score.calls / MIN_CALLS);
	double p = baseline_errors_high(&e->base, errors_prior(v));

	e->cusum_limit = (float)(CUSUM_LIMIT + log(busy));
	cusum_tune(&e->cusum, p);
	for (uint32_t i = 0; i < e->streams; i++)
		e->stream[i].cusum.error_up = e->cusum.error_up,
		e->stream[i].cusum.error_down = e->cusum.error_down;
}

static void
drop_pending(struct edge *e)
{
	free(e->pending);
	e->pending = NULL;
	e->pending_s = 0;
}

static void
hold(struct edge *e, const struct recent_sum *sum, uint32_t seconds)
{
	e->held_s += seconds;
	if (e->held_s > PENDING_S) {
		drop_pending(e);
		return;
	}
	if (!e->pending) {
		e->pending = xmalloc(sizeof(*e->pending));
		recent_sum_init(e->pending);
	}
	recent_sum_add(e->pending, sum);
	e->pending_s += seconds;
}

/* Learn what was held back, now that it is over. */
static void
release(struct edge *e, bool alarmed)
{
	/* Of a young baseline even a quarter would be a large part. */
	double weight = !alarmed ? 1 : e->base.spans >= YOUNG_SPANS ? ALARM_WEIGHT : 0;

	if (e->pending && weight > 0)
		baseline_learn(&e->base, e->pending, e->pending_s, weight);
	drop_pending(e);
	e->held_s = 0;
}

/* Too long to be a disturbance: start anew from what is now. */
static void
start_anew(struct verdict *v, struct edge *e)
{
	drop_pending(e);
	e->held_s = 0;
	baseline_done(&e->base);
	for (uint32_t i = 0; i < e->streams; i++)
		baseline_done(&e->stream[i].base);
	for (unsigned a = 0; a < ASPECT_COUNT; a++)
		if (e->aspect[a])
			baseline_done(&e->aspect[a]->base);
	e->alarm[ANOMALY_LATENCY] = e->alarm[ANOMALY_ERRORS] = e->alarm[ANOMALY_QUEUE] =
		e->alarm[ANOMALY_RETRY] = (struct alarm){ 0 };
	verdict_log(v, VERDICT_NEW_NORMAL, e, 0, NULL);
}

/*
 * Before there is a baseline: slow or failing in itself. It is held back for a minute,
 * in which absolute limits judge it, lest weir opened amid an incident takes that for
 * normal at once.
 */
static bool
is_cold_bad(const struct verdict *v, const struct edge *e, const struct recent_sum *sum)
{
	if (baseline_warm(&e->base) || v->sec - e->first >= COLD_S ||
		e->first > v->began + W)
		return false;
	return recent_sum_quantile(sum, .95) >= (double)v->o.anomaly.cold_p95_us ||
	       anomaly_binomial(sum->failed, sum->calls, COLD_FAILURES, 0) >=
		       v->o.anomaly.z_learn;
}

/* The aspects learn along with the edge. */
static void
learn_aspects(struct verdict *v, struct edge *e, uint32_t after, uint32_t upto)
{
	for (unsigned a = 0; a < ASPECT_COUNT; a++) {
		struct stream *s = e->aspect[a];

		if (!s)
			continue;
		recent_sum_clear(&v->sum_one);
		recent_read(&s->recent, after, upto, &v->sum_one);
		baseline_learn(&s->base, &v->sum_one, upto - after, 1);
	}
}

/* Add the streams up in v->sum; @learn: each learns its part. */
static void
sum_streams(struct verdict *v, struct edge *e, uint32_t after, uint32_t upto, bool learn)
{
	recent_sum_clear(&v->sum);
	for (uint32_t i = 0; i < e->streams; i++) {
		struct stream *s = &e->stream[i];

		if (s->newest <= after)
			continue;
		if (!learn || e->streams == 1) {
			recent_read(&s->recent, after, upto, &v->sum);
			continue;
		}
		recent_sum_clear(&v->sum_one);
		recent_read(&s->recent, after, upto, &v->sum_one);
		baseline_learn(&s->base, &v->sum_one, upto - after, 1);
		recent_sum_add(&v->sum, &v->sum_one);
	}
}

/*
 * An edge slower than nearly all calls into its caller is one that nobody waits for,
 * whatever its kind says.
 */
static void
learn_async(struct verdict *v, struct edge *e)
{
	const struct score *s = &e->score, *best = NULL;
	double calls = 0, beyond;
	unsigned seen = 0;

	if (knows_async(e) || s->timed < MIN_CALLS)
		return;
	for (uint32_t i = v->node[e->src].first_in; i != NONE && seen < 64;
		i = v->edge[i]->in_next, seen++) {
		const struct score *in = &v->edge[i]->score;

		calls += (double)in->calls * v->edge[i]->unit;
		if (!best || in->calls > best->calls)
			best = in;
	}
	if (!best || best->timed < MIN_CALLS || best->p99_us <= 0)
		return;
	beyond = recent_sum_above(&v->sum, recent_bucket((int64_t)best->p99_us)) /
		 MAX(v->sum.timed, 1);
	e->async_seen++;
	if (recent_sum_quantile(&v->sum, .5) > (double)best->p99_us &&
		(double)s->calls * e->unit / calls * beyond > .015)
		e->async_hit++;
	if (e->async_seen > 400) {
		e->async_seen /= 2;
		e->async_hit /= 2;
	}
}

/* Is there reason not to take what was seen since the last time for normal? */
static bool
is_doubtful(const struct verdict *v, const struct edge *e)
{
	const struct anomaly_limits *l = &v->o.anomaly;

	/* Where others are in trouble, less is needed to suspect this one. */
	return e->alarmed || (double)e->z_max >= (v->unrest ? l->z_claim : l->z_learn);
}

/*
 * Called right after edge_score(). Leaves out the newest seconds until it is known what
 * came of them: the evidence of a trouble is weak when it begins.
 */
void
edge_learn(struct verdict *v, struct edge *e)
{
	uint32_t upto = edge_upto(v, e);
	uint32_t before = upto - (e->base.spans < SETTLED_SPANS ? QUARANTINE_YOUNG_S
								: QUARANTINE_S);
	uint32_t after = MAX(e->learnt, upto - MIN(upto, RING * 7 / 8));
	bool alarmed = e->alarmed, bad = is_doubtful(v, e) || e->doubted, plain;

	learn_async(v, e);
	e->doubted = is_doubtful(v, e);
	e->z_max = 0;
	e->alarmed = false;
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		e->alarmed |= e->alarm[a].on && a != ANOMALY_SURGE && a != ANOMALY_DROP &&
			      a != ANOMALY_NEW;
	if (before <= after)
		return;
	e->learnt = before;
	/* What is normal beyond doubt is read once, and learnt while it is at hand. */
	plain = !bad && !e->held_s && baseline_warm(&e->base);
	sum_streams(v, e, after, before, plain);
	if (v->sum.calls <= 0)
		return;
	/* After the first minute what is seen is what is normal. */
	bad |= is_cold_bad(v, e, &v->sum);
	/* Odd for a while without an alarm: a young baseline has just not seen it yet. */
	if (bad && !alarmed && !e->was_alarmed && e->base.spans < YOUNG_SPANS &&
		e->held_s >= PENDING_S / 2)
		bad = false;
	if (bad) {
		e->was_alarmed |= alarmed;
		hold(e, &v->sum, before - after);
		if (e->held_s <= CLAMP((uint32_t)(4 * W * e->base.spans), RELEARN_MIN_S,
					 RELEARN_MAX_S))
			return;
		start_anew(v, e);
	} else if (e->held_s) {
		release(e, e->was_alarmed);
	}
	e->was_alarmed = false;
	baseline_learn(&e->base, &v->sum, before - after, 1);
	v->calls = v->calls * CALLS_KEPT + (float)v->sum.calls;
	v->failed = v->failed * CALLS_KEPT + (float)v->sum.failed;
	learn_aspects(v, e, after, before);
	edge_tune(v, e);
	if (!plain)
		sum_streams(v, e, after, before, true);
}
