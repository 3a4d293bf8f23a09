/*
 * librdkafka fetches in threads of its own and wakes the poll loop by a pipe; all that
 * is seen here happens in this one thread.
 *
 * What a message holds is published when its other halves have come or were given up,
 * so its offset is committed only after that wait and a second for sending. After a
 * crash those last seconds are read again: rather twice than never.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracing.h"
#include "weir/base/util.h"
#include "weir/input/args.h"
#include "weir/input/otlp.h"

#define MAX_TOPICS 16
#define MAX_CONFIG 32
#define BATCH 500               /* messages in one turn of the loop */
#define PAUSE_US (20 * MSEC_US) /* while the agent's queue is full */
#define MARK_US SEC_US          /* how finely positions are remembered */
#define MARKS 128
#define SENT_US SEC_US        /* what was emitted this long ago has left */
#define IDLE_US (10 * SEC_US) /* of a mere look: then there is nothing more to see */
#define WAIT_US (10 * SEC_US) /* for the other half, unless --wait says otherwise */

/* Where reading had come to at some moment; to be committed later. */
struct mark {
	int64_t at_us;
	rd_kafka_topic_partition_list_t *next;
};

struct input {
	struct tracing tracing;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	rd_kafka_topic_partition_list_t *topics;
	rd_kafka_topic_partition_list_t *next; /* offsets behind what was read */
	struct mark mark[MARKS];               /* oldest first */
	unsigned marks;
	int64_t marked_us, hold_us;
	int wake[2];
	enum otlp_signal signal;
	bool detect;                    /* JSON or protobuf by the first byte */
	enum otlp_encoding encoding;    /* else */
	bool subscribed, paused, moved; /* moved: since the last mark */
	struct buf body, where;
	uint64_t messages, bytes, empty;
	int64_t heard_us; /* the last message, or when it all began */
	char trouble[300];
};

struct words {
	const char *brokers, *group, *signal, *encoding, *from;
	const char *topic[MAX_TOPICS + 1], *config[MAX_CONFIG + 1];
	const char *config_file;
	struct tracing_words tracing;
};

/* ------------------------------------------------------------ offsets */

static void
drop_marks(struct input *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rd_kafka_topic_partition_list_destroy(in->mark[i].next);
	memmove(in->mark, in->mark + n, (in->marks - n) * sizeof(*in->mark));
	in->marks -= n;
}

static void
remember(struct input *in, const rd_kafka_message_t *m)
{
	const char *topic = rd_kafka_topic_name(m->rkt);
	rd_kafka_topic_partition_t *p =
		rd_kafka_topic_partition_list_find(in->next, topic, m->partition);

	if (!p)
		p = rd_kafka_topic_partition_list_add(in->next, topic, m->partition);
	p->offset = m->offset + 1;
	in->moved = true;
}

/* Commit what all of it was published of, and mark where reading is now. */
static void
commit_due(struct input *in)
{
	int64_t now_us = in->tracing.now_us;
	unsigned due = 0;

	if (in->tracing.env.once) /* who only looks leaves no trace */
		return;

	while (due < in->marks && now_us - in->mark[due].at_us >= in->hold_us)
		due++;
	if (due > 0) {
		rd_kafka_commit(in->rk, in->mark[due - 1].next, 1);
		drop_marks(in, due);
	}
	if (in->moved && in->marks < MARKS && now_us - in->marked_us >= MARK_US) {
		in->mark[in->marks++] = (struct mark){ now_us,
			rd_kafka_topic_partition_list_copy(in->next) };
		in->marked_us = now_us;
		in->moved = false;
	}
}

/* Partitions go to another consumer: it begins where we have come to. */
static void
hand_over(struct input *in, const rd_kafka_topic_partition_list_t *gone)
{
	rd_kafka_topic_partition_list_t *last =
		rd_kafka_topic_partition_list_new(gone->cnt);

	for (int i = 0; i < gone->cnt; i++) {
		const char *topic = gone->elems[i].topic;
		int32_t partition = gone->elems[i].partition;
		rd_kafka_topic_partition_t *p =
			rd_kafka_topic_partition_list_find(in->next, topic, partition);

		if (!p)
			continue;
		rd_kafka_topic_partition_list_add(last, topic, partition)->offset =
			p->offset;
		rd_kafka_topic_partition_list_del(in->next, topic, partition);
		for (unsigned k = 0; k < in->marks; k++)
			rd_kafka_topic_partition_list_del(
				in->mark[k].next, topic, partition);
	}
	/* When they were taken from us by a timeout it is too late to say anything. */
	if (last->cnt > 0 && !in->tracing.env.once && !rd_kafka_assignment_lost(in->rk))
		rd_kafka_commit(in->rk, last, 0);
	rd_kafka_topic_partition_list_destroy(last);
}

/* ------------------------------------------------------------ what librdkafka calls */

static void
on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
	rd_kafka_topic_partition_list_t *parts, void *ctx)
{
	struct input *in = ctx;
	bool cooperative = strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0;

	if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		in->trouble[0] = '\0';
		if (cooperative)
			rd_kafka_error_destroy(rd_kafka_incremental_assign(rk, parts));
		else
			rd_kafka_assign(rk, parts);
		if (in->paused)
			rd_kafka_pause_partitions(rk, parts);
		return;
	}
	hand_over(in, parts);
	if (cooperative)
		rd_kafka_error_destroy(rd_kafka_incremental_unassign(rk, parts));
	else
		rd_kafka_assign(rk, NULL);
}

static void
on_error(rd_kafka_t *rk, int code, const char *why, void *ctx)
{
	struct input *in = ctx;

	(void)rk;
	snprintf(in->trouble, sizeof(in->trouble), "%s (%s)", why,
		rd_kafka_err2name((rd_kafka_resp_err_t)code));
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text;
}

/* ------------------------------------------------------------ set-up */

static enum status
set(rd_kafka_conf_t *conf, const char *key, const char *value, struct diag *d)
{
	char why[256];

	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return STATUS_OK;
	return diag_set(d, STATUS_ERR_USAGE, "kafka: %s", why);
}

/* "key=value" */
static enum status
set_pair(rd_kafka_conf_t *conf, const char *text, struct diag *d)
{
	const char *eq = strchr(text, '=');
	enum status s;
	char *key;

	if (!eq || eq == text)
		return diag_set(
			d, STATUS_ERR_USAGE, "'%s' is not KEY=VALUE of librdkafka", text);
	key = xstrndup(text, (size_t)(eq - text));
	s = set(conf, key, eq + 1, d);
	free(key);
	return s;
}

/* Lines of key=value; secrets belong here, not where every process can see them. */
static enum status
set_file(rd_kafka_conf_t *conf, const char *path, struct diag *d)
{
	FILE *file = fopen(path, "re");
	enum status s = STATUS_OK;
	char line[4096];

	if (!file)
		return diag_set(d, STATUS_ERR_USAGE, "cannot read '%s': %s", path,
			strerror(errno));
	while (!s && fgets(line, sizeof(line), file)) {
		char *text = line + strspn(line, " \t");

		text[strcspn(text, "\r\n")] = '\0';
		if (text[0] != '\0' && text[0] != '#')
			s = set_pair(conf, text, d);
	}
	fclose(file);
	return s;
}

static enum status
configure(struct input *in, rd_kafka_conf_t *conf, const struct words *w, struct diag *d)
{
	const struct {
		const char *key, *value;
	} pairs[] = {
		{ "client.id", "weir-agent" },
		{ "auto.offset.reset", w->from ? w->from : "latest" },
		{ "queued.max.messages.kbytes", "16384" },
		{ "bootstrap.servers", w->brokers },
		{ "group.id", w->group },
	};
	enum status s = STATUS_OK;

	for (unsigned i = 0; !s && i < ARRAY_LEN(pairs); i++)
		s = set(conf, pairs[i].key, pairs[i].value, d);
	if (!s && w->config_file)
		s = set_file(conf, w->config_file, d);
	for (unsigned i = 0; !s && w->config[i]; i++)
		s = set_pair(conf, w->config[i], d);
	/* Not for the user to change: when something is committed is known here only. */
	if (!s)
		s = set(conf, "enable.auto.commit", "false", d);
	if (!s)
		s = set(conf, "enable.auto.offset.store", "false", d);
	rd_kafka_conf_set_opaque(conf, in);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return s;
}

static enum status
read_words(struct input *in, const struct words *w, struct diag *d)
{
	static const char *const signals[] = { "traces", "metrics", "logs", NULL };
	static const char *const encodings[] = { "protobuf", "json", "auto", NULL };
	unsigned signal = 0, encoding = 0;

	if (!w->brokers || !w->topic[0] || !w->group)
		return diag_set(d, STATUS_ERR_USAGE,
			"kafka needs --brokers HOST:PORT, --topic NAME and --group-id "
			"NAME");
	while (w->signal && signals[signal] && strcmp(signals[signal], w->signal) != 0)
		signal++;
	if (!signals[signal])
		return diag_set(d, STATUS_ERR_USAGE,
			"--signal '%s' is none of traces metrics logs", w->signal);
	while (encodings[encoding] &&
		strcmp(encodings[encoding], w->encoding ? w->encoding : "auto") != 0)
		encoding++;
	if (!encodings[encoding])
		return diag_set(d, STATUS_ERR_USAGE,
			"--message '%s' is none of protobuf json auto", w->encoding);
	if (w->from && strcmp(w->from, "latest") != 0 && strcmp(w->from, "earliest") != 0)
		return diag_set(d, STATUS_ERR_USAGE,
			"--from '%s' is neither latest nor earliest", w->from);
	in->signal = (enum otlp_signal)signal;
	in->detect = encoding == 2;
	in->encoding = encoding == 0 ? OTLP_PROTOBUF : OTLP_JSON;
	in->hold_us = WAIT_US;
	if (w->tracing.wait && args_duration("--wait", w->tracing.wait, &in->hold_us, d))
		return d->status;
	in->hold_us += SENT_US;
	in->topics = rd_kafka_topic_partition_list_new(MAX_TOPICS);
	buf_addf(&in->where, "%s", w->brokers);
	for (unsigned i = 0; w->topic[i]; i++) {
		buf_addf(&in->where, " %s", w->topic[i]);
		rd_kafka_topic_partition_list_add(
			in->topics, w->topic[i], RD_KAFKA_PARTITION_UA);
	}
	return STATUS_OK;
}

static enum status
start(struct input *in, const struct words *w, struct diag *d)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	if (configure(in, conf, w, d)) {
		rd_kafka_conf_destroy(conf);
		return d->status;
	}
	in->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!in->rk) {
		rd_kafka_conf_destroy(conf);
		return diag_set(d, STATUS_ERR_USAGE, "kafka: %s", why);
	}
	rd_kafka_poll_set_consumer(in->rk);
	in->next = rd_kafka_topic_partition_list_new(16);
	in->queue = rd_kafka_queue_get_consumer(in->rk);
	if (pipe(in->wake))
		return diag_set(
			d, STATUS_ERR_SYSTEM, "cannot make a pipe: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		fcntl(in->wake[i], F_SETFL, O_NONBLOCK);
		fcntl(in->wake[i], F_SETFD, FD_CLOEXEC);
	}
	rd_kafka_queue_io_event_enable(in->queue, in->wake[1], "", 1);
	return STATUS_OK;
}

/* ------------------------------------------------------------ life */

static void
kafka_close(struct input *in, struct input_time t)
{
	if (in->tracing.pair)
		tracing_close(&in->tracing, t);
	if (in->rk && in->subscribed) {
		if (in->next->cnt > 0 && !in->tracing.env.once &&
			!rd_kafka_assignment_lost(in->rk))
			rd_kafka_commit(in->rk, in->next, 0);
		rd_kafka_consumer_close(in->rk);
	}
	if (in->queue) {
		rd_kafka_queue_io_event_enable(in->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(in->queue);
	}
	drop_marks(in, in->marks);
	if (in->next)
		rd_kafka_topic_partition_list_destroy(in->next);
	if (in->topics)
		rd_kafka_topic_partition_list_destroy(in->topics);
	if (in->rk)
		rd_kafka_destroy(in->rk);
	for (int i = 0; i < 2; i++)
		if (in->wake[i] >= 0)
			close(in->wake[i]);
	buf_done(&in->body);
	buf_done(&in->where);
	free(in);
}

static struct input *
kafka_open(int argc, char **argv, const struct input_env *env, struct diag *d)
{
	struct input *in = xcalloc(1, sizeof(*in));
	struct words w = { 0 };
	const struct args_option table[] = {
		{ "--brokers", &w.brokers },
		{ .name = "--topic", .value = w.topic, .max = MAX_TOPICS },
		{ "--group-id", &w.group },
		{ "--signal", &w.signal },
		{ "--message", &w.encoding },
		{ "--from", &w.from },
		{ .name = "--config", .value = w.config, .max = MAX_CONFIG },
		{ "--config-file", &w.config_file },
		TRACING_ARGS(&w.tracing),
		OTLP_ARGS(&w.tracing),
		{ NULL, NULL },
	};
	int words = args_take(argc, argv, table, d);

	in->wake[0] = in->wake[1] = -1;
	if (words > 0)
		diag_set(d, STATUS_ERR_USAGE, "kafka reads no files ('%s')", argv[1]);
	if (words == 0 && read_words(in, &w, d) == STATUS_OK &&
		tracing_open(&in->tracing, &w.tracing, env, d) == STATUS_OK &&
		start(in, &w, d) == STATUS_OK)
		return in;
	kafka_close(in, (struct input_time){ 0 });
	return NULL;
}

/* ------------------------------------------------------------ messages */

static enum otlp_encoding
encoding_of(const struct input *in)
{
	size_t i = 0;

	if (!in->detect)
		return in->encoding;
	/* No protobuf message of OTLP's can begin with a brace. */
	while (i < in->body.n && strchr(" \t\r\n", in->body.p[i]) && in->body.p[i])
		i++;
	return i < in->body.n && in->body.p[i] == '{' ? OTLP_JSON : OTLP_PROTOBUF;
}

static void
take(struct input *in, const rd_kafka_message_t *m)
{
	const struct otlp_sink sink = tracing_sink(&in->tracing);
	struct otlp_result result = { 0 };

	remember(in, m);
	in->heard_us = in->tracing.now_us;
	in->messages++;
	in->bytes += m->len;
	if (m->len == 0) {
		in->empty++;
		return;
	}
	buf_clear(&in->body);
	buf_add(&in->body, m->payload, m->len);
	if (otlp_read(
		    in->signal, encoding_of(in), in->body.p, in->body.n, &sink, &result))
		in->tracing.unreadable++;
	in->tracing.rejected += result.rejected;
}

static void
pause_or_resume(struct input *in, bool pause)
{
	rd_kafka_topic_partition_list_t *parts = NULL;

	if (pause == in->paused || rd_kafka_assignment(in->rk, &parts))
		return;
	if (pause)
		rd_kafka_pause_partitions(in->rk, parts);
	else
		rd_kafka_resume_partitions(in->rk, parts);
	rd_kafka_topic_partition_list_destroy(parts);
	in->paused = pause;
}

/* ------------------------------------------------------------ the input */

static unsigned
kafka_fds(struct input *in, struct pollfd *fds, unsigned max, int64_t *ret_wait_us)
{
	*ret_wait_us = tracing_wait(
		&in->tracing, tracing_congested(&in->tracing) ? PAUSE_US : MARK_US);
	if (max == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = in->wake[0], .events = POLLIN };
	return 1;
}

static enum status
kafka_step(struct input *in, struct input_time t, struct diag *d)
{
	bool congested = tracing_congested(&in->tracing);
	char bytes[64];

	tracing_now(&in->tracing, t);
	/* Nothing is read before somebody takes it. */
	if (!in->subscribed && congested)
		return STATUS_OK;
	if (!in->subscribed && rd_kafka_subscribe(in->rk, in->topics))
		return diag_set(d, STATUS_ERR_USAGE, "cannot subscribe to '%s'",
			in->topics->elems[0].topic);
	if (!in->subscribed)
		in->heard_us = t.mono_us;
	in->subscribed = true;
	while (read(in->wake[0], bytes, sizeof(bytes)) > 0)
		;
	pause_or_resume(in, congested);
	/* Polled while paused as well: the group throws out who is silent. */
	for (unsigned i = 0; i < BATCH; i++) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(in->rk, 0);

		if (!m)
			break;
		if (m->err) {
			on_error(in->rk, m->err, rd_kafka_message_errstr(m), in);
		} else {
			in->trouble[0] = '\0';
			take(in, m);
		}
		rd_kafka_message_destroy(m);
		if (i + 1 == BATCH) /* there may be more: come back at once */
			(void)!write(in->wake[1], "", 1);
	}
	tracing_tick(&in->tracing);
	commit_due(in);
	if (in->tracing.env.once && t.mono_us - in->heard_us > IDLE_US)
		return STATUS_ERR_TRUNCATED;
	return STATUS_OK;
}

static void
kafka_counts(const struct input *in, struct input_counts *ret_counts)
{
	*ret_counts = (struct input_counts){
		.requests = in->messages,
		.bytes = in->bytes,
		.passed = in->empty,
	};
	tracing_counts(&in->tracing, ret_counts);
}

static const char *
kafka_where(const struct input *in)
{
	return buf_cstr(&in->where);
}

static const char *
kafka_trouble(const struct input *in)
{
	return in->trouble;
}

const struct input_ops input_kafka = {
	.id = "kafka",
	.about = "OpenTelemetry messages from Kafka topics, as one of a group",
	.options = "  --brokers LIST     HOST:PORT of some, with ',' between\n"
		   "  --topic NAME       repeatable; ^REGEX for all that match\n"
		   "  --group-id NAME    agents of one group share the partitions\n"
		   "  --signal NAME      traces (default), metrics or logs\n"
		   "  --message NAME     protobuf, json or auto (default)\n"
		   "  --from WHERE       latest (default) or earliest, for a new group\n"
		   "  --config KEY=VALUE of librdkafka; repeatable\n"
		   "  --config-file FILE lines of the same, for secrets\n" TRACING_HELP
			   OTLP_HELP,
	.ends = true,
	.open = kafka_open,
	.fds = kafka_fds,
	.step = kafka_step,
	.counts = kafka_counts,
	.where = kafka_where,
	.trouble = kafka_trouble,
	.close = kafka_close,
};
