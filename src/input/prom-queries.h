/*
 * prom-queries - which metrics tell of edges, and how their labels are read.
 *
 * A preset is all rows with its name. A label list is words separated by '|', the first
 * of which has a value that is a name wins; "=text" is that text. A rule is conditions
 * separated by ' ', of which one is enough: `label=text`, `label!text` (there, and
 * different), `label>N`, `label~digit` (begins with).
 */
#ifndef WEIR_SRC_INPUT_PROM_QUERIES_H
#define WEIR_SRC_INPUT_PROM_QUERIES_H

#include "weir/core/flow.h"
#include "weir/input/promreply.h"

enum prom_role {
	PROM_CALLS,  /* a counter of requests */
	PROM_FAILED, /* a counter of those that failed, counted among the calls too */
	PROM_BUCKETS,
	PROM_BUCKETS_AND_CALLS, /* where no other counter has the requests */
	PROM_BYTES_IN,
	PROM_BYTES_OUT
};

struct prom_query {
	const char *preset;
	enum prom_role role;
	const char *metric;   /* of histograms with _bucket */
	const char *matchers; /* what stands in the braces */
	const char *src, *dst;
	const char *src_group, *dst_group; /* label lists; or NULL */
	const char *op;                    /* labels whose values are joined by ' ' */
	const char *failed;                /* rule */
	const char *kind; /* label list; a word of flow_kind, or one of the sources' */
	enum node_kind dst_kind;
	double unit_us; /* of bucket bounds */
};

extern const struct prom_query prom_queries[];
extern const unsigned prom_query_count;
extern const char *const prom_preset_names[]; /* NULL-terminated; with "custom" */

/* Who called whom, as one series tells it. Text is borrowed from series and query. */
struct prom_edge {
	struct str src, dst;
	struct str src_group, dst_group; /* or "" */
	enum flow_kind kind;
	enum node_kind src_kind, dst_kind;
	bool failed;
};

/* False when a label that names an end is not there. */
bool prom_edge_of(const struct prom_query *q, const struct prom_series *s,
	struct prom_edge *ret_edge);

/* Is the rule's syntax right? */
bool prom_rule_is_sound(const char *rule);

#endif
