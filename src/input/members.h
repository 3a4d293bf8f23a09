/*
 * members - who belongs to which group, told now and then.
 *
 * Senders repeat it with every message. Downstream needs it once, and again now and
 * then: for who began to listen since, and because messages get lost. What has been
 * told is remembered in a table of fixed size; what is pushed out of it is only told
 * more often.
 */
#ifndef WEIR_SRC_INPUT_MEMBERS_H
#define WEIR_SRC_INPUT_MEMBERS_H

#include "weir/core/flow.h"

#define MEMBERS_AGAIN_US INT64_C(10000000)

struct members;

struct members *members_new(void);
void members_free(struct members *m);

/*
 * @service belongs to @group, by the steady clock at @now_us. True when that is to be
 * told; never when one of the two is "".
 */
bool members_due(struct members *m, struct str service, struct str group, int64_t now_us);

#endif
