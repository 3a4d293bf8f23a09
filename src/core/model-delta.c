/*
 * Deltas: requests that were added up before they came here. One whose bounds are
 * buckets of hist.h is booked as the same flows would be. One that covers several
 * seconds, as a scrape does, is spread over them evenly, so that a narrow window does
 * not show fifteen seconds of calls now and none for the next fourteen.
 */
#include "config.h"

#include "model-priv.h"
#include "weir/base/util.h"

#define DELTA_CALLS_MAX (UINT64_C(1) << 28)
#define DELTA_SPAN_MAX_US (3600 * SEC_US)
#define DELTA_BYTES_MAX (INT64_C(1) << 50)
#define SPREAD_TICKS_MAX 300

bool
delta_is_sane(const struct delta *d)
{
	uint64_t sum = 0;

	if (!d->src.n || !d->dst.n || d->kind >= KIND_COUNT ||
		d->origin >= ORIGIN_COUNT || d->src_kind >= NODE_KIND_COUNT ||
		d->dst_kind >= NODE_KIND_COUNT || d->calls > DELTA_CALLS_MAX ||
		d->errors > d->calls || d->span_us < 0 ||
		d->span_us > DELTA_SPAN_MAX_US || d->bytes_in < FLOW_UNKNOWN ||
		d->bytes_out < FLOW_UNKNOWN || d->bytes_in > DELTA_BYTES_MAX ||
		d->bytes_out > DELTA_BYTES_MAX)
		return false;
	for (uint32_t i = 0; i < d->buckets; i++) {
		if (d->bound_us[i] < 0 || d->count[i] > d->calls ||
			(i && d->bound_us[i] <= d->bound_us[i - 1]))
			return false;
		sum += d->count[i];
	}
	return sum <= d->calls;
}

static bool
is_coarse(const struct delta *d)
{
	for (uint32_t i = 0; i < d->buckets; i++) {
		int64_t bound = d->bound_us[i];

		if (d->count[i] && bound != INT64_MAX &&
			hist_high(hist_index((uint64_t)bound)) != bound)
			return true;
	}
	return false;
}

/* Where bucket @i of @d goes; nowhere when nothing at all is known of its latency. */
static uint16_t
bucket_for(const struct delta *d, uint32_t i, bool coarse)
{
	int64_t bound = d->bound_us[i];

	if (bound == INT64_MAX && coarse) {
		if (i == 0)
			return WINDOW_NO_LATENCY;
		bound = d->bound_us[i - 1];
	}
	return (uint16_t)hist_index((uint64_t)bound);
}

/* The share of @total that falls to part @k of @n; the shares add up to @total. */
static uint64_t
share(uint64_t total, unsigned k, unsigned n)
{
	uint64_t q = total / n, r = total % n;

	return q + (r * (k + 1) / n - r * k / n);
}

static int64_t
share_bytes(int64_t total, unsigned k, unsigned n)
{
	return total < 0 ? -1 : (int64_t)share((uint64_t)total, k, n);
}

static void
book_part(struct model *m, const struct delta *d, bool coarse, uint32_t series,
	int64_t at_us, unsigned k, unsigned n)
{
	uint64_t rest = d->calls;
	struct window_record r = {
		.series = series,
		.bucket = WINDOW_NO_LATENCY,
		.errors = (uint32_t)share(d->errors, k, n),
		.bytes_in = share_bytes(d->bytes_in, k, n),
		.bytes_out = share_bytes(d->bytes_out, k, n),
	};

	for (uint32_t i = 0; i < d->buckets; i++)
		rest -= d->count[i];
	r.calls = (uint32_t)share(rest, k, n);
	window_add(m->window, at_us, &r);
	r = (struct window_record){ .series = series, .bytes_in = -1, .bytes_out = -1 };
	for (uint32_t i = 0; i < d->buckets; i++) {
		r.calls = (uint32_t)share(d->count[i], k, n);
		r.bucket = bucket_for(d, i, coarse);
		r.coarse = coarse && r.bucket != WINDOW_NO_LATENCY;
		if (r.calls)
			window_add(m->window, at_us, &r);
	}
}

void
delta_book(struct model *m, const struct delta *d, uint32_t series, int64_t at_us)
{
	bool coarse = is_coarse(d);
	unsigned n =
		(unsigned)CLAMP((d->span_us + SEC_US / 2) / SEC_US, 1, SPREAD_TICKS_MAX);
	int64_t oldest = window_oldest_us(m->window);

	for (unsigned k = 0; k < n; k++)
		book_part(m, d, coarse, series,
			MAX(at_us - (int64_t)(n - 1 - k) * SEC_US, oldest), k, n);
	m->since_us = MIN(m->since_us, at_us - (int64_t)(n - 1) * SEC_US);
}
