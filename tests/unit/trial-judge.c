#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial-impl.h"
#include "weir/base/util.h"
#include "weir/core/sentence.h"

#define EPOCH INT64_C(1700000000) /* second 0 of a trial */
#define SETTLED 100               /* seconds, before which absolute rules speak */
#define BOUNDS 80                 /* of latencies added up at the source */
#define SEEN_S 5                  /* over which it is asked whether a fault shows */
#define BUSY 5.0
#define LEFT_S 15
#define EXCESS_S .0005
#define FACTS_AFTER_S 15

static const char *
node_name(void *ctx, uint32_t node)
{
	static char name[4][24];
	static unsigned at;
	const struct trial_world *w = ctx;
	static const char *const roles[] = { "user", "service", "consumer", "store" };

	at = (at + 1) % 4;
	snprintf(name[at], sizeof(name[at]), "%s-%u", roles[w->node[node].role], node);
	return name[at];
}

static const char *
op_name(void *ctx, uint32_t op)
{
	static const char *const names[TRIAL_OPS] = { "op-0", "op-1", "op-2", "op-3" };

	(void)ctx;
	return names[op];
}

/* ---------------------------------------------------------------- when it shows */

static double
duration(const struct trial_event *x)
{
	if (x->queue_s >= 0)
		return (double)x->queue_s + (double)x->server_s;
	return (double)(x->latency_s >= 0 ? x->latency_s : x->server_s);
}

static bool
shows(const struct trial_world *w, const struct trial_event *x)
{
	const struct trial_truth *t = &w->truth;
	const struct trial_edge *e = &w->edge[x->edge];

	if (t->hop != TRIAL_NONE)
		return x->edge == t->hop && (t->op == TRIAL_OPS || x->op == t->op);
	return e->dst == t->node[0];
}

struct sight {
	double n, sum, failed, harmed; /* of the last seconds */
};

static void
sight_add(struct sight *s, const struct trial_event *x, double sign)
{
	s->n += sign;
	s->sum += sign * duration(x);
	s->failed += sign * x->failed;
	s->harmed += sign * x->harmed;
}

static bool
is_clear(const struct sight *now, const struct sight *before)
{
	double usual = before->sum / before->n, mean = now->sum / now->n;

	return now->harmed >= 3 &&
	       ((mean >= 2 * usual && mean - usual >= EXCESS_S) ||
		       now->failed / now->n - before->failed / before->n >= .2);
}

/* Calls that are missing show when the last ones are in, and a dozen others are due. */
static double
missing_shows(const struct trial_world *w, const struct sight *before)
{
	const struct trial_harm *h = &w->harm[0];
	double last = w->begin;
	bool mute = h->kind == TRIAL_SILENT ||
		    (h->kind == TRIAL_KILL && trial_is(w, TRIAL_IS_SERVERS) &&
			    w->node[h->node].role != ROLE_STORE);

	if (!mute || before->n / w->begin < BUSY)
		return -1;
	for (size_t i = 0; i < w->events && w->event[i].arrive_s < w->begin + 20; i++)
		if (shows(w, &w->event[i]))
			last = MAX(last, w->event[i].arrive_s);
	return last + 12 / (before->n / w->begin);
}

/* Is it there for longer than a moment of luck? */
static bool
is_lasting(const struct trial_world *w, double from, const struct sight *before)
{
	struct sight all = { 0 };

	for (size_t i = 0; i < w->events && w->event[i].arrive_s < w->end; i++)
		if (w->event[i].arrive_s >= from && shows(w, &w->event[i]))
			sight_add(&all, &w->event[i], 1);
	return is_clear(&all, before);
}

/* The second in which the fault can be seen by its requests; negative: it cannot. */
static double
find_visible(const struct trial_world *w)
{
	struct sight now = { 0 }, before = { 0 };
	size_t last = 0;
	double at;

	for (size_t i = 0; i < w->events; i++)
		if (w->event[i].arrive_s < w->begin && shows(w, &w->event[i]))
			sight_add(&before, &w->event[i], 1);
	if (w->cold) /* that it is slow is all there is to see */
		before.n = 1;
	else if (before.n / w->begin < BUSY)
		return -1;
	at = w->cold ? -1 : missing_shows(w, &before);
	if (at >= 0)
		return at;
	for (size_t i = 0; i < w->events && w->event[i].arrive_s < w->end - LEFT_S; i++) {
		const struct trial_event *x = &w->event[i];

		if (shows(w, x))
			sight_add(&now, x, 1);
		for (; w->event[last].arrive_s <= x->arrive_s - SEEN_S; last++)
			if (shows(w, &w->event[last]))
				sight_add(&now, &w->event[last], -1);
		if (shows(w, x) && is_clear(&now, &before) &&
			(!w->cold || now.n >= BUSY * SEEN_S))
			return is_lasting(w, x->arrive_s, &before) ? x->arrive_s : -1;
	}
	return -1;
}

/* ---------------------------------------------------------------- how it is told */

static int64_t
micro(float s)
{
	return s < 0 ? FLOW_UNKNOWN : MAX((int64_t)((double)s * 1e6), 1);
}

static struct verdict_obs
as_observed(const struct trial_world *w, const struct trial_event *x)
{
	const struct trial_edge *e = &w->edge[x->edge];

	return (struct verdict_obs){ .src = e->src,
		.dst = e->dst,
		.kind = e->kind,
		.op = e->ops > 1 ? x->op : VERDICT_NONE,
		.end_us = EPOCH * SEC_US + (int64_t)(x->end_s * 1e6),
		.latency_us = micro(x->latency_s >= 0 ? x->latency_s : x->server_s),
		.server_us = micro(x->server_s),
		.queue_us = micro(x->queue_s),
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = x->calls,
		.failed = x->failed ? x->calls : 0 };
}

/* What a source has added up of one operation since it was last told. */
struct sums {
	uint64_t calls, failed;
	uint32_t latency[BOUNDS], server[BOUNDS], queue[BOUNDS];
	bool server_known, queue_known;
};

struct told {
	const struct trial_world *w;
	struct verdict *v;
	struct sums **sums; /* by edge and operation, while added up */
	int64_t bound_us[BOUNDS];
	unsigned every_s;
};

static void
add_up(struct told *t, const struct trial_event *x)
{
	struct sums **s = &t->sums[x->edge * TRIAL_OPS + x->op];
	const struct verdict_obs o = as_observed(t->w, x);
	const int64_t us[3] = { o.latency_us, o.server_us, o.queue_us };

	if (!*s)
		*s = xcalloc(1, sizeof(**s));
	(*s)->calls += x->calls;
	(*s)->failed += o.failed;
	(*s)->server_known |= o.server_us >= 0;
	(*s)->queue_known |= o.queue_us >= 0;
	for (unsigned k = 0; k < 3; k++) {
		uint32_t *count = k == 0   ? (*s)->latency
				  : k == 1 ? (*s)->server
					   : (*s)->queue;
		unsigned b = 0;

		while (us[k] >= 0 && us[k] > t->bound_us[b])
			b++;
		if (us[k] >= 0)
			count[b] += x->calls;
	}
}

static void
tell_sums(struct told *t, int64_t sec)
{
	for (uint32_t i = 0; i < t->w->edges * TRIAL_OPS; i++) {
		const struct trial_edge *e = &t->w->edge[i / TRIAL_OPS];
		struct sums *s = t->sums[i];
		struct delta d;

		if (!s || !s->calls)
			continue;
		d = (struct delta){ .kind = e->kind,
			.end_us = (EPOCH + sec) * SEC_US - 1,
			.span_us = t->every_s * SEC_US,
			.calls = s->calls,
			.errors = s->failed,
			.bytes_in = FLOW_UNKNOWN,
			.bytes_out = FLOW_UNKNOWN,
			.latency = { t->bound_us, s->latency, BOUNDS } };
		if (s->server_known)
			d.server = (struct buckets){ t->bound_us, s->server, BOUNDS };
		if (s->queue_known)
			d.queue = (struct buckets){ t->bound_us, s->queue, BOUNDS };
		verdict_observe_delta(t->v, &d, e->src, e->dst,
			e->ops > 1 ? i % TRIAL_OPS : VERDICT_NONE, NULL,
			(EPOCH + sec) * SEC_US);
		*s = (struct sums){ .calls = 0 };
	}
}

static void
told_init(struct told *t, const struct trial_world *w, struct verdict *v)
{
	*t = (struct told){ .w = w, .v = v };
	if (!trial_is(w, TRIAL_IS_ADDED_UP))
		return;
	t->every_s = (unsigned[]){ 1, 5, 10 }[w->events % 3];
	t->sums = xcalloc((size_t)w->edges * TRIAL_OPS, sizeof(*t->sums));
	for (unsigned i = 0; i < BOUNDS; i++)
		t->bound_us[i] =
			i + 1 < BOUNDS ? (int64_t)(100 * pow(1.19, i)) : INT64_MAX;
}

static void
told_done(struct told *t)
{
	for (uint32_t i = 0; t->sums && i < t->w->edges * TRIAL_OPS; i++)
		free(t->sums[i]);
	free(t->sums);
}

static void
tell(struct told *t, const struct trial_event *x)
{
	struct verdict_obs o;

	if (t->sums) {
		add_up(t, x);
		return;
	}
	o = as_observed(t->w, x);
	verdict_observe(t->v, &o, EPOCH * SEC_US + (int64_t)(x->arrive_s * 1e6));
}

/* ---------------------------------------------------------------- what is right */

static bool
is_right(const struct trial_world *w, const struct verdict_cause *c)
{
	const struct trial_truth *t = &w->truth;
	const struct trial_edge *e = t->edge == TRIAL_NONE ? NULL : &w->edge[t->edge];

	if (t->node_right && (c->node == t->node[0] || c->node == t->node[1]))
		return true;
	/* Of a killed service without a voice only the missing calls can be told. */
	if (w->fault == TRIAL_KILL && c->kind == ANOMALY_SILENT && c->dst == t->node[0])
		return true;
	return e && c->src == e->src && c->dst == e->dst;
}

static void
write_truth(const struct trial_world *w, struct trial_result *r)
{
	const struct trial_truth *t = &w->truth;
	const struct trial_harm *h = &w->harm[0];
	char *to = r->truth;
	size_t n = sizeof(r->truth);
	int k = 0;

	if (t->node[0] != TRIAL_NONE)
		k += snprintf(to + k, n - (size_t)k, "%s",
			node_name((void *)(uintptr_t)w, t->node[0]));
	if (t->node[1] != TRIAL_NONE)
		k += snprintf(to + k, n - (size_t)k, " or %s",
			node_name((void *)(uintptr_t)w, t->node[1]));
	if (t->edge != TRIAL_NONE)
		k += snprintf(to + k, n - (size_t)k, " (%s -> %s)",
			node_name((void *)(uintptr_t)w, w->edge[t->edge].src),
			node_name((void *)(uintptr_t)w, w->edge[t->edge].dst));
	snprintf(to + k, n - (size_t)k, " x%.1f +%.0f ms, %.0f %% fail, %.0f..%.0f s",
		h->times, 1e3 * h->add_s, 100 * h->fail, w->begin, w->end);
}

/* ---------------------------------------------------------------- facts */

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct sample {
	double *value, n, failed;
	size_t used;
};

/* The requests of a cause's hop that ended in [@from, @to) and were in at @now. */
static void
take_sample(const struct trial_world *w, const struct verdict_cause *c, double from,
	double to, double now, struct sample *s)
{
	s->n = s->failed = 0;
	s->used = 0;
	for (size_t i = 0; i < w->events && w->event[i].arrive_s < now; i++) {
		const struct trial_event *x = &w->event[i];
		const struct trial_edge *e = &w->edge[x->edge];
		bool msg = e->kind == KIND_MSG;

		if (e->src != c->src || e->dst != c->dst || e->kind != c->edge_kind ||
			x->end_s < from || x->end_s >= to)
			continue;
		if (e->ops > 1 && c->op != VERDICT_NONE && x->op != c->op)
			continue;
		s->n += x->calls;
		s->failed += x->failed ? x->calls : 0;
		s->value[s->used++] = (double)(msg                 ? x->server_s
					       : x->latency_s >= 0 ? x->latency_s
								   : x->server_s);
	}
	qsort(s->value, s->used, sizeof(*s->value), by_size);
}

static double
quantile(const struct sample *s, double q)
{
	size_t i = (size_t)ceil(q * (double)s->used - 1e-9);

	return s->used ? s->value[MIN(MAX(i, 1), s->used) - 1] : 0;
}

static bool
near_us(int64_t said, double truth_s, double tolerance)
{
	double x = (double)said / 1e6;

	/* The resolution of the whole microseconds that are told. */
	return said >= 0 && fabs(x - truth_s) <= tolerance * truth_s + 2e-6;
}

/* Is there a window, of those that may have been judged, of which the numbers are true? */
static void
check_seen(const struct trial_world *w, const struct verdict_cause *c, double now,
	struct sample *s, uint32_t *wrong)
{
	const struct verdict_numbers *n = &c->numbers;
	double span = (double)n->window_us / 1e6;
	bool n_right = false, seen_right = false, ratio_right = false;

	for (double to = floor(now); to >= now - 17; to--) {
		take_sample(w, c, to - span, to, now, s);
		if (fabs(s->n - n->calls) > .01 * s->n || s->used == 0)
			continue;
		n_right = true;
		seen_right |= near_us(n->p50_us, quantile(s, .5), .07) &&
			      near_us(n->p95_us, quantile(s, .95), .07) &&
			      near_us(n->p99_us, quantile(s, .99), .07);
		/* Failures are always told of the whole edge. */
		ratio_right |= c->op != VERDICT_NONE ||
			       fabs(n->error_ratio - s->failed / s->n) < .01;
	}
	*wrong |= (uint32_t)!n_right << TRIAL_FACT_N;
	*wrong |= (uint32_t)!seen_right << TRIAL_FACT_SEEN;
	*wrong |= (uint32_t)!ratio_right << TRIAL_FACT_ERROR_RATIO;
}

static void
check_facts(const struct trial_world *w, const struct verdict_cause *c, double now,
	struct trial_result *r)
{
	const struct verdict_numbers *n = &c->numbers;
	struct sample s = { .value = xcalloc(w->events + 1, sizeof(double)) };
	uint32_t wrong = 0, checked = 0;
	const struct trial_harm *h = &w->harm[0];
	double since = (double)(c->since_us - EPOCH * SEC_US) / 1e6;

	if (c->kind == ANOMALY_LATENCY || c->kind == ANOMALY_ERRORS) {
		if (!trial_is(w, TRIAL_IS_ADDED_UP)) {
			check_seen(w, c, now, &s, &wrong);
			checked |= 1u << TRIAL_FACT_N | 1u << TRIAL_FACT_SEEN |
				   1u << TRIAL_FACT_ERROR_RATIO;
		}
		take_sample(w, c, 0, w->begin, w->begin, &s);
		if (s.used >= 1000 && n->usual_p50_us >= 0) {
			checked |= 1u << TRIAL_FACT_USUAL;
			/* What is usual has its own daily wave and noise. */
			wrong |= (uint32_t)(!near_us(n->usual_p50_us, quantile(&s, .5),
						    .2) ||
					    !near_us(n->usual_p95_us, quantile(&s, .95),
						    .3) ||
					    !near_us(n->usual_p99_us, quantile(&s, .99),
						    .5))
				 << TRIAL_FACT_USUAL;
		}
	}
	if (w->truth.op < TRIAL_OPS && c->kind == ANOMALY_LATENCY) {
		checked |= 1u << TRIAL_FACT_OP;
		wrong |= (uint32_t)(c->op != w->truth.op) << TRIAL_FACT_OP;
	}
	if (h->ramp_s <= 0 && w->fault != TRIAL_TWO && c->since_us >= 0 &&
		r->visible_s >= 0) {
		checked |= 1u << TRIAL_FACT_SINCE;
		wrong |= (uint32_t)(since < w->begin - 6 ||
				    since > w->begin + MAX(r->visible_s, 0) + 6)
			 << TRIAL_FACT_SINCE;
	}
	if (w->harms == 1 && c->explained && c->kind == ANOMALY_LATENCY) {
		checked |= 1u << TRIAL_FACT_EXPLAINS;
		wrong |= (uint32_t)(c->explains[0].share < .6) << TRIAL_FACT_EXPLAINS;
	}
	r->checked = checked;
	r->wrong = wrong;
	free(s.value);
}

/* ---------------------------------------------------------------- every second */

struct judge {
	const struct trial_world *w;
	const struct verdict_options *o;
	struct trial_result *r;
	double visible, over; /* over: the last effect of the fault was heard of */
	uint32_t named;
	bool said, checked, verbose;
};

static void
write_sentence(const struct judge *j, const struct verdict_cause *c, char *to, size_t n)
{
	static const struct sentence_style style = { .ascii = true };
	struct sentence s = { .n = 0 };

	sentence_write(&s, c, j->o, &style);
	snprintf(to, n, "%s", s.text);
}

static void
judge_quiet(struct judge *j, const struct verdict_cause *c, uint32_t n)
{
	j->r->quiet_s++;
	if (n && !j->said) {
		j->r->false_verdicts++;
		write_sentence(j, c, j->r->unfounded, sizeof(j->r->unfounded));
	}
	j->said = n > 0;
}

static void
judge_fault(struct judge *j, const struct verdict_cause *c, uint32_t n, double at)
{
	struct trial_result *r = j->r;
	bool top = false;

	if (!n)
		return;
	if (r->said++ && c->node != j->named)
		r->changes++;
	j->named = c->node;
	for (uint32_t i = 0; i < MIN(n, 3u); i++)
		top |= is_right(j->w, &c[i]);
	r->top += top;
	if (!is_right(j->w, c)) {
		write_sentence(j, c, r->wrongly, sizeof(r->wrongly));
		return;
	}
	r->right++;
	if (r->named_s < 0) {
		r->named_s = (int)(at - (j->visible >= 0 ? j->visible : j->w->begin));
		r->named_s = MAX(r->named_s, 0);
		write_sentence(j, c, r->first, sizeof(r->first));
	}
	if (!j->checked && at >= j->w->begin + FACTS_AFTER_S && r->right >= 5) {
		j->checked = true;
		check_facts(j->w, c, at, r);
	}
}

static void
judge_second(struct judge *j, struct verdict *v, double at)
{
	const struct trial_world *w = j->w;
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(v, &n);

	if (j->verbose && n)
		for (uint32_t i = 0; i < MIN(n, 3u); i++) {
			char text[SENTENCE_BYTES];

			write_sentence(j, &c[i], text, sizeof(text));
			fprintf(stderr, "%s%7.0f %s%s [%s %.3g]\n", i ? "   " : "",
				at - w->begin, is_right(w, &c[i]) ? "+ " : "- ", text,
				anomaly_word(c[i].kind), c[i].score);
		}
	if (at < w->begin || w->fault == TRIAL_QUIET) {
		if (at >= SETTLED)
			judge_quiet(j, c, n);
	} else if (at <= w->end) {
		judge_fault(j, c, n, at);
	} else if (n) {
		j->r->cleared_s = -1;
	} else if (j->r->cleared_s < 0) {
		j->r->cleared_s = MAX((int)(at - j->over), 0);
	}
}

bool
trial_passed(const struct trial_result *r)
{
	return r->named_s >= 0 && r->right >= .8 * r->said;
}

void
trial_run(uint64_t seed, enum trial_fault fault, bool verbose, struct trial_result *ret)
{
	struct trial_world w;
	struct verdict_options o = {
		.node_name = node_name, .op_name = op_name, .ctx = &w
	};
	struct judge j = { .w = &w, .o = &o, .r = ret, .verbose = verbose };
	struct verdict *v = verdict_new(&o);
	struct told told;
	size_t next = 0;

	trial_world_make(&w, seed, fault);
	w.cold = w.fault == TRIAL_COLD;
	trial_simulate(&w);
	*ret = (struct trial_result){ .fault = w.fault,
		.conditions = w.conditions,
		.services = w.nodes,
		.edges = w.edges,
		.events = (uint32_t)w.events,
		.named_s = -1,
		.cleared_s = -1,
		.visible_s = -1 };
	j.visible = w.fault == TRIAL_QUIET ? -1 : find_visible(&w);
	if (j.visible >= 0) {
		ret->visible = true;
		ret->visible_s = (int)(j.visible - w.begin);
	}
	if (w.fault != TRIAL_QUIET)
		write_truth(&w, ret);
	j.over = w.end;
	for (size_t i = 0; i < w.events; i++)
		if (w.event[i].harmed)
			j.over = MAX(j.over, w.event[i].arrive_s);
	told_init(&told, &w, v);
	for (int64_t sec = 1; sec <= (int64_t)w.total; sec++) {
		for (; next < w.events && w.event[next].arrive_s < (double)sec; next++)
			tell(&told, &w.event[next]);
		if (told.sums && sec % told.every_s == 0)
			tell_sums(&told, sec);
		verdict_tick(v, (EPOCH + sec) * SEC_US);
		judge_second(&j, v, (double)sec);
	}
	told_done(&told);
	verdict_free(v);
	trial_world_done(&w);
}

/* ---------------------------------------------------------------- words */

const char *
trial_fault_word(enum trial_fault f)
{
	static const char *const words[] = {
#define X(id, word) word,
		TRIAL_FAULTS(X)
#undef X
	};

	return words[f];
}

const char *
trial_condition_word(enum trial_condition c)
{
	static const char *const words[] = {
#define X(id, word) word,
		TRIAL_CONDITIONS(X)
#undef X
	};

	return words[c];
}

const char *
trial_fact_word(enum trial_fact f)
{
	static const char *const words[] = {
#define X(id, word) word,
		TRIAL_FACTS(X)
#undef X
	};

	return words[f];
}
