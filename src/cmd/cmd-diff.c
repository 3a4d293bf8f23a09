/*
 * What is different between two pictures. As diff(1): 0 the same, 1 different, 2
 * trouble, wrong use included.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json-out.h"
#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/diff.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/sink.h"
#include "weir/cmd/stored.h"
#include "weir/cmd/values.h"
#include "weir/draw/fmt.h"

enum {
	DIFF_SAME,
	DIFF_DIFFERENT,
	DIFF_TROUBLE
};

#define LARGEST_FILE (64u << 20)
#define MAX_NAMES 65536
#define MAX_NAME_BYTES (MAX_NAMES * 64u)

/* One of the two: a snapshot read back, or the end of a recording. */
struct side {
	const char *path;
	struct names *names; /* of a snapshot, or */
	struct feed *feed;   /* of a recording */
	struct snap snap;
};

/* ------------------------------------------------------------ reading */

/* The whole of @f, up to one byte more than is taken. */
static void
read_all(FILE *f, struct buf *out)
{
	size_t n;

	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->n += n;
	} while (n > 0 && out->n <= LARGEST_FILE);
}

/* ERR_UNKNOWN without @d when it is no snapshot. */
static enum status
read_stored(struct side *side, struct diag *d)
{
	bool is_stdin = strcmp(side->path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(side->path, "re");
	struct buf text = BUF_INIT;
	enum status s = STATUS_ERR_UNKNOWN;
	int first;

	if (!f)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", side->path,
			strerror(errno));
	first = fgetc(f);
	if (first == '{') {
		buf_addc(&text, '{');
		read_all(f, &text);
	}
	if (ferror(f)) {
		s = diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", side->path,
			strerror(errno));
	} else if (text.n > 0 && text.n <= LARGEST_FILE) {
		side->names = names_new(MAX_NAMES, MAX_NAME_BYTES);
		s = stored_read(buf_str(&text), side->names, &side->snap, d);
	}
	if (s != STATUS_OK && d->text[0])
		snprintf(d->file, sizeof(d->file), "%s", side->path);
	if (s == STATUS_ERR_UNKNOWN && is_stdin)
		s = diag_set(d, STATUS_ERR_SYNTAX,
			"standard input is no snapshot of --format json; give a "
			"recording as a file");
	buf_done(&text);
	if (!is_stdin)
		fclose(f);
	return s;
}

/* False when that was reported, or a signal came. */
static bool
play(struct side *side, const struct options *o)
{
	struct options one = *o;
	int ignored;

	one.replay = (char *)side->path;
	one.filter = NULL; /* what matches in one of the two is compared */
	side->feed = open_feed(&one, false, &ignored);
	if (!side->feed || !collect(side->feed, &one, VALUE_FOREVER))
		return false;
	feed_snap(side->feed, &side->snap);
	report_completeness(&side->snap, side->path);
	return true;
}

static bool
load(struct side *side, const struct options *o)
{
	struct diag d = { 0 };
	enum status s = read_stored(side, &d);

	if (s == STATUS_ERR_UNKNOWN)
		return play(side, o);
	if (s != STATUS_OK)
		report_diag(s, &d);
	return s == STATUS_OK;
}

static void
unload(struct side *side)
{
	snap_done(&side->snap);
	feed_free(side->feed);
	names_free(side->names);
}

/* ------------------------------------------------------------ text */

static double
error_ratio(const struct snap_stat *s)
{
	return s->calls ? (double)s->errors / (double)s->calls : NAN;
}

static void
print_edge(FILE *out, const struct snap_stat *s)
{
	fprintf(out, "%s  p99 %s  err %s", fmt_rate(s->rate).s,
		fmt_latency(s->p99_us, s->bounds_only).s, fmt_percent(error_ratio(s)).s);
}

static void
print_row(FILE *out, const struct diff_row *row)
{
	fprintf(out, "%-9s  %s -> %s  %s  ", diff_change_word(row->change), row->src,
		row->dst, flow_kind_word(row->kind));
	switch (row->change) {
	case DIFF_NEW:
		print_edge(out, &row->b->stat);
		break;
	case DIFF_VANISHED:
		print_edge(out, &row->a->stat);
		break;
	case DIFF_SLOWER:
	case DIFF_FASTER:
		fprintf(out, "%s %s -> %s", row->percentile,
			fmt_latency(row->a_us, row->a->stat.bounds_only).s,
			fmt_latency(row->b_us, row->b->stat.bounds_only).s);
		break;
	default:
		fprintf(out, "err %s -> %s", fmt_percent(error_ratio(&row->a->stat)).s,
			fmt_percent(error_ratio(&row->b->stat)).s);
		break;
	}
	fputc('\n', out);
}

static void
print_text(FILE *out, const struct diff *d)
{
	for (uint32_t i = 0; i < d->rows; i++)
		print_row(out, &d->row[i]);
	if (d->rows == 0)
		fprintf(out, "no difference in %u edge%s\n", d->edges,
			d->edges == 1 ? "" : "s");
}

/* ------------------------------------------------------------ JSON */

/* The members are those of an edge in a snapshot. */
static void
add_edge(struct json_out *o, const char *name, const struct snap_edge *e)
{
	if (!e) {
		json_out_null(o, name);
		return;
	}
	json_out_object(o, name);
	json_out_whole(o, "calls", (int64_t)e->stat.calls);
	json_out_real(o, "rate", e->stat.rate, 3);
	json_out_whole(o, "errors", (int64_t)e->stat.errors);
	json_out_real(o, "error_ratio", error_ratio(&e->stat), 6);
	json_out_known(o, "p50_us", e->stat.p50_us);
	json_out_known(o, "p95_us", e->stat.p95_us);
	json_out_known(o, "p99_us", e->stat.p99_us);
	json_out_whole(o, "samples", (int64_t)e->stat.samples);
	json_out_text(o, "severity", severity_word(e->severity));
	json_out_close(o);
}

static void
add_side(struct json_out *o, const char *name, const struct side *side)
{
	struct buf text = BUF_INIT;
	bool known = when_put_rfc3339(&text, side->snap.now_us, 0);

	json_out_object(o, name);
	json_out_text(o, "taken", known ? buf_cstr(&text) : NULL);
	json_out_real(o, "window_s", (double)side->snap.window_us / 1e6, 6);
	json_out_real(o, "covered_s", (double)side->snap.covered_us / 1e6, 6);
	json_out_close(o);
	buf_done(&text);
}

static void
print_json(FILE *f, const struct diff *d, const struct side side[2])
{
	struct buf text = BUF_INIT;
	struct json_out out = { .out = &text }, *o = &out;

	json_out_object(o, NULL);
	json_out_whole(o, "weir_diff", 1);
	add_side(o, "a", &side[0]);
	add_side(o, "b", &side[1]);
	json_out_whole(o, "edges", d->edges);
	json_out_array(o, "changes");
	for (uint32_t i = 0; i < d->rows; i++) {
		const struct diff_row *row = &d->row[i];
		bool by = row->change == DIFF_SLOWER || row->change == DIFF_FASTER;

		json_out_object(o, NULL);
		json_out_text(o, "change", diff_change_word(row->change));
		json_out_text(o, "src", row->src);
		json_out_text(o, "dst", row->dst);
		json_out_text(o, "kind", flow_kind_word(row->kind));
		json_out_text(o, "by", by ? row->percentile : NULL);
		add_edge(o, "a", row->a);
		add_edge(o, "b", row->b);
		json_out_close(o);
	}
	json_out_close(o);
	json_out_close(o);
	buf_addc(&text, '\n');
	fwrite(text.p, 1, text.n, f);
	buf_done(&text);
}

/* ------------------------------------------------------------ the command */

static int
tell(const struct options *o, const struct side side[2], const struct diff *diff)
{
	struct diag d = { 0 };
	struct sink sink;

	sink_open(&sink);
	if (strcmp(o->format, "json") == 0)
		print_json(sink.f, diff, side);
	else
		print_text(sink.f, diff);
	if (sink_close(&sink, o->output, &d) == STATUS_OK)
		return diff->rows ? DIFF_DIFFERENT : DIFF_SAME;
	if (d.text[0] == '\0')
		return EXIT_SIGNAL + 13;
	report_diag(STATUS_ERR_SYSTEM, &d);
	return DIFF_TROUBLE;
}

static int
compare(const struct options *o, const struct side side[2])
{
	struct filter *f = o->filter ? filter_new(o->filter, NULL) : NULL;
	struct diff diff;
	int status = DIFF_TROUBLE;

	diff_snaps(&side[0].snap, &side[1].snap, f, o->thresholds.min_samples, &diff);
	if (diff.edges == 0)
		report("nothing to compare: no calls in either%s",
			f ? " that match" : "");
	else
		status = tell(o, side, &diff);
	diff_done(&diff);
	filter_free(f);
	return status;
}

int
cmd_diff(const struct options *o)
{
	struct side side[2] = { { .path = o->args.v[0] }, { .path = o->args.v[1] } };
	int status = DIFF_TROUBLE;

	if (strcmp(o->format, "text") != 0 && strcmp(o->format, "json") != 0)
		report("diff is written as text or json, not '%s'", o->format);
	else if (strcmp(side[0].path, "-") == 0 && strcmp(side[1].path, "-") == 0)
		report("only one of the two can be standard input");
	else if (load(&side[0], o) && load(&side[1], o))
		status = compare(o, side);
	if (signals_stopped())
		status = EXIT_SIGNAL + signals_stop();
	for (unsigned i = 0; i < ARRAY_LEN(side); i++)
		unload(&side[i]);
	return status;
}
