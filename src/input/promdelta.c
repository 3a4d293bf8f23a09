/*
 * Series are known by a 64-bit hash of query and labels (half a million of them collide
 * with a chance of one in a hundred million) in an open-addressing table. During a round
 * only `next` of a series is written; promdelta_end() makes it `last`. What the series
 * say is added up in groups, one for each edge, operation and scrape, in memory that is
 * given back after the round.
 */
#include "config.h"

#include "promdelta.h"

#include <math.h>
#include <stdlib.h>

#include "members.h"
#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/base/util.h"

#define MAX_SERIES 500000u
#define MAX_BOUNDS 128     /* buckets of one histogram */
#define MAX_GROUPS 200000u /* of one round */
#define SPAN_MAX_US (3600 * SEC_US)
#define CALLS_MAX ((double)(1 << 28))

struct value {
	double value;
	int64_t at_us;
};

struct series {
	uint64_t key; /* 0: empty */
	uint64_t target;
	struct value last, next; /* at_us 0: none */
};

/* A process that is scraped; kept in the same kind of table. */
struct target {
	uint64_t key;
	int64_t last_us, next_us; /* its newest scrape, as of this round and the next */
	int64_t first_us;         /* the oldest that this round tells of */
};

/* The first sample of a series that was not known. */
struct newborn {
	struct newborn *chain;
	unsigned q;
	struct prom_edge edge;
	struct str op;
	double le, value;
	int64_t at_us, every_us; /* every_us: to the next sample, 0 none */
	uint64_t target;
};

struct bound {
	double le;    /* in the source's unit */
	double calls; /* of this scrape, and of all lower bounds */
};

struct group {
	struct group *chain;
	uint64_t key;
	struct prom_edge edge;
	struct str op;
	int64_t at_us, span_us;
	double calls, errors, bytes_in, bytes_out; /* bytes -1: not told */
	double unit_us;
	struct bound *bound;
	unsigned bounds;
};

struct table {
	void *row;
	size_t row_size;
	uint32_t room, used; /* room is a power of two, at least twice what is used */
};

struct promdelta {
	const struct prom_query *const *query;
	unsigned queries;
	const struct rename *alias;
	uint32_t max_series;
	struct table series, targets;
	struct arena arena; /* of a round */
	struct group **group;
	uint32_t group_room, groups;
	struct newborn *newborn;
	bool in_round;
	bool was_complete; /* the round before was */
	struct buf op;
	struct members *members;
	struct promdelta_counts counts, before; /* as they were when the round began */
};

/* ------------------------------------------------------------ tables */

static void *
row_at(const struct table *t, uint32_t i)
{
	return (char *)t->row + (size_t)i * t->row_size;
}

/* Keys are the first member of a row. */
static uint64_t *
find(const struct table *t, uint64_t key)
{
	uint32_t i = (uint32_t)key & (t->room - 1);

	while (*(uint64_t *)row_at(t, i) != 0 && *(uint64_t *)row_at(t, i) != key)
		i = (i + 1) & (t->room - 1);
	return row_at(t, i);
}

/* A table of @room rows with those that @keep wants. */
static void
rebuild(struct table *t, uint32_t room, bool (*keep)(const void *row, int64_t since_us),
	int64_t since_us)
{
	struct table old = *t;

	t->room = room;
	t->used = 0;
	t->row = xcalloc(room, t->row_size);
	for (uint32_t i = 0; i < old.room; i++) {
		void *row = row_at(&old, i);

		if (*(uint64_t *)row == 0 || (keep && !keep(row, since_us)))
			continue;
		memcpy(find(t, *(uint64_t *)row), row, t->row_size);
		t->used++;
	}
	free(old.row);
}

/* The row of that key, made if need be (zeroed but for the key). */
static void *
demand(struct table *t, uint64_t key)
{
	uint64_t *row;

	if (t->used * 2 >= t->room)
		rebuild(t, MAX(t->room * 2, 64), NULL, 0);
	row = find(t, key);
	if (*row == 0) {
		*row = key;
		t->used++;
	}
	return row;
}

static bool
series_is_fresh(const void *row, int64_t since_us)
{
	return ((const struct series *)row)->last.at_us >= since_us;
}

static bool
target_is_fresh(const void *row, int64_t since_us)
{
	return ((const struct target *)row)->last_us >= since_us;
}

static void
drop_stale(struct table *t, bool (*keep)(const void *row, int64_t since_us),
	int64_t since_us)
{
	for (uint32_t i = 0; i < t->room; i++) {
		const void *row = row_at(t, i);

		if (*(const uint64_t *)row != 0 && !keep(row, since_us)) {
			rebuild(t, t->room, keep, since_us);
			return;
		}
	}
}

/* ------------------------------------------------------------ life */

struct promdelta *
promdelta_new(const struct prom_query *const *query, unsigned queries,
	const struct rename *alias, uint32_t max_series)
{
	struct promdelta *p = xcalloc(1, sizeof(*p));

	p->query = query;
	p->queries = queries;
	p->alias = alias;
	p->max_series = max_series ? max_series : MAX_SERIES;
	p->series.row_size = sizeof(struct series);
	p->targets.row_size = sizeof(struct target);
	rebuild(&p->series, 1024, NULL, 0);
	rebuild(&p->targets, 64, NULL, 0);
	p->group_room = 1024;
	p->group = xcalloc(p->group_room, sizeof(*p->group));
	p->members = members_new();
	return p;
}

void
promdelta_free(struct promdelta *p)
{
	if (!p)
		return;
	free(p->series.row);
	free(p->targets.row);
	free(p->group);
	arena_done(&p->arena);
	buf_done(&p->op);
	members_free(p->members);
	free(p);
}

static void
clear_groups(struct promdelta *p)
{
	memset(p->group, 0, p->group_room * sizeof(*p->group));
	p->groups = 0;
	p->newborn = NULL;
	arena_clear(&p->arena);
}

void
promdelta_begin(struct promdelta *p)
{
	for (uint32_t i = 0; i < p->series.room; i++)
		((struct series *)row_at(&p->series, i))->next.at_us = 0;
	for (uint32_t i = 0; i < p->targets.room; i++) {
		struct target *t = row_at(&p->targets, i);

		t->next_us = t->first_us = 0;
	}
	clear_groups(p);
	if (p->in_round) /* that one came to nothing */
		p->counts = p->before;
	p->before = p->counts;
	p->in_round = true;
}

/* ------------------------------------------------------------ keys */

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h ? h : 1;
}

/* The sum of its labels' hashes: a server may order them as it likes. */
static uint64_t
key_of_series(unsigned q, const struct prom_series *s)
{
	uint64_t sum = q + 1;

	for (unsigned i = 0; i < s->labels; i++)
		sum += mix(hash_bytes(s->label[i].name.p, s->label[i].name.n) * 31 +
			   hash_bytes(s->label[i].value.p, s->label[i].value.n));
	return mix(sum);
}

/* Who exposes the series, as far as labels tell. */
static uint64_t
key_of_target(const struct prom_series *s)
{
	static const char *const names[] = { "job", "instance", "pod", "cluster" };
	uint64_t sum = 1;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		struct str v = prom_label(s, str_of(names[i]));

		sum = mix(sum + hash_bytes(v.p ? v.p : "", v.n));
	}
	return sum;
}

/* ------------------------------------------------------------ groups */

/* The values of the labels in @list, joined. Valid for the round. */
static struct str
op_of(struct promdelta *p, const char *list, const struct prom_series *s)
{
	char *text;

	buf_clear(&p->op);
	while (list && *list) {
		size_t n = strcspn(list, " ");
		struct str value = prom_label(s, (struct str){ list, n });

		if (value.n > 0 && p->op.n > 0)
			buf_addc(&p->op, ' ');
		buf_add_str(&p->op, value);
		list += n + (list[n] == ' ');
	}
	if (p->op.n == 0)
		return STR("");
	text = arena_alloc(&p->arena, p->op.n);
	memcpy(text, p->op.p, p->op.n);
	return (struct str){ text, p->op.n };
}

static uint64_t
hash_str(struct str s)
{
	return s.n ? hash_bytes(s.p, s.n) : 7;
}

static uint64_t
key_of_group(const struct prom_edge *e, struct str op, int64_t at_us)
{
	uint64_t h = mix(hash_str(e->src) + 1);

	h = mix(h + hash_str(e->dst));
	h = mix(h + hash_str(op));
	return mix(h + (uint64_t)at_us * 8 + e->kind);
}

static void
grow_groups(struct promdelta *p)
{
	uint32_t room = p->group_room * 2;
	struct group **bigger = xcalloc(room, sizeof(*bigger));

	for (uint32_t i = 0; i < p->group_room; i++) {
		struct group *next;

		for (struct group *g = p->group[i]; g; g = next) {
			next = g->chain;
			g->chain = bigger[g->key & (room - 1)];
			bigger[g->key & (room - 1)] = g;
		}
	}
	free(p->group);
	p->group = bigger;
	p->group_room = room;
}

static struct group *
group_of(struct promdelta *p, const struct prom_edge *e, struct str op, int64_t at_us)
{
	uint64_t key = key_of_group(e, op, at_us);
	struct group **slot = &p->group[key & (p->group_room - 1)], *g;

	for (g = *slot; g; g = g->chain)
		if (g->key == key && g->at_us == at_us && str_eq(g->op, op) &&
			str_eq(g->edge.src, e->src) && str_eq(g->edge.dst, e->dst))
			return g;
	if (p->groups == MAX_GROUPS)
		return NULL;
	if (p->groups >= p->group_room) {
		grow_groups(p);
		slot = &p->group[key & (p->group_room - 1)];
	}
	g = ARENA_NEW(&p->arena, struct group, 1);
	*g = (struct group){ .chain = *slot,
		.key = key,
		.edge = *e,
		.op = op,
		.at_us = at_us,
		.bytes_in = -1,
		.bytes_out = -1 };
	*slot = g;
	p->groups++;
	return g;
}

static bool
has_room_for_bound(struct promdelta *p, struct group *g)
{
	unsigned room = g->bounds < 16 ? 16 : g->bounds;
	struct bound *bigger;

	/* Full at 16 and at each power of two from there. */
	if (g->bound && (g->bounds < 16 || (g->bounds & (g->bounds - 1)) != 0))
		return true;
	if (g->bounds == MAX_BOUNDS)
		return false;
	bigger = ARENA_NEW(&p->arena, struct bound, g->bound ? 2 * room : room);
	if (g->bound)
		memcpy(bigger, g->bound, g->bounds * sizeof(*bigger));
	g->bound = bigger;
	return true;
}

static void
add_bound(struct promdelta *p, struct group *g, double le, double calls)
{
	unsigned i = 0;

	/* Text differs ("1", "1.0"); the number is what it is. */
	while (i < g->bounds && g->bound[i].le < le)
		i++;
	if (i == g->bounds || g->bound[i].le > le) {
		if (!has_room_for_bound(p, g))
			return;
		memmove(&g->bound[i + 1], &g->bound[i],
			(g->bounds - i) * sizeof(*g->bound));
		g->bound[i] = (struct bound){ .le = le };
		g->bounds++;
	}
	g->bound[i].calls += calls;
}

/* NAN: none. */
static double
bound_of(const struct prom_series *s)
{
	struct str le = prom_label(s, STR("le"));
	char text[40], *end;
	double x;

	if (le.n == 0 || le.n >= sizeof(text))
		return NAN;
	memcpy(text, le.p, le.n);
	text[le.n] = '\0';
	x = strtod(text, &end); /* reads "+Inf" */
	return *end == '\0' && x >= 0 ? x : NAN;
}

/* What a series did from one scrape to the next: @delta of whatever it counts. */
static void
add_delta(struct promdelta *p, unsigned q, double le, const struct prom_edge *e,
	struct str op, int64_t at_us, int64_t span_us, double delta)
{
	const struct prom_query *query = p->query[q];
	struct group *g;

	if (!(delta > 0))
		return;
	g = group_of(p, e, op, at_us);
	if (!g) {
		p->counts.overflow++;
		return;
	}
	g->span_us = MAX(g->span_us, MIN(span_us, SPAN_MAX_US));
	switch (query->role) {
	case PROM_CALLS:
		g->calls += delta;
		g->errors += e->failed ? delta : 0;
		break;
	case PROM_FAILED:
		g->errors += delta;
		break;
	case PROM_BYTES_IN:
		g->bytes_in = MAX(g->bytes_in, 0) + delta;
		break;
	case PROM_BYTES_OUT:
		g->bytes_out = MAX(g->bytes_out, 0) + delta;
		break;
	case PROM_BUCKETS:
	case PROM_BUCKETS_AND_CALLS:
		if (isnan(le))
			return;
		g->unit_us = query->unit_us;
		add_bound(p, g, le, delta);
		if (query->role == PROM_BUCKETS_AND_CALLS && isinf(le)) {
			g->calls += delta;
			g->errors += e->failed ? delta : 0;
		}
		break;
	}
}

/* ------------------------------------------------------------ series */

/*
 * What the first sample of a series holds is new when its target was scraped before
 * without it: in a round before this one, or in this one. The latter is believed only
 * where more than a scrape lies between, as there are targets that put their own time
 * on each series. Returns when it was scraped so, or 0.
 */
static int64_t
born_after(const struct promdelta *p, const struct newborn *b, bool partial)
{
	const struct target *t = (const void *)find(&p->targets, b->target);

	if (t->last_us > 0)
		return p->was_complete && t->last_us < b->at_us ? t->last_us : 0;
	if (!partial && b->every_us > 0 && t->first_us + b->every_us * 3 / 2 <= b->at_us)
		return t->first_us;
	return 0;
}

static void
settle_newborns(struct promdelta *p, bool partial)
{
	for (const struct newborn *b = p->newborn; b; b = b->chain) {
		int64_t since_us = born_after(p, b, partial);
		struct group *g;

		if (since_us == 0) {
			p->counts.first++;
			continue;
		}
		g = b->value > 0 ? group_of(p, &b->edge, b->op, b->at_us) : NULL;
		/* Its neighbours know better when the last scrape was. */
		add_delta(p, b->q, b->le, &b->edge, b->op, b->at_us,
			g && g->span_us > 0 ? 0 : b->at_us - since_us, b->value);
	}
}

static void
add_newborn(struct promdelta *p, unsigned q, double le, const struct prom_edge *e,
	struct str op, const struct prom_series *s, unsigned i, uint64_t target)
{
	struct newborn *b = ARENA_NEW(&p->arena, struct newborn, 1);
	const struct prom_sample *x = &s->sample[i];

	*b = (struct newborn){ .chain = p->newborn,
		.q = q,
		.edge = *e,
		.op = op,
		.le = le,
		.value = x->value,
		.at_us = x->at_us,
		.every_us = i + 1 < s->samples ? x[1].at_us - x->at_us : 0,
		.target = target };
	p->newborn = b;
}

void
promdelta_series(struct promdelta *p, unsigned q, const struct prom_series *s)
{
	uint64_t key = key_of_series(q, s), target_key = key_of_target(s);
	struct prom_edge e;
	struct series *r;
	struct target *t;
	struct value v;
	struct str op;
	double le;

	if (s->samples == 0)
		return;
	if (!prom_edge_of(p->query[q], s, &e)) {
		p->counts.nameless++;
		return;
	}
	if (*find(&p->series, key) == 0 && p->series.used >= p->max_series) {
		p->counts.overflow++;
		return;
	}
	r = demand(&p->series, key);
	t = demand(&p->targets, target_key);
	r->target = target_key;
	t->next_us = MAX(t->next_us, s->sample[s->samples - 1].at_us);
	if (t->first_us == 0 || t->first_us > s->sample[0].at_us)
		t->first_us = s->sample[0].at_us;
	e.src = rename_apply(p->alias, e.src);
	e.dst = rename_apply(p->alias, e.dst);
	op = op_of(p, p->query[q]->op, s);
	le = bound_of(s);
	v = r->last;
	for (unsigned i = 0; i < s->samples; i++) {
		const struct prom_sample *x = &s->sample[i];
		int64_t span_us = x->at_us - v.at_us;
		double delta = x->value - v.value;

		if (x->at_us <= v.at_us || x->value < 0)
			continue;
		p->counts.samples++;
		if (v.at_us == 0) {
			add_newborn(p, q, le, &e, op, s, i, target_key);
			delta = 0;
		} else if (delta < 0) {
			p->counts.resets++;
			delta = x->value;
		}
		add_delta(p, q, le, &e, op, x->at_us, span_us, delta);
		v = (struct value){ x->value, x->at_us };
	}
	r->next = v;
}

/* ------------------------------------------------------------ the round's end */

static uint64_t
whole(double x)
{
	return x > 0 ? (uint64_t)llround(MIN(x, CALLS_MAX)) : 0;
}

/*
 * Cumulative counts to those of each bucket. A scrape is no snapshot: neighbours may
 * disagree by a request, and so may the counter of all requests. That counter is right.
 */
static unsigned
fill_buckets(const struct group *g, uint64_t calls, int64_t *bound_us, uint32_t *count)
{
	double below = 0;
	uint64_t sum = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < g->bounds && sum < calls; i++) {
		double us = g->bound[i].le * g->unit_us;
		int64_t bound = us < 9e15 ? llround(us) : INT64_MAX;
		uint64_t many = whole(g->bound[i].calls - below);

		below = MAX(below, g->bound[i].calls);
		many = MIN(many, calls - sum);
		sum += many;
		if (n > 0 && bound_us[n - 1] == bound) {
			count[n - 1] += (uint32_t)many;
			continue;
		}
		bound_us[n] = bound;
		count[n++] = (uint32_t)many;
	}
	return n;
}

static void
emit_group(struct promdelta *p, const struct group *g, int64_t shift_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx)
{
	int64_t bound_us[MAX_BOUNDS];
	uint32_t count[MAX_BOUNDS];
	uint64_t calls = whole(g->calls);
	struct event e = { .type = EVENT_DELTA,
		.u.delta = {
			.src = g->edge.src,
			.dst = g->edge.dst,
			.op = g->op,
			.kind = g->edge.kind,
			.origin = ORIGIN_PROMETHEUS,
			.src_kind = g->edge.src_kind,
			.dst_kind = g->edge.dst_kind,
			.end_us = g->at_us + shift_us,
			.span_us = MAX(g->span_us, MSEC_US),
			.calls = calls,
			.errors = MIN(whole(g->errors), calls),
			.bytes_in = g->bytes_in < 0 ? FLOW_UNKNOWN : llround(g->bytes_in),
			.bytes_out =
				g->bytes_out < 0 ? FLOW_UNKNOWN : llround(g->bytes_out),
			.latency = { .bound_us = bound_us, .count = count },
		} };

	e.u.delta.latency.n = fill_buckets(g, calls, bound_us, count);
	if (calls == 0 && g->bytes_in < 0 && g->bytes_out < 0)
		return;
	p->counts.deltas++;
	emit(ctx, &e);
}

static void
emit_members(struct promdelta *p, const struct prom_edge *edge, int64_t now_us,
	int64_t at_us, void (*emit)(void *ctx, const struct event *e), void *ctx)
{
	const struct member ends[] = { { edge->src, edge->src_group, at_us },
		{ edge->dst, edge->dst_group, at_us } };

	for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
		struct event e = { .type = EVENT_MEMBER, .u.member = ends[i] };

		if (members_due(p->members, ends[i].service, ends[i].group, now_us))
			emit(ctx, &e);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static void
emit_groups(struct promdelta *p, int64_t now_us, int64_t shift_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx)
{
	struct group **sorted = xcalloc(p->groups, sizeof(*sorted));
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->group_room; i++)
		for (struct group *g = p->group[i]; g; g = g->chain)
			sorted[n++] = g;
	qsort(sorted, n, sizeof(*sorted), by_time);
	for (uint32_t i = 0; i < n; i++) {
		emit_members(p, &sorted[i]->edge, now_us, sorted[i]->at_us + shift_us,
			emit, ctx);
		emit_group(p, sorted[i], shift_us, emit, ctx);
	}
	free(sorted);
}

void
promdelta_end(struct promdelta *p, int64_t at_us, bool partial, int64_t shift_us,
	void (*emit)(void *ctx, const struct event *e), void *ctx)
{
	int64_t since_us = at_us - PROMDELTA_FORGET_US;

	settle_newborns(p, partial);
	emit_groups(p, at_us, shift_us, emit, ctx);
	clear_groups(p);
	for (uint32_t i = 0; i < p->series.room; i++) {
		struct series *r = row_at(&p->series, i);

		if (r->next.at_us > 0)
			r->last = r->next;
	}
	for (uint32_t i = 0; i < p->targets.room; i++) {
		struct target *t = row_at(&p->targets, i);

		t->last_us = MAX(t->last_us, t->next_us);
	}
	drop_stale(&p->series, series_is_fresh, since_us);
	drop_stale(&p->targets, target_is_fresh, since_us);
	p->was_complete = !partial;
	p->in_round = false;
}

void
promdelta_counts(const struct promdelta *p, struct promdelta_counts *ret_counts)
{
	*ret_counts = p->counts;
	ret_counts->series = p->series.used;
}
