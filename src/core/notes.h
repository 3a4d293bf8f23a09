/*
 * notes - what services say of themselves: their last log lines and values.
 *
 * Log lines of a service are kept as patterns with counts, values as rings of the
 * newest. Bounded in services, in patterns and values of each, and in text; where
 * there is no room the least interesting goes. Services are numbers here (name ids).
 */
#ifndef WEIR_SRC_CORE_NOTES_H
#define WEIR_SRC_CORE_NOTES_H

#include "weir/core/snap.h"

struct notes;

struct notes *notes_new(void);
void notes_free(struct notes *n);

/* @at_us is the model's time of the record; times never go back by much. */
void notes_add(struct notes *n, uint32_t service, const struct note *note, int64_t at_us);
void notes_gauge(struct notes *n, uint32_t service, const struct gauge *g, int64_t at_us);

/* Add what @service said since @from_us to the newest node of @s; times less @shift_us. */
void notes_fill(const struct notes *n, uint32_t service, int64_t from_us,
	int64_t shift_us, struct snap *s);

size_t notes_bytes(const struct notes *n);

#endif
