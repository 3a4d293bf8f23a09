/*
 * crc - the CRC-32 of zlib and PNG, by the fastest library there is: over a batch's
 * frame zlib's takes as long as all the rest of reading it.
 */
#ifndef WEIR_SRC_WIRE_CRC_H
#define WEIR_SRC_WIRE_CRC_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

/* That of more bytes behind those that gave @crc; begins with 0. */
static inline uint32_t
crc_add(uint32_t crc, const void *p, size_t n)
{
#ifdef HAVE_LIBDEFLATE
	return libdeflate_crc32(crc, p, n);
#else
	return (uint32_t)crc32(crc, p, (uInt)n);
#endif
}

#endif
