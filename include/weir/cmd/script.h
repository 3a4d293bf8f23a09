/*
 * script - keys and times from a file, screens as text: weir without a terminal.
 *
 * One command a line, '#' comments:
 *   size WxH       the screen from here on
 *   ascii on|off   how shots are written
 *   at TIME        let the recording go on to this long after its start
 *   key NAME       one key: a character, or Enter Esc Tab Space Up F1 C-l …
 *   keys WORDS     each word a key's name, or else typed character by character
 *   text WORDS     typed as it is, blanks included
 *   shot NAME      write the screen: a plane of glyphs, a plane of roles
 */
#ifndef WEIR_CMD_SCRIPT_H
#define WEIR_CMD_SCRIPT_H

#include <stdio.h>

#include "weir/base/status.h"
#include "weir/base/str.h"
#include "weir/cmd/feed.h"
#include "weir/cmd/options.h"

enum step_kind {
	STEP_SIZE,
	STEP_ASCII,
	STEP_AT,
	STEP_KEYS,
	STEP_SHOT
};

struct step {
	enum step_kind kind;
	int line;
	struct size size;
	bool on;
	int64_t at_us;
	uint32_t *keys; /* owned */
	unsigned key_count;
	char name[64];
};

struct script {
	struct step *step;
	unsigned n;
};

/* Parse the text of a script; @file is for messages. */
enum status script_parse(
	struct script *s, struct str text, const char *file, struct diag *d);
void script_done(struct script *s);

/*
 * Run it over @feed, whose source must be a played one. Screens go to @out one
 * after the other, or to @dir/NAME.txt and @dir/NAME.roles when @dir is not NULL.
 */
enum status script_run(const struct script *s, struct feed *feed, const struct options *o,
	const char *dir, FILE *out, struct diag *d);

#endif
