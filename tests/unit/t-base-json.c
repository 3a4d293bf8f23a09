#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/json.h"
#include "weir/base/util.h"

#define MANY 1000000

/* Walk all of @text and say how it ended. */
static enum status
judge(struct str text, bool keep)
{
	/* Exactly as long as the text, so that a sanitizer sees reading past its end. */
	char *copy = xmalloc(text.n);
	struct json j;
	enum status s;

	if (text.n)
		memcpy(copy, text.p, text.n);
	json_init(&j, copy, text.n, MANY, keep);
	while (json_next(&j) > JSON_END)
		;
	s = json_finish(&j);
	if (keep)
		cr_expect(text.n == 0 || memcmp(copy, text.p, text.n) == 0);
	free(copy);
	return s;
}

static const struct str good[] = {
	STR("[]"),
	STR("{}"),
	STR(" [ ] "),
	STR("\t\n\r {\"a\" : [ 1 , 2 ] }\n"),
	STR("null"),
	STR("true"),
	STR("false"),
	STR("0"),
	STR("-0"),
	STR("-0.0e-0"),
	STR("1E+2"),
	STR("123.456e78"),
	STR("1e999999"),
	STR("100000000000000000000000000000000000000000000000000000000000"),
	STR("\"\""),
	STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
	STR("\"\\u0000\""),
	STR("\"\\uD834\\uDD1E\""),
	STR("\"\\ud834\""),
	STR("\"\\udd1e\\ud834\""),
	STR("\"\\ud834\\u0041\""),
	STR("\"\\ud834\\\\u0041\""),
	STR("\"\x7f\""),
	STR("\"\xc3\xa9\xf0\x9f\x9a\x80\""),
	STR("{\"\":0}"),
	STR("{\"a\":1,\"a\":2}"),
	STR("{\"a\\u0000b\":[[[[[[]]]]]]}"),
	STR("[1,[2,{\"x\":[]}],\"\",null,true]"),
};

static const struct str bad[] = {
	STR(""),
	STR(" "),
	STR("["),
	STR("]"),
	STR("{"),
	STR("}"),
	STR("[}"),
	STR("{]"),
	STR("[1"),
	STR("[1,"),
	STR("[1,]"),
	STR("[,1]"),
	STR("[1,,2]"),
	STR("[1 2]"),
	STR("[1]]"),
	STR("[1]x"),
	STR("[1] [2]"),
	STR("{\"a\"}"),
	STR("{\"a\":}"),
	STR("{\"a\":1,}"),
	STR("{,\"a\":1}"),
	STR("{\"a\" 1}"),
	STR("{\"a\"::1}"),
	STR("{\"a\":1 \"b\":2}"),
	STR("{a:1}"),
	STR("{1:1}"),
	STR("{'a':1}"),
	STR("{\"a\":1"),
	STR("{\"a\""),
	STR("{\"a\":"),
	STR("[\"a\":1]"),
	STR("{\"a\",\"b\"}"),
	STR("nul"),
	STR("nulll"),
	STR("True"),
	STR("NaN"),
	STR("Infinity"),
	STR("-Infinity"),
	STR("+1"),
	STR("-"),
	STR("--1"),
	STR("01"),
	STR("-01"),
	STR("1."),
	STR(".5"),
	STR("1.e2"),
	STR("1e"),
	STR("1e+"),
	STR("0x10"),
	STR("1_000"),
	STR("1e1.5"),
	STR("\""),
	STR("\"a"),
	STR("\"\\"),
	STR("\"\\\""),
	STR("\"\\x41\""),
	STR("\"\\u\""),
	STR("\"\\u12\""),
	STR("\"\\u12g4\""),
	STR("\"\\U0041\""),
	STR("\"\\\0\""),
	STR("\"a\nb\""),
	STR("\"a\tb\""),
	STR("\"a\0b\""),
	STR("'a'"),
	STR("\"\xff\""),
	STR("\"\xc0\xaf\""),
	STR("\"\xe2\x82\""),
	STR("\"\xed\xa0\x80\""),
	STR("\"\xf4\x90\x80\x80\""),
	STR("{\"\xff\":1}"),
	STR("\xef\xbb\xbf[]"),
	STR("[1]\0"),
	STR("// c\n[]"),
	STR("[/* */]"),
	STR("\f[]"),
	STR("\xc2\xa0[]"),
};

Test(json, takes_what_rfc_8259_allows)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cr_expect_eq(judge(good[i], false), STATUS_OK, "refused: %s", good[i].p);
		cr_expect_eq(judge(good[i], true), STATUS_OK, "refused: %s", good[i].p);
	}
}

Test(json, refuses_what_rfc_8259_does_not_allow)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_neq(
			judge(bad[i], false), STATUS_OK, "row %zu: %s", i, bad[i].p);
		cr_expect_neq(judge(bad[i], true), STATUS_OK, "row %zu: %s", i, bad[i].p);
	}
}

Test(json, no_prefix_of_a_container_is_taken_for_the_whole)
{
	struct str whole = STR("{\"a\":[1,{\"b\":\"x\\u00e9\"},null,-1.5e3],\"c\":true}");

	for (size_t n = 0; n < whole.n; n++)
		cr_expect_neq(judge((struct str){ whole.p, n }, false), STATUS_OK);
	cr_expect_eq(judge(whole, false), STATUS_OK);
}

static void
expect_string(struct str text, struct str want)
{
	char copy[128];
	struct json j;

	memcpy(copy, text.p, text.n);
	json_init(&j, copy, text.n, MANY, false);
	cr_expect_eq(json_next(&j), JSON_STRING);
	cr_expect(str_eq(j.text, want), "%s came out as %.*s", text.p, (int)j.text.n,
		j.text.p);
	cr_expect_eq(json_finish(&j), STATUS_OK);
}

Test(json, escapes_become_what_they_stand_for)
{
	expect_string(STR("\"plain\""), STR("plain"));
	expect_string(STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR("\"\\/\b\f\n\r\t"));
	expect_string(STR("\"\\u0041\\u00e9\\u20AC\""), STR("A\xc3\xa9\xe2\x82\xac"));
	expect_string(STR("\"\\uD83D\\ude80!\""), STR("\xf0\x9f\x9a\x80!"));
	expect_string(STR("\"a\\u0000b\""), STR("a\0b"));
	expect_string(STR("\"cut \\ud83d\""), STR("cut \xef\xbf\xbd"));
	expect_string(STR("\"\\ud83d\\u0041\""), STR("\xef\xbf\xbd"
						     "A"));
	expect_string(STR("\"\\ude80\\ud83d\""), STR("\xef\xbf\xbd\xef\xbf\xbd"));
	expect_string(STR("\"\\\\u0041\""), STR("\\u0041"));
}

Test(json, a_key_is_compared_unescaped_and_leaves_the_text_alone)
{
	char text[] = "{\"tr\\u0061ce\":1}";
	const char *before = "{\"tr\\u0061ce\":1}";
	struct json j;
	struct str key;

	json_init(&j, text, strlen(text), MANY, false);
	cr_assert(json_enter(&j, JSON_OBJECT));
	cr_assert(json_key(&j, &key));
	cr_expect(str_eq(key, STR("trace")));
	json_skip(&j);
	cr_expect_not(json_key(&j, &key));
	cr_expect_eq(json_finish(&j), STATUS_OK);
	cr_expect_str_eq(text, before);
}

Test(json, depth_and_number_of_values_are_bounded)
{
	struct buf b = BUF_INIT;
	struct json j;

	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_addc(&b, ']');
	cr_expect_eq(judge(buf_str(&b), false), STATUS_OK);
	buf_clear(&b);
	for (int i = 0; i < 1000000; i++)
		buf_adds(&b, i % 2 ? "{\"a\":" : "[");
	cr_expect_eq(judge(buf_str(&b), false), STATUS_ERR_TOO_DEEP);
	buf_clear(&b);
	buf_adds(&b, "[0,0,0,0]");
	json_init(&j, b.p, b.n, 4, false);
	while (json_next(&j) > JSON_END)
		;
	cr_expect_eq(json_status(&j), STATUS_ERR_TOO_BIG);
	buf_done(&b);
}

Test(json, a_bookmark_reads_again_what_was_skipped)
{
	char text[] = "{\"later\":[\"a\\nb\",{}],\"first\":7}";
	struct json j, mark = { 0 };
	struct str key;

	json_init(&j, text, strlen(text), MANY, false);
	cr_assert(json_enter(&j, JSON_OBJECT));
	cr_assert(json_key(&j, &key));
	mark = j;
	json_skip(&j);
	cr_assert(json_key(&j, &key));
	cr_expect(str_eq(key, STR("first")));
	json_skip(&j);
	cr_expect_not(json_key(&j, &key));
	cr_assert_eq(json_finish(&j), STATUS_OK);
	cr_assert(json_enter(&mark, JSON_ARRAY));
	cr_assert(json_item(&mark));
	cr_assert_eq(json_next(&mark), JSON_STRING);
	cr_expect(str_eq(mark.text, STR("a\nb")));
	cr_assert(json_item(&mark));
	json_skip(&mark);
	cr_expect_not(json_item(&mark));
	cr_expect_eq(json_status(&mark), STATUS_OK);
}

Test(json, null_is_absent_and_a_wrong_container_an_error)
{
	char text[] = "[null,{},3]";
	struct json j;
	struct str key;

	json_init(&j, text, strlen(text), MANY, false);
	cr_assert(json_enter(&j, JSON_ARRAY));
	cr_assert(json_item(&j));
	cr_expect_not(json_enter(&j, JSON_OBJECT));
	cr_expect_eq(json_status(&j), STATUS_OK);
	cr_assert(json_item(&j));
	cr_expect(json_enter(&j, JSON_OBJECT));
	cr_expect_not(json_key(&j, &key));
	cr_assert(json_item(&j));
	cr_expect_not(json_enter(&j, JSON_OBJECT));
	cr_expect_eq(json_status(&j), STATUS_ERR_SYNTAX);
	cr_expect_not(json_item(&j));
	cr_expect_eq(json_next(&j), JSON_ERROR);
}

Test(json, integers_are_exact_to_64_bits)
{
	int64_t i;
	uint64_t u;
	double d;

	cr_expect(json_int64(STR("1795388090960000001"), &i));
	cr_expect_eq(i, INT64_C(1795388090960000001));
	cr_expect(json_int64(STR("-9223372036854775808"), &i));
	cr_expect_eq(i, INT64_MIN);
	cr_expect_not(json_int64(STR("9223372036854775808"), &i));
	cr_expect(json_uint64(STR("18446744073709551615"), &u));
	cr_expect_eq(u, UINT64_MAX);
	cr_expect_not(json_uint64(STR("18446744073709551616"), &u));
	cr_expect_not(json_uint64(STR("1.0"), &u));
	cr_expect_not(json_uint64(STR(""), &u));
	cr_expect_not(json_int64(STR("-"), &i));
	cr_expect_not(json_int64(STR("--1"), &i));
	cr_expect(json_double(STR("-1.5e3"), &d));
	cr_expect_float_eq(d, -1500, 1e-9);
	cr_expect_not(json_double(STR("1e999"), &d));
	cr_expect_not(json_double(STR("nan"), &d));
	cr_expect_not(json_double(STR("0x10"), &d));
	cr_expect_not(json_double(STR(""), &d));
}

/* ------------------------------------------------------------ records */

static unsigned
letter_slot(struct str key)
{
	return key.n && key.p[0] >= 'a' && key.p[0] <= 'd' ? (unsigned)(key.p[0] - 'a')
							   : 4;
}

/* What the record at @j says, as text. */
static void
tell_record(struct json *j, struct json_records *k, struct buf *out)
{
	struct json_value v[5];
	uint64_t present;
	bool twice, ok = json_record(j, k, v, &present, &twice);

	if (!ok) {
		buf_adds(out, "none");
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		if (present >> i & 1)
			buf_addf(out, "%c=%d:%.*s%s ", 'a' + (int)i, (int)v[i].type,
				(int)v[i].text.n, v[i].text.p,
				v[i].type == JSON_STRING && v[i].escaped ? "!" : "");
	buf_adds(out, twice ? "twice" : "once");
}

Test(json, records_are_read_the_same_whatever_was_read_before)
{
	/* Each row is read by a reader that has seen those before, and by a new one. */
	static const char *const rows[] = {
		"{\"a\":1,\"b\":\"x\",\"c\":[1,{\"a\":2}]}",
		"{\"a\":12,\"b\":\"yy\",\"c\":{}}",
		"{\"b\":\"x\",\"a\":1}",
		"{\"a\":1}",
		"{}",
		"{ \"a\" : 1 , \"b\" : 2 }",
		"{\"a\":1,\"b\":2}",
		"{\"a\":null,\"b\":2,\"later\":3,\"later\":4}",
		"{\"a\":null,\"a\":2}",
		"{\"a_key_that_is_rather_long\":1,\"b\":2}",
		"{\"a_key_that_is_rather_long\":1,\"d\":2}",
		"{\"\\u0061\":1,\"b\":\"\\n\"}",
		"{\"a\":1234567,\"b\":12345678,\"c\":-1,\"d\":0}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":1,}",
		"{\"a\":1 \"b\":2}",
		"{,\"a\":1}",
		"{\"a\":1]",
		"{\"a\":1,\"b\":",
		"{\"a\":1,\"b\"",
		"{\"a\":1,\"b\":2",
		"{\"a\"::1}",
		"[\"a\",1]",
		"1",
		"",
	};
	struct json_records kept = { .slot_of = letter_slot, .slots = 4 };

	for (unsigned i = 0; i < 3 * ARRAY_LEN(rows); i++) {
		struct str text = str_of(rows[i % ARRAY_LEN(rows)]);
		struct json_records fresh = { .slot_of = letter_slot, .slots = 4 };
		struct buf first = BUF_INIT, then = BUF_INIT;
		char *copy = xmalloc(text.n);
		struct json j;

		if (text.n)
			memcpy(copy, text.p, text.n);
		json_init(&j, copy, text.n, MANY, true);
		tell_record(&j, &fresh, &first);
		cr_expect_eq(json_finish(&j) == STATUS_OK,
			judge(text, true) == STATUS_OK && text.p[0] == '{', "%s", text.p);
		json_init(&j, copy, text.n, MANY, true);
		tell_record(&j, &kept, &then);
		cr_expect_str_eq(buf_cstr(&then), buf_cstr(&first), "%s", text.p);
		free(copy);
		buf_done(&first);
		buf_done(&then);
	}
}

Test(json, more_keys_than_are_known_again_are_read_all_the_same)
{
	struct json_records k = { .slot_of = letter_slot, .slots = 4 };

	for (unsigned round = 0; round < 3; round++) {
		struct buf text = BUF_INIT, said = BUF_INIT;
		struct json j;

		buf_adds(&text, "{");
		for (unsigned i = 0; i < 100; i++)
			buf_addf(&text, "\"x%u\":%u,", i, i);
		buf_adds(&text, "\"c\":7}");
		json_init(&j, text.p, text.n, MANY, true);
		tell_record(&j, &k, &said);
		cr_expect_str_eq(buf_cstr(&said), "c=7:7 once");
		cr_expect_eq(json_finish(&j), STATUS_OK);
		buf_done(&text);
		buf_done(&said);
	}
}

Test(json, plain_numbers_come_as_digits)
{
	static const struct {
		struct str text;
		uint64_t digits;
		unsigned places;
	} rows[] = {
		{ STR("0           "), 0, 0 },
		{ STR("7,          "), 7, 0 },
		{ STR("1234567]    "), 1234567, 0 },
		{ STR("12345678    "), 12345678, 0 },
		{ STR("1795409144.000050,"), UINT64_C(1795409144000050), 6 },
		{ STR("1.5         "), 15, 1 },
		{ STR("0.05"), 5, 2 },
		{ STR("5"), 5, 0 },
		{ STR("123456789012345678"), UINT64_C(123456789012345678), 0 },
		{ STR("1234567890123456789"), JSON_NO_DIGITS, 0 },
		{ STR("1234567890.123456789"), JSON_NO_DIGITS, 0 },
		{ STR("1e5         "), JSON_NO_DIGITS, 0 },
		{ STR("1E5         "), JSON_NO_DIGITS, 0 },
		{ STR("1.5e1"), JSON_NO_DIGITS, 0 },
		{ STR("-5          "), JSON_NO_DIGITS, 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = xmalloc(rows[i].text.n);
		struct json j;

		memcpy(text, rows[i].text.p, rows[i].text.n);
		json_init(&j, text, rows[i].text.n, MANY, true);
		cr_expect_eq(json_next(&j), JSON_NUMBER);
		cr_expect_eq(j.digits, rows[i].digits, "%s", rows[i].text.p);
		cr_expect_eq(j.places, rows[i].places, "%s", rows[i].text.p);
		free(text);
	}
}
