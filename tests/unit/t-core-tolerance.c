#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/model.h"

#define T0 (INT64_C(1790000000) * SEC_US)

static struct tolerance_rule *
rule(struct tolerances *t, const char *edge)
{
	struct diag d = { 0 };
	struct tolerance_rule *r = tolerances_rule(t, edge, &d);

	cr_assert(r, "%s: %s", edge, d.text);
	return r;
}

Test(tolerance, the_rule_that_says_most_about_the_names_counts)
{
	static const char *const edges[] = { "*->*", "web->*", "*->db", "web->d*",
		"cart-*->db", "web->db" };
	static const struct {
		const char *src, *dst, *edge;
	} rows[] = {
		{ "a", "b", "*->*" },
		{ "web", "cart", "web->*" },
		{ "shop", "db", "*->db" },
		{ "web", "disk", "web->d*" },
		{ "cart-1", "db", "cart-*->db" },
		{ "web", "db", "web->db" },
	};
	struct tolerances *t = tolerances_new();
	struct diag d = { 0 };

	for (unsigned i = 0; i < ARRAY_LEN(edges); i++)
		rule(t, edges[i]);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(tolerances_find(t, rows[i].src, rows[i].dst),
			rule(t, rows[i].edge), "%s->%s", rows[i].src, rows[i].dst);
	cr_expect_eq(rule(t, " web -> db "), rule(t, "web->db"), "blanks do not count");
	cr_expect_eq(tolerances_count(t), ARRAY_LEN(edges));
	cr_expect_null(tolerances_find(NULL, "a", "b"));
	cr_expect_null(tolerances_rule(t, "web", &d));
	cr_expect(strstr(d.text, "caller->callee"), "%s", d.text);
	cr_expect_null(tolerances_rule(t, "web->", &d));
	tolerances_free(t);
}

Test(tolerance, codes_are_failures_or_not_as_the_rule_says)
{
	static const struct {
		const char *code;
		enum flow_kind kind;
		bool failed, want;
	} rows[] = {
		{ "404", KIND_HTTP, true, false },
		{ "403", KIND_HTTP, false, true },
		{ "500", KIND_HTTP, true, true },
		{ "200", KIND_HTTP, false, false },
		{ "", KIND_HTTP, true, true },
		{ "5", KIND_GRPC, true, false },
		{ "NOT_FOUND", KIND_GRPC, true, false },
		{ "not_found", KIND_GRPC, true, false },
		{ "5", KIND_HTTP, true, true },
		{ "14", KIND_GRPC, false, true },
		{ "4xx", KIND_HTTP, false, true },
		{ "timeout", KIND_GRPC, true, true },
	};
	struct tolerances *t = tolerances_new();
	struct tolerance_rule *r = rule(t, "*->*");
	struct diag d = { 0 };

	cr_assert_eq(tolerance_set_codes(r, "500", false, &d), STATUS_OK);
	cr_assert_eq(tolerance_set_codes(r, "404, NOT_FOUND", false, &d), STATUS_OK);
	cr_assert_eq(tolerance_set_codes(r, "4xx UNAVAILABLE", true, &d), STATUS_OK);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow f = { .kind = rows[i].kind,
			.code = str_of(rows[i].code),
			.failed = rows[i].failed };

		cr_expect_eq(tolerance_fails(r, &f), rows[i].want, "'%s' (%s)",
			rows[i].code, flow_kind_word(f.kind));
		cr_expect_eq(tolerance_fails(NULL, &f), rows[i].failed);
	}
	cr_expect_neq(tolerance_set_codes(r, "404 NOTFOUND", false, &d), STATUS_OK);
	cr_expect(strstr(d.text, "NOT_FOUND?"), "%s", d.text);
	cr_expect_neq(tolerance_set_codes(
			      r, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", false, &d),
		STATUS_OK, "bounded");
	tolerances_free(t);
}

Test(tolerance, a_model_counts_and_judges_by_it)
{
	struct tolerances *t = tolerances_new();
	struct tolerance limits = { .p99_us = 3 * SEC_US, .error_ratio = .9 };
	struct model_limits l = model_limits_default;
	struct thresholds th = THRESHOLDS_DEFAULT;
	struct snap s = { 0 };
	struct model *m;
	struct diag d;

	tolerance_set_limits(rule(t, "*->slow"), &limits);
	cr_assert_eq(tolerance_set_codes(rule(t, "*->web"), "404", false, &d), STATUS_OK);
	l.tolerances = t;
	l.watched = true;
	m = model_new(&l);
	for (unsigned i = 0; i < 100; i++) {
		static const char *const dst[] = { "slow", "web", "other" };
		struct event e = { .type = EVENT_FLOW,
			.u.flow = { .src = STR("a"),
				.dst = str_of(dst[i % 3]),
				.code = STR("404"),
				.failed = true,
				.kind = KIND_HTTP,
				.end_us = T0 + i * SEC_US / 10,
				.client_us = i % 3 ? 1000 : 2 * SEC_US,
				.server_us = FLOW_UNKNOWN,
				.queue_us = FLOW_UNKNOWN,
				.bytes_in = FLOW_UNKNOWN,
				.bytes_out = FLOW_UNKNOWN,
				.weight = 1 } };

		if (i % 3 == 0)
			e.u.flow.failed = i % 2;
		model_add(m, &e, e.u.flow.end_us);
	}
	model_snap(m, T0 + 11 * SEC_US, &th, &s);
	cr_assert_eq(s.edges, 3);
	cr_expect_eq(s.edge[0].stat.errors, s.edge[0].stat.calls, "other");
	cr_expect_eq(s.edge[0].severity, SEV_CRIT);
	cr_expect_gt(s.edge[1].stat.errors, 0, "slow: half of them fail");
	cr_expect_eq(s.edge[1].severity, SEV_OK, "and that is put up with");
	cr_expect_eq(s.edge[2].stat.errors, 0, "web: 404 is none");
	cr_expect_eq(s.edge[2].severity, SEV_OK);
	for (uint32_t i = 0; i < s.causes; i++)
		cr_expect_str_eq(s.cause[i].dst, "other");
	snap_done(&s);
	model_free(m);
	tolerances_free(t);
}
