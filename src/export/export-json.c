/*
 * The JSON snapshot, version 1; man/weir.1 describes it. The contract: names stay,
 * what is unknown is null and never 0, and the same snap gives the same bytes.
 * Numbers are therefore formatted here and handed to cJSON as they are to appear.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/core/origins.h"
#include "weir/export/export.h"

static void
add_whole(cJSON *o, const char *name, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	cJSON_AddRawToObject(o, name, text);
}

/* For what is SNAP_UNKNOWN when unknown. */
static void
add_known(cJSON *o, const char *name, int64_t value)
{
	if (value < 0)
		cJSON_AddNullToObject(o, name);
	else
		add_whole(o, name, value);
}

/* At most @decimals, without trailing zeros; null when it is no number. */
static void
add_real(cJSON *o, const char *name, double value, int decimals)
{
	char text[64];
	size_t n;

	if (!isfinite(value) || fabs(value) > 1e15) {
		cJSON_AddNullToObject(o, name);
		return;
	}
	n = (size_t)snprintf(text, sizeof(text), "%.*f", decimals, value);
	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '.')
		text[--n] = '\0';
	cJSON_AddRawToObject(o, name, strcmp(text, "-0") == 0 ? "0" : text);
}

static void
add_time(cJSON *o, const char *name, int64_t us)
{
	struct buf text = BUF_INIT;

	if (when_put_rfc3339(&text, us, 3))
		cJSON_AddStringToObject(o, name, buf_cstr(&text));
	else
		cJSON_AddNullToObject(o, name);
	buf_done(&text);
}

/* Null when it is not known. */
static void
add_word(cJSON *o, const char *name, const char *word)
{
	if (word && word[0])
		cJSON_AddStringToObject(o, name, word);
	else
		cJSON_AddNullToObject(o, name);
}

/* Bytes as hex; null when they are all zero, which stands for "unknown". */
static void
add_id(cJSON *o, const char *name, const uint8_t *id, size_t n)
{
	char text[2 * 16 + 1];
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++) {
		any |= id[i];
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	}
	if (any)
		cJSON_AddStringToObject(o, name, text);
	else
		cJSON_AddNullToObject(o, name);
}

static void
add_stat(cJSON *o, const struct snap_stat *stat)
{
	add_whole(o, "calls", (int64_t)stat->calls);
	add_real(o, "rate", stat->rate, 3);
	add_whole(o, "errors", (int64_t)stat->errors);
	add_real(o, "error_ratio",
		stat->calls ? (double)stat->errors / (double)stat->calls : NAN, 6);
	add_known(o, "p50_us", stat->p50_us);
	add_known(o, "p95_us", stat->p95_us);
	add_known(o, "p99_us", stat->p99_us);
	add_known(o, "max_us", stat->max_us);
	add_whole(o, "samples", (int64_t)stat->samples);
	cJSON_AddBoolToObject(o, "bounds_only", stat->bounds_only);
	add_known(o, "bytes_in", stat->bytes_in);
	add_known(o, "bytes_out", stat->bytes_out);
}

static void
add_logs(cJSON *o, const struct snap *s, const struct snap_node *node)
{
	cJSON *list = cJSON_AddArrayToObject(o, "logs");

	for (uint32_t i = 0; i < node->notes; i++) {
		const struct snap_note *n = &s->note[node->first_note + i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(
			item, "severity", note_severity_word(n->severity));
		cJSON_AddStringToObject(item, "pattern", n->pattern);
		add_whole(item, "count", (int64_t)n->count);
		add_time(item, "last", n->last_us);
		add_id(item, "trace", n->trace, sizeof(n->trace));
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_gauges(cJSON *o, const struct snap *s, const struct snap_node *node)
{
	cJSON *list = cJSON_AddArrayToObject(o, "gauges");

	for (uint32_t i = 0; i < node->gauges; i++) {
		const struct snap_gauge *g = &s->gauge[node->first_gauge + i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "name", g->name);
		cJSON_AddStringToObject(item, "unit", g->unit);
		add_real(item, "value", g->value, 6);
		add_real(item, "low", g->low, 6);
		add_real(item, "high", g->high, 6);
		add_time(item, "ts", g->at_us);
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_node(cJSON *nodes, const struct snap *s, const struct snap_node *node)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", node->name);
	cJSON_AddStringToObject(o, "severity", severity_word(node->severity));
	cJSON_AddStringToObject(o, "kind", node_kind_word(node->kind));
	if (node->group)
		cJSON_AddStringToObject(o, "group", node->group);
	else
		cJSON_AddNullToObject(o, "group");
	add_real(o, "rate_in", node->rate_in, 3);
	add_real(o, "rate_out", node->rate_out, 3);
	add_real(o, "error_ratio_in",
		node->calls_in ? (double)node->errors_in / (double)node->calls_in : NAN,
		6);
	add_known(o, "p99_in_us", node->p99_in_us);
	add_known(o, "self_p99_us", node->self_p99_us);
	add_logs(o, s, node);
	add_gauges(o, s, node);
	cJSON_AddItemToArray(nodes, o);
}

static void
add_exemplar(cJSON *exemplars, const struct snap_exemplar *x)
{
	cJSON *o = cJSON_CreateObject();

	add_id(o, "trace", x->ids.trace, sizeof(x->ids.trace));
	add_id(o, "span", x->ids.span, sizeof(x->ids.span));
	add_known(o, "us", x->latency_us);
	add_time(o, "ts", x->end_us);
	cJSON_AddBoolToObject(o, "err", x->failed);
	cJSON_AddItemToArray(exemplars, o);
}

static void
add_baseline(cJSON *edge, const struct snap_usual *u)
{
	cJSON *o;

	if (!u->learnt) {
		cJSON_AddNullToObject(edge, "baseline");
		return;
	}
	o = cJSON_AddObjectToObject(edge, "baseline");
	add_known(o, "p50_us", u->p50_us);
	add_known(o, "p95_us", u->p95_us);
	add_known(o, "p99_us", u->p99_us);
	add_real(o, "rate", u->rate, 3);
	add_real(o, "error_ratio", u->error_ratio, 6);
}

/* The edge as each origin sees it, and in what it differs from the numbers shown. */
static void
add_view(cJSON *views, const struct snap_edge *e, const struct snap_view *v)
{
	static const char *const words[] = { "calls", "errors", "p99" };
	unsigned bits = v->shown ? 0 : origins_differ(&e->stat, &v->stat);
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(o, "origin", flow_origin_word(v->origin));
	cJSON_AddBoolToObject(o, "shown", v->shown);
	add_stat(o, &v->stat);
	list = cJSON_AddArrayToObject(o, "differs");
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (bits & 1u << i)
			cJSON_AddItemToArray(list, cJSON_CreateString(words[i]));
	cJSON_AddItemToArray(views, o);
}

static void
add_edge(cJSON *edges, const struct snap *s, const struct snap_edge *e)
{
	int64_t skew_us;
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(o, "src", s->node[e->src].name);
	cJSON_AddStringToObject(o, "dst", s->node[e->dst].name);
	cJSON_AddStringToObject(o, "kind", flow_kind_word(e->kind));
	add_stat(o, &e->stat);
	add_known(o, "server_p99_us", e->server_p99_us);
	add_known(o, "queue_p99_us", e->queue_p99_us);
	if (snap_edge_skew(s, e, &skew_us))
		add_whole(o, "clock_skew_us", skew_us);
	else
		cJSON_AddNullToObject(o, "clock_skew_us");
	cJSON_AddStringToObject(o, "severity", severity_word(e->severity));
	add_time(o, "first", e->first_us);
	add_time(o, "last", e->last_us);
	list = cJSON_AddArrayToObject(o, "origins");
	for (unsigned i = 0; i < ORIGIN_COUNT; i++) {
		if (e->origins & 1u << i)
			cJSON_AddItemToArray(
				list, cJSON_CreateString(flow_origin_word(i)));
	}
	if (e->views > 0) {
		list = cJSON_AddArrayToObject(o, "views");
		for (uint32_t i = 0; i < e->views; i++)
			add_view(list, e, &s->view[e->first_view + i]);
	}
	add_baseline(o, &e->usual);
	list = cJSON_AddArrayToObject(o, "ops");
	for (uint32_t i = 0; i < e->ops; i++) {
		const struct snap_op *op = &s->op[e->first_op + i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "op", op->op);
		add_stat(item, &op->stat);
		cJSON_AddItemToArray(list, item);
	}
	list = cJSON_AddArrayToObject(o, "exemplars");
	for (uint32_t i = 0; i < e->exemplars; i++)
		add_exemplar(list, &s->exemplar[e->first_exemplar + i]);
	cJSON_AddItemToArray(edges, o);
}

static void
add_agent(cJSON *agents, const struct snap_agent *a)
{
	cJSON *o = cJSON_CreateObject();

	add_id(o, "id", a->id, sizeof(a->id));
	add_word(o, "host", a->host);
	add_word(o, "input", a->input);
	cJSON_AddStringToObject(o, "state",
		a->bye    ? "ended"
		: a->live ? "live"
			  : "silent");
	cJSON_AddBoolToObject(o, "collision", a->collision);
	add_real(o, "age_s", a->age_us < 0 ? NAN : (double)a->age_us / 1e6, 3);
	if (a->skew_us == SNAP_UNKNOWN)
		cJSON_AddNullToObject(o, "skew_us");
	else
		add_whole(o, "skew_us", a->skew_us);
	add_whole(o, "received", (int64_t)a->received);
	add_whole(o, "lost", (int64_t)a->lost);
	add_whole(o, "duplicate", (int64_t)a->duplicate);
	add_whole(o, "shed", (int64_t)a->shed);
	add_whole(o, "unpaired", (int64_t)a->unpaired);
	add_whole(o, "waiting", (int64_t)a->waiting);
	add_whole(o, "rejected", (int64_t)a->rejected);
	add_whole(o, "busy", (int64_t)a->busy);
	cJSON_AddItemToArray(agents, o);
}

static void
add_quality(cJSON *root, const struct snap_quality *q)
{
	cJSON *o = cJSON_AddObjectToObject(root, "quality"), *agents;

	add_whole(o, "received", (int64_t)q->received);
	add_whole(o, "lost", (int64_t)q->lost);
	add_whole(o, "late", (int64_t)q->late);
	add_whole(o, "future", (int64_t)q->future);
	add_whole(o, "duplicate", (int64_t)q->duplicate);
	add_whole(o, "decode_errors", (int64_t)q->decode_errors);
	add_whole(o, "unpaired", (int64_t)q->unpaired);
	add_whole(o, "overflow", (int64_t)q->overflow);
	add_whole(o, "dropped", (int64_t)q->dropped);
	add_whole(o, "bare", (int64_t)q->bare);
	add_whole(o, "bad_values", (int64_t)q->bad_values);
	add_real(o, "events_per_s", q->events_per_s, 3);
	add_time(o, "newest", q->newest_us);
	agents = cJSON_AddArrayToObject(o, "agents");
	for (uint32_t i = 0; i < q->agents; i++)
		add_agent(agents, &q->agent[i]);
}

/* Does the headline begin with "src → dst"? */
static bool
is_spoken_of(const struct snap *s, const struct snap_edge *e)
{
	const char *ends[] = { s->node[e->src].name, " \xe2\x86\x92 ",
		s->node[e->dst].name };
	const char *rest = s->headline.text;

	for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (strncmp(rest, ends[i], n) != 0)
			return false;
		rest += n;
	}
	return *rest == '\0' || *rest == ' ' || *rest == ':';
}

/* What thresholds alone can tell: the one edge that the headline speaks of. */
static void
add_spoken(cJSON *list, const struct snap *s)
{
	cJSON *o;
	const struct snap_edge *cause = NULL;

	if (s->headline.n == 0)
		return;
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		if (is_spoken_of(s, e) &&
			(cause == NULL || e->severity > cause->severity))
			cause = e;
	}
	o = cJSON_CreateObject();
	add_whole(o, "rank", 1);
	cJSON_AddNullToObject(o, "kind");
	if (cause) {
		cJSON_AddStringToObject(o, "src", s->node[cause->src].name);
		cJSON_AddStringToObject(o, "dst", s->node[cause->dst].name);
		cJSON_AddStringToObject(o, "severity", severity_word(cause->severity));
	} else {
		/* Names too long to stand in a headline whole. */
		cJSON_AddNullToObject(o, "src");
		cJSON_AddNullToObject(o, "dst");
		cJSON_AddNullToObject(o, "severity");
	}
	cJSON_AddNullToObject(o, "op");
	cJSON_AddNullToObject(o, "since");
	cJSON_AddArrayToObject(o, "explains");
	cJSON_AddArrayToObject(o, "evidence");
	cJSON_AddStringToObject(o, "sentence", s->headline.text);
	cJSON_AddItemToArray(list, o);
}

static void
add_name(cJSON *o, const char *key, const char *name)
{
	if (name)
		cJSON_AddStringToObject(o, key, name);
	else
		cJSON_AddNullToObject(o, key);
}

static void
add_cause(cJSON *list, const struct snap *s, uint32_t i)
{
	const struct snap_cause *c = &s->cause[i];
	cJSON *o = cJSON_CreateObject(), *shares, *told;

	add_whole(o, "rank", (int64_t)i + 1);
	/* Without a baseline it is the latency that says so. */
	cJSON_AddStringToObject(o, "kind",
		anomaly_word(c->kind == ANOMALY_COLD ? ANOMALY_LATENCY : c->kind));
	add_name(o, "src", c->src);
	add_name(o, "dst", c->dst);
	add_name(o, "op", c->op);
	add_name(o, "node", c->node);
	add_time(o, "since", c->since_us);
	cJSON_AddStringToObject(o, "severity", severity_word(SEV_CRIT));
	shares = cJSON_AddArrayToObject(o, "explains");
	for (uint32_t k = 0; k < c->explained; k++) {
		cJSON *share = cJSON_CreateArray();

		cJSON_AddItemToArray(share, cJSON_CreateString(c->explains[k].src));
		cJSON_AddItemToArray(share, cJSON_CreateString(c->explains[k].dst));
		cJSON_AddItemToArray(share,
			cJSON_CreateNumber(round(c->explains[k].share * 1000) / 1000));
		cJSON_AddItemToArray(shares, share);
	}
	told = cJSON_AddArrayToObject(o, "evidence");
	for (uint32_t k = 0; k < c->evidences; k++)
		cJSON_AddItemToArray(told, cJSON_CreateString(c->evidence[k]));
	cJSON_AddStringToObject(o, "sentence", c->sentence.text);
	cJSON_AddItemToArray(list, o);
}

static void
add_verdicts(cJSON *root, const struct snap *s)
{
	cJSON *list = cJSON_AddArrayToObject(root, "verdicts");

	if (s->causes == 0)
		add_spoken(list, s);
	for (uint32_t i = 0; i < s->causes; i++)
		add_cause(list, s, i);
}

static void
add_events(cJSON *root, const struct snap *s)
{
	cJSON *list = cJSON_AddArrayToObject(root, "events");

	for (uint32_t i = 0; i < s->events; i++) {
		const struct snap_event *e = &s->event[i];
		cJSON *o = cJSON_CreateObject();

		add_time(o, "ts", e->at_us);
		cJSON_AddStringToObject(o, "kind", snap_change_word(e->change));
		cJSON_AddStringToObject(o, "text", e->said.text);
		cJSON_AddItemToArray(list, o);
	}
}

static enum status
json_write(const struct export_in *in, FILE *out)
{
	const struct snap *s = in->snap;
	cJSON *root = cJSON_CreateObject(), *list;
	char *text;

	add_whole(root, "weir", 1);
	add_time(root, "taken", s->now_us);
	add_real(root, "window_s", (double)s->window_us / 1e6, 3);
	add_real(root, "covered_s", (double)s->covered_us / 1e6, 3);
	if (s->headline.n)
		cJSON_AddStringToObject(root, "headline", s->headline.text);
	else
		cJSON_AddNullToObject(root, "headline");
	list = cJSON_AddArrayToObject(root, "nodes");
	for (uint32_t i = 0; i < s->nodes; i++)
		add_node(list, s, &s->node[i]);
	list = cJSON_AddArrayToObject(root, "edges");
	for (uint32_t i = 0; i < s->edges; i++)
		add_edge(list, s, &s->edge[i]);
	add_verdicts(root, s);
	add_events(root, s);
	add_quality(root, &s->quality);

	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (text == NULL)
		die("out of memory");
	fputs(text, out);
	fputc('\n', out);
	cJSON_free(text);
	return ferror(out) ? STATUS_ERR_SYSTEM : STATUS_OK;
}

const struct export_ops export_json = {
	.id = "json",
	.about = "everything in the picture, for programs",
	.write = json_write,
};
