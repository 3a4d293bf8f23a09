#include "config.h"

#include "window-run.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/* A varint takes at most this many bytes. */
#define VARINT_MAX 10

static inline uint8_t *
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
static inline uint64_t
run_varint(const uint8_t **p)
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

/*
 * What stands before the latencies of a group. Nearly all say nothing that is not in
 * here, with the bytes in and out as two numbers of 32 bits behind it; the others are
 * wide, and all of their totals are varints.
 */
struct head {
	uint32_t series;
	uint16_t n;   /* latencies */
	uint8_t form; /* and what follows */
	uint8_t some; /* errors; which totals there are of one that is wide */
};

enum head_flag {     /* beside the form */
	HEAD_IN = 4, /* each call told its bytes */
	HEAD_OUT = 8,
	HEAD_WIDE = 16,
	HEAD_FORM = 3
};

void
run_next(struct run_cursor *c, struct totals *t)
{
	struct head h;

	memcpy(&h, c->p, sizeof(h));
	c->p += sizeof(h);
	*t = (struct totals){ 0 };
	if (h.form & HEAD_WIDE) {
		for (unsigned mask = h.some; mask; mask &= mask - 1)
			t->v[__builtin_ctz(mask)] = run_varint(&c->p);
	} else {
		uint32_t bytes[2];

		memcpy(bytes, c->p, sizeof(bytes));
		c->p += sizeof(bytes);
		t->v[TOTAL_ERRORS] = h.some;
		t->v[TOTAL_IN] = bytes[0];
		t->v[TOTAL_OUT] = bytes[1];
		t->v[TOTAL_IN_KNOWN] = h.form & HEAD_IN ? h.n : 0;
		t->v[TOTAL_OUT_KNOWN] = h.form & HEAD_OUT ? h.n : 0;
	}
	c->series = h.series;
	c->left = h.n;
	c->form = h.form & HEAD_FORM;
	c->bucket = 0;
	c->counts = c->p + h.n * sizeof(uint16_t);
}

static void
read_steps(struct run_cursor *c, uint16_t *bucket, uint32_t *count, unsigned n)
{
	const uint8_t *p = c->p;
	unsigned at = c->bucket;

	for (unsigned i = 0; i < n; i++) {
		uint64_t step = run_varint(&p);

		at += (unsigned)(step >> 1);
		bucket[i] = (uint16_t)at;
		count[i] = step & 1 ? (uint32_t)run_varint(&p) : 1;
	}
	c->p = p;
	c->bucket = at;
}

unsigned
run_pairs(struct run_cursor *c, uint16_t *bucket, uint32_t *count, unsigned most)
{
	unsigned n = MIN(c->left, most);

	c->left -= n;
	if (c->form == FORM_PAIRS) {
		read_steps(c, bucket, count, n);
		return n;
	}
	memcpy(bucket, c->p, n * sizeof(*bucket));
	c->p += n * sizeof(*bucket);
	if (c->form == FORM_LIST) {
		for (unsigned i = 0; i < n; i++)
			count[i] = 1;
		return n;
	}
	memcpy(count, c->counts, n * sizeof(*count));
	c->counts += n * sizeof(*count);
	c->p = c->left ? c->p : c->counts;
	return n;
}

/* Pass over the latencies of a group that is as it came. */
static void
skip_arrays(struct run_cursor *c)
{
	c->p = c->counts + c->left * sizeof(uint32_t);
	c->left = 0;
}

static void
fold_arrays(struct fold *f, struct run_cursor *c)
{
	const uint8_t *p = c->p, *counts = c->counts, *end = counts;

	for (; p < end; p += sizeof(uint16_t), counts += sizeof(uint32_t)) {
		uint16_t bucket;
		uint32_t count;

		memcpy(&bucket, p, sizeof(bucket));
		memcpy(&count, counts, sizeof(count));
		fold_pair(f, bucket, count);
	}
	skip_arrays(c);
}

#define PART 64 /* latencies read at a time */

void
fold_group(struct fold *f, struct run_cursor *c)
{
	uint16_t bucket[PART];
	uint32_t count[PART];
	struct totals t;
	unsigned n;

	run_next(c, &t);
	for (unsigned i = 0; i < TOTALS; i++)
		f->totals.v[i] += t.v[i];
	if (c->form == FORM_ARRAYS) {
		fold_arrays(f, c);
		return;
	}
	while ((n = run_pairs(c, bucket, count, PART)) > 0)
		for (unsigned i = 0; i < n; i++)
			fold_pair(f, bucket[i], count[i]);
}

static inline uint8_t *
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
#define HEAD_MAX (sizeof(struct head) + TOTALS * VARINT_MAX)

/* Do the totals fit a head that is not wide? */
static bool
is_usual(const struct totals *t, unsigned n)
{
	const uint64_t *v = t->v;

	return !(v[TOTAL_BARE] | v[TOTAL_EXCESS] | v[TOTAL_COARSE]) &&
	       v[TOTAL_ERRORS] <= UINT8_MAX && v[TOTAL_IN] <= UINT32_MAX &&
	       v[TOTAL_OUT] <= UINT32_MAX &&
	       (v[TOTAL_IN_KNOWN] == n || !v[TOTAL_IN_KNOWN]) &&
	       (v[TOTAL_OUT_KNOWN] == n || !v[TOTAL_OUT_KNOWN]);
}

static uint8_t *
put_wide(uint8_t *p, struct head h, const struct totals *t)
{
	uint8_t *start = p;

	h.form |= HEAD_WIDE;
	p += sizeof(h);
	for (unsigned i = 0; i < TOTALS; i++)
		if (t->v[i]) {
			h.some |= (uint8_t)(1u << i);
			p = put_varint(p, t->v[i]);
		}
	memcpy(start, &h, sizeof(h));
	return p;
}

static uint8_t *
put_head(uint8_t *p, uint32_t series, const struct totals *t, unsigned n,
	enum group_form form)
{
	struct head h = { .series = series, .n = (uint16_t)n, .form = (uint8_t)form };
	uint32_t bytes[] = { (uint32_t)t->v[TOTAL_IN], (uint32_t)t->v[TOTAL_OUT] };

	if (!is_usual(t, n))
		return put_wide(p, h, t);
	h.some = (uint8_t)t->v[TOTAL_ERRORS];
	h.form |= (t->v[TOTAL_IN_KNOWN] ? HEAD_IN : 0) |
		  (t->v[TOTAL_OUT_KNOWN] ? HEAD_OUT : 0);
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), bytes, sizeof(bytes));
	return p + sizeof(h) + sizeof(bytes);
}

void
pack_fold(struct buf *b, uint32_t series, struct fold *f)
{
	unsigned pairs = 0;
	uint8_t *start, *p;

	for (unsigned i = 0; i < HIST_PAGES; i++)
		pairs += (unsigned)__builtin_popcountll(f->mark[i]);
	start = (uint8_t *)buf_reserve(b, HEAD_MAX + 2 * (size_t)pairs * VARINT_MAX);
	p = put_head(start, series, &f->totals, pairs, FORM_PAIRS);
	p = put_pairs(p, f);
	b->n += (size_t)(p - start);
	f->totals = (struct totals){ 0 };
}

void
pack_list(struct buf *b, uint32_t series, const struct totals *t, const uint16_t *bucket,
	unsigned n)
{
	size_t bytes = n * sizeof(*bucket);
	uint8_t *start = (uint8_t *)buf_reserve(b, HEAD_MAX + bytes), *p;

	p = put_head(start, series, t, n, FORM_LIST);
	memcpy(p, bucket, bytes);
	b->n += (size_t)(p - start) + bytes;
}

void
pack_group(struct buf *b, uint32_t series, const struct totals *t, const uint16_t *bucket,
	const uint32_t *count, unsigned n)
{
	size_t room = HEAD_MAX + n * (sizeof(*bucket) + sizeof(*count));
	uint8_t *start = (uint8_t *)buf_reserve(b, room), *p;

	p = put_head(start, series, t, n, FORM_ARRAYS);
	if (n) {
		memcpy(p, bucket, n * sizeof(*bucket));
		p += n * sizeof(*bucket);
		memcpy(p, count, n * sizeof(*count));
		p += n * sizeof(*count);
	}
	b->n += (size_t)(p - start);
}

/* Append a group that is as it came as pairs. */
static void
pack_arrays(struct buf *b, struct run_cursor *c, const struct totals *t)
{
	uint8_t *start =
		(uint8_t *)buf_reserve(b, HEAD_MAX + 2 * (size_t)c->left * VARINT_MAX);
	uint8_t *p = put_head(start, c->series, t, c->left, FORM_PAIRS);
	uint16_t bucket[PART];
	uint32_t count[PART];
	unsigned n, last = 0;

	while ((n = run_pairs(c, bucket, count, PART)) > 0)
		for (unsigned i = 0; i < n; last = bucket[i++])
			p = put_pair(p, bucket[i] - last, count[i]);
	b->n += (size_t)(p - start);
}

/* Where each group begins, behind its series, in order. Returns how many there are. */
static uint32_t
sort_groups(const struct buf *b, uint64_t **ret_key)
{
	const uint8_t *base = (const uint8_t *)b->p;
	struct run_cursor c = { .p = base, .end = base + b->n };
	uint64_t *key = NULL;
	uint32_t n = 0, room = 0;
	struct totals t;

	while (c.p < c.end) {
		uint32_t at = (uint32_t)(c.p - base);

		if (n == room) {
			room = room ? room * 2 : 256;
			key = xreallocarray(key, room, 2 * sizeof(*key));
		}
		run_next(&c, &t);
		skip_arrays(&c);
		key[n++] = (uint64_t)c.series << 32 | at;
	}
	sort_u64(key, key + n, n, 32);
	*ret_key = key;
	return n;
}

#define AHEAD 2         /* groups */
#define GROUP_USUAL 512 /* bytes */
#define LINE 64

/* Have a group on its way: they are read in another order than they stand in. */
static inline void
fetch_group(const uint8_t *p)
{
	for (unsigned i = 0; i < GROUP_USUAL; i += LINE)
		__builtin_prefetch(p + i);
}

struct run
run_sort(const struct buf *from, struct fold *fold)
{
	const uint8_t *base = (const uint8_t *)from->p;
	struct run_cursor c = { .end = base + from->n };
	struct buf out = BUF_INIT;
	uint64_t *key;
	uint32_t n = sort_groups(from, &key);
	struct totals t;

	for (uint32_t i = 0, k; i < n; i = k) {
		uint32_t series = (uint32_t)(key[i] >> 32);
		bool alone = i + 1 == n || key[i + 1] >> 32 != series;

		for (k = i; k < n && key[k] >> 32 == series; k++) {
			if (k + AHEAD < n)
				fetch_group(base + (uint32_t)key[k + AHEAD]);
			c.p = base + (uint32_t)key[k];
			if (!alone) {
				fold_group(fold, &c);
				continue;
			}
			run_next(&c, &t);
			pack_arrays(&out, &c, &t);
		}
		if (!alone)
			pack_fold(&out, series, fold);
	}
	free(key);
	return pack_done(&out);
}

struct run
pack_done(struct buf *b)
{
	struct run r = { .p = xrealloc(b->p, b->n), .n = b->n };

	*b = (struct buf)BUF_INIT;
	return r;
}

struct run
pack_copy(const struct buf *b)
{
	struct run r = { .p = xmalloc(b->n), .n = b->n };

	memcpy(r.p, b->p, b->n);
	return r;
}
