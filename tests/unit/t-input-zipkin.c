#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/input/zipkin.h"

struct taken {
	unsigned spans, flows;
	struct span last;
	char service[64], name[64], remote[64], edges[400], code[32];
	struct pair *pair;
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

	if (e->type != EVENT_FLOW)
		return;
	t->flows++;
	snprintf(t->edges + n, sizeof(t->edges) - n, "%s%.*s>%.*s", n ? " " : "",
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
	set(t->remote, sizeof(t->remote), s->remote);
	set(t->code, sizeof(t->code), span_code(s));
	if (t->pair)
		pair_add(t->pair, s, 0);
}

static enum status
read_text(const char *text, struct taken *t, struct zipkin_result *r)
{
	/* Exactly as long, so that a sanitizer sees reading past the end. */
	size_t n = strlen(text);
	char *copy = xmalloc(n);
	enum status s;

	memcpy(copy, text, n);
	s = zipkin_read(copy, n, take_span, t, r);
	free(copy);
	return s;
}

/* A span with one field more. */
#define SPAN(more)                                                                 \
	"[{\"traceId\":\"897cfb6fa61a9fec\",\"id\":\"5ef87e58b4ea3fec\",\"name\":" \
	"\"get\","                                                                 \
	"\"timestamp\":1795388596558009,\"duration\":68809,"                       \
	"\"localEndpoint\":{\"serviceName\":\"web\"}" more "}]"

Test(zipkin, a_span_is_read_whatever_the_form_of_its_numbers)
{
	struct zipkin_result r;
	struct taken t = { 0 };

	cr_assert_eq(read_text(SPAN(",\"kind\":\"CLIENT\",\"parentId\":\"1\","
				    "\"remoteEndpoint\":{\"serviceName\":\"quotes\"},"
				    "\"tags\":{\"http.status_code\":\"500\"}"),
			     &t, &r),
		STATUS_OK);
	cr_expect_eq(r.accepted, 1);
	cr_expect_eq(t.last.kind, SPAN_CLIENT);
	cr_expect_eq(t.last.ids.trace[8], 0x89);
	cr_expect_eq(t.last.ids.trace[0], 0);
	cr_expect_eq(t.last.ids.span[7], 0xec);
	cr_expect_eq(t.last.ids.parent[7], 1);
	cr_expect_eq(t.last.start_us, 1795388596558009);
	cr_expect_eq(t.last.duration_us, 68809);
	cr_expect_str_eq(t.remote, "quotes");
	cr_expect_str_eq(t.code, "500");
	/* A fraction, as old JavaScript sends; the escape in a name. */
	cr_assert_eq(
		read_text("[{\"traceId\":\"ABCDEF0123456789abcdef0123456789\","
			  "\"id\":\"1\",\"timestamp\":1795388596558009.25,"
			  "\"duration\":17.5,\"name\":\"a\\u0041\",\"localEndpoint\":"
			  "{\"serviceName\":\"w\",\"ipv4\":\"10.0.0.1\"},"
			  "\"remoteEndpoint\":{\"ipv4\":\"10.0.0.2\",\"port\":80}}]",
			&t, &r),
		STATUS_OK);
	cr_expect_eq(t.last.kind, SPAN_INTERNAL);
	cr_expect_eq(t.last.duration_us, 18);
	cr_expect_eq(t.last.ids.trace[0], 0xab);
	cr_expect_str_eq(t.name, "aA");
	cr_expect_str_eq(t.remote, "10.0.0.2:80");
}

Test(zipkin, who_was_kept_for_debugging_stands_for_nobody_else)
{
#define SAMPLED                                                            \
	",\"tags\":{\"sampler.type\":\"probabilistic\",\"sampler.param\":" \
	"\"0.125\"}"
	struct zipkin_result r;
	struct taken t = { 0 };

	cr_assert_eq(read_text(SPAN(SAMPLED), &t, &r), STATUS_OK);
	cr_expect_eq(t.last.weight, 8);
	cr_assert_eq(read_text(SPAN(SAMPLED ",\"debug\":true"), &t, &r), STATUS_OK);
	cr_expect_leq(t.last.weight, 1);
}

Test(zipkin, an_error_is_told_in_two_ways)
{
	static const struct {
		const char *body;
		bool failed;
	} rows[] = {
		{ SPAN(""), false },
		{ SPAN(",\"tags\":{\"error\":\"500\"}"), true },
		{ SPAN(",\"tags\":{\"error\":\"\"}"), true },
		{ SPAN(",\"tags\":{\"error\":\"false\"}"), false },
		{ SPAN(",\"tags\":{\"otel.status_code\":\"ERROR\"}"), true },
		{ SPAN(",\"tags\":{\"otel.status_code\":\"OK\"}"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zipkin_result r;
		struct taken t = { 0 };

		cr_assert_eq(read_text(rows[i].body, &t, &r), STATUS_OK);
		cr_expect_eq(t.last.failed, rows[i].failed, "%s", rows[i].body);
	}
}

Test(zipkin, spans_of_which_nothing_can_be_made_are_counted)
{
	static const char *const bodies[] = {
		"[{}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1,\"duration\":1}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"duration\":1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"xyz\",\"id\":\"1\",\"timestamp\":1,\"duration\":1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"0\",\"id\":\"1\",\"timestamp\":1,\"duration\":1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"1\",\"id\":\"11112222333344445\",\"timestamp\":1,"
		"\"duration\":1,\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1,\"duration\":1,"
		"\"localEndpoint\":{\"serviceName\":\"unknown\"}}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1,\"duration\":-1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
		"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1e300,\"duration\":1,"
		"\"localEndpoint\":{\"serviceName\":\"a\"}}]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct zipkin_result r;
		struct taken t = { 0 };

		cr_expect_eq(read_text(bodies[i], &t, &r), STATUS_OK, "%s", bodies[i]);
		cr_expect_eq(r.rejected, 1, "%s", bodies[i]);
		cr_expect_eq(t.spans, 0);
	}
}

Test(zipkin, what_is_no_list_of_spans_gives_nothing_at_all)
{
	static const char *const bodies[] = { "", "{}", "[", "[{]", "[1]", SPAN("") "x",
		"[{\"traceId\":[]}]", "[{\"tags\":{\"a\":{}}}]",
		"[{\"localEndpoint\":7}]" };
	struct buf deep = BUF_INIT;
	struct zipkin_result r;
	struct taken t = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		cr_expect_neq(read_text(bodies[i], &t, &r), STATUS_OK, "%s", bodies[i]);
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "[{\"x\":");
	cr_expect_eq(read_text(buf_cstr(&deep), &t, &r), STATUS_ERR_TOO_DEEP);
	cr_expect_eq(t.spans, 0);
	buf_done(&deep);
}

/* ------------------------------------------------------------ captured bodies */

static void
replay(const char *dir, unsigned files, const char *suffix, struct taken *t)
{
	static const struct pair_options none = { 0 };
	struct buf body = BUF_INIT;
	struct zipkin_result r;
	char path[512];

	t->pair = pair_new(&none, take_event, t);
	for (unsigned i = 1; i <= files; i++) {
		FILE *f;
		int c;

		snprintf(path, sizeof(path), "%s/tests/data/zipkin/%s/%02u%s",
			getenv("top_srcdir"), dir, i, suffix);
		f = fopen(path, "rb");
		cr_assert(f, "%s", path);
		buf_clear(&body);
		while ((c = getc(f)) != EOF)
			buf_addc(&body, (char)c);
		fclose(f);
		cr_assert_eq(zipkin_read(body.p, body.n, take_span, t, &r), STATUS_OK,
			"%s", path);
		cr_expect_eq(r.rejected, 0, "%s", path);
	}
	pair_flush(t->pair);
	pair_free(t->pair);
	buf_done(&body);
}

static unsigned
count(const struct taken *t, const char *edge)
{
	unsigned n = 0;
	size_t len = strlen(edge);

	for (const char *at = t->edges; (at = strstr(at, edge)); at += len)
		n += (at == t->edges || at[-1] == ' ') &&
		     (at[len] == ' ' || at[len] == '\0');
	return n;
}

Test(zipkin, ids_that_both_sides_share_make_one_request)
{
	struct taken t = { 0 };

	replay("zipkinjs", 3, ".json", &t);
	cr_expect_eq(count(&t, "user>web"), 4, "%s", t.edges);
	cr_expect_eq(count(&t, "web>quotes"), 4, "%s", t.edges);
	cr_expect_eq(count(&t, "quotes>rates"), 4, "%s", t.edges);
	cr_expect_eq(t.flows, 12);
}
