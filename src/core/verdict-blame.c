/*
 * From alarms to ranked causes: the claims of each channel, one pass of blame for each,
 * and what is to be told of the nodes the blame stayed at.
 *
 * Channels are made comparable by what they cost somebody who waits: slowness its own
 * seconds, a failed request one second, a missing call a twentieth, so that it names a
 * culprit only where nothing louder does.
 */
#include "config.h"

#include "verdict-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define FAILURE_COST 1.0
#define MISSING_COST 0.05
#define SMALLEST 0.02  /* share of its channel a cause must have */
#define NAMED 0.1      /* share of the first cause's score that makes an edge a cause */
#define STICK 1.3      /* a rival must be so much worse for a window, */
#define STICK_FAST 3.0 /* or so much, to take the verdict over at once */
#define SUCCESSION_S 5u
#define WORST_KEPT .98      /* a second, while it lasts */
#define WORST_KEPT_AFTER .9 /* and after it */
#define MORE_CALLS 1.5      /* times the usual: worth telling */

static const enum anomaly channel_kinds[] = {
	[CHANNEL_ERRORS] = ANOMALY_ERRORS,
	[CHANNEL_LATENCY] = ANOMALY_LATENCY,
	[CHANNEL_MISSING] = ANOMALY_SILENT,
	[CHANNEL_COLD] = ANOMALY_COLD,
};

/* ---------------------------------------------------------------- one cause */

/* The edge over which most of the blame came to @node. */
static uint32_t
hop_to(const struct verdict *v, uint32_t node)
{
	uint32_t best = NONE;

	for (uint32_t i = v->node[node].first_in; i != NONE; i = v->edge[i]->in_next) {
		double f = blame_flow(v->blame, i), claims = blame_claim(v->blame, i);

		if (claims <= 0)
			continue;
		if (best == NONE || f > blame_flow(v->blame, best) ||
			(f == blame_flow(v->blame, best) &&
				claims > blame_claim(v->blame, best)))
			best = i;
	}
	return best;
}

/* Of several callers of the hop's callee, does one alone suffer? */
static bool
suffers_alone(const struct verdict *v, uint32_t hop)
{
	const struct edge *h = v->edge[hop];
	unsigned callers = 0, hurt = 0;

	for (uint32_t i = v->node[h->dst].first_in; i != NONE; i = v->edge[i]->in_next) {
		const struct score *s = &v->edge[i]->score;

		if (s->calls < MIN_CALLS)
			continue;
		callers++;
		hurt += (double)s->z >= v->o.anomaly.z_close;
	}
	return callers > 1 && hurt == 1;
}

static void
tell_callees(const struct verdict *v, uint32_t node, struct verdict_cause *c)
{
	for (uint32_t i = v->node[node].first_out; i != NONE; i = v->edge[i]->out_next) {
		const struct edge *e = v->edge[i];
		double times =
			e->score.volume_usual > 0
				? edge_calls_now(v, e) / (double)e->score.volume_usual
				: 0;

		if (e->alarm[ANOMALY_SURGE].on && times >= MORE_CALLS &&
			times > c->more) {
			c->more_dst = v->node[e->dst].id;
			c->more = times;
		}
		if (edge_is_new(v, e) && e->score.calls > 0 &&
			v->sec - edge_newest(v, e) < W)
			c->new_dst = v->node[e->dst].id;
	}
}

static void
tell_missing(const struct verdict *v, uint32_t node, struct verdict_cause *c)
{
	const struct edge *worst = NULL;
	double most = 0;

	for (uint32_t i = v->node[node].first_out; i != NONE; i = v->edge[i]->out_next) {
		const struct edge *e = v->edge[i];
		double missing = (double)e->score.volume_usual - edge_calls_now(v, e);

		if (missing > most && edge_blames(v, e, CHANNEL_MISSING)) {
			most = missing;
			worst = e;
		}
	}
	if (!worst)
		return;
	c->kind = worst->alarm[ANOMALY_DROP].on && !worst->alarm[ANOMALY_SILENT].on
			  ? ANOMALY_DROP
			  : ANOMALY_SILENT;
	c->src = v->node[worst->src].id;
	c->dst = v->node[worst->dst].id;
	c->edge_kind = (enum flow_kind)worst->kind;
	c->since_us = (int64_t)worst->onset * SEC_US;
	edge_numbers(v, worst, NONE, &c->numbers);
	c->numbers.rate = edge_calls_now(v, worst) / W;
}

static void
tell_explained(
	const struct verdict *v, uint32_t node, uint32_t hop, struct verdict_cause *c)
{
	for (uint32_t i = 0; i < blame_entries(v->blame); i++) {
		struct blame_entry entry = blame_entry(v->blame, i);
		const struct edge *e = v->edge[entry.edge];
		double share = blame_share(v->blame, i, node);

		if (share < .05 || entry.edge == hop ||
			c->explained == VERDICT_MAX_EXPLAINS)
			continue;
		c->explains[c->explained++] =
			(struct verdict_explains){ v->node[e->src].id, v->node[e->dst].id,
				share };
	}
}

/* The one operation that more than half of it is with, as stream index, or NONE. */
static uint32_t
worst_stream(struct verdict *v, const struct edge *e, enum channel ch)
{
	const struct score *s = &e->score;
	double all = 0, most = 0;
	uint32_t worst = NONE;

	if (ch == CHANNEL_LATENCY)
		return s->op;
	for (uint32_t i = 0; i < e->streams; i++) {
		struct recent_sum *one = &v->sum_one;
		double has;

		recent_sum_clear(one);
		recent_read(&e->stream[i].recent, s->after, s->upto, one);
		has = ch == CHANNEL_ERRORS ? one->failed
					   : one->timed * recent_sum_mean(one);
		all += has;
		if (has <= most)
			continue;
		most = has;
		/* What is told of it must be true: over the limit by itself. */
		worst = ch == CHANNEL_COLD && recent_sum_quantile(one, .95) <
						      (double)cold_limit_us(v, e)
				? NONE
				: i;
	}
	return most > .5 * all ? worst : NONE;
}

static void
tell(struct verdict *v, enum channel ch, uint32_t node, struct verdict_cause *c)
{
	uint32_t hop = hop_to(v, node);
	const struct edge *e = hop == NONE ? NULL : v->edge[hop];
	const struct score *s = e ? &e->score : NULL;

	c->kind = channel_kinds[ch];
	c->since_us = FLOW_UNKNOWN;
	tell_explained(v, node, hop, c);
	if (e) {
		uint32_t stream = worst_stream(v, e, ch);

		c->src = v->node[e->src].id;
		c->dst = v->node[e->dst].id;
		c->edge_kind = (enum flow_kind)e->kind;
		c->async = edge_is_async(e);
		if (e->onset)
			c->since_us = (int64_t)e->onset * SEC_US;
		if (stream != NONE && e->stream[stream].op == NONE)
			stream = NONE;
		c->op = stream == NONE ? VERDICT_NONE : e->stream[stream].op;
		edge_numbers(v, e, stream, &c->numbers);
		if (ch == CHANNEL_LATENCY && e->alarm[ANOMALY_QUEUE].on &&
			s->wait_us > s->excess_us)
			c->kind = ANOMALY_QUEUE;
		if (ch == CHANNEL_LATENCY && suffers_alone(v, hop))
			c->only_src = c->src;
		c->also_slow = ch == CHANNEL_ERRORS && e->alarm[ANOMALY_LATENCY].on;
		c->failing_fast = ch == CHANNEL_ERRORS && s->warm &&
				  s->mean_us < .5f * s->usual_mean_us;
	}
	if (ch == CHANNEL_LATENCY || ch == CHANNEL_COLD)
		tell_callees(v, node, c);
	if (ch == CHANNEL_MISSING)
		tell_missing(v, node, c);
}

/* ---------------------------------------------------------------- ranking */

struct candidate {
	uint32_t node;
	enum channel channel;
	double score, own; /* of all channels; of this one */
};

struct ranking {
	struct candidate c[VERDICT_MAX_CAUSES];
	uint32_t n;
};

static void
rank(struct ranking *r, uint32_t node, enum channel ch, double score)
{
	uint32_t at = 0;
	struct candidate c = { node, ch, score, score };

	while (at < r->n && r->c[at].node != node)
		at++;
	if (at < r->n) {
		c.score += r->c[at].score;
		if (r->c[at].own > score) {
			c.channel = r->c[at].channel;
			c.own = r->c[at].own;
		}
		memmove(r->c + at, r->c + at + 1, (r->n - at - 1) * sizeof(*r->c));
		r->n--;
	}
	for (at = r->n; at && r->c[at - 1].score < c.score; at--)
		if (at < VERDICT_MAX_CAUSES)
			r->c[at] = r->c[at - 1];
	if (at < VERDICT_MAX_CAUSES)
		r->c[at] = c;
	r->n = MIN(r->n + 1, VERDICT_MAX_CAUSES);
}

static void
rank_channel(struct verdict *v, enum channel ch, struct ranking *r)
{
	double cost = ch == CHANNEL_ERRORS    ? FAILURE_COST
		      : ch == CHANNEL_MISSING ? MISSING_COST
					      : 1;

	for (uint32_t n = 0; n < v->nodes; n++) {
		double b = blame_node(v->blame, n);

		if (b > SMALLEST * blame_total(v->blame) && blame_reached(v->blame, n))
			rank(r, n, ch, b * cost);
	}
}

/*
 * The data of a callee may come later than that of its callers. Until it must be here,
 * a caller is not named for what may be its callee's doing.
 */
static bool
is_settled(const struct verdict *v, uint32_t node)
{
	uint32_t in = NONE, out = 0, since = NONE;

	for (uint32_t i = v->node[node].first_in; i != NONE; i = v->edge[i]->in_next) {
		const struct edge *e = v->edge[i];

		if (e->part == PART_CALM && !e->alarmed)
			continue;
		in = MIN(in, e->lag);
		for (unsigned a = 0; a < ANOMALY_COUNT; a++)
			if (e->alarm[a].on)
				since = MIN(since, e->alarm[a].since);
	}
	for (uint32_t i = v->node[node].first_out; i != NONE; i = v->edge[i]->out_next)
		if (v->pulse[i].newest + RING > v->sec)
			out = MAX(out, v->edge[i]->lag);
	return in == NONE || since == NONE || out <= in + 1 || v->sec - since >= out - in;
}

static bool
is_live(const struct verdict *v)
{
	for (uint32_t i = 0; i < v->actives; i++) {
		const struct edge *e = v->edge[v->active[i]];

		for (unsigned a = 0; a < ANOMALY_COUNT; a++)
			if (e->alarm[a].on && a <= ANOMALY_COLD &&
				((double)e->alarm[a].z >= v->o.anomaly.z_open ||
					a == ANOMALY_SILENT))
				return true;
	}
	return false;
}

static void
name(struct verdict *v, const struct ranking *r, uint32_t *ret_first)
{
	uint32_t at = NONE, top = NONE;

	for (uint32_t i = 0; i < r->n; i++) {
		if (r->c[i].node == v->named)
			at = i;
		if (top == NONE &&
			(r->c[i].node == v->named || is_settled(v, r->c[i].node)))
			top = i;
	}
	*ret_first = NONE;
	if (top == NONE)
		return;
	/*
	 * When the trouble ends, what hung on its cause drains a little later, and is no
	 * cause of its own: a new one needs evidence that is still coming in and, if there
	 * was another just now, some seconds of it and some size beside that.
	 */
	if (at == NONE) {
		if (v->rival != r->c[top].node)
			v->rival_since = v->sec;
		v->rival = r->c[top].node;
		if (!is_live(v) || r->c[top].score < NAMED * v->worst ||
			(v->named != NONE && v->sec - v->rival_since < SUCCESSION_S))
			return;
	}
	if (at != NONE && top != at) {
		uint32_t node = r->c[top].node;
		double times = r->c[top].score / r->c[at].score;

		if (v->rival != node || times < STICK)
			v->rival_since = v->sec;
		v->rival = node;
		if (!is_live(v) || (times < STICK_FAST && v->sec - v->rival_since < W) ||
			r->c[top].score < NAMED * v->worst)
			top = at;
	}
	*ret_first = top;
}

static void
mark(struct verdict *v, struct edge *e, enum verdict_part part)
{
	if (e->part == PART_CALM)
		v->parted[v->parts++] = e->index;
	e->part = part;
}

static void
mark_parts(struct verdict *v)
{
	for (uint32_t i = 0; i < v->parts; i++)
		v->edge[v->parted[i]]->part = PART_CALM;
	v->parts = 0;
	for (uint32_t i = 0; i < v->actives; i++) {
		struct edge *e = v->edge[v->active[i]];

		if (edge_blaming(v, e))
			mark(v, e, PART_VICTIM);
	}
	for (uint32_t i = 0; i < v->causes; i++) {
		const struct verdict_cause *c = &v->cause[i];
		const struct edge *e = verdict_find(v, c->src, c->dst, c->edge_kind);

		if (e && c->score >= NAMED * v->cause[0].score)
			mark(v, v->edge[e->index], PART_CAUSE);
	}
}

static void
announce(struct verdict *v, uint32_t node)
{
	if (node == v->named)
		return;
	v->named = node;
	v->rival = NONE;
	if (node == NONE)
		verdict_log(v, VERDICT_CLEARED, NULL, 0, NULL);
	else
		verdict_log(v, VERDICT_NAMED,
			verdict_find(v, v->cause[0].src, v->cause[0].dst,
				v->cause[0].edge_kind),
			v->cause[0].kind, &v->cause[0]);
}

/* Channel by channel, as telling needs the pass that found the blame; @ran is the last. */
static void
tell_all(struct verdict *v, const struct ranking *r, uint32_t first, unsigned *ran)
{
	struct verdict_cause *to;

	v->causes = r->n;
	for (unsigned ch = 0; ch < CHANNEL_COUNT; ch++) {
		bool used = false;

		for (uint32_t i = 0; i < r->n; i++)
			used |= r->c[i].channel == ch;
		if (!used)
			continue;
		if (ch != *ran)
			claims_run(v, ch);
		*ran = ch;
		if (r->c[first].channel == ch)
			why_keep(v, channel_kinds[ch]);
		for (uint32_t i = 0; i < r->n; i++) {
			if (r->c[i].channel != ch)
				continue;
			/* The named one first, the others in their order behind it. */
			to = &v->cause[i == first ? 0 : i < first ? i + 1 : i];
			*to = (struct verdict_cause){
				.node = v->node[r->c[i].node].id,
				.src = VERDICT_NONE,
				.dst = VERDICT_NONE,
				.op = VERDICT_NONE,
				.only_src = VERDICT_NONE,
				.more_dst = VERDICT_NONE,
				.new_dst = VERDICT_NONE,
				.score = r->c[i].score,
			};
			tell(v, ch, r->c[i].node, to);
		}
	}
}

static void
diagnose(struct verdict *v)
{
	struct ranking r = { .n = 0 };
	bool on[CHANNEL_COUNT] = { false }, any = false;
	uint32_t first = NONE;
	unsigned ran = CHANNEL_COUNT; /* whose pass the blame holds */
	bool fading;

	for (unsigned ch = 0; ch < CHANNEL_COUNT; ch++)
		any |= on[ch] = v->blaming[ch] > 0;
	if (any) {
		claims_gather(v);
		for (unsigned ch = 0; ch < CHANNEL_COUNT; ch++)
			if (on[ch]) {
				claims_run(v, ch);
				rank_channel(v, ch, &r);
				ran = ch;
			}
		name(v, &r, &first);
	}
	if (first == NONE && any && v->named != NONE) {
		/* In between: what was named last stays, for some seconds. */
		if (!v->lost_since)
			v->lost_since = v->sec;
		if (v->sec - v->lost_since < SUCCESSION_S)
			return;
	}
	v->lost_since = 0;
	/* What is left when it drains away says nothing new: keep what was told. */
	fading = first != NONE && r.c[first].node == v->named &&
		 r.c[first].score < NAMED * v->worst;
	if (!fading) {
		v->causes = 0;
		why_forget(v);
	}
	if (first != NONE && !fading)
		tell_all(v, &r, first, &ran);
	if (any || v->named != NONE || v->marked)
		mark_parts(v);
	v->marked = any;
	v->worst *= first == NONE ? WORST_KEPT_AFTER : WORST_KEPT;
	if (first != NONE)
		v->worst = MAX(v->worst, r.c[first].score);
	announce(v, first == NONE ? NONE : r.c[first].node);
}

void
verdict_diagnose(struct verdict *v)
{
	diagnose(v);
	claims_forget(v);
}
