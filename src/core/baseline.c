/*
 * The forgetting factor 1 - 1/128 a span makes the median follow a lasting change in
 * about a quarter of an hour, and a daily cycle without noticing it.
 *
 * Over-dispersion. If each span had its own true share, scattered around p, then k of n
 * has variance n p (1-p) (1 + (n-1) rho). So rho is estimated by the method of moments,
 * the sum of (r^2 - 1) over the sum of (n - 1), r being the standardised residual; spans
 * with many requests then count for more, as they should. A prior of rho = 0.02 worth
 * six spans of thirty requests covers the time before anything is known.
 */
#include "config.h"

#include "weir/core/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define RHO_FLOOR_P50 0.005 /* a median may wander by some percent */
#define RHO_FLOOR 0.0005
#define RHO_PRIOR 0.02
#define RHO_PRIOR_ERRORS 0.005
#define RHO_PRIOR_SCALE (6.0 * 29.0)
#define RHO_MAX 0.3
#define RESIDUAL_MAX 5.0  /* one wild span must not blind us */
#define ERRORS_PRIOR 20.0 /* requests of other edges that a failure ratio leans on */
#define ERRORS_FLOOR 0.001
#define FAR_PRIOR 50.0
#define FAR_FLOOR 0.0005
#define FAR_FACTOR 25u /* buckets: three times the usual p95 */
#define UNIT_MAX 1e6f
#define SETTLE_SHARE .1f /* of all requests: the levels need not follow each of them */
#define Z95 1.645

static const double level_quantile[LEVEL_COUNT] = { .50, .95, .99 };

void
baseline_init(struct baseline *b)
{
	*b = (struct baseline){ 0 };
}

void
baseline_done(struct baseline *b)
{
	free(b->count);
	*b = (struct baseline){ 0 };
}

void
baseline_copy(struct baseline *to, const struct baseline *from)
{
	baseline_done(to);
	*to = *from;
	to->count = xmalloc(from->len * sizeof(*to->count));
	if (from->len)
		memcpy(to->count, from->count, from->len * sizeof(*to->count));
}

static double
dispersion_rho(const struct dispersion *d, double prior, double floor)
{
	double rho = (prior * RHO_PRIOR_SCALE + (double)d->excess) /
		     (RHO_PRIOR_SCALE + (double)d->scale);

	return CLAMP(rho, floor, RHO_MAX);
}

/* Learn that @k of @n were seen where share @p was normal. */
static void
dispersion_learn(struct dispersion *d, double k, double n, double p)
{
	double var = n * p * (1 - p), r;

	if (n < 2 || var < 1e-9)
		return;
	r = CLAMP((k - n * p) / sqrt(var), -RESIDUAL_MAX, RESIDUAL_MAX);
	d->excess += (float)(r * r - 1);
	d->scale += (float)(n - 1);
}

static void
dispersion_forget(struct dispersion *d, float keep)
{
	d->excess *= keep;
	d->scale *= keep;
}

/* Widen the histogram to hold the buckets [lo, hi). */
static void
cover(struct baseline *b, unsigned lo, unsigned hi)
{
	unsigned end = b->first + b->len;
	float *count;

	if (b->len && lo >= b->first && hi <= end)
		return;
	if (b->len) {
		lo = MIN(lo, b->first);
		hi = MAX(hi, end);
	}
	/* A little air, so that the next outlier does not move it all again. */
	lo = lo > 8 ? lo - 8 : 0;
	hi = MIN(hi + 8, RECENT_BUCKETS);
	count = xcalloc(hi - lo, sizeof(*count));
	if (b->len)
		memcpy(count + (b->first - lo), b->count, b->len * sizeof(*count));
	free(b->count);
	b->count = count;
	b->first = (uint16_t)lo;
	b->len = (uint16_t)(hi - lo);
}

static void
settle_level(struct baseline *b, unsigned level, unsigned bucket, double beyond)
{
	double n = (double)b->requests, p, rho;

	b->above[level] = (uint16_t)bucket;
	b->share[level] = (float)MAX(0.0, beyond / n);
	rho = dispersion_rho(&b->level[level], RHO_PRIOR,
		level == LEVEL_P50 ? RHO_FLOOR_P50 : RHO_FLOOR);
	/* Half a request more: nothing seen above it does not mean never. */
	p = (beyond + .5) / (n + 1);
	b->rho[level] = (float)rho;
	b->high[level] = (float)MIN(.99,
		p + Z95 * sqrt(p * (1 - p) *
				  (1 / MAX(n, 1.0) + rho / MAX((double)b->spans, 1.0))));
}

/* The levels, their shares and the mean, from the histogram. */
static void
settle(struct baseline *b)
{
	float *quantile_us[LEVEL_COUNT] = { &b->p50_us, &b->p95_us, &b->p99_us };
	const float *count = b->count;
	double all = (double)(b->requests * b->unit), n = 0, total = 0, far = 0;
	double cap = 1e18, want = (level_quantile[0] - 1e-5) * all;
	unsigned level = 0, first = b->first, len = b->len;

	b->unsettled = 0;
	for (unsigned i = 0; i < len; i++) {
		double value;

		if (count[i] <= 0)
			continue;
		value = recent_value(first + i);
		n += (double)count[i];
		total += (double)count[i] * MIN(cap, value);
		if (n < want)
			continue;
		while (level < LEVEL_COUNT && n >= (level_quantile[level] - 1e-5) * all) {
			settle_level(b, level, first + i, (all - n) / (double)b->unit);
			*quantile_us[level++] = (float)value;
		}
		want = level < LEVEL_COUNT ? (level_quantile[level] - 1e-5) * all : 1e30;
		if (level == LEVEL_COUNT)
			cap = 2 * value;
	}
	/* Rounding may leave the sum a little short of what the last level wants. */
	while (level < LEVEL_COUNT && b->len) {
		settle_level(b, level, b->first + b->len - 1u, 0);
		*quantile_us[level++] = (float)recent_value(b->first + b->len - 1u);
	}
	b->mean_us = n > 0 ? (float)(total / n) : 0;
	b->far = (uint16_t)MIN(b->above[LEVEL_P95] + FAR_FACTOR, RECENT_BUCKETS - 1);
	for (unsigned i = b->far + 1u > b->first ? b->far + 1u - b->first : 0; i < b->len;
		i++)
		far += (double)b->count[i];
	far /= (double)b->unit;
	b->far_share =
		(float)MAX((far + .5) / ((double)b->requests + FAR_PRIOR), FAR_FLOOR);
}

static void
learn_dispersion(struct baseline *b)
{
	const struct baseline_look *l = &b->look;

	for (unsigned i = 0; i < LEVEL_COUNT; i++)
		dispersion_learn(&b->level[i], (double)l->above[i], (double)l->timed,
			(double)b->share[i]);
	dispersion_learn(&b->errors, (double)l->failed, (double)l->calls,
		b->calls > 0 ? MAX((double)(b->failed / b->calls), ERRORS_FLOOR) : 0);
}

void
baseline_count(const struct baseline *b, const struct recent_sum *sum,
	double above[LEVEL_COUNT], double *far)
{
	unsigned bound[LEVEL_COUNT + 1] = { b->far, b->above[LEVEL_P99],
		b->above[LEVEL_P95], b->above[LEVEL_P50] };
	double *to[LEVEL_COUNT + 1] = { far, &above[LEVEL_P99], &above[LEVEL_P95],
		&above[LEVEL_P50] };
	unsigned at = sum->hi;
	uint64_t n = 0;

	/* From the slowest down; far may lie below p99, then it is counted by itself. */
	for (unsigned i = 0; i <= LEVEL_COUNT; i++) {
		if (i && bound[i] > bound[i - 1]) {
			*to[i] = recent_sum_above(sum, bound[i]);
			bound[i] = bound[i - 1];
			continue;
		}
		for (; at > sum->lo && at > bound[i] + 1; at--)
			n += sum->count[at - 1];
		*to[i] = (double)n;
	}
}

void
baseline_look(
	struct baseline *b, const struct recent_sum *sum, const double above[LEVEL_COUNT])
{
	b->next_look = (struct baseline_look){ (float)sum->calls, (float)sum->failed,
		(float)sum->timed,
		{ (float)above[0], (float)above[1], (float)above[2] } };
}

static void
renew_unit(struct baseline *b)
{
	for (unsigned i = 0; i < b->len; i++)
		b->count[i] /= b->unit;
	b->unit = 1;
}

void
baseline_learn(
	struct baseline *b, const struct recent_sum *sum, double span_s, double weight)
{
	float spans = (float)(span_s / 10 * weight);
	float keep = 1 - MIN(spans, 64) / BASELINE_MEMORY, worth, *to;

	if (sum->calls <= 0)
		return;
	if (baseline_warm(b))
		learn_dispersion(b);
	b->look = b->next_look;
	for (unsigned l = 0; l < LEVEL_COUNT; l++)
		dispersion_forget(&b->level[l], keep);
	dispersion_forget(&b->errors, keep);
	b->spans = b->spans * keep + spans;
	b->calls = b->calls * keep + (float)(sum->calls * weight);
	b->failed = b->failed * keep + (float)(sum->failed * weight);

	if (sum->lo < sum->hi)
		cover(b, sum->lo, sum->hi);
	b->unit = b->unit > 0 ? b->unit / keep : 1;
	if (b->unit > UNIT_MAX)
		renew_unit(b);
	worth = b->unit * (float)weight;
	to = sum->lo < sum->hi ? b->count + (sum->lo - b->first) : NULL;
	for (unsigned i = sum->lo; i < sum->hi; i++)
		*to++ += (float)sum->count[i] * worth;
	b->requests = b->requests * keep + (float)(sum->timed * weight);
	b->unsettled += (float)(sum->timed * weight);
	if (b->requests > 0 && b->unsettled >= SETTLE_SHARE * b->requests)
		settle(b);
}

double
baseline_errors_rho(const struct baseline *b)
{
	return dispersion_rho(&b->errors, RHO_PRIOR_ERRORS, RHO_FLOOR);
}

double
baseline_errors(const struct baseline *b, double prior)
{
	return MAX(((double)b->failed + ERRORS_PRIOR * prior) /
			   ((double)b->calls + ERRORS_PRIOR),
		ERRORS_FLOOR);
}

double
baseline_errors_high(const struct baseline *b, double prior)
{
	double p = baseline_errors(b, prior);
	double rho = baseline_errors_rho(b);

	return MIN(.99, p + Z95 * sqrt(p * (1 - p) *
					  (1 / ((double)b->calls + ERRORS_PRIOR) +
						  rho / MAX((double)b->spans, 1.0))));
}

size_t
baseline_bytes(const struct baseline *b)
{
	return b->len * sizeof(*b->count);
}

void
baseline_age(struct baseline *b, double spans)
{
	float keep = (float)MIN(1.0, spans / MAX((double)b->spans, 1e-9));

	b->spans *= keep;
	b->calls *= keep;
	b->failed *= keep;
	b->requests *= keep;
	b->unit /= keep;
	for (unsigned l = 0; l < LEVEL_COUNT; l++)
		dispersion_forget(&b->level[l], keep);
	dispersion_forget(&b->errors, keep);
	if (b->requests > 0)
		settle(b);
}

/* ---------------------------------------------------------------- as bytes */

static void
put_f32(struct buf *out, float x)
{
	uint32_t u;
	unsigned char b[4];

	memcpy(&u, &x, sizeof(u));
	for (unsigned i = 0; i < 4; i++)
		b[i] = (unsigned char)(u >> (8 * i));
	buf_add(out, b, sizeof(b));
}

/* A finite number of [-@max, @max]; *@sound becomes false otherwise. */
static float
take_f32(struct str *in, float max, bool *sound)
{
	uint32_t u = 0;
	float x;

	if (in->n < 4) {
		*sound = false;
		return 0;
	}
	for (unsigned i = 0; i < 4; i++)
		u |= (uint32_t)(unsigned char)in->p[i] << (8 * i);
	in->p += 4;
	in->n -= 4;
	memcpy(&x, &u, sizeof(x));
	if (isfinite(x) && x >= -max && x <= max)
		return x;
	*sound = false;
	return 0;
}

static struct dispersion
take_dispersion(struct str *in, bool *sound)
{
	struct dispersion d;

	d.excess = take_f32(in, 1e18f, sound);
	d.scale = take_f32(in, 1e18f, sound);
	*sound &= d.scale >= 0;
	return d;
}

void
baseline_write(const struct baseline *b, struct buf *out)
{
	unsigned lo = 0, hi = b->len;

	while (lo < hi && b->count[lo] <= 0)
		lo++;
	while (hi > lo && b->count[hi - 1] <= 0)
		hi--;
	put_f32(out, b->spans);
	put_f32(out, b->calls);
	put_f32(out, b->failed);
	for (unsigned l = 0; l < LEVEL_COUNT; l++) {
		put_f32(out, b->level[l].excess);
		put_f32(out, b->level[l].scale);
	}
	put_f32(out, b->errors.excess);
	put_f32(out, b->errors.scale);
	put_f32(out, (float)(b->first + lo));
	put_f32(out, (float)(hi - lo));
	for (unsigned i = lo; i < hi; i++)
		put_f32(out, b->count[i] / b->unit);
}

enum status
baseline_read(struct baseline *b, struct str *in)
{
	struct baseline r = { 0 };
	bool sound = true;
	float first, len;

	r.spans = take_f32(in, 2 * BASELINE_MEMORY, &sound);
	r.calls = take_f32(in, 1e15f, &sound);
	r.failed = take_f32(in, 1e15f, &sound);
	for (unsigned l = 0; l < LEVEL_COUNT; l++)
		r.level[l] = take_dispersion(in, &sound);
	r.errors = take_dispersion(in, &sound);
	first = take_f32(in, RECENT_BUCKETS, &sound);
	len = take_f32(in, RECENT_BUCKETS, &sound);
	sound &= r.spans >= 0 && r.calls >= 0 && r.failed >= 0 && r.failed <= r.calls &&
		 first >= 0 && len >= 0 && first + len <= RECENT_BUCKETS &&
		 in->n >= (size_t)(sound && len > 0 ? len : 0) * 4;
	if (!sound)
		return STATUS_ERR_RANGE;
	r.first = (uint16_t)first;
	r.len = (uint16_t)len;
	r.unit = 1;
	r.count = xcalloc(r.len, sizeof(*r.count));
	for (unsigned i = 0; i < r.len; i++) {
		r.count[i] = take_f32(in, 1e15f, &sound);
		sound &= r.count[i] >= 0;
		r.requests += r.count[i];
	}
	if (!sound) {
		baseline_done(&r);
		return STATUS_ERR_RANGE;
	}
	if (r.requests > 0)
		settle(&r);
	baseline_done(b);
	*b = r;
	return STATUS_OK;
}
