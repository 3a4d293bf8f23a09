#include "config.h"

#include "senders.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define SKEW_BUCKET_US (30 * SEC_US)
#define OVERLAP_US (3 * SEC_US) /* so long two instances beat before it is no restart */

void
senders_init(struct senders *t, uint32_t max)
{
	*t = (struct senders){ .max = max, .heads = 16 };
	while (t->heads < max && t->heads < 1u << 20)
		t->heads *= 2;
	t->row = xcalloc(max, sizeof(*t->row));
	t->head = xreallocarray(NULL, t->heads, sizeof(*t->head));
	for (uint32_t i = 0; i < t->heads; i++)
		t->head[i] = NO_SENDER;
}

void
senders_done(struct senders *t)
{
	free(t->row);
	free(t->head);
}

static uint32_t *
head_of(struct senders *t, const uint8_t *id)
{
	return &t->head[hash_bytes(id, 16) & (t->heads - 1)];
}

uint64_t
sender_duplicate(const struct sender *s)
{
	return add_saturating(s->ledger.duplicate,
		add_saturating(s->said.duplicate, s->ended.duplicate));
}

uint64_t
sender_unpaired(const struct sender *s)
{
	return add_saturating(s->said.unpaired, s->ended.unpaired);
}

static void
forget(struct senders *t, uint32_t i)
{
	struct sender *s = &t->row[i];
	uint32_t *at = head_of(t, s->id);

	while (*at != i)
		at = &t->row[*at].chain;
	*at = s->chain;
	ledger_begin(&s->ledger, s->ledger.next);
	t->lost = add_saturating(t->lost, s->ledger.settled);
	t->duplicate = add_saturating(t->duplicate, sender_duplicate(s));
	t->unpaired = add_saturating(t->unpaired, sender_unpaired(s));
	s->used = false;
	t->used--;
}

void
senders_forget(struct senders *t, int64_t mono_us, int64_t silent_us)
{
	for (uint32_t i = 0; i < t->rows; i++)
		if (t->row[i].used && mono_us - t->row[i].heard_us > silent_us)
			forget(t, i);
}

/* A row that is free, or of an agent that is gone. */
static struct sender *
make_room(struct senders *t, int64_t mono_us)
{
	if (t->used == t->max)
		senders_forget(t, mono_us, SENDER_GONE_US);
	for (uint32_t i = 0; i < t->rows && t->used < t->rows; i++)
		if (!t->row[i].used)
			return &t->row[i];
	return t->rows < t->max ? &t->row[t->rows++] : NULL;
}

static struct instance
instance_of(const struct wire_header *h, int64_t mono_us)
{
	struct instance i = {
		.start_count = h->start_count,
		.mono_us = mono_us,
		.wall_us = h->wall_us,
	};

	memcpy(i.id, h->instance, sizeof(i.id));
	return i;
}

static struct sender *
add(struct senders *t, const struct wire_header *h, int64_t mono_us)
{
	struct sender *s = make_room(t, mono_us);
	uint32_t *head = head_of(t, h->agent);

	if (!s)
		return NULL;
	*s = (struct sender){
		.used = true,
		.now = instance_of(h, mono_us),
		.heard_us = mono_us,
		.chain = *head,
	};
	memcpy(s->id, h->agent, sizeof(s->id));
	*head = (uint32_t)(s - t->row);
	t->used++;
	return s;
}

bool
sender_is_now(const struct sender *s, const struct wire_header *h)
{
	return s->now.start_count == h->start_count &&
	       memcmp(s->now.id, h->instance, sizeof(s->now.id)) == 0;
}

static bool
is_before(const struct sender *s, const struct wire_header *h)
{
	return s->before.start_count == h->start_count &&
	       memcmp(s->before.id, h->instance, sizeof(s->before.id)) == 0;
}

static void
restart(struct sender *s, const struct wire_header *h, int64_t mono_us)
{
	s->before = s->now;
	s->before_beats = false;
	s->now = instance_of(h, mono_us);
	s->ended.shed = add_saturating(s->ended.shed, s->said.shed);
	s->ended.unpaired = add_saturating(s->ended.unpaired, s->said.unpaired);
	s->ended.rejected = add_saturating(s->ended.rejected, s->said.rejected);
	s->ended.busy = add_saturating(s->ended.busy, s->said.busy);
	s->ended.duplicate = add_saturating(s->ended.duplicate, s->said.duplicate);
	s->said = (struct sender_counts){ 0 };
	s->bye = false;
	/* Its counter went back (a file system restored): it counts anew from there. */
	if (s->ledger.begun && h->first_event < s->ledger.next)
		ledger_begin(&s->ledger, h->first_event);
}

struct sender *
senders_find(struct senders *t, const struct wire_header *h, int64_t mono_us)
{
	struct sender *newest = NULL, *split = NULL;

	for (uint32_t i = *head_of(t, h->agent); i != NO_SENDER; i = t->row[i].chain) {
		struct sender *s = &t->row[i];

		if (memcmp(s->id, h->agent, sizeof(s->id)) != 0)
			continue;
		if (sender_is_now(s, h))
			return s;
		if (s->now.start_count == h->start_count ||
			(s->collision && is_before(s, h)))
			split = s;
		if (!newest || s->now.start_count > newest->now.start_count)
			newest = s;
	}
	if (split) {
		split->collision = true;
		newest = add(t, h, mono_us);
		if (newest)
			newest->collision = true;
		return newest;
	}
	if (!newest)
		return add(t, h, mono_us);
	if (h->start_count > newest->now.start_count)
		restart(newest, h, mono_us);
	return newest;
}

/*
 * Late BEATs of a dead instance are nothing unusual; so the old one must be heard well
 * after the new one began, by our clock and by theirs, and the new one after that.
 */
void
sender_beat(struct sender *s, const struct wire_header *h, int64_t mono_us)
{
	if (sender_is_now(s, h)) {
		if (s->before_beats && h->wall_us > s->before_wall_us)
			s->collision = true;
	} else if (is_before(s, h) && !s->before_beats && h->wall_us > s->now.wall_us &&
		   mono_us - s->now.mono_us > OVERLAP_US &&
		   (uint64_t)h->wall_us - (uint64_t)s->now.wall_us > OVERLAP_US) {
		s->before_beats = true;
		s->before_wall_us = h->wall_us;
	}
}

/*
 * Delay only ever makes their clock look late; so the greatest difference of a while
 * is the one with the least delay in it.
 */
void
sender_clocks(struct sender *s, int64_t their_wall_us, int64_t wall_us, int64_t mono_us)
{
	int64_t skew;

	if (__builtin_sub_overflow(their_wall_us, wall_us, &skew))
		return;
	if (s->has_skew && mono_us - s->skew_since_us > SKEW_BUCKET_US) {
		s->last_skew_us = s->skew_us;
		s->has_last_skew = true;
		s->has_skew = false;
	}
	if (!s->has_skew)
		s->skew_since_us = mono_us;
	if (!s->has_skew || skew > s->skew_us)
		s->skew_us = skew;
	s->has_skew = true;
}

bool
sender_skew(const struct sender *s, int64_t *ret_skew_us)
{
	if (!s->has_skew)
		return false;
	*ret_skew_us = s->has_last_skew ? MAX(s->skew_us, s->last_skew_us) : s->skew_us;
	return true;
}
