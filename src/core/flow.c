#include "config.h"

#include "weir/core/flow.h"

#include "weir/core/hist.h"

#include "weir/base/util.h"

static const struct str kind_words[] = {
#define X(id, word) { word, sizeof(word) - 1 },
	FLOW_KIND_LIST(X)
#undef X
};

static const struct str origin_words[] = {
#define X(id, word) { word, sizeof(word) - 1 },
	FLOW_ORIGIN_LIST(X)
#undef X
};

static const struct str node_words[] = {
#define X(id, word) { word, sizeof(word) - 1 },
	NODE_KIND_LIST(X)
#undef X
};

static const struct str severity_words[] = {
#define X(id, word) { word, sizeof(word) - 1 },
	NOTE_SEVERITY_LIST(X)
#undef X
};

/* A latency beyond this is a fault of whoever measured it. */
#define LATENCY_MAX_US (24 * 3600 * SEC_US)

/* Bodies beyond this are one, too. */
#define BYTES_MAX (INT64_C(1) << 50)

/* A sample stands for at most so many; a counter of 32 bits holds thousands of them. */
#define WEIGHT_MAX (UINT32_C(1) << 20)

/* From FLOW_UNKNOWN, which is -1, to @max: one comparison. */
static inline bool
is_within(int64_t v, int64_t max)
{
	return (uint64_t)v - (uint64_t)FLOW_UNKNOWN <= (uint64_t)max + 1;
}

bool
flow_duration_is_sane(int64_t us)
{
	return is_within(us, LATENCY_MAX_US);
}

bool
flow_is_sane(const struct flow *f)
{
	/* A division takes longer than all the rest, and most flows weigh one. */
	int64_t bytes_max = f->weight <= 1 ? BYTES_MAX : BYTES_MAX / f->weight;

	return f->src.n && f->dst.n && f->weight && f->weight <= WEIGHT_MAX &&
	       f->kind < KIND_COUNT && f->origin < ORIGIN_COUNT &&
	       f->src_kind < NODE_KIND_COUNT && f->dst_kind < NODE_KIND_COUNT &&
	       is_within(f->client_us, LATENCY_MAX_US) &&
	       is_within(f->server_us, LATENCY_MAX_US) &&
	       is_within(f->queue_us, LATENCY_MAX_US) &&
	       is_within(f->bytes_in, bytes_max) && is_within(f->bytes_out, bytes_max);
}

void
flow_init(struct flow *f)
{
	*f = (struct flow){
		.end_us = FLOW_UNKNOWN,
		.client_us = FLOW_UNKNOWN,
		.server_us = FLOW_UNKNOWN,
		.queue_us = FLOW_UNKNOWN,
		.bytes_in = FLOW_UNKNOWN,
		.bytes_out = FLOW_UNKNOWN,
		.weight = 1,
	};
}

/* Index of @word in @words, or @n. */
static unsigned
look_up(const struct str *words, unsigned n, struct str word)
{
	unsigned i = word.n ? 0 : n;

	while (i < n && !str_same(words[i], word))
		i++;
	return i;
}

const char *
flow_kind_word(enum flow_kind k)
{
	return (unsigned)k < KIND_COUNT ? kind_words[k].p : kind_words[KIND_UNKNOWN].p;
}

const char *
flow_origin_word(enum flow_origin o)
{
	return (unsigned)o < ORIGIN_COUNT ? origin_words[o].p
					  : origin_words[ORIGIN_DIRECT].p;
}

const char *
note_severity_word(enum note_severity s)
{
	return (unsigned)s < NOTE_SEVERITY_COUNT ? severity_words[s].p
						 : severity_words[NOTE_INFO].p;
}

const char *
node_kind_word(enum node_kind k)
{
	return (unsigned)k < NODE_KIND_COUNT ? node_words[k].p
					     : node_words[NODE_SERVICE].p;
}

bool
flow_kind_from(struct str word, enum flow_kind *ret_kind)
{
	unsigned i = look_up(kind_words, ARRAY_LEN(kind_words), word);

	if (i == ARRAY_LEN(kind_words))
		return false;
	*ret_kind = (enum flow_kind)i;
	return true;
}

bool
flow_origin_from(struct str word, enum flow_origin *ret_origin)
{
	unsigned i = look_up(origin_words, ARRAY_LEN(origin_words), word);

	if (i == ARRAY_LEN(origin_words))
		return false;
	*ret_origin = (enum flow_origin)i;
	return true;
}

bool
node_kind_from(struct str word, enum node_kind *ret_kind)
{
	unsigned i = look_up(node_words, ARRAY_LEN(node_words), word);

	if (i == ARRAY_LEN(node_words))
		return false;
	*ret_kind = (enum node_kind)i;
	return true;
}

int64_t
buckets_bound(const struct buckets *b, uint32_t i)
{
	return b->bound_us ? b->bound_us[i] : hist_high(b->bucket[i]);
}
