/*
 * hist - a mergeable histogram of latencies with a known error.
 *
 * Log-linear buckets: one for every microsecond below 128, then 64 to the octave up
 * to HIST_LIMIT_US (71 minutes), then one for all that is longer. A quantile is the
 * middle of the bucket that holds the sample of that rank, so it is within 1/128
 * (0.8 %) of the true one. Merging adds counts and loses nothing; taking away what
 * was added gives back exactly what was there before.
 *
 * Counters stand in pages of an octave each, which exist only where samples are. They
 * are bytes until one of them has to be more than that, then two, then four: most edges
 * cost some hundred bytes, whatever the range. A counter holds up to 2^32 - 1.
 */
#ifndef WEIR_CORE_HIST_H
#define WEIR_CORE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_PAGE (1u << HIST_SUB_BITS) /* buckets in a page */
#define HIST_LIMIT_US (UINT64_C(1) << 32)
#define HIST_OVERFLOW ((32u - HIST_SUB_BITS + 1) << HIST_SUB_BITS)
#define HIST_BUCKETS (HIST_OVERFLOW + 1)
#define HIST_PAGES (HIST_BUCKETS / HIST_PAGE + 1)

/* An all-zero hist is empty and valid. */
struct hist {
	uint64_t total;
	void *count;            /* the pages that are there, in the order they came */
	uint8_t pages;          /* how many that are */
	uint8_t width;          /* a counter has 1 << width bytes */
	uint8_t at[HIST_PAGES]; /* where each one stands, from 1; 0: it is not there */
};

/* Bucket of a latency. No branch: the compiler makes a conditional move of the limit. */
static inline unsigned
hist_index(uint64_t us)
{
	uint64_t v = us < HIST_LIMIT_US ? us : HIST_LIMIT_US;
	unsigned shift = 63u - HIST_SUB_BITS - (unsigned)__builtin_clzll(v | HIST_PAGE);

	return (shift << HIST_SUB_BITS) + (unsigned)(v >> shift);
}

/* Least and greatest latency of a bucket. Those of the overflow bucket are its bound. */
static inline int64_t
hist_low(unsigned bucket)
{
	unsigned shift = bucket < 2 * HIST_PAGE ? 0 : (bucket >> HIST_SUB_BITS) - 1;

	return (int64_t)((uint64_t)(bucket - (shift << HIST_SUB_BITS)) << shift);
}

static inline int64_t
hist_high(unsigned bucket)
{
	return bucket < HIST_OVERFLOW ? hist_low(bucket + 1) - 1 : hist_low(bucket);
}

/* What a quantile in that bucket is said to be: its middle. */
int64_t hist_value(unsigned bucket);

void hist_done(struct hist *h); /* frees; the hist is empty and usable again */

/* Make the page of @bucket, or if it is there, the counters wider. */
void hist_make_room(struct hist *h, unsigned bucket);

/* Which of all counters that of a bucket is; its page is there. */
static inline size_t
hist_place(const struct hist *h, unsigned bucket)
{
	return (h->at[bucket / HIST_PAGE] - 1u) * HIST_PAGE + bucket % HIST_PAGE;
}

static inline uint32_t
hist_count(const struct hist *h, unsigned bucket)
{
	size_t i = hist_place(h, bucket);

	if (!h->at[bucket / HIST_PAGE])
		return 0;
	return h->width == 0   ? ((const uint8_t *)h->count)[i]
	       : h->width == 1 ? ((const uint16_t *)h->count)[i]
			       : ((const uint32_t *)h->count)[i];
}

/* Add @by to a counter. False when its page is not there, or it would not fit. */
static inline bool
hist_try(struct hist *h, unsigned bucket, uint32_t by)
{
	size_t i = hist_place(h, bucket);

	if (!h->at[bucket / HIST_PAGE])
		return false;
	if (h->width == 0) {
		uint8_t *p = (uint8_t *)h->count + i;
		uint32_t v = *p + by;

		if (v > UINT8_MAX)
			return false;
		*p = (uint8_t)v;
		return true;
	}
	if (h->width == 1) {
		uint16_t *p = (uint16_t *)h->count + i;
		uint32_t v = *p + by;

		if (v > UINT16_MAX)
			return false;
		*p = (uint16_t)v;
		return true;
	}
	((uint32_t *)h->count)[i] += by;
	return true;
}

/* The same with room made, and not to the total; to take away, 2^32 less that. */
static inline void
hist_move(struct hist *h, unsigned bucket, uint32_t by)
{
	while (__builtin_expect(!hist_try(h, bucket, by), 0))
		hist_make_room(h, bucket);
}

static inline void
hist_add(struct hist *h, unsigned bucket, uint32_t count)
{
	hist_move(h, bucket, count);
	h->total += count;
}

/* Take away what was added before. */
static inline void
hist_sub(struct hist *h, unsigned bucket, uint32_t count)
{
	hist_move(h, bucket, -count);
	h->total -= count;
}

/* Have a counter on its way, to be written. */
static inline void
hist_fetch_counter(const struct hist *h, unsigned bucket)
{
	if (h->at[bucket / HIST_PAGE])
		__builtin_prefetch(
			(const char *)h->count + (hist_place(h, bucket) << h->width), 1);
}

/* Add a count for each bucket of a page, room made, or take them away. */
void hist_turn_page(struct hist *h, unsigned page, const uint8_t *count, bool minus);

/* Have the counters of a page on their way, to be written. */
static inline void
hist_fetch_page(const struct hist *h, unsigned page)
{
	const char *p = (const char *)h->count;

	if (!h->at[page])
		return;
	p += (size_t)(h->at[page] - 1u) * HIST_PAGE << h->width;
	for (unsigned i = 0; i < 1u << h->width; i++)
		__builtin_prefetch(p + i * HIST_PAGE, 1);
}

void hist_merge(struct hist *to, const struct hist *from);

/* Give back the pages that hold only zeros, and bytes of counters that none needs. */
void hist_trim(struct hist *h);

/*
 * The quantiles @q (ascending, 0..1) by nearest rank: the least latency that at
 * least that share of the samples does not exceed. -1 each when there is no sample.
 */
void hist_quantiles(const struct hist *h, const double *q, unsigned n, int64_t *ret_us);
int64_t hist_quantile(const struct hist *h, double q);

/* The greatest latency there is, to the error of a bucket; -1 without samples. */
int64_t hist_max(const struct hist *h);

/* Have all counters on their way: one after the other each would be waited for. */
void hist_fetch(const struct hist *h);

/* Bytes held beside the struct itself. */
size_t hist_bytes(const struct hist *h);

#endif
