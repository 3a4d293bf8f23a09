#include "config.h"

#include "notes.h"

#include <math.h>
#include <stdlib.h>

#include "idmap.h"
#include "weir/base/names.h"
#include "weir/base/util.h"
#include "weir/core/pattern.h"

#define MAX_SERVICES 2000
#define MAX_PATTERNS 32 /* of one service */
#define MAX_GAUGES 48
#define MAX_TEXTS 16384 /* of all patterns and gauges together */
#define TEXT_BYTES ((size_t)2 << 20)
#define SLOT_US (10 * SEC_US)
#define SLOTS 91              /* the widest window and the slot that is being filled */
#define SAMPLES 32            /* of a gauge */
#define SPAN_US (15 * SEC_US) /* by which its range is remembered, */
#define SPANS 60              /* so many of them */
#define BEFORE_US (300 * SEC_US)
#define MORE_LINES 3 /* times as many as before: worth telling */
#define FRESH_US (60 * SEC_US)
#define MEMBER_HOLD_US (30 * SEC_US)

struct pattern {
	uint32_t text; /* name id */
	enum note_severity severity;
	int64_t last_us;
	uint8_t trace[16];
	int64_t newest_slot;
	uint32_t count[SLOTS]; /* by time slot, round */
};

struct value {
	uint32_t name, unit;
	uint32_t n, at; /* samples there are, and where the next goes */
	struct {
		int64_t at_us;
		double value;
	} sample[SAMPLES];
	struct {
		int64_t span; /* number, from the epoch on */
		float low, high;
	} range[SPANS];
};

struct service {
	uint32_t id;
	uint32_t group; /* name id, or NAME_NONE */
	int64_t seen_us;
	int64_t member_us; /* when it was last told to be of that group */
	struct pattern *pattern[MAX_PATTERNS];
	struct value *value[MAX_GAUGES];
	unsigned patterns, values;
};

struct notes {
	struct names *texts;
	struct idmap of; /* service id + 1 to index */
	struct service *service[MAX_SERVICES];
	uint32_t services;
	size_t bytes;
	struct buf scratch;
};

struct notes *
notes_new(void)
{
	struct notes *n = xcalloc(1, sizeof(*n));

	n->texts = names_new(MAX_TEXTS, TEXT_BYTES);
	return n;
}

static void
service_clear(struct notes *n, struct service *s)
{
	for (unsigned i = 0; i < s->patterns; i++)
		free(s->pattern[i]);
	for (unsigned i = 0; i < s->values; i++)
		free(s->value[i]);
	n->bytes -=
		s->patterns * sizeof(struct pattern) + s->values * sizeof(struct value);
	s->patterns = s->values = 0;
	s->group = NAME_NONE;
}

void
notes_free(struct notes *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->services; i++) {
		service_clear(n, n->service[i]);
		free(n->service[i]);
	}
	idmap_done(&n->of);
	names_free(n->texts);
	buf_done(&n->scratch);
	free(n);
}

static struct service *
find(const struct notes *n, uint32_t id)
{
	uint32_t i = idmap_find(&n->of, (uint64_t)id + 1);

	return i == IDMAP_NONE ? NULL : n->service[i];
}

/* The service's own, in the place of the one that is silent longest if need be. */
static struct service *
find_or_make(struct notes *n, uint32_t id, int64_t at_us)
{
	struct service *s = find(n, id);
	uint32_t i = n->services;

	if (!s && i < MAX_SERVICES) {
		s = n->service[n->services++] = xcalloc(1, sizeof(*s));
		n->bytes += sizeof(*s);
	} else if (!s) {
		i = 0;
		for (uint32_t k = 1; k < n->services; k++)
			if (n->service[k]->seen_us < n->service[i]->seen_us)
				i = k;
		s = n->service[i];
		service_clear(n, s);
		idmap_remove(&n->of, (uint64_t)s->id + 1);
	}
	if (i < n->services && n->service[i] == s && !find(n, id)) {
		s->id = id;
		idmap_put(&n->of, (uint64_t)id + 1, i);
	}
	s->seen_us = MAX(s->seen_us, at_us);
	return s;
}

/* ------------------------------------------------------------ log lines */

/* Which of a service's patterns is missed least: the mildest, of these the oldest. */
static unsigned
least(const struct service *s)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < s->patterns; i++) {
		const struct pattern *a = s->pattern[i], *b = s->pattern[worst];

		if (a->severity != b->severity ? a->severity < b->severity
					       : a->last_us < b->last_us)
			worst = i;
	}
	return worst;
}

static struct pattern *
find_pattern(struct notes *n, struct service *s, uint32_t text, enum note_severity sev)
{
	struct pattern *p;

	for (unsigned i = 0; i < s->patterns; i++)
		if (s->pattern[i]->text == text && s->pattern[i]->severity == sev)
			return s->pattern[i];
	if (s->patterns < MAX_PATTERNS) {
		p = s->pattern[s->patterns++] = xmalloc(sizeof(*p));
		n->bytes += sizeof(*p);
	} else {
		p = s->pattern[least(s)];
	}
	*p = (struct pattern){ .text = text, .severity = sev };
	return p;
}

void
notes_add(struct notes *n, uint32_t service, const struct note *note, int64_t at_us)
{
	static const uint8_t none[sizeof(note->ids.trace)];
	struct service *s = find_or_make(n, service, at_us);
	int64_t slot = at_us / SLOT_US;
	struct pattern *p;

	buf_clear(&n->scratch);
	pattern_of(note->text, &n->scratch);
	p = find_pattern(n, s, names_id(n->texts, buf_str(&n->scratch)), note->severity);
	if (slot - p->newest_slot >= SLOTS)
		memset(p->count, 0, sizeof(p->count));
	for (int64_t i = MAX(p->newest_slot + 1, slot - SLOTS + 1); i <= slot; i++)
		p->count[i % SLOTS] = 0;
	p->newest_slot = MAX(p->newest_slot, slot);
	if (p->newest_slot - slot < SLOTS)
		p->count[slot % SLOTS]++;
	if (at_us >= p->last_us && memcmp(note->ids.trace, none, sizeof(none)) != 0)
		memcpy(p->trace, note->ids.trace, sizeof(p->trace));
	p->last_us = MAX(p->last_us, at_us);
}

static uint64_t
count_since(const struct pattern *p, int64_t from_us)
{
	int64_t from = MAX(from_us / SLOT_US, p->newest_slot - SLOTS + 1);
	uint64_t sum = 0;

	for (int64_t i = MAX(from, 0); i <= p->newest_slot; i++)
		sum += p->count[i % SLOTS];
	return sum;
}

/* ------------------------------------------------------------ values */

static int64_t
newest_us(const struct value *v)
{
	return v->sample[(v->at + SAMPLES - 1) % SAMPLES].at_us;
}

static struct value *
find_value(struct notes *n, struct service *s, uint32_t name)
{
	unsigned oldest = 0;
	struct value *v;

	for (unsigned i = 0; i < s->values; i++) {
		if (s->value[i]->name == name)
			return s->value[i];
		if (newest_us(s->value[i]) < newest_us(s->value[oldest]))
			oldest = i;
	}
	if (s->values < MAX_GAUGES) {
		v = s->value[s->values++] = xmalloc(sizeof(*v));
		n->bytes += sizeof(*v);
	} else {
		v = s->value[oldest];
	}
	*v = (struct value){ .name = name };
	return v;
}

static void
remember_range(struct value *v, int64_t at_us, float value)
{
	int64_t span = at_us / SPAN_US;
	unsigned i = (unsigned)(span % SPANS);

	if (v->range[i].span != span) {
		v->range[i].span = span;
		v->range[i].low = v->range[i].high = value;
	}
	v->range[i].low = fminf(v->range[i].low, value);
	v->range[i].high = fmaxf(v->range[i].high, value);
}

void
notes_gauge(struct notes *n, uint32_t service, const struct gauge *g, int64_t at_us)
{
	struct service *s = find_or_make(n, service, at_us);
	struct value *v = find_value(n, s, names_id(n->texts, g->name));

	/* Late ones tell nothing of now. */
	if (v->n > 0 && at_us < newest_us(v))
		return;
	v->unit = names_id(n->texts, g->unit);
	remember_range(v, at_us, (float)g->value);
	v->sample[v->at].at_us = at_us;
	v->sample[v->at].value = g->value;
	v->at = (v->at + 1) % SAMPLES;
	v->n = MIN(v->n + 1, SAMPLES);
}

static void
fill_value(const struct notes *n, const struct value *v, int64_t from_us,
	int64_t shift_us, struct snap *s)
{
	struct snap_gauge *g;

	if (newest_us(v) < from_us)
		return;
	g = snap_gauge_add(s, names_text(n->texts, v->name));
	g->unit = names_text(n->texts, v->unit);
	for (uint32_t i = 1; i <= v->n; i++) {
		uint32_t k = (v->at + SAMPLES - i) % SAMPLES;

		if (v->sample[k].at_us < from_us)
			break;
		if (i == 1) {
			g->value = g->low = g->high = v->sample[k].value;
			g->at_us = v->sample[k].at_us - shift_us;
		}
		g->low = fmin(g->low, v->sample[k].value);
		g->high = fmax(g->high, v->sample[k].value);
	}
}

/* ------------------------------------------------------------ groups */

void
notes_member(struct notes *n, uint32_t service, struct str group, int64_t at_us)
{
	struct service *s = find_or_make(n, service, at_us);
	uint32_t id = names_id(n->texts, group);

	if (id == NAME_OTHER)
		return;
	if (s->group != id && s->group != NAME_NONE &&
		at_us - s->member_us < MEMBER_HOLD_US)
		return;
	s->group = id;
	s->member_us = at_us;
}

/* ------------------------------------------------------------ the picture */

void
notes_fill(const struct notes *n, uint32_t service, int64_t from_us, int64_t shift_us,
	struct snap *snap)
{
	const struct service *s = find(n, service);

	if (!s)
		return;
	if (s->group != NAME_NONE)
		snap->node[snap->nodes - 1].group = names_text(n->texts, s->group);
	for (unsigned i = 0; i < s->patterns; i++) {
		const struct pattern *p = s->pattern[i];
		struct snap_note *note;

		if (p->last_us < from_us)
			continue;
		note = snap_note_add(snap, names_text(n->texts, p->text));
		note->severity = p->severity;
		note->count = count_since(p, from_us);
		note->last_us = p->last_us - shift_us;
		memcpy(note->trace, p->trace, sizeof(note->trace));
	}
	for (unsigned i = 0; i < s->values; i++)
		fill_value(n, s->value[i], from_us, shift_us, snap);
}

/* ------------------------------------------------------------ what came with a trouble */

static bool
is_news(const struct pattern *p, int64_t since_us, int64_t now_us, uint64_t *ret_count)
{
	uint64_t after = count_since(p, since_us),
		 all = count_since(p, since_us - BEFORE_US);
	uint64_t before = all - after;
	double span = (double)MAX(now_us - since_us, SLOT_US);

	*ret_count = after;
	if (p->severity < NOTE_WARN)
		return p->severity == NOTE_INFO && before == 0 && after > 1;
	return after > 0 &&
	       (double)after / span >= MORE_LINES * (double)before / (double)BEFORE_US;
}

bool
notes_line_since(const struct notes *n, uint32_t service, int64_t since_us,
	int64_t now_us, struct notes_line *ret)
{
	const struct service *s = find(n, service);

	*ret = (struct notes_line){ .count = 0 };
	for (unsigned i = 0; s && i < s->patterns; i++) {
		const struct pattern *p = s->pattern[i];
		uint64_t count;

		if (!is_news(p, since_us, now_us, &count) ||
			(ret->count && (p->severity < ret->severity ||
					       (p->severity == ret->severity &&
						       count <= ret->count))))
			continue;
		*ret = (struct notes_line){ names_text(n->texts, p->text), p->severity,
			count };
	}
	return ret->count > 0;
}

/* How far a value is out of what it was before, in ranges; 0 when it is not. */
static double
departure(const struct value *v, int64_t since_us, struct notes_value *ret)
{
	double now = v->sample[(v->at + SAMPLES - 1) % SAMPLES].value;
	double low = INFINITY, high = -INFINITY, scale;

	for (unsigned i = 0; i < SPANS; i++) {
		if (!v->range[i].span || (v->range[i].span + 1) * SPAN_US > since_us ||
			(v->range[i].span + SPANS) * SPAN_US < since_us)
			continue;
		low = fmin(low, (double)v->range[i].low);
		high = fmax(high, (double)v->range[i].high);
	}
	if (low > high)
		return 0;
	scale = fmax(high - low, .1 * fmax(fabs(high), fabs(low)));
	ret->value = now;
	ret->rose = now > high;
	ret->before = ret->rose ? high : low;
	/* From nothing to something counts from one on: a queue, a pool that is waited for. */
	scale = fmax(scale, .3);
	if (ret->rose ? now < 2 * high : now > low / 2)
		return 0;
	return fabs(now - ret->before) >= 2 * scale ? fabs(now - ret->before) / scale : 0;
}

bool
notes_value_since(const struct notes *n, uint32_t service, int64_t since_us,
	int64_t now_us, struct notes_value *ret)
{
	const struct service *s = find(n, service);
	double farthest = 0;

	for (unsigned i = 0; s && i < s->values; i++) {
		const struct value *v = s->value[i];
		struct notes_value one = { names_text(n->texts, v->name),
			names_text(n->texts, v->unit), 0, 0, false };
		double far;

		if (newest_us(v) < MAX(since_us, now_us - FRESH_US))
			continue;
		far = departure(v, since_us, &one);
		if (far <= farthest)
			continue;
		farthest = far;
		*ret = one;
	}
	return farthest > 0;
}

size_t
notes_bytes(const struct notes *n)
{
	return sizeof(*n) + n->bytes + names_bytes(n->texts) + idmap_bytes(&n->of);
}
