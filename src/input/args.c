#include "config.h"

#include "weir/input/args.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"

#define MAX_OPTIONS 32

static enum status
unknown(const char *input, const char *word, size_t n, const struct args_option *table,
	struct diag *d)
{
	const char *names[MAX_OPTIONS + 1] = { NULL };
	const char *near;
	char given[64] = "";
	unsigned count = 0;

	for (; table[count].name && count < MAX_OPTIONS; count++)
		names[count] = table[count].name;
	memcpy(given, word, MIN(n, sizeof(given) - 1));
	near = nearest_name(given, names);
	if (near)
		return diag_set(d, STATUS_ERR_USAGE,
			"%s has no option '%s' (did you mean '%s'?)", input, given, near);
	return diag_set(d, STATUS_ERR_USAGE, "%s has no option '%s'", input, given);
}

static const struct args_option *
find(const struct args_option *table, const char *word, size_t n)
{
	for (; table->name; table++)
		if (strlen(table->name) == n && memcmp(table->name, word, n) == 0)
			return table;
	return NULL;
}

/* Store @value, or the word behind @at when it is NULL, where @o says. */
static enum status
set(const struct args_option *o, char **argv, int argc, int *at, const char *value,
	struct diag *d)
{
	unsigned n = 0;

	if (o->flag) {
		*o->flag = !value || strcmp(value, "no") != 0;
		return *o->flag && value && strcmp(value, "yes") != 0
			       ? diag_set(d, STATUS_ERR_USAGE, "'%s' is yes or no",
					 o->name)
			       : STATUS_OK;
	}
	if (!value && *at + 1 >= argc)
		return diag_set(d, STATUS_ERR_USAGE, "'%s' needs a value", o->name);
	if (!value)
		value = argv[++*at];
	while (n < o->max && o->value[n])
		n++;
	if (o->max > 0 && n == o->max)
		return diag_set(d, STATUS_ERR_USAGE, "'%s' is given more than %u times",
			o->name, o->max);
	o->value[n] = value;
	return STATUS_OK;
}

int
args_take(int argc, char **argv, const struct args_option *table, struct diag *d)
{
	bool only_words = false;
	int left = 0;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		size_t n = strcspn(word, "=");
		const struct args_option *o;

		if (only_words || word[0] != '-' || word[1] == '\0') {
			argv[1 + left++] = argv[i];
			continue;
		}
		if (!strcmp(word, "--")) {
			only_words = true;
			continue;
		}
		o = find(table, word, n);
		if (!o) {
			unknown(argv[0], word, n, table, d);
			return -1;
		}
		if (set(o, argv, argc, &i, word[n] == '=' ? word + n + 1 : NULL, d))
			return -1;
	}
	return left;
}

enum status
args_duration(const char *option, const char *text, int64_t *ret_us, struct diag *d)
{
	static const struct {
		const char *unit;
		double us;
	} units[] = { { "", 1e6 }, { "ms", 1e3 }, { "s", 1e6 }, { "m", 60e6 },
		{ "h", 3600e6 } };
	char *end;
	double v = strtod(text, &end);

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (end == text || strcmp(end, units[i].unit) != 0 || !(v >= 0) ||
			v * units[i].us > 1e15)
			continue;
		*ret_us = (int64_t)(v * units[i].us);
		return STATUS_OK;
	}
	return diag_set(d, STATUS_ERR_USAGE,
		"'%s' is no duration for %s (250ms, 10s, 2m)", text, option);
}
