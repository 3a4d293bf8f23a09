#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/diff.h"
#include "weir/cmd/stored.h"

/* ------------------------------------------------------------ pictures by hand */

static uint32_t
node_of(struct snap *s, const char *name)
{
	uint32_t i = 0;

	while (i < s->nodes && strcmp(s->node[i].name, name) != 0)
		i++;
	if (i == s->nodes)
		snap_node_add(s, name);
	return i;
}

static struct snap_edge *
add_edge(struct snap *s, const char *src, const char *dst, enum flow_kind kind)
{
	uint32_t from = node_of(s, src), to = node_of(s, dst);
	struct snap_edge *e = snap_edge_add(s, from, to);

	e->kind = kind;
	return e;
}

/* An edge of so many calls, all with that latency. */
static struct snap_stat
stat_of(uint64_t calls, uint64_t errors, int64_t us)
{
	return (struct snap_stat){
		.calls = calls,
		.errors = errors,
		.samples = calls,
		.rate = (double)calls / 60,
		.p50_us = us,
		.p95_us = us,
		.p99_us = us,
		.max_us = us,
		.bytes_in = SNAP_UNKNOWN,
		.bytes_out = SNAP_UNKNOWN,
	};
}

Test(diff, what_may_be_chance_is_no_difference)
{
	static const struct {
		const char *what;
		uint64_t calls_a, errors_a;
		int64_t us_a;
		uint64_t calls_b, errors_b;
		int64_t us_b;
		const char *told; /* all changes, in order */
	} rows[] = {
		{ "the same", 1000, 10, 5000, 1000, 10, 5000, "" },
		{ "a little slower", 1000, 0, 50000, 1000, 0, 74000, "" },
		{ "half as slow again", 1000, 0, 50000, 1000, 0, 75000, "slower by p99" },
		{ "faster", 1000, 0, 75000, 1000, 0, 50000, "faster by p99" },
		{ "by less than a millisecond", 1000, 0, 10, 1000, 0, 900, "" },
		{ "few for p99", 1000, 0, 1000, 299, 0, 9000, "slower by p95" },
		{ "few for p95", 59, 0, 1000, 1000, 0, 9000, "slower by p50" },
		{ "too few", 1000, 0, 1000, 4, 0, 9000, "" },
		{ "no latency known", 1000, 0, -1, 1000, 0, 9000, "" },
		{ "failing", 1000, 1, 5, 1000, 30, 5, "failing" },
		{ "recovered", 1000, 30, 5, 1000, 1, 5, "recovered" },
		{ "both", 1000, 0, 1000, 1000, 500, 9000, "failing slower by p99" },
		{ "three more of few", 160, 0, 5, 160, 3, 5, "" },
		{ "not double", 1000, 200, 5, 1000, 300, 5, "" },
		{ "below a percent", 100000, 0, 5, 100000, 900, 5, "" },
		{ "one error", 1, 0, 5, 1, 1, 5, "" },
		{ "all of a few", 50, 0, 5, 2, 2, 5, "failing" },
		{ "all before and after", 50, 50, 5, 60, 60, 5, "" },
		{ "new", 0, 0, -1, 1, 0, 5, "new" },
		{ "vanished", 1, 0, 5, 0, 0, -1, "vanished" },
		{ "idle in both", 0, 0, -1, 0, 0, -1, "" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct snap a = { 0 }, b = { 0 };
		struct diff d;
		char told[200] = "";

		add_edge(&a, "x", "y", KIND_DB)->stat =
			stat_of(rows[i].calls_a, rows[i].errors_a, rows[i].us_a);
		add_edge(&b, "x", "y", KIND_DB)->stat =
			stat_of(rows[i].calls_b, rows[i].errors_b, rows[i].us_b);
		diff_snaps(&a, &b, NULL, 5, &d);
		for (uint32_t r = 0; r < d.rows; r++) {
			size_t n = strlen(told);
			bool is_time = d.row[r].change == DIFF_SLOWER ||
				       d.row[r].change == DIFF_FASTER;

			snprintf(told + n, sizeof(told) - n, "%s%s%s%s", n ? " " : "",
				diff_change_word(d.row[r].change), is_time ? " by " : "",
				is_time ? d.row[r].percentile : "");
		}
		cr_expect_str_eq(told, rows[i].told, "%s: '%s'", rows[i].what, told);
		diff_done(&d);
		snap_done(&a);
		snap_done(&b);
	}
}

Test(diff, edges_are_told_by_ends_and_kind_and_the_most_comes_first)
{
	struct filter *f = filter_new("kind:db | kind:http", NULL);
	struct snap a = { 0 }, b = { 0 };
	struct diff d;

	add_edge(&a, "b", "c", KIND_DB)->stat = stat_of(600, 0, 1000);
	add_edge(&a, "a", "b", KIND_HTTP)->stat = stat_of(600, 0, 1000);
	add_edge(&a, "a", "z", KIND_MSG)->stat = stat_of(600, 0, 1000);
	add_edge(&b, "a", "b", KIND_GRPC)->stat = stat_of(60, 0, 1000);
	add_edge(&b, "a", "b", KIND_HTTP)->stat = stat_of(600, 0, 3000);
	add_edge(&b, "b", "c", KIND_DB)->stat = stat_of(600, 0, 9000);
	snap_sort(&a);
	snap_sort(&b);

	diff_snaps(&a, &b, NULL, 5, &d);
	cr_assert_eq(d.rows, 4);
	cr_expect_eq(d.edges, 4);
	cr_expect_str_eq(d.row[0].src, "b");
	cr_expect_eq(d.row[0].change, DIFF_SLOWER);
	cr_expect_eq(d.row[0].b_us, 9000);
	cr_expect_str_eq(d.row[1].src, "a");
	cr_expect_eq(d.row[2].change, DIFF_VANISHED);
	cr_expect_str_eq(d.row[2].dst, "z");
	cr_expect_null(d.row[2].b);
	cr_expect_eq(d.row[3].change, DIFF_NEW);
	cr_expect_eq(d.row[3].kind, KIND_GRPC);
	diff_done(&d);

	diff_snaps(&a, &b, f, 5, &d);
	cr_expect_eq(d.rows, 2);
	cr_expect_eq(d.edges, 2);
	diff_done(&d);
	filter_free(f);
	snap_done(&a);
	snap_done(&b);
}

/* ------------------------------------------------------------ snapshots read back */

Test(stored, a_snapshot_is_read_back)
{
	static const char text[] =
		"{\"edges\":[{\"src\":\"b\\u001b\",\"dst\":\"a\",\"kind\":\"db\","
		"\"calls\":12,"
		"\"errors\":3,\"rate\":0.2,\"p50_us\":null,\"p99_us\":1830,\"samples\":"
		"12,"
		"\"severity\":\"crit\"}],\"nodes\":[{\"name\":\"z\",\"kind\":\"queue\"}],"
		"\"taken\":\"2026-01-05T14:02:32.5Z\",\"window_s\":60,\"weir\":1}\n";
	struct names *names = names_new(100, 10000);
	struct snap s = { 0 };
	struct diag d = { 0 };

	cr_assert_eq(stored_read(str_of(text), names, &s, &d), STATUS_OK, "%s", d.text);
	cr_assert_eq(s.nodes, 3);
	cr_expect_str_eq(s.node[1].name, "b\\x1b", "names are cleaned");
	cr_expect_eq(s.node[2].kind, NODE_QUEUE);
	cr_expect_eq(s.now_us, 1767621752500000);
	cr_expect_eq(s.window_us, 60 * SEC_US);
	cr_assert_eq(s.edges, 1);
	cr_expect_str_eq(s.node[s.edge[0].src].name, "b\\x1b");
	cr_expect_eq(s.edge[0].kind, KIND_DB);
	cr_expect_eq(s.edge[0].severity, SEV_CRIT);
	cr_expect_eq(s.edge[0].stat.errors, 3);
	cr_expect_eq(s.edge[0].stat.p50_us, SNAP_UNKNOWN);
	cr_expect_eq(s.edge[0].stat.p99_us, 1830);
	snap_done(&s);
	names_free(names);
}

Test(stored, what_is_no_snapshot_is_told_from_a_broken_one)
{
	static const struct {
		const char *text;
		enum status status;
	} rows[] = {
		{ "", STATUS_ERR_UNKNOWN },
		{ "{\"src\":\"a\",\"dst\":\"b\",\"us\":1}\n", STATUS_ERR_UNKNOWN },
		{ "{\"weir\":1}\n{\"weir\":1}\n", STATUS_ERR_UNKNOWN },
		{ "{\"weir\":1,", STATUS_ERR_UNKNOWN },
		{ "{\"weir\":2,\"nodes\":[],\"edges\":[]}", STATUS_ERR_VERSION },
		{ "{\"weir\":1,\"nodes\":[]}", STATUS_ERR_SYNTAX },
		{ "{\"weir\":1,\"nodes\":[7],\"edges\":[]}", STATUS_ERR_SYNTAX },
		{ "{\"weir\":1,\"nodes\":[],\"edges\":[{\"src\":\"a\",\"dst\":7}]}",
			STATUS_ERR_SYNTAX },
		{ "{\"weir\":1,\"nodes\":[],\"edges\":[]}", STATUS_OK },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct names *names = names_new(100, 10000);
		struct snap s = { 0 };
		struct diag d = { 0 };
		enum status status = stored_read(str_of(rows[i].text), names, &s, &d);

		cr_expect_eq(status, rows[i].status, "%s: %s %s", rows[i].text,
			status_text(status), d.text);
		cr_expect_eq(d.text[0] != '\0',
			status != STATUS_OK && status != STATUS_ERR_UNKNOWN);
		snap_done(&s);
		names_free(names);
	}
}
