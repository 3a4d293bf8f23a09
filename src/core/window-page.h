/*
 * window-page - the counters of an octave, packed: all of them with as many bits as the
 * greatest needs, or only those that are not 0, whichever is shorter.
 */
#ifndef WEIR_CORE_WINDOW_PAGE_H
#define WEIR_CORE_WINDOW_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/core/hist.h"

/* The first byte: the number of the page, and its form above that. */
#define PAGE_FORM_SHIFT 5
#define PAGE_FORM_FEW 4 /* the first form of those that are not full */

/* A packed page has at most so many bytes. */
#define PAGE_BYTES_MAX (2 + HIST_PAGE * (1 + sizeof(uint32_t)))

/* Write the counters of @page at @p, and zero them. Returns where that ends. */
uint8_t *page_put(uint8_t *p, unsigned page, uint32_t *count);

/* Does @p have all of its counters, which are bytes then? */
static inline bool
page_is_full(const uint8_t *p)
{
	return *p >> PAGE_FORM_SHIFT < PAGE_FORM_FEW;
}

static inline unsigned
page_number(const uint8_t *p)
{
	return *p & ((1u << PAGE_FORM_SHIFT) - 1);
}

/* The counters of a full page. Returns where it ends. */
const uint8_t *page_get(const uint8_t *p, uint8_t *count);

/* The buckets and counters of one that is not; counts them in @ret_n. The same. */
const uint8_t *page_get_few(
	const uint8_t *p, uint16_t *bucket, uint32_t *count, unsigned *ret_n);

#endif
