/*
 * What each edge claims of the blame, channel by channel.
 *
 * Ten thousand edges are not looked at each second because one of them is in trouble:
 * those that are, or may be, are known already (verdict_tick looks at them), and beside
 * them it is the neighbours of those in trouble that count: whom their callee calls, who
 * calls their caller, and who else could be asked about either. From a neighbour that is
 * in trouble, too, it goes on. The rest claims nothing, and as a witness is what it was when it was last
 * looked at.
 */
#include "config.h"

#include "verdict-impl.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define MISSING_GATE 1.5 /* missing calls are gated at lower z than the alarm */
#define FEW_MISSING .8   /* of the expected calls: more are made, and none is missed */
#define LATE .25f        /* of what is usual */
#define MANY 128u        /* when so many are in trouble, their neighbours */
#define STALE_S W        /* are looked at once a window */

bool
edge_blames(const struct verdict *v, const struct edge *e, enum channel c)
{
	bool called = v->node[e->src].first_in != NONE;

	switch (c) {
	case CHANNEL_ERRORS:
		return e->alarm[ANOMALY_ERRORS].on;
	case CHANNEL_LATENCY:
		return e->alarm[ANOMALY_LATENCY].on || e->alarm[ANOMALY_QUEUE].on;
	case CHANNEL_MISSING:
		return called &&
		       (e->alarm[ANOMALY_SILENT].on || e->alarm[ANOMALY_DROP].on);
	case CHANNEL_COLD:
		return e->alarm[ANOMALY_COLD].on;
	case CHANNEL_COUNT:
		break;
	}
	return false;
}

uint8_t
edge_blaming(const struct verdict *v, const struct edge *e)
{
	unsigned channels = 0;

	for (unsigned c = 0; c < CHANNEL_COUNT; c++)
		channels |= (unsigned)edge_blames(v, e, c) << c;
	return (uint8_t)channels;
}

static double
span_of(const struct edge *e)
{
	return e->score.upto > e->score.after ? e->score.upto - e->score.after : W;
}

static void
claim_latency(const struct verdict *v, const struct edge *e, struct blame_edge *to)
{
	const struct anomaly_limits *l = &v->o.anomaly;
	const struct score *s = &e->score;
	double rate = (double)s->timed * e->unit / span_of(e) / SEC_US;
	double gate = anomaly_gate(l, (double)s->z);

	to->raw = s->warm ? rate * MAX(0, (double)s->excess_us) : 0;
	to->claim = gate * to->raw;
	to->work = e->kind == KIND_MSG && s->wait_us > 0 ? to->claim : -1;
	if (to->async)
		to->claim += anomaly_gate(l, (double)s->z_wait) * rate *
			     MAX(0, (double)s->wait_us);
	if (s->self_us >= 0)
		to->own = anomaly_gate(l, (double)s->z_self) * rate * (double)s->self_us;
	to->link = (double)s->link;
}

static void
claim_nothing(const struct verdict *v, const struct edge *e, struct blame_edge *to)
{
	*to = (struct blame_edge){
		.src = e->src,
		.dst = e->dst,
		.calls = (double)e->score.calls,
		.z = (double)e->score.z,
		.own = -1,
		.work = -1,
		.async = edge_is_async(e),
		.fresh = edge_is_new(v, e),
	};
}

static bool
is_late(const struct edge *e)
{
	return e->alarm[ANOMALY_LATENCY].on || e->alarm[ANOMALY_COLD].on;
}

/*
 * Slower than usual or, where that is not known, in itself, or nearly: what is quick
 * explains no lack of time, however often.
 */
static bool
is_cold_suspect(const struct verdict *v, const struct edge *e)
{
	const struct score *s = &e->score;

	if (s->warm && (double)s->z >= v->o.anomaly.z_close)
		return true;
	return is_late(e) || MAX(s->mean_us, s->warm ? 0 : s->p95_us) >=
				     .5f * (float)cold_limit_us(v, e);
}

/* Does it fail because its callee waits for something late itself? */
static bool
fails_late(const struct verdict *v, const struct edge *e)
{
	if (!is_late(e) && e->score.warm)
		return false;
	for (uint32_t i = v->node[e->dst].first_out; i != NONE;
		i = v->edge[i]->out_next) {
		const struct edge *o = v->edge[i];

		if (is_late(o) && !edge_is_async(o) &&
			o->score.mean_us >= .5f * e->score.mean_us)
			return true;
	}
	return false;
}

static void
claim(const struct verdict *v, const struct edge *e, enum channel c,
	struct blame_edge *to)
{
	const struct score *s = &e->score;

	claim_nothing(v, e, to);
	to->z = (double)(c == CHANNEL_ERRORS ? s->z_errors : s->z);
	to->alarmed = edge_blames(v, e, c);
	if (s->calls <= 0 || e->scored + STALE_S <= v->sec)
		return;
	if (c == CHANNEL_LATENCY)
		claim_latency(v, e, to);
	else if (c == CHANNEL_ERRORS) {
		to->raw = MAX(0, (double)(s->failed - s->errors_usual)) * e->unit /
			  span_of(e);
		to->claim = anomaly_gate(&v->o.anomaly, to->z) * to->raw;
		to->late = to->claim > 0 && fails_late(v, e);
	} else if (c == CHANNEL_COLD && !to->async && is_cold_suspect(v, e))
		to->claim =
			(double)(s->mean_us * s->timed) * e->unit / span_of(e) / SEC_US;
}

double
edge_calls_now(const struct verdict *v, const struct edge *e)
{
	uint32_t upto = edge_counted(v, e);

	return pace_sum(&e->pace, upto - W, upto);
}

/*
 * A node that no longer makes the calls it always makes is failing, whatever it
 * answers: each call into it then claims the share that is missing.
 */
static void
claim_missing(struct verdict *v)
{
	const struct anomaly_limits *l = &v->o.anomaly;

	for (uint32_t u = 0; u < v->nodes; u++) {
		double expected = 0, missing = 0;

		if (v->node[u].first_in == NONE)
			continue;
		for (uint32_t i = v->node[u].first_out; i != NONE;
			i = v->edge[i]->out_next) {
			const struct edge *e = v->edge[i];
			const struct score *s = &e->score;
			double calls, gate;

			if (s->volume_usual <= 0 || edge_is_async(e))
				continue;
			calls = edge_calls_now(v, e);
			gate = e->alarm[ANOMALY_SILENT].on
				       ? 1
				       : anomaly_gate(l, (double)-s->z_volume *
								 l->z_open / l->volume_z *
								 MISSING_GATE);
			expected += (double)s->volume_usual;
			if (calls < FEW_MISSING * (double)s->volume_usual)
				missing += gate * ((double)s->volume_usual - calls);
		}
		if (missing <= 0 || expected <= 0)
			continue;
		for (uint32_t i = v->node[u].first_in; i != NONE;
			i = v->edge[i]->in_next) {
			double calls = edge_calls_now(v, v->edge[i]);

			v->blame_edge[i].claim = calls / W * missing / expected;
		}
	}
	/* The alarm is on the missing calls; what may be named is who should make them. */
	for (uint32_t i = 0; i < v->edges; i++)
		v->blame_edge[i].alarmed = false;
	for (uint32_t i = 0; i < v->edges; i++) {
		const struct edge *e = v->edge[i];

		if (!edge_blames(v, e, CHANNEL_MISSING))
			continue;
		for (uint32_t j = v->node[e->src].first_in; j != NONE;
			j = v->edge[j]->in_next)
			v->blame_edge[j].alarmed = true;
	}
}

/* ---------------------------------------------------------------- who claims */

static bool
is_alive(const struct verdict *v, uint32_t i)
{
	return v->pulse[i].newest + RING > v->sec;
}

void
claims_activate(struct verdict *v, uint32_t i)
{
	if (v->seen[i] == v->sec)
		return;
	v->seen[i] = v->sec;
	v->active[v->actives++] = i;
}

/* Slow enough that the blame may come from it, or go on through it? */
static bool
claims(const struct verdict *v, const struct edge *e)
{
	const struct score *s = &e->score;

	return edge_blaming(v, e) ||
	       (e->scored + STALE_S > v->sec &&
		       (double)MAX(s->z, MAX(s->z_errors, s->z_wait)) >=
			       v->o.anomaly.z_claim);
}

/*
 * Are its neighbours to be looked at because of it? Of what is only odd there is always
 * some, and from one to the next it reaches all of a large graph; what of it matters is
 * looked at each second by itself.
 */
static bool
spreads(const struct verdict *v, const struct edge *e)
{
	const struct score *s = &e->score;

	return edge_blaming(v, e) ||
	       (double)MAX(s->z, MAX(s->z_errors, s->z_wait)) >= v->o.anomaly.z_learn;
}

/*
 * Late, though perhaps by too few requests to prove it. It may still be believed, by what
 * is behind it.
 */
static bool
looks_late(const struct edge *e)
{
	return e->score.excess_us > LATE * e->score.usual_mean_us;
}

/* Look through the calls of a node, or those into it; once a second is enough. */
static void
look_at(struct verdict *v, struct node *n, bool out, bool many)
{
	uint32_t *looked = out ? &n->looked_out : &n->looked_in, next;

	if (*looked == v->sec)
		return;
	*looked = v->sec;
	for (uint32_t i = out ? n->first_out : n->first_in; i != NONE; i = next) {
		struct edge *e = v->edge[i];

		next = out ? e->out_next : e->in_next;
		if (next != NONE)
			__builtin_prefetch(v->edge[next]);
		if (v->seen[i] == v->sec || !is_alive(v, i))
			continue;
		if (!many || e->scored + STALE_S <= v->sec)
			edge_score(v, e);
		if (claims(v, e) || (!out && looks_late(e)))
			claims_activate(v, i);
		else if (e->scored == v->sec)
			claims_witness(v, i);
	}
}

void
claims_gather(struct verdict *v)
{
	uint32_t known = v->actives;
	bool many = known > MANY;

	if (v->edges > v->blame_cap) {
		v->blame_cap = v->o.limits.edges;
		v->blame_edge = xreallocarray(
			v->blame_edge, v->blame_cap, sizeof(*v->blame_edge));
		v->based = 0;
	}
	if (!v->marked)
		v->based = 0; /* what is known of the calm is from the last trouble */
	/* It grows while it is walked. */
	for (uint32_t i = 0; i < v->actives; i++) {
		const struct edge *e = v->edge[v->active[i]];
		struct node *src = &v->node[e->src], *dst = &v->node[e->dst];

		if (spreads(v, e) || (i >= known && looks_late(e)))
			look_at(v, src, false, many);
		if (!spreads(v, e))
			continue;
		look_at(v, dst, true, many);
		look_at(v, dst, false, many);
		look_at(v, src, true, many);
	}
}

void
claims_run(struct verdict *v, enum channel ch)
{
	struct blame_graph g = { .edge = v->blame_edge,
		.edges = v->edges,
		.nodes = v->nodes,
		.latency = ch == CHANNEL_LATENCY };

	/* Of the edges that are not active what is known is not of any channel. */
	for (uint32_t i = v->based; i < v->edges; i++)
		claim_nothing(v, v->edge[i], &v->blame_edge[i]);
	v->based = v->edges;
	if (ch == CHANNEL_MISSING || ch == CHANNEL_COLD) {
		/* These are not about what is slower than usual. */
		for (uint32_t i = 0; i < v->edges; i++)
			claim(v, v->edge[i], ch, &v->blame_edge[i]);
		if (ch == CHANNEL_MISSING)
			claim_missing(v);
		v->based = 0;
	} else {
		for (uint32_t i = 0; i < v->actives; i++)
			claim(v, v->edge[v->active[i]], ch, &v->blame_edge[v->active[i]]);
	}
	blame_run(v->blame, &g);
}

void
claims_witness(struct verdict *v, uint32_t i)
{
	if (i < v->based)
		claim_nothing(v, v->edge[i], &v->blame_edge[i]);
}

/* What was claimed is over; as witnesses they stay. */
void
claims_forget(struct verdict *v)
{
	for (uint32_t i = 0; i < v->actives; i++)
		claims_witness(v, v->active[i]);
}
