#include "config.h"

#include "weir/base/util.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*volatile die_hook)(void);

void
die_set_hook(void (*hook)(void))
{
	die_hook = hook;
}

void
die_run_hook(void)
{
	void (*hook)(void) = die_hook;

	if (hook)
		hook();
}

void
die(const char *fmt, ...)
{
	va_list ap;

	die_run_hook();
	fputs("weir: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void *
checked(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

void *
xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

void *
xcalloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

void *
xreallocarray(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		die("array of %zu x %zu bytes is too large", count, size);
	return xrealloc(p, n);
}

void *
xmalloc_aligned(size_t align, size_t n)
{
	void *p = NULL;

	return checked(posix_memalign(&p, align, n ? n : 1) == 0 ? p : NULL);
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

/* Wide enough for few passes, small enough for the counters to stay in the cache. */
#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

void
sort_u64(uint64_t *v, uint64_t *scratch, size_t n, unsigned bit)
{
	uint64_t differ = 0, *from = v, *to = scratch;

	for (size_t i = 1; i < n; i++)
		differ |= v[i] ^ v[0];
	for (unsigned shift = bit; shift < 64 && differ >> shift; shift += DIGIT_BITS) {
		size_t at[DIGITS] = { 0 }, sum = 0;
		uint64_t *swap = from;

		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		for (size_t i = 0; i < n; i++)
			at[from[i] >> shift & (DIGITS - 1)]++;
		for (unsigned d = 0; d < DIGITS; d++) {
			size_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[at[from[i] >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

/* Multiply-and-fold over 8-byte words, as wyhash does it (public domain, W. Yi). */
static inline uint64_t
hash_word(uint64_t h, uint64_t w)
{
	__uint128_t m = (__uint128_t)(h ^ w) * UINT64_C(0xd6e8feb86659fd93);

	return (uint64_t)m ^ (uint64_t)(m >> 64) ^ (w + UINT64_C(0xa0761d6478bd642f));
}

uint64_t
hash_bytes(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n, w;

	for (; n >= sizeof(w); n -= sizeof(w), b += sizeof(w)) {
		memcpy(&w, b, sizeof(w));
		h = hash_word(h, w);
	}
	/* Copies of a fixed size are loads, one of @n bytes is a call. */
	if (n > 0) {
		uint32_t four;
		uint16_t two;

		w = 0;
		if (n & 1)
			w = b[n - 1];
		if (n & 2) {
			memcpy(&two, b + (n & 4), sizeof(two));
			w = w << 16 | two;
		}
		if (n & 4) {
			memcpy(&four, b, sizeof(four));
			w = w << 32 | four;
		}
		h = hash_word(h, w);
	}
	h ^= h >> 32;
	return h * UINT64_C(0xe7037ed1a0b428db);
}
