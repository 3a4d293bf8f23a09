/*
 * encoding - how the events of one DATA payload are written as bytes.
 *
 * A payload is self-contained: a receiver that joins late decodes any of them alone.
 */
#ifndef WEIR_SRC_WIRE_ENCODING_H
#define WEIR_SRC_WIRE_ENCODING_H

#include "weir/wire/wire.h"

struct encoding_ops {
	/*
	 * Append one event to a payload. What was in @payload before stays valid without
	 * the addition, so a sender can cut a batch in front of the event that was too much.
	 */
	void (*put)(struct buf *payload, const struct event *e);
	/* As wire_decode(). */
	enum status (*decode)(struct str payload, int64_t now_us, wire_event_fn fn,
		void *ctx, struct wire_counts *counts);
};

/* NULL when nobody here knows @encoding. */
const struct encoding_ops *encoding_find(unsigned encoding);

#endif
