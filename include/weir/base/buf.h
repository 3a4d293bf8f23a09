/*
 * buf - a growable byte string, the only string builder.
 *
 * The bytes are always followed by a NUL that is not counted, so buf.p can be
 * handed to C when the content has no NUL of its own. An all-zero buf is valid
 * and empty.
 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "weir/base/str.h"

struct buf {
	char *p; /* NULL while nothing was ever added */
	size_t n;
	size_t cap;
};

#define BUF_INIT  \
	{         \
		0 \
	}

void buf_done(struct buf *b);  /* frees; the buf is empty and usable again */
void buf_clear(struct buf *b); /* n = 0, keeps the memory */

/* Room for @extra more bytes, and the place to write them; add to b->n afterwards. */
char *buf_reserve(struct buf *b, size_t extra);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_add_str(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_add_utf8(struct buf *b, uint32_t cp);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* The content as a C string ("" when empty). Borrowed: valid until the next change. */
const char *buf_cstr(const struct buf *b);

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ .p = b->p, .n = b->n };
}

#endif
