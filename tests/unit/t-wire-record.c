#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/wire/record.h"
#include "weir/wire/wire.h"

static char dir[64], path[96];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-t-record-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/rec", dir);
}

static void
remove_dir(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(record, .init = make_dir, .fini = remove_dir);

static struct buf
frame_number(unsigned i)
{
	struct buf b = BUF_INIT;

	for (unsigned k = 0; k <= i * 7 % 50; k++)
		buf_addf(&b, "{frame %u}", i);
	return b;
}

static void
write_frames(unsigned n)
{
	struct diag d = { .text = "" };
	struct record_writer *w = record_create(path, 0, &d);

	cr_assert_not_null(w, "%s", d.text);
	for (unsigned i = 0; i < n; i++) {
		struct buf frame = frame_number(i);

		cr_assert_eq(record_append(w, buf_str(&frame), 1000 + i), STATUS_OK);
		buf_done(&frame);
	}
	cr_assert_eq(record_close(w, &d), STATUS_OK);
}

/* Reads on as long as the frames are the expected ones; how many those were. */
static unsigned
read_frames(struct record_reader *r, enum status *ret_end)
{
	struct str frame;
	int64_t wall;
	unsigned n = 0;

	while ((*ret_end = record_next(r, &frame, &wall)) == STATUS_OK) {
		struct buf expected = frame_number(n);

		cr_assert(str_eq(frame, buf_str(&expected)), "frame %u", n);
		cr_assert_eq(wall, 1000 + n);
		buf_done(&expected);
		n++;
	}
	/* Once it has ended, it stays so. */
	cr_assert_eq(record_next(r, &frame, &wall), *ret_end);
	return n;
}

static struct buf
read_file(void)
{
	struct buf b = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;

	while ((n = fread(buf_reserve(&b, 65536), 1, 65536, f)) > 0)
		b.n += n;
	fclose(f);
	return b;
}

static void
write_file(const char *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	cr_assert_eq(fwrite(p, 1, n, f), n);
	fclose(f);
}

Test(record, what_is_written_is_read)
{
	struct diag d = { .text = "" };
	struct record_reader *r;
	enum status end;
	struct stat st;

	write_frames(200);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	r = record_open(path, &d);
	cr_assert_not_null(r, "%s", d.text);
	cr_expect_eq(read_frames(r, &end), 200);
	cr_expect_eq(end, STATUS_ERR_TRUNCATED);
	cr_expect_eq(record_torn(r), 0);
	cr_expect_eq(record_offset(r), (uint64_t)st.st_size);
	record_reader_free(r);
}

Test(record, cut_at_any_byte_it_is_read_up_to_the_last_whole_entry)
{
	struct buf all;
	unsigned before = 0;

	write_frames(25);
	all = read_file();
	for (size_t n = 0; n <= all.n; n++) {
		struct diag d = { .text = "" };
		struct record_reader *r;
		unsigned frames;
		enum status end;

		write_file(all.p, n);
		r = record_open(path, &d);
		cr_assert_not_null(r, "%zu bytes: %s", n, d.text);
		frames = read_frames(r, &end);
		cr_assert_eq(end, STATUS_ERR_TRUNCATED);
		cr_assert(frames == before || frames == before + 1, "%zu bytes", n);
		cr_assert_eq(record_offset(r) + record_torn(r), n);
		if (frames > before)
			cr_assert_eq(record_torn(r), 0);
		before = frames;
		record_reader_free(r);
	}
	cr_expect_eq(before, 25);
	buf_done(&all);
}

Test(record, every_flipped_bit_is_found)
{
	struct buf all;

	write_frames(3);
	all = read_file();
	for (size_t bit = 17 * 8; bit < all.n * 8; bit++) {
		struct diag d = { .text = "" };
		struct record_reader *r;
		enum status end;

		all.p[bit / 8] ^= (char)(1u << bit % 8);
		write_file(all.p, all.n);
		r = record_open(path, &d);
		cr_assert_lt(read_frames(r, &end), 3, "bit %zu", bit);
		cr_assert_eq(record_offset(r) + record_torn(r), all.n);
		cr_assert_gt(record_torn(r), 0);
		record_reader_free(r);
		all.p[bit / 8] ^= (char)(1u << bit % 8);
	}
	buf_done(&all);
}

Test(record, a_pipe_is_as_good_as_a_file)
{
	struct diag d = { .text = "" };
	struct record_reader *r;
	enum status end;
	struct buf all;
	int fds[2];

	write_frames(100);
	all = read_file();
	cr_assert_eq(pipe(fds), 0);
	if (fork() == 0) {
		/* In pieces, so that entries come torn. */
		for (size_t i = 0; i < all.n; i += 13)
			if (write(fds[1], all.p + i, MIN((size_t)13, all.n - i)) < 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	r = record_open("-", &d);
	cr_assert_not_null(r, "%s", d.text);
	cr_expect_eq(read_frames(r, &end), 100);
	cr_expect_eq(record_torn(r), 0);
	record_reader_free(r);
	while (wait(NULL) < 0 && errno == EINTR)
		;
	buf_done(&all);
}

Test(record, nothing_that_exists_is_overwritten)
{
	struct diag d = { .text = "" };

	write_file("thesis", 6);
	cr_expect_null(record_create(path, 0, &d));
	cr_expect_not_null(strstr(d.text, "exists"), "%s", d.text);
	unlink(path);
	cr_assert_eq(symlink("/dev/null", path), 0);
	cr_expect_null(record_create(path, 0, &d));
}

Test(record, what_is_no_recording_is_said_to_be_none)
{
	struct diag d = { .text = "" };

	write_file("{\"src\":\"a\",\"dst\":\"b\"}\n", 22);
	cr_expect_null(record_open(path, &d));
	cr_expect_not_null(strstr(d.text, "no recording"), "%s", d.text);
	write_file("weir-recording 2\n", 17);
	cr_expect_null(record_open(path, &d));
	unlink(path);
	cr_expect_null(record_open(path, &d));
	cr_expect_not_null(strstr(d.text, "No such file"), "%s", d.text);
}

Test(record, the_size_asked_for_is_kept)
{
	struct diag d = { .text = "" };
	struct record_writer *w = record_create(path, 1000, &d);
	unsigned n = 0;
	struct stat st;

	while (record_append(w, STR("0123456789"), 0) == STATUS_OK)
		n++;
	cr_expect_eq(n, (1000 - 17) / 26);
	cr_expect_eq(record_append(w, STR("0123456789"), 0), STATUS_ERR_FULL);
	cr_expect_eq(record_bytes(w), 17 + 26 * n);
	cr_expect_eq(record_close(w, &d), STATUS_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_size, 17 + 26 * n);
}

Test(record, a_full_disk_leaves_whole_entries)
{
	struct rlimit limit = { 1000, 1000 };
	struct diag d = { .text = "" };
	struct record_writer *w;
	struct record_reader *r;
	unsigned n = 0;
	enum status end;
	struct stat st;

	/* A limit on file sizes behaves as a full disk: first a short write, then an error. */
	sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	w = record_create(path, 0, &d);
	for (;; n++) {
		struct buf frame = frame_number(n);
		enum status status = record_append(w, buf_str(&frame), 1000 + n);

		buf_done(&frame);
		if (status != STATUS_OK) {
			cr_expect_eq(status, STATUS_ERR_FULL);
			break;
		}
	}
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq((uint64_t)st.st_size, record_bytes(w));
	/* It does not go on behind the hole. */
	cr_expect_eq(record_append(w, STR("x"), 0), STATUS_ERR_FULL);
	cr_expect_eq(record_close(w, &d), STATUS_ERR_FULL);
	r = record_open(path, &d);
	cr_expect_eq(read_frames(r, &end), n);
	cr_expect_eq(record_torn(r), 0);
	record_reader_free(r);
}

Test(record, absurd_lengths_are_refused_without_room_being_made)
{
	struct diag d = { .text = "" };
	struct buf all;
	struct record_reader *r;
	struct str frame;
	int64_t wall;

	write_frames(1);
	all = read_file();
	memset(all.p + 17, 0xff, 4);
	write_file(all.p, all.n);
	r = record_open(path, &d);
	cr_expect_eq(record_next(r, &frame, &wall), STATUS_ERR_SYNTAX);
	cr_expect_eq(record_torn(r), all.n - 17);
	record_reader_free(r);
	buf_done(&all);
}
