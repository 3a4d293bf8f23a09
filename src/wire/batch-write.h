/*
 * batch-write - holds the events of one batch and writes them, see batch.h.
 */
#ifndef WEIR_SRC_WIRE_BATCH_WRITE_H
#define WEIR_SRC_WIRE_BATCH_WRITE_H

#include "weir/base/buf.h"
#include "weir/core/flow.h"

/* The parts of struct encoding_ops. */
void *batch_open(void);
void batch_close(void *w);
size_t batch_add(void *w, const struct event *e);
void batch_finish(void *w, struct buf *out);

#endif
