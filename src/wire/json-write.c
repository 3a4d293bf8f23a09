/*
 * Events and beats as JSON objects, in the form that encoding-json.c reads: what is
 * unknown is left out, never written as 0.
 */
#include "config.h"

#include <stdio.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"

/* Times outside would be read back in another unit (man/weir-wire.7, "ts"). */
#define TS_SECONDS_BELOW_US INT64_C(100000000000000)
#define TS_BELOW_US INT64_C(100000000000000000)

static void
put_u64(struct buf *out, uint64_t v)
{
	char digits[20];
	unsigned n = 0;

	do
		digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(out, digits + sizeof(digits) - n, n);
}

static void
put_escaped(struct buf *out, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, s.p + from, i - from);
		from = i + 1;
		if (c < 0x20)
			buf_addf(out, "\\u%04x", c);
		else
			buf_add(out, (const char[]){ '\\', (char)c }, 2);
	}
	buf_add(out, s.p ? s.p + from : NULL, s.n - from);
}

static bool
is_all_ascii(struct str s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

/*
 * Text between quotes. What JSON cannot carry, broken UTF-8 and NUL, goes as the \xNN
 * that the receiver's name table would make of it anyway.
 */
static void
put_text(struct buf *out, struct str s)
{
	struct buf clean = BUF_INIT;

	if ((!is_all_ascii(s) && !text_is_utf8(s)) ||
		(s.n > 0 && memchr(s.p, '\0', s.n))) {
		text_clean(&clean, s, s.n * 4 + 4);
		s = buf_str(&clean);
	}
	buf_addc(out, '"');
	put_escaped(out, s);
	buf_addc(out, '"');
	buf_done(&clean);
}

/* The first member comes behind the brace, each other one behind a comma. */
static void
put_key(struct buf *out, const char *key)
{
	if (out->p[out->n - 1] != '{')
		buf_addc(out, ',');
	buf_addc(out, '"');
	buf_adds(out, key);
	buf_add(out, "\":", 2);
}

static void
put_text_member(struct buf *out, const char *key, struct str s)
{
	if (s.n == 0)
		return;
	put_key(out, key);
	put_text(out, s);
}

static void
put_word_member(struct buf *out, const char *key, const char *word)
{
	put_text_member(out, key, str_of(word));
}

/* Nothing when @v is FLOW_UNKNOWN. */
static void
put_number_member(struct buf *out, const char *key, int64_t v)
{
	if (v < 0)
		return;
	put_key(out, key);
	put_u64(out, (uint64_t)v);
}

static void
put_time_member(struct buf *out, int64_t us)
{
	if (us < 0 || us >= TS_BELOW_US)
		return;
	put_key(out, "ts");
	if (us < TS_SECONDS_BELOW_US)
		buf_addf(out, "%lld.%06lld", (long long)(us / SEC_US),
			(long long)(us % SEC_US));
	else
		put_u64(out, (uint64_t)us);
}

static void
put_id_member(struct buf *out, const char *key, const uint8_t *id, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[32];
	unsigned any = 0;

	for (size_t i = 0; i < n; i++) {
		any |= id[i];
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	if (any)
		put_text_member(out, key, (struct str){ .p = text, .n = 2 * n });
}

static void
put_ids(struct buf *out, const struct flow_ids *ids)
{
	put_id_member(out, "trace", ids->trace, sizeof(ids->trace));
	put_id_member(out, "span", ids->span, sizeof(ids->span));
	put_id_member(out, "parent", ids->parent, sizeof(ids->parent));
}

static void
put_failed(struct buf *out, bool failed)
{
	if (!failed)
		return;
	put_key(out, "err");
	buf_adds(out, "true");
}

/* What an edge is made of beside its names; the usual case is left out. */
static void
put_edge(struct buf *out, enum flow_kind kind, enum flow_origin origin,
	enum node_kind src_kind, enum node_kind dst_kind)
{
	if (kind != KIND_UNKNOWN)
		put_word_member(out, "kind", flow_kind_word(kind));
	if (origin != ORIGIN_DIRECT)
		put_word_member(out, "origin", flow_origin_word(origin));
	if (src_kind != NODE_SERVICE)
		put_word_member(out, "src_kind", node_kind_word(src_kind));
	if (dst_kind != NODE_SERVICE)
		put_word_member(out, "dst_kind", node_kind_word(dst_kind));
}

static void
put_flow(struct buf *out, const struct flow *f)
{
	put_time_member(out, f->end_us);
	put_text_member(out, "src", f->src);
	put_text_member(out, "dst", f->dst);
	put_text_member(out, "op", f->op);
	put_edge(out, f->kind, f->origin, f->src_kind, f->dst_kind);
	put_number_member(out, "us", f->client_us);
	put_number_member(out, "srv_us", f->server_us);
	put_number_member(out, "queue_us", f->queue_us);
	put_number_member(out, "in", f->bytes_in);
	put_number_member(out, "out", f->bytes_out);
	put_failed(out, f->failed);
	put_text_member(out, "code", f->code);
	if (f->weight > 1)
		put_number_member(out, "n", f->weight);
	put_ids(out, &f->ids);
}

static void
put_work(struct buf *out, const struct work *w)
{
	put_time_member(out, w->end_us);
	put_key(out, "work");
	put_text(out, w->op);
	put_text_member(out, "service", w->service);
	put_number_member(out, "us", w->duration_us);
	put_failed(out, w->failed);
	put_ids(out, &w->ids);
}

static void
put_note(struct buf *out, const struct note *n)
{
	put_time_member(out, n->at_us);
	put_key(out, "note");
	put_text(out, n->text);
	put_text_member(out, "service", n->service);
	put_word_member(out, "sev", note_severity_word(n->severity));
	put_ids(out, &n->ids);
}

/* As many digits as bring the same double back; a point whatever the locale says. */
static void
put_double(struct buf *out, double v)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%.17g", v);
	bool in_point = false;

	for (int i = 0; i < n; i++) {
		bool plain = (text[i] >= '0' && text[i] <= '9') || text[i] == '-' ||
			     text[i] == '+' || text[i] == 'e';

		if (plain)
			buf_addc(out, text[i]);
		else if (!in_point)
			buf_addc(out, '.');
		in_point = !plain;
	}
}

static void
put_gauge(struct buf *out, const struct gauge *g)
{
	put_time_member(out, g->at_us);
	put_text_member(out, "gauge", g->name);
	put_text_member(out, "service", g->service);
	put_key(out, "value");
	put_double(out, g->value);
	put_text_member(out, "unit", g->unit);
}

static void
put_member(struct buf *out, const struct member *m)
{
	put_time_member(out, m->at_us);
	put_text_member(out, "group", m->group);
	put_text_member(out, "service", m->service);
}

static void
put_histogram(struct buf *out, const struct delta *d)
{
	if (d->latency.n == 0)
		return;
	put_key(out, "hist");
	buf_adds(out, "{\"le_us\":[");
	for (uint32_t i = 0; i < d->latency.n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		int64_t bound_us = buckets_bound(&d->latency, i);

		if (bound_us == INT64_MAX)
			buf_adds(out, "null");
		else
			put_u64(out, (uint64_t)bound_us);
	}
	buf_adds(out, "],\"count\":[");
	for (uint32_t i = 0; i < d->latency.n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		put_u64(out, d->latency.count[i]);
	}
	buf_adds(out, "]}");
}

static void
put_delta(struct buf *out, const struct delta *d)
{
	put_time_member(out, d->end_us);
	put_text_member(out, "src", d->src);
	put_text_member(out, "dst", d->dst);
	put_text_member(out, "op", d->op);
	put_edge(out, d->kind, d->origin, d->src_kind, d->dst_kind);
	put_key(out, "span_ms");
	buf_addf(out, "%lld.%03lld", (long long)(d->span_us / 1000),
		(long long)(d->span_us % 1000));
	put_key(out, "calls");
	put_u64(out, d->calls);
	put_key(out, "errors");
	put_u64(out, d->errors);
	put_number_member(out, "in", d->bytes_in);
	put_number_member(out, "out", d->bytes_out);
	put_histogram(out, d);
}

void
wire_put_json(struct buf *out, const struct event *e)
{
	buf_addc(out, '{');
	switch (e->type) {
	case EVENT_FLOW:
		put_flow(out, &e->u.flow);
		break;
	case EVENT_WORK:
		put_work(out, &e->u.work);
		break;
	case EVENT_NOTE:
		put_note(out, &e->u.note);
		break;
	case EVENT_GAUGE:
		put_gauge(out, &e->u.gauge);
		break;
	case EVENT_DELTA:
		put_delta(out, &e->u.delta);
		break;
	case EVENT_MEMBER:
		put_member(out, &e->u.member);
		break;
	}
	buf_addc(out, '}');
}

void
wire_put_beat(struct buf *out, const struct wire_beat *b)
{
	const struct {
		const char *key;
		uint64_t v;
	} numbers[] = {
		{ "accepted", b->accepted },
		{ "shed_queue", b->shed_queue },
		{ "shed_quota", b->shed_quota },
		{ "rejected", b->rejected },
		{ "parse_errors", b->parse_errors },
		{ "unpaired", b->unpaired },
		{ "duplicate", b->duplicate },
		{ "waiting", b->waiting },
		{ "busy", b->busy },
	};

	buf_addc(out, '{');
	put_text_member(out, "host", b->host);
	put_text_member(out, "program", b->program);
	put_text_member(out, "version", b->version);
	put_text_member(out, "input", b->input);
	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		put_key(out, numbers[i].key);
		put_u64(out, numbers[i].v);
	}
	buf_addc(out, '}');
}
