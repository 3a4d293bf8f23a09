#include "config.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weir/base/buf.h"
#include "weir/base/util.h"
#include "weir/input/input.h"

/*
 * Against the mock cluster that librdkafka has in it: a broker in this process, with
 * topics, consumer groups and committed offsets, spoken to over real sockets.
 */
extern const struct input_ops input_kafka;

#define TOPIC "otlp_spans"

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static const char *brokers;
static struct buf seen;
static unsigned flows, distinct;
static bool was_seen[4096];
static bool is_congested;
static int64_t skipped_us; /* time that the tests let pass */

static void
set_up(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	cr_assert_not_null(producer, "%s", why);
	cluster = rd_kafka_mock_cluster_new(producer, 1);
	cr_assert_not_null(cluster);
	brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	cr_assert_eq(rd_kafka_brokers_add(producer, brokers), 1);
	cr_assert_eq(rd_kafka_mock_topic_create(cluster, TOPIC, 2, 1), 0);
	flows = 0;
	is_congested = false;
	skipped_us = 0;
}

static void
tear_down(void)
{
	rd_kafka_flush(producer, 1000);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(producer);
	buf_done(&seen);
}

TestSuite(kafka, .init = set_up, .fini = tear_down, .timeout = 60);

static void
produce(int32_t partition, const char *payload, size_t n)
{
	cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(TOPIC),
			     RD_KAFKA_V_PARTITION(partition),
			     RD_KAFKA_V_VALUE((void *)payload, n),
			     RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
		RD_KAFKA_RESP_ERR_NO_ERROR);
	cr_assert_eq(rd_kafka_flush(producer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* A data base call of @service: a whole flow by itself. */
static void
produce_json(int32_t partition, const char *service, unsigned id)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":"
		"\"service.name\",\"value\":{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{"
		"\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c8%05x\",\"spanId\":"
		"\"b7ad6b71692%05x\",\"kind\":3,\"name\":\"SELECT\","
		"\"startTimeUnixNano\":"
		"\"1795388090960000000\",\"endTimeUnixNano\":\"1795388090970000000\","
		"\"attributes\":[{\"key\":\"db.system\",\"value\":{\"stringValue\":"
		"\"postgresql\"}},{\"key\":\"server.address\",\"value\":{\"stringValue\":"
		"\"pg\"}}]}]}]}]}",
		service, id, id);
	produce(partition, b.p, b.n);
	buf_done(&b);
}

static void
put_bytes(struct buf *b, unsigned field, const void *p, size_t n)
{
	buf_addc(b, (char)(field << 3 | 2));
	buf_addc(b, (char)n);
	buf_add(b, p, n);
}

static void
put_string_value(struct buf *b, unsigned field, const char *key, const char *text)
{
	struct buf value = BUF_INIT, pair = BUF_INIT;

	put_bytes(&value, 1, text, strlen(text));
	put_bytes(&pair, 1, key, strlen(key));
	put_bytes(&pair, 2, value.p, value.n);
	put_bytes(b, field, pair.p, pair.n);
	buf_done(&value);
	buf_done(&pair);
}

/* The same as protobuf, written by hand. */
static void
produce_protobuf(int32_t partition, const char *service)
{
	static const uint64_t start = UINT64_C(1795388090960000000),
			      end = start + 10000000;
	struct buf span = BUF_INIT, scope = BUF_INIT, resource = BUF_INIT, rs = BUF_INIT,
		   request = BUF_INIT;

	put_bytes(&span, 1, "0123456789abcdef", 16);
	put_bytes(&span, 2, "01234567", 8);
	put_bytes(&span, 5, "SELECT", 6);
	buf_add(&span, "\x30\x03", 2);
	buf_addc(&span, 0x39);
	buf_add(&span, &start, 8);
	buf_addc(&span, 0x41);
	buf_add(&span, &end, 8);
	put_string_value(&span, 9, "db.system", "redis");
	put_string_value(&span, 9, "server.address", "redis");
	put_bytes(&scope, 2, span.p, span.n);
	put_string_value(&resource, 1, "service.name", service);
	put_bytes(&rs, 1, resource.p, resource.n);
	cr_assert(scope.n < 256);
	buf_addc(&rs, 0x12);
	buf_addc(&rs, (char)((scope.n & 0x7f) | 0x80));
	buf_addc(&rs, (char)(scope.n >> 7));
	buf_add(&rs, scope.p, scope.n);
	buf_addc(&request, 0x0a);
	buf_addc(&request, (char)((rs.n & 0x7f) | 0x80));
	buf_addc(&request, (char)(rs.n >> 7));
	buf_add(&request, rs.p, rs.n);
	produce(partition, request.p, request.n);
	buf_done(&span);
	buf_done(&scope);
	buf_done(&resource);
	buf_done(&rs);
	buf_done(&request);
}

static void
emit(void *ctx, const struct event *e)
{
	unsigned id;

	(void)ctx;
	if (e->type != EVENT_FLOW)
		return;
	flows++;
	id = (e->u.flow.ids.trace[14] << 8 | e->u.flow.ids.trace[15]) %
	     ARRAY_LEN(was_seen);
	distinct += !was_seen[id];
	was_seen[id] = true;
	buf_addf(&seen, "%.*s>%.*s ", (int)e->u.flow.src.n, e->u.flow.src.p,
		(int)e->u.flow.dst.n, e->u.flow.dst.p);
}

static bool
congested(void *ctx)
{
	(void)ctx;
	return is_congested;
}

static struct input_time
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct input_time){ .mono_us = t.tv_sec * SEC_US + t.tv_nsec / 1000 +
					       skipped_us };
}

static struct input *
open_input(bool once)
{
	char name[] = "kafka", broker_list[128], topic[] = TOPIC;
	char o1[] = "--brokers", o2[] = "--topic", o3[] = "--group-id", group[] = "weir",
	     o4[] = "--from", from[] = "earliest", o5[] = "--config",
	     heartbeat[] = "heartbeat.interval.ms=200",
	     session[] = "--config=session.timeout.ms=6000";
	char *argv[] = { name, o1, broker_list, o2, topic, o3, group, o4, from, o5,
		heartbeat, session, NULL };
	struct input_env env = { .emit = emit, .congested = congested, .once = once };
	struct diag d = { 0 };
	struct input *in;

	snprintf(broker_list, sizeof(broker_list), "%s", brokers);
	in = input_kafka.open(ARRAY_LEN(argv) - 1, argv, &env, &d);
	cr_assert_not_null(in, "%s", d.text);
	return in;
}

static void
turn(struct input *in)
{
	struct pollfd fds[4];
	struct diag d;
	int64_t wait_us;
	unsigned n = input_kafka.fds(in, fds, 4, &wait_us);

	poll(fds, n, 20);
	cr_assert_eq(input_kafka.step(in, now(), &d), STATUS_OK);
}

static void
run_until_flows(struct input *in, unsigned n)
{
	for (int i = 0; i < 1500 && flows < n; i++)
		turn(in);
	cr_assert_eq(flows, n, "%u flows: %s; %s", flows, buf_cstr(&seen),
		input_kafka.trouble(in));
}

/* What the group has committed, over both partitions. */
static int64_t
committed(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(2);
	int64_t sum = 0;
	rd_kafka_t *rk;
	char why[256];

	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "weir", why, sizeof(why));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	cr_assert_not_null(rk);
	rd_kafka_topic_partition_list_add_range(l, TOPIC, 0, 1);
	cr_assert_eq(rd_kafka_committed(rk, l, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
	for (int i = 0; i < l->cnt; i++)
		sum += MAX(l->elems[i].offset, 0);
	rd_kafka_topic_partition_list_destroy(l);
	rd_kafka_destroy(rk);
	return sum;
}

Test(kafka, json_and_protobuf_become_flows_and_what_is_neither_is_counted)
{
	struct input_counts n;
	struct input *in;

	produce_json(0, "orders", 1);
	produce_protobuf(1, "cart");
	produce(0, "not at all", 10);
	produce_json(0, "orders", 2);
	in = open_input(false);
	run_until_flows(in, 3);
	cr_expect_not_null(strstr(buf_cstr(&seen), "orders>pg"));
	cr_expect_not_null(strstr(buf_cstr(&seen), "cart>redis"));
	input_kafka.counts(in, &n);
	cr_expect_eq(n.requests, 4);
	cr_expect_eq(n.parse_errors, 1);
	input_kafka.close(in, now());
}

Test(kafka, offsets_are_committed_after_what_was_read_is_out)
{
	struct input *in;

	produce_json(0, "orders", 1);
	produce_json(1, "orders", 2);
	in = open_input(false);
	run_until_flows(in, 2);
	skipped_us += 2 * SEC_US; /* a mark is made */
	turn(in);
	cr_expect_eq(committed(), 0, "too early");
	skipped_us += 12 * SEC_US;
	for (int i = 0; i < 500 && committed() < 2; i++)
		turn(in);
	cr_expect_eq(committed(), 2);
	/* and the end commits the rest */
	produce_json(0, "orders", 3);
	run_until_flows(in, 3);
	input_kafka.close(in, now());
	cr_expect_eq(committed(), 3);
}

Test(kafka, nothing_is_read_while_nobody_takes_it)
{
	struct input_counts n;
	struct input *in;

	is_congested = true;
	produce_json(0, "orders", 1);
	in = open_input(false);
	for (int i = 0; i < 30; i++)
		turn(in);
	input_kafka.counts(in, &n);
	cr_expect_eq(n.requests, 0);
	is_congested = false;
	run_until_flows(in, 1);
	is_congested = true;
	turn(in);
	produce_json(1, "orders", 2);
	for (int i = 0; i < 30; i++)
		turn(in);
	cr_expect_eq(flows, 1);
	is_congested = false;
	run_until_flows(in, 2);
	input_kafka.close(in, now());
}

/*
 * The mock cluster refuses commits while a group is being rebalanced, which Kafka does
 * not; so what went over to the second agent may be read twice here, but never not at all.
 */
Test(kafka, a_second_agent_of_the_group_takes_its_share_and_nothing_is_missed)
{
	struct input *a, *b;
	struct input_counts nb;
	unsigned made = 2;

	produce_json(0, "orders", 1);
	produce_json(1, "orders", 2);
	a = open_input(false);
	run_until_flows(a, 2);
	b = open_input(false);
	for (unsigned turns = 0; turns < 1000; turns++) {
		turn(a);
		turn(b);
		input_kafka.counts(b, &nb);
		if (nb.requests > 0)
			break;
		if (turns % 20 == 0) {
			produce_json(0, "orders", ++made);
			produce_json(1, "orders", ++made);
		}
	}
	cr_expect(nb.requests > 0, "the second one was given nothing");
	for (unsigned turns = 0; turns < 500 && distinct < made; turns++) {
		turn(a);
		turn(b);
	}
	cr_expect_eq(distinct, made, "%u of %u", distinct, made);
	input_kafka.close(b, now());
	input_kafka.close(a, now());
}

Test(kafka, who_only_looks_commits_nothing)
{
	struct input *in;

	produce_json(0, "orders", 1);
	in = open_input(true);
	run_until_flows(in, 1);
	for (int i = 0; i < 14; i++) {
		skipped_us += SEC_US / 2;
		turn(in);
	}
	input_kafka.close(in, now());
	cr_expect_eq(committed(), 0);
}

Test(kafka, mistakes_are_told_with_what_to_write)
{
	static const struct {
		const char *argv[9], *why;
	} rows[] = {
		{ { "kafka" }, "kafka needs --brokers HOST:PORT, --topic NAME and "
			       "--group-id NAME" },
		{ { "kafka", "--brokers", "x:1", "--topic", "t", "--group-id", "g",
			  "--signal=spans" },
			"--signal 'spans' is none of traces metrics logs" },
		{ { "kafka", "--brokers", "x:1", "--topic", "t", "--group-id", "g",
			  "--config=sasl.passwort=x" },
			"kafka: No such configuration property: \"sasl.passwort\"" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct input_env env = { .emit = emit };
		struct diag d = { 0 };
		char *argv[10] = { NULL };
		int n = 0;

		for (; n < 9 && rows[i].argv[n]; n++)
			argv[n] = xstrdup(rows[i].argv[n]);
		cr_expect_null(input_kafka.open(n, argv, &env, &d));
		cr_expect_eq(d.status, STATUS_ERR_USAGE);
		cr_expect_str_eq(d.text, rows[i].why);
		while (n > 0)
			free(argv[--n]);
	}
}
