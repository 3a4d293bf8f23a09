/*
 * The first byte is the number of the page and the form: four of full pages, with 1, 2, 4
 * and 8 bits a counter, and three of the others, with 1, 2 and 4 bytes. Those have a
 * byte that says how many counters there are, a byte for the place of each, and then them.
 *
 * In a full page eight counters that stand side by side in memory are as many apart as
 * there are bytes, so that nothing has to be done one by one.
 */
#include "config.h"

#include "window-page.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "weir/base/util.h"

_Static_assert(HIST_PAGES <= 1 << PAGE_FORM_SHIFT, "a page's number fits");

#define WORDS (HIST_PAGE / sizeof(uint64_t))

/* As many bytes of 1 << @log bits each. */
static inline uint64_t
mask_of(unsigned log)
{
	return UINT64_MAX / UINT8_MAX * ((1u << (1u << log)) - 1);
}

static inline uint8_t *
squeeze(uint8_t *p, unsigned log, const uint8_t *count)
{
	unsigned words = 1u << log, bits = 1u << log;

	for (unsigned i = 0; i < words; i++) {
		uint64_t v = 0, some;

		for (unsigned k = 0; k < WORDS / words; k++) {
			memcpy(&some, count + (k * words + i) * sizeof(v), sizeof(v));
			v |= some << k * bits;
		}
		memcpy(p, &v, sizeof(v));
		p += sizeof(v);
	}
	return p;
}

static inline const uint8_t *
spread(const uint8_t *p, unsigned log, uint8_t *count)
{
	unsigned words = 1u << log, bits = 1u << log;

	for (unsigned i = 0; i < words; i++) {
		uint64_t v, some;

		memcpy(&v, p, sizeof(v));
		p += sizeof(v);
		for (unsigned k = 0; k < WORDS / words; k++) {
			some = v >> k * bits & mask_of(log);
			memcpy(count + (k * words + i) * sizeof(v), &some, sizeof(v));
		}
	}
	return p;
}

/* Which of them are not 0, and make bytes of them, of what is greater the lowest one. */
static uint64_t
narrow(const uint32_t *count, uint8_t *to)
{
	uint64_t some = 0;

#ifdef __SSE2__
	const __m128i *from = (const __m128i *)count, zero = _mm_setzero_si128(),
		      low = _mm_set1_epi32(UINT8_MAX);

	for (unsigned i = 0; i < HIST_PAGE; i += 16, from += 4) {
		__m128i v[4], is[4], bytes;

		for (unsigned k = 0; k < 4; k++) {
			v[k] = _mm_loadu_si128(from + k);
			is[k] = _mm_cmpeq_epi32(v[k], zero);
			v[k] = _mm_and_si128(v[k], low);
		}
		bytes = _mm_packus_epi16(
			_mm_packs_epi32(v[0], v[1]), _mm_packs_epi32(v[2], v[3]));
		_mm_storeu_si128((__m128i *)(to + i), bytes);
		bytes = _mm_packs_epi16(
			_mm_packs_epi32(is[0], is[1]), _mm_packs_epi32(is[2], is[3]));
		some |= (uint64_t)(uint16_t)~_mm_movemask_epi8(bytes) << i;
	}
#else
	for (unsigned i = 0; i < HIST_PAGE; i++) {
		some |= (uint64_t)(count[i] != 0) << i;
		to[i] = (uint8_t)count[i];
	}
#endif
	return some;
}

/* Those in @some, with 1 << @log bytes each. */
static inline uint8_t *
put_few(uint8_t *p, uint64_t some, unsigned log, const uint32_t *count)
{
	unsigned n = (unsigned)__builtin_popcountll(some);
	uint8_t *to = p + 1 + n;

	*p++ = (uint8_t)n;
	for (; some; some &= some - 1) {
		unsigned i = (unsigned)__builtin_ctzll(some);
		uint32_t v = count[i];

		*p++ = (uint8_t)i;
		for (unsigned k = 0; k < 1u << log; k++, v >>= 8)
			*to++ = (uint8_t)v;
	}
	return to;
}

uint8_t *
page_put(uint8_t *p, unsigned page, uint32_t *count)
{
	uint8_t *start = p++, byte[HIST_PAGE];
	uint64_t some = narrow(count, byte);
	unsigned n = (unsigned)__builtin_popcountll(some), form;
	uint32_t all = 0;

	for (unsigned i = 0; i < HIST_PAGE; i++)
		all |= count[i];
	form = all < 1u << 1 ? 0 : all < 1u << 2 ? 1 : all < 1u << 4 ? 2 : 3;
	if (all > UINT16_MAX) {
		form = PAGE_FORM_FEW + 2;
		p = put_few(p, some, 2, count);
	} else if (all > UINT8_MAX) {
		form = PAGE_FORM_FEW + 1;
		p = put_few(p, some, 1, count);
	} else if (2 * n < 8u << form) {
		form = PAGE_FORM_FEW;
		p = put_few(p, some, 0, count);
	} else {
		p = form == 0   ? squeeze(p, 0, byte)
		    : form == 1 ? squeeze(p, 1, byte)
		    : form == 2 ? squeeze(p, 2, byte)
				: squeeze(p, 3, byte);
	}
	memset(count, 0, HIST_PAGE * sizeof(*count));
	*start = (uint8_t)(form << PAGE_FORM_SHIFT | page);
	return p;
}

const uint8_t *
page_get(const uint8_t *p, uint8_t *count)
{
	unsigned form = *p++ >> PAGE_FORM_SHIFT;

	switch (form) {
	case 0:
		return spread(p, 0, count);
	case 1:
		return spread(p, 1, count);
	case 2:
		return spread(p, 2, count);
	default:
		return spread(p, 3, count);
	}
}

static inline const uint8_t *
get_few(const uint8_t *p, unsigned n, unsigned log, uint32_t *count)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t v = 0;

		for (unsigned k = 0; k < 1u << log; k++)
			v |= (uint32_t)*p++ << 8 * k;
		count[i] = v;
	}
	return p;
}

const uint8_t *
page_get_few(const uint8_t *p, uint16_t *bucket, uint32_t *count, unsigned *ret_n)
{
	unsigned form = *p >> PAGE_FORM_SHIFT, page = page_number(p), n = p[1];

	p += 2;
	for (unsigned i = 0; i < n; i++)
		bucket[i] = (uint16_t)(page * HIST_PAGE + *p++);
	*ret_n = n;
	switch (form) {
	case PAGE_FORM_FEW:
		return get_few(p, n, 0, count);
	case PAGE_FORM_FEW + 1:
		return get_few(p, n, 1, count);
	default:
		return get_few(p, n, 2, count);
	}
}
