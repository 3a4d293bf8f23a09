/*
 * Events per second from a socket to the model, beside what bounds them: the same
 * receive loop doing nothing, and cJSON parsing the same text and nothing else.
 *
 * A child publishes frames it has written before, as fast as they are taken (NODROP,
 * so that none is lost and every loop does the same work); the ring has room for all
 * of them. Loops of one form are interleaved and the median is shown: neighbours on
 * the machine come and go, ratios within a run stay. "cpu" is of the thread that
 * calls; the drain and libzmq's own threads work beside it.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/core/model.h"
#include "weir/wire/inbox.h"
#include "weir/wire/outbox.h"

#define EVENTS 100000u
#define EDGES 1000u
#define RING_BYTES ((size_t)128 << 20)
#define MAX_ROUNDS 31

static void
fail(const char *what)
{
	fprintf(stderr, "bench-wire: %s\n", what);
	exit(1);
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------ what is sent */

static int64_t begin_us; /* near now, so that the model takes the events */

static void
make_event(struct event *e, unsigned i)
{
	static char src[32], dst[32], op[32];
	struct flow *f = &e->u.flow;
	unsigned edge = i * 2654435761u % EDGES;

	e->type = EVENT_FLOW;
	flow_init(f);
	f->src =
		(struct str){ src, (size_t)snprintf(src, 32, "service-%02u", edge / 32) };
	f->dst = (struct str){ dst, (size_t)snprintf(dst, 32, "backend-%03u", edge) };
	f->op = (struct str){ op,
		(size_t)snprintf(op, 32, "POST /v1/item/%u", edge % 5) };
	f->kind = KIND_HTTP;
	f->origin = ORIGIN_OTLP;
	f->end_us = begin_us + i;
	f->client_us = 1000 + i % 5000;
	f->server_us = 900 + i % 4000;
	f->bytes_in = 612;
	f->bytes_out = 2048;
	f->failed = i % 97 == 0;
	memset(f->ids.trace, (int)(i & 0xff), sizeof(f->ids.trace));
	memset(f->ids.span, (int)(i >> 8 & 0xff), sizeof(f->ids.span));
}

struct frames {
	struct buf bytes;
	size_t *end; /* of each frame in bytes */
	unsigned count;
};

static bool
keep(void *ctx, struct str frame)
{
	struct frames *f = ctx;

	buf_add_str(&f->bytes, frame);
	f->end[f->count++] = f->bytes.n;
	return true;
}

enum form {
	BARE,   /* a JSON object a message, as a script sends it */
	SINGLE, /* a numbered frame an event */
	LINES,  /* numbered frames of 32 KiB of JSON */
	BATCH, /* the same in the encoding `batch`, as weir-agent sends them under load */
	FORM_COUNT
};
static const char *const form_names[] = { "bare JSON, one a message",
	"frames of one event", "frames of 32 KiB of JSON",
	"frames of 32 KiB in batches" };

static void
make_frames(enum form form, struct frames *f)
{
	struct outbox_options o = { .encoding = form == BATCH ? WIRE_BATCH : WIRE_JSON,
		.aggregate = OUTBOX_NEVER,
		.send = keep,
		.ctx = f,
		.flush_us = 1 };
	struct outbox *box = outbox_new(&o, NULL);
	struct outbox_time t = { .wall_us = begin_us };
	struct buf json = BUF_INIT;
	struct event e;

	f->end = xcalloc(EVENTS + 100, sizeof(*f->end));
	for (unsigned i = 0; i < EVENTS; i++) {
		make_event(&e, i);
		if (form == BARE) {
			buf_clear(&json);
			wire_put_json(&json, &e);
			keep(f, buf_str(&json));
			continue;
		}
		outbox_add(box, &e, t);
		if (form == SINGLE) {
			t.mono_us++;
			outbox_tick(box, t);
		}
	}
	t.mono_us += 10;
	if (form != BARE)
		outbox_tick(box, t);
	buf_done(&json);
	outbox_free(box);
}

/* In a process of its own: when @go gives a byte, send everything once. */
static void
publish(const char *url, const struct frames *f, int go)
{
	void *context = zmq_ctx_new(), *pub = zmq_socket(context, ZMQ_XPUB);
	int one = 1;
	char byte;

	zmq_setsockopt(pub, ZMQ_XPUB_NODROP, &one, sizeof(one));
	if (zmq_connect(pub, url) != 0)
		_exit(1);
	for (int subscriptions = 0; subscriptions < 3; subscriptions++)
		zmq_recv(pub, &byte, 1, 0);
	while (read(go, &byte, 1) == 1) {
		size_t at = 0;

		for (unsigned i = 0; i < f->count; at = f->end[i++])
			zmq_send(pub, f->bytes.p + at, f->end[i] - at, 0);
	}
	zmq_close(pub);
	zmq_ctx_term(context);
	_exit(0);
}

/* ------------------------------------------------------------ what is done with it */

enum loop {
	NOTHING,
	CJSON,
	INBOX,
	MODEL,
	LOOP_COUNT
};
static const char *const loop_names[] = { "receive, nothing else", "receive, cJSON",
	"receive, inbox, count", "receive, inbox, model" };

struct sink {
	uint64_t events;
	struct model *model; /* or NULL */
};

static void
take(void *ctx, const struct event *e)
{
	struct sink *sink = ctx;

	sink->events++;
	if (sink->model)
		model_add(sink->model, e, begin_us + EVENTS);
}

static void
parse_lines(struct str payload)
{
	while (payload.n > 0) {
		const char *end = memchr(payload.p, '\n', payload.n);
		size_t n = end ? (size_t)(end - payload.p) : payload.n;
		cJSON *tree = cJSON_ParseWithLength(payload.p, n);

		if (!tree)
			fail("cJSON does not like it");
		cJSON_Delete(tree);
		n += end != NULL;
		payload.p += n;
		payload.n -= n;
	}
}

static void
use(enum loop loop, struct inbox *in, struct str frame)
{
	struct wire_frame f;

	switch (loop) {
	case CJSON:
		if (wire_get_frame(frame, &f) == STATUS_OK &&
			(f.bare || f.header.encoding == WIRE_JSON))
			parse_lines(f.payload);
		break;
	case INBOX:
	case MODEL:
		inbox_frame(in, frame, 0, begin_us);
		break;
	default:
		break;
	}
}

struct result {
	double per_s, cpu_ns;
};

static struct result
run(enum loop loop, struct bus_sub *sub, unsigned frames, int go)
{
	struct sink sink = { 0 };
	struct inbox *in = inbox_new(4, take, &sink);
	struct pollfd p = { .fd = bus_sub_fd(sub), .events = POLLIN };
	struct str frame;
	double start, cpu;
	int64_t mono_us;

	if (loop == MODEL)
		sink.model = model_new(&model_limits_default);
	if (write(go, "", 1) != 1)
		fail("the publisher is gone");
	start = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	while (frames > 0) {
		if (!bus_sub_next(sub, &frame, &mono_us)) {
			if (poll(&p, 1, 10000) <= 0)
				fail("nothing comes");
			continue;
		}
		use(loop, in, frame);
		frames--;
	}
	start = seconds(CLOCK_MONOTONIC) - start;
	cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
	if (loop >= INBOX && sink.events != EVENTS)
		fail("events are missing");
	model_free(sink.model);
	inbox_free(in);
	return (struct result){ .per_s = EVENTS / start, .cpu_ns = cpu * 1e9 / EVENTS };
}

/* ------------------------------------------------------------ the table */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void
print(enum form form, double per_s[LOOP_COUNT][MAX_ROUNDS],
	double cpu_ns[LOOP_COUNT][MAX_ROUNDS], unsigned rounds)
{
	double bound = median(per_s[NOTHING], rounds);

	printf("%s\n", form_names[form]);
	for (unsigned i = 0; i < LOOP_COUNT; i++) {
		double rate = median(per_s[i], rounds);

		printf("  %-24s %9.0f events/s  %.2f of nothing  cpu %5.0f ns/event\n",
			loop_names[i], rate, rate / bound, median(cpu_ns[i], rounds));
	}
}

static void
bench(enum form form, unsigned rounds)
{
	static double per_s[LOOP_COUNT][MAX_ROUNDS], cpu_ns[LOOP_COUNT][MAX_ROUNDS];
	char url[96];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls, .ring_bytes = RING_BYTES };
	struct diag d = { .text = "" };
	struct frames frames = { .count = 0 };
	struct bus_sub *sub;
	struct bus_stats stats;
	int go[2];
	pid_t pid;

	snprintf(url, sizeof(url), "ipc:///tmp/weir-bench-%ld", (long)getpid());
	make_frames(form, &frames);
	if (pipe(go) != 0)
		fail("no pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		publish(url, &frames, go[0]);
	}
	close(go[0]);
	sub = bus_sub_open(&o, &d);
	if (!sub)
		fail(d.text);
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < LOOP_COUNT; i++) {
			struct result result =
				run((enum loop)i, sub, frames.count, go[1]);

			per_s[i][r] = result.per_s;
			cpu_ns[i][r] = result.cpu_ns;
		}
	bus_sub_stats(sub, &stats);
	if (stats.dropped_frames)
		fail("the ring was too small");
	close(go[1]);
	waitpid(pid, NULL, 0);
	bus_sub_close(sub);
	print(form, per_s, cpu_ns, rounds);
	free(frames.end);
	buf_done(&frames.bytes);
}

int
main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
	char lock[64];

	begin_us = (int64_t)time(NULL) * SEC_US;
	for (unsigned i = 0; i < FORM_COUNT; i++)
		bench((enum form)i, (unsigned)CLAMP(rounds, 1, MAX_ROUNDS));
	snprintf(lock, sizeof(lock), "/tmp/weir-bench-%ld.lock", (long)getpid());
	unlink(lock);
	return 0;
}
