/*
 * The numbers of a frame, and their texts in fixed fields.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "map.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

/*
 * Quiet is much longer than this flow's own usual pause: one request a minute is not
 * an idle flow. What was bad when it fell silent stays bad.
 */
static bool
is_quiet(const struct map_flow *f, int64_t last_us, int64_t now_us)
{
	int64_t pause = MAP_QUIET_US;

	if (f->severity != SEV_OK || last_us <= 0)
		return false;
	if (f->rate > 0)
		pause = MAX(pause, (int64_t)(5e6 / f->rate));
	return now_us - last_us > pause;
}

struct map_flow
map_flow_unknown(void)
{
	return (struct map_flow){
		.rate = NAN, .p99_us = SNAP_UNKNOWN, .shown_us = SNAP_UNKNOWN
	};
}

static int64_t
percentile(const struct snap_stat *s, enum sort_key number)
{
	return number == SORT_P50   ? s->p50_us
	       : number == SORT_P95 ? s->p95_us
				    : s->p99_us;
}

/* Are errors what is wrong, rather than the time it takes? */
static bool
is_failing(const struct snap *s, const struct snap_edge *e)
{
	const struct snap_stat *x = &e->stat;
	const uint32_t errors = 1u << ANOMALY_ERRORS, slow = 1u << ANOMALY_LATENCY;

	if (e->severity < SEV_WARN || x->calls == 0)
		return false;
	if (e->alarms & (errors | slow))
		return !(e->alarms & slow);
	return severity_of_errors(&s->thresholds, (double)x->errors / (double)x->calls) >=
		       SEV_WARN &&
	       severity_of_latency(&s->thresholds, x->p99_us) < SEV_WARN;
}

static void
add_rate(double *sum, double rate)
{
	if (!isnan(rate))
		*sum = (isnan(*sum) ? 0 : *sum) + rate;
}

/* Take the worse of the two, and what is wrong with it. */
static void
add_worst(struct map_flow *sum, int64_t p99_us, int64_t shown_us, bool bound,
	enum severity severity, bool failing)
{
	sum->p99_us = MAX(sum->p99_us, p99_us);
	if (shown_us > sum->shown_us) {
		sum->shown_us = shown_us;
		sum->bound = bound;
	}
	if (severity > sum->severity || sum->edges == 0)
		sum->failing = failing;
	else if (severity == sum->severity)
		sum->failing &= failing;
	sum->severity = MAX(sum->severity, severity);
}

struct map_flow
map_flow_of_edge(
	const struct map_topo *t, const struct snap *s, int edge, enum sort_key number)
{
	const struct map_edge *e = &t->edge[edge];
	struct map_flow f = map_flow_unknown();
	int64_t last_us = 0;

	for (uint32_t i = e->first; i < e->first + e->count; i++) {
		const struct snap_edge *x = &s->edge[i];

		add_rate(&f.rate, x->stat.rate);
		add_worst(&f, x->stat.p99_us, percentile(&x->stat, number),
			x->stat.bounds_only, x->severity,
			number == SORT_ERRORS || is_failing(s, x));
		f.calls += (double)x->stat.calls;
		f.errors += (double)x->stat.errors;
		f.edges++;
		last_us = MAX(last_us, x->last_us);
	}
	if (is_quiet(&f, last_us, s->now_us))
		f.severity = SEV_IDLE;
	return f;
}

struct map_flow
map_flow_sum(const struct map_flow *flow, const int *list, int n)
{
	struct map_flow sum = map_flow_unknown();

	for (int i = 0; i < n; i++) {
		const struct map_flow *f = &flow[list[i]];

		add_rate(&sum.rate, f->rate);
		add_worst(
			&sum, f->p99_us, f->shown_us, f->bound, f->severity, f->failing);
		sum.calls += f->calls;
		sum.errors += f->errors;
		sum.edges += f->edges;
	}
	return sum;
}

enum severity
map_node_severity(const struct map_topo *t, const struct snap *s, int node)
{
	int i = t->node[node].snap;

	return i < 0 ? SEV_IDLE : s->node[i].severity;
}

int
map_rate_width(enum map_label label)
{
	return label == MAP_FULL ? 6 : label == MAP_SHORT ? 4 : 0;
}

struct map_text
map_rate_text(double rate, bool unit)
{
	struct fmt f = fmt_rate(rate);
	struct map_text t;

	if (!unit && strlen(f.s) > 2 && strcmp(f.s + strlen(f.s) - 2, "/s") == 0)
		f.s[strlen(f.s) - 2] = '\0';
	snprintf(t.s, sizeof(t.s), "%s", f.s);
	return t;
}

struct map_text
map_number_text(const struct map_flow *f)
{
	struct map_text t;

	snprintf(t.s, sizeof(t.s), "%s",
		f->failing ? fmt_percent(f->calls > 0 ? f->errors / f->calls : NAN).s
			   : fmt_latency(f->shown_us, f->bound).s);
	return t;
}

enum role
map_edge_role(enum severity s)
{
	static const enum role roles[SEV_COUNT] = { [SEV_IDLE] = ROLE_EDGE_IDLE,
		[SEV_OK] = ROLE_EDGE_OK,
		[SEV_WARN] = ROLE_EDGE_WARN,
		[SEV_CRIT] = ROLE_EDGE_CRIT };

	return roles[s];
}

enum weight
map_edge_weight(enum severity s)
{
	return s == SEV_CRIT   ? WEIGHT_HEAVY
	       : s == SEV_IDLE ? WEIGHT_DOTTED
			       : WEIGHT_LIGHT;
}

enum glyph
map_severity_glyph(enum severity s)
{
	static const enum glyph glyphs[SEV_COUNT] = { [SEV_IDLE] = GLYPH_IDLE,
		[SEV_OK] = GLYPH_OK,
		[SEV_WARN] = GLYPH_WARN,
		[SEV_CRIT] = GLYPH_CRIT };

	return glyphs[s];
}

enum role
map_severity_role(enum severity s)
{
	static const enum role roles[SEV_COUNT] = { [SEV_IDLE] = ROLE_IDLE,
		[SEV_OK] = ROLE_OK,
		[SEV_WARN] = ROLE_WARN,
		[SEV_CRIT] = ROLE_CRIT };

	return roles[s];
}
