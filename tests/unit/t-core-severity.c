#include "config.h"

#include <criterion/criterion.h>

#include "weir/base/util.h"
#include "weir/core/severity.h"
#include "weir/core/snap.h"

static const struct thresholds defaults = THRESHOLDS_DEFAULT;

/* Node of that name, added when it is new. */
static uint32_t
node(struct snap *s, const char *name)
{
	for (uint32_t i = 0; i < s->nodes; i++)
		if (strcmp(s->node[i].name, name) == 0)
			return i;
	snap_node_add(s, name);
	return s->nodes - 1;
}

static struct snap_edge *
edge(struct snap *s, const char *src, const char *dst, uint64_t calls, uint64_t errors,
	int64_t p99_us)
{
	uint32_t from = node(s, src), to = node(s, dst);
	struct snap_edge *e = snap_edge_add(s, from, to);

	e->stat.calls = calls;
	e->stat.errors = errors;
	e->stat.samples = p99_us < 0 ? 0 : calls;
	e->stat.p50_us = e->stat.p95_us = e->stat.p99_us = p99_us;
	return e;
}

static void
op(struct snap *s, const char *name, uint64_t calls, uint64_t errors, int64_t p99_us)
{
	struct snap_op *o = snap_op_add(s, name);

	o->stat.calls = o->stat.samples = calls;
	o->stat.errors = errors;
	o->stat.p50_us = o->stat.p95_us = o->stat.p99_us = p99_us;
}

static enum severity
of(const struct snap *s, const char *src, const char *dst)
{
	for (uint32_t i = 0; i < s->edges; i++)
		if (!strcmp(s->node[s->edge[i].src].name, src) &&
			!strcmp(s->node[s->edge[i].dst].name, dst))
			return s->edge[i].severity;
	cr_assert_fail("no edge %s -> %s", src, dst);
	return SEV_COUNT;
}

Test(severity, the_deepest_slow_edge_is_the_cause_and_those_before_it_are_victims)
{
	struct snap s = { 0 };

	edge(&s, "web", "gateway", 900, 0, 2100000);
	edge(&s, "gateway", "checkout", 300, 0, 2000000);
	edge(&s, "checkout", "payment", 300, 0, 1900000);
	edge(&s, "checkout", "cart", 300, 0, 9000);
	edge(&s, "payment", "postgres", 1200, 0, 1800000);
	op(&s, "BEGIN", 400, 0, 700);
	op(&s, "UPDATE accounts", 412, 0, 1800000);
	op(&s, "COMMIT", 400, 0, 3000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "web", "gateway"), SEV_WARN);
	cr_expect_eq(of(&s, "gateway", "checkout"), SEV_WARN);
	cr_expect_eq(of(&s, "checkout", "payment"), SEV_WARN);
	cr_expect_eq(of(&s, "checkout", "cart"), SEV_OK);
	cr_expect_eq(of(&s, "payment", "postgres"), SEV_CRIT);
	cr_expect_eq(s.node[node(&s, "postgres")].severity, SEV_CRIT);
	cr_expect_eq(s.node[node(&s, "web")].severity, SEV_OK);
	cr_expect_eq(s.sev_count[SEV_CRIT], 1);
	cr_expect_eq(s.sev_count[SEV_WARN], 3);
	cr_expect_str_eq(s.headline.text,
		"payment \xe2\x86\x92 postgres UPDATE accounts: p99 1.8 s (n=412)");
	snap_done(&s);
}

Test(severity, one_edge_is_graded_by_its_numbers_alone)
{
	static const struct {
		const char *what;
		uint64_t calls, errors;
		int64_t p99_us;
		enum severity want;
	} rows[] = {
		{ "nothing came", 0, 0, -1, SEV_IDLE },
		{ "fast", 100, 0, 499999, SEV_OK },
		{ "at the warn threshold", 100, 0, 500000, SEV_WARN },
		{ "at the crit threshold", 100, 0, 1000000, SEV_CRIT },
		{ "too few to judge", 4, 0, 9000000, SEV_OK },
		{ "latency unknown", 100, 0, -1, SEV_OK },
		{ "5 % errors", 100, 5, 1000, SEV_WARN },
		{ "20 % errors", 100, 20, 1000, SEV_CRIT },
		{ "errors without latencies", 100, 20, -1, SEV_CRIT },
		{ "one error may be chance", 5, 1, 1000, SEV_OK },
		{ "two of five", 5, 2, 1000, SEV_WARN },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct snap s = { 0 };

		edge(&s, "a", "b", rows[i].calls, rows[i].errors, rows[i].p99_us);
		severity_judge(&s, &defaults);
		cr_expect_eq(s.edge[0].severity, rows[i].want, "%s", rows[i].what);
		cr_expect_eq(
			s.headline.n != 0, rows[i].want >= SEV_WARN, "%s", rows[i].what);
		snap_done(&s);
	}
}

Test(severity, errors_are_blamed_on_the_edge_where_they_begin)
{
	struct snap s = { 0 };

	edge(&s, "gateway", "checkout", 500, 160, 20000);
	edge(&s, "checkout", "inventory", 400, 160, 9000);
	op(&s, "POST /reserve", 200, 159, 9000);
	op(&s, "GET /stock", 200, 1, 9000);
	edge(&s, "checkout", "cart", 400, 2, 9000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "gateway", "checkout"), SEV_WARN);
	cr_expect_eq(of(&s, "checkout", "inventory"), SEV_CRIT);
	cr_expect_eq(of(&s, "checkout", "cart"), SEV_OK);
	cr_expect_str_eq(s.headline.text,
		"checkout \xe2\x86\x92 inventory POST /reserve: 80 % errors (n=200)");
	snap_done(&s);
}

Test(severity, calls_given_up_for_a_slow_edge_are_blamed_on_it)
{
	struct snap s = { 0 };

	edge(&s, "a", "b", 100, 50, 2000000);
	edge(&s, "b", "db", 100, 0, 3000000);
	edge(&s, "c", "d", 100, 50, 9000);
	edge(&s, "d", "e", 100, 1, 3000000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "a", "b"), SEV_WARN);
	cr_expect_eq(of(&s, "b", "db"), SEV_CRIT);
	cr_expect_eq(of(&s, "c", "d"), SEV_CRIT, "it fails fast: that is its own");
	snap_done(&s);
}

Test(severity, a_cause_is_as_bad_as_its_worst_victim)
{
	struct snap s = { 0 };

	/* Two calls of 0.9 s each make the caller take 1.8 s. */
	edge(&s, "a", "b", 100, 0, 1790000);
	edge(&s, "b", "db", 200, 0, 900000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "a", "b"), SEV_WARN);
	cr_expect_eq(of(&s, "b", "db"), SEV_CRIT);
	snap_done(&s);
}

Test(severity, a_slow_edge_that_holds_little_of_the_latency_is_no_excuse)
{
	struct snap s = { 0 };

	edge(&s, "a", "b", 100, 0, 5000000);
	edge(&s, "b", "c", 100, 0, 600000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "a", "b"), SEV_CRIT);
	cr_expect_eq(of(&s, "b", "c"), SEV_WARN);
	snap_done(&s);
}

Test(severity, what_a_queue_hands_on_explains_no_latency_before_it)
{
	struct snap s = { 0 };

	edge(&s, "gateway", "orders", 100, 0, 1200000);
	edge(&s, "orders", "shipping", 100, 0, 1500000)->queue_p99_us = 8000000;
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "gateway", "orders"), SEV_CRIT);
	cr_expect_eq(of(&s, "orders", "shipping"), SEV_CRIT);
	snap_clear(&s);
	edge(&s, "orders", "shipping", 100, 0, 150000)->queue_p99_us = 8000000;
	severity_judge(&s, &defaults);
	cr_expect_str_eq(s.headline.text,
		"orders \xe2\x86\x92 shipping: in the queue p99 8.0 s (n=100)");
	snap_done(&s);
}

Test(severity, a_ring_of_slow_edges_has_its_worst_one_as_the_cause)
{
	struct snap s = { 0 };

	edge(&s, "a", "b", 100, 0, 1100000);
	edge(&s, "b", "c", 100, 0, 1300000);
	edge(&s, "c", "a", 100, 0, 1200000);
	edge(&s, "web", "a", 100, 0, 1250000);
	edge(&s, "d", "d", 100, 0, 1400000);
	severity_judge(&s, &defaults);
	cr_expect_eq(of(&s, "a", "b"), SEV_WARN);
	cr_expect_eq(of(&s, "b", "c"), SEV_CRIT);
	cr_expect_eq(of(&s, "c", "a"), SEV_WARN);
	cr_expect_eq(of(&s, "web", "a"), SEV_WARN);
	cr_expect_eq(of(&s, "d", "d"), SEV_CRIT);
	snap_done(&s);
}

Test(severity, bounds_and_long_names_are_told_as_what_they_are)
{
	char name[256];
	struct snap s = { 0 };

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	edge(&s, name, "b", 100, 0, 2500000)->stat.bounds_only = true;
	op(&s, name, 100, 0, 2500000);
	s.op[0].stat.bounds_only = true;
	severity_judge(&s, &defaults);
	cr_expect(strstr(s.headline.text, "p99 \xe2\x89\xa4 2.5 s (n=100)"), "%s",
		s.headline.text);
	cr_expect(strstr(s.headline.text, "x\xe2\x80\xa6x"), "%s", s.headline.text);
	snap_done(&s);
}

Test(severity, words_are_those_of_the_json)
{
	cr_expect_str_eq(severity_word(SEV_IDLE), "idle");
	cr_expect_str_eq(severity_word(SEV_CRIT), "crit");
}
