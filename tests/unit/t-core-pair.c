#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/json.h"
#include "weir/base/util.h"
#include "weir/core/pair.h"

#define T0 (INT64_C(1790000000) * SEC_US)

/* ------------------------------------------------------------ edges, added up */

struct edge {
	char src[64], dst[64], type[20], op[64], code[32];
	enum flow_kind kind;
	enum node_kind src_kind, dst_kind;
	long count, failed;
	int64_t lat_us, client_us, server_us, queue_us, bytes_in;
};

struct tally {
	struct edge edges[32];
	unsigned n, works;
};

static const char *
type_of(const struct flow *f)
{
	if (f->dst_kind == NODE_DB)
		return "database";
	if (f->src_kind != NODE_SERVICE || f->dst_kind != NODE_SERVICE ||
		f->client_us < 0 || f->server_us < 0)
		return "virtual_node";
	return f->kind == KIND_MSG ? "messaging_system" : "direct";
}

static void
set(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static struct edge *
edge_of(struct tally *t, const char *src, const char *dst, const char *type)
{
	struct edge *e = t->edges;

	for (unsigned i = 0; i < t->n; i++, e++)
		if (!strcmp(e->src, src) && !strcmp(e->dst, dst) &&
			!strcmp(e->type, type))
			return e;
	cr_assert_lt(t->n, ARRAY_LEN(t->edges));
	t->n++;
	*e = (struct edge){ 0 };
	set(e->src, sizeof(e->src), str_of(src));
	set(e->dst, sizeof(e->dst), str_of(dst));
	set(e->type, sizeof(e->type), str_of(type));
	return e;
}

static void
count(void *ctx, const struct event *ev)
{
	struct tally *t = ctx;
	const struct flow *f = &ev->u.flow;
	char src[64], dst[64];
	struct edge *e;

	if (ev->type == EVENT_WORK) {
		t->works++;
		return;
	}
	/* What the clocks differ by is another test's. */
	if (ev->type == EVENT_GAUGE)
		return;
	cr_assert_eq(ev->type, EVENT_FLOW);
	cr_assert(f->src.n > 0 && f->dst.n > 0);
	set(src, sizeof(src), f->src);
	set(dst, sizeof(dst), f->dst);
	e = edge_of(t, src, dst, type_of(f));
	set(e->op, sizeof(e->op), f->op);
	set(e->code, sizeof(e->code), f->code);
	e->kind = f->kind;
	e->src_kind = f->src_kind;
	e->dst_kind = f->dst_kind;
	e->count++;
	e->failed += f->failed;
	e->lat_us += flow_latency_us(f);
	e->client_us += MAX(f->client_us, 0);
	e->server_us += MAX(f->server_us, 0);
	e->queue_us += MAX(f->queue_us, 0);
	e->bytes_in = f->bytes_in;
}

/* ------------------------------------------------------------ the case list */

static void
hex(uint8_t *to, size_t n, struct str s)
{
	memset(to, 0, n);
	for (size_t i = 0; i < s.n && i < 2 * n; i++) {
		char c = s.p[s.n - 1 - i];
		int v = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;

		to[n - 1 - i / 2] |= (uint8_t)(v << (i % 2 ? 4 : 0));
	}
}

static struct str
take_text(struct json *j)
{
	enum json_type t = json_next(j);

	cr_assert(t == JSON_STRING || t == JSON_NUMBER || t == JSON_NULL ||
		  t == JSON_TRUE || t == JSON_FALSE);
	return t == JSON_STRING || t == JSON_NUMBER ? j->text : STR("");
}

static int64_t
take_int(struct json *j)
{
	int64_t v;

	cr_assert_eq(json_next(j), JSON_NUMBER);
	cr_assert(json_int64(j->text, &v));
	return v;
}

static enum span_kind
kind_from(struct str s)
{
	static const char *const words[] = { "UNSPECIFIED", "INTERNAL", "SERVER",
		"CLIENT", "PRODUCER", "CONSUMER" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(s, str_of(words[i])))
			return (enum span_kind)i;
	cr_assert_fail("unknown kind");
	return SPAN_UNSPECIFIED;
}

static void
read_attrs(struct json *j, struct span_attrs *a)
{
	struct str key;

	cr_assert(json_enter(j, JSON_OBJECT));
	while (json_key(j, &key))
		span_attrs_set(a, key, take_text(j));
}

static void
read_remote(struct json *j, struct span *s)
{
	struct str key;

	cr_assert(json_enter(j, JSON_OBJECT));
	while (json_key(j, &key)) {
		struct str v = take_text(j);

		if (str_eq(key, STR("serviceName")))
			s->remote = v;
	}
}

static uint32_t
read_links(struct json *j, struct span_link *links)
{
	uint32_t n = 0;
	struct str key;

	cr_assert(json_enter(j, JSON_ARRAY));
	for (; json_item(j); n++) {
		cr_assert(json_enter(j, JSON_OBJECT));
		while (json_key(j, &key)) {
			bool trace = str_eq(key, STR("trace"));

			hex(trace ? links[n].trace : links[n].span, trace ? 16 : 8,
				take_text(j));
		}
	}
	return n;
}

struct case_span {
	struct span span;
	struct span_attrs resource;
	struct span_link links[4];
	int64_t at_us;
};

static void
read_span(struct json *j, struct case_span *c)
{
	struct span *s = &c->span;
	int64_t dur_us = -1;
	struct str key;

	*c = (struct case_span){ .span = { .origin = ORIGIN_OTLP } };
	s->resource = &c->resource;
	s->links = c->links;
	cr_assert(json_enter(j, JSON_OBJECT));
	while (json_key(j, &key)) {
		if (str_eq(key, STR("trace")))
			hex(s->ids.trace, 16, take_text(j));
		else if (str_eq(key, STR("span")))
			hex(s->ids.span, 8, take_text(j));
		else if (str_eq(key, STR("parent")))
			hex(s->ids.parent, 8, take_text(j));
		else if (str_eq(key, STR("kind")))
			s->kind = kind_from(take_text(j));
		else if (str_eq(key, STR("service")))
			s->service = take_text(j);
		else if (str_eq(key, STR("name")))
			s->name = take_text(j);
		else if (str_eq(key, STR("start_us")))
			s->start_us = T0 + take_int(j);
		else if (str_eq(key, STR("end_us")))
			s->end_us = T0 + take_int(j);
		else if (str_eq(key, STR("dur_us")))
			dur_us = take_int(j);
		else if (str_eq(key, STR("status")))
			s->failed = take_int(j) == 2;
		else if (str_eq(key, STR("at_ms")))
			c->at_us = take_int(j) * MSEC_US;
		else if (str_eq(key, STR("shared")))
			s->shared = json_next(j) == JSON_TRUE;
		else if (str_eq(key, STR("attrs")))
			read_attrs(j, &s->attrs);
		else if (str_eq(key, STR("resource")))
			read_attrs(j, &c->resource);
		else if (str_eq(key, STR("remote")))
			read_remote(j, s);
		else if (str_eq(key, STR("links")))
			s->link_count = read_links(j, c->links);
		else
			json_skip(j);
	}
	if (dur_us >= 0)
		s->end_us = s->start_us + dur_us;
	s->duration_us = MAX(s->end_us - s->start_us, 0);
}

static unsigned
read_spans(struct json *j, struct case_span *spans, unsigned max)
{
	unsigned n = 0;

	cr_assert(json_enter(j, JSON_ARRAY));
	while (json_item(j)) {
		cr_assert_lt(n, max);
		read_span(j, &spans[n++]);
	}
	return n;
}

struct want {
	struct edge edge;
	bool has_client, has_server, has_queue;
};

static unsigned
read_edges(struct json *j, struct want *want, unsigned max)
{
	unsigned n = 0;
	struct str key;

	cr_assert(json_enter(j, JSON_ARRAY));
	for (; json_item(j); n++) {
		struct edge *e = &want[n].edge;

		cr_assert_lt(n, max);
		want[n] = (struct want){ 0 };
		cr_assert(json_enter(j, JSON_OBJECT));
		while (json_key(j, &key)) {
			if (str_eq(key, STR("src")))
				set(e->src, sizeof(e->src), take_text(j));
			else if (str_eq(key, STR("dst")))
				set(e->dst, sizeof(e->dst), take_text(j));
			else if (str_eq(key, STR("type")))
				set(e->type, sizeof(e->type), take_text(j));
			else if (str_eq(key, STR("count")))
				e->count = take_int(j);
			else if (str_eq(key, STR("failed")))
				e->failed = take_int(j);
			else if (str_eq(key, STR("lat_us")))
				e->lat_us = take_int(j);
			else if (str_eq(key, STR("client_us")))
				e->client_us = take_int(j), want[n].has_client = true;
			else if (str_eq(key, STR("server_us")))
				e->server_us = take_int(j), want[n].has_server = true;
			else if (str_eq(key, STR("queue_us")))
				e->queue_us = take_int(j), want[n].has_queue = true;
			else
				cr_assert_fail("unknown field of an edge");
		}
	}
	return n;
}

/* How a case's spans are handed over: any order must give the same edges. */
enum order {
	AS_WRITTEN,
	REVERSED,
	TWICE
};

static void
run_case(const char *name, struct case_span *spans, unsigned n, const struct want *want,
	unsigned wants, int64_t wait_us, enum order order)
{
	struct pair_options o = { .wait_us = wait_us, .seed = 7 };
	struct tally t = { 0 };
	struct pair *p = pair_new(&o, count, &t);

	for (unsigned pass = 0; pass < (order == TWICE ? 2 : 1); pass++)
		for (unsigned i = 0; i < n; i++) {
			struct case_span *c = &spans[order == REVERSED ? n - 1 - i : i];

			pair_add(p, &c->span, T0 + c->at_us);
		}
	pair_tick(p, T0 + 200 * SEC_US);
	pair_free(p);
	cr_expect_eq(t.n, wants, "%s (order %d): %u edges", name, order, t.n);
	for (unsigned i = 0; i < wants; i++) {
		const struct edge *w = &want[i].edge;
		const struct edge *e = edge_of(&t, w->src, w->dst, w->type);

		cr_expect_eq(e->count, w->count, "%s: %s->%s", name, w->src, w->dst);
		cr_expect_eq(e->failed, w->failed, "%s", name);
		cr_expect_eq(e->lat_us, w->lat_us, "%s", name);
		if (want[i].has_client)
			cr_expect_eq(e->client_us, w->client_us, "%s", name);
		if (want[i].has_server)
			cr_expect_eq(e->server_us, w->server_us, "%s", name);
		if (want[i].has_queue)
			cr_expect_eq(e->queue_us, w->queue_us, "%s", name);
	}
}

static void
read_file(const char *name, struct buf *out)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/%s", getenv("top_srcdir"), name);
	f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->n += n;
	} while (n > 0);
	fclose(f);
}

Test(pair, every_conformance_case_gives_its_edges_in_any_order)
{
	static struct case_span spans[256];
	struct want want[8];
	struct buf b = BUF_INIT;
	unsigned cases = 0;
	struct json j;
	struct str key;

	read_file("conformance/cases.json", &b);
	json_init(&j, b.p, b.n, 1000000, false);
	cr_assert(json_enter(&j, JSON_ARRAY));
	for (; json_item(&j); cases++) {
		unsigned n = 0, wants = 0;
		bool timed = false;
		char name[64] = "";

		cr_assert(json_enter(&j, JSON_OBJECT));
		while (json_key(&j, &key)) {
			if (str_eq(key, STR("name")))
				set(name, sizeof(name), take_text(&j));
			else if (str_eq(key, STR("options")))
				timed = true, json_skip(&j);
			else if (str_eq(key, STR("spans")))
				n = read_spans(&j, spans, ARRAY_LEN(spans));
			else if (str_eq(key, STR("expected_edges")))
				wants = read_edges(&j, want, ARRAY_LEN(want));
			else
				json_skip(&j);
		}
		run_case(name, spans, n, want, wants, 10 * SEC_US, AS_WRITTEN);
		if (timed)
			continue;
		run_case(name, spans, n, want, wants, 10 * SEC_US, REVERSED);
		run_case(name, spans, n, want, wants, 10 * SEC_US, TWICE);
	}
	cr_assert_eq(json_finish(&j), STATUS_OK);
	cr_expect_eq(cases, 27);
	buf_done(&b);
}

/* ------------------------------------------------------------ beyond the list */

static struct span
span_of(enum span_kind kind, const char *service, unsigned trace, unsigned id,
	unsigned parent)
{
	struct span s = {
		.origin = ORIGIN_OTLP,
		.kind = kind,
		.service = str_of(service),
		.name = STR("work"),
		.start_us = T0,
		.end_us = T0 + 1000,
		.duration_us = 1000,
	};

	memcpy(s.ids.trace + 8, &trace, sizeof(trace));
	memcpy(s.ids.span, &id, sizeof(id));
	memcpy(s.ids.parent, &parent, sizeof(parent));
	return s;
}

static struct span
call_to(const char *service, const char *host, unsigned trace)
{
	struct span s = span_of(SPAN_CLIENT, service, trace, 1, 9);

	s.attrs.v[ATTR_SERVER_ADDRESS] = str_of(host);
	s.attrs.v[ATTR_SERVER_PORT] = STR("3000");
	return s;
}

Test(pair, a_dead_service_keeps_the_name_it_had_while_it_lived)
{
	struct tally t = { 0 };
	struct pair *p = pair_new(&(struct pair_options){ 0 }, count, &t);
	struct span c = call_to("checkout", "payment.test", 1);
	struct span s = span_of(SPAN_SERVER, "payment", 1, 2, 1);

	pair_add(p, &c, T0);
	pair_add(p, &s, T0);
	c = call_to("checkout", "payment.test", 2);
	c.failed = true;
	pair_add(p, &c, T0 + SEC_US);
	c = call_to("checkout", "bank.test", 3);
	pair_add(p, &c, T0 + SEC_US);
	pair_flush(p);
	cr_assert_eq(t.n, 3);
	cr_expect_eq(edge_of(&t, "checkout", "payment", "virtual_node")->failed, 1);
	cr_expect_eq(edge_of(&t, "checkout", "payment", "virtual_node")->dst_kind,
		NODE_SERVICE);
	cr_expect_eq(edge_of(&t, "checkout", "bank.test", "virtual_node")->dst_kind,
		NODE_EXTERNAL);
	pair_free(p);
}

Test(pair, an_address_with_two_services_behind_it_names_neither)
{
	struct tally t = { 0 };
	struct pair *p = pair_new(&(struct pair_options){ 0 }, count, &t);
	struct span c, s;

	for (unsigned i = 1; i <= 2; i++) {
		c = call_to("web", "gateway.test", i);
		s = span_of(SPAN_SERVER, i == 1 ? "a" : "b", i, 2, 1);
		pair_add(p, &c, T0);
		pair_add(p, &s, T0);
	}
	c = call_to("web", "gateway.test", 3);
	pair_add(p, &c, T0);
	pair_flush(p);
	cr_expect_eq(edge_of(&t, "web", "gateway.test", "virtual_node")->count, 1);
	pair_free(p);
}

Test(pair, a_root_server_is_seen_at_once_and_a_lone_client_after_the_wait)
{
	struct tally t = { 0 };
	struct pair *p = pair_new(&(struct pair_options){ 0 }, count, &t);
	struct span root = span_of(SPAN_SERVER, "gateway", 1, 5, 0);
	struct span c = call_to("gateway", "far.test", 1);

	pair_add(p, &root, T0);
	cr_expect_eq(t.n, 1);
	cr_expect_eq(t.edges[0].src_kind, NODE_EXTERNAL);
	cr_expect_eq(pair_wait(p, T0), -1);
	pair_add(p, &c, T0);
	cr_expect_eq(pair_wait(p, T0 + SEC_US), 9 * SEC_US);
	pair_tick(p, T0 + 10 * SEC_US - 1);
	cr_expect_eq(t.n, 1);
	pair_tick(p, T0 + 10 * SEC_US);
	cr_expect_eq(t.n, 2);
	pair_free(p);
}

Test(pair, a_backlog_does_not_lose_the_consumers_behind_it)
{
	struct tally t = { 0 };
	struct pair *p = pair_new(&(struct pair_options){ 0 }, count, &t);
	struct span c = span_of(SPAN_PRODUCER, "orders", 1, 1, 9);
	struct span s = span_of(SPAN_CONSUMER, "shipping", 1, 2, 1);
	struct pair_counts n;

	c.attrs.v[ATTR_MSG_DESTINATION] = STR("orders.created");
	s.start_us += 60 * SEC_US;
	s.end_us += 60 * SEC_US;
	pair_add(p, &c, T0);
	pair_counts(p, &n);
	cr_expect_eq(n.waiting, 1);
	pair_add(p, &s, T0 + 65 * SEC_US);
	pair_counts(p, &n);
	cr_expect_eq(n.waiting, 0, "it waits for nothing that is owed");
	pair_flush(p);
	pair_counts(p, &n);
	cr_expect_eq(n.waiting, 0);
	cr_assert_eq(t.n, 1);
	cr_expect_str_eq(t.edges[0].type, "messaging_system");
	cr_expect_str_eq(t.edges[0].op, "orders.created");
	cr_expect_eq(t.edges[0].queue_us, 60 * SEC_US - 1000);
	pair_free(p);
}

Test(pair, halves_held_are_bounded_and_the_oldest_make_room)
{
	struct pair_options o = { .max_halves = 100, .max_seen = 50 };
	struct tally t = { 0 };
	struct pair *p = pair_new(&o, count, &t);
	struct pair_counts n;

	for (unsigned i = 1; i <= 1000; i++) {
		struct span c = call_to("a", "b.test", i);

		pair_add(p, &c, T0);
	}
	pair_counts(p, &n);
	cr_expect_eq(n.waiting, 100);
	cr_expect_eq(n.overflow, 900);
	cr_expect_eq(n.flows, 900, "made room by losing requests");
	pair_flush(p);
	pair_counts(p, &n);
	cr_expect_eq(n.waiting, 0);
	cr_expect_eq(edge_of(&t, "a", "b.test", "virtual_node")->count, 1000);
	pair_free(p);
}

Test(pair, a_consumer_of_many_links_may_be_given_up_while_it_is_added)
{
	struct pair_options o = { .max_halves = 2 };
	struct span_link links[3] = { { .span = { 1 } }, { .span = { 2 } },
		{ .span = { 3 } } };
	struct tally t = { 0 };
	struct pair *p = pair_new(&o, count, &t);
	struct span s = span_of(SPAN_CONSUMER, "c", 1, 2, 0);

	s.links = links;
	s.link_count = 3;
	pair_add(p, &s, T0);
	pair_flush(p);
	cr_expect_eq(edge_of(&t, "user", "c", "virtual_node")->count, 1);
	cr_expect_eq(t.n, 1);
	pair_free(p);
}

Test(pair, a_client_that_names_nobody_is_work_and_counted)
{
	struct tally t = { 0 };
	struct pair *p = pair_new(&(struct pair_options){ 0 }, count, &t);
	struct span dns = span_of(SPAN_CLIENT, "a", 1, 1, 9);
	struct pair_counts n;

	pair_add(p, &dns, T0);
	pair_add(p, &dns, T0);
	pair_flush(p);
	pair_counts(p, &n);
	cr_expect_eq(t.n, 0);
	cr_expect_eq(t.works, 1);
	cr_expect_eq(n.unpaired, 1);
	cr_expect_eq(n.duplicate, 1);
	pair_free(p);
}

/* ------------------------------------------------------------ names */

Test(span, a_statement_is_its_verb_and_table)
{
	static const char *const rows[][2] = {
		{ "SELECT sku, name FROM products WHERE sku = $1", "SELECT products" },
		{ "select * from \"Shop\".\"Items\" i", "SELECT Shop.Items" },
		{ "UPDATE accounts SET x = 'from y'", "UPDATE accounts" },
		{ "INSERT INTO orders(id) VALUES ($1)", "INSERT orders" },
		{ "/* hint */ -- x\n DELETE FROM ONLY t", "DELETE t" },
		{ "(SELECT 1)", "SELECT" },
		{ "SELECT 'a from b' FROM real_one", "SELECT real_one" },
		{ "SELECT x FROM (SELECT y FROM z)", "SELECT" },
		{ "create table if not exists logs (x int)", "CREATE logs" },
		{ "BEGIN", "BEGIN" },
		{ "hset cart:u1 sku", "hset" },
		{ "{\"find\":\"x\"}", "" },
		{ "SELECT", "SELECT" },
		{ "SELECT * FROM", "SELECT" },
		{ "", "" },
		{ "'", "" },
		{ "/*", "" },
	};
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		sql_summary(str_of(rows[i][0]), &b);
		cr_expect_str_eq(
			buf_cstr(&b), rows[i][1], "%s -> %s", rows[i][0], buf_cstr(&b));
	}
	buf_done(&b);
}

static void
expect_op(const struct span *s, const char *want)
{
	struct buf b = BUF_INIT;

	span_op(s, &b);
	cr_expect_str_eq(buf_cstr(&b), want);
	buf_done(&b);
}

Test(span, what_names_one_of_many_in_a_path_is_not_kept)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/cart/u961", "/cart/{id}" },
		{ "/cart/u2049", "/cart/{id}" },
		{ "/sku/sku-014", "/sku/{id}" },
		{ "/order/order_1200", "/order/{id}" },
		{ "/docs/part-12", "/docs/part-12" },
		{ "/api/v1/oauth2", "/api/v1/oauth2" },
		{ "/v12/s3", "/v12/s3" },
		{ "/hash/sha256", "/hash/sha256" },
		{ "/a/cafe", "/a/cafe" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		op_template(str_of(rows[i].path), &b);
		cr_expect_str_eq(buf_cstr(&b), rows[i].want);
		buf_done(&b);
	}
}

Test(span, operations_are_templates_and_never_raw_urls)
{
	struct span s = span_of(SPAN_SERVER, "a", 1, 1, 0);

	span_attrs_set(&s.attrs, STR("http.method"), STR("GET"));
	span_attrs_set(&s.attrs, STR("http.route"), STR("/cart/:user"));
	expect_op(&s, "GET /cart/:user");
	s = span_of(SPAN_CLIENT, "a", 1, 1, 0);
	span_attrs_set(&s.attrs, STR("url.full"), STR("http://h/users/17?token=x"));
	s.name = STR("GET /users/17/3fa85f64-5717-4562-b3fc-2c963f66afa6?token=x");
	expect_op(&s, "GET /users/{id}/{id}");
	s = span_of(SPAN_CLIENT, "a", 1, 1, 0);
	span_attrs_set(&s.attrs, STR("rpc.system"), STR("grpc"));
	span_attrs_set(&s.attrs, STR("rpc.service"), STR("shop.Inventory"));
	span_attrs_set(&s.attrs, STR("rpc.method"), STR("Reserve"));
	expect_op(&s, "shop.Inventory/Reserve");
	cr_expect_eq(span_flow_kind(&s), KIND_GRPC);
	s = span_of(SPAN_CLIENT, "a", 1, 1, 0);
	span_attrs_set(&s.attrs, STR("db.system"), STR("redis"));
	span_attrs_set(&s.attrs, STR("db.operation.name"), STR("MULTI hset"));
	span_attrs_set(&s.attrs, STR("db.query.text"), STR("hset cart:u1 x"));
	expect_op(&s, "MULTI hset");
	s = span_of(SPAN_CLIENT, "a", 1, 1, 0);
	span_attrs_set(&s.attrs, STR("db.system.name"), STR("postgresql"));
	s.name = STR("pg-pool.connect");
	expect_op(&s, "pg-pool.connect");
}

Test(span, a_new_spelling_wins_over_an_old_one_in_either_order)
{
	struct span_attrs a = { 0 };

	span_attrs_set(&a, STR("http.status_code"), STR("200"));
	span_attrs_set(&a, STR("http.response.status_code"), STR("503"));
	span_attrs_set(&a, STR("http.status_code"), STR("200"));
	cr_expect(str_eq(a.v[ATTR_HTTP_STATUS], STR("503")));
	cr_expect(span_attrs_wants(&a, STR("db.statement")));
	cr_expect_not(span_attrs_wants(&a, STR("db.statements")));
	cr_expect_not(span_attrs_wants(&a, STR("")));
}

Test(span, the_group_is_the_kubernetes_namespace_unless_another_key_is_chosen)
{
	struct span_attrs a = { 0 }, chosen = { .group_by = STR("team") };
	struct span_attrs *each[] = { &a, &chosen };

	for (unsigned i = 0; i < ARRAY_LEN(each); i++) {
		span_attrs_set(each[i], STR("service.namespace"), STR("shop"));
		span_attrs_set(each[i], STR("team"), STR("checkout"));
		span_attrs_set(each[i], STR("k8s.namespace.name"), STR("prod"));
	}
	cr_expect(str_eq(a.v[ATTR_GROUP], STR("prod")));
	cr_expect(str_eq(chosen.v[ATTR_GROUP], STR("checkout")));
	cr_expect_not(span_attrs_wants(&a, STR("team")));
	cr_expect(span_attrs_wants(&chosen, STR("team")));
}

Test(span, every_spelling_can_be_found)
{
	static const char *const names[] = {
#define ATTR(name, field, rank) name,
#include "../../src/core/span-attrs.def"
#undef ATTR
	};

	struct span_attrs none = { 0 };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		cr_expect(span_attrs_wants(&none, str_of(names[i])), "%s is not in order",
			names[i]);
}
