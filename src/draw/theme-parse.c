#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "weir/base/util.h"

#include "theme-impl.h"

#define THEME_MAX_BYTES 65536
#define WORD_MAX 64

static const char *const role_names[] = {
#define ROLE(id, key, letter) key,
#include "weir/draw/roles.def"
#undef ROLE
	"name", "description", "ground", NULL
};

static const char *const depth_names[] = { [DEPTH_MONO] = "mono",
	[DEPTH_8] = "8",
	[DEPTH_16] = "16",
	[DEPTH_256] = "256",
	[DEPTH_TRUE] = "true",
	NULL };

static const char *const color_names[] = { "black", "red", "green", "yellow", "blue",
	"magenta", "cyan", "white", "bright-black", "bright-red", "bright-green",
	"bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
	NULL };

/* STYLE_ bits by position. */
static const char *const attr_names[] = { "bold", "dim", "reverse", "underline", "blink",
	NULL };

struct parser {
	struct theme *theme;
	const char *file;
	int line;
	struct diag *diag;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s.p++, s.n--;
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Take the part before @sep off @rest; false when nothing is left. */
static bool
take(struct str *rest, char sep, struct str *ret_part)
{
	const char *at;

	if (rest->n == 0)
		return false;
	at = memchr(rest->p, sep, rest->n);
	ret_part->p = rest->p;
	ret_part->n = at ? (size_t)(at - rest->p) : rest->n;
	rest->p += ret_part->n + (at != NULL);
	rest->n -= ret_part->n + (at != NULL);
	return true;
}

/* A NUL-terminated copy, for comparing and for messages. */
static const char *
copy_word(struct str s, char word[WORD_MAX])
{
	size_t n = MIN(s.n, WORD_MAX - 1);

	if (n)
		memcpy(word, s.p, n);
	word[n] = '\0';
	return word;
}

static int
index_of(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	return -1;
}

static enum status
no_such(const struct parser *p, const char *what, const char *word,
	const char *const *names)
{
	const char *near = nearest_name(word, names);

	return diag_at(p->diag, STATUS_ERR_UNKNOWN, p->file, p->line,
		near ? "no %s '%s' (%s?)" : "no %s '%s'", what, word, near);
}

/* #rrggbb, 0-255, a name or "default". */
static bool
parse_color(const char *word, int *ret_color)
{
	int named = index_of(word, color_names);
	char *end;
	unsigned long v;

	if (strcmp(word, "default") == 0) {
		*ret_color = COLOR_DEFAULT;
		return true;
	}
	if (named >= 0) {
		*ret_color = named;
		return true;
	}
	if (word[0] == '#') {
		if (strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6)
			return false;
		*ret_color = COLOR_RGB | (int)strtoul(word + 1, NULL, 16);
		return true;
	}
	if (word[0] < '0' || word[0] > '9')
		return false;
	v = strtoul(word, &end, 10);
	if (*end || v > 255)
		return false;
	*ret_color = (int)v;
	return true;
}

/* `fg [on bg] [attributes]`, or attributes alone. */
static enum status
parse_style(const struct parser *p, struct str value, struct theme_spec *spec)
{
	bool first = true, behind_on = false;
	struct str part;

	*spec = (struct theme_spec){ true, COLOR_DEFAULT, COLOR_DEFAULT, 0 };
	while (take(&value, ' ', &part)) {
		char word[WORD_MAX];
		int attr;

		part = trim(part);
		if (part.n == 0)
			continue;
		attr = index_of(copy_word(part, word), attr_names);
		if (behind_on) {
			if (!parse_color(word, &spec->bg))
				return no_such(p, "colour", word, color_names);
			behind_on = false;
		} else if (strcmp(word, "on") == 0) {
			behind_on = true;
		} else if (attr >= 0) {
			spec->attr |= 1u << attr;
		} else if (!first) {
			return no_such(p, "attribute", word, attr_names);
		} else if (!parse_color(word, &spec->fg)) {
			return no_such(p, "colour", word, color_names);
		}
		first = false;
	}
	if (first || behind_on)
		return diag_at(p->diag, STATUS_ERR_SYNTAX, p->file, p->line,
			"a colour is missing");
	return STATUS_OK;
}

/* What a theme says about itself. True when @key is such a thing. */
static bool
parse_about(const struct parser *p, const char *key, struct str value, enum status *ret)
{
	struct theme *t = p->theme;
	char word[WORD_MAX];

	*ret = STATUS_OK;
	if (strcmp(key, "name") == 0)
		snprintf(t->name, sizeof(t->name), "%.*s",
			(int)MIN(value.n, sizeof(t->name)), value.p);
	else if (strcmp(key, "description") == 0)
		snprintf(t->description, sizeof(t->description), "%.*s",
			(int)MIN(value.n, sizeof(t->description)), value.p);
	else if (strcmp(key, "ground") != 0)
		return false;
	else if (!parse_color(copy_word(value, word), &t->ground))
		*ret = no_such(p, "colour", word, color_names);
	return true;
}

/* `role`, `role@depth` or what the theme says about itself, and its value. */
static enum status
parse_entry(const struct parser *p, struct str key, struct str value)
{
	char role_word[WORD_MAX], depth_word[WORD_MAX];
	bool has_depth = memchr(key.p, '@', key.n) != NULL;
	struct str part = { 0 };
	struct theme_spec *spec;
	enum status s;
	int role, depth, slot = SPEC_ANY;

	take(&key, '@', &part);
	copy_word(trim(part), role_word);
	if (!has_depth && parse_about(p, role_word, value, &s))
		return s;
	role = index_of(role_word, role_names);
	if (role < 0 || role >= ROLE_COUNT)
		return no_such(p, "role", role_word, role_names);
	if (has_depth) {
		depth = index_of(copy_word(trim(key), depth_word), depth_names);
		if (depth < 0)
			return no_such(p, "depth", depth_word, depth_names);
		slot = SPEC_DEPTH + depth;
	}
	spec = &p->theme->spec[role][slot];
	if (spec->set)
		return diag_at(p->diag, STATUS_ERR_EXISTS, p->file, p->line,
			"role '%s' is given twice", role_word);
	return parse_style(p, value, spec);
}

static enum status
check_complete(const struct parser *p)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (!p->theme->spec[role][SPEC_ANY].set)
			return diag_at(p->diag, STATUS_ERR_SYNTAX, p->file, 0,
				"role '%s' is not given", role_names[role]);
	return STATUS_OK;
}

enum status
theme_parse_into(struct theme *t, struct str text, const char *file, struct diag *d)
{
	struct parser p = { .theme = t, .file = file, .diag = d };
	struct str line;

	t->ground = COLOR_DEFAULT;
	if (text.n > THEME_MAX_BYTES)
		return diag_at(d, STATUS_ERR_TOO_BIG, file, 0,
			"a theme has at most %d bytes", THEME_MAX_BYTES);
	while (take(&text, '\n', &line)) {
		struct str key;
		enum status s;

		p.line++;
		line = trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!memchr(line.p, '=', line.n))
			return diag_at(d, STATUS_ERR_SYNTAX, file, p.line,
				"expected 'role = colour'");
		take(&line, '=', &key);
		s = parse_entry(&p, trim(key), trim(line));
		if (s != STATUS_OK)
			return s;
	}
	return check_complete(&p);
}
