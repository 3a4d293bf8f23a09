/*
 * Whatever the text: an event that is taken holds only possible values, comes back as
 * it was from its own JSON, and cJSON agrees that what was taken is JSON. What a decoder
 * has seen before changes nothing.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/wire-kit.h"
#include "weir/base/text.h"
#include "weir/base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
check_text(struct str s)
{
	check(text_is_utf8(s));
	check(s.n == 0 || !memchr(s.p, '\0', s.n));
}

static void
check_event(const struct event *e)
{
	const struct flow *f = &e->u.flow;
	const struct delta *d = &e->u.delta;

	switch (e->type) {
	case EVENT_FLOW:
		check_text(f->src);
		check_text(f->dst);
		check_text(f->op);
		check_text(f->code);
		check(f->src.n > 0 && f->dst.n > 0 && f->weight > 0);
		check(f->client_us >= -1 && f->server_us >= -1 && f->queue_us >= -1);
		check(f->bytes_in >= -1 && f->bytes_out >= -1 && f->end_us >= 0);
		check(f->kind < KIND_COUNT && f->origin < ORIGIN_COUNT);
		break;
	case EVENT_DELTA:
		check(d->errors <= d->calls && d->span_us > 0);
		for (uint32_t i = 1; i < d->latency.n; i++)
			check(d->latency.bound_us[i] > d->latency.bound_us[i - 1]);
		break;
	case EVENT_GAUGE:
		check(isfinite(e->u.gauge.value));
		check(e->u.gauge.service.n > 0 && e->u.gauge.name.n > 0);
		break;
	case EVENT_NOTE:
		check(e->u.note.severity <= NOTE_FATAL && e->u.note.service.n > 0);
		break;
	case EVENT_WORK:
		check(e->u.work.duration_us >= 0 && e->u.work.service.n > 0);
		break;
	case EVENT_MEMBER:
		check_text(e->u.member.service);
		check_text(e->u.member.group);
		check(e->u.member.service.n > 0 && e->u.member.group.n > 0);
		break;
	}
}

/* Half of a surrogate pair is JSON by its grammar; cJSON refuses it also in what is ignored. */
static bool
may_hold_surrogates(struct str s)
{
	return memmem(s.p, s.n, "\\ud", 3) || memmem(s.p, s.n, "\\uD", 3);
}

/* The second reading must give the same JSON as the first. */
struct pass {
	struct buf again;
	bool second;
};

static void
see(void *ctx, const struct event *e)
{
	struct pass *pass = ctx;
	size_t start = pass->again.n;
	cJSON *tree;

	check_event(e);
	wire_put_json(&pass->again, e);
	if (!pass->second) {
		tree = cJSON_ParseWithLength(
			pass->again.p + start, pass->again.n - start);
		check(cJSON_IsObject(tree));
		cJSON_Delete(tree);
	}
	buf_addc(&pass->again, '\n');
}

static void
check_kept(struct str text, const struct pass *fresh, enum status status,
	const struct wire_counts *counts)
{
	static struct wire_decoder *kept;
	struct pass pass = { .second = true };
	struct wire_counts again = { 0 };

	if (!kept)
		kept = wire_decoder_new();
	check(wire_decode(kept, WIRE_JSON, text, INT64_C(1767621752000000), see, &pass,
		      &again) == status);
	check(again.events == counts->events && again.bad == counts->bad);
	check(str_eq(buf_str(&pass.again), buf_str(&fresh->again)));
	buf_done(&pass.again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { .p = (const char *)data, .n = size };
	struct wire_counts first = { 0 }, second = { 0 };
	struct pass one = { .second = false }, two = { .second = true };
	struct buf scratch = BUF_INIT;
	struct wire_beat beat;
	enum status status = decode_once(
		WIRE_JSON, text, INT64_C(1767621752000000), see, &one, &first);

	/* A payload that is one value and was taken whole is JSON for cJSON too. */
	if (status == STATUS_OK && first.events == 1 && first.bad == 0 &&
		!may_hold_surrogates(text)) {
		cJSON *tree = cJSON_ParseWithLength(text.p, text.n);

		check(tree != NULL);
		cJSON_Delete(tree);
	}
	check(decode_once(WIRE_JSON, buf_str(&one.again), 0, see, &two, &second) ==
		STATUS_OK);
	check(second.events == first.events && second.bad == 0);
	check(str_eq(buf_str(&one.again), buf_str(&two.again)));
	check_kept(text, &one, status, &first);
	if (wire_get_beat(text, &scratch, &beat) == STATUS_OK) {
		check_text(beat.host);
		check_text(beat.input);
	}
	buf_done(&scratch);
	buf_done(&one.again);
	buf_done(&two.again);
	return 0;
}
