/*
 * What recording, expiring and reading cost, as shares of what cJSON needs to parse
 * one event of 220 bytes (and nothing else) in the same run: the machines this runs on
 * differ and so do its moments, the ratios do much less.
 *
 * usage: bench-core [EDGES]   one of the windows only, for a profile
 *
 * Events are spread evenly over the series, which is the worst case for the caches.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench-kit.h"
#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/window.h"

#define START (INT64_C(1767225600))
#define WARM_TICKS 66
#define TICKS 30 /* of a measurement: memory is slow for some ms after cJSON */
#define REPEATS 5
#define ADVANCES 20 /* calls of window_advance() in a tick */
#define READS 10    /* in a tick, when somebody looks */

/* Log-normal latencies, median 8 ms, as bucket numbers. */
static uint16_t
draw_bucket(void)
{
	double u = (pick(1u << 30) + 0.5) / (1u << 30), v = pick(1u << 30) / 1073741824.0;
	double us = 8000 * exp(1.1 * sqrt(-2 * log(u)) * cos(6.2831853 * v));

	return (uint16_t)hist_index((uint64_t)us);
}

struct cost {
	double record_ns, pause_us;
};

static struct window_record *
draw_records(uint32_t series, uint32_t n)
{
	struct window_record *r = xcalloc(n, sizeof(*r));

	for (uint32_t i = 0; i < n; i++)
		r[i] = (struct window_record){
			.series = pick(series),
			.calls = 1,
			.errors = !pick(100),
			.bucket = draw_bucket(),
			.bytes_in = pick(2000),
			.bytes_out = pick(20000),
		};
	return r;
}

static void
run_tick(struct window *w, int64_t tick, const struct window_record *r, uint32_t n,
	unsigned reads, struct cost *c)
{
	int64_t now = tick * SEC_US;

	for (uint32_t k = 0; k < ADVANCES; k++) {
		double start = cpu_ns(), mid;

		window_advance(w, now + k * SEC_US / ADVANCES);
		mid = cpu_ns();
		for (uint32_t i = n / ADVANCES * k; i < n / ADVANCES * (k + 1); i++)
			window_add(w, now, &r[i]);
		if (reads && k % (ADVANCES / reads) == 0)
			window_settle(w);
		c->pause_us = MAX(c->pause_us, (mid - start) / 1000);
		c->record_ns += cpu_ns() - start;
	}
}

static double
query_ns(struct window *w, uint32_t series)
{
	static const double q[] = { 0.5, 0.95, 0.99 };
	int64_t sum = 0;
	double start;

	window_settle(w);
	start = cpu_ns();
	for (uint32_t i = 0; i < series; i++) {
		int64_t us[ARRAY_LEN(q)];

		hist_quantiles(window_hist(w, i), q, ARRAY_LEN(q), us);
		sum += us[2];
	}
	if (sum < 0)
		puts("no latencies?");
	return (cpu_ns() - start) / series;
}

static void
bench_window(uint32_t series, uint32_t per_tick, double target)
{
	struct window *w = window_new(WINDOW_FINE_US, (size_t)4 << 30);
	struct window_record *r = draw_records(series, per_tick);
	double ratio[REPEATS], query[REPEATS], bytes, parse, record = 0;
	struct cost c = { 0 };
	int64_t tick = START;
	char what[80];

	window_advance(w, tick * SEC_US);
	for (uint32_t i = 0; i < series; i++)
		window_series_new(w, WINDOW_NO_SERIES);
	for (; tick < START + WARM_TICKS; tick++)
		run_tick(w, tick, r, per_tick, 0, &c);
	bytes = (double)window_bytes(w) / series;
	c.pause_us = 0;
	for (unsigned k = 0; k < REPEATS; k++) {
		parse = cjson_parse().ns;
		c.record_ns = 0;
		for (unsigned i = 0; i < TICKS; i++)
			run_tick(w, tick++, r, per_tick, 0, &c);
		record = c.record_ns / per_tick / TICKS;
		ratio[k] = parse / record;
		query[k] = query_ns(w, series);
	}
	snprintf(what, sizeof(what), "record and expire, %u edges (last: %.0f ns)",
		series, record);
	row(what, "1/%.0f cJSON", median(ratio, REPEATS), AT_LEAST, target);
	snprintf(what, sizeof(what), "p50, p95 and p99 of one of %u edges", series);
	row(what, "%.2f us", median(query, REPEATS) / 1000, AT_MOST, 1);
	snprintf(what, sizeof(what), "longest pause for housekeeping, %u edges", series);
	row(what, "%.2f ms", c.pause_us / 1000, AT_MOST, 5);
	if (series == 10000)
		row("memory of an edge, 10000 edges, 100000 records/s, 60 s", "%.1f KB",
			bytes / 1024, AT_MOST, 10);
	c.record_ns = 0;
	for (unsigned i = 0; i < TICKS; i++)
		run_tick(w, tick++, r, per_tick, READS, &c);
	snprintf(what, sizeof(what),
		"the same with a reader ten times a second, %u edges", series);
	row_plain(what, "%.0f ns", c.record_ns / per_tick / TICKS);
	free(r);
	window_free(w);
}

/* The whole way of a flow into the model: names, tables, operation, both latencies. */
static void
bench_model(uint32_t edges)
{
	enum {
		EVENTS = 100000,
		ROUNDS = 20
	};
	struct model_limits limits = model_limits_default;
	char(*name)[24] = xcalloc(2 * (size_t)edges, sizeof(*name));
	struct thresholds t = THRESHOLDS_DEFAULT;
	struct snap s = { 0 };
	struct model *m;
	double start, add_ns, snap_ns;
	char what[80];

	limits.nodes = limits.edges = 2 * edges;
	m = model_new(&limits);
	for (uint32_t i = 0; i < edges; i++) {
		snprintf(name[2 * i], sizeof(*name), "service-%u", i / 10);
		snprintf(name[2 * i + 1], sizeof(*name), "backend-%u", i % 97);
	}
	start = cpu_ns();
	for (uint32_t i = 0; i < EVENTS * ROUNDS; i++) {
		uint32_t k = pick(edges);
		int64_t now = START * SEC_US + i * INT64_C(10);
		struct event e = { .type = EVENT_FLOW };
		struct flow *f = &e.u.flow;

		flow_init(f);
		f->src = str_of(name[2 * k]);
		f->dst = str_of(name[2 * k + 1]);
		f->op = STR("POST /charge");
		f->end_us = now;
		f->client_us = 1000 + pick(30000);
		f->server_us = f->client_us - 300;
		f->bytes_in = 100;
		model_add(m, &e, now);
	}
	add_ns = (cpu_ns() - start) / (EVENTS * ROUNDS);
	start = cpu_ns();
	for (int i = 0; i < 5; i++)
		model_snap(m, START * SEC_US + ROUNDS * SEC_US, &t, &s);
	snap_ns = (cpu_ns() - start) / 5;
	snprintf(
		what, sizeof(what), "model_add(), %u edges, nothing known before", edges);
	row_plain(what, "%.0f ns", add_ns);
	snprintf(what, sizeof(what), "a picture of %u edges, as taken for each frame",
		edges);
	row_plain(what, "%.2f ms", snap_ns / 1e6);
	snprintf(what, sizeof(what), "all of the model, %u edges, 100000 events/s, 20 s",
		edges);
	row_plain(what, "%.1f KB/edge", (double)model_bytes(m) / s.edges / 1024);
	snap_done(&s);
	model_free(m);
	free(name);
}

int
main(int argc, char **argv)
{
	static const struct {
		uint32_t series, per_tick;
		double target;
	} windows[] = { { 1000, 100000, 80 }, { 10000, 100000, 40 },
		{ 100000, 300000, 18 } };
	unsigned long only = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct yardstick y = cjson_parse();

	printf("  cJSON parses an event of %.0f B in %.0f ns\n", y.bytes, y.ns);
	for (unsigned i = 0; i < ARRAY_LEN(windows); i++)
		if (!only || only == windows[i].series)
			bench_window(windows[i].series, windows[i].per_tick,
				windows[i].target);
	if (only)
		return rows_end();
	bench_model(1000);
	bench_model(10000);
	return rows_end();
}
