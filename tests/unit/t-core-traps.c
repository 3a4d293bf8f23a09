/*
 * Synthetic scenarios with a known answer. Each is run with several seeds; a scenario
 * passes when at least 95 % of its seeds do, one that must stay quiet when all do.
 *
 * WEIR_TRAP_SEEDS=N runs N seeds of each (default 4), WEIR_TRAP_FIRST=N begins with
 * seed N, WEIR_TRAP_ONLY=NAME runs one scenario, and WEIR_TRAP_VERBOSE=1 prints every
 * verdict.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop-sim.h"
#include "weir/base/util.h"
#include "weir/core/sentence.h"

#define T0 INT64_C(1700000000) /* second 0 of a simulation */
#define SETTLED 80             /* before that the cold rules speak */

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 1
#define HOURS 3
#else
#define SEEDS 4
#define HOURS 24
#endif

struct expected {
	unsigned cause, other; /* SIM_COUNT: none */
	enum anomaly kind;     /* ANOMALY_COUNT: any */
};

struct trap {
	const char *name;
	void (*set)(struct sim *s);
	struct expected expected;
	int clears_within; /* seconds after the end of the fault; 0: not asked */
	bool brief;        /* may be over before anything is said */
};

/* ---------------------------------------------------------------- hooks */

static void
slow_postgres(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_POSTGRES && sim_in_fault(s, t))
		*x = 10;
}

static void
slow_postgres_a_little(
	struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_POSTGRES && sim_in_fault(s, t))
		*x = 1.6;
}

static void
slow_checkout(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_CHECKOUT && sim_in_fault(s, t))
		*add = 120;
}

static void
slow_frontend(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_FRONTEND && sim_in_fault(s, t))
		*add = 80;
}

static double
traffic_triples(struct sim *s, double t)
{
	return t >= s->begin ? 3 : 1;
}

static double
traffic_falls(struct sim *s, double t)
{
	return t >= s->begin ? .2 : 1;
}

static void
one_outlier(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_POSTGRES && t >= s->begin + 30 &&
		s->outliers < 1) {
		s->outliers++;
		*add = 30000;
	}
}

static void
two_outliers(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_MONGO && s->outliers < 2 &&
		t >= s->begin + 30 + 60 * s->outliers) {
		s->outliers++;
		*add = 20000;
	}
}

static bool
unseen_for_a_minute(struct sim *s, const struct sim_event *e)
{
	return e->end_s >= s->begin + 30 && e->end_s < s->begin + 90;
}

static bool
unseen_mongo(struct sim *s, const struct sim_event *e)
{
	return e->end_s >= s->begin && e->src == SIM_CATALOG && e->dst == SIM_MONGO;
}

static double
fail_fast(struct sim *s, unsigned src, unsigned dst, double t, double *ms)
{
	*ms = .4;
	return src == SIM_PAYMENT && dst == SIM_POSTGRES && sim_in_fault(s, t) ? .6 : 0;
}

static double
fail_late(struct sim *s, unsigned src, unsigned dst, double t, double *ms)
{
	*ms = 2000;
	return src == SIM_PAYMENT && dst == SIM_POSTGRES && sim_in_fault(s, t) ? .3 : 0;
}

static double
fail_half(struct sim *s, unsigned src, unsigned dst, double t, double *ms)
{
	(void)src;
	*ms = 3;
	return dst == SIM_POSTGRES && sim_in_fault(s, t) ? .5 : 0;
}

static void
slow_mongo_locked(
	struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_MONGO && sim_in_fault(s, t))
		*x = 5.5;
}

static void
slow_mailer(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_MAILER && sim_in_fault(s, t))
		*add = 600;
}

static void
slow_smtp(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_SMTP && sim_in_fault(s, t))
		*x = 9;
}

static unsigned
more_mongo(struct sim *s, unsigned src, unsigned dst, double t)
{
	return src == SIM_CATALOG && dst == SIM_MONGO && t >= s->begin ? 10 : 0;
}

static void
slow_two(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	if (src != SIM_COUNT || !sim_in_fault(s, t))
		return;
	if (dst == SIM_POSTGRES)
		*x = 8;
	if (dst == SIM_ADS)
		*add = 150;
}

static void
creeping_mongo(
	struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_MONGO)
		*x = 1 + 4 * CLAMP((t - s->begin) / 600, 0, 1);
}

static double
traffic_waves(struct sim *s, double t)
{
	(void)s;
	return 1 + .5 * sin(t / 300);
}

static void
always_slow_postgres(
	struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)s, (void)t, (void)x;
	if (src == SIM_COUNT && dst == SIM_POSTGRES)
		*add = 800;
}

static void
slow_redis(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_REDIS && sim_in_fault(s, t))
		*add = 40;
}

/* ads2 is ads, called back by what ads calls. */
static bool
as_a_cycle(struct sim *s, const struct sim_event *e)
{
	struct sim_event *to = (struct sim_event *)(uintptr_t)e;

	(void)s;
	if (to->src == SIM_ADS2)
		to->src = SIM_ADS;
	if (to->dst == SIM_ADS2)
		to->dst = SIM_ADS;
	return false;
}

static bool
no_fraud_yet(struct sim *s, unsigned src, unsigned dst, double t)
{
	(void)src;
	return dst == SIM_FRAUD && t < s->begin;
}

static void
slow_link(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_FRONTEND && dst == SIM_CART && sim_in_fault(s, t))
		*add = 100;
}

static void
slow_caller(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)dst, (void)x;
	if (src == SIM_CHECKOUT && sim_in_fault(s, t))
		*add = 60;
}

static void
slow_tail(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_MONGO && t >= s->begin && sim_uniform(s) < .03)
		*add = 1500;
}

static void
slow_ads(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)x;
	if (src == SIM_COUNT && dst == SIM_ADS && sim_in_fault(s, t))
		*add = 9;
}

static void
blip_postgres(struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_POSTGRES && t >= s->begin + 30 &&
		t < s->begin + 36)
		*x = 6;
}

static void
slow_postgres_much(
	struct sim *s, unsigned src, unsigned dst, double t, double *x, double *add)
{
	(void)add;
	if (src == SIM_COUNT && dst == SIM_POSTGRES && sim_in_fault(s, t))
		*x = 15;
}

/* ---------------------------------------------------------------- scenarios */

static void
set_quiet(struct sim *s)
{
	s->fault_s = 900;
}

static void
set_nothing(struct sim *s)
{
	(void)s;
}

#define SETS(name, ...)                 \
	static void name(struct sim *s) \
	{                               \
		__VA_ARGS__             \
	}

SETS(set_db_slow, s->slow = slow_postgres;)
SETS(set_db_slow_little, s->slow = slow_postgres_a_little;)
SETS(set_mid_self, s->slow = slow_checkout;)
SETS(set_entry_self, s->slow = slow_frontend;)
SETS(set_surge, s->traffic = traffic_triples; s->consumers = 12;)
SETS(set_fall, s->traffic = traffic_falls;)
SETS(set_one_outlier, s->slow = one_outlier;)
SETS(set_two_outliers, s->slow = two_outliers;)
SETS(set_feed_gap, s->unseen = unseen_for_a_minute;)
SETS(set_silent, s->unseen = unseen_mongo;)
SETS(set_fast_failures, s->fail = fail_fast;)
SETS(set_timeouts, s->fail = fail_late;)
SETS(set_retries, s->fail = fail_half; s->retry_src = SIM_PAYMENT;
	s->retry_dst = SIM_POSTGRES; s->retries = 3;)
SETS(set_lock, s->limited = SIM_MONGO; s->servers = 2; s->slow = slow_mongo_locked;)
SETS(set_backlog, s->slow = slow_mailer;)
SETS(set_backlog_behind, s->slow = slow_smtp;)
SETS(set_n_plus_1, s->more = more_mongo;)
SETS(set_two_faults, s->slow = slow_two;)
SETS(set_creeping, s->slow = creeping_mongo; s->fault_s = 600;)
SETS(set_day_wave, s->traffic = traffic_waves; s->fault_s = 900;)
SETS(set_cold, s->slow = always_slow_postgres; s->begin = 0; s->fault_s = 50;)
SETS(set_cycle, struct sim_node *ads = &s->node[SIM_ADS];
	struct sim_node *profile = &s->node[SIM_PROFILE];
	ads->call[0] = (struct sim_call){ SIM_PROFILE, 1, 0, 1 }; ads->calls = 1;
	profile->call[0] = (struct sim_call){ SIM_ADS2, 1, 0, .3 };
	profile->call[1] = (struct sim_call){ SIM_REDIS, 1, 0, 1 }; profile->calls = 2;
	s->unseen = as_a_cycle; s->slow = slow_redis;)
SETS(set_new_dependency,
	s->node[SIM_CART].call[1] = (struct sim_call){ SIM_FRAUD, 1, 0, 1 };
	s->node[SIM_CART].calls = 2; s->skip = no_fraud_yet;)
SETS(set_one_link, s->slow = slow_link;)
SETS(set_caller, s->slow = slow_caller;)
SETS(set_tail, s->slow = slow_tail;)
SETS(set_parallel, s->slow = slow_ads;)
SETS(set_blip, s->slow = blip_postgres;)
SETS(set_recovery, s->slow = slow_postgres; s->after_s = 120;)
SETS(set_low, s->rate = 2; s->begin = 900; s->fault_s = 300;
	s->slow = slow_postgres_much;)
SETS(set_low_quiet, s->rate = 2; s->begin = 900; s->fault_s = 900;)

#define QUIET                                       \
	{                                           \
		SIM_COUNT, SIM_COUNT, ANOMALY_COUNT \
	}
#define CAUSE(node)                                  \
	{                                            \
		SIM_##node, SIM_COUNT, ANOMALY_COUNT \
	}
#define CAUSE_BY(node, how)                          \
	{                                            \
		SIM_##node, SIM_COUNT, ANOMALY_##how \
	}

static const struct trap traps[] = {
	{ "quiet", set_quiet, QUIET },
	{ "surge without slowdown", set_surge, QUIET },
	{ "traffic falls to a fifth", set_fall, QUIET },
	{ "an edge that is always slow", set_nothing, QUIET },
	{ "one outlier", set_one_outlier, QUIET },
	{ "two outliers apart", set_two_outliers, QUIET },
	{ "the feed stops for a minute", set_feed_gap, QUIET },
	{ "waves of traffic", set_day_wave, QUIET },
	{ "low traffic, quiet", set_low_quiet, QUIET },
	{ "data base x10", set_db_slow, CAUSE_BY(POSTGRES, LATENCY) },
	{ "data base x1.6", set_db_slow_little, CAUSE_BY(POSTGRES, LATENCY) },
	{ "lock contention", set_lock, CAUSE_BY(MONGO, LATENCY) },
	{ "timeouts", set_timeouts, CAUSE(POSTGRES) },
	{ "a tail of 3 %", set_tail, CAUSE_BY(MONGO, LATENCY) },
	{ "data base of low traffic", set_low, CAUSE_BY(POSTGRES, LATENCY) },
	{ "creeping over ten minutes", set_creeping, CAUSE_BY(MONGO, LATENCY) },
	{ "middle service slow by itself", set_mid_self, CAUSE_BY(CHECKOUT, LATENCY) },
	{ "entry slow by itself", set_entry_self, CAUSE_BY(FRONTEND, LATENCY) },
	{ "all calls of one caller slow", set_caller, CAUSE_BY(CHECKOUT, LATENCY) },
	{ "one link slow", set_one_link, CAUSE_BY(CART, LATENCY) },
	{ "failing fast", set_fast_failures, CAUSE_BY(POSTGRES, ERRORS) },
	{ "retry storm", set_retries, CAUSE_BY(POSTGRES, ERRORS) },
	{ "an edge falls silent", set_silent, CAUSE_BY(CATALOG, SILENT) },
	{ "backlog by the consumer", set_backlog, CAUSE(MAILER) },
	{ "backlog by the consumer's callee", set_backlog_behind, CAUSE(SMTP) },
	{ "n+1 calls", set_n_plus_1, CAUSE_BY(CATALOG, LATENCY) },
	{ "two faults", set_two_faults, { SIM_POSTGRES, SIM_ADS, ANOMALY_LATENCY } },
	{ "a cycle", set_cycle, CAUSE_BY(REDIS, LATENCY) },
	{ "a new slow dependency", set_new_dependency, CAUSE_BY(CART, LATENCY) },
	{ "off the critical path", set_parallel, CAUSE_BY(ADS, LATENCY) },
	{ "a short blip", set_blip, CAUSE(POSTGRES), .brief = true },
	{ "recovery", set_recovery, CAUSE_BY(POSTGRES, LATENCY), .clears_within = 30 },
	{ "slow from the start", set_cold, CAUSE_BY(POSTGRES, COLD) },
};

/* ---------------------------------------------------------------- judging */

struct outcome {
	unsigned said, right, both, early, late_s;
	int first_s, first_right_s;
	unsigned wrong[SIM_COUNT];
	char sentence[SENTENCE_BYTES];
};

static const char *
op_name(void *ctx, uint32_t op)
{
	(void)ctx, (void)op;
	return "";
}

static const char *
node_name(void *ctx, uint32_t node)
{
	(void)ctx;
	return sim_name(node);
}

static const struct verdict_options options = { .node_name = node_name,
	.op_name = op_name };

static bool
is_right(const struct expected *x, const struct verdict_cause *c)
{
	return (c->node == x->cause || c->node == x->other) &&
	       (x->kind == ANOMALY_COUNT || c->kind == x->kind);
}

static void
judge_second(const struct trap *t, const struct sim *s, struct verdict *v, double at,
	struct outcome *o)
{
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(v, &n);
	static const struct sentence_style style = { 0 };
	struct sentence said;
	bool cause = false, other = false;

	if (!n || (at < SETTLED && s->begin > 0))
		return;
	sentence_write(&said, c, &options, &style);
	if (getenv("WEIR_TRAP_VERBOSE"))
		fprintf(stderr, "%7.0f %s\n", at - s->begin, said.text);
	if (at < s->begin) {
		o->early++;
		snprintf(o->sentence, sizeof(o->sentence), "%s", said.text);
	} else if (at >= s->begin + s->fault_s + 1) {
		o->late_s = (unsigned)(at - s->begin - s->fault_s);
	} else {
		if (!o->said++)
			o->first_s = (int)(at - s->begin);
		for (uint32_t i = 0; i < n; i++) {
			cause |= c[i].node == t->expected.cause;
			other |= c[i].node == t->expected.other;
		}
		o->both += cause && other;
		if (is_right(&t->expected, c)) {
			if (!o->right++)
				o->first_right_s = (int)(at - s->begin);
		} else {
			o->wrong[c->node]++;
			snprintf(o->sentence, sizeof(o->sentence), "%s", said.text);
		}
	}
}

static void
observe(struct verdict *v, const struct sim_event *e)
{
	struct verdict_obs obs = { .src = e->src,
		.dst = e->dst,
		.kind = e->async ? KIND_MSG : KIND_UNKNOWN,
		.op = VERDICT_NONE,
		.end_us = T0 * SEC_US + (int64_t)(e->end_s * 1e6),
		.latency_us = (int64_t)MAX(e->latency_s * 1e6, 1),
		.server_us = FLOW_UNKNOWN,
		.queue_us = FLOW_UNKNOWN,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = 1,
		.failed = e->failed };

	verdict_observe(v, &obs, obs.end_us);
}

static struct outcome
run_trap(const struct trap *t, uint64_t seed)
{
	struct verdict *v = verdict_new(&options);
	struct outcome o = { 0 };
	int64_t sec = 0;
	struct sim s;

	sim_init(&s, seed);
	t->set(&s);
	sim_run(&s);
	for (size_t i = 0; i < s.events; i++) {
		const struct sim_event *e = &s.event[i];

		if (e->end_s >= s.begin + s.fault_s + s.after_s)
			break;
		while (sec <= (int64_t)e->end_s) {
			verdict_tick(v, (T0 + sec) * SEC_US);
			judge_second(t, &s, v, (double)sec, &o);
			sec++;
		}
		observe(v, e);
	}
	sim_done(&s);
	verdict_free(v);
	return o;
}

static bool
passed(const struct trap *t, const struct outcome *o)
{
	if (o->early)
		return false;
	if (t->expected.cause == SIM_COUNT)
		return !o->said;
	if (t->brief)
		return o->right == o->said && o->said <= 40;
	if (t->clears_within && o->late_s > (unsigned)t->clears_within)
		return false;
	if (t->expected.other != SIM_COUNT && o->both < .7 * o->said)
		return false;
	return o->said && o->right >= .8 * o->said;
}

static unsigned
from_environment(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s && *s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

static void
report(const struct trap *t, uint64_t seed, const struct outcome *o)
{
	fprintf(stderr, "  %s, seed %u: %u of %u s right, early %u, first after %d s",
		t->name, (unsigned)seed, o->right, o->said, o->early, o->first_s);
	for (unsigned i = 0; i < SIM_COUNT; i++)
		if (o->wrong[i])
			fprintf(stderr, ", %s %u s", sim_name(i), o->wrong[i]);
	fprintf(stderr, "\n    %s\n", o->sentence);
}

Test(traps, known_causes_are_named_and_quiet_stays_quiet, .timeout = 3600)
{
	unsigned seeds = from_environment("WEIR_TRAP_SEEDS", SEEDS);
	unsigned first = from_environment("WEIR_TRAP_FIRST", 1);
	const char *only = getenv("WEIR_TRAP_ONLY");

	for (size_t i = 0; i < ARRAY_LEN(traps); i++) {
		const struct trap *t = &traps[i];
		unsigned good = 0, quiet = t->expected.cause == SIM_COUNT;
		double wait = 0, spoken = 0;

		if (only && strcmp(only, t->name) != 0)
			continue;
		for (unsigned seed = first; seed < first + seeds; seed++) {
			struct outcome o = run_trap(t, seed);

			good += passed(t, &o);
			if (o.right) {
				wait += o.first_right_s;
				spoken++;
			}
			if (!passed(t, &o))
				report(t, seed, &o);
		}
		fprintf(stderr, "%-34s %u of %u", t->name, good, seeds);
		if (spoken > 0)
			fprintf(stderr, ", named after %.0f s", wait / spoken);
		fputc('\n', stderr);
		cr_expect_geq(good,
			quiet ? seeds : (seeds * 95 + 99) / 100 - (seeds < 20), "%s",
			t->name);
	}
}

/* ---------------------------------------------------------------- a noisy day */

/*
 * What real systems do all day without anything being wrong: traffic that follows the
 * sun and trembles, latencies that follow the traffic and wander on their own, pauses
 * of one service for a moment, half a minute of a busy neighbour, rare requests that
 * take ten times as long, rare failures.
 */
struct noise {
	double wander[SIM_COUNT];
	double pause_until[SIM_COUNT];
	double busy_until[SIM_COUNT];
	double tremble, next_minute;
};

static struct noise noise;

static double
daily_traffic(struct sim *s, double t)
{
	while (t >= noise.next_minute) {
		noise.next_minute += 60;
		noise.tremble = exp(.1 * sim_normal(s));
		for (unsigned i = 0; i < SIM_COUNT; i++) {
			noise.wander[i] = .98 * noise.wander[i] + .02 * sim_normal(s);
			if (sim_uniform(s) < .03)
				noise.pause_until[i] =
					noise.next_minute - 60 * sim_uniform(s) + .2;
			if (sim_uniform(s) < .005)
				noise.busy_until[i] = noise.next_minute + 30;
		}
	}
	return (1 - .7 * cos(t / 86400 * 6.283185307)) * noise.tremble;
}

static void
noisy(struct sim *s, unsigned src, unsigned dst, double t, double *times, double *add)
{
	double load = 1 - .7 * cos(t / 86400 * 6.283185307);

	if (src != SIM_COUNT)
		return;
	*times = exp(noise.wander[dst]) * (1 + .15 * load);
	if (t < noise.busy_until[dst])
		*times *= 1.15;
	if (t < noise.pause_until[dst] && t > noise.pause_until[dst] - .2)
		*add = 1e3 * (noise.pause_until[dst] - t);
	if (sim_uniform(s) < .002)
		*times *= 10;
}

static double
rare_failures(struct sim *s, unsigned src, unsigned dst, double t, double *ms)
{
	(void)s, (void)src, (void)dst, (void)t;
	*ms = -1;
	return .002;
}

Test(traps, a_noisy_day_raises_at_most_one_false_verdict, .timeout = 3600)
{
	unsigned hours = from_environment("WEIR_TRAP_HOURS", HOURS), verdicts = 0;
	struct verdict *v = verdict_new(&options);
	static const struct sentence_style style = { 0 };
	bool said = false;
	int64_t sec = 0;
	struct sim s;

	sim_init(&s, from_environment("WEIR_TRAP_FIRST", 1));
	memset(&noise, 0, sizeof(noise));
	s.rate = 8;
	s.consumers = 12;
	s.traffic = daily_traffic;
	s.slow = noisy;
	s.fail = rare_failures;
	for (unsigned part = 0; part < hours * 2; part++) {
		sim_run_part(&s, part * 1800.0, (part + 1) * 1800.0);
		for (size_t i = 0; i < s.events; i++) {
			for (; sec <= (int64_t)s.event[i].end_s; sec++) {
				uint32_t n;
				const struct verdict_cause *c;
				struct sentence is;

				verdict_tick(v, (T0 + sec) * SEC_US);
				c = verdict_causes(v, &n);
				if (n && !said && sec > SETTLED) {
					verdicts++;
					sentence_write(&is, c, &options, &style);
					fprintf(stderr, "  %02d:%02d %s\n",
						(int)(sec / 3600), (int)(sec / 60 % 60),
						is.text);
				}
				said = n > 0;
			}
			observe(v, &s.event[i]);
		}
	}
	fprintf(stderr, "%u hours of noise: %u false verdicts\n", hours, verdicts);
	cr_expect_leq(verdicts, (hours + 23) / 24);
	sim_done(&s);
	verdict_free(v);
}
