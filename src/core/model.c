#include "config.h"

#include "weir/core/model.h"

#include <math.h>
#include <stdlib.h>

#include "model-priv.h"
#include "weir/base/util.h"

/* The name table keeps its ids below this, see edge_key(). */
#define NAMES_MAX (UINT32_C(1) << 28)

/* A clock that comes back to the model's time this closely has been set right again. */
#define CLOCK_AGREES_US (60 * SEC_US)

/* Text of an average name; a table full of the longest ones holds fewer of them. */
#define NAME_BYTES 96

const struct model_limits model_limits_default = {
	.names = 65536,
	.nodes = 5000,
	.edges = 20000,
	.ops = 40000,
	.ops_per_edge = 64,
	.window_us = 60 * SEC_US,
	.grace_us = 10 * SEC_US,
	.future_us = 5 * SEC_US,
	.idle_us = 30 * SEC_US,
	.forget_us = 900 * SEC_US,
	.log_bytes = (size_t)256 << 20,
};

struct model *
model_new(const struct model_limits *limits)
{
	struct model *m = xcalloc(1, sizeof(*m));
	struct model_limits *l = &m->limits;

	m->stamp = 1;
	*l = *limits;
	l->names = MIN(l->names, NAMES_MAX);
	if (!l->log_bytes)
		l->log_bytes = model_limits_default.log_bytes;
	m->names = names_new(l->names, (size_t)l->names * NAME_BYTES);
	m->notes = notes_new();
	m->window = window_new(l->window_us, l->log_bytes);
	pool_init(&m->nodes, sizeof(struct node));
	pool_init(&m->edges, sizeof(struct edge));
	pool_init(&m->tallies, sizeof(struct tally));
	pool_init(&m->ops, sizeof(struct op));
	m->newest_us = SNAP_UNKNOWN;
	routes_renew(m);
	if (l->watched)
		watch_init(m);
	return m;
}

void
model_free(struct model *m)
{
	if (!m)
		return;
	watch_done(m);
	table_done(m);
	window_free(m->window);
	notes_free(m->notes);
	names_free(m->names);
	free(m);
}

/* Bring the model's own time to the caller's, see model_add() in the header. */
static void
set_time(struct model *m, int64_t now_us)
{
	int64_t now = now_us + m->shift_us;

	if (!m->started) {
		m->started = true;
		m->now_us = m->first_now_us = m->since_us = now_us;
		return;
	}
	if (m->shift_us && now_us >= m->now_us - m->limits.future_us &&
		now_us <= m->now_us + CLOCK_AGREES_US) {
		m->shift_us = 0;
		now = now_us;
	}
	if (now < m->now_us - m->limits.future_us) {
		m->shift_us = m->now_us - now_us;
		now = m->now_us;
	}
	m->now_us = MAX(m->now_us, now);
}

/* The model's time of the oldest event that is still taken. */
static int64_t
oldest_us(const struct model *m)
{
	return MAX(m->now_us - window_width(m->window) - m->limits.grace_us,
		window_oldest_us(m->window));
}

/* Find out once an instant what would else be asked for each event. */
static void
set_bounds(struct model *m)
{
	m->taken_from_us = MAX(oldest_us(m) - m->shift_us, 0);
	m->taken_to_us = m->now_us - m->shift_us;
	m->window_from_us = window_from_us(m->window);
}

void
model_advance(struct model *m, int64_t now_us)
{
	int64_t tick;

	set_time(m, now_us);
	window_advance(m->window, m->now_us);
	set_bounds(m);
	tick = m->now_us / SEC_US;
	if (tick != m->tick) {
		m->tick = tick;
		m->arrival_tick[tick % ARRIVAL_TICKS] = tick;
		m->arrivals[tick % ARRIVAL_TICKS] = 0;
		routes_renew(m);
		table_sweep(m);
		watch_tick(m);
	}
}

/* Of what is not simply of now or a little before. */
static bool
book_odd_time(struct model *m, int64_t end_us, uint32_t events, int64_t *ret_at_us)
{
	int64_t at;

	if (end_us == FLOW_UNKNOWN) {
		*ret_at_us = m->now_us;
		return true;
	}
	if (end_us < 0) {
		m->bad += events;
		return false;
	}
	/* Compared before it is added to: the peer may have sent any number. */
	if (end_us > m->now_us - m->shift_us + m->limits.future_us) {
		m->future += events;
		return false;
	}
	at = end_us + m->shift_us;
	if (at < oldest_us(m)) {
		m->late += events;
		return false;
	}
	*ret_at_us = MIN(at, m->now_us);
	return true;
}

/*
 * The model's time at which to book what ended at @end_us. False when it is refused,
 * which has then been counted.
 */
static inline bool
book_time(struct model *m, int64_t end_us, uint32_t events, int64_t *ret_at_us)
{
	if (end_us < m->taken_from_us || end_us > m->taken_to_us)
		return book_odd_time(m, end_us, events, ret_at_us);
	*ret_at_us = end_us + m->shift_us;
	return true;
}

static void
arrived(struct model *m, uint32_t events)
{
	m->received += events;
	m->arrivals[m->tick % ARRIVAL_TICKS] += events;
}

/* Note that events of which the last ended at @at_us were taken. */
static void
received(struct model *m, int64_t at_us, uint32_t events)
{
	m->since_us = MIN(m->since_us, at_us);
	m->newest_us = MAX(m->newest_us, at_us - m->shift_us);
	arrived(m, events);
}

static int64_t
weigh(int64_t bytes, uint32_t weight)
{
	return bytes < 0 ? bytes : bytes * weight;
}

/* What a flow or delta says of its two ends; mostly it is what the one before said. */
static void
say_kinds(struct model *m, struct route *r, enum node_kind src_kind,
	enum node_kind dst_kind, bool measured)
{
	uint8_t said = (uint8_t)(1u | src_kind << 1 | dst_kind << 3 | measured << 5);
	struct node *src, *dst;

	if (r->said == said)
		return;
	r->said = said;
	src = node_at(m, edge_at(m, r->edge)->src);
	dst = node_at(m, edge_at(m, r->edge)->dst);
	if (r->kind == KIND_DB && dst_kind == NODE_SERVICE)
		dst_kind = NODE_DB;
	src->said |= (uint8_t)(1u << src_kind);
	dst->said |= (uint8_t)(1u << dst_kind);
	src->service |= src_kind == NODE_SERVICE;
	dst->service |= measured && dst_kind == NODE_SERVICE;
}

static void
touch_edge(struct model *m, uint32_t edge, int64_t from_us, int64_t at_us)
{
	struct edge *e = edge_at(m, edge);

	e->first_us = MIN(e->first_us, from_us - m->shift_us);
	e->last_us = MAX(e->last_us, at_us - m->shift_us);
	e->seen_us = m->now_us;
}

static uint16_t
bucket_of(int64_t us)
{
	return us < 0 ? WINDOW_NO_LATENCY : (uint16_t)hist_index((uint64_t)us);
}

/* Book a latency, if it is known, to a series that is made when first needed. */
static inline void
book_lazily(struct model *m, uint32_t *series, int64_t us, uint32_t weight, int64_t at_us)
{
	struct window_record r;

	if (us < 0)
		return;
	if (*series == NONE)
		*series = window_series_new(m->window, WINDOW_NO_SERIES);
	r = (struct window_record){
		.series = *series,
		.calls = weight,
		.bucket = bucket_of(us),
		.weight = weight,
		.bytes_in = -1,
		.bytes_out = -1,
	};
	window_add(m->window, at_us, &r);
}

static struct exemplars *
edge_exemplars(struct model *m, uint32_t edge)
{
	struct edge *e = edge_at(m, edge);

	if (!e->exemplars)
		e->exemplars = exemplars_new();
	return e->exemplars;
}

/* Offer a request that ended at @at_us in the model's time. */
static inline void
keep_exemplar(struct model *m, struct route *r, const struct flow_ids *ids, int64_t at_us,
	int64_t latency_us, bool failed)
{
	int64_t end_us = at_us - m->shift_us, from_us = m->window_from_us;
	struct exemplar e;

	if (!exemplar_has_trace(ids))
		return;
	if (!r->exemplars)
		r->exemplars = edge_exemplars(m, r->edge);
	if (!exemplars_want(r->exemplars, ids, end_us, latency_us, failed, from_us))
		return;
	e = (struct exemplar){
		.x = {
			.ids = *ids,
			.latency_us = latency_us,
			.end_us = end_us,
			.failed = failed,
		},
		.at_us = at_us,
	};
	exemplars_add(r->exemplars, &e, from_us);
}

static void
add_flow(struct model *m, const struct flow *f)
{
	struct route *found;
	bool failed;
	int64_t at;
	struct window_record r = {
		.calls = f->weight,
		.bucket = bucket_of(flow_latency_us(f)),
		.weight = f->weight,
	};

	if (!flow_is_sane(f)) {
		m->bad++;
		return;
	}
	if (!book_time(m, f->end_us, 1, &at))
		return;
	found = route_find(m, f);
	failed = m->limits.tolerances ? tolerance_fails(edge_at(m, found->edge)->rule, f)
				      : f->failed;
	r.errors = failed ? f->weight : 0;
	r.series = found->series;
	r.bytes_in = weigh(f->bytes_in, f->weight);
	r.bytes_out = weigh(f->bytes_out, f->weight);
	window_add(m->window, at, &r);
	book_lazily(m, &tally_at(m, found->tally)->server, f->server_us, f->weight, at);
	book_lazily(m, &tally_at(m, found->tally)->queue, f->queue_us, f->weight, at);
	touch_edge(m, found->edge, at, at);
	say_kinds(m, found, f->src_kind, f->dst_kind, f->server_us >= 0);
	keep_exemplar(m, found, &f->ids, at, flow_latency_us(f), failed);
	if (m->verdict && !found->folded)
		watch_flow(m, f, failed, found, at);
	m->overflow += found->folded;
	received(m, at, 1);
}

static void
add_delta(struct model *m, const struct delta *d)
{
	struct route *found;
	struct flow names = { .memo = d->memo,
		.src = d->src,
		.dst = d->dst,
		.op = d->op,
		.kind = d->kind,
		.origin = d->origin };
	uint32_t events = MAX(d->events, 1);
	int64_t at;

	if (!delta_is_sane(d)) {
		m->bad += events;
		return;
	}
	if (!book_time(m, d->end_us, events, &at))
		return;
	found = route_find(m, &names);
	delta_book(m, d, found, at);
	/* Of a scrape it is not known when in its span there were calls. */
	touch_edge(m, found->edge, d->events ? at - d->span_us : at, at);
	say_kinds(m, found, d->src_kind, d->dst_kind, d->server.n > 0);
	for (uint32_t i = 0; i < d->exemplars; i++) {
		const struct delta_exemplar *x = &d->exemplar[i];

		if (x->end_us >= 0 && x->end_us <= d->end_us &&
			flow_duration_is_sane(x->latency_us))
			keep_exemplar(m, found, &x->ids, x->end_us + at - d->end_us,
				x->latency_us, x->failed);
	}
	if (m->verdict && !found->folded)
		watch_delta(m, d, found, at);
	m->overflow += found->folded * events;
	received(m, at, events);
}

static void
add_work(struct model *m, const struct work *w)
{
	bool folded = false;
	uint32_t node;
	int64_t at;

	if (!w->service.n || w->duration_us < 0 ||
		!flow_duration_is_sane(w->duration_us)) {
		m->bad++;
		return;
	}
	if (!book_time(m, w->end_us, 1, &at))
		return;
	node = table_node(m, w->service, &folded);
	node_at(m, node)->service = true;
	book_lazily(m, &node_at(m, node)->self, w->duration_us, 1, at);
	watch_work(m, w);
	m->overflow += folded;
	received(m, at, 1);
}

static void
add_note(struct model *m, const struct note *n)
{
	int64_t at;

	if (!n->service.n || !n->text.n || (unsigned)n->severity > NOTE_FATAL) {
		m->bad++;
		return;
	}
	if (!book_time(m, n->at_us, 1, &at))
		return;
	notes_add(m->notes, names_id(m->names, n->service), n, at);
	received(m, at, 1);
}

static void
add_gauge(struct model *m, const struct gauge *g)
{
	int64_t at;

	if (!g->service.n || !g->name.n || !isfinite(g->value)) {
		m->bad++;
		return;
	}
	if (!book_time(m, g->at_us, 1, &at))
		return;
	notes_gauge(m->notes, names_id(m->names, g->service), g, at);
	received(m, at, 1);
}

/* It has no time of its own: it is about what comes with it. */
static void
add_member(struct model *m, const struct member *x)
{
	if (!x->service.n || !x->group.n) {
		m->bad++;
		return;
	}
	notes_member(m->notes, names_id(m->names, x->service), x->group, m->now_us);
	arrived(m, 1);
}

void
model_add(struct model *m, const struct event *e, int64_t now_us)
{
	/* Once an instant: what falls due between two events of it waits for the next. */
	if (!m->started || now_us != m->added_us) {
		m->added_us = now_us;
		model_advance(m, now_us);
	}
	switch (e->type) {
	case EVENT_FLOW:
		add_flow(m, &e->u.flow);
		break;
	case EVENT_DELTA:
		add_delta(m, &e->u.delta);
		break;
	case EVENT_WORK:
		add_work(m, &e->u.work);
		break;
	case EVENT_NOTE:
		add_note(m, &e->u.note);
		break;
	case EVENT_GAUGE:
		add_gauge(m, &e->u.gauge);
		break;
	case EVENT_MEMBER:
		add_member(m, &e->u.member);
		break;
	}
}

void
model_set_window(struct model *m, int64_t window_us)
{
	m->limits.window_us = window_us;
	window_set_width(m->window, window_us);
	set_bounds(m);
}

int64_t
model_window(const struct model *m)
{
	return window_width(m->window);
}

size_t
model_bytes(const struct model *m)
{
	size_t n = sizeof(*m) + names_bytes(m->names) + notes_bytes(m->notes) +
		   window_bytes(m->window) + m->node_of_room * sizeof(*m->node_of) +
		   pool_bytes(&m->nodes) + pool_bytes(&m->edges) +
		   pool_bytes(&m->tallies) + pool_bytes(&m->ops) +
		   idmap_bytes(&m->edge_of) + idmap_bytes(&m->op_of) + routes_bytes(m) +
		   (m->own ? own_bytes(m->own) : 0);

	for (uint32_t i = 0; i < m->edges.count; i++)
		n += edge_at(m, i)->exemplars ? sizeof(struct exemplars) : 0;
	return n;
}
