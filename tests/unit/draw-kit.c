#include "config.h"

#include "draw-kit.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/names.h"
#include "weir/base/util.h"

#define MS MSEC_US
#define NOW (INT64_C(1767621751) * SEC_US) /* 2026-01-05 14:02:31 UTC */

struct flow_row {
	const char *src, *dst;
	enum flow_kind kind;
	enum severity severity;
	double rate, errors; /* per second, ratio */
	int64_t p50, p95, p99, max;
	const char *op[3];
};

static const struct flow_row shop[] = {
	{ "loadgenerator", "frontend", KIND_HTTP, SEV_WARN, 36, 0.012, 120 * MS, 900 * MS,
		1800 * MS, 2400 * MS,
		{ "GET /", "POST /cart/checkout", "GET /product" } },
	{ "frontend", "ad", KIND_GRPC, SEV_OK, 19, 0, 4 * MS, 11 * MS, 18 * MS, 30 * MS,
		{ "GetAds" } },
	{ "frontend", "cart", KIND_GRPC, SEV_OK, 11, 0, 9 * MS, 22 * MS, 39 * MS, 55 * MS,
		{ "GetCart", "AddItem" } },
	{ "frontend", "checkout", KIND_GRPC, SEV_WARN, 24, 0.031, 310 * MS, 1400 * MS,
		1700 * MS, 2300 * MS, { "PlaceOrder" } },
	{ "frontend", "currency", KIND_GRPC, SEV_OK, 17, 0, 850, 1900, 2900, 5 * MS,
		{ "Convert", "GetSupportedCurrencies" } },
	{ "frontend", "productcatalog", KIND_GRPC, SEV_OK, 1532.4, 0.0001, 7 * MS,
		21 * MS, 32 * MS, 48 * MS, { "ListProducts", "GetProduct" } },
	{ "frontend", "recommendation", KIND_GRPC, SEV_OK, 2.1, 0, 12 * MS, 30 * MS,
		37 * MS, 41 * MS, { "ListRecommendations" } },
	{ "cart", "redis-cart", KIND_DB, SEV_OK, 0.7, 0, 1 * MS, 9 * MS, 32 * MS, 33 * MS,
		{ "HGET", "HMSET" } },
	{ "checkout", "cart", KIND_GRPC, SEV_OK, 2.3, 0, 8 * MS, 20 * MS, 39 * MS,
		51 * MS, { "GetCart", "EmptyCart" } },
	{ "checkout", "email", KIND_MSG, SEV_IDLE, 0, NAN, -1, -1, -1, -1, { "orders" } },
	{ "checkout", "payment", KIND_GRPC, SEV_WARN, 15.2, 0.0033, 290 * MS, 1300 * MS,
		1650 * MS, 1910 * MS, { "Charge", "Refund", "Verify" } },
	{ "checkout", "shipping", KIND_GRPC, SEV_OK, 14, 0, 2 * MS, 3 * MS, 4 * MS,
		9 * MS, { "ShipOrder" } },
	{ "payment", "postgres", KIND_DB, SEV_CRIT, 15.1, 0.12, 260 * MS, 1280 * MS,
		1600 * MS, 1890 * MS,
		{ "UPDATE accounts SET balance = ? WHERE id = ?", "SELECT accounts" } },
	{ "recommendation", "productcatalog", KIND_GRPC, SEV_OK, 1.5, 0, 7 * MS, 21 * MS,
		32 * MS, 48 * MS, { "ListProducts" } },
};

static uint32_t
node_index(struct snap *s, const char *name)
{
	struct snap_node *n;

	for (uint32_t i = 0; i < s->nodes; i++)
		if (strcmp(s->node[i].name, name) == 0)
			return i;
	n = snap_node_add(s, name);
	n->key = 100 + s->nodes;
	n->last_us = NOW - 400 * MS;
	n->kind = strcmp(name, "postgres") == 0 || strcmp(name, "redis-cart") == 0
			  ? NODE_DB
			  : NODE_SERVICE;
	return s->nodes - 1;
}

static struct snap_stat
stat_of(const struct flow_row *r, double share)
{
	uint64_t calls = (uint64_t)(r->rate * 60 * share);

	return (struct snap_stat){
		.calls = calls,
		.errors = isnan(r->errors) ? 0 : (uint64_t)((double)calls * r->errors),
		.samples = r->p99 < 0 ? 0 : calls,
		.rate = r->rate * share,
		.p50_us = r->p50,
		.p95_us = r->p95,
		.p99_us = r->p99,
		.max_us = r->max,
		.bytes_in = SNAP_UNKNOWN,
		.bytes_out = calls ? (int64_t)calls * 842 : SNAP_UNKNOWN,
	};
}

static void
add_exemplars(struct snap *s, const struct flow_row *r)
{
	for (int i = 0; i < 3 && r->p99 > 0; i++) {
		struct snap_exemplar *x = snap_exemplar_add(s);

		x->latency_us = r->max - i * 7 * MS;
		x->end_us = NOW - (3 + 8 * i) * SEC_US;
		x->failed = i == 1 && r->errors > 0;
		for (size_t k = 0; k < sizeof(x->ids.trace); k++)
			x->ids.trace[k] = (uint8_t)(0x4b + 37 * k + 11 * (size_t)i);
	}
}

/* The access log knows of fewer calls where something is wrong, and of no latency. */
static void
add_views(struct snap *s, const struct flow_row *r)
{
	struct snap_view *v = snap_view_add(s, ORIGIN_OTLP);

	v->shown = true;
	v->stat = stat_of(r, 1);
	v = snap_view_add(s, ORIGIN_ACCESSLOG);
	v->stat = stat_of(r, r->severity >= SEV_WARN ? 0.6 : 0.98);
	v->stat.samples = 0;
	v->stat.p50_us = v->stat.p95_us = v->stat.p99_us = v->stat.max_us = SNAP_UNKNOWN;
}

static void
add_flow(struct snap *s, const struct flow_row *r)
{
	uint32_t src = node_index(s, r->src), dst = node_index(s, r->dst);
	struct snap_edge *e = snap_edge_add(s, src, dst);
	struct snap_node *from = &s->node[src], *to = &s->node[dst];
	static const double share[] = { 0.7, 0.25, 0.05 };

	e->kind = r->kind;
	e->severity = r->severity;
	e->stat = stat_of(r, 1);
	e->origins =
		1u << ORIGIN_OTLP | (r->kind == KIND_HTTP ? 1u << ORIGIN_ACCESSLOG : 0);
	e->first_us = NOW - 754 * SEC_US;
	e->last_us = NOW - 300 * MS;
	e->key = 1000 + s->edges;
	e->server_p99_us = r->p99 > 0 ? r->p99 - 2 * MS / 10 : SNAP_UNKNOWN;
	for (int i = 0; i < 3 && r->op[i]; i++)
		snap_op_add(s, r->op[i])->stat = stat_of(r, share[i]);
	add_exemplars(s, r);
	if (r->kind == KIND_HTTP)
		add_views(s, r);

	from->rate_out = (isnan(from->rate_out) ? 0 : from->rate_out) + r->rate;
	to->rate_in = (isnan(to->rate_in) ? 0 : to->rate_in) + r->rate;
	to->calls_in += e->stat.calls;
	to->errors_in += e->stat.errors;
	to->p99_in_us = MAX(to->p99_in_us, r->p99);
	to->severity = MAX(to->severity, r->severity);
}

static void
add_agents(struct snap *s)
{
	static const char *const hosts[] = { "node-a", "node-b", "" };
	static const char *const inputs[] = { "otlp", "", "" };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct snap_agent *a = snap_agent_add(s);

		a->id[0] = (uint8_t)(0x1f * (i + 1));
		a->host = hosts[i];
		a->input = inputs[i];
		a->live = true;
		a->age_us = 400 * MS;
		a->skew_us = i == 2 ? SNAP_UNKNOWN : (int64_t)(i + 1) * 300;
		a->received = 100000 * (i + 1);
	}
}

static void
finish(struct snap *s)
{
	snap_sort(s);
	for (uint32_t i = 0; i < s->nodes; i++) {
		if (s->node[i].calls_in == 0 && isnan(s->node[i].rate_in))
			s->node[i].severity = SEV_OK;
		s->sev_count[s->node[i].severity]++;
	}
}

static void
begin(struct snap *s)
{
	snap_clear(s);
	s->now_us = NOW;
	s->window_us = 60 * SEC_US;
	s->covered_us = 60 * SEC_US;
	s->thresholds = (struct thresholds)THRESHOLDS_DEFAULT;
	s->quality.received = 600000;
	s->quality.events_per_s = 1690;
	s->quality.newest_us = NOW - 300 * MS;
	add_agents(s);
}

struct clause {
	unsigned rank;
	const char *text;
};

static void
say(struct sentence *s, size_t n, const struct clause clause[])
{
	*s = (struct sentence){ .n = 0 };
	for (size_t i = 0; i < n; i++)
		sentence_add(s, clause[i].rank, str_of(clause[i].text));
}

/* What stands behind a comma is a clause that can be left out. */
static void
say_event(struct sentence *s, const char *text)
{
	size_t n = strcspn(text, ",");

	*s = (struct sentence){ .n = 0 };
	sentence_add(s, 0, (struct str){ text, n });
	sentence_add(s, 2, str_of(text + n));
}

void
kit_shop(struct snap *s)
{
	static const struct clause clauses[] = {
		{ 0, "payment \xe2\x86\x92 postgres" },
		{ 0, " p99 1.6s" },
		{ 2, " is behind frontend \xe2\x86\x92 checkout \xe2\x86\x92 payment" },
	};

	begin(s);
	for (size_t i = 0; i < ARRAY_LEN(shop); i++)
		add_flow(s, &shop[i]);
	say(&s->headline, ARRAY_LEN(clauses), clauses);
	finish(s);
}

/* Requests of @us, and more and fewer of them over the last minute. */
static void
add_hump(struct shape *sh, int64_t us, double many, double wide)
{
	double middle = shape_bin(us);

	for (unsigned b = 0; b < SHAPE_BINS; b++) {
		double off = ((double)b - middle) / wide, n = many * exp(-off * off);

		sh->count[b] += (uint64_t)n;
		for (unsigned i = 0; i < SHAPE_SECONDS; i++)
			sh->second[i][b / SHAPE_COARSE] +=
				(uint32_t)(n / 60 * (1 + 0.5 * sin(i / 5.0)));
	}
}

void
kit_closeup(struct snap *s)
{
	kit_shop(s);
	for (uint32_t i = 0; i < s->edges; i++)
		if (s->edge[i].stat.p99_us == 1600 * MS) {
			struct shape *sh = &s->shape;

			sh->filled = true;
			sh->filled_key = s->edge[i].key;
			sh->known_seconds = 45;
			add_hump(sh, 40 * MS, 60, 4);
			add_hump(sh, 800 * MS, 200, 3);
		}
}

void
kit_verdict(struct snap *s)
{
	static const struct {
		enum verdict_change change;
		enum anomaly anomaly;
		int seconds_ago;
		const char *text;
	} told[] = {
		{ VERDICT_NAMED, ANOMALY_LATENCY, 12,
			"payment \xe2\x86\x92 postgres UPDATE accounts: is the cause, "
			"p99 1.6 s, "
			"12\xc3\x97 its baseline" },
		{ VERDICT_OPENED, ANOMALY_LATENCY, 13,
			"checkout \xe2\x86\x92 payment: latency begins, p99 1.6 s, "
			"9\xc3\x97 its "
			"baseline" },
		{ VERDICT_CLOSED, ANOMALY_ERRORS, 95,
			"frontend \xe2\x86\x92 ad: errors end" },
		{ VERDICT_CLEARED, ANOMALY_ERRORS, 95, "nothing is wrong any more" },
		{ VERDICT_FEED_BACK, ANOMALY_NEW, 300, "the feed is back" },
	};
	static const struct clause clauses[] = {
		{ 0, "payment \xe2\x86\x92 postgres" },
		{ 1, " UPDATE accounts" },
		{ 0, ": p99 1.6 s" },
		{ 2, ", 12\xc3\x97 its baseline" },
		{ 8, " (n=412)" },
		{ 3, "; explains 93 % of loadgenerator \xe2\x86\x92 frontend" },
		{ 5, "; since 14:02:10" },
		{ 6, "; 3 log lines \"still waiting for ShareLock\"" },
	};
	struct snap_event *e;

	kit_shop(s);
	s->causes = 1;
	s->cause[0] = (struct snap_cause){ .kind = ANOMALY_LATENCY,
		.node = "postgres",
		.src = "payment",
		.dst = "postgres" };
	say(&s->cause[0].sentence, ARRAY_LEN(clauses), clauses);
	s->headline = s->cause[0].sentence;
	e = snap_events(s, ARRAY_LEN(told));
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		e[i] = (struct snap_event){ .number = ARRAY_LEN(told) - i,
			.at_us = NOW - told[i].seconds_ago * SEC_US,
			.change = told[i].change,
			.anomaly = told[i].anomaly };
		say_event(&e[i].said, told[i].text);
	}
}

static void
why_of(struct snap *s, const struct snap_edge *e)
{
	struct verdict_why *w = &s->why.why;

	s->why.filled = true;
	s->why.key = e->key;
	*w = (struct verdict_why){
		.numbers = { .calls = 412,
			.window_us = 10 * SEC_US,
			.mean_us = 310 * MS,
			.usual_mean_us = 4 * MS,
			.p50_us = 3 * MS,
			.usual_p50_us = 3 * MS,
			.p95_us = 1400 * MS,
			.usual_p95_us = 30 * MS,
			.p99_us = 1600 * MS,
			.usual_p99_us = 133 * MS,
			.usual_requests = 81234,
			.error_ratio = .02,
			.usual_error_ratio = .001,
			.rate = 41.2,
			.usual_rate = 43,
			.wait_us = FLOW_UNKNOWN,
			.z_latency = 14.2,
			.z_errors = 2.4,
			.z_volume = -.3 },
		.limits = anomaly_limits_default,
		.own_excess_us = 290e3,
		.channel = ANOMALY_LATENCY,
		.claim = 12.1,
		.flow = 11.6,
		.stays = 11.6,
		.total = 12.5,
	};
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		w->since_us[a] = FLOW_UNKNOWN;
	w->since_us[ANOMALY_LATENCY] = NOW - 21 * SEC_US;
}

void
kit_why(struct snap *s)
{
	const struct snap_edge *e = NULL;

	kit_verdict(s);
	for (uint32_t i = 0; i < s->edges; i++)
		if (strcmp(s->node[s->edge[i].dst].name, "postgres") == 0 &&
			strcmp(s->node[s->edge[i].src].name, "payment") == 0)
			e = &s->edge[i];
	s->cause[0].edge = e->key;
	s->cause[0].op = "UPDATE accounts";
	s->cause[0].score = 11.6;
	s->cause[0].explained = 1;
	s->cause[0].explains[0].src = "loadgenerator";
	s->cause[0].explains[0].dst = "frontend";
	s->cause[0].explains[0].share = .93;
	why_of(s, e);
	s->cause[0].numbers = s->why.why.numbers;
	s->cause[0].numbers.p50_us = 900 * MS;
}

/* A victim: what it claims is handed on. */
void
kit_why_victim(struct snap *s)
{
	struct snap_edge *e = NULL;
	struct verdict_why *w = &s->why.why;

	kit_why(s);
	for (uint32_t i = 0; i < s->edges; i++)
		if (strcmp(s->node[s->edge[i].dst].name, "checkout") == 0)
			e = &s->edge[i];
	e->alarms = 1u << ANOMALY_LATENCY;
	e->since_us = NOW - 19 * SEC_US;
	why_of(s, e);
	w->own_excess_us = NAN;
	w->stays = .4;
	w->behinds = 2;
	w->behind_all = 3;
	w->behind[0] = (struct verdict_behind){ .claim = 11.9, .flow = 11.2, .z = 9.1 };
	w->behind[1] = (struct verdict_behind){ .claim = 0, .flow = 0, .z = .4 };
	s->why.behind[0].src = s->why.behind[1].src = "checkout";
	s->why.behind[0].dst = "payment";
	s->why.behind[1].dst = "currency";
}

void
kit_calm(struct snap *s)
{
	begin(s);
	for (size_t i = 0; i < ARRAY_LEN(shop); i++) {
		struct flow_row r = shop[i];

		if (r.severity >= SEV_WARN) {
			r.severity = SEV_OK;
			r.errors = 0;
			r.p50 /= 40;
			r.p95 /= 40;
			r.p99 /= 40;
			r.max /= 40;
		}
		add_flow(s, &r);
	}
	finish(s);
}

struct names *
kit_hostile(struct snap *s)
{
	static const char *const raw[] = {
		"\033[2J\033[31mred",
		"line\nfeed\ttab\rcr\b",
		"rtl\xe2\x80\xaetxt.exe",
		"zero\xe2\x80\x8bwidth\xef\xbb\xbf",
		"\xe6\x94\xaf\xe4\xbb\x98\xe6\x9c\x8d\xe5\x8a\xa1\xe6\x94\xaf\xe4\xbb"
		"\x98",
		"\xf0\x9f\x9a\x80\xf0\x9f\x94\xa5rocket",
		"e\xcc\x81\xcc\x81\xcc\x81zalgo",
		"bad\xff\xfe\xc0\xaf",
		"averyveryveryveryveryveryveryveryveryveryverylongservicename-prod-eu-"
		"west-1",
	};
	struct names *names = names_new(64, 65536);
	const char *clean[ARRAY_LEN(raw)];

	begin(s);
	for (size_t i = 0; i < ARRAY_LEN(raw); i++)
		clean[i] = names_text(names, names_id(names, str_of(raw[i])));
	for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
		struct flow_row r = shop[i];

		r.src = clean[i];
		r.dst = clean[(i + 1) % ARRAY_LEN(raw)];
		r.op[0] = clean[(i + 4) % ARRAY_LEN(raw)];
		add_flow(s, &r);
	}
	s->headline = (struct sentence){ .n = 0 };
	sentence_add(&s->headline, 0, str_of(clean[0]));
	finish(s);
	return names;
}

unsigned
kit_keys(struct ui *ui, const char *keys)
{
	unsigned bits = 0;

	while (*keys) {
		size_t n = strcspn(keys, " ");
		uint32_t key = key_from_name((struct str){ keys, n });

		cr_assert_neq(key, (uint32_t)WK_NONE, "no key '%.*s'", (int)n, keys);
		bits = ui_key(ui, key);
		keys += n + (keys[n] == ' ');
	}
	return bits;
}

static void
add_section(struct buf *out, const char *title)
{
	buf_addf(out, "== %s\n", title);
}

static bool
read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	for (int c; (c = getc(f)) != EOF;)
		buf_addc(out, (char)c);
	fclose(f);
	return true;
}

void
kit_expect_screen(const struct grid *g, const char *name)
{
	const char *top = getenv("top_srcdir"), *generate = getenv("GENERATE");
	struct buf got = BUF_INIT, want = BUF_INIT;
	char path[512];

	add_section(&got, "glyphs");
	grid_glyph_plane(g, false, &got);
	add_section(&got, "roles");
	grid_role_plane(g, &got);
	add_section(&got, "ascii");
	grid_glyph_plane(g, true, &got);

	snprintf(path, sizeof(path), "%s/tests/golden/ui/%s", top ? top : ".", name);
	if (generate && strcmp(generate, "1") == 0) {
		FILE *f = fopen(path, "w");

		cr_assert(f, "cannot write %s", path);
		fwrite(got.p, 1, got.n, f);
		fclose(f);
	} else if (!read_whole(path, &want)) {
		cr_expect_fail("no %s: GENERATE=1 makes it", path);
	} else {
		cr_expect_str_eq(buf_cstr(&got), buf_cstr(&want),
			"%s is not as before; GENERATE=1 accepts it. Now:\n%s", name,
			buf_cstr(&got));
	}
	buf_done(&got);
	buf_done(&want);
}

/* Hand what was added last over to the node of that name. */
static void
give_remarks(struct snap *s, const char *name, uint32_t notes, uint32_t gauges)
{
	struct snap_node *last = &s->node[s->nodes - 1], *n = last;

	for (uint32_t i = 0; i < s->nodes; i++)
		if (strcmp(s->node[i].name, name) == 0)
			n = &s->node[i];
	last->notes -= notes;
	last->gauges -= gauges;
	n->first_note = s->notes - notes;
	n->first_gauge = s->gauges - gauges;
	n->notes = notes;
	n->gauges = gauges;
}

static void
add_note(struct snap *s, const char *pattern, enum note_severity sev, uint64_t count,
	bool traced)
{
	struct snap_note *n = snap_note_add(s, pattern);

	n->severity = sev;
	n->count = count;
	n->last_us = NOW - (int64_t)(count % 50) * SEC_US;
	for (size_t i = 0; traced && i < sizeof(n->trace); i++)
		n->trace[i] = (uint8_t)(i * 17);
}

static void
add_gauge(struct snap *s, const char *name, const char *unit, double value, double low,
	double high)
{
	struct snap_gauge *g = snap_gauge_add(s, name);

	g->unit = unit;
	g->value = value;
	g->low = low;
	g->high = high;
	g->at_us = NOW - 5 * SEC_US;
}

void
kit_remarks(struct snap *s)
{
	kit_shop(s);
	add_note(s, "canceling statement due to lock timeout", NOTE_ERROR, 131, true);
	add_note(s, "still waiting for ShareLock on transaction <*> after <*>ms",
		NOTE_WARN, 12345, false);
	add_note(s, "checkpoint complete: wrote <*> buffers", NOTE_INFO, 2, false);
	add_gauge(s, "clock.skew{payment}", "us", -1230000, -1230000, 0);
	add_gauge(s, "db.client.connection.count{idle,a-very-long-pool-name-indeed}",
		"{connection}", 12, 0, 40);
	add_gauge(s, "process.cpu.utilization", "1", 0.934, 0.1, 0.99);
	add_gauge(s, "process.memory.usage", "By", 734003200, 1e8, 734003200);
	add_gauge(s, "queue.age", "s", 0.25, 0.001, 93);
	give_remarks(s, "postgres", 3, 5);
}
