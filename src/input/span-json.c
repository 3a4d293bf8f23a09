#include "config.h"

#include "span-json.h"

#include <string.h>
#include <strings.h>

#include "weir/base/util.h"
#include "weir/core/sampling.h"

struct str
span_json_text(struct json *j)
{
	switch (json_next(j)) {
	case JSON_STRING:
	case JSON_NUMBER:
		return j->text;
	case JSON_TRUE:
		return STR("true");
	case JSON_FALSE:
		return STR("false");
	case JSON_NULL:
		return STR("");
	default:
		json_fail(j, STATUS_ERR_SYNTAX);
		return STR("");
	}
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* Read @s into @id; false when it is no such number. *ret_any: it is not 0. */
static bool
read_id(struct str s, uint8_t *id, size_t size, bool *ret_any)
{
	*ret_any = false;
	memset(id, 0, size);
	if (s.n > 2 * size)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		size_t from_end = s.n - 1 - i;
		int v = hex_digit(s.p[i]);

		if (v < 0) {
			memset(id, 0, size);
			return false;
		}
		*ret_any |= v != 0;
		id[size - 1 - from_end / 2] |= (uint8_t)(v << (from_end % 2 ? 4 : 0));
	}
	return true;
}

bool
span_json_id(struct json *j, uint8_t *id, size_t size)
{
	bool any;

	return read_id(span_json_text(j), id, size, &any) && any;
}

bool
span_json_parent(struct json *j, uint8_t id[8])
{
	bool any;

	return read_id(span_json_text(j), id, 8, &any);
}

int64_t
span_json_us(struct json *j)
{
	struct str s = span_json_text(j);
	int64_t us;
	double v;

	if (json_int64(s, &us))
		return us >= 0 ? us : -1;
	if (!json_double(s, &v) || !(v >= 0) || v > 9e15)
		return -1;
	return (int64_t)(v + 0.5);
}

static enum span_kind
kind_of(struct str word)
{
	static const struct {
		struct str word;
		enum span_kind kind;
	} kinds[] = {
		{ STR("client"), SPAN_CLIENT },
		{ STR("server"), SPAN_SERVER },
		{ STR("producer"), SPAN_PRODUCER },
		{ STR("consumer"), SPAN_CONSUMER },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (word.n == kinds[i].word.n &&
			strncasecmp(word.p, kinds[i].word.p, word.n) == 0)
			return kinds[i].kind;
	return SPAN_INTERNAL;
}

static bool
begins_with(struct str s, struct str with)
{
	return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

void
span_tags_take(
	struct span_tags *t, struct span_attrs *a, struct str key, struct str value)
{
	span_attrs_set(a, key, value);
	if (str_eq(key, STR("error"))) {
		t->error = !str_eq(value, STR("false"));
	} else if (str_eq(key, STR("span.kind"))) {
		t->has_kind = true;
		t->kind = kind_of(value);
	} else if (str_eq(key, STR("sampler.type"))) {
		t->probabilistic = str_eq(value, STR("probabilistic"));
	} else if (str_eq(key, STR("jaeger-debug-id"))) {
		t->debug = true;
	} else if (str_eq(key, STR("sampler.param"))) {
		if (!json_double(value, &t->param))
			t->param = 0;
	} else if (begins_with(key, STR("otel.")) ||
		   begins_with(key, STR("telemetry.sdk."))) {
		t->otel = true;
		t->status_error |= str_eq(key, STR("otel.status_code")) &&
				   str_eq(value, STR("ERROR"));
	}
}

void
span_tags_apply(const struct span_tags *t, struct span *s)
{
	s->failed = t->error || t->status_error;
	if (t->has_kind)
		s->kind = t->kind;
	if (t->probabilistic && !t->debug)
		s->weight = sampling_weight(t->param, s->ids.trace);
}
