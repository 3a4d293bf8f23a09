#include "config.h"

#include "window-run.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
 * What stands before the latencies of a group: its series, how many latencies or pages
 * there are, a byte for their form and another one. Nearly all have their errors in that
 * and, behind it, bytes in and out and how many told them; in the others, which are wide,
 * it says which totals follow, as varints.
 */
enum head {
	HEAD_N = sizeof(uint32_t),
	HEAD_FORM = HEAD_N + sizeof(uint16_t),
	HEAD_SOME,
	HEAD_IN,
	HEAD_OUT = HEAD_IN + sizeof(uint32_t),
	HEAD_IN_KNOWN = HEAD_OUT + sizeof(uint32_t),
	HEAD_OUT_KNOWN,
	HEAD_USUAL
};

#define FORM_WIDE 16 /* beside the form */

static inline uint32_t
get_32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

void
run_next(struct run_cursor *c, struct totals *t)
{
	const uint8_t *p = c->p;
	uint16_t n;

	memcpy(&n, p + HEAD_N, sizeof(n));
	*t = (struct totals){ 0 };
	if (p[HEAD_FORM] & FORM_WIDE) {
		c->p += HEAD_IN;
		for (unsigned mask = p[HEAD_SOME]; mask; mask &= mask - 1)
			t->v[__builtin_ctz(mask)] = run_varint(&c->p);
	} else {
		c->p += HEAD_USUAL;
		t->v[TOTAL_ERRORS] = p[HEAD_SOME];
		t->v[TOTAL_IN] = get_32(p + HEAD_IN);
		t->v[TOTAL_OUT] = get_32(p + HEAD_OUT);
		t->v[TOTAL_IN_KNOWN] = p[HEAD_IN_KNOWN];
		t->v[TOTAL_OUT_KNOWN] = p[HEAD_OUT_KNOWN];
	}
	c->series = get_32(p);
	c->left = n;
	c->form = p[HEAD_FORM] & ~FORM_WIDE;
	c->counts = c->p + n * sizeof(uint16_t);
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
	for (unsigned i = 0; i < n; i++)
		count[i] = c->counts[i];
	c->counts += n;
	c->p = c->left ? c->p : c->counts;
	return n;
}

static void
fold_arrays(struct fold *f, struct run_cursor *c)
{
	const uint8_t *p = c->p, *counts = c->counts, *end = counts;
	uint32_t pages = f->pages;

	for (; p < end; p += sizeof(uint16_t), counts++) {
		uint16_t bucket;

		memcpy(&bucket, p, sizeof(bucket));
		pages |= 1u << bucket / HIST_PAGE;
		f->count[bucket] += *counts;
	}
	f->pages = pages;
	c->p = counts;
	c->left = 0;
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
#define HEAD_MAX (HEAD_IN + TOTALS * VARINT_MAX)

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
put_wide(uint8_t *head, const struct totals *t)
{
	uint8_t *p = head + HEAD_IN;

	head[HEAD_FORM] |= FORM_WIDE;
	head[HEAD_SOME] = 0;
	for (unsigned i = 0; i < TOTALS; i++)
		if (t->v[i]) {
			head[HEAD_SOME] |= (uint8_t)(1u << i);
			p = put_varint(p, t->v[i]);
		}
	return p;
}

static uint8_t *
put_head(uint8_t *p, uint32_t series, const struct totals *t, unsigned n,
	enum group_form form)
{
	uint32_t in = (uint32_t)t->v[TOTAL_IN], out = (uint32_t)t->v[TOTAL_OUT];
	uint16_t parts = (uint16_t)n;

	memcpy(p, &series, sizeof(series));
	memcpy(p + HEAD_N, &parts, sizeof(parts));
	p[HEAD_FORM] = (uint8_t)form;
	if (!is_usual(t))
		return put_wide(p, t);
	p[HEAD_SOME] = (uint8_t)t->v[TOTAL_ERRORS];
	memcpy(p + HEAD_IN, &in, sizeof(in));
	memcpy(p + HEAD_OUT, &out, sizeof(out));
	p[HEAD_IN_KNOWN] = (uint8_t)t->v[TOTAL_IN_KNOWN];
	p[HEAD_OUT_KNOWN] = (uint8_t)t->v[TOTAL_OUT_KNOWN];
	return p + HEAD_USUAL;
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

/* Write numbers as bytes. Returns whether they fit: else what was written is of no use. */
static bool
put_bytes(uint8_t *p, const uint32_t *v, unsigned n)
{
	uint32_t all = 0;
	unsigned i = 0;

#ifdef __SSE2__
	__m128i any = _mm_setzero_si128();

	for (; n - i >= 8; i += 8) {
		__m128i a = _mm_loadu_si128((const __m128i *)(v + i));
		__m128i b = _mm_loadu_si128((const __m128i *)(v + i + 4));
		__m128i words = _mm_packs_epi32(a, b);

		any = _mm_or_si128(any, _mm_or_si128(a, b));
		_mm_storel_epi64((__m128i *)(p + i), _mm_packus_epi16(words, words));
	}
	any = _mm_or_si128(any, _mm_shuffle_epi32(any, _MM_SHUFFLE(1, 0, 3, 2)));
	any = _mm_or_si128(any, _mm_shuffle_epi32(any, _MM_SHUFFLE(2, 3, 0, 1)));
	all = (uint32_t)_mm_cvtsi128_si32(any);
#endif
	for (; i < n; i++) {
		all |= v[i];
		p[i] = (uint8_t)v[i];
	}
	return all <= UINT8_MAX;
}

bool
pack_group(struct buf *b, uint32_t series, const struct totals *t, const uint16_t *bucket,
	const uint32_t *count, unsigned n)
{
	size_t bytes = n * sizeof(*bucket);
	uint8_t *start = (uint8_t *)buf_reserve(b, HEAD_MAX + bytes + n), *p;

	p = put_head(start, series, t, n, FORM_ARRAYS);
	if (n)
		memcpy(p, bucket, bytes);
	if (!put_bytes(p + bytes, count, n))
		return false;
	b->n += (size_t)(p - start) + bytes + n;
	return true;
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
