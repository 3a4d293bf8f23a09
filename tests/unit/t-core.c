#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "weir/core/snap.h"

/* a -> b (http, rpc) and b -> c, added in the order that @turn picks. */
static void
fill(struct snap *s, int turn)
{
	static const char *const names[] = { "alpha", "beta", "gamma" };
	uint32_t at[3];

	for (unsigned i = 0; i < 3; i++) {
		unsigned which = (i + (unsigned)turn) % 3;

		at[which] = s->nodes;
		snap_node_add(s, names[which])->key = 10 + which;
	}
	for (unsigned i = 0; i < 3; i++) {
		unsigned which = (i + (unsigned)turn) % 3;
		struct snap_edge *e;

		e = which == 2 ? snap_edge_add(s, at[1], at[2])
			       : snap_edge_add(s, at[0], at[1]);
		e->kind = which == 1 ? KIND_RPC : KIND_HTTP;
		e->key = 20 + which;
		snap_op_add(s, turn & 1 ? "GET" : "PUT")->stat.calls = turn & 1 ? 5 : 9;
		snap_op_add(s, turn & 1 ? "PUT" : "GET")->stat.calls = turn & 1 ? 9 : 5;
		snap_exemplar_add(s)->latency_us = 100 * (turn + 1);
		snap_exemplar_add(s)->latency_us = 700;
	}
	snap_sort(s);
}

Test(snap, the_order_of_adding_does_not_show_after_sorting)
{
	for (int turn = 0; turn < 3; turn++) {
		struct snap s = { 0 };

		fill(&s, turn);
		cr_assert_eq(s.nodes, 3);
		cr_assert_eq(s.edges, 3);
		for (unsigned i = 0; i < 3; i++) {
			const struct snap_edge *e = &s.edge[i];

			cr_expect_eq(s.node[i].key, 10 + i);
			cr_expect_eq(e->key, 20 + i);
			cr_expect_eq(e->src, i == 2);
			cr_expect_eq(e->dst, 1 + (i == 2));
			cr_expect_str_eq(s.op[e->first_op].op, "PUT");
			cr_expect_str_eq(s.op[e->first_op + 1].op, "GET");
			cr_expect_eq(s.exemplar[e->first_exemplar].latency_us, 700);
		}
		snap_done(&s);
	}
}

Test(snap, what_nobody_filled_in_is_unknown)
{
	struct snap s = { 0 };

	snap_node_add(&s, "a");
	snap_edge_add(&s, 0, 0);
	cr_expect(isnan(s.node[0].rate_in));
	cr_expect_eq(s.node[0].self_p99_us, SNAP_UNKNOWN);
	cr_expect_eq(s.edge[0].stat.p99_us, SNAP_UNKNOWN);
	cr_expect_eq(s.edge[0].stat.bytes_in, SNAP_UNKNOWN);
	cr_expect(isnan(s.edge[0].stat.rate));
	cr_expect_eq(snap_agent_add(&s)->skew_us, SNAP_UNKNOWN);
	snap_done(&s);
}

Test(snap, a_copy_stays_when_the_original_goes_on)
{
	struct snap s = { 0 }, kept = { 0 };
	struct snap_agent borrowed[2] = { { .host = "one" }, { .host = "two" } };

	fill(&s, 1);
	s.quality.agent = borrowed;
	s.quality.agents = 2;
	sentence_add(&s.headline, 0, str_of("as it was"));
	snap_copy(&kept, &s);
	borrowed[1].host = "changed";
	snap_clear_graph(&s);
	cr_expect_eq(s.quality.agents, 2, "only the graph is cleared");
	snap_agent_add(&s)->host = "three";
	cr_expect_str_eq(s.quality.agent[0].host, "one");
	cr_expect_str_eq(s.quality.agent[2].host, "three");
	snap_clear(&s);
	cr_expect_eq(s.quality.agents, 0);
	fill(&s, 2);
	cr_expect_eq(kept.edges, 3);
	cr_expect_str_eq(kept.node[2].name, "gamma");
	cr_expect_str_eq(kept.quality.agent[1].host, "two");
	cr_expect_str_eq(kept.headline.text, "as it was");
	snap_done(&s);
	snap_done(&kept);
}

Test(snap, nodes_and_edges_are_found_by_their_stable_key)
{
	struct snap s = { 0 };

	cr_expect_eq(snap_find_node(&s, 0), -1);
	fill(&s, 2);
	cr_expect_eq(snap_find_node(&s, 11), 1);
	cr_expect_eq(snap_find_edge(&s, 22), 2);
	cr_expect_eq(snap_find_edge(&s, 99), -1);
	snap_done(&s);
}
