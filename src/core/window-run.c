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

/* Read what stands between a group's series and its latencies. */
static void
run_body(struct run_cursor *c)
{
	unsigned mask = *c->p++;
	uint64_t n;

	c->totals = (struct totals){ 0 };
	for (; mask; mask &= mask - 1)
		c->totals.v[__builtin_ctz(mask)] = run_varint(&c->p);
	n = run_varint(&c->p);
	c->left = (unsigned)(n >> 1);
	c->list = n & 1;
	c->bucket = 0;
}

bool
run_next(struct run_cursor *c)
{
	if (c->p == c->end)
		return false;
	c->series += (uint32_t)run_varint(&c->p);
	run_body(c);
	return true;
}

static inline void
fold_pair(struct fold *f, unsigned bucket, uint32_t count)
{
	f->mark[bucket / HIST_PAGE] |= UINT64_C(1) << bucket % HIST_PAGE;
	f->count[bucket] += count;
}

void
fold_group(struct fold *f, struct run_cursor *c)
{
	for (unsigned i = 0; i < TOTALS; i++)
		f->totals.v[i] += c->totals.v[i];
	while (c->left) {
		unsigned bucket;
		uint32_t count;

		run_pair(c, &bucket, &count);
		fold_pair(f, bucket, count);
	}
}

static uint8_t *
put_pair(uint8_t *p, unsigned step, uint32_t count)
{
	p = put_varint(p, (uint64_t)step << 1 | (count != 1));
	return count != 1 ? put_varint(p, count) : p;
}

/* Write the pairs, and forget them. */
static uint8_t *
put_pairs(uint8_t *p, struct fold *f)
{
	unsigned last = 0;

	for (unsigned page = 0; page < HIST_PAGES; page++) {
		uint64_t bits = f->mark[page];

		f->mark[page] = 0;
		for (; bits; bits &= bits - 1) {
			unsigned bucket =
				page * HIST_PAGE + (unsigned)__builtin_ctzll(bits);

			p = put_pair(p, bucket - last, f->count[bucket]);
			f->count[bucket] = 0;
			last = bucket;
		}
	}
	return p;
}

/* What stands before a group's latencies takes at most so much. */
#define HEAD_MAX ((TOTALS + 3) * VARINT_MAX)

/* @n is twice the number of latencies, odd for a list. */
static uint8_t *
put_head(struct packer *pk, uint8_t *p, uint32_t series, const struct totals *t,
	uint64_t n)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < TOTALS; i++)
		mask |= (unsigned)(t->v[i] != 0) << i;
	/* A step back is a great step forward, in 32 bits. */
	p = put_varint(p, (uint32_t)(series - pk->series));
	pk->series = series;
	*p++ = (uint8_t)mask;
	for (; mask; mask &= mask - 1)
		p = put_varint(p, t->v[__builtin_ctz(mask)]);
	return put_varint(p, n);
}

void
pack_fold(struct packer *pk, uint32_t series, struct fold *f)
{
	unsigned pairs = 0;
	uint8_t *start, *p;

	for (unsigned i = 0; i < HIST_PAGES; i++)
		pairs += (unsigned)__builtin_popcountll(f->mark[i]);
	start = (uint8_t *)buf_reserve(
		&pk->out, HEAD_MAX + 2 * (size_t)pairs * VARINT_MAX);
	p = put_head(pk, start, series, &f->totals, (uint64_t)pairs << 1);
	p = put_pairs(p, f);
	pk->out.n += (size_t)(p - start);
	f->totals = (struct totals){ 0 };
}

void
pack_group(struct packer *pk, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n)
{
	size_t room = HEAD_MAX + 2 * (size_t)n * VARINT_MAX;
	uint8_t *start = (uint8_t *)buf_reserve(&pk->out, room), *p;
	unsigned last = 0;

	p = put_head(pk, start, series, t, (uint64_t)n << 1);
	for (unsigned i = 0; i < n; i++) {
		p = put_pair(p, bucket[i] - last, count[i]);
		last = bucket[i];
	}
	pk->out.n += (size_t)(p - start);
}

/* A group of more calls than this is worth counting, and is written as pairs. */
#define LIST_MAX 256

/* The number of entries at @e that are of one series. Adds up what they say. */
static uint32_t
entries_totals(const struct entry *e, uint32_t n, struct totals *t)
{
	uint64_t errors = 0, bare = 0, in = 0, out = 0, in_known = 0, out_known = 0;
	uint32_t series = e->series, i = 0;

	for (; i < n && e[i].series == series; i++) {
		errors += e[i].flags & ENTRY_FAILED;
		in_known += (e[i].flags & ENTRY_IN) != 0;
		out_known += (e[i].flags & ENTRY_OUT) != 0;
		bare += e[i].bucket == WINDOW_NO_LATENCY;
		in += e[i].in;
		out += e[i].out;
	}
	*t = (struct totals){ .v = {
				      [TOTAL_BARE] = bare,
				      [TOTAL_ERRORS] = errors,
				      [TOTAL_IN] = in,
				      [TOTAL_OUT] = out,
				      [TOTAL_IN_KNOWN] = in_known,
				      [TOTAL_OUT_KNOWN] = out_known,
			      } };
	return i;
}

static void
pack_list(struct packer *pk, const struct entry *e, uint32_t n, const struct totals *t)
{
	uint8_t *start, *p;
	uint64_t timed = n - t->v[TOTAL_BARE];

	start = (uint8_t *)buf_reserve(&pk->out, HEAD_MAX + (n + 1) * sizeof(e->bucket));
	p = put_head(pk, start, e->series, t, timed << 1 | 1);
	/* One without a latency is written over by the next. */
	for (uint32_t i = 0; i < n; i++) {
		memcpy(p, &e[i].bucket, sizeof(e->bucket));
		p += e[i].bucket == WINDOW_NO_LATENCY ? 0 : sizeof(e->bucket);
	}
	pk->out.n += (size_t)(p - start);
}

void
pack_entries(struct packer *pk, const struct entry *e, uint32_t n, struct fold *fold)
{
	for (uint32_t i = 0, k; i < n; i += k) {
		struct totals t;

		k = entries_totals(&e[i], n - i, &t);
		if (k <= LIST_MAX) {
			pack_list(pk, &e[i], k, &t);
			continue;
		}
		fold->totals = t;
		for (uint32_t j = i; j < i + k; j++)
			if (e[j].bucket != WINDOW_NO_LATENCY)
				fold_pair(fold, e[j].bucket, 1);
		pack_fold(pk, e[i].series, fold);
	}
}

/* Pass over the latencies of the group the cursor is at. */
static void
skip_pairs(struct run_cursor *c)
{
	unsigned bucket;
	uint32_t count;

	while (c->left)
		run_pair(c, &bucket, &count);
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
		c.series += (uint32_t)run_varint(&c.p);
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
#define DIGITS (1u << DIGIT_BITS)

struct entry *
entries_sort(struct entry *e, uint32_t n, struct entry *scratch)
{
	struct entry *from = e, *to = scratch;
	uint32_t differ = 0;

	for (uint32_t i = 1; i < n; i++)
		differ |= e[i].series ^ e[0].series;
	for (unsigned shift = 0; shift < 32 && differ >> shift; shift += DIGIT_BITS) {
		uint32_t at[DIGITS] = { 0 }, sum = 0;
		struct entry *swap = from;

		for (uint32_t i = 0; i < n; i++)
			at[from[i].series >> shift & (DIGITS - 1)]++;
		for (unsigned d = 0; d < DIGITS; d++) {
			uint32_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (uint32_t i = 0; i < n; i++)
			to[at[from[i].series >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	return from;
}
