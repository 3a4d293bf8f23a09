#include "config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "weir/base/util.h"
#include "weir/bus/bus.h"
#include "weir/bus/ring.h"

#define DEADLINE_MS 10000

/* ------------------------------------------------------------ the ring */

/* A frame that says its number and fills up with it. */
static struct str
numbered(char *space, uint32_t number, size_t size)
{
	memset(space, (int)(number & 0xff), size);
	memcpy(space, &number, sizeof(number));
	return (struct str){ space, size };
}

static void
check_numbered(struct str frame, uint32_t number)
{
	cr_assert_geq(frame.n, sizeof(number));
	cr_assert_arr_eq(frame.p, &number, sizeof(number));
	for (size_t i = sizeof(number); i < frame.n; i++)
		cr_assert_eq((uint8_t)frame.p[i], number & 0xff);
}

Test(ring, what_fits_comes_out_in_order_and_the_rest_is_refused)
{
	struct ring *r = ring_new(8192);
	uint32_t put = 0, got = 0, refused = 0, seed = 1;
	char space[2048];

	for (unsigned round = 0; round < 20000; round++) {
		struct str frame;
		int64_t mono;

		seed = seed * 1103515245 + 12345;
		if (seed >> 16 & 1) {
			frame = numbered(space, put, 4 + (seed >> 20) % 1500);
			if (ring_put(r, frame, put))
				put++;
			else
				refused++;
		} else if (ring_get(r, &frame, &mono)) {
			check_numbered(frame, got);
			cr_assert_eq(mono, got);
			got++;
		} else {
			cr_assert(ring_is_empty(r));
			cr_assert_eq(put, got);
		}
		cr_assert_leq(ring_used(r), ring_size(r));
	}
	cr_expect_gt(put, 1000);
	cr_expect_gt(refused, 0);
	ring_free(r);
}

Test(ring, a_frame_larger_than_the_ring_is_refused)
{
	struct ring *r = ring_new(4096);
	char *big = xcalloc(1, 5000);

	cr_expect_not(ring_put(r, (struct str){ big, 5000 }, 0));
	cr_expect_not(ring_put(r, (struct str){ big, 4096 }, 0));
	cr_expect(ring_put(r, (struct str){ big, 4080 }, 0));
	cr_expect_not(ring_put(r, (struct str){ big, 0 }, 0));
	ring_free(r);
	free(big);
}

/* A ring that is empty is rewound now and then; that must not take room from it. */
Test(ring, an_empty_ring_has_all_its_room_wherever_it_stands)
{
	struct ring *r = ring_new(1 << 20);
	char space[1000], *too_big = xcalloc(1, 1 << 20);
	struct str frame;
	int64_t mono;

	for (uint32_t round = 0; round < 3000; round++) {
		uint32_t put = 0, got = 0;

		cr_assert(ring_put(r, numbered(space, 0, 300 + round % 700), 0));
		cr_assert(ring_get(r, &frame, &mono));
		cr_assert_not(ring_get(r, &frame, &mono));
		cr_assert_not(ring_put(r, (struct str){ too_big, (1 << 20) - 8 }, 0));
		if (round % 10)
			continue;
		while (ring_put(r, numbered(space, put, sizeof(space)), 0))
			put++;
		cr_assert_geq(put, (1 << 20) / 1024 - 1, "%u in round %u", put, round);
		while (ring_get(r, &frame, &mono))
			check_numbered(frame, got++);
		cr_assert_eq(got, put);
		cr_assert_eq(ring_used(r), 0);
	}
	ring_free(r);
	free(too_big);
}

#define MANY 200000u

static void *
put_many(void *arg)
{
	char space[600];

	for (uint32_t i = 0; i < MANY; i++)
		while (!ring_put(arg, numbered(space, i, 4 + i % 500), i))
			sched_yield();
	return NULL;
}

Test(ring, two_threads_see_the_same_frames)
{
	/* Larger than the size at which an empty ring is rewound. */
	struct ring *r = ring_new(1 << 20);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, put_many, r), 0);
	for (uint32_t i = 0; i < MANY;) {
		struct str frame;
		int64_t mono;

		if (!ring_get(r, &frame, &mono)) {
			sched_yield();
			continue;
		}
		cr_assert_eq(frame.n, 4 + i % 500);
		cr_assert_arr_eq(frame.p, &i, sizeof(i));
		i++;
	}
	pthread_join(thread, NULL);
	ring_free(r);
}

/* ------------------------------------------------------------ sockets */

static char dir[64];

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/weir-t-bus-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
remove_dir(void)
{
	cr_expect_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct bus_sub *
listen_on(const char *url, size_t ring_bytes)
{
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls, .ring_bytes = ring_bytes };
	struct diag d = { .text = "" };
	struct bus_sub *s = bus_sub_open(&o, &d);

	cr_assert_not_null(s, "%s", d.text);
	return s;
}

static struct bus_pub *
send_to(const char *url)
{
	struct bus_pub_options o = { .to = url, .linger_ms = -1 };
	struct diag d = { .text = "" };
	struct bus_pub *p = bus_pub_open(&o, &d);

	cr_assert_not_null(p, "%s", d.text);
	return p;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The next frame, or a failed test at the deadline. */
static struct str
next_frame(struct bus_sub *s)
{
	struct pollfd p = { .fd = bus_sub_fd(s), .events = POLLIN };
	int64_t deadline = now_ms() + DEADLINE_MS, mono;
	struct str frame;

	while (!bus_sub_next(s, &frame, &mono)) {
		cr_assert_lt(now_ms(), deadline, "nothing came");
		poll(&p, 1, 100);
	}
	cr_expect_leq(mono / 1000, now_ms());
	return frame;
}

static void
wait_for_peer(struct bus_pub *p)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	while (!bus_pub_new_peer(p)) {
		cr_assert_lt(now_ms(), deadline, "nobody subscribed");
		poll(NULL, 0, 1);
	}
}

/* Look at the numbers until @done says so, or fail at the deadline. */
static struct bus_stats
wait_for_stats(struct bus_sub *s, bool (*done)(const struct bus_stats *))
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	struct bus_stats stats;

	for (bus_sub_stats(s, &stats); !done(&stats); bus_sub_stats(s, &stats)) {
		cr_assert_lt(now_ms(), deadline, "the numbers do not come");
		poll(NULL, 0, 1);
	}
	return stats;
}

static bool
no_peers(const struct bus_stats *stats)
{
	return stats->peers == 0;
}

static bool
one_peer(const struct bus_stats *stats)
{
	return stats->peers == 1;
}

static void
frames_arrive(const char *listen_url)
{
	struct bus_sub *s = listen_on(listen_url, 0);
	struct bus_pub *p = send_to(bus_sub_endpoint(s, 0));
	struct pollfd fd = { .fd = bus_sub_fd(s), .events = POLLIN };
	struct bus_stats stats;
	struct str frame;
	int64_t mono;

	wait_for_peer(p);
	wait_for_stats(s, one_peer);
	cr_expect_not(bus_sub_next(s, &frame, &mono));
	cr_expect_eq(poll(&fd, 1, 0), 0);
	for (uint32_t i = 0; i < 300; i++) {
		char space[512];

		memcpy(space, "weir1.", 6);
		numbered(space + 6, i, 400);
		cr_assert(bus_pub_send(p, (struct str){ space, 406 }));
	}
	for (uint32_t i = 0; i < 300; i++) {
		frame = next_frame(s);
		cr_assert_eq(frame.n, 406);
		check_numbered((struct str){ frame.p + 6, 400 }, i);
		/* As long as frames wait, the descriptor says so. */
		if (i == 0)
			cr_expect_eq(poll(&fd, 1, 1000), 1);
	}
	cr_expect_not(bus_sub_next(s, &frame, &mono));
	cr_expect_eq(poll(&fd, 1, 0), 0);
	bus_pub_close(p);
	stats = wait_for_stats(s, no_peers);
	cr_expect_eq(stats.frames, 300);
	cr_expect_eq(stats.bytes, 300 * 406);
	cr_expect_eq(stats.dropped_frames, 0);
	cr_expect_eq(stats.refused, 0);
	cr_expect_eq(stats.disconnects, 1);
	cr_expect_eq(stats.ring_used, 0);
	bus_sub_close(s);
}

Test(bus, frames_arrive_over_tcp)
{
	frames_arrive("tcp://127.0.0.1:*");
}

Test(bus, frames_arrive_over_ipc, .init = make_dir, .fini = remove_dir)
{
	char url[128];

	snprintf(url, sizeof(url), "ipc://%s/bus", dir);
	frames_arrive(url);
}

Test(bus, a_name_of_this_host_is_as_good_as_its_address)
{
	frames_arrive("tcp://localhost:*");
}

Test(bus, a_binding_publisher_is_heard_too)
{
	struct bus_pub_options o = { .bind = "tcp://127.0.0.1:*", .linger_ms = 0 };
	struct diag d = { .text = "" };
	struct bus_pub *p = bus_pub_open(&o, &d);
	const char *urls[] = { NULL, NULL };
	struct bus_sub_options so = { .connect = urls };
	struct bus_sub *s;

	cr_assert_not_null(p, "%s", d.text);
	urls[0] = bus_pub_endpoint(p);
	s = bus_sub_open(&so, &d);
	cr_assert_not_null(s, "%s", d.text);
	wait_for_peer(p);
	cr_assert(bus_pub_send(p, STR("[]")));
	cr_expect(str_eq(next_frame(s), STR("[]")));
	bus_sub_close(s);
	bus_pub_close(p);
}

Test(bus, groups_are_chosen_by_prefix)
{
	const char *const urls[] = { "tcp://127.0.0.1:*", NULL };
	const char *const groups[] = { "shop", NULL };
	struct bus_sub_options o = { .listen = urls, .groups = groups };
	struct diag d = { .text = "" };
	struct bus_sub *s = bus_sub_open(&o, &d);
	struct bus_pub *p;

	cr_assert_not_null(s, "%s", d.text);
	p = send_to(bus_sub_endpoint(s, 0));
	wait_for_peer(p);
	bus_pub_send(p, STR("weir1.bank\0x"));
	bus_pub_send(p, STR("{}"));
	bus_pub_send(p, STR("weir1.shop.prod\0x"));
	cr_expect(str_eq(next_frame(s), STR("weir1.shop.prod\0x")));
	bus_pub_close(p);
	bus_sub_close(s);
}

Test(bus, a_full_ring_sheds_and_counts)
{
	struct bus_sub *s = listen_on("tcp://127.0.0.1:*", 64 * 1024);
	struct bus_pub *p = send_to(bus_sub_endpoint(s, 0));
	struct bus_stats stats;
	struct str frame;
	char space[1024] = "{";
	uint64_t got = 0;
	int64_t mono;

	wait_for_peer(p);
	/* No more than half of the queue, so that none is lost before the ring. */
	for (unsigned i = 0; i < 500; i++)
		cr_assert(bus_pub_send(p, (struct str){ space, sizeof(space) }));
	bus_pub_close(p);
	stats = wait_for_stats(s, no_peers);
	while (bus_sub_next(s, &frame, &mono))
		got++;
	cr_expect_eq(stats.frames, 500);
	cr_expect_gt(stats.dropped_frames, 0);
	cr_expect_eq(got + stats.dropped_frames, 500);
	cr_expect_geq(got, 60);
	bus_sub_close(s);
}

Test(bus, messages_of_several_parts_are_refused_whole)
{
	struct bus_sub *s = listen_on("tcp://127.0.0.1:*", 0);
	void *context = zmq_ctx_new(), *pub = zmq_socket(context, ZMQ_XPUB);
	struct bus_stats stats;
	char subscription[16];

	cr_assert_eq(zmq_connect(pub, bus_sub_endpoint(s, 0)), 0);
	cr_assert_gt(zmq_recv(pub, subscription, sizeof(subscription), 0), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_gt(zmq_recv(pub, subscription, sizeof(subscription), 0), 0);
	zmq_send(pub, "{", 1, ZMQ_SNDMORE);
	zmq_send(pub, "weir1.", 6, ZMQ_SNDMORE);
	zmq_send(pub, "}", 1, 0);
	zmq_send(pub, "{}", 2, 0);
	cr_expect(str_eq(next_frame(s), STR("{}")));
	bus_sub_stats(s, &stats);
	cr_expect_eq(stats.refused, 1);
	zmq_close(pub);
	zmq_ctx_term(context);
	bus_sub_close(s);
}

static bool
one_disconnect(const struct bus_stats *stats)
{
	return stats->disconnects == 1;
}

static bool
one_refused(const struct bus_stats *stats)
{
	return stats->refused == 1;
}

Test(bus, a_message_over_the_limit_ends_the_connection_and_nothing_else)
{
	struct bus_sub *s = listen_on("tcp://127.0.0.1:*", 0);
	struct bus_pub *p = send_to(bus_sub_endpoint(s, 0));
	char *big = xcalloc(1, (1 << 20) + 1);

	big[0] = '{';
	wait_for_peer(p);
	bus_pub_send(p, (struct str){ big, (1 << 20) + 1 });
	wait_for_stats(s, one_disconnect);
	/* It comes back by itself, being the one that connects. */
	wait_for_peer(p);
	bus_pub_send(p, STR("{}"));
	cr_expect(str_eq(next_frame(s), STR("{}")));
	bus_pub_close(p);
	bus_sub_close(s);
	free(big);
}

Test(bus, who_does_not_speak_zeromq_is_refused_and_counted)
{
	struct bus_sub *s = listen_on("tcp://127.0.0.1:*", 0);
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(
		(uint16_t)strtoul(strrchr(bus_sub_endpoint(s, 0), ':') + 1, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_gt(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 0);
	close(fd);
	wait_for_stats(s, one_refused);
	wait_for_stats(s, no_peers);
	bus_sub_close(s);
}

/* ------------------------------------------------------------ what is refused */

Test(bus, a_second_listener_does_not_steal_the_socket, .init = make_dir,
	.fini = remove_dir)
{
	char url[128], self[32];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls };
	struct diag d = { .text = "" };
	struct bus_sub *s;
	struct bus_pub *p;

	snprintf(url, sizeof(url), "ipc://%s/bus", dir);
	snprintf(self, sizeof(self), "process %ld", (long)getpid());
	s = listen_on(url, 0);
	cr_assert_null(bus_sub_open(&o, &d));
	cr_expect_not_null(strstr(d.text, self), "%s", d.text);
	p = send_to(url);
	wait_for_peer(p);
	bus_pub_send(p, STR("{}"));
	cr_expect(str_eq(next_frame(s), STR("{}")));
	bus_pub_close(p);
	bus_sub_close(s);
	/* And afterwards the path is free again. */
	bus_sub_close(listen_on(url, 0));
}

Test(bus, a_socket_of_another_program_is_not_stolen, .init = make_dir, .fini = remove_dir)
{
	char url[128];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls };
	struct diag d = { .text = "" };
	void *context = zmq_ctx_new(), *other = zmq_socket(context, ZMQ_SUB);

	snprintf(url, sizeof(url), "ipc://%s/bus", dir);
	cr_assert_eq(zmq_bind(other, url), 0);
	cr_assert_null(bus_sub_open(&o, &d));
	cr_expect_not_null(strstr(d.text, "no weir"), "%s", d.text);
	zmq_close(other);
	zmq_ctx_term(context);
}

Test(bus, a_file_in_the_way_is_left_alone, .init = make_dir, .fini = remove_dir)
{
	char url[128];
	const char *const urls[] = { url, NULL };
	struct bus_sub_options o = { .listen = urls };
	struct diag d = { .text = "" };
	struct stat st;

	snprintf(url, sizeof(url), "ipc://%s/thesis.txt", dir);
	close(open(url + 6, O_CREAT | O_WRONLY, 0600));
	cr_assert_null(bus_sub_open(&o, &d));
	cr_expect_not_null(strstr(d.text, "no socket"), "%s", d.text);
	cr_expect_eq(stat(url + 6, &st), 0);
}

Test(bus, a_port_in_use_is_said_to_be)
{
	struct bus_sub *s = listen_on("tcp://127.0.0.1:*", 0);
	const char *const urls[] = { bus_sub_endpoint(s, 0), NULL };
	struct bus_sub_options o = { .listen = urls };
	struct diag d = { .text = "" };

	cr_assert_null(bus_sub_open(&o, &d));
	cr_expect_not_null(strstr(d.text, "in use"), "%s", d.text);
	bus_sub_close(s);
}

Test(bus, wrong_addresses_are_refused_with_what_to_do)
{
	static const struct {
		const char *url, *says;
	} rows[] = {
		{ "ipc://@weir", "anybody" },
		{ "ipc://bus", "absolute" },
		{ "ipc:///nowhere/at/all/bus", "" },
		{ "ipc:///tmp/"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"107" },
		{ "tcp://*:5570", "network" },
		{ "tcp://0.0.0.0:5570", "network" },
		{ "tcp://[::]:5570", "network" },
		{ "tcp://eth0:5570", "network" },
		{ "tcp://127.0.0.1.example.org:5570", "network" },
		{ "tcp://192.0.2.1:5570", "network" },
		{ "tcp://127.0.0.1", "port" },
		{ "tcp://127.0.0.1:", "port" },
		{ "tcp://127.0.0.1:0", "port" },
		{ "tcp://127.0.0.1:70000", "port" },
		{ "tcp://127.0.0.1:http", "port" },
		{ "127.0.0.1:5570", "tcp://" },
		{ "inproc://weir", "tcp://" },
		{ "", "tcp://" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const urls[] = { rows[i].url, NULL };
		struct bus_sub_options o = { .listen = urls };
		struct bus_pub_options po = { .bind = rows[i].url };
		struct diag d = { .text = "" };

		cr_expect_null(bus_sub_open(&o, &d), "%s", rows[i].url);
		cr_expect_not_null(
			strstr(d.text, rows[i].says), "%s: %s", rows[i].url, d.text);
		cr_expect_null(bus_pub_open(&po, &d), "%s", rows[i].url);
	}
}

Test(bus, an_open_network_has_to_be_asked_for)
{
	const char *const urls[] = { "tcp://*:*", NULL };
	struct bus_sub_options o = { .listen = urls, .allow_network = true };
	struct diag d = { .text = "" };
	struct bus_sub *s = bus_sub_open(&o, &d);

	cr_assert_not_null(s, "%s", d.text);
	bus_sub_close(s);
}

Test(bus, a_group_of_too_many_bytes_is_refused)
{
	const char *const groups[] = {
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL
	};
	struct bus_sub_options o = { .groups = groups };
	struct diag d = { .text = "" };

	cr_expect_null(bus_sub_open(&o, &d));
	cr_expect_not_null(strstr(d.text, "64"), "%s", d.text);
}

/* ------------------------------------------------------------ the default */

Test(bus_default_url, the_directory_is_made_private, .init = make_dir, .fini = remove_dir)
{
	char url[128], expected[128], path[100];
	struct diag d = { .text = "" };
	struct stat st;

	setenv("XDG_RUNTIME_DIR", dir, 1);
	cr_assert_eq(bus_default_url(url, sizeof(url), &d), STATUS_OK, "%s", d.text);
	snprintf(expected, sizeof(expected), "ipc://%s/weir/bus", dir);
	cr_expect_str_eq(url, expected);
	snprintf(path, sizeof(path), "%s/weir", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0700);
	cr_expect_eq(bus_default_url(url, sizeof(url), &d), STATUS_OK);
	cr_assert_eq(chmod(path, 0755), 0);
	cr_expect_eq(bus_default_url(url, sizeof(url), &d), STATUS_ERR_SYSTEM);
	cr_expect_not_null(strstr(d.text, "chmod"), "%s", d.text);
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(symlink("/tmp", path), 0);
	cr_expect_eq(bus_default_url(url, sizeof(url), &d), STATUS_ERR_SYSTEM);
	cr_expect_eq(bus_default_url(url, 5, &d), STATUS_ERR_SYSTEM);
}
