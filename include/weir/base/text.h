/*
 * text - the one gate between outside text and every sink.
 *
 * text_clean() is a whitelist: what leaves it is valid UTF-8 whose every code
 * point is visible and takes one or two cells, or is one combining mark behind
 * such a code point. Controls, C1, bidi marks, zero-width and tag characters,
 * private use, unassigned and broken bytes become \xNN escapes (of their bytes),
 * so distinct names stay distinct. iswprint() is not enough: glibc calls U+202E
 * and U+200B printable.
 *
 * Width and properties come from utf8proc, so that they do not change with the
 * locale. Ambiguous-width characters count one cell.
 */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/str.h"

/*
 * Append the clean form of @in to @out, at most @max_bytes of it (cut on a
 * cluster boundary with "…" as the last three bytes). Input beyond a small
 * multiple of @max_bytes is not even looked at, so a 10 MB name costs nothing.
 */
void text_clean(struct buf *out, struct str in, size_t max_bytes);

/* True when text_clean(@in) would give @in back unchanged (length aside). */
bool text_is_clean(struct str in);

/* One user-perceived character of clean text. */
struct cluster {
	uint32_t base;
	uint32_t mark; /* one combining mark, or 0 */
	int width;     /* cells: 1 or 2 */
};

/*
 * Take the next cluster off the front of @rest. False at the end. On text that
 * did not pass text_clean() unsafe code points come out as '?', never raw.
 */
bool text_next(struct str *rest, struct cluster *ret_cluster);

/* Cells needed by @s. */
int text_width(struct str s);

/*
 * Append @s cut to @width cells: whole when it fits, else the middle replaced by
 * "…" so that head and tail are kept (`fraud-de…ion`). Never splits a cluster; may
 * come out one cell narrower where a wide cluster would straddle the cut.
 */
void text_fit(struct buf *out, struct str s, int width);

/* Cells of a code point that starts a cluster. */
int text_cells(uint32_t cp);

/* The ASCII letter that a letter with marks is without them (é: e); 0: there is none. */
uint32_t text_bare_letter(uint32_t cp);

/* True when @s is valid UTF-8 (RFC 3629: no surrogates, no overlongs). */
bool text_is_utf8(struct str s);

#endif
