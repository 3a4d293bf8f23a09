#include "config.h"

#include "verdict-world.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "weir/base/util.h"

static const char *
text_of(void *ctx, uint32_t id)
{
	return names_text(((struct world *)ctx)->names, id);
}

void
world_init(struct world *w)
{
	*w = (struct world){ .names = names_new(1000, 1 << 20),
		.o = { .node_name = text_of, .op_name = text_of },
		.sec = T0,
		.rng = 88172645463325252u };
	w->o.ctx = w;
	w->v = verdict_new(&w->o);
}

void
world_done(struct world *w)
{
	verdict_free(w->v);
	names_free(w->names);
}

uint32_t
id(struct world *w, const char *name)
{
	return names_id(w->names, str_of(name));
}

double
draw(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (double)(w->rng >> 11) / 9007199254740992.0;
}

/* One request that ends somewhere in this second, its latency spread by half. */
struct verdict_obs
request(struct world *w, const char *src, const char *dst, const char *op, double us)
{
	return (struct verdict_obs){ .src = id(w, src),
		.dst = id(w, dst),
		.kind = KIND_GRPC,
		.op = op ? id(w, op) : VERDICT_NONE,
		.end_us = w->sec * SEC_US + (int64_t)(draw(w) * 999999),
		.latency_us =
			us < 0 ? FLOW_UNKNOWN : (int64_t)(us * (.75 + .5 * draw(w))),
		.server_us = FLOW_UNKNOWN,
		.queue_us = FLOW_UNKNOWN,
		.self_us = FLOW_UNKNOWN,
		.blocked_us = FLOW_UNKNOWN,
		.calls = 1 };
}

void
give(struct world *w, struct verdict_obs o)
{
	verdict_observe(w->v, &o, o.end_us + w->delay_us);
}

void
calls(struct world *w, const char *src, const char *dst, const char *op, double us,
	unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		give(w, request(w, src, dst, op, us));
}

void
tick(struct world *w)
{
	w->sec++;
	verdict_tick(w->v, w->sec * SEC_US + w->delay_us);
}

const struct verdict_cause *
named(struct world *w)
{
	uint32_t n;
	const struct verdict_cause *c = verdict_causes(w->v, &n);

	return n ? c : NULL;
}

const char *
said(struct world *w, bool ascii)
{
	static struct sentence s;
	struct sentence_style style = { .ascii = ascii };
	const struct verdict_cause *c = named(w);

	s = (struct sentence){ .n = 0 };
	if (c)
		sentence_write(&s, c, &w->o, &style);
	return s.text;
}

void
expect_cause(struct world *w, const char *node, enum anomaly kind)
{
	const struct verdict_cause *c = named(w);

	cr_assert(c, "nothing is named, %s was expected", node);
	cr_expect_str_eq(names_text(w->names, c->node), node, "%s", said(w, true));
	cr_expect_eq(c->kind, kind, "%s", said(w, true));
}

void
expect_calm(struct world *w)
{
	cr_expect_null(named(w), "%s", said(w, true));
}

bool
had_event(struct world *w, enum verdict_change kind, enum anomaly a)
{
	struct verdict_event e[VERDICT_MAX_EVENTS];
	uint32_t n = verdict_events(w->v, 0, e, ARRAY_LEN(e));

	for (uint32_t i = 0; i < n; i++)
		if (e[i].kind == kind && e[i].anomaly == a)
			return true;
	return false;
}

/* user -> shop -> pay -> db, with three statements; the update takes @update_us. */
void
shop_second(struct world *w, double update_us)
{
	for (unsigned i = 0; i < 4; i++) {
		calls(w, "pay", "db", "BEGIN", 400, 1);
		calls(w, "pay", "db", "UPDATE accounts", update_us, 1);
		calls(w, "pay", "db", "COMMIT", 900, 1);
		calls(w, "shop", "pay", NULL, 3000 + update_us, 1);
		calls(w, "user", "shop", "POST /buy", 6000 + update_us, 1);
		calls(w, "user", "shop", "GET /", 2000, 2);
	}
	tick(w);
}

void
shop(struct world *w, unsigned seconds, double update_us)
{
	for (unsigned i = 0; i < seconds; i++)
		shop_second(w, update_us);
}
