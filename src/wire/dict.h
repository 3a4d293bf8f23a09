/*
 * dict - distinct byte strings, numbered from 0 in the order of their first coming.
 *
 * For one batch at a time: clearing keeps the memory. An all-zero dict is empty and
 * valid.
 */
#ifndef WEIR_SRC_WIRE_DICT_H
#define WEIR_SRC_WIRE_DICT_H

#include <stdint.h>

#include "weir/base/buf.h"

struct dict {
	struct buf bytes;
	uint32_t *end; /* of each string in bytes */
	uint32_t count, room;
	uint32_t *slot; /* number + 1; 0 is free */
	uint32_t mask;
};

void dict_done(struct dict *d);
void dict_clear(struct dict *d);

/* The number of @s, which is added when it is new. */
uint32_t dict_id(struct dict *d, struct str s);

/* Borrowed until the next dict_id() or dict_clear(). */
struct str dict_at(const struct dict *d, uint32_t i);

#endif
