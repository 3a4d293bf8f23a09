#include "config.h"

#include "agent-check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/core/hist.h"
#include "weir/draw/fmt.h"
#include "weir/wire/wire.h"

#define MAX_ROWS 1000 /* of each table told by name; the rest in one line */
#define NAME_BYTES 80

/* An edge, the log lines of a service, or a gauge. */
struct row {
	char *name;
	uint64_t hash;
	uint64_t n, failed;
	struct hist latency; /* of edges */
	bool bounds;         /* it is only known below what */
	double value;        /* of gauges, the last */
	char unit[16];
};

struct table {
	struct row row[MAX_ROWS];
	unsigned rows;
	uint64_t other; /* of rows that had no room */
};

struct agent_check {
	bool lines; /* print every event */
	struct buf line, name;
	struct table edges, notes, gauges;
	uint64_t works, members;
};

struct agent_check *
agent_check_new(void)
{
	struct agent_check *c = xcalloc(1, sizeof(*c));

	c->lines = !isatty(STDOUT_FILENO);
	return c;
}

/* The row of c->name, or NULL when there is no room. */
static struct row *
find(struct agent_check *c, struct table *t)
{
	uint64_t hash = hash_bytes(c->name.p, c->name.n);
	struct row *r;

	for (unsigned i = 0; i < t->rows; i++)
		if (t->row[i].hash == hash && !strcmp(t->row[i].name, buf_cstr(&c->name)))
			return &t->row[i];
	if (t->rows == MAX_ROWS)
		return NULL;
	r = &t->row[t->rows++];
	r->hash = hash;
	r->name = xstrdup(buf_cstr(&c->name));
	return r;
}

static struct row *
count(struct agent_check *c, struct table *t, uint64_t n)
{
	struct row *r = find(c, t);

	if (r)
		r->n += n;
	else
		t->other += n;
	return r;
}

static struct row *
count_edge(struct agent_check *c, struct str src, struct str dst, enum flow_kind kind,
	uint64_t calls, uint64_t failed)
{
	struct row *r;

	buf_clear(&c->name);
	text_clean(&c->name, src, NAME_BYTES);
	buf_adds(&c->name, " \xe2\x86\x92 ");
	text_clean(&c->name, dst, NAME_BYTES);
	buf_addf(&c->name, " %s", flow_kind_word(kind));
	r = count(c, &c->edges, calls);
	if (r)
		r->failed += failed;
	return r;
}

static void
add_flow(struct agent_check *c, const struct flow *f)
{
	struct row *r = count_edge(
		c, f->src, f->dst, f->kind, f->weight, f->failed ? f->weight : 0);
	int64_t us = flow_latency_us(f);

	if (r && us >= 0)
		hist_add(&r->latency, hist_index((uint64_t)us), f->weight);
}

static void
add_delta(struct agent_check *c, const struct delta *d)
{
	struct row *r = count_edge(c, d->src, d->dst, d->kind, d->calls, d->errors);
	const struct buckets *b = &d->latency;

	for (uint32_t i = 0; r && i < b->n; i++) {
		/* Above the last bound that is a number all that is known is that one. */
		int64_t us = buckets_bound(b, i);

		if (us == INT64_MAX && i > 0)
			us = buckets_bound(b, i - 1);
		r->bounds |= !b->bucket;
		hist_add(&r->latency, hist_index((uint64_t)MAX(us, 0)),
			(uint32_t)MIN(b->count[i], UINT32_MAX));
	}
}

static void
add_note(struct agent_check *c, const struct note *n)
{
	buf_clear(&c->name);
	text_clean(&c->name, n->service, NAME_BYTES);
	buf_addf(&c->name, ", %s", note_severity_word(n->severity));
	count(c, &c->notes, 1);
}

static void
add_gauge(struct agent_check *c, const struct gauge *g)
{
	struct buf unit = BUF_INIT;
	struct row *r;

	buf_clear(&c->name);
	text_clean(&c->name, g->service, NAME_BYTES);
	buf_addc(&c->name, ' ');
	text_clean(&c->name, g->name, NAME_BYTES);
	r = count(c, &c->gauges, 1);
	if (!r)
		return;
	text_clean(&unit, g->unit, sizeof(r->unit) - 1);
	snprintf(r->unit, sizeof(r->unit), "%s", buf_cstr(&unit));
	r->value = g->value;
	buf_done(&unit);
}

void
agent_check_add(struct agent_check *c, const struct event *e)
{
	switch (e->type) {
	case EVENT_FLOW:
		add_flow(c, &e->u.flow);
		break;
	case EVENT_DELTA:
		add_delta(c, &e->u.delta);
		break;
	case EVENT_NOTE:
		add_note(c, &e->u.note);
		break;
	case EVENT_GAUGE:
		add_gauge(c, &e->u.gauge);
		break;
	case EVENT_WORK:
		c->works++;
		break;
	case EVENT_MEMBER:
		c->members++;
		break;
	}
	if (!c->lines)
		return;
	buf_clear(&c->line);
	wire_put_json(&c->line, e);
	buf_addc(&c->line, '\n');
	fwrite(c->line.p, 1, c->line.n, stdout);
}

bool
agent_check_flush(struct agent_check *c)
{
	return !c->lines || (fflush(stdout) == 0 && !ferror(stdout));
}

/* ------------------------------------------------------------ the sums */

static int
by_count(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	if (a->n != b->n)
		return a->n < b->n ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void
sort(struct table *t)
{
	qsort(t->row, t->rows, sizeof(t->row[0]), by_count);
}

static void
print_other(const struct table *t, const char *what)
{
	if (t->other)
		fprintf(stderr, "%8" PRIu64 " %s\n", t->other, what);
}

static void
print_edges(struct table *t)
{
	static const double q[] = { 0.5, 0.99 };
	int64_t us[ARRAY_LEN(q)];

	sort(t);
	for (unsigned i = 0; i < t->rows; i++) {
		const struct row *r = &t->row[i];

		fprintf(stderr, "%8" PRIu64 " calls %6" PRIu64 " failed  %s", r->n,
			r->failed, r->name);
		hist_quantiles(&r->latency, q, ARRAY_LEN(q), us);
		if (r->latency.total)
			fprintf(stderr, ", p50 %s, p99 %s",
				fmt_latency(us[0], r->bounds).s,
				fmt_latency(us[1], r->bounds).s);
		fputc('\n', stderr);
	}
	print_other(t, "calls of more edges");
}

static void
print_said(struct table *notes, struct table *gauges)
{
	sort(notes);
	for (unsigned i = 0; i < notes->rows; i++)
		fprintf(stderr, "%8" PRIu64 " log lines of %s\n", notes->row[i].n,
			notes->row[i].name);
	print_other(notes, "log lines of more services");
	sort(gauges);
	for (unsigned i = 0; i < gauges->rows; i++)
		fprintf(stderr, "%8" PRIu64 " values of %s, the last %.6g%s%s\n",
			gauges->row[i].n, gauges->row[i].name, gauges->row[i].value,
			gauges->row[i].unit[0] ? " " : "", gauges->row[i].unit);
	print_other(gauges, "values of more gauges");
}

/* What was not taken, and why. */
static void
print_drops(const struct input_counts *n)
{
	const struct {
		uint64_t n;
		const char *why;
	} rows[] = {
		{ n->parse_errors, "not taken: could not be read" },
		{ n->rejected - MIN(n->rejected, n->parse_errors),
			"not taken: wrong in themselves, or refused with an answer" },
		{ n->busy, "not taken: told to come back" },
		{ n->overflow, "not taken: a bounded store was full" },
		{ n->duplicate, "not taken: seen before" },
		{ n->passed, "passed over: whole, but no request" },
		{ n->unpaired, "halves whose other half did not come" },
		{ n->waiting, "halves that waited for theirs at the end" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n)
			fprintf(stderr, "%8" PRIu64 " %s\n", rows[i].n, rows[i].why);
	fprintf(stderr, "%8" PRIu64 " read, %" PRIu64 " bytes in %" PRIu64 " requests\n",
		n->spans, n->bytes, n->requests);
}

static void
table_done(struct table *t)
{
	for (unsigned i = 0; i < t->rows; i++) {
		free(t->row[i].name);
		hist_done(&t->row[i].latency);
	}
}

void
agent_check_end(struct agent_check *c, const struct input_counts *n)
{
	print_edges(&c->edges);
	print_said(&c->notes, &c->gauges);
	if (c->works)
		fprintf(stderr, "%8" PRIu64 " pieces of work inside services\n",
			c->works);
	if (c->members)
		fprintf(stderr, "%8" PRIu64 " services with a group\n", c->members);
	print_drops(n);
	table_done(&c->edges);
	table_done(&c->notes);
	table_done(&c->gauges);
	buf_done(&c->line);
	buf_done(&c->name);
	free(c);
}
