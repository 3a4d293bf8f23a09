/*
 * The frame around the view: header, data quality, key hints.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

#include "ui-impl.h"
#include "verdict-text.h"

#define FILTER_SHOWN 48   /* columns of the filter and its count at most */
#define FILTER_ROOM 30    /* and those for which other things give way */
#define NO_CLOCK_WIDTH 56 /* with a filter on, a header narrower than this has no clock */
#define VERDICT_LEAST 30  /* columns in which a verdict says something */
#define STALE_US (10 * SEC_US) /* newest data older than this is worth a colour */

int
ui_header_rows(const struct grid *g)
{
	int h = grid_height(g);

	return h >= AIRY_HEIGHT ? 3 : h >= TWO_LINE_HEADER_HEIGHT ? 2 : 1;
}

/* --------------------------------------------------------------------- header */

static const char *
window_word(int64_t us, char *to, size_t size)
{
	if (us % (60 * SEC_US) == 0 && us)
		snprintf(to, size, "%dm", (int)(us / (60 * SEC_US)));
	else
		snprintf(to, size, "%ds", (int)(us / SEC_US));
	return to;
}

/*
 * What comes into the system: the calls of those whom nobody calls. In a ring without
 * an entry, all calls.
 */
static double
entry_rate(const struct snap *s)
{
	double entering = 0, all = 0;
	bool any = false;

	for (uint32_t i = 0; i < s->edges; i++) {
		double rate = s->edge[i].stat.rate;

		if (isnan(rate))
			continue;
		any = true;
		all += rate;
		if (isnan(s->node[s->edge[i].src].rate_in))
			entering += rate;
	}
	return !any ? NAN : entering > 0 ? entering : all;
}

static bool
any_calls(const struct snap *s)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (s->edge[i].stat.calls > 0)
			return true;
	return false;
}

/* Right end first: clock, then how many of each severity. Returns where it begins. */
static int
paint_right(const struct ui *ui, const struct snap *s, struct grid *g)
{
	static const enum severity order[] = { SEV_IDLE, SEV_OK, SEV_WARN, SEV_CRIT };
	time_t sec = (time_t)(s->now_us / SEC_US);
	int x = grid_width(g) - 1;
	char text[32];
	struct tm tm;

	if (ui->frozen) {
		int64_t age = MAX(ui->live_us - s->now_us, 0);

		snprintf(text, sizeof(text), " FROZEN %s ", fmt_age(age).s);
		x -= (int)strlen(text);
		grid_puts(g, x, 0, text, ROLE_MATCH, ATTR_BOLD);
		x--;
	} else if (ui->filter && grid_width(g) < NO_CLOCK_WIDTH) {
		x -= 1; /* how much the filter hides is worth more than the time */
	} else if (s->now_us > 0 && localtime_r(&sec, &tm)) {
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
		x -= (int)strlen(text);
		grid_puts(g, x, 0, text, ROLE_BAR, 0);
		x -= 2;
	}
	if (!s->nodes)
		return x;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		enum severity sev = order[i];
		uint32_t n = s->sev_count[sev];
		enum role role = n ? severity_role(sev) : ROLE_DIM;

		if (sev == SEV_IDLE && n == 0)
			continue;
		snprintf(text, sizeof(text), " %s", fmt_count(n).s);
		grid_right(g, x, 0, text, sev <= SEV_OK ? ROLE_BAR : role,
			ATTR_ON_BAR | (n && sev > SEV_OK ? ATTR_BOLD : 0));
		x -= (int)strlen(text) + 1;
		grid_glyph(g, x, 0, severity_glyph(sev), role, ATTR_ON_BAR);
		x -= 2;
	}
	return x;
}

void
ui_paint_cut(struct grid *g, int x, int y, int w, const char *text, enum role role,
	unsigned attr)
{
	bool cut = text_width(str_of(text)) > w;
	struct rect before = grid_clip(g, (struct rect){ x, y, cut ? w - 1 : w, 1 });

	grid_puts(g, x, y, text, role, attr);
	grid_clip(g, before);
	if (cut)
		grid_glyph(g, x + w - 1, y, GLYPH_ELLIPSIS, role, attr);
}

static void
paint_verdict(const struct snap *s, struct grid *g, int x, int y, int w, unsigned attr)
{
	enum severity worst = s->sev_count[SEV_CRIT] ? SEV_CRIT : SEV_WARN;
	bool own_line = y > 0;

	if (s->headline.n) {
		grid_glyph(g, x, y, severity_glyph(worst), severity_role(worst), attr);
		paint_sentence(g, x + 2, y, w - 2, &s->headline,
			own_line ? ROLE_TITLE : severity_role(worst), attr);
	} else if (own_line && s->edges) {
		char text[96], window[16];

		snprintf(text, sizeof(text), "%s in the last %s",
			any_calls(s) ? "nothing slow or failing" : "no traffic",
			window_word(MIN(s->covered_us > 0 ? s->covered_us : s->window_us,
					    s->window_us),
				window, sizeof(window)));
		if (s->sev_count[SEV_CRIT] + s->sev_count[SEV_WARN] == 0)
			grid_fit(g, x, y, w, str_of(text), ROLE_DIM, attr);
	}
}

/*
 * The header is about everything; this says how much of it the filter lets through.
 * The count stays whole: what the filter is, its user knows.
 */
static int
paint_filter_state(const struct ui *ui, struct grid *g, int x, int end)
{
	char text[FILTER_MAX + 32], count[32];
	int room, n;

	if (!ui->filter)
		return x;
	snprintf(text, sizeof(text), "%s%s%s", ui->filter_text,
		ui->filter_text[0] && ui->trouble_only ? " + " : "",
		ui->trouble_only ? "trouble" : "");
	n = snprintf(count, sizeof(count), " %u of %u ", ui->ctx.snap->edges,
		ui->edges_before);
	room = MIN(end - x, FILTER_SHOWN) - n - 1;
	if (end - x < n)
		return x;
	if (room >= 3) {
		grid_puts(g, x++, 0, " ", ROLE_MATCH, 0);
		x += grid_fit(g, x, 0, room, str_of(text), ROLE_MATCH, 0);
	}
	return x + grid_puts(g, x, 0, count, ROLE_MATCH, 0) + 2;
}

/* The columns that paint_filter_state() would like to have. */
static int
filter_state_width(const struct ui *ui)
{
	if (!ui->filter)
		return 0;
	return MIN((int)strlen(ui->filter_text) + (ui->trouble_only ? 10 : 0) + 18,
		FILTER_ROOM);
}

void
ui_paint_header(struct ui *ui, const struct snap *s, struct grid *g)
{
	int w = grid_width(g), right, x = 1, filter = filter_state_width(ui);
	char window[16], covered[16], text[64];
	bool partly = s->covered_us > 0 && s->covered_us + SEC_US <= s->window_us;

	grid_fill(g, (struct rect){ 0, 0, w, 1 }, ROLE_BAR, 0);
	right = paint_right(ui, s, g);
	x += grid_fit(g, x, 0, right - x, str_of(views[ui->view]->title), ROLE_BAR_TITLE,
		     0) +
	     2;
	if (right - x - filter > 12) {
		int room = MIN(right - x - 8, 24);

		x += grid_fit(g, x, 0, room, str_of(ui->source), ROLE_BAR, 0) + 2;
	}
	window_word(s->window_us, window, sizeof(window));
	snprintf(text, sizeof(text), "%s%s%s",
		partly ? window_word(s->covered_us, covered, sizeof(covered)) : "",
		partly ? " of " : "", window);
	if (s->window_us > 0 && right - x - MIN(filter, 12) > (int)strlen(text))
		x += grid_puts(g, x, 0, text, ROLE_BAR, 0) + 2;
	if (right - x - filter > FMT_CELLS + 2) {
		grid_puts(g, x, 0, fmt_rate(entry_rate(s)).s, ROLE_BAR, 0);
		x += FMT_CELLS + 2;
	}
	x = paint_filter_state(ui, g, x, right);
	if (ui_header_rows(g) > 1)
		paint_verdict(s, g, 1, 1, w - 2, 0);
	else if (right - x - 1 >= VERDICT_LEAST)
		paint_verdict(s, g, x, 0, right - x - 1, ATTR_ON_BAR);
	ui->verdict_below =
		ui_header_rows(g) == 1 && right - x - 1 < VERDICT_LEAST && s->headline.n;
}

/* --------------------------------------------------------------- data quality */

struct quality_item {
	const char *label;
	uint64_t n;
	int rank; /* without trouble the higher ranks are left out first */
};

static int
item_width(const struct quality_item *it)
{
	return (int)strlen(it->label) + 1 + (int)strlen(fmt_count(it->n).s) + 2;
}

static int
paint_received(const struct snap_quality *q, int64_t now_us, struct grid *g, int y)
{
	uint32_t live = 0, gone = 0;
	bool any = q->received && q->newest_us != SNAP_UNKNOWN;
	int64_t age = any ? MAX(now_us - q->newest_us, 0) : SNAP_UNKNOWN;
	struct fmt rate = fmt_rate(q->events_per_s);
	char text[48];
	int x = 1;

	for (uint32_t i = 0; i < q->agents; i++) {
		live += q->agent[i].live;
		gone += !q->agent[i].live && !q->agent[i].bye;
	}
	snprintf(text, sizeof(text), "%.*s ev/s", (int)strcspn(rate.s, "/"), rate.s);
	grid_puts(g, x, y, text, ROLE_DIM, 0);
	x += 4 + 5 + 2;
	snprintf(text, sizeof(text), "%u agent%s", live, live == 1 ? "" : "s");
	x += MAX(grid_puts(g, x, y, text, ROLE_DIM, 0), 8) + 2;
	if (gone) {
		snprintf(text, sizeof(text), "%u silent", gone);
		x += grid_puts(g, x, y, text, ROLE_ALERT, 0) + 2;
	}
	snprintf(text, sizeof(text), "newest %s", fmt_age(age).s);
	grid_puts(g, x, y, text, age > STALE_US ? ROLE_ALERT : ROLE_DIM, 0);
	return x + 7 + 5 + 1;
}

void
ui_paint_quality(const struct snap_quality *q, int64_t now_us, struct grid *g, int y)
{
	const struct quality_item items[] = {
		{ "lost", q->lost, 0 },
		{ "dropped", q->dropped, 1 },
		{ "late", q->late, 2 },
		{ "twice", q->duplicate, 3 },
		{ "unpaired", q->unpaired, 4 },
		{ "unread", q->decode_errors, 5 },
		{ "future", q->future, 6 },
		{ "overflow", q->overflow, 7 },
		{ "impossible", q->bad_values, 8 },
		{ "unnumbered", q->bare, 9 },
	};
	bool shown[ARRAY_LEN(items)] = { 0 };
	int x = paint_received(q, now_us, g, y), left = grid_width(g) - x;

	/* First what is wrong, then the assurance that the rest is not. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < ARRAY_LEN(items); i++) {
			bool wrong = items[i].n > 0;

			if (wrong != (pass == 0) || (!wrong && items[i].rank > 5) ||
				left < item_width(&items[i]))
				continue;
			shown[i] = true;
			left -= item_width(&items[i]);
		}
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		char text[48];

		if (!shown[i])
			continue;
		snprintf(text, sizeof(text), "%s %s", items[i].label,
			fmt_count(items[i].n).s);
		x += grid_puts(g, x, y, text, items[i].n ? ROLE_ALERT : ROLE_DIM, 0) + 2;
	}
}

/* ---------------------------------------------------------------------- hints */

static void
paint_chooser_hints(struct grid *g, int y)
{
	static const struct {
		const char *key, *word;
	} hints[] = { { "\xe2\x86\x91 \xe2\x86\x93", "try" }, { "Enter", "keep" },
		{ "Esc", "back" } };
	int x = 1;

	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		x += grid_puts(g, x, y, hints[i].key, ROLE_KEY, 0) + 1;
		x += grid_puts(g, x, y, hints[i].word, ROLE_DIM, 0) + 2;
	}
}

static bool
is_of_another_view(const struct ui *ui, const struct key_binding *b)
{
	const struct view_ops *of = view_find(b->group);

	return of && of != views[ui->view];
}

void
ui_paint_hints(struct ui *ui, const struct snap *s, struct grid *g, int y)
{
	int x = 1, w = grid_width(g);

	if (ui->message.n) {
		grid_fit(g, x, y, w - 2, buf_str(&ui->message), ROLE_PROMPT, 0);
		return;
	}
	if (ui->chooser.open) {
		paint_chooser_hints(g, y);
		return;
	}
	/* On a screen so small the verdict is worth more than a reminder of keys. */
	if (ui->verdict_below) {
		paint_verdict(s, g, x, y, w - 2, 0);
		return;
	}
	for (unsigned i = 0; i < key_binding_count; i++) {
		const struct key_binding *b = &key_bindings[i];
		size_t n = strcspn(b->keys, " ");
		struct str key = { b->keys, n };

		if (!b->hint || is_of_another_view(ui, b))
			continue;
		if (x + text_width(key) + 1 + (int)strlen(b->hint) > w - 1)
			continue;
		x += grid_text(g, x, y, key, ROLE_KEY, 0) + 1;
		x += grid_puts(g, x, y, b->hint, ROLE_DIM, 0) + 2;
	}
}
