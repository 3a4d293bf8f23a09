/*
 * sampling - how many requests one that was kept stands for.
 *
 * A sender that keeps one request in ten says so, and numbers that do not count it ten
 * times are wrong. Where the factor is no whole number it is rounded up or down by the
 * trace id, so that the mean is right and both halves of a request get the same.
 */
#ifndef WEIR_CORE_SAMPLING_H
#define WEIR_CORE_SAMPLING_H

#include <stdint.h>

#include "weir/base/str.h"

#define SAMPLING_MAX_WEIGHT (UINT32_C(1) << 20)

/*
 * The probability that a W3C tracestate tells ("ot=th:c;rv:..."), or 0 when it tells
 * none.
 */
double sampling_from_tracestate(struct str tracestate);

/* At least 1; 1 for what is no probability. */
uint32_t sampling_weight(double probability, const uint8_t trace[16]);

#endif
