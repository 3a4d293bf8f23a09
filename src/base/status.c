#include "config.h"

#include "weir/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/util.h"

const char *
status_text(enum status s)
{
	static const char *const texts[] = {
#define X(id, text) text,
		STATUS_LIST(X)
#undef X
	};

	return (unsigned)s < STATUS_COUNT ? texts[s] : "unknown status";
}

static void __attribute__((format(printf, 4, 0)))
fill(struct diag *d, const char *file, int line, const char *fmt, va_list ap)
{
	snprintf(d->file, sizeof(d->file), "%s", file ? file : "");
	d->line = line;
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
}

enum status
diag_set(struct diag *d, enum status s, const char *fmt, ...)
{
	va_list ap;

	if (d) {
		va_start(ap, fmt);
		fill(d, NULL, 0, fmt, ap);
		va_end(ap);
		d->status = s;
	}
	return s;
}

enum status
diag_at(struct diag *d, enum status s, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (d) {
		va_start(ap, fmt);
		fill(d, file, line, fmt, ap);
		va_end(ap);
		d->status = s;
	}
	return s;
}

/* Levenshtein distance; words longer than the row are never near anything. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t n = strlen(b);

	if (n + 1 > ARRAY_LEN(row) || strlen(a) + 1 > ARRAY_LEN(row))
		return 1000;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(change, 1 + MIN(row[j], row[j - 1]));
		}
	}
	return row[n];
}

const char *
nearest_name(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned least = (unsigned)strlen(word) / 3 + 2;

	for (; *names; names++) {
		unsigned d = distance(word, *names);

		if (d < least) {
			least = d;
			best = *names;
		}
	}
	return best;
}
