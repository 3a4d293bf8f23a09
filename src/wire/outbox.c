#include "config.h"

#include "weir/wire/outbox.h"

#include <stdlib.h>
#include <unistd.h>

#include "aggregate.h"
#include "encoding.h"
#include "state.h"
#include "weir/base/util.h"

#define FLUSH_US (100 * MSEC_US)
#define BEAT_US SEC_US
#define AGGREGATE_US SEC_US /* greatest age of what is added up */
#define DEFAULT_GROUP "default"
#define HOST_MAX 255

struct outbox {
	struct outbox_options options;
	char *group, *host, *program, *input;
	const struct encoding_ops *encoding;
	void *writer; /* of the encoding: what waits to be sent */
	struct state *state;
	struct state_page *page;
	uint8_t instance[8];
	struct buf payload, frame, beat;
	uint32_t events;  /* in the writer */
	size_t bytes;     /* that they take at most */
	bool has_deltas;  /* and some of them are added up */
	uint64_t sent;    /* number of the first that is in no frame yet */
	int64_t since_us; /* when the first was added */
	struct aggregate sums;
	int64_t sums_since_us;
	bool adds_up;
	int64_t second_us; /* the second in which flows are counted, and how many */
	uint32_t flows;
	struct outbox_time now; /* while deltas are put into frames */
	int64_t beat_us;        /* when the last BEAT or HELLO was sent */
	bool greeted;
	uint64_t accepted, shed;
	struct wire_beat counts;
};

static bool
is_group(struct str s)
{
	if (s.n > WIRE_GROUP_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static char *
own_host(void)
{
	char name[HOST_MAX + 1] = "";

	if (gethostname(name, HOST_MAX) != 0)
		name[0] = '\0';
	return xstrdup(name);
}

struct outbox *
outbox_new(const struct outbox_options *options, struct diag *d)
{
	const char *group = options->group ? options->group : DEFAULT_GROUP;
	const struct encoding_ops *encoding = encoding_find(options->encoding);
	struct state *state;
	struct outbox *o;

	if (!is_group(str_of(group))) {
		diag_set(d, STATUS_ERR_USAGE,
			"group '%s': at most %d visible ASCII characters", group,
			WIRE_GROUP_MAX);
		return NULL;
	}
	if (!encoding) {
		diag_set(d, STATUS_ERR_USAGE, "encoding %d is not known",
			(int)options->encoding);
		return NULL;
	}
	if (state_open(options->state_path, &state, d) != STATUS_OK)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	o->options = *options;
	if (o->options.flush_us <= 0)
		o->options.flush_us = FLUSH_US;
	o->group = xstrdup(group);
	o->host = options->host ? xstrdup(options->host) : own_host();
	o->program = xstrdup(options->program ? options->program : "");
	o->input = xstrdup(options->input ? options->input : "");
	o->encoding = encoding;
	o->writer = encoding->open();
	o->state = state;
	o->page = state_page(state);
	o->sent = o->page->next_event;
	o->adds_up = options->aggregate == OUTBOX_ALWAYS;
	random_bytes(o->instance, sizeof(o->instance));
	return o;
}

void
outbox_free(struct outbox *o)
{
	if (!o)
		return;
	state_close(o->state);
	o->encoding->close(o->writer);
	aggregate_done(&o->sums);
	buf_done(&o->payload);
	buf_done(&o->frame);
	buf_done(&o->beat);
	free(o->group);
	free(o->host);
	free(o->program);
	free(o->input);
	free(o);
}

static unsigned
encoding_of(const struct outbox *o, enum wire_type type)
{
	if (type != WIRE_DATA)
		return 0;
	if (o->options.encoding == WIRE_JSON)
		return WIRE_JSON;
	return o->has_deltas ? WIRE_DELTA : WIRE_BATCH;
}

static bool
send_frame(struct outbox *o, enum wire_type type, uint64_t first_event, uint32_t events,
	struct str payload, struct outbox_time t)
{
	struct wire_header h = {
		.type = (uint8_t)type,
		.encoding = (uint8_t)encoding_of(o, type),
		.start_count = o->page->start_count,
		.events = events,
		.first_event = first_event,
		.mono_us = t.mono_us,
		.wall_us = t.wall_us,
	};

	memcpy(h.agent, o->page->agent, sizeof(h.agent));
	memcpy(h.instance, o->instance, sizeof(h.instance));
	buf_clear(&o->frame);
	wire_put_frame(&o->frame, str_of(o->group), &h, payload);
	return o->frame.n <= WIRE_MAX_FRAME &&
	       o->options.send(o->options.ctx, buf_str(&o->frame));
}

/* Send what is in the writer. */
static void
flush_batch(struct outbox *o, struct outbox_time t)
{
	if (o->events == 0)
		return;
	buf_clear(&o->payload);
	o->encoding->finish(o->writer, &o->payload);
	if (!send_frame(o, WIRE_DATA, o->sent, o->events, buf_str(&o->payload), t))
		o->shed += o->events;
	o->sent += o->events;
	o->events = 0;
	o->bytes = 0;
	o->has_deltas = false;
}

/* More bytes than these no encoding needs for an event. */
static size_t
size_at_most(const struct event *e)
{
	size_t text = 0, numbers = 0;

	switch (e->type) {
	case EVENT_FLOW:
		text = e->u.flow.src.n + e->u.flow.dst.n + e->u.flow.op.n +
		       e->u.flow.code.n;
		break;
	case EVENT_WORK:
		text = e->u.work.service.n + e->u.work.op.n;
		break;
	case EVENT_NOTE:
		text = e->u.note.service.n + e->u.note.text.n;
		break;
	case EVENT_GAUGE:
		text = e->u.gauge.service.n + e->u.gauge.name.n + e->u.gauge.unit.n;
		break;
	case EVENT_DELTA:
		text = e->u.delta.src.n + e->u.delta.dst.n + e->u.delta.op.n;
		numbers = 2 * ((size_t)e->u.delta.latency.n + e->u.delta.server.n +
				      e->u.delta.queue.n) +
			  8 * (size_t)e->u.delta.exemplars;
		break;
	case EVENT_MEMBER:
		text = e->u.member.service.n + e->u.member.group.n;
		break;
	}
	/* As \u00NN each byte of a text, and all that an object can have beside. */
	return 6 * text + 20 * numbers + 512;
}

/*
 * Put an event that stands for @numbers of those that were accepted into the batch.
 * Which of the numbers are whose is of no account: a frame that is lost takes as many
 * with it as it holds.
 */
static void
put(struct outbox *o, const struct event *e, uint32_t numbers, struct outbox_time t)
{
	if (o->events > 0 && (o->bytes + size_at_most(e) > WIRE_SPLIT_FRAME ||
				     o->events > UINT32_MAX - numbers))
		flush_batch(o, t);
	o->bytes = o->encoding->add(o->writer, e);
	o->has_deltas |= numbers > 1;
	if (o->events == 0)
		o->since_us = t.mono_us;
	o->events += numbers;
	if (o->bytes >= WIRE_SPLIT_FRAME)
		flush_batch(o, t);
}

static void
put_delta(void *ctx, const struct event *e)
{
	struct outbox *o = ctx;

	put(o, e, e->u.delta.events, o->now);
}

void
outbox_flush(struct outbox *o, struct outbox_time t)
{
	if (o->sums.flows) {
		o->now = t;
		aggregate_finish(&o->sums, put_delta, o);
	}
	flush_batch(o, t);
}

/*
 * Say what number comes next. What waits goes first: a receiver would take it for lost.
 */
static void
say(struct outbox *o, enum wire_type type, struct outbox_time t)
{
	struct wire_beat b = o->counts;

	outbox_flush(o, t);
	b.host = str_of(o->host);
	b.program = str_of(o->program);
	b.version = STR(PACKAGE_VERSION);
	b.input = str_of(o->input);
	b.accepted = o->accepted;
	b.shed_queue = o->counts.shed_queue + o->shed;
	buf_clear(&o->beat);
	wire_put_beat(&o->beat, &b);
	send_frame(o, type, o->page->next_event, 0, buf_str(&o->beat), t);
	o->beat_us = t.mono_us;
	o->greeted = true;
}

/* Count a flow, and decide once a second whether they are to be added up. */
static void
count_flow(struct outbox *o, struct outbox_time t)
{
	o->flows++;
	if (o->options.aggregate == OUTBOX_AUTO && o->flows >= OUTBOX_AGGREGATE_FROM)
		o->adds_up = true;
	if (t.mono_us - o->second_us < SEC_US)
		return;
	if (o->options.aggregate == OUTBOX_AUTO && o->flows < OUTBOX_AGGREGATE_UNTIL)
		o->adds_up = false;
	o->second_us = t.mono_us;
	o->flows = 0;
}

/* True when @e is a flow and has been added to the others of its kind. */
static bool
add_up(struct outbox *o, const struct event *e, struct outbox_time t)
{
	if (e->type != EVENT_FLOW || o->options.encoding == WIRE_JSON)
		return false;
	count_flow(o, t);
	if (!o->adds_up)
		return false;
	if (o->sums.flows >= AGGREGATE_FLOWS_MAX)
		outbox_flush(o, t);
	if (o->sums.flows == 0)
		o->sums_since_us = t.mono_us;
	return aggregate_add(&o->sums, &e->u.flow);
}

void
outbox_add(struct outbox *o, const struct event *e, struct outbox_time t)
{
	if (!o->greeted)
		say(o, WIRE_HELLO, t);
	o->page->next_event++;
	o->accepted++;
	if (!add_up(o, e, t))
		put(o, e, 1, t);
}

void
outbox_shed(struct outbox *o, uint64_t n, struct outbox_time t)
{
	/* The numbers in a frame follow each other. */
	outbox_flush(o, t);
	o->page->next_event += n;
	o->sent = o->page->next_event;
	o->accepted += n;
	o->shed += n;
}

static bool
is_due(const struct outbox *o, struct outbox_time t)
{
	return o->sums.flows && t.mono_us - o->sums_since_us >= AGGREGATE_US;
}

void
outbox_tick(struct outbox *o, struct outbox_time t)
{
	if (!o->greeted)
		say(o, WIRE_HELLO, t);
	if (is_due(o, t))
		outbox_flush(o, t);
	else if (o->events > 0 && t.mono_us - o->since_us >= o->options.flush_us)
		flush_batch(o, t);
	if (t.mono_us - o->beat_us >= BEAT_US)
		say(o, WIRE_BEAT, t);
}

int64_t
outbox_wait(const struct outbox *o, struct outbox_time t)
{
	int64_t until_us = o->beat_us + BEAT_US;

	if (!o->greeted)
		return 0;
	if (o->events > 0)
		until_us = MIN(until_us, o->since_us + o->options.flush_us);
	if (o->sums.flows)
		until_us = MIN(until_us, o->sums_since_us + AGGREGATE_US);
	return MAX(until_us - t.mono_us, 0);
}

void
outbox_greet(struct outbox *o, struct outbox_time t)
{
	say(o, WIRE_HELLO, t);
}

void
outbox_bye(struct outbox *o, struct outbox_time t)
{
	say(o, WIRE_BYE, t);
}

void
outbox_set_counts(struct outbox *o, const struct wire_beat *b)
{
	o->counts = *b;
}
