/*
 * What must hold in every picture of every graph: nothing lies upon anything else. Seven
 * shapes of graphs, one to five hundred services, every level of detail, panes of any
 * size; drawn, painted, changed and drawn again.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "map-scene.h"
#include "raster.h"
#include "weir/base/util.h"

#define CASES 210

/* What may stand in a cell of the pane. */
enum kind {
	KIND_NOTHING,
	KIND_LINE,
	KIND_ARROW,
	KIND_CARD
};

struct board {
	enum kind *cell;
	int w, h, x, y; /* of the pane; where the drawing is in it */
};

static void
mark(struct board *b, int x, int y, enum kind kind)
{
	x += b->x;
	y += b->y;
	if (x >= 0 && y >= 0 && x < b->w && y < b->h && b->cell[y * b->w + x] < kind)
		b->cell[y * b->w + x] = kind;
}

static void
mark_plan(struct board *b, const struct map_plan *p)
{
	for (int i = 0; i < p->pic->pieces; i++) {
		const struct layout_piece *piece = &p->pic->piece[i];

		for (int half = piece->from; half < piece->to; half++)
			mark(b, piece->vertical ? piece->at : half / 2,
				piece->vertical ? half / 2 : piece->at, KIND_LINE);
	}
	for (int c = 0; c < p->cards; c++) {
		const struct layout_box *box = &p->pic->box[c];

		for (int y = box->y; y < box->y + box->h; y++)
			for (int x = box->x; x < box->x + box->w; x++)
				mark(b, x, y, KIND_CARD);
		for (int i = 0; i < box->inlets; i++)
			mark(b, box->x - 1, box->y + p->box[c].head + i, KIND_ARROW);
	}
}

static bool
may_be(enum kind kind, const struct cell *c)
{
	uint32_t cp = cell_codepoint(*c, CHARSET_UNICODE);

	switch (kind) {
	case KIND_NOTHING:
		return cp == ' ';
	case KIND_LINE:
		return c->kind == CELL_LINE;
	case KIND_ARROW:
		return c->kind == CELL_GLYPH || cp == ' ';
	default:
		return true;
	}
}

/* Cells that are not what the drawing has there; the last row may have a hint. */
static int
misplaced(const struct scene *s, const char *what)
{
	const struct map_view *map = scene_view(s);
	struct board b = { .w = grid_width(s->grid),
		.h = grid_height(s->grid),
		.x = map->x,
		.y = map->y };
	int bad = 0;

	b.cell = xcalloc((size_t)b.w * (size_t)b.h, sizeof(*b.cell));
	mark_plan(&b, &map->plan);
	for (int y = 0; y + 1 < b.h; y++)
		for (int x = 0; x < b.w; x++) {
			struct cell c = grid_at(s->grid, x, y);

			if (may_be(b.cell[y * b.w + x], &c))
				continue;
			if (!bad++ && getenv("VERBOSE"))
				fprintf(stderr, "%s: %d,%d is U+%04x, not of kind %d\n",
					what, x, y, cell_codepoint(c, CHARSET_UNICODE),
					b.cell[y * b.w + x]);
		}
	free(b.cell);
	return bad;
}

static void
expect_sound(struct scene *s, const char *what)
{
	const struct map_view *map = scene_view(s);
	const struct map_plan *p = &map->plan;
	struct layout_graph g;
	struct raster r;

	scene_paint(s);
	if (map->mode != MODE_MAP || map->topo.nodes == 0)
		return;
	g = (struct layout_graph){ p->box, p->cards, p->edge, p->edges };
	r = raster_check(p->pic, &g);
	cr_expect_eq(r.overlaps, 0, "%s: %d cells of two nets", what, r.overlaps);
	cr_expect_eq(r.on_card, 0, "%s: %d cells of lines on cards", what, r.on_card);
	cr_expect_eq(r.cards, 0, "%s: %d cells of two cards", what, r.cards);
	cr_expect_eq(r.dangling, 0, "%s: %d loose ends", what, r.dangling);
	cr_expect_eq(p->pic->unresolved, 0, "%s", what);
	/* At the edges of the pane stand names of what is outside. */
	if (!map->overflows)
		cr_expect_eq(misplaced(s, what), 0, "%s", what);
}

static int
below(uint64_t *random, int n)
{
	return (int)(topology_random_next(random) % (uint64_t)n);
}

static void
check_case(int i, uint64_t *random)
{
	static const int counts[] = { 1, 2, 3, 5, 9, 16, 30, 60, 120, 300, 500 };
	enum topology_shape shape = (enum topology_shape)(i % SHAPE_COUNT);
	int nodes = counts[below(random, ARRAY_LEN(counts))];
	struct topology *t =
		topology_of_shape(shape, nodes, topology_random_next(random));
	struct topology *now = topology_copy(t); /* the names of @t outlive it */
	struct scene s;
	char what[80];

	scene_init(&s, 1 + below(random, 300), 1 + below(random, 100));
	/* Mostly what fits, and sometimes what was asked for. Only small ones there. */
	if (nodes <= 60 && below(random, 2))
		scene_view(&s)->user.level = below(random, map_level_count);
	snprintf(what, sizeof(what), "case %d: shape %d, %d nodes, %dx%d, level %d", i,
		shape, nodes, grid_width(s.grid), grid_height(s.grid),
		scene_view(&s)->user.level);
	topology_snap(t, &s.snap, NULL, (uint64_t)i);
	expect_sound(&s, what);
	for (int k = 0; k < 3; k++) {
		if (k == 1 && nodes > 1)
			topology_remove_node(now, below(random, now->nodes));
		else
			topology_add_edge(now, below(random, now->nodes),
				below(random, now->nodes));
		topology_snap(now, &s.snap, NULL, (uint64_t)i);
		s.snap.now_us += (k + 1) * 40 * SEC_US;
		expect_sound(&s, what);
	}
	scene_done(&s);
	topology_free(now);
	topology_free(t);
}

/* Of the map, and of what a reader of its numbers would miss: a label under a line. */
Test(shapes, nothing_lies_upon_anything_else_in_any_picture)
{
	uint64_t random = 20261123;

	if (getenv("SEED"))
		random = strtoull(getenv("SEED"), NULL, 10);
	for (int i = 0; i < CASES; i++)
		check_case(i, &random);
}

Test(shapes, every_style_of_every_shape_is_drawn_without_overlaps)
{
	static const struct {
		int head, tail, gap, pitch;
	} styles[] = { { 1, 1, 0, 2 }, { 1, 1, 1, 2 }, { 1, 0, 0, 2 }, { 1, 0, 0, 1 },
		{ 0, 0, 0, 1 } };
	struct layout *l = layout_new();

	for (int i = 0; i < 40 * SHAPE_COUNT; i++) {
		struct topology *t =
			topology_of_shape((enum topology_shape)(i % SHAPE_COUNT),
				1 + i % 83, 7 + (uint64_t)i);

		for (size_t k = 0; k < ARRAY_LEN(styles); k++) {
			struct layout_graph g =
				topology_graph(t, styles[k].head, styles[k].tail);
			struct layout_options o = { .gap = styles[k].gap,
				.pitch = styles[k].pitch,
				.max_height = i % 3 * 40,
				.max_width = i % 4 * 60,
				.max_layers = i % 5 == 0 ? 3 : 0,
				.quick = i % 7 == 3 };
			struct raster r = raster_check(layout_run(l, &g, &o), &g);

			cr_expect_eq(r.overlaps + r.on_card + r.cards + r.dangling, 0,
				"shape %d, style %zu, case %d: %d, %d, %d, %d",
				i % SHAPE_COUNT, k, i, r.overlaps, r.on_card, r.cards,
				r.dangling);
			topology_graph_done(&g);
		}
		topology_free(t);
	}
	layout_free(l);
}
