#include "config.h"

#include "weir/core/sentence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"

struct writer {
	struct buf *out;
	const struct verdict_options *o;
	const struct sentence_style *style;
};

static const char *
node(const struct writer *w, uint32_t id)
{
	return w->o->node_name(w->o->ctx, id);
}

static void
write_edge(const struct writer *w, uint32_t src, uint32_t dst)
{
	buf_addf(w->out, "%s %s %s", node(w, src), w->style->ascii ? "->" : "→",
		node(w, dst));
}

static void
write_hop(const struct writer *w, const struct verdict_cause *c)
{
	if (c->src == VERDICT_NONE)
		buf_adds(w->out, node(w, c->node));
	else
		write_edge(w, c->src, c->dst);
	if (c->op != VERDICT_NONE)
		buf_addf(w->out, " %s", w->o->op_name(w->o->ctx, c->op));
}

/* Two significant figures, and never more digits than are true. */
static void
write_time(const struct writer *w, int64_t us)
{
	double v = (double)us;

	if (v >= 99.5e6)
		buf_addf(w->out, "%.0f s", v / 1e6);
	else if (v >= 9.95e6)
		buf_addf(w->out, "%.0f s", v / 1e6);
	else if (v >= 0.9995e6)
		buf_addf(w->out, "%.1f s", v / 1e6);
	else if (v >= 9.95e3)
		buf_addf(w->out, "%.0f ms", v / 1e3);
	else if (v >= 1e3)
		buf_addf(w->out, "%.1f ms", v / 1e3);
	else
		buf_addf(w->out, "%.0f %s", v, w->style->ascii ? "us" : "µs");
}

static void
write_times(const struct writer *w, double times)
{
	buf_addf(w->out, times < 9.95 ? "%.1f%s" : "%.0f%s", times,
		w->style->ascii ? "x" : "×");
}

static void
write_clock(const struct writer *w, int64_t us)
{
	int64_t s = us / SEC_US + w->style->utc_offset_s;

	s = ((s % 86400) + 86400) % 86400;
	buf_addf(w->out, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60),
		(int)(s % 60));
}

static double
ratio(int64_t seen, int64_t usual)
{
	return seen > 0 && usual > 0 ? (double)seen / (double)usual : 0;
}

/* The quantile that moved most. */
static void
write_latency(const struct writer *w, const struct verdict_numbers *n)
{
	const struct {
		const char *word;
		int64_t us, usual_us;
	} q[] = {
		{ "p99", n->p99_us, n->usual_p99_us },
		{ "p95", n->p95_us, n->usual_p95_us },
		{ "p50", n->p50_us, n->usual_p50_us },
		{ "mean", n->mean_us, n->usual_mean_us },
	};
	unsigned best = 0;

	for (unsigned i = 1; i < ARRAY_LEN(q); i++)
		if (ratio(q[i].us, q[i].usual_us) >
			1.1 * ratio(q[best].us, q[best].usual_us))
			best = i;
	if (q[best].us <= 0) {
		buf_adds(w->out, "slower than usual");
		return;
	}
	buf_addf(w->out, "%s ", q[best].word);
	write_time(w, q[best].us);
	if (q[best].usual_us > 0) {
		buf_adds(w->out, ", ");
		write_times(w, ratio(q[best].us, q[best].usual_us));
		buf_adds(w->out, " its baseline");
	} else {
		buf_adds(w->out, ", no baseline yet");
	}
}

static void
write_percent(const struct writer *w, double share)
{
	double p = 100 * share;

	buf_addf(w->out, p > 0 && p < 9.95 ? "%.1f %%" : "%.0f %%", p);
}

static void
write_count(const struct writer *w, const struct verdict_numbers *n)
{
	buf_addf(w->out, " (n=%.0f)", n->calls);
}

static void
write_errors(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;

	write_percent(w, n->error_ratio);
	buf_adds(w->out, " errors, ");
	if (isfinite(n->usual_error_ratio)) {
		buf_adds(w->out, "baseline ");
		write_percent(w, n->usual_error_ratio);
	} else {
		buf_adds(w->out, "no baseline yet");
	}
	write_count(w, n);
	if (c->failing_fast)
		buf_adds(w->out, ", failing fast");
	if (c->also_slow) {
		buf_adds(w->out, ", ");
		write_latency(w, n);
	}
}

static void
write_queue(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;

	buf_adds(w->out, "messages wait ");
	write_time(w, n->wait_us);
	if (n->usual_wait_us > 0) {
		buf_adds(w->out, ", ");
		write_times(w, ratio(n->wait_us, n->usual_wait_us));
		buf_adds(w->out, " their baseline");
	}
	write_count(w, n);
	if (ratio(n->mean_us, n->usual_mean_us) >= 1.5) {
		buf_addf(w->out, ", %s takes ", node(w, c->dst));
		write_time(w, n->mean_us);
		buf_adds(w->out, " each, ");
		write_times(w, ratio(n->mean_us, n->usual_mean_us));
	}
}

static void
write_missing(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;
	double window = VERDICT_WINDOW_S;

	if (c->src == VERDICT_NONE) {
		buf_addf(w->out, "%s makes fewer calls than usual", node(w, c->node));
		return;
	}
	buf_addf(w->out, "%s %s %s: %.0f calls in %.0f s", node(w, c->src),
		c->kind == ANOMALY_SILENT ? "stopped calling" : "rarely calls",
		node(w, c->dst), n->rate * window, window);
	if (isfinite(n->usual_rate))
		buf_addf(w->out, ", %.0f expected", n->usual_rate * window);
}

static void
write_circumstances(const struct writer *w, const struct verdict_cause *c)
{
	if (c->only_src != VERDICT_NONE)
		buf_addf(w->out, ", only from %s", node(w, c->only_src));
	if (c->async && c->kind != ANOMALY_QUEUE)
		buf_adds(w->out, ", asynchronous");
	if (c->more_dst != VERDICT_NONE) {
		buf_addf(
			w->out, "; %s calls %s ", node(w, c->node), node(w, c->more_dst));
		write_times(w, c->more);
		buf_adds(w->out, " as often");
	}
	if (c->new_dst != VERDICT_NONE)
		buf_addf(w->out, "; new dependency %s", node(w, c->new_dst));
}

static void
write_explained(const struct writer *w, const struct verdict_cause *c)
{
	if (!c->explained)
		return;
	buf_adds(w->out, c->kind == ANOMALY_COLD ? "; " : "; explains ");
	write_percent(w, MIN(c->explains[0].share, 1.0));
	buf_adds(w->out, " of ");
	write_edge(w, c->explains[0].src, c->explains[0].dst);
	if (c->kind == ANOMALY_COLD)
		buf_adds(w->out, "'s time is spent here");
}

void
sentence_write(struct buf *out, const struct verdict_cause *c,
	const struct verdict_options *o, const struct sentence_style *style)
{
	const struct writer writer = { out, o, style }, *w = &writer;

	if (c->kind == ANOMALY_SILENT || c->kind == ANOMALY_DROP) {
		write_missing(w, c);
	} else {
		write_hop(w, c);
		buf_adds(out, ": ");
		if (c->kind == ANOMALY_ERRORS) {
			write_errors(w, c);
		} else if (c->kind == ANOMALY_QUEUE) {
			write_queue(w, c);
		} else {
			write_latency(w, &c->numbers);
			write_count(w, &c->numbers);
		}
	}
	write_circumstances(w, c);
	write_explained(w, c);
	if (c->since_us >= 0) {
		buf_adds(out, "; since ");
		write_clock(w, c->since_us);
	}
	for (uint32_t i = 0; i < style->evidences; i++)
		buf_addf(out, "; %s", style->evidence[i]);
}

static void
write_event_numbers(const struct writer *w, const struct verdict_event *e)
{
	const struct verdict_numbers *n = &e->numbers;

	switch (e->anomaly) {
	case ANOMALY_ERRORS:
	case ANOMALY_RETRY:
		buf_adds(w->out, ", ");
		write_percent(w, isfinite(n->error_ratio) ? n->error_ratio : 0);
		buf_adds(w->out, " errors");
		break;
	case ANOMALY_QUEUE:
		buf_adds(w->out, ", waiting ");
		write_time(w, MAX(n->wait_us, 0));
		break;
	case ANOMALY_LATENCY:
	case ANOMALY_COLD:
		buf_adds(w->out, ", ");
		write_latency(w, n);
		break;
	case ANOMALY_SILENT:
	case ANOMALY_DROP:
	case ANOMALY_SURGE:
		buf_addf(w->out, ", %.1f/s", n->rate);
		if (isfinite(n->usual_rate))
			buf_addf(w->out, " for %.1f/s", n->usual_rate);
		break;
	case ANOMALY_NEW:
	case ANOMALY_COUNT:
		break;
	}
}

void
sentence_event(struct buf *out, const struct verdict_event *e,
	const struct verdict_options *o, const struct sentence_style *style)
{
	const struct writer writer = { out, o, style }, *w = &writer;
	static const char *const words[] = {
		[VERDICT_OPENED] = "begins",
		[VERDICT_CLOSED] = "is over",
		[VERDICT_NAMED] = "is the cause",
		[VERDICT_CLEARED] = "all as usual again",
		[VERDICT_NEW_NORMAL] = "taken as the new normal",
		[VERDICT_FEED_LOST] = "the feed stopped; nothing is judged",
		[VERDICT_FEED_BACK] = "the feed is back",
	};

	if (e->src != VERDICT_NONE) {
		write_edge(w, e->src, e->dst);
		if (e->op != VERDICT_NONE)
			buf_addf(out, " %s", o->op_name(o->ctx, e->op));
		buf_adds(out, ": ");
	}
	if (e->kind == VERDICT_OPENED || e->kind == VERDICT_CLOSED)
		buf_addf(out, "%s ", anomaly_word(e->anomaly));
	buf_adds(out, words[e->kind]);
	if (e->kind == VERDICT_OPENED || e->kind == VERDICT_NAMED)
		write_event_numbers(w, e);
}
