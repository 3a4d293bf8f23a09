/*
 * sim - a small web shop that does not exist, for `weir demo` and for tests.
 *
 * Users call a gateway, that calls catalog, cart and checkout, and so on down to
 * databases, a cache, a bank and a queue with two consumers. A request's calls nest as
 * real ones do: a caller is busy for at least as long as the calls it makes one after
 * the other, and they carry its trace. Who is not instrumented (users, databases, the
 * bank) measures nothing, so that side is unknown.
 *
 * The same seed, scenario and times give the same events, however the time is cut into
 * runs. A scenario is healthy at first; its trouble begins SIM_HEALTHY_US after its
 * zero, lasts SIM_TROUBLE_US, and comes back after as long a pause.
 */
#ifndef WEIR_CORE_SIM_H
#define WEIR_CORE_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/flow.h"

#define SIM_HEALTHY_US INT64_C(12000000)
#define SIM_TROUBLE_US INT64_C(60000000)

struct sim;

/*
 * Names for sim_new(), the default first, NULL at the end: db-lock (an UPDATE of the
 * payment database waits for a lock), healthy, errors (inventory fails 40 %),
 * slow-service (catalog), backlog (shipping is slower than orders come), kill
 * (inventory is gone).
 */
extern const char *const sim_scenarios[];

/* The services that report what they see, NULL at the end. */
extern const char *const sim_agents[];

/* The group of one of them. */
const char *sim_group(const char *service);

/*
 * A shop whose users come from @from_us on; the scenario begins at @zero_us, so that
 * a minute of healthy past can be run first. NULL when there is no such scenario.
 */
struct sim *sim_new(
	const char *scenario, uint64_t seed, int64_t from_us, int64_t zero_us);
void sim_free(struct sim *s);

/*
 * Hand everything that ended up to @until_us and was not handed out before to @take,
 * in order of its end, with the service (of sim_agents) that reports it. The event is
 * valid during the call only, its texts for ever.
 */
void sim_run(struct sim *s, int64_t until_us,
	void (*take)(void *arg, const char *agent, const struct event *e), void *arg);

/* Is the scenario's trouble on at that time? */
bool sim_in_trouble(const struct sim *s, int64_t at_us);

#endif
