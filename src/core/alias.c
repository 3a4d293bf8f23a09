#include "config.h"

#include "weir/core/alias.h"

#include <stdbool.h>
#include <stdlib.h>

#include "weir/base/util.h"

#define FORGET_US (3600 * SEC_US) /* unused for so long: gone */
#define MOVED_US (600 * SEC_US)   /* not confirmed for so long: another may take over */
#define SWEEP_US (60 * SEC_US)
#define MAX_TEXT 255

struct entry {
	struct entry *next;
	uint64_t hash;
	int64_t used_us, confirmed_us;
	bool ambiguous;
	uint16_t address_n, service_n;
	char text[]; /* address, then service */
};

struct alias {
	uint32_t max, count, mask;
	int64_t swept_us;
	struct entry *buckets[];
};

struct alias *
alias_new(uint32_t max)
{
	uint32_t n = 64;
	struct alias *a;

	while (n < max)
		n *= 2;
	a = xcalloc(1, sizeof(*a) + n * sizeof(a->buckets[0]));
	a->max = max;
	a->mask = n - 1;
	return a;
}

void
alias_free(struct alias *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i <= a->mask; i++) {
		struct entry *e = a->buckets[i], *next;

		for (; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(a);
}

static struct str
address_of(const struct entry *e)
{
	return (struct str){ e->text, e->address_n };
}

static struct str
service_of(const struct entry *e)
{
	return (struct str){ e->text + e->address_n, e->service_n };
}

/* Where the entry of @address hangs, or would. */
static struct entry **
slot_of(struct alias *a, struct str address, uint64_t hash)
{
	struct entry **at = &a->buckets[hash & a->mask];

	while (*at && !((*at)->hash == hash && str_eq(address_of(*at), address)))
		at = &(*at)->next;
	return at;
}

static void
sweep(struct alias *a, int64_t now_us)
{
	a->swept_us = now_us;
	for (uint32_t i = 0; i <= a->mask; i++) {
		struct entry **at = &a->buckets[i];

		while (*at) {
			struct entry *e = *at;

			if (now_us - e->used_us < FORGET_US) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			free(e);
			a->count--;
		}
	}
}

static struct entry *
entry_new(struct str address, struct str service, uint64_t hash)
{
	struct entry *e = xmalloc(sizeof(*e) + address.n + service.n);

	*e = (struct entry){ .hash = hash,
		.address_n = (uint16_t)address.n,
		.service_n = (uint16_t)service.n };
	memcpy(e->text, address.p, address.n);
	memcpy(e->text + address.n, service.p, service.n);
	return e;
}

void
alias_learn(struct alias *a, struct str address, struct str service, int64_t now_us)
{
	struct entry **at, *e;
	uint64_t hash;

	if (address.n == 0 || address.n > MAX_TEXT || service.n == 0 ||
		service.n > MAX_TEXT)
		return;
	hash = hash_bytes(address.p, address.n);
	at = slot_of(a, address, hash);
	if (!*at) {
		if (a->count >= a->max && now_us - a->swept_us >= SWEEP_US) {
			sweep(a, now_us);
			at = slot_of(a, address, hash);
		}
		if (a->count >= a->max)
			return;
		*at = entry_new(address, service, hash);
		a->count++;
	}
	e = *at;
	if (!str_eq(service_of(e), service)) {
		if (now_us - e->confirmed_us < MOVED_US) {
			e->ambiguous = true;
		} else {
			struct entry *moved = entry_new(address, service, hash);

			moved->next = e->next;
			*at = moved;
			free(e);
			e = moved;
		}
	}
	e->used_us = e->confirmed_us = now_us;
}

struct str
alias_find(struct alias *a, struct str address, int64_t now_us)
{
	struct entry *e;

	if (address.n == 0)
		return STR("");
	e = *slot_of(a, address, hash_bytes(address.p, address.n));
	if (!e || now_us - e->used_us >= FORGET_US)
		return STR("");
	e->used_us = now_us;
	return e->ambiguous ? STR("") : service_of(e);
}
