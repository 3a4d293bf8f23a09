#include "config.h"

#include "weir/input/otlp.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "otlp-record.h"
#include "src/input/otlp.pb-c.h"
#include "weir/base/util.h"
#include "weir/core/sampling.h"

#define NS_PER_US 1000
#define DECODE_FACTOR 12u /* memory a body may need to be read, in its own sizes */
#define DECODE_LEAST (1u << 20)
#define RECORD_TEXT (32u * 1024) /* numbers of one record's attributes, as text */

void
otlp_reject(struct otlp_reader *r, const char *why)
{
	r->result.rejected++;
	r->result.why = why;
}

void
otlp_next_record(struct otlp_reader *r)
{
	arena_clear(&r->record.arena);
	r->record.left = RECORD_TEXT;
}

void *
otlp_alloc(struct otlp_memory *m, size_t n)
{
	size_t cost = n + 16; /* of alignment, so that empty ones are not free */

	if (cost < n || cost > m->left) {
		m->exhausted = true;
		return NULL;
	}
	m->left -= cost;
	return arena_alloc(&m->arena, n);
}

char *
otlp_printf(struct otlp_memory *m, const char *fmt, ...)
{
	char text[400], *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	n = (int)strlen(text) + 1;
	p = otlp_alloc(m, (size_t)n);
	return p ? memcpy(p, text, (size_t)n) : NULL;
}

static bool
is_zero(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == 0)
		s.n--;
	return s.n == 0;
}

void
otlp_take_span(struct otlp_reader *r, struct otlp_span *s)
{
	struct span *span = &s->span;

	if (r->judging)
		return;
	if (s->trace.n != sizeof(span->ids.trace) || is_zero(s->trace)) {
		otlp_reject(r, "span without a valid traceId of 16 bytes");
		return;
	}
	if (s->id.n != sizeof(span->ids.span) || is_zero(s->id)) {
		otlp_reject(r, "span without a valid spanId of 8 bytes");
		return;
	}
	if (s->parent.n != 0 && s->parent.n != sizeof(span->ids.parent)) {
		otlp_reject(r, "span with a parentSpanId that is not of 8 bytes");
		return;
	}
	if (s->end_ns == 0) {
		otlp_reject(r, "span without endTimeUnixNano");
		return;
	}
	memcpy(span->ids.trace, s->trace.p, sizeof(span->ids.trace));
	memcpy(span->ids.span, s->id.p, sizeof(span->ids.span));
	if (s->parent.n)
		memcpy(span->ids.parent, s->parent.p, sizeof(span->ids.parent));
	span->origin = ORIGIN_OTLP;
	span->weight =
		sampling_weight(sampling_from_tracestate(s->state), span->ids.trace);
	span->start_us = (int64_t)(s->start_ns / NS_PER_US);
	span->end_us = (int64_t)(s->end_ns / NS_PER_US);
	if (s->end_ns > s->start_ns && s->start_ns > 0)
		span->duration_us = (int64_t)((s->end_ns - s->start_ns) / NS_PER_US);
	r->result.accepted++;
	r->sink->span(r->sink->ctx, span);
}

static enum note_severity
severity_from(int number)
{
	if (number <= 0)
		return NOTE_INFO;
	return number <= 4    ? NOTE_TRACE
	       : number <= 8  ? NOTE_DEBUG
	       : number <= 12 ? NOTE_INFO
	       : number <= 16 ? NOTE_WARN
	       : number <= 20 ? NOTE_ERROR
			      : NOTE_FATAL;
}

void
otlp_take_log(struct otlp_reader *r, const struct otlp_log *l)
{
	uint64_t at_ns = l->at_ns ? l->at_ns : l->observed_ns;
	struct note n = {
		.service = l->service,
		.text = l->body,
		.severity = severity_from(l->severity),
		.at_us = (int64_t)(at_ns / NS_PER_US),
	};

	if (r->judging)
		return;
	r->result.accepted++;
	/* Nothing to show, or nowhere to show it: taken, as the protocol has it. */
	if (at_ns == 0 || l->service.n == 0 || l->body.n == 0)
		return;
	if (l->trace.n == sizeof(n.ids.trace))
		memcpy(n.ids.trace, l->trace.p, l->trace.n);
	if (l->id.n == sizeof(n.ids.span))
		memcpy(n.ids.span, l->id.p, l->id.n);
	r->sink->note(r->sink->ctx, &n);
}

void
otlp_add_label(struct otlp_point *p, struct str value)
{
	size_t have = strlen(p->labels);

	p->series = p->series * 31 + hash_bytes(value.n ? value.p : "", value.n) + 1;
	if (value.n == 0 || value.n > sizeof(p->labels) - 2 - have ||
		memchr(value.p, '\0', value.n))
		return;
	if (have)
		p->labels[have++] = ',';
	memcpy(p->labels + have, value.p, value.n);
	p->labels[have + value.n] = '\0';
}

/* The name with its labels; short-lived. */
static struct str
labelled(struct otlp_reader *r, const struct otlp_point *p)
{
	char *name = NULL;

	if (p->labels[0])
		name = otlp_printf(
			&r->record, "%.*s{%s}", (int)p->name.n, p->name.p, p->labels);
	return name ? str_of(name) : p->name;
}

static void
take_counter(struct otlp_reader *r, const struct otlp_point *p)
{
	bool histogram = p->kind == POINT_HISTOGRAM;
	struct otlp_counter c = {
		.service = p->service,
		.name = labelled(r, p),
		.unit = p->unit,
		.start_us = (int64_t)(p->start_ns / NS_PER_US),
		.at_us = (int64_t)(p->at_ns / NS_PER_US),
		.delta = p->delta,
		.histogram = histogram,
		.count = histogram ? p->count : p->value,
		.sum = histogram ? p->value : 0,
	};

	/* Of plain counters only times say something by themselves: those of a CPU. */
	if (!r->sink->counter || (!histogram && !str_eq(p->unit, STR("s"))))
		return;
	c.series = p->series ^ hash_bytes(p->service.p, p->service.n) * 3 ^
		   hash_bytes(p->name.p, p->name.n);
	r->sink->counter(r->sink->ctx, &c);
}

void
otlp_take_point(struct otlp_reader *r, const struct otlp_point *p)
{
	struct gauge g = {
		.service = p->service,
		.unit = p->unit,
		.value = p->value,
		.at_us = (int64_t)(p->at_ns / NS_PER_US),
	};

	if (r->judging)
		return;
	r->result.accepted++;
	if (p->at_ns == 0 || p->service.n == 0 || p->name.n == 0 || p->name.n > 255 ||
		!p->has_value || !isfinite(p->value))
		return;
	if (p->kind != POINT_VALUE) {
		take_counter(r, p);
		return;
	}
	g.name = labelled(r, p);
	r->sink->gauge(r->sink->ctx, &g);
}

enum status
otlp_read(enum otlp_signal signal, enum otlp_encoding e, char *body, size_t n,
	const struct otlp_sink *sink, struct otlp_result *ret_result)
{
	struct otlp_reader r = { .sink = sink,
		.body.left = n * DECODE_FACTOR + DECODE_LEAST,
		.record.left = RECORD_TEXT };
	enum status s;

	/* The empty message; JSON has no such text. */
	if (n == 0) {
		*ret_result = r.result;
		return e == OTLP_PROTOBUF ? STATUS_OK : STATUS_ERR_TRUNCATED;
	}
	s = e == OTLP_JSON ? otlp_read_json(&r, signal, body, n)
			   : otlp_read_protobuf(&r, signal, body, n);
	arena_done(&r.body.arena);
	arena_done(&r.record.arena);
	*ret_result = r.result;
	return s;
}

/* ------------------------------------------------------------ answers */

static void
put_message(struct buf *out, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);

	out->n += protobuf_c_message_pack(m, (uint8_t *)buf_reserve(out, n));
}

void
otlp_put_response(struct buf *out, enum otlp_signal signal, enum otlp_encoding e,
	const struct otlp_result *r)
{
	static const char *const names[] = { "rejectedSpans", "rejectedDataPoints",
		"rejectedLogRecords" };
	Otlp__PartialSuccess partial;
	Otlp__Response response;

	if (e == OTLP_JSON && r->rejected == 0) {
		buf_adds(out, "{}");
	} else if (e == OTLP_JSON) {
		buf_addf(out,
			"{\"partialSuccess\":{\"%s\":\"%" PRIu64
			"\",\"errorMessage\":\"%s\"}}",
			names[signal], r->rejected, r->why);
	} else if (r->rejected > 0) {
		otlp__partial_success__init(&partial);
		otlp__response__init(&response);
		partial.rejected = (int64_t)r->rejected;
		partial.error_message = (char *)r->why;
		response.partial_success = &partial;
		put_message(out, &response.base);
	}
}

void
otlp_put_status(struct buf *out, enum otlp_encoding e, int code, const char *why)
{
	Otlp__Status status;

	if (e == OTLP_JSON) {
		buf_addf(out, "{\"code\":%d,\"message\":\"%s\"}", code, why);
		return;
	}
	otlp__status__init(&status);
	status.code = code;
	status.message = (char *)why;
	put_message(out, &status.base);
}
