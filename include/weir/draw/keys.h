/*
 * keys - key codes without a terminal, and what they do.
 *
 * A key is a Unicode code point or one of the WK_ values. keys.def has one row per
 * binding: the help overlay, the hints line, the man page check and the dispatcher
 * all read it. term translates from curses, scripts from key names.
 */
#ifndef WEIR_DRAW_KEYS_H
#define WEIR_DRAW_KEYS_H

#include <stdint.h>

#include "weir/base/str.h"

enum {
	WK_NONE = 0,
	WK_TAB = 9,
	WK_ENTER = 10,
	WK_ESC = 27,
	WK_BACKSPACE = 127,
	WK_UP = 0x110000,
	WK_DOWN,
	WK_LEFT,
	WK_RIGHT,
	WK_PGUP,
	WK_PGDN,
	WK_HOME,
	WK_END,
	WK_SHIFT_TAB,
	WK_DELETE,
	WK_F1,
	WK_F10 = WK_F1 + 9
};

#define WK_CTRL(c) ((c)&0x1f)

enum action {
	ACTION_NONE,
#define ACTION(id) ACTION_##id,
#include "weir/draw/actions.def"
#undef ACTION
	ACTION_COUNT
};

struct key_binding {
	uint32_t key;
	enum action action;
	const char *keys; /* as shown to people: "j ↓" */
	const char *help; /* one short phrase */
	const char *group;
	const char *hint; /* a word for the hints line, or NULL */
};

/* Rows of keys.def. */
extern const struct key_binding key_bindings[];
extern const unsigned key_binding_count;

/* The action bound to @key, or ACTION_NONE. */
enum action key_action(uint32_t key);

/* A key by its script name: a character, or `Enter` `Esc` `Tab` `Space` `Up` `F1` `C-l` … */
uint32_t key_from_name(struct str name); /* WK_NONE when there is none */

#endif
