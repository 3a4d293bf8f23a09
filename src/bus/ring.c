#include "config.h"

#include "weir/bus/ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define ALIGN 16u
#define PADDING UINT32_MAX

/*
 * Where the ring is rewound when it is empty. Without that, a ring of many MiB would in
 * time touch all of its memory though no more than a few frames ever wait in it. What
 * is jumped over is free at once, though the thread that gets has not yet followed:
 * it learns from `from` and `to`, not from the place jumped from, that it has to. There
 * is never a second jump before it has, since the ring is not empty until then.
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
	_Atomic uint64_t from, to;          /* the last jump; as head */
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
	*r = (struct ring){
		.size = MAX(bytes, (size_t)4096) / ALIGN * ALIGN,
		.from = UINT64_MAX,
	};
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

/* What is free begins here, modulo size. */
static uint64_t
free_from(const struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return MAX(tail, atomic_load_explicit(&r->to, memory_order_relaxed));
}

static uint64_t
rewind_ring(struct ring *r, uint64_t head)
{
	uint64_t start = head + (r->size - head % r->size);

	atomic_store_explicit(&r->from, head, memory_order_relaxed);
	atomic_store_explicit(&r->to, start, memory_order_relaxed);
	return start;
}

bool
ring_put(struct ring *r, struct str frame, int64_t mono_us)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t tail = free_from(r);
	size_t need, to_end, skip = 0;
	struct entry *e;

	if (frame.n >= r->size)
		return false;
	need = sizeof(*e) + (frame.n + ALIGN - 1) / ALIGN * ALIGN;
	/* Before the jump: after one, there is always room. */
	if (need > r->size)
		return false;
	if (head == tail && head % r->size >= REWIND)
		head = tail = rewind_ring(r, head);
	to_end = r->size - head % r->size;
	if (need > to_end)
		skip = to_end;
	if (skip + need > r->size - (head - tail))
		return false;
	e = (struct entry *)(void *)(r->bytes + head % r->size);
	if (skip) {
		*e = (struct entry){ .n = PADDING };
		e = (struct entry *)(void *)r->bytes;
	}
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
	if (r->next == atomic_load_explicit(&r->from, memory_order_relaxed))
		r->next = atomic_load_explicit(&r->to, memory_order_relaxed);
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
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t tail = free_from(r);

	return head > tail ? (size_t)(head - tail) : 0;
}

size_t
ring_size(const struct ring *r)
{
	return r->size;
}
