#include "config.h"

#include "weir/core/pattern.h"

#include <ctype.h>

#include "weir/base/util.h"

#define HOLE "<*>"

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool
is_glue(char c)
{
	return c == '.' || c == ':' || c == '-' || c == ',' || c == '/' || c == '+';
}

/* What a word is made of. */
struct shape {
	size_t digits, first, last; /* of them the first and the last */
	bool hex;
};

static struct shape
shape_of(struct str w)
{
	struct shape s = { .hex = true };

	for (size_t i = 0; i < w.n; i++) {
		if (isdigit((unsigned char)w.p[i])) {
			if (s.digits++ == 0)
				s.first = i;
			s.last = i;
		}
		s.hex &= isxdigit((unsigned char)w.p[i]) != 0;
	}
	return s;
}

#define HOLE_N (sizeof(HOLE) - 1)

/* Is there a hole at @at, and all of it between @from and the end? */
static bool
is_hole(const struct buf *out, size_t from, size_t at)
{
	return at >= from && at + HOLE_N <= out->n &&
	       memcmp(out->p + at, HOLE, HOLE_N) == 0;
}

/* The word at @word is glued to what stands before: of two holes one is enough. */
static void
join(struct buf *out, size_t from, size_t word)
{
	size_t tail = out->n - word - HOLE_N;

	if (word < from + HOLE_N + 1 || !is_glue(out->p[word - 1]) ||
		!is_hole(out, from, word) || !is_hole(out, from, word - 1 - HOLE_N))
		return;
	memmove(out->p + word - 1, out->p + word + HOLE_N, tail);
	out->n = word - 1 + tail;
	out->p[out->n] = '\0';
}

/* One word with its variable part as a hole. Returns false when it has none. */
static bool
add_word(struct buf *out, struct str w)
{
	struct shape s = shape_of(w);
	size_t unit = w.n - s.last - 1;

	if (s.digits == 0 || (s.digits == 1 && s.first > 0 && w.n <= 5 && !s.hex)) {
		buf_add_str(out, w); /* "http2", "v1": names, not numbers */
		return false;
	}
	/* A short unit behind a number is kept, what stands before one as well. */
	if (s.hex && w.n >= 4) {
		buf_adds(out, HOLE);
		return true;
	}
	buf_add(out, w.p, s.first);
	buf_adds(out, HOLE);
	if (unit <= 3 && s.first == 0)
		buf_add(out, w.p + w.n - unit, unit);
	return true;
}

void
pattern_of(struct str line, struct buf *out)
{
	size_t from = out->n, i = 0;

	line.n = MIN(line.n, PATTERN_LOOK);
	while (i < line.n && isspace((unsigned char)line.p[i]))
		i++;
	while (i < line.n && line.p[i] != '\n' && line.p[i] != '\r') {
		size_t to = i, before = out->n;

		while (to < line.n && is_word(line.p[to]))
			to++;
		if (to == i) {
			buf_addc(out, line.p[i++]);
			continue;
		}
		/* Numbers with glue between them are one: addresses, times, UUIDs. */
		if (add_word(out, (struct str){ line.p + i, to - i }))
			join(out, from, before);
		i = to;
	}
	while (out->n > from && isspace((unsigned char)out->p[out->n - 1]))
		out->p[--out->n] = '\0';
}
