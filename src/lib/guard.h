/*
 * guard - lets the layers below run in somebody else's program: where they would end
 * it for want of memory, guard_run() returns false instead.
 */
#ifndef WEIR_SRC_LIB_GUARD_H
#define WEIR_SRC_LIB_GUARD_H

#include <stdbool.h>

/*
 * Run @fn(@ctx). False when it came to die(): nothing was printed, what it had allocated
 * is leaked, and what it was changing may only be freed. It must not hold a lock where
 * it allocates. Does not nest.
 */
bool guard_run(void (*fn)(void *), void *ctx);

#endif
