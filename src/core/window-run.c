#include "config.h"

#include "window-run.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

/* The form of a group stands in the lowest bits of the number of its latencies. */
#define FORM_BITS 2

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
	c->left = (unsigned)(n >> FORM_BITS);
	c->form = n & ((1u << FORM_BITS) - 1);
	c->bucket = 0;
	c->counts = c->p + c->left * sizeof(uint16_t);
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

static inline void
fold_pair(struct fold *f, unsigned bucket, uint32_t count)
{
	f->mark[bucket / HIST_PAGE] |= UINT64_C(1) << bucket % HIST_PAGE;
	f->count[bucket] += count;
}

#define PART 64 /* latencies read at a time */

void
fold_group(struct fold *f, struct run_cursor *c)
{
	uint16_t bucket[PART];
	uint32_t count[PART];
	unsigned n;

	for (unsigned i = 0; i < TOTALS; i++)
		f->totals.v[i] += c->totals.v[i];
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
#define HEAD_MAX ((TOTALS + 3) * VARINT_MAX)

static uint8_t *
put_head(struct packer *pk, uint8_t *p, uint32_t series, const struct totals *t,
	uint64_t n, enum group_form form)
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
	return put_varint(p, n << FORM_BITS | form);
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
	p = put_head(pk, start, series, &f->totals, pairs, FORM_PAIRS);
	p = put_pairs(p, f);
	pk->out.n += (size_t)(p - start);
	f->totals = (struct totals){ 0 };
}

void
pack_group(struct packer *pk, uint32_t series, const struct totals *t,
	const uint16_t *bucket, const uint32_t *count, unsigned n)
{
	size_t room = HEAD_MAX + n * (sizeof(*bucket) + sizeof(*count));
	uint8_t *start = (uint8_t *)buf_reserve(&pk->out, room), *p;

	p = put_head(pk, start, series, t, n, FORM_ARRAYS);
	if (n) {
		memcpy(p, bucket, n * sizeof(*bucket));
		p += n * sizeof(*bucket);
		memcpy(p, count, n * sizeof(*count));
		p += n * sizeof(*count);
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
	p = put_head(pk, start, e->series, t, timed, FORM_LIST);
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

/* Pass over the latencies of a group that is as it came. */
static void
skip_arrays(struct run_cursor *c)
{
	c->p = c->counts + c->left * sizeof(uint32_t);
	c->left = 0;
}

/* Append a group that is as it came as pairs. */
static void
pack_arrays(struct packer *pk, uint32_t series, struct run_cursor *c)
{
	uint8_t *start = (uint8_t *)buf_reserve(
		&pk->out, HEAD_MAX + 2 * (size_t)c->left * VARINT_MAX);
	uint8_t *p = put_head(pk, start, series, &c->totals, c->left, FORM_PAIRS);
	uint16_t bucket[PART];
	uint32_t count[PART];
	unsigned n, last = 0;

	while ((n = run_pairs(c, bucket, count, PART)) > 0)
		for (unsigned i = 0; i < n; last = bucket[i++])
			p = put_pair(p, bucket[i] - last, count[i]);
	pk->out.n += (size_t)(p - start);
}

struct run
run_sort(const struct packer *from, struct fold *fold)
{
	const uint8_t *base = (const uint8_t *)from->out.p;
	struct run all = { .p = (uint8_t *)from->out.p, .n = from->out.n };
	struct run_cursor c;
	struct packer pk = { 0 };
	uint32_t *body = NULL; /* where each group begins, behind its series */
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
		body[n++] = (uint32_t)(c.p - base);
		run_body(&c);
		skip_arrays(&c);
	}
	sort_u64(key, key + n, n);
	for (uint32_t i = 0, k; i < n; i = k) {
		uint32_t series = (uint32_t)(key[i] >> 32);
		bool alone = i + 1 == n || key[i + 1] >> 32 != series;

		for (k = i; k < n && key[k] >> 32 == series; k++) {
			c.p = base + body[(uint32_t)key[k]];
			run_body(&c);
			if (alone)
				pack_arrays(&pk, series, &c);
			else
				fold_group(fold, &c);
		}
		if (!alone)
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
