#include "config.h"

#include <inttypes.h>

#include "otlp-record.h"
#include "src/input/otlp.pb-c.h"
#include "weir/base/util.h"

#define MAX_LINKS 64 /* of one span; more are not looked at */

/*
 * protobuf-c builds the whole message before anything is looked at. Its memory comes
 * from an arena with a budget of a small multiple of the body: two bytes on the wire can
 * ask for a structure of a hundred.
 */

static void *
take_memory(void *memory, size_t n)
{
	return otlp_alloc(memory, n);
}

static void
leave_memory(void *memory, void *p)
{
	(void)memory;
	(void)p;
}

static struct str
str_from(ProtobufCBinaryData d)
{
	return (struct str){ (const char *)d.data, d.len };
}

static struct str
text_or_none(char *text)
{
	return str_of(text);
}

static struct str value_text(struct otlp_memory *memory, const Otlp__AnyValue *v);

/* Of a list, the only item: SDKs wrap header values so. */
static struct str
only_item(struct otlp_memory *memory, ProtobufCBinaryData list)
{
	ProtobufCAllocator allocator = { take_memory, leave_memory, memory };
	Otlp__ArrayValue *a = otlp__array_value__unpack(&allocator, list.len, list.data);

	if (!a || a->n_values != 1 ||
		a->values[0]->value_case == OTLP__ANY_VALUE__VALUE_ARRAY_VALUE)
		return STR("");
	return value_text(memory, a->values[0]);
}

/* A value as text, "" for those that have none. */
static struct str
value_text(struct otlp_memory *memory, const Otlp__AnyValue *v)
{
	if (!v)
		return STR("");
	switch (v->value_case) {
	case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
		return str_from(v->string_value);
	case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
		return v->bool_value ? STR("true") : STR("false");
	case OTLP__ANY_VALUE__VALUE_INT_VALUE:
		return text_or_none(otlp_printf(memory, "%" PRId64, v->int_value));
	case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
		return text_or_none(otlp_printf(memory, "%.15g", v->double_value));
	case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
		return only_item(memory, v->array_value);
	default:
		return STR("");
	}
}

static void
read_attributes(struct otlp_memory *memory, Otlp__KeyValue **kv, size_t n,
	struct span_attrs *ret_attrs)
{
	for (size_t i = 0; i < n; i++) {
		struct str key = str_from(kv[i]->key);

		if (span_attrs_wants(ret_attrs, key))
			span_attrs_set(ret_attrs, key, value_text(memory, kv[i]->value));
	}
}

static void
read_resource(
	struct otlp_reader *r, const Otlp__Resource *res, struct span_attrs *ret_attrs)
{
	*ret_attrs = (struct span_attrs){ .group_by = r->sink->group_by };
	read_attributes(&r->body, res ? res->attributes : NULL,
		res ? res->n_attributes : 0, ret_attrs);
}

/* ------------------------------------------------------------ traces */

static const struct span_link *
read_links(struct otlp_reader *r, const Otlp__Span *from, uint32_t *ret_n)
{
	struct span_link *links;

	*ret_n = 0;
	links = otlp_alloc(&r->record, MAX_LINKS * sizeof(links[0]));
	for (size_t i = 0; links && i < from->n_links && *ret_n < MAX_LINKS; i++) {
		const Otlp__Link *l = from->links[i];

		if (l->trace_id.len != sizeof(links->trace) ||
			l->span_id.len != sizeof(links->span))
			continue;
		memcpy(links[*ret_n].trace, l->trace_id.data, sizeof(links->trace));
		memcpy(links[*ret_n].span, l->span_id.data, sizeof(links->span));
		++*ret_n;
	}
	return links;
}

static void
read_span(
	struct otlp_reader *r, const Otlp__Span *from, const struct span_attrs *resource)
{
	struct otlp_span s = {
		.trace = str_from(from->trace_id),
		.id = str_from(from->span_id),
		.parent = str_from(from->parent_span_id),
		.state = str_from(from->trace_state),
		.start_ns = from->start_time_unix_nano,
		.end_ns = from->end_time_unix_nano,
		.span = {
			.kind = from->kind >= 0 && from->kind <= SPAN_CONSUMER
					? (enum span_kind)from->kind
					: SPAN_UNSPECIFIED,
			.failed = from->status && from->status->code == 2,
			.flags = from->flags,
			.service = resource->v[ATTR_SERVICE_NAME],
			.name = str_from(from->name),
			.resource = resource,
		},
	};

	otlp_next_record(r);
	read_attributes(&r->record, from->attributes, from->n_attributes, &s.span.attrs);
	s.span.links = read_links(r, from, &s.span.link_count);
	otlp_take_span(r, &s);
}

static bool
read_traces(struct otlp_reader *r, ProtobufCAllocator *allocator, const uint8_t *body,
	size_t n)
{
	Otlp__TraceRequest *req = otlp__trace_request__unpack(allocator, n, body);
	struct span_attrs resource;

	if (!req)
		return false;
	for (size_t i = 0; i < req->n_resource_spans; i++) {
		const Otlp__ResourceSpans *rs = req->resource_spans[i];

		read_resource(r, rs->resource, &resource);
		for (size_t k = 0; k < rs->n_scope_spans; k++)
			for (size_t m = 0; m < rs->scope_spans[k]->n_spans; m++)
				read_span(r, rs->scope_spans[k]->spans[m], &resource);
	}
	return true;
}

/* ------------------------------------------------------------ logs */

static void
read_log(struct otlp_reader *r, const Otlp__LogRecord *from, struct str service)
{
	struct otlp_log l = {
		.service = service,
		.trace = str_from(from->trace_id),
		.id = str_from(from->span_id),
		.severity = from->severity_number,
		.at_ns = from->time_unix_nano,
		.observed_ns = from->observed_time_unix_nano,
	};

	otlp_next_record(r);
	l.body = value_text(&r->record, from->body);
	if (l.body.n == 0)
		l.body = str_from(from->event_name);
	otlp_take_log(r, &l);
}

static bool
read_logs(struct otlp_reader *r, ProtobufCAllocator *allocator, const uint8_t *body,
	size_t n)
{
	Otlp__LogsRequest *req = otlp__logs_request__unpack(allocator, n, body);
	struct span_attrs resource;

	if (!req)
		return false;
	for (size_t i = 0; i < req->n_resource_logs; i++) {
		const Otlp__ResourceLogs *rl = req->resource_logs[i];

		read_resource(r, rl->resource, &resource);
		for (size_t k = 0; k < rl->n_scope_logs; k++)
			for (size_t m = 0; m < rl->scope_logs[k]->n_log_records; m++)
				read_log(r, rl->scope_logs[k]->log_records[m],
					resource.v[ATTR_SERVICE_NAME]);
	}
	return true;
}

/* ------------------------------------------------------------ metrics */

static void
take_point(struct otlp_reader *r, struct otlp_point *p, Otlp__KeyValue **kv, size_t n)
{
	otlp_next_record(r);
	for (size_t i = 0; i < n; i++)
		otlp_add_label(p, value_text(&r->record, kv[i]->value));
	otlp_take_point(r, p);
}

static void
read_numbers(struct otlp_reader *r, const struct otlp_point *like,
	Otlp__NumberDataPoint **points, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const Otlp__NumberDataPoint *from = points[i];
		struct otlp_point p = *like;

		p.start_ns = from->start_time_unix_nano;
		p.at_ns = from->time_unix_nano;
		p.has_value = true;
		if (from->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE)
			p.value = from->as_double;
		else if (from->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT)
			p.value = (double)from->as_int;
		else
			p.has_value = false;
		take_point(r, &p, from->attributes, from->n_attributes);
	}
}

/* Both kinds of histogram have the same fields, of different types. */
#define READ_HISTOGRAM(r, like, points, n)                                             \
	for (size_t i = 0; i < (n); i++) {                                             \
		struct otlp_point p = *(like);                                         \
                                                                                       \
		p.start_ns = (points)[i]->start_time_unix_nano;                        \
		p.at_ns = (points)[i]->time_unix_nano;                                 \
		p.count = (double)(points)[i]->count;                                  \
		p.value = (points)[i]->sum;                                            \
		p.has_value = true;                                                    \
		take_point(r, &p, (points)[i]->attributes, (points)[i]->n_attributes); \
	}

static void
read_points(struct otlp_reader *r, const Otlp__Metric *m, struct str service)
{
	struct otlp_point like = {
		.service = service,
		.name = str_from(m->name),
		.unit = str_from(m->unit),
	};

	if (m->gauge)
		read_numbers(r, &like, m->gauge->data_points, m->gauge->n_data_points);
	if (m->sum) {
		like.kind = m->sum->is_monotonic ? POINT_COUNTER : POINT_VALUE;
		like.delta = m->sum->aggregation_temporality == TEMPORALITY_DELTA;
		read_numbers(r, &like, m->sum->data_points, m->sum->n_data_points);
	}
	like.kind = POINT_HISTOGRAM;
	if (m->histogram) {
		like.delta = m->histogram->aggregation_temporality == TEMPORALITY_DELTA;
		READ_HISTOGRAM(
			r, &like, m->histogram->data_points, m->histogram->n_data_points)
	}
	if (m->exponential_histogram) {
		const Otlp__ExponentialHistogram *h = m->exponential_histogram;

		like.delta = h->aggregation_temporality == TEMPORALITY_DELTA;
		READ_HISTOGRAM(r, &like, h->data_points, h->n_data_points)
	}
}

static bool
read_metrics(struct otlp_reader *r, ProtobufCAllocator *allocator, const uint8_t *body,
	size_t n)
{
	Otlp__MetricsRequest *req = otlp__metrics_request__unpack(allocator, n, body);
	struct span_attrs resource;

	if (!req)
		return false;
	for (size_t i = 0; i < req->n_resource_metrics; i++) {
		const Otlp__ResourceMetrics *rm = req->resource_metrics[i];

		read_resource(r, rm->resource, &resource);
		for (size_t k = 0; k < rm->n_scope_metrics; k++)
			for (size_t m = 0; m < rm->scope_metrics[k]->n_metrics; m++)
				read_points(r, rm->scope_metrics[k]->metrics[m],
					resource.v[ATTR_SERVICE_NAME]);
	}
	return true;
}

enum status
otlp_read_protobuf(
	struct otlp_reader *r, enum otlp_signal signal, const char *body, size_t n)
{
	static bool (*const read[])(
		struct otlp_reader *, ProtobufCAllocator *, const uint8_t *, size_t) = {
		[OTLP_TRACES] = read_traces,
		[OTLP_METRICS] = read_metrics,
		[OTLP_LOGS] = read_logs,
	};
	ProtobufCAllocator allocator = { take_memory, leave_memory, &r->body };

	if (read[signal](r, &allocator, (const uint8_t *)body, n))
		return STATUS_OK;
	return r->body.exhausted ? STATUS_ERR_TOO_BIG : STATUS_ERR_SYNTAX;
}
