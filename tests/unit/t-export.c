#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/export/export.h"

/* What @id writes of @g at @depth. The caller frees. */
static char *
written(const char *id, struct grid *g, enum depth depth, bool ascii)
{
	const struct export_ops *ops = export_find(id);
	struct diag d = { 0 };
	struct theme *t = theme_open("default", &d);
	struct export_in in = { .grid = g,
		.theme = t,
		.depth = depth,
		.charset = ascii ? CHARSET_ASCII : CHARSET_UNICODE };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	cr_assert(ops && t && f);
	cr_expect_eq(ops->write(&in, f), STATUS_OK);
	fclose(f);
	theme_free(t);
	return text;
}

static void
expect_written(
	const char *id, struct grid *g, enum depth depth, bool ascii, const char *want)
{
	char *got = written(id, g, depth, ascii);

	cr_expect_str_eq(got, want, "got:\n%s", got);
	free(got);
}

Test(export, text_is_the_glyphs_without_trailing_blanks)
{
	struct grid *g = grid_new(12, 3);

	grid_puts(g, 1, 0, "支付 e\xcc\x81", ROLE_TEXT, 0);
	grid_hline(g, 0, 1, 3, WEIGHT_HEAVY, ROLE_EDGE_CRIT);
	grid_glyph(g, 3, 1, GLYPH_CRIT, ROLE_CRIT, 0);
	grid_fill(g, (struct rect){ 0, 2, 12, 1 }, ROLE_BAR, 0);
	expect_written("text", g, DEPTH_TRUE, false, " 支付 e\xcc\x81\n━━━◆\n\n");
	expect_written("text", g, DEPTH_TRUE, true, " ???? e\n===#\n\n");
	grid_free(g);
}

Test(export, ansi_sets_a_style_only_where_it_changes)
{
	struct grid *g = grid_new(8, 2);

	grid_puts(g, 0, 0, "ab c", ROLE_CRIT, 0);
	grid_puts(g, 5, 0, "d", ROLE_WARN, 0);
	grid_puts(g, 0, 1, "e", ROLE_BAR, 0);
	expect_written("ansi", g, DEPTH_256, false,
		"\033[0;38;5;203mab c \033[0;38;5;214md\033[0m\n"
		"\033[0;38;5;249;48;5;235me\033[0m\n");
	expect_written("ansi", g, DEPTH_TRUE, false,
		"\033[0;38;2;255;93;108mab c \033[0;38;2;240;180;41md\033[0m\n"
		"\033[0;38;2;170;182;198;48;2;28;38;54me\033[0m\n");
	expect_written("ansi", g, DEPTH_16, false,
		"\033[0;1;31mab c \033[0;1;33md\033[0m\n"
		"\033[0;7me\033[0m\n");
	expect_written("ansi", g, DEPTH_MONO, false,
		"\033[0;1;4mab c\033[0m \033[0;1md\033[0m\n"
		"\033[0;7me\033[0m\n");
	grid_free(g);
}

Test(export, a_bar_keeps_its_background_to_the_edge)
{
	struct grid *g = grid_new(4, 1);

	grid_fill(g, (struct rect){ 0, 0, 4, 1 }, ROLE_BAR, 0);
	grid_puts(g, 0, 0, "a", ROLE_BAR, 0);
	expect_written("ansi", g, DEPTH_8, false, "\033[0;7ma   \033[0m\n");
	grid_free(g);
}

Test(export, every_format_is_found_by_its_name_and_others_are_not)
{
	for (unsigned i = 0; i < export_count; i++)
		cr_expect_eq(export_find(exports[i]->id), exports[i]);
	cr_expect_null(export_find("no such format"));
}

Test(export, a_full_disk_is_reported)
{
	FILE *f = fopen("/dev/full", "w");
	struct grid *g = grid_new(4, 1);
	struct export_in in = { .grid = g };

	if (!f)
		return;
	setvbuf(f, NULL, _IONBF, 0);
	grid_puts(g, 0, 0, "a", ROLE_TEXT, 0);
	cr_expect_eq(export_find("text")->write(&in, f), STATUS_ERR_SYSTEM);
	fclose(f);
	grid_free(g);
}
