#include "config.h"

#include "ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define ALIGN 16u
#define PADDING UINT32_MAX

/*
 * Where the ring is rewound when it is empty. Without that, a ring of 64 MiB would in
 * time touch all of its memory though no more than a few frames ever wait in it.
 */
#define REWIND (256u * 1024)

struct entry {
	uint32_t n; /* PADDING: go on at the ring's start */
	uint32_t unused;
	int64_t mono_us;
};

struct ring {
	char *bytes;
	size_t size;
	/* Positions only grow; modulo size they are places. Each on its own cache line. */
	_Alignas(64) _Atomic uint64_t head; /* written by the thread that puts */
	_Alignas(64) _Atomic uint64_t tail; /* written by the thread that gets */
	uint64_t next; /* of the thread that gets: what is between tail and it is lent */
};

struct ring *
ring_new(size_t bytes)
{
	struct ring *r;

	/* A cache line's alignment is more than malloc() promises. */
	if (posix_memalign((void **)&r, 64, sizeof(*r)) != 0)
		die("out of memory");
	*r = (struct ring){ .size = MAX(bytes, (size_t)4096) / ALIGN * ALIGN };
	r->bytes = xmalloc(r->size);
	return r;
}

void
ring_free(struct ring *r)
{
	if (!r)
		return;
	free(r->bytes);
	free(r);
}

bool
ring_put(struct ring *r, struct str frame, int64_t mono_us)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t at = head % r->size, to_end = r->size - at, skip = 0, need;
	struct entry *e;

	if (frame.n >= r->size)
		return false;
	need = sizeof(*e) + (frame.n + ALIGN - 1) / ALIGN * ALIGN;
	if (need > to_end || (head == tail && at >= REWIND))
		skip = to_end;
	if (skip + need > r->size - (head - tail))
		return false;
	if (skip) {
		*(struct entry *)(void *)(r->bytes + at) = (struct entry){ .n = PADDING };
		at = 0;
	}
	e = (struct entry *)(void *)(r->bytes + at);
	*e = (struct entry){ .n = (uint32_t)frame.n, .mono_us = mono_us };
	if (frame.n)
		memcpy(e + 1, frame.p, frame.n);
	atomic_store_explicit(&r->head, head + skip + need, memory_order_release);
	return true;
}

bool
ring_get(struct ring *r, struct str *ret_frame, int64_t *ret_mono_us)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	const struct entry *e;

	atomic_store_explicit(&r->tail, r->next, memory_order_release);
	if (r->next == head)
		return false;
	e = (const struct entry *)(const void *)(r->bytes + r->next % r->size);
	if (e->n == PADDING) {
		r->next += r->size - r->next % r->size;
		e = (const struct entry *)(const void *)r->bytes;
	}
	*ret_frame = (struct str){ .p = (const char *)(e + 1), .n = e->n };
	*ret_mono_us = e->mono_us;
	r->next += sizeof(*e) + (e->n + ALIGN - 1) / ALIGN * ALIGN;
	return true;
}

bool
ring_is_empty(const struct ring *r)
{
	return r->next == atomic_load_explicit(&r->head, memory_order_acquire);
}

size_t
ring_used(const struct ring *r)
{
	return (size_t)(atomic_load_explicit(&r->head, memory_order_relaxed) -
			atomic_load_explicit(&r->tail, memory_order_relaxed));
}

size_t
ring_size(const struct ring *r)
{
	return r->size;
}
