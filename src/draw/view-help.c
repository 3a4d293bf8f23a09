/*
 * The help is made from keys.def and views.def: a key that works is on it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"

#include "ui-impl.h"

#define KEYS_WIDTH 9
#define COLUMN_MIN 39
#define COLUMN_MAX 48
#define LINES_MAX 128

/* One line of the help: a heading, a key, a sign, or blank. */
struct line {
	const char *keys, *text;
	enum glyph glyph;
	enum role role;
	bool heading;
};

static const struct {
	enum glyph glyph;
	enum role role;
	const char *text;
} signs[] = {
	{ GLYPH_CRIT, ROLE_CRIT, "a cause: slow or failing by itself" },
	{ GLYPH_WARN, ROLE_WARN, "a victim: because of what it calls" },
	{ GLYPH_OK, ROLE_OK, "well" },
	{ GLYPH_IDLE, ROLE_IDLE, "no traffic in the window" },
};

static const struct {
	const char *keys, *text;
} words[] = {
	{ "-", "unknown, which is not none" },
	{ "\xe2\x89\xa4"
	  "5ms",
		"at most: known in coarse steps only" },
	{ "n", "how many latencies are behind a p99" },
};

static int
build_lines(struct line *out)
{
	const char *group = "";
	int n = 0;

	for (unsigned i = 0; i < key_binding_count; i++) {
		const struct key_binding *b = &key_bindings[i];

		if (!b->keys[0] || n + 3 > LINES_MAX)
			continue;
		if (strcmp(group, b->group) != 0) {
			if (n)
				out[n++] = (struct line){ .text = "" };
			group = b->group;
			out[n++] = (struct line){ .text = group, .heading = true };
		}
		out[n++] = (struct line){ .keys = b->keys, .text = b->help };
	}
	out[n++] = (struct line){ .text = "" };
	out[n++] = (struct line){ .text = "signs", .heading = true };
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		out[n++] = (struct line){ .text = signs[i].text,
			.glyph = signs[i].glyph,
			.role = signs[i].role };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		out[n++] = (struct line){ .keys = words[i].keys, .text = words[i].text };
	out[n++] = (struct line){ .text = "" };
	out[n++] = (struct line){ .text = "views", .heading = true };
	for (unsigned i = 0; i < view_count && n < LINES_MAX; i++)
		out[n++] = (struct line){ .keys = views[i]->id, .text = views[i]->about };
	return n;
}

static void
paint_line(struct grid *g, int x, int y, int w, const struct line *l)
{
	if (l->heading) {
		grid_fit(g, x, y, w, str_of(l->text), ROLE_TITLE, 0);
		return;
	}
	if (l->role != ROLE_TEXT)
		grid_glyph(g, x, y, l->glyph, l->role, 0);
	else if (l->keys)
		grid_fit(g, x, y, KEYS_WIDTH - 1, str_of(l->keys), ROLE_KEY, 0);
	grid_fit(g, x + KEYS_WIDTH, y, w - KEYS_WIDTH, str_of(l->text), ROLE_TEXT, 0);
}

/*
 * Lines a column takes from @from on, at most @h: it ends before a heading rather
 * than behind one, and begins with no blank.
 */
static int
column_end(const struct line *l, int from, int n, int h)
{
	int end = MIN(from + h, n);

	if (end < n && l[end - 1].heading)
		end--;
	return end;
}

int
help_paint(struct grid *g, struct rect area, int top)
{
	struct line lines[LINES_MAX];
	int n = build_lines(lines), columns = CLAMP((area.w - 2) / COLUMN_MIN, 1, 4);
	int w = MIN((area.w - 2) / columns, COLUMN_MAX), at, shown;

	top = CLAMP(top, 0, MAX(n - 1, 0));
	at = top;
	for (int c = 0; c < columns; c++) {
		int end;

		while (at < n && !lines[at].heading && !lines[at].text[0])
			at++;
		end = column_end(lines, at, n, area.h);
		for (int y = 0; at < end; at++, y++)
			paint_line(g, area.x + 2 + c * w, area.y + y, w - 2, &lines[at]);
	}
	shown = at - top;
	if (at < n && area.h > 0)
		grid_glyph(g, area.x + area.w - 1, area.y + area.h - 1, GLYPH_DOWN,
			ROLE_DIM, 0);
	return MAX(n - MAX(shown, 1), 0);
}
