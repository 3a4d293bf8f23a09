#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../src/wire/encoding.h"
#include "weir/base/util.h"
#include "weir/core/hist.h"
#include "weir/wire/wire.h"
#include "wire-kit.h"

#define WALL_US INT64_C(1767621752000000)

static void
describe(void *ctx, const struct event *e)
{
	event_describe(ctx, e);
}

static enum status
decode(struct str payload, struct buf *ret_said, struct wire_counts *counts)
{
	/* In a block of its own, so that a sanitizer sees a read behind it. */
	char *copy = xmalloc(payload.n);
	enum status s;

	*counts = (struct wire_counts){ 0 };
	if (payload.n)
		memcpy(copy, payload.p, payload.n);
	s = decode_once(WIRE_BATCH, (struct str){ copy, payload.n }, WALL_US, describe,
		ret_said, counts);
	free(copy);
	return s;
}

/* The order in which a batch hands out: by kind, and within it as they came. */
static const enum event_type order[] = { EVENT_FLOW, EVENT_WORK, EVENT_NOTE, EVENT_GAUGE,
	EVENT_DELTA, EVENT_MEMBER };

static void
there_and_back(uint64_t seed, unsigned n)
{
	const struct encoding_ops *ops = encoding_find(WIRE_BATCH);
	struct buf want[ARRAY_LEN(order)] = { { 0 } }, all = BUF_INIT, got = BUF_INIT,
		   payload = BUF_INIT;
	struct wire_counts counts;
	struct dice d = { seed };
	void *w = ops->open();
	size_t most = 0;

	for (unsigned i = 0; i < n; i++) {
		struct event e;

		dice_event(&d, &e);
		event_describe(&want[e.type], &e);
		most = ops->add(w, &e);
	}
	ops->finish(w, &payload);
	cr_assert_leq(payload.n, MAX(most, 200), "seed %ju", (uintmax_t)seed);
	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		buf_add_str(&all, buf_str(&want[order[i]]));
		buf_done(&want[order[i]]);
	}
	cr_assert_eq(decode(buf_str(&payload), &got, &counts), STATUS_OK);
	cr_assert_eq(counts.events, n);
	cr_assert_eq(counts.bad, 0);
	cr_assert_str_eq(buf_cstr(&got), buf_cstr(&all), "seed %ju", (uintmax_t)seed);
	ops->close(w);
	buf_done(&payload);
	buf_done(&got);
	buf_done(&all);
}

Test(batch, events_come_back_as_they_went)
{
	for (uint64_t seed = 0; seed < 200; seed++)
		there_and_back(seed, (unsigned)(seed % 70));
}

static struct event
a_flow(const char *src, const char *dst, int64_t end_us, int64_t us)
{
	struct event e = { .type = EVENT_FLOW };

	flow_init(&e.u.flow);
	e.u.flow.src = str_of(src);
	e.u.flow.dst = str_of(dst);
	e.u.flow.end_us = end_us;
	e.u.flow.client_us = us;
	return e;
}

static struct buf
written(const struct event *e, unsigned n)
{
	const struct encoding_ops *ops = encoding_find(WIRE_BATCH);
	struct buf payload = BUF_INIT;
	void *w = ops->open();

	for (unsigned i = 0; i < n; i++)
		ops->add(w, &e[i]);
	ops->finish(w, &payload);
	ops->close(w);
	return payload;
}

/* The example of man/weir-wire.7, "BATCHES". */
static const unsigned char example[] = {
	0x01,                                         /* layout 1 */
	0x03,                                         /* three texts */
	0x08, 'c', 'h', 'e', 'c', 'k', 'o', 'u', 't', /* 1 */
	0x07, 'p', 'a', 'y', 'm', 'e', 'n', 't',      /* 2 */
	0x03, '5', '0', '3',                          /* 3 */
	0x01, 0x01, 0x02, 0x00, 0x01, 0x00, 0x00,     /* a route */
	0x02,                                         /* two flows */
	0x01, 0x00, 0x00, 0x00,                       /* route */
	0x02, 0x80, 0x9c, 0x80, 0x95, 0xc8, 0xf4, 0x91, 0x03, 0x01, 0x00, 0xf5,
	0x01,                                                       /* end */
	0x02, 0xa6, 0x0e, 0x01, 0x00, 0xd2, 0x04,                   /* client */
	0x00, 0x00,                                                 /* server: unknown */
	0x00, 0x00,                                                 /* queue: unknown */
	0x01, 0xe4, 0x04, 0x00, 0x01,                               /* in */
	0x00, 0x00,                                                 /* out: unknown */
	0x01, 0x00, 0x00, 0x01,                                     /* failed */
	0x01, 0x00, 0x00, 0x03,                                     /* code */
	0x00, 0x01,                                                 /* weight */
	0x02, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, /* span ids */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00,                         /* nothing else */
};

Test(batch, the_example_of_the_manual_is_two_requests)
{
	struct event e[2] = { a_flow("checkout", "payment", WALL_US, 1830),
		a_flow("checkout", "payment", WALL_US + 500, 3063) };
	struct buf payload, got = BUF_INIT, want = BUF_INIT;
	struct wire_counts counts;

	for (unsigned i = 0; i < 2; i++) {
		struct flow *f = &e[i].u.flow;

		f->kind = KIND_HTTP;
		for (unsigned k = 0; k < 8; k++)
			f->ids.span[k] = (uint8_t)(i * 8 + k);
	}
	e[1].u.flow.bytes_in = 612;
	e[1].u.flow.failed = true;
	e[1].u.flow.code = STR("503");
	payload = written(e, 2);
	for (size_t i = 0; i < MIN(payload.n, sizeof(example)); i++)
		cr_assert_eq((unsigned char)payload.p[i], example[i],
			"byte %zu is %02x, not %02x", i, (unsigned char)payload.p[i],
			example[i]);
	cr_assert_eq(payload.n, sizeof(example));
	cr_assert_eq(decode((struct str){ (const char *)example, sizeof(example) }, &got,
			     &counts),
		STATUS_OK);
	event_describe(&want, &e[0]);
	event_describe(&want, &e[1]);
	cr_expect_str_eq(buf_cstr(&got), buf_cstr(&want));
	buf_done(&payload);
	buf_done(&want);
	buf_done(&got);
}

Test(batch, one_that_was_cut_or_lengthened_says_nothing_at_all)
{
	struct buf got = BUF_INIT, longer = BUF_INIT;
	struct wire_counts counts;

	for (size_t n = 0; n < sizeof(example); n++) {
		cr_assert_neq(
			decode((struct str){ (const char *)example, n }, &got, &counts),
			STATUS_OK);
		cr_assert_eq(counts.events + counts.bad, 0);
	}
	buf_add(&longer, example, sizeof(example));
	buf_addc(&longer, 0);
	cr_assert_eq(decode(buf_str(&longer), &got, &counts), STATUS_ERR_SYNTAX);
	cr_assert_eq(got.n, 0);
	longer.p[0] = 3;
	cr_assert_eq(decode(buf_str(&longer), &got, &counts), STATUS_ERR_VERSION);
	buf_done(&longer);
	buf_done(&got);
}

Test(batch, sections_that_nobody_knows_are_passed_over)
{
	struct buf got = BUF_INIT, want = BUF_INIT, more;
	struct event e = { .type = EVENT_MEMBER,
		.u.member = { STR("payment"), STR("shop"), WALL_US } };
	struct wire_counts counts;

	more = written(&e, 1);
	cr_expect_eq(more.p[0], 2, "a section that layout 1 has not");
	buf_add(&more, "\x7f\x03xyz", 5);
	cr_assert_eq(decode(buf_str(&more), &got, &counts), STATUS_OK);
	event_describe(&want, &e);
	cr_expect_str_eq(buf_cstr(&got), buf_cstr(&want));
	buf_clear(&got);
	more.p[more.n - 4]++;
	cr_expect_eq(decode(buf_str(&more), &got, &counts), STATUS_ERR_SYNTAX);
	cr_expect_eq(got.n, 0);
	buf_done(&more);
	buf_done(&want);
	buf_done(&got);
}

Test(batch, whatever_is_changed_in_it_is_read_in_bounds)
{
	struct buf payload = BUF_INIT, got = BUF_INIT;
	const struct encoding_ops *ops = encoding_find(WIRE_BATCH);
	struct wire_counts counts;
	struct dice d = { 7 };
	void *w = ops->open();

	for (unsigned i = 0; i < 30; i++) {
		struct event e;

		dice_event(&d, &e);
		ops->add(w, &e);
	}
	ops->finish(w, &payload);
	for (unsigned round = 0; round < 20000; round++) {
		size_t at = dice_roll(&d, payload.n);
		char was = payload.p[at];

		payload.p[at] = (char)dice_roll(&d, 256);
		buf_clear(&got);
		decode(buf_str(&payload), &got, &counts);
		payload.p[at] = was;
	}
	ops->close(w);
	buf_done(&payload);
	buf_done(&got);
}

Test(batch, rows_that_are_wrong_are_passed_over_and_the_others_counted)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned char byte;
		unsigned events, bad;
	} cases[] = {
		{ "no such route", 34, 1, 1, 1 },
		{ "no such code", 73, 4, 1, 1 },
		{ "weight 0", 75, 0, 0, 2 },
		{ "a caller without a name", 24, 0, 0, 2 },
		{ "a kind of tomorrow", 27, 99, 2, 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf payload = BUF_INIT, got = BUF_INIT;
		struct wire_counts counts;

		buf_add(&payload, example, sizeof(example));
		payload.p[cases[i].at] = (char)cases[i].byte;
		cr_expect_eq(decode(buf_str(&payload), &got, &counts), STATUS_OK, "%s",
			cases[i].what);
		cr_expect_eq(counts.events, cases[i].events, "%s", cases[i].what);
		cr_expect_eq(counts.bad, cases[i].bad, "%s", cases[i].what);
		buf_done(&payload);
		buf_done(&got);
	}
}

static struct flow_memo *memos[4];
static unsigned seen;

static void
keep_memo(void *ctx, const struct event *e)
{
	(void)ctx;
	memos[seen++] = e->u.flow.memo;
	cr_assert_eq(e->u.flow.memo->stamp, 0);
}

Test(batch, flows_of_the_same_names_share_a_memo)
{
	struct event e[4] = { a_flow("a", "b", 1, 1), a_flow("a", "c", 1, 1),
		a_flow("a", "b", 2, 2), a_flow("b", "a", 1, 1) };
	struct buf payload = written(e, 4);
	struct wire_counts counts = { 0 };

	seen = 0;
	decode_once(WIRE_BATCH, buf_str(&payload), 0, keep_memo, NULL, &counts);
	cr_assert_eq(seen, 4);
	cr_expect_eq(memos[0], memos[2]);
	cr_expect_neq(memos[0], memos[1]);
	cr_expect_neq(memos[0], memos[3]);
	buf_done(&payload);
}

static struct delta last;
static int64_t last_bound[8];
static uint32_t last_count[8];
static struct delta_exemplar last_exemplar[2];

static void
keep_delta(void *ctx, const struct event *e)
{
	uint32_t n = 0;

	(void)ctx;
	last = e->u.delta;
	for (uint32_t i = 0; i < last.latency.n; i++, n++) {
		last_bound[n] = buckets_bound(&last.latency, i);
		last_count[n] = last.latency.count[i];
	}
	for (uint32_t i = 0; i < last.server.n; i++, n++) {
		last_bound[n] = buckets_bound(&last.server, i);
		last_count[n] = last.server.count[i];
	}
	for (uint32_t i = 0; i < last.exemplars; i++)
		last_exemplar[i] = last.exemplar[i];
}

Test(batch, a_delta_carries_its_lists_and_stands_for_its_events)
{
	static const int64_t fine[] = { 7, INT64_C(1023) },
			     coarse[] = { 1000, INT64_MAX };
	static const uint32_t counts2[] = { 40, 2 };
	static const struct delta_exemplar picked[2] = {
		{ .ids = { .trace = { 1 } },
			.end_us = WALL_US,
			.latency_us = 990,
			.failed = true },
		{ .ids = { .trace = { 2 } }, .end_us = WALL_US - 9, .latency_us = -1 },
	};
	struct event e = { .type = EVENT_DELTA,
		.u.delta = {
			.src = STR("a"),
			.dst = STR("b"),
			.end_us = WALL_US,
			.span_us = 900,
			.calls = 43,
			.errors = 1,
			.bytes_in = 77,
			.bytes_out = FLOW_UNKNOWN,
			.latency = { fine, counts2, 2 },
			.server = { coarse, counts2, 2 },
			.weight = 3,
			.events = 43,
			.exemplar = picked,
			.exemplars = 2,
		} };
	struct buf payload = written(&e, 1);
	struct wire_counts counts = { 0 };

	cr_assert_eq(
		decode_once(WIRE_DELTA, buf_str(&payload), 0, keep_delta, NULL, &counts),
		STATUS_OK);
	cr_expect_eq(counts.events, 43);
	cr_expect_eq(last.latency.n, 2);
	cr_expect_eq(last.server.n, 2);
	cr_expect_eq(last.queue.n, 0);
	cr_expect_eq(last.weight, 3);
	cr_expect_eq(last.events, 43);
	cr_expect_eq(last.bytes_out, FLOW_UNKNOWN);
	cr_expect_arr_eq(last_bound, ((int64_t[]){ 7, 1023, 1000, INT64_MAX }),
		sizeof(int64_t[4]));
	cr_expect_arr_eq(last_count, ((uint32_t[]){ 40, 2, 40, 2 }), sizeof(uint32_t[4]));
	cr_expect_eq(last_exemplar[0].ids.trace[0], 1);
	cr_expect(last_exemplar[0].failed);
	cr_expect_eq(last_exemplar[0].latency_us, 990);
	cr_expect_eq(last_exemplar[1].end_us, WALL_US - 9);
	cr_expect_eq(last_exemplar[1].latency_us, -1);
	buf_done(&payload);
}
