/*
 * weir-agent: one input, one queue of events, one publisher, one poll loop.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent-args.h"
#include "agent-check.h"
#include "agent-state.h"
#include "notify.h"
#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/cmd/clock.h"
#include "weir/wire/outbox.h"

#define EXIT_WORLD 1
#define EXIT_MISUSE 2
#define STATS_US (10 * SEC_US)
#define COUNTS_US SEC_US
#define PATIENCE_US (3 * SEC_US) /* before saying that nobody listens */
#define MAX_FDS 64

/*
 * What is sent is paced, because a publisher never hears that it is too fast: libzmq
 * drops what a subscriber does not take. An input asks before it takes more. What was
 * not sent in a second may be sent in the next one.
 */
#define RATE_PER_S 200000     /* events, one by one as text */
#define BATCHED_PER_S 1000000 /* the same as columns, or added up */

struct agent {
	const struct input_ops *ops;
	struct input *in;
	struct outbox *out;
	struct bus_pub *pub;
	struct agent_check *check; /* instead of the two above */
	struct outbox_time now;
	int64_t rate;   /* events a second */
	int64_t tokens; /* events that may be sent at once */
	int64_t filled_us, started_us, counted_us, told_us;
	int64_t watchdog_us,
		patted_us; /* how often the watchdog wants to hear, last time */
	bool waits; /* the input can wait for a subscriber and would lose events if not */
	bool has_peer; /* a subscriber has come */
	bool said_alone;
	uint64_t frames, frame_bytes; /* handed to subscribers */
	uint64_t unsent;              /* frames that could not be */
	char trouble[400];            /* last said, "" none */
};

static volatile sig_atomic_t got_signal, wants_stats;
static int wake[2] = { -1, -1 };

static void
on_signal(int sig)
{
	int saved = errno;
	ssize_t ignored;

	if (sig == SIGUSR1)
		wants_stats = 1;
	else
		got_signal = sig;
	ignored = write(wake[1], "", 1);
	(void)ignored;
	errno = saved;
}

static bool
catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (pipe(wake) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		fcntl(wake[i], F_SETFL, O_NONBLOCK);
		fcntl(wake[i], F_SETFD, FD_CLOEXEC);
	}
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		/* What was ignored when we started (nohup) stays so. */
		sigaction(signals[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
	/* Whoever reads our words or our events may go at any time. */
	sigaction(SIGPIPE, &ignore, NULL);
	return true;
}

/* One line to stderr. Whatever is in it came through argv or the system: cleaned. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	struct buf raw = BUF_INIT, clean = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_clean(&clean, buf_str(&raw), 1024);
	fprintf(stderr, "weir-agent: %s\n", buf_cstr(&clean));
	buf_done(&raw);
	buf_done(&clean);
}

static void
say_diag(const struct diag *d)
{
	if (d->file[0])
		say("%s:%d: %s", d->file, d->line, d->text);
	else
		say("%s", d->text);
}

/* A mistake in an input's options may stand in the configuration. */
static void
place_mistake(const struct agent_args *args, struct diag *d)
{
	const char *first = d->text + strlen(d->text), *found;
	char quoted[64];

	for (unsigned i = 0; i < args->config.n; i++) {
		const struct agent_setting *at = &args->config.v[i];

		if (strcmp(at->section, args->input->id) != 0)
			continue;
		snprintf(quoted, sizeof(quoted), "'--%s'", at->name);
		found = strstr(d->text, quoted);
		if (found && found < first) {
			first = found;
			snprintf(d->file, sizeof(d->file), "%s", at->file);
			d->line = at->line;
		}
	}
}

static void
look_at_clock(struct agent *a)
{
	a->now.mono_us = clock_mono_us();
	a->now.wall_us = clock_wall_us();
}

/* ------------------------------------------------------------ what the input calls */

static void
emit(void *ctx, const struct event *e)
{
	struct agent *a = ctx;

	if (a->check)
		agent_check_add(a->check, e);
	/* An input closed because nothing else could be opened has nowhere to send. */
	if (!a->out)
		return;
	a->tokens--;
	outbox_add(a->out, e, a->now);
}

static bool
congested(void *ctx)
{
	const struct agent *a = ctx;

	return !a->check && (a->tokens < a->rate / 10 || (a->waits && !a->has_peer));
}

/* An input asks who sends most to wait, before all have to. */
static bool
pressed(void *ctx)
{
	const struct agent *a = ctx;

	return !a->check && a->tokens < a->rate / 2;
}

static bool
send_frame(void *ctx, struct str frame)
{
	struct agent *a = ctx;
	bool sent = bus_pub_send(a->pub, frame);

	a->frames += sent;
	a->frame_bytes += sent ? frame.n : 0;
	a->unsent += !sent;
	return sent;
}

/* ------------------------------------------------------------ counters */

static void
report_counts(struct agent *a)
{
	struct input_counts n;
	struct wire_beat b;

	a->counted_us = a->now.mono_us;
	if (!a->out)
		return;
	a->ops->counts(a->in, &n);
	b = (struct wire_beat){
		.rejected = n.rejected + n.overflow,
		.parse_errors = n.parse_errors,
		.unpaired = n.unpaired,
		.duplicate = n.duplicate,
		.waiting = n.waiting,
		.busy = n.busy,
	};
	outbox_set_counts(a->out, &b);
}

/* What came in, what became of it, and what went out. */
static void
print_stats(const struct agent *a)
{
	struct input_counts n;

	a->ops->counts(a->in, &n);
	say("requests %" PRIu64 ", bytes %" PRIu64 ", records %" PRIu64
	    ", events %" PRIu64 ", passed over %" PRIu64 ", rejected %" PRIu64
	    ", unreadable %" PRIu64 ", duplicate %" PRIu64 ", unpaired %" PRIu64
	    ", waiting %" PRIu64 ", overflow %" PRIu64 ", put off %" PRIu64
	    ", over quota %" PRIu64 ", clients %" PRIu64 ", cut off %" PRIu64
	    ", published %" PRIu64 ", published bytes %" PRIu64 ", unsent %" PRIu64,
		n.requests, n.bytes, n.spans, n.flows, n.passed, n.rejected,
		n.parse_errors, n.duplicate, n.unpaired, n.waiting, n.overflow, n.busy,
		n.over, n.clients, n.evicted, a->frames, a->frame_bytes, a->unsent);
}

/* Say what the input has to complain of, once; and when that is over. */
static void
report_trouble(struct agent *a)
{
	const char *now = a->ops->trouble ? a->ops->trouble(a->in) : "";

	if (strncmp(now, a->trouble, sizeof(a->trouble) - 1) == 0)
		return;
	snprintf(a->trouble, sizeof(a->trouble), "%s", now);
	say("%s: %s", a->ops->id, *now ? a->trouble : "all is well again");
}

/* ------------------------------------------------------------ the loop */

static void
refill(struct agent *a)
{
	int64_t passed_us = a->now.mono_us - a->filled_us;
	int64_t more = MIN(passed_us, SEC_US) * a->rate / SEC_US;

	if (more > 0) {
		a->tokens = MIN(a->tokens + more, a->rate);
		a->filled_us = a->now.mono_us;
	}
}

static void
look_for_peers(struct agent *a, const char *url)
{
	if (a->check)
		return;
	a->has_peer |= bus_pub_new_peer(a->pub);
	if (a->has_peer || a->said_alone || a->now.mono_us - a->started_us < PATIENCE_US)
		return;
	a->said_alone = true;
	say("nobody takes events at %s yet; %s", url,
		a->waits ? "waiting" : "what comes in meanwhile is not kept");
}

/* Wait until something is ready or due. */
static void
wait_for_work(struct agent *a)
{
	struct pollfd fds[MAX_FDS];
	int64_t wait_us, due_us = a->out ? outbox_wait(a->out, a->now) : COUNTS_US;
	unsigned n = a->ops->fds(a->in, fds, MAX_FDS - 1, &wait_us);

	fds[n++] = (struct pollfd){ .fd = wake[0], .events = POLLIN };
	wait_us = CLAMP(MIN(wait_us, due_us), 0, COUNTS_US);
	if (!a->has_peer && !a->check)
		wait_us = MIN(wait_us, 20 * MSEC_US);
	poll(fds, n, (int)((wait_us + MSEC_US - 1) / MSEC_US));
	if (fds[n - 1].revents) {
		char bytes[64];

		while (read(wake[0], bytes, sizeof(bytes)) > 0)
			;
	}
}

/* Until a signal, the end of the input, or a failure. Returns the exit status. */
static int
run(struct agent *a, const struct agent_args *args, const char *url)
{
	struct diag d = { 0 };
	enum status s = STATUS_OK;

	while (!got_signal && !s) {
		wait_for_work(a);
		look_at_clock(a);
		refill(a);
		look_for_peers(a, url);
		s = a->ops->step(
			a->in, (struct input_time){ a->now.mono_us, a->now.wall_us }, &d);
		if (a->now.mono_us - a->counted_us >= COUNTS_US)
			report_counts(a);
		report_trouble(a);
		if (a->watchdog_us && a->now.mono_us - a->patted_us >= a->watchdog_us) {
			a->patted_us = a->now.mono_us;
			notify("WATCHDOG=1");
		}
		if (a->out)
			outbox_tick(a->out, a->now);
		if (a->check && !agent_check_flush(a->check))
			break;
		if (wants_stats ||
			(args->stats && a->now.mono_us - a->told_us >= STATS_US)) {
			wants_stats = 0;
			a->told_us = a->now.mono_us;
			print_stats(a);
		}
	}
	if (s && s != STATUS_ERR_TRUNCATED) {
		say("%s", d.text);
		return EXIT_WORLD;
	}
	return got_signal ? 128 + got_signal : 0;
}

/* ------------------------------------------------------------ start and end */

static bool
open_outbox(struct agent *a, const struct agent_args *args, struct diag *d)
{
	struct diag lost = { 0 };
	char path[512];
	struct outbox_options o = {
		.group = args->group,
		.encoding = args->encoding,
		.aggregate = args->aggregate,
		.flush_us = args->flush_us,
		.program = "weir-agent",
		.input = a->ops->id,
		.send = send_frame,
		.ctx = a,
	};

	if (args->state && strcmp(args->state, "none") != 0) {
		o.state_path = args->state;
	} else if (!args->state && !a->waits) {
		if (agent_state_path(a->ops->id, a->ops->where(a->in), path, sizeof(path),
			    &lost) == STATUS_OK)
			o.state_path = path;
		else
			say("%s; losses around a restart cannot be told", lost.text);
	}
	a->out = outbox_new(&o, d);
	return a->out != NULL;
}

/* Open all of it; false with @d. */
static bool
start(struct agent *a, const struct agent_args *args, struct bus_pub_options *po,
	struct diag *d)
{
	struct input_env env = { emit, a, congested, pressed, .once = args->check };

	bus_raise_limits();
	look_at_clock(a);
	a->started_us = a->filled_us = a->counted_us = a->told_us = a->now.mono_us;
	a->rate = args->encoding == WIRE_JSON ? RATE_PER_S : BATCHED_PER_S;
	a->tokens = a->rate;
	a->waits = a->ops->ends;
	a->in = a->ops->open(args->input_argc, args->input_argv, &env, d);
	if (!a->in)
		return false;
	if (args->check) {
		a->check = agent_check_new();
		return true;
	}
	a->pub = bus_pub_open(po, d);
	return a->pub && open_outbox(a, args, d);
}

static int
serve(struct agent *a, const struct agent_args *args)
{
	struct bus_pub_options po = { .to = args->to,
		.bind = args->bind,
		.linger_ms = -1,
		.allow_network = args->allow_network };
	struct diag d = { 0 };
	char url[512];

	a->ops = args->input;
	if (!po.to && !po.bind && !args->check) {
		if (bus_default_url(url, sizeof(url), &d)) {
			say("%s", d.text);
			return EXIT_WORLD;
		}
		po.to = url;
	}
	if (!start(a, args, &po, &d)) {
		place_mistake(args, &d);
		say_diag(&d);
		return d.status == STATUS_ERR_USAGE ? EXIT_MISUSE : EXIT_WORLD;
	}
	if (a->check)
		say("%s from %s, to look at", a->ops->id, a->ops->where(a->in));
	else
		say("%s from %s %s %s", a->ops->id, a->ops->where(a->in),
			po.bind ? "for who connects to" : "to",
			po.bind ? bus_pub_endpoint(a->pub) : po.to);
	a->watchdog_us = notify_watchdog_us();
	notify("READY=1");
	return run(a, args, po.bind ? po.bind : po.to);
}

/* Hand on what is left, say goodbye, and give it time to arrive. */
static void
stop(struct agent *a, bool stats)
{
	struct input_counts n = { 0 };

	notify("STOPPING=1");
	if (a->in && a->out) {
		look_at_clock(a);
		report_counts(a);
	}
	if (stats && a->in)
		print_stats(a);
	if (a->in)
		a->ops->counts(a->in, &n);
	if (a->in)
		a->ops->close(
			a->in, (struct input_time){ a->now.mono_us, a->now.wall_us });
	if (a->out)
		outbox_bye(a->out, a->now);
	outbox_free(a->out);
	if (a->pub)
		bus_pub_close(a->pub);
	if (a->check)
		agent_check_end(a->check, &n);
}

int
main(int argc, char **argv)
{
	struct agent_args args;
	struct agent a = { 0 };
	struct diag d = { 0 };
	int code = 0;

	if (agent_args_parse(&args, argc, argv, &d)) {
		say_diag(&d);
		code = d.status == STATUS_ERR_SYSTEM ? EXIT_WORLD : EXIT_MISUSE;
	} else if (args.help) {
		agent_args_help();
	} else if (args.version) {
		puts("weir-agent " PACKAGE_VERSION);
	} else if (!catch_signals()) {
		say("cannot make a pipe: %s", strerror(errno));
		code = EXIT_WORLD;
	} else {
		code = serve(&a, &args);
		stop(&a, args.stats);
	}
	agent_args_done(&args);
	return code;
}
