/* The topics of `weir help TOPIC`: texts here, tables from those who own them. */
#include "config.h"

#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/help.h"
#include "weir/cmd/values.h"
#include "weir/core/sim.h"
#include "weir/draw/keys.h"
#include "weir/draw/view.h"
#include "weir/export/export.h"

static const char sources_text[] =
	"weir reads flow events from ZeroMQ. With no source named it listens at its own\n"
	"address, ipc://$XDG_RUNTIME_DIR/weir/bus or ipc:///tmp/weir-UID/bus.\n"
	"\n"
	"  weir --with otlp                      an OpenTelemetry receiver on "
	"127.0.0.1:4318\n"
	"  weir --listen tcp://127.0.0.1:5570    agents and scripts connect to it\n"
	"  weir --connect tcp://127.0.0.1:5570   weir connects to an agent that binds\n"
	"  weir --replay shop.rec --speed 4      a recording; also a file of JSON lines\n"
	"\n"
	"A script needs no agent. It publishes one JSON object per request:\n"
	"\n"
	"  {\"src\":\"checkout\",\"dst\":\"payment\",\"us\":1830}\n"
	"\n"
	"What is published so has no numbering, so weir cannot know what was lost of "
	"it,\n"
	"and says so.\n";

static const char filter_text[] =
	"Terms side by side must all hold; | is or, ! is not, parentheses group.\n"
	"\n"
	"  payment           a part of the name of either end\n"
	"  /^pay(ment)?$/    a regular expression on either end\n"
	"  src:cart dst:db   the calling side, the called side\n"
	"  op:Charge         a part of the name of an operation\n"
	"  group:shop        a part of the namespace or team of either end\n"
	"  kind:grpc         http grpc rpc db msg tcp unknown\n"
	"  p99>500ms p50<1ms p95>=2s; units us ms s m h\n"
	"  err>1%  rate<10/s  n>100\n"
	"  sev:warn sev:crit at least as bad\n"
	"  errors            some calls failed\n"
	"  verdict           a cause is named there (weir-verdict(7)); of one kind:\n"
	"                    verdict:latency, errors, queue, silent, drop, cold\n"
	"  anomaly           not as usual, cause or not; anomaly:surge and so on\n"
	"\n"
	"A comparison with something unknown is false.\n";

static const char config_text[] =
	"weir reads /etc/weir/weir.conf, then $XDG_CONFIG_HOME/weir/weir.conf (or\n"
	"~/.config/weir/weir.conf), or the one file of --config. The environment goes\n"
	"before both, options before everything. weir --check-config says what is wrong\n"
	"and what is set. In the environment the names are WEIR_WINDOW, WEIR_WARN_P99 "
	"...\n"
	"\n";

static const char script_text[] =
	"weir replay FILE --script KEYS runs without a terminal. One command a line:\n"
	"\n"
	"  size 80x24      the size of the screen from here on\n"
	"  ascii on        write shots with ASCII characters; off\n"
	"  at 2.5s         let the recording go on to this long after its start\n"
	"  key j           one key: a character, or Enter Esc Tab Space Up F1 C-l ...\n"
	"  keys /pay Enter each word is a key's name, or else typed\n"
	"  text two words  typed as it is\n"
	"  shot NAME       write the screen, as characters and as roles\n"
	"  # comment\n"
	"\n"
	"Shots go to standard output, with --output DIR to DIR/NAME.txt and "
	"NAME.roles.\n";

static const char themes_text[] =
	"A theme is a file NAME.theme in $XDG_CONFIG_HOME/weir/themes or among the\n"
	"installed ones; --theme takes a name, or a path with a '/'. man weir-theme\n"
	"describes the file. On the screen T goes through them.\n";

static const char exit_text[] =
	"  0    done\n"
	"  1    could not: the world was not as needed\n"
	"  2    wrong use; what was wrong is said, with the nearest right word\n"
	"  130, 143  ended by a signal\n"
	"\n"
	"weir check, as monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown (no\n"
	"data, no source, wrong use). weir diff: 0 the same, 1 different, 2 trouble.\n";

static void
print_text(FILE *out, const char *text)
{
	fputs(text, out);
}

static void
print_config(FILE *out, const char *text)
{
	const char *section = "";

	fputs(text, out);
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->section[0] == '\0')
			continue;
		if (strcmp(option->section, section) != 0)
			fprintf(out, "  [%s]\n", option->section);
		section = option->section;
		fputs("  ", out);
		for (const char *p = option->name; *p; p++)
			fputc(*p == '-' ? '_' : *p, out);
		fprintf(out, " = %s\n", option->initial ? option->initial : option->arg);
	}
	fputs("  [tolerance \"checkout->payment\"]  ; * is any\n"
	      "  p99 = 800ms\n"
	      "  err = 1%\n"
	      "  ok = 404 NOT_FOUND   ; no failures here\n"
	      "  failed = 429         ; failures here\n",
		out);
}

static void
print_keys(FILE *out, const char *text)
{
	const char *group = "";

	(void)text;
	for (unsigned i = 0; i < key_binding_count; i++) {
		const struct key_binding *b = &key_bindings[i];

		if (b->help == NULL || b->help[0] == '\0')
			continue;
		if (strcmp(b->group, group) != 0)
			fprintf(out, "%s%s:\n", i ? "\n" : "", b->group);
		group = b->group;
		fprintf(out, "  %-12s  %s\n", b->keys, b->help);
	}
}

static void
print_views(FILE *out, const char *text)
{
	(void)text;
	for (unsigned i = 0; i < view_count; i++)
		fprintf(out, "  %-12s  %s\n", views[i]->id, views[i]->about);
}

static void
print_formats(FILE *out, const char *text)
{
	(void)text;
	for (unsigned i = 0; i < export_count; i++)
		fprintf(out, "  %-12s  %s\n", exports[i]->id, exports[i]->about);
}

static void
print_scenarios(FILE *out, const char *text)
{
	(void)text;
	for (unsigned i = 0; sim_scenarios[i]; i++)
		fprintf(out, "  %s%s\n", sim_scenarios[i],
			i ? "" : " (unless told otherwise)");
}

static const struct {
	const char *name;
	void (*print)(FILE *out, const char *text);
	const char *text;
} topics[] = {
	{ "sources", print_text, sources_text },
	{ "filter", print_text, filter_text },
	{ "keys", print_keys, NULL },
	{ "views", print_views, NULL },
	{ "formats", print_formats, NULL },
	{ "themes", print_text, themes_text },
	{ "config", print_config, config_text },
	{ "script", print_text, script_text },
	{ "scenarios", print_scenarios, NULL },
	{ "exit", print_text, exit_text },
};

enum status
help_topic(FILE *out, const char *topic, struct diag *d)
{
	const char *words[COMMAND_COUNT + ARRAY_LEN(topics)];
	unsigned n = 0, i;
	enum status s;

	for (i = 1; i < COMMAND_COUNT; i++)
		words[n++] = command_table[i].word;
	for (i = 0; i < ARRAY_LEN(topics); i++)
		words[n++] = topics[i].name;
	words[n] = NULL;
	s = value_word(topic, words, "topic", &i, d);
	if (s != STATUS_OK)
		return s;
	if (i < COMMAND_COUNT - 1)
		help_command(out, (enum command)(i + 1));
	else
		topics[i - (COMMAND_COUNT - 1)].print(
			out, topics[i - (COMMAND_COUNT - 1)].text);
	return STATUS_OK;
}
