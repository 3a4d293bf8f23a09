/* weir: reads what the user wants and hands over to one subcommand. */
#include "config.h"

#include <locale.h>
#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/commands.h"
#include "weir/cmd/config.h"
#include "weir/cmd/help.h"
#include "weir/cmd/signals.h"
#include "weir/cmd/sink.h"

static int
print_and_end(void (*print)(FILE *out, const struct options *o), const struct options *o)
{
	struct sink sink;
	struct diag d = { 0 };
	enum status s;

	sink_open(&sink);
	print(sink.f, o);
	s = sink_close(&sink, NULL, &d);
	if (s == STATUS_OK)
		return EXIT_DONE;
	return d.text[0] ? report_diag(s, &d) : EXIT_SIGNAL + 13;
}

static void
print_help(FILE *out, const struct options *o)
{
	help_command(out, o->command);
}

static void
print_version(FILE *out, const struct options *o)
{
	(void)o;
	fputs("weir " PACKAGE_VERSION "\n", out);
}

/* What is in force and where it comes from, in the shape of a configuration file. */
static void
print_settings(FILE *out, const struct options *o)
{
	static const char *const layers[] = {
		[LAYER_DEFAULT] = "default",
		[LAYER_SYSTEM] = "system's file",
		[LAYER_USER] = "your file",
		[LAYER_ENVIRONMENT] = "environment",
		[LAYER_ARGUMENTS] = "option",
	};
	const char *section = "";
	struct buf value = BUF_INIT;

	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->section[0] == '\0')
			continue;
		buf_clear(&value);
		options_show(o, i, &value);
		if (strcmp(section, option->section) != 0)
			fprintf(out, "[%s]\n", option->section);
		section = option->section;
		for (const char *p = option->name; *p; p++)
			fputc(*p == '-' ? '_' : *p, out);
		fprintf(out, " = %-20s ; %s\n", buf_cstr(&value), layers[o->set_by[i]]);
	}
	for (uint32_t i = 0; i < tolerances_count(o->tolerances); i++) {
		buf_clear(&value);
		tolerances_show(o->tolerances, i, &value);
		fputs(buf_cstr(&value), out);
	}
	buf_done(&value);
}

static int
check_config(
	const struct options *o, const struct text_list *files, const struct mistakes *m)
{
	for (unsigned i = 0; i < files->n; i++)
		report("read %s", files->v[i]);
	if (files->n == 0)
		report("there is no configuration file");
	if (m->n)
		return report_mistakes(m);
	return print_and_end(print_settings, o);
}

/* The exit status of a mistake; for `check` 2 would mean "critical". */
static int
wrong_use(const struct options *o, const struct mistakes *m)
{
	report_mistakes(m);
	return o->command == COMMAND_check ? EXIT_UNKNOWN : EXIT_USAGE;
}

static int
run(struct options *o, int argc, char **argv, struct mistakes *m)
{
	static int (*const commands[])(const struct options *o) = {
#define COMMAND(id, word, args, least, most, help) cmd_##id,
#include "weir/cmd/commands.def"
#undef COMMAND
	};
	struct text_list files = { 0 };
	int status;

	options_parse(o, argc, argv, m);
	if (m->n)
		return wrong_use(o, m);
	if (o->help)
		return print_and_end(print_help, o);
	if (o->version)
		return print_and_end(print_version, o);
	config_load(o, &files, m);
	options_finish(o, m);
	if (o->check_config) {
		status = check_config(o, &files, m);
	} else if (m->n) {
		status = wrong_use(o, m);
	} else {
		signals_init();
		status = commands[o->command](o);
	}
	text_list_done(&files);
	return status;
}

/*
 * glibc raises the size from which on memory is mapped, and so given back when it is
 * freed, to that of the largest block ever freed: what a second took that has been
 * merged into ten would stay with us.
 */
static void
give_large_blocks_back(void)
{
#ifdef HAVE_MALLOPT
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

int
main(int argc, char **argv)
{
	struct options o;
	struct mistakes m = { 0 };
	int status;

	give_large_blocks_back();
	sink_guard_descriptors();
	/* Not LC_ALL: a decimal comma would change what scripts read. */
	setlocale(LC_CTYPE, "");
	options_init(&o);
	status = run(&o, argc, argv, &m);
	options_done(&o);
	mistakes_done(&m);
	return status;
}
