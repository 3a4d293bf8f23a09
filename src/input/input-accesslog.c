#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"
#include "weir/input/accesslog.h"
#include "weir/input/args.h"
#include "weir/input/follow.h"
#include "weir/input/input.h"

#define MAX_FILES 64
#define MAX_WORDS 64            /* of --field and of --alias */
#define STEP (256u * 1024)      /* of one file in one turn of the loop */
#define PAUSE_US (20 * MSEC_US) /* while the agent's queue is full */

struct input {
	struct input_env env;
	struct accesslog *log;
	struct follow *file[MAX_FILES];
	bool ended[MAX_FILES];
	unsigned files, open;
	bool more; /* a file had more than one turn's worth */
	int64_t now_us;
	char where[128];
	struct input_counts counts;
};

static void
accesslog_close(struct input *in, struct input_time t)
{
	(void)t;
	for (unsigned i = 0; i < in->files; i++)
		follow_close(in->file[i]);
	accesslog_free(in->log);
	free(in);
}

static struct input *
accesslog_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	const char *format = NULL, *service = NULL;
	const char *fields[MAX_WORDS + 1] = { NULL }, *aliases[MAX_WORDS + 1] = { NULL };
	bool from_start = false, once = false;
	const struct args_option options[] = {
		{ .name = "--format", .value = &format },
		{ .name = "--service", .value = &service },
		{ .name = "--field", .value = fields, .max = MAX_WORDS },
		{ .name = "--alias", .value = aliases, .max = MAX_WORDS },
		{ .name = "--from-start", .flag = &from_start },
		{ .name = "--once", .flag = &once },
		{ .name = NULL },
	};
	int words = args_take(argc, argv, options, d);
	struct input *in;

	if (words < 0)
		return NULL;
	once |= env->once;
	if (!format || words == 0 || words > MAX_FILES) {
		diag_set(d, STATUS_ERR_USAGE,
			"accesslog needs --format NAME and 1 to %d files", MAX_FILES);
		return NULL;
	}
	in = xcalloc(1, sizeof(*in));
	in->env = *env;
	in->log = accesslog_new(
		&(struct accesslog_options){ format, service, fields, aliases }, d);
	if (!in->log)
		d->status =
			STATUS_ERR_USAGE; /* whatever the word was that it did not know */
	for (int i = 1; in->log && i <= words; i++) {
		struct follow *f = follow_open(argv[i], from_start || once, !once, d);

		if (!f)
			break;
		in->file[in->files++] = f;
	}
	in->open = in->files;
	if (in->files < (unsigned)words) {
		accesslog_close(in, (struct input_time){ 0 });
		return NULL;
	}
	snprintf(in->where, sizeof(in->where), "%s%s", argv[1], words > 1 ? " …" : "");
	return in;
}

static bool
congested(const struct input *in)
{
	return in->env.congested && in->env.congested(in->env.ctx);
}

static unsigned
accesslog_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	unsigned n = 0;

	*ret_wait_us = congested(in) ? PAUSE_US : in->more ? 0 : FOLLOW_POLL_US;
	for (unsigned i = 0; i < in->files && n < max && !congested(in); i++)
		if (!in->ended[i] && follow_fd(in->file[i]) >= 0)
			fds[n++] = (struct pollfd){ .fd = follow_fd(in->file[i]),
				.events = POLLIN };
	return n;
}

static void
emit(void *ctx, const struct event *e)
{
	struct input *in = ctx;

	in->counts.flows++;
	in->env.emit(in->env.ctx, e);
}

static void
take_line(void *ctx, struct str line)
{
	struct input *in = ctx;

	if (line.n == 0)
		return;
	in->counts.spans++;
	switch (accesslog_line(in->log, line, in->now_us, emit, in)) {
	case ACCESSLOG_BAD:
		in->counts.parse_errors++;
		in->counts.rejected++;
		break;
	case ACCESSLOG_OTHER:
		in->counts.passed++;
		break;
	case ACCESSLOG_FLOWS:
		break;
	}
}

/* True when a read() now would not wait; files always are, pipes are asked. */
static bool
readable(const struct follow *f)
{
	struct pollfd p = { .fd = follow_fd(f), .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) > 0;
}

static enum status
accesslog_step(struct input *in, struct input_time t, struct diag *d)
{
	in->now_us = t.wall_us;
	in->more = false;
	for (unsigned i = 0; i < in->files && !congested(in); i++) {
		if (in->ended[i] || !readable(in->file[i]))
			continue;
		switch (follow_step(in->file[i], t.mono_us, STEP, take_line, in)) {
		case STATUS_OK:
			in->more = true;
			break;
		case STATUS_ERR_TRUNCATED:
			in->ended[i] = true;
			in->open--;
			break;
		case STATUS_ERR_SYSTEM:
			return diag_set(d, STATUS_ERR_SYSTEM, "cannot read '%s'",
				follow_path(in->file[i]));
		default:
			break;
		}
	}
	return in->open > 0 ? STATUS_OK : STATUS_ERR_TRUNCATED;
}

static void
accesslog_counts(const struct input *in, struct input_counts *ret_counts)
{
	struct follow_counts f;

	*ret_counts = in->counts;
	for (unsigned i = 0; i < in->files; i++) {
		follow_counts(in->file[i], &f);
		ret_counts->bytes += f.bytes;
		ret_counts->requests += f.lines;
		ret_counts->rejected += f.cut;
	}
}

static const char *
accesslog_where(const struct input *in)
{
	return in->where;
}

const struct input_ops input_accesslog = {
	.id = "accesslog",
	.about = "access logs of proxies, followed through rotation",
	.options = "  --format NAME      nginx, haproxy, caddy, traefik, envoy, istio, "
		   "combined,\n"
		   "                     common or custom\n"
		   "  --service NAME     what this proxy is called (default: the "
		   "format's name)\n"
		   "  --field KEY=PATH[:UNIT]  where a field stands in the line; "
		   "repeatable\n"
		   "  --alias FROM=TO    another name for an upstream; repeatable\n"
		   "  --from-start       begin with what is in the files already\n"
		   "  --once             read the files to their end, then stop\n"
		   "  FILE...            up to 64; '-' is standard input\n",
	.ends = true,
	.open = accesslog_open,
	.fds = accesslog_fds,
	.step = accesslog_step,
	.counts = accesslog_counts,
	.where = accesslog_where,
	.close = accesslog_close,
};
