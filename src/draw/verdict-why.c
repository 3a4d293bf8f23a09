/*
 * The numbers behind a verdict: four small tables, each answering one question. What is
 * it now, and what was it? How sure is that? Where did the blame go? What else is there?
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "verdict-text.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

#define LABEL 9
#define COLUMN 9

struct page {
	struct grid *g;
	struct rect area;
	int y;
};

static int
put(struct page *p, int x, const char *text, enum role role)
{
	return x +
	       grid_fit(p->g, x, p->y, p->area.x + p->area.w - x, str_of(text), role, 0);
}

/* Under the column that ends at number @i, behind the labels. */
static void
put_cell(struct page *p, int i, const char *text, enum role role)
{
	bool unknown = text[0] == '-' && !text[1];

	grid_right(p->g, p->area.x + LABEL + COLUMN * (i + 1), p->y, text,
		unknown ? ROLE_DIM : role, 0);
}

static void
head(struct page *p, const char *title, size_t n, const char *const columns[])
{
	put(p, p->area.x, title, ROLE_TITLE);
	for (size_t i = 0; i < n; i++)
		put_cell(p, (int)i, columns[i], ROLE_DIM);
	p->y++;
}

static struct fmt
fmt_times(double times)
{
	struct fmt f = { "-" };

	if (isfinite(times) && times > 0)
		snprintf(f.s, sizeof(f.s), times < 9.95 ? "%.1f\xc3\x97" : "%.0f\xc3\x97",
			MIN(times, 99999.0));
	return f;
}

static struct fmt
fmt_z(double z)
{
	struct fmt f = { "-" };

	if (isfinite(z))
		snprintf(f.s, sizeof(f.s), "%.1f", CLAMP(z, -999.0, 9999.0));
	return f;
}

/* Seconds (or failures, or calls) a second. */
static struct fmt
fmt_loss(double loss)
{
	struct fmt f = { "0" };

	if (!isfinite(loss))
		snprintf(f.s, sizeof(f.s), "-");
	else if (loss > 0)
		snprintf(f.s, sizeof(f.s), loss < .01 ? "<0.01" : "%.2f",
			MIN(loss, 99999.0));
	return f;
}

/* ------------------------------------------------------------ now and before */

static void
time_row(struct page *p, const char *label, int64_t now_us, int64_t usual_us,
	double needed)
{
	double times =
		now_us > 0 && usual_us > 0 ? (double)now_us / (double)usual_us : NAN;

	put(p, p->area.x + 2, label, ROLE_DIM);
	put_cell(p, 0, fmt_duration(now_us).s, ROLE_TEXT);
	put_cell(p, 1, fmt_duration(usual_us).s, ROLE_TEXT);
	put_cell(p, 2, fmt_times(times).s,
		needed > 0 && times >= needed ? ROLE_WARN : ROLE_TEXT);
	put_cell(p, 3, fmt_times(needed).s, ROLE_DIM);
	p->y++;
}

static void
ratio_row(struct page *p, const char *label, struct fmt now, struct fmt usual,
	double times, double needed)
{
	put(p, p->area.x + 2, label, ROLE_DIM);
	put_cell(p, 0, now.s, ROLE_TEXT);
	put_cell(p, 1, usual.s, ROLE_TEXT);
	put_cell(p, 2, fmt_times(times).s,
		needed > 0 && times >= needed ? ROLE_WARN : ROLE_TEXT);
	put_cell(p, 3, fmt_times(needed).s, ROLE_DIM);
	p->y++;
}

/* Where one operation is to blame: its own, which those of the edge may hide. */
static void
paint_op_numbers(struct page *p, const struct verdict_why *w, const struct snap_cause *c)
{
	const struct anomaly_limits *l = &w->limits;
	const struct verdict_numbers *n = &c->numbers;
	struct buf text = BUF_INIT;

	buf_addf(&text, "of %s alone, %.0f requests", c->op, n->calls);
	put(p, p->area.x + 2, buf_cstr(&text), ROLE_TEXT);
	p->y++;
	time_row(p, "p50", n->p50_us, n->usual_p50_us, l->p50_growth);
	time_row(p, "p95", n->p95_us, n->usual_p95_us, l->p95_growth);
	time_row(p, "p99", n->p99_us, n->usual_p99_us, l->p99_growth);
	buf_done(&text);
}

static void
paint_numbers(struct page *p, const struct verdict_why *w, const struct snap_cause *c)
{
	static const char *const columns[] = { "now", "usual", "grown", "needed" };
	const struct verdict_numbers *n = &w->numbers;
	const struct anomaly_limits *l = &w->limits;
	char text[160];

	head(p, "numbers", ARRAY_LEN(columns), columns);
	time_row(p, "p50", n->p50_us, n->usual_p50_us, l->p50_growth);
	time_row(p, "p95", n->p95_us, n->usual_p95_us, l->p95_growth);
	time_row(p, "p99", n->p99_us, n->usual_p99_us, l->p99_growth);
	time_row(p, "mean", n->mean_us, n->usual_mean_us, NAN);
	if (n->wait_us >= 0)
		time_row(p, "waiting", n->wait_us, n->usual_wait_us, l->p50_growth);
	ratio_row(p, "errors", fmt_percent(n->error_ratio),
		fmt_percent(n->usual_error_ratio), n->error_ratio / n->usual_error_ratio,
		l->errors_ratio);
	ratio_row(p, "calls", fmt_rate(n->rate), fmt_rate(n->usual_rate),
		n->rate / n->usual_rate, l->surge);
	snprintf(text, sizeof(text), "%.0f requests in %.0f s", n->calls,
		(double)n->window_us / 1e6);
	put(p, p->area.x + 2, text, ROLE_TEXT);
	p->y++;
	if (n->usual_p99_us > 0)
		snprintf(text, sizeof(text), "the baseline rests on %s",
			fmt_count((uint64_t)n->usual_requests).s);
	else
		snprintf(text, sizeof(text),
			"no baseline yet: p95 from %s, errors from %s on",
			fmt_duration(n->limit_us).s, fmt_percent(n->limit_error_ratio).s);
	put(p, p->area.x + 2, text, ROLE_TEXT);
	p->y++;
	if (c && c->op)
		paint_op_numbers(p, w, c);
	if (w->tolerance.p99_us > 0 || w->tolerance.error_ratio > 0) {
		snprintf(text, sizeof(text), "tolerated: p99 up to %s, errors up to %s",
			w->tolerance.p99_us > 0 ? fmt_duration(w->tolerance.p99_us).s
						: "-",
			w->tolerance.error_ratio > 0
				? fmt_percent(w->tolerance.error_ratio).s
				: "-");
		put(p, p->area.x + 2, text, ROLE_TEXT);
		p->y++;
	}
	p->y++;
}

/* ------------------------------------------------------------ how sure it is */

static void
z_row(struct page *p, const struct snap *s, const struct verdict_why *w, enum anomaly a,
	double z, double opens, double closes)
{
	int64_t since_us = w->since_us[a];
	bool on = since_us >= 0;

	if (!on && !(fabs(z) > 0))
		z = isnan(z) ? NAN : 0;
	put(p, p->area.x + 2, anomaly_word(a), on ? ROLE_WARN : ROLE_DIM);
	put_cell(p, 0, fmt_z(z).s, on ? ROLE_WARN : ROLE_TEXT);
	put_cell(p, 1, fmt_z(opens).s, ROLE_DIM);
	put_cell(p, 2, fmt_z(closes).s, ROLE_DIM);
	if (on)
		put_cell(p, 3, fmt_age(MAX(s->now_us - since_us, 0)).s, ROLE_TEXT);
	p->y++;
}

static void
paint_evidence(struct page *p, const struct snap *s, const struct verdict_why *w)
{
	static const char *const columns[] = { "z", "opens", "closes", "open for" };
	const struct verdict_numbers *n = &w->numbers;
	const struct anomaly_limits *l = &w->limits;
	double volume = n->z_volume;

	head(p, "evidence", ARRAY_LEN(columns), columns);
	z_row(p, s, w, ANOMALY_LATENCY, n->z_latency, l->z_open, l->z_close);
	z_row(p, s, w, ANOMALY_ERRORS, n->z_errors, l->z_open, l->z_close);
	if (n->wait_us >= 0)
		z_row(p, s, w, ANOMALY_QUEUE, n->z_wait, l->z_open, l->z_close);
	z_row(p, s, w, ANOMALY_DROP, volume, -l->volume_z, -l->z_close);
	z_row(p, s, w, ANOMALY_SURGE, volume, l->volume_z, l->z_close);
	/* These are no matter of deviations. */
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		if (w->since_us[a] >= 0 &&
			(a == ANOMALY_SILENT || a == ANOMALY_COLD || a == ANOMALY_RETRY ||
				a == ANOMALY_NEW))
			z_row(p, s, w, (enum anomaly)a, NAN, NAN, NAN);
	put(p, p->area.x + 2, "z: standard deviations from usual, for 10 s", ROLE_DIM);
	p->y += 2;
}

/* ------------------------------------------------------------ where the blame went */

static const char *
unit_of(enum anomaly channel)
{
	return channel == ANOMALY_ERRORS   ? "failures a second"
	       : channel == ANOMALY_SILENT ? "calls missing a second"
	       : channel == ANOMALY_COLD   ? "seconds spent a second"
					   : "seconds lost a second";
}

static void
blame_row(struct page *p, const char *name, double claim, double flow, double total,
	struct fmt z, enum role role)
{
	put_cell(p, 0, fmt_loss(claim).s, ROLE_TEXT);
	put_cell(p, 1, fmt_loss(flow).s, role);
	put_cell(p, 2, fmt_percent(total > 0 ? MIN(flow / total, 1.0) : NAN).s, role);
	put_cell(p, 3, z.s, ROLE_TEXT);
	put(p, p->area.x + LABEL + 4 * COLUMN + 2, name, role);
	p->y++;
}

static void
paint_blame(struct page *p, const struct snap *s, const struct snap_edge *e)
{
	static const char *const columns[] = { "claims", "gets", "share", "z" };
	const struct snap_why *why = &s->why;
	const struct verdict_why *w = &why->why;
	const char *node = s->node[e->dst].name;
	struct buf text = BUF_INIT;
	double z = w->channel == ANOMALY_ERRORS ? w->numbers.z_errors
		   : w->channel == ANOMALY_SILENT
			   ? -w->numbers.z_volume
			   : MAX(w->numbers.z_latency, w->numbers.z_wait);

	head(p, "blame", ARRAY_LEN(columns), columns);
	if (w->channel == ANOMALY_COUNT) {
		put(p, p->area.x + 2, "none: no cause is named", ROLE_DIM);
		p->y += 2;
		return;
	}
	put(p, p->area.x + 2, "here", ROLE_DIM);
	buf_addf(&text, "of all the blame, %s", unit_of(w->channel));
	blame_row(p, buf_cstr(&text), w->claim, w->flow, w->total, fmt_z(z), ROLE_TEXT);
	for (uint32_t i = 0; i < w->behinds; i++) {
		const struct verdict_behind *b = &w->behind[i];

		buf_clear(&text);
		buf_addf(&text, "\xe2\x86\x92 %s%s", why->behind[i].dst,
			b->claim > 0               ? ""
			: b->z < w->limits.z_claim ? ": as usual"
						   : ": not enough to matter");
		put(p, p->area.x + 2, i ? "" : "behind", ROLE_DIM);
		blame_row(p, buf_cstr(&text), b->claim, b->flow, w->total, fmt_z(b->z),
			b->flow > 0 ? ROLE_WARN : ROLE_DIM);
	}
	buf_clear(&text);
	if (w->behind_all > w->behinds)
		buf_addf(&text, "with %s, %u more behind it", node,
			w->behind_all - w->behinds);
	else if (w->behind_all)
		buf_addf(&text, "with %s itself", node);
	else
		buf_addf(&text, "with %s: it calls nobody that is seen", node);
	put(p, p->area.x + 2, "stays", ROLE_DIM);
	blame_row(p, buf_cstr(&text), NAN, w->stays, w->total, fmt_z(NAN),
		w->stays > .5 * w->total ? ROLE_CRIT : ROLE_TEXT);
	if (isfinite(w->own_excess_us)) {
		buf_clear(&text);
		buf_addf(&text, "%s's own work takes %s longer a request", node,
			fmt_duration((int64_t)w->own_excess_us).s);
		put(p, p->area.x + 2, buf_cstr(&text), ROLE_TEXT);
		p->y++;
	}
	if (w->async) {
		put(p, p->area.x + 2, "asynchronous: nobody waits for it", ROLE_TEXT);
		p->y++;
	}
	p->y++;
	buf_done(&text);
}

static void
paint_causes(struct page *p, const struct snap *s, const struct snap_edge *e)
{
	for (uint32_t i = 0; i < s->causes; i++) {
		const struct snap_cause *c = &s->cause[i];
		bool here = c->edge == e->key;

		if (i == 0)
			head(p, "causes", 0, NULL);
		grid_glyph(p->g, p->area.x + 2, p->y, here ? GLYPH_CRIT : GLYPH_OK,
			here ? ROLE_CRIT : ROLE_DIM, 0);
		grid_right(p->g, p->area.x + LABEL + COLUMN, p->y, fmt_loss(c->score).s,
			ROLE_TEXT, 0);
		paint_sentence(p->g, p->area.x + LABEL + COLUMN + 2, p->y,
			p->area.w - LABEL - COLUMN - 2, &c->sentence,
			here ? ROLE_TITLE : ROLE_TEXT, 0);
		p->y++;
		for (uint32_t k = 0; here && k < c->explained; k++) {
			struct buf text = BUF_INIT;

			buf_addf(&text, "explains %s of %s \xe2\x86\x92 %s",
				fmt_percent(c->explains[k].share).s, c->explains[k].src,
				c->explains[k].dst);
			put(p, p->area.x + LABEL + COLUMN + 2, buf_cstr(&text), ROLE_DIM);
			p->y++;
			buf_done(&text);
		}
	}
}

int
paint_edge_why(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	struct page p = { g, area, area.y };

	if (!s->why.filled || s->why.key != e->key) {
		put(&p, area.x, "not watched: nothing is known of what is usual here",
			ROLE_DIM);
		return 1;
	}
	paint_numbers(&p, &s->why.why, cause_on_edge(s, e));
	paint_evidence(&p, s, &s->why.why);
	paint_blame(&p, s, e);
	paint_causes(&p, s, e);
	return p.y - area.y;
}
