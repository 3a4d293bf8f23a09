#include "config.h"

#include "window-run.h"

#include <stddef.h>
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
 * these two; the others are wide, and all of their totals are varints.
 */
struct head {
	uint32_t series;
	uint16_t n;   /* latencies or pages */
	uint8_t form; /* and HEAD_WIDE */
	uint8_t some; /* errors; which totals there are of one that is wide */
};

struct usual {
	uint32_t in, out;
	uint8_t in_known, out_known;
};

#define USUAL_BYTES (offsetof(struct usual, out_known) + 1) /* without padding */

#define HEAD_WIDE 16

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
		struct usual u;

		memcpy(&u, c->p, USUAL_BYTES);
		c->p += USUAL_BYTES;
		t->v[TOTAL_ERRORS] = h.some;
		t->v[TOTAL_IN] = u.in;
		t->v[TOTAL_OUT] = u.out;
		t->v[TOTAL_IN_KNOWN] = u.in_known;
		t->v[TOTAL_OUT_KNOWN] = u.out_known;
	}
	c->series = h.series;
	c->left = h.n;
	c->form = h.form & ~HEAD_WIDE;
	c->counts = c->p + h.n * sizeof(uint16_t);
}

unsigned
run_page(struct run_cursor *c, uint8_t *count)
{
	unsigned page = page_number(c->p);

	c->p = page_get(c->p, count);
	c->left--;
	return page;
}

/*
 * Copy an even number of bytes. Of one that is known to be small GCC makes an instruction
 * that takes longer than all the rest.
 */
static inline void
copy_few(void *to, const uint8_t *from, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		memcpy((uint8_t *)to + i, from + i, 8);
	for (; i < n; i += 2)
		memcpy((uint8_t *)to + i, from + i, 2);
}

unsigned
run_pairs(struct run_cursor *c, uint16_t *bucket, uint32_t *count)
{
	unsigned n = MIN(c->left, RUN_PART);

	if (!n)
		return 0;
	if (c->form == FORM_PAGES) {
		c->p = page_get_few(c->p, bucket, count, &n);
		c->left--;
		return n;
	}
	c->left -= n;
	copy_few(bucket, c->p, n * sizeof(*bucket));
	c->p += n * sizeof(*bucket);
	if (c->form == FORM_LIST) {
		for (unsigned i = 0; i < n; i++)
			count[i] = 1;
		return n;
	}
	copy_few(count, c->counts, n * sizeof(*count));
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

static void
fold_page(struct fold *f, struct run_cursor *c)
{
	uint8_t count[HIST_PAGE];
	unsigned page = run_page(c, count);
	uint32_t *to = &f->count[page * HIST_PAGE];

	f->pages |= 1u << page;
	for (unsigned i = 0; i < HIST_PAGE; i++)
		to[i] += count[i];
}

void
fold_group(struct fold *f, struct run_cursor *c)
{
	uint16_t bucket[RUN_PART];
	uint32_t count[RUN_PART];
	struct totals t;
	unsigned n;

	run_next(c, &t);
	for (unsigned i = 0; i < TOTALS; i++)
		f->totals.v[i] += t.v[i];
	if (c->form == FORM_ARRAYS)
		fold_arrays(f, c);
	while (c->left) {
		if (run_at_page(c)) {
			fold_page(f, c);
			continue;
		}
		n = run_pairs(c, bucket, count);
		for (unsigned i = 0; i < n; i++)
			fold_pair(f, bucket[i], count[i]);
	}
}

/* What stands before a group's latencies takes at most so much. */
#define HEAD_MAX (sizeof(struct head) + TOTALS * VARINT_MAX)

/* Do the totals fit a head that is not wide? */
static bool
is_usual(const struct totals *t)
{
	const uint64_t *v = t->v;

	return !(v[TOTAL_BARE] | v[TOTAL_EXCESS] | v[TOTAL_COARSE]) &&
	       v[TOTAL_ERRORS] <= UINT8_MAX &&
	       (v[TOTAL_IN] | v[TOTAL_OUT]) <= UINT32_MAX &&
	       (v[TOTAL_IN_KNOWN] | v[TOTAL_OUT_KNOWN]) <= UINT8_MAX;
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
	struct usual u = { .in = (uint32_t)t->v[TOTAL_IN],
		.out = (uint32_t)t->v[TOTAL_OUT],
		.in_known = (uint8_t)t->v[TOTAL_IN_KNOWN],
		.out_known = (uint8_t)t->v[TOTAL_OUT_KNOWN] };

	if (!is_usual(t))
		return put_wide(p, h, t);
	h.some = (uint8_t)t->v[TOTAL_ERRORS];
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), &u, USUAL_BYTES);
	return p + sizeof(h) + USUAL_BYTES;
}

void
pack_fold(struct buf *b, uint32_t series, struct fold *f)
{
	unsigned pages = (unsigned)__builtin_popcount(f->pages);
	uint8_t *start = (uint8_t *)buf_reserve(b, HEAD_MAX + pages * PAGE_BYTES_MAX);
	uint8_t *p = put_head(start, series, &f->totals, pages, FORM_PAGES);

	for (uint32_t left = f->pages; left; left &= left - 1) {
		unsigned page = (unsigned)__builtin_ctz(left);

		p = page_put(p, page, &f->count[page * HIST_PAGE]);
	}
	b->n += (size_t)(p - start);
	f->totals = (struct totals){ 0 };
	f->pages = 0;
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

	for (uint32_t i = 0; i < n; i++) {
		uint32_t series = (uint32_t)(key[i] >> 32);

		if (i + AHEAD < n)
			fetch_group(base + (uint32_t)key[i + AHEAD]);
		c.p = base + (uint32_t)key[i];
		fold_group(fold, &c);
		if (i + 1 == n || key[i + 1] >> 32 != series)
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
