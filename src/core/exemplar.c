#include "config.h"

#include "exemplar.h"

#include <string.h>

/* The greater is kept. Ids settle ties, so that the order is total. */
static int
by_time(const struct exemplar *a, const struct exemplar *b)
{
	if (a->x.end_us != b->x.end_us)
		return a->x.end_us > b->x.end_us ? 1 : -1;
	if (a->x.latency_us != b->x.latency_us)
		return a->x.latency_us > b->x.latency_us ? 1 : -1;
	return memcmp(&a->x.ids, &b->x.ids, sizeof(a->x.ids));
}

static int
by_latency(const struct exemplar *a, const struct exemplar *b)
{
	if (a->x.latency_us != b->x.latency_us)
		return a->x.latency_us > b->x.latency_us ? 1 : -1;
	return by_time(a, b);
}

static void
offer(struct exemplar *kept, uint8_t *n, const struct exemplar *e, int64_t from_us,
	int (*order)(const struct exemplar *, const struct exemplar *))
{
	struct exemplar *least = kept;

	if (*n < EXEMPLARS_EACH) {
		kept[(*n)++] = *e;
		return;
	}
	for (unsigned i = 0; i < EXEMPLARS_EACH; i++) {
		if (kept[i].at_us < from_us) {
			kept[i] = *e;
			return;
		}
		if (order(&kept[i], least) < 0)
			least = &kept[i];
	}
	if (order(e, least) > 0)
		*least = *e;
}

void
exemplars_add(struct exemplars *all, const struct exemplar *e, int64_t from_us)
{
	if (e->x.latency_us >= 0)
		offer(all->slow, &all->slows, e, from_us, by_latency);
	if (e->x.failed)
		offer(all->failed, &all->failures, e, from_us, by_time);
	offer(all->recent, &all->recents, e, from_us, by_time);
}

static void
list(const struct exemplar *kept, unsigned n, int64_t from_us, struct snap *snap)
{
	const struct snap_edge *edge = &snap->edge[snap->edges - 1];

	for (unsigned i = 0; i < n; i++) {
		const struct snap_exemplar *x = &kept[i].x;
		unsigned k = 0;

		while (k < edge->exemplars &&
			memcmp(&snap->exemplar[edge->first_exemplar + k].ids, &x->ids,
				sizeof(x->ids)) != 0)
			k++;
		if (k == edge->exemplars && kept[i].at_us >= from_us)
			*snap_exemplar_add(snap) = *x;
	}
}

void
exemplars_list(const struct exemplars *all, int64_t from_us, struct snap *snap)
{
	list(all->slow, all->slows, from_us, snap);
	list(all->failed, all->failures, from_us, snap);
	list(all->recent, all->recents, from_us, snap);
}
