#include "config.h"

#include "weir/input/jaeger.h"

#include <stdlib.h>
#include <string.h>

#include "span-json.h"
#include "weir/base/util.h"
#include "weir/core/sampling.h"
#include "weir/input/otlp.h"

#define FLAG_DEBUG 2      /* of a span */
#define MAX_PROCESSES 512 /* of one trace */
#define MAX_KEY 32        /* of a process */
#define MAX_REFS 64       /* of one span */
#define MAX_SERVICES 1000

struct process {
	char key[MAX_KEY];
	struct str service;
	struct span_attrs attrs;
};

/*
 * As with OTLP a document is walked twice by the same code. The first walk judges and
 * writes nothing, but it keeps what is needed before a trace's spans are looked at:
 * how it was sampled, which only its root says.
 */
struct walk {
	struct json *j;
	bool judging;
	struct buf sampled; /* of each trace, in order: double */
	size_t at;          /* of them used */
	double param;       /* of the trace being read */
	struct process *processes;
	unsigned process_n;
	uint8_t trace[16]; /* of the last span of OTLP */
	jaeger_span_fn fn;
	void *ctx;
	struct jaeger_result *r;
};

static void
read_tags(struct json *j, struct span_tags *t, struct span_attrs *a)
{
	struct str key, value, name;

	if (!json_enter(j, JSON_ARRAY))
		return;
	while (json_item(j)) {
		name = value = STR("");
		if (!json_enter(j, JSON_OBJECT))
			continue;
		while (json_key(j, &key)) {
			if (str_eq(key, STR("key")))
				name = span_json_text(j);
			else if (str_eq(key, STR("value")))
				value = span_json_text(j);
			else
				json_skip(j);
		}
		span_tags_take(t, a, name, value);
	}
}

static void
read_process(struct json *j, struct process *p)
{
	struct span_tags ignored = { 0 };
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("serviceName")))
			p->service = span_json_text(j);
		else if (str_eq(key, STR("tags")))
			read_tags(j, &ignored, &p->attrs);
		else
			json_skip(j);
	}
}

static void
read_processes(struct walk *w)
{
	struct json *j = w->j;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		struct process *p = &w->processes[w->process_n];

		if (w->process_n == MAX_PROCESSES || key.n >= MAX_KEY) {
			json_skip(j);
			continue;
		}
		*p = (struct process){ .service = STR("") };
		memcpy(p->key, key.p, key.n);
		read_process(j, p);
		w->process_n++;
	}
}

/* ------------------------------------------------------------ spans */

struct ref {
	bool child;
	bool sound;
	struct span_link to;
};

static unsigned
read_refs(struct json *j, struct ref *refs)
{
	unsigned n = 0;
	struct str key;

	if (!json_enter(j, JSON_ARRAY))
		return 0;
	while (json_item(j)) {
		bool trace = false, span = false;
		struct ref r = { .child = true };

		if (!json_enter(j, JSON_OBJECT))
			continue;
		while (json_key(j, &key)) {
			if (str_eq(key, STR("refType")))
				r.child = !str_eq(span_json_text(j), STR("FOLLOWS_FROM"));
			else if (str_eq(key, STR("traceID")))
				trace = span_json_id(j, r.to.trace, sizeof(r.to.trace));
			else if (str_eq(key, STR("spanID")))
				span = span_json_id(j, r.to.span, sizeof(r.to.span));
			else
				json_skip(j);
		}
		r.sound = trace && span;
		if (n < MAX_REFS && r.sound)
			refs[n++] = r;
	}
	return n;
}

/* The parent is what it is a child of; what it follows otherwise. The rest are links. */
static void
set_refs(struct span *s, const struct ref *refs, unsigned n, struct span_link *links)
{
	static const uint8_t none[8];
	bool child;

	s->links = links;
	for (unsigned i = 0; i < n; i++)
		if (!refs[i].child)
			links[s->link_count++] = refs[i].to;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++) {
			child = pass == 0;
			if (refs[i].child == child &&
				memcmp(s->ids.parent, none, sizeof(none)) == 0 &&
				memcmp(refs[i].to.trace, s->ids.trace,
					sizeof(s->ids.trace)) == 0)
				memcpy(s->ids.parent, refs[i].to.span,
					sizeof(s->ids.parent));
		}
}

static void
take_span(struct walk *w, struct span *s, const struct process *p, bool ids,
	int64_t start_us, int64_t duration_us)
{
	s->service = p ? p->service : STR("");
	s->resource = p ? &p->attrs : NULL;
	if (!ids || s->service.n == 0 || start_us <= 0 || duration_us < 0 ||
		start_us > INT64_MAX / 2 || duration_us > INT64_MAX / 2) {
		w->r->rejected++;
		return;
	}
	s->origin = ORIGIN_JAEGER;
	s->start_us = start_us;
	s->end_us = start_us + duration_us;
	s->duration_us = duration_us;
	s->weight = sampling_weight(w->param, s->ids.trace);
	w->r->accepted++;
	w->r->newest_us = MAX(w->r->newest_us, s->end_us);
	w->fn(w->ctx, s);
}

static const struct process *
find_process(const struct walk *w, struct str key)
{
	for (unsigned i = 0; i < w->process_n; i++)
		if (str_eq(key, str_of(w->processes[i].key)))
			return &w->processes[i];
	return NULL;
}

static void
read_span(struct walk *w, const uint8_t trace[16])
{
	struct span s = { .kind = SPAN_INTERNAL };
	struct process own = { .service = STR("") };
	const struct process *p = NULL;
	struct span_link links[MAX_REFS];
	struct ref refs[MAX_REFS];
	struct span_tags tags = { 0 };
	int64_t start_us = 0, duration_us = -1;
	bool id = false, known = true;
	struct json *j = w->j;
	unsigned n = 0;
	struct str key;

	memcpy(s.ids.trace, trace, sizeof(s.ids.trace));
	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("traceID"))) {
			known = span_json_id(j, s.ids.trace, sizeof(s.ids.trace));
		} else if (str_eq(key, STR("spanID"))) {
			id = span_json_id(j, s.ids.span, sizeof(s.ids.span));
		} else if (str_eq(key, STR("parentSpanID"))) {
			known &= span_json_parent(j, s.ids.parent);
		} else if (str_eq(key, STR("operationName"))) {
			s.name = span_json_text(j);
		} else if (str_eq(key, STR("startTime"))) {
			start_us = span_json_us(j);
		} else if (str_eq(key, STR("duration"))) {
			duration_us = span_json_us(j);
		} else if (str_eq(key, STR("flags"))) {
			tags.debug |= (span_json_us(j) & FLAG_DEBUG) != 0;
		} else if (str_eq(key, STR("references"))) {
			n = read_refs(j, refs);
		} else if (str_eq(key, STR("tags"))) {
			read_tags(j, &tags, &s.attrs);
		} else if (str_eq(key, STR("processID"))) {
			p = find_process(w, span_json_text(j));
		} else if (str_eq(key, STR("process"))) {
			read_process(j, &own);
			p = &own;
		} else {
			json_skip(j);
		}
	}
	if (tags.probabilistic && !tags.debug && w->judging)
		w->param = tags.param;
	if (json_status(j) || w->judging)
		return;
	span_tags_apply(&tags, &s);
	set_refs(&s, refs, n, links);
	take_span(w, &s, p, id && known, start_us, duration_us);
}

/* ------------------------------------------------------------ traces */

/* @s is at the value of "spans", @trace what stands beside it. */
static void
read_spans(struct walk *w, struct json *s, const uint8_t trace[16])
{
	struct json *j = w->j;

	w->j = s;
	if (json_enter(s, JSON_ARRAY))
		while (json_item(s))
			read_span(w, trace);
	json_fail(j, json_status(s));
	w->j = j;
}

static void
begin_trace(struct walk *w)
{
	w->process_n = 0;
	w->param = 0;
	if (!w->judging && w->at + sizeof(w->param) <= w->sampled.n) {
		memcpy(&w->param, w->sampled.p + w->at, sizeof(w->param));
		w->at += sizeof(w->param);
	}
}

static void
end_trace(struct walk *w)
{
	if (w->judging)
		buf_add(&w->sampled, &w->param, sizeof(w->param));
	else
		w->r->traces++;
}

/*
 * A trace. The spans come before the processes they speak of, so they are read last,
 * from a bookmark. What has no spans but a span's own fields is a lone span.
 */
static void
read_trace(struct walk *w)
{
	struct json *j = w->j, spans = { 0 };
	uint8_t trace[16] = { 0 };
	bool have = false;
	struct str key;

	begin_trace(w);
	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("traceID"))) {
			span_json_id(j, trace, sizeof(trace));
		} else if (str_eq(key, STR("processes"))) {
			read_processes(w);
		} else if (str_eq(key, STR("spans"))) {
			spans = *j;
			have = true;
			json_skip(j);
		} else {
			json_skip(j);
		}
	}
	if (have && !json_status(j))
		read_spans(w, &spans, trace);
	end_trace(w);
}

static void
read_list(struct walk *w)
{
	if (json_enter(w->j, JSON_ARRAY))
		while (json_item(w->j))
			read_trace(w);
}

/* What a document is; the place of what matters in it. */
enum shape {
	SHAPE_DATA,  /* {"data":[trace…]} */
	SHAPE_LIST,  /* [trace…] */
	SHAPE_TRACE, /* a lone trace */
	SHAPE_OTLP
};

static enum status
walk(struct walk *w, enum shape shape, struct str text)
{
	struct json j;
	struct str key;

	w->j = &j;
	json_init(&j, (char *)text.p, text.n, SPAN_JSON_MAX_VALUES, w->judging);
	if (shape == SHAPE_TRACE) {
		read_trace(w);
	} else if (shape == SHAPE_LIST) {
		read_list(w);
	} else if (json_enter(&j, JSON_OBJECT)) {
		while (json_key(&j, &key)) {
			if (str_eq(key, STR("data")))
				read_list(w);
			else
				json_skip(&j);
		}
	}
	return json_finish(&j);
}

/* Tell the shapes apart by their outermost keys; *part is what of @text counts. */
static enum status
find_shape(struct str text, enum shape *ret_shape, struct str *part)
{
	struct json j;
	struct str key;
	size_t from;

	*ret_shape = SHAPE_LIST;
	*part = text;
	json_init(&j, (char *)text.p, text.n, SPAN_JSON_MAX_VALUES, true);
	if (json_peek(&j) == JSON_ARRAY) {
		json_skip(&j);
		return json_finish(&j);
	}
	*ret_shape = SHAPE_DATA;
	if (!json_enter(&j, JSON_OBJECT))
		return json_status(&j) ? json_status(&j) : STATUS_ERR_SYNTAX;
	while (json_key(&j, &key)) {
		bool inside = str_eq(key, STR("result")) || str_eq(key, STR("trace"));

		if (str_eq(key, STR("spans")))
			*ret_shape = SHAPE_TRACE;
		if (str_eq(key, STR("resourceSpans")) || str_eq(key, STR("batches")))
			*ret_shape = SHAPE_OTLP;
		from = json_offset(&j);
		json_skip(&j);
		if (inside && !json_status(&j)) {
			*ret_shape = SHAPE_OTLP;
			*part = (struct str){ text.p + from, json_offset(&j) - from };
			/* The colon may lie before the value. */
			while (part->n > 0 && part->p[0] != '{') {
				part->p++;
				part->n--;
			}
		}
	}
	return json_finish(&j);
}

/* ------------------------------------------------------------ OTLP inside */

static void
take_otlp(void *ctx, const struct span *from)
{
	struct walk *w = ctx;
	struct span s = *from;

	if (memcmp(w->trace, s.ids.trace, sizeof(w->trace)) != 0) {
		memcpy(w->trace, s.ids.trace, sizeof(w->trace));
		w->r->traces++;
	}
	s.origin = ORIGIN_JAEGER;
	w->r->newest_us = MAX(w->r->newest_us, s.end_us);
	w->fn(w->ctx, &s);
}

static void
no_note(void *ctx, const struct note *n)
{
	(void)ctx;
	(void)n;
}

static void
no_gauge(void *ctx, const struct gauge *g)
{
	(void)ctx;
	(void)g;
}

static enum status
read_otlp(struct walk *w, struct str text)
{
	const struct otlp_sink sink = { take_otlp, no_note, no_gauge, w };
	struct otlp_result r = { 0 };
	enum status s =
		otlp_read(OTLP_TRACES, OTLP_JSON, (char *)text.p, text.n, &sink, &r);

	w->r->accepted += r.accepted;
	w->r->rejected += r.rejected;
	return s;
}

/* ------------------------------------------------------------ documents */

/* Cut one document off @rest: up to the bracket that closes its first. */
static struct str
next_document(struct str *rest)
{
	struct str doc = { rest->p, 0 };
	bool text = false;
	int depth = 0;

	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (text) {
			i += c == '\\';
			text = c != '"';
		} else if (c == '"') {
			text = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth <= 0) {
			doc.n = i + 1;
			rest->p += doc.n;
			rest->n -= doc.n;
			return doc;
		}
	}
	doc.n = rest->n;
	*rest = (struct str){ rest->p + rest->n, 0 };
	return doc;
}

static enum status
read_document(struct walk *w, struct str text)
{
	enum shape shape;
	struct str part;
	enum status s = find_shape(text, &shape, &part);

	if (s)
		return s;
	if (shape == SHAPE_OTLP)
		return read_otlp(w, part);
	buf_clear(&w->sampled);
	w->at = 0;
	w->judging = true;
	s = walk(w, shape, part);
	w->judging = false;
	return s ? s : walk(w, shape, part);
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

enum status
jaeger_read(char *body, size_t n, jaeger_span_fn fn, void *ctx, struct jaeger_result *r)
{
	struct walk w = { .fn = fn, .ctx = ctx, .r = r };
	struct str rest = trim((struct str){ body, n });
	enum status s = rest.n > 0 ? STATUS_OK : STATUS_ERR_TRUNCATED;

	w.processes = xcalloc(MAX_PROCESSES, sizeof(w.processes[0]));
	while (!s && rest.n > 0) {
		s = read_document(&w, next_document(&rest));
		rest = trim(rest);
	}
	free(w.processes);
	buf_done(&w.sampled);
	return s;
}

enum status
jaeger_read_services(char *body, size_t n, struct buf *out)
{
	unsigned count = 0;
	struct json j;
	struct str key;

	json_init(&j, body, n, SPAN_JSON_MAX_VALUES, false);
	if (!json_enter(&j, JSON_OBJECT))
		return json_status(&j) ? json_status(&j) : STATUS_ERR_SYNTAX;
	while (json_key(&j, &key)) {
		if (!str_eq(key, STR("data")) && !str_eq(key, STR("services"))) {
			json_skip(&j);
		} else if (json_enter(&j, JSON_ARRAY)) {
			while (json_item(&j)) {
				struct str s = span_json_text(&j);

				if (s.n == 0 || memchr(s.p, '\0', s.n) ||
					++count > MAX_SERVICES)
					continue;
				buf_add_str(out, s);
				buf_addc(out, '\0');
			}
		}
	}
	return json_finish(&j);
}
