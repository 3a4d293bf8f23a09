#include "config.h"

#include <criterion/criterion.h>
#include <locale.h>

#include "weir/base/util.h"
#include "weir/wire/wire.h"
#include "wire-kit.h"

#define NOW_US INT64_C(1767621752000000)

struct seen {
	struct event last; /* numbers only: its text is gone */
	char src[64], code[64];
	uint64_t bounds;
};

static void
keep(char *to, size_t size, struct str s)
{
	size_t n = MIN(s.n, size - 1);

	if (n)
		memcpy(to, s.p, n);
	to[n] = '\0';
}

static void
see(void *ctx, const struct event *e)
{
	struct seen *seen = ctx;

	seen->last = *e;
	if (e->type == EVENT_FLOW) {
		keep(seen->src, sizeof(seen->src), e->u.flow.src);
		keep(seen->code, sizeof(seen->code), e->u.flow.code);
	}
	if (e->type == EVENT_DELTA)
		for (uint32_t i = 0; i < e->u.delta.latency.n; i++)
			seen->bounds += e->u.delta.latency.count[i];
}

static enum status
decode(struct str payload, struct seen *seen, struct wire_counts *counts)
{
	/* No slack behind it, so that a sanitizer sees a read past the end. */
	char *exact = xmalloc(payload.n);
	enum status status;

	*seen = (struct seen){ 0 };
	*counts = (struct wire_counts){ 0 };
	memcpy(exact, payload.p, payload.n);
	status = decode_once(
		WIRE_JSON, (struct str){ exact, payload.n }, NOW_US, see, seen, counts);
	free(exact);
	return status;
}

#define FLOW "\"src\":\"a\",\"dst\":\"b\""

Test(wire_json, bad_records_are_counted_and_passed_over)
{
	static const char *const bad[] = {
		/* no flow */
		"{}",
		"{\"src\":\"a\"}",
		"{\"src\":\"\",\"dst\":\"b\"}",
		"{\"src\":null,\"dst\":\"b\"}",
		"{\"Src\":\"a\",\"dst\":\"b\"}",
		"{\"src\":7,\"dst\":\"b\"}",
		"{\"src\":[\"a\"],\"dst\":\"b\"}",
		"{\"src\":{},\"dst\":\"b\"}",
		/* one member twice */
		"{\"src\":\"a\",\"src\":\"c\",\"dst\":\"b\"}",
		"{\"src\":\"a\",\"s\\u0072c\":\"c\",\"dst\":\"b\"}",
		"{" FLOW ",\"us\":null,\"us\":5}",
		/* impossible durations */
		"{" FLOW ",\"us\":-1}",
		"{" FLOW ",\"us\":-0.6}",
		"{" FLOW ",\"us\":1e999}",
		"{" FLOW ",\"us\":18446744073709551616}",
		"{" FLOW ",\"us\":9223372036854775808}",
		"{" FLOW
		",\"us\":99999999999999999999999999999999999999999999999999999999"
		"99999999999999}",
		"{" FLOW ",\"us\":31622400000001}",
		"{" FLOW ",\"us\":\"5\"}",
		"{" FLOW ",\"us\":true}",
		"{" FLOW ",\"srv_us\":-1}",
		"{" FLOW ",\"queue_us\":-1}",
		/* impossible sizes and weights */
		"{" FLOW ",\"in\":-5}",
		"{" FLOW ",\"out\":9223372036854775808}",
		"{" FLOW ",\"n\":0}",
		"{" FLOW ",\"n\":-1}",
		"{" FLOW ",\"n\":4294967296}",
		/* impossible times */
		"{" FLOW ",\"ts\":-1}",
		"{" FLOW ",\"ts\":1e300}",
		"{" FLOW ",\"ts\":18446744073709551616}",
		"{" FLOW ",\"ts\":true}",
		"{" FLOW ",\"ts\":\"yesterday\"}",
		"{" FLOW ",\"ts\":\"2026-02-30T00:00:00Z\"}",
		"{" FLOW ",\"ts\":\"2026-01-05T24:00:00Z\"}",
		"{" FLOW ",\"ts\":\"2026-01-05T12:00:00\"}",
		"{" FLOW ",\"ts\":\"2026-01-05T12:00:00Zx\"}",
		"{" FLOW ",\"ts\":\"2026-01-05T12:00:00.Z\"}",
		"{" FLOW ",\"ts\":\"1969-12-31T23:59:59Z\"}",
		"{" FLOW ",\"ts\":\"\"}",
		"{" FLOW ",\"ts\":\"9417-01-05T14:02:31Z\"}",
		"{" FLOW ",\"ts\":99999999999.9999999}",
		/* ids that are none */
		"{" FLOW ",\"trace\":\"123\"}",
		"{" FLOW ",\"trace\":\"4bf92f3577b34da6a3ce929d0e0e473g\"}",
		"{" FLOW ",\"span\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}",
		"{" FLOW ",\"parent\":12}",
		/* other wrong types */
		"{" FLOW ",\"err\":1}",
		"{" FLOW ",\"op\":[]}",
		"{" FLOW ",\"kind\":5}",
		"{" FLOW ",\"code\":true}",
		/* other records */
		"{\"note\":5,\"service\":\"a\"}",
		"{\"note\":\"x\"}",
		"{\"note\":\"x\",\"service\":\"a\",\"sev\":\"loud\"}",
		"{\"gauge\":\"g\",\"service\":\"a\"}",
		"{\"gauge\":\"g\",\"service\":\"a\",\"value\":\"1\"}",
		"{\"gauge\":\"g\",\"service\":\"a\",\"value\":1e999}",
		"{\"gauge\":\"g\",\"service\":\"a\",\"value\":-1e999}",
		"{\"gauge\":\"\",\"service\":\"a\",\"value\":1}",
		"{\"work\":\"w\",\"us\":1}",
		"{\"work\":\"w\",\"service\":\"a\"}",
		"{" FLOW ",\"calls\":1}",
		"{" FLOW ",\"calls\":1,\"span_ms\":0}",
		"{" FLOW ",\"calls\":1,\"span_ms\":1000,\"errors\":2}",
		"{" FLOW ",\"calls\":1e13,\"span_ms\":1000}",
		"{" FLOW ",\"calls\":1,\"span_ms\":1,\"hist\":{}}",
		"{" FLOW ",\"calls\":1,\"span_ms\":1,\"hist\":[]}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[1],\"count\":[]}}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[2,1],\"count\":[1,"
		"1]}}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[null,1],\"count\":["
		"1,1]}}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[1],\"count\":[-1]}}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[1],\"count\":[\"1\"]"
		"}}",
		"{" FLOW
		",\"calls\":1,\"span_ms\":1,\"hist\":{\"le_us\":[1e999],\"count\":[1]"
		"}}",
		/* text that C would cut short */
		"{\"src\":\"a\\u0000b\",\"dst\":\"b\"}",
		/* half of a surrogate pair */
		"{\"src\":\"\\ud800\",\"dst\":\"b\"}",
		"{\"src\":\"\\udc00\\ud800\",\"dst\":\"b\"}",
	};
	struct wire_counts counts;
	struct seen seen;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf lines = BUF_INIT;

		cr_expect_eq(
			decode(str_of(bad[i]), &seen, &counts), STATUS_OK, "%s", bad[i]);
		cr_expect_eq(counts.bad, 1, "%s", bad[i]);
		cr_expect_eq(counts.events, 0, "%s", bad[i]);
		/* What stands around it is taken, in lines and in an array. */
		buf_addf(&lines, "{" FLOW "}\n%s\n{" FLOW "}", bad[i]);
		cr_expect_eq(decode(buf_str(&lines), &seen, &counts), STATUS_OK);
		cr_expect_eq(counts.bad, 1, "%s", bad[i]);
		cr_expect_eq(counts.events, 2, "%s", bad[i]);
		buf_clear(&lines);
		buf_addf(&lines, "[{" FLOW "},%s,{" FLOW "}]", bad[i]);
		cr_expect_eq(decode(buf_str(&lines), &seen, &counts), STATUS_OK);
		cr_expect_eq(counts.bad, 1, "%s", bad[i]);
		cr_expect_eq(counts.events, 2, "%s", bad[i]);
		buf_done(&lines);
	}
}

Test(wire_json, what_is_no_json_is_refused_and_the_next_line_is_taken)
{
	static const struct str bad[] = {
		STR("{"),
		STR("{\"src\""),
		STR("{\"src\":"),
		STR("{\"src\":\"a"),
		STR("{\"src\":\"a\","),
		STR("{" FLOW ",}"),
		STR("{," FLOW "}"),
		STR("{" FLOW "}}"),
		STR("{" FLOW "} x"),
		STR("{" FLOW "}{" FLOW "}"),
		STR("{" FLOW ",\"us\":01}"),
		STR("{" FLOW ",\"us\":+1}"),
		STR("{" FLOW ",\"us\":1.}"),
		STR("{" FLOW ",\"us\":.5}"),
		STR("{" FLOW ",\"us\":1e}"),
		STR("{" FLOW ",\"us\":-}"),
		STR("{" FLOW ",\"us\":0x10}"),
		STR("{" FLOW ",\"us\":NaN}"),
		STR("{" FLOW ",\"us\":Infinity}"),
		STR("{" FLOW ",\"us\":inf}"),
		STR("{" FLOW ",\"err\":True}"),
		STR("{" FLOW ",\"err\":tru}"),
		STR("{src:\"a\"}"),
		STR("{'src':'a'}"),
		STR("{\"src\":\"a\" \"dst\":\"b\"}"),
		STR("{\"src\":\"a\tb\",\"dst\":\"b\"}"),
		STR("{\"src\":\"a\x01\",\"dst\":\"b\"}"),
		STR("{\"src\":\"\\x41\",\"dst\":\"b\"}"),
		STR("{\"src\":\"\\u12g4\",\"dst\":\"b\"}"),
		STR("{\"src\":\"\\"),
		STR("{\"src\":\"\\u00"),
		/* text that C would cut short */
		STR("{\"src\":\"a\0b\",\"dst\":\"b\"}"),
		STR("{" FLOW "}\0"),
		/* not UTF-8: a stray byte, an overlong form, a surrogate */
		STR("{\"src\":\"a\xff\",\"dst\":\"b\"}"),
		STR("{\"src\":\"\xc0\xaf\",\"dst\":\"b\"}"),
		STR("{\"src\":\"\xed\xa0\x80\",\"dst\":\"b\"}"),
		STR("{" FLOW ",\"later\":\"\xf5\x80\x80\x80\"}"),
		STR("\xef\xbb\xbf{" FLOW "}"),
		STR("7"),
		STR("null"),
		STR("\"src\""),
		STR("{" FLOW ",\"later\":[1,2}"),
		STR("{" FLOW ",\"later\":[1 2]}"),
		STR("{" FLOW ",\"later\":[,]}"),
		STR("{" FLOW ",\"later\":{\"a\":1,}}"),
		STR("{" FLOW ",\"later\":{1:2}}"),
		STR("{" FLOW ",\"later\":[[[]]}"),
	};
	struct wire_counts counts;
	struct seen seen;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf lines = BUF_INIT;

		cr_expect_neq(decode(bad[i], &seen, &counts), STATUS_OK, "row %u: %s", i,
			bad[i].p);
		cr_expect_eq(counts.bad, 1, "row %u: %s", i, bad[i].p);
		cr_expect_eq(counts.events, 0, "row %u: %s", i, bad[i].p);
		buf_add_str(&lines, bad[i]);
		buf_adds(&lines, "\n{" FLOW "}\n");
		cr_expect_eq(
			decode(buf_str(&lines), &seen, &counts), STATUS_OK, "row %u", i);
		cr_expect_eq(counts.bad, 1, "row %u: %s", i, bad[i].p);
		cr_expect_eq(counts.events, 1, "row %u: %s", i, bad[i].p);
		buf_done(&lines);
	}
}

Test(wire_json, an_array_ends_at_its_first_fault)
{
	static const char *const bad[] = { "[{" FLOW "},", "[{" FLOW "} {" FLOW "}]",
		"[{" FLOW "},]", "[{" FLOW "}] x", "[{" FLOW "},{\"src\":}]",
		"[{" FLOW "}}", "[{" FLOW "}" };
	struct wire_counts counts;
	struct seen seen;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_eq(decode(str_of(bad[i]), &seen, &counts) == STATUS_OK, false,
			"%s", bad[i]);
		cr_expect_eq(counts.events, 1, "%s", bad[i]);
		cr_expect_eq(counts.bad, 1, "%s", bad[i]);
	}
	cr_expect_eq(decode(STR(" [ ] "), &seen, &counts), STATUS_OK);
	cr_expect_eq(counts.events + counts.bad, 0);
	cr_expect_eq(
		decode(STR("[1,\"x\",[],null,{" FLOW "}]"), &seen, &counts), STATUS_OK);
	cr_expect_eq(counts.events, 1);
	cr_expect_eq(counts.bad, 4);
}

Test(wire_json, odd_but_right_records_are_taken)
{
	static const char *const good[] = {
		" \t\r\n{" FLOW "}\r\n\n",
		"{\n  \"src\": \"a\",\n  \"dst\": \"b\"\n}\n",
		"{" FLOW
		",\"us\":null,\"err\":null,\"trace\":null,\"later\":{\"us\":[-1]}}",
		"{" FLOW ",\"us\":0,\"in\":0,\"n\":1}",
		"{" FLOW ",\"us\":-0}",
		"{" FLOW ",\"us\":1e3}",
		"{" FLOW ",\"us\":31622400000000}",
		"{" FLOW ",\"in\":9223372036854775807}",
		"{" FLOW
		",\"trace\":\"\",\"err\":\"\",\"kind\":\"quic\",\"origin\":\"dtrace\"}",
		"{" FLOW
		",\"src_kind\":\"mainframe\",\"\":1,\"a_very_long_name_indeed\":2}",
		"{\"\\u0073rc\":\"a\",\"dst\":\"\\ud83d\\udc1f\"}",
		"{\"gauge\":\"g\",\"service\":\"a\",\"value\":-1.5e-3}",
		"{\"note\":\"\",\"service\":\"a\",\"sev\":\"WARNING\"}",
	};
	struct wire_counts counts;
	struct seen seen;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		cr_expect_eq(decode(str_of(good[i]), &seen, &counts), STATUS_OK, "%s",
			good[i]);
		cr_expect_eq(counts.events, 1, "%s", good[i]);
		cr_expect_eq(counts.bad, 0, "%s", good[i]);
	}
}

Test(wire_json, every_truncation_of_a_record_is_survived)
{
	static const char full[] =
		"{\"src\":\"\\u00e4\\\"\",\"dst\":\"支付\",\"us\":1.5e3,\"err\":\"x\","
		"\"ts\":\"2026-01-05T14:02:31.25+01:00\",\"later\":[{\"a\":[true,null]}]"
		"}";
	struct wire_counts counts;
	struct seen seen;

	for (size_t n = 1; n < sizeof(full) - 1; n++) {
		decode((struct str){ full, n }, &seen, &counts);
		cr_expect_eq(counts.events, 0, "%zu", n);
		cr_expect_eq(counts.bad, 1, "%zu", n);
	}
	cr_expect_eq(decode(STR(full), &seen, &counts), STATUS_OK);
	cr_expect_eq(counts.events, 1);
	cr_expect_eq(seen.last.u.flow.client_us, 1500);
}

Test(wire_json, a_time_is_told_by_its_size_or_its_form)
{
	static const struct {
		const char *ts;
		int64_t us;
	} rows[] = {
		{ "1767621752", NOW_US },
		{ "1767621752.5", NOW_US + 500000 },
		{ "1767621752.123456", NOW_US + 123456 },
		{ "1767621752123", NOW_US + 123000 },
		{ "1767621752123.4", NOW_US + 123400 },
		{ "1767621752123457", NOW_US + 123457 },
		/* A double could not tell these two apart by 1 ns, nor hold either. */
		{ "1767621752123456999", NOW_US + 123456 },
		{ "1767621752123457000", NOW_US + 123457 },
		{ "\"1767621752123457000\"", NOW_US + 123457 },
		{ "1.767621752e9", NOW_US },
		{ "0", 0 },
		{ "99999999999", INT64_C(99999999999000000) },
		{ "18446744073709551615", INT64_C(18446744073709551) },
		{ "\"2026-01-05T14:02:32Z\"", NOW_US },
		{ "\"2026-01-05t14:02:32z\"", NOW_US },
		{ "\"2026-01-05 14:02:32Z\"", NOW_US },
		{ "\"2026-01-05T15:32:32+01:30\"", NOW_US },
		{ "\"2026-01-05T09:02:32-05:00\"", NOW_US },
		{ "\"2026-01-05T14:02:32.1234569Z\"", NOW_US + 123456 },
		{ "\"2026-01-05T14:01:60Z\"", NOW_US - 32 * SEC_US },
		{ "\"2024-02-29T00:00:00Z\"", INT64_C(1709164800000000) },
		{ "\"1970-01-01T00:00:00Z\"", 0 },
		{ "null", NOW_US },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf payload = BUF_INIT;
		struct wire_counts counts;
		struct seen seen;

		buf_addf(&payload, "{" FLOW ",\"ts\":%s}", rows[i].ts);
		cr_expect_eq(decode(buf_str(&payload), &seen, &counts), STATUS_OK);
		cr_expect_eq(counts.bad, 0, "%s", rows[i].ts);
		cr_expect_eq(seen.last.u.flow.end_us, rows[i].us, "%s: %lld", rows[i].ts,
			(long long)seen.last.u.flow.end_us);
		buf_done(&payload);
	}
}

Test(wire_json, whole_numbers_are_exact)
{
	struct wire_counts counts;
	struct seen seen;

	decode(STR("{" FLOW ",\"in\":9007199254740993,\"out\":9223372036854775807,"
		   "\"us\":1830.5}"),
		&seen, &counts);
	cr_expect_eq(seen.last.u.flow.bytes_in, INT64_C(9007199254740993));
	cr_expect_eq(seen.last.u.flow.bytes_out, INT64_MAX);
	cr_expect_eq(seen.last.u.flow.client_us, 1831);
}

Test(wire_json, ids_are_hex_of_either_case)
{
	static const uint8_t trace[16] = { 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
		0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36 };
	static const uint8_t shorter[16] = {
		[8] = 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6
	};
	struct wire_counts counts;
	struct seen seen;

	decode(STR("{" FLOW ",\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
		   "\"span\":\"00F067AA0BA902B7\"}"),
		&seen, &counts);
	cr_expect_arr_eq(seen.last.u.flow.ids.trace, trace, 16);
	cr_expect_eq(seen.last.u.flow.ids.span[7], 0xb7);
	cr_expect_eq(seen.last.u.flow.ids.parent[7], 0);
	decode(STR("{" FLOW ",\"trace\":\"4BF92F3577B34DA6\"}"), &seen, &counts);
	cr_expect_arr_eq(seen.last.u.flow.ids.trace, shorter, 16);
}

Test(wire_json, errors_are_a_truth_or_words)
{
	static const struct {
		const char *members;
		bool failed;
		const char *code;
	} rows[] = {
		{ "\"err\":true", true, "" },
		{ "\"err\":false", false, "" },
		{ "\"err\":\"timeout\"", true, "timeout" },
		{ "\"err\":\"timeout\",\"code\":\"504\"", true, "504" },
		{ "\"err\":\"\"", false, "" },
		{ "\"code\":503", false, "503" },
		{ "\"code\":\"OK\"", false, "OK" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf payload = BUF_INIT;
		struct wire_counts counts;
		struct seen seen;

		buf_addf(&payload, "{" FLOW ",%s}", rows[i].members);
		decode(buf_str(&payload), &seen, &counts);
		cr_expect_eq(
			seen.last.u.flow.failed, rows[i].failed, "%s", rows[i].members);
		cr_expect_str_eq(seen.code, rows[i].code);
		buf_done(&payload);
	}
}

Test(wire_json, deep_nesting_is_refused_at_once)
{
	struct wire_counts counts;
	struct seen seen;
	struct buf deep = BUF_INIT;

	buf_adds(&deep, "{" FLOW ",\"later\":");
	for (int i = 0; i < 63; i++)
		buf_addc(&deep, '[');
	for (int i = 0; i < 63; i++)
		buf_addc(&deep, ']');
	buf_addc(&deep, '}');
	cr_expect_eq(decode(buf_str(&deep), &seen, &counts), STATUS_OK);
	cr_expect_eq(counts.events, 1);
	buf_clear(&deep);
	buf_adds(&deep, "{" FLOW ",\"later\":");
	for (int i = 0; i < 200000; i++)
		buf_adds(&deep, i % 2 ? "[" : "{\"a\":");
	cr_expect_eq(decode(buf_str(&deep), &seen, &counts), STATUS_ERR_TOO_DEEP);
	cr_expect_eq(counts.events, 0);
	cr_expect_eq(counts.bad, 1);
	buf_clear(&deep);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&deep, '[');
	cr_expect_eq(decode(buf_str(&deep), &seen, &counts), STATUS_ERR_TOO_DEEP);
	buf_done(&deep);
}

Test(wire_json, too_many_values_are_refused)
{
	struct wire_counts counts;
	struct seen seen;
	struct buf wide = BUF_INIT;

	buf_adds(&wide, "{" FLOW ",\"later\":[0");
	for (int i = 0; i < 300000; i++)
		buf_adds(&wide, ",0");
	buf_adds(&wide, "]}");
	cr_expect_eq(decode(buf_str(&wide), &seen, &counts), STATUS_ERR_TOO_BIG);
	cr_expect_eq(counts.events, 0);
	buf_done(&wide);
}

Test(wire_json, a_comma_for_a_decimal_point_changes_nothing)
{
	struct wire_counts counts;
	struct seen seen;
	struct buf out = BUF_INIT;

	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "de_DE"))
		cr_skip_test("no locale with a decimal comma here");
	decode(STR("{\"gauge\":\"g\",\"service\":\"a\",\"value\":1.5}"), &seen, &counts);
	cr_expect_eq(seen.last.u.gauge.value, 1.5);
	seen.last.u.gauge.service = seen.last.u.gauge.name = STR("x");
	seen.last.u.gauge.unit = STR("");
	wire_put_json(&out, &seen.last);
	cr_expect_not_null(strstr(buf_cstr(&out), "1.5"));
	buf_done(&out);
}

Test(wire_json, a_member_has_a_service_and_a_group)
{
	struct wire_counts counts;
	struct seen seen;

	decode(STR("{\"group\":\"shop\",\"service\":\"cart\"}"), &seen, &counts);
	cr_assert_eq(counts.events, 1);
	cr_expect_eq(seen.last.type, EVENT_MEMBER);
	decode(STR("{\"group\":\"\",\"service\":\"cart\"}"), &seen, &counts);
	cr_expect_eq(counts.bad, 1);
	decode(STR("{\"group\":\"shop\"}"), &seen, &counts);
	cr_expect_eq(counts.bad, 1);
	decode(STR("{" FLOW ",\"group\":\"shop\"}"), &seen, &counts);
	cr_expect_eq(counts.events, 1);
	cr_expect_eq(seen.last.type, EVENT_FLOW);
}

Test(wire_json, a_delta_brings_its_histogram)
{
	struct wire_counts counts;
	struct seen seen;

	cr_assert_eq(decode(STR("{" FLOW ",\"span_ms\":0.5,\"calls\":5,\"errors\":2,"
				"\"hist\":{\"le_us\":[10,20.0,null],\"count\":[1,2,3]}}"),
			     &seen, &counts),
		STATUS_OK);
	cr_assert_eq(counts.events, 1);
	cr_expect_eq(seen.last.type, EVENT_DELTA);
	cr_expect_eq(seen.last.u.delta.span_us, 500);
	cr_expect_eq(seen.last.u.delta.latency.n, 3);
	cr_expect_eq(seen.bounds, 6);
	cr_expect_eq(seen.last.u.delta.bytes_in, FLOW_UNKNOWN);
}

Test(wire_json, the_time_of_a_line_is_what_decoding_it_would_say)
{
	static const struct {
		const char *line;
		int64_t us;
	} lines[] = {
		{ "{" FLOW ",\"ts\":1767621752.25}", INT64_C(1767621752250000) },
		{ "{\"ts\":1767621752," FLOW "}", INT64_C(1767621752000000) },
		{ "{\"ts\" : 1767621752," FLOW "}", INT64_C(1767621752000000) },
		{ "{\"ts\":\"2026-01-05T14:02:32Z\"," FLOW "}",
			INT64_C(1767621752000000) },
		{ "{\"ts\":1.767621752e9," FLOW "}", INT64_C(1767621752000000) },
		{ "{" FLOW ",\"op\":\"\\\"ts\\\":5,\",\"ts\":1767621752}",
			INT64_C(1767621752000000) },
		{ "{" FLOW ",\"more\":{\"ts\":5},\"ts\":1767621752}",
			INT64_C(1767621752000000) },
		{ "[{" FLOW ",\"ts\":1767621752},{" FLOW ",\"ts\":1767621753}]",
			INT64_C(1767621753000000) },
		{ "{" FLOW "}", 0 },
		{ "no JSON", 0 },
		{ "", 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(wire_line_time(str_of(lines[i].line)), lines[i].us, "%s",
			lines[i].line);
}

static void
tell(void *ctx, const struct event *e)
{
	event_describe(ctx, e);
}

Test(wire_json, what_was_read_before_changes_nothing)
{
	static const char *const rows[] = {
		"{" FLOW ",\"kind\":5}",
		"{" FLOW "}",
		"{" FLOW ",\"kind\":\"http\"}",
		"{" FLOW ",\"kind\":\"\\ud800\"}",
		"{" FLOW ",\"kind\":null}",
		"{" FLOW ",\"origin\":{}}",
		"{" FLOW ",\"origin\":\"otlp\"}",
		"{" FLOW ",\"src_kind\":true}",
		"{" FLOW ",\"us\":1,\"us\":2}",
		"{" FLOW ",\"us\":1}",
		"{\"src\":\"a\",\"dst\":1}",
		"{\"src\":\"a\",\"op\":\"b\",\"dst\":\"\"}",
		"{\"src\":\"a\",\"op\":\"b\",\"dst\":\"c\"}",
		"{" FLOW ",\"calls\":1,\"span_ms\":1000,\"kind\":[]}",
		"{" FLOW ",\"calls\":1,\"span_ms\":1000}",
	};
	struct wire_decoder *kept = wire_decoder_new();

	for (unsigned i = 0; i < 3 * ARRAY_LEN(rows); i++) {
		struct str row = str_of(rows[i % ARRAY_LEN(rows)]);
		struct wire_counts first = { 0 }, then = { 0 };
		struct buf one = BUF_INIT, two = BUF_INIT;

		decode_once(WIRE_JSON, row, NOW_US, tell, &one, &first);
		wire_decode(kept, WIRE_JSON, row, NOW_US, tell, &two, &then);
		cr_expect_eq(then.bad, first.bad, "%s", row.p);
		cr_expect_str_eq(buf_cstr(&two), buf_cstr(&one), "%s", row.p);
		buf_done(&one);
		buf_done(&two);
	}
	wire_decoder_free(kept);
}
