#include "config.h"

#include "weir/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define FIRST_CHUNK 16384

struct arena_chunk {
	struct arena_chunk *older;
	size_t used, room;
	alignas(max_align_t) unsigned char data[];
};

static void
add_chunk(struct arena *a, size_t room)
{
	struct arena_chunk *c = xmalloc(sizeof(*c) + room);

	c->older = a->chunk;
	c->used = 0;
	c->room = room;
	a->chunk = c;
}

void *
arena_scratch(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_chunk *c = a->chunk;
	void *p;

	if (n > SIZE_MAX / 4)
		die("a table of %zu bytes is too large", n);
	n = (n + align - 1) / align * align;
	if (!c || c->room - c->used < n) {
		add_chunk(a, MAX(n, c ? c->room * 2 : FIRST_CHUNK));
		c = a->chunk;
	}
	p = c->data + c->used;
	c->used += n;
	a->total += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return memset(arena_scratch(a, n), 0, n);
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		die("a table of %zu entries is too large", count);
	return arena_alloc(a, count * size);
}

static void
free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *older = c->older;

		free(c);
		c = older;
	}
}

/* More than one chunk means it was too small: the next run gets one that fits all. */
void
arena_clear(struct arena *a)
{
	size_t total = a->total;

	a->total = 0;
	if (!a->chunk)
		return;
	if (a->chunk->older) {
		free_chunks(a->chunk);
		a->chunk = NULL;
		add_chunk(a, total + total / 4);
		return;
	}
	a->chunk->used = 0;
}

void
arena_done(struct arena *a)
{
	free_chunks(a->chunk);
	*a = (struct arena){ 0 };
}
