/*
 * idmap - from a 64-bit key to an index; open addressing, any key but 0 is allowed.
 *
 * An all-zero idmap is empty and valid.
 */
#ifndef WEIR_CORE_IDMAP_H
#define WEIR_CORE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

#define IDMAP_NONE UINT32_MAX

struct idmap {
	uint64_t *key; /* 0: free */
	uint32_t *value;
	uint32_t count, mask;
};

void idmap_done(struct idmap *m);
uint32_t idmap_find(const struct idmap *m, uint64_t key);      /* or IDMAP_NONE */
void idmap_put(struct idmap *m, uint64_t key, uint32_t value); /* not there before */
void idmap_remove(struct idmap *m, uint64_t key);
size_t idmap_bytes(const struct idmap *m);

#endif
