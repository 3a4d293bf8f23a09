#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/accesslog.h"
#include "weir/input/rename.h"

static struct buf seen;

/* One flow a line: `src>dst kind op code! latency @end_ms`. */
static void
on_event(void *ctx, const struct event *e)
{
	const struct flow *f = &e->u.flow;

	(void)ctx;
	cr_assert_eq(e->type, EVENT_FLOW);
	buf_addf(&seen, "%.*s>%.*s %s %.*s %.*s%s %lld", (int)f->src.n, f->src.p,
		(int)f->dst.n, f->dst.p, flow_kind_word(f->kind), (int)f->op.n, f->op.p,
		(int)f->code.n, f->code.p, f->failed ? "!" : "",
		(long long)flow_latency_us(f));
	if (f->queue_us > 0)
		buf_addf(&seen, " q%lld", (long long)f->queue_us);
	buf_addf(&seen, " @%lld\n", (long long)(f->end_us / 1000));
}

static void
read_samples(const char *format)
{
	struct accesslog_options o = { .format = format, .service = "proxy" };
	struct accesslog *a = accesslog_new(&o, NULL);
	struct buf path = BUF_INIT;
	char line[8192];
	unsigned n = 0;
	FILE *f;

	cr_assert_not_null(a);
	buf_addf(&path, "%s/tests/data/accesslog/%s.log", getenv("top_srcdir"), format);
	f = fopen(buf_cstr(&path), "r");
	cr_assert_not_null(f, "%s", buf_cstr(&path));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		buf_addf(&seen, "%u:\n", ++n);
		switch (accesslog_line(a, str_of(line), 99000000, on_event, NULL)) {
		case ACCESSLOG_FLOWS:
			break;
		case ACCESSLOG_OTHER:
			buf_adds(&seen, "no request\n");
			break;
		case ACCESSLOG_BAD:
			buf_adds(&seen, "bad\n");
			break;
		}
	}
	fclose(f);
	buf_done(&path);
	accesslog_free(a);
}

static void
expect_file(const char *format)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	FILE *f;
	int c;

	buf_addf(&path, "%s/tests/data/accesslog/%s.flows", getenv("top_srcdir"), format);
	if (getenv("GENERATE")) {
		f = fopen(buf_cstr(&path), "w");
		cr_assert_not_null(f);
		fputs(buf_cstr(&seen), f);
		fclose(f);
	}
	f = fopen(buf_cstr(&path), "r");
	cr_assert_not_null(f, "%s", buf_cstr(&path));
	while ((c = getc(f)) != EOF)
		buf_addc(&text, (char)c);
	fclose(f);
	cr_expect_str_eq(
		buf_cstr(&seen), buf_cstr(&text), "%s: %s", format, buf_cstr(&seen));
	buf_done(&path);
	buf_done(&text);
}

/* Lines of the real programs, or as their manuals have them: see the README there. */
Test(accesslog, each_proxy_says_who_called_whom_and_how_long_it_took)
{
	static const char *const formats[] = { "nginx", "haproxy", "caddy", "traefik",
		"envoy", "istio", "combined" };

	for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
		buf_clear(&seen);
		read_samples(formats[i]);
		expect_file(formats[i]);
	}
	buf_done(&seen);
}

Test(accesslog, words_behind_a_combined_line_are_fields_by_their_number)
{
	static const char *const fields[] = { "latency=6", "upstream=5", NULL };
	static const char *const aliases[] = { "http://10.0.0.5:80=cart", NULL };
	struct accesslog *a = accesslog_new(
		&(struct accesslog_options){ "combined", "traefik", fields, aliases },
		NULL);

	cr_assert_not_null(a);
	/* as Traefik writes it */
	accesslog_line(a,
		STR("10.1.2.3 - - [22/Nov/2026:23:24:40 +0000] \"GET /cart/7 HTTP/1.1\" "
		    "200 11 \"-\" \"curl\" 3 \"cart@docker\" \"http://10.0.0.5:80\" "
		    "12ms"),
		0, on_event, NULL);
	cr_expect_str_eq(buf_cstr(&seen),
		"traefik>cart http GET /cart/{id} 200 -1 @1795389880000\n"
		"user>traefik http GET /cart/{id} 200 12000 @1795389880000\n");
	buf_done(&seen);
	accesslog_free(a);
}

Test(accesslog, durations_may_be_numbers_or_words)
{
	static const struct {
		const char *text, *us;
	} rows[] = { { "12", "12000" }, { "\"12\"", "12000" },
		{ "\"7.518537ms\"", "7519" }, { "\"1m2.5s\"", "62500000" },
		{ "\"15\xc2\xb5s\"", "15" }, { "\"900ns\"", "1" }, { "-1", "-1" },
		{ "\"-\"", "-1" }, { "\"12 apples\"", "-1" }, { "1e300", "-1" },
		{ "\"ms\"", "-1" }, { "null", "-1" } };
	static const char *const fields[] = { "latency=t:ms", "status=s", NULL };
	struct accesslog *a = accesslog_new(
		&(struct accesslog_options){ "custom", "p", fields, NULL }, NULL);
	struct buf line = BUF_INIT, want = BUF_INIT;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&line);
		buf_clear(&want);
		buf_clear(&seen);
		buf_addf(&line, "{\"s\":200,\"t\":%s}", rows[i].text);
		buf_addf(&want, "user>p http  200 %s @99000\n", rows[i].us);
		accesslog_line(a, buf_str(&line), 99000000, on_event, NULL);
		cr_expect_str_eq(buf_cstr(&seen), buf_cstr(&want), "%s", rows[i].text);
	}
	buf_done(&line);
	buf_done(&want);
	buf_done(&seen);
	accesslog_free(a);
}

Test(accesslog, an_address_is_renamed_with_or_without_its_port)
{
	static const struct {
		const char *name, *to;
	} rows[] = { { "10.0.0.7:80", "exact" }, { "10.0.0.7:81", "host" },
		{ "10.0.0.7", "host" }, { "[::1]:90", "six" }, { "::1", "::1" },
		{ "10.0.0.77:80", "10.0.0.77:80" }, { "", "" } };
	struct rename r = { 0 };
	struct diag d;

	cr_assert_eq(rename_add(&r, "10.0.0.7=host", &d), STATUS_OK);
	cr_assert_eq(rename_add(&r, "10.0.0.7:80=exact", &d), STATUS_OK);
	cr_assert_eq(rename_add(&r, "[::1]=six", &d), STATUS_OK);
	cr_expect_eq(rename_add(&r, "x", &d), STATUS_ERR_USAGE);
	cr_expect_eq(rename_add(&r, "=x", &d), STATUS_ERR_USAGE);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect(str_eq(rename_apply(&r, str_of(rows[i].name)),
				  str_of(rows[i].to)),
			"%s", rows[i].name);
	cr_expect(str_eq(rename_kube(STR("reviews.default.svc.cluster.local:9080")),
		STR("reviews")));
	cr_expect(str_eq(rename_kube(STR("a.svcx.test")), STR("a.svcx.test")));
	rename_done(&r);
}

Test(accesslog, a_format_of_ones_own_is_a_few_fields)
{
	static const char *const fields[] = { "time=when", "latency=took:ms",
		"status=code", "path=req.path", "method=req.verb", "upstream=to", NULL };
	static const char *const aliases[] = { "10.0.0.7:80=billing", NULL };
	struct accesslog_options o = { .format = "custom",
		.service = "edge",
		.fields = fields,
		.aliases = aliases };
	struct accesslog *a = accesslog_new(&o, NULL);

	cr_assert_not_null(a);
	accesslog_line(a,
		STR("{\"when\":1795389880123,\"took\":12.5,\"code\":\"500\",\"req\":{"
		    "\"verb\":"
		    "\"PUT\",\"path\":\"/a/b\"},\"to\":\"10.0.0.7:80\"}"),
		0, on_event, NULL);
	cr_expect_str_eq(buf_cstr(&seen),
		"edge>billing http PUT /a/b 500! -1 @1795389880123\n"
		"user>edge http PUT /a/b 500! 12500 @1795389880123\n");
	buf_done(&seen);
	accesslog_free(a);
}

Test(accesslog, what_cannot_be_read_is_bad_and_nothing_else)
{
	static const char *const lines[] = { "", "plain text", "{", "{\"status\":", "[1]",
		"null", "{\"a\":}", "\x01\x02", "\xff\xfe{\xc3\x28", "[", "[[[[]]]]",
		"[22/Nov/2026:23:24:40 +0000]",
		"[22/Nov/2026:23:24:40 +0000] \"GET /cut HTT",
		"[2026-11-22T23:24:40Z] \"GET /cut HTTP/1.1\"",
		"[not a time] \"GET / HTTP/1.1\" 200 5" };
	static const char *const fields[] = { "status=status", NULL };

	for (unsigned f = 0; accesslog_format_names[f]; f++) {
		const struct accesslog_options o = {
			.format = accesslog_format_names[f],
			.fields = strcmp(accesslog_format_names[f], "custom") ? NULL
									      : fields,
		};
		struct accesslog *a = accesslog_new(&o, NULL);

		for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
			cr_expect_eq(
				accesslog_line(a, str_of(lines[i]), 0, on_event, NULL),
				ACCESSLOG_BAD, "%s: %s", o.format, lines[i]);
		accesslog_free(a);
	}
	cr_expect_eq(seen.n, 0);
}

Test(accesslog, what_is_whole_and_no_request_is_passed_over)
{
	struct accesslog *a =
		accesslog_new(&(struct accesslog_options){ .format = "nginx" }, NULL);

	cr_expect_eq(
		accesslog_line(a, STR("{\"x\":1}"), 0, on_event, NULL), ACCESSLOG_OTHER);
	cr_expect_eq(seen.n, 0);
	accesslog_free(a);
}

Test(accesslog, mistakes_in_the_set_up_name_the_right_word)
{
	static const char *const wrong[] = { "latencie=x", NULL };
	struct diag d;

	cr_expect_null(
		accesslog_new(&(struct accesslog_options){ .format = "ngnix" }, &d));
	cr_expect_str_eq(d.text, "no log format 'ngnix' (nginx?)");
	cr_expect_null(accesslog_new(
		&(struct accesslog_options){ .format = "nginx", .fields = wrong }, &d));
	cr_expect_str_eq(d.text, "no log field 'latencie' (latency?)");
	cr_expect_null(
		accesslog_new(&(struct accesslog_options){ .format = "custom" }, &d));
}
