#include "config.h"

#include "remarks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

#define EDGE_LOGS 6   /* lines at an edge */
#define LEVEL_CELLS 5 /* the longest word of a severity */
#define TRACE_CELLS (1 + 32)
#define NAME_CELLS 44
#define VALUE_CELLS 14

static enum role
level_role(enum note_severity s)
{
	return s >= NOTE_ERROR ? ROLE_CRIT : s == NOTE_WARN ? ROLE_WARN : ROLE_DIM;
}

/* One pattern in one line; @who is the service, or NULL where that is plain. */
static void
paint_note(struct grid *g, struct rect line, const struct snap *s,
	const struct snap_note *n, const char *who)
{
	static const uint8_t none[sizeof(n->trace)];
	int x = line.x, end = line.x + line.w;
	char trace[2 * sizeof(n->trace) + 1];

	grid_puts(g, x, line.y, note_severity_word(n->severity), level_role(n->severity),
		0);
	x += LEVEL_CELLS + FMT_CELLS + 1;
	grid_right(g, x, line.y, fmt_count(n->count).s, ROLE_TEXT, 0);
	x += FMT_CELLS;
	grid_right(g, x, line.y, fmt_age(MAX(s->now_us - n->last_us, 0)).s, ROLE_DIM, 0);
	x += 2;
	if (who)
		x += grid_fit(
			     g, x, line.y, MIN(20, end - x), str_of(who), ROLE_TITLE, 0) +
		     1;
	if (line.w >= 110 && memcmp(n->trace, none, sizeof(none)) != 0) {
		for (size_t i = 0; i < sizeof(n->trace); i++)
			snprintf(trace + 2 * i, 3, "%02x", n->trace[i]);
		grid_right(g, end, line.y, trace, ROLE_CHIP, 0);
		end -= TRACE_CELLS;
	}
	if (end > x)
		grid_fit(g, x, line.y, end - x, str_of(n->pattern), ROLE_TEXT, 0);
}

int
remarks_logs(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_node *n)
{
	int y = area.y;

	if (n->notes == 0)
		return 0;
	grid_puts(g, area.x, y++, "logs", ROLE_TITLE, 0);
	for (uint32_t i = 0; i < n->notes; i++, y++)
		paint_note(g, (struct rect){ area.x, y, area.w, 1 }, s,
			&s->note[n->first_note + i], NULL);
	return y - area.y + 1;
}

int
remarks_of_edge(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	const uint32_t ends[] = { e->dst, e->src };
	int y = area.y + 1, n = 0;

	/* Errors of both ends first, then their warnings. */
	for (int level = NOTE_FATAL; level >= NOTE_WARN; level--)
		for (size_t k = 0; k < ARRAY_LEN(ends) && (k == 0 || e->src != e->dst);
			k++) {
			const struct snap_node *node = &s->node[ends[k]];

			for (uint32_t i = 0; i < node->notes && n < EDGE_LOGS; i++) {
				const struct snap_note *note =
					&s->note[node->first_note + i];

				if ((int)note->severity != level)
					continue;
				paint_note(g, (struct rect){ area.x, y++, area.w, 1 }, s,
					note, node->name);
				n++;
			}
		}
	if (n == 0)
		return 0;
	grid_puts(g, area.x, area.y, "logs of both ends", ROLE_TITLE, 0);
	return n + 2;
}

/* ------------------------------------------------------------ values */

/* A value with its unit, times and sizes in those of people. */
static struct fmt
value_text(double v, const char *unit)
{
	static const struct {
		const char *unit;
		double us;
	} times[] = { { "s", 1e6 }, { "ms", 1e3 }, { "us", 1 }, { "ns", 1e-3 } };
	struct fmt f;

	if (!isfinite(v))
		return (struct fmt){ "-" };
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (!strcmp(unit, times[i].unit) && fabs(v) * times[i].us < 9e15) {
			struct fmt size = fmt_duration((int64_t)(fabs(v) * times[i].us));

			snprintf(f.s, sizeof(f.s), "%s%.14s", v < 0 ? "-" : "", size.s);
			return f;
		}
	if (!strcmp(unit, "By") && v >= 0 && v < 9e15)
		return fmt_bytes((int64_t)v);
	if (!strcmp(unit, "1") && v >= 0 && v <= 1)
		snprintf(f.s, sizeof(f.s), "%.3g", v);
	else
		snprintf(f.s, sizeof(f.s), "%.5g", v);
	return f;
}

/* Units that say something; UCUM's annotations ("{connection}") repeat the name. */
static const char *
shown_unit(const char *unit)
{
	static const char *const inside[] = { "s", "ms", "us", "ns", "By", "1", "" };

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (!strcmp(unit, inside[i]))
			return "";
	return unit[0] == '{' ? "" : unit;
}

int
remarks_gauges(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_node *n)
{
	int name_w = MIN(NAME_CELLS, area.w - VALUE_CELLS - 2), y = area.y;

	if (n->gauges == 0 || name_w < 8)
		return 0;
	grid_puts(g, area.x, y, "gauges", ROLE_TITLE, 0);
	if (area.w >= 90)
		grid_puts(g, area.x + name_w + VALUE_CELLS + 2, y, "lowest    highest",
			ROLE_DIM, 0);
	y++;
	for (uint32_t i = 0; i < n->gauges; i++, y++) {
		const struct snap_gauge *v = &s->gauge[n->first_gauge + i];
		int x = area.x + name_w + VALUE_CELLS;

		grid_fit(g, area.x, y, name_w, str_of(v->name), ROLE_TEXT, 0);
		grid_right(g, x, y, value_text(v->value, v->unit).s, ROLE_TEXT, 0);
		if (area.w < 90)
			continue;
		grid_right(g, x + 8, y, value_text(v->low, v->unit).s, ROLE_DIM, 0);
		grid_right(g, x + 19, y, value_text(v->high, v->unit).s, ROLE_DIM, 0);
		grid_right(g, x + 26, y, fmt_age(MAX(s->now_us - v->at_us, 0)).s,
			ROLE_DIM, 0);
		grid_fit(g, x + 28, y, MAX(area.x + area.w - x - 28, 0),
			str_of(shown_unit(v->unit)), ROLE_DIM, 0);
	}
	return y - area.y + 1;
}

struct remark_skew
remarks_skew(const struct snap *s, const struct snap_edge *e)
{
	struct remark_skew r = { .s = "-" };
	int64_t us;

	if (!snap_edge_skew(s, e, &us))
		return r;
	r.differs = us != 0;
	snprintf(r.s, sizeof(r.s), "%s%.14s",
		us < 0   ? "-"
		: us > 0 ? "+"
			 : "",
		us ? fmt_duration(llabs(us)).s : "same");
	return r;
}
