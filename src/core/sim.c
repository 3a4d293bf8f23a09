/*
 * A hop is one call with what its callee does for it: some work of its own and further
 * hops, one after the other. A request is simulated whole when it starts, which gives
 * events that end later; they wait in a heap until the time comes to them. So do
 * messages, which consumers take in the order in which they were published.
 */
#include "config.h"

#include "weir/core/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/* Requests per second from users, and how they swing. */
#define RATE 130.0
#define SWING 0.15
#define SWING_PERIOD_US (47.0 * 1e6)

/* One way over the network: median and spread (sigma of the logarithm). */
#define NET_US 180.0
#define NET_SIGMA 0.35

#define WORKERS 2
#define THEN_MAX 5

/* A consumer that is further behind than this drops messages. */
#define BEHIND_MAX_US (60 * SEC_US)

enum hop_id {
	HOP_END, /* of a list */
	HOP_HOME,
	HOP_PRODUCT,
	HOP_SHOW_CART,
	HOP_FILL_CART,
	HOP_BUY,
	HOP_CATALOG_LIST,
	HOP_CATALOG_ITEM,
	HOP_CART_GET,
	HOP_CART_PUT,
	HOP_REDIS_GET,
	HOP_REDIS_SET,
	HOP_CHECKOUT,
	HOP_CHECKOUT_CART,
	HOP_RESERVE,
	HOP_STOCK_SELECT,
	HOP_STOCK_UPDATE,
	HOP_CHARGE,
	HOP_PAY_BEGIN,
	HOP_PAY_UPDATE,
	HOP_PAY_COMMIT,
	HOP_BANK,
	HOP_PUBLISH,
	HOP_SHIP,
	HOP_SHIP_INSERT,
	HOP_MAIL,
	HOP_SMTP,
	HOPS
};

/* Who measures a call. */
enum seen_by {
	BOTH,
	CALLER,
	CALLEE
};

struct hop {
	const char *src, *dst, *op;
	enum flow_kind kind;
	enum node_kind src_kind, dst_kind;
	enum seen_by seen_by;
	double own_us, sigma; /* work of the callee itself */
	double fail;          /* share of calls that fail by themselves */
	const char *fail_code;
	double in, out; /* median bytes, 0: unknown */
	enum hop_id then[THEN_MAX + 1];
};

static const struct hop hops[HOPS] = {
	[HOP_HOME] = { "user", "gateway", "GET /", KIND_HTTP, NODE_EXTERNAL, NODE_SERVICE,
		CALLEE, 1900, 0.4, 0.0005, "500", 420, 18000, { HOP_CATALOG_LIST } },
	[HOP_PRODUCT] = { "user", "gateway", "GET /product/{id}", KIND_HTTP,
		NODE_EXTERNAL, NODE_SERVICE, CALLEE, 1600, 0.4, 0.0005, "500", 430, 9000,
		{ HOP_CATALOG_ITEM } },
	[HOP_SHOW_CART] = { "user", "gateway", "GET /cart", KIND_HTTP, NODE_EXTERNAL,
		NODE_SERVICE, CALLEE, 1300, 0.4, 0.0005, "500", 410, 3500,
		{ HOP_CART_GET } },
	[HOP_FILL_CART] = { "user", "gateway", "POST /cart", KIND_HTTP, NODE_EXTERNAL,
		NODE_SERVICE, CALLEE, 1500, 0.4, 0.0005, "500", 690, 900,
		{ HOP_CATALOG_ITEM, HOP_CART_PUT } },
	[HOP_BUY] = { "user", "gateway", "POST /checkout", KIND_HTTP, NODE_EXTERNAL,
		NODE_SERVICE, CALLEE, 2200, 0.4, 0.0005, "500", 1200, 1100,
		{ HOP_CHECKOUT } },
	[HOP_CATALOG_LIST] = { "gateway", "catalog", "GET /products", KIND_HTTP,
		NODE_SERVICE, NODE_SERVICE, BOTH, 9000, 0.5, 0.001, "503", 310, 16000 },
	[HOP_CATALOG_ITEM] = { "gateway", "catalog", "GET /products/{id}", KIND_HTTP,
		NODE_SERVICE, NODE_SERVICE, BOTH, 4000, 0.5, 0.001, "503", 320, 5200 },
	[HOP_CART_GET] = { "gateway", "cart", "GET /cart", KIND_HTTP, NODE_SERVICE,
		NODE_SERVICE, BOTH, 1100, 0.4, 0.0005, "500", 280, 2900,
		{ HOP_REDIS_GET } },
	[HOP_CART_PUT] = { "gateway", "cart", "POST /cart", KIND_HTTP, NODE_SERVICE,
		NODE_SERVICE, BOTH, 1400, 0.4, 0.0005, "500", 560, 310,
		{ HOP_REDIS_GET, HOP_REDIS_SET } },
	[HOP_REDIS_GET] = { "cart", "redis", "GET", KIND_DB, NODE_SERVICE, NODE_DB,
		CALLER, 220, 0.4, 0.0002, "timeout", 0, 0 },
	[HOP_REDIS_SET] = { "cart", "redis", "SET", KIND_DB, NODE_SERVICE, NODE_DB,
		CALLER, 260, 0.4, 0.0002, "timeout", 0, 0 },
	[HOP_CHECKOUT] = { "gateway", "checkout", "POST /checkout", KIND_GRPC,
		NODE_SERVICE, NODE_SERVICE, BOTH, 3800, 0.4, 0.001, "INTERNAL", 940, 760,
		{ HOP_CHECKOUT_CART, HOP_RESERVE, HOP_CHARGE, HOP_PUBLISH } },
	[HOP_CHECKOUT_CART] = { "checkout", "cart", "GET /cart", KIND_HTTP, NODE_SERVICE,
		NODE_SERVICE, BOTH, 1100, 0.4, 0.0005, "500", 280, 2900,
		{ HOP_REDIS_GET } },
	[HOP_RESERVE] = { "checkout", "inventory", "POST /reserve", KIND_GRPC,
		NODE_SERVICE, NODE_SERVICE, BOTH, 2100, 0.4, 0.001, "UNAVAILABLE", 520,
		180, { HOP_STOCK_SELECT, HOP_STOCK_UPDATE } },
	[HOP_STOCK_SELECT] = { "inventory", "inventory-db", "SELECT stock", KIND_DB,
		NODE_SERVICE, NODE_DB, CALLER, 1300, 0.5, 0.0003, "timeout", 0, 0 },
	[HOP_STOCK_UPDATE] = { "inventory", "inventory-db", "UPDATE stock", KIND_DB,
		NODE_SERVICE, NODE_DB, CALLER, 2200, 0.5, 0.0003, "timeout", 0, 0 },
	[HOP_CHARGE] = { "checkout", "payment", "POST /charge", KIND_GRPC, NODE_SERVICE,
		NODE_SERVICE, BOTH, 2600, 0.4, 0.001, "INTERNAL", 610, 240,
		{ HOP_PAY_BEGIN, HOP_PAY_UPDATE, HOP_BANK, HOP_PAY_COMMIT } },
	[HOP_PAY_BEGIN] = { "payment", "payment-db", "BEGIN", KIND_DB, NODE_SERVICE,
		NODE_DB, CALLER, 240, 0.4, 0.0001, "timeout", 0, 0 },
	[HOP_PAY_UPDATE] = { "payment", "payment-db", "UPDATE accounts", KIND_DB,
		NODE_SERVICE, NODE_DB, CALLER, 2400, 0.5, 0.0004, "deadlock", 0, 0 },
	[HOP_PAY_COMMIT] = { "payment", "payment-db", "COMMIT", KIND_DB, NODE_SERVICE,
		NODE_DB, CALLER, 1500, 0.5, 0.0001, "timeout", 0, 0 },
	[HOP_BANK] = { "payment", "bank", "POST /authorize", KIND_HTTP, NODE_SERVICE,
		NODE_EXTERNAL, CALLER, 46000, 0.35, 0.004, "402", 830, 410 },
	[HOP_PUBLISH] = { "checkout", "orders", "order.created", KIND_MSG, NODE_SERVICE,
		NODE_QUEUE, CALLER, 900, 0.4, 0.0002, "timeout", 740, 0 },
	[HOP_SHIP] = { "orders", "shipping", "order.created", KIND_MSG, NODE_QUEUE,
		NODE_SERVICE, CALLEE, 14000, 0.4, 0.001, "error", 740, 0,
		{ HOP_SHIP_INSERT } },
	[HOP_SHIP_INSERT] = { "shipping", "shipping-db", "INSERT shipments", KIND_DB,
		NODE_SERVICE, NODE_DB, CALLER, 2600, 0.5, 0.0003, "timeout", 0, 0 },
	[HOP_MAIL] = { "orders", "email", "order.created", KIND_MSG, NODE_QUEUE,
		NODE_SERVICE, CALLEE, 6000, 0.4, 0.001, "error", 740, 0, { HOP_SMTP } },
	[HOP_SMTP] = { "email", "smtp", "SEND", KIND_RPC, NODE_SERVICE, NODE_EXTERNAL,
		CALLER, 58000, 0.4, 0.003, "451", 4200, 0 },
};

/* What users do, and how often. */
static const struct {
	enum hop_id hop;
	double share;
} entries[] = {
	{ HOP_PRODUCT, 0.36 },
	{ HOP_HOME, 0.24 },
	{ HOP_SHOW_CART, 0.15 },
	{ HOP_FILL_CART, 0.13 },
	{ HOP_BUY, 0.12 },
};

enum scenario {
	DB_LOCK,
	HEALTHY,
	FAILING,
	SLOW_SERVICE,
	BACKLOG,
	KILL
};

const char *const sim_scenarios[] = { "db-lock", "healthy", "errors", "slow-service",
	"backlog", "kill", NULL };

const char *const sim_agents[] = { "gateway", "catalog", "cart", "checkout", "inventory",
	"payment", "shipping", "email", NULL };

const char *
sim_group(const char *service)
{
	static const struct {
		const char *service, *group;
	} rows[] = {
		{ "gateway", "shop" },
		{ "catalog", "shop" },
		{ "cart", "shop" },
		{ "shipping", "delivery" },
		{ "email", "delivery" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(service, rows[i].service) == 0)
			return rows[i].group;
	return "orders";
}

struct waiting {
	int64_t end_us;
	uint64_t seq;        /* settles ties */
	enum hop_id message; /* what a consumer is to do with it, or HOP_END: an event */
	struct flow_ids ids; /* of the message */
	const char *agent;
	struct event e;
};

/* Threads of a consumer: when each will be free. */
struct consumer {
	int64_t free_us[WORKERS];
};

struct sim {
	enum scenario scenario;
	uint64_t rng;
	int64_t zero_us;
	int64_t next_us; /* when the next user comes */
	int64_t from_us;
	uint64_t seq;
	struct consumer ship, mail;
	struct waiting *heap;
	uint32_t n, room;
};

/* How a call went. */
struct outcome {
	int64_t client_us;
	bool failed;
};

static uint64_t
random_bits(struct sim *s)
{
	uint64_t z = s->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* In (0, 1). */
static double
uniform(struct sim *s)
{
	return ((double)(random_bits(s) >> 11) + 0.5) / 9007199254740992.0;
}

static int64_t
lognormal(struct sim *s, double median, double sigma)
{
	double u = uniform(s), v = uniform(s);
	double normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * v);

	return (int64_t)(median * exp(sigma * normal)) + 1;
}

static bool
waits_less(const struct waiting *a, const struct waiting *b)
{
	return a->end_us < b->end_us || (a->end_us == b->end_us && a->seq < b->seq);
}

static void
heap_push(struct sim *s, const struct waiting *w)
{
	uint32_t i = s->n++;

	if (s->n > s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->heap = xreallocarray(s->heap, s->room, sizeof(*s->heap));
	}
	for (; i && waits_less(w, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = *w;
}

static void
heap_pop(struct sim *s)
{
	struct waiting last = s->heap[--s->n];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < s->n && waits_less(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (child >= s->n || !waits_less(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	if (s->n)
		s->heap[i] = last;
}

static void
emit(struct sim *s, const char *agent, int64_t end_us, const struct event *e)
{
	struct waiting w = {
		.end_us = end_us,
		.seq = s->seq++,
		.agent = agent,
		.e = *e,
	};

	heap_push(s, &w);
}

static void
publish(struct sim *s, enum hop_id id, const struct flow_ids *ids, int64_t at_us)
{
	struct waiting w = {
		.end_us = at_us,
		.seq = s->seq++,
		.message = id,
		.ids = *ids,
	};

	heap_push(s, &w);
}

bool
sim_in_trouble(const struct sim *s, int64_t at_us)
{
	int64_t t = at_us - s->zero_us - SIM_HEALTHY_US;

	return s->scenario != HEALTHY && t >= 0 &&
	       t % (2 * SIM_TROUBLE_US) < SIM_TROUBLE_US;
}

/* The callee's own work for that hop, trouble included. */
static int64_t
own_work(struct sim *s, enum hop_id id, int64_t at_us)
{
	const struct hop *h = &hops[id];
	int64_t us = lognormal(s, h->own_us, h->sigma);
	double u = uniform(s);

	if (!sim_in_trouble(s, at_us))
		return us;
	if (s->scenario == DB_LOCK && id == HOP_PAY_UPDATE)
		return (int64_t)((1.0 + u) * 1e6);
	if (s->scenario == SLOW_SERVICE &&
		(id == HOP_CATALOG_ITEM || id == HOP_CATALOG_LIST))
		return (int64_t)((0.9 + 0.6 * u) * 1e6) + us;
	if (s->scenario == BACKLOG && id == HOP_SHIP)
		return (int64_t)((0.17 + 0.06 * u) * 1e6);
	return us;
}

static bool
fails(struct sim *s, enum hop_id id, int64_t at_us)
{
	double share = hops[id].fail;

	if (s->scenario == FAILING && id == HOP_RESERVE && sim_in_trouble(s, at_us))
		share = 0.4;
	return uniform(s) < share;
}

static bool
is_dead(const struct sim *s, enum hop_id id, int64_t at_us)
{
	return s->scenario == KILL && id == HOP_RESERVE && sim_in_trouble(s, at_us);
}

static int64_t
size_of(struct sim *s, double median)
{
	return median > 0 ? lognormal(s, median, 0.3) : FLOW_UNKNOWN;
}

static void
random_span(struct sim *s, uint8_t *span)
{
	uint64_t bits = random_bits(s);

	memcpy(span, &bits, 8);
}

/* The callee's own part, as it would tell it itself. */
static void
emit_work(struct sim *s, const struct hop *h, const struct flow_ids *ids, int64_t end_us,
	int64_t own_us, bool failed)
{
	struct event e = { .type = EVENT_WORK,
		.u.work = {
			.service = str_of(h->dst),
			.op = str_of(h->op),
			.end_us = end_us,
			.duration_us = own_us,
			.failed = failed,
			.ids = *ids,
		} };

	memcpy(e.u.work.ids.parent, ids->span, sizeof(ids->span));
	random_span(s, e.u.work.ids.span);
	emit(s, h->dst, end_us, &e);
}

static void
emit_flow(struct sim *s, const struct hop *h, const struct flow_ids *ids, int64_t end_us,
	int64_t client_us, int64_t server_us, int64_t queue_us, const char *code)
{
	struct event e = { .type = EVENT_FLOW };
	struct flow *f = &e.u.flow;

	flow_init(f);
	f->src = str_of(h->src);
	f->dst = str_of(h->dst);
	f->op = str_of(h->op);
	f->code = str_of(code);
	f->kind = h->kind;
	f->origin = ORIGIN_DIRECT;
	f->src_kind = h->src_kind;
	f->dst_kind = h->dst_kind;
	f->failed = code != NULL;
	f->end_us = end_us;
	f->client_us = h->seen_by == CALLEE ? FLOW_UNKNOWN : client_us;
	f->server_us = h->seen_by == CALLER ? FLOW_UNKNOWN : server_us;
	f->queue_us = queue_us;
	f->bytes_in = size_of(s, h->in);
	f->bytes_out = size_of(s, h->out);
	f->ids = *ids;
	emit(s, h->seen_by == CALLEE ? h->dst : h->src, end_us, &e);
}

static struct outcome call(
	struct sim *s, enum hop_id id, const struct flow_ids *parent, int64_t at_us);

static struct flow_ids
child_ids(struct sim *s, const struct flow_ids *parent)
{
	struct flow_ids ids = *parent;

	memcpy(ids.parent, parent->span, sizeof(ids.parent));
	random_span(s, ids.span);
	return ids;
}

/*
 * What the callee does from @at_us on: half of its own work, the hops behind it until
 * one fails, the rest. Returns how long it took; a failure is added to *failed.
 */
static int64_t
serve(struct sim *s, enum hop_id id, const struct flow_ids *ids, int64_t at_us,
	bool *failed)
{
	const struct hop *h = &hops[id];
	int64_t own = own_work(s, id, at_us), t = at_us + own / 2;

	for (unsigned i = 0; h->then[i] != HOP_END && !*failed; i++) {
		struct outcome o = call(s, h->then[i], ids, t);

		t += o.client_us;
		*failed |= o.failed;
	}
	t += own - own / 2;
	if (h->dst_kind == NODE_SERVICE)
		emit_work(s, h, ids, t, own, *failed);
	return t - at_us;
}

static struct outcome
call(struct sim *s, enum hop_id id, const struct flow_ids *parent, int64_t at_us)
{
	const struct hop *h = &hops[id];
	struct flow_ids ids = child_ids(s, parent);
	int64_t out = lognormal(s, NET_US, NET_SIGMA);
	int64_t back = lognormal(s, NET_US, NET_SIGMA);
	bool failed = fails(s, id, at_us), own = failed;
	int64_t server, end;

	if (is_dead(s, id, at_us)) {
		struct hop gone = *h;

		gone.seen_by = CALLER;
		emit_flow(s, &gone, &ids, at_us + out, out, 0, FLOW_UNKNOWN,
			"connection refused");
		return (struct outcome){ .client_us = out, .failed = true };
	}
	server = serve(s, id, &ids, at_us + out, &failed);
	end = at_us + out + server + back;
	/* Where nobody sees the network, the call is over when the callee says so. */
	emit_flow(s, h, &ids, h->seen_by == CALLEE ? end - back : end,
		out + server + back, server, FLOW_UNKNOWN,
		!failed ? NULL
		: own   ? h->fail_code
			: (h->kind == KIND_GRPC ? "UNAVAILABLE" : "502"));
	if (id == HOP_PUBLISH && !failed) {
		publish(s, HOP_SHIP, &ids, end);
		publish(s, HOP_MAIL, &ids, end);
	}
	return (struct outcome){ .client_us = out + server + back, .failed = failed };
}

/* A message published at @at_us reaches the first thread that is free. */
static void
consume(struct sim *s, enum hop_id id, struct consumer *c, const struct flow_ids *parent,
	int64_t at_us)
{
	struct flow_ids ids = child_ids(s, parent);
	int64_t start = at_us + lognormal(s, 4000, 0.5), took;
	bool failed = fails(s, id, at_us);
	unsigned k = 0;

	for (unsigned i = 1; i < WORKERS; i++)
		if (c->free_us[i] < c->free_us[k])
			k = i;
	start = MAX(start, c->free_us[k]);
	if (start - at_us > BEHIND_MAX_US)
		return;
	took = serve(s, id, &ids, start, &failed);
	c->free_us[k] = start + took;
	emit_flow(s, &hops[id], &ids, start + took, FLOW_UNKNOWN, took, start - at_us,
		failed ? hops[id].fail_code : NULL);
}

static void
one_request(struct sim *s)
{
	struct flow_ids none = { 0 };
	double u = uniform(s);
	unsigned i = 0;

	for (unsigned k = 0; k < 2; k++) {
		uint64_t bits = random_bits(s) | 1; /* an all-zero id is none */

		memcpy(none.trace + 8 * k, &bits, 8);
	}
	for (; i < ARRAY_LEN(entries) - 1 && u >= entries[i].share; i++)
		u -= entries[i].share;
	call(s, entries[i].hop, &none, s->next_us);
}

static void
next_user(struct sim *s)
{
	double phase = (double)(s->next_us - s->from_us) / SWING_PERIOD_US;
	double rate = RATE * (1 + SWING * sin(6.283185307179586 * phase));

	s->next_us += (int64_t)(-log(uniform(s)) / rate * 1e6) + 1;
}

struct sim *
sim_new(const char *scenario, uint64_t seed, int64_t from_us, int64_t zero_us)
{
	unsigned which = 0;
	struct sim *s;

	while (sim_scenarios[which] && strcmp(sim_scenarios[which], scenario) != 0)
		which++;
	if (!sim_scenarios[which])
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->scenario = (enum scenario)which;
	s->rng = seed;
	s->from_us = from_us;
	s->zero_us = zero_us;
	s->next_us = from_us;
	next_user(s);
	return s;
}

void
sim_free(struct sim *s)
{
	if (!s)
		return;
	free(s->heap);
	free(s);
}

void
sim_run(struct sim *s, int64_t until_us,
	void (*take)(void *arg, const char *agent, const struct event *e), void *arg)
{
	/* Strictly by time, so that chance falls the same however time is cut. */
	for (;;) {
		struct waiting w;

		if (s->next_us <= until_us &&
			(!s->n || s->next_us <= s->heap[0].end_us)) {
			one_request(s);
			next_user(s);
			continue;
		}
		if (!s->n || s->heap[0].end_us > until_us)
			break;
		w = s->heap[0];
		heap_pop(s);
		if (w.message == HOP_END)
			take(arg, w.agent, &w.e);
		else
			consume(s, w.message, w.message == HOP_SHIP ? &s->ship : &s->mail,
				&w.ids, w.end_us);
	}
}
