#include "config.h"

#include "weir/core/sentence.h"

#include <math.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"

/* How soon clauses are left out. */
enum rank {
	RANK_MUST,
	RANK_OP,
	RANK_TIMES,
	RANK_EXPLAINS,
	RANK_WHY,
	RANK_SINCE,
	RANK_EVIDENCE,
	RANK_ASIDE,
	RANK_COUNT
};

/* A clause is written to @out, then added to @to with its rank. */
struct writer {
	struct buf *out;
	const struct verdict_options *o;
	const struct sentence_style *style;
	struct sentence *to;
};

void
sentence_add(struct sentence *s, unsigned rank, struct str clause)
{
	if (clause.n == 0 || s->clauses == SENTENCE_CLAUSES ||
		s->n + clause.n >= sizeof(s->text))
		return;
	memcpy(s->text + s->n, clause.p, clause.n);
	s->n += (uint32_t)clause.n;
	s->text[s->n] = '\0';
	s->clause[s->clauses].end = (uint16_t)s->n;
	s->clause[s->clauses++].rank = (uint8_t)rank;
}

static struct str
clause_at(const struct sentence *s, uint32_t i)
{
	uint32_t from = i ? s->clause[i - 1].end : 0;

	return (struct str){ s->text + from, s->clause[i].end - from };
}

void
sentence_fit(const struct sentence *s, int width, struct buf *out)
{
	bool in[SENTENCE_CLAUSES] = { false };
	int used = 0, first;

	for (unsigned rank = 0; rank <= UINT8_MAX; rank++)
		for (uint32_t i = 0; i < s->clauses; i++) {
			int w = text_width(clause_at(s, i));

			if (s->clause[i].rank != rank || (rank && used + w > width))
				continue;
			in[i] = true;
			used += w;
		}
	for (uint32_t i = 0; i < s->clauses; i++) {
		if (!in[i])
			continue;
		first = text_width(clause_at(s, i));
		text_fit(out, clause_at(s, i),
			i == 0 && used > width ? MAX(first - (used - width), 1) : first);
	}
}

static void
end_clause(const struct writer *w, enum rank rank)
{
	sentence_add(w->to, rank, buf_str(w->out));
	buf_clear(w->out);
}

static void
write_name(const struct writer *w, const char *name)
{
	text_fit(w->out, str_of(name), SENTENCE_NAME);
}

static void
write_node(const struct writer *w, uint32_t id)
{
	write_name(w, w->o->node_name(w->o->ctx, id));
}

static void
write_edge(const struct writer *w, uint32_t src, uint32_t dst)
{
	write_node(w, src);
	buf_adds(w->out, w->style->ascii ? " -> " : " → ");
	write_node(w, dst);
}

static void
write_op(const struct writer *w, uint32_t op)
{
	if (op == VERDICT_NONE)
		return;
	buf_addc(w->out, ' ');
	write_name(w, w->o->op_name(w->o->ctx, op));
}

static void
write_hop(const struct writer *w, const struct verdict_cause *c)
{
	if (c->src == VERDICT_NONE)
		write_node(w, c->node);
	else
		write_edge(w, c->src, c->dst);
	end_clause(w, RANK_MUST);
	write_op(w, c->op);
	end_clause(w, RANK_OP);
	buf_adds(w->out, ": ");
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

/* Over what limit, where there is no baseline to be many times of. */
static void
write_limit_us(const struct writer *w, int64_t limit_us)
{
	if (limit_us > 0) {
		buf_adds(w->out, ", judged by the limit of ");
		write_time(w, limit_us);
	}
	buf_adds(w->out, ", no baseline yet");
}

struct grown {
	const char *word;
	int64_t us, usual_us;
};

/* The quantile that moved most; without a baseline that which is held against a limit. */
static struct grown
most_grown(const struct verdict_numbers *n)
{
	const struct grown q[] = {
		{ "p99", n->p99_us, n->usual_p99_us },
		{ "p95", n->p95_us, n->usual_p95_us },
		{ "p50", n->p50_us, n->usual_p50_us },
		{ "mean", n->mean_us, n->usual_mean_us },
	};
	unsigned best = n->usual_p99_us > 0 ? 0 : 1;

	for (unsigned i = best + 1; i < ARRAY_LEN(q); i++)
		if (ratio(q[i].us, q[i].usual_us) >
			1.1 * ratio(q[best].us, q[best].usual_us))
			best = i;
	return q[best];
}

static void
write_value(const struct writer *w, struct grown g)
{
	if (g.us <= 0) {
		buf_adds(w->out, "slower than usual");
		return;
	}
	buf_addf(w->out, "%s ", g.word);
	write_time(w, g.us);
}

static void
write_growth(const struct writer *w, struct grown g, int64_t limit_us)
{
	if (g.us <= 0)
		return;
	if (g.usual_us <= 0) {
		write_limit_us(w, limit_us);
		return;
	}
	buf_adds(w->out, ", ");
	write_times(w, ratio(g.us, g.usual_us));
	buf_adds(w->out, " its baseline");
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
	end_clause(w, RANK_COUNT);
}

static void
write_latency(const struct writer *w, const struct verdict_cause *c)
{
	struct grown g = most_grown(&c->numbers);

	write_value(w, g);
	end_clause(w, RANK_MUST);
	write_growth(w, g, c->numbers.limit_us);
	end_clause(w, RANK_TIMES);
	write_count(w, &c->numbers);
}

static void
write_errors(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;
	struct grown g = most_grown(n);

	write_percent(w, n->error_ratio);
	buf_adds(w->out, " errors");
	end_clause(w, RANK_MUST);
	if (isfinite(n->usual_error_ratio)) {
		buf_adds(w->out, ", baseline ");
		write_percent(w, n->usual_error_ratio);
	} else {
		buf_adds(w->out, ", judged by the limit of ");
		write_percent(w, n->limit_error_ratio);
		buf_adds(w->out, ", no baseline yet");
	}
	end_clause(w, RANK_TIMES);
	write_count(w, n);
	if (c->failing_fast)
		buf_adds(w->out, ", failing fast");
	if (c->also_slow) {
		buf_adds(w->out, ", ");
		write_value(w, g);
		write_growth(w, g, n->limit_us);
	}
	end_clause(w, RANK_WHY);
}

static void
write_queue(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;

	buf_adds(w->out, "messages wait ");
	write_time(w, n->wait_us);
	end_clause(w, RANK_MUST);
	if (n->usual_wait_us > 0) {
		buf_adds(w->out, ", ");
		write_times(w, ratio(n->wait_us, n->usual_wait_us));
		buf_adds(w->out, " their baseline");
	}
	end_clause(w, RANK_TIMES);
	write_count(w, n);
	if (ratio(n->mean_us, n->usual_mean_us) >= 1.5) {
		buf_adds(w->out, ", ");
		write_node(w, c->dst);
		buf_adds(w->out, " takes ");
		write_time(w, n->mean_us);
		buf_adds(w->out, " each, ");
		write_times(w, ratio(n->mean_us, n->usual_mean_us));
	}
	end_clause(w, RANK_WHY);
}

static void
write_missing(const struct writer *w, const struct verdict_cause *c)
{
	const struct verdict_numbers *n = &c->numbers;
	double window = VERDICT_WINDOW_S;

	if (c->src == VERDICT_NONE) {
		write_node(w, c->node);
		end_clause(w, RANK_MUST);
		buf_adds(w->out, " makes fewer calls than usual");
		end_clause(w, RANK_MUST);
		return;
	}
	write_node(w, c->src);
	buf_addf(w->out, " %s ",
		c->kind == ANOMALY_SILENT ? "stopped calling" : "rarely calls");
	write_node(w, c->dst);
	end_clause(w, RANK_MUST);
	buf_addf(w->out, ": %.0f calls in %.0f s", n->rate * window, window);
	if (isfinite(n->usual_rate))
		buf_addf(w->out, ", %.0f expected", n->usual_rate * window);
	end_clause(w, RANK_TIMES);
}

static void
write_circumstances(const struct writer *w, const struct verdict_cause *c)
{
	if (c->only_src != VERDICT_NONE) {
		buf_adds(w->out, ", only from ");
		write_node(w, c->only_src);
	}
	if (c->async && c->kind != ANOMALY_QUEUE)
		buf_adds(w->out, ", asynchronous");
	end_clause(w, RANK_ASIDE);
	if (c->more_dst != VERDICT_NONE) {
		buf_adds(w->out, "; ");
		write_node(w, c->node);
		buf_adds(w->out, " calls ");
		write_node(w, c->more_dst);
		buf_addc(w->out, ' ');
		write_times(w, c->more);
		buf_adds(w->out, " as often");
	}
	if (c->new_dst != VERDICT_NONE) {
		buf_adds(w->out, "; new dependency ");
		write_node(w, c->new_dst);
	}
	end_clause(w, RANK_WHY);
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
	end_clause(w, RANK_EXPLAINS);
}

void
sentence_write(struct sentence *ret, const struct verdict_cause *c,
	const struct verdict_options *o, const struct sentence_style *style)
{
	struct buf out = BUF_INIT;
	const struct writer writer = { &out, o, style, ret }, *w = &writer;

	*ret = (struct sentence){ .n = 0 };
	if (c->kind == ANOMALY_SILENT || c->kind == ANOMALY_DROP) {
		write_missing(w, c);
	} else {
		write_hop(w, c);
		if (c->kind == ANOMALY_ERRORS)
			write_errors(w, c);
		else if (c->kind == ANOMALY_QUEUE)
			write_queue(w, c);
		else
			write_latency(w, c);
	}
	write_circumstances(w, c);
	write_explained(w, c);
	if (c->since_us >= 0) {
		buf_adds(&out, "; since ");
		write_clock(w, c->since_us);
		end_clause(w, RANK_SINCE);
	}
	for (uint32_t i = 0; i < style->evidences; i++) {
		buf_addf(&out, "; %s", style->evidence[i]);
		end_clause(w, RANK_EVIDENCE);
	}
	buf_done(&out);
}

static void
write_event_numbers(const struct writer *w, const struct verdict_event *e)
{
	const struct verdict_numbers *n = &e->numbers;
	struct grown g;

	switch (e->anomaly) {
	case ANOMALY_ERRORS:
	case ANOMALY_RETRY:
		buf_adds(w->out, ", ");
		write_percent(w, isfinite(n->error_ratio) ? n->error_ratio : 0);
		buf_adds(w->out, " errors");
		end_clause(w, RANK_WHY);
		if (isfinite(n->usual_error_ratio)) {
			buf_adds(w->out, ", baseline ");
			write_percent(w, n->usual_error_ratio);
			end_clause(w, RANK_TIMES);
		}
		break;
	case ANOMALY_QUEUE:
		buf_adds(w->out, ", waiting ");
		write_time(w, MAX(n->wait_us, 0));
		end_clause(w, RANK_OP);
		break;
	case ANOMALY_LATENCY:
	case ANOMALY_COLD:
		g = most_grown(n);
		buf_adds(w->out, ", ");
		write_value(w, g);
		end_clause(w, RANK_OP);
		write_growth(w, g, n->limit_us);
		end_clause(w, RANK_TIMES);
		break;
	case ANOMALY_SILENT:
	case ANOMALY_DROP:
	case ANOMALY_SURGE:
		buf_addf(w->out, ", %.1f/s", n->rate);
		if (isfinite(n->usual_rate))
			buf_addf(w->out, " for %.1f/s", n->usual_rate);
		end_clause(w, RANK_OP);
		break;
	case ANOMALY_NEW:
	case ANOMALY_COUNT:
		break;
	}
	if (n->calls > 0)
		write_count(w, n);
}

void
sentence_event(struct sentence *ret, const struct verdict_event *e,
	const struct verdict_options *o, const struct sentence_style *style)
{
	struct buf out = BUF_INIT;
	const struct writer writer = { &out, o, style, ret }, *w = &writer;
	static const char *const words[] = {
		[VERDICT_OPENED] = "begins",
		[VERDICT_CLOSED] = "is over",
		[VERDICT_NAMED] = "is the cause",
		[VERDICT_CLEARED] = "all as usual again",
		[VERDICT_NEW_NORMAL] = "taken as the new normal",
		[VERDICT_FEED_LOST] = "the feed stopped; nothing is judged",
		[VERDICT_FEED_BACK] = "the feed is back",
	};

	*ret = (struct sentence){ .n = 0 };
	if (e->src != VERDICT_NONE) {
		write_edge(w, e->src, e->dst);
		end_clause(w, RANK_MUST);
		write_op(w, e->op);
		end_clause(w, RANK_OP);
		buf_adds(&out, ": ");
	}
	if (e->kind == VERDICT_OPENED || e->kind == VERDICT_CLOSED)
		buf_addf(&out, "%s ", anomaly_word(e->anomaly));
	buf_adds(&out, words[e->kind]);
	end_clause(w, RANK_MUST);
	if (e->kind == VERDICT_OPENED || e->kind == VERDICT_NAMED)
		write_event_numbers(w, e);
	for (uint32_t i = 0; i < style->evidences; i++) {
		buf_addf(&out, "; %s", style->evidence[i]);
		end_clause(w, RANK_EVIDENCE);
	}
	buf_done(&out);
}
