/*
 * The JSON snapshot, version 1; man/weir.1 describes it. The contract: names stay,
 * what is unknown is null and never 0, and the same snap gives the same bytes.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json-out.h"
#include "weir/base/util.h"
#include "weir/base/when.h"
#include "weir/core/origins.h"
#include "weir/export/export.h"

#define PART ((size_t)64 << 10)

static void
add_time(struct json_out *o, const char *name, int64_t us)
{
	struct buf text = BUF_INIT;

	json_out_text(o, name, when_put_rfc3339(&text, us, 3) ? buf_cstr(&text) : NULL);
	buf_done(&text);
}

/* Null when it is not known. */
static void
add_word(struct json_out *o, const char *name, const char *word)
{
	json_out_text(o, name, word && word[0] ? word : NULL);
}

/* Bytes as hex; null when they are all zero, which stands for "unknown". */
static void
add_id(struct json_out *o, const char *name, const uint8_t *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * 16 + 1];
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++) {
		any |= id[i];
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	text[2 * n] = '\0';
	json_out_text(o, name, any ? text : NULL);
}

static void
add_stat(struct json_out *o, const struct snap_stat *stat)
{
	json_out_whole(o, "calls", (int64_t)stat->calls);
	json_out_real(o, "rate", stat->rate, 3);
	json_out_whole(o, "errors", (int64_t)stat->errors);
	json_out_real(o, "error_ratio",
		stat->calls ? (double)stat->errors / (double)stat->calls : NAN, 6);
	json_out_known(o, "p50_us", stat->p50_us);
	json_out_known(o, "p95_us", stat->p95_us);
	json_out_known(o, "p99_us", stat->p99_us);
	json_out_known(o, "max_us", stat->max_us);
	json_out_whole(o, "samples", (int64_t)stat->samples);
	json_out_bool(o, "bounds_only", stat->bounds_only);
	json_out_known(o, "bytes_in", stat->bytes_in);
	json_out_known(o, "bytes_out", stat->bytes_out);
}

static void
add_logs(struct json_out *o, const struct snap *s, const struct snap_node *node)
{
	json_out_array(o, "logs");
	for (uint32_t i = 0; i < node->notes; i++) {
		const struct snap_note *n = &s->note[node->first_note + i];

		json_out_object(o, NULL);
		json_out_text(o, "severity", note_severity_word(n->severity));
		json_out_text(o, "pattern", n->pattern);
		json_out_whole(o, "count", (int64_t)n->count);
		add_time(o, "last", n->last_us);
		add_id(o, "trace", n->trace, sizeof(n->trace));
		json_out_close(o);
	}
	json_out_close(o);
}

static void
add_gauges(struct json_out *o, const struct snap *s, const struct snap_node *node)
{
	json_out_array(o, "gauges");
	for (uint32_t i = 0; i < node->gauges; i++) {
		const struct snap_gauge *g = &s->gauge[node->first_gauge + i];

		json_out_object(o, NULL);
		json_out_text(o, "name", g->name);
		json_out_text(o, "unit", g->unit);
		json_out_real(o, "value", g->value, 6);
		json_out_real(o, "low", g->low, 6);
		json_out_real(o, "high", g->high, 6);
		add_time(o, "ts", g->at_us);
		json_out_close(o);
	}
	json_out_close(o);
}

static void
add_node(struct json_out *o, const struct snap *s, const struct snap_node *node)
{
	json_out_object(o, NULL);
	json_out_text(o, "name", node->name);
	json_out_text(o, "severity", severity_word(node->severity));
	json_out_text(o, "kind", node_kind_word(node->kind));
	json_out_text(o, "group", node->group);
	json_out_real(o, "rate_in", node->rate_in, 3);
	json_out_real(o, "rate_out", node->rate_out, 3);
	json_out_real(o, "error_ratio_in",
		node->calls_in ? (double)node->errors_in / (double)node->calls_in : NAN,
		6);
	json_out_known(o, "p99_in_us", node->p99_in_us);
	json_out_known(o, "self_p99_us", node->self_p99_us);
	add_logs(o, s, node);
	add_gauges(o, s, node);
	json_out_close(o);
}

static void
add_exemplar(struct json_out *o, const struct snap_exemplar *x)
{
	json_out_object(o, NULL);
	add_id(o, "trace", x->ids.trace, sizeof(x->ids.trace));
	add_id(o, "span", x->ids.span, sizeof(x->ids.span));
	json_out_known(o, "us", x->latency_us);
	add_time(o, "ts", x->end_us);
	json_out_bool(o, "err", x->failed);
	json_out_close(o);
}

static void
add_baseline(struct json_out *o, const struct snap_usual *u)
{
	if (!u->learnt) {
		json_out_null(o, "baseline");
		return;
	}
	json_out_object(o, "baseline");
	json_out_known(o, "p50_us", u->p50_us);
	json_out_known(o, "p95_us", u->p95_us);
	json_out_known(o, "p99_us", u->p99_us);
	json_out_real(o, "rate", u->rate, 3);
	json_out_real(o, "error_ratio", u->error_ratio, 6);
	json_out_close(o);
}

/* The edge as each origin sees it, and in what it differs from the numbers shown. */
static void
add_view(struct json_out *o, const struct snap_edge *e, const struct snap_view *v)
{
	static const char *const words[] = { "calls", "errors", "p99" };
	unsigned bits = v->shown ? 0 : origins_differ(&e->stat, &v->stat);

	json_out_object(o, NULL);
	json_out_text(o, "origin", flow_origin_word(v->origin));
	json_out_bool(o, "shown", v->shown);
	add_stat(o, &v->stat);
	json_out_array(o, "differs");
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (bits & 1u << i)
			json_out_text(o, NULL, words[i]);
	json_out_close(o);
	json_out_close(o);
}

static void
add_edge(struct json_out *o, const struct snap *s, const struct snap_edge *e)
{
	int64_t skew_us;

	json_out_object(o, NULL);
	json_out_text(o, "src", s->node[e->src].name);
	json_out_text(o, "dst", s->node[e->dst].name);
	json_out_text(o, "kind", flow_kind_word(e->kind));
	add_stat(o, &e->stat);
	json_out_known(o, "server_p99_us", e->server_p99_us);
	json_out_known(o, "queue_p99_us", e->queue_p99_us);
	if (snap_edge_skew(s, e, &skew_us))
		json_out_whole(o, "clock_skew_us", skew_us);
	else
		json_out_null(o, "clock_skew_us");
	json_out_text(o, "severity", severity_word(e->severity));
	add_time(o, "first", e->first_us);
	add_time(o, "last", e->last_us);
	json_out_array(o, "origins");
	for (unsigned i = 0; i < ORIGIN_COUNT; i++) {
		if (e->origins & 1u << i)
			json_out_text(o, NULL, flow_origin_word(i));
	}
	json_out_close(o);
	if (e->views > 0) {
		json_out_array(o, "views");
		for (uint32_t i = 0; i < e->views; i++)
			add_view(o, e, &s->view[e->first_view + i]);
		json_out_close(o);
	}
	add_baseline(o, &e->usual);
	json_out_array(o, "ops");
	for (uint32_t i = 0; i < e->ops; i++) {
		const struct snap_op *op = &s->op[e->first_op + i];

		json_out_object(o, NULL);
		json_out_text(o, "op", op->op);
		add_stat(o, &op->stat);
		json_out_close(o);
	}
	json_out_close(o);
	json_out_array(o, "exemplars");
	for (uint32_t i = 0; i < e->exemplars; i++)
		add_exemplar(o, &s->exemplar[e->first_exemplar + i]);
	json_out_close(o);
	json_out_close(o);
}

static void
add_agent(struct json_out *o, const struct snap_agent *a)
{
	json_out_object(o, NULL);
	add_id(o, "id", a->id, sizeof(a->id));
	add_word(o, "host", a->host);
	add_word(o, "input", a->input);
	json_out_text(o, "state", a->bye ? "ended" : a->live ? "live" : "silent");
	json_out_bool(o, "collision", a->collision);
	json_out_real(o, "age_s", a->age_us < 0 ? NAN : (double)a->age_us / 1e6, 3);
	if (a->skew_us == SNAP_UNKNOWN)
		json_out_null(o, "skew_us");
	else
		json_out_whole(o, "skew_us", a->skew_us);
	json_out_whole(o, "received", (int64_t)a->received);
	json_out_whole(o, "lost", (int64_t)a->lost);
	json_out_whole(o, "duplicate", (int64_t)a->duplicate);
	json_out_whole(o, "shed", (int64_t)a->shed);
	json_out_whole(o, "unpaired", (int64_t)a->unpaired);
	json_out_whole(o, "waiting", (int64_t)a->waiting);
	json_out_whole(o, "rejected", (int64_t)a->rejected);
	json_out_whole(o, "busy", (int64_t)a->busy);
	json_out_close(o);
}

static void
add_quality(struct json_out *o, const struct snap_quality *q)
{
	json_out_object(o, "quality");
	json_out_whole(o, "received", (int64_t)q->received);
	json_out_whole(o, "lost", (int64_t)q->lost);
	json_out_whole(o, "late", (int64_t)q->late);
	json_out_whole(o, "future", (int64_t)q->future);
	json_out_whole(o, "duplicate", (int64_t)q->duplicate);
	json_out_whole(o, "decode_errors", (int64_t)q->decode_errors);
	json_out_whole(o, "unpaired", (int64_t)q->unpaired);
	json_out_whole(o, "overflow", (int64_t)q->overflow);
	json_out_whole(o, "dropped", (int64_t)q->dropped);
	json_out_whole(o, "bare", (int64_t)q->bare);
	json_out_whole(o, "bad_values", (int64_t)q->bad_values);
	json_out_real(o, "events_per_s", q->events_per_s, 3);
	add_time(o, "newest", q->newest_us);
	json_out_array(o, "agents");
	for (uint32_t i = 0; i < q->agents; i++)
		add_agent(o, &q->agent[i]);
	json_out_close(o);
	json_out_close(o);
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
add_spoken(struct json_out *o, const struct snap *s)
{
	const struct snap_edge *cause = NULL;

	if (s->headline.n == 0)
		return;
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		if (is_spoken_of(s, e) &&
			(cause == NULL || e->severity > cause->severity))
			cause = e;
	}
	json_out_object(o, NULL);
	json_out_whole(o, "rank", 1);
	json_out_null(o, "kind");
	/* Names too long to stand in a headline whole are not recognised. */
	json_out_text(o, "src", cause ? s->node[cause->src].name : NULL);
	json_out_text(o, "dst", cause ? s->node[cause->dst].name : NULL);
	json_out_text(o, "severity", cause ? severity_word(cause->severity) : NULL);
	json_out_null(o, "op");
	json_out_null(o, "since");
	json_out_array(o, "explains");
	json_out_close(o);
	json_out_array(o, "evidence");
	json_out_close(o);
	json_out_text(o, "sentence", s->headline.text);
	json_out_close(o);
}

static void
add_cause(struct json_out *o, const struct snap *s, uint32_t i)
{
	const struct snap_cause *c = &s->cause[i];

	json_out_object(o, NULL);
	json_out_whole(o, "rank", (int64_t)i + 1);
	/* Without a baseline it is the latency that says so. */
	json_out_text(o, "kind",
		anomaly_word(c->kind == ANOMALY_COLD ? ANOMALY_LATENCY : c->kind));
	json_out_text(o, "src", c->src);
	json_out_text(o, "dst", c->dst);
	json_out_text(o, "op", c->op);
	json_out_text(o, "node", c->node);
	add_time(o, "since", c->since_us);
	json_out_text(o, "severity", severity_word(SEV_CRIT));
	json_out_array(o, "explains");
	for (uint32_t k = 0; k < c->explained; k++) {
		json_out_array(o, NULL);
		json_out_text(o, NULL, c->explains[k].src);
		json_out_text(o, NULL, c->explains[k].dst);
		json_out_real(o, NULL, c->explains[k].share, 3);
		json_out_close(o);
	}
	json_out_close(o);
	json_out_array(o, "evidence");
	for (uint32_t k = 0; k < c->evidences; k++)
		json_out_text(o, NULL, c->evidence[k]);
	json_out_close(o);
	json_out_text(o, "sentence", c->sentence.text);
	json_out_close(o);
}

static void
add_verdicts(struct json_out *o, const struct snap *s)
{
	json_out_array(o, "verdicts");
	if (s->causes == 0)
		add_spoken(o, s);
	for (uint32_t i = 0; i < s->causes; i++)
		add_cause(o, s, i);
	json_out_close(o);
}

static void
add_events(struct json_out *o, const struct snap *s)
{
	json_out_array(o, "events");
	for (uint32_t i = 0; i < s->events; i++) {
		const struct snap_event *e = &s->event[i];

		json_out_object(o, NULL);
		add_time(o, "ts", e->at_us);
		json_out_text(o, "kind", snap_change_word(e->change));
		json_out_text(o, "text", e->said.text);
		json_out_close(o);
	}
	json_out_close(o);
}

/* Hand on what there is, so that no more than a part is held here. */
static void
flush(struct buf *text, size_t above, FILE *f)
{
	if (text->n <= above)
		return;
	fwrite(text->p, 1, text->n, f);
	buf_clear(text);
}

static enum status
json_write(const struct export_in *in, FILE *f)
{
	const struct snap *s = in->snap;
	struct buf text = BUF_INIT;
	struct json_out out = { .out = &text }, *o = &out;

	json_out_object(o, NULL);
	json_out_whole(o, "weir", 1);
	add_time(o, "taken", s->now_us);
	json_out_real(o, "window_s", (double)s->window_us / 1e6, 3);
	json_out_real(o, "covered_s", (double)s->covered_us / 1e6, 3);
	json_out_text(o, "headline", s->headline.n ? s->headline.text : NULL);
	json_out_array(o, "nodes");
	for (uint32_t i = 0; i < s->nodes; i++) {
		add_node(o, s, &s->node[i]);
		flush(&text, PART, f);
	}
	json_out_close(o);
	json_out_array(o, "edges");
	for (uint32_t i = 0; i < s->edges; i++) {
		add_edge(o, s, &s->edge[i]);
		flush(&text, PART, f);
	}
	json_out_close(o);
	add_verdicts(o, s);
	add_events(o, s);
	add_quality(o, &s->quality);
	json_out_close(o);

	buf_addc(&text, '\n');
	flush(&text, 0, f);
	buf_done(&text);
	return ferror(f) ? STATUS_ERR_SYSTEM : STATUS_OK;
}

const struct export_ops export_json = {
	.id = "json",
	.about = "everything in the picture, for programs",
	.write = json_write,
};
