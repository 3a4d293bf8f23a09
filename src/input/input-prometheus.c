/*
 * A poll is a round of requests, one after another: first the server's own time, then
 * each query of the preset as of one and the same moment. Only when all of them have
 * succeeded does the round count; the next one reaches back to where the last good one
 * ended, so that a server that was gone for a minute leaves no gap.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "promdelta.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/input/args.h"
#include "weir/input/fetch.h"
#include "weir/input/input.h"

#define MAX_QUERIES 32
#define MAX_ALIASES 64
#define MAX_HELD ((size_t)256 << 20) /* answers of one round */
#define EVERY_US (5 * SEC_US)
#define LAG_US (2 * SEC_US)     /* samples of one scrape may come in one by one */
#define WINDOW_US (60 * SEC_US) /* the first look back */
#define MARGIN_US (30 * SEC_US) /* later ones overlap, for what came late */
#define WINDOW_MAX_US (900 * SEC_US)
#define SKEW_US SEC_US          /* less is nobody's clock being wrong */
#define PAUSE_US (20 * MSEC_US) /* while the agent's queue is full */

struct words {
	const char *url, *preset, *every, *window, *lag, *timeout, *match, *at;
	const char *calls, *failed, *buckets, *src, *dst, *op, *rule, *unit, *kind;
	const char *alias[MAX_ALIASES + 1];
};

struct input {
	struct input_env env;
	struct fetch_options fo;
	struct fetch *fetch;
	struct buf url; /* of the server, then of its query endpoint */
	struct buf where;
	char *match;
	struct prom_query custom[3];
	const struct prom_query *query[MAX_QUERIES];
	unsigned queries;
	struct rename alias;
	struct promdelta *delta;
	int64_t every_us, window_us, lag_us,
		at_us; /* at_us: 0 or the one time to look at */
	/* the round under way */
	bool busy, has_time, partial;
	unsigned asked; /* queries answered */
	int64_t round_us, shift_us;
	struct buf body[MAX_QUERIES];
	size_t held;
	uint64_t series, bucket_series;
	/* between rounds */
	int64_t last_us, due_us, wall_us, mono_us;
	bool over;
	struct input_counts counts;
	char trouble[400];
};

/* ------------------------------------------------------------ set-up */

static enum status
set_custom(struct input *in, const struct words *w, struct diag *d)
{
	static const struct {
		const char *word;
		double us;
	} units[] = { { "s", 1e6 }, { "ms", 1e3 }, { "us", 1 }, { "ns", 1e-3 } };
	struct prom_query q = { .preset = "custom",
		.matchers = "",
		.src = w->src,
		.dst = w->dst,
		.op = w->op,
		.failed = w->rule,
		.kind = w->kind,
		.unit_us = 1e6 };
	unsigned n = 0, unit = 0;

	if (!w->src || !w->dst || (!w->calls && !w->buckets))
		return diag_set(d, STATUS_ERR_USAGE,
			"preset 'custom' needs --src and --dst labels, and --calls or "
			"--buckets");
	while (w->unit && unit < ARRAY_LEN(units) &&
		strcmp(units[unit].word, w->unit) != 0)
		unit++;
	if (unit == ARRAY_LEN(units))
		return diag_set(d, STATUS_ERR_USAGE, "--unit '%s' is none of s ms us ns",
			w->unit);
	if (w->rule && !prom_rule_is_sound(w->rule))
		return diag_set(d, STATUS_ERR_USAGE,
			"--error '%s' is no rule like 'code~5' or 'grpc_status>0'",
			w->rule);
	q.unit_us = units[unit].us;
	q.role = PROM_CALLS;
	q.metric = w->calls;
	if (w->calls)
		in->custom[n++] = q;
	q.role = PROM_FAILED;
	q.metric = w->failed;
	if (w->failed)
		in->custom[n++] = q;
	q.role = w->calls ? PROM_BUCKETS : PROM_BUCKETS_AND_CALLS;
	q.metric = w->buckets;
	if (w->buckets)
		in->custom[n++] = q;
	for (unsigned i = 0; i < n; i++)
		in->query[in->queries++] = &in->custom[i];
	return STATUS_OK;
}

static enum status
set_queries(struct input *in, const struct words *w, struct diag *d)
{
	const char *near;

	if (!w->preset)
		return diag_set(d, STATUS_ERR_USAGE,
			"prometheus needs --preset (istio, linkerd, servicegraph, "
			"hubble, "
			"beyla or custom)");
	if (strcmp(w->preset, "custom") == 0)
		return set_custom(in, w, d);
	for (unsigned i = 0; i < prom_query_count && in->queries < MAX_QUERIES; i++)
		if (strcmp(prom_queries[i].preset, w->preset) == 0)
			in->query[in->queries++] = &prom_queries[i];
	if (in->queries > 0)
		return STATUS_OK;
	near = nearest_name(w->preset, prom_preset_names);
	return diag_set(d, STATUS_ERR_USAGE, "no preset '%s'%s%s%s", w->preset,
		near ? " (" : "", near ? near : "", near ? "?)" : "");
}

static enum status
set_times(struct input *in, const struct words *w, struct diag *d)
{
	enum status s = STATUS_OK;

	in->every_us = EVERY_US;
	in->window_us = WINDOW_US;
	in->lag_us = LAG_US;
	if (w->every)
		s = args_duration("--every", w->every, &in->every_us, d);
	if (w->window && !s)
		s = args_duration("--window", w->window, &in->window_us, d);
	if (w->lag && !s)
		s = args_duration("--lag", w->lag, &in->lag_us, d);
	if (w->timeout && !s)
		s = args_duration("--timeout", w->timeout, &in->fo.timeout_us, d);
	if (w->at && !s && !when_rfc3339(str_of(w->at), &in->at_us))
		s = diag_set(d, STATUS_ERR_USAGE,
			"--at '%s' is no time like 2026-01-05T14:02:00Z", w->at);
	if (!s && (in->every_us < SEC_US || in->window_us < SEC_US ||
			  in->window_us > WINDOW_MAX_US))
		s = diag_set(d, STATUS_ERR_USAGE,
			"--every is at least 1s, --window between 1s and 15m");
	return s;
}

static enum status
set_up(struct input *in, const struct words *w, struct diag *d)
{
	enum status s;

	if (!w->url)
		return diag_set(d, STATUS_ERR_USAGE,
			"prometheus needs --url, as in http://127.0.0.1:9090");
	s = fetch_check_url(w->url, &in->where, d);
	if (!s)
		s = set_queries(in, w, d);
	if (!s)
		s = set_times(in, w, d);
	for (unsigned i = 0; !s && w->alias[i]; i++)
		s = rename_add(&in->alias, w->alias[i], d);
	if (s)
		return s;
	buf_addf(&in->url, "%s/api/v1/query", buf_cstr(&in->where));
	in->match = xstrdup(w->match ? w->match : "");
	in->delta = promdelta_new(in->query, in->queries, &in->alias, 0);
	in->fetch = fetch_open(&in->fo, d);
	return in->fetch ? STATUS_OK : d->status;
}

static void
prometheus_close(struct input *in, struct input_time t)
{
	(void)t;
	fetch_close(in->fetch);
	promdelta_free(in->delta);
	rename_done(&in->alias);
	for (unsigned i = 0; i < MAX_QUERIES; i++)
		buf_done(&in->body[i]);
	buf_done(&in->url);
	buf_done(&in->where);
	free(in->match);
	free(in);
}

static struct input *
prometheus_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	struct words w = { 0 };
	const struct args_option table[] = {
		{ "--url", &w.url },
		{ "--preset", &w.preset },
		{ "--every", &w.every },
		{ "--window", &w.window },
		{ "--lag", &w.lag },
		{ "--timeout", &w.timeout },
		{ "--match", &w.match },
		{ "--at", &w.at },
		{ .name = "--alias", .value = w.alias, .max = MAX_ALIASES },
		{ "--calls", &w.calls },
		{ "--failed", &w.failed },
		{ "--buckets", &w.buckets },
		{ "--src", &w.src },
		{ "--dst", &w.dst },
		{ "--op", &w.op },
		{ "--kind", &w.kind },
		{ "--error", &w.rule },
		{ "--unit", &w.unit },
		FETCH_ARGS(&in->fo),
		{ NULL, NULL },
	};
	int words = args_take(argc, argv, table, d);

	in->env = *env;
	if (words > 0)
		diag_set(
			d, STATUS_ERR_USAGE, "prometheus reads no files ('%s')", argv[1]);
	if (words == 0 && set_up(in, &w, d) == STATUS_OK)
		return in;
	prometheus_close(in, (struct input_time){ 0 });
	return NULL;
}

/* ------------------------------------------------------------ a round */

static void set_trouble(struct input *in, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
set_trouble(struct input *in, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(in->trouble, sizeof(in->trouble), fmt, ap);
	va_end(ap);
}

/* The round came to nothing; the next one reaches back over it. */
static void
give_up(struct input *in)
{
	in->busy = false;
	in->counts.rejected++;
	in->due_us = in->mono_us + in->every_us;
	in->over = in->at_us > 0 || in->env.once;
}

static void
ask(struct input *in)
{
	struct buf form = BUF_INIT, text = BUF_INIT;
	struct diag d = { 0 };

	if (!in->has_time) {
		buf_adds(&form, "query=time()");
	} else {
		const struct prom_query *q = in->query[in->asked];
		int64_t window_us = in->window_us;

		if (in->last_us > 0)
			window_us = CLAMP(in->round_us - in->last_us + MARGIN_US,
				MARGIN_US, WINDOW_MAX_US);
		buf_addf(&text, "%s{%s%s%s}[%" PRId64 "s]", q->metric,
			q->matchers ? q->matchers : "",
			q->matchers && q->matchers[0] && in->match[0] ? "," : "",
			in->match, (window_us + SEC_US - 1) / SEC_US);
		buf_adds(&form, "query=");
		fetch_escape(&form, buf_cstr(&text));
		buf_addf(&form, "&time=%" PRId64 ".%03d", in->round_us / SEC_US,
			(int)(in->round_us / MSEC_US % 1000));
	}
	if (fetch_start(in->fetch, buf_cstr(&in->url), buf_cstr(&form), &d)) {
		set_trouble(in, "%s", d.text);
		give_up(in);
	}
	buf_done(&form);
	buf_done(&text);
}

static void
begin(struct input *in)
{
	in->busy = true;
	in->has_time = in->at_us > 0;
	in->round_us = in->at_us;
	in->shift_us = 0;
	in->partial = false;
	in->asked = 0;
	in->held = 0;
	in->series = in->bucket_series = 0;
	promdelta_begin(in->delta);
	ask(in);
}

static bool
has_buckets(const struct prom_query *q)
{
	return q->role == PROM_BUCKETS || q->role == PROM_BUCKETS_AND_CALLS;
}

static void
emit(void *ctx, const struct event *e)
{
	struct input *in = ctx;

	in->counts.flows++;
	in->env.emit(in->env.ctx, e);
}

/* The first metric that was asked for latencies; NULL: none was. */
static const char *
bucket_metric(const struct input *in)
{
	for (unsigned i = 0; i < in->queries; i++)
		if (has_buckets(in->query[i]))
			return in->query[i]->metric;
	return NULL;
}

static void
finish(struct input *in)
{
	const char *buckets = in->bucket_series == 0 ? bucket_metric(in) : NULL;

	promdelta_end(in->delta, in->round_us, in->partial, in->shift_us, emit, in);
	in->busy = false;
	in->last_us = in->round_us;
	in->due_us = MAX(in->due_us + in->every_us, in->mono_us);
	in->over = in->at_us > 0 || in->env.once;
	if (in->series == 0)
		set_trouble(in, "%s has no series of %s%s%s now", buf_cstr(&in->where),
			in->query[0]->metric, in->match[0] ? " with " : "", in->match);
	else if (in->partial)
		set_trouble(in, "%s says that a part of its data is missing",
			buf_cstr(&in->where));
	else if (buckets)
		set_trouble(in,
			"%s has no series of %s: latencies stay unknown (histograms "
			"that are only native are not read)",
			buf_cstr(&in->where), buckets);
	else
		in->trouble[0] = '\0';
}

static void
take_series(void *ctx, const struct prom_series *s)
{
	struct input *in = ctx;

	promdelta_series(in->delta, in->asked, s);
}

static void
take_time(void *ctx, const struct prom_series *s)
{
	struct input *in = ctx;
	int64_t server_us = s->sample[0].at_us, off_us = in->wall_us - server_us;

	in->has_time = true;
	in->round_us = server_us - in->lag_us;
	/* Its clock is not ours: times are told as ours, or they would be refused. */
	in->shift_us = off_us > SKEW_US || off_us < -SKEW_US ? off_us : 0;
}

/* An answer that is no success, in the server's words where it has any. */
static void
refuse(struct input *in, long code, enum status s, const struct prom_reply *reply)
{
	if (reply->error[0])
		set_trouble(in, "%s: %s", buf_cstr(&in->where), reply->error);
	else if (code == 401 || code == 403)
		set_trouble(in,
			"%s answers %ld: it wants other credentials (--bearer-file, "
			"--user, --tenant)",
			buf_cstr(&in->where), code);
	else if (code >= 300 && code < 400)
		set_trouble(in,
			"%s answers %ld: redirects are not followed, give the "
			"URL it leads to",
			buf_cstr(&in->where), code);
	else if (code != 200)
		set_trouble(in, "%s answers %ld: is there a path before /api/v1?",
			buf_cstr(&in->where), code);
	else
		set_trouble(in, "%s does not answer as a query API does (%s)",
			buf_cstr(&in->where), status_text(s));
	if (!reply->error[0] && code == 200)
		in->counts.parse_errors++;
	give_up(in);
}

static void
take_answer(struct input *in, long code)
{
	bool had_time = in->has_time;
	struct prom_reply reply;
	struct buf *body = &in->body[in->asked], *got = fetch_body(in->fetch), swap;
	enum status s;

	/* What is told points into the body: it is kept until the round is over. */
	swap = *body;
	*body = *got;
	*got = swap;
	in->counts.requests++;
	in->counts.bytes += body->n;
	in->held += body->n;
	s = promreply_read(body->p, code == 200 || code >= 400 ? body->n : 0,
		in->has_time ? take_series : take_time, in, &reply);
	if (s || code != 200) {
		refuse(in, code, s, &reply);
		return;
	}
	in->partial |= reply.partial;
	in->counts.passed += reply.odd;
	in->counts.rejected += reply.native;
	if (!had_time)
		return;
	in->series += reply.series;
	in->bucket_series += has_buckets(in->query[in->asked]) ? reply.series : 0;
}

static void
go_on(struct input *in)
{
	struct diag d = { 0 };
	bool had_time = in->has_time;
	long code;

	if (!fetch_step(in->fetch, &code, &d))
		return;
	if (code == 0) {
		set_trouble(in, "%s: %s", buf_cstr(&in->where), d.text);
		give_up(in);
		return;
	}
	take_answer(in, code);
	if (!in->busy)
		return;
	if (!in->has_time) {
		set_trouble(in, "%s does not tell its time", buf_cstr(&in->where));
		give_up(in);
		return;
	}
	if (in->held > MAX_HELD) {
		set_trouble(in,
			"answers over %zu MiB in all: narrow them down by --match",
			MAX_HELD >> 20);
		give_up(in);
		return;
	}
	in->asked += had_time;
	if (in->asked < in->queries)
		ask(in);
	else
		finish(in);
}

/* ------------------------------------------------------------ the input */

static bool
congested(const struct input *in)
{
	return in->env.congested && in->env.congested(in->env.ctx);
}

static unsigned
prometheus_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	if (in->busy)
		return fetch_fds(in->fetch, fds, max, ret_wait_us);
	*ret_wait_us = congested(in) ? PAUSE_US : MAX(in->due_us - in->mono_us, 0);
	return 0;
}

static enum status
prometheus_step(struct input *in, struct input_time t, struct diag *d)
{
	in->mono_us = t.mono_us;
	in->wall_us = t.wall_us;
	if (in->due_us == 0)
		in->due_us = t.mono_us;
	if (!in->busy && t.mono_us >= in->due_us && !congested(in))
		begin(in);
	if (in->busy)
		go_on(in);
	if (in->over && in->trouble[0] && in->last_us == 0)
		return diag_set(d, STATUS_ERR_SYSTEM, "%s", in->trouble);
	return in->over ? STATUS_ERR_TRUNCATED : STATUS_OK;
}

static void
prometheus_counts(const struct input *in, struct input_counts *ret_counts)
{
	struct promdelta_counts n;

	promdelta_counts(in->delta, &n);
	*ret_counts = in->counts;
	ret_counts->spans = n.samples;
	ret_counts->passed += n.nameless;
	ret_counts->waiting = n.series;
	ret_counts->overflow = n.overflow;
}

static const char *
prometheus_where(const struct input *in)
{
	return buf_cstr(&in->where);
}

static const char *
prometheus_trouble(const struct input *in)
{
	return in->trouble;
}

const struct input_ops input_prometheus = {
	.id = "prometheus",
	.about = "counters of meshes and service graphs, by the query API",
	.options =
		"  --url URL          of the server, with its path prefix if it has one\n"
		"  --preset NAME      istio, linkerd, servicegraph, hubble, beyla or "
		"custom\n"
		"  --every DURATION   between polls (default 5s)\n"
		"  --window DURATION  how far the first poll looks back (default 1m)\n"
		"  --lag DURATION     how long a scrape takes to be complete (default "
		"2s)\n"
		"  --timeout DURATION of a request (default 10s)\n"
		"  --match MATCHERS   more of what stands in the braces of a query\n"
		"  --alias FROM=TO    another name for a service; repeatable\n"
		"  --at TIME          look at this moment once, then stop\n" FETCH_HELP
		"  --calls METRIC     of preset custom: a counter of requests\n"
		"  --failed METRIC    of those that failed\n"
		"  --buckets METRIC   of their durations, with _bucket\n"
		"  --src LABELS       that name the caller, best first, with '|' "
		"between\n"
		"  --dst LABELS       that name the callee\n"
		"  --op LABELS        that name the operation, with ' ' between\n"
		"  --kind LABELS      with a word like http or grpc, or =http\n"
		"  --error RULE       which series are failures, as 'code~5 grpc>0'\n"
		"  --unit UNIT        of the buckets: s (default), ms, us or ns\n",
	.ends = true,
	.open = prometheus_open,
	.fds = prometheus_fds,
	.step = prometheus_step,
	.counts = prometheus_counts,
	.where = prometheus_where,
	.trouble = prometheus_trouble,
	.close = prometheus_close,
};
