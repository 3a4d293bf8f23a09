#include "config.h"

#include "json-event.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "decimal.h"
#include "json-time.h"
#include "weir/base/util.h"

/* A year: what is longer is a fault of the sender's arithmetic. */
#define DURATION_MAX_US (UINT64_C(366) * 86400 * 1000000)
#define COUNT_MAX UINT64_C(1000000000000)

static const struct str field_names[] = {
#define X(id, name) { name, sizeof(name) - 1 },
	FIELD_LIST(X)
#undef X
};

/* The first field whose name has that many bytes. */
static const uint8_t first_of_length[] = { 0, F_N, F_US, F_SRC, F_KIND, F_TRACE, F_SRV_US,
	F_SERVICE, F_QUEUE_US, F_COUNT };

unsigned
json_field(struct str name)
{
	if (name.n == 0 || name.n + 1 >= ARRAY_LEN(first_of_length))
		return F_COUNT;
	for (unsigned i = first_of_length[name.n]; i < first_of_length[name.n + 1]; i++)
		if (*field_names[i].p == *name.p &&
			memcmp(field_names[i].p, name.p, name.n) == 0)
			return i;
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

/* A text whose escapes are undone. C strings end at a NUL: two names would be one. */
static struct str
unescaped(struct record *r, struct str raw)
{
	struct str s = { .p = r->scratch.p + r->scratch.n };
	bool halves;

	s.n = json_unescape(r->scratch.p + r->scratch.n, raw.n + 4, raw, &halves);
	r->scratch.n += s.n;
	r->bad |= halves || memchr(s.p, '\0', s.n);
	return s;
}

static inline struct str
get_text(struct record *r, enum field f)
{
	const struct json_value *v = get(r, f, JSON_STRING);

	if (!v)
		return STR("");
	return v->escaped ? unescaped(r, v->text) : v->text;
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

/* A number times @scale, rounded, in 0..@max; @otherwise when absent. */
static inline int64_t
get_count(struct record *r, enum field f, uint32_t scale, uint64_t max, int64_t otherwise)
{
	const struct json_value *v = get(r, f, JSON_NUMBER);
	struct decimal d;
	uint64_t n;

	if (!v)
		return otherwise;
	if (scale == 1 && v->places == 0 && v->digits <= max)
		return (int64_t)v->digits;
	if (!decimal_from(v->text, &d) || !decimal_scaled(&d, scale, max, &n)) {
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

	if (!has(r, F_TS))
		return us;
	if (r->field[F_TS].type == JSON_NUMBER ? !json_time_number(&r->field[F_TS], &us)
					       : !json_time_text(get_text(r, F_TS), &us))
		r->bad = true;
	return us;
}

/* Eight bytes out of sixteen hexadecimal digits; false when some are none. */
#ifdef __SSE2__
static inline __m128i
within(__m128i v, char low, char high)
{
	return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(low - 1))),
		_mm_cmplt_epi8(v, _mm_set1_epi8((char)(high + 1))));
}

static inline bool
take_hex(const char *p, uint8_t *to)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i letters = within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'f');
	bool good =
		_mm_movemask_epi8(_mm_or_si128(within(v, '0', '9'), letters)) == 0xffff;

	v = _mm_add_epi8(_mm_and_si128(v, _mm_set1_epi8(0x0f)),
		_mm_and_si128(letters, _mm_set1_epi8(9)));
	/* Two of them stand in sixteen bits, the first one lower. */
	v = _mm_or_si128(_mm_slli_epi16(v, 4), _mm_srli_epi16(v, 8));
	v = _mm_and_si128(v, _mm_set1_epi16(0xff));
	_mm_storel_epi64((__m128i *)to, _mm_packus_epi16(v, v));
	return good;
}
#else
static bool
take_hex(const char *p, uint8_t *to)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	bool good = true;

	for (unsigned i = 0; i < 16; i++) {
		const char *d = memchr(digits, p[i], sizeof(digits) - 1);
		unsigned v = d ? (unsigned)(d - digits) : 0;

		good &= d != NULL;
		to[i / 2] = (uint8_t)(to[i / 2] << 4 | (v < 16 ? v : v - 6));
	}
	return good;
}
#endif

/* Hex of @bytes bytes, or of 8 into the right half of 16. An empty text is absent. */
static inline void
get_id(struct record *r, enum field f, uint8_t *id, size_t bytes)
{
	struct str s = get_text(r, f);

	if (s.n != 2 * bytes)
		memset(id, 0, bytes);
	if (s.n != 0 && s.n != 16 && s.n != 2 * bytes) {
		r->bad = true;
		return;
	}
	id += bytes - s.n / 2;
	for (size_t i = 0; i < s.n; i += 16)
		r->bad |= !take_hex(s.p + i, id + i / 2);
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

/* What the words of a request mean. */
struct route {
	enum flow_kind kind;
	enum flow_origin origin;
	enum node_kind src_kind, dst_kind;
};

/* Words that a newer sender may know and this reader does not are not faults. */
static inline struct route
get_route(struct record *r)
{
	struct route route = { .origin = ORIGIN_DIRECT };

	flow_kind_from(get_text(r, F_KIND), &route.kind);
	flow_origin_from(get_text(r, F_ORIGIN), &route.origin);
	/* Most are of services, which nobody says. */
	if (has(r, F_SRC_KIND))
		node_kind_from(get_text(r, F_SRC_KIND), &route.src_kind);
	if (has(r, F_DST_KIND))
		node_kind_from(get_text(r, F_DST_KIND), &route.dst_kind);
	return route;
}

static void
read_flow(struct record *r, struct event *e)
{
	struct flow *f = &e->u.flow;
	struct route route = get_route(r);
	struct str words;

	e->type = EVENT_FLOW;
	f->memo = NULL;
	f->kind = route.kind;
	f->origin = route.origin;
	f->src_kind = route.src_kind;
	f->dst_kind = route.dst_kind;
	f->src = get_name(r, F_SRC);
	f->dst = get_name(r, F_DST);
	f->op = get_text(r, F_OP);
	f->failed = get_error(r, &words);
	f->code = get_code(r);
	if (f->code.n == 0)
		f->code = words;
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
	if (!v || !json_double(v->text, &g->value))
		r->bad = true;
}

static void
read_member(struct record *r, struct event *e)
{
	e->type = EVENT_MEMBER;
	e->u.member.service = get_name(r, F_SERVICE);
	e->u.member.group = get_name(r, F_GROUP);
	e->u.member.at_us = get_time(r);
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

/* A bound of "le_us"; that of the last bucket may be null: without limit. */
static bool
take_bound(struct json *j, int64_t *ret_us)
{
	enum json_type t = json_next(j);
	double us;

	*ret_us = INT64_MAX;
	if (t != JSON_NUMBER)
		return t == JSON_NULL;
	if (!json_double(j->text, &us) || us < 0 || us > (double)DURATION_MAX_US)
		return false;
	*ret_us = (int64_t)us;
	return true;
}

static bool
take_count(struct json *j, uint32_t *ret_count)
{
	double many;

	if (json_next(j) != JSON_NUMBER || !json_double(j->text, &many) || many < 0 ||
		many > (double)COUNT_MAX)
		return false;
	*ret_count = (uint32_t)MIN(many, (double)UINT32_MAX);
	return true;
}

static bool
take_bounds(struct json *j, int64_t *bound_us, uint32_t *ret_n)
{
	uint32_t n = 0;

	if (json_peek(j) != JSON_ARRAY)
		return false;
	for (json_next(j); json_item(j); n++)
		if (n == JSON_BUCKETS_MAX || !take_bound(j, &bound_us[n]) ||
			(n && bound_us[n] <= bound_us[n - 1]))
			return false;
	*ret_n = n;
	return true;
}

static bool
take_counts(struct json *j, uint32_t *count, uint32_t *ret_n)
{
	uint32_t n = 0;

	if (json_peek(j) != JSON_ARRAY)
		return false;
	for (json_next(j); json_item(j); n++)
		if (n == JSON_BUCKETS_MAX || !take_count(j, &count[n]))
			return false;
	*ret_n = n;
	return true;
}

/* "hist", whose text has been checked: both lists must be there, once, and match. */
static bool
take_histogram(struct record *r, struct str text, struct buckets *ret_buckets)
{
	uint32_t bounds = UINT32_MAX, counts = UINT32_MAX;
	struct json j;
	struct str key;

	json_init(&j, (char *)text.p, text.n, JSON_VALUES_MAX, true);
	json_next(&j);
	while (json_key(&j, &key)) {
		if (bounds == UINT32_MAX && str_eq(key, STR("le_us"))) {
			if (!take_bounds(&j, r->bound_us, &bounds))
				return false;
		} else if (counts == UINT32_MAX && str_eq(key, STR("count"))) {
			if (!take_counts(&j, r->count, &counts))
				return false;
		} else {
			json_skip(&j);
		}
	}
	*ret_buckets = (struct buckets){ r->bound_us, r->count, bounds };
	return bounds == counts && bounds != UINT32_MAX;
}

static void
read_delta(struct record *r, struct event *e)
{
	const struct json_value *hist = get(r, F_HIST, JSON_OBJECT);
	struct delta *d = &e->u.delta;
	struct route route = get_route(r);

	e->type = EVENT_DELTA;
	*d = (struct delta){ .kind = route.kind,
		.origin = route.origin,
		.src_kind = route.src_kind,
		.dst_kind = route.dst_kind,
		.weight = 1,
		.events = 1 };
	d->src = get_name(r, F_SRC);
	d->dst = get_name(r, F_DST);
	d->op = get_text(r, F_OP);
	d->end_us = get_time(r);
	d->span_us = get_count(r, F_SPAN_MS, 1000, DURATION_MAX_US, 0);
	d->calls = (uint64_t)get_count(r, F_CALLS, 1, COUNT_MAX, 0);
	d->errors = (uint64_t)get_count(r, F_ERRORS, 1, COUNT_MAX, 0);
	d->bytes_in = get_count(r, F_IN, 1, INT64_MAX, FLOW_UNKNOWN);
	d->bytes_out = get_count(r, F_OUT, 1, INT64_MAX, FLOW_UNKNOWN);
	if (d->span_us == 0 || d->errors > d->calls ||
		(hist && !take_histogram(r, hist->text, &d->latency)))
		r->bad = true;
}

void
record_done(struct record *r)
{
	buf_done(&r->scratch);
	*r = (struct record){ 0 };
}

bool
json_event(struct record *r, struct event *e)
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
