/*
 * The map view as a whole: pictures kept under tests/golden/map, and what must hold
 * in every one. GENERATE=1 rewrites the pictures.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map-scene.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/grid.h"
#include "weir/draw/view.h"

static const char *const golden_names[] = { "online-boutique", "otel-demo", "dsb-social",
	"train-ticket" };

static const struct {
	int w, h;
} sizes[] = { { 40, 10 }, { 80, 24 }, { 120, 40 }, { 200, 50 } };

/* ---- pictures */

static void
check_pictures(const struct topology *t, int w, int h)
{
	struct scene s;

	scene_init(&s, w, h - CHROME);
	scene_show(&s, t, 1);
	scene_check(&s, t->name, w, h);
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
			cr_expect_eq(scene_view(&s)->mode, MODE_MAP, "%s, %s slow",
				t->name, t->node[v]);
			cr_expect_not(scene_view(&s)->overflows, "%s", t->name);
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
			scene_view(&s)->user.group =
				level % 2 ? GROUP_MEMBERS : GROUP_AUTO;
			map_plan_make(&p, &scene_view(&s)->topo,
				map_effective_level(scene_view(&s), level / 2, 120, 37),
				120, 37, false);
			expect_each_flow_once(
				&p, &scene_view(&s)->topo, map_levels[level / 2].name);
			cr_expect_eq(p.pic->unresolved, 0);
		}
		map_plan_done(&p);
		scene_done(&s);
		topology_free(t);
	}
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
		scene_expect(&s, before, "pressed three times");
		free(before);
		s.view->action(s.state, &s.ctx, ACTION_LEVEL_AUTO);
	}
	scene_paint(&s);
	before = xstrdup(buf_cstr(&s.glyphs));
	for (int i = 0; i < 3; i++)
		s.view->action(s.state, &s.ctx, ACTION_LEVEL_DOWN);
	scene_paint(&s);
	s.view->action(s.state, &s.ctx, ACTION_LEVEL_AUTO);
	scene_expect(&s, before, "automatic again");
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
	cr_expect_eq(scene_view(&s)->mode, MODE_MAP);
	cr_expect_neq(scene_view(&s)->user.focus, SELECT_NONE);
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
	scene_expect(&s, before, "back");
	cr_expect_eq(s.view->action(s.state, &s.ctx, ACTION_VIEW_2), VIEW_IGNORED,
		"a number is a view again");
	free(before);
	scene_done(&s);
	topology_free(t);
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
	cr_expect(scene_view(&s)->overflows);
	cr_expect(strstr(buf_cstr(&s.glyphs), "pan:"));
	x = scene_view(&s)->x;
	s.view->action(s.state, &s.ctx, ACTION_PAN_LEFT);
	cr_expect_gt(scene_view(&s)->x, x);
	for (int i = 0; i < 1000; i++)
		s.view->action(s.state, &s.ctx, ACTION_PAN_RIGHT);
	scene_paint(&s);
	cr_expect_gt(scene_view(&s)->x + scene_view(&s)->plan.pic->w, 0,
		"something is in sight");
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
	cr_expect_eq(scene_view(&s)->topo.nodes, t->nodes, "it lingers");
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
	cr_expect_eq(scene_view(&s)->topo.nodes, t->nodes - 1, "and then it goes");

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
		pic = scene_view(&s)->plan.pic;
		for (int v = 0; v < t->nodes; v++) {
			int64_t now = s.snap.now_us;

			topology_snap(t, &s.snap, t->node[v], 1);
			s.snap.now_us = now + SEC_US;
			scene_paint(&s);
			cr_expect_eq(scene_view(&s)->plan.pic, pic, "%s", t->node[v]);
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
	total = scene_view(&s)->plan.arena.total;
	for (int i = 0; i < 10; i++) {
		s.snap.now_us += SEC_US;
		scene_paint(&s);
	}
	cr_expect_eq(scene_view(&s)->plan.arena.total, total);
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
	node = map_find_node(&scene_view(&s)->topo, s.ctx.sel.node);
	card = scene_view(&s)->plan.card_of_node[node];
	row = scene_view(&s)->plan.pic->box[card].y;
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "zz-%d", i);
		topology_add_edge(t, 0, topology_add_node(t, name));
		topology_snap(t, &s.snap, NULL, 1);
		s.snap.now_us += (10 + i) * SEC_US;
		scene_paint(&s);
		node = map_find_node(&scene_view(&s)->topo, s.ctx.sel.node);
		card = scene_view(&s)->plan.card_of_node[node];
		cr_expect_eq(scene_view(&s)->plan.pic->box[card].y, row);
	}
	scene_done(&s);
	topology_free(t);
}
