#include "config.h"

#include "window-groups.h"

#include <assert.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define KEYS_FIRST 64
#define LINE 64
#define SOON 512 /* bytes */

static void
add_key(struct groups *g, uint32_t series, size_t at)
{
	if (g->n == g->room) {
		g->room = g->room ? g->room * 2 : KEYS_FIRST;
		g->key = xreallocarray(g->key, g->room, sizeof(*g->key));
	}
	/* What will be written soon: with many series it would not be there. */
	__builtin_prefetch(&g->key[g->n + 16], 1);
	for (unsigned i = 0; i < 2; i++)
		__builtin_prefetch(g->bytes.p + at + SOON + i * LINE, 1);
	g->key[g->n++] = (uint64_t)series << 32 | at;
}

void
groups_add(struct groups *g, struct fold *fold, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n)
{
	add_key(g, series, g->bytes.n);
	if (pack_group(&g->bytes, series, t, bucket, count, n))
		return;
	fold->totals = *t;
	for (unsigned i = 0; i < n; i++)
		fold_pair(fold, bucket[i], count[i]);
	pack_fold(&g->bytes, series, fold);
}

void
groups_move(struct groups *to, const struct groups *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		add_key(to, (uint32_t)(from->key[i] >> 32),
			to->bytes.n + (uint32_t)from->key[i]);
	buf_add(&to->bytes, from->bytes.p, from->bytes.n);
}

#define AHEAD 3         /* groups */
#define GROUP_USUAL 256 /* bytes */

/* Have a group on its way: they are read in another order than they stand in. */
static inline void
fetch_group(const uint8_t *p)
{
	for (unsigned i = 0; i < GROUP_USUAL; i += LINE)
		__builtin_prefetch(p + i);
}

#define SHORT 32 /* latencies: so few take no more room as they came than as pages */

/* Append the group at @c as it is, if it is short. */
static bool
copy_short(struct buf *out, const struct run_cursor *c)
{
	struct run_cursor end = *c;
	struct totals t;

	run_next(&end, &t);
	if (end.form != FORM_ARRAYS || end.left > SHORT)
		return false;
	buf_add(out, c->p, (size_t)(end.counts + end.left - c->p));
	return true;
}

struct run
groups_pack(struct groups *g, struct fold *fold)
{
	const uint8_t *base = (const uint8_t *)g->bytes.p;
	struct run_cursor c = { .end = base + g->bytes.n };
	struct buf out = BUF_INIT;
	bool first = true; /* of its series */
	uint64_t *key = g->key, *scratch = xreallocarray(NULL, g->n, sizeof(*key));

	assert(g->summed == 0 || groups_are_summed(g));
	sort_u64(key, scratch, g->n, 32);
	free(scratch);
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t series = (uint32_t)(key[i] >> 32);
		bool last = i + 1 == g->n || key[i + 1] >> 32 != series;

		if (i + AHEAD < g->n)
			fetch_group(base + (uint32_t)key[i + AHEAD]);
		c.p = base + (uint32_t)key[i];
		if (last && first && copy_short(&out, &c))
			continue;
		fold_group(fold, &c);
		if (last)
			pack_fold(&out, series, fold);
		first = last;
	}
	buf_clear(&g->bytes);
	g->n = 0;
	g->summed = 0;
	return pack_done(&out);
}

void
groups_done(struct groups *g)
{
	buf_done(&g->bytes);
	free(g->key);
	*g = (struct groups){ 0 };
}

struct run
groups_run(const struct groups *g)
{
	static uint8_t none;
	const struct buf *b = &g->bytes;

	return (struct run){ .p = b->n ? (uint8_t *)b->p : &none, .n = b->n };
}

struct run_cursor
groups_unsummed(struct groups *g)
{
	struct run all = groups_run(g);
	struct run_cursor c = run_open(&all);

	c.p += g->summed;
	groups_set_summed(g);
	return c;
}
