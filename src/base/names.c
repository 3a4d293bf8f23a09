/*
 * Open addressing over the 64-bit hash of the raw bytes. Text lives in chunks
 * that never move, so names_text() pointers stay valid while the table grows.
 */
#include "config.h"

#include "weir/base/names.h"

#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define CHUNK_BYTES 16384

/*
 * Bytes of an unclean or long name that take part in its identity. Two names
 * that differ only beyond them are one; the cleaned text is cut far earlier.
 */
#define RAW_MAX_BYTES 1024

struct entry {
	uint64_t hash;
	const char *raw;
	const char *text;
	uint32_t raw_n;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct names {
	struct entry *entries;
	uint32_t count, cap, max;
	uint32_t *slots; /* id + 1, 0 = free; a power of two of them */
	uint32_t mask;
	struct chunk *chunks;
	size_t bytes, max_bytes;
	uint64_t overflow;
};

static const char *
keep(struct names *t, struct str s)
{
	struct chunk *c = t->chunks;
	char *p;

	if (!c || c->size - c->used < s.n + 1) {
		size_t size = MAX((size_t)CHUNK_BYTES, s.n + 1);

		c = xmalloc(sizeof(*c) + size);
		*c = (struct chunk){ .next = t->chunks, .size = size };
		t->chunks = c;
	}
	p = c->bytes + c->used;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	c->used += s.n + 1;
	t->bytes += s.n + 1;
	return p;
}

static uint32_t *
slot_of(const struct names *t, uint64_t hash, struct str raw)
{
	for (uint32_t i = (uint32_t)hash & t->mask;; i = (i + 1) & t->mask) {
		const struct entry *e;

		if (!t->slots[i])
			return &t->slots[i];
		e = &t->entries[t->slots[i] - 1];
		if (e->hash == hash && e->raw_n == raw.n &&
			(raw.n == 0 || memcmp(e->raw, raw.p, raw.n) == 0))
			return &t->slots[i];
	}
}

static void
grow(struct names *t)
{
	t->cap = t->cap ? t->cap * 2 : 64;
	t->entries = xreallocarray(t->entries, t->cap, sizeof(*t->entries));
	free(t->slots);
	t->mask = t->cap * 2 - 1;
	t->slots = xcalloc(t->mask + 1u, sizeof(*t->slots));
	for (uint32_t id = 0; id < t->count; id++) {
		struct entry *e = &t->entries[id];

		*slot_of(t, e->hash, (struct str){ e->raw, e->raw_n }) = id + 1;
	}
}

static uint32_t
add(struct names *t, uint64_t hash, struct str raw)
{
	struct entry e = { .hash = hash, .raw_n = (uint32_t)raw.n };
	struct buf clean = BUF_INIT;

	if (t->count == t->cap)
		grow(t);
	text_clean(&clean, raw, NAME_MAX_BYTES);
	e.text = keep(t, buf_str(&clean));
	e.raw = str_eq(raw, buf_str(&clean)) ? e.text : keep(t, raw);
	buf_done(&clean);
	t->entries[t->count] = e;
	*slot_of(t, hash, raw) = ++t->count;
	return t->count - 1;
}

static struct str
identity(struct str raw)
{
	if (raw.n > RAW_MAX_BYTES)
		raw.n = RAW_MAX_BYTES;
	return raw;
}

struct names *
names_new(uint32_t max_names, size_t max_bytes)
{
	struct names *t = xcalloc(1, sizeof(*t));

	t->max = MAX(max_names, 2);
	t->max_bytes = max_bytes;
	add(t, hash_bytes("", 0), STR(""));
	add(t, hash_bytes("(other)", 7), STR("(other)"));
	return t;
}

void
names_free(struct names *t)
{
	struct chunk *next;

	if (!t)
		return;
	for (struct chunk *c = t->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t->entries);
	free(t->slots);
	free(t);
}

uint32_t
names_id(struct names *t, struct str raw)
{
	uint64_t hash;
	uint32_t *slot;

	raw = identity(raw);
	hash = hash_bytes(raw.p, raw.n);
	slot = slot_of(t, hash, raw);
	if (*slot)
		return *slot - 1;
	if (t->count >= t->max || t->bytes + raw.n > t->max_bytes) {
		t->overflow++;
		return NAME_OTHER;
	}
	return add(t, hash, raw);
}

uint32_t
names_find(const struct names *t, struct str raw)
{
	uint32_t slot;

	raw = identity(raw);
	slot = *slot_of(t, hash_bytes(raw.p, raw.n), raw);
	return slot ? slot - 1 : NAME_OTHER;
}

const char *
names_text(const struct names *t, uint32_t id)
{
	return id < t->count ? t->entries[id].text : "";
}

uint32_t
names_count(const struct names *t)
{
	return t->count;
}

size_t
names_bytes(const struct names *t)
{
	size_t n = sizeof(*t) + t->cap * sizeof(*t->entries) +
		   (t->mask + 1u) * sizeof(*t->slots);

	for (const struct chunk *c = t->chunks; c; c = c->next)
		n += sizeof(*c) + c->size;
	return n;
}

uint64_t
names_overflow(const struct names *t)
{
	return t->overflow;
}
