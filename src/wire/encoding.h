/*
 * encoding - how the events of one DATA payload are written as bytes.
 *
 * A payload is self-contained: a receiver that joins late decodes any of them alone.
 */
#ifndef WEIR_SRC_WIRE_ENCODING_H
#define WEIR_SRC_WIRE_ENCODING_H

#include "weir/wire/wire.h"

struct encoding_ops {
	/* What holds the events of one payload until it is written; empty at first. */
	void *(*open)(void);
	void (*close)(void *w);
	/*
	 * Add an event, of which nothing is borrowed. Returns how many bytes the payload
	 * would now have at most.
	 */
	size_t (*add)(void *w, const struct event *e);
	/* Append the payload to @out, and be empty again. */
	void (*finish)(void *w, struct buf *out);
	/* What reading keeps from one payload to the next. */
	void *(*reader_new)(void);
	void (*reader_free)(void *reader);
	/* As wire_decode(). */
	enum status (*decode)(void *reader, struct str payload, int64_t now_us,
		wire_event_fn fn, void *ctx, struct wire_counts *counts);
};

/* NULL when nobody here knows @encoding. */
const struct encoding_ops *encoding_find(unsigned encoding);

#endif
