#include "config.h"

#include "wire-kit.h"

#include <stdio.h>

#include "weir/base/util.h"

uint64_t
dice_roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % sides;
}

/* Valid UTF-8 with all that JSON has to escape. */
static struct str
dice_text(struct dice *d, size_t at_least)
{
	static const char *const pieces[] = { "a", "payment", "\"", "\\", "/", "\n", "\t",
		"\x01", "\x1f", "ä", "支付", "🐟", "\xe2\x80\xae", "\\u0041", " ", "{",
		"}" };
	static char texts[64][256];
	static unsigned next;
	char *text = texts[next++ % ARRAY_LEN(texts)];
	size_t n = 0, count = at_least + dice_roll(d, 6);

	for (size_t i = 0; i < count; i++) {
		const char *piece = pieces[dice_roll(d, ARRAY_LEN(pieces))];

		memcpy(text + n, piece, strlen(piece));
		n += strlen(piece);
	}
	return (struct str){ .p = text, .n = n };
}

static int64_t
dice_number(struct dice *d, int64_t max)
{
	if (dice_roll(d, 4) == 0)
		return FLOW_UNKNOWN;
	return (int64_t)dice_roll(d, dice_roll(d, 2) ? 1000 : (uint64_t)max);
}

static void
dice_ids(struct dice *d, struct flow_ids *ids)
{
	uint8_t *bytes = (uint8_t *)ids;

	memset(ids, 0, sizeof(*ids));
	if (dice_roll(d, 2))
		for (size_t i = 0; i < sizeof(*ids); i++)
			bytes[i] = (uint8_t)dice_roll(d, 256);
}

static int64_t
dice_time(struct dice *d)
{
	return (int64_t)dice_roll(d,
		dice_roll(d, 2) ? UINT64_C(3000000000000000) : UINT64_C(100000000000000));
}

static void
dice_flow(struct dice *d, struct flow *f)
{
	flow_init(f);
	f->src = dice_text(d, 1);
	f->dst = dice_text(d, 1);
	f->op = dice_text(d, 0);
	f->code = dice_text(d, 0);
	f->kind = (enum flow_kind)dice_roll(d, KIND_COUNT);
	f->origin = (enum flow_origin)dice_roll(d, ORIGIN_COUNT);
	f->src_kind = (enum node_kind)dice_roll(d, NODE_KIND_COUNT);
	f->dst_kind = (enum node_kind)dice_roll(d, NODE_KIND_COUNT);
	f->failed = dice_roll(d, 2);
	f->end_us = dice_time(d);
	f->client_us = dice_number(d, INT64_C(30000000000000));
	f->server_us = dice_number(d, INT64_C(30000000000000));
	f->queue_us = dice_number(d, INT64_C(30000000000000));
	f->bytes_in = dice_number(d, INT64_MAX);
	f->bytes_out = dice_number(d, INT64_MAX);
	f->weight = 1 + (uint32_t)dice_roll(d, dice_roll(d, 2) ? 3 : UINT32_MAX);
	dice_ids(d, &f->ids);
}

static void
dice_delta(struct dice *d, struct delta *t)
{
	static int64_t bounds[4][40];
	static uint32_t counts[4][40];
	static unsigned next;
	unsigned slot = next++ % 4;
	uint32_t n = (uint32_t)dice_roll(d, 40);
	int64_t bound = 0;

	for (uint32_t i = 0; i < n; i++) {
		bound += 1 + (int64_t)dice_roll(d, 100000000);
		bounds[slot][i] = i + 1 == n && dice_roll(d, 2) ? INT64_MAX : bound;
		counts[slot][i] = (uint32_t)dice_roll(d, 1000000000);
	}
	*t = (struct delta){
		.src = dice_text(d, 1),
		.dst = dice_text(d, 1),
		.op = dice_text(d, 0),
		.kind = (enum flow_kind)dice_roll(d, KIND_COUNT),
		.origin = (enum flow_origin)dice_roll(d, ORIGIN_COUNT),
		.end_us = dice_time(d),
		.span_us = 1 + (int64_t)dice_roll(d, 3000000),
		.calls = 5 + dice_roll(d, 1000000000000),
		.errors = dice_roll(d, 5),
		.bytes_in = dice_number(d, INT64_MAX),
		.bytes_out = dice_number(d, INT64_MAX),
		.latency = { bounds[slot], counts[slot], n },
	};
}

static double
dice_double(struct dice *d)
{
	static const double special[] = { 0.1, 1e300, -5e-324, 1.0 / 3, -0.25,
		12345678.9 };

	if (dice_roll(d, 2))
		return special[dice_roll(d, ARRAY_LEN(special))];
	return (double)(int64_t)dice_roll(d, UINT64_MAX) / 3e9;
}

void
dice_event(struct dice *d, struct event *ret_event)
{
	struct event *e = ret_event;

	memset(e, 0, sizeof(*e));
	e->type = (enum event_type)dice_roll(d, EVENT_TYPES);
	switch (e->type) {
	case EVENT_FLOW:
		dice_flow(d, &e->u.flow);
		break;
	case EVENT_DELTA:
		dice_delta(d, &e->u.delta);
		break;
	case EVENT_WORK:
		e->u.work.service = dice_text(d, 1);
		e->u.work.op = dice_text(d, 0);
		e->u.work.end_us = dice_time(d);
		e->u.work.duration_us = (int64_t)dice_roll(d, 1000000);
		e->u.work.failed = dice_roll(d, 2);
		dice_ids(d, &e->u.work.ids);
		break;
	case EVENT_NOTE:
		e->u.note.service = dice_text(d, 1);
		e->u.note.text = dice_text(d, 0);
		e->u.note.severity = (enum note_severity)dice_roll(d, NOTE_FATAL + 1);
		e->u.note.at_us = dice_time(d);
		dice_ids(d, &e->u.note.ids);
		break;
	case EVENT_GAUGE:
		e->u.gauge.service = dice_text(d, 1);
		e->u.gauge.name = dice_text(d, 1);
		e->u.gauge.unit = dice_text(d, 0);
		e->u.gauge.value = dice_double(d);
		e->u.gauge.at_us = dice_time(d);
		break;
	case EVENT_MEMBER:
		e->u.member.service = dice_text(d, 1);
		e->u.member.group = dice_text(d, 1);
		e->u.member.at_us = dice_time(d);
		break;
	}
}

static void
describe_ids(struct buf *out, const struct flow_ids *ids)
{
	for (size_t i = 0; i < sizeof(*ids); i++)
		buf_addf(out, "%02x", ((const uint8_t *)ids)[i]);
}

static void
describe_text(struct buf *out, struct str s)
{
	buf_addf(out, "[%zu:", s.n);
	buf_add_str(out, s);
	buf_addc(out, ']');
}

#define LL(v) ((long long)(v))

void
event_describe(struct buf *out, const struct event *e)
{
	const struct flow *f = &e->u.flow;
	const struct delta *t = &e->u.delta;

	buf_addf(out, "%d ", e->type);
	switch (e->type) {
	case EVENT_FLOW:
		describe_text(out, f->src);
		describe_text(out, f->dst);
		describe_text(out, f->op);
		describe_text(out, f->code);
		buf_addf(out, " %d %d %d %d %d", f->kind, f->origin, f->src_kind,
			f->dst_kind, f->failed);
		buf_addf(out, " %lld %lld %lld %lld", LL(f->end_us), LL(f->client_us),
			LL(f->server_us), LL(f->queue_us));
		buf_addf(out, " %lld %lld %u ", LL(f->bytes_in), LL(f->bytes_out),
			f->weight);
		describe_ids(out, &f->ids);
		break;
	case EVENT_DELTA:
		describe_text(out, t->src);
		describe_text(out, t->dst);
		describe_text(out, t->op);
		buf_addf(out, " %d %d %d %d", t->kind, t->origin, t->src_kind,
			t->dst_kind);
		buf_addf(out, " %lld %lld %lld %lld", LL(t->end_us), LL(t->span_us),
			LL(t->calls), LL(t->errors));
		buf_addf(out, " %lld %lld", LL(t->bytes_in), LL(t->bytes_out));
		for (uint32_t i = 0; i < t->latency.n; i++)
			buf_addf(out, " %lld:%lld", LL(buckets_bound(&t->latency, i)),
				LL(t->latency.count[i]));
		break;
	case EVENT_WORK:
		describe_text(out, e->u.work.service);
		describe_text(out, e->u.work.op);
		buf_addf(out, " %lld %lld %d ", LL(e->u.work.end_us),
			LL(e->u.work.duration_us), e->u.work.failed);
		describe_ids(out, &e->u.work.ids);
		break;
	case EVENT_NOTE:
		describe_text(out, e->u.note.service);
		describe_text(out, e->u.note.text);
		buf_addf(out, " %d %lld ", e->u.note.severity, LL(e->u.note.at_us));
		describe_ids(out, &e->u.note.ids);
		break;
	case EVENT_GAUGE:
		describe_text(out, e->u.gauge.service);
		describe_text(out, e->u.gauge.name);
		describe_text(out, e->u.gauge.unit);
		buf_addf(out, " %a %lld", e->u.gauge.value, LL(e->u.gauge.at_us));
		break;
	case EVENT_MEMBER:
		describe_text(out, e->u.member.service);
		describe_text(out, e->u.member.group);
		buf_addf(out, " %lld", LL(e->u.member.at_us));
		break;
	}
	buf_addc(out, '\n');
}

enum status
decode_once(uint8_t encoding, struct str payload, int64_t now_us, wire_event_fn fn,
	void *ctx, struct wire_counts *counts)
{
	struct wire_decoder *d = wire_decoder_new();
	enum status s = wire_decode(d, encoding, payload, now_us, fn, ctx, counts);

	wire_decoder_free(d);
	return s;
}
