/*
 * The `json` encoding: one object, an array of objects, or an object a line.
 *
 * Each record is walked once by json-scan, which leaves its known members as slices
 * of the payload; an event is then put together from them. So one huge array never
 * becomes one huge tree: only a histogram, and text with escapes, goes through cJSON.
 *
 * A record that is readable JSON but no event (a negative latency, an id that is no
 * id, a name that is a number) is counted and passed over. In an object-a-line
 * payload so is a line that is no JSON; in an array nothing can be found again behind
 * a fault, and the payload ends there.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "encoding.h"
#include "json-scan.h"
#include "json-time.h"
#include "weir/base/util.h"

/* A year: what is longer is a fault of the sender's arithmetic. */
#define DURATION_MAX_US (UINT64_C(366) * 86400 * 1000000)
#define COUNT_MAX UINT64_C(1000000000000)
#define BUCKETS_MAX 512
#define HISTOGRAM_MAX_BYTES (64u * 1024) /* cJSON's tree takes 40 times the text */

/* Known members, shortest name first: the look-up goes by length. */
#define FIELD_LIST(X)           \
	X(N, "n")               \
	X(US, "us")             \
	X(TS, "ts")             \
	X(OP, "op")             \
	X(IN, "in")             \
	X(SRC, "src")           \
	X(DST, "dst")           \
	X(OUT, "out")           \
	X(ERR, "err")           \
	X(SEV, "sev")           \
	X(KIND, "kind")         \
	X(CODE, "code")         \
	X(SPAN, "span")         \
	X(NOTE, "note")         \
	X(UNIT, "unit")         \
	X(WORK, "work")         \
	X(HIST, "hist")         \
	X(TRACE, "trace")       \
	X(GAUGE, "gauge")       \
	X(GROUP, "group")       \
	X(VALUE, "value")       \
	X(CALLS, "calls")       \
	X(SRV_US, "srv_us")     \
	X(PARENT, "parent")     \
	X(ORIGIN, "origin")     \
	X(ERRORS, "errors")     \
	X(SERVICE, "service")   \
	X(SPAN_MS, "span_ms")   \
	X(QUEUE_US, "queue_us") \
	X(SRC_KIND, "src_kind") \
	X(DST_KIND, "dst_kind")

enum field {
#define X(id, name) F_##id,
	FIELD_LIST(X)
#undef X
	F_COUNT
};

static const struct str field_names[] = {
#define X(id, name) { name, sizeof(name) - 1 },
	FIELD_LIST(X)
#undef X
};

/* The first field whose name has that many bytes. */
static const uint8_t first_of_length[] = { 0, F_N, F_US, F_SRC, F_KIND, F_TRACE, F_SRV_US,
	F_SERVICE, F_QUEUE_US, F_COUNT };

struct record {
	struct json_value field[F_COUNT];
	uint64_t present; /* bit set of enum field; null counts as absent */
	struct buf *scratch;
	int64_t now_us;
	bool bad, has_escapes;
	/* A histogram lives here while its event is handed out. */
	int64_t bound_us[BUCKETS_MAX];
	uint64_t count[BUCKETS_MAX];
};

static enum field
field_find(struct str name)
{
	if (name.n == 0 || name.n + 1 >= ARRAY_LEN(first_of_length))
		return F_COUNT;
	for (unsigned i = first_of_length[name.n]; i < first_of_length[name.n + 1]; i++)
		if (*field_names[i].p == *name.p &&
			memcmp(field_names[i].p, name.p, name.n) == 0)
			return (enum field)i;
	return F_COUNT;
}

static bool
has(const struct record *r, enum field f)
{
	return r->present >> f & 1;
}

/* The member when it is there and of that type; the record is bad when of another. */
static const struct json_value *
get(struct record *r, enum field f, enum json_type type)
{
	if (!has(r, f))
		return NULL;
	if (r->field[f].type == type)
		return &r->field[f];
	r->bad = true;
	return NULL;
}

static struct str
get_text(struct record *r, enum field f)
{
	const struct json_value *v = get(r, f, JSON_STRING);
	struct str s = STR("");

	if (v && !json_text(v, r->scratch, &s))
		r->bad = true;
	return s;
}

/* A name that must be there and not empty. */
static struct str
get_name(struct record *r, enum field f)
{
	struct str s = get_text(r, f);

	if (s.n == 0)
		r->bad = true;
	return s;
}

/* A number of few digits and nothing else, as nearly all are. */
static bool
short_number(struct str s, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (s.n > 18)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*ret_n = n;
	return true;
}

/* A number times @scale, rounded, in 0..@max; @otherwise when absent. */
static int64_t
get_count(struct record *r, enum field f, uint32_t scale, uint64_t max, int64_t otherwise)
{
	const struct json_value *v = get(r, f, JSON_NUMBER);
	struct decimal d;
	uint64_t n;

	if (!v)
		return otherwise;
	if (scale == 1 && short_number(v->text, &n) && n <= max)
		return (int64_t)n;
	if (!json_decimal(v->text, &d) || !decimal_scaled(&d, scale, max, &n)) {
		r->bad = true;
		return otherwise;
	}
	return (int64_t)n;
}

static int64_t
get_duration(struct record *r, enum field f)
{
	return get_count(r, f, 1, DURATION_MAX_US, FLOW_UNKNOWN);
}

static int64_t
get_time(struct record *r)
{
	int64_t us = r->now_us;

	if (has(r, F_TS) && !json_time(&r->field[F_TS], r->scratch, &us))
		r->bad = true;
	return us;
}

/* A hexadecimal digit and one more, so that 0 is none. */
static const uint8_t hex_digits[256] = { ['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16 };

/* Hex of @bytes bytes, or of 8 into the right half of 16. An empty text is absent. */
static void
get_id(struct record *r, enum field f, uint8_t *id, size_t bytes)
{
	struct str s = get_text(r, f);

	memset(id, 0, bytes);
	if (s.n == 0)
		return;
	if (s.n != 16 && s.n != 2 * bytes) {
		r->bad = true;
		return;
	}
	id += bytes - s.n / 2;
	for (size_t i = 0; i < s.n; i += 2) {
		unsigned high = hex_digits[(uint8_t)s.p[i]];
		unsigned low = hex_digits[(uint8_t)s.p[i + 1]];

		if (!high || !low)
			r->bad = true;
		id[i / 2] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
}

static void
get_ids(struct record *r, struct flow_ids *ids)
{
	get_id(r, F_TRACE, ids->trace, sizeof(ids->trace));
	get_id(r, F_SPAN, ids->span, sizeof(ids->span));
	get_id(r, F_PARENT, ids->parent, sizeof(ids->parent));
}

/* "err" is true, false, or what went wrong in words. */
static bool
get_error(struct record *r, struct str *ret_words)
{
	*ret_words = STR("");
	if (!has(r, F_ERR))
		return false;
	if (r->field[F_ERR].type == JSON_FALSE || r->field[F_ERR].type == JSON_TRUE)
		return r->field[F_ERR].type == JSON_TRUE;
	*ret_words = get_text(r, F_ERR);
	return ret_words->n > 0;
}

/* Text, or a number as it is written. */
static struct str
get_code(struct record *r)
{
	if (has(r, F_CODE) && r->field[F_CODE].type == JSON_NUMBER)
		return r->field[F_CODE].text;
	return get_text(r, F_CODE);
}

/* Words that a newer sender may know and this reader does not are not faults. */
static void
get_words(struct record *r, enum flow_kind *kind, enum flow_origin *origin,
	enum node_kind *src_kind, enum node_kind *dst_kind)
{
	*kind = KIND_UNKNOWN;
	*origin = ORIGIN_DIRECT;
	*src_kind = *dst_kind = NODE_SERVICE;
	flow_kind_from(get_text(r, F_KIND), kind);
	flow_origin_from(get_text(r, F_ORIGIN), origin);
	node_kind_from(get_text(r, F_SRC_KIND), src_kind);
	node_kind_from(get_text(r, F_DST_KIND), dst_kind);
}

static void
read_flow(struct record *r, struct event *e)
{
	struct flow *f = &e->u.flow;
	struct str words;

	e->type = EVENT_FLOW;
	f->memo = NULL;
	f->src = get_name(r, F_SRC);
	f->dst = get_name(r, F_DST);
	f->op = get_text(r, F_OP);
	f->failed = get_error(r, &words);
	f->code = get_code(r);
	if (f->code.n == 0)
		f->code = words;
	get_words(r, &f->kind, &f->origin, &f->src_kind, &f->dst_kind);
	f->end_us = get_time(r);
	f->client_us = get_duration(r, F_US);
	f->server_us = get_duration(r, F_SRV_US);
	f->queue_us = get_duration(r, F_QUEUE_US);
	f->bytes_in = get_count(r, F_IN, 1, INT64_MAX, FLOW_UNKNOWN);
	f->bytes_out = get_count(r, F_OUT, 1, INT64_MAX, FLOW_UNKNOWN);
	f->weight = (uint32_t)get_count(r, F_N, 1, UINT32_MAX, 1);
	if (f->weight == 0)
		r->bad = true;
	get_ids(r, &f->ids);
}

static void
read_work(struct record *r, struct event *e)
{
	struct work *w = &e->u.work;
	struct str words;

	e->type = EVENT_WORK;
	w->service = get_name(r, F_SERVICE);
	w->op = get_text(r, F_WORK);
	w->failed = get_error(r, &words);
	w->end_us = get_time(r);
	w->duration_us = get_duration(r, F_US);
	if (w->duration_us == FLOW_UNKNOWN)
		r->bad = true;
	get_ids(r, &w->ids);
}

static void
read_gauge(struct record *r, struct event *e)
{
	struct gauge *g = &e->u.gauge;
	const struct json_value *v = get(r, F_VALUE, JSON_NUMBER);

	e->type = EVENT_GAUGE;
	g->service = get_name(r, F_SERVICE);
	g->name = get_name(r, F_GAUGE);
	g->unit = get_text(r, F_UNIT);
	g->at_us = get_time(r);
	if (!v || !json_finite(v->text, &g->value))
		r->bad = true;
}

static void
read_member(struct record *r, struct event *e)
{
	e->type = EVENT_MEMBER;
	e->u.member.service = get_name(r, F_SERVICE);
	e->u.member.group = get_name(r, F_GROUP);
}

static bool
word_is(struct str s, const char *word)
{
	size_t i;

	for (i = 0; i < s.n && word[i]; i++)
		if ((s.p[i] | 0x20) != word[i])
			return false;
	return i == s.n && !word[i];
}

static void
read_note(struct record *r, struct event *e)
{
	static const struct {
		const char *word;
		enum note_severity severity;
	} severities[] = {
		{ "trace", NOTE_TRACE },
		{ "debug", NOTE_DEBUG },
		{ "info", NOTE_INFO },
		{ "notice", NOTE_INFO },
		{ "warn", NOTE_WARN },
		{ "warning", NOTE_WARN },
		{ "err", NOTE_ERROR },
		{ "error", NOTE_ERROR },
		{ "critical", NOTE_FATAL },
		{ "fatal", NOTE_FATAL },
		{ "", NOTE_INFO },
	};
	struct note *n = &e->u.note;
	struct str word = get_text(r, F_SEV);
	unsigned i = 0;

	e->type = EVENT_NOTE;
	n->service = get_name(r, F_SERVICE);
	n->text = get_text(r, F_NOTE);
	n->at_us = get_time(r);
	while (i < ARRAY_LEN(severities) && !word_is(word, severities[i].word))
		i++;
	if (i == ARRAY_LEN(severities))
		r->bad = true;
	else
		n->severity = severities[i].severity;
	get_ids(r, &n->ids);
}

/* The numbers of "le_us" and "count"; a null bound, the last one, is without limit. */
static bool
read_buckets(const cJSON *bounds, const cJSON *counts, struct record *r, struct delta *d)
{
	const cJSON *bound = cJSON_IsArray(bounds) ? bounds->child : NULL;
	const cJSON *count = cJSON_IsArray(counts) ? counts->child : NULL;
	int64_t before = -1;
	uint32_t n = 0;

	for (; bound && count; bound = bound->next, count = count->next, n++) {
		double le = cJSON_IsNull(bound) ? 0 : cJSON_GetNumberValue(bound);
		double many = cJSON_GetNumberValue(count);

		/* A comparison with NAN, which is what no number gives, is false. */
		if (n == BUCKETS_MAX || !(le >= 0 && le <= (double)DURATION_MAX_US) ||
			!(many >= 0 && many <= (double)COUNT_MAX))
			return false;
		r->bound_us[n] = cJSON_IsNull(bound) ? INT64_MAX : (int64_t)le;
		r->count[n] = (uint64_t)many;
		if (r->bound_us[n] <= before)
			return false;
		before = r->bound_us[n];
	}
	d->latency = (struct buckets){ r->bound_us, r->count, n };
	return !bound && !count && cJSON_IsArray(bounds) && cJSON_IsArray(counts);
}

static void
read_histogram(struct record *r, struct delta *d)
{
	const struct json_value *v = get(r, F_HIST, JSON_OBJECT);
	cJSON *tree;

	if (!v)
		return;
	if (v->text.n > HISTOGRAM_MAX_BYTES) {
		r->bad = true;
		return;
	}
	tree = cJSON_ParseWithLength(v->text.p, v->text.n);
	if (!read_buckets(cJSON_GetObjectItemCaseSensitive(tree, "le_us"),
		    cJSON_GetObjectItemCaseSensitive(tree, "count"), r, d))
		r->bad = true;
	cJSON_Delete(tree);
}

static void
read_delta(struct record *r, struct event *e)
{
	struct delta *d = &e->u.delta;

	e->type = EVENT_DELTA;
	*d = (struct delta){ .weight = 1, .events = 1 };
	d->src = get_name(r, F_SRC);
	d->dst = get_name(r, F_DST);
	d->op = get_text(r, F_OP);
	get_words(r, &d->kind, &d->origin, &d->src_kind, &d->dst_kind);
	d->end_us = get_time(r);
	d->span_us = get_count(r, F_SPAN_MS, 1000, DURATION_MAX_US, 0);
	d->calls = (uint64_t)get_count(r, F_CALLS, 1, COUNT_MAX, 0);
	d->errors = (uint64_t)get_count(r, F_ERRORS, 1, COUNT_MAX, 0);
	d->bytes_in = get_count(r, F_IN, 1, INT64_MAX, FLOW_UNKNOWN);
	d->bytes_out = get_count(r, F_OUT, 1, INT64_MAX, FLOW_UNKNOWN);
	if (d->span_us == 0 || d->errors > d->calls)
		r->bad = true;
	read_histogram(r, d);
}

/* Put together the event that the record's members say. */
static bool
read_event(struct record *r, struct event *e)
{
	if (has(r, F_NOTE))
		read_note(r, e);
	else if (has(r, F_GAUGE))
		read_gauge(r, e);
	else if (has(r, F_WORK))
		read_work(r, e);
	else if (has(r, F_GROUP) && !has(r, F_SRC))
		read_member(r, e);
	else if (has(r, F_CALLS))
		read_delta(r, e);
	else
		read_flow(r, e);
	return !r->bad;
}

/*
 * Take the object at the scanner into @r. False when it is no JSON. A known member
 * that comes twice makes it bad: whatever one of the two was taken would be a guess.
 */
static bool
take_record(struct json_scan *s, struct record *r)
{
	const char *start = s->p;
	struct json_value key, value;
	uint64_t seen = 0;

	r->bad = r->has_escapes = false;
	r->present = 0;
	buf_clear(r->scratch);
	for (bool first = true; json_member(s, first, &key, &value); first = false) {
		struct str name = key.text;
		enum field f;

		r->has_escapes |= value.escaped;
		if (key.escaped && !json_text(&key, r->scratch, &name))
			r->bad = true;
		f = field_find(name);
		if (f == F_COUNT)
			continue;
		if (seen >> f & 1)
			r->bad = true;
		seen |= UINT64_C(1) << f;
		if (value.type == JSON_NULL)
			continue;
		r->field[f] = value;
		r->present |= UINT64_C(1) << f;
	}
	/* Unescaped text is never longer; what is borrowed from scratch must stay put. */
	if (r->has_escapes)
		buf_reserve(r->scratch, (size_t)(s->p - start));
	return s->status == STATUS_OK;
}

static void
hand_out(struct record *r, wire_event_fn fn, void *ctx, struct wire_counts *counts)
{
	struct event e;

	if (!read_event(r, &e)) {
		counts->bad++;
		return;
	}
	fn(ctx, &e);
	counts->events++;
}

/* Take what follows a value on its line: nothing but white space. */
static bool
line_ends(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
	return s->p == s->end || *s->p == '\n';
}

/* Is the fault one of this line, so that the next line may be read? */
static bool
is_of_line(enum status status)
{
	return status == STATUS_ERR_SYNTAX || status == STATUS_ERR_TRUNCATED;
}

static enum status
decode_lines(struct json_scan *s, struct record *r, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	enum status worst = STATUS_OK;
	bool any = false;

	while (json_more(s)) {
		const char *start = s->p;

		if (json_object(s) && take_record(s, r) && line_ends(s)) {
			hand_out(r, fn, ctx, counts);
			any = true;
			continue;
		}
		counts->bad++;
		worst = s->status == STATUS_OK ? STATUS_ERR_SYNTAX : s->status;
		if (!is_of_line(worst))
			return worst;
		s->status = STATUS_OK;
		s->depth = 0;
		/*
		 * A torn line may have swallowed whole ones behind it: go back. The limits of
		 * depth and values, which are not set back, bound what is read again.
		 */
		s->p = start;
		while (s->p < s->end && *s->p != '\n')
			s->p++;
	}
	return any ? STATUS_OK : worst;
}

static enum status
decode_array(struct json_scan *s, struct record *r, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	struct json_value other;

	s->depth = 1;
	if (json_take(s, ']'))
		goto end;
	do {
		if (json_more(s) && *s->p == '{') {
			if (!json_object(s) || !take_record(s, r))
				break;
			hand_out(r, fn, ctx, counts);
		} else {
			if (!json_value(s, &other))
				break;
			counts->bad++;
		}
	} while (json_take(s, ','));
	if (s->status == STATUS_OK && json_take(s, ']'))
		goto end;
	counts->bad++;
	return s->status == STATUS_OK ? STATUS_ERR_SYNTAX : s->status;
end:
	if (!json_more(s))
		return STATUS_OK;
	counts->bad++;
	return STATUS_ERR_SYNTAX;
}

static enum status
decode_json(struct str payload, int64_t now_us, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	struct buf scratch = BUF_INIT;
	struct record r;
	struct json_scan s;
	enum status status;

	if (payload.n > WIRE_MAX_FRAME)
		return STATUS_ERR_TOO_BIG;
	r.scratch = &scratch;
	r.now_us = now_us;
	json_scan_init(&s, payload);
	if (json_take(&s, '['))
		status = decode_array(&s, &r, fn, ctx, counts);
	else
		status = decode_lines(&s, &r, fn, ctx, counts);
	buf_done(&scratch);
	return status;
}

static void
keep_newest(void *ctx, const struct event *e)
{
	int64_t *newest_us = ctx;
	int64_t at_us = 0;

	switch (e->type) {
	case EVENT_FLOW:
		at_us = e->u.flow.end_us;
		break;
	case EVENT_WORK:
		at_us = e->u.work.end_us;
		break;
	case EVENT_NOTE:
		at_us = e->u.note.at_us;
		break;
	case EVENT_GAUGE:
		at_us = e->u.gauge.at_us;
		break;
	case EVENT_DELTA:
		at_us = e->u.delta.end_us;
		break;
	case EVENT_MEMBER:
		break;
	}
	*newest_us = MAX(*newest_us, at_us);
}

/*
 * The number behind the "ts" of an object without others in it. Inside of a string its
 * quotes would be escaped, so what looks like that member is that member.
 */
static bool
plain_time(struct str line, int64_t *ret_us)
{
	static const struct str key = { "\"ts\":", 5 };
	const char *end = line.p + line.n, *p, *stop;
	struct json_value v = { .type = JSON_NUMBER };

	if (line.n < 2 || line.p[0] != '{' || memchr(line.p + 1, '{', line.n - 1))
		return false;
	p = memmem(line.p, line.n, key.p, key.n);
	if (!p)
		return false;
	p += key.n;
	for (stop = p; stop < end && (*stop == '.' || (*stop >= '0' && *stop <= '9'));)
		stop++;
	if (stop == end || (*stop != ',' && *stop != '}'))
		return false;
	v.text = (struct str){ p, (size_t)(stop - p) };
	return json_time(&v, NULL, ret_us);
}

int64_t
wire_line_time(struct str line)
{
	struct wire_counts counts = { 0 };
	int64_t newest_us = 0;

	if (!plain_time(line, &newest_us))
		wire_decode(WIRE_JSON, line, 0, keep_newest, &newest_us, &counts);
	return newest_us;
}

static void *
open_json(void)
{
	return xcalloc(1, sizeof(struct buf));
}

static void
close_json(void *w)
{
	if (w)
		buf_done(w);
	free(w);
}

static size_t
add_json(void *w, const struct event *e)
{
	struct buf *payload = w;

	if (payload->n > 0)
		buf_addc(payload, '\n');
	wire_put_json(payload, e);
	return payload->n;
}

static void
finish_json(void *w, struct buf *out)
{
	struct buf *payload = w;

	buf_add_str(out, buf_str(payload));
	buf_clear(payload);
}

const struct encoding_ops encoding_json = {
	.open = open_json,
	.close = close_json,
	.add = add_json,
	.finish = finish_json,
	.decode = decode_json,
};
