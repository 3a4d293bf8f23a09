/*
 * bytes - little-endian integers in byte strings, whatever the machine's own order.
 */
#ifndef WEIR_SRC_WIRE_BYTES_H
#define WEIR_SRC_WIRE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void
put_le(unsigned char *to, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t
get_le(const unsigned char *from, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)from[i] << 8 * i;
	return v;
}

/* As get_le() of eight bytes, in one load. */
static inline uint64_t
get_le64(const unsigned char *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

#endif
