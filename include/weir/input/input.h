/*
 * input - a format that weir-agent turns into flow events.
 *
 * To add one: write src/input/input-NAME.c ending in `const struct input_ops
 * input_NAME`, a row in src/input/inputs.def, samples in tests/data/NAME with the
 * flows expected, a fuzz target when it parses, an entry in man/weir-agent.1.
 *
 * An input owns its sockets or files and is driven by the agent's one poll loop:
 * it adds descriptors, and is called when they are ready or its wait is over. It
 * hands events to input_env.emit and never prints or exits.
 */
#ifndef WEIR_INPUT_INPUT_H
#define WEIR_INPUT_INPUT_H

#include <poll.h>
#include <stdint.h>

#include "weir/base/status.h"
#include "weir/core/flow.h"

/* What an input counts; travels in BEATs and is printed by --stats. */
struct input_counts {
	uint64_t requests;     /* bodies, files or batches taken */
	uint64_t bytes;        /* after decompression */
	uint64_t spans;        /* spans or lines read */
	uint64_t flows;        /* events emitted */
	uint64_t rejected;     /* records or requests refused with an answer or a count */
	uint64_t parse_errors; /* of those, not readable at all */
	uint64_t unpaired;     /* halves whose other half never came */
	uint64_t passed;       /* whole records that tell of no request; no loss */
	uint64_t duplicate;    /* seen before and dropped */
	uint64_t waiting;      /* halves held now */
	uint64_t overflow;     /* dropped because a bounded store was full */
	uint64_t busy;         /* requests turned away for want of room, to come back */
	uint64_t over;         /* of those, for being more than their client's share */
	uint64_t evicted;      /* connections closed to make room or for slowness */
	uint64_t clients;      /* connections now */
};

struct input_env {
	void (*emit)(void *ctx, const struct event *e);
	void *ctx;
	/* Free bytes in the agent's queue fell under a tenth: answer 429/503, pause reading. */
	bool (*congested)(void *ctx);
	/* Less than half of it is free: who sends most is to wait. May be NULL. */
	bool (*pressed)(void *ctx);
	bool once; /* what polls is to poll once and then to end */
};

struct input_time {
	int64_t mono_us, wall_us;
};

struct input; /* each input's own */

#define INPUT_MAX_FDS 1024

struct input_ops {
	const char *id;
	const char *about;   /* one line for --help */
	const char *options; /* its own options, one "  --name ARG  text" line each */
	bool ends; /* reads something that waits for it: pause rather than lose events */
	/*
	 * Parse argv (argv[0] is the input's name; options of the agent itself have been
	 * taken out) and open. NULL with @d, whose status is ERR_USAGE on mistakes.
	 */
	struct input *(*open)(
		int argc, char **argv, const struct input_env *env, struct diag *d);
	/* Fill @fds; returns how many. *ret_wait_us: call step() no later than this. */
	unsigned (*fds)(
		struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us);
	/* Do what is ready. ERR_TRUNCATED: the source has ended (end of file), all is emitted. */
	enum status (*step)(struct input *in, struct input_time t, struct diag *d);
	void (*counts)(const struct input *in, struct input_counts *ret_counts);
	/* Where it listens or reads, for the start-up line. Borrowed. */
	const char *(*where)(const struct input *in);
	/*
	 * What is wrong at the other side now, "" when nothing is: said once each time it
	 * changes. Borrowed. NULL for inputs to which others come.
	 */
	const char *(*trouble)(const struct input *in);
	/* Emit what can still be emitted (half pairs as they are), then close. */
	void (*close)(struct input *in, struct input_time t);
};

extern const struct input_ops *const inputs[];
extern const unsigned input_count;
const struct input_ops *input_find(const char *id);

#endif
