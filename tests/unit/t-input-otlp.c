#include "config.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/pair.h"
#include "weir/input/otlp.h"
#include "weir/input/unpack.h"

#define MAX_EDGES 32
#define MAX_CALLS 128

/* ------------------------------------------------------------ a place for records */

struct edge {
	char src[64], dst[64], type[20];
	long count, failed;
	int64_t us[MAX_CALLS], queue_max_us;
};

struct taken {
	struct pair *pair;
	struct edge edges[MAX_EDGES];
	unsigned n;
	unsigned spans, notes, gauges;
	struct span last; /* its text is gone with the body */
	char op[64], name[64], text[128], gauge[128], service[64];
	struct gauge last_gauge;
	struct note last_note;
};

static void
set(char *to, size_t size, struct str s)
{
	snprintf(to, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static void
take_span(void *ctx, const struct span *s)
{
	struct taken *t = ctx;
	struct buf op = BUF_INIT;

	t->spans++;
	t->last = *s;
	span_op(s, &op);
	set(t->op, sizeof(t->op), buf_str(&op));
	set(t->name, sizeof(t->name), s->name);
	set(t->service, sizeof(t->service), s->service);
	buf_done(&op);
	if (t->pair)
		pair_add(t->pair, s, 0);
}

static void
take_note(void *ctx, const struct note *n)
{
	struct taken *t = ctx;

	t->notes++;
	t->last_note = *n;
	set(t->service, sizeof(t->service), n->service);
	set(t->text, sizeof(t->text), n->text);
}

static void
take_gauge(void *ctx, const struct gauge *g)
{
	struct taken *t = ctx;

	t->gauges++;
	t->last_gauge = *g;
	cr_expect(g->value - g->value == 0, "a value that is not finite");
	/* The one of interest among many. */
	if (g->name.n > 27 && !memcmp(g->name.p, "db.client.connection.count{", 27)) {
		set(t->gauge, sizeof(t->gauge), g->name);
		set(t->service, sizeof(t->service), g->service);
	}
}

static struct otlp_sink
sink_of(struct taken *t)
{
	return (struct otlp_sink){ take_span, take_note, take_gauge, t };
}

static enum status
read_text(enum otlp_signal signal, enum otlp_encoding e, struct str body, struct taken *t,
	struct otlp_result *r)
{
	struct otlp_sink sink = sink_of(t);
	/* Exactly as long, so that a sanitizer sees reading past the end. */
	char *copy = xmalloc(body.n);
	enum status s;

	if (body.n)
		memcpy(copy, body.p, body.n);
	s = otlp_read(signal, e, copy, body.n, &sink, r);
	free(copy);
	return s;
}

/* ------------------------------------------------------------ captured bodies */

static void
read_file(const char *dir, const char *name, struct buf *out)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/data/otlp/%s/%s", getenv("top_srcdir"),
		dir, name);
	f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	buf_clear(out);
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->n += n;
	} while (n > 0);
	buf_add(out, "", 0);
	fclose(f);
}

static void
count(void *ctx, const struct event *ev)
{
	struct taken *t = ctx;
	const struct flow *f = &ev->u.flow;
	char src[64], dst[64];
	const char *type;
	struct edge *e = t->edges;

	if (ev->type != EVENT_FLOW)
		return;
	type = f->dst_kind == NODE_DB                 ? "database"
	       : f->client_us < 0 || f->server_us < 0 ? "virtual_node"
	       : f->kind == KIND_MSG                  ? "messaging_system"
						      : "direct";
	set(src, sizeof(src), f->src);
	set(dst, sizeof(dst), f->dst);
	while (e < t->edges + t->n &&
		(strcmp(e->src, src) || strcmp(e->dst, dst) || strcmp(e->type, type)))
		e++;
	cr_assert_lt(e - t->edges, MAX_EDGES);
	if (e == t->edges + t->n) {
		t->n++;
		snprintf(e->src, sizeof(e->src), "%s", src);
		snprintf(e->dst, sizeof(e->dst), "%s", dst);
		snprintf(e->type, sizeof(e->type), "%s", type);
	}
	cr_assert_lt(e->count, MAX_CALLS);
	e->us[e->count++] = flow_latency_us(f);
	e->failed += f->failed;
	e->queue_max_us = MAX(e->queue_max_us, f->queue_us);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
wanted(const struct dirent *d)
{
	return strstr(d->d_name, "-traces.") != NULL;
}

/* Hand over every trace body of @dir, in order; @twice: as a sender that retries does. */
static void
feed(const char *dir, enum otlp_encoding e, struct taken *t, bool twice)
{
	struct buf packed = BUF_INIT, body = BUF_INIT;
	struct otlp_sink sink = sink_of(t);
	struct dirent **names;
	char path[512];
	int n;

	snprintf(path, sizeof(path), "%s/tests/data/otlp/%s", getenv("top_srcdir"), dir);
	n = scandir(path, &names, wanted, alphasort);
	cr_assert_gt(n, 0);
	for (int i = 0; i < n; i++) {
		for (int pass = 0; pass < (twice ? 2 : 1); pass++) {
			struct otlp_result r;

			read_file(dir, names[i]->d_name, &packed);
			cr_assert_eq(
				unpack(buf_str(&packed), 16u << 20, &body), STATUS_OK);
			cr_assert_eq(otlp_read(OTLP_TRACES, e, body.p, body.n, &sink, &r),
				STATUS_OK);
			cr_expect_eq(r.rejected, 0);
			cr_expect_gt(r.accepted, 0);
		}
		free(names[i]);
	}
	free(names);
	buf_done(&packed);
	buf_done(&body);
}

static void
expect_edges(const char *dir, struct taken *t)
{
	struct buf b = BUF_INIT;
	unsigned rows = 0;
	char *line, *save = NULL;

	read_file(dir, "edges.tsv", &b);
	for (line = strtok_r(b.p, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		char src[64], dst[64], type[20], queue[20];
		long n, failed;
		long long p50, max;
		struct edge *e = t->edges;

		if (*line == '#')
			continue;
		rows++;
		cr_assert_eq(sscanf(line, "%63s %63s %19s %ld %ld %lld %lld %19s", src,
				     dst, type, &n, &failed, &p50, &max, queue),
			8);
		while (e < t->edges + t->n &&
			(strcmp(e->src, src) || strcmp(e->dst, dst) ||
				strcmp(e->type, type)))
			e++;
		if (e == t->edges + t->n) {
			cr_expect_fail("missing: %s", line);
			continue;
		}
		qsort(e->us, (size_t)e->count, sizeof(e->us[0]), by_value);
		cr_expect_eq(e->count, n, "%s: %ld", line, e->count);
		cr_expect_eq(e->failed, failed, "%s: %ld", line, e->failed);
		cr_expect_eq(e->us[e->count / 2], p50, "%s", line);
		cr_expect_eq(e->us[e->count - 1], max, "%s", line);
		if (*queue != '-')
			cr_expect(llabs(e->queue_max_us - atoll(queue)) <= 1, "%s", line);
	}
	cr_expect_eq(t->n, rows, "%u edges", t->n);
	buf_done(&b);
}

static void
expect_capture(const char *dir, enum otlp_encoding e, unsigned spans)
{
	for (int twice = 0; twice < 2; twice++) {
		struct taken *t = xcalloc(1, sizeof(*t));
		struct pair_counts n;

		t->pair = pair_new(&(struct pair_options){ .seed = 1 }, count, t);
		feed(dir, e, t, twice);
		pair_counts(t->pair, &n);
		cr_expect_eq(n.spans, spans * (twice ? 2 : 1));
		cr_expect_eq(n.duplicate, twice ? spans : 0);
		pair_flush(t->pair);
		expect_edges(dir, t);
		pair_free(t->pair);
		free(t);
	}
}

Test(otlp, a_captured_incident_in_protobuf_gives_its_edges_exactly)
{
	expect_capture("d1-db-lock", OTLP_PROTOBUF, 843);
}

Test(otlp, captured_json_with_old_and_new_names_gives_its_edges_exactly)
{
	expect_capture("d4-legacy-json", OTLP_JSON, 362);
}

Test(otlp, captured_logs_and_metrics_become_notes_and_gauges)
{
	struct buf packed = BUF_INIT, body = BUF_INIT;
	struct taken t = { 0 };
	struct otlp_sink sink = sink_of(&t);
	struct otlp_result r;

	read_file("d1-db-lock", "346-logs.pb.gz", &packed);
	cr_assert_eq(unpack(buf_str(&packed), 1u << 20, &body), STATUS_OK);
	cr_assert_eq(otlp_read(OTLP_LOGS, OTLP_PROTOBUF, body.p, body.n, &sink, &r),
		STATUS_OK);
	cr_expect_eq(t.notes, 1);
	cr_expect_str_eq(t.text, "charged");
	cr_expect_str_eq(t.service, "payment");
	cr_expect_eq(t.last_note.severity, NOTE_INFO);
	cr_expect_neq(t.last_note.ids.trace[0] | t.last_note.ids.trace[1], 0);

	read_file("d1-db-lock", "425-metrics.pb.gz", &packed);
	cr_assert_eq(unpack(buf_str(&packed), 1u << 20, &body), STATUS_OK);
	cr_assert_eq(otlp_read(OTLP_METRICS, OTLP_PROTOBUF, body.p, body.n, &sink, &r),
		STATUS_OK);
	cr_expect_eq(t.gauges, 51);
	cr_expect(strstr(t.gauge, "postgres"), "%s", t.gauge);
	buf_done(&packed);
	buf_done(&body);
}

/* ------------------------------------------------------------ JSON as it is found */

#define IDS                                                            \
	"\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":" \
	"\"a1a2a3a4a5a6a7a8\""
#define TIMES                                                                \
	"\"startTimeUnixNano\":\"1795388090960000000\",\"endTimeUnixNano\":" \
	"\"1795388090961234999\""
#define RES                                                                   \
	"\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{" \
	"\"stringValue\":\"pay\"}}]}"
#define WRAP(span) \
	"{\"resourceSpans\":[{" RES ",\"scopeSpans\":[{\"spans\":[" span "]}]}]}"

static const struct {
	const char *what;
	struct str body;
	unsigned spans, rejected;
} json_rows[] = {
	{ "nothing", STR("{}"), 0, 0 },
	{ "null lists", STR("{\"resourceSpans\":null}"), 0, 0 },
	{ "null members",
		STR("{\"resourceSpans\":[null,{\"resource\":null,\"scopeSpans\":[null]}]"
		    "}"),
		0, 0 },
	{ "one", STR(WRAP("{" IDS "," TIMES ",\"kind\":3,\"status\":{}}")), 1, 0 },
	{ "times as numbers",
		STR(WRAP("{" IDS ",\"startTimeUnixNano\":1795388090960000000,"
			 "\"endTimeUnixNano\":1795388090961234999}")),
		1, 0 },
	{ "times in halves",
		STR(WRAP("{" IDS
			 ",\"startTimeUnixNano\":{\"low\":1268813824,\"high\":418022480},"
			 "\"endTimeUnixNano\":{\"low\":-1,\"high\":418022480}}")),
		1, 0 },
	{ "unknown keys",
		STR(WRAP("{" IDS "," TIMES
			 ",\"new\":{\"deep\":[1,{}]},\"traceState\":null}")),
		1, 0 },
	{ "resource behind",
		STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" IDS "," TIMES
		    "}]}]," RES "}]}"),
		1, 0 },
	{ "old scope key",
		STR("{\"resourceSpans\":[{" RES
		    ",\"instrumentationLibrarySpans\":[{\"spans\":[{" IDS "," TIMES
		    "}]}]}]}"),
		1, 0 },
	{ "short id",
		STR(WRAP("{\"traceId\":\"0102\",\"spanId\":\"a1a2a3a4a5a6a7a8\"," TIMES
			 "}")),
		0, 1 },
	{ "id of zeros",
		STR(WRAP("{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":"
			 "\"a1a2a3a4a5a6a7a8\"," TIMES "}")),
		0, 1 },
	{ "id in base64",
		STR(WRAP("{\"traceId\":\"AQIDBAUGBwgJCgsMDQ4PEA==\",\"spanId\":"
			 "\"a1a2a3a4a5a6a7a8\"," TIMES "}")),
		0, 1 },
	{ "no ids", STR(WRAP("{" TIMES "}")), 0, 1 },
	{ "no end", STR(WRAP("{" IDS "}")), 0, 1 },
	{ "one of two", STR(WRAP("{" IDS "," TIMES "},{\"spanId\":5," TIMES "}")), 1, 1 },
	{ "parent undefined",
		STR(WRAP("{" IDS "," TIMES ",\"parentSpanId\":\"undefined\"}")), 1, 0 },
	{ "parent too long",
		STR(WRAP("{" IDS "," TIMES ",\"parentSpanId\":\"a1a2a3a4a5a6a7a8ff\"}")),
		0, 1 },
	{ "escaped key",
		STR(WRAP("{\"trace\\u0049d\":\"0102030405060708090A0B0C0D0E0F10\","
			 "\"spanId\":\"A1A2A3A4A5A6A7A8\"," TIMES "}")),
		1, 0 },
};

Test(otlp, json_is_taken_as_senders_really_write_it)
{
	for (unsigned i = 0; i < ARRAY_LEN(json_rows); i++) {
		struct taken t = { 0 };
		struct otlp_result r = { 0 };

		cr_expect_eq(read_text(OTLP_TRACES, OTLP_JSON, json_rows[i].body, &t, &r),
			STATUS_OK, "%s", json_rows[i].what);
		cr_expect_eq(t.spans, json_rows[i].spans, "%s", json_rows[i].what);
		cr_expect_eq(r.accepted, json_rows[i].spans, "%s", json_rows[i].what);
		cr_expect_eq(r.rejected, json_rows[i].rejected, "%s", json_rows[i].what);
		if (t.spans == 0)
			continue;
		cr_expect_eq(t.last.ids.trace[15], 16, "%s", json_rows[i].what);
		cr_expect_eq(t.last.ids.span[0], 0xa1, "%s", json_rows[i].what);
		cr_expect_str_eq(t.service, "pay", "%s", json_rows[i].what);
	}
}

Test(otlp, nanoseconds_and_words_are_exact)
{
	struct str body = STR(WRAP(
		"{" IDS "," TIMES ",\"kind\":\"SPAN_KIND_SERVER\",\"flags\":769,"
		"\"name\":\"a\\u0041\\ud83d\\ude80\",\"status\":{\"code\":\"STATUS_CODE_"
		"ERROR\"},"
		"\"links\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"
		"\"b1a2a3a4a5a6a7a8\"},{}],"
		"\"attributes\":[{\"key\":\"http.response.status_code\",\"value\":{"
		"\"intValue\":\"503\"}},"
		"{\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":56}]}},\"key\":"
		"\"http.response.header.content-length\"},"
		"{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},"
		"{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/x\"}}]}"));
	struct taken t = { 0 };
	struct otlp_result r;

	cr_assert_eq(read_text(OTLP_TRACES, OTLP_JSON, body, &t, &r), STATUS_OK);
	cr_assert_eq(t.spans, 1);
	cr_expect_eq(t.last.start_us, INT64_C(1795388090960000));
	cr_expect_eq(t.last.end_us, INT64_C(1795388090961234));
	cr_expect_eq(t.last.duration_us, 1234);
	cr_expect_eq(t.last.kind, SPAN_SERVER);
	cr_expect(t.last.failed);
	cr_expect_eq(t.last.flags, 769);
	cr_expect_eq(t.last.link_count, 1);
	cr_expect_str_eq(t.name, "aA\xf0\x9f\x9a\x80");
	cr_expect_str_eq(t.op, "GET /x");
}

Test(otlp, json_metrics_and_logs_are_read_and_nothing_infinite_gets_in)
{
	struct str metrics =
		STR("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["
		    "{\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":"
		    "\"1795388090960000000\",\"asInt\":\"7\",\"attributes\":[{\"key\":"
		    "\"state\",\"value\":{\"stringValue\":\"postgres\"}}]},"
		    "{\"timeUnixNano\":\"1795388090960000000\",\"asDouble\":\"NaN\"},{"
		    "\"timeUnixNano\":\"1795388090960000000\",\"asDouble\":1e999}]},"
		    "\"name\":\"db.client.connection.count\",\"unit\":\"{conn}\"},"
		    "{\"name\":\"up\",\"sum\":{\"dataPoints\":[{\"timeUnixNano\":"
		    "\"1795388090960000000\",\"asDouble\":2.5}],\"isMonotonic\":false}},"
		    "{\"name\":\"total\",\"sum\":{\"dataPoints\":[{\"timeUnixNano\":"
		    "\"1795388090960000000\",\"asDouble\":9}],\"isMonotonic\":true}},"
		    "{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"count\":\"3\"}]}}]"
		    "}]," RES "}]}");
	struct str logs =
		STR("{\"resourceLogs\":[{" RES ",\"scopeLogs\":[{\"logRecords\":["
		    "{\"timeUnixNano\":\"1795388090960000000\",\"severityNumber\":17,"
		    "\"body\":{\"stringValue\":\"pool "
		    "\\u0022full\\u0022\"},\"traceId\":\"\"},"
		    "{\"observedTimeUnixNano\":\"1795388090960000000\","
		    "\"severityNumber\":-5,\"eventName\":\"x\"},"
		    "{\"body\":{\"stringValue\":\"no time\"}}]}]}]}");
	struct taken t = { 0 };
	struct otlp_result r;

	cr_assert_eq(read_text(OTLP_METRICS, OTLP_JSON, metrics, &t, &r), STATUS_OK);
	cr_expect_eq(t.gauges, 2);
	cr_expect_str_eq(t.gauge, "db.client.connection.count{postgres}");
	cr_expect_float_eq(t.last_gauge.value, 2.5, 1e-9);
	cr_assert_eq(read_text(OTLP_LOGS, OTLP_JSON, logs, &t, &r), STATUS_OK);
	cr_expect_eq(r.accepted, 3);
	cr_expect_eq(t.notes, 2);
	cr_expect_str_eq(t.text, "x");
	cr_expect_eq(t.last_note.severity, NOTE_INFO);
}

static const char *const bad_json[] = {
	"",
	"[]",
	"5",
	"{",
	"{\"resourceSpans\":5}",
	"{\"resourceSpans\":{}}",
	"{\"resourceSpans\":[5]}",
	"{\"resourceSpans\":[[]]}",
	"{\"resourceSpans\":[{\"scopeSpans\":5}]}",
	"{\"resourceSpans\":[{\"resource\":[]}]}",
	WRAP("5"),
	WRAP("{\"attributes\":{}}"),
	WRAP("{\"attributes\":[5]}"),
	WRAP("{\"name\":{}}"),
	WRAP("{\"kind\":[]}"),
	WRAP("{\"links\":[[]]}"),
	WRAP("{\"status\":2}"),
	WRAP("{" IDS "," TIMES "},{\"name\":[]}"),
	WRAP("{" IDS "," TIMES "}") "x",
	WRAP("{" IDS "," TIMES "},{\"x\":\"\xff\"}"),
	WRAP("{" IDS "," TIMES "},{\"x\":NaN}"),
};

Test(otlp, json_that_cannot_be_read_leaves_nothing_behind)
{
	for (unsigned i = 0; i < ARRAY_LEN(bad_json); i++) {
		struct taken t = { 0 };
		struct otlp_result r;

		cr_expect_neq(
			read_text(OTLP_TRACES, OTLP_JSON, str_of(bad_json[i]), &t, &r),
			STATUS_OK, "%s", bad_json[i]);
		cr_expect_eq(t.spans, 0, "%s", bad_json[i]);
	}
}

/* ------------------------------------------------------------ hostile protobuf */

Test(otlp, a_body_cut_anywhere_leaves_nothing_behind)
{
	struct buf packed = BUF_INIT, body = BUF_INIT;
	struct taken t = { 0 };
	struct otlp_result r;

	read_file("d1-db-lock", "441-traces.pb.gz", &packed);
	cr_assert_eq(unpack(buf_str(&packed), 1u << 20, &body), STATUS_OK);
	for (size_t n = 1; n < body.n; n += 7) {
		enum status s = read_text(
			OTLP_TRACES, OTLP_PROTOBUF, (struct str){ body.p, n }, &t, &r);

		cr_expect_eq(s, STATUS_ERR_SYNTAX, "%zu bytes", n);
	}
	cr_expect_eq(t.spans, 0);
	buf_done(&packed);
	buf_done(&body);
}

/* One field of wire type 2. */
static void
put_field(struct buf *out, unsigned field, struct str content)
{
	size_t n = content.n;

	buf_addc(out, (char)(field << 3 | 2));
	for (; n >= 0x80; n >>= 7)
		buf_addc(out, (char)(n | 0x80));
	buf_addc(out, (char)n);
	buf_add_str(out, content);
}

Test(otlp, a_body_cannot_ask_for_much_more_memory_than_it_has_bytes)
{
	struct buf spans = BUF_INIT, scope = BUF_INIT, body = BUF_INIT;
	struct taken t = { 0 };
	struct otlp_result r;

	for (unsigned i = 0; i < 2000000; i++)
		put_field(&spans, 2, STR(""));
	put_field(&scope, 2, buf_str(&spans));
	put_field(&body, 1, buf_str(&scope));
	cr_expect_eq(read_text(OTLP_TRACES, OTLP_PROTOBUF, buf_str(&body), &t, &r),
		STATUS_ERR_TOO_BIG);
	cr_expect_eq(t.spans, 0);
	buf_done(&spans);
	buf_done(&scope);
	buf_done(&body);
}

Test(otlp, values_nested_without_end_do_not_nest_the_decoder)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct taken t = { 0 };
	struct otlp_result r;

	/* AnyValue{array{values: AnyValue{…}}}, far deeper than any stack. */
	for (unsigned i = 0; i < 20000; i++) {
		buf_clear(&out);
		put_field(&out, i % 2 ? 5 : 1, buf_str(&in));
		buf_clear(&in);
		buf_add_str(&in, buf_str(&out));
	}
	buf_clear(&out);
	put_field(&out, 1, STR("http.request.header.content-length"));
	put_field(&out, 2, buf_str(&in)); /* KeyValue */
	buf_clear(&in);
	put_field(&in, 9, buf_str(&out)); /* Span.attributes */
	buf_clear(&out);
	put_field(&out, 2, buf_str(&in)); /* ScopeSpans.spans */
	buf_clear(&in);
	put_field(&in, 2, buf_str(&out)); /* ResourceSpans.scope_spans */
	buf_clear(&out);
	put_field(&out, 1, buf_str(&in));
	cr_expect_eq(
		read_text(OTLP_TRACES, OTLP_PROTOBUF, buf_str(&out), &t, &r), STATUS_OK);
	cr_expect_eq(r.rejected, 1);
	buf_done(&in);
	buf_done(&out);
}

Test(otlp, a_huge_name_is_only_borrowed)
{
	struct buf b = BUF_INIT;
	struct taken t = { 0 };
	struct otlp_result r;

	buf_adds(&b, "{\"resourceSpans\":[{" RES ",\"scopeSpans\":[{\"spans\":[{" IDS
		     "," TIMES ",\"name\":\"");
	for (unsigned i = 0; i < 3000000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"}]}]}]}");
	cr_expect_eq(read_text(OTLP_TRACES, OTLP_JSON, buf_str(&b), &t, &r), STATUS_OK);
	cr_expect_eq(t.last.name.n, 3000000);
	buf_done(&b);
}

/* ------------------------------------------------------------ answers, compression */

Test(otlp, answers_are_what_the_protocol_says)
{
	struct otlp_result fine = { .accepted = 5 };
	struct otlp_result some = { .accepted = 5, .rejected = 3, .why = "bad id" };
	struct buf b = BUF_INIT;

	otlp_put_response(&b, OTLP_TRACES, OTLP_PROTOBUF, &fine);
	cr_expect_eq(b.n, 0);
	otlp_put_response(&b, OTLP_TRACES, OTLP_JSON, &fine);
	cr_expect_str_eq(buf_cstr(&b), "{}");
	buf_clear(&b);
	otlp_put_response(&b, OTLP_METRICS, OTLP_JSON, &some);
	cr_expect_str_eq(buf_cstr(&b), "{\"partialSuccess\":{\"rejectedDataPoints\":"
				       "\"3\",\"errorMessage\":\"bad id\"}}");
	buf_clear(&b);
	otlp_put_response(&b, OTLP_TRACES, OTLP_PROTOBUF, &some);
	cr_expect(str_eq(buf_str(&b), STR("\x0a\x0a\x08\x03\x12\x06"
					  "bad id")));
	buf_clear(&b);
	otlp_put_status(&b, OTLP_PROTOBUF, 3, "no");
	cr_expect(str_eq(buf_str(&b), STR("\x08\x03\x12\x02no")));
	buf_clear(&b);
	otlp_put_status(&b, OTLP_JSON, 3, "no");
	cr_expect_str_eq(buf_cstr(&b), "{\"code\":3,\"message\":\"no\"}");
	buf_done(&b);
}

Test(unpack, limits_hold_and_damage_is_told)
{
	struct buf packed = BUF_INIT, out = BUF_INIT;
	struct buf two = BUF_INIT;
	size_t once;

	read_file("d1-db-lock", "441-traces.pb.gz", &packed);
	cr_expect_eq(unpack(buf_str(&packed), 1u << 20, &out), STATUS_OK);
	once = out.n;
	cr_expect_eq(unpack(buf_str(&packed), once - 1, &out), STATUS_ERR_TOO_BIG);
	cr_expect_eq(unpack((struct str){ packed.p, packed.n - 9 }, 1u << 20, &out),
		STATUS_ERR_TRUNCATED);
	cr_expect_eq(unpack(STR(""), 10, &out), STATUS_ERR_TRUNCATED);
	cr_expect_neq(unpack(STR("{\"not\":\"packed\"}"), 100, &out), STATUS_OK);
	buf_add_str(&two, buf_str(&packed));
	buf_add_str(&two, buf_str(&packed));
	cr_expect_eq(unpack(buf_str(&two), 1u << 20, &out), STATUS_OK);
	cr_expect_eq(out.n, 2 * once, "the second gzip member was not read");
	packed.p[packed.n / 2] ^= 0x55;
	cr_expect_neq(unpack(buf_str(&packed), 1u << 20, &out), STATUS_OK);
	buf_done(&packed);
	buf_done(&two);
	buf_done(&out);
}
