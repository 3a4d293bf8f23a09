#include "config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/follow.h"

static char dir[64];
static char path[96], aside[96];
static struct buf seen;
static uint64_t lines;

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-follow-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(aside, sizeof(aside), "%s/log.1", dir);
	lines = 0;
}

static void
tear_down(void)
{
	unlink(path);
	unlink(aside);
	rmdir(dir);
	buf_done(&seen);
}

TestSuite(follow, .init = set_up, .fini = tear_down);

static void
on_line(void *ctx, struct str line)
{
	(void)ctx;
	lines++;
	buf_add_str(&seen, line);
	buf_addc(&seen, '|');
}

static void
append(const char *file, const char *text)
{
	FILE *f = fopen(file, "a");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static enum status
drain(struct follow *f, int64_t now)
{
	enum status s;

	while ((s = follow_step(f, now, 1 << 20, on_line, NULL)) == STATUS_OK)
		;
	return s;
}

static struct follow_counts
counts_of(const struct follow *f)
{
	struct follow_counts c;

	follow_counts(f, &c);
	return c;
}

Test(follow, a_line_waits_for_its_newline)
{
	struct follow *f;

	append(path, "one\r\ntw");
	f = follow_open(path, true, true, NULL);
	cr_expect_eq(drain(f, 0), STATUS_ERR_FULL);
	cr_expect_str_eq(buf_cstr(&seen), "one|");
	append(path, "o\nthree\n");
	drain(f, 1);
	cr_expect_str_eq(buf_cstr(&seen), "one|two|three|");
	follow_close(f);
}

Test(follow, only_what_is_new_is_read_unless_asked)
{
	struct follow *f;

	append(path, "old\n");
	f = follow_open(path, false, true, NULL);
	drain(f, 0);
	append(path, "new\n");
	drain(f, 1);
	cr_expect_str_eq(buf_cstr(&seen), "new|");
	follow_close(f);
}

Test(follow, a_rename_loses_nothing_even_from_a_writer_that_reopens_late)
{
	struct follow *f;

	append(path, "1\n");
	f = follow_open(path, true, true, NULL);
	drain(f, 0);
	rename(path, aside);
	append(aside, "2\n");
	append(path, "3\n");
	drain(f, 1);
	append(aside, "4\n");
	drain(f, 2);
	append(path, "5\n");
	append(aside, "last without newline");
	drain(f, FOLLOW_LINGER_US + 10);
	drain(f, FOLLOW_LINGER_US + 11);
	cr_expect_eq(counts_of(f).rotated, 1);
	cr_expect_eq(lines, 6, "%s", buf_cstr(&seen));
	cr_expect_not_null(strstr(buf_cstr(&seen), "last without newline|"));
	follow_close(f);
}

Test(follow, a_truncation_is_read_from_the_top_and_counted)
{
	struct follow *f;

	append(path, "a long first line\n");
	f = follow_open(path, true, true, NULL);
	drain(f, 0);
	cr_assert_eq(truncate(path, 0), 0);
	append(path, "b\n");
	drain(f, 1);
	cr_expect_str_eq(buf_cstr(&seen), "a long first line|b|");
	cr_expect_eq(counts_of(f).truncated, 1);
	follow_close(f);
}

Test(follow, what_the_copy_of_copytruncate_has_more_is_read_from_it)
{
	struct follow *f;

	append(path, "the first line is long enough\nhalf a ");
	f = follow_open(path, true, true, NULL);
	drain(f, 0);
	append(aside, "the first line is long enough\nhalf a line\nunseen\n");
	cr_assert_eq(truncate(path, 0), 0);
	append(path, "new\n");
	drain(f, 1);
	drain(f, FOLLOW_LINGER_US + 1);
	cr_expect_str_eq(
		buf_cstr(&seen), "the first line is long enough|new|half a line|unseen|");
	cr_expect_eq(counts_of(f).truncated, 1);
	follow_close(f);
}

Test(follow, another_file_beside_a_truncated_one_is_not_its_copy)
{
	struct follow *f;

	append(path, "the first line is long enough\n");
	f = follow_open(path, true, true, NULL);
	drain(f, 0);
	append(aside, "older lines, read long ago and longer than what is there\nx\n");
	cr_assert_eq(truncate(path, 0), 0);
	append(path, "new\n");
	drain(f, 1);
	drain(f, FOLLOW_LINGER_US + 1);
	cr_expect_str_eq(buf_cstr(&seen), "the first line is long enough|new|");
	follow_close(f);
}

Test(follow, a_file_that_comes_later_is_read_from_its_first_byte)
{
	struct follow *f = follow_open(path, false, true, NULL);

	cr_assert_not_null(f);
	cr_expect_eq(drain(f, 0), STATUS_ERR_FULL);
	append(path, "hello\n");
	drain(f, 1);
	cr_expect_str_eq(buf_cstr(&seen), "hello|");
	follow_close(f);
}

Test(follow, a_line_too_long_is_cut_and_the_next_one_is_whole)
{
	char *big = xmalloc(1 << 20);
	struct follow *f;

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	append(path, big);
	append(path, "\nnext\n");
	f = follow_open(path, true, false, NULL);
	cr_expect_eq(drain(f, 0), STATUS_ERR_TRUNCATED);
	cr_expect_eq(lines, 2);
	cr_expect_eq(counts_of(f).cut, 1);
	cr_expect_eq(seen.n, FOLLOW_MAX_LINE + 1 + 5);
	follow_close(f);
	free(big);
}

Test(follow, the_last_line_of_a_finished_file_needs_no_newline)
{
	struct follow *f;

	append(path, "a\nb");
	f = follow_open(path, true, false, NULL);
	cr_expect_eq(drain(f, 0), STATUS_ERR_TRUNCATED);
	cr_expect_str_eq(buf_cstr(&seen), "a|b|");
	follow_close(f);
}

Test(follow, what_cannot_be_read_is_refused_with_its_name)
{
	struct diag d;

	cr_expect_null(follow_open(path, true, false, &d));
	cr_expect_not_null(strstr(d.text, path));
	cr_expect_null(follow_open(dir, true, true, &d));
}

Test(follow, forty_rotations_lose_and_repeat_nothing)
{
	struct follow *f;
	uint64_t sum = 0, wrote = 0;
	char line[32];

	append(path, "");
	f = follow_open(path, true, true, NULL);
	for (int r = 0; r < 40; r++) {
		for (int i = 0; i < 50; i++) {
			snprintf(line, sizeof(line), "%llu\n",
				(unsigned long long)++wrote);
			append(path, line);
			if (i % 7 == 0)
				drain(f, r * FOLLOW_POLL_US);
		}
		rename(path, aside);
	}
	append(path, "");
	drain(f, INT64_C(1) << 40);
	drain(f, INT64_C(1) << 41);
	for (char *p = seen.p; p && *p; p = strchr(p, '|') + 1)
		sum += strtoull(p, NULL, 10);
	cr_expect_eq(lines, wrote);
	cr_expect_eq(sum, wrote * (wrote + 1) / 2);
	follow_close(f);
}
