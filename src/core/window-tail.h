/*
 * window-tail - what was booked in a second so far, call by call, and the packing of it.
 *
 * An entry is one call as it came in. Entries stand in parts by the upper digits of their
 * series, so that one part's series fit into the nearest cache when they are added up:
 * packing moves no more than the buckets of the latencies.
 */
#ifndef WEIR_CORE_WINDOW_TAIL_H
#define WEIR_CORE_WINDOW_TAIL_H

#include "window-run.h"

#define PART_SERIES 1024u /* in a part */

enum entry_flag {
	ENTRY_FAILED = 1,
	ENTRY_IN = 2,
	ENTRY_OUT = 4
};

/* One call. Whatever is more than that, or odd, is booked as a group. */
struct entry {
	uint32_t series;
	uint16_t bucket; /* or WINDOW_NO_LATENCY */
	uint16_t flags;
	uint32_t in, out; /* 0 when unknown */
};

/* Is it just one call? */
static inline bool
entry_fits(const struct window_record *r)
{
	return r->calls == 1 && r->errors <= 1 && !r->coarse &&
	       r->bytes_in <= UINT32_MAX && r->bytes_out <= UINT32_MAX;
}

/* Write such a record at @e: field by field, as a whole it would be read too early. */
static inline void
entry_put(struct entry *e, const struct window_record *r)
{
	bool in = r->bytes_in >= 0, out = r->bytes_out >= 0;

	e->series = r->series;
	e->bucket = r->bucket;
	e->flags = (uint16_t)(r->errors * ENTRY_FAILED | in * ENTRY_IN | out * ENTRY_OUT);
	e->in = in ? (uint32_t)r->bytes_in : 0;
	e->out = out ? (uint32_t)r->bytes_out : 0;
}

/* All-zero is empty. */
struct tail {
	struct part {
		struct entry *e;
		uint32_t n, room;
		uint32_t summed; /* so many are in the sums or need not be */
		uint32_t packed; /* so many are in a run that is being made */
	} * part;
	uint32_t parts;
	uint32_t n, summed; /* in all parts */
};

/* A new entry of @series at its end, to be written; NULL when there is no room. */
static inline struct entry *
tail_place(struct tail *t, uint32_t series)
{
	uint32_t k = series / PART_SERIES;
	struct part *p = k < t->parts ? &t->part[k] : NULL;

	if (!p || p->n == p->room)
		return NULL;
	t->n++;
	/* The lines to come: with many parts they would not be there. */
	__builtin_prefetch(&p->e[p->n + 16], 1);
	return &p->e[p->n++];
}

/* The same, with room made. */
struct entry *tail_make_place(struct tail *t, uint32_t series);

/* All of them are in the sums. */
void tail_set_summed(struct tail *t);

/* Forget the entries, and what memory was hardly used. */
void tail_clear(struct tail *t);

void tail_done(struct tail *t);

/* Bytes held. */
size_t tail_bytes(const struct tail *t);

/* What is worked with to pack tails, kept between uses. All-zero is empty. */
struct packer {
	struct tally *tally; /* of the series of a part */
	uint16_t *bucket;    /* the latencies of a part by series */
	uint32_t room;
	struct buf out; /* the run */
};

void packer_done(struct packer *pk);

/*
 * Append the entries of a part to the run that is being made. @fold is empty. Returns how
 * many they are.
 */
uint32_t tail_pack(struct tail *t, uint32_t part, struct packer *pk, struct fold *fold);

/* Bytes held. */
size_t packer_bytes(const struct packer *pk);

#endif
