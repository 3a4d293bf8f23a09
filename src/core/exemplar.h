/*
 * exemplar - a few requests of an edge worth looking at.
 *
 * The slowest, the newest failed, and some of the newest second that ids, which are
 * random, choose: of those that carry a trace id. What is kept depends on the requests
 * alone, not on the order of their arrival. Most are turned away by one comparison.
 */
#ifndef WEIR_CORE_EXEMPLAR_H
#define WEIR_CORE_EXEMPLAR_H

#include "weir/core/snap.h"

#define EXEMPLARS_EACH 4

struct exemplar {
	struct snap_exemplar x;
	int64_t at_us; /* in the model's time */
};

struct exemplar_list {
	int64_t oldest_us; /* at_us of the oldest */
	uint8_t n, least;  /* index of the one to go first */
	struct exemplar kept[EXEMPLARS_EACH];
};

struct exemplars {
	struct exemplar_list slow, failed, recent;
};

/* Offer one; those before @from_us make room first. */
void exemplars_add(struct exemplars *all, const struct exemplar *e, int64_t from_us);

/* Append those since @from_us to the newest edge of @snap, each once. */
void exemplars_list(const struct exemplars *all, int64_t from_us, struct snap *snap);

#endif
