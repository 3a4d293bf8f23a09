#include "config.h"

#include "weir/cmd/commands.h"
#include "weir/cmd/help.h"
#include "weir/cmd/sink.h"

int
cmd_help(const struct options *o)
{
	struct sink sink;
	struct diag d = { 0 };
	enum status s = STATUS_OK, closed;

	sink_open(&sink);
	if (o->args.n == 0)
		help_command(sink.f, COMMAND_dashboard);
	else
		s = help_topic(sink.f, o->args.v[0], &d);
	if (s != STATUS_OK)
		report_diag(s, &d);
	closed = sink_close(&sink, NULL, &d);
	if (closed != STATUS_OK)
		return d.text[0] ? report_diag(closed, &d) : EXIT_SIGNAL + 13;
	return s == STATUS_OK ? EXIT_DONE : EXIT_USAGE;
}
