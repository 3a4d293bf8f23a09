#include "config.h"

#include "batch-write.h"

#include <stdlib.h>

#include "batch.h"
#include "bytes.h"
#include "dict.h"
#include "weir/base/util.h"

#define VARINT_MAX 10

/* What can be said above a base in seven bytes, with one more for unknown. */
#define SPAN_MAX ((UINT64_C(1) << 56) - 2)

struct section {
	struct buf cells; /* of int64_t, row by row */
	struct buf ids;   /* of struct flow_ids */
	uint32_t rows;
	int64_t least[BATCH_COLUMNS_MAX], most[BATCH_COLUMNS_MAX]; /* of the known ones */
	bool has_id[BATCH_IDS];
	size_t bytes; /* at most, written */
};

struct writer {
	struct dict texts, routes;
	struct section section[BATCH_SECTIONS];
};

struct route {
	uint32_t src, dst, op;
	uint8_t kind, origin, src_kind, dst_kind;
};

static void
clear(struct writer *w)
{
	dict_clear(&w->texts);
	dict_clear(&w->routes);
	for (unsigned i = 0; i < BATCH_SECTIONS; i++) {
		struct section *s = &w->section[i];

		buf_clear(&s->cells);
		buf_clear(&s->ids);
		s->rows = 0;
		s->bytes = 0;
		for (unsigned c = 0; c < BATCH_COLUMNS_MAX; c++) {
			s->least[c] = INT64_MAX;
			s->most[c] = -1;
		}
		memset(s->has_id, 0, sizeof(s->has_id));
	}
}

void *
batch_open(void)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	clear(w);
	return w;
}

void
batch_close(void *ctx)
{
	struct writer *w = ctx;

	if (!w)
		return;
	dict_done(&w->texts);
	dict_done(&w->routes);
	for (unsigned i = 0; i < BATCH_SECTIONS; i++) {
		buf_done(&w->section[i].cells);
		buf_done(&w->section[i].ids);
	}
	free(w);
}

/* ------------------------------------------------------------ columns */

struct form {
	uint64_t base;
	unsigned width;
};

static unsigned
bytes_of(uint64_t v)
{
	return v ? (71u - (unsigned)__builtin_clzll(v)) / 8 : 0;
}

/* How column @c of a section is best written. */
static struct form
form_of(const struct section *s, const struct batch_shape *shape, unsigned c)
{
	bool optional = shape->optional >> c & 1;
	struct form f = { .base = 0 };
	uint64_t span;

	if (s->most[c] >= 0) {
		span = (uint64_t)s->most[c] - (uint64_t)s->least[c];
		if (span > SPAN_MAX || s->least[c] > BATCH_BASE_MAX) {
			f.width = 8;
			return f;
		}
		f.base = (uint64_t)s->least[c];
		f.width = bytes_of(span + optional);
	}
	if (c == 0)
		f.width = MAX(f.width, 1);
	return f;
}

static void
put_varint(struct buf *out, uint64_t v)
{
	char bytes[VARINT_MAX];
	unsigned n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_add(out, bytes, n);
}

static void
put_column(struct buf *out, const struct section *s, const struct batch_shape *shape,
	unsigned c)
{
	const int64_t *cell = (const int64_t *)(const void *)s->cells.p + c;
	struct form f = form_of(s, shape, c);
	uint64_t more = shape->optional >> c & 1;
	unsigned char *p;

	buf_addc(out, (char)f.width);
	put_varint(out, f.base);
	p = (unsigned char *)buf_reserve(out, (size_t)s->rows * f.width + 8);
	for (uint32_t i = 0; f.width && i < s->rows; i++, cell += shape->columns) {
		put_le(p, *cell < 0 ? 0 : (uint64_t)*cell - f.base + more, 8);
		p += f.width;
		out->n += f.width;
	}
}

static void
put_ids(struct buf *out, const struct section *s)
{
	const char *at = s->ids.p;
	unsigned mask = 0;

	for (unsigned k = 0; k < BATCH_IDS; k++)
		mask |= (unsigned)s->has_id[k] << k;
	buf_addc(out, (char)mask);
	for (unsigned k = 0; k < BATCH_IDS; at += batch_id_bytes[k++])
		for (uint32_t i = 0; s->has_id[k] && i < s->rows; i++)
			buf_add(out, at + i * sizeof(struct flow_ids), batch_id_bytes[k]);
}

static void
put_section(struct buf *out, const struct section *s, const struct batch_shape *shape)
{
	put_varint(out, s->rows);
	if (!s->rows)
		return;
	for (unsigned c = 0; c < shape->columns; c++)
		put_column(out, s, shape, c);
	if (shape->ids)
		put_ids(out, s);
}

/* Add a row. What is below 0 is unknown, or 0 where that cannot be said. */
static void
add_row(struct writer *w, enum batch_section at, int64_t *cell,
	const struct flow_ids *ids)
{
	const struct batch_shape *shape = &batch_shapes[at];
	struct section *s = &w->section[at];
	unsigned width = 0;

	for (unsigned c = 0; c < shape->columns; c++) {
		if (cell[c] < 0 && !(shape->optional >> c & 1))
			cell[c] = 0;
		if (cell[c] >= 0) {
			s->least[c] = MIN(s->least[c], cell[c]);
			s->most[c] = MAX(s->most[c], cell[c]);
		}
		width += form_of(s, shape, c).width;
	}
	buf_add(&s->cells, cell, shape->columns * sizeof(*cell));
	if (shape->ids) {
		static const struct flow_ids none;

		s->has_id[0] |= memcmp(ids->trace, none.trace, sizeof(none.trace)) != 0;
		s->has_id[1] |= memcmp(ids->span, none.span, sizeof(none.span)) != 0;
		s->has_id[2] |=
			memcmp(ids->parent, none.parent, sizeof(none.parent)) != 0;
		buf_add(&s->ids, ids, sizeof(*ids));
	}
	for (unsigned k = 0; k < BATCH_IDS; k++)
		width += s->has_id[k] ? batch_id_bytes[k] : 0;
	s->rows++;
	s->bytes = (size_t)s->rows * width + (shape->columns + 1u) * (1 + VARINT_MAX);
}

/* ------------------------------------------------------------ records */

static int64_t
text_id(struct writer *w, struct str s)
{
	return s.n ? (int64_t)dict_id(&w->texts, s) + 1 : 0;
}

static int64_t
route_id(struct writer *w, struct str src, struct str dst, struct str op,
	enum flow_kind kind, enum flow_origin origin, enum node_kind src_kind,
	enum node_kind dst_kind)
{
	struct route r = {
		.src = (uint32_t)text_id(w, src),
		.dst = (uint32_t)text_id(w, dst),
		.op = (uint32_t)text_id(w, op),
		.kind = (uint8_t)kind,
		.origin = (uint8_t)origin,
		.src_kind = (uint8_t)src_kind,
		.dst_kind = (uint8_t)dst_kind,
	};

	return dict_id(&w->routes, (struct str){ (const char *)&r, sizeof(r) });
}

static void
add_flow(struct writer *w, const struct flow *f)
{
	int64_t cell[] = {
		[FLOW_ROUTE] = route_id(w, f->src, f->dst, f->op, f->kind, f->origin,
			f->src_kind, f->dst_kind),
		[FLOW_END] = f->end_us,
		[FLOW_CLIENT] = f->client_us,
		[FLOW_SERVER] = f->server_us,
		[FLOW_QUEUE] = f->queue_us,
		[FLOW_IN] = f->bytes_in,
		[FLOW_OUT] = f->bytes_out,
		[FLOW_FAILED] = f->failed,
		[FLOW_CODE] = text_id(w, f->code),
		[FLOW_WEIGHT] = f->weight,
	};

	add_row(w, BATCH_FLOWS, cell, &f->ids);
}

static void
add_work(struct writer *w, const struct work *k)
{
	int64_t cell[] = {
		[WORK_SERVICE] = text_id(w, k->service),
		[WORK_OP] = text_id(w, k->op),
		[WORK_END] = k->end_us,
		[WORK_DURATION] = k->duration_us,
		[WORK_FAILED] = k->failed,
	};

	add_row(w, BATCH_WORKS, cell, &k->ids);
}

static void
add_note(struct writer *w, const struct note *n)
{
	int64_t cell[] = {
		[NOTE_SERVICE] = text_id(w, n->service),
		[NOTE_BODY] = text_id(w, n->text),
		[NOTE_SEVERITY] = n->severity,
		[NOTE_AT] = n->at_us,
	};

	add_row(w, BATCH_NOTES, cell, &n->ids);
}

static void
add_gauge(struct writer *w, const struct gauge *g)
{
	uint64_t bits;
	int64_t cell[] = {
		[GAUGE_SERVICE] = text_id(w, g->service),
		[GAUGE_NAME] = text_id(w, g->name),
		[GAUGE_UNIT] = text_id(w, g->unit),
		[GAUGE_AT] = g->at_us,
		[GAUGE_LOW] = 0,
	};

	memcpy(&bits, &g->value, sizeof(bits));
	cell[GAUGE_HIGH] = (int64_t)(bits >> 32);
	cell[GAUGE_LOW] = (int64_t)(bits & UINT32_MAX);
	add_row(w, BATCH_GAUGES, cell, NULL);
}

static void
add_member(struct writer *w, const struct member *m)
{
	int64_t cell[] = {
		[MEMBER_SERVICE] = text_id(w, m->service),
		[MEMBER_GROUP] = text_id(w, m->group),
		[MEMBER_AT] = m->at_us,
	};

	add_row(w, BATCH_MEMBERS, cell, NULL);
}

/* A bound of our own as the bucket's number, any other as itself. */
static int64_t
bound_code(int64_t bound_us)
{
	unsigned bucket = hist_index((uint64_t)bound_us);

	if (bound_us == INT64_MAX)
		return BATCH_NO_BOUND;
	return hist_high(bucket) == bound_us
		       ? (int64_t)bucket
		       : MIN(bound_us, BATCH_BASE_MAX) + BATCH_BOUND;
}

static void
add_buckets(struct writer *w, const struct buckets *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t cell[] = {
			[BUCKET_BOUND] =
				b->bound_us ? bound_code(b->bound_us[i]) : b->bucket[i],
			[BUCKET_COUNT] = (int64_t)b->count[i],
		};

		add_row(w, BATCH_BUCKETS, cell, NULL);
	}
}

static void
add_delta(struct writer *w, const struct delta *d)
{
	int64_t cell[] = {
		[DELTA_ROUTE] = route_id(w, d->src, d->dst, d->op, d->kind, d->origin,
			d->src_kind, d->dst_kind),
		[DELTA_END] = d->end_us,
		[DELTA_SPAN] = d->span_us,
		[DELTA_CALLS] = (int64_t)d->calls,
		[DELTA_ERRORS] = (int64_t)d->errors,
		[DELTA_IN] = d->bytes_in,
		[DELTA_OUT] = d->bytes_out,
		[DELTA_WEIGHT] = MAX(d->weight, 1),
		[DELTA_EVENTS] = d->events,
		[DELTA_LATENCIES] = d->latency.n,
		[DELTA_SERVERS] = d->server.n,
		[DELTA_QUEUES] = d->queue.n,
		[DELTA_EXEMPLARS] = d->exemplars,
	};

	add_row(w, BATCH_DELTAS, cell, NULL);
	add_buckets(w, &d->latency);
	add_buckets(w, &d->server);
	add_buckets(w, &d->queue);
	for (uint32_t i = 0; i < d->exemplars; i++) {
		const struct delta_exemplar *x = &d->exemplar[i];
		int64_t picked[] = {
			[EXEMPLAR_FAILED] = x->failed,
			[EXEMPLAR_END] = x->end_us,
			[EXEMPLAR_LATENCY] = x->latency_us,
		};

		add_row(w, BATCH_EXEMPLARS, picked, &x->ids);
	}
}

size_t
batch_add(void *ctx, const struct event *e)
{
	struct writer *w = ctx;
	size_t bytes;

	switch (e->type) {
	case EVENT_FLOW:
		add_flow(w, &e->u.flow);
		break;
	case EVENT_WORK:
		add_work(w, &e->u.work);
		break;
	case EVENT_NOTE:
		add_note(w, &e->u.note);
		break;
	case EVENT_GAUGE:
		add_gauge(w, &e->u.gauge);
		break;
	case EVENT_DELTA:
		add_delta(w, &e->u.delta);
		break;
	case EVENT_MEMBER:
		add_member(w, &e->u.member);
		break;
	}
	if (w->texts.count > BATCH_TEXTS_MAX / 2 ||
		w->routes.count > BATCH_ROUTES_MAX / 2)
		return SIZE_MAX;
	/* Numbers of texts and lengths: three bytes each, up to half of those tables. */
	bytes = 1 + 2 * VARINT_MAX + w->texts.bytes.n + w->texts.count * (size_t)4 +
		w->routes.count * (size_t)12;
	for (unsigned i = 0; i < BATCH_SECTIONS; i++)
		bytes += w->section[i].bytes + 2 * VARINT_MAX + 1;
	return bytes;
}

/* What a reader may not know has its number and its length before it. */
static void
put_more(struct buf *out, const struct writer *w)
{
	struct buf bytes = BUF_INIT;

	for (unsigned i = BATCH_MORE; i < BATCH_SECTIONS; i++) {
		if (!w->section[i].rows)
			continue;
		buf_clear(&bytes);
		put_section(&bytes, &w->section[i], &batch_shapes[i]);
		buf_addc(out, (char)i);
		put_varint(out, bytes.n);
		buf_add_str(out, buf_str(&bytes));
	}
	buf_done(&bytes);
}

static bool
has_more(const struct writer *w)
{
	for (unsigned i = BATCH_MORE; i < BATCH_SECTIONS; i++)
		if (w->section[i].rows)
			return true;
	return false;
}

void
batch_finish(void *ctx, struct buf *out)
{
	struct writer *w = ctx;

	buf_addc(out, has_more(w) ? BATCH_LAYOUT_MORE : BATCH_LAYOUT);
	put_varint(out, w->texts.count);
	for (uint32_t i = 0; i < w->texts.count; i++) {
		put_varint(out, dict_at(&w->texts, i).n);
		buf_add_str(out, dict_at(&w->texts, i));
	}
	put_varint(out, w->routes.count);
	for (uint32_t i = 0; i < w->routes.count; i++) {
		struct route r;

		memcpy(&r, dict_at(&w->routes, i).p, sizeof(r));
		put_varint(out, r.src);
		put_varint(out, r.dst);
		put_varint(out, r.op);
		buf_addc(out, (char)r.kind);
		buf_addc(out, (char)r.origin);
		buf_addc(out, (char)(r.src_kind | r.dst_kind << 4));
	}
	for (unsigned i = 0; i < BATCH_MORE; i++)
		put_section(out, &w->section[i], &batch_shapes[i]);
	put_more(out, w);
	clear(w);
}
