/*
 * wire - one message, bytes to events and back. man/weir-wire.7 is the specification.
 *
 * A message is one frame: topic and NUL, a fixed little-endian header, a payload.
 * A frame that begins with '{', '[' is bare JSON without header or numbering.
 * The same frames, length-prefixed, are what a recording holds (record.h).
 *
 * This layer knows no sockets. Decoding trusts nothing: every length is checked,
 * the CRC is checked before the payload is looked at.
 */
#ifndef WEIR_WIRE_WIRE_H
#define WEIR_WIRE_WIRE_H

#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/status.h"
#include "weir/core/flow.h"

#define WIRE_TOPIC_PREFIX "weir1." /* followed by the group, then NUL */
#define WIRE_GROUP_MAX 64
#define WIRE_VERSION 1
#define WIRE_MAX_FRAME (1u << 20)     /* receivers refuse more */
#define WIRE_SPLIT_FRAME (32u * 1024) /* senders split at this payload size */

enum wire_type {
	WIRE_DATA = 1,
	WIRE_BEAT = 2,
	WIRE_HELLO = 3,
	WIRE_BYE = 4
};

/* Payload encodings; rows of src/wire/encodings.def. */
enum wire_encoding {
	WIRE_JSON = 1,
	WIRE_BATCH = 2,
	WIRE_DELTA = 3
};

struct wire_header {
	uint8_t type;     /* enum wire_type */
	uint8_t encoding; /* enum wire_encoding, of DATA payloads */
	uint16_t flags;
	uint8_t agent[16];    /* who: kept in the agent's state file */
	uint8_t instance[8];  /* random per start */
	uint32_t start_count; /* starts of this agent id so far; kept in the state file */
	uint32_t events;      /* events in this frame (DATA), else 0 */
	uint64_t first_event; /* number of the first; for the others: the next number */
	int64_t mono_us;      /* sender's monotonic clock at sending */
	int64_t wall_us;      /* sender's wall clock at sending */
};

struct wire_frame {
	struct str group; /* borrowed from the frame */
	struct wire_header header;
	struct str payload; /* borrowed from the frame */
	bool bare; /* bare JSON: header is all zero, payload is the whole frame */
};

/* The encoding that options call @word ("json"); false when there is none. */
bool wire_encoding_from(struct str word, enum wire_encoding *ret_encoding);

/*
 * Append a whole frame (topic, header with CRC, payload) to @out. @group is visible
 * ASCII of at most WIRE_GROUP_MAX bytes.
 */
void wire_put_frame(struct buf *out, struct str group, const struct wire_header *h,
	struct str payload);

/* Take a frame apart and check it: ERR_TRUNCATED, ERR_VERSION, ERR_CHECKSUM, ERR_SYNTAX. */
enum status wire_get_frame(struct str bytes, struct wire_frame *ret_frame);

/* Called for each event of a payload, in order. Text is borrowed until it returns. */
typedef void (*wire_event_fn)(void *ctx, const struct event *e);

/*
 * While the callback runs, events + bad is the number of events before its own, so
 * that a receiver knows the event's number. A delta counts as the events it was made of.
 */
struct wire_counts {
	uint64_t events; /* handed to the callback */
	uint64_t bad;    /* that could not be read and were passed over */
};

/*
 * What decoding keeps from one payload to the next: memory, and what was found under names
 * that come again (struct flow_memo). So all that one decodes is for the same receiver.
 */
struct wire_decoder;
struct wire_decoder *wire_decoder_new(void);
void wire_decoder_free(struct wire_decoder *d); /* takes NULL */

/*
 * Decode a DATA payload. Records that are wrong in themselves are counted in
 * @counts and passed over; ERR_UNKNOWN for an encoding nobody here knows,
 * ERR_SYNTAX / ERR_TOO_DEEP / ERR_TOO_BIG when the payload as a whole cannot be read
 * (events before the fault may have been handed out already).
 * @now_us stands in for a missing time.
 */
enum status wire_decode(struct wire_decoder *d, uint8_t encoding, struct str payload,
	int64_t now_us, wire_event_fn fn, void *ctx, struct wire_counts *counts);

/* What a BEAT, HELLO or BYE payload says (JSON object; unknown keys ignored). */
struct wire_beat {
	struct str host, program, version, input;
	uint64_t accepted;               /* events numbered so far */
	uint64_t shed_queue, shed_quota; /* numbered, then dropped by the agent itself */
	uint64_t rejected, parse_errors; /* never numbered: refused at the input */
	uint64_t unpaired, duplicate; /* spans whose other half never came; seen twice */
	uint64_t waiting;             /* half pairs held now */
	uint64_t busy;                /* requests turned away for now, to come back */
};

void wire_put_beat(struct buf *out, const struct wire_beat *b);

/* Text is borrowed from @scratch. */
enum status wire_get_beat(
	struct str payload, struct buf *scratch, struct wire_beat *ret_beat);

/* The newest time that a line of JSON names, or 0: a look before it is decoded. */
int64_t wire_line_time(struct str line);

/* One event as a JSON object, no newline (the `json` encoding and ndjson). */
void wire_put_json(struct buf *out, const struct event *e);

#endif
