/*
 * map-scene - the map view on a grid, with a snap made of a topology, and its pictures
 * under tests/golden/map. With GENERATE=1 they are written instead of compared.
 */
#ifndef WEIR_TESTS_MAP_SCENE_H
#define WEIR_TESTS_MAP_SCENE_H

#include "../../src/draw/map-view.h"
#include "topology.h"
#include "weir/base/buf.h"
#include "weir/draw/grid.h"
#include "weir/draw/view.h"

#define CHROME 3 /* rows of the screen that are not the map's */

struct scene {
	const struct view_ops *view;
	void *state;
	struct view_ctx ctx;
	struct snap snap;
	struct grid *grid;
	struct buf glyphs, roles;
};

void scene_init(struct scene *s, int w, int h);
void scene_done(struct scene *s);

/* Paint s->snap; fills glyphs and roles. */
void scene_paint(struct scene *s);

/* Paint @t with one service slow, chosen by @seed. */
void scene_show(struct scene *s, const struct topology *t, uint64_t seed);

struct map_view *scene_view(const struct scene *s);

/* Put most services into some of the groups, whatever calls they have. */
void scene_group(struct scene *s, unsigned groups);

/* Compare what was painted last with what was kept under @name. */
void scene_check(struct scene *s, const char *name, int w, int h);

/* Paint, and expect the glyphs to be @before. */
void scene_expect(struct scene *s, const char *before, const char *what);

#endif
