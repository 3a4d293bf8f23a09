/*
 * Keys from bytes. Every control sequence that is complete is taken whole, known or
 * not: the answer to a question nobody asked, a key with modifiers, or a paste mark
 * must not come through as letters that do things.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/base/util.h"
#include "weir/draw/keys.h"

#include "term-impl.h"

enum {
	ESC = 0x1b
};

/* What a sequence is, and how long; 0 bytes: it is not whole yet. */
struct taken {
	uint32_t key;
	size_t bytes;
};

/* Final bytes of `ESC [ ... X` and `ESC O X`. */
static uint32_t
key_of_final(unsigned char final)
{
	switch (final) {
	case 'A':
		return WK_UP;
	case 'B':
		return WK_DOWN;
	case 'C':
		return WK_RIGHT;
	case 'D':
		return WK_LEFT;
	case 'H':
		return WK_HOME;
	case 'F':
		return WK_END;
	case 'Z':
		return WK_SHIFT_TAB;
	case 'M': /* Enter of the keypad, in application mode */
		return WK_ENTER;
	case 'P':
	case 'Q':
	case 'R':
	case 'S':
		return WK_F1 + (uint32_t)(final - 'P');
	default:
		return WK_NONE;
	}
}

/* `ESC [ N ~` */
static uint32_t
key_of_number(unsigned n)
{
	static const struct {
		unsigned char n;
		uint32_t key;
	} keys[] = {
		{ 1, WK_HOME },
		{ 3, WK_DELETE },
		{ 4, WK_END },
		{ 5, WK_PGUP },
		{ 6, WK_PGDN },
		{ 7, WK_HOME },
		{ 8, WK_END },
		{ 11, WK_F1 },
		{ 12, WK_F1 + 1 },
		{ 13, WK_F1 + 2 },
		{ 14, WK_F1 + 3 },
		{ 15, WK_F1 + 4 },
		{ 17, WK_F1 + 5 },
		{ 18, WK_F1 + 6 },
		{ 19, WK_F1 + 7 },
		{ 20, WK_F1 + 8 },
		{ 21, WK_F10 },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].n == n)
			return keys[i].key;
	return WK_NONE;
}

/* The wheel moves as the arrows do; `ESC [ < button ; x ; y M`. */
static uint32_t
key_of_mouse(unsigned button)
{
	return button == 64 ? WK_UP : button == 65 ? WK_DOWN : WK_NONE;
}

static struct taken
take_csi(const unsigned char *p, size_t n)
{
	unsigned first = 0;
	bool counting = true;
	size_t i = 2;

	if (n > 2 && p[2] == '[') /* the Linux console: ESC [ [ A is F1 */
		return n < 4 ? (struct taken){ WK_NONE, 0 }
			     : (struct taken){ p[3] >= 'A' && p[3] <= 'E'
						       ? WK_F1 + (uint32_t)(p[3] - 'A')
						       : WK_NONE,
				       4 };
	if (n > 2 && p[2] == 'M') /* old mouse report: three bytes follow */
		return (struct taken){ WK_NONE, n < 6 ? 0 : 6 };
	for (; i < n && p[i] >= 0x20 && p[i] < 0x40; i++) {
		if (p[i] >= '0' && p[i] <= '9' && counting)
			first = MIN(first * 10 + (unsigned)(p[i] - '0'), 9999u);
		else if (p[i] == ';')
			counting = false;
	}
	if (i == n)
		return (struct taken){ WK_NONE, 0 };
	if (p[2] == '<')
		return (struct taken){ p[i] == 'M' ? key_of_mouse(first) : WK_NONE,
			i + 1 };
	if (p[2] >= 0x3c && p[2] <= 0x3f) /* private: an answer, not a key */
		return (struct taken){ WK_NONE, i + 1 };
	if (p[i] == '~')
		return (struct taken){ key_of_number(first), i + 1 };
	if (p[i] == 'R' && first > 1) /* an answer of term-probe.c that came late */
		return (struct taken){ WK_NONE, i + 1 };
	if (p[i] == ESC) /* cut short; the next one begins here */
		return (struct taken){ WK_NONE, i };
	return (struct taken){ key_of_final(p[i]), i + 1 };
}

static struct taken
take_utf8(const unsigned char *p, size_t n)
{
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	struct str s = { (const char *)p, need };
	struct cluster c;

	if (p[0] >= 0x80 && p[0] < 0xc2)
		return (struct taken){ WK_NONE, 1 };
	for (size_t i = 1; i < MIN(need, n); i++)
		if ((p[i] & 0xc0) != 0x80)
			return (struct taken){ WK_NONE, i };
	if (n < need)
		return (struct taken){ WK_NONE, 0 };
	if (!text_is_clean(s) || !text_next(&s, &c))
		return (struct taken){ WK_NONE, need };
	return (struct taken){ c.base, need };
}

static struct taken
take_plain(const unsigned char *p, size_t n)
{
	if (p[0] == '\r' || p[0] == '\n')
		return (struct taken){ WK_ENTER, 1 };
	if (p[0] == 0x7f || p[0] == 0x08)
		return (struct taken){ WK_BACKSPACE, 1 };
	if (p[0] < 0x20)
		return (struct taken){ p[0] ? p[0] : WK_NONE, 1 };
	return take_utf8(p, n);
}

static struct taken
take_escape(const unsigned char *p, size_t n)
{
	if (n < 2)
		return (struct taken){ WK_NONE, 0 };
	if (p[1] == '[')
		return take_csi(p, n);
	if (p[1] == 'O')
		return n < 3 ? (struct taken){ WK_NONE, 0 }
			     : (struct taken){ key_of_final(p[2]), 3 };
	/* Esc and the next key in one packet, or Alt: the same to us. */
	return (struct taken){ WK_ESC, 1 };
}

/* A key of terminfo: whole, or (bytes 0) the input is the beginning of one. */
static bool
take_special(const struct term_input *in, const struct term_special *special,
	size_t count, struct taken *ret_taken)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(special[i].text);

		if (memcmp(in->byte, special[i].text, MIN(n, in->n)) != 0)
			continue;
		*ret_taken = (struct taken){ special[i].key, n <= in->n ? n : 0 };
		return true;
	}
	return false;
}

uint32_t
term_input_take(struct term_input *in, const struct term_special *special,
	size_t specials, bool late)
{
	while (in->n > 0) {
		struct taken t;

		if (!take_special(in, special, specials, &t) || (t.bytes == 0 && late))
			t = in->byte[0] == ESC ? take_escape(in->byte, in->n)
					       : take_plain(in->byte, in->n);
		if (t.bytes == 0) {
			if (!late && in->n < INPUT_MAX)
				return WK_NONE;
			/* Esc alone; or the beginning of nothing. */
			t = (struct taken){
				in->byte[0] == ESC && in->n == 1 ? WK_ESC : WK_NONE, in->n
			};
		}
		in->n -= t.bytes;
		memmove(in->byte, in->byte + t.bytes, in->n);
		if (t.key != WK_NONE)
			return t.key;
	}
	return WK_NONE;
}

/* The length of `ESC [ row ; column R` at @p, or 0. */
static size_t
position_at(const unsigned char *p, size_t n, int *ret_column)
{
	size_t i = 2;
	int number[2] = { 0, 0 }, k = 0;

	if (n < 3 || p[0] != ESC || p[1] != '[')
		return 0;
	for (; i < n && ((p[i] >= '0' && p[i] <= '9') || p[i] == ';'); i++) {
		if (p[i] != ';')
			number[k] = MIN(number[k] * 10 + (p[i] - '0'), 9999);
		else if (++k > 1)
			return 0;
	}
	if (i == n || p[i] != 'R' || k != 1 || number[0] < 2)
		return 0;
	*ret_column = number[1];
	return i + 1;
}

bool
term_input_position(struct term_input *in, int *ret_column)
{
	for (size_t at = 0; at < in->n; at++) {
		size_t n = position_at(in->byte + at, in->n - at, ret_column);

		if (!n)
			continue;
		in->n -= n;
		memmove(in->byte + at, in->byte + at + n, in->n - at);
		return true;
	}
	return false;
}
