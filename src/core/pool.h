/*
 * pool - an array whose entries are taken and given back by index.
 *
 * An entry taken is zeroed. Pointers into it are valid until the next pool_take().
 */
#ifndef WEIR_CORE_POOL_H
#define WEIR_CORE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool {
	char *items;
	size_t size;          /* of an item */
	uint32_t count, room; /* ever taken at once; includes those given back */
	uint32_t live;
	uint32_t *free;
};

void pool_init(struct pool *p, size_t size);
void pool_done(struct pool *p);
uint32_t pool_take(struct pool *p);
void pool_give(struct pool *p, uint32_t i);
size_t pool_bytes(const struct pool *p);

static inline void *
pool_at(const struct pool *p, uint32_t i)
{
	return p->items + i * p->size;
}

#endif
