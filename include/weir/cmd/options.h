/*
 * options - what the user asked for: command line, environment, configuration.
 *
 * All of it comes from two tables, options.def and commands.def. A value set in a
 * nearer layer wins over one from a farther layer; a list is replaced as a whole.
 * Mistakes are collected, not printed, so that all of a file can be reported at
 * once; each names its place and the nearest right word.
 */
#ifndef WEIR_CMD_OPTIONS_H
#define WEIR_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/severity.h"
#include "weir/core/tolerance.h"
#include "weir/term/term.h"

enum command {
#define COMMAND(id, word, args, least, most, help) COMMAND_##id,
#include "weir/cmd/commands.def"
#undef COMMAND
	COMMAND_COUNT
};

/* From far to near. */
enum layer {
	LAYER_DEFAULT,
	LAYER_SYSTEM,      /* /etc/weir/weir.conf */
	LAYER_USER,        /* the user's weir.conf, or --config FILE */
	LAYER_ENVIRONMENT, /* WEIR_… */
	LAYER_ARGUMENTS
};

/* A growing list of texts that it owns; v is NULL or ends with a NULL. */
struct text_list {
	char **v;
	unsigned n;
};

void text_list_add(struct text_list *l, const char *text);
void text_list_done(struct text_list *l);

#define OPTIONS_MAX 56 /* at least the rows of options.def */

struct moment {
	bool given;
	bool absolute; /* an instant; else time from the recording's start */
	int64_t us;
};

struct size {
	int w, h;
};

struct options {
	enum command command;
	struct text_list args; /* what is neither the subcommand nor an option */

	struct text_list connect, listen, with, group;
	char *replay;
	double speed; /* NAN when not given, INFINITY for max */
	struct moment at;

	int64_t window_us;
	char *filter;
	struct thresholds thresholds;
	char *state;
	struct tolerances *tolerances; /* of [tolerance "a->b"]; NULL: none */

	char *view, *theme;
	bool ascii, mouse, bell;
	char *status_line;
	unsigned status_style; /* index of herald_styles */
	enum choice safe, color;

	int64_t duration_us; /* VALUE_FOREVER when not given */
	char *format, *output;
	struct size size;
	char *fail_on, *warn_on;
	uint64_t max_bytes; /* 0: no limit */
	char *script, *scenario;
	uint64_t seed;

	char *config;
	bool check_config, help, version;

	/* Where each option's value comes from, in the order of options.def. */
	enum layer set_by[OPTIONS_MAX];
};

struct mistakes {
	struct diag *d;
	unsigned n;
};

/* Room for one more; the caller fills it. NULL when there are more than anyone reads. */
struct diag *mistakes_add(struct mistakes *m);
void mistakes_done(struct mistakes *m);

/* All defaults. */
void options_init(struct options *o);
void options_done(struct options *o);

/*
 * Set option number @i unless a nearer layer has; the value is checked either way.
 * A mistake is put as "@what: …", at @file:@line.
 */
void options_set(struct options *o, unsigned i, enum layer layer, const char *text,
	const char *what, const char *file, int line, struct mistakes *m);

/*
 * Read the command line. It may come before the configuration, whose place it can
 * name: a farther layer never overwrites a nearer one.
 */
void options_parse(struct options *o, int argc, char *const argv[], struct mistakes *m);

/* The environment: WEIR_WINDOW and so on, for everything that may stand in a file. */
void options_environment(struct options *o, struct mistakes *m);

/*
 * One `key = value` in [section] of a file; section "" when there was none yet.
 * Complains at @file:@line.
 */
void options_setting(struct options *o, enum layer layer, const char *section,
	const char *key, const char *value, const char *file, int line,
	struct mistakes *m);

/* What can only be judged when all layers are in: conflicts between options. */
void options_finish(struct options *o, struct mistakes *m);

/* The value of option number @i of options.def as it would be written; "" unset. */
void options_show(const struct options *o, unsigned i, struct buf *out);

/* One row of options.def, for help and completion. */
struct option {
	const char *name;
	char letter;         /* 0 when there is none */
	const char *arg;     /* NULL for a flag */
	const char *initial; /* NULL when there is no default */
	const char *commands;
	int group; /* enum option_group */
	const char *section;
	const char *help;
	int type; /* options.c's own */
	size_t offset;
};

enum option_group {
	GROUP_SOURCE,
	GROUP_NUMBERS,
	GROUP_SCREEN,
	GROUP_COMMAND,
	GROUP_GENERAL,
	GROUP_COUNT
};

extern const struct option option_table[];
extern const unsigned option_count;

struct command_row {
	const char *word;
	const char *args;
	unsigned least, most; /* how many arguments it takes */
	const char *help;
};

extern const struct command_row command_table[];

/* Does @command take @option? */
bool option_is_for(const struct option *option, enum command command);

#endif
