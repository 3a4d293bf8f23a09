#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/draw/theme.h"

static bool
same_style(struct style a, struct style b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}

/* Every role, in lines of `key = value`; @extra is put behind. */
static void
whole_theme(struct buf *b, const char *extra)
{
	buf_clear(b);
#define ROLE(id, key, letter) buf_adds(b, key " = #112233\n");
#include "weir/draw/roles.def"
#undef ROLE
	buf_adds(b, extra);
}

static struct theme *
parsed(const char *extra)
{
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	struct theme *t;

	whole_theme(&b, extra);
	t = theme_parse(buf_str(&b), "test.theme", &d);
	cr_assert(t, "%s:%d: %s", d.file, d.line, d.text);
	buf_done(&b);
	return t;
}

Test(theme, colours_come_as_rgb_number_or_name)
{
	struct theme *t = parsed("title@true = #ff5d6c on 235 bold underline\n"
				 "dim@true = bright-red\n"
				 "text@true=default on blue\n"
				 "key@true = reverse\n");

	cr_expect(same_style(theme_style(t, DEPTH_TRUE, ROLE_TITLE, 0),
		(struct style){ 0x1ff5d6c, 235, STYLE_BOLD | STYLE_UNDERLINE }));
	cr_expect(same_style(theme_style(t, DEPTH_TRUE, ROLE_DIM, 0),
		(struct style){ 9, COLOR_DEFAULT, 0 }));
	cr_expect(same_style(theme_style(t, DEPTH_TRUE, ROLE_TEXT, 0),
		(struct style){ COLOR_DEFAULT, 4, 0 }));
	cr_expect(same_style(theme_style(t, DEPTH_TRUE, ROLE_KEY, 0),
		(struct style){ COLOR_DEFAULT, COLOR_DEFAULT, STYLE_REVERSE }));
	theme_free(t);
}

Test(theme, it_says_what_it_is_and_for_which_ground)
{
	struct theme *t = parsed("name = dusk\ndescription = for evenings\n"
				 "ground = #102030\n");

	cr_expect_str_eq(theme_name(t), "dusk");
	cr_expect_str_eq(theme_description(t), "for evenings");
	cr_expect_eq(theme_ground(t), 0x1102030);
	theme_free(t);
	t = parsed("");
	cr_expect_str_eq(theme_description(t), "");
	cr_expect_eq(theme_ground(t), COLOR_DEFAULT);
	theme_free(t);
}

Test(theme, fewer_colours_get_the_nearest_one_that_looks_alike)
{
	struct theme *t = parsed("name = colours\n");
	static const struct {
		const char *base;
		int at_256, at_16, at_8;
	} rows[] = {
		{ "#ff0000", 196, 9, 1 },
		{ "#00d75f", 41, 2, 2 },
		{ "#ffaf00", 214, 3, 3 },
		{ "#0000d7", 20, 4, 4 },
		{ "#ffffff", 231, 15, 7 },
		{ "#808080", 244, 8, COLOR_DEFAULT },
		{ "200", 200, 5, 5 },
		{ "3", 3, 3, 3 },
	};

	cr_expect_str_eq(theme_name(t), "colours");
	theme_free(t);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT, all = BUF_INIT;
		struct str rest;

		buf_addf(&b, "text = %s\n", rows[i].base);
		whole_theme(&all, "");
		rest = buf_str(&all);
		rest.n -= strlen("text = #112233\n"); /* the first role */
		rest.p += strlen("text = #112233\n");
		buf_add_str(&b, rest);
		t = theme_parse(buf_str(&b), "test", NULL);
		cr_assert(t);
		cr_expect_eq(theme_style(t, DEPTH_256, ROLE_TEXT, 0).fg, rows[i].at_256,
			"%s", rows[i].base);
		cr_expect_eq(theme_style(t, DEPTH_16, ROLE_TEXT, 0).fg, rows[i].at_16,
			"%s is %d at 16", rows[i].base,
			theme_style(t, DEPTH_16, ROLE_TEXT, 0).fg);
		cr_expect_eq(theme_style(t, DEPTH_8, ROLE_TEXT, 0).fg, rows[i].at_8,
			"%s is %d at 8", rows[i].base,
			theme_style(t, DEPTH_8, ROLE_TEXT, 0).fg);
		cr_expect_eq(theme_style(t, DEPTH_MONO, ROLE_TEXT, 0).fg, COLOR_DEFAULT);
		theme_free(t);
		buf_done(&b);
		buf_done(&all);
	}
}

Test(theme, a_written_depth_wins_and_eight_colours_follow_sixteen)
{
	struct theme *t = parsed("crit@16 = bright-red\n"
				 "warn@8 = yellow bold\n"
				 "crit@mono = reverse\n");

	cr_expect_eq(theme_style(t, DEPTH_16, ROLE_CRIT, 0).fg, 9);
	cr_expect(same_style(theme_style(t, DEPTH_8, ROLE_CRIT, 0),
		(struct style){ 1, COLOR_DEFAULT, STYLE_BOLD }));
	cr_expect_eq(theme_style(t, DEPTH_8, ROLE_WARN, 0).fg, 3);
	cr_expect_eq(theme_style(t, DEPTH_MONO, ROLE_CRIT, 0).attr, STYLE_REVERSE);
	theme_free(t);
}

Test(theme, attributes_go_over_the_role)
{
	struct theme *t = parsed("bar@256 = 7 on 235\n"
				 "select@256 = 7 on 238\n"
				 "dim@256 = 240 dim\n"
				 "crit@256 = 203 reverse\n");

	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_DIM, ATTR_BOLD).attr, STYLE_BOLD);
	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_TITLE, ATTR_DIM).attr, STYLE_DIM);
	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_CRIT, ATTR_REVERSE).attr, 0);
	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_WARN, ATTR_ON_BAR).bg, 235);
	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_CRIT, ATTR_ON_SELECT).bg, 238);
	cr_expect_eq(theme_style(t, DEPTH_256, ROLE_CRIT, ATTR_ON_SELECT).attr, 0);
	cr_expect(
		theme_style(t, DEPTH_MONO, ROLE_OK, ATTR_ON_SELECT).attr & STYLE_REVERSE);
	theme_free(t);
}

Test(theme, every_mistake_is_told_with_its_line_and_the_nearest_word)
{
	static const struct {
		const char *extra, *text;
	} mistakes[] = {
		{ "ground = drak\n", "no colour 'drak'" },
		{ "edge.hot = red\n", "no role 'edge.hot' (edge.ok?)" },
		{ "crit@16 = rde\n", "no colour 'rde' (red?)" },
		{ "crit@16 = #12345\n", "no colour '#12345'" },
		{ "crit@16 = 256\n", "no colour '256'" },
		{ "crit@16 = red on\n", "a colour is missing" },
		{ "crit@16 =\n", "a colour is missing" },
		{ "crit@16 = red blod\n", "no attribute 'blod' (bold?)" },
		{ "crit@32 = red\n", "no depth '32'" },
		{ "crit = red\n", "role 'crit' is given twice" },
		{ "crit\n", "expected 'role = colour'" },
	};
	struct buf b = BUF_INIT;
	struct diag d;

	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		whole_theme(&b, mistakes[i].extra);
		cr_assert_null(theme_parse(buf_str(&b), "my.theme", &d));
		cr_expect_str_eq(d.file, "my.theme");
		cr_expect_eq(d.line, ROLE_COUNT + 1);
		cr_expect_eq(strncmp(d.text, mistakes[i].text, strlen(mistakes[i].text)),
			0, "'%s', not '%s'", d.text, mistakes[i].text);
	}
	cr_assert_null(theme_parse(STR("text = red\n"), "my.theme", &d));
	cr_expect_str_eq(d.text, "role 'dim' is not given");
	buf_done(&b);
}

Test(theme, a_theme_of_ones_own_hides_the_one_compiled_in)
{
	char home[] = "/tmp/weir-theme-XXXXXX", path[256];
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	struct theme *t;
	char **names;
	FILE *f;

	cr_assert(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	t = theme_open("default", &d);
	cr_assert(t, "%s", d.text);
	cr_expect_neq(theme_style(t, DEPTH_TRUE, ROLE_TEXT, 0).fg, 0x1112233);
	theme_free(t);

	snprintf(path, sizeof(path), "%s/weir", home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/weir/themes", home);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/weir/themes/default.theme", home);
	f = fopen(path, "w");
	whole_theme(&b, "");
	fputs(buf_cstr(&b), f);
	fclose(f);
	t = theme_open("default", &d);
	cr_assert(t, "%s", d.text);
	cr_expect_eq(theme_style(t, DEPTH_TRUE, ROLE_TEXT, 0).fg, 0x1112233);
	cr_expect_str_eq(theme_name(t), "default");
	theme_free(t);

	cr_assert_null(theme_open("defualt", &d));
	cr_expect_str_eq(d.text, "no theme 'defualt' (default?)");
	cr_assert_null(theme_open("/no/such", &d));
	names = theme_names();
	for (int i = 1; names[i]; i++)
		cr_expect_lt(strcmp(names[i - 1], names[i]), 0);
	theme_names_free(names);
	buf_done(&b);
	unlink(path);
	snprintf(path, sizeof(path), "%s/weir/themes", home);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/weir", home);
	rmdir(path);
	cr_expect_eq(rmdir(home), 0);
}
