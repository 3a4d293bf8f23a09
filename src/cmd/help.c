#include "config.h"

#include "weir/cmd/help.h"

#include <ctype.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/values.h"

enum {
	INDENT = 24,
	WIDTH = 80
};

static const char *const group_titles[GROUP_COUNT] = {
	[GROUP_SOURCE] = "Where the flow comes from",
	[GROUP_NUMBERS] = "What the numbers are",
	[GROUP_SCREEN] = "What the screen looks like",
	[GROUP_COMMAND] = "Of this command",
	[GROUP_GENERAL] = "General",
};

/* @text from column INDENT on, folded; @column is where the line stands now. */
static void
print_folded(FILE *out, int column, const char *text)
{
	if (column >= INDENT - 1) {
		fputc('\n', out);
		column = 0;
	}
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > INDENT && column + 1 + (int)n > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column < INDENT)
			column += fprintf(out, "%*s", INDENT - column, "");
		else
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void
print_option(FILE *out, const struct option *option)
{
	char head[80], letter[8] = "", folded[400];
	int n;

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	n = snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
		option->arg ? " " : "", option->arg ? option->arg : "");
	fputs(head, out);
	snprintf(folded, sizeof(folded), "%s%s%s%s", option->help,
		option->initial && option->arg ? " [" : "",
		option->initial && option->arg ? option->initial : "",
		option->initial && option->arg ? "]" : "");
	print_folded(out, n, folded);
}

/* The options of @group that @command takes; weir's own help shows all there are. */
static void
print_group(FILE *out, enum command command, int group)
{
	bool any = false;

	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->group != group ||
			(command != COMMAND_dashboard && !option_is_for(option, command)))
			continue;
		if (!any)
			fprintf(out, "\n%s:\n",
				command == COMMAND_dashboard && group == GROUP_COMMAND
					? "Of single commands"
					: group_titles[group]);
		any = true;
		print_option(out, option);
	}
}

void
help_command(FILE *out, enum command command)
{
	const struct command_row *row = &command_table[command];

	if (command == COMMAND_dashboard) {
		fprintf(out,
			"usage: weir [OPTIONS]\n       weir COMMAND [OPTIONS] [FILE]\n");
		fprintf(out, "\nWithout a command: %s.\n\nCommands:\n", row->help);
		for (unsigned i = 1; i < COMMAND_COUNT; i++) {
			int n = fprintf(out, "  %s%s%s", command_table[i].word,
				command_table[i].args[0] ? " " : "",
				command_table[i].args);

			print_folded(out, n, command_table[i].help);
		}
	} else {
		fprintf(out, "usage: weir %s%s%s%s\n\n%c%s.\n", row->word,
			command == COMMAND_help ? "" : " [OPTIONS]",
			row->args[0] ? " " : "", row->args,
			toupper((unsigned char)row->help[0]), row->help + 1);
	}
	for (int group = 0; group < GROUP_COUNT; group++)
		print_group(out, command, group);
	if (command == COMMAND_dashboard)
		fprintf(out,
			"\nMore: weir COMMAND --help, weir help TOPIC, man weir.\n"
			"Topics: sources, filter, keys, views, formats, themes, config, "
			"script,\n        scenarios, exit.\n");
}
