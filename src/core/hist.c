/*
 * Why this shape: HDR with two digits takes 20 KB an edge and 15 us for three
 * quantiles, a t-digest is off without bound when a quantile falls between two
 * modes, and 32 buckets to the octave give 1.6 %. A page per octave keeps the
 * record path at two loads and an add, and lets a quantile skip whole octaves. Pages lie
 * side by side, so that thousands of edges need few pages of the machine's memory.
 */
#include "config.h"

#include "weir/core/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

int64_t
hist_value(unsigned bucket)
{
	int64_t low = hist_low(bucket);

	return low + (hist_high(bucket) - low) / 2;
}

void
hist_done(struct hist *h)
{
	free(h->count);
	*h = (struct hist){ 0 };
}

#define PAGE_BYTES (HIST_PAGE * sizeof(uint32_t))

void
hist_page_make(struct hist *h, unsigned page)
{
	h->count = xrealloc(h->count, (h->pages + 1) * PAGE_BYTES);
	memset(h->count + (size_t)h->pages * HIST_PAGE, 0, PAGE_BYTES);
	h->at[page] = ++h->pages;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	for (unsigned p = 0; p < HIST_PAGES; p++) {
		const uint32_t *add = hist_page(from, p);
		uint32_t *sum;

		if (!add)
			continue;
		sum = hist_counter(to, p * HIST_PAGE);
		for (unsigned i = 0; i < HIST_PAGE; i++)
			sum[i] += add[i];
	}
	to->total += from->total;
}

#define LINE_COUNTERS 16 /* of a cache line */

/* Four sums side by side, so that no addition waits for the one before. */
static uint64_t
page_sum(const uint32_t *page)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (unsigned i = 0; i < HIST_PAGE; i += 4) {
		a += page[i];
		b += page[i + 1];
		c += page[i + 2];
		d += page[i + 3];
	}
	return a + b + c + d;
}

/* Forget a page of zeros: the last one moves into its place. */
static void
drop_page(struct hist *h, unsigned page)
{
	uint8_t hole = h->at[page];

	for (unsigned p = 0; p < HIST_PAGES; p++)
		if (h->at[p] == h->pages) {
			memmove(h->count + (hole - 1u) * HIST_PAGE, hist_page(h, p),
				PAGE_BYTES);
			h->at[p] = hole;
		}
	h->at[page] = 0;
	h->pages--;
}

void
hist_trim(struct hist *h)
{
	unsigned was = h->pages;

	for (unsigned p = 0; p < HIST_PAGES; p++)
		if (h->at[p] && page_sum(hist_page(h, p)) == 0)
			drop_page(h, p);
	if (h->pages == was)
		return;
	if (h->pages) {
		h->count = xrealloc(h->count, h->pages * PAGE_BYTES);
		return;
	}
	free(h->count);
	h->count = NULL;
}

/* 1-based rank of the sample that is quantile @q of @total of them. */
static uint64_t
rank_of(double q, uint64_t total)
{
	/* 0.07 * 100 is a little over 7 in binary: that is rank 7 all the same. */
	double r = ceil(q * (double)total * (1 - 1e-14));

	return r < 1 ? 1 : r >= (double)total ? total : (uint64_t)r;
}

void
hist_fetch(const struct hist *h)
{
	for (unsigned i = 0; i < h->pages * HIST_PAGE; i += LINE_COUNTERS)
		__builtin_prefetch(&h->count[i]);
}

void
hist_quantiles(const struct hist *h, const double *q, unsigned n, int64_t *ret_us)
{
	uint64_t before = 0;
	unsigned k = 0;

	for (unsigned p = 0; p < HIST_PAGES && k < n && h->total; p++) {
		const uint32_t *page = hist_page(h, p);
		uint64_t sum, below = before;
		unsigned i = 0;

		if (!page)
			continue;
		sum = page_sum(page);
		for (; k < n && rank_of(q[k], h->total) <= before + sum; k++) {
			while (below + page[i] < rank_of(q[k], h->total))
				below += page[i++];
			ret_us[k] = hist_value(p * HIST_PAGE + i);
		}
		before += sum;
	}
	for (; k < n; k++)
		ret_us[k] = -1;
}

int64_t
hist_quantile(const struct hist *h, double q)
{
	int64_t us;

	hist_quantiles(h, &q, 1, &us);
	return us;
}

int64_t
hist_max(const struct hist *h)
{
	for (unsigned p = HIST_PAGES; p-- > 0;) {
		const uint32_t *page = hist_page(h, p);

		for (unsigned i = HIST_PAGE; page && i-- > 0;)
			if (page[i])
				return hist_value(p * HIST_PAGE + i);
	}
	return -1;
}

size_t
hist_bytes(const struct hist *h)
{
	return h->pages * PAGE_BYTES;
}
