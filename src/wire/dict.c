#include "config.h"

#include "dict.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define SLOTS_MIN 1024

void
dict_done(struct dict *d)
{
	buf_done(&d->bytes);
	free(d->end);
	free(d->slot);
	*d = (struct dict){ 0 };
}

void
dict_clear(struct dict *d)
{
	buf_clear(&d->bytes);
	d->count = 0;
	if (d->slot)
		memset(d->slot, 0, (d->mask + 1u) * sizeof(*d->slot));
}

struct str
dict_at(const struct dict *d, uint32_t i)
{
	uint32_t start = i ? d->end[i - 1] : 0;

	return (struct str){ .p = d->bytes.p + start, .n = d->end[i] - start };
}

/* Where the number of @s is, or the free place where it goes. */
static uint32_t *
slot_of(const struct dict *d, struct str s)
{
	uint32_t i = (uint32_t)hash_bytes(s.p, s.n) & d->mask;

	while (d->slot[i] && !str_same(dict_at(d, d->slot[i] - 1), s))
		i = (i + 1) & d->mask;
	return &d->slot[i];
}

static void
grow(struct dict *d)
{
	d->room = d->room ? d->room * 2 : SLOTS_MIN / 2;
	d->end = xreallocarray(d->end, d->room, sizeof(*d->end));
	d->mask = d->room * 2 - 1;
	free(d->slot);
	d->slot = xcalloc(d->mask + 1u, sizeof(*d->slot));
	for (uint32_t i = 0; i < d->count; i++)
		*slot_of(d, dict_at(d, i)) = i + 1;
}

uint32_t
dict_id(struct dict *d, struct str s)
{
	uint32_t *slot;

	if (d->count == d->room)
		grow(d);
	slot = slot_of(d, s);
	if (!*slot) {
		buf_add(&d->bytes, s.p, s.n);
		d->end[d->count++] = (uint32_t)d->bytes.n;
		*slot = d->count;
	}
	return *slot - 1;
}
