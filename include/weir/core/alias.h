/*
 * alias - which service answers at an address.
 *
 * Learned from pairs: the client says `payment.shop.test:3000`, the server whose span
 * came with it says `payment`. When that service dies only the client's word is left,
 * and the node must not change its name with it. Each service seen is also known
 * under its own name.
 *
 * An address behind which two services answer (a gateway, a port-forward) names
 * neither. Entries that nobody has used for an hour are forgotten; the table is
 * bounded and learns nothing new while it is full.
 */
#ifndef WEIR_CORE_ALIAS_H
#define WEIR_CORE_ALIAS_H

#include <stdint.h>

#include "weir/base/str.h"

struct alias;

struct alias *alias_new(uint32_t max);
void alias_free(struct alias *a);

/* @service answers at @address. */
void alias_learn(struct alias *a, struct str address, struct str service, int64_t now_us);

/* The service at @address, or "". Borrowed: valid until the next alias call. */
struct str alias_find(struct alias *a, struct str address, int64_t now_us);

#endif
