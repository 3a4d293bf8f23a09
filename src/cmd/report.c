#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/cmd/commands.h"

void
report(const char *fmt, ...)
{
	struct buf line = BUF_INIT, clean = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	/* File names and peers' words may be in it. */
	text_clean(&clean, buf_str(&line), 2000);
	fprintf(stderr, "weir: %s\n", buf_cstr(&clean));
	buf_done(&line);
	buf_done(&clean);
}

int
report_diag(enum status s, const struct diag *d)
{
	const char *text = d->text[0] ? d->text : status_text(s);

	if (d->file[0] && d->line)
		report("%s:%d: %s", d->file, d->line, text);
	else if (d->file[0])
		report("%s: %s", d->file, text);
	else
		report("%s", text);
	return s == STATUS_ERR_USAGE || s == STATUS_ERR_UNKNOWN ? EXIT_USAGE : EXIT_WORLD;
}

int
report_mistakes(const struct mistakes *m)
{
	for (unsigned i = 0; i < m->n; i++)
		report_diag(STATUS_ERR_USAGE, &m->d[i]);
	return EXIT_USAGE;
}

void
report_said(struct feed *f)
{
	struct buf said = BUF_INIT;

	feed_said(f, &said);
	if (said.n)
		fputs(buf_cstr(&said), stderr);
	buf_done(&said);
}

void
report_completeness(const struct snap *snap, const char *where)
{
	const struct snap_quality *q = &snap->quality;
	int64_t skew_us = SNAP_UNKNOWN;
	uint32_t live = 0;
	bool lossless;

	for (uint32_t i = 0; i < q->agents; i++) {
		const struct snap_agent *a = &q->agent[i];
		int64_t abs_us = a->skew_us < 0 ? -a->skew_us : a->skew_us;

		live += a->live || a->bye;
		if (a->skew_us != SNAP_UNKNOWN && abs_us > skew_us)
			skew_us = abs_us;
	}
	if (q->received == 0) {
		report("no data: nothing arrived from %s", where);
		return;
	}
	lossless = q->lost == 0 && q->dropped == 0 && q->decode_errors == 0 &&
		   q->overflow == 0 && live == q->agents;
	if (lossless && q->bare == 0)
		return;
	fprintf(stderr,
		"weir: %s agents=%u/%u window=%.1fs covered=%.1fs events=%llu lost=%llu "
		"dropped=%llu unknown=%llu late=%llu skew_max=",
		lossless ? "loss unknown" : "incomplete", live, q->agents,
		(double)snap->window_us / 1e6, (double)snap->covered_us / 1e6,
		(unsigned long long)q->received, (unsigned long long)q->lost,
		(unsigned long long)q->dropped, (unsigned long long)q->bare,
		(unsigned long long)q->late);
	if (skew_us == SNAP_UNKNOWN)
		fputs("unknown\n", stderr);
	else
		fprintf(stderr, "%.1fs\n", (double)skew_us / 1e6);
}
