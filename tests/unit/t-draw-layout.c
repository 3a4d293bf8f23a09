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
	{ "stack", 1, 0, { .gap = 0, .pitch = 1 } },
	{ "line", 0, 0, { .gap = 0, .pitch = 1 } },
};

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
					"doglegs %d\n",
					what, p->w, p->h, p->layers, r.crossings,
					p->crossings, p->doglegs);
			topology_graph_done(&g);
		}
		topology_free(t);
	}
	layout_free(l);
}
