/* The themes that ship, as files of themes/. */
#include "config.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/severity.h"
#include "weir/draw/sgr.h"
#include "weir/draw/theme.h"

#include "vision.h"

#define THEMES_MAX 64

/* What a theme promises beyond what all of them do. */
struct promise {
	const char *name;
	double apart;    /* of severities, to every eye */
	double contrast; /* of text on its ground */
};

/*
 * The floor for all of them is low: a severity has its glyph, its line and its frame
 * as well, and a palette that people know by heart must stay recognisable.
 */
static const struct promise promises[] = {
	{ "cvd", 20, 4.5 },
	{ "contrast", 15, 7 },
	{ NULL, 12, 4.5 },
};

/* Pairs that must not be taken for each other. */
static const enum role pairs[][2] = {
	{ ROLE_OK, ROLE_WARN },
	{ ROLE_OK, ROLE_CRIT },
	{ ROLE_WARN, ROLE_CRIT },
	{ ROLE_EDGE_OK, ROLE_EDGE_WARN },
	{ ROLE_EDGE_OK, ROLE_EDGE_CRIT },
	{ ROLE_EDGE_WARN, ROLE_EDGE_CRIT },
};

static const char *const role_words[ROLE_COUNT] = {
#define ROLE(id, key, letter) key,
#include "weir/draw/roles.def"
#undef ROLE
};

struct shipped {
	char name[64];
	struct theme *theme;
};

static struct shipped shipped[THEMES_MAX];
static size_t count;

static int
by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct shipped *)a)->name, ((const struct shipped *)b)->name);
}

static void
load(void)
{
	struct dirent *e;
	char dir[512];
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/themes", getenv("top_srcdir"));
	d = opendir(dir);
	cr_assert(d, "no %s", dir);
	while ((e = readdir(d)) && count < THEMES_MAX) {
		struct shipped *s = &shipped[count];
		struct diag diag = { 0 };
		char path[1024];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		s->theme = theme_open(path, &diag);
		cr_assert(s->theme, "%s:%d: %s", diag.file, diag.line, diag.text);
		snprintf(s->name, sizeof(s->name), "%.*s", (int)strcspn(e->d_name, "."),
			e->d_name);
		count++;
	}
	closedir(d);
	qsort(shipped, count, sizeof(*shipped), by_name);
}

static void
unload(void)
{
	while (count)
		theme_free(shipped[--count].theme);
}

TestSuite(shipped, .init = load, .fini = unload);

static const struct promise *
promise_of(const char *name)
{
	const struct promise *p = promises;

	while (p->name && strcmp(p->name, name) != 0)
		p++;
	return p;
}

/* A theme that names no colours (mono) has nothing to compare. */
static bool
has_colours(const struct shipped *s)
{
	return theme_ground(s->theme) != COLOR_DEFAULT;
}

Test(shipped, there_are_eight_and_each_says_what_it_is)
{
	cr_expect_geq(count, 8);
	for (size_t i = 0; i < count; i++) {
		cr_expect_str_eq(theme_name(shipped[i].theme), shipped[i].name);
		cr_expect(theme_description(shipped[i].theme)[0], "%s", shipped[i].name);
		cr_expect(
			has_colours(&shipped[i]) || strcmp(shipped[i].name, "mono") == 0,
			"%s does not name its ground", shipped[i].name);
	}
}

Test(shipped, roles_that_mean_different_things_differ_at_every_depth)
{
	static const enum role unlike[][2] = {
		{ ROLE_WARN, ROLE_CRIT },
		{ ROLE_OK, ROLE_WARN },
		{ ROLE_OK, ROLE_CRIT },
		{ ROLE_TEXT, ROLE_ALERT },
		{ ROLE_TEXT, ROLE_SELECT },
		{ ROLE_CRIT, ROLE_CRIT_TITLE },
	};

	for (size_t i = 0; i < count; i++)
		for (int depth = 0; depth < DEPTH_COUNT; depth++)
			for (size_t k = 0; k < ARRAY_LEN(unlike); k++)
				cr_expect_not(style_equal(theme_style(shipped[i].theme,
								  (enum depth)depth,
								  unlike[k][0], 0),
						      theme_style(shipped[i].theme,
							      (enum depth)depth,
							      unlike[k][1], 0)),
					"%s: %s and %s look alike at depth %d",
					shipped[i].name, role_words[unlike[k][0]],
					role_words[unlike[k][1]], depth);
}

/* Compare the pairs as every eye sees them; rounded to a palette they may lose a bit. */
static void
expect_apart(const struct shipped *s, enum depth depth, double least)
{
	for (size_t k = 0; k < ARRAY_LEN(pairs); k++)
		for (int v = 0; v < VISION_COUNT; v++) {
			struct style a = theme_style(s->theme, depth, pairs[k][0], 0);
			struct style b = theme_style(s->theme, depth, pairs[k][1], 0);
			double far = vision_distance(vision_see((enum vision)v, a.fg),
				vision_see((enum vision)v, b.fg));

			cr_expect_geq(far, least,
				"%s at depth %d, %s: %s and %s are %.1f", s->name, depth,
				vision_words[v], role_words[pairs[k][0]],
				role_words[pairs[k][1]], far);
		}
}

Test(shipped, severities_are_told_apart_by_all_four_kinds_of_eyes)
{
	for (size_t i = 0; i < count; i++) {
		double least = promise_of(shipped[i].name)->apart;

		if (!has_colours(&shipped[i]))
			continue;
		expect_apart(&shipped[i], DEPTH_TRUE, least);
		expect_apart(&shipped[i], DEPTH_256, least - 2);
	}
}

Test(shipped, what_has_to_be_read_stands_out_from_its_ground)
{
	/* What is meant to step back, and lines, need not be read letter by letter. */
	static const struct {
		enum role role;
		double share; /* of the contrast promised for text */
	} rows[] = {
		{ ROLE_TEXT, 1 },
		{ ROLE_TITLE, 1 },
		{ ROLE_KEY, 1 },
		{ ROLE_PROMPT, 1 },
		{ ROLE_CHIP, 1 },
		{ ROLE_OK, 1 },
		{ ROLE_WARN, 1 },
		{ ROLE_CRIT, 1 },
		{ ROLE_EDGE_WARN, 1 },
		{ ROLE_EDGE_CRIT, 1 },
		{ ROLE_ALERT, 1 },
		{ ROLE_SELECT, 1 },
		{ ROLE_MATCH, 1 },
		{ ROLE_CRIT_TITLE, 1 },
		{ ROLE_BAR, 1 },
		{ ROLE_BAR_TITLE, 1 },
		{ ROLE_SPARK, 0.66 },
		{ ROLE_DIM, 0.66 },
		{ ROLE_BORDER, 0.6 },
		{ ROLE_EDGE_OK, 0.6 },
		{ ROLE_IDLE, 0.45 },
		{ ROLE_EDGE_IDLE, 0.35 },
	};

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			const struct theme *t = shipped[i].theme;
			double need =
				promise_of(shipped[i].name)->contrast * rows[k].share;
			struct style s = theme_style(t, DEPTH_TRUE, rows[k].role, 0);
			int bg = s.bg == COLOR_DEFAULT ? theme_ground(t) : s.bg;

			if (!has_colours(&shipped[i]))
				continue;
			cr_expect_geq(vision_contrast(s.fg, bg), need,
				"%s: %s has %.2f of %.2f", shipped[i].name,
				role_words[rows[k].role], vision_contrast(s.fg, bg),
				need);
		}
}

Test(shipped, severities_can_be_read_on_the_header_and_on_the_selection)
{
	static const enum role roles[] = { ROLE_OK, ROLE_WARN, ROLE_CRIT };

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_LEN(roles); k++)
			for (int ground = 0; ground < 2; ground++) {
				struct style s = theme_style(shipped[i].theme, DEPTH_TRUE,
					roles[k], ground ? ATTR_ON_BAR : ATTR_ON_SELECT);

				if (!has_colours(&shipped[i]))
					continue;
				cr_expect_geq(vision_contrast(s.fg, s.bg), 3.0,
					"%s: %s has %.1f", shipped[i].name,
					role_words[roles[k]],
					vision_contrast(s.fg, s.bg));
			}
}

Test(vision, distances_are_those_of_the_published_examples)
{
	static const struct {
		struct lab p, q;
		double far;
	} rows[] = {
		{ { 50, 2.6772, -79.7751 }, { 50, 0, -82.7485 }, 2.0425 },
		{ { 50, 3.1571, -77.2803 }, { 50, 0, -82.7485 }, 2.8615 },
		{ { 50, -1, 2 }, { 50, 0, 0 }, 2.3669 },
		{ { 50, 2.5, 0 }, { 73, 25, -18 }, 27.1492 },
		{ { 50, 2.5, 0 }, { 50, 0, -2.5 }, 4.3065 },
		{ { 60.2574, -34.0099, 36.2677 }, { 60.4626, -34.1751, 39.4387 },
			1.2644 },
		{ { 2.0776, 0.0795, -1.1350 }, { 0.9033, -0.0636, -0.5514 }, 0.9082 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double far = vision_distance(rows[i].p, rows[i].q);

		cr_expect_lt(fabs(far - rows[i].far), 5e-5, "row %zu is %.5f", i, far);
	}
	cr_expect_lt(fabs(vision_contrast(0x1ffffff, 0x1000000) - 21), 1e-9);
	/* Grey is grey to everybody. */
	for (int v = 0; v < VISION_COUNT; v++)
		cr_expect_lt(vision_distance(vision_see((enum vision)v, 0x1808080),
				     vision_see(VISION_NORMAL, 0x1808080)),
			0.5);
}

/* ------------------------------------------------------------------ golden screens */

#define WIDTH 64
#define HEIGHT 22

static void
paint_header(struct grid *g)
{
	static const struct {
		enum glyph glyph;
		enum role role;
		const char *n;
	} counts[] = { { GLYPH_OK, ROLE_OK, "9" }, { GLYPH_WARN, ROLE_WARN, "3" },
		{ GLYPH_CRIT, ROLE_CRIT, "1" } };
	int x = 1;

	grid_fill(g, (struct rect){ 0, 0, WIDTH, 1 }, ROLE_BAR, 0);
	x += grid_puts(g, x, 0, "MAP", ROLE_BAR_TITLE, 0) + 2;
	x += grid_puts(g, x, 0, "demo  1m  36/s", ROLE_BAR, 0) + 2;
	x += grid_puts(g, x, 0, " dst:pay 2 of 14 ", ROLE_MATCH, 0) + 2;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		grid_glyph(g, x, 0, counts[i].glyph, counts[i].role, ATTR_ON_BAR);
		grid_puts(g, x + 2, 0, counts[i].n, counts[i].role, ATTR_ON_BAR);
		x += 5;
	}
}

static void
paint_card(struct grid *g, int x, int y, const char *name, enum severity sev)
{
	static const enum role frame[] = { ROLE_EDGE_IDLE, ROLE_BORDER, ROLE_EDGE_WARN,
		ROLE_EDGE_CRIT };
	static const enum role title[] = { ROLE_IDLE, ROLE_TITLE, ROLE_TITLE,
		ROLE_CRIT_TITLE };
	static const enum role mark[] = { ROLE_IDLE, ROLE_OK, ROLE_WARN, ROLE_CRIT };
	static const enum glyph glyph[] = { GLYPH_IDLE, GLYPH_OK, GLYPH_WARN,
		GLYPH_CRIT };

	grid_box(g, (struct rect){ x, y, 14, 3 },
		sev == SEV_CRIT ? WEIGHT_HEAVY : WEIGHT_LIGHT, frame[sev]);
	grid_glyph(g, x + 2, y + 1, glyph[sev], mark[sev], 0);
	grid_puts(g, x + 4, y + 1, name, title[sev], 0);
}

/* Four services in a row, and the three flows between them. */
static void
paint_map(struct grid *g, int y)
{
	static const struct {
		const char *name;
		enum severity sev;
	} cards[] = { { "email", SEV_IDLE }, { "cart", SEV_OK }, { "payment", SEV_WARN },
		{ "postgres", SEV_CRIT } };
	static const enum role lines[] = { ROLE_EDGE_IDLE, ROLE_EDGE_WARN,
		ROLE_EDGE_CRIT };
	static const enum weight weights[] = { WEIGHT_DOTTED, WEIGHT_LIGHT,
		WEIGHT_HEAVY };

	for (int i = 0; i < 4; i++)
		paint_card(g, i * 16, y, cards[i].name, cards[i].sev);
	for (int i = 0; i < 3; i++)
		grid_hline(g, 14 + 16 * i, y + 1, 2, weights[i], lines[i]);
	grid_hline(g, 22, y + 3, 20, WEIGHT_LIGHT, ROLE_EDGE_OK);
	grid_glyph(g, 42, y + 3, GLYPH_ARROW, ROLE_EDGE_OK, 0);
	grid_glyph(g, 44, y + 3, GLYPH_CHIP, ROLE_CHIP, 0);
	grid_puts(g, 46, y + 3, "redis", ROLE_CHIP, 0);
}

static void
paint_table(struct grid *g, int y)
{
	grid_puts(g, 1, y, "edges", ROLE_TITLE, 0);
	grid_puts(g, 7, y, "worst first", ROLE_DIM, 0);
	grid_glyph(g, 1, y + 1, GLYPH_CRIT, ROLE_CRIT, 0);
	grid_puts(g, 3, y + 1, "payment -> postgres", ROLE_TITLE, 0);
	grid_puts(g, 30, y + 1, "1.6s", ROLE_CRIT, 0);
	for (int i = 0; i < 8; i++)
		grid_glyph(
			g, 40 + i, y + 1, (enum glyph)(GLYPH_SPARK1 + i), ROLE_SPARK, 0);
	grid_fill(g, (struct rect){ 0, y + 2, WIDTH, 1 }, ROLE_SELECT, 0);
	grid_glyph(g, 1, y + 2, GLYPH_WARN, ROLE_WARN, ATTR_ON_SELECT);
	grid_puts(g, 3, y + 2, "checkout -> payment", ROLE_SELECT, 0);
	grid_puts(g, 30, y + 2, "1.6s", ROLE_WARN, ATTR_ON_SELECT);
	grid_glyph(g, 1, y + 3, GLYPH_OK, ROLE_OK, 0);
	grid_puts(g, 3, y + 3, "frontend -> cart", ROLE_TEXT, 0);
	grid_puts(g, 30, y + 3, "39ms", ROLE_TEXT, 0);
	grid_puts(g, 1, y + 4, "1690 ev/s  3 agents", ROLE_DIM, 0);
	grid_puts(g, 22, y + 4, "lost 12", ROLE_ALERT, 0);
	grid_puts(g, 1, y + 5, "/", ROLE_KEY, 0);
	grid_puts(g, 2, y + 5, "dst:pay", ROLE_PROMPT, 0);
}

/* Each role by its name. */
static void
paint_roles(struct grid *g, int y)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		grid_puts(g, 1 + role % 4 * 16, y + role / 4, role_words[role],
			(enum role)role, 0);
}

/* One screen with every role in use, and then each by its name. */
static struct grid *
common_screen(void)
{
	struct grid *g = grid_new(WIDTH, HEIGHT);

	paint_header(g);
	paint_map(g, 2);
	paint_table(g, 7);
	paint_roles(g, 15);
	return g;
}

static void
write_ansi(const struct grid *g, const struct theme *t, struct buf *out)
{
	for (int y = 0; y < grid_height(g); y++) {
		struct style now = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };

		for (int x = 0; x < grid_width(g); x++) {
			struct cell c = grid_at(g, x, y);
			struct style s =
				theme_style(t, DEPTH_TRUE, (enum role)c.role, c.attr);

			if (!style_equal(s, now))
				sgr_add(out, s);
			now = s;
			buf_add_utf8(out, cell_codepoint(c, false));
		}
		buf_adds(out, "\033[0m\n");
	}
}

static void
expect_file(const struct buf *got, const char *path)
{
	const char *generate = getenv("GENERATE");
	struct buf want = BUF_INIT;
	FILE *f;

	if (generate && strcmp(generate, "1") == 0) {
		f = fopen(path, "w");
		cr_assert(f, "cannot write %s", path);
		fwrite(got->p, 1, got->n, f);
		fclose(f);
		return;
	}
	f = fopen(path, "r");
	cr_assert(f, "no %s: GENERATE=1 makes it", path);
	for (int c; (c = getc(f)) != EOF;)
		buf_addc(&want, (char)c);
	fclose(f);
	cr_expect_str_eq(buf_cstr(got), buf_cstr(&want),
		"%s is not as before; GENERATE=1 accepts it. Now:\n%s", path,
		buf_cstr(got));
	buf_done(&want);
}

Test(shipped, each_paints_the_common_screen_as_before)
{
	struct grid *g = common_screen();

	for (size_t i = 0; i < count; i++) {
		struct buf got = BUF_INIT;
		char path[1024];

		write_ansi(g, shipped[i].theme, &got);
		snprintf(path, sizeof(path), "%s/tests/golden/themes/%.60s.ansi",
			getenv("top_srcdir"), shipped[i].name);
		expect_file(&got, path);
		buf_done(&got);
	}
	grid_free(g);
}
