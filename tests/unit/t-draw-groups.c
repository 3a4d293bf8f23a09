/*
 * Groups on the map, and the map at certain moments: something selected, panned, in a
 * focus.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map-scene.h"
#include "weir/base/util.h"

static int
count_parts(struct scene *s, enum map_part_kind kind)
{
	const struct map_plan *p = &scene_view(s)->plan;
	int n = 0;

	for (int i = 0; i < p->parts; i++)
		n += p->part[i].kind == kind;
	return n;
}

Test(groups, a_group_is_one_card_and_enter_opens_it)
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
	scene_expect(&s, closed, "closed again");
	s.view->action(s.state, &s.ctx, ACTION_BACK);
	cr_expect_eq(s.ctx.sel.node, SELECT_NONE);
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	s.view->action(s.state, &s.ctx, ACTION_GROUP);
	scene_expect(&s, alone, "neither groups nor twins");
	free(alone);
	free(closed);
	scene_done(&s);
	topology_free(t);
}

Test(groups, the_arrows_lead_out_of_a_group_not_about_in_it)
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
	for (at = 0; at < scene_view(&s)->topo.nodes; at++)
		for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
			part = scene_view(&s)->plan.part_of_node[at];
			to = map_move(scene_view(&s), &s.snap, at, ways[i]);
			if (to != NONE && part >= 0)
				cr_expect_neq(
					scene_view(&s)->plan.part_of_node[to], part);
		}
	scene_done(&s);
	topology_free(t);
}

Test(groups, where_room_is_short_calm_groups_close_first_and_trouble_stays_out)
{
	struct topology *t = topology_load("synth-100");
	struct scene s;

	scene_init(&s, 160, 45);
	topology_snap(t, &s.snap, NULL, 1);
	scene_group(&s, 6);
	scene_paint(&s);
	cr_assert_eq(scene_view(&s)->mode, MODE_MAP);
	cr_expect_gt(scene_view(&s)->plan.level.budget, 0);
	cr_expect_gt(count_parts(&s, PART_GROUP), 0);
	for (int n = 0; n < scene_view(&s)->topo.nodes; n++) {
		int part = scene_view(&s)->plan.part_of_node[n];

		if (part >= 0 && scene_view(&s)->topo.node[n].hot)
			cr_expect_neq(scene_view(&s)->plan.part[part].kind, PART_GROUP);
	}
	scene_done(&s);
	topology_free(t);
}

Test(groups, what_is_left_over_is_opened_even_where_it_does_not_fit)
{
	struct topology *t = topology_load("synth-100");
	const struct map_plan *p;
	int node = 0, part;
	struct scene s;

	scene_init(&s, 120, 37);
	scene_show(&s, t, 1);
	p = &scene_view(&s)->plan;
	cr_assert_gt(count_parts(&s, PART_REST), 0);
	while (p->part_of_node[node] < 0 ||
		p->part[p->part_of_node[node]].kind != PART_REST)
		node++;
	s.ctx.sel.node = scene_view(&s)->topo.node[node].key;
	s.view->action(s.state, &s.ctx, ACTION_ENTER);
	scene_paint(&s);
	cr_expect_eq(scene_view(&s)->mode, MODE_MAP);
	part = scene_view(&s)->plan.part_of_node[node];
	cr_expect(part < 0 || scene_view(&s)->plan.part[part].kind == PART_NODE);
	cr_expect(strstr(buf_cstr(&s.glyphs), "1 opened"));
	scene_done(&s);
	topology_free(t);
}

Test(groups, look_as_they_did)
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
		scene_check(&s, name, cases[i].w, cases[i].h);
		scene_done(&s);
		topology_free(t);
	}
}

static int
node_called(const struct scene *s, const char *name)
{
	for (int n = 0; n < scene_view(s)->topo.nodes; n++)
		if (strcmp(scene_view(s)->topo.node[n].name, name) == 0)
			return n;
	cr_expect(false, "no node %s", name);
	return 0;
}

/* Which cells are dim, which the roles do not tell. */
static void
add_dim_plane(struct scene *s)
{
	buf_adds(&s->roles, "--\n");
	for (int y = 0; y < grid_height(s->grid); y++) {
		for (int x = 0; x < grid_width(s->grid); x++) {
			struct cell c = grid_at(s->grid, x, y);

			buf_addc(&s->roles, c.kind == CELL_BLANK ? ' '
					    : c.attr & ATTR_DIM  ? '.'
								 : '#');
		}
		while (s->roles.p[s->roles.n - 1] == ' ')
			s->roles.n--;
		buf_addc(&s->roles, '\n');
	}
}

Test(moments, look_as_they_did)
{
	static const struct {
		const char *name, *topology, *select;
		int w, h;
		enum action then[12];
	} cases[] = {
		/* What flows through the selected service is lit, all else dim. */
		{ "selected", "otel-demo", "cart", 120, 40, { ACTION_NONE } },
		{ "selected", "train-ticket", "ts-seat-service", 160, 48,
			{ ACTION_NONE } },
		/* A call back is dotted while one of its ends is selected. */
		{ "feedback", "loops-multi", "b", 80, 24, { ACTION_NONE } },
		{ "feedback", "dsb-social", "user-service", 200, 50, { ACTION_NONE } },
		/* Larger than the pane: who is outside. */
		{ "panned", "otel-demo", NULL, 80, 24,
			{ ACTION_LEVEL_UP, ACTION_LEVEL_UP, ACTION_LEVEL_UP } },
		{ "focus", "train-ticket", "ts-seat-service", 80, 24,
			{ ACTION_ENTER, ACTION_VIEW_1 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct topology *t = topology_load(cases[i].topology);
		char name[64];
		struct scene s;

		scene_init(&s, cases[i].w, cases[i].h - CHROME);
		scene_show(&s, t, 1);
		if (cases[i].select)
			s.ctx.sel.node =
				scene_view(&s)
					->topo.node[node_called(&s, cases[i].select)]
					.key;
		for (size_t k = 0; k < ARRAY_LEN(cases[i].then); k++)
			if (cases[i].then[k] != ACTION_NONE) {
				s.view->action(s.state, &s.ctx, cases[i].then[k]);
				scene_paint(&s);
			}
		scene_paint(&s);
		add_dim_plane(&s);
		snprintf(name, sizeof(name), "%s-%s", cases[i].topology, cases[i].name);
		scene_check(&s, name, cases[i].w, cases[i].h);
		scene_done(&s);
		topology_free(t);
	}
}

Test(moments, what_is_gone_lingers_dim)
{
	struct topology *t = topology_load("online-boutique"), *less = topology_copy(t);
	struct scene s;

	scene_init(&s, 120, 40 - CHROME);
	scene_show(&s, t, 1);
	topology_remove_node(less, node_called(&s, "emailservice"));
	topology_snap(less, &s.snap, NULL, 1);
	s.snap.now_us += 15 * SEC_US;
	scene_paint(&s);
	add_dim_plane(&s);
	scene_check(&s, "online-boutique-gone", 120, 40);
	scene_done(&s);
	topology_free(t);
	topology_free(less);
}

Test(numbers, a_card_shows_the_share_of_errors_where_that_is_what_is_wrong)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;

	scene_init(&s, 120, 37);
	topology_snap(t, &s.snap, NULL, 1);
	for (uint32_t i = 0; i < s.snap.edges; i++) {
		struct snap_edge *e = &s.snap.edge[i];

		e->severity = SEV_OK;
		e->stat.calls = 200;
		e->stat.errors = 0;
		if (strcmp(s.snap.node[e->dst].name, "emailservice") != 0)
			continue;
		e->severity = SEV_CRIT;
		e->stat.p99_us = 9000;
		e->stat.errors = 82;
	}
	s.snap.thresholds = (struct thresholds)THRESHOLDS_DEFAULT;
	scene_paint(&s);
	cr_expect(strstr(buf_cstr(&s.glyphs), "\xe2\x97\x86"
					      "41%"));
	cr_expect_not(strstr(buf_cstr(&s.glyphs), " 0%"));
	s.ctx.sort = SORT_ERRORS;
	scene_paint(&s);
	cr_expect(strstr(buf_cstr(&s.glyphs), " 0% "));
	cr_expect(strstr(buf_cstr(&s.glyphs), " errors"));
	scene_done(&s);
	topology_free(t);
}

Test(numbers, what_the_table_is_sorted_by_stands_on_the_cards)
{
	static const enum sort_key keys[] = { SORT_P99, SORT_P95, SORT_P50 };
	struct topology *t = topology_load("online-boutique");
	const struct map_flow *flow;
	struct scene s;

	scene_init(&s, 120, 37);
	topology_snap(t, &s.snap, NULL, 1);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		s.ctx.sort = keys[i];
		scene_paint(&s);
		flow = &scene_view(&s)->flow[0];
		cr_expect_eq(flow->shown_us,
			keys[i] == SORT_P99   ? s.snap.edge[0].stat.p99_us
			: keys[i] == SORT_P95 ? s.snap.edge[0].stat.p95_us
					      : s.snap.edge[0].stat.p50_us);
	}
	scene_done(&s);
	topology_free(t);
}

static bool
any_reversed(const struct scene *s)
{
	for (int y = 0; y < grid_height(s->grid); y++)
		for (int x = 0; x < grid_width(s->grid); x++)
			if (grid_at(s->grid, x, y).attr & ATTR_REVERSE)
				return true;
	return false;
}

Test(moments, a_title_flashes_once_when_its_service_gets_worse)
{
	struct topology *t = topology_load("online-boutique");
	struct scene s;

	scene_init(&s, 120, 37);
	topology_snap(t, &s.snap, "emailservice", 1);
	scene_paint(&s);
	cr_expect_not(any_reversed(&s), "it was bad from the start");
	topology_snap(t, &s.snap, "paymentservice", 1);
	s.snap.now_us += SEC_US;
	s.ctx.frozen = true;
	scene_paint(&s);
	cr_expect_not(any_reversed(&s), "frozen");
	s.ctx.frozen = false;
	scene_paint(&s);
	cr_expect(any_reversed(&s));
	s.snap.now_us += SEC_US;
	scene_paint(&s);
	cr_expect_not(any_reversed(&s), "once");
	scene_done(&s);
	topology_free(t);
}
