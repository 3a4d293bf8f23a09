/*
 * blame - which node is the cause, when many edges are worse than usual.
 *
 * Each edge makes a claim: how much worse it is than normal, per second. Blame starts
 * at the callers that are not worse themselves (as a rule, where users come in) and
 * flows down along the claims: at each node the callees' claims take their share of
 * what arrived and the unexplained rest stays. What stays is the node's blame.
 *
 * One pass, O(nodes + edges). Knows nothing of time, names or latencies; the same pass
 * serves slowness, failures and missing calls.
 */
#ifndef WEIR_CORE_BLAME_H
#define WEIR_CORE_BLAME_H

#include <stdbool.h>
#include <stdint.h>

#define BLAME_MAX_ENTRIES 8 /* user-facing edges whose shares are told apart */

struct blame_edge {
	uint32_t src, dst; /* nodes, dense */
	double claim;      /* excess per second; 0: nothing to complain of */
	double raw;        /* the same before asking how sure it is; 0 unknown */
	double calls;      /* in the window: how far to trust it as a witness */
	double z;
	double own;  /* the part of the claim the callee spent by itself; < 0 unknown */
	double work; /* async: the part of the claim that is no waiting; < 0 unknown */
	double link; /* share of the claim lost between the two ends; 0 unknown */
	double late; /* of failures: the share that is lateness from behind the callee */
	bool async;  /* nobody waits for the answer */
	bool fresh;  /* so new that nothing is known of its normal */
	bool alarmed;
};

struct blame_graph {
	const struct blame_edge *edge;
	uint32_t edges, nodes;
	bool latency; /* claims are times: own, link, async and witnesses count */
};

/* A user-facing edge, and how much of its claim each node explains. */
struct blame_entry {
	uint32_t edge;
	double claim;
};

struct blame;

struct blame *blame_new(void);
void blame_free(struct blame *b);

/* Run the pass. Reads @g, keeps nothing of it but the pointers until the next run. */
void blame_run(struct blame *b, const struct blame_graph *g);

double blame_total(const struct blame *b);               /* that came in at the roots */
double blame_node(const struct blame *b, uint32_t node); /* what stayed there */
double blame_flow(const struct blame *b, uint32_t edge); /* what went through */

/* The claim of @edge as it was believed: at least what it asked for. */
double blame_claim(const struct blame *b, uint32_t edge);

/* Was it reached over an edge in alarm, so that it may be named? */
bool blame_reached(const struct blame *b, uint32_t node);

/* The user-facing edges, greatest claim first, and the share of @entry that stayed at
 * @node. */
uint32_t blame_entries(const struct blame *b);
struct blame_entry blame_entry(const struct blame *b, uint32_t entry);
double blame_share(const struct blame *b, uint32_t entry, uint32_t node);

#endif
