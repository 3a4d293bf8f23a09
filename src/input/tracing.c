#include "config.h"

#include "tracing.h"

#include <string.h>
#include <sys/random.h>

#include "members.h"
#include "rates.h"
#include "weir/base/util.h"
#include "weir/input/args.h"

static void
emit(void *ctx, const struct event *e)
{
	struct tracing *t = ctx;
	struct event now;

	if (e->type == EVENT_GAUGE && e->u.gauge.at_us < 0) {
		now = *e;
		now.u.gauge.at_us = t->wall_us;
		e = &now;
	}
	t->env.emit(t->env.ctx, e);
}

static bool
pressed(void *ctx)
{
	const struct tracing *t = ctx;

	return t->env.pressed && t->env.pressed(t->env.ctx);
}

/* What @w has to say of secrets in log lines. ERR_USAGE with @d. */
static enum status
set_redaction(struct tracing *t, const struct tracing_words *w, struct diag *d)
{
	bool off = w->redact && strcmp(w->redact, "off") == 0;

	if (w->redact && !off && strcmp(w->redact, "on") != 0)
		return diag_set(d, STATUS_ERR_USAGE, "--redact is on or off, not '%s'",
			w->redact);
	t->redact = redact_new(!off);
	for (const char *const *more = w->redact_also; *more; more++)
		if (redact_add(t->redact, *more, d))
			return d->status = STATUS_ERR_USAGE;
	return STATUS_OK;
}

enum status
tracing_open(struct tracing *t, const struct tracing_words *w,
	const struct input_env *env, struct diag *d)
{
	struct pair_options o = { 0 };

	if (w->wait && args_duration("--wait", w->wait, &o.wait_us, d))
		return STATUS_ERR_USAGE;
	if (w->name_from && peer_order_from(w->name_from, &o.names, d))
		return STATUS_ERR_USAGE;
	if (getrandom(&o.seed, sizeof(o.seed), GRND_NONBLOCK) != sizeof(o.seed))
		o.seed = (uint64_t)(uintptr_t)t;
	*t = (struct tracing){ .env = *env };
	t->pair = pair_new(&o, emit, t);
	t->quota = quota_new(pressed, t);
	t->members = members_new();
	t->group_by = w->group_by ? str_of(w->group_by) : STR("");
	if (set_redaction(t, w, d) == STATUS_OK)
		return STATUS_OK;
	tracing_close(t, (struct input_time){ 0 });
	return STATUS_ERR_USAGE;
}

void
tracing_close(struct tracing *t, struct input_time now)
{
	tracing_now(t, now);
	pair_tick(t->pair, t->now_us);
	pair_flush(t->pair);
	pair_free(t->pair);
	redact_free(t->redact);
	quota_free(t->quota);
	rates_free(t->rates);
	members_free(t->members);
	t->members = NULL;
	t->rates = NULL;
	t->pair = NULL;
	t->redact = NULL;
	t->quota = NULL;
}

/* The resource is about the service; where there is none its words are in the span. */
static void
tell_member(struct tracing *t, const struct span *s)
{
	struct event e = { .type = EVENT_MEMBER,
		.u.member = { s->service,
			(s->resource ? s->resource : &s->attrs)->v[ATTR_GROUP],
			t->wall_us } };

	if (!members_due(t->members, e.u.member.service, e.u.member.group, t->now_us))
		return;
	t->emitted++;
	emit(t, &e);
}

void
tracing_span(void *ctx, const struct span *s)
{
	struct tracing *t = ctx;

	tell_member(t, s);
	pair_add(t->pair, s, t->now_us);
}

static void
take_note(void *ctx, const struct note *n)
{
	struct tracing *t = ctx;
	struct event e = { .type = EVENT_NOTE, .u.note = *n };

	e.u.note.text = redact_text(t->redact, n->text);
	t->emitted++;
	emit(t, &e);
}

static void
take_gauge(void *ctx, const struct gauge *g)
{
	struct tracing *t = ctx;
	struct event e = { .type = EVENT_GAUGE, .u.gauge = *g };

	t->emitted++;
	emit(t, &e);
}

static void
emit_of_counter(struct tracing *t, const struct otlp_counter *c, const char *what,
	struct str unit, double value)
{
	struct buf name = BUF_INIT;
	struct gauge g = { c->service, { 0 }, unit, value, c->at_us };

	buf_add_str(&name, c->name);
	buf_adds(&name, what);
	g.name = buf_str(&name);
	take_gauge(t, &g);
	buf_done(&name);
}

/* Told as gauges: how many a second, and of histograms the mean. */
static void
take_counter(void *ctx, const struct otlp_counter *c)
{
	const struct rates_look look = { c->series, c->start_us, c->at_us, c->delta,
		c->count, c->sum };
	struct tracing *t = ctx;
	struct rates_step s;

	if (!t->rates)
		t->rates = rates_new();
	if (!rates_take(t->rates, &look, &s))
		return;
	/* Seconds a second: the share of a CPU, not a number of events. */
	emit_of_counter(
		t, c, " rate", c->histogram ? STR("1/s") : STR("1"), s.count / s.seconds);
	/* Without a value there is no mean, and none is not 0. */
	if (c->histogram && s.count > 0)
		emit_of_counter(t, c, " mean", c->unit, s.sum / s.count);
}

struct otlp_sink
tracing_sink(struct tracing *t)
{
	return (struct otlp_sink){
		.span = tracing_span,
		.note = take_note,
		.gauge = take_gauge,
		.counter = take_counter,
		.ctx = t,
		.group_by = t->group_by,
	};
}

bool
tracing_congested(const struct tracing *t)
{
	return t->env.congested && t->env.congested(t->env.ctx);
}

int64_t
tracing_wait(const struct tracing *t, int64_t wait_us)
{
	int64_t due_us = pair_wait(t->pair, t->now_us);

	return due_us >= 0 ? MIN(wait_us, due_us) : wait_us;
}

void
tracing_now(struct tracing *t, struct input_time now)
{
	t->now_us = now.mono_us;
	t->wall_us = now.wall_us;
}

void
tracing_tick(struct tracing *t)
{
	pair_tick(t->pair, t->now_us);
}

void
tracing_add_http(struct input_counts *n, const struct http *h)
{
	struct http_stats s = { 0 };

	if (h)
		http_stats(h, &s);
	n->requests += s.requests;
	n->bytes += s.bytes;
	n->rejected += s.refused;
	n->busy += s.busy + s.over;
	n->over += s.over;
	n->evicted += s.evicted;
	n->clients += s.connections;
}

void
tracing_counts(const struct tracing *t, struct input_counts *n)
{
	struct pair_counts p;

	pair_counts(t->pair, &p);
	n->spans += p.spans;
	n->flows += p.flows + p.works + t->emitted;
	n->rejected += t->rejected + p.ignored;
	n->parse_errors += t->unreadable;
	n->unpaired += p.unpaired;
	n->duplicate += p.duplicate;
	n->waiting += p.waiting;
	n->overflow += p.overflow;
}
