/*
 * seen - a bounded memory of spans, so that a batch delivered twice counts once.
 *
 * Remembers the last N (trace, span, side) exactly and forgets the oldest first.
 */
#ifndef WEIR_CORE_SEEN_H
#define WEIR_CORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(uint32_t max, uint64_t seed);
void seen_free(struct seen *s);

/* True when it is remembered; else it is from now on. */
bool seen_again(
	struct seen *s, const uint8_t trace[16], const uint8_t span[8], uint8_t side);

#endif
