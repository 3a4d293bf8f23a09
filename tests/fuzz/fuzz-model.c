/*
 * Events with any numbers at any times, read from the input, are taken or counted;
 * the sums over all edges are those of the events that were taken.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
	uint8_t what, src, dst, op;
	int64_t a, b;
	uint32_t weight;
};

static const char *const names[] = { "a", "b", "(other)", "\x1b[31m", "", "\xff" };

/* Small numbers as well as any: half of the values are near zero. */
static int64_t
number(int64_t v)
{
	return v & 1 ? v : v >> 40;
}

static void
add_flow(struct model *m, const struct step *st, int64_t now_us)
{
	struct event e = { .type = EVENT_FLOW };
	struct flow *f = &e.u.flow;

	flow_init(f);
	f->src = str_of(names[st->src % ARRAY_LEN(names)]);
	f->dst = str_of(names[st->dst % ARRAY_LEN(names)]);
	f->op = str_of(names[st->op % ARRAY_LEN(names)]);
	f->origin = (enum flow_origin)(st->op % (ORIGIN_COUNT + 1));
	f->end_us = st->what & 8 ? now_us + number(st->a) / 2 : st->a;
	f->client_us = number(st->b);
	f->queue_us = st->what & 16 ? number(st->a) : FLOW_UNKNOWN;
	f->bytes_in = number(st->a);
	f->weight = st->weight;
	f->failed = st->what & 32;
	f->ids.trace[0] = st->op;
	model_add(m, &e, now_us);
}

static void
add_delta(struct model *m, const struct step *st, int64_t now_us)
{
	int64_t bound[] = { number(st->a), number(st->b), INT64_MAX };
	uint32_t count[] = { st->weight, st->src, st->dst };
	struct event e = { .type = EVENT_DELTA };
	struct delta *d = &e.u.delta;

	*d = (struct delta){
		.src = str_of(names[st->src % ARRAY_LEN(names)]),
		.dst = str_of(names[st->dst % ARRAY_LEN(names)]),
		.end_us = now_us,
		.span_us = number(st->a),
		.calls = (uint64_t)st->weight + st->src + st->dst + st->op,
		.errors = st->op,
		.bytes_in = number(st->b),
		.bytes_out = FLOW_UNKNOWN,
		.latency = { bound, count, st->what % 4 },
		.server = { bound, count, st->what % 3 },
		.weight = st->what % 5,
		.events = st->what % 7,
	};
	model_add(m, &e, now_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct thresholds t = THRESHOLDS_DEFAULT;
	static const int64_t widths[] = { 10, 60, 300, 900 };
	struct model_limits limits = model_limits_default;
	int64_t now = INT64_C(1767225600) * SEC_US;
	struct snap s = { 0 };
	struct model *m;
	struct step st;

	limits.nodes = limits.edges = limits.ops = limits.ops_per_edge = 2;
	m = model_new(&limits);
	for (; size >= sizeof(st); data += sizeof(st), size -= sizeof(st)) {
		memcpy(&st, data, sizeof(st));
		now += (int8_t)st.src * (st.what & 64 ? SEC_US : MSEC_US);
		if (st.what % 8 == 7)
			model_set_window(m, widths[st.op % 4] * SEC_US);
		else if (st.what % 8 == 6)
			add_delta(m, &st, now);
		else
			add_flow(m, &st, now);
	}
	model_snap(m, now, &t, &s);
	for (uint32_t i = 0; i < s.edges; i++) {
		const struct snap_stat *stat = &s.edge[i].stat;
		uint64_t calls = 0;

		for (uint32_t k = 0; k < s.edge[i].ops; k++)
			calls += s.op[s.edge[i].first_op + k].stat.calls;
		if (calls > stat->calls || stat->errors > stat->calls ||
			stat->samples > stat->calls || stat->bytes_in < SNAP_UNKNOWN)
			abort();
	}
	snap_done(&s);
	model_free(m);
	return 0;
}
