/*
 * unpack - gzip, deflate and zstd bodies, with limits.
 */
#ifndef WEIR_INPUT_UNPACK_H
#define WEIR_INPUT_UNPACK_H

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/base/str.h"

/*
 * Unpack gzip (one member or several), zlib, raw deflate or zstd (RFC 8878; one frame or
 * several), told apart by their first bytes, into @out (emptied first). ERR_TOO_BIG past @max bytes, or past a hundred times
 * the input once there is a MiB of output; ERR_TRUNCATED; ERR_SYNTAX.
 */
enum status unpack(struct str in, size_t max, struct buf *out);

#endif
