/*
 * commands - what each subcommand does, and how it says things.
 *
 * To add one: a row in commands.def, src/cmd/cmd-NAME.c with `int cmd_NAME()`,
 * its options in options.def, an entry in man/weir.1.
 */
#ifndef WEIR_CMD_COMMANDS_H
#define WEIR_CMD_COMMANDS_H

#include "weir/cmd/feed.h"
#include "weir/cmd/options.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_WORLD = 1,   /* could not */
	EXIT_USAGE = 2,   /* wrong use */
	EXIT_UNKNOWN = 3, /* check: no data */
	EXIT_SIGNAL = 128 /* plus the signal's number */
};

#define COMMAND(id, word, args, least, most, help) int cmd_##id(const struct options *o);
#include "weir/cmd/commands.def"
#undef COMMAND

/* One line on stderr, "weir: " before it. */
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with the place in front; returns the exit status that fits @s. */
int report_diag(enum status s, const struct diag *d);

/* All of them; returns EXIT_USAGE. */
int report_mistakes(const struct mistakes *m);

/* What children and others said, line by line, to stderr. */
void report_said(struct feed *f);

/*
 * The filter for the feed itself: NULL where the ui filters, which can then say how
 * much of how much it shows, and clear it.
 */
const char *feed_filter(const struct options *o, bool on_screen);

/* Open the source that @o names, and a feed on it. NULL when that was reported. */
struct feed *open_feed(const struct options *o, bool on_screen, int *ret_exit);

/* Save what it has learnt, which is reported when it fails, and free it. */
void close_feed(struct feed *f);

/*
 * Collect for @duration_us, to the end of a recording or to --at, whatever it is.
 * False when a signal ended it.
 */
bool collect(struct feed *f, const struct options *o, int64_t duration_us);

/* Paint what --view, --size, --format say; reported and its exit status returned. */
int print_picture(const struct options *o, struct feed *f, const struct snap *snap);

/*
 * Say on stderr what is missing in what was printed: loss, silent agents, events
 * without numbers, nothing at all. Quiet when it is complete.
 */
void report_completeness(const struct snap *snap, const char *where);

#endif
