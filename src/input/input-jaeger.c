/*
 * Files are read once. A server is polled in rounds: which services there are, then the
 * traces of each that were at work since the last good round. Rounds overlap, because
 * spans reach Jaeger late and a trace grows; what was seen before is known by its ids.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracing.h"
#include "weir/base/json.h"
#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/input/args.h"
#include "weir/input/fetch.h"
#include "weir/input/jaeger.h"

#define MAX_FILES 256
#define MAX_FILE ((size_t)256 << 20)
#define MAX_SERVICES 64 /* of --service */
#define EVERY_US (5 * SEC_US)
#define OVERLAP_US (30 * SEC_US)
#define LOOKBACK_US (60 * SEC_US)
#define LOOKBACK_MAX_US (24 * 3600 * SEC_US)
#define GAP_MAX_US (900 * SEC_US) /* that a round reaches back over */
#define LIMIT 1500
#define PAUSE_US (20 * MSEC_US) /* while the agent's queue is full */

/* Jaeger has two query APIs: the one of its UI, and one that answers with OTLP. */
struct api {
	const char *name;
	const char *services; /* where their names are */
	void (*put_query)(const struct input *in, const char *service, struct buf *url);
	bool none_is_404; /* which then is how it says that there are no traces */
};

struct input {
	struct tracing tracing;
	const struct api *api;
	struct buf where;
	uint64_t requests, bytes;
	/* files */
	char *file[MAX_FILES];
	unsigned files, file_at;
	bool as_now;
	int64_t shift_us; /* of --as-now, for the file being read */
	/* a server */
	struct fetch_options fo;
	struct fetch *fetch;
	const char *only[MAX_SERVICES + 1];
	struct buf services; /* names, each with its NUL */
	size_t service_at;   /* of the one asked about */
	bool busy, has_services, over;
	int64_t every_us, lookback_us, limit;
	int64_t from_us, to_us; /* of this round, wall clock */
	int64_t good_us;        /* end of the last good round; 0: none */
	int64_t due_us;         /* monotonic */
	uint64_t failed;        /* rounds that came to nothing */
	char wrong[400];        /* with this round so far */
	char trouble[400];      /* with the last whole one, "" nothing */
};

/* ------------------------------------------------------------ the two APIs */

static void
put_query(const struct input *in, const char *service, struct buf *url)
{
	buf_adds(url, "/api/traces?service=");
	fetch_escape(url, service);
	buf_addf(url, "&start=%" PRId64 "&end=%" PRId64 "&limit=%" PRId64, in->from_us,
		in->to_us, in->limit);
}

static void
put_query_v3(const struct input *in, const char *service, struct buf *url)
{
	buf_adds(url, "/api/v3/traces?query.service_name=");
	fetch_escape(url, service);
	buf_adds(url, "&query.start_time_min=");
	when_put_rfc3339(url, in->from_us, 6);
	buf_adds(url, "&query.start_time_max=");
	when_put_rfc3339(url, in->to_us, 6);
	/* Its protocol calls it search_depth, its HTTP door num_traces. */
	buf_addf(url, "&query.num_traces=%" PRId64 "&query.search_depth=%" PRId64,
		in->limit, in->limit);
}

static const struct api apis[] = {
	{ "v1", "/api/services", put_query, false },
	{ "v3", "/api/v3/services", put_query_v3, true },
};

static enum status
choose_api(struct input *in, const char *name, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_LEN(apis); i++) {
		in->api = &apis[i];
		if (!name || !strcmp(apis[i].name, name))
			return STATUS_OK;
	}
	return diag_set(d, STATUS_ERR_USAGE, "--api '%s' is neither v1 nor v3", name);
}

/* ------------------------------------------------------------ set-up */

struct words {
	const char *url, *api, *every, *lookback, *limit, *timeout;
	struct tracing_words tracing;
};

static enum status
set_up(struct input *in, const struct words *w, struct diag *d)
{
	enum status s;

	in->every_us = EVERY_US;
	in->lookback_us = LOOKBACK_US;
	in->limit = LIMIT;
	if (!w->url == !in->files)
		return diag_set(d, STATUS_ERR_USAGE,
			"jaeger needs --url, as in http://127.0.0.1:16686, or files");
	if (in->files) {
		buf_adds(&in->where, in->file[0]);
		if (in->files > 1)
			buf_addf(&in->where, " and %u more", in->files - 1);
		return STATUS_OK;
	}
	s = fetch_check_url(w->url, &in->where, d);
	if (!s)
		s = choose_api(in, w->api, d);
	if (w->every && !s)
		s = args_duration("--every", w->every, &in->every_us, d);
	if (w->lookback && !s)
		s = args_duration("--lookback", w->lookback, &in->lookback_us, d);
	if (w->timeout && !s)
		s = args_duration("--timeout", w->timeout, &in->fo.timeout_us, d);
	if (w->limit && !s &&
		(!json_int64(str_of(w->limit), &in->limit) || in->limit < 1))
		s = diag_set(d, STATUS_ERR_USAGE, "--limit '%s' is no number of traces",
			w->limit);
	if (!s && (in->every_us < SEC_US || in->lookback_us < SEC_US ||
			  in->lookback_us > LOOKBACK_MAX_US))
		s = diag_set(d, STATUS_ERR_USAGE,
			"--every is at least 1s, --lookback between 1s and 24h");
	if (s)
		return s;
	in->fetch = fetch_open(&in->fo, d);
	return in->fetch ? STATUS_OK : d->status;
}

static void
release(struct input *in)
{
	fetch_close(in->fetch);
	buf_done(&in->where);
	buf_done(&in->services);
	free(in);
}

static struct input *
jaeger_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	struct words w = { 0 };
	const struct args_option table[] = {
		{ "--url", &w.url },
		{ "--api", &w.api },
		{ .name = "--service", .value = in->only, .max = MAX_SERVICES },
		{ "--every", &w.every },
		{ "--lookback", &w.lookback },
		{ "--limit", &w.limit },
		{ "--timeout", &w.timeout },
		{ .name = "--as-now", .flag = &in->as_now },
		TRACING_ARGS(&w.tracing),
		FETCH_ARGS(&in->fo),
		{ NULL, NULL },
	};
	int files = args_take(argc, argv, table, d);

	if (files > MAX_FILES)
		diag_set(d, STATUS_ERR_USAGE, "more than %d files", MAX_FILES);
	if (files < 0 || files > MAX_FILES) {
		release(in);
		return NULL;
	}
	in->files = (unsigned)files;
	for (unsigned i = 0; i < in->files; i++)
		in->file[i] = argv[1 + i];
	if (set_up(in, &w, d) || tracing_open(&in->tracing, &w.tracing, env, d)) {
		release(in);
		return NULL;
	}
	return in;
}

/* ------------------------------------------------------------ spans */

static void
take_span(void *ctx, const struct span *from)
{
	struct input *in = ctx;
	struct span s = *from;

	s.start_us += in->shift_us;
	s.end_us += in->shift_us;
	tracing_span(&in->tracing, &s);
}

static void
pass_over(void *ctx, const struct span *s)
{
	(void)ctx;
	(void)s;
}

static enum status
read_text(struct input *in, struct buf *text, struct jaeger_result *r)
{
	enum status s;

	in->requests++;
	in->bytes += text->n;
	s = jaeger_read(text->p, text->n, take_span, in, r);
	in->tracing.rejected += r->rejected;
	in->tracing.unreadable += s != STATUS_OK;
	return s;
}

/* ------------------------------------------------------------ files */

static enum status
read_file(const char *path, struct buf *out, struct diag *d)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	enum status s = STATUS_OK;
	size_t n;

	if (!f)
		return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->n += n;
	} while (n > 0 && out->n <= MAX_FILE);
	if (ferror(f))
		s = diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
	else if (out->n > MAX_FILE)
		s = diag_set(d, STATUS_ERR_TOO_BIG, "'%s' is larger than %zu MiB", path,
			MAX_FILE >> 20);
	if (f != stdin)
		fclose(f);
	return s;
}

static enum status
take_file(struct input *in, struct diag *d)
{
	const char *path = in->file[in->file_at++];
	struct jaeger_result r = { 0 }, ahead = { 0 };
	struct buf text = BUF_INIT, copy = BUF_INIT;
	enum status s = read_file(path, &text, d);

	in->shift_us = 0;
	if (!s && in->as_now) {
		buf_add(&copy, text.p, text.n);
		if (jaeger_read(copy.p, copy.n, pass_over, NULL, &ahead) == STATUS_OK &&
			ahead.newest_us > 0)
			in->shift_us = in->tracing.wall_us - ahead.newest_us;
	}
	if (!s) {
		s = read_text(in, &text, &r);
		if (s)
			diag_set(d, s, "'%s' is not Jaeger's JSON: %s", path,
				status_text(s));
	}
	buf_done(&text);
	buf_done(&copy);
	return s;
}

/* ------------------------------------------------------------ a round */

static void set_trouble(struct input *in, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
set_trouble(struct input *in, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(in->wrong, sizeof(in->wrong), fmt, ap);
	va_end(ap);
}

static void
end_round(struct input *in, bool good)
{
	in->busy = false;
	in->due_us = in->tracing.now_us + in->every_us;
	in->over = in->tracing.env.once;
	in->failed += !good;
	memcpy(in->trouble, in->wrong, sizeof(in->trouble));
	if (good)
		in->good_us = in->to_us;
}

static void
ask(struct input *in)
{
	struct buf url = BUF_INIT;
	struct diag d = { 0 };

	buf_adds(&url, buf_cstr(&in->where));
	if (!in->has_services)
		buf_adds(&url, in->api->services);
	else
		in->api->put_query(in, in->services.p + in->service_at, &url);
	if (fetch_start(in->fetch, buf_cstr(&url), NULL, &d)) {
		set_trouble(in, "%s", d.text);
		end_round(in, false);
	}
	buf_done(&url);
}

static void
begin_round(struct input *in)
{
	in->busy = true;
	in->wrong[0] = '\0';
	in->to_us = in->tracing.wall_us;
	/* The clock was set back: what was seen then is not known to be seen now. */
	if (in->good_us > in->to_us)
		in->good_us = 0;
	in->from_us = in->good_us > 0
			      ? MAX(in->good_us - OVERLAP_US, in->to_us - GAP_MAX_US)
			      : in->to_us - in->lookback_us;
	in->service_at = 0;
	buf_clear(&in->services);
	for (unsigned i = 0; in->only[i]; i++)
		buf_add(&in->services, in->only[i], strlen(in->only[i]) + 1);
	in->has_services = in->services.n > 0;
	ask(in);
}

static void
next_service(struct input *in)
{
	if (in->service_at < in->services.n)
		ask(in);
	else
		end_round(in, true);
}

static void
take_answer(struct input *in, long code, const struct diag *d)
{
	bool none = code == 404 && in->has_services && in->api->none_is_404;
	struct buf *body = fetch_body(in->fetch);
	struct jaeger_result r = { 0 };
	enum status s;

	if (code != 200 && !none) {
		if (code == 0)
			set_trouble(in, "%s", d->text);
		else
			set_trouble(in, "%s answers %ld: is there a path before /api?",
				buf_cstr(&in->where), code);
		end_round(in, false);
		return;
	}
	if (!in->has_services) {
		in->requests++;
		in->has_services = true;
		s = jaeger_read_services(body->p, body->n, &in->services);
	} else {
		s = none ? STATUS_OK : read_text(in, body, &r);
		if (!s && r.traces >= (uint64_t)in->limit)
			set_trouble(in,
				"%s has more than %" PRId64
				" traces of '%s' in one look: "
				"raise --limit",
				buf_cstr(&in->where), in->limit,
				in->services.p + in->service_at);
		in->service_at += strlen(in->services.p + in->service_at) + 1;
	}
	if (s) {
		set_trouble(in, "%s does not answer as Jaeger does (%s)",
			buf_cstr(&in->where), status_text(s));
		end_round(in, false);
		return;
	}
	next_service(in);
}

/* ------------------------------------------------------------ the input */

static unsigned
jaeger_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	unsigned n = 0;

	*ret_wait_us = tracing_congested(&in->tracing) ? PAUSE_US : 0;
	if (in->files)
		return 0;
	if (in->busy)
		n = fetch_fds(in->fetch, fds, max, ret_wait_us);
	else
		*ret_wait_us = MAX(in->due_us - in->tracing.now_us, *ret_wait_us);
	*ret_wait_us = tracing_wait(&in->tracing, *ret_wait_us);
	return n;
}

static enum status
jaeger_step(struct input *in, struct input_time t, struct diag *d)
{
	struct diag why = { 0 };
	long code;

	tracing_now(&in->tracing, t);
	tracing_tick(&in->tracing);
	if (tracing_congested(&in->tracing))
		return STATUS_OK;
	if (in->files)
		return in->file_at < in->files ? take_file(in, d) : STATUS_ERR_TRUNCATED;
	if (in->over)
		return in->trouble[0] && in->failed > 0
			       ? diag_set(d, STATUS_ERR_SYSTEM, "%s", in->trouble)
			       : STATUS_ERR_TRUNCATED;
	if (!in->busy && t.mono_us >= in->due_us)
		begin_round(in);
	if (in->busy && fetch_step(in->fetch, &code, &why))
		take_answer(in, code, &why);
	return STATUS_OK;
}

static void
jaeger_counts(const struct input *in, struct input_counts *ret_counts)
{
	*ret_counts = (struct input_counts){
		.requests = in->requests,
		.bytes = in->bytes,
		.rejected = in->failed,
	};
	tracing_counts(&in->tracing, ret_counts);
}

static const char *
jaeger_where(const struct input *in)
{
	return buf_cstr(&in->where);
}

static const char *
jaeger_trouble(const struct input *in)
{
	return in->trouble;
}

static void
jaeger_close(struct input *in, struct input_time t)
{
	tracing_close(&in->tracing, t);
	release(in);
}

const struct input_ops input_jaeger = {
	.id = "jaeger",
	.about = "spans that Jaeger has, from its query API or from saved JSON",
	.options = "  --url URL          of the query service, http://127.0.0.1:16686\n"
		   "  --api NAME         v1 (default), or v3: the one that has OTLP\n"
		   "  --service NAME     only traces through this one; may be repeated\n"
		   "  --every TIME       between two rounds (default 5s)\n"
		   "  --lookback TIME    of the first round (default 1m)\n"
		   "  --limit N          traces asked for at once (default 1500)\n"
		   "  --timeout TIME     of a request (default 10s)\n" TRACING_HELP
			   FETCH_HELP
		   "  FILE...            read these instead; '-' is standard input\n"
		   "  --as-now           as if the newest span of a file ended now\n",
	.ends = true,
	.open = jaeger_open,
	.fds = jaeger_fds,
	.step = jaeger_step,
	.counts = jaeger_counts,
	.where = jaeger_where,
	.trouble = jaeger_trouble,
	.close = jaeger_close,
};
