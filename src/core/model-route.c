/*
 * Routes: what the model has under the names of a flow, from the ends of an edge down to
 * the series of an operation. Most flows of a second go where others went before, so one
 * look into a table of the names' bytes replaces half a dozen into others.
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
#define PROBES 4u   /* places that a route may be at */
#define KEY_MAX 512 /* bytes of names; what has more is found anew each time */
#define AHEAD 8u    /* routes looked for at once */

/* Two words folded into one, as wyhash does it (public domain, W. Yi). */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)(a ^ UINT64_C(0xa0761d6478bd642f)) *
			(b ^ UINT64_C(0xe7037ed1a0b428db));

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t
word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* By its first and last eight bytes, and all between them of a long one. */
static inline uint64_t
text_hash(struct str t)
{
	uint64_t hash = t.n;

	if (t.n < 8)
		return hash_bytes(t.p, t.n);
	for (size_t i = 8; i + 8 < t.n; i += 8)
		hash = mix(hash, word_at(t.p + i));
	return mix(word_at(t.p) ^ hash, word_at(t.p + t.n - 8));
}

static inline uint64_t
route_hash(const struct flow_memo *f)
{
	uint64_t kinds = (uint64_t)f->origin << 8 | f->kind;

	return mix(
		text_hash(f->src) + 3 * text_hash(f->dst), 5 * text_hash(f->op) + kinds);
}

/* Does the route go by the names of @f? */
static inline bool
goes_by(const struct model *m, const struct route *r, const struct flow_memo *f)
{
	const char *key = m->routes.keys.p + r->key;

	return r->kind == f->kind && r->origin == f->origin &&
	       str_same((struct str){ key, r->src_n }, f->src) &&
	       str_same((struct str){ key + r->src_n, r->dst_n }, f->dst) &&
	       str_same((struct str){ key + r->src_n + r->dst_n, r->op_n }, f->op);
}

static inline uint32_t
first_place(const struct model *m, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & (m->routes.size - 1);
}

static inline uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)hash | 1;
}

/* Those of the places from @tag on that have @what, as a bit set: no guess which it is. */
static inline unsigned
places_with(const uint32_t *tag, uint32_t what)
{
	unsigned set = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < PROBES; i++)
		set |= (unsigned)(tag[i] == what) << i;
	return set;
}

/* The route of those names, or NULL. */
static inline struct route *
look_up(const struct model *m, const struct flow_memo *f, uint64_t hash)
{
	uint32_t at = first_place(m, hash);
	unsigned set = places_with(&m->routes.tag[at], tag_of(hash));

	for (; set; set &= set - 1) {
		struct route *r = &m->routes.at[at + (unsigned)__builtin_ctz(set)];

		if (goes_by(m, r, f))
			return r;
	}
	return NULL;
}

/* Find or make all of it. */
static void
fill(struct model *m, const struct flow *f, struct route *r)
{
	uint32_t src = table_node(m, f->src, &r->folded);
	uint32_t dst = table_node(m, f->dst, &r->folded);

	r->edge = table_edge(m, src, dst, f->kind, &r->folded);
	r->exemplars = edge_at(m, r->edge)->exemplars;
	r->tally = table_tally(m, r->edge, f->origin);
	r->series = table_op(m, r->tally, f->op, &r->folded);
	r->src = node_at(m, src)->name;
	r->dst = node_at(m, dst)->name;
	r->op = names_find(m->names, f->op);
}

static bool
is_crowded(const struct routes *r)
{
	return r->used * 3 >= r->size && r->size < ROUTES_MAX;
}

void
routes_renew(struct model *m)
{
	struct routes *r = &m->routes;

	m->stamp++;
	if (is_crowded(r)) {
		r->size = r->size ? r->size * 2 : ROUTES_FIRST;
		free(r->at);
		free(r->tag);
		r->at = xcalloc(r->size + PROBES - 1, sizeof(*r->at));
		r->tag = xreallocarray(NULL, r->size + PROBES - 1, sizeof(*r->tag));
	}
	memset(r->tag, 0, (r->size + PROBES - 1) * sizeof(*r->tag));
	r->used = 0;
	buf_clear(&r->keys);
}

/* Have the route that goes by the names of @f found again; NULL where that is not possible. */
static struct route *
keep(struct model *m, const struct flow_memo *f, struct route *r)
{
	struct routes *all = &m->routes;
	uint64_t hash = route_hash(f);
	uint32_t at = first_place(m, hash);
	unsigned set = places_with(&all->tag[at], 0);

	if (!set || f->src.n + f->dst.n + f->op.n > KEY_MAX)
		return NULL;
	at += (unsigned)__builtin_ctz(set);
	all->tag[at] = tag_of(hash);
	r->key = (uint32_t)all->keys.n;
	r->src_n = (uint16_t)f->src.n;
	r->dst_n = (uint16_t)f->dst.n;
	r->op_n = (uint16_t)f->op.n;
	r->kind = (uint8_t)f->kind;
	r->origin = (uint8_t)f->origin;
	all->at[at] = *r;
	buf_add_str(&all->keys, f->src);
	buf_add_str(&all->keys, f->dst);
	buf_add_str(&all->keys, f->op);
	all->used++;
	return &all->at[at];
}

/* Find or make the route of @memo the long way. */
static struct route *
make(struct model *m, const struct flow *f, struct flow_memo *memo)
{
	struct route made = { 0 };

	if (is_crowded(&m->routes))
		routes_renew(m);
	fill(m, f, &made);
	/* What had to be folded is counted flow by flow, and does not stay. */
	memo->stamp = m->stamp;
	memo->found = made.folded ? NULL : keep(m, memo, &made);
	if (memo->found)
		return memo->found;
	m->routes.other = made;
	return &m->routes.other;
}

/* Look for the route of @memo, and for some of those that are likely to be asked for next. */
static void
look_ahead(const struct model *m, struct flow_memo *memo)
{
	uint32_t n = MIN(memo->following + 1, AHEAD);
	uint64_t hash[AHEAD];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at;

		hash[i] = route_hash(&memo[i]);
		at = first_place(m, hash[i]);
		__builtin_prefetch(&m->routes.tag[at]);
		__builtin_prefetch(&m->routes.at[at]);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct route *r = look_up(m, &memo[i], hash[i]);

		memo[i].stamp = m->stamp;
		memo[i].found = r ? route_fetched(m, r) : NULL;
	}
}

struct route *
route_look(struct model *m, const struct flow *f)
{
	struct flow_memo none = { 0 }, *memo = f->memo ? f->memo : &none;

	if (memo->stamp != m->stamp) {
		memo->src = f->src;
		memo->dst = f->dst;
		memo->op = f->op;
		memo->kind = f->kind;
		memo->origin = f->origin;
		look_ahead(m, memo);
	}
	return memo->found ? memo->found : make(m, f, memo);
}

size_t
routes_bytes(const struct model *m)
{
	const struct routes *r = &m->routes;

	return r->size * (sizeof(*r->at) + sizeof(*r->tag)) + r->keys.cap;
}
