#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/util.h"
#include "weir/input/args.h"
#include "weir/input/input.h"
#include "weir/wire/wire.h"

#define STEP (64u * 1024)       /* read at once */
#define STEPS 8                 /* reads in one turn of the loop */
#define MAX_LINE (1u << 20)     /* longer ones are passed over */
#define PAUSE_US (20 * MSEC_US) /* while the agent's queue is full */

struct input {
	struct input_env env;
	const char *path; /* as given, for messages */
	int fd;
	struct buf line;   /* the beginning of a line whose end has not come */
	bool passing_over; /* the rest of a line that is too long */
	struct wire_decoder *decoder;
	struct input_counts counts;
};

static struct input *
ndjson_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	static const struct args_option none[] = { { NULL, NULL } };
	int words = args_take(argc, argv, none, d);
	struct input *in;
	const char *path;
	int fd = STDIN_FILENO;

	if (words < 0)
		return NULL;
	if (words > 1) {
		diag_set(d, STATUS_ERR_USAGE, "ndjson reads one file, not '%s' as well",
			argv[2]);
		return NULL;
	}
	path = words == 1 && strcmp(argv[1], "-") != 0 ? argv[1] : "standard input";
	if (words == 1 && strcmp(argv[1], "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s", path,
			strerror(errno));
		return NULL;
	}
	in = xcalloc(1, sizeof(*in));
	in->env = *env;
	in->path = path;
	in->fd = fd;
	in->decoder = wire_decoder_new();
	return in;
}

static bool
congested(const struct input *in)
{
	return in->env.congested && in->env.congested(in->env.ctx);
}

static unsigned
ndjson_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	*ret_wait_us = congested(in) ? PAUSE_US : 60 * SEC_US;
	if (congested(in) || max == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = in->fd, .events = POLLIN };
	return 1;
}

static void
emit(void *ctx, const struct event *e)
{
	struct input *in = ctx;

	in->counts.flows++;
	in->env.emit(in->env.ctx, e);
}

static void
take_line(struct input *in, struct str line, int64_t wall_us)
{
	struct wire_counts counts = { 0 };

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0)
		return;
	in->counts.spans++;
	if (wire_decode(in->decoder, WIRE_JSON, line, wall_us, emit, in, &counts))
		in->counts.parse_errors++;
	in->counts.rejected += counts.bad;
}

/* Cut what was read into lines; the last piece waits for its end. */
static void
take_bytes(struct input *in, struct str s, int64_t wall_us)
{
	while (s.n > 0) {
		const char *nl = memchr(s.p, '\n', s.n);
		size_t n = nl ? (size_t)(nl - s.p) : s.n;

		if (in->line.n + n > MAX_LINE && !in->passing_over) {
			in->passing_over = true;
			in->counts.rejected++;
			buf_clear(&in->line);
		}
		if (!in->passing_over && (in->line.n > 0 || !nl))
			buf_add(&in->line, s.p, n);
		if (!nl)
			return;
		if (!in->passing_over)
			take_line(in,
				in->line.n > 0 ? buf_str(&in->line)
					       : (struct str){ s.p, n },
				wall_us);
		in->passing_over = false;
		buf_clear(&in->line);
		s.p += n + 1;
		s.n -= n + 1;
	}
}

/* True when a read() now would not wait. */
static bool
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * Standard input is shared with whoever started us, so it is not made non-blocking:
 * each read is asked for first.
 */
static enum status
ndjson_step(struct input *in, struct input_time t, struct diag *d)
{
	char bytes[STEP];

	for (unsigned i = 0; i < STEPS && !congested(in) && readable(in->fd); i++) {
		ssize_t n = read(in->fd, bytes, sizeof(bytes));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return STATUS_OK;
		if (n < 0)
			return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s': %s",
				in->path, strerror(errno));
		if (n == 0) {
			if (in->line.n > 0 && !in->passing_over)
				take_line(in, buf_str(&in->line), t.wall_us);
			buf_clear(&in->line);
			return STATUS_ERR_TRUNCATED;
		}
		in->counts.requests++;
		in->counts.bytes += (uint64_t)n;
		take_bytes(in, (struct str){ bytes, (size_t)n }, t.wall_us);
	}
	return STATUS_OK;
}

static void
ndjson_counts(const struct input *in, struct input_counts *ret_counts)
{
	*ret_counts = in->counts;
}

static const char *
ndjson_where(const struct input *in)
{
	return in->path;
}

static void
ndjson_close(struct input *in, struct input_time t)
{
	(void)t;
	if (in->fd != STDIN_FILENO)
		close(in->fd);
	wire_decoder_free(in->decoder);
	buf_done(&in->line);
	free(in);
}

const struct input_ops input_ndjson = {
	.id = "ndjson",
	.about = "flows as lines of JSON, from a file or standard input",
	.options = "  FILE               read this (default or '-': standard input)\n",
	.ends = true,
	.open = ndjson_open,
	.fds = ndjson_fds,
	.step = ndjson_step,
	.counts = ndjson_counts,
	.where = ndjson_where,
	.close = ndjson_close,
};
