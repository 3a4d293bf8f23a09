#include "config.h"

#include "weir/core/own.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define FRAMES 4096u /* requests and internal spans that wait */
#define BUCKETS 4096u
#define CALLS 12u               /* of one request; more, and nothing is known of it */
#define HOLD_US (4 * SEC_US)    /* longer than an agent's halves usually wait */
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
	struct own_edge edge;
	int64_t end_us, server_us, due_us;
	uint32_t weight;
	struct made made[CALLS];
	uint32_t n, chain; /* next in the bucket */
};

struct own {
	own_emit_fn emit;
	void *ctx;
	struct frame *frame; /* a ring: all wait equally long */
	uint32_t first, used;
	uint32_t bucket[BUCKETS];
	uint64_t sampled; /* traces with one of these bits are not followed */
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

	/* Of a trace that is followed no more, calls are missing. */
	if (!f->served || f->much || (hash_bytes(f->trace, 8) & o->sampled))
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

static void
add_call(struct frame *f, const struct made *c)
{
	if (f->n < CALLS)
		f->made[f->n++] = *c;
	else
		f->much = true;
}

/* Take the oldest out. */
static void
settle(struct own *o)
{
	struct frame *f = &o->frame[o->first], *around;
	uint32_t *at = bucket_of(o, f->trace, f->span);

	while (*at != o->first)
		at = &o->frame[*at].chain;
	*at = f->chain;
	if (f->inner && (around = find(o, f->trace, f->parent)) != NULL) {
		for (uint32_t i = 0; i < f->n; i++)
			add_call(around, &f->made[i]);
		around->much |= f->much;
	}
	tell(o, f);
	o->first = (o->first + 1) % FRAMES;
	o->used--;
}

void
own_tick(struct own *o, int64_t now_us)
{
	while (o->used && o->frame[o->first].due_us <= now_us)
		settle(o);
	/* Once a wait: by then it shows what the last change has brought. */
	if (now_us - o->eased_us < HOLD_US && now_us >= o->eased_us)
		return;
	o->eased_us = now_us;
	if (o->used > FULL)
		o->sampled = o->sampled << 1 | 1;
	else if (o->used < FULL / 4)
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
	if (o->used == FRAMES) {
		/* Too early: of its calls perhaps not all have come. */
		o->frame[o->first].much = true;
		settle(o);
		if (++o->shed % FRAMES == 0)
			o->sampled = o->sampled << 1 | 1;
	}
	at = (o->first + o->used++) % FRAMES;
	bucket = bucket_of(o, trace, span);
	f = &o->frame[at];
	f->served = f->inner = f->much = false;
	f->n = 0;
	memcpy(f->trace, trace, 8);
	memcpy(f->span, span, 8);
	f->due_us = now_us + HOLD_US;
	f->chain = *bucket;
	*bucket = at;
	return f;
}

void
own_flow(struct own *o, const struct flow *f, const struct own_edge *edge, int64_t now_us)
{
	const struct flow_ids *ids = &f->ids;
	struct frame *at;

	if (!follows(o, ids))
		return;
	/* Nobody waits for a message. */
	if (f->client_us >= 0 && f->kind != KIND_MSG && !is_zero(ids->parent, 8)) {
		struct made c = { *edge, f->end_us - f->client_us, f->end_us, f->weight };

		add_call(frame_of(o, ids->trace + 8, ids->parent, now_us), &c);
	}
	/* A data base tells nothing of itself: its time is its client's. */
	if (f->server_us < 0 || f->kind == KIND_DB || is_zero(ids->span, 8))
		return;
	at = frame_of(o, ids->trace + 8, ids->span, now_us);
	at->served = true;
	at->edge = *edge;
	at->end_us = f->end_us;
	at->server_us = f->server_us;
	at->weight = f->weight;
}

void
own_work(struct own *o, const struct flow_ids *ids, int64_t now_us)
{
	struct frame *at;

	if (!follows(o, ids) || is_zero(ids->span, 8) || is_zero(ids->parent, 8))
		return;
	at = frame_of(o, ids->trace + 8, ids->span, now_us);
	at->inner = true;
	memcpy(at->parent, ids->parent, 8);
}
