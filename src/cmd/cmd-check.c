/*
 * One line and an exit status, as monitoring plugins do it. Here 2 means critical,
 * so wrong use is 3: a typing mistake must not wake anybody.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "weir/base/util.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/sink.h"
#include "weir/cmd/values.h"
#include "weir/core/filter.h"

enum {
	PLUGIN_OK,
	PLUGIN_WARNING,
	PLUGIN_CRITICAL,
	PLUGIN_UNKNOWN
};

/* How many edges match @text, and the worst of them: most severe, then slowest. */
static uint32_t
count_matches(
	const struct snap *snap, const char *text, const struct snap_edge **ret_worst)
{
	struct filter *f = text ? filter_new(text, NULL) : NULL;
	const struct snap_edge *worst = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; f && i < snap->edges; i++) {
		const struct snap_edge *e = &snap->edge[i];

		if (!filter_match(f, snap, i))
			continue;
		n++;
		if (worst == NULL || e->severity > worst->severity ||
			(e->severity == worst->severity &&
				e->stat.p99_us > worst->stat.p99_us))
			worst = e;
	}
	filter_free(f);
	*ret_worst = worst;
	return n;
}

/* What is before the performance data must not look like its beginning. */
static void
print_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == '|' ? '!' : *text, out);
}

static void
print_edge(FILE *out, const struct snap *snap, const struct snap_edge *e)
{
	print_text(out, snap->node[e->src].name);
	fputs(" -> ", out);
	print_text(out, snap->node[e->dst].name);
	if (e->stat.p99_us != SNAP_UNKNOWN)
		fprintf(out, " p99 %.1f ms", (double)e->stat.p99_us / 1e3);
	if (e->stat.calls)
		fprintf(out, " errors %.2f%%",
			100.0 * (double)e->stat.errors / (double)e->stat.calls);
	for (uint32_t i = 0; i < snap->causes; i++) {
		if (snap->cause[i].edge != e->key)
			continue;
		fputs("; ", out);
		print_text(out, snap->cause[i].sentence.text);
		break;
	}
}

static void
print_performance(FILE *out, const struct snap *snap, uint32_t fail, uint32_t warn)
{
	int64_t worst_us = SNAP_UNKNOWN;
	uint64_t calls = 0, errors = 0;

	for (uint32_t i = 0; i < snap->edges; i++) {
		worst_us = MAX(worst_us, snap->edge[i].stat.p99_us);
		calls += snap->edge[i].stat.calls;
		errors += snap->edge[i].stat.errors;
	}
	fprintf(out, " | edges=%u critical=%u warning=%u verdicts=%u calls=%" PRIu64 "c",
		snap->edges, fail, warn, snap->causes, calls);
	if (calls)
		fprintf(out, " errors=%.3f%%", 100.0 * (double)errors / (double)calls);
	if (worst_us != SNAP_UNKNOWN)
		fprintf(out, " p99_max=%.6fs", (double)worst_us / 1e6);
	fprintf(out, " lost=%" PRIu64 "c\n", snap->quality.lost + snap->quality.dropped);
}

static int
judge(const struct options *o, const struct snap *snap, const char *where, FILE *out)
{
	const struct snap_edge *fail_edge, *warn_edge;
	uint32_t fail = count_matches(snap, o->fail_on, &fail_edge);
	uint32_t warn = count_matches(snap, o->warn_on, &warn_edge);
	int state = PLUGIN_OK;

	if (snap->quality.received == 0) {
		fprintf(out, "UNKNOWN - nothing arrived from %s\n", where);
		return PLUGIN_UNKNOWN;
	}
	if (fail) {
		state = PLUGIN_CRITICAL;
		fprintf(out, "CRITICAL - %u of %u edges: ", fail, snap->edges);
		print_edge(out, snap, fail_edge);
	} else if (warn) {
		state = PLUGIN_WARNING;
		fprintf(out, "WARNING - %u of %u edges: ", warn, snap->edges);
		print_edge(out, snap, warn_edge);
	} else {
		fprintf(out, "OK - %u edges, none of them matches", snap->edges);
	}
	print_performance(out, snap, fail, warn);
	return state;
}

int
cmd_check(const struct options *o)
{
	int64_t duration_us =
		o->duration_us == VALUE_FOREVER ? 30 * SEC_US : o->duration_us;
	int status = PLUGIN_UNKNOWN;
	struct snap snap = { 0 };
	struct sink sink;
	struct diag d = { 0 };
	struct feed *f;

	if (o->fail_on == NULL && o->warn_on == NULL) {
		report("check needs --fail-on or --warn-on, such as --fail-on 'p99>500ms "
		       "| "
		       "err>1%%'");
		return PLUGIN_UNKNOWN;
	}
	f = open_feed(o, false, &status);
	if (f == NULL)
		return PLUGIN_UNKNOWN;
	if (collect(f, o, duration_us)) {
		feed_snap(f, &snap);
		sink_open(&sink);
		status = judge(o, &snap, feed_source(f)->where, sink.f);
		if (sink_close(&sink, NULL, &d) != STATUS_OK && d.text[0]) {
			report_diag(STATUS_ERR_SYSTEM, &d);
			status = PLUGIN_UNKNOWN;
		}
	} else {
		status = EXIT_SIGNAL + signals_stop();
	}
	snap_done(&snap);
	close_feed(f);
	return status;
}
