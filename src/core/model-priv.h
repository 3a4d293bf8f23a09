/*
 * model-priv - the tables behind model.h.
 *
 * Time in here is the model's own: it never goes back. m->shift is what has to be
 * taken off it to get the time that the events and the caller speak of.
 */
#ifndef WEIR_CORE_MODEL_PRIV_H
#define WEIR_CORE_MODEL_PRIV_H

#include "exemplar.h"
#include "idmap.h"
#include "notes.h"
#include "pool.h"
#include "weir/base/buf.h"
#include "weir/base/names.h"
#include "weir/core/model.h"
#include "weir/core/own.h"
#include "weir/core/window.h"

#define NONE UINT32_MAX

struct node {
	bool live;
	bool service; /* was seen to act as one */
	uint8_t said; /* bit set of enum node_kind */
	uint32_t name;
	uint32_t edges; /* that begin or end here */
	uint32_t self;  /* series of its own work, or NONE */
	uint32_t shown; /* index in the snap being filled, or NONE */
	int64_t seen_us;
};

/* One operation of a tally. */
struct op {
	uint32_t name;
	uint32_t series;
	uint32_t next; /* of the same tally, or NONE */
	int64_t seen_us;
};

/* An edge as one origin sees it. */
struct tally {
	uint32_t series, server, queue; /* the latter two NONE until needed */
	uint32_t op, ops; /* first of the list, and how many without "(other)" */
	int64_t seen_us;
};

struct edge {
	bool live;
	enum flow_kind kind;
	uint32_t src, dst; /* nodes */
	uint32_t key;
	uint32_t tally[ORIGIN_COUNT];      /* or NONE */
	struct exemplars *exemplars;       /* NULL until the first */
	const struct tolerance_rule *rule; /* of its ends' names, or NULL */
	int64_t first_us, last_us;         /* as the events told */
	int64_t seen_us;
};

/* What was found under the names of a flow, see model-route.c. */
struct route {
	uint32_t key; /* where the bytes of its names begin in `keys` */
	uint16_t src_n, dst_n, op_n;
	uint8_t kind, origin;
	bool folded;  /* something of it is "(other)" for want of room */
	uint8_t said; /* what its flows have said of their ends, 0: nothing yet */
	uint32_t src, dst, op; /* names */
	uint32_t edge, tally, series;
	uint32_t watched;            /* what the verdict engine knows it by */
	struct exemplars *exemplars; /* of the edge, or NULL */
};

struct routes {
	struct route *at;
	uint32_t *tag; /* a part of each one's hash; 0 is free */
	uint32_t size, used;
	struct buf keys;
	struct route other; /* the newest that has no place */
};

#define ARRIVAL_TICKS 8

struct model {
	struct model_limits limits;
	struct names *names;
	struct notes *notes;
	struct window *window;
	uint32_t *node_of; /* by name; NONE when it is no node */
	uint32_t node_of_room;
	struct pool nodes, edges, tallies, ops;
	struct idmap edge_of, op_of;
	struct routes routes;
	uint32_t next_key;
	bool started;
	int64_t now_us, shift_us;
	int64_t tick;                       /* of now */
	int64_t taken_from_us, taken_to_us; /* ends that are booked as they are told */
	int64_t window_from_us;             /* that of the window */
	int64_t first_now_us;               /* when the first event or advance came */
	int64_t since_us;                   /* the oldest time known of */
	int64_t newest_us;                  /* as the events told, or SNAP_UNKNOWN */
	int64_t added_us; /* when the newest event was added, by the caller's time */
	uint64_t stamp;   /* of routes and memos that are still good */
	uint64_t received, late, future, bad, overflow;
	int64_t arrival_tick[ARRIVAL_TICKS];
	uint64_t arrivals[ARRIVAL_TICKS];
	struct own *own;         /* with it: who took how long by himself */
	struct verdict *verdict; /* NULL: not watched */
	struct verdict_options verdict_options;
	struct verdict_status watch; /* as of the last second */
	int utc_offset_s;
	struct snap_event *event;   /* ring of SNAP_EVENTS, by number */
	uint64_t told;              /* number of the newest event in it */
	struct verdict_event named; /* that named the cause, or cleared it */
	uint32_t sweep_edge, sweep_node;
};

static inline struct node *
node_at(const struct model *m, uint32_t i)
{
	return pool_at(&m->nodes, i);
}

static inline struct edge *
edge_at(const struct model *m, uint32_t i)
{
	return pool_at(&m->edges, i);
}

static inline struct tally *
tally_at(const struct model *m, uint32_t i)
{
	return pool_at(&m->tallies, i);
}

static inline struct op *
op_at(const struct model *m, uint32_t i)
{
	return pool_at(&m->ops, i);
}

/* The tally of an edge that is shown: see the rule in model.h. */
const struct tally *model_richest(const struct model *m, const struct edge *e);

/* Answer what was asked in @s. */
void model_shape(const struct model *m, struct shape *s);

/* Have on its way what will be needed of it: with many edges nothing is in the caches. */
static inline struct route *
route_fetched(const struct model *m, struct route *r)
{
	__builtin_prefetch(edge_at(m, r->edge), 1);
	__builtin_prefetch(tally_at(m, r->tally));
	if (r->exemplars)
		__builtin_prefetch(r->exemplars);
	return r;
}

/* As route_find(), where the memo tells nothing. */
struct route *route_look(struct model *m, const struct flow *f);

/*
 * Where flows of those names go, with all of it made that is not there. The route is
 * valid until the next one is asked for.
 */
static inline struct route *
route_find(struct model *m, const struct flow *f)
{
	if (f->memo && f->memo->stamp == m->stamp && f->memo->found)
		return route_fetched(m, f->memo->found);
	return route_look(m, f);
}

/* A second is over: all routes are to be found anew. */
void routes_renew(struct model *m);
size_t routes_bytes(const struct model *m);

/* The node of that name, made if need be; "(other)" and *folded when there is no room. */
uint32_t table_node(struct model *m, struct str name, bool *folded);

/* The edge between two nodes; that between "(other)" and itself when there is no room. */
uint32_t table_edge(
	struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind, bool *folded);

/* The same, or NONE when there is none. */
uint32_t table_find_edge(
	const struct model *m, uint32_t src, uint32_t dst, enum flow_kind kind);

uint32_t table_tally(struct model *m, uint32_t edge, enum flow_origin origin);

/* The series to book an operation's calls to; the tally's own for a nameless one. */
uint32_t table_op(struct model *m, uint32_t tally, struct str name, bool *folded);

/* The verdict engine of a model, which must be there, and a route that is not folded. */
void watch_flow(struct model *m, const struct flow *f, bool failed, struct route *found,
	int64_t at_us);
void watch_delta(
	struct model *m, const struct delta *d, struct route *found, int64_t at_us);

/* The engine made, fed, asked. All do nothing without one. */
void watch_init(struct model *m);
void watch_done(struct model *m);
void watch_work(struct model *m, const struct work *w);
void watch_tick(struct model *m);
void watch_show_edge(const struct model *m, const struct edge *e, struct snap_edge *se);
void watch_show(struct model *m, struct snap *s); /* of a sorted snap */

/* Forget some of what has been silent for too long. */
void table_sweep(struct model *m);

void table_done(struct model *m);

/* False: impossible values. */
bool delta_is_sane(const struct delta *d);

/* Book a delta at @at_us under what was looked up for it. */
void delta_book(
	struct model *m, const struct delta *d, const struct route *found, int64_t at_us);

/*
 * Calls whose kind nobody told belong to the edge of known kind between the same two
 * ends, when there is one alone and no origin tells of both. False when @e is such an edge
 * of unknown kind and shown by the other one; else *ret_whole is @e, with what belongs
 * to it.
 */
bool kind_whole_edge(const struct model *m, const struct edge *e, struct edge *ret_whole);

#endif
