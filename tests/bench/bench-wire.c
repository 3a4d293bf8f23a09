/*
 * From a socket to the model, beside what bounds it: the same receive loop doing nothing,
 * and the plain way, JSON lines through cJSON.
 *
 * A child publishes frames it has written before, as fast as they are taken (NODROP,
 * so that none is lost and every loop does the same work); the ring has room for all
 * of them. Loops are interleaved and medians are shown: neighbours on the machine come
 * and go, ratios within a run stay. The model is warm: all names have been seen.
 *
 * usage: bench-wire [ROUNDS]
 *        bench-wire flood URL SECONDS EDGES RATE   an agent for dashboard.py
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

#include "bench-kit.h"
#include "plain-way.h"
#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/core/hist.h"
#include "weir/core/model.h"
#include "weir/wire/inbox.h"
#include "weir/wire/outbox.h"

#define EVENTS 100000u
#define RING_BYTES ((size_t)128 << 20)
#define FRAME_BYTES 16384

static void
fail(const char *what)
{
	fprintf(stderr, "bench-wire: %s\n", what);
	exit(1);
}

/* What a listening ipc:// endpoint leaves behind. */
static void
remove_lock(const char *url)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.lock", url + strlen("ipc://"));
	unlink(path);
}

/* ------------------------------------------------------------ what is sent */

static int64_t begin_us; /* near now, so that the model takes the events */
static unsigned edges = 1000;

static void
make_event(struct event *e, unsigned i)
{
	static char src[32], dst[32], op[32];
	struct flow *f = &e->u.flow;
	unsigned edge = pick(edges);

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
	f->client_us = 1000 + pick(5000) + (pick(100) ? 0 : pick(100000));
	f->server_us = f->client_us - 200;
	f->bytes_in = pick(2000);
	f->bytes_out = pick(20000);
	f->failed = pick(100) == 0;
	for (unsigned k = 0; k < sizeof(f->ids.trace); k++)
		f->ids.trace[k] = (uint8_t)pick(256);
	for (unsigned k = 0; k < sizeof(f->ids.span); k++)
		f->ids.span[k] = (uint8_t)pick(256);
}

struct frames {
	struct buf bytes;
	size_t *end; /* of each frame in bytes */
	unsigned count;
};

static struct str
frame_at(const struct frames *f, unsigned i)
{
	size_t from = i ? f->end[i - 1] : 0;

	return (struct str){ f->bytes.p + from, f->end[i] - from };
}

static bool
keep(void *ctx, struct str frame)
{
	struct frames *f = ctx;

	buf_add_str(&f->bytes, frame);
	f->end[f->count++] = f->bytes.n;
	return true;
}

enum form {
	SINGLES, /* a numbered frame an event, of JSON */
	LINES,   /* numbered frames of 16 KiB of JSON lines */
	BATCH,   /* the same as columns */
	DELTA,   /* the same events, added up */
	FORM_COUNT
};

/* How many events make a frame of about 16 KiB; of sums of 100, a frame of all edges. */
static const unsigned per_frame[FORM_COUNT] = { 1, 75, 290, 100000 };

/* How many events are sent; of sums more, as they would be over too soon. */
static const unsigned events_of[FORM_COUNT] = { EVENTS, EVENTS, EVENTS, 10 * EVENTS };

/*
 * Times that all of a form is sent in one run: enough to outlast by far the waking of all
 * threads, and less than the ring has room for.
 */
static const unsigned times[FORM_COUNT] = { 4, 4, 16, 16 };

static void
make_frames(enum form form, struct frames *f)
{
	struct outbox_options o = { .encoding = form <= LINES ? WIRE_JSON : WIRE_BATCH,
		.aggregate = form == DELTA ? OUTBOX_ALWAYS : OUTBOX_NEVER,
		.send = keep,
		.ctx = f };
	struct outbox *box;
	struct outbox_time t = { .wall_us = begin_us };
	struct event e;

	f->end = xcalloc(EVENTS + 100, sizeof(*f->end));
	box = outbox_new(&o, NULL);
	for (unsigned i = 0; i < events_of[form]; i++) {
		make_event(&e, i % EVENTS);
		outbox_add(box, &e, t);
		if ((i + 1) % per_frame[form] == 0)
			outbox_flush(box, t);
	}
	outbox_flush(box, t);
	outbox_free(box);
}

static void
frames_done(struct frames *f)
{
	free(f->end);
	buf_done(&f->bytes);
}

/* In a process of its own: when @go gives a byte, send everything of that form once. */
static void
publish(const char *url, const struct frames *all, int go)
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
		const struct frames *f = &all[(unsigned char)byte];

		for (unsigned i = 0; i < f->count; i++)
			zmq_send(pub, frame_at(f, i).p, frame_at(f, i).n, 0);
	}
	zmq_close(pub);
	zmq_ctx_term(context);
	_exit(0);
}

/* ------------------------------------------------------------ what is done with it */

struct sink {
	uint64_t events;
	struct model *model; /* or NULL */
};

static void
take(void *ctx, const struct event *e)
{
	struct sink *sink = ctx;

	sink->events += e->type == EVENT_DELTA ? e->u.delta.events : 1;
	if (sink->model)
		model_add(sink->model, e, begin_us + EVENTS);
}

enum way {
	NOTHING,
	CJSON,
	WEIR
};

static void
use(enum way way, struct inbox *in, struct sink *sink, struct str frame)
{
	struct wire_frame f;

	if (way == WEIR)
		inbox_frame(in, frame, 0, begin_us);
	else if (way == CJSON && wire_get_frame(frame, &f) == STATUS_OK &&
		 f.header.type == WIRE_DATA)
		plain_lines(f.payload, take, sink);
}

/* ------------------------------------------------------------ over the socket */

struct bench {
	struct bus_sub *sub;
	struct frames frames[FORM_COUNT];
	struct model *model;
	int go;
};

/* Say where they may have gone. */
static void
fail_short(struct bench *b, struct inbox *in, enum form form, uint64_t events)
{
	struct bus_stats stats;
	struct snap s = { 0 };

	bus_sub_stats(b->sub, &stats);
	inbox_snap(in, 0, &s);
	fprintf(stderr,
		"bench-wire: form %d: %llu events of %u: %llu frames had no room, %llu "
		"were "
		"cut off, %llu duplicates, %llu not to be read\n",
		(int)form, (unsigned long long)events, events_of[form],
		(unsigned long long)stats.dropped_frames,
		(unsigned long long)stats.disconnects,
		(unsigned long long)s.quality.duplicate,
		(unsigned long long)s.quality.decode_errors);
	exit(1);
}

/* Events a second, and what this thread spends on one. */
struct speed {
	double rate, cpu_ns;
};

/* Take all of a form once. */
static void
take_all(struct bench *b, enum form form, enum way way)
{
	struct sink sink = { .model = b->model };
	struct inbox *in = inbox_new(4, take, &sink);
	struct pollfd p = { .fd = bus_sub_fd(b->sub), .events = POLLIN };
	unsigned left = b->frames[form].count;
	struct str frame;
	int64_t mono_us;

	while (left > 0) {
		if (!bus_sub_next(b->sub, &frame, &mono_us)) {
			if (poll(&p, 1, 10000) <= 0)
				fail("nothing comes");
			continue;
		}
		use(way, in, &sink, frame);
		left--;
	}
	if (way != NOTHING && sink.events != events_of[form])
		fail_short(b, in, form, sink.events);
	inbox_free(in);
}

static struct speed
run(struct bench *b, enum form form, enum way way)
{
	double events = (double)events_of[form] * times[form];
	double start = wall_ns(), cpu = cpu_ns();
	char byte = (char)form;

	for (unsigned i = 0; i < times[form]; i++)
		if (write(b->go, &byte, 1) != 1)
			fail("the publisher is gone");
	for (unsigned i = 0; i < times[form]; i++)
		take_all(b, form, way);
	start = wall_ns() - start;
	cpu = cpu_ns() - cpu;
	return (struct speed){ events / start * 1e9, cpu / events };
}

static void
bench_sockets(struct bench *b, unsigned rounds)
{
	static const struct {
		enum form form;
		enum way way;
	} runs[] = { { SINGLES, NOTHING }, { SINGLES, WEIR }, { LINES, NOTHING },
		{ LINES, CJSON }, { LINES, WEIR }, { BATCH, NOTHING }, { BATCH, WEIR },
		{ DELTA, NOTHING }, { DELTA, WEIR } };
	enum {
		S_NULL,
		S_WEIR,
		L_NULL,
		L_CJSON,
		L_WEIR,
		B_NULL,
		B_WEIR,
		D_NULL,
		D_WEIR
	};
	static double rate[ARRAY_LEN(runs)][ROUNDS_MAX], cpu[ARRAY_LEN(runs)][ROUNDS_MAX];
	double m[ARRAY_LEN(runs)], c[ARRAY_LEN(runs)];

	for (unsigned r = 0; r <= rounds; r++)
		for (unsigned i = 0; i < ARRAY_LEN(runs); i++) {
			struct speed got = run(b, runs[i].form, runs[i].way);

			/* The first round only warms up. */
			if (r == 0)
				continue;
			rate[i][r - 1] = got.rate;
			cpu[i][r - 1] = got.cpu_ns;
		}
	for (unsigned i = 0; i < ARRAY_LEN(runs); i++) {
		m[i] = median(rate[i], rounds);
		c[i] = median(cpu[i], rounds);
	}
	row_plain("JSON lines of 16 KB, received and no more", "%.2f M ev/s",
		m[L_NULL] / 1e6);
	row_plain(
		"the same through cJSON into the model", "%.2f M ev/s", m[L_CJSON] / 1e6);
	row_plain("the same through weir", "%.2f M ev/s", m[L_WEIR] / 1e6);
	row_plain(
		"batches of 16 KB, received and no more", "%.2f M ev/s", m[B_NULL] / 1e6);
	row_plain("the same through weir", "%.2f M ev/s", m[B_WEIR] / 1e6);
	row_plain("sums of 100 requests, received and no more", "%.0f M ev/s",
		m[D_NULL] / 1e6);
	row_plain("the same through weir", "%.0f M ev/s", m[D_WEIR] / 1e6);
	row_plain("CPU of the reading thread: lines through cJSON", "%.0f ns/event",
		c[L_CJSON]);
	row_plain("lines through weir", "%.0f ns/event", c[L_WEIR]);
	row_plain("batches through weir", "%.0f ns/event", c[B_WEIR]);
	row_plain("batches by the cJSON way, in CPU of that thread", "%.1f x",
		c[L_CJSON] / c[B_WEIR]);
	row_plain("sums by the cJSON way, in CPU of that thread", "%.0f x",
		c[L_CJSON] / c[D_WEIR]);
	row("JSON, one a message: of receiving alone", "%.2f", m[S_WEIR] / m[S_NULL],
		AT_LEAST, 0.8);
	row("JSON lines of 16 KB: of receiving alone", "%.2f", m[L_WEIR] / m[L_NULL],
		AT_LEAST, 0.95);
	row("JSON lines of 16 KB: by the cJSON way", "%.1f x", m[L_WEIR] / m[L_CJSON],
		AT_LEAST, 5);
	row("batches of 16 KB: of receiving alone", "%.2f", m[B_WEIR] / m[B_NULL],
		AT_LEAST, 0.9);
	row("batches of 16 KB: by the cJSON way", "%.1f x", m[B_WEIR] / m[L_CJSON],
		AT_LEAST, 12);
	row("sums: by the cJSON way, per request", "%.0f x", m[D_WEIR] / m[L_CJSON],
		AT_LEAST, 200);
}

/* ------------------------------------------------------------ decoding alone */

static void
count(void *ctx, const struct event *e)
{
	(void)e;
	++*(uint64_t *)ctx;
}

static double
decode_ns(const struct frames *f)
{
	struct wire_decoder *d = wire_decoder_new();
	struct wire_counts counts = { 0 };
	struct wire_frame frame;
	uint64_t n = 0;
	double ns, start = cpu_ns();

	for (unsigned i = 0; i < f->count; i++)
		if (wire_get_frame(frame_at(f, i), &frame) == STATUS_OK &&
			frame.header.type == WIRE_DATA)
			wire_decode(d, frame.header.encoding, frame.payload, 0, count, &n,
				&counts);
	ns = (cpu_ns() - start) / EVENTS;
	wire_decoder_free(d);
	return ns;
}

static double
cjson_ns(const struct frames *f)
{
	struct wire_frame frame;
	double start = cpu_ns();

	for (unsigned i = 0; i < f->count; i++) {
		struct str p;

		if (wire_get_frame(frame_at(f, i), &frame) != STATUS_OK ||
			frame.header.type != WIRE_DATA)
			continue;
		for (p = frame.payload; p.n > 0;) {
			const char *end = memchr(p.p, '\n', p.n);
			size_t n = end ? (size_t)(end - p.p) : p.n;

			cJSON_Delete(cJSON_ParseWithLength(p.p, n));
			n += end != NULL;
			p.p += n;
			p.n -= n;
		}
	}
	return (cpu_ns() - start) / EVENTS;
}

static void
bench_decode(const struct bench *b, unsigned rounds)
{
	double json[ROUNDS_MAX], batch[ROUNDS_MAX], ns = 0;

	for (unsigned r = 0; r < rounds; r++) {
		double parse = cjson_ns(&b->frames[LINES]);

		json[r] = decode_ns(&b->frames[LINES]) / parse;
		ns = decode_ns(&b->frames[BATCH]);
		batch[r] = parse / ns;
	}
	row_plain("bytes of an event as JSON", "%.0f B",
		(double)b->frames[LINES].bytes.n / EVENTS);
	row_plain("bytes of an event in a batch", "%.0f B",
		(double)b->frames[BATCH].bytes.n / EVENTS);
	row_plain("decoding a batch, checks and CRC included", "%.1f ns/event", ns);
	row("decoding JSON, by cJSON's parse alone", "%.2f", median(json, rounds),
		AT_MOST, 1.15);
	row("decoding a batch", "1/%.0f cJSON", median(batch, rounds), AT_LEAST, 60);
}

/* ------------------------------------------------------------ sums of many edges */

#define MANY_EDGES 10000
#define TICKS_PER_S 10

static void
make_tick(struct frames *f, int64_t end_us)
{
	struct outbox_options o = {
		.encoding = WIRE_BATCH, .aggregate = OUTBOX_ALWAYS, .send = keep, .ctx = f
	};
	struct outbox *box = outbox_new(&o, NULL);
	struct outbox_time t = { .wall_us = end_us };
	struct event e;

	f->end = xcalloc(10000, sizeof(*f->end));
	for (unsigned i = 0; i < MANY_EDGES * 10; i++) {
		char dst[32];

		make_event(&e, 0);
		e.u.flow.dst = (struct str){ dst,
			(size_t)snprintf(dst, 32, "backend-%u", i % MANY_EDGES) };
		e.u.flow.src = STR("gateway");
		e.u.flow.op = STR("POST /charge");
		e.u.flow.end_us = end_us;
		outbox_add(box, &e, t);
	}
	outbox_flush(box, t);
	outbox_free(box);
}

/* 100 requests a second on each of 10000 edges, as sums of ten. */
static void
bench_many_edges(unsigned rounds)
{
	struct model_limits limits = model_limits_default;
	double percent[ROUNDS_MAX];
	struct sink sink = { 0 };
	struct inbox *in = inbox_new(4, take, &sink);
	int64_t base_us = begin_us;

	limits.edges = limits.nodes = limits.ops = 2 * MANY_EDGES;
	sink.model = model_new(&limits);
	for (unsigned r = 0; r < rounds + 2; r++) {
		struct frames f = { .count = 0 };
		double start;

		begin_us += SEC_US / TICKS_PER_S;
		make_tick(&f, begin_us);
		start = cpu_ns();
		for (unsigned i = 0; i < f.count; i++)
			inbox_frame(in, frame_at(&f, i), 0, begin_us);
		if (r >= 2)
			percent[r - 2] = (cpu_ns() - start) * TICKS_PER_S / 1e9 * 100;
		frames_done(&f);
	}
	begin_us = base_us;
	row("10000 edges, 10 sums a second each: of a core", "%.1f %%",
		median(percent, rounds), AT_MOST, 10);
	model_free(sink.model);
	inbox_free(in);
}

/* ------------------------------------------------------------ loss */

#define PACED_PER_S 400000
#define PACED_S 3

static bool
send_on(void *ctx, struct str frame)
{
	return bus_pub_send(ctx, frame);
}

static struct outbox_time
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct outbox_time){ (int64_t)(wall_ns() / 1000),
		t.tv_sec * SEC_US + t.tv_nsec / 1000 };
}

/* An agent at PACED_PER_S events a second. */
static void
pace(const char *url)
{
	struct bus_pub_options po = { .to = url, .linger_ms = 2000 };
	struct diag d = { .text = "" };
	struct bus_pub *pub = bus_pub_open(&po, &d);
	struct outbox_options o = { .encoding = WIRE_BATCH,
		.aggregate = OUTBOX_NEVER,
		.send = send_on,
		.ctx = pub };
	struct outbox *box = outbox_new(&o, NULL);
	struct event e;
	unsigned sent = 0;
	double start;

	while (!bus_pub_new_peer(pub))
		usleep(1000);
	make_event(&e, 0);
	start = wall_ns();
	while (sent < PACED_PER_S * PACED_S) {
		unsigned due = (unsigned)((wall_ns() - start) / 1e9 * PACED_PER_S);

		for (; sent < MIN(due, PACED_PER_S * PACED_S); sent++)
			outbox_add(box, &e, now());
		outbox_tick(box, now());
		usleep(2000);
	}
	outbox_bye(box, now());
	outbox_free(box);
	bus_pub_close(pub);
	_exit(0);
}

/* Events whose texts are their own, to be sent again and again. */
static struct event *
draw_events(unsigned n)
{
	struct event *e = xcalloc(n, sizeof(*e));
	char(*names)[3][32] = xcalloc(n, sizeof(*names));

	for (unsigned i = 0; i < n; i++) {
		struct flow *f = &e[i].u.flow;
		struct str *text[] = { &f->src, &f->dst, &f->op };

		make_event(&e[i], i);
		for (unsigned k = 0; k < ARRAY_LEN(text); k++) {
			memcpy(names[i][k], text[k]->p, text[k]->n);
			text[k]->p = names[i][k];
		}
	}
	return e;
}

#define DRAWN (1u << 16)
#define TURN 1024u

/*
 * An agent that sends as many events a second as it is told, or all it can (0), and
 * says in the end how many that was.
 */
static int
flood(const char *url, double seconds, double rate)
{
	struct bus_pub_options po = { .to = url, .linger_ms = 2000 };
	struct diag d = { .text = "" };
	struct bus_pub *pub = bus_pub_open(&po, &d);
	struct outbox_options o = { .encoding = WIRE_BATCH,
		.aggregate = OUTBOX_NEVER,
		.send = send_on,
		.ctx = pub };
	struct outbox *box = outbox_new(&o, NULL);
	struct event *e = draw_events(DRAWN);
	uint64_t sent = 0;
	double start;

	if (!pub)
		fail(d.text);
	while (!bus_pub_new_peer(pub))
		usleep(1000);
	outbox_greet(box, now());
	for (start = wall_ns(); wall_ns() - start < seconds * 1e9;) {
		struct outbox_time t = now();

		if (rate > 0 && (double)sent > (wall_ns() - start) / 1e9 * rate) {
			outbox_tick(box, t);
			usleep(2000);
			continue;
		}
		for (unsigned i = 0; i < TURN; i++, sent++) {
			e[sent % DRAWN].u.flow.end_us = t.wall_us;
			outbox_add(box, &e[sent % DRAWN], t);
		}
		outbox_tick(box, t);
	}
	/* The last word must not be lost in the flood. */
	usleep(500000);
	outbox_bye(box, now());
	printf("%llu\n", (unsigned long long)sent);
	outbox_free(box);
	bus_pub_close(pub);
	return 0;
}

/* Take what comes, and do nothing at all for 100 ms in each half second. */
static void
bench_loss(void)
{
	char url[96];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls };
	struct sink sink = { .model = model_new(&model_limits_default) };
	struct inbox *in = inbox_new(4, take, &sink);
	struct bus_sub *sub;
	struct snap s = { 0 };
	struct diag d;
	double stall, start;
	pid_t pid;
	bool ended = false;

	snprintf(url, sizeof(url), "ipc:///tmp/weir-bench-loss-%ld", (long)getpid());
	pid = fork();
	if (pid == 0)
		pace(url);
	sub = bus_sub_open(&o, &d);
	if (!sub)
		fail(d.text);
	start = stall = wall_ns();
	while (!ended && wall_ns() - start < (PACED_S + 10) * 1e9) {
		struct pollfd p = { .fd = bus_sub_fd(sub), .events = POLLIN };
		struct str frame;
		int64_t mono_us;

		poll(&p, 1, 20);
		while (bus_sub_next(sub, &frame, &mono_us))
			inbox_frame(in, frame, mono_us, begin_us);
		if (wall_ns() - stall > 500e6) {
			usleep(100000);
			stall = wall_ns();
		}
		snap_clear(&s);
		inbox_snap(in, now().mono_us, &s);
		ended = s.quality.agents == 1 && s.quality.agent[0].bye;
	}
	snap_clear(&s);
	inbox_snap(in, now().mono_us + 20 * SEC_US, &s);
	row("lost of 400000 events/s, reader stalls 100 ms of each 500", "%.0f",
		(double)s.quality.lost, AT_MOST, 0);
	row("received and declared lost, of what was sent", "%.6f",
		(double)(sink.events + s.quality.lost) / (PACED_PER_S * PACED_S),
		AT_LEAST, 1);
	waitpid(pid, NULL, 0);
	bus_sub_close(sub);
	model_free(sink.model);
	inbox_free(in);
	snap_done(&s);
	remove_lock(url);
}

int
main(int argc, char **argv)
{
	unsigned long given = argc > 1 ? strtoul(argv[1], NULL, 10) : 7;
	unsigned rounds = (unsigned)CLAMP(given, 1, ROUNDS_MAX);
	struct bench b = { .model = model_new(&model_limits_default) };
	char url[96];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls, .ring_bytes = RING_BYTES };
	struct bus_stats stats;
	struct diag d;
	int go[2];
	pid_t pid;

	begin_us = (int64_t)time(NULL) * SEC_US;
	if (argc == 6 && strcmp(argv[1], "flood") == 0) {
		edges = (unsigned)strtoul(argv[4], NULL, 10);
		return flood(argv[2], strtod(argv[3], NULL), strtod(argv[5], NULL));
	}
	snprintf(url, sizeof(url), "ipc:///tmp/weir-bench-%ld", (long)getpid());
	for (unsigned i = 0; i < FORM_COUNT; i++)
		make_frames((enum form)i, &b.frames[i]);
	if (pipe(go) != 0)
		fail("no pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		publish(url, b.frames, go[0]);
	}
	close(go[0]);
	b.go = go[1];
	b.sub = bus_sub_open(&o, &d);
	if (!b.sub)
		fail(d.text);
	bench_decode(&b, rounds);
	bench_sockets(&b, rounds);
	bus_sub_stats(b.sub, &stats);
	if (stats.dropped_frames)
		fail("the ring was too small");
	close(go[1]);
	waitpid(pid, NULL, 0);
	bus_sub_close(b.sub);
	bench_many_edges(rounds);
	bench_loss();
	for (unsigned i = 0; i < FORM_COUNT; i++)
		frames_done(&b.frames[i]);
	model_free(b.model);
	remove_lock(url);
	return rows_end();
}
