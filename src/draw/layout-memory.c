/*
 * What the last runs drew.
 *
 * Entries of cards that are gone stay for a while: one that comes back finds its old
 * place, and its gap, again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "layout-priv.h"
#include "weir/base/util.h"

#define FIRST_SLOTS 256

enum {
	ID_CARD = 1,
	ID_PORT,
	ID_LANE,
	ID_INLET,
	ID_LAYER
};

/* Keys are 32 bits: mix the type and both halves so that they spread over the slots. */
static uint64_t
make_id(unsigned type, uint32_t a, uint32_t b)
{
	uint64_t x = ((uint64_t)a << 32 | b) + type * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t
memory_card_id(uint32_t key)
{
	return make_id(ID_CARD, key, 0);
}

uint64_t
memory_port_id(uint32_t key)
{
	return make_id(ID_PORT, key, 0);
}

uint64_t
memory_lane_id(uint32_t key, int layer)
{
	return make_id(ID_LANE, key, (uint32_t)layer);
}

uint64_t
memory_inlet_id(uint32_t dst, uint32_t src)
{
	return make_id(ID_INLET, dst, src);
}

uint64_t
memory_layer_id(int layer)
{
	return make_id(ID_LAYER, (uint32_t)layer, 0);
}

void
memory_done(struct memory *m)
{
	free(m->slot);
	*m = (struct memory){ 0 };
}

void
memory_clear(struct memory *m)
{
	if (m->slots)
		memset(m->slot, 0, m->slots * sizeof(*m->slot));
	m->used = 0;
	m->run = 0;
}

static struct memory_entry *
find(const struct memory *m, uint64_t id)
{
	uint32_t i = (uint32_t)id & (m->slots - 1);

	while (m->slot[i].run && m->slot[i].id != id)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

static void
rebuild(struct memory *m, uint32_t slots, uint32_t oldest_run)
{
	struct memory_entry *old = m->slot;
	uint32_t count = m->slots;

	m->slot = xcalloc(slots, sizeof(*m->slot));
	m->slots = slots;
	m->used = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!old[i].run || old[i].run < oldest_run)
			continue;
		*find(m, old[i].id) = old[i];
		m->used++;
	}
	free(old);
}

void
memory_put(struct memory *m, uint64_t id, int v0, int v1)
{
	struct memory_entry *e;

	if (m->slots == 0 || m->used >= m->slots / 2)
		rebuild(m, m->slots ? m->slots * 2 : FIRST_SLOTS, 0);
	e = find(m, id);
	if (!e->run)
		m->used++;
	*e = (struct memory_entry){ id, { v0, v1 }, m->run };
}

const struct memory_entry *
memory_get(const struct memory *m, uint64_t id)
{
	const struct memory_entry *e;

	if (!m || !m->slots)
		return NULL;
	e = find(m, id);
	return e->run ? e : NULL;
}

void
memory_prune(struct memory *m)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < m->slots; i++)
		live += m->slot[i].run == m->run;
	if (m->used > 4 * live + FIRST_SLOTS)
		rebuild(m, m->slots, m->run);
}
