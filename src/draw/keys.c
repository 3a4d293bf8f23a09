#include "config.h"

#include "weir/draw/keys.h"

#include "weir/base/text.h"
#include "weir/base/util.h"

const struct key_binding key_bindings[] = {
#define KEY(key, action, keys, help, group, hint) \
	{ key, ACTION_##action, keys, help, group, hint },
#include "keys.def"
#undef KEY
};

const unsigned key_binding_count = ARRAY_LEN(key_bindings);

enum action
key_action(uint32_t key)
{
	for (unsigned i = 0; i < key_binding_count; i++)
		if (key_bindings[i].key == key)
			return key_bindings[i].action;
	return ACTION_NONE;
}

static bool
one_character(struct str s, uint32_t *ret_cp)
{
	struct cluster c;

	if (!text_is_clean(s) || !text_next(&s, &c) || s.n || c.mark)
		return false;
	*ret_cp = c.base;
	return true;
}

uint32_t
key_from_name(struct str name)
{
	static const struct {
		const char *name;
		uint32_t key;
	} named[] = {
		{ "Enter", WK_ENTER },
		{ "Esc", WK_ESC },
		{ "Escape", WK_ESC },
		{ "Tab", WK_TAB },
		{ "S-Tab", WK_SHIFT_TAB },
		{ "Space", ' ' },
		{ "Backspace", WK_BACKSPACE },
		{ "Delete", WK_DELETE },
		{ "Up", WK_UP },
		{ "Down", WK_DOWN },
		{ "Left", WK_LEFT },
		{ "Right", WK_RIGHT },
		{ "PgUp", WK_PGUP },
		{ "PgDn", WK_PGDN },
		{ "Home", WK_HOME },
		{ "End", WK_END },
		{ "F10", WK_F10 },
	};
	uint32_t cp;

	if (one_character(name, &cp))
		return cp;
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (str_eq(name, str_of(named[i].name)))
			return named[i].key;
	if (name.n == 2 && name.p[0] == 'F' && name.p[1] >= '1' && name.p[1] <= '9')
		return WK_F1 + (uint32_t)(name.p[1] - '1');
	if (name.n == 3 && name.p[0] == 'C' && name.p[1] == '-' && name.p[2] >= 'a' &&
		name.p[2] <= 'z')
		return WK_CTRL((uint32_t)name.p[2]);
	return WK_NONE;
}
