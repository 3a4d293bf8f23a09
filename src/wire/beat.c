#include "config.h"

#include "json-scan.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"

/* Set the member of @b that @key names. False when the value cannot be one of it. */
static bool
set_member(struct wire_beat *b, struct str key, const struct json_value *v,
	struct buf *scratch)
{
	const struct {
		struct str key;
		struct str *text;
		uint64_t *number;
	} members[] = {
		{ STR("host"), .text = &b->host },
		{ STR("program"), .text = &b->program },
		{ STR("version"), .text = &b->version },
		{ STR("input"), .text = &b->input },
		{ STR("accepted"), .number = &b->accepted },
		{ STR("shed_queue"), .number = &b->shed_queue },
		{ STR("shed_quota"), .number = &b->shed_quota },
		{ STR("rejected"), .number = &b->rejected },
		{ STR("parse_errors"), .number = &b->parse_errors },
		{ STR("unpaired"), .number = &b->unpaired },
		{ STR("duplicate"), .number = &b->duplicate },
		{ STR("waiting"), .number = &b->waiting },
	};
	struct decimal d;

	for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
		if (!str_eq(members[i].key, key))
			continue;
		if (v->type == JSON_NULL)
			return true;
		if (members[i].text)
			return v->type == JSON_STRING &&
			       json_text(v, scratch, members[i].text);
		return v->type == JSON_NUMBER && json_decimal(v->text, &d) &&
		       decimal_scaled(&d, 1, UINT64_MAX, members[i].number);
	}
	return true;
}

enum status
wire_get_beat(struct str payload, struct buf *scratch, struct wire_beat *ret_beat)
{
	struct json_scan s;
	struct json_value key, value;
	struct wire_beat b = { 0 };

	buf_clear(scratch);
	buf_reserve(scratch, payload.n);
	json_scan_init(&s, payload);
	if (!json_object(&s))
		return s.status;
	for (bool first = true; json_member(&s, first, &key, &value); first = false)
		if (!set_member(&b, key.text, &value, scratch))
			return STATUS_ERR_SYNTAX;
	if (s.status != STATUS_OK)
		return s.status;
	if (json_more(&s))
		return STATUS_ERR_SYNTAX;
	*ret_beat = b;
	return STATUS_OK;
}
