#include "config.h"

#include "weir/cmd/diff.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/*
 * Percentiles of two windows of the same traffic differ by well below half, provided
 * that some samples lie beyond them, three at least; and nobody looks at less than a
 * millisecond.
 */
#define RATIO 1.5
#define LEAST_US 1000
#define SAMPLES_P99 300
#define SAMPLES_P95 60

/* Shares of errors: a few more in a few calls are chance. */
#define LEAST_SHARE 0.01
#define SHARE_RATIO 2.0
#define LEAST_ERRORS 2
#define DEVIATIONS 3.0

const char *
diff_change_word(enum diff_change c)
{
	static const char *const words[] = {
#define X(id, word) word,
		DIFF_CHANGE_LIST(X)
#undef X
	};

	return words[c];
}

static struct diff_row *
add_row(struct diff *d, const struct diff_row *pair, enum diff_change change)
{
	struct diff_row *row;

	if (d->rows == d->row_room) {
		d->row_room = MAX(2 * d->row_room, 64u);
		d->row = xreallocarray(d->row, d->row_room, sizeof(*d->row));
	}
	row = &d->row[d->rows++];
	*row = *pair;
	row->change = change;
	return row;
}

/* The percentile to compare by; NULL when there are too few samples for any. */
static const char *
choose_percentile(const struct snap_stat *a, const struct snap_stat *b,
	uint32_t min_samples, int64_t *ret_a_us, int64_t *ret_b_us)
{
	uint64_t n = MIN(a->samples, b->samples);

	if (n >= SAMPLES_P99 && n >= min_samples) {
		*ret_a_us = a->p99_us;
		*ret_b_us = b->p99_us;
		return "p99";
	}
	if (n >= SAMPLES_P95 && n >= min_samples) {
		*ret_a_us = a->p95_us;
		*ret_b_us = b->p95_us;
		return "p95";
	}
	*ret_a_us = a->p50_us;
	*ret_b_us = b->p50_us;
	return n >= min_samples ? "p50" : NULL;
}

static bool
is_slower(int64_t before_us, int64_t after_us)
{
	return after_us - before_us >= LEAST_US &&
	       (double)after_us >= RATIO * (double)before_us;
}

static void
compare_latency(struct diff *d, struct diff_row *pair, uint32_t min_samples)
{
	int64_t a_us, b_us;
	enum diff_change change;
	struct diff_row *row;

	pair->percentile = choose_percentile(
		&pair->a->stat, &pair->b->stat, min_samples, &a_us, &b_us);
	if (!pair->percentile || a_us < 0 || b_us < 0)
		return;
	if (is_slower(a_us, b_us))
		change = DIFF_SLOWER;
	else if (is_slower(b_us, a_us))
		change = DIFF_FASTER;
	else
		return;
	row = add_row(d, pair, change);
	row->a_us = a_us;
	row->b_us = b_us;
	row->amount = (double)(MAX(a_us, b_us) + 1) / (double)(MIN(a_us, b_us) + 1);
}

static double
share(const struct snap_stat *s)
{
	return (double)s->errors / (double)s->calls;
}

static bool
is_failing(const struct snap_stat *before, const struct snap_stat *after)
{
	double n = (double)before->calls, m = (double)after->calls;
	double all = (double)(before->errors + after->errors) / (n + m);
	double variance = all * (1 - all) * (1 / n + 1 / m);
	double more = share(after) - share(before);

	return after->errors >= LEAST_ERRORS && more >= LEAST_SHARE &&
	       share(after) >= SHARE_RATIO * share(before) &&
	       more * more >= DEVIATIONS * DEVIATIONS * variance;
}

static void
compare_errors(struct diff *d, const struct diff_row *pair)
{
	const struct snap_stat *a = &pair->a->stat, *b = &pair->b->stat;

	if (is_failing(a, b))
		add_row(d, pair, DIFF_FAILING)->amount = share(b) - share(a);
	else if (is_failing(b, a))
		add_row(d, pair, DIFF_RECOVERED)->amount = share(a) - share(b);
}

static void
compare(struct diff *d, struct diff_row *pair, uint32_t min_samples)
{
	d->edges++;
	if (pair->a && pair->b) {
		compare_errors(d, pair);
		compare_latency(d, pair, min_samples);
	} else if (pair->b) {
		add_row(d, pair, DIFF_NEW)->amount = pair->b->stat.rate;
	} else {
		add_row(d, pair, DIFF_VANISHED)->amount = pair->a->stat.rate;
	}
}

/* ------------------------------------------------------------ pairs */

/* Going through the edges of one picture that had calls. */
struct walk {
	const struct snap *s;
	uint32_t i;
};

static const struct snap_edge *
current(struct walk *w)
{
	while (w->i < w->s->edges && w->s->edge[w->i].stat.calls == 0)
		w->i++;
	return w->i < w->s->edges ? &w->s->edge[w->i] : NULL;
}

/* Less than, equal to or greater than 0; NULL is behind everything. */
static int
compare_keys(const struct walk *wa, const struct snap_edge *a, const struct walk *wb,
	const struct snap_edge *b)
{
	int order;

	if (!a || !b)
		return a ? -1 : b ? 1 : 0;
	order = strcmp(wa->s->node[a->src].name, wb->s->node[b->src].name);
	if (order == 0)
		order = strcmp(wa->s->node[a->dst].name, wb->s->node[b->dst].name);
	return order ? order : (int)a->kind - (int)b->kind;
}

static int
by_change_and_amount(const void *x, const void *y)
{
	const struct diff_row *a = x, *b = y;
	int order;

	if (a->change != b->change)
		return a->change < b->change ? -1 : 1;
	if (a->amount != b->amount)
		return a->amount > b->amount ? -1 : 1;
	order = strcmp(a->src, b->src);
	if (order == 0)
		order = strcmp(a->dst, b->dst);
	return order ? order : (int)a->kind - (int)b->kind;
}

void
diff_snaps(const struct snap *a, const struct snap *b, const struct filter *f,
	uint32_t min_samples, struct diff *ret_diff)
{
	struct walk wa = { .s = a }, wb = { .s = b };
	const struct snap_edge *ea, *eb;

	*ret_diff = (struct diff){ 0 };
	while (ea = current(&wa), eb = current(&wb), ea || eb) {
		int order = compare_keys(&wa, ea, &wb, eb);
		const struct snap *s = order <= 0 ? a : b;
		const struct snap_edge *e = order <= 0 ? ea : eb;
		struct diff_row pair = {
			.a = order <= 0 ? ea : NULL,
			.b = order >= 0 ? eb : NULL,
			.src = s->node[e->src].name,
			.dst = s->node[e->dst].name,
			.kind = e->kind,
		};

		if (!f || (pair.a && filter_match(f, a, wa.i)) ||
			(pair.b && filter_match(f, b, wb.i)))
			compare(ret_diff, &pair, min_samples);
		wa.i += order <= 0;
		wb.i += order >= 0;
	}
	if (ret_diff->rows)
		qsort(ret_diff->row, ret_diff->rows, sizeof(*ret_diff->row),
			by_change_and_amount);
}

void
diff_done(struct diff *d)
{
	free(d->row);
	*d = (struct diff){ 0 };
}
