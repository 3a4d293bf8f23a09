#include "config.h"

#include "idmap.h"

#include <stdlib.h>

#include "weir/base/util.h"

static uint32_t
home_of(const struct idmap *m, uint64_t key)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(key >> 32) & m->mask;
}

/* Where @key is, or the free place where it would be. */
static uint32_t
place_of(const struct idmap *m, uint64_t key)
{
	uint32_t i = home_of(m, key);

	while (m->key[i] && m->key[i] != key)
		i = (i + 1) & m->mask;
	return i;
}

static void
grow(struct idmap *m)
{
	struct idmap old = *m;
	uint32_t size = old.key ? (old.mask + 1) * 2 : 64;

	m->key = xcalloc(size, sizeof(*m->key));
	m->value = xcalloc(size, sizeof(*m->value));
	m->mask = size - 1;
	for (uint32_t i = 0; old.key && i <= old.mask; i++) {
		uint32_t at;

		if (!old.key[i])
			continue;
		at = place_of(m, old.key[i]);
		m->key[at] = old.key[i];
		m->value[at] = old.value[i];
	}
	free(old.key);
	free(old.value);
}

void
idmap_done(struct idmap *m)
{
	free(m->key);
	free(m->value);
	*m = (struct idmap){ 0 };
}

uint32_t
idmap_find(const struct idmap *m, uint64_t key)
{
	uint32_t i;

	if (!m->key)
		return IDMAP_NONE;
	i = place_of(m, key);
	return m->key[i] ? m->value[i] : IDMAP_NONE;
}

void
idmap_put(struct idmap *m, uint64_t key, uint32_t value)
{
	uint32_t i;

	if (!m->key || m->count >= (m->mask + 1) / 2)
		grow(m);
	i = place_of(m, key);
	m->key[i] = key;
	m->value[i] = value;
	m->count++;
}

void
idmap_remove(struct idmap *m, uint64_t key)
{
	uint32_t hole, i;

	if (!m->key || !m->key[hole = place_of(m, key)])
		return;
	m->count--;
	/* Close the hole, so that no search stops short of what lies behind it. */
	for (i = (hole + 1) & m->mask; m->key[i]; i = (i + 1) & m->mask) {
		uint32_t home = home_of(m, m->key[i]);

		if (((i - home) & m->mask) < ((i - hole) & m->mask))
			continue;
		m->key[hole] = m->key[i];
		m->value[hole] = m->value[i];
		hole = i;
	}
	m->key[hole] = 0;
}

size_t
idmap_bytes(const struct idmap *m)
{
	return m->key ? (m->mask + 1) * (sizeof(*m->key) + sizeof(*m->value)) : 0;
}
