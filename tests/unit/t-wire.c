#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"
#include "wire-kit.h"

#define NOW_US INT64_C(1767621752000000)

/* ------------------------------------------------------------ frames */

static const struct wire_header a_header = {
	.type = WIRE_DATA,
	.encoding = WIRE_JSON,
	.flags = 0x1234,
	.agent = { 1, 2, 3, [15] = 16 },
	.instance = { 9, [7] = 7 },
	.start_count = 70000,
	.events = 12,
	.first_event = UINT64_C(0x0102030405060708),
	.mono_us = 5,
	.wall_us = -1,
};

static struct buf
a_frame(const char *payload)
{
	struct buf out = BUF_INIT;

	wire_put_frame(&out, STR("shop.prod"), &a_header, str_of(payload));
	return out;
}

Test(wire_frame, what_is_put_is_got)
{
	struct buf frame = a_frame("{\"x\":1}");
	struct wire_frame got;

	cr_assert_eq(wire_get_frame(buf_str(&frame), &got), STATUS_OK);
	cr_expect(str_eq(got.group, STR("shop.prod")));
	cr_expect(str_eq(got.payload, STR("{\"x\":1}")));
	cr_expect_not(got.bare);
	cr_expect_eq(got.header.type, a_header.type);
	cr_expect_eq(got.header.encoding, a_header.encoding);
	cr_expect_eq(got.header.flags, a_header.flags);
	cr_expect_arr_eq(got.header.agent, a_header.agent, 16);
	cr_expect_arr_eq(got.header.instance, a_header.instance, 8);
	cr_expect_eq(got.header.start_count, a_header.start_count);
	cr_expect_eq(got.header.events, a_header.events);
	cr_expect_eq(got.header.first_event, a_header.first_event);
	cr_expect_eq(got.header.mono_us, a_header.mono_us);
	cr_expect_eq(got.header.wall_us, a_header.wall_us);
	buf_done(&frame);
}

Test(wire_frame, every_truncation_is_refused)
{
	struct buf frame = a_frame("{\"src\":\"a\",\"dst\":\"b\"}");
	struct wire_frame got;

	for (size_t n = 0; n < frame.n; n++) {
		/* No slack behind it, so that a sanitizer sees a read past the end. */
		char *exact = xmalloc(n);

		memcpy(exact, frame.p, n);
		cr_expect_eq(wire_get_frame((struct str){ exact, n }, &got),
			STATUS_ERR_TRUNCATED, "%zu bytes", n);
		free(exact);
	}
	buf_addc(&frame, 'x');
	cr_expect_eq(wire_get_frame(buf_str(&frame), &got), STATUS_ERR_SYNTAX);
	buf_done(&frame);
}

Test(wire_frame, every_single_bit_flip_is_refused)
{
	struct buf frame = a_frame("{\"src\":\"a\",\"dst\":\"b\"}");
	struct wire_frame got;

	for (size_t bit = 0; bit < frame.n * 8; bit++) {
		frame.p[bit / 8] ^= (char)(1u << bit % 8);
		cr_expect_neq(wire_get_frame(buf_str(&frame), &got), STATUS_OK,
			"bit %zu of byte %zu", bit % 8, bit / 8);
		frame.p[bit / 8] ^= (char)(1u << bit % 8);
	}
	cr_expect_eq(wire_get_frame(buf_str(&frame), &got), STATUS_OK);
	buf_done(&frame);
}

Test(wire_frame, what_it_is_not_gets_its_reason)
{
	static const struct {
		const char *what;
		struct str bytes;
		enum status status;
	} rows[] = {
		{ "nothing", { "", 0 }, STATUS_ERR_TRUNCATED },
		{ "another topic", STR("weir2.shop\0xxxx"), STATUS_ERR_SYNTAX },
		{ "HTTP", STR("GET / HTTP/1.1\r\n"), STATUS_ERR_SYNTAX },
		{ "a space in the group", STR("weir1.a b\0"), STATUS_ERR_SYNTAX },
		{ "an escape in the group", STR("weir1.\x1b[2J\0"), STATUS_ERR_SYNTAX },
		{ "another version", STR("weir1.\0\2"), STATUS_ERR_VERSION },
		{ "a group without end",
			STR("weir1."
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaa"),
			STATUS_ERR_SYNTAX },
	};
	struct wire_frame got;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(wire_get_frame(rows[i].bytes, &got), rows[i].status, "%s",
			rows[i].what);
}

Test(wire_frame, over_the_size_limit_is_refused)
{
	struct wire_frame got;
	char *big = xcalloc(1, WIRE_MAX_FRAME + 1);

	big[0] = '{';
	cr_expect_eq(wire_get_frame((struct str){ big, WIRE_MAX_FRAME + 1 }, &got),
		STATUS_ERR_TOO_BIG);
	cr_expect_eq(
		wire_get_frame((struct str){ big, WIRE_MAX_FRAME }, &got), STATUS_OK);
	free(big);
}

Test(wire_frame, bare_json_is_told_by_its_first_byte)
{
	struct wire_frame got;

	cr_assert_eq(wire_get_frame(STR("{\"src\":1}"), &got), STATUS_OK);
	cr_expect(got.bare);
	cr_expect(str_eq(got.payload, STR("{\"src\":1}")));
	cr_assert_eq(wire_get_frame(STR("[]"), &got), STATUS_OK);
	cr_expect(got.bare);
}

/* ------------------------------------------------------------ the manual */

/* The bytes of the manual's hex dumps, a batch and a frame, and its lines of JSON. */
struct manual {
	struct buf dump[2];
	struct buf json;
	unsigned dumps;
};

static void
manual_done(struct manual *m)
{
	buf_done(&m->dump[0]);
	buf_done(&m->dump[1]);
	buf_done(&m->json);
}

static void
read_manual(struct manual *m)
{
	char path[4096], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/weir-wire.7", getenv("top_srcdir"));
	f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	while (fgets(line, sizeof(line), f)) {
		unsigned at, byte;
		int used;
		char *p = line;

		if (line[0] == '{') {
			buf_adds(&m->json, line);
		} else if (sscanf(p, "%4x  %n", &at, &used) == 1 && used == 6) {
			m->dumps += at == 0;
			cr_assert_leq(m->dumps, ARRAY_LEN(m->dump));
			cr_assert_eq(at, m->dump[m->dumps - 1].n);
			for (p += used; sscanf(p, "%2x%n", &byte, &used) == 1; p += used)
				buf_addc(&m->dump[m->dumps - 1], (char)byte);
		}
	}
	fclose(f);
}

struct seen {
	struct buf text;
	unsigned count;
	struct event last; /* numbers only: its text is gone */
};

static void
see(void *ctx, const struct event *e)
{
	struct seen *seen = ctx;

	event_describe(&seen->text, e);
	seen->count++;
	seen->last = *e;
}

Test(manual, the_worked_example_is_a_frame)
{
	struct manual m = { .dumps = 0 };
	struct seen seen = { 0 };
	struct wire_counts counts = { 0 };
	struct wire_frame got;

	read_manual(&m);
	cr_assert_eq(m.dump[1].n, 127);
	cr_assert_eq(wire_get_frame(buf_str(&m.dump[1]), &got), STATUS_OK);
	cr_expect(str_eq(got.group, STR("shop")));
	cr_expect_eq(got.header.type, WIRE_DATA);
	cr_expect_eq(got.header.encoding, WIRE_JSON);
	cr_expect_eq(got.header.agent[15], 15);
	cr_expect_eq(got.header.instance[0], 0xa0);
	cr_expect_eq(got.header.start_count, 3);
	cr_expect_eq(got.header.events, 1);
	cr_expect_eq(got.header.first_event, 1000);
	cr_expect_eq(got.header.mono_us, 5000000);
	cr_expect_eq(got.header.wall_us, NOW_US);
	cr_expect_eq(got.payload.n, 44);
	cr_assert_eq(decode_once(got.header.encoding, got.payload, NOW_US, see, &seen,
			     &counts),
		STATUS_OK);
	cr_expect_eq(seen.count, 1);
	cr_expect_eq(seen.last.u.flow.client_us, 1830);
	manual_done(&m);
	buf_done(&seen.text);
}

Test(manual, the_batch_is_two_requests)
{
	struct manual m = { .dumps = 0 };
	struct seen seen = { 0 };
	struct wire_counts counts = { 0 };

	read_manual(&m);
	cr_assert_eq(m.dump[0].n, 99);
	cr_assert_eq(decode_once(WIRE_BATCH, buf_str(&m.dump[0]), 0, see, &seen, &counts),
		STATUS_OK);
	cr_expect_eq(seen.count, 2);
	cr_expect_eq(seen.last.u.flow.client_us, 3063);
	cr_expect_eq(seen.last.u.flow.end_us, NOW_US + 500);
	cr_expect_eq(seen.last.u.flow.bytes_in, 612);
	cr_expect(seen.last.u.flow.failed);
	cr_expect_eq(seen.last.u.flow.ids.span[7], 15);
	cr_expect_not_null(strstr(buf_cstr(&seen.text), "503"));
	manual_done(&m);
	buf_done(&seen.text);
}

Test(manual, every_line_of_json_is_an_event)
{
	struct manual m = { .dumps = 0 };
	struct seen seen = { 0 };
	struct wire_counts counts = { 0 };

	read_manual(&m);
	cr_assert_eq(
		decode_once(WIRE_JSON, buf_str(&m.json), NOW_US, see, &seen, &counts),
		STATUS_OK);
	cr_expect_eq(counts.bad, 0);
	cr_expect_geq(counts.events, 6);
	manual_done(&m);
	buf_done(&seen.text);
}

/* ------------------------------------------------------------ events there and back */

Test(wire_json, any_event_comes_back_as_it_was)
{
	struct dice dice = { 20260105 };

	for (unsigned i = 0; i < 20000; i++) {
		struct buf payload = BUF_INIT, before = BUF_INIT;
		struct wire_counts counts = { 0 };
		struct seen seen = { 0 };
		struct event e;

		dice_event(&dice, &e);
		event_describe(&before, &e);
		wire_put_json(&payload, &e);
		cr_assert_eq(decode_once(WIRE_JSON, buf_str(&payload), NOW_US, see, &seen,
				     &counts),
			STATUS_OK, "%s", payload.p);
		cr_assert_eq(counts.bad, 0, "%s", payload.p);
		cr_assert_str_eq(buf_cstr(&seen.text), buf_cstr(&before));
		buf_done(&payload);
		buf_done(&before);
		buf_done(&seen.text);
	}
}

Test(wire_json, text_that_json_cannot_carry_arrives_as_escapes)
{
	struct buf payload = BUF_INIT;
	struct wire_counts counts = { 0 };
	struct seen seen = { 0 };
	struct event e = { .type = EVENT_FLOW };

	flow_init(&e.u.flow);
	e.u.flow.src = STR("a\0b");
	e.u.flow.dst = STR("\xff\xc0\xaf");
	e.u.flow.end_us = NOW_US;
	wire_put_json(&payload, &e);
	cr_assert(text_is_utf8(buf_str(&payload)));
	cr_assert_eq(
		decode_once(WIRE_JSON, buf_str(&payload), NOW_US, see, &seen, &counts),
		STATUS_OK);
	cr_expect_eq(counts.events, 1);
	cr_expect_not_null(strstr(buf_cstr(&seen.text), "a\\x00b"));
	cr_expect_not_null(strstr(buf_cstr(&seen.text), "\\xff\\xc0\\xaf"), "%s",
		buf_cstr(&seen.text));
	buf_done(&payload);
	buf_done(&seen.text);
}

Test(wire_beat, beats_come_back_as_they_were)
{
	struct wire_beat beat = {
		.host = STR("node \"7\""),
		.program = STR("weir-agent"),
		.version = STR("0.1.0"),
		.input = STR("otlp"),
		.accepted = UINT64_MAX,
		.shed_queue = 1,
		.shed_quota = 2,
		.rejected = 3,
		.parse_errors = 4,
		.unpaired = 5,
		.duplicate = 6,
		.waiting = 7,
	};
	struct buf payload = BUF_INIT, scratch = BUF_INIT;
	struct wire_beat got;

	wire_put_beat(&payload, &beat);
	cr_assert_eq(wire_get_beat(buf_str(&payload), &scratch, &got), STATUS_OK);
	cr_expect(str_eq(got.host, beat.host));
	cr_expect(str_eq(got.program, beat.program));
	cr_expect(str_eq(got.version, beat.version));
	cr_expect(str_eq(got.input, beat.input));
	cr_expect_eq(got.accepted, UINT64_MAX);
	cr_expect_eq(got.shed_queue, 1);
	cr_expect_eq(got.shed_quota, 2);
	cr_expect_eq(got.rejected, 3);
	cr_expect_eq(got.parse_errors, 4);
	cr_expect_eq(got.unpaired, 5);
	cr_expect_eq(got.duplicate, 6);
	cr_expect_eq(got.waiting, 7);
	cr_expect_eq(
		wire_get_beat(STR("{\"later\":[{}],\"accepted\":null}"), &scratch, &got),
		STATUS_OK);
	cr_expect_eq(wire_get_beat(STR("{\"accepted\":-1}"), &scratch, &got),
		STATUS_ERR_SYNTAX);
	cr_expect_eq(wire_get_beat(STR("{} x"), &scratch, &got), STATUS_ERR_SYNTAX);
	cr_expect_neq(wire_get_beat(STR(""), &scratch, &got), STATUS_OK);
	buf_done(&payload);
	buf_done(&scratch);
}

Test(wire_decode, an_unknown_encoding_is_said_to_be_unknown)
{
	struct wire_counts counts = { 0 };
	struct seen seen = { 0 };
	enum wire_encoding encoding;

	cr_expect_eq(
		decode_once(77, STR("{}"), 0, see, &seen, &counts), STATUS_ERR_UNKNOWN);
	cr_assert(wire_encoding_from(STR("json"), &encoding));
	cr_expect_eq(encoding, WIRE_JSON);
	cr_expect_not(wire_encoding_from(STR("yaml"), &encoding));
}
