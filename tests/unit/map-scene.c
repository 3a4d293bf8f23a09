#include "config.h"

#include "map-scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

void
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

void
scene_done(struct scene *s)
{
	s->view->done(s->state);
	grid_free(s->grid);
	snap_done(&s->snap);
	buf_done(&s->glyphs);
	buf_done(&s->roles);
}

void
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

void
scene_show(struct scene *s, const struct topology *t, uint64_t seed)
{
	topology_snap(t, &s->snap, NULL, seed);
	scene_paint(s);
}

struct map_view *
scene_view(const struct scene *s)
{
	return s->state;
}

static const char *const group_names[] = { "shop", "money", "delivery", "search", "media",
	"identity" };

void
scene_group(struct scene *s, unsigned groups)
{
	for (uint32_t n = 0; n < s->snap.nodes; n++) {
		uint32_t hash = topology_key(s->snap.node[n].name) >> 7;

		if (hash % 8)
			s->snap.node[n].group = group_names[hash / 8 % groups];
	}
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

void
scene_check(struct scene *s, const char *name, int w, int h)
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

void
scene_expect(struct scene *s, const char *before, const char *what)
{
	scene_paint(s);
	cr_expect_str_eq(buf_cstr(&s->glyphs), before, "%s", what);
}
