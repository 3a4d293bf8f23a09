/*
 * args - an input's own words on the command line.
 */
#ifndef WEIR_INPUT_ARGS_H
#define WEIR_INPUT_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/status.h"

struct args_option {
	const char *name;   /* with its dashes */
	const char **value; /* set to what follows it */
	bool *flag;         /* or, for an option without a value: set; "=no" unsets it */
	unsigned
		max; /* 0: the last one counts; else value has room for so many, and NULL */
};

/*
 * Take "--name VALUE" and "--name=VALUE" out of @argv (argv[0] is the input's name);
 * the rest is moved to the front behind argv[0]. Returns how many words are left there,
 * or -1 with @d on an unknown option, a missing value, or one too many. @table ends with a NULL name.
 */
int args_take(int argc, char **argv, const struct args_option *table, struct diag *d);

/* "250ms", "10s", "2m", "1h", or seconds. ERR_USAGE with @d names @option. */
enum status args_duration(
	const char *option, const char *text, int64_t *ret_us, struct diag *d);

#endif
