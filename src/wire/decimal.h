/*
 * decimal - numbers of JSON exactly, where a double would round them.
 */
#ifndef WEIR_SRC_WIRE_DECIMAL_H
#define WEIR_SRC_WIRE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

/* A decimal number down to 1e-9; more digits are cut off. */
struct decimal {
	bool negative;  /* and not zero */
	uint64_t whole; /* saturated: then overflow is set */
	uint32_t nano;
	bool overflow;
};

/* From a number literal in JSON's grammar. False when @s is none, or not finite. */
bool decimal_from(struct str s, struct decimal *ret_number);

/* @d times @scale (a power of ten up to 1e9), rounded; false when over @max or negative. */
bool decimal_scaled(
	const struct decimal *d, uint32_t scale, uint64_t max, uint64_t *ret_number);

#endif
