#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/wire/inbox.h"
#include "weir/wire/outbox.h"
#include "wire-kit.h"

#define START_US INT64_C(1767621752000000)

/* An outbox, the wire cut short, an inbox and a model behind it. */
struct line {
	struct outbox *out;
	struct inbox *in;
	struct model *model;
	int64_t now_us;
	unsigned frames, deltas, lose; /* lose: every so many-th DATA frame, or 0 */
	uint64_t lost;
};

static void
book(void *ctx, const struct event *e)
{
	struct line *l = ctx;

	l->deltas += e->type == EVENT_DELTA;
	model_add(l->model, e, l->now_us);
}

static bool
carry(void *ctx, struct str bytes)
{
	struct line *l = ctx;
	struct wire_frame f;

	cr_assert_eq(wire_get_frame(bytes, &f), STATUS_OK);
	if (f.header.type == WIRE_DATA && l->lose && ++l->frames % l->lose == 0) {
		l->lost += f.header.events;
		return true;
	}
	cr_assert_eq(inbox_frame(l->in, bytes, l->now_us, l->now_us), STATUS_OK);
	return true;
}

static void
line_open(struct line *l, enum outbox_aggregate aggregate)
{
	struct outbox_options o = {
		.encoding = WIRE_BATCH, .aggregate = aggregate, .send = carry, .ctx = l
	};

	*l = (struct line){ .now_us = START_US };
	l->out = outbox_new(&o, NULL);
	l->in = inbox_new(2, book, l);
	l->model = model_new(&model_limits_default);
}

static struct outbox_time
now_of(const struct line *l)
{
	return (struct outbox_time){ l->now_us, l->now_us };
}

static void
line_close(struct line *l)
{
	outbox_free(l->out);
	inbox_free(l->in);
	model_free(l->model);
}

static void
draw_flow(struct dice *d, struct event *e, int64_t now_us)
{
	static const char *const names[] = { "web", "api", "db", "cache", "mail" };
	static const char *const ops[] = { "", "GET /", "POST /cart", "SELECT" };
	struct flow *f = &e->u.flow;

	e->type = EVENT_FLOW;
	flow_init(f);
	f->src = str_of(names[dice_roll(d, 3)]);
	f->dst = str_of(names[2 + dice_roll(d, 3)]);
	f->op = str_of(ops[dice_roll(d, 4)]);
	f->kind = (enum flow_kind)dice_roll(d, 3);
	f->origin = (enum flow_origin)dice_roll(d, 2);
	f->failed = dice_roll(d, 10) == 0;
	f->end_us = now_us - (int64_t)dice_roll(d, 3 * SEC_US);
	f->client_us = dice_roll(d, 8) ? (int64_t)dice_roll(d, 50000) : FLOW_UNKNOWN;
	f->server_us = dice_roll(d, 2) ? (int64_t)dice_roll(d, 40000) : FLOW_UNKNOWN;
	f->queue_us = dice_roll(d, 9) ? FLOW_UNKNOWN : (int64_t)dice_roll(d, UINT32_MAX);
	f->bytes_in = dice_roll(d, 2) ? (int64_t)dice_roll(d, 5000) : FLOW_UNKNOWN;
	f->bytes_out = dice_roll(d, 30) ? FLOW_UNKNOWN : INT64_C(5000000000);
	f->weight = dice_roll(d, 4) ? 1 : 1 + (uint32_t)dice_roll(d, 20);
	if (dice_roll(d, 300) == 0)
		f->client_us = INT64_C(1) << 50; /* impossible: refused by both */
	if (dice_roll(d, 2))
		for (unsigned i = 0; i < 16; i++)
			f->ids.trace[i] = (uint8_t)dice_roll(d, 256);
}

static void
describe_stat(struct buf *out, const struct snap_stat *s)
{
	buf_addf(out, " %ju/%ju/%ju %a %jd %jd %jd %jd %jd %jd %d", (uintmax_t)s->calls,
		(uintmax_t)s->errors, (uintmax_t)s->samples, s->rate, (intmax_t)s->p50_us,
		(intmax_t)s->p95_us, (intmax_t)s->p99_us, (intmax_t)s->max_us,
		(intmax_t)s->bytes_in, (intmax_t)s->bytes_out, s->bounds_only);
}

/* All that a picture says but its exemplars, of which deltas carry only some. */
static void
describe(struct line *l, struct snap *s, struct buf *out)
{
	struct thresholds t = THRESHOLDS_DEFAULT;

	buf_clear(out);
	model_snap(l->model, l->now_us, &t, s);
	buf_addf(out, "%jd %ju %ju %ju %jd\n", (intmax_t)s->covered_us,
		(uintmax_t)s->quality.received, (uintmax_t)s->quality.bad_values,
		(uintmax_t)s->quality.late, (intmax_t)s->quality.newest_us);
	for (uint32_t i = 0; i < s->nodes; i++)
		buf_addf(out, "%s %d %d %a %a %jd %jd\n", s->node[i].name,
			s->node[i].kind, s->node[i].severity, s->node[i].rate_in,
			s->node[i].rate_out, (intmax_t)s->node[i].p99_in_us,
			(intmax_t)s->node[i].last_us);
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		buf_addf(out, "%u-%u %d %d %jd %jd %jd %jd %x", e->src, e->dst, e->kind,
			e->severity, (intmax_t)e->server_p99_us,
			(intmax_t)e->queue_p99_us, (intmax_t)e->first_us,
			(intmax_t)e->last_us, e->origins);
		describe_stat(out, &e->stat);
		for (uint32_t k = 0; k < e->ops; k++) {
			buf_addf(out, "\n  %s", s->op[e->first_op + k].op);
			describe_stat(out, &s->op[e->first_op + k].stat);
		}
		buf_addc(out, '\n');
	}
}

static void
same_picture(uint64_t seed)
{
	static const int64_t widths[] = { 10, 60, 300, 900 };
	struct line raw, sums;
	struct snap a = { 0 }, b = { 0 };
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct dice d = { seed };

	line_open(&raw, OUTBOX_NEVER);
	line_open(&sums, OUTBOX_ALWAYS);
	for (unsigned second = 0; second < 90; second++) {
		unsigned n = (unsigned)dice_roll(&d, 300);

		raw.now_us = sums.now_us = START_US + second * SEC_US;
		for (unsigned i = 0; i < n; i++) {
			struct event e;

			draw_flow(&d, &e, raw.now_us);
			outbox_add(raw.out, &e, now_of(&raw));
			outbox_add(sums.out, &e, now_of(&sums));
		}
		/* Both have sent all they have, so both models know the same. */
		outbox_greet(raw.out, now_of(&raw));
		outbox_greet(sums.out, now_of(&sums));
		if (second % 15 == 14) {
			int64_t width_us = widths[dice_roll(&d, 4)] * SEC_US;

			model_set_window(raw.model, width_us);
			model_set_window(sums.model, width_us);
		}
		describe(&raw, &a, &one);
		describe(&sums, &b, &two);
		cr_assert_str_eq(buf_cstr(&one), buf_cstr(&two), "seed %ju, second %u",
			(uintmax_t)seed, second);
	}
	cr_expect_eq(raw.deltas, 0);
	cr_expect_gt(sums.deltas, 100);
	inbox_snap(sums.in, sums.now_us + 10 * SEC_US, &b);
	cr_expect_eq(b.quality.lost, 0);
	cr_expect_eq(b.quality.decode_errors, 0);
	line_close(&raw);
	line_close(&sums);
	snap_done(&a);
	snap_done(&b);
	buf_done(&one);
	buf_done(&two);
}

Test(aggregate, sums_give_the_same_picture_as_the_flows)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		same_picture(seed);
}

Test(aggregate, losing_frames_of_sums_loses_as_many_events_as_they_held)
{
	struct line l;
	struct snap s = { 0 };
	struct dice d = { 5 };
	struct thresholds t = THRESHOLDS_DEFAULT;
	unsigned sent = 0;

	line_open(&l, OUTBOX_ALWAYS);
	l.lose = 3;
	for (unsigned tick = 0; tick < 200; tick++) {
		l.now_us = START_US + tick * 100 * MSEC_US;
		for (unsigned i = 0; i < 500; i++, sent++) {
			char name[16];
			struct event e;

			draw_flow(&d, &e, l.now_us);
			e.u.flow.client_us = 5;
			snprintf(name, sizeof(name), "s%u", (unsigned)dice_roll(&d, 400));
			e.u.flow.dst = str_of(name);
			outbox_add(l.out, &e, now_of(&l));
		}
		outbox_tick(l.out, now_of(&l));
	}
	outbox_bye(l.out, now_of(&l));
	model_snap(l.model, l.now_us, &t, &s);
	inbox_snap(l.in, l.now_us + 20 * SEC_US, &s);
	cr_expect_gt(l.lost, 1000);
	cr_expect_eq(s.quality.lost, l.lost);
	cr_expect_eq(s.quality.received + l.lost, sent);
	cr_expect_eq(s.quality.decode_errors, 0);
	line_close(&l);
	snap_done(&s);
}

Test(aggregate, the_slow_the_failed_and_one_by_chance_keep_their_ids)
{
	struct thresholds t = THRESHOLDS_DEFAULT;
	struct snap s = { 0 };
	struct line l;
	bool slow = false, failed = false;

	line_open(&l, OUTBOX_ALWAYS);
	for (unsigned i = 0; i < 1000; i++) {
		struct event e = { .type = EVENT_FLOW };
		struct flow *f = &e.u.flow;

		flow_init(f);
		f->src = STR("a");
		f->dst = STR("b");
		f->end_us = START_US - 1000 + i;
		f->client_us = i == 123 ? 900000 : 1000;
		f->failed = i == 77 || i == 777;
		f->ids.trace[0] = (uint8_t)(1 + i / 256);
		f->ids.trace[1] = (uint8_t)i;
		outbox_add(l.out, &e, now_of(&l));
	}
	outbox_bye(l.out, now_of(&l));
	model_snap(l.model, l.now_us, &t, &s);
	cr_assert_eq(s.edges, 1);
	cr_expect_eq(s.edge[0].exemplars, 3);
	for (uint32_t i = 0; i < s.exemplars; i++) {
		unsigned n = (s.exemplar[i].ids.trace[0] - 1u) * 256 +
			     s.exemplar[i].ids.trace[1];

		slow |= n == 123 && s.exemplar[i].latency_us == 900000;
		failed |= n == 777 && s.exemplar[i].failed;
	}
	cr_expect(slow);
	cr_expect(failed);
	line_close(&l);
	snap_done(&s);
}

Test(aggregate, few_flows_travel_alone_and_many_are_added_up)
{
	struct line l;
	struct dice d = { 1 };

	line_open(&l, OUTBOX_AUTO);
	for (unsigned second = 0; second < 7; second++) {
		unsigned n = second == 2 || second == 3 ? 3 * OUTBOX_AGGREGATE_FROM : 500;
		unsigned before = l.deltas;

		for (unsigned i = 0; i < n; i++) {
			struct event e;

			l.now_us = START_US + second * SEC_US + i * SEC_US / n;
			draw_flow(&d, &e, l.now_us);
			outbox_add(l.out, &e, now_of(&l));
			outbox_tick(l.out, now_of(&l));
		}
		if (second < 2 || second == 6)
			cr_expect_eq(l.deltas, before, "second %u", second);
		if (second == 3)
			cr_expect_gt(l.deltas, before);
	}
	line_close(&l);
}
