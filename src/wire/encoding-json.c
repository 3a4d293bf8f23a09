/*
 * The `json` encoding: one object, an array of objects, or an object a line.
 *
 * Each record is walked once, which leaves its known members as slices of the payload;
 * an event is then put together from them. So one huge array never becomes one huge
 * tree. Who sends a record sends many like it: the reader knows the keys again without
 * reading them, and the names of a request by their bytes.
 *
 * A record that is readable JSON but no event (a negative latency, an id that is no
 * id, a name that is a number) is counted and passed over. In an object-a-line
 * payload so is a line that is no JSON; in an array nothing can be found again behind
 * a fault, and the payload ends there.
 */
#include "config.h"

#include <stdlib.h>

#include "encoding.h"
#include "json-event.h"
#include "json-time.h"
#include "weir/base/util.h"

struct reader {
	struct json_records alike;
	struct record record;
};

/*
 * Take the object that comes next. False when it is no JSON. A known member that comes
 * twice makes it bad: whatever one of the two was taken would be a guess.
 */
static bool
take_record(struct json *j, struct reader *reader)
{
	struct record *r = &reader->record;
	const char *start = j->at;

	if (!json_record(j, &reader->alike, r->field, &r->present, &r->bad))
		return false;
	/* Unescaped text is never longer; what is borrowed from scratch must stay put. */
	buf_clear(&r->scratch);
	buf_reserve(&r->scratch, (size_t)(j->at - start));
	return true;
}

static void
hand_out(struct reader *r, wire_event_fn fn, void *ctx, struct wire_counts *counts)
{
	struct event e;

	if (!json_event(&r->record, &e)) {
		counts->bad++;
		return;
	}
	fn(ctx, &e);
	counts->events++;
}

static const char *
skip_space(const char *p, const char *end, bool lines)
{
	while (p < end &&
		(*p == ' ' || *p == '\t' || *p == '\r' || (lines && *p == '\n')))
		p++;
	return p;
}

/* Is the fault one of this line, so that the next line may be read? */
static bool
is_of_line(enum status status)
{
	return status == STATUS_ERR_SYNTAX || status == STATUS_ERR_TRUNCATED;
}

static enum status
decode_lines(struct str s, struct reader *r, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	const char *p = s.p, *end = s.p + s.n;
	enum status worst = STATUS_OK;
	uint32_t values = JSON_VALUES_MAX;
	bool any = false;
	struct json j;

	while ((p = skip_space(p, end, true)) < end) {
		json_init(&j, (char *)p, (size_t)(end - p), values, true);
		if (*p == '{' && take_record(&j, r)) {
			const char *behind = skip_space(j.at, end, false);

			values = j.values_left;
			if (behind == end || *behind == '\n') {
				hand_out(r, fn, ctx, counts);
				any = true;
				p = behind;
				continue;
			}
		}
		counts->bad++;
		worst = j.status == STATUS_OK ? STATUS_ERR_SYNTAX : j.status;
		if (!is_of_line(worst))
			return worst;
		/*
		 * A torn line may have swallowed whole ones behind it: go back. The limit
		 * of values, which is not set back, bounds what is read again.
		 */
		values = j.values_left;
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
	}
	return any ? STATUS_OK : worst;
}

static enum status
decode_array(struct str s, struct reader *r, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	struct json j;
	enum status status;

	json_init(&j, (char *)s.p, s.n, JSON_VALUES_MAX, true);
	for (json_next(&j); json_item(&j);) {
		if (json_peek(&j) != JSON_OBJECT) {
			json_skip(&j);
			if (j.status == STATUS_OK)
				counts->bad++;
		} else if (take_record(&j, r)) {
			hand_out(r, fn, ctx, counts);
		}
	}
	status = json_finish(&j);
	counts->bad += status != STATUS_OK;
	return status;
}

static enum status
decode_json(void *reader, struct str payload, int64_t now_us, wire_event_fn fn, void *ctx,
	struct wire_counts *counts)
{
	struct reader *r = reader;
	const char *start;

	if (payload.n > WIRE_MAX_FRAME)
		return STATUS_ERR_TOO_BIG;
	if (payload.n == 0)
		return STATUS_OK;
	r->record.now_us = now_us;
	start = skip_space(payload.p, payload.p + payload.n, true);
	if (start < payload.p + payload.n && *start == '[')
		return decode_array(payload, r, fn, ctx, counts);
	return decode_lines(payload, r, fn, ctx, counts);
}

static void *
reader_new(void)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	r->alike.slot_of = json_field;
	r->alike.slots = F_COUNT;
	return r;
}

static void
reader_free(void *reader)
{
	struct reader *r = reader;

	record_done(&r->record);
	free(r);
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
		at_us = e->u.member.at_us;
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
	const char *end = line.p + line.n, *p;
	struct json_value v;
	struct json j;

	if (line.n < 2 || line.p[0] != '{' || memchr(line.p + 1, '{', line.n - 1))
		return false;
	p = memmem(line.p, line.n, key.p, key.n);
	if (!p)
		return false;
	p += key.n;
	json_init(&j, (char *)p, (size_t)(end - p), 1, true);
	if (json_next(&j) != JSON_NUMBER || j.at == end || (*j.at != ',' && *j.at != '}'))
		return false;
	v = (struct json_value){ JSON_NUMBER, false, j.places, j.text, j.digits };
	return json_time_number(&v, ret_us);
}

int64_t
wire_line_time(struct str line)
{
	struct wire_counts counts = { 0 };
	int64_t newest_us = 0;

	if (!plain_time(line, &newest_us)) {
		struct reader *r = reader_new();

		decode_json(r, line, 0, keep_newest, &newest_us, &counts);
		reader_free(r);
	}
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
	.reader_new = reader_new,
	.reader_free = reader_free,
	.decode = decode_json,
};
