/*
 * senders - the agents an inbox knows, each with its ledger; bounded.
 *
 * Who sent a frame is told by three things: the agent id, kept by the agent; its
 * start count, which grows with each start; and the instance, random at each start. A
 * greater start count is a restart of the same agent, a smaller one a late frame of a
 * dead instance. An equal one with another instance is a copied identity, and so are
 * two instances that both go on sending BEATs: then each gets a row of its own and
 * both are marked.
 */
#ifndef WEIR_SRC_WIRE_SENDERS_H
#define WEIR_SRC_WIRE_SENDERS_H

#include "ledger.h"
#include "weir/wire/wire.h"

#define SENDER_STALE_US INT64_C(3000000)
#define SENDER_GONE_US INT64_C(10000000)

struct instance {
	uint8_t id[8];
	uint32_t start_count;
	int64_t mono_us, wall_us; /* its first frame: our steady clock, its own clock */
};

/* What it says of itself in BEATs, summed over its instances. */
struct sender_counts {
	uint64_t shed, unpaired, rejected, duplicate, busy;
	uint64_t waiting; /* now: not summed */
};

struct sender {
	uint8_t id[16];
	bool used, bye, collision;
	struct instance now, before; /* start_count 0 in the second: there was none */
	bool before_beats; /* the instance before was heard after its successor */
	int64_t before_wall_us;
	struct ledger ledger;
	int64_t heard_us;
	struct sender_counts said, ended; /* by this instance; by those before it */
	char host[64], input[32];         /* clean */
	/* Its clock minus ours, at the least delay of this and the last half minute. */
	int64_t skew_us, last_skew_us, skew_since_us;
	bool has_skew, has_last_skew;
	uint32_t chain; /* next row with the same hash, or NO_SENDER */
};

#define NO_SENDER UINT32_MAX

struct senders {
	struct sender *row; /* never moves: host names are lent */
	uint32_t max, used;
	uint32_t rows; /* those behind them were never used, nor their memory touched */
	uint32_t *head;
	uint32_t heads; /* a power of two */
	/* What rows that were given up had counted. */
	uint64_t lost, duplicate, unpaired;
};

void senders_init(struct senders *t, uint32_t max);
void senders_done(struct senders *t);

/*
 * The row of who sent @h at our steady clock @mono_us: found, restarted, split off or
 * new. NULL when there is no room. A row whose ledger has not begun is new.
 */
struct sender *senders_find(
	struct senders *t, const struct wire_header *h, int64_t mono_us);

/* Give up rows that were silent for so long. */
void senders_forget(struct senders *t, int64_t mono_us, int64_t silent_us);

/* A BEAT of @h came, for which senders_find() gave @s: does the old instance live? */
void sender_beat(struct sender *s, const struct wire_header *h, int64_t mono_us);

/* A sample of both clocks. */
void sender_clocks(
	struct sender *s, int64_t their_wall_us, int64_t wall_us, int64_t mono_us);
/* False when nothing is known. */
bool sender_skew(const struct sender *s, int64_t *ret_skew_us);

/* Numbers that came twice, and what the agent itself saw twice. */
uint64_t sender_duplicate(const struct sender *s);
uint64_t sender_unpaired(const struct sender *s);

/* Is @h from the instance that the row is about now? */
bool sender_is_now(const struct sender *s, const struct wire_header *h);

#endif
