#include "config.h"

#include "weir/core/pair.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/alias.h"
#include "weir/core/seen.h"
#include "weir/core/skew.h"

#define MAX_TEXT 300 /* of one name; longer than anything that is ever shown */
#define MAX_LINKS 16
#define MAX_ALIASES 8192
#define MAX_SKEWS 2048

/* One side of a request, as its span told it. Text is borrowed. */
struct side {
	enum span_kind kind;
	enum flow_origin origin;
	enum flow_kind flow_kind;
	bool failed, db;
	int op_quality; /* of span_op() */
	int64_t start_us, end_us, duration_us, bytes_in, bytes_out;
	struct flow_ids ids;
	uint8_t trace[16]; /* what is compared of the trace id */
	uint32_t weight;
	struct str service, op, code;
	struct str peer; /* what it calls the other side, or "" */
	struct str port; /* behind which peer is reached, or "" */
};

/* A side that waits, with its text. Held by one half for each key it may be found by. */
struct told {
	struct side side;
	uint32_t refs, hits;
	char text[];
};

struct half {
	struct half *chain;       /* same bucket */
	struct half *prev, *next; /* same queue */
	struct told *told;
	int64_t due_us;
	uint64_t hash;
	uint8_t trace[16], span[8]; /* what the other side is looked up by */
	bool client;
	uint8_t queue;
};

struct queue {
	struct half *first, *last; /* due first; each queue has one wait */
	int64_t wait_us;
	uint32_t n;
};

enum {
	QUEUE_CALLS,
	QUEUE_PRODUCERS,
	QUEUES
};

struct pair {
	struct pair_options o;
	pair_emit_fn emit;
	void *ctx;
	int64_t now_us;
	uint32_t mask;
	struct half **clients, **servers; /* buckets */
	struct queue queues[QUEUES];
	struct seen *seen;
	struct alias *alias;
	struct skew *skew;
	struct buf scratch, address;
	uint32_t served; /* producers held only for more consumers */
	struct pair_counts counts;
};

struct pair *
pair_new(const struct pair_options *o, pair_emit_fn emit, void *ctx)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	uint32_t n = 64;

	p->o = *o;
	p->o.max_halves = o->max_halves ? o->max_halves : 65536;
	p->o.max_seen = o->max_seen ? o->max_seen : 131072;
	p->queues[QUEUE_CALLS].wait_us = o->wait_us ? o->wait_us : 10 * SEC_US;
	p->queues[QUEUE_PRODUCERS].wait_us =
		o->msg_wait_us ? o->msg_wait_us : 120 * SEC_US;
	p->emit = emit;
	p->ctx = ctx;
	p->now_us = INT64_MIN;
	while (n < p->o.max_halves)
		n *= 2;
	p->mask = n - 1;
	p->clients = xcalloc(n, sizeof(p->clients[0]));
	p->servers = xcalloc(n, sizeof(p->servers[0]));
	p->seen = seen_new(p->o.max_seen, o->seed);
	p->alias = alias_new(MAX_ALIASES);
	p->skew = skew_new(MAX_SKEWS);
	return p;
}

static bool
is_zero(const uint8_t *id, size_t n)
{
	while (n > 0 && id[n - 1] == 0)
		n--;
	return n == 0;
}

static bool
is_client(enum span_kind k)
{
	return k == SPAN_CLIENT || k == SPAN_PRODUCER;
}

/* ------------------------------------------------------------ sides */

static struct str
cut(struct str s)
{
	return (struct str){ s.p, MIN(s.n, MAX_TEXT) };
}

/* What is compared of a trace id. */
static void
trace_key(const uint8_t trace[16], uint8_t key[16])
{
	memset(key, 0, 8);
	memcpy(key + 8, trace + 8, 8);
}

/* @s as a side; its text is the span's or p->scratch's. */
static struct side
side_of(struct pair *p, const struct span *s)
{
	struct side side = {
		.kind = s->kind,
		.origin = s->origin,
		.flow_kind = span_flow_kind(s),
		.failed = s->failed,
		.db = span_is_db(s),
		.start_us = s->start_us,
		.end_us = s->end_us,
		.duration_us = s->duration_us,
		.bytes_in = span_size(s, ATTR_REQUEST_SIZE),
		.bytes_out = span_size(s, ATTR_RESPONSE_SIZE),
		.ids = s->ids,
		.weight = MAX(s->weight, 1),
		.service = cut(s->service),
		.code = cut(span_code(s)),
	};
	size_t op_n;

	trace_key(s->ids.trace, side.trace);
	buf_clear(&p->scratch);
	side.op_quality = span_op(s, &p->scratch);
	op_n = p->scratch.n;
	peer_name(s, &p->o.names, &p->scratch, &side.port);
	side.op = cut((struct str){ p->scratch.p, op_n });
	side.peer = cut((struct str){
		p->scratch.p ? p->scratch.p + op_n : NULL, p->scratch.n - op_n });
	side.port = cut(side.port);
	return side;
}

static void
keep(char **at, struct str *s)
{
	if (s->n)
		memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

static struct told *
told_new(const struct side *side)
{
	size_t n =
		side->service.n + side->op.n + side->code.n + side->peer.n + side->port.n;
	struct told *t = xmalloc(sizeof(*t) + n);
	char *at = t->text;

	*t = (struct told){ .side = *side };
	keep(&at, &t->side.service);
	keep(&at, &t->side.op);
	keep(&at, &t->side.code);
	keep(&at, &t->side.peer);
	keep(&at, &t->side.port);
	return t;
}

/* ------------------------------------------------------------ flows */

static bool
is_msg(const struct side *c, const struct side *s)
{
	return (c && c->kind == SPAN_PRODUCER) || (s && s->kind == SPAN_CONSUMER);
}

/* The better name of the two; on a tie the callee's, of messages the sender's. */
static struct str
choose_op(const struct side *c, const struct side *s)
{
	if (!c || !s)
		return c ? c->op : s->op;
	if (c->op_quality != s->op_quality)
		return c->op_quality > s->op_quality ? c->op : s->op;
	return is_msg(c, s) ? c->op : s->op;
}

static struct str
choose_code(const struct side *c, const struct side *s)
{
	if (!c || !s)
		return c ? c->code : s->code;
	if (s->failed && s->code.n > 0)
		return s->code;
	return c->code.n > 0 ? c->code : s->code;
}

static int64_t
known(int64_t a, int64_t b)
{
	return a >= 0 ? a : b;
}

/* What both sides, or the one there is, say; the names are the caller's to fill in. */
static void
flow_of(struct flow *f, const struct side *c, const struct side *s)
{
	const struct side *any = c ? c : s, *callee = s ? s : c;

	flow_init(f);
	f->op = choose_op(c, s);
	f->code = choose_code(c, s);
	f->kind = any->flow_kind != KIND_UNKNOWN ? any->flow_kind : callee->flow_kind;
	f->origin = any->origin;
	f->failed = (c && c->failed) || (s && s->failed);
	f->end_us = any->end_us;
	f->client_us = c ? c->duration_us : FLOW_UNKNOWN;
	f->server_us = s ? s->duration_us : FLOW_UNKNOWN;
	f->bytes_in = known(any->bytes_in, callee->bytes_in);
	f->bytes_out = known(any->bytes_out, callee->bytes_out);
	f->weight = MAX(any->weight, callee->weight);
	f->ids = any->ids;
	if (is_zero(f->ids.trace, 8))
		memcpy(f->ids.trace, callee->ids.trace, sizeof(f->ids.trace));
	memcpy(f->ids.span, callee->ids.span, sizeof(f->ids.span));
	if (!is_msg(c, s))
		return;
	f->kind = KIND_MSG;
	f->end_us = callee->end_us;
	if (c && s)
		f->queue_us = MAX(s->start_us - c->end_us, 0);
}

static void
emit_flow(struct pair *p, const struct flow *f)
{
	struct event e = { .type = EVENT_FLOW, .u.flow = *f };

	p->counts.flows++;
	p->emit(p->ctx, &e);
}

static void
emit_work(struct pair *p, const struct side *side)
{
	struct event e = { .type = EVENT_WORK,
		.u.work = {
			.service = side->service,
			.op = side->op,
			.end_us = side->end_us,
			.duration_us = side->duration_us,
			.failed = side->failed,
			.ids = side->ids,
		} };

	p->counts.works++;
	p->emit(p->ctx, &e);
}

/* The address a client knows its peer by, for the alias table. */
static struct str
address_of(struct pair *p, const struct side *c)
{
	if (c->port.n == 0)
		return c->peer;
	buf_clear(&p->address);
	buf_add_str(&p->address, c->peer);
	buf_addc(&p->address, ':');
	buf_add_str(&p->address, c->port);
	return buf_str(&p->address);
}

static void
emit_pair(struct pair *p, const struct side *c, const struct side *s)
{
	struct flow f;

	if (!is_msg(c, s)) {
		const struct skew_times by[] = { { c->start_us, c->end_us },
			{ s->start_us, s->end_us } };

		alias_learn(p->alias, address_of(p, c), s->service, p->now_us);
		skew_add(p->skew, c->service, s->service, &by[0], &by[1]);
	}
	flow_of(&f, c, s);
	f.src = c->service;
	f.dst = s->service;
	emit_flow(p, &f);
}

/* A whole request by itself: nobody but the client measures it. */
static void
emit_db(struct pair *p, const struct side *c)
{
	struct flow f;

	flow_of(&f, c, NULL);
	f.server_us = c->duration_us;
	f.src = c->service;
	f.dst = c->peer;
	f.dst_kind = NODE_DB;
	emit_flow(p, &f);
}

/* A caller whose other half never came. */
static void
emit_lone_client(struct pair *p, const struct side *c)
{
	struct str service = alias_find(p->alias, address_of(p, c), p->now_us);
	struct flow f;

	if (c->peer.n == 0) {
		p->counts.unpaired++;
		emit_work(p, c);
		return;
	}
	if (service.n == 0 && c->port.n > 0)
		service = alias_find(p->alias, c->peer, p->now_us);
	flow_of(&f, c, NULL);
	f.src = c->service;
	f.dst = c->peer;
	f.dst_kind = c->kind == SPAN_PRODUCER ? NODE_QUEUE : NODE_EXTERNAL;
	if (service.n > 0 && c->kind != SPAN_PRODUCER) {
		f.dst = service;
		f.dst_kind = NODE_SERVICE;
	}
	emit_flow(p, &f);
}

/* A callee whose other half never came, or cannot. */
static void
emit_lone_server(struct pair *p, const struct side *s)
{
	struct flow f;

	if (!is_zero(s->ids.parent, sizeof(s->ids.parent))) {
		p->counts.unpaired++;
		return;
	}
	flow_of(&f, NULL, s);
	f.src = s->peer.n > 0 ? s->peer : STR("user");
	f.src_kind = NODE_EXTERNAL;
	f.dst = s->service;
	emit_flow(p, &f);
}

/* ------------------------------------------------------------ waiting halves */

static uint64_t
hash_of(const struct pair *p, const uint8_t trace[16], const uint8_t span[8])
{
	struct {
		uint64_t seed;
		uint8_t trace[16], span[8];
	} k = { .seed = p->o.seed };

	memcpy(k.trace, trace, 16);
	memcpy(k.span, span, 8);
	return hash_bytes(&k, sizeof(k));
}

static struct half **
bucket_of(const struct pair *p, bool client, uint64_t hash)
{
	return &(client ? p->clients : p->servers)[hash & p->mask];
}

/* The place of a half with that key in its chain; *of it is NULL when there is none. */
static struct half **
half_find(
	const struct pair *p, bool client, const uint8_t trace[16], const uint8_t span[8])
{
	uint64_t hash = hash_of(p, trace, span);
	struct half **at = bucket_of(p, client, hash);

	while (*at && !((*at)->hash == hash && memcmp((*at)->span, span, 8) == 0 &&
			      memcmp((*at)->trace, trace, 16) == 0))
		at = &(*at)->chain;
	return at;
}

/* Take @h out of its chain and queue and free it; returns what it told, or NULL. */
static struct told *
half_remove(struct pair *p, struct half *h)
{
	struct half **at = bucket_of(p, h->client, h->hash);
	struct queue *q = &p->queues[h->queue];
	struct told *told = h->told;

	while (*at != h)
		at = &(*at)->chain;
	*at = h->chain;
	*(h->prev ? &h->prev->next : &q->first) = h->next;
	*(h->next ? &h->next->prev : &q->last) = h->prev;
	q->n--;
	p->counts.waiting--;
	p->served -= h->client && told->hits > 0;
	free(h);
	return --told->refs == 0 ? told : NULL;
}

static void
half_give_up(struct pair *p, struct half *h)
{
	bool client = h->client;
	struct told *told = half_remove(p, h);

	if (!told)
		return;
	if (told->hits == 0 && client)
		emit_lone_client(p, &told->side);
	else if (told->hits == 0)
		emit_lone_server(p, &told->side);
	free(told);
}

static void
make_room(struct pair *p)
{
	struct queue *q = p->queues;

	while (p->counts.waiting >= p->o.max_halves) {
		p->counts.overflow++;
		half_give_up(
			p, q[q[QUEUE_PRODUCERS].n > q[QUEUE_CALLS].n ? QUEUE_PRODUCERS
								     : QUEUE_CALLS]
				   .first);
	}
}

static void
half_add(
	struct pair *p, struct told *told, const uint8_t trace[16], const uint8_t span[8])
{
	struct half *h = xcalloc(1, sizeof(*h)), **bucket;
	struct queue *q;

	told->refs++;
	make_room(p);
	h->told = told;
	h->client = is_client(told->side.kind);
	h->queue = told->side.kind == SPAN_PRODUCER ? QUEUE_PRODUCERS : QUEUE_CALLS;
	h->hash = hash_of(p, trace, span);
	memcpy(h->trace, trace, 16);
	memcpy(h->span, span, 8);
	bucket = bucket_of(p, h->client, h->hash);
	h->chain = *bucket;
	*bucket = h;
	q = &p->queues[h->queue];
	h->due_us = p->now_us + q->wait_us;
	h->prev = q->last;
	*(q->last ? &q->last->next : &q->first) = h;
	q->last = h;
	q->n++;
	p->counts.waiting++;
}

/* ------------------------------------------------------------ the two sides */

static void
add_client(struct pair *p, const struct side *c)
{
	struct told *told;
	uint32_t hits = 0;
	struct half *h;

	if (c->db) {
		emit_db(p, c);
		return;
	}
	while ((h = *half_find(p, false, c->trace, c->ids.span)) &&
		(hits == 0 || c->kind == SPAN_PRODUCER)) {
		hits++;
		h->told->hits++;
		emit_pair(p, c, &h->told->side);
		free(half_remove(p, h));
	}
	if (hits > 0 && c->kind != SPAN_PRODUCER)
		return;
	told = told_new(c);
	told->hits = hits;
	p->served += hits > 0;
	half_add(p, told, c->trace, c->ids.span);
}

/* Pair @s with the client half that has that key, if there is one. */
static bool
meet_client(struct pair *p, const struct side *s, const uint8_t trace[16],
	const uint8_t span[8], bool producer_only)
{
	struct half *h = *half_find(p, true, trace, span);

	if (!h || (producer_only && h->told->side.kind != SPAN_PRODUCER))
		return false;
	p->served += h->told->hits++ == 0;
	emit_pair(p, &h->told->side, s);
	/* A message may have more takers; a call has one. */
	if (h->told->side.kind != SPAN_PRODUCER)
		free(half_remove(p, h));
	return true;
}

/* Keys that a callee may be found by: its caller's id, and of messages the links'. */
struct keys {
	uint8_t trace[MAX_LINKS + 2][16], span[MAX_LINKS + 2][8];
	uint32_t n;
};

static void
keys_add(struct keys *k, const uint8_t trace[16], const uint8_t span[8])
{
	memcpy(k->trace[k->n], trace, 16);
	memcpy(k->span[k->n++], span, 8);
}

/*
 * The ids of the span that may be @s's caller, the surest first. A side that may share
 * its caller's id without saying so is looked for under that as well.
 */
static void
caller_keys(const struct span *span, const struct side *s, struct keys *k)
{
	if (span->shared || span->may_share)
		keys_add(k, s->trace, s->ids.span);
	if (!span->shared && !is_zero(s->ids.parent, sizeof(s->ids.parent)))
		keys_add(k, s->trace, s->ids.parent);
}

static bool
has_key(const struct keys *k, const uint8_t trace[16], const uint8_t span[8])
{
	for (uint32_t i = 0; i < k->n; i++)
		if (memcmp(k->trace[i], trace, 16) == 0 &&
			memcmp(k->span[i], span, 8) == 0)
			return true;
	return false;
}

static void
add_server(struct pair *p, const struct span *span, const struct side *s)
{
	uint32_t links = s->kind == SPAN_CONSUMER ? MIN(span->link_count, MAX_LINKS) : 0;
	struct keys callers = { .n = 0 };
	struct told *told;
	uint32_t hits = 0, n;

	/* Parent first: where it is the producer, links only repeat it. */
	caller_keys(span, s, &callers);
	for (uint32_t i = 0; i < callers.n; i++)
		if (meet_client(p, s, callers.trace[i], callers.span[i], false))
			return;
	for (uint32_t i = 0; i < links; i++) {
		uint8_t trace[16];

		trace_key(span->links[i].trace, trace);
		if (has_key(&callers, trace, span->links[i].span))
			continue;
		if (meet_client(p, s, trace, span->links[i].span, true))
			hits++;
		else
			keys_add(&callers, trace, span->links[i].span);
	}
	n = callers.n;
	if (n == 0) {
		if (hits == 0)
			emit_lone_server(p, s);
		return;
	}
	told = told_new(s);
	told->hits = hits;
	/* Held here as well until every key is in: making room must not free it. */
	told->refs++;
	for (uint32_t i = 0; i < n; i++)
		half_add(p, told, callers.trace[i], callers.span[i]);
	if (--told->refs > 0)
		return;
	if (told->hits == 0)
		emit_lone_server(p, &told->side);
	free(told);
}

void
pair_add(struct pair *p, const struct span *s, int64_t now_us)
{
	uint8_t seen_side = s->kind == SPAN_SERVER || s->kind == SPAN_CONSUMER ? 2
			    : is_client(s->kind)                               ? 1
									       : 0;
	uint8_t trace[16];
	struct side side;

	pair_tick(p, now_us);
	p->counts.spans++;
	if (s->service.n == 0) {
		p->counts.ignored++;
		return;
	}
	trace_key(s->ids.trace, trace);
	if (seen_again(p->seen, trace, s->ids.span, seen_side)) {
		p->counts.duplicate++;
		return;
	}
	alias_learn(p->alias, s->service, s->service, p->now_us);
	side = side_of(p, s);
	if (seen_side == 0)
		emit_work(p, &side);
	else if (seen_side == 1)
		add_client(p, &side);
	else
		add_server(p, s, &side);
}

/* ------------------------------------------------------------ time */

/* Differences of clocks travel as gauges of the callee. */
static void
emit_skew(void *ctx, struct str caller, struct str callee, int64_t us)
{
	struct pair *p = ctx;
	struct event e = { .type = EVENT_GAUGE,
		.u.gauge = {
			.service = callee,
			.unit = STR("us"),
			.value = (double)us,
			.at_us = FLOW_UNKNOWN,
		} };

	buf_clear(&p->scratch);
	buf_adds(&p->scratch, PAIR_SKEW_GAUGE "{");
	buf_add_str(&p->scratch, caller);
	buf_addc(&p->scratch, '}');
	e.u.gauge.name = buf_str(&p->scratch);
	p->emit(p->ctx, &e);
}

void
pair_tick(struct pair *p, int64_t now_us)
{
	p->now_us = MAX(p->now_us, now_us);
	skew_tick(p->skew, p->now_us, emit_skew, p);
	for (unsigned i = 0; i < QUEUES; i++) {
		struct queue *q = &p->queues[i];

		while (q->first && q->first->due_us <= p->now_us)
			half_give_up(p, q->first);
	}
}

void
pair_flush(struct pair *p)
{
	for (unsigned i = 0; i < QUEUES; i++)
		while (p->queues[i].first)
			half_give_up(p, p->queues[i].first);
	skew_flush(p->skew, emit_skew, p);
}

int64_t
pair_wait(const struct pair *p, int64_t now_us)
{
	int64_t wait_us = -1;

	for (unsigned i = 0; i < QUEUES; i++) {
		const struct half *h = p->queues[i].first;

		if (h && (wait_us < 0 || h->due_us - now_us < wait_us))
			wait_us = MAX(h->due_us - now_us, 0);
	}
	return wait_us;
}

void
pair_counts(const struct pair *p, struct pair_counts *ret_counts)
{
	*ret_counts = p->counts;
	ret_counts->waiting -= p->served;
}

void
pair_free(struct pair *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < QUEUES; i++)
		while (p->queues[i].first)
			free(half_remove(p, p->queues[i].first));
	free(p->clients);
	free(p->servers);
	seen_free(p->seen);
	alias_free(p->alias);
	skew_free(p->skew);
	buf_done(&p->scratch);
	buf_done(&p->address);
	free(p);
}
