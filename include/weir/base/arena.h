/*
 * arena - memory that is given back all at once.
 *
 * For a computation that needs many arrays of sizes known only as it goes on. An
 * all-zero arena is empty and valid. Clearing keeps the memory, so that the second
 * run of the same computation takes nothing from the system.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* the newest; they grow */
	size_t total;              /* bytes handed out since the last clear */
};

/* @n zeroed bytes, aligned for any type. Valid until arena_clear() or arena_done(). */
void *arena_alloc(struct arena *a, size_t n);

/* As arena_alloc() without the zeroing. */
void *arena_scratch(struct arena *a, size_t n);

/* As arena_alloc() for an array; dies when @count * @size overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

#define ARENA_NEW(a, type, count) ((type *)arena_array((a), (count), sizeof(type)))

void arena_clear(struct arena *a);
void arena_done(struct arena *a);

#endif
