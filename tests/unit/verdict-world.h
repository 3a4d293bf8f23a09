/*
 * verdict-world - a small world for tests of the verdict engine: names, an engine and a
 * clock; requests are drawn by a fixed generator.
 */
#ifndef WEIR_TESTS_VERDICT_WORLD_H
#define WEIR_TESTS_VERDICT_WORLD_H

#include "weir/base/names.h"
#include "weir/core/sentence.h"

#define T0 INT64_C(1700000000)

struct world {
	struct names *names;
	struct verdict_options o;
	struct verdict *v;
	int64_t sec;
	uint64_t rng;
	int64_t delay_us;
};

void world_init(struct world *w);
void world_done(struct world *w);
uint32_t id(struct world *w, const char *name);
double draw(struct world *w);
/* One request that ends somewhere in this second, its latency spread by half. */
struct verdict_obs request(
	struct world *w, const char *src, const char *dst, const char *op, double us);
void give(struct world *w, struct verdict_obs o);
void calls(struct world *w, const char *src, const char *dst, const char *op, double us,
	unsigned n);
void tick(struct world *w);
const struct verdict_cause *named(struct world *w);
const char *said(struct world *w, bool ascii);
void expect_cause(struct world *w, const char *node, enum anomaly kind);
void expect_calm(struct world *w);
bool had_event(struct world *w, enum verdict_change kind, enum anomaly a);
/* user -> shop -> pay -> db, with three statements; the update takes @update_us. */
void shop_second(struct world *w, double update_us);
void shop(struct world *w, unsigned seconds, double update_us);

#endif
