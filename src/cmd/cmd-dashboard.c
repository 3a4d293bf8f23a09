#include "config.h"

#include <string.h>
#include <unistd.h>

#include "weir/cmd/commands.h"
#include "weir/cmd/loop.h"

int
cmd_dashboard(const struct options *o)
{
	/* Then the keys come from the terminal itself. */
	bool from_stdin = o->replay && strcmp(o->replay, "-") == 0;
	struct feed *f;
	int status;

	if (!isatty(STDOUT_FILENO) || (!isatty(STDIN_FILENO) && !from_stdin)) {
		report("standard %s is no terminal; in scripts and pipes use: "
		       "weir snapshot",
			isatty(STDOUT_FILENO) ? "input" : "output");
		return EXIT_USAGE;
	}
	f = open_feed(o, true, &status);
	if (f == NULL)
		return status;
	if (o->at.given)
		feed_run(f,
			o->at.absolute ? o->at.us : feed_source(f)->start_us + o->at.us,
			NULL);
	status = loop_run(f, o);
	close_feed(f);
	return status;
}
