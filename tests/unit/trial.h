/*
 * trial - a random system, a fault put into it, and what the verdict engine says of it.
 *
 * A trial is made from its seed alone: the graph, who calls whom how often, how long
 * everything takes, what trembles and pauses without being wrong, how requests are
 * reported, and the fault. The truth is known because the fault was put there. What is
 * said is compared with it every second, and the numbers of the sentence with the
 * requests themselves.
 *
 * The same seed gives the same trial everywhere. Nothing in it knows the engine's limits.
 */
#ifndef WEIR_TESTS_TRIAL_H
#define WEIR_TESTS_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/anomaly.h"

#define TRIAL_FAULTS(X)                       \
	X(QUIET, "none")                      \
	X(SLOW, "slow service")               \
	X(OPERATION, "one operation blocked") \
	X(POOL, "caller's pool exhausted")    \
	X(INSTANCE, "one slow instance")      \
	X(LINK, "slow link")                  \
	X(ERRORS, "failures")                 \
	X(RETRIES, "failures, retried")       \
	X(KILL, "killed")                     \
	X(SILENT, "stops calling")            \
	X(CONSUMER, "slow consumer")          \
	X(BEHIND, "slow behind a queue")      \
	X(MORE, "n+1 calls")                  \
	X(NEW, "new slow callee")             \
	X(TWO, "two faults")                  \
	X(COLD, "slow from the start")

enum trial_fault {
#define X(id, word) TRIAL_##id,
	TRIAL_FAULTS(X)
#undef X
	TRIAL_FAULT_COUNT
};

/* How it is reported, and what else goes on. */
#define TRIAL_CONDITIONS(X)                   \
	X(CLIENTS, "client spans only")       \
	X(SERVERS, "server spans only")       \
	X(BOTH, "both ends seen")             \
	X(LATE, "data 10 s late")             \
	X(SAMPLED, "sampled")                 \
	X(SKEWED, "clocks apart")             \
	X(ADDED_UP, "added up at the source") \
	X(CREEPING, "begins slowly")          \
	X(SURGE, "load doubles")              \
	X(BURSTY, "bursts of load")           \
	X(WAVE, "waves of load")              \
	X(SHORT, "short")                     \
	X(LONG, "twenty minutes")             \
	X(CYCLE, "in a cycle")                \
	X(LARGE, "over 60 services")

enum trial_condition {
#define X(id, word) TRIAL_IS_##id,
	TRIAL_CONDITIONS(X)
#undef X
	TRIAL_CONDITION_COUNT
};

const char *trial_fault_word(enum trial_fault f);
const char *trial_condition_word(enum trial_condition c);

/* Facts of the sentence that can be wrong. */
#define TRIAL_FACTS(X)                        \
	X(N, "n")                             \
	X(SEEN, "quantiles seen")             \
	X(USUAL, "quantiles of the baseline") \
	X(ERROR_RATIO, "failure ratio")       \
	X(OP, "operation")                    \
	X(SINCE, "since")                     \
	X(EXPLAINS, "explains")

enum trial_fact {
#define X(id, word) TRIAL_FACT_##id,
	TRIAL_FACTS(X)
#undef X
	TRIAL_FACT_COUNT
};

const char *trial_fact_word(enum trial_fact f);

struct trial_result {
	enum trial_fault fault;
	uint32_t conditions; /* bit set */
	uint32_t services, edges, events;
	/* Twice as slow or a fifth failing, at 5 calls a second or more, for 15 s. */
	bool visible;
	int visible_s; /* after the fault began; -1: not visible */
	int named_s;   /* first right, after it was visible (or began); -1: never */
	int cleared_s; /* after its last effect; -1: named on to the end */
	uint32_t said, right, top; /* seconds of the fault: said, rank 1, among three */
	uint32_t changes;          /* of the cause named within the fault */
	uint32_t quiet_s;          /* judged before any fault */
	uint32_t false_verdicts;   /* begun in these */
	uint32_t checked, wrong;   /* facts, bit sets */
	char truth[120], first[480], wrongly[480], unfounded[480]; /* sentences */
};

/* Was the right cause named, and no other for more than a fifth of the time? */
bool trial_passed(const struct trial_result *r);

/* @fault TRIAL_FAULT_COUNT: one by the seed. @verbose: all that is said to stderr. */
void trial_run(
	uint64_t seed, enum trial_fault fault, bool verbose, struct trial_result *ret);

#endif
