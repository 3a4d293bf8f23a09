#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/core/model.h"
#include "weir/core/own.h"

#define T0 (INT64_C(1790000000) * SEC_US)
#define MS 1000

enum {
	ENTRY = 1, /* user -> shop */
	CART,
	BANK
};

struct told {
	int64_t self_us, blocked_us;
	unsigned times;
};

static void
note(void *ctx, const struct own_time *t)
{
	struct told *told = (struct told *)ctx + t->edge.dst;

	told->times++;
	if (t->self_us >= 0)
		told->self_us = t->self_us;
	if (t->blocked_us >= 0)
		told->blocked_us = t->blocked_us;
}

static struct flow
call(uint8_t trace, uint8_t span, uint8_t parent, int64_t from_ms, int64_t to_ms)
{
	struct flow f = { .kind = KIND_HTTP,
		.end_us = T0 + to_ms * MS,
		.client_us = (to_ms - from_ms) * MS,
		.server_us = (to_ms - from_ms) * MS,
		.queue_us = FLOW_UNKNOWN,
		.weight = 1 };

	f.ids.trace[15] = trace;
	f.ids.span[7] = span;
	f.ids.parent[7] = parent;
	return f;
}

static void
give(struct own *o, const struct flow *f, uint32_t dst)
{
	own_flow(
		o, f, f->end_us, &(struct own_edge){ .dst = dst, .kind = KIND_HTTP }, T0);
}

Test(own, is_what_no_call_covers_in_whatever_order_they_come)
{
	for (unsigned order = 0; order < 2; order++) {
		struct told told[4] = { 0 };
		struct own *o = own_new(note, told);
		struct flow entry = call(7, 1, 0, 0, 100);
		struct flow cart = call(7, 2, 1, 10, 40), bank = call(7, 3, 1, 50, 90);

		entry.server_us = 90 * MS; /* ten on the way */
		if (order)
			give(o, &entry, ENTRY);
		give(o, &cart, CART);
		give(o, &bank, BANK);
		if (!order)
			give(o, &entry, ENTRY);
		own_tick(o, T0 + SEC_US);
		cr_expect_eq(told[ENTRY].times, 0, "calls may still come");
		own_tick(o, T0 + 20 * SEC_US);
		cr_expect_eq(told[ENTRY].self_us, 20 * MS);
		cr_expect_eq(told[CART].blocked_us, 30 * MS);
		cr_expect_eq(told[CART].self_us, 30 * MS, "it called nobody");
		cr_expect_eq(told[BANK].blocked_us, 40 * MS);
		own_free(o);
	}
}

Test(own, of_calls_side_by_side_the_last_is_waited_for)
{
	struct told told[4] = { 0 };
	struct own *o = own_new(note, told);
	struct flow entry = call(7, 1, 0, 0, 100);
	struct flow cart = call(7, 2, 1, 10, 60), bank = call(7, 3, 1, 20, 90);

	give(o, &entry, ENTRY);
	give(o, &cart, CART);
	give(o, &bank, BANK);
	own_tick(o, T0 + 20 * SEC_US);
	cr_expect_eq(told[BANK].blocked_us, 70 * MS);
	cr_expect_eq(told[CART].blocked_us, 10 * MS, "only before the other began");
	cr_expect_eq(told[ENTRY].self_us, 20 * MS);
	own_free(o);
}

Test(own, calls_within_internal_spans_are_the_requests)
{
	struct told told[4] = { 0 };
	struct own *o = own_new(note, told);
	struct flow entry = call(7, 1, 0, 0, 100), bank = call(7, 3, 9, 20, 90);
	struct flow_ids inner = {
		.trace = { [15] = 7 }, .span = { [7] = 9 }, .parent = { [7] = 1 }
	};

	own_work(o, &inner, T0);
	give(o, &bank, BANK);
	own_flow(
		o, &entry, entry.end_us, &(struct own_edge){ .dst = ENTRY }, T0 + SEC_US);
	own_tick(o, T0 + 20 * SEC_US);
	cr_expect_eq(told[ENTRY].self_us, 30 * MS);
	own_free(o);
}

/* Requests of which each call comes @late_us after them; when is their own time told? */
static int64_t
wait_for(int64_t late_us)
{
	struct told told[4] = { 0 };
	struct own *o = own_new(note, told);
	int64_t at = T0;

	for (unsigned i = 1; i < 100; i++, at += SEC_US) {
		struct flow entry = call(0, 1, 0, 0, 100), bank = call(0, 3, 1, 20, 90);

		memcpy(entry.ids.trace + 10, &i, sizeof(i));
		memcpy(bank.ids.trace + 10, &i, sizeof(i));
		entry.ids.trace[8] = bank.ids.trace[8] = 1;
		own_flow(o, &entry, entry.end_us, &(struct own_edge){ .dst = ENTRY }, at);
		own_flow(o, &bank, bank.end_us, &(struct own_edge){ .dst = BANK },
			at + late_us);
		own_tick(o, at + late_us);
		cr_expect(!told[ENTRY].times || told[ENTRY].self_us == 30 * MS,
			"a call was not waited for");
	}
	told[ENTRY].times = 0;
	for (unsigned i = 1; i < 20 && !told[ENTRY].times; i++, at += SEC_US)
		own_tick(o, at + late_us);
	own_free(o);
	return told[ENTRY].times;
}

Test(own, calls_that_come_late_are_waited_for)
{
	for (int64_t late_us = 0; late_us < 10 * SEC_US; late_us += 700 * MS)
		cr_expect_gt(wait_for(late_us), 0);
}

Test(own, messages_and_calls_without_ids_cover_nothing)
{
	struct told told[4] = { 0 };
	struct own *o = own_new(note, told);
	struct flow entry = call(7, 1, 0, 0, 100), msg = call(7, 3, 1, 20, 90);
	struct flow lost = call(0, 3, 1, 20, 90);

	msg.kind = KIND_MSG;
	give(o, &entry, ENTRY);
	give(o, &msg, BANK);
	give(o, &lost, CART);
	own_tick(o, T0 + 20 * SEC_US);
	cr_expect_eq(told[ENTRY].self_us, 100 * MS);
	cr_expect_eq(told[CART].times, 0);
	own_free(o);
}

Test(own, many_traces_are_sampled_whole_within_bounds)
{
	struct told told[4] = { 0 };
	struct own *o = own_new(note, told);
	size_t bytes = own_bytes(o);
	int64_t now = T0;

	for (unsigned i = 0; i < 400000; i++) {
		struct flow entry = call(0, 1, 0, 0, 100), bank = call(0, 3, 1, 20, 90);

		memcpy(entry.ids.trace + 10, &i, sizeof(i));
		memcpy(bank.ids.trace + 10, &i, sizeof(i));
		entry.ids.trace[8] = bank.ids.trace[8] = 1;
		now = T0 + i * 100;
		own_flow(o, &bank, bank.end_us, &(struct own_edge){ .dst = BANK }, now);
		own_flow(
			o, &entry, entry.end_us, &(struct own_edge){ .dst = ENTRY }, now);
		if (i % 10000 == 0)
			own_tick(o, now);
	}
	own_tick(o, now + 60 * SEC_US);
	cr_expect_eq(own_bytes(o), bytes);
	cr_expect_gt(told[ENTRY].times, 1000u, "%u", told[ENTRY].times);
	cr_expect_lt(told[ENTRY].times, 300000u, "a sample: %u", told[ENTRY].times);
	cr_expect_eq(told[ENTRY].self_us, 30 * MS);
	own_free(o);
}

/* user -> shop -> bank, the bank called from an internal span; its halves come later. */
static void
trace(struct model *m, uint32_t number, int64_t at_us, int64_t own_us)
{
	int64_t bank_us = 20 * MS + number % 7 * MS, shop_us = own_us + bank_us;
	struct event shop = { .type = EVENT_FLOW }, bank = { .type = EVENT_FLOW };
	struct event inner = { .type = EVENT_WORK };

	shop.u.flow = call(0, 1, 0, 0, 0);
	shop.u.flow.src = STR("user");
	shop.u.flow.dst = STR("shop");
	shop.u.flow.end_us = at_us;
	shop.u.flow.client_us = shop.u.flow.server_us = shop_us;
	bank.u.flow = call(0, 3, 2, 0, 0);
	bank.u.flow.src = STR("shop");
	bank.u.flow.dst = STR("bank");
	bank.u.flow.end_us = at_us - own_us / 2;
	bank.u.flow.client_us = bank.u.flow.server_us = bank_us;
	inner.u.work = (struct work){ .service = STR("shop"),
		.end_us = at_us - own_us / 3,
		.duration_us = bank_us + own_us / 6 };
	inner.u.work.ids.span[7] = 2;
	inner.u.work.ids.parent[7] = 1;
	memcpy(shop.u.flow.ids.trace + 12, &number, 4);
	memcpy(bank.u.flow.ids.trace + 12, &number, 4);
	memcpy(inner.u.work.ids.trace + 12, &number, 4);
	shop.u.flow.bytes_in = shop.u.flow.bytes_out = FLOW_UNKNOWN;
	bank.u.flow.bytes_in = bank.u.flow.bytes_out = FLOW_UNKNOWN;
	model_add(m, &shop, at_us);
	model_add(m, &inner, at_us);
	model_add(m, &bank, at_us);
}

Test(own, a_service_slow_by_itself_is_known_by_its_own_time)
{
	struct model_limits l = model_limits_default;
	struct thresholds th = THRESHOLDS_DEFAULT;
	struct snap s = { 0 };
	struct model *m;
	uint32_t n = 1;
	int64_t at = T0;

	l.watched = true;
	m = model_new(&l);
	for (; n < 1500; n++, at += 100 * MS)
		trace(m, n, at, n < 1300 ? 6 * MS + n % 5 * MS : 150 * MS);
	model_snap(m, at, &th, &s);
	cr_assert_eq(s.causes, 1);
	cr_expect_str_eq(s.cause[0].node, "shop");
	s.shape.wanted = true;
	s.shape.key = s.cause[0].edge;
	model_snap(m, at, &th, &s);
	cr_assert(s.why.filled);
	cr_expect_float_eq(s.why.why.own_excess_us, 142 * MS, 15 * MS, "%g us",
		s.why.why.own_excess_us);
	snap_done(&s);
	model_free(m);
}
