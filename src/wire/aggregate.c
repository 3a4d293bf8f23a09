#include "config.h"

#include "aggregate.h"

#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/hist.h"

#define ITEMS_MAX (3 * AGGREGATE_FLOWS_MAX)

/* So much fits into a delta that the model takes. */
#define BYTES_MAX (INT64_C(1) << 50)
#define CALLS_MAX (UINT64_C(1) << 28)

struct key {
	uint32_t src, dst, op, weight;
	int64_t second;
	uint8_t kind, origin, src_kind, dst_kind;
	uint32_t zero;
};

enum latency {
	BY_CALLER,
	BY_CALLEE,
	BY_QUEUE,
	LATENCIES
};

enum picked {
	SLOWEST,
	FAILED,
	CHANCE,
	PICKED
};

struct sums {
	uint32_t flows, failed;
	int64_t bytes_in, bytes_out;
	int64_t first_us, last_us;
	struct delta_exemplar picked[PICKED];
	bool has[PICKED];
};

void
aggregate_done(struct aggregate *a)
{
	dict_done(&a->texts);
	dict_done(&a->keys);
	free(a->sums);
	free(a->item);
	free(a->scratch);
	*a = (struct aggregate){ 0 };
}

static void
clear(struct aggregate *a)
{
	dict_clear(&a->texts);
	dict_clear(&a->keys);
	a->items = 0;
	a->flows = 0;
}

/* ------------------------------------------------------------ adding */

static struct sums *
sums_of(struct aggregate *a, const struct flow *f, uint32_t *ret_key)
{
	struct key k = {
		.src = dict_id(&a->texts, f->src),
		.dst = dict_id(&a->texts, f->dst),
		.op = dict_id(&a->texts, f->op),
		.weight = f->weight,
		.second = f->end_us / SEC_US,
		.kind = (uint8_t)f->kind,
		.origin = (uint8_t)f->origin,
		.src_kind = (uint8_t)f->src_kind,
		.dst_kind = (uint8_t)f->dst_kind,
	};
	uint32_t before = a->keys.count;
	uint32_t i = dict_id(&a->keys, (struct str){ (const char *)&k, sizeof(k) });

	if (i == a->room) {
		a->room = a->room ? a->room * 2 : 256;
		a->sums = xreallocarray(a->sums, a->room, sizeof(*a->sums));
	}
	if (i == before)
		a->sums[i] = (struct sums){ .bytes_in = FLOW_UNKNOWN,
			.bytes_out = FLOW_UNKNOWN,
			.first_us = f->end_us,
			.last_us = f->end_us };
	*ret_key = i;
	return &a->sums[i];
}

static void
add_item(struct aggregate *a, uint32_t key, enum latency which, int64_t us)
{
	if (us < 0)
		return;
	if (a->items == a->items_room) {
		a->items_room = a->items_room ? a->items_room * 2 : 4096;
		a->item = xreallocarray(a->item, a->items_room, sizeof(*a->item));
	}
	a->item[a->items++] =
		(uint64_t)key << 32 | (uint64_t)which << 16 | hist_index((uint64_t)us);
}

/* Sum of bytes with one more; false when it is beyond what is taken. */
static bool
more_bytes(int64_t sum, int64_t bytes, uint32_t weight, int64_t *ret_sum)
{
	*ret_sum = bytes < 0 ? sum : MAX(sum, 0) + bytes * weight;
	return *ret_sum <= BYTES_MAX;
}

static void
pick(struct aggregate *a, struct sums *s, const struct flow *f)
{
	static const uint8_t none[sizeof(f->ids.trace)];
	int64_t us = flow_latency_us(f);
	struct delta_exemplar x = { f->ids, f->end_us, us, f->failed };
	bool keep[PICKED] = {
		[SLOWEST] = !s->has[SLOWEST] || us > s->picked[SLOWEST].latency_us,
		[FAILED] = f->failed &&
			   (!s->has[FAILED] || f->end_us >= s->picked[FAILED].end_us),
	};

	if (memcmp(f->ids.trace, none, sizeof(none)) == 0)
		return;
	/* The n-th takes the place with a chance of 1/n: each is as likely as the others. */
	a->chance = a->chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	keep[CHANCE] = (a->chance >> 32) * s->flows >> 32 == 0;
	for (unsigned i = 0; i < PICKED; i++)
		if (keep[i]) {
			s->picked[i] = x;
			s->has[i] = true;
		}
}

bool
aggregate_add(struct aggregate *a, const struct flow *f)
{
	int64_t in, out;
	struct sums *s;
	uint32_t key;

	if (a->flows >= AGGREGATE_FLOWS_MAX || f->end_us < 0 || !flow_is_sane(f))
		return false;
	s = sums_of(a, f, &key);
	if (!more_bytes(s->bytes_in, f->bytes_in, f->weight, &in) ||
		!more_bytes(s->bytes_out, f->bytes_out, f->weight, &out) ||
		(s->flows + UINT64_C(1)) * f->weight > CALLS_MAX)
		return false;
	a->flows++;
	s->flows++;
	s->failed += f->failed;
	s->bytes_in = in;
	s->bytes_out = out;
	s->first_us = MIN(s->first_us, f->end_us);
	s->last_us = MAX(s->last_us, f->end_us);
	add_item(a, key, BY_CALLER, flow_latency_us(f));
	add_item(a, key, BY_CALLEE, f->server_us);
	add_item(a, key, BY_QUEUE, f->queue_us);
	pick(a, s, f);
	return true;
}

/* ------------------------------------------------------------ handing out */

struct lists {
	uint16_t bucket[HIST_BUCKETS];
	uint32_t count[HIST_BUCKETS];
};

/* Read the sorted items of a key and kind from @at on; returns where they end. */
static uint32_t
count_items(const struct aggregate *a, uint32_t at, uint64_t which, uint32_t weight,
	struct lists *l, struct buckets *ret_buckets)
{
	uint32_t n = 0;

	while (at < a->items && a->item[at] >> 16 == which) {
		uint64_t item = a->item[at];
		uint32_t from = at;

		while (at < a->items && a->item[at] == item)
			at++;
		l->bucket[n] = (uint16_t)item;
		l->count[n++] = (at - from) * weight;
	}
	*ret_buckets = (struct buckets){ .bucket = l->bucket, .count = l->count, .n = n };
	return at;
}

/* Those picked that are not the same flow twice. */
static uint32_t
list_picked(const struct sums *s, struct delta_exemplar *to)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < PICKED; i++) {
		bool again = false;

		for (uint32_t k = 0; k < n; k++)
			again |= memcmp(&to[k].ids, &s->picked[i].ids,
					 sizeof(to[k].ids)) == 0;
		if (s->has[i] && !again)
			to[n++] = s->picked[i];
	}
	return n;
}

static uint32_t
hand_out(const struct aggregate *a, uint32_t i, uint32_t at, struct lists *l,
	wire_event_fn fn, void *ctx)
{
	const struct sums *s = &a->sums[i];
	struct delta_exemplar picked[PICKED];
	struct key k;
	struct event e = { .type = EVENT_DELTA };
	struct delta *d = &e.u.delta;
	struct buckets *b[] = { &d->latency, &d->server, &d->queue };

	memcpy(&k, dict_at(&a->keys, i).p, sizeof(k));
	*d = (struct delta){
		.src = dict_at(&a->texts, k.src),
		.dst = dict_at(&a->texts, k.dst),
		.op = dict_at(&a->texts, k.op),
		.kind = k.kind,
		.origin = k.origin,
		.src_kind = k.src_kind,
		.dst_kind = k.dst_kind,
		.end_us = s->last_us,
		.span_us = s->last_us - s->first_us,
		.calls = (uint64_t)s->flows * k.weight,
		.errors = (uint64_t)s->failed * k.weight,
		.bytes_in = s->bytes_in,
		.bytes_out = s->bytes_out,
		.weight = k.weight,
		.events = s->flows,
		.exemplar = picked,
		.exemplars = list_picked(s, picked),
	};
	for (unsigned which = 0; which < LATENCIES; which++)
		at = count_items(
			a, at, (uint64_t)i << 16 | which, k.weight, &l[which], b[which]);
	if (s->flows)
		fn(ctx, &e);
	return at;
}

void
aggregate_finish(struct aggregate *a, wire_event_fn fn, void *ctx)
{
	struct lists *l;
	uint32_t at = 0;

	if (a->flows == 0)
		return;
	a->scratch = xreallocarray(a->scratch, a->items_room, sizeof(*a->scratch));
	sort_u64(a->item, a->scratch, a->items, 0);
	l = xreallocarray(NULL, LATENCIES, sizeof(*l));
	for (uint32_t i = 0; i < a->keys.count; i++)
		at = hand_out(a, i, at, l, fn, ctx);
	free(l);
	clear(a);
}
