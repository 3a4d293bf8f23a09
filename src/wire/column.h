/*
 * column - the values of one column of a batch, whose bytes have been checked to be there.
 *
 * An entry is a load, a mask and an addition. Those of a delta's latencies are taken
 * sixteen bytes at a time where the machine can: a hundred of them and more stand for
 * what would have been as many events.
 */
#ifndef WEIR_SRC_WIRE_COLUMN_H
#define WEIR_SRC_WIRE_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

struct column {
	const uint8_t *p, *end; /* that of what may be read, at or behind the column's */
	uint64_t base, mask;
	unsigned width;
	bool optional;
};

/* Rows [@from, @from + @n). */
void column_read(const struct column *c, uint32_t from, uint32_t n, int64_t *to);

/* As many of a column that has the same value in all rows. */
void column_constant(const struct column *c, uint32_t n, int64_t *to);

/* The same, with as much as fits for what is more than that. */
void column_counts(const struct column *c, uint32_t from, uint32_t n, uint32_t *to);

/*
 * The same, of one row or more whose values ascend and stay below @limit, which is less
 * than 65536. False when they do not; also where they are told in more than two bytes.
 */
bool column_ascending(
	const struct column *c, uint32_t from, uint32_t n, uint32_t limit, uint16_t *to);

#endif
