/*
 * The `batch` encoding, and `delta`, which is the same with events added up in it.
 *
 * The whole layout is checked before the first event is handed out: lengths, then
 * nothing but loads. What can still be wrong is the matter of one record: the number of
 * a text or a route that is not there, a name that is empty. Such a record is counted
 * and passed over.
 */
#include "config.h"

#include <stdlib.h>

#include "batch-write.h"
#include "batch.h"
#include "column.h"
#include "encoding.h"
#include "weir/base/util.h"

#define BLOCK 32 /* rows taken out of their columns at a time */

struct section {
	uint32_t rows;
	struct column column[BATCH_COLUMNS_MAX];
	const uint8_t *id[BATCH_IDS];
	size_t id_step[BATCH_IDS]; /* from row to row; 0: all unknown, as id[] says */
};

/* Memory is kept from payload to payload; the rest is of the one being read. */
struct reader {
	const uint8_t *p, *end;
	struct str *text;
	struct flow_memo *route;
	uint32_t texts, routes; /* the empty text included */
	uint32_t text_room, route_room;
	struct section section[BATCH_SECTIONS];
	int64_t cell[BATCH_COLUMNS_MAX][BLOCK];

	int64_t now_us;
	wire_event_fn fn;
	void *ctx;
	struct wire_counts *counts;
	/* What of the deltas' lists has been read, and the lists of one. */
	uint32_t buckets, exemplars, exemplar_room;
	int64_t *bound_us;
	uint16_t *bucket;
	uint32_t *count;
	struct delta_exemplar *exemplar;
};

/* ------------------------------------------------------------ the layout */

/* A varint, and what stands behind it: NULL when it is none. */
struct varint {
	const uint8_t *behind;
	uint64_t v;
};

static struct varint
long_varint(const uint8_t *p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
		uint8_t b = *p++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return (struct varint){ p, v };
	}
	return (struct varint){ NULL, 0 };
}

/* Nearly all have one byte, and those of many routes two. */
static inline struct varint
varint(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 2)
		return long_varint(p, end);
	if (p[0] < 0x80)
		return (struct varint){ p + 1, p[0] };
	if (p[1] < 0x80)
		return (struct varint){ p + 2, (p[0] & 0x7fu) | (unsigned)p[1] << 7 };
	return long_varint(p, end);
}

static inline bool
take_varint(struct reader *r, uint64_t max, uint64_t *ret_v)
{
	struct varint n = varint(r->p, r->end);

	if (!n.behind || n.v > max)
		return false;
	r->p = n.behind;
	*ret_v = n.v;
	return true;
}

static inline bool
take_bytes(struct reader *r, size_t n, const uint8_t **ret_p)
{
	if ((size_t)(r->end - r->p) < n)
		return false;
	*ret_p = r->p;
	r->p += n;
	return true;
}

static bool
take_each_text(struct reader *r)
{
	const uint8_t *p = r->p, *end = r->end;

	for (uint32_t i = 1; i < r->texts; i++) {
		struct varint n = varint(p, end);

		if (!n.behind || n.v > (uint64_t)(end - n.behind))
			return false;
		r->text[i] = (struct str){ (const char *)n.behind, n.v };
		p = n.behind + n.v;
	}
	r->p = p;
	return true;
}

static bool
take_texts(struct reader *r)
{
	uint64_t n;

	if (!take_varint(r, BATCH_TEXTS_MAX, &n))
		return false;
	if (n + 1 > r->text_room) {
		r->text_room = (uint32_t)n + 1;
		r->text = xreallocarray(r->text, n + 1, sizeof(*r->text));
	}
	r->text[0] = STR("");
	r->texts = (uint32_t)n + 1;
	return take_each_text(r);
}

/* The next varint as the text of that number. Returns what is behind it, or NULL. */
static inline const uint8_t *
take_name(const struct reader *r, const uint8_t *p, struct str *ret_text)
{
	struct varint n = varint(p, r->end);

	if (!n.behind || n.v >= r->texts)
		return NULL;
	*ret_text = r->text[n.v];
	return n.behind;
}

/* A route. Words that a newer sender may know and this reader does not are no faults. */
static inline bool
take_route(struct reader *r, struct flow_memo *to)
{
	const uint8_t *p = r->p;
	unsigned src_kind, dst_kind;

	p = take_name(r, p, &to->src);
	p = p ? take_name(r, p, &to->dst) : NULL;
	p = p ? take_name(r, p, &to->op) : NULL;
	if (!p || r->end - p < 3)
		return false;
	r->p = p + 3;
	src_kind = p[2] & 15;
	dst_kind = p[2] >> 4;
	to->kind = p[0] < KIND_COUNT ? p[0] : KIND_UNKNOWN;
	to->origin = p[1] < ORIGIN_COUNT ? p[1] : ORIGIN_DIRECT;
	to->src_kind = src_kind < NODE_KIND_COUNT ? src_kind : NODE_SERVICE;
	to->dst_kind = dst_kind < NODE_KIND_COUNT ? dst_kind : NODE_SERVICE;
	to->stamp = 0;
	return true;
}

static bool
take_routes(struct reader *r)
{
	uint64_t n;

	if (!take_varint(r, BATCH_ROUTES_MAX, &n))
		return false;
	if (n > r->route_room) {
		r->route_room = (uint32_t)n;
		r->route = xreallocarray(r->route, n, sizeof(*r->route));
	}
	for (r->routes = 0; r->routes < n; r->routes++) {
		r->route[r->routes].following = (uint32_t)n - r->routes - 1;
		if (!take_route(r, &r->route[r->routes]))
			return false;
	}
	return true;
}

static bool
take_column(struct reader *r, struct column *c, uint32_t rows, bool first)
{
	const uint8_t *width;

	if (!take_bytes(r, 1, &width) || *width > 8 || (first && *width == 0) ||
		!take_varint(r, (uint64_t)BATCH_BASE_MAX, &c->base) ||
		(*width == 8 && c->base != 0))
		return false;
	c->width = *width;
	c->end = r->end;
	c->mask = c->width < 8 ? (UINT64_C(1) << 8 * c->width) - 1 : UINT64_MAX;
	return take_bytes(r, (size_t)rows * c->width, &c->p);
}

static bool
take_section(struct reader *r, enum batch_section at)
{
	static const uint8_t unknown[16];
	const struct batch_shape *shape = &batch_shapes[at];
	struct section *s = &r->section[at];
	const uint8_t *mask;
	uint64_t rows;

	/* The first column has a byte for each row: there cannot be more than bytes. */
	if (!take_varint(r, (uint64_t)(r->end - r->p), &rows))
		return false;
	s->rows = (uint32_t)rows;
	if (!rows)
		return true;
	for (unsigned c = 0; c < shape->columns; c++) {
		s->column[c].optional = shape->optional >> c & 1;
		if (!take_column(r, &s->column[c], s->rows, c == 0))
			return false;
	}
	if (!shape->ids)
		return true;
	if (!take_bytes(r, 1, &mask) || *mask >= 1 << BATCH_IDS)
		return false;
	for (unsigned k = 0; k < BATCH_IDS; k++) {
		s->id[k] = unknown;
		s->id_step[k] = *mask >> k & 1 ? batch_id_bytes[k] : 0;
		if (s->id_step[k] && !take_bytes(r, rows * s->id_step[k], &s->id[k]))
			return false;
	}
	return true;
}

/* Sections with number and length: those that nobody here knows are passed over. */
static bool
take_more(struct reader *r)
{
	const uint8_t *end = r->end;

	while (r->p < end) {
		const uint8_t *number = r->p++;
		uint64_t length;

		if (!take_varint(r, WIRE_MAX_FRAME, &length) ||
			length > (uint64_t)(end - r->p))
			return false;
		if (*number < BATCH_MORE || *number >= BATCH_SECTIONS) {
			r->p += length;
			continue;
		}
		r->end = r->p + length;
		if (r->section[*number].rows ||
			!take_section(r, (enum batch_section) * number) || r->p != r->end)
			return false;
		r->end = end;
	}
	return true;
}

static enum status
take_layout(struct reader *r)
{
	const uint8_t *layout;

	for (unsigned i = BATCH_MORE; i < BATCH_SECTIONS; i++)
		r->section[i].rows = 0;
	if (!take_bytes(r, 1, &layout))
		return STATUS_ERR_TRUNCATED;
	if (*layout != BATCH_LAYOUT && *layout != BATCH_LAYOUT_MORE)
		return STATUS_ERR_VERSION;
	if (!take_texts(r) || !take_routes(r))
		return STATUS_ERR_SYNTAX;
	for (unsigned i = 0; i < BATCH_MORE; i++)
		if (!take_section(r, (enum batch_section)i))
			return STATUS_ERR_SYNTAX;
	if (*layout == BATCH_LAYOUT_MORE && !take_more(r))
		return STATUS_ERR_SYNTAX;
	return r->p == r->end ? STATUS_OK : STATUS_ERR_SYNTAX;
}

/* ------------------------------------------------------------ rows */

/* Take the next rows of a section into r->cell. */
static uint32_t
read_block(struct reader *r, enum batch_section at, uint32_t from)
{
	const struct section *s = &r->section[at];
	uint32_t n = MIN(s->rows - from, (uint32_t)BLOCK);

	/* What is the same in all rows stands there since the first of them. */
	for (unsigned c = 0; c < batch_shapes[at].columns; c++)
		if (s->column[c].width)
			column_read(&s->column[c], from, n, r->cell[c]);
		else if (from == 0)
			column_constant(&s->column[c], BLOCK, r->cell[c]);
	return n;
}

static inline void
read_ids(const struct section *s, uint32_t row, struct flow_ids *ids)
{
	memcpy(ids->trace, s->id[0] + row * s->id_step[0], sizeof(ids->trace));
	memcpy(ids->span, s->id[1] + row * s->id_step[1], sizeof(ids->span));
	memcpy(ids->parent, s->id[2] + row * s->id_step[2], sizeof(ids->parent));
}

static bool
read_text(const struct reader *r, int64_t number, struct str *ret_text)
{
	if ((uint64_t)number >= r->texts)
		return false;
	*ret_text = r->text[number];
	return true;
}

/* A name that must not be empty. */
static bool
read_name(const struct reader *r, int64_t number, struct str *ret_name)
{
	return read_text(r, number, ret_name) && ret_name->n > 0;
}

static struct flow_memo *
read_route(const struct reader *r, int64_t number)
{
	struct flow_memo *route;

	if ((uint64_t)number >= r->routes)
		return NULL;
	route = &r->route[number];
	return route->src.n && route->dst.n ? route : NULL;
}

static int64_t
read_time(const struct reader *r, int64_t us)
{
	return us < 0 ? r->now_us : us;
}

static inline bool
is_weight(int64_t weight)
{
	return weight >= 1 && weight <= UINT32_MAX;
}

static inline void
hand_out(struct reader *r, const struct event *e, bool good, uint64_t numbers)
{
	if (!good) {
		r->counts->bad += numbers;
		return;
	}
	r->fn(r->ctx, e);
	r->counts->events += numbers;
}

static inline bool
make_flow(const struct reader *r, uint32_t row, uint32_t i, struct flow *f)
{
	const int64_t(*cell)[BLOCK] = r->cell;
	struct flow_memo *route = read_route(r, cell[FLOW_ROUTE][i]);

	if (!route || !read_text(r, cell[FLOW_CODE][i], &f->code) ||
		!is_weight(cell[FLOW_WEIGHT][i]))
		return false;
	f->memo = route;
	f->src = route->src;
	f->dst = route->dst;
	f->op = route->op;
	f->kind = route->kind;
	f->origin = route->origin;
	f->src_kind = route->src_kind;
	f->dst_kind = route->dst_kind;
	f->failed = cell[FLOW_FAILED][i] != 0;
	f->end_us = read_time(r, cell[FLOW_END][i]);
	f->client_us = cell[FLOW_CLIENT][i];
	f->server_us = cell[FLOW_SERVER][i];
	f->queue_us = cell[FLOW_QUEUE][i];
	f->bytes_in = cell[FLOW_IN][i];
	f->bytes_out = cell[FLOW_OUT][i];
	f->weight = (uint32_t)cell[FLOW_WEIGHT][i];
	read_ids(&r->section[BATCH_FLOWS], row, &f->ids);
	return true;
}

static bool
make_work(const struct reader *r, uint32_t row, uint32_t i, struct work *w)
{
	const int64_t(*cell)[BLOCK] = r->cell;

	if (!read_name(r, cell[WORK_SERVICE][i], &w->service) ||
		!read_text(r, cell[WORK_OP][i], &w->op))
		return false;
	w->end_us = read_time(r, cell[WORK_END][i]);
	w->duration_us = cell[WORK_DURATION][i];
	w->failed = cell[WORK_FAILED][i] != 0;
	read_ids(&r->section[BATCH_WORKS], row, &w->ids);
	return true;
}

static bool
make_note(const struct reader *r, uint32_t row, uint32_t i, struct note *n)
{
	const int64_t(*cell)[BLOCK] = r->cell;

	if (!read_name(r, cell[NOTE_SERVICE][i], &n->service) ||
		!read_text(r, cell[NOTE_BODY][i], &n->text) ||
		cell[NOTE_SEVERITY][i] > NOTE_FATAL)
		return false;
	n->severity = (enum note_severity)cell[NOTE_SEVERITY][i];
	n->at_us = read_time(r, cell[NOTE_AT][i]);
	read_ids(&r->section[BATCH_NOTES], row, &n->ids);
	return true;
}

static bool
make_gauge(const struct reader *r, uint32_t i, struct gauge *g)
{
	const int64_t(*cell)[BLOCK] = r->cell;
	uint64_t bits = (uint64_t)cell[GAUGE_HIGH][i] << 32 |
			((uint64_t)cell[GAUGE_LOW][i] & UINT32_MAX);
	const uint64_t exponent = UINT64_C(0x7ff) << 52;

	if (!read_name(r, cell[GAUGE_SERVICE][i], &g->service) ||
		!read_name(r, cell[GAUGE_NAME][i], &g->name) ||
		!read_text(r, cell[GAUGE_UNIT][i], &g->unit) ||
		(bits & exponent) == exponent)
		return false;
	memcpy(&g->value, &bits, sizeof(bits));
	g->at_us = read_time(r, cell[GAUGE_AT][i]);
	return true;
}

static bool
make_member(const struct reader *r, uint32_t i, struct member *m)
{
	const int64_t(*cell)[BLOCK] = r->cell;

	m->at_us = read_time(r, cell[MEMBER_AT][i]);
	return read_name(r, cell[MEMBER_SERVICE][i], &m->service) &&
	       read_name(r, cell[MEMBER_GROUP][i], &m->group);
}

/* ------------------------------------------------------------ deltas */

static int64_t
bound_of(int64_t code)
{
	if (code < BATCH_NO_BOUND)
		return hist_high((unsigned)code);
	return code == BATCH_NO_BOUND ? INT64_MAX : code - BATCH_BOUND;
}

/* What the codes stand for, one after the other: buckets of our own, if all are. */
static bool
read_codes(int64_t *code, uint32_t n, uint16_t *bucket, struct buckets *ret_buckets)
{
	if (code[n - 1] < BATCH_NO_BOUND) {
		for (uint32_t i = 0; i < n; i++) {
			bucket[i] = (uint16_t)code[i];
			if (i && code[i] <= code[i - 1])
				return false;
		}
		ret_buckets->bucket = bucket;
		return true;
	}
	for (uint32_t i = 0; i < n; i++) {
		code[i] = bound_of(code[i]);
		if (i && code[i] <= code[i - 1])
			return false;
	}
	ret_buckets->bound_us = code;
	return true;
}

/* The next @n buckets as the @which-th list of a delta. */
static bool
read_buckets(struct reader *r, int64_t n, unsigned which, struct buckets *ret_buckets)
{
	const struct section *s = &r->section[BATCH_BUCKETS];
	int64_t *bound_us = r->bound_us + (size_t)which * HIST_BUCKETS;
	uint16_t *bucket = r->bucket + (size_t)which * HIST_BUCKETS;
	uint32_t *count = r->count + (size_t)which * HIST_BUCKETS, from = r->buckets;

	*ret_buckets = (struct buckets){ .count = count, .n = (uint32_t)n };
	if (n > HIST_BUCKETS || n > s->rows - r->buckets)
		return false;
	if (n == 0)
		return true;
	r->buckets += (uint32_t)n;
	column_counts(&s->column[BUCKET_COUNT], from, (uint32_t)n, count);
	if (column_ascending(&s->column[BUCKET_BOUND], from, (uint32_t)n, BATCH_NO_BOUND,
		    bucket)) {
		ret_buckets->bucket = bucket;
		return true;
	}
	column_read(&s->column[BUCKET_BOUND], from, (uint32_t)n, bound_us);
	return read_codes(bound_us, (uint32_t)n, bucket, ret_buckets);
}

static bool
read_exemplars(struct reader *r, int64_t n, struct delta *d)
{
	const struct section *s = &r->section[BATCH_EXEMPLARS];

	if (n > s->rows - r->exemplars)
		return false;
	d->exemplar = r->exemplar + r->exemplars;
	d->exemplars = (uint32_t)n;
	for (; n > 0; n--, r->exemplars++) {
		struct delta_exemplar *x = &r->exemplar[r->exemplars];
		int64_t failed;

		column_read(&s->column[EXEMPLAR_FAILED], r->exemplars, 1, &failed);
		column_read(&s->column[EXEMPLAR_END], r->exemplars, 1, &x->end_us);
		column_read(
			&s->column[EXEMPLAR_LATENCY], r->exemplars, 1, &x->latency_us);
		x->failed = failed != 0;
		read_ids(s, r->exemplars, &x->ids);
	}
	return true;
}

static bool
make_delta(struct reader *r, const int64_t (*cell)[BLOCK], uint32_t i, struct delta *d)
{
	struct flow_memo *route = read_route(r, cell[DELTA_ROUTE][i]);

	/* Its lists come first: they are passed over even where it is bad. */
	if (!read_buckets(r, cell[DELTA_LATENCIES][i], 0, &d->latency) ||
		!read_buckets(r, cell[DELTA_SERVERS][i], 1, &d->server) ||
		!read_buckets(r, cell[DELTA_QUEUES][i], 2, &d->queue) ||
		!read_exemplars(r, cell[DELTA_EXEMPLARS][i], d))
		return false;
	if (!route || !is_weight(cell[DELTA_WEIGHT][i]))
		return false;
	d->memo = route;
	d->src = route->src;
	d->dst = route->dst;
	d->op = route->op;
	d->kind = route->kind;
	d->origin = route->origin;
	d->src_kind = route->src_kind;
	d->dst_kind = route->dst_kind;
	d->end_us = read_time(r, cell[DELTA_END][i]);
	d->span_us = cell[DELTA_SPAN][i];
	d->calls = (uint64_t)cell[DELTA_CALLS][i];
	d->errors = (uint64_t)cell[DELTA_ERRORS][i];
	d->bytes_in = cell[DELTA_IN][i];
	d->bytes_out = cell[DELTA_OUT][i];
	d->weight = (uint32_t)cell[DELTA_WEIGHT][i];
	d->events = (uint32_t)MIN(cell[DELTA_EVENTS][i], (int64_t)UINT32_MAX);
	return true;
}

static void
hand_out_deltas(struct reader *r)
{
	struct event e = { .type = EVENT_DELTA };

	if (!r->section[BATCH_DELTAS].rows)
		return;
	if (!r->bound_us) {
		r->bound_us = xcalloc(3 * (size_t)HIST_BUCKETS, sizeof(*r->bound_us));
		r->bucket = xcalloc(3 * (size_t)HIST_BUCKETS, sizeof(*r->bucket));
		r->count = xcalloc(3 * (size_t)HIST_BUCKETS, sizeof(*r->count));
	}
	if (r->section[BATCH_EXEMPLARS].rows >= r->exemplar_room) {
		r->exemplar_room = r->section[BATCH_EXEMPLARS].rows + 1;
		r->exemplar = xreallocarray(
			r->exemplar, r->exemplar_room, sizeof(*r->exemplar));
	}
	for (uint32_t row = 0, n; row < r->section[BATCH_DELTAS].rows; row += n) {
		n = read_block(r, BATCH_DELTAS, row);
		for (uint32_t i = 0; i < n; i++) {
			int64_t events = MAX(r->cell[DELTA_EVENTS][i], 1);
			bool good = make_delta(
				r, (const int64_t(*)[BLOCK])r->cell, i, &e.u.delta);

			hand_out(r, &e, good, (uint64_t)MIN(events, (int64_t)UINT32_MAX));
		}
	}
}

static void
hand_out_flows(struct reader *r)
{
	struct event e = { .type = EVENT_FLOW };

	for (uint32_t row = 0, n; row < r->section[BATCH_FLOWS].rows; row += n) {
		n = read_block(r, BATCH_FLOWS, row);
		for (uint32_t i = 0; i < n; i++)
			hand_out(r, &e, make_flow(r, row + i, i, &e.u.flow), 1);
	}
}

static bool
make_event(
	struct reader *r, enum event_type type, uint32_t row, uint32_t i, struct event *e)
{
	switch (type) {
	case EVENT_WORK:
		return make_work(r, row, i, &e->u.work);
	case EVENT_NOTE:
		return make_note(r, row, i, &e->u.note);
	case EVENT_MEMBER:
		return make_member(r, i, &e->u.member);
	default:
		return make_gauge(r, i, &e->u.gauge);
	}
}

static void
hand_out_rows(struct reader *r, enum batch_section at, enum event_type type)
{
	struct event e = { .type = type };

	for (uint32_t row = 0, n; row < r->section[at].rows; row += n) {
		n = read_block(r, at, row);
		for (uint32_t i = 0; i < n; i++)
			hand_out(r, &e, make_event(r, type, row + i, i, &e), 1);
	}
}

static void *
reader_new(void)
{
	return xcalloc(1, sizeof(struct reader));
}

static void
reader_free(void *reader)
{
	struct reader *r = reader;

	free(r->text);
	free(r->route);
	free(r->bound_us);
	free(r->bucket);
	free(r->count);
	free(r->exemplar);
	free(r);
}

/* Routes are the greatest thing kept: what one large message needed is given back. */
#define KEEP_ROUTES 4096

static void
shrink(struct reader *r)
{
	if (r->route_room <= KEEP_ROUTES && r->text_room <= 3 * KEEP_ROUTES)
		return;
	free(r->text);
	free(r->route);
	r->text = NULL;
	r->route = NULL;
	r->text_room = r->route_room = 0;
}

static enum status
decode_batch(void *reader, struct str payload, int64_t now_us, wire_event_fn fn,
	void *ctx, struct wire_counts *counts)
{
	struct reader *r = reader;
	enum status status;

	r->p = (const uint8_t *)payload.p;
	r->end = r->p + payload.n;
	r->now_us = now_us;
	r->fn = fn;
	r->ctx = ctx;
	r->counts = counts;
	r->buckets = r->exemplars = 0;
	status = take_layout(r);
	if (status == STATUS_OK) {
		hand_out_flows(r);
		hand_out_rows(r, BATCH_WORKS, EVENT_WORK);
		hand_out_rows(r, BATCH_NOTES, EVENT_NOTE);
		hand_out_rows(r, BATCH_GAUGES, EVENT_GAUGE);
		hand_out_deltas(r);
		hand_out_rows(r, BATCH_MEMBERS, EVENT_MEMBER);
	}
	shrink(r);
	return status;
}

const struct encoding_ops encoding_batch = {
	.open = batch_open,
	.close = batch_close,
	.add = batch_add,
	.finish = batch_finish,
	.reader_new = reader_new,
	.reader_free = reader_free,
	.decode = decode_batch,
};

const struct encoding_ops encoding_delta = {
	.open = batch_open,
	.close = batch_close,
	.add = batch_add,
	.finish = batch_finish,
	.reader_new = reader_new,
	.reader_free = reader_free,
	.decode = decode_batch,
};
