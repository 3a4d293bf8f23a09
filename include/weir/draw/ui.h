/*
 * ui - keys in, state out, a whole screen painted; no terminal.
 *
 * The ui owns which view is shown, the selection, the filter, sort and overlays.
 * It is handed a snap and a grid. A script of keys and times drives it in tests
 * exactly as a person does.
 *
 * The screen, top to bottom: header, view (the map with the worst edges under it
 * where there is room), data-quality line, key hints.
 */
#ifndef WEIR_DRAW_UI_H
#define WEIR_DRAW_UI_H

#include "weir/core/snap.h"
#include "weir/draw/grid.h"
#include "weir/draw/keys.h"

/* Below this the screen says so instead of showing half a picture. */
#define UI_MIN_WIDTH 40
#define UI_MIN_HEIGHT 10

struct ui;

struct ui_options {
	const char *source; /* what the header calls the source: "demo", an endpoint … */
	const char *view;   /* first view, NULL for the map */
	const char *filter; /* initial filter expression, or NULL */
	const char *theme;  /* the one in use, from which T goes on; NULL: default */
	bool ascii;
};

/* What the main loop has to do after a key; a bit set. */
enum {
	UI_REDRAW = 1,
	UI_QUIT = 2,
	UI_SUSPEND = 4,
	UI_REPAINT_ALL = 8, /* the terminal may be garbled: send everything */
	UI_WINDOW = 16,     /* the user wants ui_window() */
	UI_THEME = 32       /* the user wants ui_theme() */
};

struct ui *ui_new(const struct ui_options *o);
void ui_free(struct ui *ui);

unsigned ui_key(struct ui *ui, uint32_t key);

/*
 * Paint @snap on all of @g. @snap must stay until the next ui_paint(): keys act on
 * what was painted last.
 */
void ui_paint(struct ui *ui, const struct snap *snap, struct grid *g);

/*
 * While frozen the caller keeps showing the snap it has, and only counts.
 * @now_us of the live data makes the header say how old the picture is.
 */
bool ui_frozen(const struct ui *ui);
void ui_set_live_time(struct ui *ui, int64_t now_us);

/*
 * True when one edge is looked at closely: its key, to be asked for in snap.shape
 * before the next snap is taken.
 */
bool ui_closeup(const struct ui *ui, uint32_t *ret_edge);

int64_t ui_window(const struct ui *ui);    /* µs the user asked for, or 0 */
const char *ui_theme(const struct ui *ui); /* name the user asked for, or NULL */

/*
 * A line for the user over the hints until the next key, or for half a minute ("" clears).
 * Cleaned here.
 */
void ui_message(struct ui *ui, const char *text);

/* What the empty screen says: endpoints listened on, what was refused, what to try. */
void ui_set_empty_text(struct ui *ui, const char *text);

#endif
