/*
 * The map view as a whole: pictures kept under tests/golden/map, and what must hold
 * in every one. GENERATE=1 rewrites the pictures.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/draw/map-view.h"
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

/* What was painted last, as it was kept under @name. */
static void
check_scene(struct scene *s, const char *name, int w, int h)
{
	char path[1024];

	buf_adds(&s->glyphs, "--\n");
	buf_add_str(&s->glyphs, buf_str(&s->roles));
	golden_path(path, sizeof(path), name, w, h, "utf8");
	expect_picture(path, &s->glyphs);
	buf_clear(&s->glyphs);
	grid_glyph_plane(s->grid, true, &s->glyphs);
	golden_path(path, sizeof(path), name, w, h, "ascii");
	expect_picture(path, &s->glyphs);
}

static void
check_pictures(const struct topology *t, int w, int h)
{
	struct scene s;

	scene_init(&s, w, h - CHROME);
	scene_show(&s, t, 1);
	check_scene(&s, t->name, w, h);
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

/* ---- what fits, and what is hidden */

static struct map_view *
view_of(const struct scene *s)
{
	return s->state;
}

Test(map, the_known_systems_are_maps_where_they_should_be)
{
	static const struct {
		const char *name;
		int w, h;
	} cases[] = {
		{ "online-boutique", 80, 24 },
		{ "otel-demo", 80, 24 },
		{ "train-ticket", 160, 48 },
		{ "sentry-selfhosted", 160, 48 },
		{ "synth-300", 160, 48 },
		{ "dsb-social", 120, 40 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct topology *t = topology_load(cases[i].name);

		/* Whichever service is the slow one. */
		for (int v = 0; v < t->nodes; v += 1 + t->nodes / 12) {
			struct scene s;

			scene_init(&s, cases[i].w, cases[i].h - CHROME);
			topology_snap(t, &s.snap, t->node[v], 1);
			scene_paint(&s);
			cr_expect_eq(view_of(&s)->mode, MODE_MAP, "%s, %s slow", t->name,
				t->node[v]);
			cr_expect_not(view_of(&s)->overflows, "%s", t->name);
			scene_done(&s);
		}
		topology_free(t);
	}
}

static void
count_slice(const struct map_plan *p, const struct layout_slice *s, int *seen)
{
	for (int i = 0; i < s->count; i++)
		seen[p->list[s->first + i]]++;
}

/* Each flow is in the picture once: drawn, in a row, or among what is left over. */
static void
expect_each_flow_once(
	const struct map_plan *p, const struct map_topo *t, const char *what)
{
	int *seen = xcalloc((size_t)t->edges + 1, sizeof(*seen));

	for (int e = 0; e < p->edges; e++)
		count_slice(p, &p->edge_flows[e], seen);
	for (int i = 0; i < p->rows; i++)
		if (p->row[i].kind != ROW_CHIP && p->row[i].kind != ROW_MORE)
			count_slice(p, &p->row[i].edge, seen);
	for (int i = 0; i < p->rows; i++)
		for (int k = 0; p->row[i].kind == ROW_MORE && k < p->row[i].edge.count;
			k++) {
			int e = p->list[p->row[i].edge.first + k];

			/* Chips have their edge between cards, folded leaves have not. */
			seen[e] += p->part_of_node[t->edge[e].dst] < 0;
		}
	for (int e = 0; e < t->edges; e++) {
		int a = p->part_of_node[t->edge[e].src],
		    b = p->part_of_node[t->edge[e].dst];
		bool left_over = a >= 0 && a == b && p->part[a].kind == PART_REST;

		cr_expect_eq(seen[e], !left_over, "%s: edge %d is shown %d times", what,
			e, seen[e]);
	}
	for (int n = 0; n < t->nodes; n++)
		cr_expect_geq(p->card_of_node[n], 0, "%s: %s is nowhere", what,
			t->node[n].name);
	free(seen);
}

static const char *const group_names[] = { "shop", "money", "delivery", "search", "media",
	"identity" };

/* Put most services into some of the groups, whatever calls they have. */
static void
scene_group(struct scene *s, unsigned groups)
{
	for (uint32_t n = 0; n < s->snap.nodes; n++) {
		uint32_t hash = topology_key(s->snap.node[n].name) >> 7;

		if (hash % 8)
			s->snap.node[n].group = group_names[hash / 8 % groups];
	}
}

Test(map, every_flow_is_counted_once_at_every_level)
{
	for (int i = 0; topology_names[i]; i++) {
		struct topology *t = topology_load(topology_names[i]);
		struct map_plan p = { 0 };
		struct scene s;

		scene_init(&s, 120, 37);
		topology_snap(t, &s.snap, NULL, 1);
		scene_group(&s, 5);
		scene_paint(&s);
		for (int level = 0; level < map_level_count * 2; level++) {
			view_of(&s)->user.group = level % 2 ? GROUP_MEMBERS : GROUP_AUTO;
			map_plan_make(&p, &view_of(&s)->topo,
				map_effective_level(view_of(&s), level / 2, 120, 37), 120,
				37, false);
			expect_each_flow_once(
				&p, &view_of(&s)->topo, map_levels[level / 2].name);
			cr_expect_eq(p.pic->unresolved, 0);
		}
		map_plan_done(&p);
		scene_done(&s);
		topology_free(t);
	}
}

static void
expect_same_after(struct scene *s, const char *before, const char *what)
{
	scene_paint(s);
	cr_expect_str_eq(buf_cstr(&s->glyphs), before, "%s", what);
}

Test(map, what_a_key_does_the_same_key_undoes)
{
	static const enum action keys[] = { ACTION_FOLD, ACTION_CHIPS, ACTION_GROUP,
		ACTION_TREE };
	struct topology *t = topology_load("sentry-selfhosted");
	struct scene s;
	char *before;

	scene_init(&s, 160, 45);
	scene_show(&s, t, 1);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		s.view->action(s.state, &s.ctx, keys[i]);
		scene_paint(&s);
		before = xstrdup(buf_cstr(&s.glyphs));
		s.view->action(s.state, &s.ctx, keys[i]);
		scene_paint(&s);
		s.view->action(s.state, &s.ctx, keys[i]);
		expect_same_after(&s, before, "pressed three times");
		free(before);
		s.view->action(s.state, &s.ctx, ACTION_LEVEL_AUTO);
	}
	scene_paint(&s);
	before = xstrdup(buf_cstr(&s.glyphs));
	for (int i = 0; i < 3; i++)
		s.view->action(s.state, &s.ctx, ACTION_LEVEL_DOWN);
	scene_paint(&s);
	s.view->action(s.state, &s.ctx, ACTION_LEVEL_AUTO);
	expect_same_after(&s, before, "automatic again");
	free(before);
	scene_done(&s);
	topology_free(t);
}

Test(map, enter_looks_closer_and_back_leads_back)
{
	struct topology *t = topology_load("train-ticket");
	struct scene s;
	char *before;

	scene_init(&s, 80, 21);
	scene_show(&s, t, 1);
	s.view->action(s.state, &s.ctx, ACTION_NEXT_HOT);
	scene_paint(&s);
	before = xstrdup(buf_cstr(&s.glyphs));
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_ENTER), VIEW_HANDLED);
	scene_paint(&s);
	cr_expect_eq(view_of(&s)->mode, MODE_MAP);
	cr_expect_neq(view_of(&s)->user.focus, SELECT_NONE);
	cr_expect_str_neq(buf_cstr(&s.glyphs), before);
	cr_expect(strstr(buf_cstr(&s.glyphs), "2 hops"));
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_ENTER), VIEW_OPEN_DETAIL);
	s.view->action(s.state, &s.ctx, ACTION_LEVEL_DOWN);
	scene_paint(&s);
	cr_expect(strstr(buf_cstr(&s.glyphs), ", 1 hop"));
	s.view->action(s.state, &s.ctx, ACTION_LEVEL_UP);
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_VIEW_4), VIEW_HANDLED);
	scene_paint(&s);
	cr_expect(strstr(buf_cstr(&s.glyphs), ", 4 hops"));
	s.view->action(s.state, &s.ctx, ACTION_VIEW_2);
	s.view->action(s.state, &s.ctx, ACTION_BACK);
	expect_same_after(&s, before, "back");
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_VIEW_2), VIEW_IGNORED,
		"a number is a view again");
	free(before);
	scene_done(&s);
	topology_free(t);
}

static int
count_parts(struct scene *s, enum map_part_kind kind)
{
	const struct map_plan *p = &view_of(s)->plan;
	int n = 0;

	for (int i = 0; i < p->parts; i++)
		n += p->part[i].kind == kind;
	return n;
}

Test(map, a_group_is_one_card_and_enter_opens_it)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;
	char *alone, *closed;

	scene_init(&s, 120, 37);
	topology_snap(t, &s.snap, NULL, 1);
	scene_group(&s, 3);
	scene_paint(&s);
	alone = xstrdup(buf_cstr(&s.glyphs));
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	scene_paint(&s);
	cr_expect_eq(count_parts(&s, PART_GROUP), 3);
	s.view->action(s.state, &s.ctx, ACTION_NEXT_HOT);
	scene_paint(&s);
	closed = xstrdup(buf_cstr(&s.glyphs));
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_ENTER), VIEW_HANDLED);
	scene_paint(&s);
	cr_expect_eq(count_parts(&s, PART_GROUP), 2);
	s.view->action(s.state, &s.ctx, ACTION_BACK);
	expect_same_after(&s, closed, "closed again");
	s.view->action(s.state, &s.ctx, ACTION_BACK);
	cr_expect_eq(s.ctx.sel.node, SELECT_NONE);
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	expect_same_after(&s, alone, "neither groups nor twins");
	free(alone);
	free(closed);
	scene_done(&s);
	topology_free(t);
}

Test(map, the_arrows_lead_out_of_a_group_not_about_in_it)
{
	static const enum action ways[] = { ACTION_LEFT, ACTION_RIGHT };
	struct topology *t = topology_load("otel-demo");
	struct scene s;
	int at, to, part;

	scene_init(&s, 160, 45);
	topology_snap(t, &s.snap, NULL, 1);
	scene_group(&s, 4);
	scene_paint(&s);
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	scene_paint(&s);
	for (at = 0; at < view_of(&s)->topo.nodes; at++)
		for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
			part = view_of(&s)->plan.part_of_node[at];
			to = map_move(view_of(&s), &s.snap, at, ways[i]);
			if (to != NONE && part >= 0)
				cr_expect_neq(view_of(&s)->plan.part_of_node[to], part);
		}
	scene_done(&s);
	topology_free(t);
}

Test(map, where_room_is_short_calm_groups_close_first_and_trouble_stays_out)
{
	struct topology *t = topology_load("synth-100");
	struct scene s;

	scene_init(&s, 160, 45);
	topology_snap(t, &s.snap, NULL, 1);
	scene_group(&s, 6);
	scene_paint(&s);
	cr_assert_eq(view_of(&s)->mode, MODE_MAP);
	cr_expect_gt(view_of(&s)->plan.level.budget, 0);
	cr_expect_gt(count_parts(&s, PART_GROUP), 0);
	for (int n = 0; n < view_of(&s)->topo.nodes; n++) {
		int part = view_of(&s)->plan.part_of_node[n];

		if (part >= 0 && view_of(&s)->topo.node[n].hot)
			cr_expect_neq(view_of(&s)->plan.part[part].kind, PART_GROUP);
	}
	scene_done(&s);
	topology_free(t);
}

Test(map, groups_look_as_they_did)
{
	static const struct {
		const char *name;
		unsigned groups;
		int w, h, keys;
	} cases[] = {
		{ "online-boutique", 3, 80, 24, 1 },
		{ "otel-demo", 4, 120, 40, 1 },
		{ "synth-100", 6, 160, 48, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct topology *t = topology_load(cases[i].name);
		char name[64];
		struct scene s;

		scene_init(&s, cases[i].w, cases[i].h - CHROME);
		topology_snap(t, &s.snap, NULL, 1);
		scene_group(&s, cases[i].groups);
		scene_paint(&s);
		for (int k = 0; k < cases[i].keys; k++)
			s.view->action(s.state, &s.ctx, ACTION_GROUP);
		scene_paint(&s);
		snprintf(name, sizeof(name), "%s-groups", cases[i].name);
		check_scene(&s, name, cases[i].w, cases[i].h);
		scene_done(&s);
		topology_free(t);
	}
}

Test(map, a_map_that_is_too_large_can_be_panned_and_says_so)
{
	struct topology *t = topology_load("train-ticket");
	struct scene s;
	int x;

	scene_init(&s, 80, 21);
	scene_show(&s, t, 1);
	for (int i = 0; i < map_level_count; i++)
		s.view->action(s.state, &s.ctx, ACTION_LEVEL_UP);
	scene_paint(&s);
	cr_expect(view_of(&s)->overflows);
	cr_expect(strstr(buf_cstr(&s.glyphs), "pan:"));
	x = view_of(&s)->x;
	s.view->action(s.state, &s.ctx, ACTION_PAN_LEFT);
	cr_expect_gt(view_of(&s)->x, x);
	for (int i = 0; i < 1000; i++)
		s.view->action(s.state, &s.ctx, ACTION_PAN_RIGHT);
	scene_paint(&s);
	cr_expect_gt(
		view_of(&s)->x + view_of(&s)->plan.pic->w, 0, "something is in sight");
	s.view->action(s.state, &s.ctx, ACTION_NEXT_HOT);
	scene_paint(&s);
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x97\x86"), "the cause is in sight");
	scene_done(&s);
	topology_free(t);
}

/* ---- time */

Test(map, what_falls_silent_stays_for_a_minute_and_keeps_its_place)
{
	struct topology *t = topology_load("online-boutique"), *less = topology_copy(t);
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct scene s;
	int64_t start;

	scene_init(&s, 120, 37);
	scene_show(&s, t, 1);
	start = s.snap.now_us;
	s.snap.now_us = start + 10 * SEC_US;
	scene_paint(&s);
	without_numbers(&s, &before);
	topology_remove_node(less, 1);

	topology_snap(less, &s.snap, NULL, 1);
	s.snap.now_us = start + 20 * SEC_US;
	scene_paint(&s);
	cr_expect_eq(view_of(&s)->topo.nodes, t->nodes, "it lingers");
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x97\x8b"), "as idle");

	topology_snap(t, &s.snap, NULL, 1);
	s.snap.now_us = start + 30 * SEC_US;
	scene_paint(&s);
	without_numbers(&s, &after);
	cr_expect_str_eq(buf_cstr(&before), buf_cstr(&after));

	topology_snap(less, &s.snap, NULL, 1);
	for (int i = 0; i <= 2; i++) {
		s.snap.now_us = start + (40 + i * 61) * SEC_US;
		scene_paint(&s);
	}
	cr_expect_eq(view_of(&s)->topo.nodes, t->nodes - 1, "and then it goes");

	topology_snap(t, &s.snap, NULL, 1);
	s.snap.now_us = start + 300 * SEC_US;
	scene_paint(&s);
	buf_clear(&after);
	without_numbers(&s, &after);
	cr_expect_str_eq(buf_cstr(&before), buf_cstr(&after), "its gap was kept");
	buf_done(&before);
	buf_done(&after);
	scene_done(&s);
	topology_free(t);
	topology_free(less);
}

Test(map, trouble_that_begins_later_moves_nothing)
{
	for (size_t i = 0; i < ARRAY_LEN(golden_names); i++) {
		struct topology *t = topology_load(golden_names[i]);
		struct scene s;
		const struct layout_picture *pic;

		scene_init(&s, 160, 45);
		topology_snap(t, &s.snap, "nobody", 1);
		scene_paint(&s);
		pic = view_of(&s)->plan.pic;
		for (int v = 0; v < t->nodes; v++) {
			int64_t now = s.snap.now_us;

			topology_snap(t, &s.snap, t->node[v], 1);
			s.snap.now_us = now + SEC_US;
			scene_paint(&s);
			cr_expect_eq(view_of(&s)->plan.pic, pic, "%s", t->node[v]);
		}
		scene_done(&s);
		topology_free(t);
	}
}

Test(map, a_frame_takes_no_memory_once_it_has_settled)
{
	struct topology *t = topology_load("otel-demo");
	struct scene s;
	size_t total;

	scene_init(&s, 120, 37);
	scene_show(&s, t, 1);
	total = view_of(&s)->plan.arena.total;
	for (int i = 0; i < 10; i++) {
		s.snap.now_us += SEC_US;
		scene_paint(&s);
	}
	cr_expect_eq(view_of(&s)->plan.arena.total, total);
	scene_done(&s);
	topology_free(t);
}

Test(map, a_pinned_card_stays_on_its_row)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;
	int node, card, row;

	scene_init(&s, 200, 60);
	scene_show(&s, t, 1);
	s.view->action(s.state, &s.ctx, ACTION_NEXT_HOT);
	s.view->action(s.state, &s.ctx, ACTION_PIN);
	node = map_find_node(&view_of(&s)->topo, s.ctx.sel.node);
	card = view_of(&s)->plan.card_of_node[node];
	row = view_of(&s)->plan.pic->box[card].y;
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "zz-%d", i);
		topology_add_edge(t, 0, topology_add_node(t, name));
		topology_snap(t, &s.snap, NULL, 1);
		s.snap.now_us += (10 + i) * SEC_US;
		scene_paint(&s);
		node = map_find_node(&view_of(&s)->topo, s.ctx.sel.node);
		card = view_of(&s)->plan.card_of_node[node];
		cr_expect_eq(view_of(&s)->plan.pic->box[card].y, row);
	}
	scene_done(&s);
	topology_free(t);
}
