/*
 * util - fatal allocation, the die hook, and a few macros.
 *
 * Running out of memory and broken invariants end the program; before they do,
 * the hook that the terminal layer registers gives the terminal back.
 */
#ifndef WEIR_BASE_UTIL_H
#define WEIR_BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

#define SEC_US INT64_C(1000000)
#define MSEC_US INT64_C(1000)

/* Allocate or die. Zero sizes give a pointer that may be freed. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
/* As xrealloc for an array; dies when count * size overflows. */
void *xreallocarray(void *p, size_t count, size_t size);
/* As xmalloc, at a multiple of @align, which is a power of two. */
void *xmalloc_aligned(size_t align, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/*
 * What must happen before the program ends by die(): async-signal-safe, idempotent.
 * One hook; NULL removes it.
 */
void die_set_hook(void (*hook)(void));

/* The hook alone, for signal handlers. */
void die_run_hook(void);

/* Run the hook, say why on stderr, abort. Only for faults of ours and lack of memory. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Sort @v by the bits from @bit on, with room for as many in @scratch. Those alike there
 * stay in their order; digits that all have alike cost nothing.
 */
void sort_u64(uint64_t *v, uint64_t *scratch, size_t n, unsigned bit);

/* 64-bit mix of bytes; fast, not for hostile-collision-proof sets without a bound. */
uint64_t hash_bytes(const void *p, size_t n);

#endif
