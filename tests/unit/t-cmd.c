#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/cmd/child.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/config.h"
#include "weir/cmd/help.h"
#include "weir/cmd/options.h"
#include "weir/cmd/script.h"
#include "weir/cmd/values.h"
#include "weir/draw/keys.h"

/* ------------------------------------------------------------ values */

Test(values, durations_have_units_and_a_bare_number_is_seconds)
{
	static const struct {
		const char *text;
		int64_t us; /* -1: refused */
	} rows[] = {
		{ "250us", 250 },
		{ "10ms", 10000 },
		{ "2.5s", 2500000 },
		{ "3m", 180000000 },
		{ "1h", INT64_C(3600000000) },
		{ "2d", INT64_C(172800000000) },
		{ "7", 7000000 },
		{ "0", 0 },
		{ "", -1 },
		{ "s", -1 },
		{ "-1s", -1 },
		{ "1 s", -1 },
		{ "1e3s", -1 },
		{ "0x10", -1 },
		{ "inf", -1 },
		{ "1.2.3s", -1 },
		{ ".", -1 },
		{ "10sec", -1 },
		{ "999999999d", -1 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t us = -1;
		struct diag d = { 0 };

		value_duration(rows[i].text, &us, &d);
		cr_expect_eq(us, rows[i].us, "'%s' is %lld", rows[i].text, (long long)us);
		cr_expect_eq(d.text[0] != '\0', us < 0, "'%s'", rows[i].text);
	}
}

Test(values, shares_are_percents_or_fractions)
{
	double r = -1;

	cr_expect_eq(value_ratio("5%", &r, NULL), STATUS_OK);
	cr_expect_float_eq(r, 0.05, 1e-12);
	cr_expect_eq(value_ratio("0.2", &r, NULL), STATUS_OK);
	cr_expect_float_eq(r, 0.2, 1e-12);
	cr_expect_neq(value_ratio("5", &r, NULL), STATUS_OK);
	cr_expect_neq(value_ratio("101%", &r, NULL), STATUS_OK);
	cr_expect_neq(value_ratio("5%%", &r, NULL), STATUS_OK);
	cr_expect_float_eq(r, 0.2, 1e-12, "untouched on failure");
}

Test(values, sizes_counts_and_bytes_take_no_rubbish)
{
	uint64_t n = 0;
	int w = 0, h = 0;

	cr_expect_eq(value_bytes("10M", &n, NULL), STATUS_OK);
	cr_expect_eq(n, 10u << 20);
	cr_expect_eq(value_bytes("4KiB", &n, NULL), STATUS_OK);
	cr_expect_eq(n, 4096);
	cr_expect_neq(value_bytes("4X", &n, NULL), STATUS_OK);
	cr_expect_neq(value_bytes("99999999999T", &n, NULL), STATUS_OK);
	cr_expect_neq(value_count("18446744073709551616", &n, NULL), STATUS_OK);
	cr_expect_neq(value_count("-1", &n, NULL), STATUS_OK);
	cr_expect_eq(value_size("120x40", &w, &h, NULL), STATUS_OK);
	cr_expect_eq(w * 1000 + h, 120040);
	cr_expect_neq(value_size("120", &w, &h, NULL), STATUS_OK);
	cr_expect_neq(value_size("0x10", &w, &h, NULL), STATUS_OK);
	cr_expect_neq(value_size("120x40x1", &w, &h, NULL), STATUS_OK);
}

Test(values, moments_are_offsets_or_instants)
{
	int64_t us = 0;
	bool absolute = false;

	cr_expect_eq(value_moment("90s", &us, &absolute, NULL), STATUS_OK);
	cr_expect(us == 90 * SEC_US && !absolute);
	cr_expect_eq(
		value_moment("2026-01-05T14:02:31.25Z", &us, &absolute, NULL), STATUS_OK);
	cr_expect(absolute);
	cr_expect_eq(us, INT64_C(1767621751250000));
	cr_expect_neq(value_moment("2026-01-05T14:02:31", &us, &absolute, NULL),
		STATUS_OK, "no zone");
	cr_expect_neq(value_moment("yesterday", &us, &absolute, NULL), STATUS_OK);
}

Test(values, speeds_are_factors_or_max)
{
	double x = 0;

	cr_expect_eq(value_speed("max", &x, NULL), STATUS_OK);
	cr_expect(isinf(x));
	cr_expect_eq(value_speed("10x", &x, NULL), STATUS_OK);
	cr_expect_float_eq(x, 10, 1e-12);
	cr_expect_neq(value_speed("0", &x, NULL), STATUS_OK);
	cr_expect_neq(value_speed("fast", &x, NULL), STATUS_OK);
}

/* ------------------------------------------------------------ options */

/* Parse WORDS as the command line; the first mistake's text or "". */
static const char *
parse(struct options *o, const char *words)
{
	static char text[sizeof(((struct diag *)0)->text)];
	char *argv[34] = { (char *)"weir" };
	int argc = 1 + child_split(words, argv + 1, 32);
	struct mistakes m = { 0 };

	options_init(o);
	options_parse(o, argc, argv, &m);
	options_finish(o, &m);
	snprintf(text, sizeof(text), "%s", m.n ? m.d[0].text : "");
	mistakes_done(&m);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return text;
}

Test(options, values_reach_their_fields)
{
	struct options o;

	cr_assert_str_eq(parse(&o, "snapshot --connect tcp://a:1 --connect=tcp://b:2 "
				   "--window 5m --for 3s --size 80x24 -o out.txt "
				   "--warn-p99 300ms --warn-errors 2% --ascii"),
		"");
	cr_expect_eq(o.command, COMMAND_snapshot);
	cr_expect_eq(o.connect.n, 2);
	cr_expect_str_eq(o.connect.v[1], "tcp://b:2");
	cr_expect_null(o.connect.v[2]);
	cr_expect_eq(o.window_us, 300 * SEC_US);
	cr_expect_eq(o.duration_us, 3 * SEC_US);
	cr_expect_eq(o.size.w * 1000 + o.size.h, 80024);
	cr_expect_str_eq(o.output, "out.txt");
	cr_expect_eq(o.thresholds.warn_p99_us, 300000);
	cr_expect_float_eq(o.thresholds.warn_errors, 0.02, 1e-12);
	cr_expect(o.ascii);
	options_done(&o);
}

Test(options, what_is_not_given_has_its_default)
{
	struct options o;

	cr_assert_str_eq(parse(&o, ""), "");
	cr_expect_eq(o.command, COMMAND_dashboard);
	cr_expect_eq(o.window_us, 60 * SEC_US);
	cr_expect_eq(o.thresholds.crit_p99_us, SEC_US);
	cr_expect_eq(o.thresholds.min_samples, 5);
	cr_expect_eq(o.duration_us, VALUE_FOREVER);
	cr_expect(isnan(o.speed));
	cr_expect_null(o.filter);
	cr_expect_str_eq(o.format, "text");
	options_done(&o);
}

Test(options, mistakes_name_what_was_wrong_and_the_nearest_right_word)
{
	static const struct {
		const char *words, *says;
	} rows[] = {
		{ "--conect x", "no option '--conect' (--connect?)" },
		{ "--zzzzzzzzz", "no option '--zzzzzzzzz'; --help lists them" },
		{ "snapshto", "no subcommand 'snapshto' (snapshot?)" },
		{ "--window 2m", "--window: no window '2m' (1m?)" },
		{ "snapshot --format jsn", "--format: no format 'jsn' (json?)" },
		{ "--view egdes", "--view: no view 'egdes' (edges?)" },
		{ "--color alwys", "--color: no choice 'alwys' (always?)" },
		{ "--connect", "--connect needs URL" },
		{ "snapshot extra", "'extra' is one word too many" },
		{ "record", "'weir record' needs FILE" },
		{ "snapshot --script x", "--script is no option of 'weir snapshot' (it "
					 "is one of: replay)" },
		{ "--speed 2", "--speed is about a recording: add --replay FILE" },
		{ "--replay a --connect tcp://b:1",
			"--connect and a recording exclude each other" },
		{ "--warn-p99 2s", "warn_p99 is greater than crit_p99" },
		{ "--ascii=maybe", "--ascii: 'maybe' is neither yes nor no" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct options o;

		cr_expect_str_eq(parse(&o, rows[i].words), rows[i].says);
		options_done(&o);
	}
}

Test(options, a_word_after_two_dashes_is_no_option)
{
	struct options o;

	cr_assert_str_eq(parse(&o, "record -- --for"), "");
	cr_expect_str_eq(o.args.v[0], "--for");
	options_done(&o);
}

Test(options, a_value_may_begin_with_a_dash)
{
	struct options o;

	cr_assert_str_eq(parse(&o, "snapshot --replay - --filter -"), "");
	cr_expect_str_eq(o.replay, "-");
	options_done(&o);
}

Test(options, the_help_of_each_command_fits_80_columns)
{
	for (int c = 0; c < COMMAND_COUNT; c++) {
		char *text = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&text, &n);

		help_command(f, (enum command)c);
		fclose(f);
		for (char *line = text; *line; line += strcspn(line, "\n") + 1)
			cr_expect_leq(strcspn(line, "\n"), 80, "%.*s",
				(int)strcspn(line, "\n"), line);
		free(text);
	}
}

/* ------------------------------------------------------------ configuration */

struct config_case {
	struct options o;
	struct mistakes m;
	char path[64];
};

static void
config_write(struct config_case *c, const char *text)
{
	FILE *f;
	int fd;

	snprintf(c->path, sizeof(c->path), "/tmp/weir-t-cmd-XXXXXX");
	fd = mkstemp(c->path);
	cr_assert_geq(fd, 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	options_init(&c->o);
	c->m = (struct mistakes){ 0 };
}

static void
config_done(struct config_case *c)
{
	unlink(c->path);
	options_done(&c->o);
	mistakes_done(&c->m);
}

Test(config, settings_reach_their_fields)
{
	struct config_case c;

	config_write(&c, "\xef\xbb\xbf# mine\n"
			 "[display]\n"
			 "  window = 15m ; inline\n"
			 "theme=nord\r\n"
			 "ascii = yes\n"
			 "\n"
			 "[thresholds]\n"
			 "warn_p99 = 200ms\n"
			 "crit-errors: 50%\n"
			 "[source]\n"
			 "connect = tcp://hub:5570\n"
			 "connect = tcp://hub:5571\n");
	cr_expect(config_read(&c.o, c.path, LAYER_USER, true, &c.m));
	for (unsigned i = 0; i < c.m.n; i++)
		cr_expect_fail("%d: %s", c.m.d[i].line, c.m.d[i].text);
	cr_expect_eq(c.o.window_us, 900 * SEC_US);
	cr_expect_str_eq(c.o.theme, "nord");
	cr_expect(c.o.ascii);
	cr_expect_eq(c.o.thresholds.warn_p99_us, 200000);
	cr_expect_float_eq(c.o.thresholds.crit_errors, 0.5, 1e-12);
	cr_expect_eq(c.o.connect.n, 2);
	config_done(&c);
}

Test(config, every_mistake_is_reported_with_its_line)
{
	static const struct {
		int line;
		const char *text;
	} expected[] = {
		{ 1, "no section [] (see weir help config)" },
		{ 3, "no 'them' in [display] (theme?)" },
		{ 4, "this is neither `key = value` nor [section]" },
		{ 5, "window: no window '2m' (1m?)" },
		{ 6, "this [ has no ]" },
		{ 8, "no section [treshold] ([thresholds]?)" },
		{ 10, "no 'warn_p9' in [thresholds] (warn_p99?)" },
	};
	struct config_case c;

	config_write(&c, "window = 1m\n"
			 "[display]\n"
			 "them = x\n"
			 "just words\n"
			 "window = 2m\n"
			 "[oops\n"
			 "[treshold]\n"
			 "warn_p99 = 1s\n"
			 "[thresholds]\n"
			 "warn_p9 = 1s\n");
	config_read(&c.o, c.path, LAYER_USER, true, &c.m);
	cr_expect_eq(c.m.n, ARRAY_LEN(expected));
	for (unsigned i = 0; i < MIN(c.m.n, ARRAY_LEN(expected)); i++) {
		cr_expect_str_eq(c.m.d[i].file, c.path);
		cr_expect_eq(c.m.d[i].line, expected[i].line);
		cr_expect_str_eq(c.m.d[i].text, expected[i].text);
	}
	config_done(&c);
}

Test(config, nearer_layers_win_in_any_order_and_replace_lists)
{
	char *argv[] = { (char *)"weir", (char *)"--window", (char *)"10s", NULL };
	struct config_case c;

	config_write(
		&c, "[display]\nwindow = 5m\ntheme = a\n[source]\nconnect = tcp://a:1\n");
	options_parse(&c.o, 3, argv, &c.m);
	setenv("WEIR_THEME", "b", 1);
	setenv("WEIR_CONNECT", "tcp://b:2", 1);
	options_environment(&c.o, &c.m);
	config_read(&c.o, c.path, LAYER_USER, true, &c.m);
	cr_expect_eq(c.o.window_us, 10 * SEC_US);
	cr_expect_str_eq(c.o.theme, "b");
	cr_expect_eq(c.o.connect.n, 1);
	cr_expect_str_eq(c.o.connect.v[0], "tcp://b:2");
	config_done(&c);
}

Test(config, a_source_on_the_command_line_is_the_only_one)
{
	char *argv[] = { (char *)"weir", (char *)"--replay", (char *)"x", NULL };
	struct config_case c;

	config_write(&c, "[source]\nconnect = tcp://a:1\nlisten = tcp://127.0.0.1:2\n");
	options_parse(&c.o, 3, argv, &c.m);
	config_read(&c.o, c.path, LAYER_USER, true, &c.m);
	options_finish(&c.o, &c.m);
	cr_expect_eq(c.m.n, 0);
	cr_expect_eq(c.o.connect.n + c.o.listen.n, 0);
	config_done(&c);
}

Test(config, long_lines_and_missing_files_are_mistakes)
{
	struct config_case c;
	struct buf text = BUF_INIT;

	buf_adds(&text, "[display]\ntheme = ");
	for (int i = 0; i < 5000; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\nascii = yes\n");
	config_write(&c, buf_cstr(&text));
	config_read(&c.o, c.path, LAYER_USER, true, &c.m);
	cr_expect_eq(c.m.n, 1);
	cr_expect_eq(c.m.d[0].line, 2);
	cr_expect(c.o.ascii, "and what follows is read");
	cr_expect_not(config_read(&c.o, "/nowhere/weir.conf", LAYER_USER, true, &c.m));
	cr_expect_eq(c.m.n, 2);
	cr_expect_not(config_read(&c.o, "/nowhere/weir.conf", LAYER_USER, false, &c.m));
	cr_expect_eq(c.m.n, 2);
	buf_done(&text);
	config_done(&c);
}

/* ------------------------------------------------------------ scripts */

Test(script, each_command_becomes_a_step)
{
	struct script s;
	struct diag d = { 0 };
	struct str text = STR("# a comment\n"
			      "size 80x24\r\n"
			      "\n"
			      "at 2.5s\n"
			      "key j\n"
			      "keys /pay Enter\n"
			      "text a b\n"
			      "ascii on\n"
			      "shot one");

	cr_assert_eq(script_parse(&s, text, "s", &d), STATUS_OK, "%s", d.text);
	cr_assert_eq(s.n, 7);
	cr_expect(s.step[0].kind == STEP_SIZE && s.step[0].size.w == 80);
	cr_expect(s.step[1].kind == STEP_AT && s.step[1].at_us == 2500000);
	cr_expect(s.step[2].key_count == 1 && s.step[2].keys[0] == 'j');
	cr_expect_eq(s.step[3].key_count, 5);
	cr_expect(s.step[3].keys[0] == '/' && s.step[3].keys[4] == WK_ENTER);
	cr_expect(s.step[4].key_count == 3 && s.step[4].keys[1] == ' ');
	cr_expect(s.step[5].kind == STEP_ASCII && s.step[5].on);
	cr_expect_str_eq(s.step[6].name, "one");
	cr_expect_eq(s.step[6].line, 9);
	script_done(&s);
}

Test(script, mistakes_have_their_line)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "\nshoot x", "no command 'shoot' (shot?)" },
		{ "\nshot", "'shot' needs something after it" },
		{ "\nshot ../../etc/x",
			"'../../etc/x' is no name for a shot: letters, digits, - and _" },
		{ "\nkey Entr", "no key 'Entr'; for several there is `keys`" },
		{ "\nsize 80", "'80' is no size: columns x rows, as in 120x40" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct script s;
		struct diag d = { 0 };

		cr_expect_neq(
			script_parse(&s, str_of(rows[i].text), "keys", &d), STATUS_OK);
		cr_expect_eq(d.line, 2);
		cr_expect_str_eq(d.file, "keys");
		cr_expect_str_eq(d.text, rows[i].says);
	}
}

/* ------------------------------------------------------------ children, clock */

Test(child, words_are_split_as_a_shell_would)
{
	static const struct {
		const char *words, *joined; /* NULL: refused */
	} rows[] = {
		{ "otlp --http 127.0.0.1:4318", "otlp|--http|127.0.0.1:4318" },
		{ "  a  'b c'  \"d'e\" f\\ g ", "a|b c|d'e|f g" },
		{ "a''b \"\"", "ab|" },
		{ "", "" },
		{ "'open", NULL },
		{ "1 2 3 4 5 6 7 8", NULL },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char *words[8], joined[80] = "";
		int n = child_split(rows[i].words, words, ARRAY_LEN(words));

		cr_expect_eq(n < 0, rows[i].joined == NULL, "%s", rows[i].words);
		for (int w = 0; w < n; w++) {
			snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined),
				"%s%s", w ? "|" : "", words[w]);
			free(words[w]);
		}
		if (n >= 0)
			cr_expect_str_eq(joined, rows[i].joined);
	}
}

Test(clock, small_corrections_are_slewed_and_great_ones_followed)
{
	static const int64_t start_us = 1000 * SEC_US;
	struct live_clock c;
	int64_t last_us = 0;

	live_clock_init(&c, 0, start_us);
	/* The machine's clock is 400 ms back after 5 s. */
	for (int64_t mono_us = 0; mono_us < 20 * SEC_US; mono_us += SEC_US / 2) {
		int64_t off_us = mono_us > 5 * SEC_US ? 400 * MSEC_US : 0;

		live_clock_steer(&c, mono_us, start_us + mono_us - off_us);
		cr_expect_gt(live_clock_at(&c, mono_us), last_us);
		last_us = live_clock_at(&c, mono_us);
	}
	cr_expect_eq(c.offset_us, start_us - 400 * MSEC_US);
	for (int hours = -1; hours <= 1; hours += 2) {
		int64_t wall_us = start_us + hours * 3600 * SEC_US;

		live_clock_steer(&c, (30 + hours) * SEC_US, wall_us);
		cr_expect_eq(live_clock_at(&c, (30 + hours) * SEC_US), wall_us);
	}
}
