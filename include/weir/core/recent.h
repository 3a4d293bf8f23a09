/*
 * recent - the requests of one edge or operation over the last minute, by the second.
 *
 * A log of cells (second, latency bucket, failed or not, how many), so that any span of
 * whole seconds can be read back as a histogram. Buckets are log-linear, sixteen to the
 * octave: at most 6 % wide. Requests may come in any order of time.
 *
 * Bounded: at most RECENT_MAX_CELLS cells (16 KiB); typically some hundred bytes. When
 * a very busy series does not fit, its oldest seconds go first.
 */
#ifndef WEIR_CORE_RECENT_H
#define WEIR_CORE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_BUCKETS 480u    /* 1 us to 18 minutes; longer falls into the last */
#define RECENT_NO_LATENCY 511u /* a request whose latency nobody knows */
#define RECENT_FAILED 512u
#define RECENT_KEEP_S 64u /* seconds a read may go back */
#define RECENT_MAX_CELLS 4096u

struct recent {
	uint32_t *cell; /* second % 256 << 24 | recent_key() << 14 | calls */
	uint32_t used, cap;
	uint32_t newest; /* the newest second ever added */
	uint32_t swept;  /* what it was when all older than a minute were last dropped */
	uint32_t disorder; /* no cell is more seconds older than one before it */
};

/* A span read back. Zero it with recent_sum_clear() between uses, not by memset. */
struct recent_sum {
	double calls, failed; /* all requests */
	double timed;         /* those with a latency: the sum of count[] */
	uint32_t lo, hi;      /* touched buckets, [lo, hi); empty when lo >= hi */
	uint32_t count[RECENT_BUCKETS];
};

/* The bucket of a latency, and the middle of a bucket in us. */
static inline unsigned
recent_bucket(int64_t us)
{
	uint64_t x = us < 1 ? 1 : (uint64_t)us;
	unsigned octave = 63u - (unsigned)__builtin_clzll(x);
	unsigned part =
		(unsigned)(octave >= 4 ? x >> (octave - 4) : x << (4 - octave)) & 15u;
	unsigned bucket = octave * 16 + part;

	return bucket < RECENT_BUCKETS ? bucket : RECENT_BUCKETS - 1;
}

static inline double
recent_value(unsigned bucket)
{
	unsigned octave = bucket / 16;
	/* Below 16 us a bucket is one whole number, or less. */
	uint64_t part = 32 + 2 * (bucket & 15u) + (octave < 4 ? 0 : 1);

	return (double)(part << octave) / 32;
}

/* What tells the requests of a second apart; @us negative: latency unknown. */
static inline unsigned
recent_key(int64_t us, bool failed)
{
	return (us < 0 ? RECENT_NO_LATENCY : recent_bucket(us)) |
	       (failed ? RECENT_FAILED : 0);
}

void recent_done(struct recent *r);

/* @calls requests alike. */
void recent_add(struct recent *r, uint32_t sec, unsigned key, uint32_t calls);

/* Add the seconds (@after, @upto] to @sum. */
void recent_read(
	const struct recent *r, uint32_t after, uint32_t upto, struct recent_sum *sum);

/* All requests and the odd ones by second, at s % RECENT_KEEP_S. */
struct recent_spread {
	uint32_t calls[RECENT_KEEP_S], odd[RECENT_KEEP_S];
};

/* Add (@after, @upto] to @spread: odd is slower than @bucket, or failed. */
void recent_spread_slow(const struct recent *r, uint32_t after, uint32_t upto,
	unsigned bucket, struct recent_spread *spread);
void recent_spread_failed(const struct recent *r, uint32_t after, uint32_t upto,
	struct recent_spread *spread);

void recent_sum_init(struct recent_sum *sum);
void recent_sum_clear(struct recent_sum *sum);
void recent_sum_add(struct recent_sum *to, const struct recent_sum *from);

/* Requests above @bucket; the mean in us; the latency below which share @q lies. */
double recent_sum_above(const struct recent_sum *sum, unsigned bucket);
double recent_sum_mean(const struct recent_sum *sum);
double recent_sum_quantile(const struct recent_sum *sum, double q);

size_t recent_bytes(const struct recent *r);

#endif
