/*
 * The routes of the last run, for channels that have not changed since.
 *
 * What a route depends on is where its trunks come in and leave; when all those rows
 * are the same the route is. Elements and links have other numbers in every run, so
 * these are filled in again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

struct route {
	int *key; /* trunks, then per trunk its row, its taps and their rows */
	int keys, key_room;
	struct channel ch; /* with arrays of its own */
	int trunk_room, tap_room;
	int nets, served; /* trunks and taps before any dogleg */
	int height;       /* least height of the drawing, for doglegs outside */
};

void
routes_done(struct routes *r)
{
	for (int i = 0; i < r->room; i++) {
		free(r->route[i].key);
		free(r->route[i].ch.trunk);
		free(r->route[i].ch.tap);
	}
	free(r->route);
	*r = (struct routes){ 0 };
}

static struct route *
route_of(struct lay *lay, int layer)
{
	struct routes *r = lay->routes;

	if (!r)
		return NULL;
	if (layer >= r->room) {
		int room = MAX(layer + 1, 2 * r->room);

		r->route = xreallocarray(r->route, (size_t)room, sizeof(*r->route));
		memset(r->route + r->room, 0,
			(size_t)(room - r->room) * sizeof(*r->route));
		r->room = room;
	}
	return &r->route[layer];
}

/* Write the key of @ch to @key, which may be NULL; returns its length. */
static int
make_key(const struct channel *ch, int *key)
{
	int n = 0;

	for (int i = 0; i < ch->trunks; i++) {
		const struct trunk *t = &ch->trunk[i];

		if (key) {
			key[n] = t->row;
			key[n + 1] = t->taps;
			for (int k = 0; k < t->taps; k++)
				key[n + 2 + k] = ch->tap[t->first_tap + k].row;
		}
		n += 2 + t->taps;
	}
	return n;
}

bool
route_recall(struct lay *lay, int layer, struct channel *ch)
{
	struct route *r = route_of(lay, layer);
	struct channel fresh = *ch;
	int *key, n;

	if (!r || !lay->old || lay->shift || r->keys == 0)
		return false;
	n = make_key(ch, NULL);
	if (n != r->keys)
		return false;
	key = arena_scratch(lay->arena, (size_t)n * sizeof(*key));
	make_key(ch, key);
	if (memcmp(key, r->key, (size_t)n * sizeof(*key)) != 0)
		return false;
	*ch = r->ch;
	ch->trunk = fresh.trunk;
	ch->tap = fresh.tap;
	for (int i = 0; i < r->ch.trunks; i++) {
		int el = i < r->nets ? fresh.trunk[i].el
				     : ch->trunk[r->ch.trunk[i].parent].el;

		ch->trunk[i] = r->ch.trunk[i];
		ch->trunk[i].el = el;
	}
	for (int i = 0; i < r->ch.taps; i++) {
		int link = i < r->served ? fresh.tap[i].link : -1;

		ch->tap[i] = r->ch.tap[i];
		ch->tap[i].link = link;
	}
	/* A tap behind a dogleg serves what the tap that feeds it served. */
	for (int i = 0; i < ch->taps; i++)
		if (ch->tap[i].child >= 0)
			ch->tap[ch->trunk[ch->tap[i].child].first_tap].link =
				ch->tap[i].link;
	lay->height = MAX(lay->height, r->height);
	return true;
}

void
route_note(struct lay *lay, int layer, const struct channel *ch)
{
	struct route *r = route_of(lay, layer);
	int n = make_key(ch, NULL);

	if (!r)
		return;
	if (n > r->key_room) {
		r->key = xreallocarray(r->key, (size_t)n, sizeof(*r->key));
		r->key_room = n;
	}
	r->keys = make_key(ch, r->key);
	r->nets = ch->trunks;
	r->served = ch->taps;
}

void
route_keep(struct lay *lay, int layer, const struct channel *ch)
{
	struct route *r = route_of(lay, layer);
	struct trunk *trunk;
	struct tap *tap;

	if (!r)
		return;
	trunk = r->ch.trunk;
	tap = r->ch.tap;
	if (ch->trunks > r->trunk_room) {
		trunk = xreallocarray(trunk, (size_t)ch->trunks, sizeof(*trunk));
		r->trunk_room = ch->trunks;
	}
	if (ch->taps > r->tap_room) {
		tap = xreallocarray(tap, (size_t)ch->taps, sizeof(*tap));
		r->tap_room = ch->taps;
	}
	r->ch = *ch;
	r->ch.trunk = trunk;
	r->ch.tap = tap;
	r->height = 0;
	if (ch->trunks)
		memcpy(trunk, ch->trunk, (size_t)ch->trunks * sizeof(*trunk));
	if (ch->taps)
		memcpy(tap, ch->tap, (size_t)ch->taps * sizeof(*tap));
	for (int i = r->nets; i < ch->trunks; i++)
		r->height = MAX(r->height, trunk[i].row + 1);
}
