#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/filter.h"

/*
 * Payment is of the group Money, web of shop, the others of none.
 * 0 web -> api           http ok    GET /, POST /charge
 * 1 api -> Payment       grpc warn  p99 700 ms, 2 % errors
 * 2 api -> redis:6379    tcp  ok    no latencies; a db by its node
 * 3 Payment -> postgres  db   crit  p99 1.8 s, queue 3 s
 * 4 web -> idle-one      idle, nothing known
 */
static void
fill(struct snap *s)
{
	static const char *const names[] = { "web", "api", "Payment", "redis:6379",
		"postgres", "idle-one" };
	struct snap_edge *e;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		snap_node_add(s, names[i])->severity = SEV_OK;
	s->node[3].kind = s->node[4].kind = NODE_DB;
	s->node[2].group = "Money";
	s->node[0].group = "shop";
	e = snap_edge_add(s, 0, 1);
	e->kind = KIND_HTTP;
	e->severity = SEV_OK;
	e->stat.calls = 6000;
	e->stat.rate = 100;
	e->stat.p99_us = 90000;
	e->stat.bytes_out = 5000000;
	snap_op_add(s, "GET /");
	snap_op_add(s, "POST /charge");
	e = snap_edge_add(s, 1, 2);
	e->kind = KIND_GRPC;
	e->severity = SEV_WARN;
	e->stat.calls = 600;
	e->stat.errors = 12;
	e->stat.rate = 10;
	e->stat.p99_us = 700000;
	e = snap_edge_add(s, 1, 3);
	e->kind = KIND_TCP;
	e->severity = SEV_OK;
	e->stat.calls = 60;
	e->stat.rate = 1;
	e = snap_edge_add(s, 2, 4);
	e->kind = KIND_DB;
	e->severity = SEV_CRIT;
	e->stat.calls = 1200;
	e->stat.rate = 20;
	e->stat.p99_us = 1800000;
	e->queue_p99_us = 3000000;
	snap_op_add(s, "UPDATE accounts");
	snap_edge_add(s, 0, 5);
	for (uint32_t i = 0; i < s->edges; i++)
		s->edge[i].key = i;
	s->edge[1].alarms = 1u << ANOMALY_LATENCY | 1u << ANOMALY_ERRORS;
	s->edge[3].alarms = 1u << ANOMALY_LATENCY;
	s->causes = 2;
	s->cause[0] = (struct snap_cause){
		.kind = ANOMALY_LATENCY, .node = "postgres", .edge = 3
	};
	s->cause[1] = (struct snap_cause){
		.kind = ANOMALY_SILENT, .node = "api", .edge = UINT32_MAX
	};
}

Test(filter, every_form_matches_what_it_says)
{
	static const struct {
		const char *text;
		const char *want; /* numbers of the edges */
	} rows[] = {
		{ "", "01234" },
		{ "  ", "01234" },
		{ "pay", "13" },
		{ "PAY", "13" },
		{ "!pay", "024" },
		{ "src:web", "04" },
		{ "group:money", "13" },
		{ "group:/^shop$/", "04" },
		{ "!group:o", "2" },
		{ "dst:web", "" },
		{ "src:api dst:pay", "1" },
		{ "api->pay", "1" },
		{ "/^re|^post/", "23" },
		{ "src:/^(web|api)$/", "0124" },
		{ "dst:/\\/x/ | web", "04" },
		{ "op:/charge/", "0" },
		{ "op:update", "3" },
		{ "op:\"GET /\"", "0" },
		{ "kind:grpc", "1" },
		{ "kind:db", "23" },
		{ "kind:unknown", "4" },
		{ "p99>500ms", "13" },
		{ "p99>=1.8s", "3" },
		{ "p99<100ms", "0" },
		{ "p99<90000us", "" },
		{ "p99>0.01m", "13" },
		{ "!p99>500ms", "024" },
		{ "queue>1s", "3" },
		{ "server>0", "" },
		{ "err>1%", "1" },
		{ "err>=2%", "1" },
		{ "err>0.01", "1" },
		{ "err<1%", "023" },
		{ "rate<10/s", "2" },
		{ "rate<=600/min", "12" },
		{ "rate>5k", "" },
		{ "n>100", "013" },
		{ "n>1k", "03" },
		{ "n!=600", "0234" },
		{ "n==600", "1" },
		{ "out>4M", "0" },
		{ "sev:warn", "1" },
		{ "sev:crit | sev:warn", "13" },
		{ "sev>=warn", "13" },
		{ "sev:idle", "4" },
		{ "errors", "1" },
		{ "verdict", "03" },
		{ "verdict:latency", "3" },
		{ "verdict:silent", "0" },
		{ "verdict:queue", "" },
		{ "verdict dst:postgres", "3" },
		{ "anomaly", "13" },
		{ "anomaly:errors", "1" },
		{ "!anomaly", "024" },
		{ "\"verdict\"", "" },
		{ "web | pay sev:crit", "034" },
		{ "(web | pay) sev:crit", "3" },
		{ "!(web | pay)", "2" },
		{ "! ! web", "04" },
		{ "redis:6379", "2" },
		{ "\"redis:6379\"", "2" },
		{ "idle-one", "4" },
		{ "p99>500ms err>1%", "1" },
		{ "web!x", "" },
	};
	struct snap s = { 0 };

	fill(&s);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = { .text = "" };
		struct filter *f = filter_new(rows[i].text, &d);
		char got[8] = "";

		cr_assert(f, "'%s': %s", rows[i].text, d.text);
		for (uint32_t k = 0; k < s.edges; k++)
			if (filter_match(f, &s, k))
				got[strlen(got)] = (char)('0' + k);
		cr_expect_str_eq(got, rows[i].want, "'%s' gives %s", rows[i].text, got);
		filter_free(f);
	}
	snap_done(&s);
}

Test(filter, a_mistake_is_told_with_its_place_and_the_nearest_right_word)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "p98>500ms", "filter, column 1: no number 'p98' (p95?)" },
		{ "web scr:api", "filter, column 5: no prefix 'scr' (src?)" },
		{ "kind:dbb", "filter, column 6: no kind 'dbb' (db?)" },
		{ "sev:critical", "filter, column 5: no severity 'critical'" },
		{ "sev:crt", "filter, column 5: no severity 'crt' (crit?)" },
		{ "p99>500",
			"filter, column 5: '500' is no value here; write it like 500ms" },
		{ "p99>", "filter, column 5: '' is no value here; write it like 500ms" },
		{ "p99>-5ms", "filter, column 5: '-5ms' is no value here; write it like "
			      "500ms" },
		{ "p99>nanms",
			"filter, column 5: 'nanms' is no value here; write it like "
			"500ms" },
		{ "err>5", "filter, column 5: '5' is no value here; write it like 1%" },
		{ "rate>5ms",
			"filter, column 6: '5ms' is no value here; write it like 10/s" },
		{ "P99>5ms",
			"filter, column 1: 'P99>5ms' is no comparison; quote it if it is "
			"a name" },
		{ "(web", "filter, column 1: the parenthesis is not closed" },
		{ "web)", "filter, column 4: a parenthesis is closed that was never "
			  "opened" },
		{ "web |", "filter, column 6: a term is missing at the end" },
		{ "| web", "filter, column 1: a term is missing before '|'" },
		{ "()", "filter, column 2: a term is missing before ')'" },
		{ "!", "filter, column 2: a term is missing at the end" },
		{ "src:", "filter, column 5: a name is missing" },
		{ "/web", "filter, column 1: the regex has no closing '/'" },
		{ "/a((b+)+){500}/", "filter, column 1: the regex repeats too much" },
		{ "/a****/", "filter, column 1: the regex repeats a repetition" },
		{ "/(a)\\1/", "filter, column 1: back references are not supported" },
		{ "//", "filter, column 1: the regex is empty" },
		{ "op:\"x", "filter, column 4: the quote is not closed" },
		{ "a->", "filter, column 4: a name is missing" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = { .text = "" };

		cr_expect_null(filter_new(rows[i].text, &d), "'%s'", rows[i].text);
		cr_expect_str_eq(d.text, rows[i].want, "'%s': %s", rows[i].text, d.text);
		cr_expect_null(filter_new(rows[i].text, NULL));
	}
	{
		struct diag d;

		cr_expect_null(filter_new("/a(b/", &d));
		cr_expect(strstr(d.text, "column 1: bad regex: "), "%s", d.text);
	}
}

Test(filter, what_is_too_long_or_too_deep_is_refused)
{
	struct filter *f;
	struct diag d;
	char *text = xcalloc(1, 6000);

	memset(text, '(', 5000);
	cr_expect_null(filter_new(text, &d));
	text[1000] = '\0';
	cr_expect_null(filter_new(text, &d));
	cr_expect(strstr(d.text, "nested too deeply"), "%s", d.text);
	memset(text, '!', 1000);
	cr_expect_null(filter_new(text, &d));
	memset(text, 'x', 300);
	text[0] = text[299] = '/';
	text[300] = '\0';
	cr_expect_null(filter_new(text, &d));
	for (unsigned i = 0; i < 1000; i++)
		memcpy(text + 2 * i, "a ", 3);
	f = filter_new(text, &d);
	cr_expect_not_null(f, "many terms are not deep");
	filter_free(f);
	filter_free(NULL);
	free(text);
}

Test(filter, applying_keeps_the_matching_edges_and_their_ends)
{
	struct snap s = { 0 }, to = { 0 };
	struct filter *f = filter_new("sev>=warn", NULL);

	fill(&s);
	s.covered_us = 7;
	filter_apply(NULL, &s, &to);
	cr_expect_eq(to.edges, 5);
	cr_expect_eq(to.nodes, 6);
	filter_apply(f, &s, &to);
	cr_expect_eq(to.covered_us, 7);
	cr_assert_eq(to.edges, 2);
	cr_assert_eq(to.nodes, 3);
	cr_expect_str_eq(to.node[to.edge[0].src].name, "api");
	cr_expect_str_eq(to.node[to.edge[0].dst].name, "Payment");
	cr_expect_str_eq(to.node[to.edge[1].dst].name, "postgres");
	cr_expect_str_eq(to.op[to.edge[1].first_op].op, "UPDATE accounts");
	cr_expect_eq(to.sev_count[SEV_OK], 3);
	cr_expect_eq(s.edges, 5);
	filter_apply(f, &s, &s);
	cr_expect_eq(s.edges, 2);
	filter_free(f);
	snap_done(&s);
	snap_done(&to);
}
