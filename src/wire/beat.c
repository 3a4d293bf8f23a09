#include "config.h"

#include <string.h>

#include "decimal.h"
#include "weir/base/json.h"
#include "weir/base/util.h"
#include "weir/wire/wire.h"

#define VALUES_MAX 1000

/*
 * Take the value of the member of @b that @key names, or of one nobody here knows. False
 * when it cannot be one of it.
 */
static bool
take_member(struct json *j, struct str key, struct wire_beat *b)
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
		{ STR("busy"), .number = &b->busy },
	};
	struct decimal d;
	enum json_type t;

	for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
		if (!str_eq(members[i].key, key))
			continue;
		t = json_next(j);
		if (t == JSON_NULL)
			return true;
		if (members[i].text) {
			*members[i].text = j->text;
			/* What is shown as C strings would end there. */
			return t == JSON_STRING && !memchr(j->text.p, '\0', j->text.n);
		}
		return t == JSON_NUMBER && decimal_from(j->text, &d) &&
		       decimal_scaled(&d, 1, UINT64_MAX, members[i].number);
	}
	json_skip(j);
	return true;
}

enum status
wire_get_beat(struct str payload, struct buf *scratch, struct wire_beat *ret_beat)
{
	struct wire_beat b = { 0 };
	struct str key;
	struct json j;

	/* Escapes are undone where they stand. */
	buf_clear(scratch);
	buf_add_str(scratch, payload);
	json_init(&j, scratch->p, scratch->n, VALUES_MAX, false);
	if (json_peek(&j) != JSON_OBJECT)
		return STATUS_ERR_SYNTAX;
	json_next(&j);
	while (json_key(&j, &key))
		if (!take_member(&j, key, &b))
			return STATUS_ERR_SYNTAX;
	if (json_finish(&j) != STATUS_OK)
		return STATUS_ERR_SYNTAX;
	*ret_beat = b;
	return STATUS_OK;
}
