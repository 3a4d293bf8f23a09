#include "config.h"

#include "window-tail.h"

#include <stdlib.h>

#include "weir/base/util.h"

#define PART_FIRST 16 /* entries */

struct entry *
tail_make_place(struct tail *t, uint32_t series)
{
	uint32_t k = series / PART_SERIES;
	struct part *p;

	if (k >= t->parts) {
		t->part = xreallocarray(t->part, k + 1, sizeof(*t->part));
		memset(t->part + t->parts, 0, (k + 1 - t->parts) * sizeof(*t->part));
		t->parts = k + 1;
	}
	p = &t->part[k];
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : PART_FIRST;
		p->e = xreallocarray(p->e, p->room, sizeof(*p->e));
	}
	return tail_place(t, series);
}

void
tail_set_summed(struct tail *t)
{
	for (uint32_t k = 0; k < t->parts; k++)
		t->part[k].summed = t->part[k].n;
	t->summed = t->n;
}

void
tail_clear(struct tail *t)
{
	for (uint32_t k = 0; k < t->parts; k++) {
		struct part *p = &t->part[k];

		if (p->room > PART_FIRST && p->room / 4 > p->n) {
			free(p->e);
			*p = (struct part){ 0 };
		}
		p->n = p->summed = p->packed = 0;
	}
	t->n = t->summed = 0;
}

void
tail_done(struct tail *t)
{
	for (uint32_t k = 0; k < t->parts; k++)
		free(t->part[k].e);
	free(t->part);
	*t = (struct tail){ 0 };
}

size_t
tail_bytes(const struct tail *t)
{
	size_t n = t->parts * sizeof(*t->part);

	for (uint32_t k = 0; k < t->parts; k++)
		n += t->part[k].room * sizeof(*t->part[k].e);
	return n;
}

/* A group of more calls than this is worth counting, and is written as pairs. */
#define LIST_MAX 256

/* What the entries of a series say beside their latencies. */
struct tally {
	uint64_t in, out;
	uint64_t known; /* how many told in; in the upper half, out */
	uint32_t errors, bare;
};

void
packer_done(struct packer *pk)
{
	free(pk->tally);
	free(pk->bucket);
	buf_done(&pk->out);
	*pk = (struct packer){ 0 };
}

size_t
packer_bytes(const struct packer *pk)
{
	return (pk->tally ? PART_SERIES * sizeof(*pk->tally) : 0) +
	       pk->room * sizeof(*pk->bucket) + pk->out.cap;
}

static struct totals
tally_totals(const struct tally *t)
{
	return (struct totals){ .v = {
					[TOTAL_BARE] = t->bare,
					[TOTAL_ERRORS] = t->errors,
					[TOTAL_IN] = t->in,
					[TOTAL_OUT] = t->out,
					[TOTAL_IN_KNOWN] = (uint32_t)t->known,
					[TOTAL_OUT_KNOWN] = t->known >> 32,
				} };
}

/* Add up what entries say. Counts in @timed those that have a latency. */
static void
add_up(struct tally *tally, uint32_t *timed, const struct entry *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = e[i].series % PART_SERIES;
		struct tally *t = &tally[k];
		bool bare = e[i].bucket == WINDOW_NO_LATENCY;

		t->in += e[i].in;
		t->out += e[i].out;
		t->known += (e[i].flags & ENTRY_IN) / ENTRY_IN;
		t->known += (uint64_t)(e[i].flags & ENTRY_OUT) / ENTRY_OUT << 32;
		t->errors += e[i].flags & ENTRY_FAILED;
		t->bare += bare;
		timed[k] += !bare;
	}
}

/* Write the latencies by series. @at is where those of each begin, and then end. */
static void
list_up(uint16_t *bucket, uint32_t *at, const struct entry *e, uint32_t n)
{
	/* Those without one go behind the last. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *to = &at[e[i].series % PART_SERIES];
		bool timed = e[i].bucket != WINDOW_NO_LATENCY;

		bucket[timed ? *to : n] = e[i].bucket;
		*to += timed;
	}
}

static void
pack_series(struct packer *pk, uint32_t series, const struct tally *t,
	const uint16_t *bucket, uint32_t n, struct fold *fold)
{
	struct totals totals = tally_totals(t);

	if (n <= LIST_MAX) {
		pack_list(&pk->out, series, &totals, bucket, n);
		return;
	}
	fold->totals = totals;
	for (uint32_t i = 0; i < n; i++)
		fold_pair(fold, bucket[i], 1);
	pack_fold(&pk->out, series, fold);
}

static void
pack_part(struct packer *pk, uint32_t series, const struct part *p, struct fold *fold)
{
	uint32_t at[PART_SERIES] = { 0 }, sum = 0;

	if (p->n >= pk->room) {
		free(pk->bucket);
		pk->room = p->n + 1;
		pk->bucket = xreallocarray(NULL, pk->room, sizeof(*pk->bucket));
	}
	add_up(pk->tally, at, p->e, p->n);
	for (uint32_t i = 0; i < PART_SERIES; i++) {
		uint32_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	list_up(pk->bucket, at, p->e, p->n);
	for (uint32_t i = 0, k = 0; i < PART_SERIES; k = at[i++]) {
		struct tally *t = &pk->tally[i];

		if (at[i] == k && !t->bare)
			continue;
		pack_series(pk, series + i, t, &pk->bucket[k], at[i] - k, fold);
		*t = (struct tally){ 0 };
	}
}

uint32_t
tail_pack(struct tail *t, uint32_t part, struct packer *pk, struct fold *fold)
{
	struct part *p = &t->part[part];

	if (!pk->tally)
		pk->tally = xcalloc(PART_SERIES, sizeof(*pk->tally));
	if (p->n)
		pack_part(pk, part * PART_SERIES, p, fold);
	p->packed = p->n;
	return p->n;
}
