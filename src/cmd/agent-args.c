#include "config.h"

#include "agent-args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/cmd/values.h"

#define FLUSH_MAX_US (100 * MSEC_US)

/* One row per option of the agent itself; the inputs' own are in their files. */
static const struct option {
	const char *name, *argument, *help;
} options[] = {
	{ "--to", "URL", "send to a listening weir or hub (default: this user's weir)" },
	{ "--bind", "URL", "let dashboards connect here instead" },
	{ "--allow-network", NULL, "--bind to other than loopback, in the clear" },
	{ "--group", "NAME", "label of what is sent (default \"default\")" },
	{ "--encoding", "NAME", "batch (default), delta, json" },
	{ "--aggregate", "WHEN", "add requests up: auto (default), always, never" },
	{ "--flush", "TIME", "greatest age of a batch, up to 100ms (default)" },
	{ "--state", "FILE", "keep identity and counter here; \"none\": nowhere" },
	{ "--config", "FILE", "read this configuration and no other" },
	{ "--check", NULL, "print what the input yields, and send nothing" },
	{ "--stats", NULL, "print counters every 10 s and at the end" },
	{ "--version", NULL, "print the version" },
	{ "--help", NULL, "print this" },
};

static const struct option *
find_option(const char *word, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strlen(options[i].name) == n && !memcmp(options[i].name, word, n))
			return &options[i];
	return NULL;
}

static enum status
unknown_option(const char *word, struct diag *d)
{
	const char *names[ARRAY_LEN(options) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		names[i] = options[i].name;
	near = nearest_name(word, names);
	if (near)
		return diag_set(d, STATUS_ERR_USAGE,
			"unknown option '%s' (did you mean '%s'?)", word, near);
	return diag_set(
		d, STATUS_ERR_USAGE, "unknown option '%s' before the input", word);
}

static enum status
unknown_input(const char *word, struct diag *d)
{
	const char *names[16] = { NULL };
	struct buf known = BUF_INIT;
	const char *near;

	for (unsigned i = 0; i < input_count && i + 1 < ARRAY_LEN(names); i++) {
		names[i] = inputs[i]->id;
		buf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	}
	near = nearest_name(word, names);
	if (near)
		diag_set(d, STATUS_ERR_USAGE, "unknown input '%s' (did you mean '%s'?)",
			word, near);
	else
		diag_set(d, STATUS_ERR_USAGE, "unknown input '%s' (there are: %s)", word,
			buf_cstr(&known));
	buf_done(&known);
	return STATUS_ERR_USAGE;
}

static enum status
set_encoding(struct agent_args *a, const char *word, struct diag *d)
{
	if (wire_encoding_from(str_of(word), &a->encoding))
		return STATUS_OK;
	return diag_set(d, STATUS_ERR_USAGE,
		"unknown encoding '%s' (try batch, delta or json)", word);
}

static enum status
set_aggregate(struct agent_args *a, const char *word, struct diag *d)
{
	static const char *const words[] = { [OUTBOX_AUTO] = "auto",
		[OUTBOX_ALWAYS] = "always",
		[OUTBOX_NEVER] = "never",
		NULL };
	unsigned i = OUTBOX_AUTO;
	enum status s = value_word(word, words, "time to aggregate", &i, d);

	a->aggregate = (enum outbox_aggregate)i;
	return s;
}

static enum status
set_flush(struct agent_args *a, const char *word, struct diag *d)
{
	enum status s = value_duration(word, &a->flush_us, d);

	if (s == STATUS_OK && (a->flush_us < MSEC_US || a->flush_us > FLUSH_MAX_US))
		return diag_set(d, STATUS_ERR_USAGE, "--flush is from 1ms to 100ms");
	return s;
}

static enum status
set_group(struct agent_args *a, const char *word, struct diag *d)
{
	size_t n = strlen(word);

	if (n == 0 || n > WIRE_GROUP_MAX)
		return diag_set(d, STATUS_ERR_USAGE, "a group's name has 1 to %d bytes",
			WIRE_GROUP_MAX);
	a->group = word;
	return STATUS_OK;
}

static enum status
set_option(struct agent_args *a, const char *name, const char *value, struct diag *d)
{
	if (!strcmp(name, "--to"))
		a->to = value;
	else if (!strcmp(name, "--bind"))
		a->bind = value;
	else if (!strcmp(name, "--state"))
		a->state = value;
	else if (!strcmp(name, "--config"))
		a->config_file = value;
	else if (!strcmp(name, "--check"))
		a->check = true;
	else if (!strcmp(name, "--stats"))
		a->stats = true;
	else if (!strcmp(name, "--allow-network"))
		a->allow_network = true;
	else if (!strcmp(name, "--version"))
		a->version = true;
	else if (!strcmp(name, "--help"))
		a->help = true;
	else if (!strcmp(name, "--group"))
		return set_group(a, value, d);
	else if (!strcmp(name, "--encoding"))
		return set_encoding(a, value, d);
	else if (!strcmp(name, "--aggregate"))
		return set_aggregate(a, value, d);
	else if (!strcmp(name, "--flush"))
		return set_flush(a, value, d);
	return STATUS_OK;
}

/* The agent's options may stand anywhere; every other word is the input's. */
static enum status
parse_words(struct agent_args *a, int argc, char **argv, struct diag *d)
{
	bool only_words = false;
	enum status s;

	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		size_t n = strcspn(word, "=");
		const struct option *o = only_words ? NULL : find_option(word, n);
		const char *value = word[n] == '=' ? word + n + 1 : NULL;

		if (!strcmp(word, "-h"))
			o = find_option("--help", 6);
		only_words |= !strcmp(word, "--");
		if (!o) {
			if (word[0] == '-' && a->input_argc == 0)
				return unknown_option(word, d);
			a->input_argv[a->input_argc++] = word;
			continue;
		}
		if (value && !o->argument)
			return diag_set(
				d, STATUS_ERR_USAGE, "'%s' takes no value", o->name);
		if (o->argument && !value && i + 1 == argc)
			return diag_set(
				d, STATUS_ERR_USAGE, "'%s' needs a value", o->name);
		if (o->argument && !value)
			value = argv[++i];
		s = set_option(a, o->name, value, d);
		if (s)
			return s;
	}
	return STATUS_OK;
}

/* A setting of [agent], which the command line has not set. */
static enum status
take_setting(struct agent_args *a, const struct agent_setting *at, struct diag *d)
{
	const struct option *o = find_option(at->word, strcspn(at->word, "="));
	struct diag why = { 0 };

	if (!o)
		return diag_at(d, STATUS_ERR_USAGE, at->file, at->line,
			"[agent] has no setting '%s'", at->name);
	if (o->argument) {
		if (set_option(a, o->name, at->value, &why))
			return diag_at(d, STATUS_ERR_USAGE, at->file, at->line, "%s: %s",
				at->name, why.text);
	} else if (!strcmp(at->value, "yes")) {
		set_option(a, o->name, NULL, &why);
	} else if (strcmp(at->value, "no") != 0) {
		return diag_at(d, STATUS_ERR_USAGE, at->file, at->line,
			"%s is yes or no, not '%s'", at->name, at->value);
	}
	return STATUS_OK;
}

static bool
is_section(const char *name)
{
	return !strcmp(name, "agent") || input_find(name);
}

/* The configuration's words for the input go before those of the command line. */
static void
put_settings(struct agent_args *a)
{
	const struct agent_config *c = &a->config;
	char **all = xcalloc((size_t)a->input_argc + c->n + 1, sizeof(all[0]));
	int n = 0;

	all[n++] = a->input_argv[0];
	for (unsigned i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].section, a->input_argv[0]))
			all[n++] = c->v[i].word;
	for (int i = 1; i < a->input_argc; i++)
		all[n++] = a->input_argv[i];
	free(a->input_argv);
	a->input_argv = all;
	a->input_argc = n;
}

static enum status
read_config(struct agent_args *a, const char *path, struct diag *d)
{
	enum status s = agent_config_load(&a->config, path, d);

	for (unsigned i = 0; s == STATUS_OK && i < a->config.n; i++) {
		const struct agent_setting *at = &a->config.v[i];

		if (!is_section(at->section))
			s = diag_at(d, STATUS_ERR_USAGE, at->file, at->line,
				"[%s] is neither [agent] nor an input", at->section);
		else if (!strcmp(at->section, "agent"))
			s = take_setting(a, at, d);
	}
	return s;
}

/* What is asked for, whoever asked. */
static enum status
check_args(struct agent_args *a, struct diag *d)
{
	if (a->to && a->bind)
		return diag_set(
			d, STATUS_ERR_USAGE, "--to and --bind exclude each other");
	/* `delta` is a batch in which all is added up. */
	if (a->encoding == WIRE_DELTA)
		a->aggregate = OUTBOX_ALWAYS;
	if (a->encoding == WIRE_JSON && a->aggregate == OUTBOX_ALWAYS)
		return diag_set(
			d, STATUS_ERR_USAGE, "--aggregate always needs --encoding batch");
	if (a->check && (a->to || a->bind))
		return diag_set(d, STATUS_ERR_USAGE, "--check sends nothing (%s)",
			a->to ? "--to" : "--bind");
	if (a->input_argc == 0)
		return diag_set(
			d, STATUS_ERR_USAGE, "no input given (try 'weir-agent --help')");
	a->input = input_find(a->input_argv[0]);
	return a->input ? STATUS_OK : unknown_input(a->input_argv[0], d);
}

/* The command line's --config, before anything else of it counts. */
static const char *
find_config(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!strncmp(argv[i], "--config=", 9))
			return argv[i] + 9;
		if (!strcmp(argv[i], "--config") && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

enum status
agent_args_parse(struct agent_args *a, int argc, char **argv, struct diag *d)
{
	const char *to, *bind;
	struct diag config = { 0 };
	enum status s, of_config;

	*a = (struct agent_args){ .encoding = WIRE_BATCH };
	a->input_argv = xcalloc((size_t)argc + 1, sizeof(argv[0]));
	of_config = read_config(a, find_config(argc, argv), &config);
	to = a->to;
	bind = a->bind;
	a->to = a->bind = NULL;
	s = parse_words(a, argc, argv, d);
	if (s != STATUS_OK || a->help || a->version)
		return s;
	if (of_config != STATUS_OK) {
		*d = config;
		return of_config;
	}
	/* One of them on the command line replaces the other of the file. */
	if (!a->to && !a->bind && !a->check) {
		a->to = to;
		a->bind = bind;
	}
	s = check_args(a, d);
	if (s == STATUS_OK)
		put_settings(a);
	return s;
}

void
agent_args_done(struct agent_args *a)
{
	free(a->input_argv);
	a->input_argv = NULL;
	agent_config_done(&a->config);
}

void
agent_args_help(void)
{
	puts("usage: weir-agent INPUT [OPTION…]\n\n"
	     "Turns an input into flow events and sends them to weir or a hub.\n\n"
	     "Options:");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		printf("  %s %-*s %s\n", options[i].name,
			(int)(20 - strlen(options[i].name)),
			options[i].argument ? options[i].argument : "", options[i].help);
	puts("\nInputs, with their own options:");
	for (unsigned i = 0; i < input_count; i++)
		printf("%s - %s\n%s", inputs[i]->id, inputs[i]->about,
			inputs[i]->options);
}
