#include "config.h"

#include "verdict-text.h"

#include <string.h>
#include <time.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/fmt.h"

void
paint_sentence(struct grid *g, int x, int y, int w, const struct sentence *s,
	enum role role, unsigned attr)
{
	struct buf text = BUF_INIT;

	sentence_fit(s, w, &text);
	grid_fit(g, x, y, w, buf_str(&text), role, attr);
	buf_done(&text);
}

int
paint_whole_sentence(struct grid *g, struct rect area, const struct sentence *s,
	enum role role, unsigned attr)
{
	int x = area.x, y = area.y;
	uint32_t from = 0;

	for (uint32_t i = 0; i < s->clauses; i++) {
		struct str clause = { s->text + from, s->clause[i].end - from };
		int w = text_width(clause);

		from = s->clause[i].end;
		if (x > area.x && x + w > area.x + area.w) {
			x = area.x;
			y++;
			/* The sign that joins it to the line before. */
			while (clause.n && strchr(";:, ", *clause.p)) {
				clause.p++;
				clause.n--;
			}
		}
		x += grid_fit(g, x, y, area.x + area.w - x, clause, role, attr);
	}
	return s->clauses ? y - area.y + 1 : 0;
}

const struct snap_cause *
cause_on_edge(const struct snap *s, const struct snap_edge *e)
{
	for (uint32_t i = 0; i < s->causes; i++)
		if (s->cause[i].edge == e->key)
			return &s->cause[i];
	return NULL;
}

static int
put_clock(struct grid *g, int x, int y, int64_t us)
{
	time_t sec = (time_t)(us / SEC_US);
	struct tm tm;
	char clock[16];

	if (us < 0 || !localtime_r(&sec, &tm))
		return x + grid_puts(g, x, y, "-", ROLE_DIM, 0);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	return x + grid_puts(g, x, y, clock, ROLE_TEXT, 0);
}

/* What an edge suffers from, in words. */
static int
paint_victim(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	int x = area.x;

	grid_glyph(g, x, area.y, GLYPH_WARN, ROLE_WARN, 0);
	x += 2;
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		if (e->alarms & 1u << a)
			x += grid_puts(g, x, area.y, anomaly_word((enum anomaly)a),
				     ROLE_WARN, 0) +
			     1;
	x += grid_puts(g, x, area.y, "since ", ROLE_DIM, 0);
	put_clock(g, x, area.y, e->since_us);
	if (!s->causes)
		return 2;
	grid_puts(g, area.x + 2, area.y + 1, "see", ROLE_DIM, 0);
	paint_sentence(g, area.x + 6, area.y + 1, area.w - 6, &s->cause[0].sentence,
		ROLE_TEXT, 0);
	return 3;
}

int
paint_edge_verdict(
	struct grid *g, struct rect area, const struct snap *s, const struct snap_edge *e)
{
	const struct snap_cause *c = cause_on_edge(s, e);
	struct rect text = { area.x + 2, area.y, area.w - 2, 0 };

	if (c) {
		grid_glyph(g, area.x, area.y, GLYPH_CRIT, ROLE_CRIT, 0);
		return paint_whole_sentence(g, text, &c->sentence, ROLE_TITLE, 0) + 1;
	}
	return e->alarms ? paint_victim(g, area, s, e) : 0;
}
