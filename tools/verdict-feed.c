/*
 * verdict-feed - run the verdict engine over flows on stdin, one JSON object a line, in
 * the order of their "ts" (end time in seconds):
 *
 *   {"ts":1.5,"src":"a","dst":"b","op":"GET /","lat_us":1830,"n":1,"err":0,"kind":"db",
 *    "srv_us":900,"queue_us":20,"self_us":400,"crit_us":1830}
 *
 * Prints the timeline and the verdict whenever it changes; with -s a line for every
 * second: time, sources and targets of the ranked causes, tab-separated. -l SECONDS
 * lets everything arrive that much later than it ended. -e SRC:DST:KIND prints the
 * numbers of that edge every second.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/json.h"
#include "weir/base/names.h"
#include "weir/base/util.h"
#include "weir/core/sentence.h"

static struct names *names;
static const char *watched;

static const char *
name_of(void *ctx, uint32_t id)
{
	(void)ctx;
	return names_text(names, id);
}

static int64_t
microseconds(struct str s, double unit)
{
	double x;

	return json_double(s, &x) ? (int64_t)(x * unit + .5) : FLOW_UNKNOWN;
}

static bool
read_line(char *line, size_t n, struct verdict_obs *o)
{
	struct json j;
	struct str key;

	*o = (struct verdict_obs){ .op = VERDICT_NONE,
		.end_us = -1,
		.latency_us = FLOW_UNKNOWN,
		.server_us = FLOW_UNKNOWN,
		.queue_us = FLOW_UNKNOWN,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = 1 };
	json_init(&j, line, n, 1000, false);
	if (!json_enter(&j, JSON_OBJECT))
		return false;
	while (json_key(&j, &key)) {
		struct str k = key, s;

		json_next(&j);
		s = j.text;
		if (str_eq(k, STR("ts")))
			o->end_us = microseconds(s, 1e6);
		else if (str_eq(k, STR("src")))
			o->src = names_id(names, s);
		else if (str_eq(k, STR("dst")))
			o->dst = names_id(names, s);
		else if (str_eq(k, STR("op")) && s.n)
			o->op = names_id(names, s);
		else if (str_eq(k, STR("lat_us")))
			o->latency_us = microseconds(s, 1);
		else if (str_eq(k, STR("srv_us")))
			o->server_us = microseconds(s, 1);
		else if (str_eq(k, STR("queue_us")))
			o->queue_us = microseconds(s, 1);
		else if (str_eq(k, STR("self_us")))
			o->self_us = microseconds(s, 1);
		else if (str_eq(k, STR("crit_us")))
			o->blocked_us = microseconds(s, 1);
		else if (str_eq(k, STR("n")))
			o->calls = (uint32_t)microseconds(s, 1);
		else if (str_eq(k, STR("err")))
			o->failed = (uint32_t)microseconds(s, 1);
		else if (str_eq(k, STR("kind")) && !flow_kind_from(s, &o->kind))
			o->kind = str_eq(s, STR("async")) ? KIND_MSG : KIND_UNKNOWN;
	}
	return json_finish(&j) == STATUS_OK && o->end_us >= 0;
}

static void
print_events(struct verdict *v, const struct verdict_options *o, uint64_t *seen)
{
	static const struct sentence_style style = { .ascii = false };
	struct verdict_event e;

	while (verdict_events(v, *seen, &e, 1)) {
		struct sentence said;

		*seen = e.number;
		sentence_event(&said, &e, o, &style);
		printf("%" PRId64 " event %" PRIu64 " %s\n", e.at_us / SEC_US, e.number,
			said.text);
	}
}

static void
print_verdict(struct verdict *v, const struct verdict_options *o, int64_t sec)
{
	static const struct sentence_style style = { .ascii = false };
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(v, &n);

	for (uint32_t i = 0; i < MIN(n, 3u); i++) {
		struct sentence said;

		sentence_write(&said, &c[i], o, &style);
		printf("%" PRId64 " %s %u. %s  [%s %.3g]\n", sec, i ? "   " : "VERDICT",
			i + 1, said.text, anomaly_word(c[i].kind), c[i].score);
	}
	if (!n)
		printf("%" PRId64 " CALM\n", sec);
}

static void
print_second(struct verdict *v, int64_t sec)
{
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(v, &n);

	printf("%" PRId64, sec);
	for (uint32_t i = 0; i < n; i++)
		printf("\t%s>%s>%s>%s", names_text(names, c[i].node),
			c[i].src == VERDICT_NONE ? "" : names_text(names, c[i].src),
			c[i].dst == VERDICT_NONE ? "" : names_text(names, c[i].dst),
			anomaly_word(c[i].kind));
	putchar('\n');
}

static void
print_watched(struct verdict *v, int64_t sec)
{
	char src[256], dst[256], word[32] = "unknown";
	enum flow_kind kind = KIND_UNKNOWN;
	struct verdict_numbers n;

	if (sscanf(watched, "%255[^:]:%255[^:]:%31s", src, dst, word) < 2 ||
		!flow_kind_from(str_of(word), &kind) ||
		!verdict_edge_numbers(v, names_find(names, str_of(src)),
			names_find(names, str_of(dst)), kind, &n))
		return;
	printf("%" PRId64 " n=%.0f/%" PRId64 "s mean=%" PRId64 "(%" PRId64
	       ") p50=%" PRId64 "(%" PRId64 ") p95=%" PRId64 "(%" PRId64 ") p99=%" PRId64
	       "(%" PRId64 ") learnt=%.0f err=%.3f(%.3f) rate=%.1f(%.1f) wait=%" PRId64
	       "(%" PRId64 ") z: lat %.2f err %.2f wait %.2f vol %.2f\n",
		sec, n.calls, n.window_us / SEC_US, n.mean_us, n.usual_mean_us, n.p50_us,
		n.usual_p50_us, n.p95_us, n.usual_p95_us, n.p99_us, n.usual_p99_us,
		n.usual_requests, n.error_ratio, n.usual_error_ratio, n.rate,
		n.usual_rate, n.wait_us, n.usual_wait_us, n.z_latency, n.z_errors,
		n.z_wait, n.z_volume);
}

static void
tick(struct verdict *v, const struct verdict_options *o, int64_t now_us, bool seconds)
{
	static uint64_t events;
	static uint32_t last = VERDICT_NONE;
	uint32_t n;
	const struct verdict_cause *c;

	verdict_tick(v, now_us);
	if (watched)
		print_watched(v, now_us / SEC_US);
	if (seconds) {
		print_second(v, now_us / SEC_US);
		return;
	}
	print_events(v, o, &events);
	c = verdict_causes(v, &n);
	if ((n ? c[0].node : VERDICT_NONE) == last && now_us / SEC_US % 10)
		return;
	if (n || last != VERDICT_NONE)
		print_verdict(v, o, now_us / SEC_US);
	last = n ? c[0].node : VERDICT_NONE;
}

int
main(int argc, char **argv)
{
	struct verdict_options o = { .node_name = name_of, .op_name = name_of };
	struct verdict *v;
	struct verdict_obs obs;
	bool seconds = false;
	int64_t at = 0, late = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int c;

	while ((c = getopt(argc, argv, "sl:e:")) != -1) {
		if (c == 's')
			seconds = true;
		else if (c == 'e')
			watched = optarg;
		else if (c == 'l')
			late = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	names = names_new(100000, 16 << 20);
	v = verdict_new(&o);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (!read_line(line, (size_t)n, &obs))
			continue;
		if (!at)
			at = obs.end_us / SEC_US + late;
		while (at <= obs.end_us / SEC_US + late)
			tick(v, &o, at++ * SEC_US, seconds);
		verdict_observe(v, &obs, obs.end_us + late * SEC_US);
	}
	for (int64_t end = at + 30; at < end; at++)
		tick(v, &o, at * SEC_US, seconds);
	verdict_free(v);
	names_free(names);
	free(line);
	return 0;
}
