#include "config.h"

#include "agent-check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"

#define MAX_EDGES 1000 /* told by name; the rest in one line */

struct edge {
	char *name;
	uint64_t calls, failed;
};

struct agent_check {
	struct buf line, name;
	struct edge edges[MAX_EDGES];
	unsigned n;
	uint64_t other, works, notes, gauges;
};

struct agent_check *
agent_check_new(void)
{
	return xcalloc(1, sizeof(struct agent_check));
}

static struct edge *
find_edge(struct agent_check *c, struct str src, struct str dst, enum flow_kind kind)
{
	buf_clear(&c->name);
	text_clean(&c->name, src, 80);
	buf_adds(&c->name, " \xe2\x86\x92 ");
	text_clean(&c->name, dst, 80);
	buf_addf(&c->name, " %s", flow_kind_word(kind));
	for (unsigned i = 0; i < c->n; i++)
		if (!strcmp(c->edges[i].name, buf_cstr(&c->name)))
			return &c->edges[i];
	if (c->n == MAX_EDGES)
		return NULL;
	c->edges[c->n].name = xstrdup(buf_cstr(&c->name));
	return &c->edges[c->n++];
}

static void
count(struct agent_check *c, struct str src, struct str dst, enum flow_kind kind,
	uint64_t calls, uint64_t failed)
{
	struct edge *e = find_edge(c, src, dst, kind);

	if (!e) {
		c->other += calls;
		return;
	}
	e->calls += calls;
	e->failed += failed;
}

void
agent_check_add(struct agent_check *c, const struct event *e)
{
	const struct flow *f = &e->u.flow;
	const struct delta *d = &e->u.delta;

	if (e->type == EVENT_FLOW)
		count(c, f->src, f->dst, f->kind, f->weight, f->failed ? f->weight : 0);
	else if (e->type == EVENT_DELTA)
		count(c, d->src, d->dst, d->kind, d->calls, d->errors);
	c->works += e->type == EVENT_WORK;
	c->notes += e->type == EVENT_NOTE;
	c->gauges += e->type == EVENT_GAUGE;
	buf_clear(&c->line);
	wire_put_json(&c->line, e);
	buf_addc(&c->line, '\n');
	fwrite(c->line.p, 1, c->line.n, stdout);
}

bool
agent_check_flush(struct agent_check *c)
{
	(void)c;
	return fflush(stdout) == 0 && !ferror(stdout);
}

static int
by_calls(const void *pa, const void *pb)
{
	const struct edge *a = pa, *b = pb;

	if (a->calls != b->calls)
		return a->calls < b->calls ? 1 : -1;
	return strcmp(a->name, b->name);
}

void
agent_check_end(struct agent_check *c)
{
	qsort(c->edges, c->n, sizeof(c->edges[0]), by_calls);
	for (unsigned i = 0; i < c->n; i++) {
		fprintf(stderr, "%8" PRIu64 " calls %6" PRIu64 " failed  %s\n",
			c->edges[i].calls, c->edges[i].failed, c->edges[i].name);
		free(c->edges[i].name);
	}
	if (c->other)
		fprintf(stderr, "%8" PRIu64 " calls of more edges\n", c->other);
	fprintf(stderr,
		"%8" PRIu64 " pieces of work inside services, %" PRIu64
		" log lines, %" PRIu64 " gauges\n",
		c->works, c->notes, c->gauges);
	buf_done(&c->line);
	buf_done(&c->name);
	free(c);
}
