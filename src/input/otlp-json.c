#include "config.h"

#include "otlp-record.h"
#include "span-json.h"
#include "weir/base/json.h"
#include "weir/base/util.h"

#define MAX_VALUES 4000000u
#define MAX_LINKS 64

/*
 * The body is walked twice by the same code. The first walk judges: it writes nothing
 * and hands on nothing, but meets every error there is. The second one unescapes in
 * place and hands on. Keys may come in any order, so where spans stand before the
 * resource they belong to, a bookmark is kept and they are read behind it.
 *
 * A repeated key: of single values the last counts, lists are all read.
 */

struct walk {
	struct otlp_reader *r;
	struct json *j;
};

static int64_t
take_int(struct json *j)
{
	int64_t v;

	return json_int64(span_json_text(j), &v) ? v : 0;
}

/* Words of the enumerations, which lax senders write out. */
static int64_t
take_enum(struct json *j, const char *const *words, int64_t n)
{
	struct str s = span_json_text(j);
	int64_t v;

	if (json_int64(s, &v))
		return v;
	for (v = 0; v < n; v++)
		if (str_eq(s, str_of(words[v])))
			return v;
	return 0;
}

/* A time in ns: a number, a decimal string, or the two halves that old SDKs sent. */
static uint64_t
take_nanos(struct json *j)
{
	uint64_t v = 0;
	int64_t half;
	struct str key;

	if (json_peek(j) != JSON_OBJECT)
		return json_uint64(span_json_text(j), &v) ? v : 0;
	if (!json_enter(j, JSON_OBJECT))
		return 0;
	while (json_key(j, &key)) {
		bool high = str_eq(key, STR("high"));

		if (!high && !str_eq(key, STR("low"))) {
			json_skip(j);
			continue;
		}
		half = take_int(j);
		v |= high ? (uint64_t)half << 32 : (uint64_t)half & 0xffffffff;
	}
	return v;
}

/* An id as raw bytes in @to; "" where absent, one byte too long where it is no hex. */
static struct str
take_id(struct json *j, uint8_t *to, size_t size)
{
	struct str s = span_json_text(j);

	if (s.n == 0 || str_eq(s, STR("undefined")))
		return STR("");
	if (s.n != 2 * size)
		return (struct str){ "", 1 };
	memset(to, 0, size);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int v = c >= '0' && c <= '9'                 ? c - '0'
			: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
							     : -1;

		if (v < 0)
			return (struct str){ "", 1 };
		to[i / 2] |= (uint8_t)(v << (i % 2 ? 0 : 4));
	}
	return (struct str){ (const char *)to, size };
}

/* The only item of an array value, "" when there are several or it is no plain value. */
static struct str take_any(struct json *j, unsigned depth);

static struct str
take_only_item(struct json *j, unsigned depth)
{
	struct str item = STR(""), key;
	unsigned n = 0;

	if (!json_enter(j, JSON_OBJECT))
		return item;
	while (json_key(j, &key)) {
		if (!str_eq(key, STR("values"))) {
			json_skip(j);
		} else if (json_enter(j, JSON_ARRAY)) {
			for (; json_item(j); n++)
				item = take_any(j, depth + 1);
		}
	}
	return n == 1 ? item : STR("");
}

/* An AnyValue as text, "" for what has none. */
static struct str
take_any(struct json *j, unsigned depth)
{
	struct str v = STR(""), key;

	if (!json_enter(j, JSON_OBJECT))
		return v;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("stringValue")) || str_eq(key, STR("intValue")) ||
			str_eq(key, STR("boolValue")) || str_eq(key, STR("doubleValue")))
			v = span_json_text(j);
		else if (depth == 0 && str_eq(key, STR("arrayValue")))
			v = take_only_item(j, depth);
		else
			json_skip(j);
	}
	return v;
}

/* One key and value; the value may stand first. */
static struct str
take_pair(struct json *j, struct str *ret_key)
{
	struct str value = STR(""), key;

	*ret_key = STR("");
	if (!json_enter(j, JSON_OBJECT))
		return value;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("key")))
			*ret_key = span_json_text(j);
		else if (str_eq(key, STR("value")))
			value = take_any(j, 0);
		else
			json_skip(j);
	}
	return value;
}

static void
read_attributes(struct json *j, struct span_attrs *a)
{
	struct str key, value;

	if (!json_enter(j, JSON_ARRAY))
		return;
	while (json_item(j)) {
		value = take_pair(j, &key);
		span_attrs_set(a, key, value);
	}
}

static void
read_resource(struct json *j, struct span_attrs *a)
{
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("attributes")))
			read_attributes(j, a);
		else
			json_skip(j);
	}
}

/* ------------------------------------------------------------ traces */

static bool
read_status(struct json *j)
{
	static const char *const words[] = { "STATUS_CODE_UNSET", "STATUS_CODE_OK",
		"STATUS_CODE_ERROR" };
	bool failed = false;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return false;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("code")))
			failed = take_enum(j, words, ARRAY_LEN(words)) == 2;
		else
			json_skip(j);
	}
	return failed;
}

static uint32_t
read_links(struct json *j, struct span_link *links)
{
	uint32_t n = 0;
	struct str key;

	if (!json_enter(j, JSON_ARRAY))
		return 0;
	while (json_item(j)) {
		struct span_link l = { 0 };
		struct str trace = STR(""), id = STR("");

		if (!json_enter(j, JSON_OBJECT))
			continue;
		while (json_key(j, &key)) {
			if (str_eq(key, STR("traceId")))
				trace = take_id(j, l.trace, sizeof(l.trace));
			else if (str_eq(key, STR("spanId")))
				id = take_id(j, l.span, sizeof(l.span));
			else
				json_skip(j);
		}
		if (n < MAX_LINKS && trace.n == sizeof(l.trace) && id.n == sizeof(l.span))
			links[n++] = l;
	}
	return n;
}

static void
read_span(struct walk *w, const struct span_attrs *resource)
{
	static const char *const kinds[] = { "SPAN_KIND_UNSPECIFIED",
		"SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
		"SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" };
	struct otlp_span s = { .span = { .resource = resource,
				       .service = resource->v[ATTR_SERVICE_NAME] } };
	struct span_link links[MAX_LINKS];
	uint8_t trace[16], id[8], parent[8];
	struct json *j = w->j;
	struct str key;
	int64_t kind;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("traceId"))) {
			s.trace = take_id(j, trace, sizeof(trace));
		} else if (str_eq(key, STR("spanId"))) {
			s.id = take_id(j, id, sizeof(id));
		} else if (str_eq(key, STR("parentSpanId"))) {
			s.parent = take_id(j, parent, sizeof(parent));
		} else if (str_eq(key, STR("traceState"))) {
			s.state = span_json_text(j);
		} else if (str_eq(key, STR("name"))) {
			s.span.name = span_json_text(j);
		} else if (str_eq(key, STR("kind"))) {
			kind = take_enum(j, kinds, ARRAY_LEN(kinds));
			s.span.kind = kind >= 0 && kind <= SPAN_CONSUMER
					      ? (enum span_kind)kind
					      : SPAN_UNSPECIFIED;
		} else if (str_eq(key, STR("startTimeUnixNano"))) {
			s.start_ns = take_nanos(j);
		} else if (str_eq(key, STR("endTimeUnixNano"))) {
			s.end_ns = take_nanos(j);
		} else if (str_eq(key, STR("attributes"))) {
			read_attributes(j, &s.span.attrs);
		} else if (str_eq(key, STR("status"))) {
			s.span.failed = read_status(j);
		} else if (str_eq(key, STR("flags"))) {
			s.span.flags = (uint32_t)take_int(j);
		} else if (str_eq(key, STR("links"))) {
			s.span.link_count = read_links(j, links);
			s.span.links = links;
		} else {
			json_skip(j);
		}
	}
	if (!json_status(j))
		otlp_take_span(w->r, &s);
}

/* ------------------------------------------------------------ logs */

static void
read_log(struct walk *w, const struct span_attrs *resource)
{
	struct otlp_log l = { .service = resource->v[ATTR_SERVICE_NAME] };
	uint8_t trace[16], id[8];
	struct str event = STR(""), key;
	struct json *j = w->j;
	int64_t severity = 0;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("timeUnixNano")))
			l.at_ns = take_nanos(j);
		else if (str_eq(key, STR("observedTimeUnixNano")))
			l.observed_ns = take_nanos(j);
		else if (str_eq(key, STR("severityNumber")))
			severity = take_int(j);
		else if (str_eq(key, STR("body")))
			l.body = take_any(j, 0);
		else if (str_eq(key, STR("eventName")))
			event = span_json_text(j);
		else if (str_eq(key, STR("traceId")))
			l.trace = take_id(j, trace, sizeof(trace));
		else if (str_eq(key, STR("spanId")))
			l.id = take_id(j, id, sizeof(id));
		else
			json_skip(j);
	}
	l.severity = (int)CLAMP(severity, 0, 24);
	if (l.body.n == 0)
		l.body = event;
	if (!json_status(j))
		otlp_take_log(w->r, &l);
}

/* ------------------------------------------------------------ metrics */

/* Points whose metric's name or unit comes behind them are read from a bookmark. */
struct metric {
	struct str service, name, unit;
	enum otlp_point_kind kind;
	bool delta;
};

static void
read_labels(struct json *j, struct otlp_point *p)
{
	struct str key;

	if (!json_enter(j, JSON_ARRAY))
		return;
	while (json_item(j))
		otlp_add_label(p, take_pair(j, &key));
}

static double
take_real(struct json *j)
{
	double v;

	return json_double(span_json_text(j), &v) ? v : 0;
}

static void
read_point(struct walk *w, const struct metric *m)
{
	struct otlp_point p = { .kind = m->kind,
		.service = m->service,
		.name = m->name,
		.unit = m->unit,
		.delta = m->delta };
	struct json *j = w->j;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("timeUnixNano")))
			p.at_ns = take_nanos(j);
		else if (str_eq(key, STR("startTimeUnixNano")))
			p.start_ns = take_nanos(j);
		else if (str_eq(key, STR("asDouble")) || str_eq(key, STR("asInt")) ||
			 str_eq(key, STR("sum")))
			p.has_value = json_double(span_json_text(j), &p.value);
		else if (str_eq(key, STR("count")))
			p.count = take_real(j);
		else if (str_eq(key, STR("attributes")))
			read_labels(j, &p);
		else
			json_skip(j);
	}
	if (json_status(j))
		return;
	if (!w->r->judging)
		otlp_next_record(w->r);
	otlp_take_point(w->r, &p);
}

/* The body of a gauge, sum or histogram; whether it is monotonic may stand behind the points. */
static void
read_points(struct walk *w, struct metric *m)
{
	static const char *const temporalities[] = {
		"AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
		"AGGREGATION_TEMPORALITY_CUMULATIVE"
	};
	struct json *j = w->j, points = { 0 };
	bool have = false;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("dataPoints"))) {
			points = *j;
			have = true;
			json_skip(j);
		} else if (str_eq(key, STR("isMonotonic"))) {
			if (str_eq(span_json_text(j), STR("true")))
				m->kind = POINT_COUNTER;
		} else if (str_eq(key, STR("aggregationTemporality"))) {
			m->delta = take_enum(j, temporalities,
					   ARRAY_LEN(temporalities)) == TEMPORALITY_DELTA;
		} else {
			json_skip(j);
		}
	}
	if (!have || json_status(j))
		return;
	w->j = &points;
	if (json_enter(&points, JSON_ARRAY))
		while (json_item(&points))
			read_point(w, m);
	json_fail(j, json_status(&points));
	w->j = j;
}

static void
read_metric(struct walk *w, const struct span_attrs *resource)
{
	struct metric m = { .service = resource->v[ATTR_SERVICE_NAME] };
	struct json *j = w->j, points = { 0 };
	bool have = false;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("name"))) {
			m.name = span_json_text(j);
		} else if (str_eq(key, STR("unit"))) {
			m.unit = span_json_text(j);
		} else if (str_eq(key, STR("gauge")) || str_eq(key, STR("sum")) ||
			   str_eq(key, STR("histogram")) ||
			   str_eq(key, STR("exponentialHistogram"))) {
			if (key.n > 5)
				m.kind = POINT_HISTOGRAM;
			points = *j;
			have = true;
			json_skip(j);
		} else {
			json_skip(j);
		}
	}
	if (!have || json_status(j))
		return;
	w->j = &points;
	read_points(w, &m);
	json_fail(j, json_status(&points));
	w->j = j;
}

/* ------------------------------------------------------------ the common frame */

/* How the three requests call their levels. */
static const struct frame {
	const char *resources, *scopes, *old_scopes, *records;
	void (*read)(struct walk *w, const struct span_attrs *resource);
} frames[] = {
	[OTLP_TRACES] = { "resourceSpans", "scopeSpans", "instrumentationLibrarySpans",
		"spans", read_span },
	[OTLP_METRICS] = { "resourceMetrics", "scopeMetrics",
		"instrumentationLibraryMetrics", "metrics", read_metric },
	[OTLP_LOGS] = { "resourceLogs", "scopeLogs", "instrumentationLibraryLogs",
		"logRecords", read_log },
};

static void
read_scopes(struct walk *w, const struct frame *f, const struct span_attrs *resource)
{
	struct json *j = w->j;
	struct str key;

	if (!json_enter(j, JSON_ARRAY))
		return;
	while (json_item(j)) {
		if (!json_enter(j, JSON_OBJECT))
			continue;
		while (json_key(j, &key)) {
			if (!str_eq(key, str_of(f->records)))
				json_skip(j);
			else if (json_enter(j, JSON_ARRAY))
				while (json_item(j))
					f->read(w, resource);
		}
	}
}

static void
read_one_resource(struct walk *w, const struct frame *f)
{
	struct span_attrs resource = { .group_by = w->r->sink->group_by };
	struct json *j = w->j, later = { 0 };
	bool known = false, have_later = false;
	struct str key;

	if (!json_enter(j, JSON_OBJECT))
		return;
	while (json_key(j, &key)) {
		if (str_eq(key, STR("resource"))) {
			read_resource(j, &resource);
			known = true;
		} else if (!str_eq(key, str_of(f->scopes)) &&
			   !str_eq(key, str_of(f->old_scopes))) {
			json_skip(j);
		} else if (known || have_later) {
			read_scopes(w, f, &resource);
		} else {
			later = *j;
			have_later = true;
			json_skip(j);
		}
	}
	if (!have_later || json_status(j))
		return;
	w->j = &later;
	read_scopes(w, f, &resource);
	json_fail(j, json_status(&later));
	w->j = j;
}

static enum status
walk(struct otlp_reader *r, enum otlp_signal signal, char *body, size_t n)
{
	const struct frame *f = &frames[signal];
	struct json j;
	struct walk w = { .r = r, .j = &j };
	struct str key;

	json_init(&j, body, n, MAX_VALUES, r->judging);
	if (json_enter(&j, JSON_OBJECT)) {
		while (json_key(&j, &key)) {
			/* Some query APIs say "batches". */
			if (!str_eq(key, str_of(f->resources)) &&
				!(signal == OTLP_TRACES && str_eq(key, STR("batches"))))
				json_skip(&j);
			else if (json_enter(&j, JSON_ARRAY))
				while (json_item(&j))
					read_one_resource(&w, f);
		}
	}
	return json_finish(&j);
}

enum status
otlp_read_json(struct otlp_reader *r, enum otlp_signal signal, char *body, size_t n)
{
	enum status s;

	r->judging = true;
	s = walk(r, signal, body, n);
	r->judging = false;
	return s ? s : walk(r, signal, body, n);
}
