/*
 * How unusual is an edge now?
 *
 * Each request is held against the baseline of its own operation, and the edge against
 * the sum of that: more calls of a slow operation make no edge anomalous. An operation
 * is also judged alone, because BEGIN and COMMIT hide an UPDATE that waits for a lock;
 * having tried several, the best of them must be better (Bonferroni, as z^2 - 2 ln m).
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>

#include "weir/base/util.h"

#define LONG_S 30u /* failures are also added up over this */
#define ERRORS_WARM 20.0f
#define COLD_S 60u /* absolute limits judge an edge for so long, and while it is cold */

int64_t
cold_limit_us(const struct verdict *v, const struct edge *e)
{
	return e->tolerance.p99_us > 0 ? e->tolerance.p99_us : v->o.anomaly.cold_p95_us;
}

static double
cold_limit_errors(const struct verdict *v, const struct edge *e)
{
	return MAX(v->o.anomaly.cold_errors, e->tolerance.error_ratio);
}

static double
strongest(const double z[LEVEL_COUNT + 1])
{
	double best = 0;

	for (unsigned i = 0; i <= LEVEL_COUNT; i++)
		best = MAX(best, z[i]);
	return best;
}

/* What has been added up of the streams looked at. */
struct tally {
	struct latency_counts counts;
	double usual_us, seen_us; /* sums over requests */
};

static const struct baseline *
stream_base(const struct edge *e, const struct stream *s)
{
	return e->streams > 1 && baseline_warm(&s->base) ? &s->base : &e->base;
}

/* The window to be judged: W seconds, or more where calls are rare. */
static void
find_window(const struct verdict *v, struct edge *e, uint32_t *after, uint32_t *upto)
{
	double usual = (double)MAX(e->own_rate.mean, e->busiest);
	uint32_t n, longest = CARRY_S, enough = MIN_CALLS * MAX(e->unit, 1);

	/* No longer than it should take, or an edge that fell silent never calms down. */
	if (usual > 0)
		longest = (uint32_t)CLAMP(W * enough / usual * 1.5, W, CARRY_S);
	*upto = edge_upto(v, e);
	*after = *upto - W;
	n = pace_sum(&e->pace, *after, *upto);
	e->busiest = MAX(e->busiest * .999f, (float)n);
	for (; n < enough && *upto - *after < longest; (*after)--)
		n += pace_sum(&e->pace, *after - 1, *after);
}

static void
tally_add(struct tally *t, const struct baseline *b, const struct recent_sum *sum)
{
	latency_count(&t->counts, sum, b);
	t->usual_us += sum->timed * (double)b->mean_us;
	t->seen_us += sum->timed * recent_sum_mean(sum);
}

/* What is judged: counts by whatever levels, and one of the tests. */
struct trial {
	const struct anomaly_limits *l;
	const struct tally *t;
	const struct recent_sum *sum;
	const struct baseline *base; /* that @sum as a whole is held against */
	double z[LEVEL_COUNT + 1];
	int64_t tolerance_us, excess_us;
	bool mixed; /* several operations: the median of all says little */
	bool on;    /* an alarm that is on needs less to stay on */
};

/* By how much has that grown which the test is about? */
static double
growth(const struct trial *x, unsigned level)
{
	const struct recent_sum *sum = x->sum;
	const struct baseline *b = x->base;

	if (level == LEVEL_P50 && x->mixed)
		return x->t->seen_us / MAX(x->t->usual_us, 1);
	if (level == LEVEL_P50)
		return recent_sum_quantile(sum, .50) / MAX((double)b->p50_us, 1);
	if (level == LEVEL_P95)
		return recent_sum_quantile(sum, .95) / MAX((double)b->p95_us, 1);
	return recent_sum_quantile(sum, .99) / MAX((double)b->p99_us, 1);
}

/*
 * The strongest of the tests whose subject has also grown enough to matter: with many
 * requests the smallest change is certain, and of no interest. 0 when there is none.
 */
static double
matters(const struct trial *x, unsigned *ret_level)
{
	const struct anomaly_limits *l = x->l;
	double least[LEVEL_COUNT + 1] = { l->p50_growth, l->p95_growth, l->p99_growth,
		l->p99_growth };
	double best = 0, excess = x->t->seen_us - x->t->usual_us;

	if (excess < x->t->counts.n * (double)x->excess_us * (x->on ? .5 : 1))
		return 0;
	if (x->tolerance_us > 0 &&
		recent_sum_quantile(x->sum, .99) <= (double)x->tolerance_us)
		return 0;
	for (unsigned i = 0; i <= LEVEL_COUNT; i++) {
		double g = x->on ? 1 + (least[i] - 1) / 2 : least[i];

		if (x->z[i] <= best || x->z[i] < (x->on ? l->z_close : l->z_open) ||
			growth(x, i) < g)
			continue;
		best = x->z[i];
		*ret_level = i;
	}
	return best;
}

/* Does the evidence last for more than a moment? Shown by @n streams, of @e or alone. */
static bool
lasts(const struct trial *x, const struct score *score, const struct edge *e,
	const struct stream *s, uint32_t n, unsigned level)
{
	const struct latency_counts *c = &x->t->counts;
	struct recent_spread spread = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		const struct baseline *b = e ? stream_base(e, &s[i]) : &s[i].base;

		recent_spread_slow(&s[i].recent, score->after, score->upto,
			level < LEVEL_COUNT ? b->above[level] : b->far, &spread);
	}
	return anomaly_lasting(&spread,
		       level < LEVEL_COUNT ? c->share[level] : c->far_share,
		       c->rho[level < LEVEL_COUNT ? level : LEVEL_P95]) >= x->l->z_close;
}

/* One operation by itself, counted in @t; keeps the one that lost most. */
static void
score_stream(struct verdict *v, struct edge *e, uint32_t i, const struct recent_sum *sum,
	const struct tally *t, double *best)
{
	const struct stream *s = &e->stream[i];
	struct score *score = &e->score;
	struct trial x = { .l = &v->o.anomaly,
		.t = t,
		.sum = sum,
		.base = &s->base,
		.tolerance_us = e->tolerance.p99_us,
		.excess_us = v->o.anomaly.excess_us,
		.on = e->alarm[ANOMALY_LATENCY].on };
	unsigned level = 0;
	double z, lost;

	latency_z(&t->counts, x.z);
	for (unsigned k = 0; k <= LEVEL_COUNT; k++)
		if (x.z[k] > 0)
			x.z[k] = sqrt(
				MAX(0.0, x.z[k] * x.z[k] - 2 * log((double)e->streams)));
	z = strongest(x.z);
	if (z <= x.l->z_claim)
		return;
	score->z = MAX(score->z, (float)z);
	lost = anomaly_gate(x.l, z) * (t->seen_us - t->usual_us);
	if (lost > *best) {
		*best = lost;
		score->op = i;
	}
	z = matters(&x, &level);
	if (z > (double)score->z_slow && (x.on || lasts(&x, score, NULL, s, 1, level)))
		score->z_slow = (float)z;
}

static void
score_errors(struct verdict *v, struct edge *e, const struct recent_sum *sum)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	struct score *s = &e->score;
	double prior = errors_prior(v), usual, high, rho, ratio, most = sum->failed;
	uint32_t long_after = s->upto - MAX(LONG_S, s->upto - s->after);
	struct recent_spread spread = { 0 };
	bool warm;

	/* A ratio takes less learning than a distribution of latencies. */
	warm = e->base.calls >= ERRORS_WARM;
	usual = warm ? baseline_errors(&e->base, prior) : 0;
	high = warm ? MAX(baseline_errors_high(&e->base, prior), e->tolerance.error_ratio)
		    : cold_limit_errors(v, e);
	rho = baseline_errors_rho(&e->base);
	s->errors_usual = (float)(usual * sum->calls);
	s->z_errors = 0;
	s->errors_big = false;
	if (sum->failed <= 0)
		return;
	s->z_errors = (float)errors_z(sum->failed, sum->calls, high, rho);
	if ((double)s->z_errors < l->z_fast) {
		recent_sum_clear(&v->sum_one);
		for (uint32_t i = 0; i < e->streams; i++)
			recent_read(
				&e->stream[i].recent, long_after, s->upto, &v->sum_one);
		most = v->sum_one.failed;
		s->z_errors = (float)MAX(
			(double)s->z_errors, errors_z(most, v->sum_one.calls, high, rho));
	} else {
		long_after = s->after;
	}
	ratio = sum->failed / sum->calls;
	s->errors_big = (double)s->z_errors >= l->z_open && most >= l->min_errors &&
			ratio >= MAX(l->errors_ratio * usual, usual + .005);
	if (!s->errors_big)
		return;
	for (uint32_t i = 0; i < e->streams; i++)
		recent_spread_failed(&e->stream[i].recent, long_after, s->upto, &spread);
	s->errors_big = anomaly_lasting(&spread, high, rho) >= l->z_close;
}

static void
look(struct baseline *b, const struct recent_sum *sum)
{
	double above[LEVEL_COUNT] = { 0 }, far;

	if (b->len)
		baseline_count(b, sum, above, &far);
	baseline_look(b, sum, above);
}

/* Read an aspect over the window; false when it is not known well enough. */
static bool
read_aspect(struct verdict *v, const struct edge *e, enum aspect a)
{
	const struct stream *s = e->aspect[a];

	if (!s || !baseline_warm(&s->base))
		return false;
	recent_sum_clear(&v->sum_one);
	recent_read(&s->recent, e->score.after, e->score.upto, &v->sum_one);
	if (e->due)
		look(&e->aspect[a]->base, &v->sum_one);
	return v->sum_one.timed > 0;
}

/*
 * What comes later than the calls may tell of the time before something went wrong: a
 * quarter of it has to be of the window's second half.
 */
static bool
knows_newest(struct verdict *v, const struct edge *e, enum aspect a)
{
	const struct stream *s = e->aspect[a];
	uint32_t middle = e->score.after + (e->score.upto - e->score.after) / 2;
	double newest;

	if (!s)
		return false;
	recent_sum_clear(&v->sum_one);
	recent_read(&s->recent, middle, e->score.upto, &v->sum_one);
	newest = (double)v->sum_one.timed;
	recent_sum_clear(&v->sum_one);
	recent_read(&s->recent, e->score.after, e->score.upto, &v->sum_one);
	return newest > 0 && newest * 4 >= (double)v->sum_one.timed;
}

/* Between producer and consumer; v->sum_one holds it. */
static void
score_wait(struct verdict *v, struct edge *e)
{
	const struct stream *w = e->aspect[ASPECT_WAIT];
	struct score *s = &e->score;
	struct tally t = { 0 };
	struct trial x = { .l = &v->o.anomaly,
		.t = &t,
		.sum = &v->sum_one,
		.base = &w->base,
		.excess_us = v->o.anomaly.wait_us,
		.on = e->alarm[ANOMALY_QUEUE].on };
	unsigned level = 0;
	double z;

	tally_add(&t, &w->base, &v->sum_one);
	latency_z(&t.counts, x.z);
	s->z_wait = (float)strongest(x.z);
	s->wait_us = (float)((t.seen_us - t.usual_us) / t.counts.n);
	z = matters(&x, &level);
	if (z > 0 && (x.on || lasts(&x, s, NULL, w, 1, level)))
		s->z_waiting = (float)z;
}

static void
score_aspects(struct verdict *v, struct edge *e)
{
	struct score *s = &e->score;
	struct tally t = { 0 };
	double server, z[LEVEL_COUNT + 1];

	s->z_wait = s->z_waiting = s->wait_us = s->z_self = s->link = 0;
	s->self_us = -1;
	if (read_aspect(v, e, ASPECT_WAIT))
		score_wait(v, e);
	if ((double)s->z < v->o.anomaly.z_claim)
		return;
	if (knows_newest(v, e, ASPECT_SELF) && read_aspect(v, e, ASPECT_SELF)) {
		const struct stream *self = e->aspect[ASPECT_SELF];

		tally_add(&t, &self->base, &v->sum_one);
		latency_z(&t.counts, z);
		s->z_self = (float)strongest(z);
		s->self_us = (float)MAX(0, (t.seen_us - t.usual_us) / t.counts.n);
	}
	if (s->excess_us > 0 && read_aspect(v, e, ASPECT_SERVER)) {
		server = recent_sum_mean(&v->sum_one) -
			 (double)e->aspect[ASPECT_SERVER]->base.mean_us;
		s->link = (float)CLAMP(1 - MAX(server, 0) / (double)s->excess_us, 0, 1);
	}
	if (read_aspect(v, e, ASPECT_BLOCKED))
		s->excess_us = (float)(recent_sum_mean(&v->sum_one) -
				       (double)e->aspect[ASPECT_BLOCKED]->base.mean_us);
}

/* Go on looking while there is something to see; else let the sums start again. */
static void
settle_down(struct verdict *v, struct edge *e)
{
	const struct score *s = &e->score;
	double z = (double)MAX(s->z, MAX(s->z_errors, s->z_wait));

	if (z >= v->o.anomaly.z_close)
		e->hot_until = MAX(e->hot_until, v->sec + 2);
	if (z >= v->o.anomaly.z_claim || e->hot_until < v->sec)
		return;
	e->hot_until = v->sec;
	cusum_reset(&e->cusum);
	for (uint32_t i = 0; i < e->streams; i++)
		cusum_reset(&e->stream[i].cusum);
}

void
edge_score(struct verdict *v, struct edge *e)
{
	struct score *s = &e->score;
	struct recent_sum *all = &v->sum;
	struct tally t = { 0 };
	struct trial x = { .l = &v->o.anomaly,
		.t = &t,
		.sum = all,
		.base = &e->base,
		.tolerance_us = e->tolerance.p99_us,
		.excess_us = v->o.anomaly.excess_us,
		.mixed = e->streams > 1,
		.on = e->alarm[ANOMALY_LATENCY].on };
	double best = 0, z;
	unsigned level = 0;

	if (e->scored == v->sec)
		return;
	e->scored = v->sec;
	find_window(v, e, &s->after, &s->upto);
	s->warm = baseline_warm(&e->base);
	s->op = NONE;
	s->z = s->z_slow = s->excess_us = 0;
	recent_sum_clear(all);
	for (uint32_t i = 0; i < e->streams; i++) {
		struct stream *stream = &e->stream[i];
		struct recent_sum *one = e->streams > 1 ? &v->sum_one : all;
		bool counted = false;

		if (stream->newest <= s->after)
			continue;
		recent_sum_clear(one);
		recent_read(&stream->recent, s->after, s->upto, one);
		if (s->warm) {
			const struct baseline *b = stream_base(e, stream);
			struct tally mine = { 0 };

			tally_add(&mine, b, one);
			if (b == &stream->base && one->timed > 0)
				score_stream(v, e, i, one, &mine, &best);
			if (e->due && b == &stream->base) {
				baseline_look(&stream->base, one, mine.counts.above);
				counted = true;
			}
			latency_add(&t.counts, &mine.counts);
			t.usual_us += mine.usual_us;
			t.seen_us += mine.seen_us;
		}
		if (e->streams > 1) {
			recent_sum_add(all, one);
			if (e->due && !counted)
				look(&stream->base, one);
		}
	}
	s->calls = (float)all->calls;
	s->failed = (float)all->failed;
	s->timed = (float)all->timed;
	/* Asked of cold edges only, and of those whose kind leaves open what they are. */
	if (!s->warm || (e->due && !knows_async(e))) {
		s->p95_us = (float)recent_sum_quantile(all, .95);
		s->p99_us = (float)recent_sum_quantile(all, .99);
	}
	s->mean_us =
		(float)(t.counts.n > 0 ? t.seen_us / t.counts.n : recent_sum_mean(all));
	if (s->warm && t.counts.n > 0) {
		latency_z(&t.counts, x.z);
		s->z = MAX(s->z, (float)strongest(x.z));
		s->excess_us = (float)(MAX(t.seen_us - t.usual_us, best) / t.counts.n);
		s->usual_mean_us = (float)(t.usual_us / t.counts.n);
		z = matters(&x, &level);
		if (z > (double)s->z_slow &&
			(x.on || lasts(&x, s, e, e->stream, e->streams, level)))
			s->z_slow = (float)z;
		e->z_max = MAX(e->z_max, (float)latency_doubt(&t.counts));
		if (best <= .5 * (t.seen_us - t.usual_us))
			s->op = NONE;
	}
	if (e->due)
		look(&e->base, all);
	score_aspects(v, e);
	score_errors(v, e, all);
	e->z_max = MAX(e->z_max, MAX(s->z, MAX(s->z_errors, s->z_wait)));
	settle_down(v, e);
}

/* ---------------------------------------------------------------- alarms */

static void
step(struct verdict *v, struct edge *e, enum anomaly a, double z, bool big)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	double fast = a == ANOMALY_ERRORS ? l->z_fast_errors : l->z_fast;

	switch (alarm_step(&e->alarm[a], l, v->sec, W, z, fast, big)) {
	case ALARM_OPENED: {
		uint32_t earliest = v->sec - CARRY_S;
		bool first = true;

		for (unsigned i = 0; i < ANOMALY_COUNT; i++)
			first &= i == a || !e->alarm[i].on;
		/* The change-point estimate, where it is of this change. */
		if (first)
			e->onset = e->cusum.since > earliest && a != ANOMALY_QUEUE
					   ? e->cusum.since
					   : e->score.after + 1;
		e->alarmed = true;
		verdict_log(v, VERDICT_OPENED, e, a, NULL);
		break;
	}
	case ALARM_CLOSED:
		verdict_log(v, VERDICT_CLOSED, e, a, NULL);
		break;
	case ALARM_SAME:
		break;
	}
}

/* Slow in itself, while nothing is known of its normal and weir has just begun. */
static bool
is_cold_slow(const struct verdict *v, const struct edge *e)
{
	const struct score *s = &e->score;

	return !s->warm && e->first <= v->began + W && v->sec - e->first <= COLD_S &&
	       s->timed >= MIN_CALLS && s->p95_us >= (float)cold_limit_us(v, e);
}

/* New until its normal is known; an event, no anomaly. */
static void
watch_new(struct verdict *v, struct edge *e)
{
	struct alarm *a = &e->alarm[ANOMALY_NEW];
	bool is_new = edge_is_new(v, e);

	if (is_new == a->on)
		return;
	*a = (struct alarm){ .on = is_new, .since = v->sec };
	verdict_log(v, is_new ? VERDICT_OPENED : VERDICT_CLOSED, e, ANOMALY_NEW, NULL);
}

void
edge_alarms(struct verdict *v, struct edge *e)
{
	const struct score *s = &e->score;
	const struct anomaly_limits *l = &v->o.anomaly;
	bool fresh = e->scored == v->sec;

	if (fresh) {
		step(v, e, ANOMALY_LATENCY, (double)s->z_slow, true);
		step(v, e, ANOMALY_QUEUE, (double)s->z_waiting, true);
		step(v, e, ANOMALY_ERRORS, (double)s->z_errors, s->errors_big);
		step(v, e, ANOMALY_COLD, is_cold_slow(v, e) ? l->z_fast : 0, true);
		step(v, e, ANOMALY_RETRY,
			e->alarm[ANOMALY_ERRORS].on && s->volume_usual > 0 &&
					(double)s->calls * e->unit >=
						1.5 * (double)s->volume_usual
				? (double)s->z_volume
				: 0,
			true);
	} else {
		e->alarm[ANOMALY_LATENCY].high = e->alarm[ANOMALY_LATENCY].fast = 0;
		e->alarm[ANOMALY_ERRORS].high = e->alarm[ANOMALY_ERRORS].fast = 0;
		e->alarm[ANOMALY_QUEUE].high = e->alarm[ANOMALY_QUEUE].fast = 0;
	}
	watch_new(v, e);
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		e->alarmed |= e->alarm[a].on && a != ANOMALY_SURGE && a != ANOMALY_DROP &&
			      a != ANOMALY_NEW;
}

/* ---------------------------------------------------------------- numbers */

static int64_t
known_us(double us)
{
	return us > 0 ? (int64_t)llround(us) : FLOW_UNKNOWN;
}

/*
 * The numbers of an edge, or of one of its streams, over the window that was judged
 * last. The rate is always the edge's, and so are the standard deviations.
 */
void
edge_numbers(const struct verdict *v, const struct edge *e, uint32_t stream,
	struct verdict_numbers *ret)
{
	const struct score *s = &e->score;
	const struct baseline *b = stream == NONE ? &e->base : &e->stream[stream].base;
	double span = s->upto > s->after ? s->upto - s->after : W;
	struct recent_sum sum;

	recent_sum_init(&sum);
	for (uint32_t i = 0; i < e->streams; i++)
		if (stream == NONE || stream == i)
			recent_read(&e->stream[i].recent, s->after, s->upto, &sum);
	*ret = (struct verdict_numbers){
		.calls = sum.calls * e->unit,
		.window_us = (int64_t)span * SEC_US,
		.mean_us = known_us(recent_sum_mean(&sum)),
		.p50_us = known_us(recent_sum_quantile(&sum, .50)),
		.p95_us = known_us(recent_sum_quantile(&sum, .95)),
		.p99_us = known_us(recent_sum_quantile(&sum, .99)),
		.usual_mean_us = FLOW_UNKNOWN,
		.usual_p50_us = FLOW_UNKNOWN,
		.usual_p95_us = FLOW_UNKNOWN,
		.usual_p99_us = FLOW_UNKNOWN,
		.usual_requests = (double)b->requests,
		.error_ratio = sum.calls > 0 ? sum.failed / sum.calls : NAN,
		.usual_error_ratio = NAN,
		.rate = (double)s->calls * e->unit / span,
		.usual_rate = s->volume_usual > 0 ? (double)s->volume_usual / W : NAN,
		.wait_us = FLOW_UNKNOWN,
		.usual_wait_us = FLOW_UNKNOWN,
		.z_latency = (double)s->z,
		.z_errors = (double)s->z_errors,
		.z_wait = (double)s->z_wait,
		.z_volume = (double)s->z_volume,
		.z_open = v->o.anomaly.z_open,
		.z_close = v->o.anomaly.z_close,
		.limit_us = cold_limit_us(v, e),
		.limit_error_ratio = cold_limit_errors(v, e),
	};
	if (baseline_warm(b)) {
		ret->usual_mean_us = known_us((double)b->mean_us);
		ret->usual_p50_us = known_us((double)b->p50_us);
		ret->usual_p95_us = known_us((double)b->p95_us);
		ret->usual_p99_us = known_us((double)b->p99_us);
	}
	if (baseline_warm(b) && b->calls > 0)
		ret->usual_error_ratio = (double)(b->failed / b->calls);
	if (e->aspect[ASPECT_WAIT]) {
		const struct stream *w = e->aspect[ASPECT_WAIT];

		recent_sum_clear(&sum);
		recent_read(&w->recent, s->after, s->upto, &sum);
		ret->wait_us = known_us(recent_sum_mean(&sum));
		if (baseline_warm(&w->base))
			ret->usual_wait_us = known_us((double)w->base.mean_us);
	}
}
