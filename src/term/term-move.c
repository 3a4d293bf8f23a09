/* The shortest way of the cursor from one place to another. */
#include "config.h"

#include <string.h>

#include "term-impl.h"

/* More steps of one byte are never shorter than a number. */
#define STEPS_MAX 8

/* A way, or one half of it, while it is put together. */
struct way {
	char text[TERM_WAY_MAX];
	size_t n;
};

static void
add_number(struct way *w, int n)
{
	char digit[8];
	size_t k = 0;

	do
		digit[k++] = (char)('0' + n % 10);
	while ((n /= 10) && k < sizeof(digit));
	while (k)
		w->text[w->n++] = digit[--k];
}

/* A control sequence whose argument may be left out when it is 1. */
static void
add_csi(struct way *w, int n, char final)
{
	w->text[w->n++] = '\033';
	w->text[w->n++] = '[';
	if (n != 1)
		add_number(w, n);
	w->text[w->n++] = final;
}

static void
keep_shorter(struct way *best, const struct way *other)
{
	if (!best->n || other->n < best->n)
		*best = *other;
}

/* @n times the byte @step, or the sequence that says so. */
static struct way
steps(int n, char step, char final)
{
	struct way w = { .n = 0 };

	if (!step || n > STEPS_MAX) {
		add_csi(&w, n, final);
		return w;
	}
	memset(w.text, step, (size_t)n);
	w.n = (size_t)n;
	if (n > 3) {
		struct way numbered = { .n = 0 };

		add_csi(&numbered, n, final);
		keep_shorter(&w, &numbered);
	}
	return w;
}

static struct way
vertically(const struct term_caps *caps, int from, int to)
{
	struct way best = { .n = 0 }, row = { .n = 0 };

	if (to == from)
		return best;
	if (to > from) {
		best = steps(to - from, caps->feed ? '\n' : 0, 'B');
	} else if (to == from - 1 && caps->reverse_feed) {
		memcpy(best.text, "\033M", 2);
		best.n = 2;
	} else {
		best = steps(from - to, 0, 'A');
	}
	if (caps->row) {
		add_csi(&row, to + 1, 'd');
		keep_shorter(&best, &row);
	}
	return best;
}

/* @from -1: an unknown column. */
static struct way
horizontally(const struct term_caps *caps, int from, int to)
{
	struct way best = { .n = 0 }, other = { .text = "\r", .n = 1 };

	if (to == from)
		return best;
	if (from >= 0)
		best = to > from ? steps(to - from, 0, 'C') : steps(from - to, '\b', 'D');
	if (to > 0)
		add_csi(&other, to, 'C');
	keep_shorter(&best, &other);
	if (caps->column) {
		other.n = 0;
		add_csi(&other, to + 1, 'G');
		keep_shorter(&best, &other);
	}
	return best;
}

size_t
term_way(const struct term_caps *caps, int x, int y, int to_x, int to_y,
	char ret[TERM_WAY_MAX])
{
	struct way place = { .text = "\033[", .n = 2 };

	if (to_y > 0)
		add_number(&place, to_y + 1);
	if (to_x > 0) {
		place.text[place.n++] = ';';
		add_number(&place, to_x + 1);
	}
	place.text[place.n++] = 'H';
	if (y >= 0) {
		struct way v = vertically(caps, y, to_y);
		struct way h = horizontally(caps, x, to_x);

		if (v.n + h.n <= place.n) {
			memcpy(place.text, v.text, v.n);
			memcpy(place.text + v.n, h.text, h.n);
			place.n = v.n + h.n;
		}
	}
	memcpy(ret, place.text, place.n);
	return place.n;
}
