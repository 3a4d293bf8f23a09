/*
 * Absolute thresholds and one hop of reasoning, repeated: each edge that is over a
 * threshold points at the edge behind it that explains it best; where the pointers
 * end is a cause. In a ring of pointers the worst edge is taken for the cause.
 * O(nodes + edges).
 */
#include "config.h"

#include "weir/core/severity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/buf.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/core/snap.h"

#define NONE UINT32_MAX

/* The share of an edge's latency or errors that makes the edge behind it the reason. */
#define MOST 0.5

/* A cause this much lighter than the first is shown as a victim. */
#define LEADING 0.3

/* So few failures may be chance, whatever share they are. */
#define ERRORS_WARN 2
#define ERRORS_CRIT 3

/* Of the troubled edges behind a node only so many are looked at. */
#define BEHIND_MAX 256

/* Cells of a name in the headline. */
#define NAME_WIDTH 32

enum channel {
	LATENCY,
	ERRORS,
	QUEUE,
	CHANNELS
};

struct finding {
	enum severity over[CHANNELS]; /* by threshold alone */
	enum severity worst;
	uint32_t reason;  /* the edge that explains it, or NONE */
	uint32_t cause;   /* where the reasons end */
	uint32_t victims; /* edges whose cause it is */
	bool walked;
};

struct judge {
	struct snap *s;
	const struct thresholds *t;
	struct finding *v;      /* by edge */
	uint32_t *first, *next; /* troubled edges by their src node */
};

const char *
severity_word(enum severity s)
{
	static const char *const words[] = { "idle", "ok", "warn", "crit" };

	return (unsigned)s < SEV_COUNT ? words[s] : words[SEV_OK];
}

enum severity
severity_of_latency(const struct thresholds *t, int64_t us)
{
	return us >= t->crit_p99_us ? SEV_CRIT : us >= t->warn_p99_us ? SEV_WARN : SEV_OK;
}

enum severity
severity_of_errors(const struct thresholds *t, double ratio)
{
	return ratio >= t->crit_errors   ? SEV_CRIT
	       : ratio >= t->warn_errors ? SEV_WARN
					 : SEV_OK;
}

/* What is put up with on one edge takes the place of the limits of all. */
static struct thresholds
thresholds_of(const struct thresholds *t, const struct snap_edge *e)
{
	const struct tolerance *own = &e->tolerance;
	struct thresholds r = *t;

	if (own->p99_us > 0) {
		r.warn_p99_us = own->p99_us;
		r.crit_p99_us = (int64_t)((double)own->p99_us * (double)t->crit_p99_us /
					  (double)MAX(t->warn_p99_us, 1));
	}
	if (own->error_ratio > 0) {
		r.warn_errors = own->error_ratio;
		r.crit_errors = MIN(
			own->error_ratio * t->crit_errors / fmax(t->warn_errors, 1e-6),
			1.0);
	}
	return r;
}

static enum severity
grade_errors(const struct thresholds *t, const struct snap_stat *stat)
{
	double ratio = (double)stat->errors / (double)MAX(stat->calls, 1);

	if (stat->calls < t->min_samples)
		return SEV_OK;
	if (ratio >= t->crit_errors && stat->errors >= ERRORS_CRIT)
		return SEV_CRIT;
	return ratio >= t->warn_errors && stat->errors >= ERRORS_WARN ? SEV_WARN : SEV_OK;
}

/*
 * Of several causes only those that hurt about as much as the first are marked as such:
 * when everything suffers, a screen full of them would name nobody.
 */
static bool
is_leading(const struct snap *s, const struct snap_cause *c)
{
	return c->score >= LEADING * s->cause[0].score;
}

static enum severity
grade_part(const struct snap *s, const struct snap_edge *e)
{
	if (e->part != PART_CAUSE)
		return e->part == PART_VICTIM ? SEV_WARN : SEV_OK;
	for (uint32_t i = 0; i < s->causes; i++)
		if (s->cause[i].edge == e->key && !is_leading(s, &s->cause[i]))
			return SEV_WARN;
	return SEV_CRIT;
}

static void
grade(struct judge *j, uint32_t i)
{
	const struct snap_edge *e = &j->s->edge[i];
	struct finding *v = &j->v[i];
	const struct thresholds t = thresholds_of(j->t, e);
	bool enough = e->stat.samples >= t.min_samples;

	v->reason = NONE;
	v->over[LATENCY] = enough ? severity_of_latency(&t, e->stat.p99_us) : SEV_OK;
	v->over[ERRORS] = grade_errors(&t, &e->stat);
	v->over[QUEUE] = e->stat.calls >= t.min_samples
				 ? severity_of_latency(&t, e->queue_p99_us)
				 : SEV_OK;
	/* What is learnt knows better than a threshold: an edge may be slow every day. */
	for (unsigned c = 0; c < CHANNELS && e->usual.learnt; c++)
		v->over[c] = SEV_OK;
	v->worst = grade_part(j->s, e);
	for (unsigned c = 0; c < CHANNELS; c++)
		v->worst = MAX(v->worst, v->over[c]);
	/* An edge that fell silent while it was over stays what it was: a full stall is no calm. */
	if (e->stat.calls == 0 || (e->idle && v->worst == SEV_OK))
		v->worst = SEV_IDLE;
}

/* Nobody waits for what a queue hands on. */
static bool
is_async(const struct judge *j, const struct snap_edge *e)
{
	return e->queue_p99_us >= 0 || j->s->node[e->src].kind == NODE_QUEUE;
}

static bool
holds_latency(const struct judge *j, uint32_t behind, uint32_t i)
{
	const struct snap_edge *f = &j->s->edge[behind], *e = &j->s->edge[i];

	return j->v[behind].over[LATENCY] >= SEV_WARN && !is_async(j, f) &&
	       (double)f->stat.p99_us >= MOST * (double)e->stat.p99_us;
}

static bool
holds_errors(const struct judge *j, uint32_t behind, uint32_t i)
{
	const struct snap_stat *f = &j->s->edge[behind].stat, *e = &j->s->edge[i].stat;

	return j->v[behind].over[ERRORS] >= SEV_WARN &&
	       (double)f->errors >= MOST * (double)e->errors;
}

/*
 * Does the edge explain all that @i is over for? Latency behind it also explains
 * errors (calls given up) where it explains the latency, and a growing queue.
 */
static bool
explains(const struct judge *j, uint32_t behind, uint32_t i)
{
	const struct finding *v = &j->v[i];
	bool slow = holds_latency(j, behind, i);

	if (behind == i || j->v[behind].worst < SEV_WARN)
		return false;
	if (v->over[LATENCY] >= SEV_WARN && !slow)
		return false;
	if (v->over[ERRORS] >= SEV_WARN && !holds_errors(j, behind, i) &&
		!(slow && v->over[LATENCY] >= SEV_WARN))
		return false;
	return v->over[QUEUE] < SEV_WARN || slow;
}

/* The greater, the worse; compares edges that are over a threshold. */
static double
badness(const struct judge *j, uint32_t i)
{
	const struct snap_edge *e = &j->s->edge[i];
	const struct finding *v = &j->v[i];
	double worst = 0;

	if (v->over[LATENCY] >= SEV_WARN)
		worst = MAX(worst,
			(double)e->stat.p99_us / (double)MAX(j->t->warn_p99_us, 1));
	if (v->over[QUEUE] >= SEV_WARN)
		worst = MAX(worst,
			(double)e->queue_p99_us / (double)MAX(j->t->warn_p99_us, 1));
	if (v->over[ERRORS] >= SEV_WARN)
		worst = MAX(worst, (double)e->stat.errors / (double)e->stat.calls /
					   MAX(j->t->warn_errors, 1e-6));
	return worst;
}

static void
find_reason(struct judge *j, uint32_t i)
{
	struct finding *v = &j->v[i];
	unsigned looked = 0;

	if (v->worst < SEV_WARN)
		return;
	for (uint32_t f = j->first[j->s->edge[i].dst]; f != NONE && looked < BEHIND_MAX;
		f = j->next[f], looked++)
		if (explains(j, f, i) &&
			(v->reason == NONE || badness(j, f) > badness(j, v->reason)))
			v->reason = f;
}

/* Make the worst edge of the ring that @i is in a cause. */
static void
break_ring(struct judge *j, uint32_t i)
{
	uint32_t worst = i;

	for (uint32_t k = j->v[i].reason; k != i; k = j->v[k].reason)
		if (badness(j, k) > badness(j, worst))
			worst = k;
	j->v[worst].reason = NONE;
}

static void
break_rings(struct judge *j)
{
	uint32_t *path = xmalloc(j->s->edges * sizeof(*path));

	for (uint32_t i = 0; i < j->s->edges; i++) {
		uint32_t n = 0, k = i;

		for (; k != NONE && !j->v[k].walked; k = j->v[k].reason) {
			j->v[k].walked = true;
			path[n++] = k;
		}
		/* Ended on an edge of this very walk: that one is in a ring. */
		for (uint32_t p = 0; p < n && k != NONE; p++)
			if (path[p] == k) {
				break_ring(j, k);
				break;
			}
	}
	free(path);
}

/* Follow the reasons of every edge to their end; each step is taken once. */
static void
find_causes(struct judge *j)
{
	uint32_t *path = xmalloc(j->s->edges * sizeof(*path));

	for (uint32_t i = 0; i < j->s->edges; i++)
		j->v[i].cause = j->v[i].reason == NONE ? i : NONE;
	for (uint32_t i = 0; i < j->s->edges; i++) {
		uint32_t n = 0, k = i;

		for (; j->v[k].cause == NONE; k = j->v[k].reason)
			path[n++] = k;
		while (n)
			j->v[path[--n]].cause = j->v[k].cause;
	}
	free(path);
}

static void
blame(struct judge *j)
{
	for (uint32_t i = 0; i < j->s->edges; i++) {
		struct finding *cause = &j->v[j->v[i].cause];

		if (cause == &j->v[i])
			continue;
		cause->victims++;
		cause->worst = MAX(cause->worst, j->v[i].worst);
	}
	for (uint32_t i = 0; i < j->s->edges; i++)
		j->s->edge[i].severity = j->v[i].reason == NONE
						 ? j->v[i].worst
						 : MIN(j->v[i].worst, SEV_WARN);
}

static void
grade_nodes(struct snap *s)
{
	bool *called = xcalloc(s->nodes, sizeof(*called));

	for (uint32_t i = 0; i < s->nodes; i++)
		s->node[i].severity = SEV_IDLE;
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];
		struct snap_node *dst = &s->node[e->dst];

		called[e->dst] = true;
		dst->severity = MAX(dst->severity, e->severity);
	}
	for (uint32_t i = 0; i < s->edges; i++) {
		struct snap_node *src = &s->node[s->edge[i].src];

		if (!called[s->edge[i].src] && s->edge[i].severity != SEV_IDLE)
			src->severity = SEV_OK;
	}
	/* A cause may be a caller: one that stopped calling, or calls too often. */
	for (uint32_t c = 0; c < s->causes; c++)
		for (uint32_t i = 0; i < s->nodes; i++)
			if (is_leading(s, &s->cause[c]) &&
				strcmp(s->node[i].name, s->cause[c].node) == 0)
				s->node[i].severity = SEV_CRIT;
	for (unsigned g = 0; g < SEV_COUNT; g++)
		s->sev_count[g] = 0;
	for (uint32_t i = 0; i < s->nodes; i++)
		s->sev_count[s->node[i].severity]++;
	free(called);
}

/* What the calls of @stat cost in all, roughly, from the quantiles that there are. */
static double
time_of(const struct snap_stat *stat)
{
	if (stat->p99_us < 0)
		return 0;
	return (double)stat->calls *
	       (0.6 * (double)stat->p50_us + 0.35 * (double)stat->p95_us +
		       0.05 * (double)stat->p99_us);
}

/* The operation that most of the trouble is with, or NULL when it is no single one. */
static const struct snap_op *
culprit(const struct snap *s, const struct snap_edge *e, enum channel c)
{
	const struct snap_op *worst = NULL;
	double most = 0, all = 0;

	for (uint32_t i = 0; i < e->ops; i++) {
		const struct snap_op *o = &s->op[e->first_op + i];
		double claim = c == ERRORS ? (double)o->stat.errors : time_of(&o->stat);

		all += claim;
		if (claim > most) {
			most = claim;
			worst = o;
		}
	}
	return worst && most > MOST * all ? worst : NULL;
}

static void
add_duration(struct buf *b, int64_t us)
{
	static const struct {
		int64_t us;
		const char *unit;
	} units[] = { { SEC_US, "s" }, { MSEC_US, "ms" }, { 1, "\xc2\xb5s" } };
	unsigned i = 0;
	double v;

	while (i < ARRAY_LEN(units) - 1 && us < units[i].us)
		i++;
	v = (double)us / (double)units[i].us;
	buf_addf(b, "%.*f %s", v < 10 && units[i].us > 1, v, units[i].unit);
}

static enum channel
main_channel(const struct finding *v)
{
	enum channel best = LATENCY;

	for (unsigned c = 1; c < CHANNELS; c++)
		if (v->over[c] > v->over[best])
			best = (enum channel)c;
	return best;
}

static void
add_numbers(
	struct buf *b, const struct snap_edge *e, const struct snap_op *o, enum channel c)
{
	const struct snap_stat *stat = o ? &o->stat : &e->stat;

	switch (c) {
	case ERRORS:
		buf_addf(b, ": %.0f %% errors (n=%ju)",
			100.0 * (double)stat->errors / (double)MAX(stat->calls, 1),
			(uintmax_t)stat->calls);
		break;
	case QUEUE:
		buf_adds(b, ": in the queue p99 ");
		add_duration(b, e->queue_p99_us);
		buf_addf(b, " (n=%ju)", (uintmax_t)e->stat.calls);
		break;
	default:
		buf_adds(b, stat->bounds_only ? ": p99 \xe2\x89\xa4 " : ": p99 ");
		add_duration(b, stat->p99_us);
		buf_addf(b, " (n=%ju)", (uintmax_t)stat->samples);
	}
}

static void
write_headline(struct judge *j, uint32_t i)
{
	struct snap *s = j->s;
	const struct snap_edge *e = &s->edge[i];
	enum channel c = main_channel(&j->v[i]);
	const struct snap_op *o = c == QUEUE ? NULL : culprit(s, e, c);
	struct buf b = BUF_INIT;

	text_fit(&b, str_of(s->node[e->src].name), NAME_WIDTH);
	buf_adds(&b, " \xe2\x86\x92 ");
	text_fit(&b, str_of(s->node[e->dst].name), NAME_WIDTH);
	sentence_add(&s->headline, 0, buf_str(&b));
	buf_clear(&b);
	if (o) {
		buf_addc(&b, ' ');
		text_fit(&b, str_of(o->op), NAME_WIDTH);
		sentence_add(&s->headline, 1, buf_str(&b));
		buf_clear(&b);
	}
	add_numbers(&b, e, o, c);
	sentence_add(&s->headline, 0, buf_str(&b));
	buf_done(&b);
}

/* The edge to speak of: the worst grade, then most victims, then worst numbers. */
static uint32_t
spokesman(const struct judge *j)
{
	uint32_t best = NONE;

	for (uint32_t i = 0; i < j->s->edges; i++) {
		const struct finding *v = &j->v[i], *w;

		if (j->s->edge[i].severity < SEV_WARN || v->reason != NONE)
			continue;
		w = best == NONE ? NULL : &j->v[best];
		if (!w || v->worst > w->worst ||
			(v->worst == w->worst &&
				(v->victims > w->victims ||
					(v->victims == w->victims &&
						badness(j, i) > badness(j, best)))))
			best = i;
	}
	return best;
}

void
severity_judge(struct snap *s, const struct thresholds *t)
{
	struct judge j = {
		.s = s,
		.t = t,
		.v = xcalloc(s->edges, sizeof(*j.v)),
		.first = xmalloc(s->nodes * sizeof(*j.first)),
		.next = xmalloc(s->edges * sizeof(*j.next)),
	};
	uint32_t best;

	for (uint32_t i = 0; i < s->nodes; i++)
		j.first[i] = NONE;
	for (uint32_t i = s->edges; i-- > 0;) {
		grade(&j, i);
		if (j.v[i].worst < SEV_WARN)
			continue;
		j.next[i] = j.first[s->edge[i].src];
		j.first[s->edge[i].src] = i;
	}
	for (uint32_t i = 0; i < s->edges; i++)
		find_reason(&j, i);
	break_rings(&j);
	find_causes(&j);
	blame(&j);
	grade_nodes(s);
	best = spokesman(&j);
	s->thresholds = *t;
	s->headline = (struct sentence){ .n = 0 };
	if (s->causes > 0)
		s->headline = s->cause[0].sentence;
	else if (best != NONE)
		write_headline(&j, best);
	free(j.v);
	free(j.first);
	free(j.next);
}
