/*
 * What the benchmarks share: clocks, medians, the yardstick, and rows of a table of
 * ratios with the target beside each.
 */
#ifndef WEIR_TESTS_BENCH_KIT_H
#define WEIR_TESTS_BENCH_KIT_H

#include <stdbool.h>
#include <stdint.h>

#define ROUNDS_MAX 31

double cpu_ns(void);  /* of this thread */
double wall_ns(void); /* steady */

/* Sorts @v. */
double median(double *v, unsigned n);

/*
 * What cJSON needs to parse an event into a tree and free that again, and nothing else:
 * of events that are all different, with ten fields, on 1000 edges; the median of some
 * rounds.
 */
struct yardstick {
	double ns, bytes; /* of an event */
};
struct yardstick cjson_parse(void);

/* A number that looks random, below @n; the same in each run. */
uint32_t pick(uint32_t n);

enum bound {
	AT_LEAST,
	AT_MOST
};

/* A row: what was measured, its figure as @fmt prints it, and the target. */
void row(const char *what, const char *fmt, double figure, enum bound b, double target);

/* One that has no target. */
void row_plain(const char *what, const char *fmt, double figure);

/* Says how many rows missed their target. */
int rows_end(void);

#endif
