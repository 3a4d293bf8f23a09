#include "config.h"

#include "weir/cmd/values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/base/when.h"

/*
 * A decimal number at the front of @text. strtod() alone would also take hex,
 * "inf" and leading blanks, none of which anybody means here.
 */
static bool
number(const char *text, double *ret_value, const char **ret_rest)
{
	size_t n = strspn(text, "0123456789.");
	char digits[32];
	char *end;

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	*ret_value = strtod(digits, &end);
	*ret_rest = text + n;
	return *end == '\0';
}

enum status
value_duration(const char *text, int64_t *ret_us, struct diag *d)
{
	static const struct {
		const char *unit;
		double us;
	} units[] = {
		{ "", 1e6 },
		{ "us", 1 },
		{ "ms", 1e3 },
		{ "s", 1e6 },
		{ "m", 60e6 },
		{ "h", 3600e6 },
		{ "d", 86400e6 },
	};
	const char *rest;
	double value;

	if (number(text, &value, &rest)) {
		for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
			if (strcmp(rest, units[i].unit) != 0)
				continue;
			value *= units[i].us;
			/* A hundred years; also keeps sums of times inside int64_t. */
			if (value > 3.2e15)
				return diag_set(
					d, STATUS_ERR_RANGE, "'%s' is too long", text);
			*ret_us = (int64_t)llround(value);
			return STATUS_OK;
		}
	}
	return diag_set(d, STATUS_ERR_USAGE,
		"'%s' is no duration: a number and us, ms, s, m, h or d", text);
}

enum status
value_ratio(const char *text, double *ret_ratio, struct diag *d)
{
	const char *rest;
	double value;

	if (!number(text, &value, &rest) || (*rest && strcmp(rest, "%") != 0))
		return diag_set(
			d, STATUS_ERR_USAGE, "'%s' is no share: write 5%% or 0.05", text);
	if (*rest)
		value /= 100;
	if (value > 1)
		return diag_set(d, STATUS_ERR_RANGE,
			"'%s' is more than everything: 5%% or 0.05, at most 100%%", text);
	*ret_ratio = value;
	return STATUS_OK;
}

/* A whole number and what follows it. */
static bool
whole(const char *text, uint64_t *ret_value, const char **ret_rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	*ret_rest = end;
	return errno == 0;
}

enum status
value_count(const char *text, uint64_t *ret_count, struct diag *d)
{
	const char *rest;
	uint64_t value;

	if (!whole(text, &value, &rest) || *rest)
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is no whole number", text);
	*ret_count = value;
	return STATUS_OK;
}

enum status
value_bytes(const char *text, uint64_t *ret_bytes, struct diag *d)
{
	static const char letters[] = "KMGT";
	const char *rest, *letter;
	unsigned shift = 0;
	uint64_t value;

	if (!whole(text, &value, &rest))
		goto bad;
	if (*rest && (letter = strchr(letters, *rest & ~0x20)) != NULL && *letter) {
		shift = 10 * (unsigned)(letter - letters + 1);
		rest++;
	}
	if (strcasecmp(rest, "") != 0 && strcasecmp(rest, "B") != 0 &&
		!(shift && strcasecmp(rest, "iB") == 0))
		goto bad;
	if (value > UINT64_MAX >> (shift + 1))
		return diag_set(d, STATUS_ERR_RANGE, "'%s' is too much", text);
	*ret_bytes = value << shift;
	return STATUS_OK;
bad:
	return diag_set(d, STATUS_ERR_USAGE,
		"'%s' is no size in bytes: a number, and K, M or G", text);
}

enum status
value_size(const char *text, int *ret_w, int *ret_h, struct diag *d)
{
	const char *rest;
	uint64_t w, h;

	if (!whole(text, &w, &rest) || (*rest != 'x' && *rest != 'X') ||
		!whole(rest + 1, &h, &rest) || *rest)
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' is no size: columns x rows, as in 120x40", text);
	if (w < 1 || h < 1 || w > 1000 || h > 1000)
		return diag_set(d, STATUS_ERR_RANGE,
			"'%s' is not within 1x1 and 1000x1000", text);
	*ret_w = (int)w;
	*ret_h = (int)h;
	return STATUS_OK;
}

enum status
value_bool(const char *text, bool *ret_on, struct diag *d)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true",
		"0", "1", "never", "always", NULL };
	unsigned i;

	for (i = 0; words[i]; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret_on = i % 2;
			return STATUS_OK;
		}
	}
	return diag_set(d, STATUS_ERR_USAGE, "'%s' is neither yes nor no", text);
}

enum status
value_speed(const char *text, double *ret_speed, struct diag *d)
{
	const char *rest;
	double value;

	if (strcmp(text, "max") == 0) {
		*ret_speed = INFINITY;
		return STATUS_OK;
	}
	if (!number(text, &value, &rest) || (*rest && strcmp(rest, "x") != 0))
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' is no speed: a factor such as 0.5 or 10, or max", text);
	if (value < 0.01 || value > 1000)
		return diag_set(d, STATUS_ERR_RANGE,
			"'%s' is not within 0.01 and 1000; or say max", text);
	*ret_speed = value;
	return STATUS_OK;
}

enum status
value_moment(const char *text, int64_t *ret_us, bool *ret_absolute, struct diag *d)
{
	*ret_absolute = false;
	if (value_duration(text, ret_us, NULL) == STATUS_OK)
		return STATUS_OK;
	if (!when_rfc3339(str_of(text), ret_us))
		return diag_set(d, STATUS_ERR_USAGE,
			"'%s' is no moment: a duration from the start, or as in "
			"2026-01-05T14:02:31Z",
			text);
	*ret_absolute = true;
	return STATUS_OK;
}

enum status
value_word(const char *text, const char *const *words, const char *what,
	unsigned *ret_index, struct diag *d)
{
	const char *near;
	struct buf all = BUF_INIT;

	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret_index = i;
			buf_done(&all);
			return STATUS_OK;
		}
	}
	near = nearest_name(text, words);
	if (near)
		return diag_set(
			d, STATUS_ERR_UNKNOWN, "no %s '%s' (%s?)", what, text, near);
	for (unsigned i = 0; words[i]; i++)
		buf_addf(&all, " %s", words[i]);
	diag_set(d, STATUS_ERR_UNKNOWN, "no %s '%s'; there is%s", what, text,
		buf_cstr(&all));
	buf_done(&all);
	return STATUS_ERR_UNKNOWN;
}
