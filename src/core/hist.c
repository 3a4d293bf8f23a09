/*
 * Why this shape: HDR with two digits takes 20 KB an edge and 15 us for three
 * quantiles, a t-digest is off without bound when a quantile falls between two
 * modes, and 32 buckets to the octave give 1.6 %. A page per octave keeps the
 * record path at two loads and an add, and lets a quantile skip whole octaves. With
 * thousands of edges that path waits for memory: a page is one line of it while its
 * counters are bytes.
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

#define LINE 64 /* bytes of a cache line: a page of the narrowest counters */
_Static_assert(HIST_PAGE == LINE, "no page is in two lines for nothing");

static size_t
page_bytes(unsigned width)
{
	return (size_t)HIST_PAGE << width;
}

/* Counters of another width, with room for that many pages. */
static void
reshape(struct hist *h, unsigned pages, unsigned width)
{
	struct hist to = *h;

	to.width = (uint8_t)width;
	to.count = xmalloc_aligned(LINE, pages * page_bytes(width));
	memset(to.count, 0, pages * page_bytes(width));
	if (width == h->width && h->pages)
		memcpy(to.count, h->count, h->pages * page_bytes(width));
	for (unsigned b = 0; width != h->width && b < HIST_BUCKETS; b++)
		if (h->at[b / HIST_PAGE])
			hist_try(&to, b, hist_count(h, b));
	free(h->count);
	*h = to;
}

void
hist_make_room(struct hist *h, unsigned bucket)
{
	if (h->at[bucket / HIST_PAGE]) {
		reshape(h, h->pages, h->width + 1u);
		return;
	}
	reshape(h, h->pages + 1u, h->width);
	h->at[bucket / HIST_PAGE] = ++h->pages;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		if (hist_count(from, b))
			hist_move(to, b, hist_count(from, b));
	to->total += from->total;
}

/* The sum of bytes, eight by eight: each of four in two bytes, which hold that of a page. */
static uint64_t
bytes_sum(const uint8_t *p)
{
	const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t sum = 0, v;

	for (unsigned i = 0; i < HIST_PAGE; i += sizeof(v)) {
		memcpy(&v, p + i, sizeof(v));
		sum += (v & even) + (v >> 8 & even);
	}
	return sum * UINT64_C(0x0001000100010001) >> 48;
}

/*
 * The counters of a page and @count, where that fits: then true. GCC makes vectors of
 * these loops.
 */
static bool
add_to_8(uint8_t *restrict p, const uint8_t *restrict count)
{
	uint8_t sum[HIST_PAGE], over = 0;

	for (unsigned i = 0; i < HIST_PAGE; i++) {
		sum[i] = (uint8_t)(p[i] + count[i]);
		over |= sum[i] < count[i];
	}
	if (!over)
		memcpy(p, sum, sizeof(sum));
	return !over;
}

static bool
add_to_16(uint16_t *restrict p, const uint8_t *restrict count)
{
	uint16_t sum[HIST_PAGE], over = 0;

	for (unsigned i = 0; i < HIST_PAGE; i++) {
		sum[i] = (uint16_t)(p[i] + count[i]);
		over |= sum[i] < count[i];
	}
	if (!over)
		memcpy(p, sum, sizeof(sum));
	return !over;
}

static bool
page_add(struct hist *h, unsigned page, const uint8_t *restrict count)
{
	size_t at = hist_place(h, page * HIST_PAGE);
	uint32_t *restrict wide;

	if (!h->at[page])
		return false;
	if (h->width == 0)
		return add_to_8((uint8_t *)h->count + at, count);
	if (h->width == 1)
		return add_to_16((uint16_t *)h->count + at, count);
	wide = (uint32_t *)h->count + at;
	for (unsigned i = 0; i < HIST_PAGE; i++)
		wide[i] += count[i];
	return true;
}

static void
page_sub(struct hist *h, unsigned page, const uint8_t *restrict count)
{
	size_t at = hist_place(h, page * HIST_PAGE);

	if (h->width == 0) {
		uint8_t *restrict p = (uint8_t *)h->count + at;

		for (unsigned i = 0; i < HIST_PAGE; i++)
			p[i] = (uint8_t)(p[i] - count[i]);
	} else if (h->width == 1) {
		uint16_t *restrict p = (uint16_t *)h->count + at;

		for (unsigned i = 0; i < HIST_PAGE; i++)
			p[i] = (uint16_t)(p[i] - count[i]);
	} else {
		uint32_t *restrict p = (uint32_t *)h->count + at;

		for (unsigned i = 0; i < HIST_PAGE; i++)
			p[i] -= count[i];
	}
}

void
hist_turn_page(struct hist *h, unsigned page, const uint8_t *count, bool minus)
{
	uint64_t sum = bytes_sum(count);

	if (minus)
		page_sub(h, page, count);
	else
		while (!page_add(h, page, count))
			hist_make_room(h, page * HIST_PAGE);
	h->total += minus ? -sum : sum;
}

/* What is counted in a page that is there. */
static uint64_t
page_sum(const struct hist *h, unsigned page)
{
	uint64_t sum = 0;

	if (h->width == 0)
		return bytes_sum(
			(const uint8_t *)h->count + hist_place(h, page * HIST_PAGE));
	for (unsigned i = 0; i < HIST_PAGE; i++)
		sum += hist_count(h, page * HIST_PAGE + i);
	return sum;
}

/* Forget a page of zeros: the last one moves into its place. */
static void
drop_page(struct hist *h, unsigned page)
{
	size_t bytes = page_bytes(h->width);
	char *count = h->count;
	uint8_t hole = h->at[page];

	for (unsigned p = 0; p < HIST_PAGES; p++)
		if (h->at[p] == h->pages) {
			memmove(count + (hole - 1u) * bytes,
				count + (h->pages - 1u) * bytes, bytes);
			h->at[p] = hole;
		}
	h->at[page] = 0;
	h->pages--;
}

/* Half of what fits a counter of that width: what is narrowed is not to grow at once. */
static uint32_t
fits_well(unsigned width)
{
	return UINT32_C(1) << ((8u << width) - 1);
}

void
hist_trim(struct hist *h)
{
	unsigned was = h->pages, width = h->width;
	uint32_t most = 0;

	for (unsigned p = 0; p < HIST_PAGES; p++)
		if (h->at[p] && page_sum(h, p) == 0)
			drop_page(h, p);
	for (unsigned b = 0; width && b < HIST_BUCKETS; b++)
		most = MAX(most, hist_count(h, b));
	while (width && most <= fits_well(width - 1))
		width--;
	if (h->pages == was && width == h->width)
		return;
	if (h->pages) {
		reshape(h, h->pages, width);
		return;
	}
	free(h->count);
	h->count = NULL;
	h->width = 0;
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
	for (size_t i = 0; i < hist_bytes(h); i += LINE)
		__builtin_prefetch((const char *)h->count + i);
}

void
hist_quantiles(const struct hist *h, const double *q, unsigned n, int64_t *ret_us)
{
	uint64_t before = 0;
	unsigned k = 0;

	for (unsigned p = 0; p < HIST_PAGES && k < n && h->total; p++) {
		uint64_t sum, below = before;
		unsigned i = p * HIST_PAGE;

		if (!h->at[p])
			continue;
		sum = page_sum(h, p);
		for (; k < n && rank_of(q[k], h->total) <= before + sum; k++) {
			while (below + hist_count(h, i) < rank_of(q[k], h->total))
				below += hist_count(h, i++);
			ret_us[k] = hist_value(i);
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
		for (unsigned i = HIST_PAGE; h->at[p] && i-- > 0;)
			if (hist_count(h, p * HIST_PAGE + i))
				return hist_value(p * HIST_PAGE + i);
	}
	return -1;
}

size_t
hist_bytes(const struct hist *h)
{
	return h->pages * page_bytes(h->width);
}
