/*
 * str - a borrowed slice of bytes.
 *
 * Not NUL-terminated, never owned, may hold any byte. It is how text travels
 * from a message to the model without a copy: it is valid as long as the bytes
 * it points into, which the function that hands it out states.
 */
#ifndef WEIR_BASE_STR_H
#define WEIR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p; /* may be NULL only when n is 0 */
	size_t n;
};

/* A slice of a string literal. */
#define STR(lit) ((struct str){ .p = (lit), .n = sizeof(lit) - 1 })

/* A slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct str
str_of(const char *s)
{
	return (struct str){ .p = s, .n = s ? strlen(s) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/*
 * The same for where it is asked request by request: no call for what is short, of which
 * eight or four bytes are compared at a time, the last ones twice.
 */
static inline bool
str_same(struct str a, struct str b)
{
	uint64_t x, y;
	uint32_t head[2], tail[2];

	if (a.n != b.n || a.n < sizeof(*head) || a.n > 64)
		return str_eq(a, b);
	if (a.n < sizeof(x)) {
		memcpy(&head[0], a.p, sizeof(*head));
		memcpy(&head[1], b.p, sizeof(*head));
		memcpy(&tail[0], a.p + a.n - sizeof(*tail), sizeof(*tail));
		memcpy(&tail[1], b.p + a.n - sizeof(*tail), sizeof(*tail));
		return head[0] == head[1] && tail[0] == tail[1];
	}
	for (size_t i = 0; i + sizeof(x) < a.n; i += sizeof(x)) {
		memcpy(&x, a.p + i, sizeof(x));
		memcpy(&y, b.p + i, sizeof(y));
		if (x != y)
			return false;
	}
	memcpy(&x, a.p + a.n - sizeof(x), sizeof(x));
	memcpy(&y, b.p + a.n - sizeof(y), sizeof(y));
	return x == y;
}

#endif
