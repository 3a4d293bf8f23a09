#include "config.h"

#include "weir/core/anomaly.h"

#include <math.h>

#include "weir/base/util.h"

#define MIN_ABOVE 3 /* requests; fewer are outliers */
#define FAST_S 2    /* how long overwhelming evidence has to last */

const struct anomaly_limits anomaly_limits_default = {
	.z_open = 4,
	.z_fast = 6,
	.z_fast_errors = 5,
	.z_close = 2,
	.z_learn = 3,
	.z_claim = 1.5,
	.p50_growth = 1.5,
	.p95_growth = 1.5,
	.p99_growth = 2,
	.excess_us = 500,
	.wait_us = 100000,
	.errors_ratio = 2,
	.min_errors = 3,
	.volume_z = 6,
	.surge = 2,
	.drop = .5,
	.silent_calls = 20,
	.cold_p95_us = 1000000,
	.cold_errors = .05,
};

const char *
anomaly_word(enum anomaly a)
{
	static const char *const words[] = {
#define X(id, word) [ANOMALY_##id] = word,
		ANOMALY_LIST(X)
#undef X
	};

	return a < ANOMALY_COUNT ? words[a] : "unknown";
}

double
anomaly_binomial(double k, double n, double p, double rho)
{
	double x, d;

	if (n <= 0 || k <= n * p)
		return 0;
	p = CLAMP(p, 1e-9, 1 - 1e-9);
	x = MIN(MAX(k - .5, n * p) / n, 1.0);
	if (x <= p)
		return 0;
	d = x * log(x / p);
	if (x < 1)
		d += (1 - x) * log((1 - x) / (1 - p));
	return sqrt(MAX(0.0, 2 * n / (1 + (n - 1) * rho) * d));
}

double
anomaly_gate(const struct anomaly_limits *l, double z)
{
	return CLAMP((z - l->z_claim) / (l->z_open - l->z_claim), 0.0, 1.0);
}

void
latency_count(
	struct latency_counts *c, const struct recent_sum *sum, const struct baseline *b)
{
	double n = c->n + sum->timed, mine, above[LEVEL_COUNT], far;

	if (sum->timed <= 0)
		return;
	baseline_count(b, sum, above, &far);
	/* Shares and dispersions are averaged by requests. */
	mine = sum->timed / n;
	for (unsigned l = 0; l < LEVEL_COUNT; l++) {
		c->above[l] += above[l];
		c->share[l] += ((double)b->high[l] - c->share[l]) * mine;
		c->rho[l] += ((double)b->rho[l] - c->rho[l]) * mine;
	}
	c->far += far;
	c->far_share += ((double)b->far_share - c->far_share) * mine;
	c->n = n;
}

void
latency_add(struct latency_counts *to, const struct latency_counts *from)
{
	double n = to->n + from->n, mine;

	if (from->n <= 0)
		return;
	mine = from->n / n;
	for (unsigned l = 0; l < LEVEL_COUNT; l++) {
		to->above[l] += from->above[l];
		to->share[l] += (from->share[l] - to->share[l]) * mine;
		to->rho[l] += (from->rho[l] - to->rho[l]) * mine;
	}
	to->far += from->far;
	to->far_share += (from->far_share - to->far_share) * mine;
	to->n = n;
}

static void
test_levels(const struct latency_counts *c, double min_above, double z[LEVEL_COUNT + 1])
{
	for (unsigned l = 0; l < LEVEL_COUNT; l++)
		z[l] = c->above[l] < min_above ? 0
					       : anomaly_binomial(c->above[l], c->n,
							 c->share[l], c->rho[l]);
	z[LEVEL_COUNT] = c->far < min_above ? 0
					    : anomaly_binomial(c->far, c->n, c->far_share,
						      c->rho[LEVEL_P95]);
}

void
latency_z(const struct latency_counts *c, double z[LEVEL_COUNT + 1])
{
	test_levels(c, MIN_ABOVE, z);
}

double
latency_doubt(const struct latency_counts *c)
{
	double z[LEVEL_COUNT + 1], most = 0;

	test_levels(c, 2, z);
	for (unsigned l = 0; l <= LEVEL_COUNT; l++)
		most = MAX(most, z[l]);
	return most;
}

double
errors_z(double failed, double n, double share_high, double rho)
{
	double z = anomaly_binomial(failed, n, share_high, rho);

	return failed < MIN_ABOVE ? z / 2 : z;
}

double
anomaly_lasting(const struct recent_spread *s, double share, double rho)
{
	double n = 0, k = 0;
	unsigned worst[2] = { RECENT_KEEP_S, RECENT_KEEP_S };

	for (unsigned i = 0; i < RECENT_KEEP_S; i++) {
		if (worst[0] == RECENT_KEEP_S || s->odd[i] > s->odd[worst[0]]) {
			worst[1] = worst[0];
			worst[0] = i;
		} else if (worst[1] == RECENT_KEEP_S || s->odd[i] > s->odd[worst[1]]) {
			worst[1] = i;
		}
	}
	for (unsigned i = 0; i < RECENT_KEEP_S; i++) {
		if (i == worst[0] || i == worst[1])
			continue;
		n += s->calls[i];
		k += s->odd[i];
	}
	return anomaly_binomial(k, n, share, rho);
}

static bool
lasted(uint32_t since, uint32_t sec, uint32_t seconds)
{
	return since && sec - since + 1 >= seconds;
}

enum alarm_change
alarm_step(struct alarm *a, const struct anomaly_limits *l, uint32_t sec,
	uint32_t window_s, double z, double z_fast, bool big)
{
	a->z = (float)z;
	if (!a->on) {
		if (!big || z < l->z_open)
			a->high = a->fast = 0;
		else if (!a->high)
			a->high = sec;
		if (!big || z < z_fast)
			a->fast = 0;
		else if (!a->fast)
			a->fast = sec;
		if (!lasted(a->high, sec, window_s) && !lasted(a->fast, sec, FAST_S))
			return ALARM_SAME;
		*a = (struct alarm){ .on = true, .since = sec, .z = (float)z };
		return ALARM_OPENED;
	}
	if (z >= l->z_close)
		a->low = 0;
	else if (!a->low)
		a->low = sec;
	if (!lasted(a->low, sec, window_s))
		return ALARM_SAME;
	*a = (struct alarm){ .z = (float)z };
	return ALARM_CLOSED;
}

/* Log likelihood ratios of a request above and below a level: normal against slow. */
static const struct {
	float up, down;
} steps[LEVEL_COUNT] = {
	[LEVEL_P50] = { .405f, -.693f },  /* 0.50 against 0.75 */
	[LEVEL_P95] = { 1.792f, -.305f }, /* 0.05 against 0.30 */
	[LEVEL_P99] = { 1.609f, -.041f }, /* 0.01 against 0.05 */
};

void
cusum_tune(struct cusum *c, double error_share)
{
	double p = CLAMP(error_share, 1e-4, .9);
	double worse = MIN(MAX(3 * p, p + .05), .95);

	c->error_up = (float)log(worse / p);
	c->error_down = (float)log((1 - worse) / (1 - p));
}

void
cusum_reset(struct cusum *c)
{
	for (unsigned i = 0; i <= LEVEL_COUNT; i++)
		c->sum[i] = 0;
}

static bool
push(struct cusum *c, unsigned i, float step, uint32_t sec, double limit)
{
	if (c->sum[i] <= 0)
		c->from[i] = sec;
	c->sum[i] = MAX(0, c->sum[i] + step);
	if ((double)c->sum[i] < limit)
		return false;
	c->sum[i] = (float)limit;
	c->since = c->from[i];
	return true;
}

bool
cusum_step(struct cusum *c, uint32_t sec, const struct baseline_look *seen, double limit)
{
	bool due = false;

	for (unsigned l = 0; seen->timed > 0 && l < LEVEL_COUNT; l++)
		due |= push(c, l,
			seen->above[l] * steps[l].up +
				(seen->timed - seen->above[l]) * steps[l].down,
			sec, limit);
	due |= push(c, LEVEL_COUNT,
		seen->failed * c->error_up + (seen->calls - seen->failed) * c->error_down,
		sec, limit);
	return due;
}
