/*
 * inbox - the receiving side: frames in, events out, every loss accounted.
 *
 * Keeps one ledger per agent: the next number expected, gaps (as ranges: a late
 * frame after a reconnect turns "lost" back into "received"), repeats, restarts,
 * id collisions, clock skew, age. Promise: every event an agent accepted is either
 * handed out or in `lost`; where that cannot be known it is said (`bare`).
 *
 * Time is an argument; no sockets.
 */
#ifndef WEIR_WIRE_INBOX_H
#define WEIR_WIRE_INBOX_H

#include "weir/core/snap.h"
#include "weir/wire/wire.h"

struct inbox;

/* @max_agents bounds the ledger; frames of further agents are counted and used, not tracked. */
struct inbox *inbox_new(uint32_t max_agents, wire_event_fn fn, void *ctx);
void inbox_free(struct inbox *in);

/* Take one frame received at the local clocks @mono_us (steady) and @wall_us. */
enum status inbox_frame(
	struct inbox *in, struct str frame, int64_t mono_us, int64_t wall_us);

/* Frames that the receiving ring dropped before they came here (bus_stats). */
void inbox_set_dropped(struct inbox *in, uint64_t frames);

/*
 * Write what the inbox knows into @snap's quality: lost, duplicate, decode_errors,
 * unpaired, dropped, bare and the agents. A gap counts as lost once it is 2 s old.
 */
void inbox_snap(struct inbox *in, int64_t mono_us, struct snap *snap);

#endif
