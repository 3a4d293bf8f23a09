#include "config.h"

#include "weir/core/seen.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define NIL UINT32_MAX

/* The seed comes first: who does not know it cannot make keys that share a chain. */
struct key {
	uint64_t seed;
	uint8_t trace[16], span[8];
	uint64_t side;
};

struct row {
	uint8_t trace[16], span[8];
	uint8_t side;
	uint32_t next; /* in its chain */
};

struct seen {
	uint64_t seed;
	uint32_t max, used, oldest, mask;
	uint32_t *heads;
	struct row *rows; /* a ring: the oldest is overwritten */
};

struct seen *
seen_new(uint32_t max, uint64_t seed)
{
	struct seen *s = xcalloc(1, sizeof(*s));
	uint32_t n = 64;

	while (n < max)
		n *= 2;
	s->seed = seed;
	s->max = max;
	s->mask = n - 1;
	s->heads = xreallocarray(NULL, n, sizeof(s->heads[0]));
	memset(s->heads, 0xff, n * sizeof(s->heads[0]));
	s->rows = xreallocarray(NULL, max, sizeof(s->rows[0]));
	return s;
}

void
seen_free(struct seen *s)
{
	if (!s)
		return;
	free(s->heads);
	free(s->rows);
	free(s);
}

static uint32_t *
head_of(struct seen *s, const uint8_t trace[16], const uint8_t span[8], uint8_t side)
{
	struct key k = { .seed = s->seed, .side = side };

	memcpy(k.trace, trace, sizeof(k.trace));
	memcpy(k.span, span, sizeof(k.span));
	return &s->heads[hash_bytes(&k, sizeof(k)) & s->mask];
}

static void
forget(struct seen *s, uint32_t i)
{
	const struct row *r = &s->rows[i];
	uint32_t *at = head_of(s, r->trace, r->span, r->side);

	while (*at != i)
		at = &s->rows[*at].next;
	*at = r->next;
}

bool
seen_again(struct seen *s, const uint8_t trace[16], const uint8_t span[8], uint8_t side)
{
	uint32_t *head = head_of(s, trace, span, side), i;
	struct row *r;

	for (i = *head; i != NIL; i = s->rows[i].next) {
		r = &s->rows[i];
		if (r->side == side && memcmp(r->span, span, 8) == 0 &&
			memcmp(r->trace, trace, 16) == 0)
			return true;
	}
	if (s->used < s->max) {
		i = s->used++;
	} else {
		i = s->oldest;
		s->oldest = (s->oldest + 1) % s->max;
		forget(s, i);
	}
	r = &s->rows[i];
	*r = (struct row){ .side = side, .next = *head };
	memcpy(r->trace, trace, 16);
	memcpy(r->span, span, 8);
	*head = i;
	return false;
}
