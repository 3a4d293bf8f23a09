/*
 * names - interned, cleaned, bounded text.
 *
 * A name is cleaned once (text_clean) when it is first seen and is an integer
 * from then on. Ids are dense, start at 0 and live as long as the table. The
 * table is bounded in entries and in bytes; when it is full every new name is
 * NAME_OTHER and counted, so a peer that invents names costs nothing.
 *
 * A hit does not allocate: the hash is over the raw bytes.
 */
#ifndef WEIR_BASE_NAMES_H
#define WEIR_BASE_NAMES_H

#include <stdint.h>

#include "weir/base/str.h"

#define NAME_NONE 0u  /* the empty name "" */
#define NAME_OTHER 1u /* "(other)": what did not fit */
#define NAME_MAX_BYTES 255

struct names;

/* At most @max_names entries (the two fixed ones included) and @max_bytes of text. */
struct names *names_new(uint32_t max_names, size_t max_bytes);
void names_free(struct names *t);

/* The id of @raw, adding it when there is room. */
uint32_t names_id(struct names *t, struct str raw);

/* As names_id() but never adds; NAME_OTHER when unknown. */
uint32_t names_find(const struct names *t, struct str raw);

/* Clean NUL-terminated text of @id. Borrowed: valid as long as the table. */
const char *names_text(const struct names *t, uint32_t id);

uint32_t names_count(const struct names *t);
size_t names_bytes(const struct names *t); /* held in all */

/* How many names_id() calls were answered NAME_OTHER because the table was full. */
uint64_t names_overflow(const struct names *t);

#endif
