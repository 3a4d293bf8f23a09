#include "config.h"

#include "exemplar.h"

#include <stdlib.h>
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

/* The first ones: anybody reaches it, or who has a latency at all. */
static const struct exemplar_bar no_bar = { INT64_MIN, INT64_MIN };
static const struct exemplar_bar any_latency = { INT64_MAX, 0 };

struct exemplars *
exemplars_new(void)
{
	void *p = NULL;
	struct exemplars *all;

	if (posix_memalign(&p, _Alignof(struct exemplars), sizeof(*all)) != 0)
		die("out of memory");
	all = p;
	*all = (struct exemplars){
		.slow = any_latency, .failed = no_bar, .recent = no_bar
	};
	return all;
}

/*
 * Put @e in, if it is to be kept: whoever is too old makes room first, then the least.
 * Returns the one that is the least now when the list is full, else NULL.
 */
static const struct exemplar *
offer(struct exemplar_list *l, struct exemplar_bar *b, const struct exemplar *e,
	int64_t from_us, order_fn *order)
{
	uint8_t i = l->least;

	if (l->n < EXEMPLARS_EACH) {
		i = l->n++;
	} else if (b->oldest_us < from_us) {
		for (i = 0; l->kept[i].at_us != b->oldest_us; i++)
			;
	} else if (order(e, &l->kept[i]) <= 0) {
		return &l->kept[i];
	}
	l->kept[i] = *e;
	if (l->n < EXEMPLARS_EACH)
		return NULL;
	l->least = 0;
	b->oldest_us = l->kept[0].at_us;
	for (i = 1; i < EXEMPLARS_EACH; i++) {
		if (order(&l->kept[i], &l->kept[l->least]) < 0)
			l->least = i;
		b->oldest_us = MIN(b->oldest_us, l->kept[i].at_us);
	}
	return &l->kept[l->least];
}

void
exemplars_add(struct exemplars *all, const struct exemplar *e, int64_t from_us)
{
	const struct exemplar *least;

	if (e->x.latency_us >= 0) {
		least = offer(&all->slow_list, &all->slow, e, from_us, by_latency);
		if (least)
			all->slow.least = least->x.latency_us;
	}
	if (e->x.failed) {
		least = offer(&all->failed_list, &all->failed, e, from_us, by_time);
		if (least)
			all->failed.least = least->x.end_us;
	}
	least = offer(&all->recent_list, &all->recent, e, from_us, by_second);
	if (least) {
		all->recent.least = (least->x.end_us / SEC_US + 1) * SEC_US;
		all->recent_ids = exemplar_ids(&least->x.ids);
	}
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
	list(&all->slow_list, from_us, snap);
	list(&all->failed_list, from_us, snap);
	list(&all->recent_list, from_us, snap);
}
