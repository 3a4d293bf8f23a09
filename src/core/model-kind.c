/*
 * Service graphs in Prometheus do not tell the protocol of a call, traces do. Joining the
 * two in the picture rather than when calls are booked keeps it independent of who came
 * first.
 */
#include "config.h"

#include "model-priv.h"
#include "weir/base/util.h"

/* The one edge of known kind between two nodes; NONE when there are several or none. */
static uint32_t
known_edge(const struct model *m, uint32_t src, uint32_t dst)
{
	uint32_t found = NONE;

	for (enum flow_kind k = KIND_UNKNOWN + 1; k < KIND_COUNT; k++) {
		uint32_t i = table_find_edge(m, src, dst, k);

		if (i != NONE && found != NONE)
			return NONE;
		if (i != NONE)
			found = i;
	}
	return found;
}

static bool
share_an_origin(const struct edge *a, const struct edge *b)
{
	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		if (a->tally[o] != NONE && b->tally[o] != NONE)
			return true;
	return false;
}

bool
kind_whole_edge(const struct model *m, const struct edge *e, struct edge *ret_whole)
{
	uint32_t nameless = table_find_edge(m, e->src, e->dst, KIND_UNKNOWN), known;
	const struct edge *n;

	*ret_whole = *e;
	if (nameless == NONE)
		return true;
	known = known_edge(m, e->src, e->dst);
	n = edge_at(m, nameless);
	if (known == NONE || share_an_origin(edge_at(m, known), n))
		return true;
	if (e == n)
		return false;
	for (unsigned o = 0; o < ORIGIN_COUNT; o++)
		if (n->tally[o] != NONE)
			ret_whole->tally[o] = n->tally[o];
	if (!e->exemplars)
		ret_whole->exemplars = n->exemplars;
	ret_whole->first_us = MIN(e->first_us, n->first_us);
	ret_whole->last_us = MAX(e->last_us, n->last_us);
	ret_whole->seen_us = MAX(e->seen_us, n->seen_us);
	return true;
}
