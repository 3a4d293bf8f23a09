#include "config.h"

#include "hot.h"

#include <string.h>

uint32_t
hot_edge(const struct snap *s, const struct snap_edge *e)
{
	if (e->severity < SEV_WARN)
		return HOT_NOT;
	for (uint32_t i = 0; i < s->causes; i++)
		if (s->cause[i].edge == e->key)
			return i;
	return VERDICT_MAX_CAUSES;
}

uint32_t
hot_node(const struct snap *s, const struct snap_node *n)
{
	if (n->severity < SEV_WARN)
		return HOT_NOT;
	for (uint32_t i = 0; i < s->causes; i++)
		if (strcmp(s->cause[i].node, n->name) == 0)
			return i;
	return VERDICT_MAX_CAUSES;
}

/* Ranks first, places among equals: as one number. */
static uint64_t
order(uint32_t rank, int i)
{
	return (uint64_t)rank << 32 | (uint32_t)i;
}

int
hot_next(int n, int at, int step, uint32_t (*rank)(const void *ctx, int i),
	const void *ctx)
{
	uint32_t mine = at < 0 ? HOT_NOT : rank(ctx, at);
	int next = -1, end = -1; /* the nearest behind it; the first of all */
	uint64_t next_is = 0, end_is = 0;

	for (int i = 0; i < n; i++) {
		uint32_t r = rank(ctx, i);
		uint64_t is = order(r, i);
		bool behind;

		if (r == HOT_NOT)
			continue;
		if (end < 0 || (step > 0 ? is < end_is : is > end_is)) {
			end = i;
			end_is = is;
		}
		behind = mine != HOT_NOT &&
			 (step > 0 ? is > order(mine, at) : is < order(mine, at));
		if (behind && (next < 0 || (step > 0 ? is < next_is : is > next_is))) {
			next = i;
			next_is = is;
		}
	}
	return next >= 0 ? next : end >= 0 ? end : at;
}
