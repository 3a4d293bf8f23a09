#include "config.h"

#include "weir/cmd/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/util.h"
#include "weir/cmd/herald.h"
#include "weir/cmd/values.h"
#include "weir/core/filter.h"
#include "weir/draw/view.h"
#include "weir/export/export.h"

/* How a value is read; the words of options.def. */
enum option_type {
	TYPE_FLAG,
	TYPE_TEXT,
	TYPE_LIST,
	TYPE_DURATION,
	TYPE_WINDOW,
	TYPE_RATIO,
	TYPE_COUNT,
	TYPE_COUNT32,
	TYPE_BYTES,
	TYPE_SIZE,
	TYPE_SPEED,
	TYPE_MOMENT,
	TYPE_CHOICE,
	TYPE_STYLE,
	TYPE_VIEW,
	TYPE_FORMAT,
	TYPE_FILTER
};

const struct option option_table[] = {
#define OPTION(field, type, name, letter, arg, def, commands, group, section, help)    \
	{ name, letter, arg, def, commands, GROUP_##group, section, help, TYPE_##type, \
		offsetof(struct options, field) },
#include "options.def"
#undef OPTION
};
const unsigned option_count = ARRAY_LEN(option_table);

_Static_assert(ARRAY_LEN(option_table) <= OPTIONS_MAX, "make OPTIONS_MAX larger");

const struct command_row command_table[] = {
#define COMMAND(id, word, args, least, most, help) { word, args, least, most, help },
#include "weir/cmd/commands.def"
#undef COMMAND
};

static const char *const windows[] = { "10s", "1m", "5m", "15m", NULL };
static const char *const choices[] = { "auto", "always", "never", NULL };

void
text_list_add(struct text_list *l, const char *text)
{
	l->v = xreallocarray(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = xstrdup(text);
	l->v[l->n] = NULL;
}

void
text_list_done(struct text_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct text_list){ 0 };
}

struct diag *
mistakes_add(struct mistakes *m)
{
	enum {
		MOST = 100
	};

	if (m->n == MOST)
		return NULL;
	m->d = xreallocarray(m->d, m->n + 1, sizeof(*m->d));
	m->d[m->n] = (struct diag){ 0 };
	return &m->d[m->n++];
}

void
mistakes_done(struct mistakes *m)
{
	free(m->d);
	*m = (struct mistakes){ 0 };
}

bool
option_is_for(const struct option *option, enum command command)
{
	const char *word = command_table[command].word;
	size_t n = strlen(word);

	if (strcmp(option->commands, "all") == 0)
		return true;
	for (const char *p = option->commands; (p = strstr(p, word)) != NULL; p += n) {
		if ((p == option->commands || p[-1] == ' ') &&
			(p[n] == '\0' || p[n] == ' '))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ values */

/* A table of ops as a NULL-terminated list of their words. */
#define COLLECT_IDS(words, table, count)                                \
	do {                                                            \
		unsigned n_ = 0;                                        \
		for (; n_ < (count) && n_ < ARRAY_LEN(words) - 1; n_++) \
			(words)[n_] = (table)[n_]->id;                  \
		(words)[n_] = NULL;                                     \
	} while (0)

/* Checks what is kept as text all the same. */
static enum status
check_text(int type, const char *text, struct diag *d)
{
	const char *words[64];
	struct filter *f;
	unsigned i;

	switch (type) {
	case TYPE_VIEW:
		COLLECT_IDS(words, views, view_count);
		return value_word(text, words, "view", &i, d);
	case TYPE_FORMAT:
		COLLECT_IDS(words, exports, export_count);
		return value_word(text, words, "format", &i, d);
	case TYPE_FILTER:
		f = filter_new(text, d);
		filter_free(f);
		return f ? STATUS_OK : STATUS_ERR_USAGE;
	default:
		return STATUS_OK;
	}
}

static enum status
read_count32(const char *text, uint32_t *ret_count, struct diag *d)
{
	uint64_t wide;
	enum status s = value_count(text, &wide, d);

	if (s == STATUS_OK && wide > UINT32_MAX)
		return diag_set(d, STATUS_ERR_RANGE, "'%s' is too much", text);
	if (s == STATUS_OK)
		*ret_count = (uint32_t)wide;
	return s;
}

/* Read @text as @type into @field, which is untouched on failure. */
static enum status
read_value(int type, const char *text, void *field, struct diag *d)
{
	struct moment *moment = field;
	struct size *size = field;
	unsigned i = 0;
	enum status s;

	switch ((enum option_type)type) {
	case TYPE_FLAG:
		return value_bool(text, field, d);
	case TYPE_DURATION:
		return value_duration(text, field, d);
	case TYPE_WINDOW:
		s = value_word(text, windows, "window", &i, d);
		return s == STATUS_OK ? value_duration(windows[i], field, d) : s;
	case TYPE_RATIO:
		return value_ratio(text, field, d);
	case TYPE_COUNT:
		return value_count(text, field, d);
	case TYPE_COUNT32:
		return read_count32(text, field, d);
	case TYPE_BYTES:
		return value_bytes(text, field, d);
	case TYPE_SIZE:
		return value_size(text, &size->w, &size->h, d);
	case TYPE_SPEED:
		return value_speed(text, field, d);
	case TYPE_MOMENT:
		s = value_moment(text, &moment->us, &moment->absolute, d);
		moment->given = s == STATUS_OK;
		return s;
	case TYPE_CHOICE:
		s = value_word(text, choices, "choice", &i, d);
		if (s == STATUS_OK)
			*(enum choice *)field = (enum choice)i;
		return s;
	case TYPE_STYLE:
		return value_word(text, herald_styles, "style", field, d);
	case TYPE_TEXT:
	case TYPE_LIST:
	case TYPE_VIEW:
	case TYPE_FORMAT:
	case TYPE_FILTER:
		break;
	}
	return check_text(type, text, d);
}

static void
keep_text(struct options *o, unsigned i, enum layer layer, const char *text)
{
	void *field = (char *)o + option_table[i].offset;
	struct text_list *list = field;
	char **one = field;

	if (option_table[i].type == TYPE_LIST) {
		/* A list of a nearer layer replaces one of a farther layer as a whole. */
		if (layer > o->set_by[i])
			text_list_done(list);
		text_list_add(list, text);
		return;
	}
	free(*one);
	*one = xstrdup(text);
}

static bool
is_text(int type)
{
	return type == TYPE_TEXT || type == TYPE_LIST || type == TYPE_VIEW ||
	       type == TYPE_FORMAT || type == TYPE_FILTER;
}

/* Set option @i unless a nearer layer has; the value is checked either way. */
static enum status
set(struct options *o, unsigned i, enum layer layer, const char *text, struct diag *d)
{
	const struct option *option = &option_table[i];
	union {
		struct moment moment;
		struct size size;
		double real;
		int64_t wide;
		bool flag;
	} ignored;
	bool keep = layer >= o->set_by[i];
	void *field = (char *)o + option->offset;
	enum status s;

	s = read_value(option->type, text, keep ? field : &ignored, d);
	if (s != STATUS_OK || !keep)
		return s;
	if (is_text(option->type))
		keep_text(o, i, layer, text);
	o->set_by[i] = layer;
	return s;
}

/* ------------------------------------------------------------ lifetime */

void
options_init(struct options *o)
{
	struct diag d;

	*o = (struct options){ .speed = NAN, .duration_us = VALUE_FOREVER };
	for (unsigned i = 0; i < option_count; i++) {
		const char *initial = option_table[i].initial;

		if (initial && set(o, i, LAYER_DEFAULT, initial, &d) != STATUS_OK)
			die("--%s: default: %s", option_table[i].name, d.text);
	}
}

void
options_done(struct options *o)
{
	for (unsigned i = 0; i < option_count; i++) {
		void *field = (char *)o + option_table[i].offset;

		if (option_table[i].type == TYPE_LIST)
			text_list_done(field);
		else if (is_text(option_table[i].type))
			free(*(char **)field);
	}
	text_list_done(&o->args);
	tolerances_free(o->tolerances);
	*o = (struct options){ 0 };
}

/* Put @what before the sentence in @d. */
static void
prefix(struct diag *d, const char *what)
{
	char text[sizeof(d->text)];

	memcpy(text, d->text, sizeof(text));
	snprintf(d->text, sizeof(d->text), "%s: %.*s", what,
		(int)(sizeof(d->text) - strlen(what) - 3), text);
}

void
options_set(struct options *o, unsigned i, enum layer layer, const char *text,
	const char *what, const char *file, int line, struct mistakes *m)
{
	struct diag d = { 0 }, *kept;

	if (set(o, i, layer, text, &d) == STATUS_OK || (kept = mistakes_add(m)) == NULL)
		return;
	prefix(&d, what);
	*kept = d;
	snprintf(kept->file, sizeof(kept->file), "%s", file);
	kept->line = line;
}

void
options_show(const struct options *o, unsigned i, struct buf *out)
{
	const void *field = (const char *)o + option_table[i].offset;
	const struct text_list *list = field;
	const struct size *size = field;

	switch ((enum option_type)option_table[i].type) {
	case TYPE_FLAG:
		buf_adds(out, *(const bool *)field ? "yes" : "no");
		return;
	case TYPE_DURATION:
	case TYPE_WINDOW:
		if (*(const int64_t *)field != VALUE_FOREVER)
			buf_addf(out, "%gs", (double)*(const int64_t *)field / 1e6);
		return;
	case TYPE_RATIO:
		buf_addf(out, "%g%%", *(const double *)field * 100);
		return;
	case TYPE_COUNT:
	case TYPE_BYTES:
		buf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
		return;
	case TYPE_COUNT32:
		buf_addf(out, "%u", *(const uint32_t *)field);
		return;
	case TYPE_SIZE:
		buf_addf(out, "%dx%d", size->w, size->h);
		return;
	case TYPE_SPEED:
		buf_addf(out, "%g", *(const double *)field);
		return;
	case TYPE_CHOICE:
		buf_adds(out, choices[*(const enum choice *)field]);
		return;
	case TYPE_STYLE:
		buf_adds(out, herald_styles[*(const unsigned *)field]);
		return;
	case TYPE_LIST:
		for (unsigned n = 0; n < list->n; n++)
			buf_addf(out, "%s%s", n ? " " : "", list->v[n]);
		return;
	case TYPE_MOMENT:
		return;
	case TYPE_TEXT:
	case TYPE_VIEW:
	case TYPE_FORMAT:
	case TYPE_FILTER:
		buf_adds(out, *(char *const *)field ? *(char *const *)field : "");
		return;
	}
}
