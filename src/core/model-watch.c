/*
 * The verdict engine knows edges by the name ids of their ends; the model feeds it what
 * it books and reads from it what it shows. Sentences are written once per picture
 * (there are at most a few causes), events once in their life.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "model-priv.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define EVIDENCE_WORDS 48 /* columns of a log line's pattern, of a value's name */

static const char *
name_of(void *ctx, uint32_t id)
{
	const struct model *m = ctx;

	return names_text(m->names, id);
}

static struct tolerance
tolerance_of(void *ctx, uint32_t src, uint32_t dst)
{
	const struct model *m = ctx;
	const struct tolerance_rule *r = tolerances_find(m->limits.tolerances,
		names_text(m->names, src), names_text(m->names, dst));

	return r ? *tolerance_limits(r) : (struct tolerance){ 0 };
}

static void
take_own(void *ctx, const struct own_time *t)
{
	struct model *m = ctx;
	struct verdict_own o = { t->edge.src, t->edge.dst, t->edge.kind, t->edge.origin,
		t->end_us, t->self_us, t->blocked_us, t->weight };

	verdict_observe_own(m->verdict, &o, m->now_us);
}

void
watch_init(struct model *m)
{
	m->verdict_options = (struct verdict_options){
		.node_name = name_of,
		.op_name = name_of,
		.tolerance = m->limits.tolerances ? tolerance_of : NULL,
		.ctx = m,
	};
	m->verdict = verdict_new(&m->verdict_options);
	m->own = own_new(take_own, m);
	m->event = xcalloc(SNAP_EVENTS, sizeof(*m->event));
}

void
watch_done(struct model *m)
{
	verdict_free(m->verdict);
	own_free(m->own);
	free(m->event);
}

struct verdict *
model_verdict(struct model *m)
{
	return m->verdict;
}

void
model_set_utc_offset(struct model *m, int seconds)
{
	m->utc_offset_s = seconds;
}

/*
 * The engine lives in the model's own time, which never goes back; what it tells is
 * turned into the time that the events speak of.
 */
static int64_t
told_time(const struct model *m, int64_t us)
{
	return us < 0 ? us : us - m->shift_us;
}

static uint32_t
op_of(const struct route *found)
{
	return found->op == NAME_NONE ? VERDICT_NONE : found->op;
}

void
watch_flow(struct model *m, const struct flow *f, bool failed, struct route *found,
	int64_t at_us)
{
	struct verdict_obs o = {
		.src = found->src,
		.dst = found->dst,
		.kind = f->kind,
		.origin = f->origin,
		.op = op_of(found),
		.known = &found->watched,
		.end_us = at_us,
		.latency_us = flow_latency_us(f),
		.server_us = f->server_us,
		.queue_us = f->queue_us,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = f->weight,
		.failed = failed ? f->weight : 0,
	};

	verdict_observe(m->verdict, &o, m->now_us);
	own_flow(m->own, f, at_us,
		&(struct own_edge){ found->src, found->dst, f->kind, f->origin },
		m->now_us);
}

void
watch_work(struct model *m, const struct work *w)
{
	if (m->verdict)
		own_work(m->own, &w->ids, m->now_us);
}

void
watch_delta(struct model *m, const struct delta *d, struct route *found, int64_t at_us)
{
	struct delta booked = *d;

	booked.end_us = at_us;
	verdict_observe_delta(m->verdict, &booked, found->src, found->dst, op_of(found),
		&found->watched, m->now_us);
}

static void
copy_text(char *to, size_t size, const struct buf *from)
{
	size_t n = MIN(from->n, size - 1);

	/* Never cut in the middle of a character. */
	while (n > 0 && n < from->n && ((unsigned char)from->p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(to, from->p, n);
	to[n] = '\0';
}

static const char *
name_or_null(const struct model *m, uint32_t id)
{
	return id == VERDICT_NONE ? NULL : names_text(m->names, id);
}

/* Write down what the engine has told since the last time. */
static void
take_events(struct model *m)
{
	struct sentence_style style = { .utc_offset_s = m->utc_offset_s };
	struct verdict_event got[16];
	uint32_t n;

	while ((n = verdict_events(m->verdict, m->told, got, ARRAY_LEN(got))) > 0) {
		for (uint32_t i = 0; i < n; i++) {
			struct snap_event *to = &m->event[got[i].number % SNAP_EVENTS];

			*to = (struct snap_event){
				.number = got[i].number,
				.at_us = told_time(m, got[i].at_us),
				.change = got[i].kind,
				.anomaly = got[i].anomaly,
				.src = name_or_null(m, got[i].src),
				.dst = name_or_null(m, got[i].dst),
				.edge_kind = got[i].edge_kind,
			};
			sentence_event(&to->said, &got[i], &m->verdict_options, &style);
			m->told = got[i].number;
			if (got[i].kind == VERDICT_NAMED ||
				got[i].kind == VERDICT_CLEARED)
				m->named = got[i];
		}
	}
}

/*
 * Evidence of the named cause comes in by and by: what is known of it in the end stands
 * in the timeline, too.
 */
static void
retell_named(
	struct model *m, const struct snap_cause *c, const struct sentence_style *style)
{
	struct snap_event *to = &m->event[m->named.number % SNAP_EVENTS];

	if (m->named.kind == VERDICT_NAMED && to->number == m->named.number &&
		c->evidences)
		sentence_event(&to->said, &m->named, &m->verdict_options, style);
}

void
watch_tick(struct model *m)
{
	if (!m->verdict)
		return;
	own_tick(m->own, m->now_us);
	verdict_tick(m->verdict, m->now_us);
	verdict_status(m->verdict, &m->watch);
	take_events(m);
}

void
watch_show_edge(const struct model *m, const struct edge *e, struct snap_edge *se)
{
	struct verdict_edge v;

	if (!m->verdict || !verdict_edge_read(m->verdict, node_at(m, e->src)->name,
				   node_at(m, e->dst)->name, e->kind, &v))
		return;
	se->part = v.part;
	se->alarms = v.alarms;
	se->since_us = told_time(m, v.since_us);
	se->usual = (struct snap_usual){
		.learnt = v.learnt,
		.p50_us = v.usual_p50_us,
		.p95_us = v.usual_p95_us,
		.p99_us = v.usual_p99_us,
		.rate = v.usual_rate,
		.error_ratio = v.usual_error_ratio,
	};
}

/* The key of the edge that the cause is seen on. */
static uint32_t
edge_key_of(const struct snap *s, const struct verdict_cause *c)
{
	for (uint32_t i = 0; i < s->edges; i++) {
		const struct snap_edge *e = &s->edge[i];

		if (s->node[e->src].key == c->src && s->node[e->dst].key == c->dst &&
			e->kind == c->edge_kind)
			return e->key;
	}
	return NONE;
}

/* As many words of @text as fit, and a sign where there are more. */
static void
add_words(struct buf *out, const char *text, int width)
{
	size_t fits = 0, n = strlen(text);

	for (size_t i = 1; i <= n; i++)
		if ((text[i] == ' ' || i == n) &&
			text_width((struct str){ text, i }) <= width)
			fits = i;
	if (fits == 0)
		text_fit(out, str_of(text), width);
	else
		buf_add(out, text, fits);
	if (fits && fits < n)
		buf_adds(out, " …");
}

static void
add_owner(struct buf *out, const struct model *m, const struct verdict_cause *c,
	uint32_t service)
{
	if (service == c->node)
		return;
	buf_adds(out, " of ");
	text_fit(out, str_of(names_text(m->names, service)), SENTENCE_NAME);
}

static bool
tell_lines(const struct model *m, const struct verdict_cause *c, uint32_t service,
	struct buf *out)
{
	struct notes_line line;

	if (!notes_line_since(m->notes, service, c->since_us, m->now_us, &line))
		return false;
	buf_addf(out, "%ju log line%s", (uintmax_t)line.count, line.count > 1 ? "s" : "");
	add_owner(out, m, c, service);
	buf_adds(out, " \"");
	add_words(out, line.pattern, EVIDENCE_WORDS);
	buf_addc(out, '"');
	return true;
}

static bool
tell_value(const struct model *m, const struct verdict_cause *c, uint32_t service,
	struct buf *out)
{
	struct notes_value v;

	if (!notes_value_since(m->notes, service, c->since_us, m->now_us, &v))
		return false;
	text_fit(out, str_of(v.name), EVIDENCE_WORDS);
	add_owner(out, m, c, service);
	buf_addf(out, " %.4g, %s %.4g before", v.value, v.rose ? "at most" : "at least",
		v.before);
	return true;
}

/* What the services at the ends of the hop have said since, the cause first. */
static void
find_evidence(const struct model *m, const struct verdict_cause *c, struct snap_cause *to)
{
	static bool (*const tellers[SNAP_EVIDENCES])(const struct model *m,
		const struct verdict_cause *c, uint32_t service,
		struct buf *out) = { tell_lines, tell_value };
	const uint32_t services[] = { c->node, c->dst, c->src };
	struct buf text = BUF_INIT;

	for (unsigned t = 0; c->since_us >= 0 && t < SNAP_EVIDENCES; t++)
		for (unsigned i = 0; i < ARRAY_LEN(services); i++) {
			buf_clear(&text);
			if (services[i] == VERDICT_NONE ||
				!tellers[t](m, c, services[i], &text))
				continue;
			copy_text(to->evidence[to->evidences++], SNAP_EVIDENCE_BYTES,
				&text);
			break;
		}
	buf_done(&text);
}

static void
show_cause(struct model *m, const struct verdict_cause *c, struct snap *s)
{
	const char *evidence[SNAP_EVIDENCES];
	struct sentence_style style = { .utc_offset_s = m->utc_offset_s,
		.evidence = evidence };
	struct snap_cause *to = &s->cause[s->causes++];

	*to = (struct snap_cause){
		.kind = c->kind,
		.node = name_or_null(m, c->node),
		.src = name_or_null(m, c->src),
		.dst = name_or_null(m, c->dst),
		.edge_kind = c->edge_kind,
		.op = name_or_null(m, c->op),
		.edge = edge_key_of(s, c),
		.since_us = told_time(m, c->since_us),
		.score = c->score,
		.explained = c->explained,
		.numbers = c->numbers,
	};
	for (uint32_t i = 0; i < c->explained; i++) {
		to->explains[i].src = name_or_null(m, c->explains[i].src);
		to->explains[i].dst = name_or_null(m, c->explains[i].dst);
		to->explains[i].share = c->explains[i].share;
	}
	find_evidence(m, c, to);
	for (style.evidences = 0; style.evidences < to->evidences; style.evidences++)
		evidence[style.evidences] = to->evidence[style.evidences];
	sentence_write(&to->sentence, c, &m->verdict_options, &style);
	if (s->causes == 1)
		retell_named(m, to, &style);
}

static void
show_why(const struct model *m, struct snap *s)
{
	struct snap_why *to = &s->why;
	int i = s->shape.wanted ? snap_find_edge(s, s->shape.key) : -1;
	const struct snap_edge *e;

	to->filled = false;
	if (i < 0)
		return;
	e = &s->edge[i];
	to->key = e->key;
	to->filled = verdict_explain(
		m->verdict, s->node[e->src].key, s->node[e->dst].key, e->kind, &to->why);
	for (unsigned a = 0; a < ANOMALY_COUNT; a++)
		to->why.since_us[a] = told_time(m, to->why.since_us[a]);
	for (uint32_t k = 0; k < to->why.behinds; k++) {
		to->behind[k].src = name_or_null(m, to->why.behind[k].src);
		to->behind[k].dst = name_or_null(m, to->why.behind[k].dst);
	}
}

void
watch_show(struct model *m, struct snap *s)
{
	const struct verdict_cause *c;
	struct snap_event *to;
	uint32_t n;

	s->causes = 0;
	if (!m->verdict)
		return;
	c = verdict_causes(m->verdict, &n);
	for (uint32_t i = 0; i < n; i++)
		show_cause(m, &c[i], s);
	show_why(m, s);
	s->watch = m->watch;
	n = (uint32_t)MIN(m->told, SNAP_EVENTS);
	to = snap_events(s, n);
	for (uint32_t i = 0; i < n; i++)
		to[i] = m->event[(m->told - i) % SNAP_EVENTS];
}
