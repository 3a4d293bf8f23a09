#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raster.h"
#include "topology.h"
#include "weir/base/util.h"

static const struct {
	const char *name;
	int head, tail;
	struct layout_options options;
} styles[] = {
	{ "card", 1, 1, { .gap = 0, .pitch = 2 } },
	{ "airy", 1, 1, { .gap = 1, .pitch = 2 } },
	{ "stack", 1, 0, { .gap = 0, .pitch = 2 } },
	{ "tight", 1, 0, { .gap = 0, .pitch = 1 } },
	{ "line", 0, 0, { .gap = 0, .pitch = 1 } },
};

/* Graphs that were made up: their numbers say nothing about services. */
static bool
is_synthetic(const char *name)
{
	return strncmp(name, "synth", 5) == 0 || strncmp(name, "bipartite", 9) == 0;
}

static void
expect_sound(
	const struct layout_picture *p, const struct layout_graph *g, const char *what)
{
	struct raster r = raster_check(p, g);

	cr_expect_eq(r.overlaps, 0, "%s: %d cells owned by two nets", what, r.overlaps);
	cr_expect_eq(r.on_card, 0, "%s: %d cells of lines on cards", what, r.on_card);
	cr_expect_eq(r.cards, 0, "%s: %d cells of two cards", what, r.cards);
	cr_expect_eq(r.dangling, 0, "%s: %d loose ends", what, r.dangling);
	cr_expect_eq(p->unresolved, 0, "%s: %d unresolved", what, p->unresolved);
}

Test(layout, no_real_graph_has_lines_or_cards_that_overlap)
{
	struct layout *l = layout_new();

	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);

		cr_assert(t, "%s", topology_names[i]);
		for (size_t s = 0; s < ARRAY_LEN(styles); s++) {
			struct layout_graph g =
				topology_graph(t, styles[s].head, styles[s].tail);
			const struct layout_picture *p =
				layout_run(l, &g, &styles[s].options);
			struct raster r = raster_check(p, &g);
			char what[100];

			snprintf(what, sizeof(what), "%s, %s", t->name, styles[s].name);
			expect_sound(p, &g, what);
			if (getenv("VERBOSE"))
				fprintf(stderr,
					"%s: %dx%d layers %d crossings %d (said %d) "
					"doglegs %d straight %d of %d\n",
					what, p->w, p->h, p->layers, r.crossings,
					p->crossings, p->doglegs, r.straight, r.links);
			topology_graph_done(&g);
		}
		topology_free(t);
	}
	layout_free(l);
}

/* ---- random graphs and sizes */

Test(layout, no_random_graph_has_lines_or_cards_that_overlap)
{
	struct layout *l = layout_new();
	uint64_t random = 99;

	for (int i = 0; i < 400; i++) {
		int n = 1 + (int)(topology_random_next(&random) % 45);
		int m = (int)(topology_random_next(&random) % 120);
		struct topology *t = topology_random(n, m, i % 9, random);
		size_t s = (size_t)i % ARRAY_LEN(styles);
		struct layout_graph g = topology_graph(t, styles[s].head, styles[s].tail);
		struct layout_options o = styles[s].options;

		o.max_height = (int)(topology_random_next(&random) % 100);
		o.max_width = (int)(topology_random_next(&random) % 300);
		o.warm = i % 3 == 1;
		expect_sound(layout_run(l, &g, &o), &g, "random");
		topology_graph_done(&g);
		topology_free(t);
	}
	layout_free(l);
}

/* ---- against the reference drawings */

struct reference {
	char name[64];
	char style[64];
	int crossings, layers;
};

/* Column @i of a line of a CSV file without quotes; "" when there is none. */
static const char *
column(const char *line, int i, char *to, size_t size)
{
	size_t n;

	while (i-- > 0) {
		line = strchr(line, ',');
		if (!line)
			return "";
		line++;
	}
	n = strcspn(line, ",\n");
	snprintf(to, size, "%.*s", (int)n, line);
	return to;
}

/* Rows of a CSV file under tests/data/topologies that have @style; returns how many. */
static int
read_reference(const char *file, struct reference *to, int room, bool dot)
{
	const char *top = getenv("top_srcdir");
	char path[1024], line[512], c[64];
	int n = 0;
	FILE *f;

	snprintf(
		path, sizeof(path), "%s/tests/data/topologies/%s", top ? top : ".", file);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	while (n < room && fgets(line, sizeof(line), f)) {
		struct reference *r = &to[n];

		snprintf(r->name, sizeof(r->name), "%s", column(line, 0, c, sizeof(c)));
		snprintf(r->style, sizeof(r->style), "%s",
			column(line, dot ? 1 : 3, c, sizeof(c)));
		r->crossings =
			(int)strtol(column(line, dot ? 4 : 8, c, sizeof(c)), NULL, 10);
		r->layers =
			(int)strtol(column(line, dot ? 9 : 6, c, sizeof(c)), NULL, 10);
		n += !dot || strcmp(r->style, "dot") == 0;
	}
	fclose(f);
	return n;
}

static const struct reference *
find_reference(const struct reference *r, int n, const char *name, const char *style)
{
	for (int i = 0; i < n; i++)
		if (strcmp(r[i].name, name) == 0 &&
			(!style || strcmp(r[i].style, style) == 0))
			return &r[i];
	return NULL;
}

Test(layout, lines_cross_no_more_than_in_the_prototype_and_less_than_with_dot)
{
	struct reference ours[100], dot[100];
	int n = read_reference("prototype.csv", ours, 100, false);
	int dots = read_reference("reference.csv", dot, 100, true);
	struct layout *l = layout_new();

	cr_assert_geq(n, 40);
	cr_assert_geq(dots, 15);
	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);

		for (size_t s = 0; s < 3; s++) {
			struct layout_graph g =
				topology_graph(t, styles[s].head, styles[s].tail);
			const struct reference *r =
				find_reference(ours, n, t->name, styles[s].name);
			const struct reference *d =
				find_reference(dot, dots, t->name, NULL);
			const struct layout_picture *p =
				layout_run(l, &g, &styles[s].options);
			struct raster c = raster_check(p, &g);

			if (r)
				cr_expect_leq(c.crossings, r->crossings,
					"%s, %s: %d > %d", t->name, styles[s].name,
					c.crossings, r->crossings);
			if (d && s == 0) {
				cr_expect_leq(c.crossings, d->crossings * 5 / 4 + 3, "%s",
					t->name);
				cr_expect_leq(p->layers, d->layers + 2, "%s", t->name);
				if (t->nodes >= 30 && d->crossings > 0)
					cr_expect_lt(c.crossings, d->crossings,
						"%s: %d, dot %d", t->name, c.crossings,
						d->crossings);
			}
			if (!is_synthetic(t->name))
				cr_expect_leq(p->doglegs, 3, "%s: %d doglegs", t->name,
					p->doglegs);
			topology_graph_done(&g);
		}
		topology_free(t);
	}
	layout_free(l);
}

/*
 * All flows of a caller share one trunk, so between two layers at most one of them can
 * run on in its row: of 17 lines of the Online Boutique that is 6.
 */
Test(layout, a_good_part_of_the_lines_is_straight)
{
	static const char *const named[] = { "online-boutique", "otel-demo", "dsb-social",
		"train-ticket" };
	struct layout *l = layout_new();
	int links = 0, straight = 0;

	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		struct topology *t = topology_load(named[i]);
		struct layout_graph g = topology_graph(t, 1, 1);
		struct layout_options o = { .pitch = 2, .max_height = 50 };
		struct raster r = raster_check(layout_run(l, &g, &o), &g);

		if (getenv("VERBOSE"))
			fprintf(stderr, "%s: %d of %d straight, %d trunks\n", t->name,
				r.straight, r.links, r.trunks);
		cr_expect_geq(3 * r.straight, 2 * r.trunks, "%s: %d of %d trunks",
			t->name, r.straight, r.trunks);
		links += r.links;
		straight += r.straight;
		topology_graph_done(&g);
		topology_free(t);
	}
	cr_expect_geq(100 * straight, 38 * links, "%d of %d", straight, links);
	layout_free(l);
}

/* ---- stability */

#define CHANGES 200
#define CHANGES_PER_START 40

struct place {
	uint32_t key;
	int layer, y;
};

struct moves {
	int changes, cards, layers, rows_sum, moved;
};

static int
record(const struct layout_picture *p, const struct layout_graph *g, struct place *to)
{
	for (int v = 0; v < g->cards; v++)
		to[v] = (struct place){ g->card[v].key, p->box[v].layer, p->box[v].y };
	return g->cards;
}

static const struct place *
find_place(const struct place *p, int n, uint32_t key)
{
	for (int i = 0; i < n; i++)
		if (p[i].key == key)
			return &p[i];
	return NULL;
}

/* A layer more on the left renumbers all: what counts is who changed against the rest. */
static void
compare(const struct place *before, int n, const struct place *after, int m,
	struct moves *to)
{
	const struct place *first = NULL;
	int shift = 0;

	to->changes++;
	for (int i = 0; i < m; i++) {
		const struct place *old = find_place(before, n, after[i].key);

		if (!old)
			continue;
		if (!first) {
			first = old;
			shift = after[i].layer - old->layer;
		}
		to->cards++;
		to->layers += after[i].layer - old->layer != shift;
		to->rows_sum += abs(after[i].y - old->y);
		to->moved += after[i].y != old->y;
	}
}

/* One random change: an edge or a node more or less. */
static void
mutate(struct topology *t, int kind, uint64_t *random)
{
	int a = (int)(topology_random_next(random) % (uint64_t)t->nodes);
	int b = (int)(topology_random_next(random) % (uint64_t)t->nodes);
	int node;

	switch (kind) {
	case 0:
		if (a != b)
			topology_add_edge(t, a, b);
		break;
	case 1:
		if (t->edges > 1)
			topology_remove_edge(t,
				(int)(topology_random_next(random) % (uint64_t)t->edges));
		break;
	case 2:
		node = topology_add_node(t, "new-service");
		a += a >= node;
		topology_add_edge(t, a, node);
		break;
	case 3:
		node = topology_add_node(t, "new-caller");
		a += a >= node;
		topology_add_edge(t, node, a);
		break;
	default:
		if (t->nodes > 2)
			topology_remove_node(t, a);
		break;
	}
}

static void
run_changes(const struct topology *base, uint64_t seed, struct moves *to)
{
	struct layout *l = layout_new();
	struct place *before = xcalloc((size_t)base->nodes + 8, sizeof(*before));
	struct place *after = xcalloc((size_t)base->nodes + 8, sizeof(*after));
	struct layout_options o = { .pitch = 2, .max_height = 60 };
	int n = 0;

	for (int i = 0; i <= CHANGES_PER_START; i++) {
		struct topology *t = topology_copy(base);
		struct layout_graph g;
		const struct layout_picture *p;
		int m;

		/* Every other change takes the one before back. */
		if (i % 2)
			mutate(t, (int)(topology_random_next(&seed) % 5), &seed);
		g = topology_graph(t, 1, 1);
		o.warm = i > 0;
		p = layout_run(l, &g, &o);
		expect_sound(p, &g, t->name);
		m = record(p, &g, after);
		if (i > 0)
			compare(before, n, after, m, to);
		memcpy(before, after, (size_t)m * sizeof(*before));
		n = m;
		topology_graph_done(&g);
		topology_free(t);
	}
	free(before);
	free(after);
	layout_free(l);
}

Test(layout, a_small_change_moves_little_and_never_a_layer)
{
	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);
		struct moves m = { 0 };

		/* The largest takes its time, and says nothing new. */
		for (int s = 0; s * CHANGES_PER_START < CHANGES && t->nodes <= 100; s++)
			run_changes(t, 1000 + (uint64_t)s, &m);
		if (getenv("VERBOSE") && m.cards)
			fprintf(stderr, "%s: %.1f %% of cards move, %.2f rows each\n",
				t->name, 100.0 * m.moved / m.cards,
				(double)m.rows_sum / m.cards);
		cr_expect_eq(
			m.layers, 0, "%s: %d cards changed layer", t->name, m.layers);
		cr_expect_leq(m.rows_sum * 2, m.cards, "%s: %d rows by %d cards", t->name,
			m.rows_sum, m.cards);
		topology_free(t);
	}
}

Test(layout, what_goes_and_comes_back_finds_its_place)
{
	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);
		struct layout_graph all = topology_graph(t, 1, 1), less;
		struct layout_options o = { .pitch = 2, .max_height = 60 };
		struct layout *l = layout_new();
		struct place *before = xcalloc((size_t)t->nodes + 8, sizeof(*before));
		struct place *after = xcalloc((size_t)t->nodes + 8, sizeof(*after));
		struct moves m = { 0 };

		topology_remove_node(t, t->nodes / 2);
		less = topology_graph(t, 1, 1);
		record(layout_run(l, &all, &o), &all, before);
		o.warm = true;
		layout_run(l, &less, &o);
		record(layout_run(l, &all, &o), &all, after);
		compare(before, all.cards, after, all.cards, &m);
		cr_expect_eq(
			m.rows_sum + m.layers, 0, "%s: %d rows", t->name, m.rows_sum);
		free(before);
		free(after);
		layout_free(l);
		topology_graph_done(&all);
		topology_graph_done(&less);
		topology_free(t);
	}
}
