#include "config.h"

#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

void
pool_init(struct pool *p, size_t size)
{
	*p = (struct pool){ .size = size };
}

void
pool_done(struct pool *p)
{
	free(p->items);
	free(p->free);
	pool_init(p, p->size);
}

uint32_t
pool_take(struct pool *p)
{
	uint32_t i;

	if (p->live < p->count) {
		i = p->free[p->count - p->live - 1];
	} else {
		if (p->count == p->room) {
			p->room = p->room ? p->room * 2 : 32;
			p->items = xreallocarray(p->items, p->room, p->size);
			p->free = xreallocarray(p->free, p->room, sizeof(*p->free));
		}
		i = p->count++;
	}
	p->live++;
	memset(pool_at(p, i), 0, p->size);
	return i;
}

void
pool_give(struct pool *p, uint32_t i)
{
	p->live--;
	p->free[p->count - p->live - 1] = i;
}

size_t
pool_bytes(const struct pool *p)
{
	return p->room * (p->size + sizeof(*p->free));
}
