/*
 * mapview - the map of a topology file on stdout, for looking at layouts.
 *
 * mapview NAME|FILE.json [WxH] [--ascii] [--ansi] [--tree] [--level N] [--slow NAME]
 *         [--seed N] [--select NAME] [--sizes]
 *
 * --sizes lists every level with the room its drawing needs.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/draw/map-view.h"
#include "tests/unit/topology.h"
#include "weir/base/status.h"
#include "weir/draw/grid.h"
#include "weir/draw/sgr.h"
#include "weir/draw/theme.h"
#include "weir/draw/view.h"

extern const struct view_ops view_map;

struct request {
	const char *file, *slow, *select;
	int w, h, levels;
	uint64_t seed;
	bool ascii, ansi, tree, sizes;
};

static int
usage(void)
{
	fprintf(stderr,
		"usage: mapview TOPOLOGY [WxH] [--ascii] [--ansi] [--tree] [--level N] "
		"[--slow NAME] [--seed N] [--select NAME]\n");
	return 2;
}

static bool
parse(int argc, char **argv, struct request *r)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (strcmp(a, "--ascii") == 0)
			r->ascii = true;
		else if (strcmp(a, "--ansi") == 0)
			r->ansi = true;
		else if (strcmp(a, "--tree") == 0)
			r->tree = true;
		else if (strcmp(a, "--sizes") == 0)
			r->sizes = true;
		else if (strcmp(a, "--level") == 0 && i + 1 < argc)
			r->levels = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(a, "--slow") == 0 && i + 1 < argc)
			r->slow = argv[++i];
		else if (strcmp(a, "--seed") == 0 && i + 1 < argc)
			r->seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(a, "--select") == 0 && i + 1 < argc)
			r->select = argv[++i];
		else if (a[0] != '-' && sscanf(a, "%dx%d", &r->w, &r->h) == 2)
			continue;
		else if (a[0] != '-' && !r->file)
			r->file = a;
		else
			return false;
	}
	return r->file;
}

static void
print_ansi(const struct grid *g, bool ascii)
{
	struct diag d;
	struct theme *t = theme_open("default", &d);
	struct buf b = BUF_INIT;

	for (int y = 0; y < grid_height(g); y++) {
		for (int x = 0; x < grid_width(g); x++) {
			struct cell c = grid_at(g, x, y);
			uint32_t cp = cell_codepoint(c, ascii);

			if (t)
				sgr_add(&b, theme_style(t, DEPTH_TRUE, (enum role)c.role,
						    c.attr));
			if (cp)
				buf_add_utf8(&b, cp);
		}
		buf_adds(&b, "\033[0m\n");
	}
	fputs(buf_cstr(&b), stdout);
	buf_done(&b);
	theme_free(t);
}

static void
print_sizes(const struct map_view *v, struct map_plan *p, int w, int h)
{
	for (int i = 0; i < map_level_count; i++) {
		struct map_level l = map_effective_level(v, i, w, h);
		bool fits = map_plan_try(p, &v->topo, l, w, h);

		if (!p->pic)
			map_plan_make(p, &v->topo, l, w, h, false);
		printf("%-3s %-18s %3dx%-3d %3d cards %3d edges %4d crossings  %s\n",
			map_levels[i].name, map_levels[i].about, p->pic->w, p->pic->h,
			p->cards, p->edges, p->pic->crossings, fits ? "fits" : "");
	}
}

static void
show(const struct request *r, const struct topology *t)
{
	struct snap s = { 0 };
	struct grid *g = grid_new(r->w, r->h);
	void *state = view_map.init();
	struct view_ctx ctx = { .snap = &s,
		.sel = { SELECT_NONE, SELECT_NONE },
		.filter = "",
		.ascii = r->ascii };
	struct rect all = { 0, 0, r->w, r->h };
	struct buf out = BUF_INIT;

	topology_snap(t, &s, r->slow, r->seed);
	ctx.now_us = s.now_us;
	if (r->select)
		ctx.sel.node = topology_key(r->select);
	view_map.paint(state, &ctx, g, all);
	if (r->tree)
		view_map.action(state, &ctx, ACTION_TREE);
	for (int i = 0; i < abs(r->levels); i++)
		view_map.action(
			state, &ctx, r->levels < 0 ? ACTION_LEVEL_UP : ACTION_LEVEL_DOWN);
	grid_clear(g);
	view_map.paint(state, &ctx, g, all);
	if (r->sizes) {
		struct map_plan p = { 0 };

		print_sizes(state, &p, r->w, r->h);
		map_plan_done(&p);
	} else if (r->ansi) {
		print_ansi(g, r->ascii);
	} else {
		grid_glyph_plane(g, r->ascii, &out);
		fputs(buf_cstr(&out), stdout);
	}
	buf_done(&out);
	view_map.done(state);
	grid_free(g);
	snap_done(&s);
}

int
main(int argc, char **argv)
{
	struct request r = { .w = 120, .h = 38, .seed = 1 };
	struct topology *t;

	if (!parse(argc, argv, &r))
		return usage();
	t = topology_load(r.file);
	if (!t) {
		fprintf(stderr, "mapview: cannot read '%s'\n", r.file);
		return 1;
	}
	show(&r, t);
	topology_free(t);
	return 0;
}
