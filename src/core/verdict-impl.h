/*
 * verdict-impl - the engine's insides, shared by src/core/verdict-*.c only.
 *
 * Seconds are whole seconds since the Unix epoch, as uint32_t. A window is the seconds
 * (after, upto].
 */
#ifndef WEIR_CORE_VERDICT_IMPL_H
#define WEIR_CORE_VERDICT_IMPL_H

#include "weir/core/blame.h"
#include "weir/core/verdict.h"

#define W VERDICT_WINDOW_S
#define RING 64u    /* seconds of call counts kept */
#define MAX_LAG 15u /* how late a window may end, for late data */
#define CARRY_S 48u /* how long a window may become to hold MIN_CALLS */
#define MIN_CALLS 8u
#define NONE UINT32_MAX

/* Calls a second. */
struct pace {
	uint32_t upto; /* the newest second that is valid; those between are 0 */
	uint32_t calls[RING];
};

/* Something learnt as mean and standard deviation, robustly, forgetting. */
struct level {
	float mean, var, seen;
};

/* One operation of an edge; the first of an edge takes all that has none of its own. */
struct stream {
	uint32_t op;
	uint32_t newest;
	struct recent recent;
	struct cusum cusum;
	struct baseline base;
};

/* Times measured beside the latency, each learnt like it. */
enum aspect {
	ASPECT_SERVER,
	ASPECT_WAIT,
	ASPECT_SELF,
	ASPECT_BLOCKED,
	ASPECT_COUNT
};

struct score {
	uint32_t sec, after, upto;
	bool warm;
	bool errors_big;
	float calls, failed, timed;
	float z, z_errors, z_wait, z_self; /* the strongest evidence of each */
	float z_slow, z_waiting;           /* and of what matters, too */
	float excess_us, wait_us, self_us; /* mean excess a request */
	float mean_us, p95_us, p99_us;
	float usual_mean_us;
	float errors_usual; /* failures that would be normal */
	float link;         /* share of the excess the callee did not see */
	uint32_t op;        /* that holds more than half of it, as stream index */
	float volume_usual; /* calls expected in the window */
	float z_volume;
};

/*
 * The little of an edge that is looked at every second. The rest is looked at only when
 * its time has come: ten thousand edges are more than a cache holds.
 */
struct pulse {
	uint32_t look;   /* second of the next look; 0: at once */
	uint32_t newest; /* second of the newest request */
	uint32_t quiet;  /* seconds after which its silence is worth a look */
};

/* What taking requests needs of it comes first. */
struct edge {
	uint32_t index;
	uint32_t from, to; /* the caller's numbers of its ends */
	uint32_t src, dst; /* indices into verdict.node */
	uint32_t hash_next;
	uint8_t kind, origin;
	bool async_told, restored;
	uint32_t asked; /* the newest second for which its place was asked for */
	/*
	 * The weight of a sampled request, or the least of them: requests are kept and
	 * judged in units of it, for one request that stands for ten is one witness, not
	 * ten. Calls are counted in full. The next is the least since it was last seen.
	 */
	uint32_t unit, unit_next, unit_age;
	float cusum_limit;
	uint32_t streams;
	struct stream *stream;
	struct stream *aspect[ASPECT_COUNT]; /* NULL until seen */
	struct cusum cusum;
	float lateness[MAX_LAG + 1]; /* calls by seconds of delay, decayed */
	struct baseline base;        /* of all streams together */
	struct pace pace;

	uint8_t lag;
	bool due;        /* in this look it learns */
	bool doubted;    /* at the last look there was reason not to learn */
	uint8_t blaming; /* channels it raises an alarm in, a bit each */
	uint32_t out_next, in_next;
	uint32_t first;     /* second */
	uint32_t hot_until; /* scored every second up to then */
	uint32_t scored;    /* last second it was */
	uint32_t learnt;    /* last second learnt or held */

	/* Held back: a possible disturbance, learnt after it is over if it is short. */
	struct recent_sum *pending;
	uint32_t pending_s, held_s;
	float z_max;      /* since the last span was learnt */
	bool alarmed;     /* since then */
	bool was_alarmed; /* in any span that is held back */

	struct level own_rate, ratio; /* calls a window; the same by the caller's */
	uint32_t volume_held_s;
	float busiest;           /* window in calls; forgets */
	float missed;            /* calls expected since the last one */
	float strayed, expected; /* sums of squares and calls: how calls come in clumps */
	uint32_t quiet, quiet_most; /* now and the longest seen, in seconds */
	uint32_t volume_learnt;     /* last second */
	float async_hit, async_seen;

	struct alarm alarm[ANOMALY_COUNT];
	uint32_t onset; /* when what is on began, as far as one can tell */
	struct score score;
	enum verdict_part part;
	struct tolerance tolerance;
};

struct node {
	uint32_t id, hash_next;
	uint32_t first_out, first_in;   /* edges */
	uint32_t looked_out, looked_in; /* last second they were looked through */
	struct pace inflow;
	uint8_t lag, lag_next; /* the greatest of the live edges into it, as in verdict */
};

static inline bool
edge_alarmed(const struct edge *e, enum anomaly a)
{
	return e->alarm[a].on;
}

/* Does its kind already say whether somebody waits for the answer? */
static inline bool
knows_async(const struct edge *e)
{
	return e->async_told || e->kind == KIND_DB || e->kind == KIND_HTTP ||
	       e->kind == KIND_GRPC;
}

/* What the pass behind the first cause found, for those who ask why. */
struct told_edge {
	float claim, flow;
};

struct told {
	struct told_edge *edge;
	float *stays;                                /* by node */
	uint32_t edges, nodes, edge_room, node_room; /* none: nothing is told */
	enum anomaly channel;
	double total;
};

/*
 * Taking a request is waiting for memory, a dozen times. So it is written down as a
 * number first, and taken later along with all others of its edge: sorted as numbers,
 * those of an edge, of a second in it, of an operation and of a latency stand together.
 * From the highest bits down:
 */
#define EDGE_SHIFT 45   /* its number, from 1 on */
#define SECOND_SHIFT 39 /* RING - 1 less the seconds since the one it counts under */
#define STREAM_SHIFT 33 /* its stream, or from FIRST_ASPECT on its aspect */
#define SUMMED_SHIFT 32 /* several requests: their number says nothing of edge.unit */
#define KEY_SHIFT 22    /* recent_key() */
#define CALLS_MAX ((1u << KEY_SHIFT) - 1)

#define STREAM_BITS (SECOND_SHIFT - STREAM_SHIFT)
#define FIRST_ASPECT ((1u << STREAM_BITS) - ASPECT_COUNT)
#define EDGES_MAX ((1u << (64 - EDGE_SHIFT)) - 1)

#define ENTRIES (1u << 16) /* that wait at most */

/* An edge and a stream of it. What is less than the first stands for none: */
enum place {
	PLACE_UNKNOWN,   /* not asked for yet */
	PLACE_ELSEWHERE, /* another origin tells of the edge */
	PLACE_NOWHERE,   /* there is no room for the edge */
	PLACE_FIRST = 1 << STREAM_BITS
};

struct kept; /* what was read back, waiting for its edges */

struct verdict {
	struct verdict_options o;
	struct edge **edge;
	struct pulse *pulse;
	uint32_t *due;             /* scratch: the edges to look at in this second */
	uint32_t *active, actives; /* of these, and their neighbours, what is not calm */
	uint32_t *seen;            /* by edge: the last second it was active */
	uint32_t *parted, parts;   /* that have a part in what is wrong */
	uint32_t edges;
	uint32_t refused; /* times that there was no room for one */
	struct node *node;
	uint32_t nodes, node_cap;
	uint32_t *edge_slot, *node_slot; /* hash heads */
	uint32_t slots;
	uint32_t streams;
	uint32_t sec, began;    /* 0: nothing ticked yet */
	uint32_t lag, lag_next; /* the greatest of the live edges, and as found so far */

	uint64_t *entry; /* what came, and behind it as much room to sort it */
	uint32_t entries;
	uint32_t now; /* second in which it came */

	struct pace all;
	struct level all_rate;
	bool gap, incomplete;
	bool unrest, unrest_next; /* some edge is, or may be, in trouble */
	uint32_t gap_since, whole_since;
	float calls, failed; /* of all edges, learnt: the prior of failures */

	struct blame *blame;
	struct blame_edge *blame_edge;
	uint32_t blame_cap;
	uint32_t based; /* so many of blame_edge say what claims nothing */
	struct told told;
	struct verdict_cause cause[VERDICT_MAX_CAUSES];
	uint32_t causes;
	uint32_t blaming[8];         /* edges that raise an alarm in a channel */
	uint32_t named;              /* node, or NONE */
	uint32_t rival, rival_since; /* who may take its place */
	double worst;                /* score of the named one at its worst, forgetting */
	uint32_t lost_since;         /* 0: the named one is there */
	bool marked;                 /* some edge has a part */

	struct verdict_event event[VERDICT_MAX_EVENTS];
	uint64_t events;

	struct kept *kept;
	uint64_t unwatched, late;
	struct recent_sum sum, sum_one; /* scratch */
};

/* verdict.c */
void stream_done(struct stream *s);
struct edge *edge_get(struct verdict *v, const struct verdict_obs *o, uint32_t sec);
uint32_t pace_sum(const struct pace *p, uint32_t after, uint32_t upto);
void pace_add(struct pace *p, uint32_t sec, uint32_t calls);
const struct edge *verdict_find(
	const struct verdict *v, uint32_t src, uint32_t dst, enum flow_kind kind);
void verdict_log(struct verdict *v, enum verdict_change kind, const struct edge *e,
	enum anomaly a, const struct verdict_cause *c);
bool edge_is_async(const struct edge *e);
uint32_t edge_newest(const struct verdict *v, const struct edge *e);
bool edge_is_new(const struct verdict *v, const struct edge *e);
uint32_t edge_upto(const struct verdict *v, const struct edge *e);
uint32_t edge_counted(const struct verdict *v, const struct edge *e);
double errors_prior(const struct verdict *v);

/* verdict-take.c: take what has come. */
void edge_weigh(struct edge *e, uint32_t weight, uint32_t requests);
void verdict_settle(struct verdict *v);

/* verdict-score.c: how unusual is an edge now? */
void edge_score(struct verdict *v, struct edge *e);
void edge_alarms(struct verdict *v, struct edge *e);
/* The p95 from which on an edge without a baseline is slow. */
int64_t cold_limit_us(const struct verdict *v, const struct edge *e);
void edge_numbers(const struct verdict *v, const struct edge *e, uint32_t stream,
	struct verdict_numbers *ret);

/* verdict-learn.c: what of it becomes normal? */
void edge_learn(struct verdict *v, struct edge *e);
void edge_tune(struct verdict *v, struct edge *e); /* to its baseline */
void level_learn(struct level *l, double x);

/* verdict-volume.c: calls made, missing and too many. */
void edge_volume(struct verdict *v, struct edge *e);
void edge_learn_volume(struct verdict *v, struct edge *e);

/* verdict-claim.c: who claims how much of the blame. */
enum channel {
	CHANNEL_ERRORS,
	CHANNEL_LATENCY,
	CHANNEL_MISSING,
	CHANNEL_COLD,
	CHANNEL_COUNT
};

bool edge_blames(const struct verdict *v, const struct edge *e, enum channel c);
uint8_t edge_blaming(const struct verdict *v, const struct edge *e); /* a bit each */
double edge_calls_now(const struct verdict *v, const struct edge *e);
void claims_activate(struct verdict *v, uint32_t edge);
void claims_gather(struct verdict *v); /* the neighbours of what is active */
void claims_run(struct verdict *v, enum channel ch);
void claims_witness(struct verdict *v, uint32_t edge); /* it was looked at, and is calm */
void claims_forget(struct verdict *v);

/* verdict-blame.c: from alarms to ranked causes. */
void verdict_diagnose(struct verdict *v);

/* verdict-why.c: the numbers behind the verdict. */
void why_keep(struct verdict *v, enum anomaly channel);
void why_forget(struct verdict *v);
void why_done(struct verdict *v);

/* verdict-save.c */
void verdict_recall(struct verdict *v, struct edge *e);
void verdict_recall_op(struct verdict *v, const struct edge *e, struct stream *s);
void verdict_forget_kept(struct verdict *v);

#endif
