#include "config.h"

#include "weir/core/own.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define FRAMES 4096u /* requests and internal spans that wait */
#define BUCKETS 4096u
#define CALLS 12u             /* of one request; more, and nothing is known of it */
#define HOLD_US (16 * SEC_US) /* an agent's halves wait 10 s, an SDK's batches 5 s */
#define LEAST_US (2 * SEC_US)
#define PERIOD_US \
	(30 * SEC_US) /* what calls were late by in one or two of these counts */
#define DEEP 16u      /* internal spans in one another that are looked through */
#define FULL (FRAMES / 4u * 3u) /* from here on fewer traces are followed */
#define NONE UINT32_MAX

struct made {
	struct own_edge edge;
	int64_t start_us, end_us;
	uint32_t weight;
};

struct frame {
	uint8_t trace[8], span[8], parent[8];
	bool served; /* a request, with these: */
	bool inner;  /* or an internal span of @parent's */
	bool much;   /* more calls than there is room for */
	bool told;
	struct own_edge edge;
	int64_t end_us, server_us;
	int64_t served_us, due_us; /* when it came; when it goes */
	uint32_t weight;
	struct made made[CALLS];
	uint32_t n, chain; /* next in the bucket */
};

struct own {
	own_emit_fn emit;
	void *ctx;
	/* A ring, numbered on and on: all are held equally long. */
	struct frame *frame;
	uint64_t first, next;
	/* Those that were served, as they came. */
	uint64_t served[FRAMES], served_first, served_next;
	uint32_t bucket[BUCKETS];
	uint64_t sampled; /* traces with one of these bits are not followed */
	/* By how much calls came after the request they were made in. */
	int64_t late_us, late_before_us, period_us;
	bool measured; /* for a whole period */
	int64_t eased_us;
	uint64_t shed; /* frames, for want of room */
};

struct own *
own_new(own_emit_fn emit, void *ctx)
{
	struct own *o = xcalloc(1, sizeof(*o));

	o->emit = emit;
	o->ctx = ctx;
	o->frame = xmalloc(FRAMES * sizeof(*o->frame));
	memset(o->bucket, 0xff, sizeof(o->bucket));
	return o;
}

void
own_free(struct own *o)
{
	if (!o)
		return;
	free(o->frame);
	free(o);
}

size_t
own_bytes(const struct own *o)
{
	return sizeof(*o) + FRAMES * sizeof(*o->frame);
}

static bool
is_zero(const uint8_t *id, size_t n)
{
	while (n && !id[n - 1])
		n--;
	return n == 0;
}

/* Is the trace one of those that are followed? All of its calls agree. */
static bool
follows(const struct own *o, const struct flow_ids *ids)
{
	return !is_zero(ids->trace + 8, 8) &&
	       !(hash_bytes(ids->trace + 8, 8) & o->sampled);
}

static uint32_t *
bucket_of(struct own *o, const uint8_t *trace, const uint8_t *span)
{
	uint8_t key[16];

	memcpy(key, trace, 8);
	memcpy(key + 8, span, 8);
	return &o->bucket[hash_bytes(key, sizeof(key)) % BUCKETS];
}

static struct frame *
find(struct own *o, const uint8_t *trace, const uint8_t *span)
{
	uint32_t i = *bucket_of(o, trace, span);

	while (i != NONE && (memcmp(o->frame[i].trace, trace, 8) != 0 ||
				    memcmp(o->frame[i].span, span, 8) != 0))
		i = o->frame[i].chain;
	return i == NONE ? NULL : &o->frame[i];
}

/* ------------------------------------------------------------ telling */

static int
later(const void *a, const void *b)
{
	const struct made *x = a, *y = b;

	if (x->end_us != y->end_us)
		return x->end_us < y->end_us ? 1 : -1;
	return x->start_us < y->start_us ? -1 : x->start_us > y->start_us;
}

/* From the call that ended last backwards: each is waited for until the next begins. */
static void
tell(struct own *o, struct frame *f)
{
	int64_t covered_us = 0, until_us = INT64_MAX;

	if (!f->served || f->told)
		return;
	f->told = true;
	/* Of a trace that is followed no more, calls are missing. */
	if (f->much || (hash_bytes(f->trace, 8) & o->sampled))
		return;
	if (f->n)
		qsort(f->made, f->n, sizeof(*f->made), later);
	for (uint32_t i = 0; i < f->n; i++) {
		const struct made *c = &f->made[i];
		int64_t blocked_us = MAX(MIN(c->end_us, until_us) - c->start_us, 0);

		o->emit(o->ctx, &(struct own_time){ .edge = c->edge,
					.end_us = c->end_us,
					.self_us = FLOW_UNKNOWN,
					.blocked_us = blocked_us,
					.weight = c->weight });
		covered_us += blocked_us;
		until_us = MIN(until_us, c->start_us);
	}
	o->emit(o->ctx, &(struct own_time){ .edge = f->edge,
				.end_us = f->end_us,
				.self_us = MAX(f->server_us - covered_us, 0),
				.blocked_us = FLOW_UNKNOWN,
				.weight = f->weight });
}

/* Take the oldest out. */
static void
settle(struct own *o)
{
	uint32_t index = (uint32_t)(o->first % FRAMES);
	struct frame *f = &o->frame[index];
	uint32_t *at = bucket_of(o, f->trace, f->span);

	while (*at != index)
		at = &o->frame[*at].chain;
	*at = f->chain;
	tell(o, f);
	o->first++;
}

/* How long a request waits for its calls: a bit longer than any has let it wait of late. */
static int64_t
patience(const struct own *o)
{
	int64_t late_us = MAX(o->late_us, o->late_before_us);

	return o->measured ? CLAMP(late_us + late_us / 4 + SEC_US, LEAST_US, HOLD_US)
			   : HOLD_US;
}

static void
measure(struct own *o, int64_t now_us)
{
	if (!o->period_us || now_us < o->period_us)
		o->period_us = now_us;
	if (now_us - o->period_us < PERIOD_US)
		return;
	o->measured = o->served_next > 0;
	o->period_us = now_us;
	o->late_before_us = o->late_us;
	o->late_us = 0;
}

void
own_tick(struct own *o, int64_t now_us)
{
	int64_t wait_us;

	measure(o, now_us);
	wait_us = patience(o);
	while (o->served_first < o->served_next) {
		uint64_t number = o->served[o->served_first % FRAMES];
		struct frame *f = &o->frame[number % FRAMES];

		if (number >= o->first && f->served_us + wait_us > now_us)
			break;
		if (number >= o->first)
			tell(o, f);
		o->served_first++;
	}
	while (o->first < o->next && o->frame[o->first % FRAMES].due_us <= now_us)
		settle(o);
	/* Once a wait: by then it shows what the last change has brought. */
	if (now_us - o->eased_us < HOLD_US && now_us >= o->eased_us)
		return;
	o->eased_us = now_us;
	if (o->next - o->first > FULL)
		o->sampled = o->sampled << 1 | 1;
	else if (o->next - o->first < FULL / 4)
		o->sampled >>= 1;
}

/* ------------------------------------------------------------ taking */

static struct frame *
frame_of(struct own *o, const uint8_t *trace, const uint8_t *span, int64_t now_us)
{
	struct frame *f = find(o, trace, span);
	uint32_t at, *bucket;

	if (f)
		return f;
	if (o->next - o->first == FRAMES) {
		/* Too early: of its calls perhaps not all have come. */
		o->frame[o->first % FRAMES].much = true;
		settle(o);
		if (++o->shed % FRAMES == 0)
			o->sampled = o->sampled << 1 | 1;
	}
	at = (uint32_t)(o->next++ % FRAMES);
	bucket = bucket_of(o, trace, span);
	f = &o->frame[at];
	f->served = f->inner = f->much = f->told = false;
	f->n = 0;
	memcpy(f->trace, trace, 8);
	memcpy(f->span, span, 8);
	f->due_us = now_us + HOLD_US;
	f->chain = *bucket;
	*bucket = at;
	return f;
}

/* Of a frame that is held. */
static uint64_t
number_of(const struct own *o, const struct frame *f)
{
	uint64_t index = (uint64_t)(f - o->frame), first = o->first % FRAMES;

	return o->first + (index + FRAMES - first) % FRAMES;
}

/* A call made in span @span: of the request around it, as far as that is known. */
static void
add_call(struct own *o, const uint8_t *trace, const uint8_t *span, const struct made *c,
	int64_t now_us)
{
	struct frame *f = frame_of(o, trace, span, now_us);
	uint8_t around[8];

	for (unsigned i = 0; i < DEEP && f->inner; i++) {
		memcpy(around, f->parent, sizeof(around));
		f = frame_of(o, trace, around, now_us);
	}
	if (f->served)
		o->late_us = MAX(o->late_us, now_us - f->served_us);
	if (f->n < CALLS)
		f->made[f->n++] = *c;
	else
		f->much = true;
}

void
own_flow(struct own *o, const struct flow *f, int64_t end_us, const struct own_edge *edge,
	int64_t now_us)
{
	const struct flow_ids *ids = &f->ids;
	struct frame *at;

	if (!follows(o, ids))
		return;
	/* Nobody waits for a message. */
	if (f->client_us >= 0 && f->kind != KIND_MSG && !is_zero(ids->parent, 8)) {
		struct made c = { *edge, end_us - f->client_us, end_us, f->weight };

		add_call(o, ids->trace + 8, ids->parent, &c, now_us);
	}
	/* A data base tells nothing of itself: its time is its client's. */
	if (f->server_us < 0 || f->kind == KIND_DB || is_zero(ids->span, 8))
		return;
	at = frame_of(o, ids->trace + 8, ids->span, now_us);
	if (at->served)
		return;
	if (o->served_next - o->served_first == FRAMES)
		o->served_first++; /* told of when it goes */
	o->served[o->served_next++ % FRAMES] = number_of(o, at);
	at->served = true;
	at->served_us = now_us;
	at->edge = *edge;
	at->end_us = end_us;
	at->server_us = f->server_us;
	at->weight = f->weight;
}

void
own_work(struct own *o, const struct flow_ids *ids, int64_t now_us)
{
	struct frame *at;
	uint32_t made;

	if (!follows(o, ids) || is_zero(ids->span, 8) || is_zero(ids->parent, 8))
		return;
	at = frame_of(o, ids->trace + 8, ids->span, now_us);
	if (at->inner || at->served)
		return;
	at->inner = true;
	memcpy(at->parent, ids->parent, 8);
	made = at->n;
	at->n = 0;
	for (uint32_t i = 0; i < made; i++) {
		struct made c = at->made[i];

		add_call(o, ids->trace + 8, ids->span, &c, now_us);
	}
}
