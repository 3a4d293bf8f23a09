/*
 * ring - frames from one thread to another, bounded in bytes, without a lock.
 *
 * One thread puts, one gets. What does not fit is refused, so that the receiving
 * thread never waits for the one that computes and draws.
 */
#ifndef WEIR_BUS_RING_H
#define WEIR_BUS_RING_H

#include <stdint.h>

#include "weir/base/str.h"

struct ring;

struct ring *ring_new(size_t bytes);
void ring_free(struct ring *r);

/* False when there is no room. */
bool ring_put(struct ring *r, struct str frame, int64_t mono_us);

/*
 * The oldest frame; borrowed until the next call, which gives its room back. False
 * when there is none.
 */
bool ring_get(struct ring *r, struct str *ret_frame, int64_t *ret_mono_us);

bool ring_is_empty(const struct ring *r); /* for the thread that gets */
size_t ring_used(const struct ring *r);
size_t ring_size(const struct ring *r);

#endif
