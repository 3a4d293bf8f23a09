/*
 * fmt - numbers in few cells.
 *
 * Every number on the screen is at most FMT_CELLS wide, has two or three
 * significant digits and its unit, and "-" for what is unknown: columns stay where
 * they are whatever arrives. A small amount is never shown as none: a rate of
 * 0.01/s is "<0.1/s" and an error ratio of 0.01 % is "<0.1%".
 *
 * The result is a value; `fmt_rate(r).s` is good within the full expression.
 */
#ifndef WEIR_DRAW_FMT_H
#define WEIR_DRAW_FMT_H

#include <stdbool.h>
#include <stdint.h>

#define FMT_CELLS 6

struct fmt {
	char s[16]; /* UTF-8 and NUL */
};

struct fmt fmt_rate(double per_s);    /* 412/s  1.2k/s  <0.1/s; NAN is "-" */
struct fmt fmt_percent(double ratio); /* 0%  3.1%  47%  >99%; NAN is "-" */
struct fmt fmt_count(uint64_t n);     /* 0  9999  12k  1.2M */
struct fmt fmt_bytes(int64_t n);      /* 512B  1.2kB  38MB; negative is "-" */
struct fmt fmt_duration(int64_t us); /* 950µs  1.6ms  38ms  1.6s  12m; negative is "-" */
struct fmt fmt_upper(int64_t us);    /* a duration known only as a bound: ≤38ms */
struct fmt fmt_age(int64_t us);      /* <1s  12s  3m  5h  12d; negative is "-" */

/* fmt_upper() when @bound, else fmt_duration(). */
struct fmt fmt_latency(int64_t us, bool bound);

#endif
