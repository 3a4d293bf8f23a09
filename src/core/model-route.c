/*
 * Routes: what the model has under the names of a flow, from the ends of an edge down to
 * the series of an operation. Most flows of a second go where others went before, so one
 * look into a table that holds the names' numbers replaces half a dozen into others.
 *
 * A route is good for one second of the model's clock. Nothing is forgotten within it,
 * and finding it anew in the next one tells nodes and operations that they were seen.
 */
#include "config.h"

#include <stdlib.h>

#include "model-priv.h"
#include "weir/base/util.h"

#define ROUTES_FIRST 256u
#define ROUTES_MAX (1u << 18)
#define PROBES 4u /* places that a route may be at */

static struct route *
place_of(const struct model *m, const struct route *r)
{
	uint64_t key = ((uint64_t)r->src << 32 | r->dst) ^
		       ((uint64_t)r->op << 16 | (uint64_t)r->origin << 8 | r->kind) *
			       UINT64_C(0xd6e8feb86659fd93);
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);

	return &m->routes.at[(uint32_t)(hash >> 32) & (m->routes.size - 1)];
}

static bool
same_names(const struct route *a, const struct route *b)
{
	return a->src == b->src && a->dst == b->dst && a->op == b->op &&
	       a->kind == b->kind && a->origin == b->origin;
}

/* The route of those names that is good, or else a free place for it, or else NULL. */
static struct route *
look_up(struct model *m, const struct route *want)
{
	struct route *at = place_of(m, want), *free_one = NULL;

	for (unsigned i = 0; i < PROBES; i++, at++) {
		if (at->stamp != m->stamp)
			free_one = free_one ? free_one : at;
		else if (same_names(at, want))
			return at;
	}
	return free_one;
}

/* Find or make all of it. */
static void
fill(struct model *m, const struct flow *f, struct flow_memo *memo, struct route *r)
{
	uint32_t src, dst;

	r->stamp = m->stamp;
	src = table_node(m, f->src, memo->src, &r->folded);
	dst = table_node(m, f->dst, memo->dst, &r->folded);
	r->edge = table_edge(m, src, dst, f->kind, &r->folded);
	r->exemplars = edge_at(m, r->edge)->exemplars;
	r->tally = table_tally(m, r->edge, f->origin);
	r->series = table_op(m, r->tally, f->op, memo->op, &r->folded);
	r->src = node_at(m, src)->name;
	r->dst = node_at(m, dst)->name;
	r->op = table_name(m, f->op, memo->op);
}

static bool
is_crowded(const struct routes *r)
{
	return r->used * 2 >= r->size && r->size < ROUTES_MAX;
}

void
routes_renew(struct model *m)
{
	struct routes *r = &m->routes;

	m->stamp++;
	if (is_crowded(r)) {
		r->size = r->size ? r->size * 2 : ROUTES_FIRST;
		free(r->at);
		r->at = xcalloc(r->size + PROBES - 1, sizeof(*r->at));
	}
	r->used = 0;
}

/* Have on its way what will be needed of it: with many edges nothing is in the caches. */
static struct route *
fetched(const struct model *m, struct route *r)
{
	__builtin_prefetch(edge_at(m, r->edge), 1);
	__builtin_prefetch(tally_at(m, r->tally));
	if (r->exemplars)
		__builtin_prefetch(r->exemplars);
	return r;
}

struct route *
route_find(struct model *m, const struct flow *f)
{
	struct flow_memo none = { 0 }, *memo = f->memo ? f->memo : &none;
	struct route *at,
		want = { .kind = (uint8_t)f->kind, .origin = (uint8_t)f->origin };

	if (memo->stamp == m->stamp)
		return fetched(m, memo->found);
	want.src = table_name(m, f->src, memo->src);
	want.dst = table_name(m, f->dst, memo->dst);
	want.op = table_name(m, f->op, memo->op);
	at = look_up(m, &want);
	if (!at || at->stamp != m->stamp) {
		if (is_crowded(&m->routes))
			routes_renew(m);
		fill(m, f, memo, &want);
		at = look_up(m, &want);
		/* What had to be folded is counted flow by flow, and does not stay. */
		if (!at || want.folded) {
			m->routes.other = want;
			return &m->routes.other;
		}
		m->routes.used += at->stamp != m->stamp;
		*at = want;
	}
	memo->stamp = m->stamp;
	memo->found = at;
	return fetched(m, at);
}

size_t
routes_bytes(const struct model *m)
{
	return m->routes.size * sizeof(*m->routes.at);
}
