#include "config.h"

#include "weir/cmd/options.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/values.h"

/* ------------------------------------------------------------ command line */

static void
complain_unknown(const char *given, struct mistakes *m)
{
	const char *names[OPTIONS_MAX + 1];
	char word[64];
	const char *near;

	for (unsigned i = 0; i < option_count; i++)
		names[i] = option_table[i].name;
	names[option_count] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
	near = word[0] == '-' && word[1] == '-' ? nearest_name(word + 2, names) : NULL;
	if (near)
		diag_set(mistakes_add(m), STATUS_ERR_USAGE, "no option '%s' (--%s?)",
			word, near);
	else
		diag_set(mistakes_add(m), STATUS_ERR_USAGE,
			"no option '%s'; --help lists them", word);
}

/* The option that @arg names, and the value after '=' or in the same word. */
static bool
find_option(const char *arg, unsigned *ret_option, const char **ret_value)
{
	size_t n;

	*ret_value = NULL;
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		*ret_option = i;
		if (arg[1] != '-') {
			if (!option->letter || arg[1] != option->letter)
				continue;
			*ret_value = arg[2] ? arg + 2 : NULL;
			return option->arg || !arg[2];
		}
		n = strlen(option->name);
		if (strncmp(arg + 2, option->name, n) != 0)
			continue;
		if (arg[2 + n] == '=') {
			*ret_value = arg + 2 + n + 1;
			return true;
		}
		if (arg[2 + n] == '\0')
			return true;
	}
	return false;
}

/* The first word that is no option is the subcommand. */
static void
take_word(struct options *o, const char *word, bool *first, struct mistakes *m)
{
	const char *words[COMMAND_COUNT];
	struct diag d = { 0 }, *kept;
	unsigned i;

	if (!*first) {
		text_list_add(&o->args, word);
		return;
	}
	*first = false;
	for (i = 1; i < COMMAND_COUNT; i++)
		words[i - 1] = command_table[i].word;
	words[COMMAND_COUNT - 1] = NULL;
	if (value_word(word, words, "subcommand", &i, &d) == STATUS_OK)
		o->command = (enum command)(i + 1);
	/* After an unknown option it may have been meant as that one's value. */
	else if (m->n == 0 && (kept = mistakes_add(m)) != NULL)
		*kept = d;
}

static void
check_places(struct options *o, struct mistakes *m)
{
	const struct command_row *row = &command_table[o->command];

	for (unsigned i = 0; i < option_count; i++) {
		if (o->set_by[i] == LAYER_ARGUMENTS &&
			!option_is_for(&option_table[i], o->command))
			diag_set(mistakes_add(m), STATUS_ERR_USAGE,
				"--%s is no option of '%s%s' (it is one of: %s)",
				option_table[i].name, o->command ? "weir " : "",
				row->word, option_table[i].commands);
	}
	if (o->help)
		return;
	if (o->args.n < row->least)
		diag_set(mistakes_add(m), STATUS_ERR_USAGE, "'weir %s' needs %s",
			row->word, row->args);
	if (o->args.n > row->most)
		diag_set(mistakes_add(m), STATUS_ERR_USAGE, "'%s' is one word too many",
			o->args.v[row->most]);
}

void
options_parse(struct options *o, int argc, char *const argv[], struct mistakes *m)
{
	bool first = true, words_only = false;
	unsigned before = m->n;

	for (int a = 1; a < argc; a++) {
		const char *arg = argv[a], *value;
		char what[64];
		unsigned i;

		if (words_only || arg[0] != '-' || arg[1] == '\0') {
			take_word(o, arg, &first, m);
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			words_only = true;
			continue;
		}
		if (!find_option(arg, &i, &value)) {
			complain_unknown(arg, m);
			continue;
		}
		snprintf(what, sizeof(what), "--%s", option_table[i].name);
		if (value == NULL)
			value = option_table[i].arg ? argv[++a] : "yes";
		if (value == NULL) {
			diag_set(mistakes_add(m), STATUS_ERR_USAGE, "%s needs %s", what,
				option_table[i].arg);
			break;
		}
		options_set(o, i, LAYER_ARGUMENTS, value, what, "", 0, m);
	}
	if (m->n == before)
		check_places(o, m);
}

/* ------------------------------------------------------------ farther layers */

void
options_environment(struct options *o, struct mistakes *m)
{
	for (unsigned i = 0; i < option_count; i++) {
		char name[64] = "WEIR_";
		const char *value, *from = option_table[i].name;
		size_t n = strlen(name);

		if (option_table[i].section[0] == '\0')
			continue;
		for (; *from && n < sizeof(name) - 1; from++)
			name[n++] =
				*from == '-' ? '_' : (char)toupper((unsigned char)*from);
		name[n] = '\0';
		value = getenv(name);
		if (value && *value)
			options_set(o, i, LAYER_ENVIRONMENT, value, name, "", 0, m);
	}
}

/* The names that may be set in @section, or with NULL the sections themselves. */
static void
collect_settings(const char *section, const char *names[OPTIONS_MAX + 1])
{
	unsigned n = 0;

	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->section[0] == '\0')
			continue;
		if (section == NULL)
			names[n++] = option->section;
		else if (strcmp(option->section, section) == 0)
			names[n++] = option->name;
	}
	names[n] = NULL;
}

#define TOLERANCE "tolerance"

static void
with_underscores(const char *name, char *out, size_t size)
{
	size_t n;

	snprintf(out, size, "%s", name);
	for (n = 0; out[n]; n++) {
		if (out[n] == '-')
			out[n] = '_';
	}
}

/* One setting of [tolerance "a->b"]; says what is wrong with it. */
static enum status
set_tolerance(struct options *o, const char *section, const char *key, const char *value,
	struct diag *d)
{
	static const char *const keys[] = { "p99", "err", "ok", "failed", NULL };
	const char *edge = section + strlen(TOLERANCE);
	size_t n;
	char *name;
	struct tolerance_rule *r;
	struct tolerance limits;
	enum status s;
	unsigned i;

	edge += strspn(edge, " \t\"");
	n = strlen(edge);
	while (n && strchr(" \t\"", edge[n - 1]))
		n--;
	if (!o->tolerances)
		o->tolerances = tolerances_new();
	name = xstrndup(edge, n);
	r = tolerances_rule(o->tolerances, name, d);
	free(name);
	if (!r)
		return STATUS_ERR_SYNTAX;
	limits = *tolerance_limits(r);
	s = value_word(key, keys, "setting of a tolerance", &i, d);
	if (s != STATUS_OK)
		return s;
	if (i >= 2)
		return tolerance_set_codes(r, value, i == 3, d);
	s = i ? value_ratio(value, &limits.error_ratio, d)
	      : value_duration(value, &limits.p99_us, d);
	if (s == STATUS_OK)
		tolerance_set_limits(r, &limits);
	return s;
}

static bool
is_tolerance(const char *section)
{
	return strncmp(section, TOLERANCE, strlen(TOLERANCE)) == 0 &&
	       strchr(" \t\"", section[strlen(TOLERANCE)]);
}

void
options_setting(struct options *o, enum layer layer, const char *section, const char *key,
	const char *value, const char *file, int line, struct mistakes *m)
{
	const char *names[OPTIONS_MAX + 1], *near;
	char name[64], shown[64];
	struct diag why = { 0 };

	if (is_tolerance(section)) {
		if (set_tolerance(o, section, key, value, &why) != STATUS_OK)
			diag_at(mistakes_add(m), STATUS_ERR_SYNTAX, file, line, "%s",
				why.text);
		return;
	}

	for (unsigned i = 0; i < option_count; i++) {
		with_underscores(option_table[i].name, name, sizeof(name));
		if (option_table[i].section[0] &&
			strcmp(option_table[i].section, section) == 0 &&
			(strcmp(name, key) == 0 ||
				strcmp(option_table[i].name, key) == 0)) {
			options_set(o, i, layer, value, name, file, line, m);
			return;
		}
	}
	collect_settings(section, names);
	if (names[0] == NULL) {
		collect_settings(NULL, names);
		near = nearest_name(section, names);
		diag_at(mistakes_add(m), STATUS_ERR_UNKNOWN, file, line,
			"no section [%s] (%s%s%s)", section, near ? "[" : "see ",
			near ? near : "weir help config", near ? "]?" : "");
		return;
	}
	near = nearest_name(key, names);
	with_underscores(near ? near : "", shown, sizeof(shown));
	diag_at(mistakes_add(m), STATUS_ERR_UNKNOWN, file, line, "no '%s' in [%s] (%s%s)",
		key, section, near ? shown : "see weir help config", near ? "?" : "");
}

/* ------------------------------------------------------------ conflicts */

static unsigned
index_of(const char *name)
{
	for (unsigned i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].name, name) == 0)
			return i;
	}
	die("no option --%s", name);
}

static bool
given(const struct options *o, const char *name)
{
	return o->set_by[index_of(name)] == LAYER_ARGUMENTS;
}

/*
 * A source named on the command line is the source: what a file or the environment
 * says about others is for the times when none is named.
 */
static void
settle_sources(struct options *o, struct mistakes *m)
{
	static const char *const live[] = { "connect", "listen", "with" };
	struct text_list *lists[] = { &o->connect, &o->listen, &o->with };
	bool any = o->replay != NULL || o->command == COMMAND_demo;

	for (unsigned i = 0; i < ARRAY_LEN(live); i++)
		any = any || given(o, live[i]);
	for (unsigned i = 0; any && i < ARRAY_LEN(live); i++) {
		if (!given(o, live[i])) {
			text_list_done(lists[i]);
		} else if (o->replay) {
			diag_set(mistakes_add(m), STATUS_ERR_USAGE,
				"--%s and a recording exclude each other", live[i]);
		}
	}
	if (o->replay == NULL && (given(o, "speed") || given(o, "at")))
		diag_set(mistakes_add(m), STATUS_ERR_USAGE,
			"--%s is about a recording: add --replay FILE",
			given(o, "speed") ? "speed" : "at");
}

/*
 * What is usual today is not learnt from an old recording: the file that a configuration
 * names is for live sources.
 */
static void
settle_state(struct options *o)
{
	if (o->state && (strcmp(o->state, "none") == 0 ||
				(o->replay != NULL && !given(o, "state")))) {
		free(o->state);
		o->state = NULL;
	}
}

void
options_finish(struct options *o, struct mistakes *m)
{
	if (o->command == COMMAND_replay && o->args.n == 1) {
		free(o->replay);
		o->replay = xstrdup(o->args.v[0]);
	}
	settle_sources(o, m);
	settle_state(o);
	if (o->thresholds.warn_p99_us > o->thresholds.crit_p99_us)
		diag_set(mistakes_add(m), STATUS_ERR_USAGE,
			"warn_p99 is greater than crit_p99");
	if (o->thresholds.warn_errors > o->thresholds.crit_errors)
		diag_set(mistakes_add(m), STATUS_ERR_USAGE,
			"warn_errors is greater than crit_errors");
}
