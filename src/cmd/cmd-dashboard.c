#include "config.h"

#include <string.h>
#include <unistd.h>

#include "weir/cmd/commands.h"
#include "weir/cmd/loop.h"

static int
run(const struct options *o, int (*loop)(struct feed *f, const struct options *o),
	bool on_screen)
{
	int status;
	struct feed *f = open_feed(o, on_screen, &status);

	if (f == NULL)
		return status;
	if (o->at.given)
		feed_run(f,
			o->at.absolute ? o->at.us : feed_source(f)->start_us + o->at.us,
			NULL);
	status = loop(f, o);
	close_feed(f);
	return status;
}

int
cmd_dashboard(const struct options *o)
{
	/* Then the keys come from the terminal itself. */
	bool from_stdin = o->replay && strcmp(o->replay, "-") == 0;
	bool blind = o->status_line &&
		     (strcmp(o->status_line, "-") == 0 || !isatty(STDOUT_FILENO));

	if (blind)
		return run(o, loop_run_blind, false);
	if (!isatty(STDOUT_FILENO) || (!isatty(STDIN_FILENO) && !from_stdin)) {
		report("standard %s is no terminal; in scripts and pipes use: "
		       "weir snapshot",
			isatty(STDOUT_FILENO) ? "input" : "output");
		return EXIT_USAGE;
	}
	return run(o, loop_run, true);
}
