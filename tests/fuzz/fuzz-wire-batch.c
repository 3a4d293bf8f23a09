/*
 * A payload of the batch encoding. What is read of it is written again and read again:
 * the same, whatever the first bytes were, and whatever the decoder has read before.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "../../src/wire/encoding.h"
#include "../unit/wire-kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 2000

struct take {
	struct buf said;
	void *writer; /* or NULL */
	unsigned n;
};

static void
see(void *ctx, const struct event *e)
{
	struct take *t = ctx;

	if (t->n++ >= EVENTS_MAX)
		return;
	event_describe(&t->said, e);
	if (t->writer)
		encoding_find(WIRE_BATCH)->add(t->writer, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_decoder *kept;
	const struct encoding_ops *ops = encoding_find(WIRE_BATCH);
	struct take first = { .writer = ops->open() }, again = { .n = 0 };
	struct wire_counts counts = { 0 };
	struct buf payload = { 0 };

	decode_once(WIRE_BATCH, (struct str){ (const char *)data, size }, 1000000, see,
		&first, &counts);
	ops->finish(first.writer, &payload);
	counts = (struct wire_counts){ 0 };
	if (!kept)
		kept = wire_decoder_new();
	if (wire_decode(kept, WIRE_BATCH, buf_str(&payload), 1000000, see, &again,
		    &counts) != STATUS_OK ||
		counts.bad)
		abort();
	if (first.n <= EVENTS_MAX && !str_eq(buf_str(&first.said), buf_str(&again.said)))
		abort();
	ops->close(first.writer);
	buf_done(&payload);
	buf_done(&first.said);
	buf_done(&again.said);
	return 0;
}
