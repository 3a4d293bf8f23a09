#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/names.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/ui.h"
#include "weir/draw/view.h"

#include "draw-kit.h"

struct screen {
	struct ui *ui;
	struct grid *g;
	struct snap snap;
	struct names *names;
};

static void
open_screen(struct screen *s, const char *view, int w, int h)
{
	struct ui_options o = { .source = "demo", .view = view };

	*s = (struct screen){ .ui = ui_new(&o), .g = grid_new(w, h) };
}

static void
close_screen(struct screen *s)
{
	ui_free(s->ui);
	grid_free(s->g);
	snap_done(&s->snap);
	names_free(s->names);
}

static void
paint(struct screen *s)
{
	ui_paint(s->ui, &s->snap, s->g);
}

/* The screen as text. The caller frees. */
static char *
text_of(const struct grid *g)
{
	struct buf b = BUF_INIT;

	grid_glyph_plane(g, false, &b);
	return b.p;
}

static bool
shows(const struct grid *g, const char *what)
{
	char *text = text_of(g);
	bool found = strstr(text, what) != NULL;

	free(text);
	return found;
}

/* The row on which @what stands, or -1. */
static int
row_of(const struct grid *g, const char *what)
{
	char *text = text_of(g), *at = strstr(text, what);
	int row = at ? 0 : -1;

	for (char *p = text; at && p < at; p++)
		row += *p == '\n';
	free(text);
	return row;
}

static void
press(struct screen *s, const char *keys)
{
	while (*keys) {
		char one[32];
		size_t n = strcspn(keys, " ");

		snprintf(one, sizeof(one), "%.*s", (int)n, keys);
		kit_keys(s->ui, one);
		paint(s);
		keys += n + (keys[n] == ' ');
	}
}

/* ---------------------------------------------------------------- golden screens */

Test(screens, look_as_they_did)
{
	static const struct {
		const char *name, *view, *keys;
		void (*fill)(struct snap *s);
	} cases[] = {
		{ "map", "map", "", kit_shop },
		{ "map-calm", "map", "", kit_calm },
		{ "edges", "edges", "", kit_shop },
		{ "edges-calm", "edges", "", kit_calm },
		{ "edges-selected-by-p99", "edges", "s j j", kit_shop },
		{ "edges-filtered", "edges", "/ p a y m Enter", kit_shop },
		{ "edges-trouble", "edges", "!", kit_shop },
		{ "edge-detail", "edges", "j Enter", kit_shop },
		{ "edge-detail-closeup", "edges", "j Enter", kit_closeup },
		{ "edge-detail-closeup-end", "edges", "j Enter End", kit_closeup },
		{ "edge-detail-idle", "edges", "End Enter", kit_shop },
		{ "edge-detail-origins", "edges", "j j Enter End", kit_shop },
		{ "services", "services", "n n", kit_shop },
		{ "service-detail", "services", "n n n Enter j", kit_shop },
		{ "service-detail-remarks", "services", "Enter End", kit_remarks },
		{ "edge-detail-remarks", "edges", "Enter End", kit_remarks },
		{ "edge-detail-cause", "edges", "j Enter", kit_why },
		{ "edge-why", "edges", "j x", kit_why },
		{ "edge-why-end", "edges", "j x End", kit_why },
		{ "edge-why-victim", "edges", "j j j x", kit_why_victim },
		{ "edge-why-unknown", "edges", "j x", kit_shop },
		{ "events", "events", "", kit_verdict },
		{ "events-none", "events", "", kit_calm },
		{ "sources", "sources", "", kit_shop },
		{ "help", "edges", "?", kit_shop },
		{ "themes", "edges", "T j", kit_shop },
		{ "prompt-mistake", "edges", "/ p 9 9 >", kit_shop },
	};
	static const int sizes[][2] = { { 80, 24 }, { 120, 40 }, { 40, 10 } };

	setenv("XDG_CONFIG_HOME", "/nowhere", 1); /* nobody's own themes */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			struct screen s;
			char name[96];

			open_screen(&s, cases[i].view, sizes[k][0], sizes[k][1]);
			cases[i].fill(&s.snap);
			paint(&s);
			press(&s, cases[i].keys);
			snprintf(name, sizeof(name), "%s-%dx%d", cases[i].name,
				sizes[k][0], sizes[k][1]);
			kit_expect_screen(s.g, name);
			close_screen(&s);
		}
}

Test(screens, wide_ones_use_their_columns)
{
	static const char *const names[] = { "edges", "services" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct screen s;
		char file[64];

		open_screen(&s, names[i], 200, 30);
		kit_shop(&s.snap);
		paint(&s);
		snprintf(file, sizeof(file), "%s-200x30", names[i]);
		kit_expect_screen(s.g, file);
		close_screen(&s);
	}
}

Test(screens, empty_and_too_small_ones_say_what_to_do)
{
	struct screen s;

	open_screen(&s, "edges", 80, 24);
	ui_set_empty_text(s.ui, "waiting for data\n\nlistening on ipc:///run/weir/bus\n\n"
				"try  weir demo\n     weir --with otlp\n");
	paint(&s);
	kit_expect_screen(s.g, "empty-80x24");
	grid_resize(s.g, 39, 12);
	paint(&s);
	kit_expect_screen(s.g, "too-small-39x12");
	for (int w = 0; w < 40; w += 3)
		for (int h = 0; h < 12; h += 2) {
			grid_resize(s.g, w, h);
			paint(&s);
		}
	close_screen(&s);
}

Test(screens, hostile_names_break_no_column)
{
	static const char *const keys[] = { "", "2 j Enter", "3", "3 j Enter",
		"3 j Enter j Enter", "4", "1 n Enter", "1 t j i", "/ p Esc", "?" };
	static const int sizes[][2] = { { 40, 10 }, { 61, 17 }, { 80, 24 }, { 200, 50 } };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			struct screen s;
			char *text;

			open_screen(&s, "edges", sizes[k][0], sizes[k][1]);
			s.names = kit_hostile(&s.snap);
			paint(&s);
			press(&s, keys[i]);
			text = text_of(s.g);
			for (char *p = text; *p; p++)
				cr_expect(*p == '\n' || (unsigned char)*p >= ' ');
			for (char *line = text; *line;) {
				size_t n = strcspn(line, "\n");

				cr_expect(text_is_clean((struct str){ line, n }));
				cr_expect_leq(
					text_width((struct str){ line, n }), sizes[k][0]);
				line += n + 1;
			}
			free(text);
			close_screen(&s);
		}
	/* Numbers stand in the same columns whatever is before them. */
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		struct screen s;
		int heading, end = 0;

		open_screen(&s, "edges", sizes[k][0], sizes[k][1]);
		s.names = kit_hostile(&s.snap);
		paint(&s);
		heading = row_of(s.g, "p99");
		for (int x = 0; x < sizes[k][0]; x++)
			if (grid_at(s.g, x, heading).base == '9' &&
				grid_at(s.g, x - 1, heading).base == '9' &&
				grid_at(s.g, x - 2, heading).base == 'p')
				end = x;
		for (int y = heading + 1; y < heading + 5; y++) {
			cr_expect_eq(grid_at(s.g, end, y).base, 's', "row %d", y);
			cr_expect_eq(grid_at(s.g, end + 1, y).kind, CELL_BLANK);
			cr_expect_eq(grid_at(s.g, end - 6, y).kind, CELL_BLANK);
		}
		close_screen(&s);
	}
}

/* ----------------------------------------------------------------------- behaviour */

Test(ui, the_selection_stays_on_its_edge_when_rows_move)
{
	struct screen s;
	int before;

	open_screen(&s, "edges", 100, 24);
	kit_shop(&s.snap);
	paint(&s);
	press(&s, "j j j"); /* frontend to checkout */
	before = row_of(s.g, "frontend       \xe2\x86\x92 checkout");
	cr_expect_eq(grid_at(s.g, 5, before).role, ROLE_SELECT);
	for (uint32_t i = 0; i < s.snap.edges; i++)
		if (s.snap.edge[i].stat.p99_us == 1700 * MSEC_US)
			s.snap.edge[i].severity = SEV_OK;
	paint(&s);
	cr_expect_neq(row_of(s.g, "frontend       \xe2\x86\x92 checkout"), before);
	cr_expect_eq(
		grid_at(s.g, 5, row_of(s.g, "frontend       \xe2\x86\x92 checkout")).role,
		ROLE_SELECT);
	close_screen(&s);
}

Test(ui, every_sort_puts_its_column_in_order_and_unknown_last)
{
	struct screen s;
	bool reversed = false;

	open_screen(&s, "edges", 100, 24);
	kit_shop(&s.snap);
	paint(&s);
	cr_expect_lt(row_of(s.g, "postgres  "), row_of(s.g, "loadgenerator"));
	for (int i = 1; i < SORT_COUNT; i++) {
		press(&s, "s");
		/* email has no traffic: last by any number, but not by name */
		if (i != SORT_NAME && i != SORT_RATE && i != SORT_SAMPLES)
			for (int k = 0; k < 2; k++) {
				cr_expect_eq(row_of(s.g, "email"), 3 + 13, "sort %d", i);
				press(&s, "S");
				reversed = !reversed;
			}
	}
	cr_expect_not(reversed);
	cr_expect(shows(s.g, "by name"));
	press(&s, "s");
	cr_expect(shows(s.g, "worst first"));
	press(&s, "S");
	cr_expect_lt(row_of(s.g, "email"), row_of(s.g, "postgres  "));
	close_screen(&s);
}

Test(ui, keys_ask_the_caller_for_what_only_it_can_do)
{
	struct screen s;

	open_screen(&s, "edges", 80, 24);
	kit_shop(&s.snap);
	paint(&s);
	cr_expect_eq(ui_window(s.ui), 0);
	cr_expect_null(ui_theme(s.ui));
	cr_expect(kit_keys(s.ui, "q") & UI_QUIT);
	cr_expect(kit_keys(s.ui, "C-c") & UI_QUIT);
	cr_expect(kit_keys(s.ui, "C-z") & UI_SUSPEND);
	cr_expect(kit_keys(s.ui, "C-l") & UI_REPAINT_ALL);
	cr_expect(kit_keys(s.ui, "w") & UI_WINDOW);
	cr_expect_eq(ui_window(s.ui), 300 * SEC_US);
	kit_keys(s.ui, "w w");
	cr_expect_eq(ui_window(s.ui), 10 * SEC_US);
	cr_expect_eq(kit_keys(s.ui, "Tab") & UI_QUIT, 0);
	cr_expect_eq(ui_key(s.ui, WK_NONE), 0);
	cr_expect_eq(ui_key(s.ui, 0x10ffff), 0);
	close_screen(&s);
}

Test(ui, a_theme_is_shown_while_it_is_marked_and_kept_with_enter)
{
	struct screen s;

	setenv("XDG_CONFIG_HOME", "/nowhere", 1);
	open_screen(&s, "edges", 80, 24);
	kit_shop(&s.snap);
	paint(&s);
	cr_expect_eq(kit_keys(s.ui, "T") & UI_THEME, 0);
	cr_expect_null(ui_theme(s.ui), "opening the list changes nothing");
	cr_expect(kit_keys(s.ui, "j") & UI_THEME);
	cr_expect_str_eq(ui_theme(s.ui), "gruvbox");
	cr_expect(kit_keys(s.ui, "End") & UI_THEME);
	cr_expect_str_eq(ui_theme(s.ui), "solarized");
	cr_expect_eq(kit_keys(s.ui, "j") & UI_THEME, 0, "there is no more");
	cr_expect(kit_keys(s.ui, "Esc") & UI_THEME);
	cr_expect_str_eq(ui_theme(s.ui), "default");
	paint(&s);
	cr_expect_not(shows(s.g, "solarized"));

	cr_expect(kit_keys(s.ui, "T k") & UI_THEME);
	cr_expect_eq(kit_keys(s.ui, "Enter") & UI_THEME, 0);
	cr_expect_str_eq(ui_theme(s.ui), "cvd");
	paint(&s);
	cr_expect(shows(s.g, "theme cvd"), "and the user is told");
	cr_expect(kit_keys(s.ui, "T T") & UI_THEME, "as is pressing it on and on");
	cr_expect_str_eq(ui_theme(s.ui), "default");
	cr_expect_eq(kit_keys(s.ui, "2"), 0, "the view behind cannot be left");
	cr_expect(kit_keys(s.ui, "q") & UI_QUIT);
	close_screen(&s);
}

Test(ui, frozen_the_header_says_so_and_how_old_the_picture_is)
{
	struct screen s;

	open_screen(&s, "edges", 80, 24);
	kit_shop(&s.snap);
	press(&s, "Space");
	ui_set_live_time(s.ui, s.snap.now_us + 42 * SEC_US);
	paint(&s);
	cr_expect(ui_frozen(s.ui));
	cr_expect(shows(s.g, "FROZEN 42s"));
	press(&s, "Space");
	cr_expect_not(ui_frozen(s.ui));
	cr_expect_not(shows(s.g, "FROZEN"));
	close_screen(&s);
}

Test(ui, the_filter_follows_the_typing_and_a_mistake_keeps_the_last_good_one)
{
	struct screen s;

	open_screen(&s, "edges", 100, 24);
	kit_shop(&s.snap);
	paint(&s);
	press(&s, "/ c a r t");
	cr_expect(shows(s.g, "redis-cart"));
	cr_expect_not(shows(s.g, "postgres  "));
	press(&s, "Space (");
	cr_expect(shows(s.g, "redis-cart"), "the last good one is in force");
	press(&s, "Enter");
	cr_expect(shows(s.g, "/cart ("), "and Enter waits until it is right");
	press(&s, "Backspace p 9 9 > 3 5 m s Enter");
	cr_expect_not(shows(s.g, "redis-cart"));
	cr_expect(shows(s.g, "cart p99>35ms 2 of 14"));
	press(&s, "/ C-u n o s u c h Enter");
	cr_expect(shows(s.g, "nothing matches"));
	press(&s, "Esc");
	cr_expect(shows(s.g, "redis-cart"));
	press(&s, "/ x Backspace Backspace");
	cr_expect(shows(s.g, "? help"), "an empty prompt closes");
	close_screen(&s);
}

Test(ui, a_term_half_typed_hides_nothing)
{
	static const char *const typed[] = { "p", "9", "9", ">", "1", "s" };
	static const int rows[] = { 5, 14, 14, 14, 14, 4 };
	struct screen s;

	open_screen(&s, "edges", 100, 24);
	kit_shop(&s.snap);
	paint(&s);
	press(&s, "/");
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		char want[32];

		press(&s, typed[i]);
		snprintf(want, sizeof(want), " %d of 14", rows[i]);
		if (rows[i] < 14)
			cr_expect(shows(s.g, want), "after %s: no '%s'", typed[i], want);
		else
			cr_expect(shows(s.g, "email"), "after %s", typed[i]);
	}
	press(&s, "C-u c a r t Space p 9 9 >");
	cr_expect(shows(s.g, "cart 3 of 14"), "what is finished stays in force");
	press(&s, "C-u n o n e");
	cr_expect(shows(s.g, "nothing matches yet"));
	cr_expect(shows(s.g, "email"));
	press(&s, "Enter");
	cr_expect(shows(s.g, "nothing matches the filter"), "asked for, it is so");
	close_screen(&s);
}

Test(ui, how_many_the_filter_lets_through_is_told_on_the_narrowest_screen)
{
	for (int w = UI_MIN_WIDTH; w <= 120; w += 5) {
		struct screen s;

		open_screen(&s, "edges", w, 24);
		kit_shop(&s.snap);
		paint(&s);
		press(&s, "/ d s t : c a r t Space p 9 9 > 3 5 m s Space o p : G e t "
			  "Enter");
		cr_expect(shows(s.g, " 2 of 14 "), "at %d columns", w);
		close_screen(&s);
	}
}

Test(ui, a_verdict_is_told_on_every_screen_there_is)
{
	static const int sizes[][2] = { { 40, 10 }, { 60, 12 }, { 80, 17 }, { 80, 18 },
		{ 120, 12 }, { 200, 10 }, { 200, 50 } };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct screen s;

		open_screen(&s, "map", sizes[i][0], sizes[i][1]);
		kit_shop(&s.snap);
		paint(&s);
		cr_expect(shows(s.g, "payment \xe2\x86\x92 postgres p99 1.6s"), "%dx%d",
			sizes[i][0], sizes[i][1]);
		kit_calm(&s.snap);
		paint(&s);
		cr_expect(shows(s.g, "? help"), "and without one the keys are");
		close_screen(&s);
	}
}

static uint32_t
edge_to(const struct snap *s, const char *dst)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (strcmp(s->node[s->edge[i].dst].name, dst) == 0)
			return s->edge[i].key;
	return SELECT_NONE;
}

Test(ui, n_goes_through_the_causes_first_and_then_through_the_rest)
{
	static const char *const which[] = { "edges", "services", "map" };

	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		struct screen s;
		char first[64];

		open_screen(&s, which[i], 120, 40);
		kit_why(&s.snap);
		/* The ranking is the engine's, not that of the columns. */
		s.snap.causes = 2;
		s.snap.cause[1] = s.snap.cause[0];
		s.snap.cause[0] = (struct snap_cause){ .kind = ANOMALY_LATENCY,
			.node = "checkout",
			.src = "frontend",
			.dst = "checkout",
			.edge = edge_to(&s.snap, "checkout") };
		paint(&s);
		press(&s, "n Enter");
		cr_expect(shows(s.g, "checkout"), "%s", which[i]);
		snprintf(first, sizeof(first), "%s",
			i == 0 ? "frontend \xe2\x86\x92 \xe2\x96\xb2 checkout"
			       : "checkout  ");
		cr_expect(shows(s.g, first), "%s: the first cause", which[i]);
		press(&s, "Esc n Enter");
		cr_expect(shows(s.g, i == 0 ? "\xe2\x97\x86 postgres  db"
					    : "\xe2\x97\x86 postgres"),
			"%s: then the second", which[i]);
		press(&s, "Esc N Enter");
		cr_expect(shows(s.g, first), "%s: and back", which[i]);
		close_screen(&s);
	}
}

Test(ui, the_mark_stays_on_its_event_when_others_come)
{
	struct screen s;
	struct snap_event *e;

	open_screen(&s, "events", 100, 24);
	kit_why(&s.snap);
	paint(&s);
	press(&s, "j j");
	/* Three more, above it. */
	e = snap_events(&s.snap, 8);
	memmove(e + 3, e, 5 * sizeof(*e));
	for (unsigned i = 0; i < 3; i++) {
		e[i] = e[3];
		e[i].number = 8 - i;
	}
	e[4].src = "checkout";
	e[4].dst = "payment";
	e[4].edge_kind = KIND_GRPC;
	paint(&s);
	press(&s, "Enter");
	cr_expect(shows(s.g, "checkout \xe2\x86\x92 \xe2\x96\xb2 payment"),
		"its edge is opened");
	press(&s, "Esc Esc");
	cr_expect(shows(s.g, "is the cause"));
	close_screen(&s);
}

Test(ui, trouble_only_and_a_filter_work_together)
{
	struct screen s;

	open_screen(&s, "edges", 100, 24);
	kit_shop(&s.snap);
	paint(&s);
	press(&s, "!");
	cr_expect_not(shows(s.g, "redis-cart"));
	cr_expect(shows(s.g, "loadgenerator"));
	press(&s, "/ p a y m e n t Enter");
	cr_expect_not(shows(s.g, "loadgenerator"));
	cr_expect(shows(s.g, "payment + trouble 2 of 14"));
	press(&s, "Esc");
	cr_expect(shows(s.g, "redis-cart"));
	close_screen(&s);
}

Test(ui, details_lead_on_and_esc_leads_back)
{
	struct screen s;

	open_screen(&s, "edges", 100, 40);
	kit_shop(&s.snap);
	paint(&s);
	press(&s, "j Enter");
	cr_expect(shows(s.g, "slowest and failing requests"));
	cr_expect(shows(s.g, "UPDATE accounts"));
	press(&s, "Left");
	cr_expect(shows(s.g, "flows out"));
	cr_expect(shows(s.g, "payment"));
	press(&s, "Down Enter");
	cr_expect(shows(s.g, "Charge"), "the flow into payment");
	press(&s, "Esc Esc");
	cr_expect(shows(s.g, "UPDATE accounts"));
	press(&s, "Esc");
	cr_expect(shows(s.g, "worst first"));
	/* What is gone from the data is said to be gone. */
	press(&s, "Enter");
	snap_clear(&s.snap);
	s.snap.window_us = 60 * SEC_US;
	paint(&s);
	cr_expect(shows(s.g, "nothing of it in this window any more"));
	close_screen(&s);
}

Test(ui, numbers_that_should_be_zero_and_are_not_stand_out)
{
	struct screen s;
	int y = 22;

	open_screen(&s, "edges", 80, 24);
	kit_shop(&s.snap);
	paint(&s);
	for (int x = 0; x < 80; x++)
		cr_expect_neq(grid_at(s.g, x, y).role, ROLE_ALERT);
	s.snap.quality.lost = 1234;
	s.snap.quality.bad_values = 7;
	paint(&s);
	cr_expect(shows(s.g, "lost 1234"));
	cr_expect(shows(s.g, "impossible 7"), "however far back in the list");
	cr_expect(shows(s.g, "  lost"));
	s.snap.now_us += 60 * SEC_US;
	paint(&s);
	cr_expect(shows(s.g, "newest 60s"));
	close_screen(&s);
}

Test(ui, messages_last_until_the_next_key_and_cannot_escape)
{
	struct screen s;

	open_screen(&s, "edges", 80, 24);
	kit_shop(&s.snap);
	ui_message(s.ui, "copied\033[2J");
	paint(&s);
	cr_expect(shows(s.g, "copied\\x1b[2J"));
	press(&s, "j");
	cr_expect_not(shows(s.g, "copied"));
	ui_message(s.ui, "copied");
	paint(&s);
	s.snap.now_us += 29 * SEC_US;
	paint(&s);
	cr_expect(shows(s.g, "copied"));
	s.snap.now_us += SEC_US;
	paint(&s);
	cr_expect_not(shows(s.g, "copied"), "nobody wants to press a key for the keys");
	close_screen(&s);
}

Test(ui, thousands_of_random_keys_and_sizes_are_survived)
{
	static const struct {
		int w, h;
	} sizes[] = { { 80, 24 }, { 0, 0 }, { 40, 10 }, { 1, 1 }, { 200, 60 },
		{ 47, 13 } };
	struct screen s;
	uint32_t seed = 11;

	open_screen(&s, NULL, 80, 24);
	kit_shop(&s.snap);
	for (int i = 0; i < 6000; i++) {
		uint32_t key;

		seed = seed * 1664525 + 1013904223;
		key = key_bindings[(seed >> 16) % key_binding_count].key;
		if (seed & 0x800)
			key = 32 + (seed >> 24) % 95;
		ui_key(s.ui, key);
		if (i % 97 == 0) {
			size_t k = (seed >> 8) % ARRAY_LEN(sizes);

			grid_resize(s.g, sizes[k].w, sizes[k].h);
		}
		if (i % 501 == 0)
			(i / 501) % 3 ? kit_shop(&s.snap) : snap_clear(&s.snap);
		if (i % 3 == 0)
			paint(&s);
	}
	close_screen(&s);
}

/* ---------------------------------------------------------------------------- keys */

Test(keys, no_key_is_bound_twice_and_each_action_has_its_line_of_help)
{
	bool told[ACTION_COUNT] = { 0 };

	for (unsigned i = 0; i < key_binding_count; i++) {
		const struct key_binding *b = &key_bindings[i];

		for (unsigned k = 0; k < i; k++)
			cr_expect_neq(b->key, key_bindings[k].key, "%s", b->help);
		cr_expect_eq(key_action(b->key), b->action);
		told[b->action] |= b->help[0] != '\0';
	}
	/* These are told with their sisters: N beside n, - beside +, 3 beside 2. */
	told[ACTION_PREV_HOT] = told[ACTION_LEVEL_DOWN] = true;
	told[ACTION_PAN_DOWN] = told[ACTION_PAN_UP] = told[ACTION_PAN_RIGHT] = true;
	for (int v = ACTION_VIEW_3; v <= ACTION_VIEW_9; v++)
		told[v] = true;
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
		cr_expect(told[a], "action %d has no help", a);
}

Test(keys, script_names_are_understood_and_others_are_not)
{
	static const struct {
		const char *name;
		uint32_t key;
	} rows[] = {
		{ "q", 'q' },
		{ "Enter", WK_ENTER },
		{ "S-Tab", WK_SHIFT_TAB },
		{ "F10", WK_F10 },
		{ "F1", WK_F1 },
		{ "C-l", 12 },
		{ "\xe6\x94\xaf", 0x652f },
		{ "", WK_NONE },
		{ "Entre", WK_NONE },
		{ "\033", WK_NONE },
		{ "F11", WK_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(key_from_name(str_of(rows[i].name)), rows[i].key, "%s",
			rows[i].name);
}
