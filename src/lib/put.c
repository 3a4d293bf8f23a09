/*
 * Events from the caller's structs into the queue: checked, copied, counted.
 *
 * A packed event is a struct event followed by its texts in the order of texts_of().
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "handle.h"
#include "weir/base/util.h"
#include "weir/cmd/clock.h"

/* Receivers take greater ones for faults of the sender's arithmetic. */
#define DURATION_MAX_US (INT64_C(366) * 86400 * SEC_US)
#define TEXTS_MAX 4

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #ours)
SAME(KIND_UNKNOWN, WEIR_KIND_UNKNOWN);
SAME(KIND_HTTP, WEIR_KIND_HTTP);
SAME(KIND_GRPC, WEIR_KIND_GRPC);
SAME(KIND_RPC, WEIR_KIND_RPC);
SAME(KIND_DB, WEIR_KIND_DB);
SAME(KIND_MSG, WEIR_KIND_MSG);
SAME(KIND_TCP, WEIR_KIND_TCP);
SAME(NODE_SERVICE, WEIR_NODE_SERVICE);
SAME(NODE_DB, WEIR_NODE_DB);
SAME(NODE_QUEUE, WEIR_NODE_QUEUE);
SAME(NODE_EXTERNAL, WEIR_NODE_EXTERNAL);
SAME(NOTE_TRACE, WEIR_TRACE);
SAME(NOTE_DEBUG, WEIR_DEBUG);
SAME(NOTE_INFO, WEIR_INFO);
SAME(NOTE_WARN, WEIR_WARN);
SAME(NOTE_ERROR, WEIR_ERROR);
SAME(NOTE_FATAL, WEIR_FATAL);
SAME(FLOW_UNKNOWN, WEIR_UNKNOWN);

/* ------------------------------------------------------------ packing */

static unsigned
texts_of(struct event *e, struct str *ret_texts[TEXTS_MAX])
{
	unsigned n = 0;

	switch (e->type) {
	case EVENT_FLOW:
		ret_texts[n++] = &e->u.flow.src;
		ret_texts[n++] = &e->u.flow.dst;
		ret_texts[n++] = &e->u.flow.op;
		ret_texts[n++] = &e->u.flow.code;
		break;
	case EVENT_NOTE:
		ret_texts[n++] = &e->u.note.service;
		ret_texts[n++] = &e->u.note.text;
		break;
	case EVENT_GAUGE:
		ret_texts[n++] = &e->u.gauge.service;
		ret_texts[n++] = &e->u.gauge.name;
		ret_texts[n++] = &e->u.gauge.unit;
		break;
	case EVENT_MEMBER:
		ret_texts[n++] = &e->u.member.service;
		ret_texts[n++] = &e->u.member.group;
		break;
	case EVENT_WORK:
	case EVENT_DELTA:
		break; /* not published through here */
	}
	return n;
}

size_t
event_packed_max(void)
{
	return sizeof(struct event) + WEIR_TEXT_MAX;
}

static struct str
pack(char *to, struct event *e)
{
	struct str *texts[TEXTS_MAX];
	unsigned n = texts_of(e, texts);
	char *p = to;

	memcpy(p, e, sizeof(*e));
	p += sizeof(*e);
	for (unsigned i = 0; i < n; i++) {
		if (texts[i]->n)
			memcpy(p, texts[i]->p, texts[i]->n);
		p += texts[i]->n;
	}
	return (struct str){ .p = to, .n = (size_t)(p - to) };
}

void
event_unpack(struct str packed, struct event *ret_event)
{
	const char *p = packed.p + sizeof(*ret_event);
	struct str *texts[TEXTS_MAX];
	unsigned n;

	memcpy(ret_event, packed.p, sizeof(*ret_event));
	n = texts_of(ret_event, texts);
	for (unsigned i = 0; i < n; i++) {
		texts[i]->p = p;
		p += texts[i]->n;
	}
}

/* ------------------------------------------------------------ the queue */

static enum weir_status
refuse(struct weir *w, enum weir_status why)
{
	pthread_mutex_lock(&w->lock);
	w->orders.refused++;
	pthread_mutex_unlock(&w->lock);
	return why;
}

/*
 * Ask the sender to come, if it does not by itself. One that has just been woken naps
 * a little, so that a busy program does not wake it for each event.
 */
static void
call_sender(struct weir *w)
{
	bool half_full = ring_used(w->queue) > ring_size(w->queue) / 2;

	if (w->state == SENDER_SLEEPS || (w->state == SENDER_NAPS && half_full)) {
		w->state = SENDER_WORKS;
		pthread_cond_signal(&w->wake);
	}
}

static enum weir_status
put(struct weir *w, struct event *e)
{
	struct str *texts[TEXTS_MAX];
	unsigned n = texts_of(e, texts);
	enum weir_status status = WEIR_OK;
	size_t bytes = 0;

	for (unsigned i = 0; i < n; i++) {
		if (texts[i]->n > WEIR_TEXT_MAX)
			return refuse(w, WEIR_ERR_TOO_BIG);
		bytes += texts[i]->n;
	}
	if (bytes > WEIR_TEXT_MAX)
		return refuse(w, WEIR_ERR_TOO_BIG);
	pthread_mutex_lock(&w->lock);
	if (w->dead)
		status = WEIR_ERR_MEMORY;
	else if (!ring_put(w->queue, pack(w->scratch, e), clock_mono_us()))
		status = WEIR_ERR_FULL;
	if (status == WEIR_OK) {
		w->put++;
		call_sender(w);
	} else {
		w->orders.dropped++;
	}
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* ------------------------------------------------------------ checking */

/* As @given, unknown fields of a longer one ignored; false when it cannot be one. */
static bool
take_struct(void *own, size_t own_size, const void *given)
{
	size_t size;

	if (!given)
		return false;
	memcpy(&size, given, sizeof(size));
	if (size < own_size)
		return false;
	memcpy(own, given, own_size);
	return true;
}

static bool
is_name(const char *s)
{
	return s && *s;
}

static bool
is_duration(int64_t us)
{
	return us <= DURATION_MAX_US;
}

/* Whatever is negative is unknown. */
static int64_t
known(int64_t v)
{
	return v < 0 ? FLOW_UNKNOWN : v;
}

static int64_t
when(int64_t us)
{
	return us < 0 ? clock_wall_us() : us;
}

static struct flow_ids
ids_of(const struct weir_ids *ids)
{
	struct flow_ids own;

	memcpy(own.trace, ids->trace, sizeof(own.trace));
	memcpy(own.span, ids->span, sizeof(own.span));
	memcpy(own.parent, ids->parent, sizeof(own.parent));
	return own;
}

static enum node_kind
node_of(enum weir_node kind)
{
	return (unsigned)kind < NODE_KIND_COUNT ? (enum node_kind)kind : NODE_SERVICE;
}

/* A program built with a later header may know more kinds. */
static void
fill_flow(struct flow *own, const struct weir_flow *f)
{
	*own = (struct flow){
		.src = str_of(f->src),
		.dst = str_of(f->dst),
		.op = str_of(f->op),
		.code = str_of(f->code),
		.kind = (unsigned)f->kind < KIND_COUNT ? (enum flow_kind)f->kind
						       : KIND_UNKNOWN,
		.origin = ORIGIN_DIRECT,
		.src_kind = node_of(f->src_kind),
		.dst_kind = node_of(f->dst_kind),
		.failed = f->failed != 0,
		.end_us = when(f->end_us),
		.client_us = known(f->us),
		.server_us = known(f->server_us),
		.queue_us = known(f->queue_us),
		.bytes_in = known(f->bytes_in),
		.bytes_out = known(f->bytes_out),
		.weight = f->weight,
		.ids = ids_of(&f->ids),
	};
}

enum weir_status
weir_put_flow(struct weir *w, const struct weir_flow *flow)
{
	struct event e = { .type = EVENT_FLOW };
	struct weir_flow f;

	if (!w)
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	if (!take_struct(&f, sizeof(f), flow) || !is_name(f.src) || !is_name(f.dst) ||
		!is_duration(f.us) || !is_duration(f.server_us) ||
		!is_duration(f.queue_us) || f.weight == 0)
		return refuse(w, WEIR_ERR_USAGE);
	fill_flow(&e.u.flow, &f);
	return put(w, &e);
}

enum weir_status
weir_put_note(struct weir *w, const struct weir_note *note)
{
	struct event e = { .type = EVENT_NOTE };
	struct weir_note n;

	if (!w)
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	if (!take_struct(&n, sizeof(n), note) || !is_name(n.service) || !n.text ||
		(unsigned)n.severity > WEIR_FATAL)
		return refuse(w, WEIR_ERR_USAGE);
	e.u.note = (struct note){
		.service = str_of(n.service),
		.text = str_of(n.text),
		.severity = (enum note_severity)n.severity,
		.at_us = when(n.at_us),
		.ids = ids_of(&n.ids),
	};
	return put(w, &e);
}

enum weir_status
weir_put_gauge(struct weir *w, const struct weir_gauge *gauge)
{
	struct event e = { .type = EVENT_GAUGE };
	struct weir_gauge g;

	if (!w)
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	if (!take_struct(&g, sizeof(g), gauge) || !is_name(g.service) ||
		!is_name(g.name) || !isfinite(g.value))
		return refuse(w, WEIR_ERR_USAGE);
	e.u.gauge = (struct gauge){
		.service = str_of(g.service),
		.name = str_of(g.name),
		.unit = str_of(g.unit),
		.value = g.value,
		.at_us = when(g.at_us),
	};
	return put(w, &e);
}

enum weir_status
weir_put_member(struct weir *w, const struct weir_member *member)
{
	struct event e = { .type = EVENT_MEMBER };
	struct weir_member m;

	if (!w)
		return WEIR_ERR_USAGE;
	if (!handle_is_ours(w))
		return WEIR_ERR_FORKED;
	if (!take_struct(&m, sizeof(m), member) || !is_name(m.service) ||
		!is_name(m.group))
		return refuse(w, WEIR_ERR_USAGE);
	e.u.member = (struct member){ str_of(m.service), str_of(m.group), when(m.at_us) };
	return put(w, &e);
}
