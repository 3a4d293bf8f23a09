#include "config.h"

#include "weir/input/promreply.h"

#include <math.h>
#include <stdlib.h>

#include "weir/base/buf.h"
#include "weir/base/json.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

#define MAX_VALUES (1u << 24) /* of one answer: memory is bounded by the body anyway */

struct reader {
	struct json j;
	struct prom_reply *reply;
	struct prom_label label[PROM_MAX_LABELS];
	struct prom_sample *sample;
	unsigned labels, samples, room;
	bool native;
};

struct str
prom_label(const struct prom_series *s, struct str name)
{
	for (unsigned i = 0; i < s->labels; i++)
		if (str_eq(s->label[i].name, name))
			return s->label[i].value;
	return STR("");
}

/* The next value as text, whatever it is; "" for containers and literals. */
static struct str
take_text(struct json *j)
{
	enum json_type t = json_peek(j);

	if (t != JSON_STRING && t != JSON_NUMBER) {
		json_skip(j);
		return STR("");
	}
	json_next(j);
	return j->text;
}

static void
read_metric(struct reader *r)
{
	struct str key;

	if (!json_enter(&r->j, JSON_OBJECT))
		return;
	while (json_key(&r->j, &key)) {
		struct str value = take_text(&r->j);

		if (str_eq(key, STR("__name__")))
			continue;
		if (r->labels == PROM_MAX_LABELS) {
			json_fail(&r->j, STATUS_ERR_TOO_BIG);
			return;
		}
		r->label[r->labels++] = (struct prom_label){ key, value };
	}
}

static void
add_sample(struct reader *r, double at, double value)
{
	int64_t at_us = llround(at * 1e6);

	if (!isfinite(value) ||
		(r->samples > 0 && at_us <= r->sample[r->samples - 1].at_us)) {
		r->reply->odd++;
		return;
	}
	if (r->samples == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->sample = xreallocarray(r->sample, r->room, sizeof(*r->sample));
	}
	r->sample[r->samples++] = (struct prom_sample){ at_us, value };
}

/* [seconds, "value"] */
static void
read_sample(struct reader *r)
{
	double at = NAN, value = NAN;
	unsigned n = 0;

	if (!json_enter(&r->j, JSON_ARRAY))
		return;
	while (json_item(&r->j)) {
		struct str text = take_text(&r->j);

		/* "NaN" and "+Inf" are no numbers to json_double(), and stay NAN. */
		if (n < 2)
			json_double(text, n == 0 ? &at : &value);
		n++;
	}
	if (json_status(&r->j))
		return;
	if (n != 2 || !(at > 0 && at < 1e12))
		json_fail(&r->j, STATUS_ERR_SYNTAX);
	else
		add_sample(r, at, value);
}

static void
read_series(struct reader *r, prom_series_fn fn, void *ctx)
{
	struct prom_series s;
	struct str key;

	r->labels = r->samples = 0;
	r->native = false;
	if (!json_enter(&r->j, JSON_OBJECT))
		return;
	while (json_key(&r->j, &key)) {
		if (str_eq(key, STR("metric"))) {
			r->labels = 0;
			read_metric(r);
		} else if (str_eq(key, STR("value"))) {
			read_sample(r);
		} else if (str_eq(key, STR("values"))) {
			if (json_enter(&r->j, JSON_ARRAY))
				while (json_item(&r->j))
					read_sample(r);
		} else {
			r->native |= str_eq(key, STR("histogram")) ||
				     str_eq(key, STR("histograms"));
			json_skip(&r->j);
		}
	}
	if (json_status(&r->j))
		return;
	r->reply->series++;
	r->reply->native += r->native && r->samples == 0;
	s = (struct prom_series){ r->label, r->labels, r->sample, r->samples };
	if (r->samples > 0 && fn)
		fn(ctx, &s);
}

/* "result" of @j: an array of series, or of a scalar the one sample itself. */
static void
read_result(struct reader *r, prom_series_fn fn, void *ctx)
{
	struct json at = r->j;

	if (!json_enter(&r->j, JSON_ARRAY))
		return;
	if (json_peek(&r->j) == JSON_NUMBER) {
		struct prom_series s = { .labels = 0 };

		r->j = at;
		r->samples = 0;
		read_sample(r);
		s.sample = r->sample;
		s.samples = r->samples;
		if (!json_status(&r->j) && s.samples > 0 && fn)
			fn(ctx, &s);
		return;
	}
	while (json_item(&r->j))
		read_series(r, fn, ctx);
}

static void
read_data(struct reader *r, prom_series_fn fn, void *ctx)
{
	struct str key;

	if (!json_enter(&r->j, JSON_OBJECT))
		return;
	while (json_key(&r->j, &key)) {
		if (str_eq(key, STR("result")))
			read_result(r, fn, ctx);
		else
			json_skip(&r->j);
	}
}

static void
keep_error(struct prom_reply *reply, struct str text)
{
	struct buf clean = BUF_INIT;

	text_clean(&clean, text, sizeof(reply->error) - 1);
	memcpy(reply->error, buf_cstr(&clean), clean.n + 1);
	buf_done(&clean);
}

/* Once over everything without writing; *ret_good: its status is "success". */
static enum status
look_through(struct reader *r, bool *ret_good)
{
	struct json data;
	bool has_data = false;
	struct str key;

	*ret_good = false;
	if (!json_enter(&r->j, JSON_OBJECT))
		json_fail(&r->j, STATUS_ERR_SYNTAX);
	while (json_key(&r->j, &key)) {
		if (str_eq(key, STR("status"))) {
			*ret_good = str_eq(take_text(&r->j), STR("success"));
		} else if (str_eq(key, STR("error"))) {
			keep_error(r->reply, take_text(&r->j));
		} else if (str_eq(key, STR("warnings"))) {
			if (json_enter(&r->j, JSON_ARRAY))
				while (json_item(&r->j)) {
					r->reply->partial = true;
					json_skip(&r->j);
				}
		} else if (str_eq(key, STR("data")) && !has_data) {
			has_data = true;
			data = r->j;
			read_data(r, NULL, NULL);
		} else {
			json_skip(&r->j);
		}
	}
	if (!json_finish(&r->j) && has_data) {
		r->j = data;
		return STATUS_OK;
	}
	return json_status(&r->j) ? json_status(&r->j) : STATUS_ERR_SYNTAX;
}

enum status
promreply_read(char *body, size_t n, prom_series_fn fn, void *ctx, struct prom_reply *ret)
{
	struct reader r = { .reply = ret };
	enum status s;
	bool good;

	*ret = (struct prom_reply){ 0 };
	json_init(&r.j, body, n, MAX_VALUES, true);
	s = look_through(&r, &good);
	if (ret->error[0] || (!s && !good)) {
		if (!ret->error[0])
			keep_error(ret, STR("no success"));
		s = STATUS_ERR_SYSTEM;
	}
	if (!s) {
		r.j.keep = false;
		ret->series = ret->odd = ret->native = 0;
		read_data(&r, fn, ctx);
		s = json_status(&r.j);
	}
	free(r.sample);
	return s;
}
