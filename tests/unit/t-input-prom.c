#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/input/promdelta.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"

#define T0 INT64_C(1795389880)

static struct buf seen;

static void
on_event(void *ctx, const struct event *e)
{
	const struct delta *d = &e->u.delta;

	(void)ctx;
	cr_assert_eq(e->type, EVENT_DELTA);
	buf_addf(&seen, "%.*s>%.*s %s %s", (int)d->src.n, d->src.p, (int)d->dst.n,
		d->dst.p, flow_kind_word(d->kind), node_kind_word(d->dst_kind));
	if (d->op.n)
		buf_addf(&seen, " '%.*s'", (int)d->op.n, d->op.p);
	buf_addf(&seen, " %llu/%llu @%lld-%lld", (unsigned long long)d->errors,
		(unsigned long long)d->calls, (long long)(d->end_us / 1000 - T0 * 1000),
		(long long)(d->span_us / 1000));
	if (d->bytes_in >= 0 || d->bytes_out >= 0)
		buf_addf(&seen, " in %lld out %lld", (long long)d->bytes_in,
			(long long)d->bytes_out);
	for (unsigned i = 0; i < d->latency.n; i++)
		if (d->latency.count[i] && d->latency.bound_us[i] == INT64_MAX)
			buf_addf(&seen, " inf:%llu",
				(unsigned long long)d->latency.count[i]);
		else if (d->latency.count[i])
			buf_addf(&seen, " %lld:%llu", (long long)d->latency.bound_us[i],
				(unsigned long long)d->latency.count[i]);
	buf_addc(&seen, '\n');
}

static const struct prom_query calls = { .role = PROM_CALLS,
	.src = "client",
	.dst = "server",
	.failed = "code~5",
	.kind = "=http" };
static const struct prom_query failed = {
	.role = PROM_FAILED, .src = "client", .dst = "server", .kind = "=http"
};
static const struct prom_query buckets = { .role = PROM_BUCKETS,
	.src = "client",
	.dst = "server",
	.kind = "=http",
	.unit_us = 1e6 };
static const struct prom_query *const three[] = { &calls, &failed, &buckets };
static const struct rename no_alias;

struct feed {
	struct promdelta *p;
	unsigned q;
};

static void
on_series(void *ctx, const struct prom_series *s)
{
	struct feed *f = ctx;

	promdelta_series(f->p, f->q, s);
}

/* Text read by promreply has to last as long as the round. */
static char bodies[16][4096];
static unsigned body_count;

/* One series: LABELS as `"a":"b"`, VALUES as `[second,"value"]` with seconds since T0. */
static void
tell(struct promdelta *p, unsigned q, const char *labels, const char *values)
{
	struct buf b = BUF_INIT;
	struct prom_reply reply;
	struct feed f = { p, q };
	char *body = bodies[body_count++ % 16];

	buf_addf(&b,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		"{"
		"\"metric\":{\"client\":\"a\",\"server\":\"b\",%s},\"values\":[",
		labels);
	for (const char *v = values; *v;) {
		long second = strtol(v, (char **)&v, 10);

		buf_addf(&b, "%s[%lld.0,\"", b.p[b.n - 1] == '[' ? "" : ",",
			(long long)(T0 + second));
		for (v += *v == ':'; *v && *v != ' '; v++)
			buf_addc(&b, *v);
		buf_adds(&b, "\"]");
		v += *v == ' ';
	}
	buf_adds(&b, "]}]}}");
	cr_assert(b.n < sizeof(bodies[0]));
	memcpy(body, b.p, b.n);
	cr_assert_eq(promreply_read(body, b.n, on_series, &f, &reply), STATUS_OK);
	buf_done(&b);
}

static void
expect_round(struct promdelta *p, int64_t second, bool partial, const char *want)
{
	buf_clear(&seen);
	promdelta_end(p, (T0 + second) * SEC_US, partial, 0, on_event, NULL);
	cr_expect_str_eq(
		buf_cstr(&seen), want, "at %lld: %s", (long long)second, buf_cstr(&seen));
}

static struct promdelta *
new_delta(void)
{
	return promdelta_new(three, 3, &no_alias, 0);
}

static void
done(struct promdelta *p)
{
	promdelta_free(p);
	buf_done(&seen);
}

Test(promdelta, two_scrapes_give_what_was_between_them_at_their_times)
{
	struct promdelta *p = new_delta();

	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "0:100 15:110 30:110");
	expect_round(p, 31, false, "a>b http service 0/10 @15000-15000\n");
	/* polled again before the next scrape, and then after it */
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "15:110 30:110");
	expect_round(p, 36, false, "");
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "30:110 45:117");
	expect_round(p, 46, false, "a>b http service 0/7 @45000-15000\n");
	done(p);
}

Test(promdelta, a_counter_that_falls_began_again_at_zero)
{
	struct promdelta *p = new_delta();
	struct promdelta_counts n;

	promdelta_begin(p);
	tell(p, 0, "\"pod\":\"1\"", "0:1000 15:3");
	tell(p, 0, "\"pod\":\"2\"", "0:10 15:30");
	/* pods are added up after the difference: 3 + 20, not 33 or 0 */
	expect_round(p, 16, false, "a>b http service 0/23 @15000-15000\n");
	promdelta_counts(p, &n);
	cr_expect_eq(n.resets, 1);
	cr_expect_eq(n.first, 2);
	done(p);
}

Test(promdelta, a_first_failure_is_seen_but_an_old_counter_is_not)
{
	struct promdelta *p = new_delta();

	promdelta_begin(p);
	tell(p, 0, "\"instance\":\"x\",\"code\":\"200\"", "0:100 15:110");
	expect_round(p, 16, false, "a>b http service 0/10 @15000-15000\n");
	promdelta_begin(p);
	tell(p, 0, "\"instance\":\"x\",\"code\":\"200\"", "15:110 30:120");
	/* the same target now has a 500: all three are new */
	tell(p, 0, "\"instance\":\"x\",\"code\":\"500\"", "30:3");
	/* another target was running for months before it was scraped */
	tell(p, 0, "\"instance\":\"y\",\"code\":\"200\"", "30:7000000");
	expect_round(p, 31, false, "a>b http service 3/13 @30000-15000\n");
	done(p);
}

Test(promdelta, a_series_that_begins_within_the_first_look_back_is_new)
{
	struct promdelta *p = new_delta();

	promdelta_begin(p);
	tell(p, 0, "\"instance\":\"x\",\"code\":\"200\"", "0:100 15:110 30:120 45:130");
	tell(p, 0, "\"instance\":\"x\",\"code\":\"500\"", "30:2 45:3");
	/* one scrape later than the others, which may be a time of its own */
	tell(p, 0, "\"instance\":\"x\",\"code\":\"404\"", "14:900 29:900");
	expect_round(p, 46, false,
		"a>b http service 0/10 @15000-15000\n"
		"a>b http service 2/12 @30000-15000\n"
		"a>b http service 1/11 @45000-15000\n");
	done(p);
}

Test(promdelta, after_a_partial_answer_nothing_counts_as_new)
{
	struct promdelta *p = new_delta();

	promdelta_begin(p);
	tell(p, 0, "\"instance\":\"x\",\"code\":\"200\"", "0:100 15:110");
	expect_round(p, 16, true, "a>b http service 0/10 @15000-15000\n");
	promdelta_begin(p);
	tell(p, 0, "\"instance\":\"x\",\"code\":\"500\"", "30:5000");
	expect_round(p, 31, false, "");
	done(p);
}

Test(promdelta, a_round_that_came_to_nothing_leaves_no_trace)
{
	struct promdelta *p = new_delta();
	struct promdelta_counts n;

	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "0:100 15:110");
	expect_round(p, 16, false, "a>b http service 0/10 @15000-15000\n");
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "15:110 30:120");
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "15:110 30:120 45:130");
	expect_round(p, 46, false,
		"a>b http service 0/10 @30000-15000\n"
		"a>b http service 0/10 @45000-15000\n");
	promdelta_counts(p, &n);
	cr_expect_eq(n.samples, 4);
	done(p);
}

Test(promdelta, buckets_keep_their_bounds_and_never_exceed_the_calls)
{
	struct promdelta *p = new_delta();

	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "0:0 15:10");
	tell(p, 1, "\"code\":\"200\"", "0:0 15:2");
	tell(p, 2, "\"le\":\"0.1\"", "0:0 15:6");
	tell(p, 2, "\"le\":\"1.0\"", "0:0 15:9");
	tell(p, 2, "\"le\":\"+Inf\"", "0:0 15:10");
	tell(p, 2, "\"le\":\"0.05\"", "0:0 15:4");
	expect_round(p, 16, false,
		"a>b http service 2/10 @15000-15000 50000:4 100000:2 1000000:3 inf:1\n");
	/* not atomic: a bound below its neighbour, and a request the counter has not */
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "30:15");
	tell(p, 2, "\"le\":\"0.05\"", "30:8");
	tell(p, 2, "\"le\":\"0.1\"", "30:9");
	tell(p, 2, "\"le\":\"1.0\"", "30:12");
	tell(p, 2, "\"le\":\"+Inf\"", "30:16");
	expect_round(p, 31, false, "a>b http service 0/5 @30000-15000 50000:4 inf:1\n");
	done(p);
}

Test(promdelta, what_is_gone_for_five_minutes_is_forgotten)
{
	struct promdelta *p = new_delta();
	struct promdelta_counts n;

	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "0:100 15:110");
	expect_round(p, 16, false, "a>b http service 0/10 @15000-15000\n");
	promdelta_begin(p);
	expect_round(p, 400, false, "");
	promdelta_counts(p, &n);
	cr_expect_eq(n.series, 0);
	/* and when it comes back it is a stranger */
	promdelta_begin(p);
	tell(p, 0, "\"code\":\"200\"", "405:5000");
	expect_round(p, 406, false, "");
	done(p);
}

Test(promdelta, series_beyond_the_limit_are_counted)
{
	struct promdelta *p = promdelta_new(three, 3, &no_alias, 2);
	struct promdelta_counts n;

	promdelta_begin(p);
	tell(p, 0, "\"pod\":\"1\"", "0:1 15:2");
	tell(p, 0, "\"pod\":\"2\"", "0:1 15:2");
	tell(p, 0, "\"pod\":\"3\"", "0:1 15:2");
	expect_round(p, 16, false, "a>b http service 0/2 @15000-15000\n");
	promdelta_counts(p, &n);
	cr_expect_eq(n.overflow, 1);
	cr_expect_eq(n.series, 2);
	done(p);
}

/* ------------------------------------------------------------ labels */

Test(promqueries, labels_of_each_source_become_an_edge)
{
	static const struct {
		const char *preset, *metric, *labels, *edge;
	} rows[] = {
		{ "istio", "istio_requests_total",
			"source_canonical_service=checkout source_workload=checkout-v1 "
			"destination_canonical_service=cart request_protocol=grpc "
			"response_code=200 grpc_response_status=14",
			"checkout>cart grpc service!" },
		{ "istio", "istio_requests_total",
			"source_workload=unknown destination_app=gateway "
			"request_protocol=http response_code=503",
			"user>gateway http service!" },
		{ "istio", "istio_requests_total",
			"source_app=payment destination_canonical_service=unknown "
			"destination_workload=unknown "
			"destination_service_name=PassthroughCluster "
			"destination_service=api.bank.test response_code=404",
			"payment>api.bank.test unknown external" },
		{ "istio", "istio_tcp_connections_opened_total",
			"source_app=cart destination_service_name=redis",
			"cart>redis tcp service" },
		{ "servicegraph", "traces_service_graph_request_total",
			"client=shipping server=postgres connection_type=database",
			"shipping>postgres db db" },
		{ "servicegraph", "traces_service_graph_request_total",
			"client=user server=gateway connection_type=virtual_node",
			"user>gateway unknown service" },
		{ "servicegraph", "traces_service_graph_request_total",
			"client=payment server=api.bank.test "
			"connection_type=virtual_node",
			"payment>api.bank.test unknown external" },
		{ "linkerd", "response_total",
			"deployment=web dst_deployment=emoji classification=failure",
			"web>emoji http service!" },
		{ "linkerd", "response_total",
			"deployment=web authority=vote.shop.svc.cluster.local:8080 "
			"classification=success",
			"web>vote http service" },
		{ "hubble", "hubble_http_requests_total",
			"source=reserved:world destination=shop/gateway status=500",
			"user>gateway http service!" },
		{ "beyla", "http_client_request_duration_seconds_bucket",
			"service_name=a server_address=b.shop.svc "
			"http_response_status_code=404",
			"a>b http service" },
		{ "beyla", "db_client_operation_duration_seconds_bucket",
			"service_name=a server_address=pg error_type=timeout",
			"a>pg db db!" },
		{ "beyla", "http_client_request_duration_seconds_bucket",
			"service_name=a", "" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct prom_label label[16];
		struct prom_series s = { .label = label };
		struct prom_edge e;
		unsigned q = 0;

		for (const char *p = rows[i].labels; *p;) {
			size_t name = strcspn(p, "="), value = strcspn(p + name + 1, " ");

			label[s.labels++] = (struct prom_label){ { p, name },
				{ p + name + 1, value } };
			p += name + 1 + value;
			p += *p == ' ';
		}
		while (strcmp(prom_queries[q].preset, rows[i].preset) != 0 ||
			strcmp(prom_queries[q].metric, rows[i].metric) != 0)
			q++;
		buf_clear(&seen);
		if (prom_edge_of(&prom_queries[q], &s, &e))
			buf_addf(&seen, "%.*s>%.*s %s %s%s", (int)e.src.n, e.src.p,
				(int)e.dst.n, e.dst.p, flow_kind_word(e.kind),
				node_kind_word(e.dst_kind), e.failed ? "!" : "");
		cr_expect_str_eq(buf_cstr(&seen), rows[i].edge, "%s: %s", rows[i].labels,
			buf_cstr(&seen));
	}
	buf_done(&seen);
}

Test(promqueries, namespaces_are_groups_where_the_labels_tell_them)
{
	static const struct {
		const char *preset, *label[4];
		const char *src_group, *dst_group;
	} rows[] = {
		{ "istio",
			{ "source_workload_namespace", "destination_workload_namespace" },
			"a", "b" },
		{ "istio", { "source_app", "destination_service_namespace" }, "", "b" },
		{ "linkerd", { "namespace", "dst_namespace" }, "a", "b" },
		{ "hubble", { "source_namespace", "destination_namespace" }, "a", "b" },
		{ "beyla", { "k8s_namespace_name", "server_port" }, "a", "" },
		{ "servicegraph",
			{ "client_service_namespace", "server_service_namespace" }, "a",
			"b" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct prom_label label[16];
		struct prom_series s = { .label = label };
		const char *ends[] = { "source_app", "destination_app", "deployment",
			"dst_deployment", "service_name", "server_address", "client",
			"server" };
		struct prom_edge e;
		unsigned q = 0;

		for (unsigned k = 0; k < ARRAY_LEN(ends); k++)
			if (strcmp(ends[k], rows[i].label[0]) != 0)
				label[s.labels++] =
					(struct prom_label){ str_of(ends[k]), STR("x") };
		label[s.labels++] =
			(struct prom_label){ str_of(rows[i].label[0]), STR("a") };
		label[s.labels++] =
			(struct prom_label){ str_of(rows[i].label[1]), STR("b") };
		while (strcmp(prom_queries[q].preset, rows[i].preset) != 0)
			q++;
		cr_assert(prom_edge_of(&prom_queries[q], &s, &e), "%s", rows[i].preset);
		cr_expect(str_eq(e.src_group, str_of(rows[i].src_group)), "%s",
			rows[i].preset);
		cr_expect(str_eq(e.dst_group, str_of(rows[i].dst_group)), "%s",
			rows[i].preset);
	}
}

Test(promqueries, every_row_can_be_read)
{
	for (unsigned i = 0; i < prom_query_count; i++) {
		const struct prom_query *q = &prom_queries[i];

		cr_expect(
			prom_rule_is_sound(q->failed ? q->failed : ""), "%s", q->metric);
		cr_expect(q->role != PROM_BUCKETS || q->unit_us > 0, "%s", q->metric);
	}
	cr_expect_not(prom_rule_is_sound("code"));
	cr_expect_not(prom_rule_is_sound("a=b =c"));
}

/* ------------------------------------------------------------ answers */

static void
count_samples(void *ctx, const struct prom_series *s)
{
	*(unsigned *)ctx += s->samples;
}

Test(promreply, answers_are_read_and_errors_are_told_in_the_servers_words)
{
	static const struct {
		const char *body;
		enum status status;
		unsigned samples;
		bool partial;
		const char *error;
	} rows[] = {
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\","
		  "\"result\":[1795390038.25,\"2\"]}}",
			STATUS_OK, 1, false, "" },
		{ "{\"data\":{\"result\":[{\"metric\":{},\"value\":[1,\"NaN\"]},"
		  "{\"metric\":{\"a\":\"b\"},\"values\":[[1,\"1\"],[2,\"+Inf\"],[3,\"4\"]"
		  "]}],"
		  "\"resultType\":\"matrix\"},\"status\":\"success\","
		  "\"warnings\":[\"a store is gone\"]}",
			STATUS_OK, 2, true, "" },
		{ "{\"status\":\"success\",\"isPartial\":false,\"data\":{\"resultType\":"
		  "\"vector\",\"result\":[]},\"infos\":[\"x\"]}",
			STATUS_OK, 0, false, "" },
		{ "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no "
		  "\\u001b "
		  "such\"}",
			STATUS_ERR_SYSTEM, 0, false, "no \\u001b such" },
		{ "{\"status\":\"success\",\"data\":{\"result\":[{\"metric\":{},"
		  "\"values\":"
		  "[[1,\"1\"],[2]]}]}}",
			STATUS_ERR_SYNTAX, 0, false, "" },
		{ "<html>login</html>", STATUS_ERR_SYNTAX, 0, false, "" },
		{ "{\"status\":\"success\"", STATUS_ERR_TRUNCATED, 0, false, "" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char body[1024];
		struct prom_reply r;
		unsigned samples = 0;

		snprintf(body, sizeof(body), "%s", rows[i].body);
		cr_expect_eq(
			promreply_read(body, strlen(body), count_samples, &samples, &r),
			rows[i].status, "%s", rows[i].body);
		cr_expect_eq(samples, rows[i].samples, "%s", rows[i].body);
		cr_expect_eq(r.partial, rows[i].partial);
		cr_expect_str_eq(r.error, rows[i].error);
	}
}
