/*
 * trial-impl - the world of a trial, shared by tests/unit/trial-*.c only.
 *
 * Seconds are counted from the begin of the trial.
 */
#ifndef WEIR_TESTS_TRIAL_IMPL_H
#define WEIR_TESTS_TRIAL_IMPL_H

#include <stddef.h>

#include "trial.h"
#include "weir/core/verdict.h"

#define TRIAL_OPS 4
#define TRIAL_NONE UINT32_MAX

enum trial_role {
	ROLE_USER, /* makes the traffic; does nothing itself */
	ROLE_SERVICE,
	ROLE_CONSUMER, /* takes messages, a few at a time */
	ROLE_STORE,    /* data bases, caches, the world outside: no spans of their own */
};

struct trial_node {
	enum trial_role role;
	/* Its own work: log-normal, and a share of requests that takes longer. */
	double own_s, sigma, slow_share, slow_times, heavy_share;
	double load_gain;         /* how much slower at twice the load */
	uint32_t first_out, outs; /* in trial_world.edge: its edges are neighbours */
	double rate, mean_s; /* of a quiet day: requests a second, with its callees */
	bool on_cycle;
	/* Noise. */
	double wander, pause_until, pause_s, busy_until, busy_times, deploy_s,
		deploy_times;
	double pauses_a_minute;
	/* Its agent. */
	double delay_s, batch_s, skew_s;
	bool reports; /* its own spans */
	uint32_t consumers;
	double *free_at;
};

struct trial_edge {
	uint32_t src, dst;
	enum flow_kind kind;
	unsigned group; /* groups follow each other; within one all run at once */
	double chance;
	unsigned calls;
	double timeout_s; /* 0: none */
	unsigned retries;
	bool tolerated; /* its failure is not the caller's */
	double net_s, fail;
	unsigned ops;
	double op_share[TRIAL_OPS], op_times[TRIAL_OPS];
	double born_s; /* when it is first used */
};

struct trial_harm {
	enum trial_fault
		kind; /* SLOW OPERATION POOL INSTANCE LINK ERRORS SILENT MORE KILL */
	double begin, end, ramp_s;
	uint32_t node, edge; /* TRIAL_NONE */
	unsigned op;
	double times, share, add_s, fail, fail_s;
	bool at_client; /* POOL: the wait is within the client's spans */
	unsigned more;
};

/* What counts as right, and where to look for the effect. */
struct trial_truth {
	uint32_t node[2], edge; /* a named hop on the edge is right, too */
	uint32_t hop;           /* whose requests show it; NONE: all into node[0] */
	unsigned op;            /* TRIAL_OPS: no single one */
	bool node_right;        /* else only the hop is */
};

struct trial_event {
	double end_s, arrive_s;
	float latency_s, server_s, queue_s; /* negative: not known */
	uint32_t edge, calls;
	uint8_t op;
	bool failed, harmed;
};

struct trial_task {
	double at;
	uint32_t entry, edge; /* an arrival at a user, or a message over an edge */
	double sent;
};

struct trial_world {
	uint64_t rng;
	double spare;
	bool has_spare;
	enum trial_fault fault;
	uint32_t conditions;
	struct trial_node *node;
	uint32_t nodes;
	struct trial_edge *edge;
	uint32_t edges;
	double *entry_rate;       /* by node */
	double begin, end, total; /* of the fault, and of it all */
	double burst, next_burst, next_noise, wave_s, step_at, step_times;
	uint32_t weight; /* one request stands for so many */
	struct trial_harm harm[2];
	unsigned harms;
	struct trial_truth truth;
	bool cold;
	/* While it runs. */
	struct trial_event *event;
	size_t events, cap;
	struct trial_task *task;
	size_t tasks, task_cap;
};

static inline bool
trial_is(const struct trial_world *w, enum trial_condition c)
{
	return w->conditions >> c & 1u;
}

double trial_uniform(struct trial_world *w);
double trial_between(struct trial_world *w, double lo, double hi);
double trial_log_between(struct trial_world *w, double lo, double hi);
bool trial_chance(struct trial_world *w, double p);
uint32_t trial_pick(struct trial_world *w, uint32_t n);
double trial_normal(struct trial_world *w);

/* trial-world.c */
void trial_world_make(struct trial_world *w, uint64_t seed, enum trial_fault fault);
void trial_world_done(struct trial_world *w);

/* trial-fault.c: put the fault in; another kind where the world has no place for it. */
void trial_put_fault(struct trial_world *w);

/* trial-run.c: fill w->event, in the order of arrival. */
void trial_simulate(struct trial_world *w);
double trial_harm_now(const struct trial_harm *h, double t);

#endif
