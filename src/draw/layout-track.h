/*
 * layout-track - the order of the vertical lines of one channel.
 */
#ifndef WEIR_DRAW_LAYOUT_TRACK_H
#define WEIR_DRAW_LAYOUT_TRACK_H

#include "layout-priv.h"

struct tracks {
	struct arena *arena;
	struct channel *ch;
	int rows;
	int room;        /* side of the matrices */
	int *cost;       /* cost[a * room + b]: trunk a left of trunk b */
	int *gain;       /* cost of a right of b less that of a left of b */
	bool *dirty;     /* trunks whose costs have to be computed again */
	int *tapper;     /* per row: trunk + 1 with a tap there */
	uint16_t *above; /* per trunk and row: its taps above */
	int *seq, count; /* trunks that need a track, left to right */
	int known;       /* trunks that were there at the last ordering */
	int *costs;      /* of the places of one trunk */
};

/* @rows: all rows are less. @room_trunks: there will never be more. */
void tracks_init(
	struct tracks *w, struct arena *a, struct channel *ch, int rows, int room_trunks);

/* Order the trunks that are not straight; again after doglegs have changed some. */
void tracks_order(struct tracks *w);

/* Trunk @trunk has changed since the last ordering. */
void tracks_touch(struct tracks *w, int trunk);

/* The trunk left of place @x that has a tap on the row where that one comes in, or -1. */
int tracks_overlapped(const struct tracks *w, int x);

/* Give each trunk its column, and count the crossings. */
void tracks_columns(struct tracks *w);

#endif
