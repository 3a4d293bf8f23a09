/*
 * state - who an agent is and how far it has counted, kept through kill -9.
 *
 * A file mapped into memory: a store reaches the kernel's page at once, so it survives
 * the death of the process, though not of the machine. One process holds it at a time.
 * It never leaves the machine, hence the machine's own byte order.
 */
#ifndef WEIR_SRC_WIRE_STATE_H
#define WEIR_SRC_WIRE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "weir/base/status.h"

struct state_page {
	char magic[8];
	uint8_t agent[16];
	uint32_t start_count; /* this start included */
	uint32_t zero;
	uint64_t next_event;
};

struct state;

/*
 * @path NULL: a new identity that is not kept. Else created with mode 0600 when it is
 * not there; ERR_EXISTS when another process holds it.
 */
enum status state_open(const char *path, struct state **ret_state, struct diag *d);
void state_close(struct state *s);

/* Changes are kept as they are made. */
struct state_page *state_page(struct state *s);

/* Bytes nobody can guess. */
void random_bytes(void *to, size_t n);

#endif
