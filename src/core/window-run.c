#include "config.h"

#include "window-run.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/* A varint takes at most this many bytes. */
#define VARINT_MAX 10

static uint8_t *
put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* The bytes are our own, so there is nothing to distrust. */
static uint64_t
get_varint(const uint8_t **p)
{
	uint64_t v = *(*p)++;

	if (v < 0x80)
		return v;
	v &= 0x7f;
	for (unsigned shift = 7;; shift += 7) {
		uint8_t b = *(*p)++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return v;
	}
}

struct entry
entry_of(const struct window_record *r)
{
	struct entry e = {
		.series = r->series,
		.count = r->calls,
		.bucket = r->calls ? r->bucket : WINDOW_NO_LATENCY,
		.flags = ENTRY_CALLS,
	};

	if (r->errors && r->errors == r->calls)
		e.flags |= ENTRY_FAILED;
	if (r->weight > 1 && r->weight == r->calls && r->bucket != WINDOW_NO_LATENCY)
		e.flags |= ENTRY_SAMPLED;
	if (r->coarse)
		e.flags |= ENTRY_COARSE;
	if (r->bytes_in >= 0) {
		e.flags |= ENTRY_IN;
		e.in = (uint32_t)r->bytes_in;
	}
	if (r->bytes_out >= 0) {
		e.flags |= ENTRY_OUT;
		e.out = (uint32_t)r->bytes_out;
	}
	return e;
}

struct totals
group_totals(const struct window_group *g)
{
	struct totals t = { .v = {
				    [TOTAL_BARE] = g->bare,
				    [TOTAL_ERRORS] = g->errors,
				    [TOTAL_IN] = (uint64_t)MAX(g->bytes_in, 0),
				    [TOTAL_OUT] = (uint64_t)MAX(g->bytes_out, 0),
				    [TOTAL_IN_KNOWN] = g->bytes_in >= 0,
				    [TOTAL_OUT_KNOWN] = g->bytes_out >= 0,
			    } };

	for (unsigned i = 0; i < g->n && (g->coarse || g->weight > 1); i++) {
		t.v[TOTAL_COARSE] += g->coarse ? g->count[i] : 0;
		if (g->weight > 1 && g->weight <= g->count[i])
			t.v[TOTAL_EXCESS] += g->count[i] - g->count[i] / g->weight;
	}
	return t;
}

void
run_open(struct run_cursor *c, const struct run *r)
{
	*c = (struct run_cursor){ .p = r->p, .end = r->p + r->n };
}

/* Read what stands between a group's series and its pairs. */
static void
run_body(struct run_cursor *c)
{
	unsigned mask = *c->p++;

	for (unsigned i = 0; i < TOTALS; i++)
		c->totals.v[i] = mask >> i & 1 ? get_varint(&c->p) : 0;
	c->pairs = (unsigned)get_varint(&c->p);
	c->bucket = 0;
}

bool
run_next(struct run_cursor *c)
{
	if (c->p == c->end)
		return false;
	c->series += (uint32_t)get_varint(&c->p);
	run_body(c);
	return true;
}

void
run_pair(struct run_cursor *c, unsigned *ret_bucket, uint32_t *ret_count)
{
	uint64_t step = get_varint(&c->p);

	c->pairs--;
	c->bucket += (unsigned)(step >> 1);
	*ret_bucket = c->bucket;
	*ret_count = step & 1 ? (uint32_t)get_varint(&c->p) : 1;
}

static void
fold_totals(struct fold *f, const struct totals *t)
{
	for (unsigned i = 0; i < TOTALS; i++)
		f->totals.v[i] += t->v[i];
}

static void
fold_pair(struct fold *f, unsigned bucket, uint32_t count)
{
	unsigned page = bucket / HIST_PAGE;
	uint64_t bit = UINT64_C(1) << bucket % HIST_PAGE;

	f->pairs += !(f->mark[page] & bit);
	f->pages |= UINT32_C(1) << page;
	f->mark[page] |= bit;
	f->count[bucket] += count;
}

void
fold_entry(struct fold *f, const struct entry *e)
{
	struct totals t;

	if (entry_is_plain(e)) {
		totals_plain(&f->totals, e, 1);
		fold_pair(f, e->bucket, e->count);
		return;
	}
	t = entry_totals(e);
	fold_totals(f, &t);
	if (e->bucket != WINDOW_NO_LATENCY)
		fold_pair(f, e->bucket, e->count);
}

void
fold_group(struct fold *f, struct run_cursor *c)
{
	fold_totals(f, &c->totals);
	while (c->pairs) {
		unsigned bucket;
		uint32_t count;

		run_pair(c, &bucket, &count);
		fold_pair(f, bucket, count);
	}
}

/* Write the pairs, and forget them. */
static uint8_t *
put_pairs(uint8_t *p, struct fold *f)
{
	unsigned last = 0;

	for (; f->pages; f->pages &= f->pages - 1) {
		unsigned page = (unsigned)__builtin_ctz(f->pages);
		uint64_t bits = f->mark[page];

		f->mark[page] = 0;
		for (; bits; bits &= bits - 1) {
			unsigned bucket =
				page * HIST_PAGE + (unsigned)__builtin_ctzll(bits);
			uint32_t count = f->count[bucket];

			f->count[bucket] = 0;
			p = put_varint(p, (uint64_t)(bucket - last) << 1 | (count != 1));
			if (count != 1)
				p = put_varint(p, count);
			last = bucket;
		}
	}
	f->pairs = 0;
	return p;
}

void
pack_fold(struct packer *pk, uint32_t series, struct fold *f)
{
	unsigned pairs = f->pairs, mask = 0;
	size_t room = (TOTALS + 3 + 2 * (size_t)pairs) * VARINT_MAX;
	uint8_t *start = (uint8_t *)buf_reserve(&pk->out, room), *p = start;

	for (unsigned i = 0; i < TOTALS; i++)
		mask |= (unsigned)(f->totals.v[i] != 0) << i;
	p = put_varint(p, series - pk->series);
	*p++ = (uint8_t)mask;
	for (unsigned i = 0; i < TOTALS; i++)
		if (f->totals.v[i])
			p = put_varint(p, f->totals.v[i]);
	p = put_varint(p, pairs);
	p = put_pairs(p, f);
	pk->out.n += (size_t)(p - start);
	pk->series = series;
	f->totals = (struct totals){ 0 };
}

void
pack_group(struct packer *pk, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n)
{
	size_t room = (TOTALS + 3 + 2 * (size_t)n) * VARINT_MAX;
	uint8_t *start = (uint8_t *)buf_reserve(&pk->out, room), *p = start;
	unsigned mask = 0, last = 0;

	for (unsigned i = 0; i < TOTALS; i++)
		mask |= (unsigned)(t->v[i] != 0) << i;
	/* A step back is a great step forward, in 32 bits. */
	p = put_varint(p, (uint32_t)(series - pk->series));
	*p++ = (uint8_t)mask;
	for (unsigned i = 0; i < TOTALS; i++)
		if (t->v[i])
			p = put_varint(p, t->v[i]);
	p = put_varint(p, n);
	for (unsigned i = 0; i < n; i++) {
		p = put_varint(p, (uint64_t)(bucket[i] - last) << 1 | (count[i] != 1));
		if (count[i] != 1)
			p = put_varint(p, count[i]);
		last = bucket[i];
	}
	pk->out.n += (size_t)(p - start);
	pk->series = series;
}

/* Pass over the pairs of the group the cursor is at. */
static void
skip_pairs(struct run_cursor *c)
{
	for (; c->pairs; c->pairs--)
		if (get_varint(&c->p) & 1)
			get_varint(&c->p);
}

/* A group's bytes behind its series. */
struct body {
	uint32_t from, to;
};

static void
put_body(struct packer *pk, uint32_t series, const uint8_t *p, size_t n)
{
	uint8_t *start = (uint8_t *)buf_reserve(&pk->out, VARINT_MAX + n);
	uint8_t *to = put_varint(start, series - pk->series);

	memcpy(to, p, n);
	pk->out.n += (size_t)(to - start) + n;
	pk->series = series;
}

/* Read the body of a group into @f. */
static void
fold_body(struct fold *f, const uint8_t *p)
{
	struct run_cursor c = { .p = p };

	run_body(&c);
	fold_group(f, &c);
}

struct run
run_sort(const struct packer *from, struct fold *fold)
{
	const uint8_t *base = (const uint8_t *)from->out.p;
	struct run all = { .p = (uint8_t *)from->out.p, .n = from->out.n };
	struct run_cursor c;
	struct packer pk = { 0 };
	struct body *body = NULL;
	uint64_t *key = NULL;
	uint32_t n = 0, room = 0;

	run_open(&c, &all);
	while (c.p < c.end) {
		if (n == room) {
			room = room ? room * 2 : 256;
			body = xreallocarray(body, room, sizeof(*body));
			key = xreallocarray(key, room, 2 * sizeof(*key));
		}
		c.series += (uint32_t)get_varint(&c.p);
		key[n] = (uint64_t)c.series << 32 | n;
		body[n].from = (uint32_t)(c.p - base);
		run_body(&c);
		skip_pairs(&c);
		body[n++].to = (uint32_t)(c.p - base);
	}
	sort_u64(key, key + n, n);
	for (uint32_t i = 0, k; i < n; i = k) {
		uint32_t series = (uint32_t)(key[i] >> 32);
		const struct body *b = &body[(uint32_t)key[i]];

		for (k = i + 1; k < n && key[k] >> 32 == series; k++)
			;
		if (k == i + 1) {
			put_body(&pk, series, base + b->from, b->to - b->from);
			continue;
		}
		for (uint32_t g = i; g < k; g++)
			fold_body(fold, base + body[(uint32_t)key[g]].from);
		pack_fold(&pk, series, fold);
	}
	free(body);
	free(key);
	return pack_done(&pk);
}

struct run
pack_done(struct packer *pk)
{
	struct run r = { .p = xrealloc(pk->out.p, pk->out.n), .n = pk->out.n };

	*pk = (struct packer){ 0 };
	return r;
}

/*
 * Least significant digit first, so that what came first stays first; digits are
 * wide enough for two passes over up to four million series.
 */
#define DIGIT_BITS 11

const uint64_t *
entries_sort(const struct entry *e, uint32_t n, uint64_t *scratch)
{
	uint64_t *from = scratch, *to = scratch + n;
	uint32_t all = 0;

	for (uint32_t i = 0; i < n; i++) {
		from[i] = (uint64_t)e[i].series << 32 | i;
		all |= e[i].series;
	}
	for (unsigned shift = 0; shift < 32 && all >> shift; shift += DIGIT_BITS) {
		uint32_t at[1u << DIGIT_BITS] = { 0 }, sum = 0;
		uint64_t *swap = from;

		for (uint32_t i = 0; i < n; i++)
			at[from[i] >> (32 + shift) & ((1u << DIGIT_BITS) - 1)]++;
		for (unsigned d = 0; d < ARRAY_LEN(at); d++) {
			uint32_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (uint32_t i = 0; i < n; i++)
			to[at[from[i] >> (32 + shift) & ((1u << DIGIT_BITS) - 1)]++] =
				from[i];
		from = to;
		to = swap;
	}
	return from;
}
