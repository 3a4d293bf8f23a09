/*
 * ui-impl - the state of the ui and its painters: the frame around the view
 * (header, data quality, hints), the filter prompt, the theme chooser and the help.
 */
#ifndef WEIR_DRAW_UI_IMPL_H
#define WEIR_DRAW_UI_IMPL_H

#include "weir/core/filter.h"
#include "weir/draw/ui.h"
#include "weir/draw/view.h"

#include "edge-table.h"
#include "view-detail.h"

#define FILTER_MAX 200
#define VIEWS_MAX 16
#define TWO_LINE_HEADER_HEIGHT 18 /* from this height on the verdict has its own line */
#define AIRY_HEIGHT 30            /* and from this one on blank lines set things apart */

struct prompt {
	bool open;
	char text[FILTER_MAX + 1];
	size_t n;
};

/* The list of themes, read when it is opened. All zero is closed. */
struct chooser {
	bool open;
	char **name, **about; /* both end with NULL */
	int n, at, top, page; /* at -1: the theme in use is none of them */
	char before[64];      /* the theme to go back to */
};

struct ui {
	char source[64];
	struct view_ctx ctx;
	unsigned view;          /* index of views[] */
	void *state[VIEWS_MAX]; /* of each view, made when first shown */

	struct prompt prompt;
	char filter_text[FILTER_MAX + 1]; /* as the user wrote it, valid */
	bool trouble_only;
	struct filter *filter;   /* of both together, NULL when there is none */
	struct diag filter_diag; /* what is wrong with what is in the prompt */
	bool no_match;           /* it is right, but nothing matches; not in force yet */
	struct snap shown;       /* what the filter let through */
	const struct snap *all;  /* what it was last let through of */
	uint32_t edges_before;   /* how many there were before it */
	bool verdict_below;      /* the header had no room for it */

	bool help;
	int help_top, help_page; /* first row of it shown, and rows shown at once */
	struct detail detail;
	struct edge_table worst;

	bool frozen;
	int64_t live_us;
	int64_t window_us; /* asked for, or 0 */
	struct chooser chooser;
	char theme[64];
	bool theme_asked;
	struct buf message, empty, scratch;
	int64_t message_us; /* since when it is shown; 0: not yet */
};

/* Rows of the header and of the two lines at the bottom. */
int ui_header_rows(const struct grid *g);

/* As grid_fit(), but cut at the end: a sentence says most at its beginning. */
void ui_paint_cut(struct grid *g, int x, int y, int w, const char *text, enum role role,
	unsigned attr);

void ui_paint_header(struct ui *ui, const struct snap *s, struct grid *g);
void ui_paint_quality(
	const struct snap_quality *q, int64_t now_us, struct grid *g, int y);
void ui_paint_hints(struct ui *ui, const struct snap *s, struct grid *g, int y);
void ui_paint_prompt(struct ui *ui, struct grid *g, int y);

/* Keys while the prompt is open; returns UI_ bits. */
unsigned ui_prompt_key(struct ui *ui, uint32_t key);
void ui_prompt_open(struct ui *ui);

/* The theme chooser: its keys, with UI_ bits, and its box in the corner of @area. */
void ui_chooser_open(struct ui *ui);
unsigned ui_chooser_action(struct ui *ui, enum action action);
void ui_chooser_paint(struct ui *ui, struct grid *g, struct rect area);
void ui_chooser_done(struct chooser *c);

/*
 * Use @text (and trouble_only) as the filter. False, with the old filter left as it
 * is and ui->filter_diag filled, when it is not an expression.
 */
bool ui_set_filter(struct ui *ui, const char *text);

/* Paint the help from row @top on; returns the greatest @top there is. */
int help_paint(struct grid *g, struct rect area, int top);

#endif
