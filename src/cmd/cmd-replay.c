#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/cmd/commands.h"
#include "weir/cmd/script.h"
#include "weir/cmd/sink.h"

enum {
	MAX_SCRIPT = 1 << 20
};

static enum status
read_script(struct script *script, const char *path, struct diag *d)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct buf text = BUF_INIT;
	enum status s;

	if (f == NULL)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	text.n = fread(buf_reserve(&text, MAX_SCRIPT), 1, MAX_SCRIPT, f);
	if (ferror(f))
		s = diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	else
		s = script_parse(script, buf_str(&text), path, d);
	if (f != stdin)
		fclose(f);
	buf_done(&text);
	return s;
}

static int
run_script(const struct options *o, const struct script *script)
{
	struct diag d = { 0 };
	int status = EXIT_DONE;
	struct feed *f = open_feed(o, true, &status);
	struct sink sink;
	enum status s, closed;

	if (f == NULL)
		return status;
	sink_open(&sink);
	s = script_run(script, f, o, o->output, sink.f, &d);
	/* What was shot before a mistake is shown: it helps to find it. */
	if (s != STATUS_OK)
		status = report_diag(s, &d);
	closed = sink_close(&sink, NULL, &d);
	if (closed != STATUS_OK)
		status = d.text[0] ? report_diag(closed, &d) : EXIT_SIGNAL + 13;
	close_feed(f);
	return status;
}

int
cmd_replay(const struct options *o)
{
	struct script script;
	struct diag d = { 0 };
	enum status s;
	int status;

	if (o->script == NULL)
		return cmd_dashboard(o);
	s = read_script(&script, o->script, &d);
	if (s != STATUS_OK) {
		report_diag(s, &d);
		return s == STATUS_ERR_SYSTEM ? EXIT_WORLD : EXIT_USAGE;
	}
	status = run_script(o, &script);
	script_done(&script);
	return status;
}
