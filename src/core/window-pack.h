/*
 * window-pack - makes a run of entries as they came.
 *
 * An entry is sixteen bytes, and thousands of series are more than the nearest cache
 * holds. Entries are therefore brought together first by their series' upper digits, and
 * each such part is then counted and added up by series where it lies, without moving
 * more than its buckets.
 */
#ifndef WEIR_CORE_WINDOW_PACK_H
#define WEIR_CORE_WINDOW_PACK_H

#include "window-run.h"

/* Entries that can be packed at once, at most. */
#define PACK_MAX (1u << 20)

/* What is worked with, kept between uses. All-zero is empty. */
struct packer {
	struct tally *tally;  /* of the series of a part */
	struct entry *entry;  /* brought together; NULL while nobody has so many series */
	uint16_t *bucket;     /* the latencies of a part by series */
	uint32_t room;        /* of both */
	uint32_t *end, parts; /* where each part ends */
	struct buf out;
};

void packer_done(struct packer *pk);

/* @fold is empty. */
struct run pack_entries(
	struct packer *pk, const struct entry *e, uint32_t n, struct fold *fold);

/* Bytes held. */
size_t packer_bytes(const struct packer *pk);

#endif
