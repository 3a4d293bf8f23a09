/*
 * What is different between two pictures. As diff(1): 0 the same, 1 different, 2
 * trouble, wrong use included.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void
add_number(cJSON *o, const char *name, double v)
{
	if (isfinite(v))
		cJSON_AddNumberToObject(o, name, v);
	else
		cJSON_AddNullToObject(o, name);
}

static double
known(int64_t v)
{
	return v < 0 ? NAN : (double)v;
}

/* The members are those of an edge in a snapshot. */
static void
add_edge(cJSON *row, const char *name, const struct snap_edge *e)
{
	cJSON *o;

	if (!e) {
		cJSON_AddNullToObject(row, name);
		return;
	}
	o = cJSON_AddObjectToObject(row, name);
	add_number(o, "calls", (double)e->stat.calls);
	add_number(o, "rate", round(e->stat.rate * 1e3) / 1e3);
	add_number(o, "errors", (double)e->stat.errors);
	add_number(o, "error_ratio", round(error_ratio(&e->stat) * 1e6) / 1e6);
	add_number(o, "p50_us", known(e->stat.p50_us));
	add_number(o, "p95_us", known(e->stat.p95_us));
	add_number(o, "p99_us", known(e->stat.p99_us));
	add_number(o, "samples", (double)e->stat.samples);
	cJSON_AddStringToObject(o, "severity", severity_word(e->severity));
}

static void
add_side(cJSON *root, const char *name, const struct side *side)
{
	cJSON *o = cJSON_AddObjectToObject(root, name);
	struct buf text = BUF_INIT;

	if (when_put_rfc3339(&text, side->snap.now_us, 0))
		cJSON_AddStringToObject(o, "taken", buf_cstr(&text));
	else
		cJSON_AddNullToObject(o, "taken");
	buf_done(&text);
	add_number(o, "window_s", (double)side->snap.window_us / 1e6);
	add_number(o, "covered_s", (double)side->snap.covered_us / 1e6);
}

static void
print_json(FILE *out, const struct diff *d, const struct side side[2])
{
	cJSON *root = cJSON_CreateObject(), *list;
	char *text;

	add_number(root, "weir_diff", 1);
	add_side(root, "a", &side[0]);
	add_side(root, "b", &side[1]);
	add_number(root, "edges", d->edges);
	list = cJSON_AddArrayToObject(root, "changes");
	for (uint32_t i = 0; i < d->rows; i++) {
		const struct diff_row *row = &d->row[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "change", diff_change_word(row->change));
		cJSON_AddStringToObject(o, "src", row->src);
		cJSON_AddStringToObject(o, "dst", row->dst);
		cJSON_AddStringToObject(o, "kind", flow_kind_word(row->kind));
		if (row->change == DIFF_SLOWER || row->change == DIFF_FASTER)
			cJSON_AddStringToObject(o, "by", row->percentile);
		else
			cJSON_AddNullToObject(o, "by");
		add_edge(o, "a", row->a);
		add_edge(o, "b", row->b);
		cJSON_AddItemToArray(list, o);
	}
	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (text == NULL)
		die("out of memory");
	fputs(text, out);
	fputc('\n', out);
	cJSON_free(text);
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
