#include "config.h"

#include "window-pack.h"

#include <stdlib.h>

#include "weir/base/util.h"

/* The series of a part: their tallies fit into the nearest cache. */
#define PART_BITS 10
#define PART (1u << PART_BITS)

/* A group of more calls than this is worth counting, and is written as pairs. */
#define LIST_MAX 256

/* How often each flag was set, side by side in one number. */
#define FLAG_BITS 21
_Static_assert(PACK_MAX < 1u << FLAG_BITS, "each flag is counted in its bits");

/* What the entries of a series say. All-zero is none. */
struct tally {
	uint64_t in, out;
	uint64_t flags;
	uint32_t timed; /* with a latency; later the end of these in the list */
	uint32_t bare;
};

void
packer_done(struct packer *pk)
{
	free(pk->tally);
	free(pk->entry);
	free(pk->bucket);
	free(pk->end);
	buf_done(&pk->out);
	*pk = (struct packer){ 0 };
}

static inline uint64_t
spread(unsigned flags)
{
	return (uint64_t)(flags & ENTRY_FAILED) |
	       (uint64_t)(flags & ENTRY_IN) << (FLAG_BITS - 1) |
	       (uint64_t)(flags & ENTRY_OUT) << (2 * FLAG_BITS - 2);
}

static struct totals
tally_totals(const struct tally *t)
{
	uint64_t mask = (1u << FLAG_BITS) - 1;

	return (struct totals){ .v = {
					[TOTAL_BARE] = t->bare,
					[TOTAL_ERRORS] = t->flags & mask,
					[TOTAL_IN] = t->in,
					[TOTAL_OUT] = t->out,
					[TOTAL_IN_KNOWN] = t->flags >> FLAG_BITS & mask,
					[TOTAL_OUT_KNOWN] = t->flags >> 2 * FLAG_BITS,
				} };
}

static void
count_part(struct tally *tally, const struct entry *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct tally *t = &tally[e[i].series % PART];

		t->in += e[i].in;
		t->out += e[i].out;
		t->flags += spread(e[i].flags);
		t->timed += e[i].bucket != WINDOW_NO_LATENCY;
		t->bare += e[i].bucket == WINDOW_NO_LATENCY;
	}
}

/* Append a part: entries whose series differ in their lowest bits only. */
static void
pack_part(struct packer *pk, const struct entry *e, uint32_t n, struct fold *fold)
{
	uint32_t series = e->series - e->series % PART, end[PART], at = 0;

	count_part(pk->tally, e, n);
	for (unsigned i = 0; i < PART; i++) {
		end[i] = at;
		at += pk->tally[i].timed;
	}
	/* Those without a latency go behind the last. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *to = &end[e[i].series % PART];
		bool timed = e[i].bucket != WINDOW_NO_LATENCY;

		pk->bucket[timed ? *to : n] = e[i].bucket;
		*to += timed;
	}
	for (unsigned i = 0; i < PART; i++) {
		struct tally *t = &pk->tally[i];
		const uint16_t *bucket = &pk->bucket[end[i] - t->timed];
		struct totals totals;

		if (!(t->timed + t->bare))
			continue;
		totals = tally_totals(t);
		if (t->timed <= LIST_MAX) {
			pack_list(&pk->out, series + i, &totals, bucket, t->timed);
		} else {
			fold->totals = totals;
			for (uint32_t k = 0; k < t->timed; k++)
				fold_pair(fold, bucket[k], 1);
			pack_fold(&pk->out, series + i, fold);
		}
		*t = (struct tally){ 0 };
	}
}

static void
make_room(struct packer *pk, uint32_t n, uint32_t parts)
{
	if (!pk->tally)
		pk->tally = xcalloc(PART, sizeof(*pk->tally));
	if (n >= pk->room) {
		pk->room = n + 1;
		free(pk->entry);
		free(pk->bucket);
		pk->entry = NULL;
		pk->bucket = xreallocarray(NULL, pk->room, sizeof(*pk->bucket));
	}
	if (parts > 1 && !pk->entry)
		pk->entry = xreallocarray(NULL, pk->room, sizeof(*pk->entry));
	if (parts > pk->parts) {
		pk->parts = parts;
		pk->end = xreallocarray(pk->end, parts, sizeof(*pk->end));
	}
}

/* Bring the entries of each part together. Sets where each part ends. */
static void
part_entries(struct packer *pk, const struct entry *e, uint32_t n, uint32_t parts)
{
	uint32_t *end = pk->end, at = 0;

	memset(end, 0, parts * sizeof(*end));
	for (uint32_t i = 0; i < n; i++)
		end[e[i].series / PART]++;
	for (uint32_t k = 0; k < parts; k++) {
		uint32_t count = end[k];

		end[k] = at;
		at += count;
	}
	for (uint32_t i = 0; i < n; i++)
		pk->entry[end[e[i].series / PART]++] = e[i];
}

struct run
pack_entries(struct packer *pk, const struct entry *e, uint32_t n, struct fold *fold)
{
	uint32_t last = 0, parts;

	for (uint32_t i = 0; i < n; i++)
		last = MAX(last, e[i].series);
	parts = last / PART + 1;
	make_room(pk, n, parts);
	if (parts == 1) {
		pack_part(pk, e, n, fold);
		return pack_done(&pk->out);
	}
	part_entries(pk, e, n, parts);
	for (uint32_t k = 0, i = 0; k < parts; i = pk->end[k++])
		if (pk->end[k] > i)
			pack_part(pk, &pk->entry[i], pk->end[k] - i, fold);
	return pack_done(&pk->out);
}

size_t
packer_bytes(const struct packer *pk)
{
	return PART * sizeof(*pk->tally) + pk->parts * sizeof(*pk->end) + pk->out.cap +
	       pk->room * (sizeof(*pk->bucket) + (pk->entry ? sizeof(*pk->entry) : 0));
}
