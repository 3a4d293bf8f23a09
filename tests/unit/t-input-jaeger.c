#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/input/jaeger.h"

struct taken {
	unsigned spans;
	struct span last;
	char service[64], name[64], edges[4000];
	struct span_link link;
	struct pair *pair;
	struct jaeger_result r;
};

static void
set(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static void
take_event(void *ctx, const struct event *e)
{
	struct taken *t = ctx;
	const struct flow *f = &e->u.flow;
	size_t n = strlen(t->edges);

	if (e->type == EVENT_FLOW)
		snprintf(t->edges + n, sizeof(t->edges) - n, "%s%.*s>%.*s ", n ? "" : " ",
			(int)f->src.n, f->src.p, (int)f->dst.n, f->dst.p);
}

static void
take_span(void *ctx, const struct span *s)
{
	struct taken *t = ctx;

	t->spans++;
	t->last = *s;
	set(t->service, sizeof(t->service), s->service);
	set(t->name, sizeof(t->name), s->name);
	if (s->link_count > 0)
		t->link = s->links[0];
	if (t->pair)
		pair_add(t->pair, s, 0);
}

static enum status
read_text(const char *text, struct taken *t)
{
	size_t n = strlen(text);
	char *copy = xmalloc(n);
	enum status s;

	memcpy(copy, text, n);
	t->r = (struct jaeger_result){ 0 };
	s = jaeger_read(copy, n, take_span, t, &t->r);
	free(copy);
	return s;
}

#define PROCESSES "\"processes\":{\"p1\":{\"serviceName\":\"a\",\"tags\":[]}}"
#define SPAN(more)                                                                    \
	"{\"traceID\":\"abc\",\"spanID\":\"d\",\"operationName\":\"op\","             \
	"\"startTime\":1795388596558009,\"duration\":68809,\"processID\":\"p1\"" more \
	"}"
#define TRACE(span) "{\"traceID\":\"abc\",\"spans\":[" span "]," PROCESSES "}"
#define DATA(span) "{\"data\":[" TRACE(span) "],\"total\":0,\"errors\":null}"
#define TAG(key, value) "{\"key\":\"" key "\",\"type\":\"x\",\"value\":" value "}"

Test(jaeger, a_span_is_what_its_tags_and_references_say)
{
	struct taken t = { 0 };

	cr_assert_eq(
		read_text(
			DATA(SPAN(",\"references\":[{\"refType\":\"FOLLOWS_FROM\","
				  "\"traceID\":\"7\",\"spanID\":\"8\"},{\"refType\":"
				  "\"CHILD_OF\",\"traceID\":\"0abc\",\"spanID\":\"9\"}],"
				  "\"tags\":[" TAG("span.kind", "\"consumer\"") "," TAG(
					  "error", "true") "]")),
			&t),
		STATUS_OK);
	cr_expect_eq(t.spans, 1);
	cr_expect_eq(t.last.origin, ORIGIN_JAEGER);
	cr_expect_eq(t.last.kind, SPAN_CONSUMER);
	cr_expect(t.last.failed);
	cr_expect_eq(t.last.ids.trace[15], 0xbc);
	cr_expect_eq(t.last.ids.trace[14], 0x0a);
	cr_expect_eq(t.last.ids.parent[7], 9);
	cr_expect_eq(t.last.link_count, 1);
	cr_expect_eq(t.link.span[7], 8);
	cr_expect_eq(t.last.start_us, 1795388596558009);
	cr_expect_eq(t.last.duration_us, 68809);
	cr_expect_str_eq(t.service, "a");
	cr_expect_eq(t.r.newest_us, 1795388596626818);
	cr_expect_eq(t.r.traces, 1);
}

Test(jaeger, every_form_of_a_document_is_understood)
{
	static const struct {
		const char *text;
		unsigned spans;
	} rows[] = {
		{ DATA(SPAN("")), 1 },
		{ TRACE(SPAN("") "," SPAN("")), 2 },
		{ "[" TRACE(SPAN("")) "]", 1 },
		{ "{" PROCESSES ",\"spans\":[" SPAN("") "]}", 1 },
		{ "{\"data\":[{\"spans\":[{\"traceID\":\"1\",\"spanID\":\"2\","
		  "\"startTime\":1,\"duration\":\"2\",\"process\":{\"serviceName\":"
		  "\"a\"}}]}]}",
			1 },
		{ "{\"result\":{\"resourceSpans\":[]}}", 0 },
		{ "{\"result\":{\"resourceSpans\":[{\"resource\":{\"attributes\":[{"
		  "\"key\":\"service.name\",\"value\":{\"stringValue\":\"a\"}}]},"
		  "\"scopeSpans\":[{\"spans\":[{\"traceId\":"
		  "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"
		  "\"a1a2a3a4a5a6a7a8\",\"endTimeUnixNano\":\"2000000\"}]}]}]}}\n"
		  "{\"result\":{\"resourceSpans\":[]}}\n",
			1 },
		{ DATA(SPAN("")) "\n" DATA(SPAN("")) "\n", 2 },
		{ "{\"data\":[],\"errors\":null}", 0 },
		{ "{\"data\":null,\"errors\":[{\"code\":404,\"msg\":\"x\"}]}", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct taken t = { 0 };

		cr_expect_eq(read_text(rows[i].text, &t), STATUS_OK, "%s", rows[i].text);
		cr_expect_eq(t.spans, rows[i].spans, "%s", rows[i].text);
		cr_expect_eq(t.r.rejected, 0, "%s", rows[i].text);
		cr_expect_eq(t.r.traces > 0, t.spans > 0, "%s", rows[i].text);
	}
}

Test(jaeger, spans_of_which_nothing_can_be_made_are_counted)
{
	static const char *const rows[] = {
		DATA("{}"),
		DATA("{\"spanID\":\"1\",\"startTime\":1,\"duration\":1,"
		     "\"processID\":\"p9\"}"),
		DATA("{\"spanID\":\"0\",\"startTime\":1,\"duration\":1,"
		     "\"processID\":\"p1\"}"),
		DATA("{\"spanID\":\"1\",\"duration\":1,\"processID\":\"p1\"}"),
		DATA("{\"spanID\":\"1\",\"startTime\":1,\"duration\":-1,"
		     "\"processID\":\"p1\"}"),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct taken t = { 0 };

		cr_expect_eq(read_text(rows[i], &t), STATUS_OK, "%s", rows[i]);
		cr_expect_eq(t.spans, 0, "%s", rows[i]);
		cr_expect_eq(t.r.rejected, 1, "%s", rows[i]);
	}
}

Test(jaeger, what_is_no_document_gives_nothing)
{
	static const char *const rows[] = { "", " ", "x", "1", "{", "[1]", "[[]]",
		"{\"data\":7}", DATA(SPAN("")) "x", "{\"result\":[]}",
		"{\"data\":[{\"spans\":7}]}" };
	struct buf deep = BUF_INIT;
	struct taken t = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_neq(read_text(rows[i], &t), STATUS_OK, "%s", rows[i]);
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "{\"data\":[");
	cr_expect_neq(read_text(buf_cstr(&deep), &t), STATUS_OK);
	buf_done(&deep);
}

Test(jaeger, a_trace_weighs_what_its_root_says)
{
	struct taken t = { 0 };

	cr_assert_eq(read_text(DATA(SPAN("") "," SPAN(",\"tags\":[" TAG("sampler.type",
				       "\"probabilistic\"") "," TAG("sampler.param",
				       "0.125") "]") "," SPAN("")),
			     &t),
		STATUS_OK);
	cr_expect_eq(t.last.weight, 8);
}

Test(jaeger, who_was_kept_for_debugging_stands_for_nobody_else)
{
	static const char *const kept[] = { "\"flags\":3,", "" };
	static const char *const tag[] = { "", "," TAG("jaeger-debug-id", "\"x\"") };

	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		struct buf text = BUF_INIT;
		struct taken t = { 0 };

		buf_addf(&text, DATA(SPAN(",%s\"tags\":[%s%s]")), kept[i],
			TAG("sampler.type", "\"probabilistic\"") "," TAG(
				"sampler.param", "0.125"),
			tag[i]);
		cr_assert_eq(
			read_text(buf_cstr(&text), &t), STATUS_OK, "%s", buf_cstr(&text));
		cr_expect_leq(t.last.weight, 1, "%s", buf_cstr(&text));
		buf_done(&text);
	}
}

Test(jaeger, services_are_listed)
{
	char text[] = "{\"data\":[\"a\",\"b\\u0041\",\"\"],\"total\":2}", bad[] = "[]";
	struct buf out = BUF_INIT;

	cr_assert_eq(jaeger_read_services(text, strlen(text), &out), STATUS_OK);
	cr_expect_eq(out.n, 5);
	cr_expect_str_eq(out.p, "a");
	cr_expect_str_eq(out.p + 2, "bA");
	cr_expect_neq(jaeger_read_services(bad, strlen(bad), &out), STATUS_OK);
	buf_done(&out);
}

static unsigned
count(const struct taken *t, const char *edge)
{
	char word[80];
	unsigned n = 0;

	snprintf(word, sizeof(word), " %s ", edge);
	for (const char *at = t->edges; (at = strstr(at, word)); at++)
		n++;
	return n;
}

Test(jaeger, saved_traces_give_their_edges)
{
	static const struct pair_options none = { 0 };
	struct taken t = { 0 };
	struct buf text = BUF_INIT;
	char path[512];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "%s/tests/data/jaeger/traces.json",
		getenv("top_srcdir"));
	f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	while ((c = getc(f)) != EOF)
		buf_addc(&text, (char)c);
	fclose(f);
	t.pair = pair_new(&none, take_event, &t);
	cr_assert_eq(jaeger_read(text.p, text.n, take_span, &t, &t.r), STATUS_OK);
	pair_flush(t.pair);
	cr_expect_eq(t.r.traces, 2);
	cr_expect_eq(t.r.rejected, 0);
	cr_expect_eq(count(&t, "user>gateway"), 2, "%s", t.edges);
	cr_expect_eq(count(&t, "gateway>cart"), 2, "%s", t.edges);
	cr_expect_eq(count(&t, "gateway>catalog"), 2, "%s", t.edges);
	cr_expect_eq(count(&t, "cart>redis.shop.test"), 8, "%s", t.edges);
	cr_expect_eq(count(&t, "catalog>postgres.shop.test"), 4, "%s", t.edges);
	pair_free(t.pair);
	buf_done(&text);
}
