/*
 * What the tests of the wire share: numbers that look random but are the same in each
 * run, events made of them, and events compared.
 */
#ifndef WEIR_TESTS_WIRE_KIT_H
#define WEIR_TESTS_WIRE_KIT_H

#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/wire/wire.h"

struct dice {
	uint64_t state; /* the seed; print it when a test fails */
};

uint64_t dice_roll(struct dice *d, uint64_t sides); /* 0 .. sides - 1 */

/* An event whose text is in static buffers until the fourth call after. */
void dice_event(struct dice *d, struct event *ret_event);

/* wire_decode() by a decoder that has seen nothing before. */
enum status decode_once(uint8_t encoding, struct str payload, int64_t now_us,
	wire_event_fn fn, void *ctx, struct wire_counts *counts);

/* Appends every field, so that two events are the same when their texts are. */
void event_describe(struct buf *out, const struct event *e);

#endif
