#include "config.h"

#include "weir/input/zipkin.h"

#include <stdio.h>

#include "span-json.h"
#include "weir/base/util.h"

/*
 * As with OTLP the body is walked twice by the same code: the first walk judges and
 * writes nothing, the second unescapes in place and hands on.
 */
struct walk {
	struct json *j;
	bool judging;
	zipkin_span_fn fn;
	void *ctx;
	struct zipkin_result result;
};

struct endpoint {
	struct str service, ip, port;
	char text[64]; /* "ip:port" */
};

static void
read_endpoint(struct json *j, struct endpoint *e)
{
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("serviceName")))
			e->service = span_json_text(j);
		else if (str_eq(key, STR("ipv4")))
			e->ip = span_json_text(j);
		else if (str_eq(key, STR("ipv6")) && e->ip.n == 0)
			e->ip = span_json_text(j);
		else if (str_eq(key, STR("port")))
			e->port = span_json_text(j);
		else
			json_skip(j);
	}
}

/* Senders write a name into every endpoint, also where they know none. */
static bool
is_name(struct str s)
{
	return s.n > 0 && !str_eq(s, STR("unknown"));
}

static struct str
endpoint_name(struct endpoint *e)
{
	if (is_name(e->service))
		return e->service;
	if (e->ip.n == 0 || e->port.n == 0 || str_eq(e->port, STR("0")) ||
		e->ip.n + e->port.n + 2 > sizeof(e->text))
		return e->ip;
	snprintf(e->text, sizeof(e->text), "%.*s:%.*s", (int)e->ip.n, e->ip.p,
		(int)e->port.n, e->port.p);
	return str_of(e->text);
}

static void
read_tags(struct json *j, struct span_tags *t, struct span_attrs *a)
{
	struct str key, value;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		value = span_json_text(j);
		span_tags_take(t, a, key, value);
	}
}

static enum span_kind
kind_of(struct str word)
{
	static const struct {
		struct str word;
		enum span_kind kind;
	} kinds[] = {
		{ STR("CLIENT"), SPAN_CLIENT },
		{ STR("SERVER"), SPAN_SERVER },
		{ STR("PRODUCER"), SPAN_PRODUCER },
		{ STR("CONSUMER"), SPAN_CONSUMER },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(word, kinds[i].word))
			return kinds[i].kind;
	return SPAN_INTERNAL;
}

/* Who measured nothing has told only one half of it, which gives no request. */
static bool
is_sound(const struct span *s, int64_t start_us, int64_t duration_us)
{
	return start_us > 0 && duration_us >= 0 && start_us < INT64_MAX / 2 &&
	       duration_us < INT64_MAX / 2 && is_name(s->service);
}

static void
take_span(
	struct walk *w, struct span *s, bool otel, int64_t start_us, int64_t duration_us)
{
	if (w->judging)
		return;
	if (!is_sound(s, start_us, duration_us)) {
		w->result.rejected++;
		return;
	}
	s->start_us = start_us;
	s->end_us = start_us + duration_us;
	s->duration_us = duration_us;
	/* Of OpenTelemetry's SDKs it is known that each side has an id of its own. */
	s->may_share = !s->shared && !otel && s->kind == SPAN_SERVER;
	w->result.accepted++;
	w->fn(w->ctx, s);
}

static void
read_span(struct walk *w)
{
	struct span s = { .origin = ORIGIN_ZIPKIN };
	struct endpoint local = { 0 }, remote = { 0 };
	bool trace = false, id = false, parent = true;
	struct span_tags tags = { 0 };
	int64_t start_us = 0, duration_us = -1;
	struct json *j = w->j;
	struct str key;

	s.kind = SPAN_INTERNAL;
	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("traceId")))
			trace = span_json_id(j, s.ids.trace, sizeof(s.ids.trace));
		else if (str_eq(key, STR("id")))
			id = span_json_id(j, s.ids.span, sizeof(s.ids.span));
		else if (str_eq(key, STR("parentId")))
			parent = span_json_parent(j, s.ids.parent);
		else if (str_eq(key, STR("kind")))
			s.kind = kind_of(span_json_text(j));
		else if (str_eq(key, STR("name")))
			s.name = span_json_text(j);
		else if (str_eq(key, STR("timestamp")))
			start_us = span_json_us(j);
		else if (str_eq(key, STR("duration")))
			duration_us = span_json_us(j);
		else if (str_eq(key, STR("shared")))
			s.shared = str_eq(span_json_text(j), STR("true"));
		else if (str_eq(key, STR("debug")))
			tags.debug |= str_eq(span_json_text(j), STR("true"));
		else if (str_eq(key, STR("localEndpoint")))
			read_endpoint(j, &local);
		else if (str_eq(key, STR("remoteEndpoint")))
			read_endpoint(j, &remote);
		else if (str_eq(key, STR("tags")))
			read_tags(j, &tags, &s.attrs);
		else
			json_skip(j);
	}
	span_tags_apply(&tags, &s);
	/* Without ids nothing can be made of it; without a service neither. */
	s.service = trace && id && parent ? local.service : STR("");
	s.remote = endpoint_name(&remote);
	s.shared &= s.kind == SPAN_SERVER;
	if (!json_status(j))
		take_span(w, &s, tags.otel, start_us, duration_us);
}

static enum status
walk(struct walk *w, char *body, size_t n)
{
	struct json j;

	w->j = &j;
	json_init(&j, body, n, SPAN_JSON_MAX_VALUES, w->judging);
	if (json_enter(&j, JSON_ARRAY))
		while (json_item(&j))
			read_span(w);
	return json_finish(&j);
}

enum status
zipkin_read(char *body, size_t n, zipkin_span_fn fn, void *ctx,
	struct zipkin_result *ret_result)
{
	struct walk w = { .judging = true, .fn = fn, .ctx = ctx };
	enum status s = n ? walk(&w, body, n) : STATUS_ERR_TRUNCATED;

	w.judging = false;
	if (!s)
		s = walk(&w, body, n);
	*ret_result = w.result;
	return s;
}
