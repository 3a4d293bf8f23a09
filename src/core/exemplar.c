#include "config.h"

#include "exemplar.h"

#include <string.h>

#include "weir/base/util.h"

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

static int
by_second(const struct exemplar *a, const struct exemplar *b)
{
	int64_t x = a->x.end_us / SEC_US, y = b->x.end_us / SEC_US;
	int order;

	if (x != y)
		return x > y ? 1 : -1;
	order = memcmp(&a->x.ids, &b->x.ids, sizeof(a->x.ids));
	return order ? order : by_time(a, b);
}

typedef int order_fn(const struct exemplar *a, const struct exemplar *b);

/* Find again who is to go first: whoever is too old, else the least. */
static void
settle(struct exemplar_list *l, order_fn *order)
{
	l->least = 0;
	l->oldest_us = l->kept[0].at_us;
	for (uint8_t i = 1; i < l->n; i++) {
		if (order(&l->kept[i], &l->kept[l->least]) < 0)
			l->least = i;
		l->oldest_us = MIN(l->oldest_us, l->kept[i].at_us);
	}
}

static void
offer(struct exemplar_list *l, const struct exemplar *e, int64_t from_us, order_fn *order)
{
	uint8_t i = l->least;

	if (l->n < EXEMPLARS_EACH) {
		i = l->n++;
	} else if (l->oldest_us < from_us) {
		for (i = 0; l->kept[i].at_us != l->oldest_us; i++)
			;
	} else if (order(e, &l->kept[i]) <= 0) {
		return;
	}
	l->kept[i] = *e;
	settle(l, order);
}

void
exemplars_add(struct exemplars *all, const struct exemplar *e, int64_t from_us)
{
	if (e->x.latency_us >= 0)
		offer(&all->slow, e, from_us, by_latency);
	if (e->x.failed)
		offer(&all->failed, e, from_us, by_time);
	offer(&all->recent, e, from_us, by_second);
}

static void
list(const struct exemplar_list *l, int64_t from_us, struct snap *snap)
{
	const struct snap_edge *edge = &snap->edge[snap->edges - 1];

	for (unsigned i = 0; i < l->n; i++) {
		const struct snap_exemplar *x = &l->kept[i].x;
		unsigned k = 0;

		while (k < edge->exemplars &&
			memcmp(&snap->exemplar[edge->first_exemplar + k].ids, &x->ids,
				sizeof(x->ids)) != 0)
			k++;
		if (k == edge->exemplars && l->kept[i].at_us >= from_us)
			*snap_exemplar_add(snap) = *x;
	}
}

void
exemplars_list(const struct exemplars *all, int64_t from_us, struct snap *snap)
{
	list(&all->slow, from_us, snap);
	list(&all->failed, from_us, snap);
	list(&all->recent, from_us, snap);
}
