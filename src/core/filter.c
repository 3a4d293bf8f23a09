#include "config.h"

#include "weir/core/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "filter-priv.h"
#include "weir/base/util.h"

static bool
in_text(const struct test *t, const char *text)
{
	if (!t->text)
		return regexec(&t->regex, text, 0, NULL, 0) == 0;
	return strcasestr(text, t->text) != NULL;
}

/* A service whose group nobody told is in none. */
static bool
in_group(const struct test *t, const struct snap_node *n)
{
	return n->group && in_text(t, n->group);
}

static bool
match_text(const struct test *t, const struct snap *s, const struct snap_edge *e)
{
	switch (t->place) {
	case PLACE_SRC:
		return in_text(t, s->node[e->src].name);
	case PLACE_DST:
		return in_text(t, s->node[e->dst].name);
	case PLACE_GROUP:
		return in_group(t, &s->node[e->src]) || in_group(t, &s->node[e->dst]);
	case PLACE_OP:
		for (uint32_t k = 0; k < e->ops; k++)
			if (in_text(t, s->op[e->first_op + k].op))
				return true;
		return false;
	default:
		return in_text(t, s->node[e->src].name) ||
		       in_text(t, s->node[e->dst].name);
	}
}

static double
known(int64_t v)
{
	return v < 0 ? (double)NAN : (double)v;
}

/* The number of that field, NAN when it is unknown. */
static double
field_of(const struct snap_edge *e, enum test_field field)
{
	const struct snap_stat *st = &e->stat;

	switch (field) {
	case FIELD_P50:
		return known(st->p50_us);
	case FIELD_P95:
		return known(st->p95_us);
	case FIELD_P99:
		return known(st->p99_us);
	case FIELD_MAX:
		return known(st->max_us);
	case FIELD_SERVER:
		return known(e->server_p99_us);
	case FIELD_QUEUE:
		return known(e->queue_p99_us);
	case FIELD_ERR:
		return st->calls ? (double)st->errors / (double)st->calls : (double)NAN;
	case FIELD_RATE:
		return st->rate;
	case FIELD_N:
		return (double)st->calls;
	case FIELD_IN:
		return known(st->bytes_in);
	case FIELD_OUT:
		return known(st->bytes_out);
	default:
		return (double)e->severity;
	}
}

static bool
match_number(const struct test *t, const struct snap_edge *e)
{
	double v = field_of(e, t->field);

	if (isnan(v))
		return false;
	switch (t->order) {
	case ORDER_LT:
		return v < t->value;
	case ORDER_LE:
		return v <= t->value;
	case ORDER_EQ:
		return v == t->value;
	case ORDER_NE:
		return v != t->value;
	case ORDER_GE:
		return v >= t->value;
	default:
		return v > t->value;
	}
}

/* A cause that is seen on no edge is that of the edges into it. */
static bool
match_verdict(const struct test *t, const struct snap *s, const struct snap_edge *e)
{
	for (uint32_t i = 0; i < s->causes; i++) {
		const struct snap_cause *c = &s->cause[i];

		/* Slow without a baseline is slow, too. */
		if (t->kind != ANOMALY_COUNT && t->kind != (unsigned)c->kind &&
			!(t->kind == ANOMALY_LATENCY && c->kind == ANOMALY_COLD))
			continue;
		if (c->edge == e->key ||
			(c->edge == UINT32_MAX &&
				strcmp(s->node[e->dst].name, c->node) == 0))
			return true;
	}
	return false;
}

static bool
match(const struct filter *f, unsigned test, const struct snap *s,
	const struct snap_edge *e)
{
	const struct test *t = &f->test[test];

	switch (t->type) {
	case TEST_AND:
		return match(f, t->a, s, e) && match(f, t->b, s, e);
	case TEST_OR:
		return match(f, t->a, s, e) || match(f, t->b, s, e);
	case TEST_NOT:
		return !match(f, t->a, s, e);
	case TEST_TEXT:
		return match_text(t, s, e);
	case TEST_NUMBER:
		return match_number(t, e);
	case TEST_EDGE_KIND:
		return e->kind == t->kind;
	case TEST_NODE_KIND:
		return s->node[e->src].kind == t->kind || s->node[e->dst].kind == t->kind;
	case TEST_ERRORS:
		return e->stat.errors > 0;
	case TEST_VERDICT:
		return match_verdict(t, s, e);
	case TEST_ANOMALY:
		return t->kind == ANOMALY_COUNT ? e->alarms != 0
						: e->alarms >> t->kind & 1u;
	default:
		return true;
	}
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++) {
		struct test *t = &f->test[i];

		if (t->type == TEST_TEXT && !t->text)
			regfree(&t->regex);
		free(t->text);
	}
	free(f->test);
	free(f);
}

bool
filter_match(const struct filter *f, const struct snap *s, uint32_t i)
{
	return match(f, f->n - 1, s, &s->edge[i]);
}

/* Drop the nodes that no edge of @s needs. */
static void
drop_nodes(struct snap *s)
{
	uint32_t *moved = xcalloc(s->nodes, sizeof(*moved)), n = 0;

	for (uint32_t i = 0; i < s->edges; i++)
		moved[s->edge[i].src] = moved[s->edge[i].dst] = 1;
	for (unsigned g = 0; g < SEV_COUNT; g++)
		s->sev_count[g] = 0;
	for (uint32_t i = 0; i < s->nodes; i++) {
		if (!moved[i])
			continue;
		moved[i] = n;
		s->node[n++] = s->node[i];
		s->sev_count[s->node[i].severity]++;
	}
	s->nodes = n;
	for (uint32_t i = 0; i < s->edges; i++) {
		s->edge[i].src = moved[s->edge[i].src];
		s->edge[i].dst = moved[s->edge[i].dst];
	}
	free(moved);
}

void
filter_apply(const struct filter *f, const struct snap *from, struct snap *to)
{
	uint32_t n = 0;

	snap_copy(to, from);
	if (!f)
		return;
	for (uint32_t i = 0; i < to->edges; i++)
		if (filter_match(f, to, i))
			to->edge[n++] = to->edge[i];
	to->edges = n;
	drop_nodes(to);
}
