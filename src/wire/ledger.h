/*
 * ledger - the numbers of one agent: what came, what is missing, what came twice.
 *
 * Every number from the first one seen up to `next` is at any time exactly one of:
 * received, in a gap, or lost. A gap is a hole that a late frame may still fill (two
 * connections of one agent can be read side by side after a reconnection); after 10 s,
 * or when there are too many, it becomes lost.
 */
#ifndef WEIR_SRC_WIRE_LEDGER_H
#define WEIR_SRC_WIRE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_GAPS 64
#define LEDGER_GAP_US INT64_C(10000000)     /* so long a late frame is waited for */
#define LEDGER_LOST_US INT64_C(2000000)     /* so old, a gap is shown as lost */
#define LEDGER_JUMP_MAX (UINT64_C(1) << 40) /* no loss is that great: a wrong number */

struct range {
	uint64_t from, to; /* the number behind the last */
};

struct gap {
	struct range range;
	int64_t since_us;
	bool before; /* numbers from before we listened: may come, are not missed */
};

struct ledger {
	bool begun;
	uint64_t next;
	uint64_t received, duplicate;
	uint64_t settled;            /* lost for good */
	struct gap gap[LEDGER_GAPS]; /* ascending */
	unsigned gaps;
};

/* The parts of a frame's numbers that had not come before. */
struct fresh {
	struct range range[LEDGER_GAPS + 1]; /* ascending */
	unsigned ranges;
	uint64_t count; /* numbers in them */
};

/* Start anew at @next; gaps that were open are lost. */
void ledger_begin(struct ledger *l, uint64_t next);

/*
 * The first contact, at @next. What the sender accepted before we listened is not lost,
 * but may still come: another connection of it, or a hub, hands on what it kept.
 */
void ledger_meet(struct ledger *l, uint64_t next, int64_t now_us);

/* Numbers first .. first + n - 1 came; the sum must not overflow. */
void ledger_take(struct ledger *l, uint64_t first, uint64_t n, int64_t now_us,
	struct fresh *ret_fresh);

/* The sender says that @next comes next: what is missing before it is a gap. */
void ledger_next(struct ledger *l, uint64_t next, int64_t now_us);

/* Gaps that are old enough become lost. */
void ledger_age(struct ledger *l, int64_t now_us);

/* Lost for good, and missing long enough to be shown so. */
uint64_t ledger_lost(const struct ledger *l, int64_t now_us);

uint64_t add_saturating(uint64_t a, uint64_t b);

#endif
