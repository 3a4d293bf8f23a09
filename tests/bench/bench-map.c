/*
 * How long the map takes: a layout from nothing, one after a small change, and
 * painting, at several sizes. Each line is the best and the median of many runs, in
 * milliseconds: a loaded machine shows in the median only. Ends with 1 when the best is
 * above a limit.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/topology.h"
#include "weir/base/util.h"
#include "weir/draw/grid.h"
#include "weir/draw/view.h"

#define RUNS 200
#define FIRSTS 10

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool missed;

static void
report(const char *what, const struct topology *t, double *ms, int runs, double limit)
{
	bool bad;

	qsort(ms, (size_t)runs, sizeof(*ms), compare_double);
	bad = ms[0] > limit;
	missed |= bad;
	printf("  %-22s %4d nodes %5d edges  best %7.3f ms  median %7.3f ms  limit %g "
	       "ms%s\n",
		what, t->nodes, t->edges, ms[0], ms[runs / 2], limit,
		bad ? "  TOO MUCH" : "");
}

static void
bench_layout(const struct topology *t)
{
	struct layout *l = layout_new();
	struct layout_graph g = topology_graph(t, 1, 1);
	struct layout_options o = { .pitch = 2, .max_height = 50, .max_width = 200 };
	double ms[RUNS];

	for (int i = 0; i < RUNS; i++) {
		double begin = now_ms();

		layout_run(l, &g, &o);
		ms[i] = now_ms() - begin;
	}
	report("layout, cold", t, ms, RUNS, 5);
	o.warm = true;
	for (int i = 0; i < RUNS; i++) {
		double begin;

		/* Another edge is missing each time. */
		struct layout_graph less = g;
		struct layout_edge *e = xcalloc((size_t)g.edges, sizeof(*e));
		int kept = 0;

		for (int k = 0; k < g.edges; k++)
			if (k != i % g.edges)
				e[kept++] = g.edge[k];
		less.edge = e;
		less.edges = kept;
		begin = now_ms();
		layout_run(l, &less, &o);
		ms[i] = now_ms() - begin;
		free(e);
	}
	report("layout, warm", t, ms, RUNS, 1);
	topology_graph_done(&g);
	layout_free(l);
}

/* From a snapshot to the first picture, every time as if weir had just begun. */
static void
bench_first(const struct topology *t, int w, int h)
{
	const struct view_ops *view = view_find("map");
	struct grid *grid = grid_new(w, h);
	struct snap s = { 0 };
	struct view_ctx ctx = {
		.snap = &s, .sel = { SELECT_NONE, SELECT_NONE }, .filter = ""
	};
	double ms[FIRSTS];
	char what[40];

	topology_snap(t, &s, NULL, 1);
	for (int i = 0; i < FIRSTS; i++) {
		void *state = view->init();
		double begin = now_ms();

		view->paint(state, &ctx, grid, (struct rect){ 0, 0, w, h });
		ms[i] = now_ms() - begin;
		view->done(state);
	}
	snprintf(what, sizeof(what), "first picture, %dx%d", w, h);
	report(what, t, ms, FIRSTS, 50);
	grid_free(grid);
	snap_done(&s);
}

static void
bench_paint(const struct topology *t, int w, int h)
{
	const struct view_ops *view = view_find("map");
	void *state = view->init();
	struct grid *grid = grid_new(w, h);
	struct rect all = { 0, 0, w, h };
	struct snap s = { 0 };
	struct view_ctx ctx = {
		.snap = &s, .sel = { SELECT_NONE, SELECT_NONE }, .filter = ""
	};
	double ms[RUNS], begin;
	char what[40];

	topology_snap(t, &s, NULL, 1);
	view->paint(state, &ctx, grid, all);
	for (int i = 0; i < RUNS; i++) {
		s.now_us += 100000;
		begin = now_ms();
		grid_clear(grid);
		view->paint(state, &ctx, grid, all);
		ms[i] = now_ms() - begin;
	}
	snprintf(what, sizeof(what), "paint, %dx%d", w, h);
	report(what, t, ms, RUNS, 1);
	view->done(state);
	grid_free(grid);
	snap_done(&s);
}

static void
bench(struct topology *t)
{
	bench_layout(t);
	bench_first(t, 200, 50);
	bench_first(t, 80, 24);
	bench_paint(t, 200, 50);
	topology_free(t);
}

int
main(void)
{
	static const struct {
		int nodes, edges;
	} sizes[] = { { 10, 15 }, { 50, 110 }, { 80, 120 }, { 200, 300 }, { 300, 1000 } };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		bench(topology_random(sizes[i].nodes, sizes[i].edges, 7, 5));
	for (int i = 0; topology_names[i]; i++)
		if (strcmp(topology_names[i], "synth-300") == 0 ||
			strcmp(topology_names[i], "train-ticket") == 0)
			bench(topology_load(topology_names[i]));
	return missed;
}
