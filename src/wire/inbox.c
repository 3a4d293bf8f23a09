#include "config.h"

#include "weir/wire/inbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "senders.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define FORGET_US (600 * SEC_US) /* so long a silent agent keeps its row */

struct inbox {
	struct senders senders;
	struct wire_decoder *decoder;
	wire_event_fn fn;
	void *ctx;
	struct buf scratch;
	uint64_t bare, decode_errors, dropped;
	struct sender **order; /* for inbox_snap() */
};

struct inbox *
inbox_new(uint32_t max_agents, wire_event_fn fn, void *ctx)
{
	struct inbox *in = xcalloc(1, sizeof(*in));

	senders_init(&in->senders, max_agents);
	in->order = xreallocarray(NULL, max_agents, sizeof(*in->order));
	in->decoder = wire_decoder_new();
	in->fn = fn;
	in->ctx = ctx;
	return in;
}

void
inbox_free(struct inbox *in)
{
	if (!in)
		return;
	senders_done(&in->senders);
	wire_decoder_free(in->decoder);
	buf_done(&in->scratch);
	free(in->order);
	free(in);
}

void
inbox_set_dropped(struct inbox *in, uint64_t frames)
{
	in->dropped = frames;
}

/* ------------------------------------------------------------ data */

/* Hands on the events of a payload whose numbers are new. */
struct sieve {
	struct inbox *in;
	const struct wire_counts *counts;
	uint64_t first;
	const struct fresh *fresh; /* NULL: all */
	unsigned at;               /* range looked at */
	uint64_t handed;
};

/* How many events of its agent's it stands for. */
static uint64_t
numbers_of(const struct event *e)
{
	return e->type == EVENT_DELTA ? MAX(e->u.delta.events, 1) : 1;
}

static void
sift(void *ctx, const struct event *e)
{
	struct sieve *v = ctx;
	uint64_t number = v->first + v->counts->events + v->counts->bad;
	uint64_t n = numbers_of(e);

	if (v->fresh) {
		while (v->at < v->fresh->ranges && number >= v->fresh->range[v->at].to)
			v->at++;
		/* Of a delta that came in part before, nothing can be taken. */
		if (v->at == v->fresh->ranges || number < v->fresh->range[v->at].from ||
			number + n > v->fresh->range[v->at].to)
			return;
	}
	v->handed += n;
	v->in->fn(v->in->ctx, e);
}

/* Without a ledger: a bare message, or an agent there is no room for. */
static enum status
take_unnumbered(struct inbox *in, unsigned encoding, struct str payload, int64_t wall_us)
{
	struct wire_counts counts = { 0 };
	struct sieve sieve = { .in = in, .counts = &counts };
	enum status status;

	status = wire_decode(
		in->decoder, (uint8_t)encoding, payload, wall_us, sift, &sieve, &counts);
	in->bare += sieve.handed;
	/* What cannot be read at all holds nobody knows how many. */
	in->decode_errors += counts.bad + (status != STATUS_OK && counts.bad == 0);
	return status;
}

static enum status
take_numbered(struct inbox *in, struct sender *s, const struct wire_frame *f,
	int64_t mono_us, int64_t wall_us)
{
	const struct wire_header *h = &f->header;
	struct wire_counts counts = { 0 };
	struct fresh fresh;
	struct sieve sieve = {
		.in = in, .counts = &counts, .first = h->first_event, .fresh = &fresh
	};
	enum status status;

	ledger_take(&s->ledger, h->first_event, h->events, mono_us, &fresh);
	if (fresh.count == 0)
		return STATUS_OK;
	status = wire_decode(
		in->decoder, h->encoding, f->payload, wall_us, sift, &sieve, &counts);
	/* Numbers that came without a readable event, and events without a number. */
	in->decode_errors += fresh.count - sieve.handed;
	if (counts.events + counts.bad > h->events)
		in->decode_errors += counts.events + counts.bad - h->events;
	return status;
}

/* ------------------------------------------------------------ beats */

/* Keep what a sender says of itself; what it does not say again stays. */
static void
keep_word(char *to, size_t size, struct str said)
{
	struct buf clean = BUF_INIT;

	if (said.n == 0)
		return;
	text_clean(&clean, said, size - 1);
	snprintf(to, size, "%s", buf_cstr(&clean));
	buf_done(&clean);
}

static enum status
take_beat(struct inbox *in, struct sender *s, const struct wire_frame *f, int64_t mono_us)
{
	struct wire_beat b;
	enum status status;

	ledger_next(&s->ledger, f->header.first_event, mono_us);
	sender_beat(s, &f->header, mono_us);
	status = wire_get_beat(f->payload, &in->scratch, &b);
	if (status != STATUS_OK) {
		in->decode_errors++;
		return status;
	}
	/* Late words of a dead instance must not undo what the living one said. */
	if (!sender_is_now(s, &f->header))
		return STATUS_OK;
	s->bye = f->header.type == WIRE_BYE;
	s->said = (struct sender_counts){
		.shed = add_saturating(b.shed_queue, b.shed_quota),
		.unpaired = b.unpaired,
		.waiting = b.waiting,
		.rejected = b.rejected,
		.duplicate = b.duplicate,
		.busy = b.busy,
	};
	keep_word(s->host, sizeof(s->host), b.host);
	keep_word(s->input, sizeof(s->input), b.input);
	return STATUS_OK;
}

/* ------------------------------------------------------------ frames */

/* Numbers that no honest sender makes. */
static bool
is_possible(const struct wire_frame *f)
{
	const struct wire_header *h = &f->header;

	if (h->type != WIRE_DATA)
		return h->events == 0;
	/* No encoding writes an event in less than a byte, but for those added up. */
	return (h->events <= f->payload.n || h->encoding == WIRE_DELTA) &&
	       h->first_event <= UINT64_MAX - h->events;
}

static enum status
take_frame(struct inbox *in, const struct wire_frame *f, int64_t mono_us, int64_t wall_us)
{
	const struct wire_header *h = &f->header;
	struct sender *s = senders_find(&in->senders, h, mono_us);

	if (!s && h->type == WIRE_DATA)
		return take_unnumbered(in, h->encoding, f->payload, wall_us);
	if (!s)
		return STATUS_ERR_FULL;
	s->heard_us = mono_us;
	sender_clocks(s, h->wall_us, wall_us, mono_us);
	if (!s->ledger.begun) {
		ledger_meet(&s->ledger, h->first_event, mono_us);
	} else if (h->first_event > s->ledger.next &&
		   h->first_event - s->ledger.next > LEDGER_JUMP_MAX) {
		/* No such loss is possible: count on from there, and say that it is odd. */
		ledger_begin(&s->ledger, h->first_event);
		in->decode_errors++;
	}
	ledger_age(&s->ledger, mono_us);
	if (h->type == WIRE_DATA)
		return take_numbered(in, s, f, mono_us, wall_us);
	return take_beat(in, s, f, mono_us);
}

enum status
inbox_frame(struct inbox *in, struct str frame, int64_t mono_us, int64_t wall_us)
{
	struct wire_frame f;
	enum status status = wire_get_frame(frame, &f);

	if (status == STATUS_OK && f.bare)
		return take_unnumbered(in, WIRE_JSON, f.payload, wall_us);
	if (status == STATUS_OK && !is_possible(&f))
		status = STATUS_ERR_RANGE;
	if (status != STATUS_OK) {
		in->decode_errors++;
		return status;
	}
	return take_frame(in, &f, mono_us, wall_us);
}

/* ------------------------------------------------------------ the picture */

static int
by_id(const void *a, const void *b)
{
	const struct sender *x = *(struct sender *const *)a;
	const struct sender *y = *(struct sender *const *)b;
	int order = memcmp(x->id, y->id, sizeof(x->id));

	return order ? order : memcmp(x->now.id, y->now.id, sizeof(x->now.id));
}

static void
snap_sender(const struct sender *s, int64_t mono_us, struct snap *snap)
{
	struct snap_agent *a = snap_agent_add(snap);
	struct snap_quality *q = &snap->quality;

	memcpy(a->id, s->id, sizeof(a->id));
	a->host = s->host;
	a->input = s->input;
	a->age_us = MAX(mono_us - s->heard_us, 0);
	a->bye = s->bye;
	a->live = !s->bye && a->age_us < SENDER_STALE_US;
	a->collision = s->collision;
	if (!sender_skew(s, &a->skew_us))
		a->skew_us = SNAP_UNKNOWN;
	a->received = s->ledger.received;
	a->lost = ledger_lost(&s->ledger, mono_us);
	a->duplicate = sender_duplicate(s);
	a->shed = add_saturating(s->said.shed, s->ended.shed);
	a->unpaired = sender_unpaired(s);
	a->waiting = s->bye ? 0 : s->said.waiting;
	a->rejected = add_saturating(s->said.rejected, s->ended.rejected);
	a->busy = add_saturating(s->said.busy, s->ended.busy);
	q->lost = add_saturating(q->lost, a->lost);
	q->duplicate = add_saturating(q->duplicate, a->duplicate);
	q->unpaired = add_saturating(q->unpaired, a->unpaired);
}

void
inbox_snap(struct inbox *in, int64_t mono_us, struct snap *snap)
{
	struct senders *t = &in->senders;
	struct snap_quality *q = &snap->quality;
	uint32_t n = 0;

	senders_forget(t, mono_us, FORGET_US);
	for (uint32_t i = 0; i < t->rows; i++)
		if (t->row[i].used) {
			ledger_age(&t->row[i].ledger, mono_us);
			in->order[n++] = &t->row[i];
		}
	qsort(in->order, n, sizeof(*in->order), by_id);
	q->lost = t->lost;
	q->duplicate = t->duplicate;
	q->unpaired = t->unpaired;
	q->decode_errors = in->decode_errors;
	q->dropped = in->dropped;
	q->bare = in->bare;
	q->agents = 0;
	for (uint32_t i = 0; i < n; i++)
		snap_sender(in->order[i], mono_us, snap);
}
