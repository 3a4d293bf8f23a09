/*
 * promreply - the answer of a Prometheus query API, series by series.
 *
 * Vectors and matrices of the HTTP API v1, as Prometheus, Thanos, Mimir and
 * VictoriaMetrics give it. An answer is looked through to its end before the first
 * series of it is handed on.
 */
#ifndef WEIR_INPUT_PROMREPLY_H
#define WEIR_INPUT_PROMREPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/base/str.h"

#define PROM_MAX_LABELS 64

struct prom_label {
	struct str name, value;
};

struct prom_sample {
	int64_t at_us;
	double value; /* finite */
};

struct prom_series {
	const struct prom_label *label; /* without __name__ */
	unsigned labels;
	const struct prom_sample *sample; /* ascending in time */
	unsigned samples;
};

struct prom_reply {
	uint64_t series;
	uint64_t odd;    /* samples passed over: NaN, infinite, not ascending */
	uint64_t native; /* series that have native histograms only */
	bool partial;    /* the server warns: some of the data may be missing */
	char error[256]; /* the server's own words, "" none */
};

/* Text of a series is borrowed from @body. */
typedef void (*prom_series_fn)(void *ctx, const struct prom_series *s);

/*
 * Read @n bytes at @body, which is written to. ERR_SYNTAX and its like: no such answer;
 * ERR_SYSTEM: an answer, but an error, which is in ret->error. Nothing was handed on
 * then. A scalar is a series without labels.
 */
enum status promreply_read(
	char *body, size_t n, prom_series_fn fn, void *ctx, struct prom_reply *ret);

/* The label of that name, or "". */
struct str prom_label(const struct prom_series *s, struct str name);

#endif
