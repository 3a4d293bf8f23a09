/*
 * values - the units people write in options and settings.
 *
 * Each function reads the whole of @text or refuses it: nothing is ever half
 * understood. They say what would have been right in the diag.
 */
#ifndef WEIR_CMD_VALUES_H
#define WEIR_CMD_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"

#define VALUE_FOREVER INT64_MAX

/* `250us` `10ms` `2.5s` `3m` `1h` `2d`; a bare number is seconds. */
enum status value_duration(const char *text, int64_t *ret_us, struct diag *d);

/* `5%` or `0.05`; 0 to 1. */
enum status value_ratio(const char *text, double *ret_ratio, struct diag *d);

/* A whole number. */
enum status value_count(const char *text, uint64_t *ret_count, struct diag *d);

/* `4096` `64K` `10M` `2G`, powers of 1024. */
enum status value_bytes(const char *text, uint64_t *ret_bytes, struct diag *d);

/* `120x40`, columns and rows. */
enum status value_size(const char *text, int *ret_w, int *ret_h, struct diag *d);

/* yes/no and their synonyms. */
enum status value_bool(const char *text, bool *ret_on, struct diag *d);

/* `0.5`, `10x`, or `max`, which is infinite. */
enum status value_speed(const char *text, double *ret_speed, struct diag *d);

/*
 * A moment of a recording: a duration from its start, or RFC 3339
 * (`2026-01-05T14:02:31Z`). *ret_absolute tells which.
 */
enum status value_moment(
	const char *text, int64_t *ret_us, bool *ret_absolute, struct diag *d);

/* The index of @text in the NULL-terminated @words. @what names the kind of thing. */
enum status value_word(const char *text, const char *const *words, const char *what,
	unsigned *ret_index, struct diag *d);

#endif
