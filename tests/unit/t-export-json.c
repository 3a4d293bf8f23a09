#include "config.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/export/export.h"

/* The text of @snap as JSON. The caller frees. */
static char *
written(const struct snap *snap)
{
	const struct export_ops *ops = export_find("json");
	struct export_in in = { .snap = snap };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	cr_assert(ops && !ops->needs_grid && f);
	cr_expect_eq(ops->write(&in, f), STATUS_OK);
	fclose(f);
	return text;
}

/* The value at a path such as "edges.0.ops.1.op". */
static cJSON *
at(cJSON *o, const char *path)
{
	char word[40];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		snprintf(word, sizeof(word), "%.*s", (int)n, path);
		o = cJSON_IsArray(o) ? cJSON_GetArrayItem(o, (int)strtol(word, NULL, 10))
				     : cJSON_GetObjectItemCaseSensitive(o, word);
		path += n + (path[n] == '.');
	}
	return o;
}

static void
fill(struct snap *s)
{
	struct snap_edge *e;
	struct snap_agent *a;
	struct snap_exemplar *x;

	s->now_us = INT64_C(1767621751250000);
	s->window_us = 60000000;
	s->covered_us = 12500000;
	snap_node_add(s, "payment \"1\"")->kind = NODE_SERVICE;
	snap_node_add(s, "postgres")->kind = NODE_DB;
	s->node[1].severity = SEV_CRIT;
	s->node[1].rate_in = 15.25;
	e = snap_edge_add(s, 0, 1);
	e->kind = KIND_DB;
	e->severity = SEV_CRIT;
	e->stat = (struct snap_stat){ .calls = 912,
		.errors = 3,
		.samples = 900,
		.rate = 15.2,
		.p50_us = 1000,
		.p95_us = 2000,
		.p99_us = 1830000,
		.max_us = 9000000000000000,
		.bytes_in = SNAP_UNKNOWN,
		.bytes_out = 0 };
	e->origins = 1u << ORIGIN_OTLP | 1u << ORIGIN_ACCESSLOG;
	snap_view_add(s, ORIGIN_OTLP)->shown = true;
	snap_view_add(s, ORIGIN_ACCESSLOG)->stat.calls = 2 * e->stat.calls + 50;
	snap_op_add(s, "UPDATE")->stat = e->stat;
	x = snap_exemplar_add(s);
	x->latency_us = 1830000;
	x->ids.trace[15] = 0xab;
	a = snap_agent_add(s);
	memset(a->id, 0x5a, sizeof(a->id));
	a->host = "";
	a->live = true;
	a->age_us = 1500000;
	a->skew_us = -250;
	sentence_add(&s->headline, 0,
		str_of("payment \"1\" \xe2\x86\x92 postgres UPDATE: p99 1.8 s"));
}

Test(export_json, names_and_values_are_those_of_the_contract)
{
	static const struct {
		const char *path, *printed;
	} rows[] = {
		{ "weir", "1" },
		{ "taken", "\"2026-01-05T14:02:31.250Z\"" },
		{ "window_s", "60" },
		{ "covered_s", "12.5" },
		{ "nodes.0.name", "\"payment \\\"1\\\"\"" },
		{ "nodes.1.kind", "\"db\"" },
		{ "nodes.1.severity", "\"crit\"" },
		{ "nodes.1.rate_in", "15.25" },
		{ "nodes.1.rate_out", "null" },
		{ "nodes.1.self_p99_us", "null" },
		{ "edges.0.src", "\"payment \\\"1\\\"\"" },
		{ "edges.0.dst", "\"postgres\"" },
		{ "edges.0.kind", "\"db\"" },
		{ "edges.0.calls", "912" },
		{ "edges.0.rate", "15.2" },
		{ "edges.0.errors", "3" },
		{ "edges.0.error_ratio", "0.003289" },
		{ "edges.0.p99_us", "1830000" },
		{ "edges.0.max_us", "9000000000000000" },
		{ "edges.0.samples", "900" },
		{ "edges.0.bytes_in", "null" },
		{ "edges.0.bytes_out", "0" },
		{ "edges.0.server_p99_us", "null" },
		{ "edges.0.severity", "\"crit\"" },
		{ "edges.0.origins.0", "\"otlp\"" },
		{ "edges.0.origins.1", "\"accesslog\"" },
		{ "edges.0.views.0.origin", "\"otlp\"" },
		{ "edges.0.views.0.shown", "true" },
		{ "edges.0.views.1.shown", "false" },
		{ "edges.0.views.1.p99_us", "null" },
		{ "edges.0.views.1.differs.0", "\"calls\"" },
		{ "edges.0.baseline", "null" },
		{ "edges.0.ops.0.op", "\"UPDATE\"" },
		{ "edges.0.ops.0.p95_us", "2000" },
		{ "edges.0.exemplars.0.trace", "\"000000000000000000000000000000ab\"" },
		{ "edges.0.exemplars.0.span", "null" },
		{ "edges.0.exemplars.0.us", "1830000" },
		{ "edges.0.exemplars.0.err", "false" },
		{ "verdicts.0.rank", "1" },
		{ "verdicts.0.dst", "\"postgres\"" },
		{ "verdicts.0.severity", "\"crit\"" },
		{ "verdicts.0.kind", "null" },
		{ "events", "[]" },
		{ "quality.received", "0" },
		{ "quality.newest", "null" },
		{ "quality.agents.0.id", "\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\"" },
		{ "quality.agents.0.host", "null" },
		{ "quality.agents.0.age_s", "1.5" },
		{ "quality.agents.0.skew_us", "-250" },
	};
	struct snap s = { 0 };
	char *text, *value;
	cJSON *root;

	fill(&s);
	s.quality.newest_us = SNAP_UNKNOWN;
	text = written(&s);
	root = cJSON_Parse(text);
	cr_assert_not_null(root, "%s", text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *o = at(root, rows[i].path);

		cr_expect_not_null(o, "%s is missing in %s", rows[i].path, text);
		/* cJSON reads numbers as doubles; these are all exact ones. */
		value = o ? cJSON_PrintUnformatted(o) : NULL;
		if (value && cJSON_IsNumber(o))
			cr_expect_float_eq(o->valuedouble, strtod(rows[i].printed, NULL),
				1e-9, "%s is %s", rows[i].path, value);
		else if (value)
			cr_expect_str_eq(
				value, rows[i].printed, "%s is %s", rows[i].path, value);
		cJSON_free(value);
	}
	cJSON_Delete(root);
	free(text);
	snap_done(&s);
}

Test(export_json, an_empty_picture_is_valid_and_the_same_each_time)
{
	struct snap s = { 0 };
	char *one = written(&s), *two = written(&s);
	cJSON *root = cJSON_Parse(one);

	cr_assert_not_null(root);
	cr_expect_eq(cJSON_GetArraySize(at(root, "edges")), 0);
	cr_expect_eq(cJSON_GetArraySize(at(root, "verdicts")), 0);
	cr_expect(cJSON_IsNull(at(root, "headline")));
	cr_expect_str_eq(one, two);
	cJSON_Delete(root);
	free(one);
	free(two);
}
