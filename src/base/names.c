/*
 * Open addressing over a hash of the raw bytes. Text lives in chunks that never move,
 * so names_text() pointers stay valid while the table grows. Looking up a name that is
 * there takes two places in memory: its slot, and the bytes with their length.
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

struct slot {
	const char *raw; /* NULL: free. Behind its length, see keep() */
	uint32_t hash, id;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct names {
	const char **text; /* by id */
	uint32_t count, cap, max;
	struct slot *slots; /* a power of two of them */
	uint32_t mask;
	struct chunk *chunks;
	size_t bytes, max_bytes;
	uint64_t overflow;
};

/* The bytes, a NUL behind them and their number before them. */
static const char *
keep(struct names *t, struct str s)
{
	struct chunk *c = t->chunks;
	uint32_t n = (uint32_t)s.n;
	size_t need = sizeof(n) + s.n + 1;
	char *p;

	if (!c || c->size - c->used < need) {
		size_t size = MAX((size_t)CHUNK_BYTES, need);

		c = xmalloc(sizeof(*c) + size);
		*c = (struct chunk){ .next = t->chunks, .size = size };
		t->chunks = c;
	}
	p = c->bytes + c->used;
	memcpy(p, &n, sizeof(n));
	p += sizeof(n);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	c->used += need;
	t->bytes += s.n + 1;
	return p;
}

static struct str
kept(const char *p)
{
	uint32_t n;

	memcpy(&n, p - sizeof(n), sizeof(n));
	return (struct str){ p, n };
}

/* Where @raw is, or the free place where it goes. */
static struct slot *
slot_of(const struct names *t, uint32_t hash, struct str raw)
{
	for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
		struct slot *s = &t->slots[i];

		if (!s->raw || (s->hash == hash && str_same(kept(s->raw), raw)))
			return s;
	}
}

static void
grow(struct names *t)
{
	struct slot *old = t->slots;
	uint32_t slots = old ? t->mask + 1u : 0;

	t->cap = t->cap ? t->cap * 2 : 64;
	t->text = xreallocarray(t->text, t->cap, sizeof(*t->text));
	t->mask = t->cap * 2 - 1;
	t->slots = xcalloc(t->mask + 1u, sizeof(*t->slots));
	for (uint32_t i = 0; i < slots; i++)
		if (old[i].raw)
			*slot_of(t, old[i].hash, kept(old[i].raw)) = old[i];
	free(old);
}

static uint32_t
add(struct names *t, uint32_t hash, struct str raw)
{
	struct buf clean = BUF_INIT;
	const char *text;

	if (t->count == t->cap)
		grow(t);
	text_clean(&clean, raw, NAME_MAX_BYTES);
	text = keep(t, buf_str(&clean));
	*slot_of(t, hash, raw) = (struct slot){
		.raw = str_eq(raw, buf_str(&clean)) ? text : keep(t, raw),
		.hash = hash,
		.id = t->count,
	};
	buf_done(&clean);
	t->text[t->count] = text;
	return t->count++;
}

static uint32_t
hash_of(struct str raw)
{
	return (uint32_t)hash_bytes(raw.p, raw.n);
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
	add(t, hash_of(STR("")), STR(""));
	add(t, hash_of(STR("(other)")), STR("(other)"));
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
	free(t->text);
	free(t->slots);
	free(t);
}

uint32_t
names_id(struct names *t, struct str raw)
{
	const struct slot *s;
	uint32_t hash;

	raw = identity(raw);
	hash = hash_of(raw);
	s = slot_of(t, hash, raw);
	if (s->raw)
		return s->id;
	if (t->count >= t->max || t->bytes + raw.n > t->max_bytes) {
		t->overflow++;
		return NAME_OTHER;
	}
	return add(t, hash, raw);
}

uint32_t
names_find(const struct names *t, struct str raw)
{
	const struct slot *s;

	raw = identity(raw);
	s = slot_of(t, hash_of(raw), raw);
	return s->raw ? s->id : NAME_OTHER;
}

const char *
names_text(const struct names *t, uint32_t id)
{
	return id < t->count ? t->text[id] : "";
}

uint32_t
names_count(const struct names *t)
{
	return t->count;
}

size_t
names_bytes(const struct names *t)
{
	size_t n = sizeof(*t) + t->cap * sizeof(*t->text) +
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
