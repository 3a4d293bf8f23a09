/*
 * The gate works on code points, decoded strictly by utf8proc (RFC 3629). A code
 * point passes when it is assigned, visible and has a width; a combining mark
 * passes once behind such a code point. Everything else is written as the \xNN
 * escapes of its bytes. Emoji sequences are taken apart: ZWJ, variation selectors
 * and tags are format characters and would let two equal-looking names differ.
 */
#include "config.h"

#include "weir/base/text.h"

#include <utf8proc.h>

#include "weir/base/util.h"

#define ELLIPSIS "\xe2\x80\xa6"

enum shape {
	SHAPE_BAD,  /* must not reach a terminal */
	SHAPE_BASE, /* starts a cluster */
	SHAPE_MARK  /* combines with what is before it */
};

struct point {
	uint32_t cp;
	size_t bytes; /* at least 1, also for broken input */
	enum shape shape;
	int width;
};

/* Assigned and "visible" to Unicode, yet blank or reordering on a terminal. */
static bool
is_invisible(uint32_t cp)
{
	return cp == 0x00ad || cp == 0x034f || cp == 0x061c ||
	       (cp >= 0x115f && cp <= 0x1160) || (cp >= 0x17b4 && cp <= 0x17b5) ||
	       (cp >= 0x180b && cp <= 0x180f) || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) ||
	       cp == 0x2800 || cp == 0x3164 || (cp >= 0xfe00 && cp <= 0xfe0f) ||
	       cp == 0xfeff || cp == 0xffa0 || (cp >= 0xfff0 && cp <= 0xfffb) ||
	       (cp >= 0xe0000 && cp <= 0xe0fff);
}

static struct point
classify(uint32_t cp, size_t bytes)
{
	struct point pt = { .cp = cp, .bytes = bytes, .shape = SHAPE_BAD };

	if (cp >= 0x20 && cp < 0x7f) {
		pt.shape = SHAPE_BASE;
		pt.width = 1;
		return pt;
	}
	if (cp < 0xa0 || is_invisible(cp))
		return pt;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return pt;
	case UTF8PROC_CATEGORY_ZS: /* NBSP and the other spaces look like a space and are not */
		return pt;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		pt.shape = SHAPE_MARK;
		return pt;
	default:
		break;
	}
	pt.width = utf8proc_charwidth((utf8proc_int32_t)cp);
	if (pt.width == 1 || pt.width == 2)
		pt.shape = SHAPE_BASE;
	return pt;
}

static struct point
decode(struct str s)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n;

	if ((unsigned char)s.p[0] < 0x80)
		return classify((unsigned char)s.p[0], 1);
	n = utf8proc_iterate(
		(const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)MIN(s.n, 4), &cp);
	if (n <= 0)
		return (struct point){ .cp = '?', .bytes = 1, .shape = SHAPE_BAD };
	return classify((uint32_t)cp, (size_t)n);
}

/* Take one cluster off @rest; the bytes it spans go to @ret_raw. */
static struct point
take(struct str *rest, struct str *ret_raw, uint32_t *ret_mark)
{
	struct point pt = decode(*rest);
	size_t n = pt.bytes;

	*ret_mark = 0;
	if (pt.shape == SHAPE_BASE && n < rest->n) {
		struct point next = decode((struct str){ rest->p + n, rest->n - n });

		if (next.shape == SHAPE_MARK) {
			*ret_mark = next.cp;
			n += next.bytes;
		}
	}
	if (pt.shape == SHAPE_MARK)
		pt.shape = SHAPE_BAD; /* nothing to combine with, or a second mark */
	*ret_raw = (struct str){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return pt;
}

void
text_clean(struct buf *out, struct str in, size_t max_bytes)
{
	size_t start = out->n, room = max_bytes > 3 ? max_bytes - 3 : 0;
	size_t safe = start; /* where the ellipsis may go */
	struct str raw;
	uint32_t mark;

	while (in.n > 0) {
		struct point pt = take(&in, &raw, &mark);

		if (pt.shape == SHAPE_BAD)
			for (size_t i = 0; i < raw.n; i++)
				buf_addf(out, "\\x%02x", (unsigned char)raw.p[i]);
		else
			buf_add_str(out, raw);
		if (out->n - start > max_bytes) {
			out->n = safe;
			buf_adds(out, ELLIPSIS);
			return;
		}
		if (out->n - start <= room)
			safe = out->n;
	}
}

bool
text_is_clean(struct str in)
{
	struct str raw;
	uint32_t mark;

	while (in.n > 0)
		if (take(&in, &raw, &mark).shape == SHAPE_BAD)
			return false;
	return true;
}

bool
text_next(struct str *rest, struct cluster *ret_cluster)
{
	struct str raw;
	struct point pt;
	uint32_t mark;

	if (rest->n == 0)
		return false;
	pt = take(rest, &raw, &mark);
	if (pt.shape == SHAPE_BAD)
		*ret_cluster = (struct cluster){ .base = '?', .width = 1 };
	else
		*ret_cluster = (struct cluster){
			.base = pt.cp, .mark = mark, .width = pt.width
		};
	return true;
}

int
text_width(struct str s)
{
	struct cluster c;
	int cells = 0;

	while (text_next(&s, &c))
		cells += c.width;
	return cells;
}

/* The longest prefix of @s within @cells. */
static struct str
head_within(struct str s, int cells)
{
	struct str rest = s;
	struct cluster c;
	size_t used = 0;

	while (text_next(&rest, &c) && cells >= c.width) {
		cells -= c.width;
		used = s.n - rest.n;
	}
	return (struct str){ s.p, used };
}

/* The longest suffix of @s within @cells. */
static struct str
tail_within(struct str s, int cells)
{
	struct cluster c;
	int over = text_width(s) - cells;

	while (over > 0 && text_next(&s, &c))
		over -= c.width;
	return s;
}

void
text_fit(struct buf *out, struct str s, int width)
{
	int tail;

	if (width <= 0)
		return;
	if (text_width(s) <= width) {
		buf_add_str(out, s);
		return;
	}
	if (width == 1) {
		buf_adds(out, ELLIPSIS);
		return;
	}
	tail = (width - 1) / 3;
	buf_add_str(out, head_within(s, width - 1 - tail));
	buf_adds(out, ELLIPSIS);
	buf_add_str(out, tail_within(s, tail));
}

bool
text_is_utf8(struct str s)
{
	while (s.n > 0) {
		utf8proc_int32_t cp;
		utf8proc_ssize_t n = 1;

		if ((unsigned char)s.p[0] >= 0x80)
			n = utf8proc_iterate((const utf8proc_uint8_t *)s.p,
				(utf8proc_ssize_t)MIN(s.n, 4), &cp);
		if (n <= 0)
			return false;
		s.p += n;
		s.n -= (size_t)n;
	}
	return true;
}

int
text_cells(uint32_t cp)
{
	return classify(cp, 1).width;
}

uint32_t
text_bare_letter(uint32_t cp)
{
	utf8proc_int32_t parts[8];
	int boundary = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, parts,
		ARRAY_LEN(parts), UTF8PROC_DECOMPOSE, &boundary);

	return n > 0 && parts[0] < 0x80 ? (uint32_t)parts[0] : 0;
}
