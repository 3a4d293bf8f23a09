/*
 * How wide are ● and ─ here? Unicode leaves it to the terminal whether they take one
 * cell or two, no locale tells which, and a wrong guess breaks every column. So we
 * print them and ask where the cursor is (DSR 6, "cursor position report").
 *
 * The row is not the first, because an answer from there has the form of F3 with
 * modifiers. An answer that comes too late is known for one by that and thrown away.
 */
#include "config.h"

#include <wchar.h>

#include "weir/base/util.h"
#include "weir/term/term.h"

#include "term-impl.h"

/* A terminal that is silent for so long does not know the question. */
#define SLICE_MS 10
#define SLICES 10

#define ROW "2"
#define SYMBOLS "\xe2\x97\x8f\xe2\x96\xb2\xe2\x97\x86\xe2\x96\xb6" /* ●▲◆▶ */
#define LINES "\xe2\x94\x80\xe2\x94\x82"                           /* ─│ */
#define ASK "\033[6n"

enum {
	SYMBOLS_END = 5, /* columns, from 1, when each takes one cell */
	LINES_END = 3
};

/* Without an answer: what the C library thinks of them in this locale. */
static enum charset
charset_of_locale(void)
{
	static const wchar_t symbols[] = { 0x25cf, 0x25b2, 0x25c6, 0x25b6 };

	for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
		if (wcwidth(symbols[i]) == 2)
			return CHARSET_SAFE;
	return CHARSET_UNICODE;
}

enum charset
term_charset(void)
{
	static const char ask[] =
		"\033[" ROW ";1H" SYMBOLS ASK "\r" LINES ASK "\r\033[2K";
	struct term_input *in = term_keys_begun();
	int column[2], n = 0;

	if (!in || !term_write(ask, sizeof(ask) - 1))
		return charset_of_locale();
	for (int slice = 0; n < 2 && slice < SLICES; slice++) {
		term_read(SLICE_MS);
		while (n < 2 && term_input_position(in, &column[n]))
			n++;
	}
	if (n < 2)
		return charset_of_locale();
	if (column[0] == SYMBOLS_END)
		return CHARSET_UNICODE;
	return column[1] == LINES_END ? CHARSET_SAFE_LINES : CHARSET_SAFE;
}
