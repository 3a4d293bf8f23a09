#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/accesslog.h"

static struct buf seen;

/* One flow a line: `src>dst op code failed latency@end`. */
static void
on_event(void *ctx, const struct event *e)
{
	const struct flow *f = &e->u.flow;

	(void)ctx;
	cr_assert_eq(e->type, EVENT_FLOW);
	buf_addf(&seen, "%.*s>%.*s %.*s %.*s%s %lld", (int)f->src.n, f->src.p,
		(int)f->dst.n, f->dst.p, (int)f->op.n, f->op.p, (int)f->code.n, f->code.p,
		f->failed ? "!" : "", (long long)flow_latency_us(f));
	if (f->queue_us > 0)
		buf_addf(&seen, " q%lld", (long long)f->queue_us);
	buf_addf(&seen, " @%lld\n", (long long)(f->end_us / 1000));
}

struct row {
	const char *format, *line, *flows;
};

static void
expect_row(const struct row *r)
{
	struct accesslog_options o = { .format = r->format };
	struct diag d;
	struct accesslog *a;
	enum accesslog_result got;

	if (strcmp(r->format, "istio") == 0)
		o.service = "productpage";
	a = accesslog_new(&o, &d);
	cr_assert_not_null(a, "%s", d.text);
	buf_clear(&seen);
	got = accesslog_line(a, str_of(r->line), 99000000, on_event, NULL);
	cr_expect_str_eq(buf_cstr(&seen), r->flows, "%s: %s\n%s", r->format, r->line,
		buf_cstr(&seen));
	cr_expect_eq(got, *r->flows ? ACCESSLOG_FLOWS : ACCESSLOG_OTHER);
	accesslog_free(a);
}

Test(accesslog, each_proxy_says_who_called_whom_and_how_long_it_took)
{
	static const struct row rows[] = {
		{ "nginx",
			"{\"msec\":\"1795389879.104\",\"request_method\":\"GET\",\"uri\":"
			"\"/api/cart/"
			"u2649?t=1\",\"status\":200,\"request_time\":0.018,\"upstream_"
			"addr\":"
			"\"10.0.0.1:80\",\"upstream_status\":\"200\",\"upstream_response_"
			"time\":"
			"\"0.017\"}",
			"nginx>10.0.0.1:80 GET /api/cart/{id} 200 17000 @1795389879104\n"
			"user>nginx GET /api/cart/{id} 200 18000 @1795389879104\n" },
		/* a retry: the failed attempt is a flow of its own, and ended earlier */
		{ "nginx",
			"{\"msec\":\"1795389879.104\",\"request_method\":\"GET\",\"uri\":"
			"\"/a\","
			"\"status\":200,\"request_time\":0.014,\"upstream_addr\":\"10.0."
			"0.1:80, "
			"10.0.0.2:80\",\"upstream_status\":\"502, "
			"200\",\"upstream_response_time\":"
			"\"0.004, 0.010\"}",
			"nginx>10.0.0.1:80 GET /a 502! 4000 @1795389879094\n"
			"nginx>10.0.0.2:80 GET /a 200 10000 @1795389879104\n"
			"user>nginx GET /a 200 14000 @1795389879104\n" },
		/* no upstream, and the status of a broken TLS handshake */
		{ "nginx",
			"{\"msec\":\"1795389879.104\",\"request_method\":\"\",\"uri\":"
			"\"\",\"status\":"
			"000,\"request_time\":0.000,\"upstream_addr\":\"-\",\"upstream_"
			"status\":\"-\","
			"\"upstream_response_time\":\"-\"}",
			"user>nginx   0 @1795389879104\n" },
		{ "haproxy",
			"<134>Nov 22 host haproxy[1]: {\"ts\":\"22/Nov/2026:23:24:40 "
			"+0000\",\"ms\":071,\"backend\":\"be_gateway\",\"server_ip\":"
			"\"127.0.77.15\","
			"\"Tw\":3,\"Tc\":1,\"Tr\":8,\"Ta\":12,\"status\":503,"
			"\"termination_state\":"
			"\"--\",\"method\":\"GET\",\"uri\":\"/x\"}",
			"haproxy>be_gateway GET /x 503! 9000 q3000 @1795389880083\n"
			"user>haproxy GET /x 503! 12000 @1795389880083\n" },
		{ "haproxy",
			"{\"ts\":\"22/Nov/2026:23:24:40 "
			"+0000\",\"ms\":0,\"backend\":\"be\","
			"\"Tw\":-1,\"Tc\":-1,\"Tr\":-1,\"Ta\":2000,\"status\":503,"
			"\"termination_state\":\"SC\",\"method\":\"GET\",\"uri\":\"/x\"}",
			"user>haproxy GET /x 503! 2000000 @1795389882000\n" },
		{ "haproxy",
			"{\"ts\":\"22/Nov/2026:23:24:40 "
			"+0000\",\"ms\":0,\"status\":400,\"method\":"
			"\"<BADREQ>\",\"Ta\":-1}",
			"" },
		{ "caddy",
			"{\"ts\":1795389880.4852884,\"logger\":\"http.log.access.log0\","
			"\"request\":"
			"{\"method\":\"GET\",\"host\":\"shop\",\"uri\":\"/api/"
			"products\"},"
			"\"duration\":0.007518537,\"status\":200}",
			"user>caddy GET /api/products 200 7519 @1795389880485\n" },
		{ "caddy",
			"{\"level\":\"info\",\"logger\":\"admin\",\"msg\":\"started\"}",
			"" },
		{ "traefik",
			"{\"StartUTC\":\"2026-11-22T23:24:40.5Z\",\"Duration\":2500000,"
			"\"OriginDuration\":2000000,\"DownstreamStatus\":200,"
			"\"OriginStatus\":200,"
			"\"RequestMethod\":\"POST\",\"RequestPath\":\"/"
			"pay\",\"ServiceName\":"
			"\"payment@docker\"}",
			"traefik>payment POST /pay 200 2000 @1795389880502\n"
			"user>traefik POST /pay 200 2500 @1795389880502\n" },
		{ "istio",
			"{\"start_time\":\"2026-11-22T23:24:40.000Z\",\"duration\":31,"
			"\"method\":"
			"\"GET\",\"path\":\"/reviews/"
			"0\",\"response_code\":200,\"response_flags\":\"-\","
			"\"upstream_cluster\":\"outbound|9080|v1|reviews.default.svc."
			"cluster.local\","
			"\"authority\":\"reviews:9080\"}",
			"productpage>reviews GET /reviews/{id} 200 31000 "
			"@1795389880031\n" },
		{ "istio",
			"{\"start_time\":\"2026-11-22T23:24:40.000Z\",\"duration\":31,"
			"\"response_code\":"
			"200,\"upstream_cluster\":\"inbound|9080||\"}",
			"" },
		{ "istio",
			"{\"start_time\":\"2026-11-22T23:24:40.000Z\",\"duration\":0,"
			"\"method\":\"GET\","
			"\"path\":\"/\",\"response_code\":0,\"response_flags\":\"UF\","
			"\"upstream_cluster\":\"PassthroughCluster\",\"authority\":\"api."
			"bank.test\"}",
			"productpage>api.bank.test GET / ! 0 @1795389880000\n" },
		{ "istio",
			"{\"start_time\":\"2026-11-22T23:24:40.000Z\",\"duration\":5,"
			"\"method\":\"GET\","
			"\"path\":\"/\",\"response_code\":0,\"response_flags\":\"DC\","
			"\"upstream_cluster\":\"outbound|80||x\"}",
			"productpage>x GET /  5000 @1795389880005\n" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		expect_row(&rows[i]);
	buf_done(&seen);
}

Test(accesslog, a_format_of_ones_own_is_a_few_fields)
{
	static const char *const fields[] = { "time=when", "latency=took:ms",
		"status=code", "path=req.path", "method=req.verb", "upstream=to", NULL };
	static const char *const aliases[] = { "10.0.0.7:80=billing", NULL };
	struct accesslog_options o = { .format = "custom",
		.service = "edge",
		.fields = fields,
		.aliases = aliases };
	struct accesslog *a = accesslog_new(&o, NULL);

	cr_assert_not_null(a);
	accesslog_line(a,
		STR("{\"when\":1795389880123,\"took\":12.5,\"code\":\"500\",\"req\":{"
		    "\"verb\":"
		    "\"PUT\",\"path\":\"/a/b\"},\"to\":\"10.0.0.7:80\"}"),
		0, on_event, NULL);
	cr_expect_str_eq(buf_cstr(&seen),
		"edge>billing PUT /a/b 500! -1 @1795389880123\n"
		"user>edge PUT /a/b 500! 12500 @1795389880123\n");
	buf_done(&seen);
	accesslog_free(a);
}

Test(accesslog, what_cannot_be_read_is_bad_and_nothing_else)
{
	static const char *const lines[] = { "", "plain text", "{", "{\"status\":", "[1]",
		"null", "{\"a\":}", "\x01\x02" };
	struct accesslog *a =
		accesslog_new(&(struct accesslog_options){ .format = "nginx" }, NULL);

	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(accesslog_line(a, str_of(lines[i]), 0, on_event, NULL),
			ACCESSLOG_BAD, "%s", lines[i]);
	cr_expect_eq(
		accesslog_line(a, STR("{\"x\":1}"), 0, on_event, NULL), ACCESSLOG_OTHER);
	cr_expect_eq(seen.n, 0);
	accesslog_free(a);
}

Test(accesslog, mistakes_in_the_set_up_name_the_right_word)
{
	static const char *const wrong[] = { "latencie=x", NULL };
	struct diag d;

	cr_expect_null(
		accesslog_new(&(struct accesslog_options){ .format = "ngnix" }, &d));
	cr_expect_str_eq(d.text, "no log format 'ngnix' (nginx?)");
	cr_expect_null(accesslog_new(
		&(struct accesslog_options){ .format = "nginx", .fields = wrong }, &d));
	cr_expect_str_eq(d.text, "no log field 'latencie' (latency?)");
	cr_expect_null(
		accesslog_new(&(struct accesslog_options){ .format = "custom" }, &d));
}
