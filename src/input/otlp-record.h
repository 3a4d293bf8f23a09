/*
 * otlp-record - what the two readers of otlp.h share: one record checked and handed on.
 */
#ifndef WEIR_SRC_INPUT_OTLP_RECORD_H
#define WEIR_SRC_INPUT_OTLP_RECORD_H

#include "weir/base/arena.h"
#include "weir/input/otlp.h"

/*
 * Memory for decoding: what a body makes the decoder ask for is never more than was
 * set aside for it.
 */
struct otlp_memory {
	struct arena arena;
	size_t left;
	bool exhausted; /* something was refused */
};

/* NULL when nothing is left. */
void *otlp_alloc(struct otlp_memory *m, size_t n);
char *otlp_printf(struct otlp_memory *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct otlp_reader {
	struct otlp_memory body;   /* what lives as long as the body is read */
	struct otlp_memory record; /* what lives as long as one record is */
	const struct otlp_sink *sink;
	struct otlp_result result;
	bool judging; /* first look: check everything, hand on nothing */
};

/* As the message has them; ids still as raw bytes. */
struct otlp_span {
	struct span span;
	struct str trace, id, parent, state;
	uint64_t start_ns, end_ns;
};

struct otlp_log {
	struct str service, body, trace, id;
	int severity; /* SeverityNumber, 0 unset */
	uint64_t at_ns, observed_ns;
};

enum otlp_point_kind {
	POINT_VALUE,
	POINT_COUNTER, /* a monotonic sum */
	POINT_HISTOGRAM
};

#define TEMPORALITY_DELTA 1

struct otlp_point {
	enum otlp_point_kind kind;
	struct str service, name, unit;
	char labels[96]; /* values of its attributes, joined by commas */
	uint64_t series; /* hash of all of them */
	uint64_t start_ns, at_ns;
	double value; /* of a histogram the sum */
	double count;
	bool has_value, delta;
};

void otlp_take_span(struct otlp_reader *r, struct otlp_span *s);
void otlp_take_log(struct otlp_reader *r, const struct otlp_log *l);
void otlp_take_point(struct otlp_reader *r, const struct otlp_point *p);

/* Add one attribute's value to @p's labels, as far as it fits. */
void otlp_add_label(struct otlp_point *p, struct str value);

void otlp_reject(struct otlp_reader *r, const char *why);

/* Forget the texts of the record before. */
void otlp_next_record(struct otlp_reader *r);

enum status otlp_read_protobuf(
	struct otlp_reader *r, enum otlp_signal signal, const char *body, size_t n);
enum status otlp_read_json(
	struct otlp_reader *r, enum otlp_signal signal, char *body, size_t n);

#endif
