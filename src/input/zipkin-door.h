/*
 * zipkin-door - where Zipkin's senders post their spans.
 */
#ifndef WEIR_SRC_INPUT_ZIPKIN_DOOR_H
#define WEIR_SRC_INPUT_ZIPKIN_DOOR_H

#include "tracing.h"
#include "weir/input/http.h"

/* Spans posted at @address go to @t. NULL with @d when it cannot listen. */
struct http *zipkin_door_open(struct tracing *t, const char *address, struct diag *d);

#endif
