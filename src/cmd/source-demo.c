/*
 * The demo: a simulated shop. Each of its services has an agent, with an outbox and a
 * socket of its own, connected over real ZeroMQ to a subscriber on a private path.
 *
 * It is played: the shop's time is what the caller says it is. A frame is sent only
 * when the one before has arrived, so that the order of frames, and with it the
 * picture, is the same for the same seed however the machine schedules.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/cmd/clock.h"
#include "weir/cmd/private-dir.h"
#include "weir/cmd/source.h"
#include "weir/cmd/values.h"
#include "weir/core/sim.h"
#include "weir/wire/outbox.h"

enum {
	MAX_AGENTS = 32,
	STEP_US = 100000,     /* the shop's time moves in steps of this */
	GIVE_UP_US = 2000000, /* a frame that is under way for longer is lost */
	JOIN_TRIES = 1000,    /* of 5 ms each */
};

/* How much of the scenario is over when it comes on: its trouble is then near. */
#define DEMO_AHEAD_US (4 * SEC_US)

#define GROUP_AGAIN_US (10 * SEC_US) /* as weir-agent repeats it */

struct demo;

struct demo_agent {
	struct demo *demo;
	const char *service;
	struct outbox *out;
	struct bus_pub *pub;
	int64_t told_us; /* when it last said to which group it belongs */
};

/* A frame that waits to be sent. */
struct waiting {
	struct waiting *next;
	struct bus_pub *pub;
	size_t n;
	char bytes[];
};

struct demo {
	struct private_dir dir;
	struct bus_sub *sub;
	struct demo_agent agent[MAX_AGENTS];
	int agents;
	struct sim *sim;
	int64_t now_us; /* the shop's time */
	struct waiting *first, **last;
	bool under_way;
	int64_t sent_us; /* by the steady clock */
};

static bool
queue_frame(void *ctx, struct str frame)
{
	struct demo_agent *a = ctx;
	struct waiting *w = xmalloc(sizeof(*w) + frame.n);

	w->next = NULL;
	w->pub = a->pub;
	w->n = frame.n;
	memcpy(w->bytes, frame.p, frame.n);
	*a->demo->last = w;
	a->demo->last = &w->next;
	return true;
}

static void
send_one(struct demo *m)
{
	struct waiting *w = m->first;

	m->first = w->next;
	if (m->first == NULL)
		m->last = &m->first;
	m->under_way = bus_pub_send(w->pub, (struct str){ .p = w->bytes, .n = w->n });
	m->sent_us = clock_mono_us();
	free(w);
}

static struct outbox_time
shop_time(const struct demo *m)
{
	return (struct outbox_time){ .mono_us = m->now_us, .wall_us = m->now_us };
}

static void
hand_to_agent(void *ctx, const char *service, const struct event *e)
{
	struct demo *m = ctx;

	for (int i = 0; i < m->agents; i++) {
		if (strcmp(m->agent[i].service, service) == 0)
			outbox_add(m->agent[i].out, e, shop_time(m));
	}
}

static void
tell_group(struct demo *m, struct demo_agent *a)
{
	struct event e = { .type = EVENT_MEMBER,
		.u.member = {
			str_of(a->service), str_of(sim_group(a->service)), m->now_us } };

	if (m->now_us - a->told_us < GROUP_AGAIN_US)
		return;
	a->told_us = m->now_us;
	outbox_add(a->out, &e, shop_time(m));
}

static void
live_on(struct demo *m, int64_t until_us)
{
	m->now_us = MIN(m->now_us + STEP_US, until_us);
	for (int i = 0; i < m->agents; i++)
		tell_group(m, &m->agent[i]);
	sim_run(m->sim, m->now_us, hand_to_agent, m);
	for (int i = 0; i < m->agents; i++)
		outbox_tick(m->agent[i].out, shop_time(m));
}

static enum source_state
demo_next(void *s, int64_t until_us, struct source_frame *ret_frame, struct diag *d)
{
	struct demo *m = s;
	int64_t mono_us;

	(void)d;
	for (;;) {
		if (bus_sub_next(m->sub, &ret_frame->bytes, &mono_us)) {
			m->under_way = false;
			ret_frame->wall_us = ret_frame->mono_us = m->now_us;
			return SOURCE_FRAME;
		}
		if (m->under_way && clock_mono_us() - m->sent_us < GIVE_UP_US)
			return SOURCE_BUSY;
		m->under_way = false;
		if (m->first)
			send_one(m);
		else if (m->now_us < until_us)
			live_on(m, until_us);
		else
			return SOURCE_NONE;
	}
}

static unsigned
demo_fds(void *s, struct pollfd *fds, unsigned max)
{
	struct demo *m = s;

	if (max == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = bus_sub_fd(m->sub), .events = POLLIN };
	return 1;
}

static void
demo_note(void *s, struct source_note *ret_note)
{
	struct demo *m = s;
	struct bus_stats stats = { 0 };

	bus_sub_stats(m->sub, &stats);
	*ret_note = (struct source_note){
		.dropped = stats.dropped_frames,
		.peers = stats.peers,
		.played_us = m->now_us,
	};
}

static void
demo_close(void *s)
{
	struct demo *m = s;

	for (int i = 0; i < m->agents; i++) {
		outbox_free(m->agent[i].out);
		if (m->agent[i].pub)
			bus_pub_close(m->agent[i].pub);
	}
	while (m->first) {
		struct waiting *w = m->first;

		m->first = w->next;
		free(w);
	}
	if (m->sub)
		bus_sub_close(m->sub);
	sim_free(m->sim);
	private_dir_done(&m->dir);
	free(m);
}

static const struct source_ops demo_ops = {
	.played = true,
	.next = demo_next,
	.fds = demo_fds,
	.note = demo_note,
	.close = demo_close,
};

static enum status
open_agent(struct demo *m, struct demo_agent *a, const char *url, struct diag *d)
{
	struct bus_pub_options po = { .to = url, .linger_ms = 0 };
	struct outbox_options oo = {
		.group = "demo",
		.encoding = WIRE_JSON,
		.flush_us = STEP_US,
		.host = a->service,
		.program = "weir demo",
		.input = "simulated",
		.send = queue_frame,
		.ctx = a,
	};

	a->demo = m;
	a->pub = bus_pub_open(&po, d);
	if (a->pub == NULL)
		return STATUS_ERR_SYSTEM;
	a->out = outbox_new(&oo, d);
	return a->out ? STATUS_OK : STATUS_ERR_SYSTEM;
}

/* What is sent before the subscription has come through is lost: wait for it. */
static enum status
join_agents(struct demo *m, struct diag *d)
{
	int joined = 0;

	for (int tries = 0; joined < m->agents && tries < JOIN_TRIES; tries++) {
		if (bus_pub_new_peer(m->agent[joined].pub))
			joined++;
		else
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	if (joined == m->agents)
		return STATUS_OK;
	return diag_set(
		d, STATUS_ERR_SYSTEM, "the demo's agents could not connect within 5 s");
}

static enum status
open_bus(struct demo *m, struct diag *d)
{
	const char *listen[2] = { NULL };
	struct bus_sub_options bus = { .listen = listen };
	char url[160];
	enum status s = private_dir_make(&m->dir, d);

	if (s != STATUS_OK)
		return s;
	snprintf(url, sizeof(url), "ipc://%s/bus", m->dir.path);
	listen[0] = url;
	m->sub = bus_sub_open(&bus, d);
	if (m->sub == NULL)
		return STATUS_ERR_SYSTEM;
	for (int i = 0; sim_agents[i] && i < MAX_AGENTS && s == STATUS_OK; i++) {
		m->agent[i].service = sim_agents[i];
		m->agents++;
		s = open_agent(m, &m->agent[i], url, d);
	}
	if (s == STATUS_OK)
		s = join_agents(m, d);
	/* All are connected, so nobody needs the path again; not even a kill leaves it. */
	private_dir_done(&m->dir);
	return s;
}

enum status
source_open_demo(
	struct source *src, const struct options *o, int64_t now_us, struct diag *d)
{
	const char *scenario = o->scenario ? o->scenario : sim_scenarios[0];
	struct demo *m;
	unsigned i;
	enum status s = value_word(scenario, sim_scenarios, "scenario", &i, d);

	*src = (struct source){ 0 };
	if (s != STATUS_OK)
		return s;
	m = xcalloc(1, sizeof(*m));
	src->ops = &demo_ops;
	src->s = m;
	src->start_us = m->now_us = now_us - DEMO_PAST_US;
	snprintf(src->where, sizeof(src->where), "demo");
	buf_adds(&src->empty_text, "the shop opens in a moment\n");
	m->last = &m->first;
	m->sim = sim_new(scenario, o->seed, m->now_us, now_us - DEMO_AHEAD_US);
	s = open_bus(m, d);
	if (s != STATUS_OK)
		source_close(src);
	return s;
}
