/*
 * zipkin - Zipkin v2 JSON to spans.
 *
 * A list is taken whole or not at all: it is read to its end before the first span of
 * it is handed on. Spans that are wrong in themselves (no id, no service, no time) are
 * passed over and counted. Trace ids are of 64 or 128 bits; short ones are right-aligned.
 */
#ifndef WEIR_INPUT_ZIPKIN_H
#define WEIR_INPUT_ZIPKIN_H

#include "weir/base/status.h"
#include "weir/core/span.h"

struct zipkin_result {
	uint64_t accepted, rejected;
};

/* Borrows until it returns, as all it points to. */
typedef void (*zipkin_span_fn)(void *ctx, const struct span *s);

/* Read @n bytes at @body, which is written to. Nothing was handed on after a failure. */
enum status zipkin_read(char *body, size_t n, zipkin_span_fn fn, void *ctx,
	struct zipkin_result *ret_result);

#endif
