/*
 * jaeger - Jaeger's JSON to spans: what its query API answers and its UI saves.
 *
 * Understood are {"data":[trace…]}, a lone trace, a list of traces, spans with their
 * process inside (Elasticsearch dumps), and the envelopes of the newer API around OTLP
 * ({"result":{"resourceSpans":…}}, {"resourceSpans":…}, {"batches":…}), also one
 * document after the other, as lines. A document is taken whole or not at all.
 */
#ifndef WEIR_INPUT_JAEGER_H
#define WEIR_INPUT_JAEGER_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/span.h"

struct jaeger_result {
	uint64_t accepted, rejected; /* spans */
	uint64_t traces;   /* of OTLP: how often the next span was of another one */
	int64_t newest_us; /* end of the latest span; 0: none */
};

typedef void (*jaeger_span_fn)(void *ctx, const struct span *s);

/*
 * Read @n bytes at @body, which is written to. Nothing was handed on of a document
 * that failed. Results are added to *r.
 */
enum status jaeger_read(
	char *body, size_t n, jaeger_span_fn fn, void *ctx, struct jaeger_result *r);

/* Names out of {"data":["a","b"]}, or of "services" as the newer API has it, each followed by a NUL, into @out. */
enum status jaeger_read_services(char *body, size_t n, struct buf *out);

#endif
