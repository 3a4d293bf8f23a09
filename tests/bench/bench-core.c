/*
 * What recording, expiring and reading cost, as shares of what cJSON needs to parse
 * one event of 220 bytes (and nothing else) in the same run: the machines this runs on
 * differ and so do its moments, the ratios do much less.
 *
 * Events are spread evenly over the series, which is the worst case for the caches.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/window.h"

#define START (INT64_C(1767225600))
#define WARM_TICKS 66
#define TICKS 12
#define ADVANCES 20 /* calls of window_advance() in a tick */

static const char event_json[] =
	"{\"src\":\"checkout-service\",\"dst\":\"payment-service\",\"op\":\"POST "
	"/charge\","
	"\"kind\":\"http\",\"ts\":1767225600123456,\"us\":18342,\"srv_us\":17920,"
	"\"in\":612,\"out\":248,\"err\":false,\"trace\":"
	"\"4bf92f3577b34da6a3ce929d0e0e4736\","
	"\"span\":\"00f067aa0ba902b7\"}";

static uint64_t seed = 1;

static uint32_t
pick(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 32) * n >> 32);
}

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ns for cJSON to parse and free one event; the median of some rounds. */
static double
yardstick(void)
{
	double round[9];

	for (unsigned r = 0; r < ARRAY_LEN(round); r++) {
		double start = cpu_ns();

		for (int i = 0; i < 20000; i++)
			cJSON_Delete(cJSON_ParseWithLength(
				event_json, sizeof(event_json) - 1));
		round[r] = (cpu_ns() - start) / 20000;
	}
	qsort(round, ARRAY_LEN(round), sizeof(*round), by_value);
	return round[ARRAY_LEN(round) / 2];
}

/* Log-normal latencies, median 8 ms, as bucket numbers. */
static uint16_t
draw_bucket(void)
{
	double u = (pick(1u << 30) + 0.5) / (1u << 30), v = pick(1u << 30) / 1073741824.0;
	double us = 8000 * exp(1.1 * sqrt(-2 * log(u)) * cos(6.2831853 * v));

	return (uint16_t)hist_index((uint64_t)us);
}

struct cost {
	double record_ns, advance_ns, pause_us, query_ns, bytes;
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
	struct cost *c)
{
	int64_t now = tick * SEC_US;

	for (uint32_t k = 0; k < ADVANCES; k++) {
		double start = cpu_ns(), mid;

		window_advance(w, now + k * SEC_US / ADVANCES);
		mid = cpu_ns();
		for (uint32_t i = n / ADVANCES * k; i < n / ADVANCES * (k + 1); i++)
			window_add(w, now, &r[i]);
		if (!c)
			continue;
		c->advance_ns += mid - start;
		c->pause_us = MAX(c->pause_us, (mid - start) / 1000);
		c->record_ns += cpu_ns() - mid;
	}
}

static struct cost
measure(uint32_t series, uint32_t per_tick)
{
	static const double q[] = { 0.5, 0.95, 0.99 };
	struct window *w = window_new(WINDOW_FINE_US, (size_t)4 << 30);
	struct window_record *r = draw_records(series, per_tick);
	struct cost c = { 0 };
	int64_t tick = START, sum = 0;
	double start;

	window_advance(w, tick * SEC_US);
	for (uint32_t i = 0; i < series; i++)
		window_series_new(w, WINDOW_NO_SERIES);
	for (; tick < START + WARM_TICKS; tick++)
		run_tick(w, tick, r, per_tick, NULL);
	c.bytes = (double)window_bytes(w) / series;
	for (; tick < START + WARM_TICKS + TICKS; tick++)
		run_tick(w, tick, r, per_tick, &c);
	c.record_ns /= (double)per_tick * TICKS;
	c.advance_ns /= (double)per_tick * TICKS;
	window_settle(w);
	start = cpu_ns();
	for (uint32_t i = 0; i < series; i++) {
		int64_t us[ARRAY_LEN(q)];

		hist_quantiles(window_hist(w, i), q, ARRAY_LEN(q), us);
		sum += us[2];
	}
	c.query_ns = (cpu_ns() - start) / series;
	if (sum < 0)
		puts("no latencies?");
	free(r);
	window_free(w);
	return c;
}

static void
bench_window(void)
{
	static const struct {
		uint32_t series, per_tick;
	} rows[] = { { 1000, 100000 }, { 10000, 100000 }, { 100000, 300000 } };

	printf("%8s %9s %9s %10s %7s %10s %11s %10s\n", "series", "events/s", "record ns",
		"expire ns", "x cJSON", "pause us", "p50-99 ns", "B/series");
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		double parse = yardstick();
		struct cost c = measure(rows[i].series, rows[i].per_tick);

		printf("%8u %9u %9.1f %10.1f   1/%-4.0f %8.0f %11.0f %10.0f\n",
			rows[i].series, rows[i].per_tick, c.record_ns, c.advance_ns,
			parse / (c.record_ns + c.advance_ns), c.pause_us, c.query_ns,
			c.bytes);
	}
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
	double parse = yardstick(), start, add_ns, snap_ns;

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
	printf("%u edges: model_add %.0f ns (1/%.1f of cJSON's parse), a picture %.2f "
	       "ms, "
	       "%zu B/edge\n",
		s.edges, add_ns, parse / add_ns, snap_ns / 1e6, model_bytes(m) / s.edges);
	snap_done(&s);
	model_free(m);
	free(name);
}

int
main(void)
{
	printf("cJSON parses an event of %zu B in %.0f ns\n", sizeof(event_json) - 1,
		yardstick());
	bench_window();
	bench_model(1000);
	bench_model(10000);
	return 0;
}
