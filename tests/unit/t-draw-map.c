/*
 * The map view as a whole: pictures kept under tests/golden/map, and what must hold
 * in every one. GENERATE=1 rewrites the pictures.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/grid.h"
#include "weir/draw/view.h"

#define CHROME 3 /* rows of the screen that are not the map's */

static const char *const golden_names[] = { "online-boutique", "otel-demo", "dsb-social",
	"train-ticket" };

static const struct {
	int w, h;
} sizes[] = { { 40, 10 }, { 80, 24 }, { 120, 40 }, { 200, 50 } };

struct scene {
	const struct view_ops *view;
	void *state;
	struct view_ctx ctx;
	struct snap snap;
	struct grid *grid;
	struct buf glyphs, roles;
};

static void
scene_init(struct scene *s, int w, int h)
{
	memset(s, 0, sizeof(*s));
	s->view = view_find("map");
	cr_assert(s->view);
	s->state = s->view->init();
	s->grid = grid_new(w, h);
	s->ctx = (struct view_ctx){
		.snap = &s->snap, .sel = { SELECT_NONE, SELECT_NONE }, .filter = ""
	};
}

static void
scene_done(struct scene *s)
{
	s->view->done(s->state);
	grid_free(s->grid);
	snap_done(&s->snap);
	buf_done(&s->glyphs);
	buf_done(&s->roles);
}

static void
scene_paint(struct scene *s)
{
	struct rect all = { 0, 0, grid_width(s->grid), grid_height(s->grid) };

	s->ctx.now_us = s->snap.now_us;
	grid_clear(s->grid);
	s->view->paint(s->state, &s->ctx, s->grid, all);
	buf_clear(&s->glyphs);
	buf_clear(&s->roles);
	grid_glyph_plane(s->grid, false, &s->glyphs);
	grid_role_plane(s->grid, &s->roles);
}

static void
scene_show(struct scene *s, const struct topology *t, uint64_t seed)
{
	topology_snap(t, &s->snap, NULL, seed);
	scene_paint(s);
}

/* ---- pictures */

static void
golden_path(char *path, size_t size, const char *name, int w, int h, const char *kind)
{
	const char *top = getenv("top_srcdir");

	snprintf(path, size, "%s/tests/golden/map/%s-%dx%d.%s", top ? top : ".", name, w,
		h, kind);
}

static void
expect_picture(const char *path, const struct buf *picture)
{
	struct buf want = BUF_INIT;
	size_t n;
	FILE *f;

	if (getenv("GENERATE")) {
		f = fopen(path, "wb");
		cr_assert(f, "cannot write %s", path);
		fwrite(picture->p, 1, picture->n, f);
		fclose(f);
		return;
	}
	f = fopen(path, "rb");
	cr_assert(f, "%s is missing: GENERATE=1 make check writes it", path);
	while ((n = fread(buf_reserve(&want, 65536), 1, 65536, f)) > 0)
		want.n += n;
	fclose(f);
	cr_expect(str_eq(buf_str(&want), buf_str(picture)),
		"%s differs: look at it, and if it is right, GENERATE=1", path);
	buf_done(&want);
}

static void
check_pictures(const struct topology *t, int w, int h)
{
	struct scene s;
	char path[1024];

	scene_init(&s, w, h - CHROME);
	scene_show(&s, t, 1);
	buf_adds(&s.glyphs, "--\n");
	buf_add_str(&s.glyphs, buf_str(&s.roles));
	golden_path(path, sizeof(path), t->name, w, h, "utf8");
	expect_picture(path, &s.glyphs);
	buf_clear(&s.glyphs);
	grid_glyph_plane(s.grid, true, &s.glyphs);
	golden_path(path, sizeof(path), t->name, w, h, "ascii");
	expect_picture(path, &s.glyphs);
	scene_done(&s);
}

Test(map, known_systems_look_as_they_did)
{
	for (size_t i = 0; i < ARRAY_LEN(golden_names); i++) {
		struct topology *t = topology_load(golden_names[i]);

		cr_assert(t);
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
			check_pictures(t, sizes[k].w, sizes[k].h);
		topology_free(t);
	}
}

/* ---- what must hold */

/* The lines and borders of a picture, and the letters that no unit has. */
static void
without_numbers(const struct scene *s, struct buf *out)
{
	for (int y = 0; y < grid_height(s->grid); y++) {
		for (int x = 0; x < grid_width(s->grid); x++) {
			uint32_t cp = cell_codepoint(grid_at(s->grid, x, y), false);
			bool letter = cp >= 'a' && cp <= 'z' && !strchr("kmsdh", (int)cp);

			buf_add_utf8(
				out, letter || (cp >= 0x2500 && cp < 0x2580) ? cp : ' ');
		}
		buf_addc(out, '\n');
	}
}

Test(map, a_change_of_numbers_moves_nothing)
{
	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);
		struct buf before = BUF_INIT, after = BUF_INIT;
		struct scene s;

		scene_init(&s, 200, 50);
		scene_show(&s, t, 1);
		without_numbers(&s, &before);
		for (uint32_t e = 0; e < s.snap.edges; e++) {
			s.snap.edge[e].stat.rate *= 7.7;
			s.snap.edge[e].stat.p99_us = s.snap.edge[e].stat.p99_us * 3 + 17;
		}
		s.snap.now_us += SEC_US;
		scene_paint(&s);
		without_numbers(&s, &after);
		cr_expect(str_eq(buf_str(&before), buf_str(&after)), "%s", t->name);
		buf_done(&before);
		buf_done(&after);
		scene_done(&s);
		topology_free(t);
	}
}

Test(map, any_size_of_any_graph_is_painted_without_a_fault)
{
	uint64_t random = 42;

	for (int i = 0; i < 300; i++) {
		int n = (int)(topology_random_next(&random) % 40);
		int m = (int)(topology_random_next(&random) % 80);
		struct topology *t = topology_random(n, n ? m : 0, i % 8, random);
		struct scene s;

		scene_init(&s, 1 + (int)(topology_random_next(&random) % 200),
			1 + (int)(topology_random_next(&random) % 60));
		scene_show(&s, t, random);
		if (t->nodes)
			s.ctx.sel.node = topology_key(t->node[0]);
		scene_paint(&s);
		scene_done(&s);
		topology_free(t);
	}
}

Test(map, the_order_of_arrival_does_not_matter)
{
	struct topology *t = topology_load("otel-demo");
	struct scene a, b;

	scene_init(&a, 120, 37);
	scene_init(&b, 120, 37);
	scene_show(&a, t, 1);
	topology_snap(t, &b.snap, NULL, 1);
	for (uint32_t i = 0; i < b.snap.edges / 2; i++) {
		struct snap_edge e = b.snap.edge[i];

		b.snap.edge[i] = b.snap.edge[b.snap.edges - 1 - i];
		b.snap.edge[b.snap.edges - 1 - i] = e;
	}
	snap_sort(&b.snap);
	scene_paint(&b);
	cr_expect_str_eq(buf_cstr(&a.glyphs), buf_cstr(&b.glyphs));
	scene_done(&a);
	scene_done(&b);
	topology_free(t);
}

Test(map, without_colour_every_grade_has_its_own_glyph)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;

	scene_init(&s, 120, 37);
	scene_show(&s, t, 1);
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x97\x86"), "crit");
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x96\xb2"), "warn");
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x97\x8f"), "ok");
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x94\x81"), "heavy line");
	scene_done(&s);
	topology_free(t);
}

Test(map, arrows_follow_the_flow)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;
	int node;

	scene_init(&s, 120, 37);
	scene_show(&s, t, 1);
	s.view->action(s.state, &s.ctx, ACTION_NEXT_HOT);
	node = snap_find_node(&s.snap, s.ctx.sel.node);
	cr_assert(node >= 0);
	cr_expect_eq(s.snap.node[node].severity, SEV_CRIT);
	s.view->action(s.state, &s.ctx, ACTION_LEFT);
	cr_expect_neq(s.snap.node[node].key, s.ctx.sel.node);
	s.view->action(s.state, &s.ctx, ACTION_RIGHT);
	cr_expect_eq(s.snap.node[node].key, s.ctx.sel.node);
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_DETAIL), VIEW_OPEN_DETAIL);
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_BACK), VIEW_HANDLED);
	cr_expect_eq(s.ctx.sel.node, SELECT_NONE);
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_BACK), VIEW_IGNORED);
	scene_done(&s);
	topology_free(t);
}
