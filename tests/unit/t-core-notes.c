#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/core/notes.h"
#include "weir/base/util.h"
#include "weir/core/pattern.h"
#include "weir/core/redact.h"

#define T0 (INT64_C(1790000000) * SEC_US)

Test(pattern, lines_that_differ_in_numbers_only_are_one)
{
	static const struct {
		const char *line, *pattern;
	} rows[] = {
		{ "", "" },
		{ "  ready  ", "ready" },
		{ "order 4711 took 12.5ms", "order <*> took <*>ms" },
		{ "from 10.0.0.3:80 to [::1]:443", "from <*> to [::<*>]:<*>" },
		{ "GET /users/17/items?page=2 200", "GET /users/<*>/items?page=<*> <*>" },
		{ "id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 gone", "id <*> gone" },
		{ "sha deadbeefcafe0123", "sha <*>" },
		{ "2026-11-23T03:04:05.678Z ERROR x", "<*>Z ERROR x" },
		{ "payment-7f9c8d5b6-x2x9z restarted", "payment-<*>-x<*> restarted" },
		{ "http2 over ipv4, v1", "http2 over ipv4, v1" },
		{ "no numbers at all", "no numbers at all" },
		{ "first\nsecond 2", "first" },
		{ "retry 3/5", "retry <*>" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		pattern_of(str_of(rows[i].line), &out);
		cr_expect_str_eq(buf_cstr(&out), rows[i].pattern, "%s: %s", rows[i].line,
			buf_cstr(&out));
		buf_done(&out);
	}
}

Test(redact, secrets_are_taken_out_and_the_rest_stays)
{
	static const struct {
		const char *line, *clean;
	} rows[] = {
		{ "nothing here", "nothing here" },
		{ "Authorization: Bearer abc.def-123456",
			"Authorization: Bearer [secret]" },
		{ "sent Bearer 0123456789abcdef, ok", "sent Bearer [secret], ok" },
		{ "the bearer of news", "the bearer of news" },
		{ "basic things", "basic things" },
		{ "password=hunter2 user=bob", "password=[secret] user=bob" },
		{ "{\"password\": \"hunter2\",\"a\":1}",
			"{\"password\": \"[secret]\",\"a\":1}" },
		{ "PASSWD:x", "PASSWD:[secret]" },
		{ "api_key = k-123", "api_key = [secret]" },
		{ "access_token=abc&x=1", "access_token=[secret]&x=1" },
		{ "the password is wrong", "the password is wrong" },
		{ "monkey=7 turkey: x", "monkey=7 turkey: x" },
		{ "postgres://bob:s3cret@db.test:5432/x",
			"postgres://bob:[secret]@db.test:5432/x" },
		{ "http://db.test:5432/x", "http://db.test:5432/x" },
		{ "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij", "jwt [token]" },
		{ "key AKIAIOSFODNN7EXAMPLE!", "key [token]" },
		{ "paid with 4111 1111 1111 1111 today", "paid with [card] today" },
		{ "paid with 4111-1111-1111-1111", "paid with [card]" },
		{ "order 4111111111111112", "order 4111111111111112" },
		{ "ts 1795388596558009", "ts 1795388596558009" },
		{ "mail to bob.smith+x@mail.example.org.", "mail to [email]." },
		{ "not@host", "not@host" },
		{ "a@b.c", "a@b.c" },
		{ "token=Bearer abcdefgh12345", "token=Bearer [secret]" },
	};
	struct redact *r = redact_new(true);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = redact_text(r, str_of(rows[i].line));

		cr_expect(str_eq(got, str_of(rows[i].clean)), "%s: %.*s", rows[i].line,
			(int)got.n, got.p);
	}
	redact_free(r);
}

Test(redact, expressions_of_the_users_own_come_on_top_or_alone)
{
	const struct str line = STR("user 17 mail a@b.example x=1");
	struct redact *r = redact_new(true);
	struct diag d = { 0 };
	struct str got;

	cr_assert_eq(redact_add(r, "user [0-9]+", &d), STATUS_OK);
	cr_expect_eq(redact_add(r, "(", &d), STATUS_ERR_SYNTAX);
	cr_expect(strstr(d.text, "'('"), "%s", d.text);
	got = redact_text(r, line);
	cr_expect(str_eq(got, STR("[redacted] mail [email] x=1")), "%.*s", (int)got.n,
		got.p);
	redact_free(r);
	r = redact_new(false);
	got = redact_text(r, line);
	cr_expect(str_eq(got, line), "off is off");
	cr_assert_eq(redact_add(r, "x*", &d), STATUS_OK);
	got = redact_text(r, line);
	cr_expect(str_eq(got, STR("user 17 mail a@b.e[redacted]ample [redacted]=1")),
		"%.*s", (int)got.n, got.p);
	redact_free(r);
}

/* ------------------------------------------------------------ what is kept */

static void
say(struct notes *n, uint32_t service, const char *text, enum note_severity sev,
	int64_t at_us)
{
	struct note note = {
		.service = STR("x"), .text = str_of(text), .severity = sev, .at_us = at_us
	};

	note.ids.trace[0] = (uint8_t)text[0];
	notes_add(n, service, &note, at_us);
}

static void
picture(const struct notes *n, uint32_t service, int64_t from_us, struct snap *s)
{
	snap_clear(s);
	snap_node_add(s, "x");
	notes_fill(n, service, from_us, 0, s);
	snap_sort(s);
}

Test(notes, lines_are_counted_by_pattern_and_the_worst_comes_first)
{
	struct notes *n = notes_new();
	struct snap s = { 0 };
	char line[64];

	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "order %d done", i);
		say(n, 7, line, NOTE_INFO, T0 + i * SEC_US);
	}
	say(n, 7, "db gone", NOTE_ERROR, T0 + 50 * SEC_US);
	say(n, 8, "another's", NOTE_ERROR, T0);
	picture(n, 7, T0, &s);
	cr_assert_eq(s.node[0].notes, 2);
	cr_expect_str_eq(s.note[0].pattern, "db gone");
	cr_expect_eq(s.note[0].trace[0], 'd');
	cr_expect_eq(s.note[1].count, 100);
	cr_expect_eq(s.note[1].last_us, T0 + 99 * SEC_US);
	picture(n, 7, T0 + 90 * SEC_US, &s);
	cr_assert_eq(s.node[0].notes, 1, "what is too old is not shown");
	cr_expect_eq(s.note[0].count, 10);
	/* And it is forgotten round by round. */
	say(n, 7, "order 1 done", NOTE_INFO, T0 + 2000 * SEC_US);
	picture(n, 7, T0 + 1100 * SEC_US, &s);
	cr_expect_eq(s.note[0].count, 1);
	snap_done(&s);
	notes_free(n);
}

Test(notes, errors_stay_when_there_is_no_room_for_all)
{
	struct notes *n = notes_new();
	struct snap s = { 0 };
	char line[64];

	say(n, 1, "the one that matters", NOTE_ERROR, T0);
	for (int i = 0; i < 10000; i++) {
		for (size_t k = 0; k < 20; k++)
			line[k] = (char)('a' + (i >> (k % 14) & 1) + (int)k % 7);
		line[20] = '\0';
		say(n, 1, line, NOTE_INFO, T0 + i);
	}
	picture(n, 1, T0, &s);
	cr_expect_leq(s.node[0].notes, 32);
	cr_expect_str_eq(s.note[0].pattern, "the one that matters");
	for (uint32_t i = 0; i < 100000; i++)
		say(n, i, "hello", NOTE_INFO, T0 + i);
	cr_expect_lt(notes_bytes(n), (size_t)64 << 20);
	snap_done(&s);
	notes_free(n);
}

Test(notes, of_values_the_newest_and_their_range_are_kept)
{
	struct notes *n = notes_new();
	struct snap s = { 0 };
	struct gauge g = { .service = STR("x"), .name = STR("depth"), .unit = STR("1") };

	for (int i = 0; i < 100; i++) {
		g.value = i % 10;
		notes_gauge(n, 3, &g, T0 + i * SEC_US);
	}
	g.value = 1000;
	notes_gauge(n, 3, &g, T0); /* late: tells nothing of now */
	picture(n, 3, T0 + 95 * SEC_US, &s);
	cr_assert_eq(s.node[0].gauges, 1);
	cr_expect_eq(s.gauge[0].value, 9);
	cr_expect_eq(s.gauge[0].low, 5);
	cr_expect_eq(s.gauge[0].high, 9);
	picture(n, 3, T0 + 200 * SEC_US, &s);
	cr_expect_eq(s.node[0].gauges, 0);
	snap_done(&s);
	notes_free(n);
}

Test(notes, lines_that_come_with_a_trouble_are_its_evidence)
{
	struct notes *n = notes_new();
	struct notes_line line;
	int64_t since = T0 + 600 * SEC_US, now = since + 30 * SEC_US;

	for (int i = 0; i < 63; i++) {
		say(n, 1, "slow disk", NOTE_WARN, T0 + i * 10 * SEC_US);
		say(n, 1, "order 7 done", NOTE_INFO, T0 + i * 10 * SEC_US);
	}
	cr_expect_not(notes_line_since(n, 1, since, now, &line), "it was so before");
	cr_expect_not(notes_line_since(n, 2, since, now, &line), "nobody spoke");
	say(n, 1, "config read", NOTE_INFO, since + SEC_US);
	cr_expect_not(notes_line_since(n, 1, since, now, &line), "one line is nothing");
	say(n, 1, "process 4 waits for ShareLock", NOTE_INFO, since + SEC_US);
	say(n, 1, "process 5 waits for ShareLock", NOTE_INFO, since + 2 * SEC_US);
	cr_assert(notes_line_since(n, 1, since, now, &line));
	cr_expect_str_eq(line.pattern, "process <*> waits for ShareLock");
	cr_expect_eq(line.count, 2);
	say(n, 1, "cannot write", NOTE_ERROR, since + 3 * SEC_US);
	cr_assert(notes_line_since(n, 1, since, now, &line));
	cr_expect_str_eq(line.pattern, "cannot write", "an error is worse");
	for (int i = 0; i < 40; i++)
		say(n, 3, "slow disk", NOTE_WARN,
			i < 10 ? T0 + i * 60 * SEC_US : since + i * SEC_US / 2);
	cr_assert(
		notes_line_since(n, 3, since, now, &line), "far more often than before");
	cr_expect_eq(line.count, 30);
	notes_free(n);
}

Test(notes, a_value_that_leaves_its_range_is_evidence)
{
	static const struct {
		const char *what;
		double before, swing, after;
		bool found, rose;
	} rows[] = {
		{ "a pool that is waited for", 0, 1, 12, true, true },
		{ "idle connections gone", 8, 2, 0, true, false },
		{ "as ever", 8, 2, 9, false, false },
		{ "a little more", 100, 10, 140, false, false },
		{ "from nothing to little", 0, 0, .2, false, false },
		{ "twice, but it swings", 10, 30, 45, false, false },
		{ "a load that tripled", 3, .5, 11, true, true },
	};
	int64_t since = T0 + 300 * SEC_US;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gauge g = {
			.service = STR("x"), .name = STR("it"), .unit = STR("1")
		};
		struct notes *n = notes_new();
		struct notes_value v;
		bool found;

		for (int k = 0; k < 64; k++) {
			g.value = k < 60 ? rows[i].before + (k % 2) * rows[i].swing
					 : rows[i].after;
			notes_gauge(n, 1, &g, T0 + k * 5 * SEC_US);
		}
		found = notes_value_since(n, 1, since, since + 20 * SEC_US, &v);
		cr_expect_eq(found, rows[i].found, "%s", rows[i].what);
		cr_expect(!found || (v.rose == rows[i].rose && v.value == rows[i].after),
			"%s", rows[i].what);
		cr_expect_not(notes_value_since(n, 1, since, since + 200 * SEC_US, &v),
			"what is old tells nothing of now");
		cr_expect_not(notes_value_since(n, 1, T0 + SEC_US, since, &v),
			"nothing is known from before");
		notes_free(n);
	}
}
