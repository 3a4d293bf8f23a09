#include "config.h"

#include "column.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes.h"
#include "weir/base/util.h"
#include "weir/core/flow.h"

/*
 * What an entry stands for. Base and up to seven bytes cannot overflow. The entry 0 of a
 * column that may be unknown is FLOW_UNKNOWN, which is -1.
 */
static inline int64_t
value_of(uint64_t base, bool optional, uint64_t entry)
{
	if (optional)
		return entry ? (int64_t)(base + entry - 1) : FLOW_UNKNOWN;
	return (int64_t)(base + entry);
}

/* Eight bytes have no base and may say more than fits: that is the greatest there is. */
static void
read_wide(const struct column *c, const uint8_t *p, uint32_t n, int64_t *to)
{
	for (uint32_t i = 0; i < n; i++, p += 8) {
		uint64_t v = get_le64(p);

		to[i] = c->optional && v == 0
				? FLOW_UNKNOWN
				: (int64_t)MIN(v - c->optional, (uint64_t)INT64_MAX);
	}
}

/* Entries of @width bytes by loads of eight, the last few one byte after the other. */
static inline void
read_entries(
	const struct column *c, const uint8_t *p, bool optional, uint32_t n, int64_t *to)
{
	uint64_t base = c->base, mask = c->mask;
	unsigned width = c->width;
	/* What is loaded beyond an entry is masked, but must not lie beyond the end. */
	bool room = (size_t)(c->end - p) >= (size_t)n * width + sizeof(mask);
	uint32_t i = 0, whole = room ? n : n - MIN(n, (uint32_t)sizeof(mask));

#pragma GCC unroll 4
	for (; i < whole; i++, p += width)
		to[i] = value_of(base, optional, get_le64(p) & mask);
	for (; i < n; i++, p += width)
		to[i] = value_of(base, optional, get_le(p, width));
}

void
column_constant(const struct column *c, uint32_t n, int64_t *to)
{
	int64_t v = value_of(c->base, c->optional, 0);

	for (uint32_t i = 0; i < n; i++)
		to[i] = v;
}

void
column_read(const struct column *c, uint32_t from, uint32_t n, int64_t *to)
{
	const uint8_t *p = c->p + (size_t)from * c->width;

	if (c->width == 0)
		column_constant(c, n, to);
	else if (c->width == 8)
		read_wide(c, p, n, to);
	else if (c->optional)
		read_entries(c, p, true, n, to);
	else
		read_entries(c, p, false, n, to);
}

/*
 * Below, the loops over single values are what is done; those before them do the same
 * sixteen bytes at a time.
 */

/* Bytes, and @base more. */
static void
widen_to_32(const uint8_t *p, uint32_t base, uint32_t n, uint32_t *to)
{
	uint32_t i = 0;

#ifdef __SSE2__
	const __m128i zero = _mm_setzero_si128(), more = _mm_set1_epi32((int)base);

	for (; n - i >= 8; i += 8) {
		__m128i v = _mm_loadl_epi64((const __m128i *)(p + i));

		v = _mm_unpacklo_epi8(v, zero);
		_mm_storeu_si128((__m128i *)(to + i),
			_mm_add_epi32(_mm_unpacklo_epi16(v, zero), more));
		_mm_storeu_si128((__m128i *)(to + i + 4),
			_mm_add_epi32(_mm_unpackhi_epi16(v, zero), more));
	}
#endif
	for (; i < n; i++)
		to[i] = base + p[i];
}

/* The same in 16 bits, of entries that are one or two bytes wide. */
static void
widen_to_16(const uint8_t *p, unsigned width, uint16_t base, uint32_t n, uint16_t *to)
{
	uint32_t i = 0;

#ifdef __SSE2__
	const __m128i zero = _mm_setzero_si128(), more = _mm_set1_epi16((short)base);

	for (; n - i >= 8; i += 8) {
		const __m128i *from = (const __m128i *)(p + (size_t)i * width);
		__m128i v = width == 2 ? _mm_loadu_si128(from)
				       : _mm_unpacklo_epi8(_mm_loadl_epi64(from), zero);

		_mm_storeu_si128((__m128i *)(to + i), _mm_add_epi16(v, more));
	}
#endif
	for (; i < n; i++)
		to[i] = (uint16_t)(base + get_le(p + (size_t)i * width, width));
}

/* Is each of them more than the one before? */
static bool
ascends(const uint16_t *v, uint32_t n)
{
	unsigned not_more = 0;
	uint32_t i = 1;

#ifdef __SSE2__
	__m128i none = _mm_setzero_si128();

	for (; n >= 8 && i <= n - 8; i += 8) {
		__m128i a = _mm_loadu_si128((const __m128i *)(v + i - 1));
		__m128i b = _mm_loadu_si128((const __m128i *)(v + i));
		__m128i more = _mm_subs_epu16(b, a);

		none = _mm_or_si128(none, _mm_cmpeq_epi16(more, _mm_setzero_si128()));
	}
	not_more = (unsigned)_mm_movemask_epi8(none);
#endif
	for (; i < n; i++)
		not_more |= v[i] <= v[i - 1];
	return !not_more;
}

#define PART 32

void
column_counts(const struct column *c, uint32_t from, uint32_t n, uint32_t *to)
{
	const uint8_t *p = c->p + (size_t)from * c->width;
	int64_t some[PART];

	if (c->width == 1 && c->base < UINT32_MAX - UINT8_MAX) {
		widen_to_32(p, (uint32_t)c->base, n, to);
		return;
	}
	for (uint32_t i = 0, part; i < n; i += part) {
		part = MIN(n - i, (uint32_t)PART);
		column_read(c, from + i, part, some);
		for (uint32_t k = 0; k < part; k++)
			to[i + k] = (uint32_t)MIN(some[k], (int64_t)UINT32_MAX);
	}
}

bool
column_ascending(
	const struct column *c, uint32_t from, uint32_t n, uint32_t limit, uint16_t *to)
{
	const uint8_t *p = c->p + (size_t)from * c->width;

	if (c->base >= limit || c->width < 1 || c->width > 2 ||
		c->base + get_le(p + (n - 1) * c->width, c->width) >= limit)
		return false;
	widen_to_16(p, c->width, (uint16_t)c->base, n, to);
	/* What had no room in 16 bits would be less than the base. */
	return ascends(to, n) && to[0] >= c->base;
}
